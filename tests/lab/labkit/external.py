# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs programs of L0, those that fetch and build above all. None of them may hold up the
lab for ever: each has a limit, and what it has started ends with it."""
import ctypes
import os
import signal
import subprocess

# Packages that come over a slow line, and a build on a slow machine.
SECONDS = 900
BUILD_SECONDS = 2700


class Terminated(KeyboardInterrupt):
    """SIGTERM: somebody has lost patience with us."""


def _terminated(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def end_by_exception():
    """Let SIGTERM unwind the stack, so that children are killed and folders removed."""
    signal.signal(signal.SIGTERM, _terminated)


def die_with_parent():
    """In a fresh child: it does not outlive its parent, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def call(argv, seconds=SECONDS, **kw):
    """As subprocess.run(); stdin is empty unless there is `input`."""
    data = kw.pop("input", None)
    check = kw.pop("check", False)
    kw["stdin"] = subprocess.DEVNULL if data is None else subprocess.PIPE
    argv = [str(a) for a in argv]
    with subprocess.Popen(argv, start_new_session=True, preexec_fn=die_with_parent,
                          **kw) as process:
        try:
            out, err = process.communicate(data, seconds)
        except BaseException:
            _end_all(process)
            raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv, out, err)
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def _end_all(process):
    """Kills it and its descendants, but for those that left its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
