# SPDX-License-Identifier: GPL-2.0-or-later
"""Where fetched and built things live, outside the tree, shared by concurrent runs.

A finished entry is a directory that appears by one rename and is never changed
afterwards, so that readers need no lock. Builders of the same entry exclude each
other with a lock file.
"""
import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path


# Longer than any builder may take.
LOCK_S = 3600


class LabError(Exception):
    """The lab itself cannot do what was asked; the text says what to do."""


def say(text):
    print(f"hvlab: {text}", file=sys.stderr, flush=True)


def root():
    base = os.environ.get("MYHV_CACHE")
    if not base:
        xdg = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        base = os.path.join(xdg, "myhv")
    path = Path(base).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def lock(name):
    folder = root() / "locks"
    folder.mkdir(exist_ok=True)
    with open(folder / name.replace("/", "_"), "w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that prepares {name}")
            _wait_for(f, name)
        yield


def _wait_for(f, name):
    end = time.monotonic() + LOCK_S
    while time.monotonic() < end:
        time.sleep(0.5)
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    raise LabError(f"another run prepares {name} for {LOCK_S} s: is it still alive?")


def entry(name, build):
    """The directory NAME of the cache. If it is missing, build(tmp, final) fills
    the directory `tmp`, which then becomes `final` at once."""
    final = root() / name
    if final.is_dir():
        return final
    with lock(name):
        if final.is_dir():
            return final
        final.parent.mkdir(parents=True, exist_ok=True)
        # Left by builders that were killed: nobody else can be at it under the lock.
        for stale in final.parent.glob(f".{final.name}.????????"):
            shutil.rmtree(stale, ignore_errors=True)
        tmp = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
        try:
            build(tmp, final)
            tmp.chmod(0o755)
            tmp.rename(final)
        except BaseException:
            shutil.rmtree(tmp, ignore_errors=True)
            raise
    return final


def forget(name):
    """Remove an entry, so that the next use builds it afresh."""
    with lock(name):
        path = root() / name
        if path.is_dir():
            grave = Path(tempfile.mkdtemp(prefix=".old.", dir=path.parent))
            path.rename(grave / "x")
            shutil.rmtree(grave, ignore_errors=True)
