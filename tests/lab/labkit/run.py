# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a job in L1: relays its streams, watches the kernel log, and gives a verdict."""
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import bochs, qemu
from .autopsy import Autopsy
from .cache import say
from .external import Terminated
from .watch import LogWatch

BACKENDS = {"svm": qemu, "vmx": bochs}

EXIT_TIMEOUT = 124
EXIT_SICK = 125
EXIT_INTERRUPTED = 130

# How long a sick kernel may go on with its report, and a finished one with poweroff. The
# limit of the boot is the job's.
REPORT_S = 5
POWEROFF_S = 60
EXIT_S = 60
ESCAPE = b"\x1d"    # Ctrl-]
# The agent's first word: the emulator may have talked on its channel before.
PREAMBLE = b"\0hvlab\0"
HEADER = 5
FRAME_MAX = 32768


def _frame(kind, payload=b""):
    return kind + struct.pack("<I", len(payload)) + payload


class _Terminal:
    """hvlab's own terminal in raw mode, while the job has a terminal in L1."""

    @staticmethod
    @contextmanager
    def raw(fd):
        before = termios.tcgetattr(fd)
        tty.setraw(fd)
        try:
            yield
        finally:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    @staticmethod
    def size(fd):
        return fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))[:4]


class Run:
    def __init__(self, job, verbose):
        self.job, self.verbose = job, verbose
        self.started = time.monotonic()
        self.watch = LogWatch()
        self.status = None          # the job's exit status, once it ended
        self.stopped = None         # why hvlab ended L1 itself: as below, or interrupt
        self.deadline = self.started + job.timeout if job.timeout else None
        self.boot_deadline = self.started + job.kernel.boot_s   # None once the agent is up
        self.evidence = None
        self._heard = None          # when the agent said something last, if it has to
        self._received = bytearray()
        self._in_frames = False
        self._late = []             # lines of the log that hvlab itself has asked for
        self._to_agent = bytearray()
        self._selector = selectors.DefaultSelector()

    # ---- one event each ----

    def _on_log(self, fd):
        data = self._read(fd)
        sick_before = self.watch.reason
        self.watch.feed(data)
        if self.watch.reason and not sick_before:
            self._bring_forward(REPORT_S)

    def _on_agent(self, fd):
        self._received += self._read(fd)
        if not self._in_frames:
            before, self._in_frames, rest = self._received.partition(PREAMBLE)
            if not self._in_frames:
                return
            self._received = rest
        while len(self._received) >= HEADER:
            length = struct.unpack_from("<I", self._received, 1)[0]
            if len(self._received) < HEADER + length:
                return
            kind = self._received[:1]
            payload = bytes(self._received[HEADER:HEADER + length])
            del self._received[:HEADER + length]
            self._on_frame(kind, payload)

    def _on_frame(self, kind, payload):
        if kind == b"O":
            _write(1, payload)
        elif kind == b"E":
            _write(2, payload)
        elif kind == b"X":
            self.status, self._heard = payload[0], None
            self._to_agent += _frame(b"A")
            self.deadline = time.monotonic() + POWEROFF_S
        elif kind == b"H":
            self.boot_deadline = None
            self._heard = self.deadline
            if self.verbose:
                say(f"L1 ({self.job.kernel.release}) is up after "
                    f"{time.monotonic() - self.started:.1f} s")
        # Whoever reads the output may have taken his time.
        if self._heard:
            self._heard = time.monotonic()

    def _on_stdin(self, fd):
        data = os.read(fd, FRAME_MAX)
        if self.job.stdin == "tty" and ESCAPE in data:
            self.stopped = "interrupt"
            return
        if data:
            self._to_agent += _frame(b"I", data)
        else:
            self._to_agent += _frame(b"C")
            self._selector.unregister(fd)

    def _read(self, fd):
        try:
            data = os.read(fd, 1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            self._selector.unregister(fd)
            self._open.discard(fd)
        return data

    def _flush_to_agent(self, fd):
        if self._to_agent and fd is not None:
            try:
                del self._to_agent[:os.write(fd, self._to_agent)]
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass

    def _bring_forward(self, seconds):
        soon = time.monotonic() + seconds
        self.deadline = min(self.deadline or soon, soon)

    # ---- the run ----

    def run(self):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hvlab-")))
            backend = BACKENDS[self.job.backend]
            machine = backend.start(self.job, folder)
            process = machine.process
            stack.callback(_reap, process)
            self._open = {machine.log, machine.agent}
            for fd in {*self._open, machine.to_agent} - {None}:
                stack.callback(os.close, fd)
            self._selector.register(machine.log, selectors.EVENT_READ, self._on_log)
            self._selector.register(machine.agent, selectors.EVENT_READ, self._on_agent)
            if self.job.stdin != "none":
                self._selector.register(0, selectors.EVENT_READ, self._on_stdin)
            if self.job.stdin == "tty":
                stack.enter_context(_Terminal.raw(0))
                resize = lambda *_: self._to_agent.extend(_frame(b"W", _Terminal.size(0)))
                resize()
                signal.signal(signal.SIGWINCH, resize)
            try:
                self._loop(machine.to_agent)
            except Terminated:
                self.stopped = "signal"
            except KeyboardInterrupt:
                self.stopped = "interrupt"
            # A kernel that has reported its own sickness has said what there is to say.
            if self.stopped in ("boot", "silent", "deadline", "signal") and not self.watch.reason:
                self._examine(machine)
            self._end(process)
            died_of = backend.finish(self.job, folder)
            self.watch.finish()
            if self.job.log:
                self.job.log.write_bytes(b"\n".join(self.watch.lines + self._late) + b"\n")
            errors = (folder / "emulator.log").read_text(errors="replace").strip()
        failed = 0 if process.returncode in machine.ended else process.returncode
        return self._verdict(failed or bool(died_of), f"{errors}\n{died_of}".strip())

    def _loop(self, to_agent):
        while self._open and not self.stopped:
            wait = 0.2 if self._to_agent else 1.0
            silent = self._heard and self._heard + self.job.silence
            for what, deadline in (("boot", self.boot_deadline), ("silent", silent),
                                   ("deadline", self.deadline)):
                if deadline:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self.stopped = what
                        return
                    wait = min(wait, left)
            for key, _ in self._selector.select(wait):
                key.data(key.fileobj)
            self._flush_to_agent(to_agent)

    def _end(self, process):
        """The emulator has closed its channels, or is closed down."""
        if not self._open:
            try:
                process.wait(EXIT_S)
                return
            except subprocess.TimeoutExpired:
                say(f"the emulator did not end within {EXIT_S} s after L1 had")
        process.kill()
        process.wait()

    def _examine(self, machine):
        """Find out what a silent L1 is at, before it is killed."""
        said, self.watch = self.watch, LogWatch()
        try:
            self.evidence = Autopsy(self, machine).report()
        except (OSError, ValueError, KeyError, KeyboardInterrupt) as e:
            self.evidence = f"no more evidence: {e!r}"
        self.watch.finish()
        self._late, self.watch = self._late + self.watch.lines, said

    def pump(self, seconds):
        """For the autopsy: read on for so long, or until there was something and no more."""
        end = time.monotonic() + seconds
        heard = False
        while self._open and (left := end - time.monotonic()) > 0:
            events = self._selector.select(min(left, 1))
            if heard and not events:
                return
            for key, _ in events:
                if key.fileobj != 0:
                    key.data(key.fileobj)
                    heard = True

    def new_lines(self):
        """... and what the log has got since the last time."""
        lines, self.watch.lines = self.watch.lines, []
        self._late += lines
        return [line.decode(errors="replace") for line in lines]

    def _verdict(self, emulator_status, emulator_errors):
        if self.stopped == "interrupt":
            return EXIT_INTERRUPTED
        if self.watch.reason:
            return self._fail(EXIT_SICK, f"L1's kernel is sick: {self.watch.reason}")
        if self.status is not None:
            if self.stopped:
                return self._fail(EXIT_SICK, f"L1 did not power off within {POWEROFF_S} s")
            return self.status
        if self.stopped == "boot":
            return self._fail(EXIT_TIMEOUT, f"L1 was not up after {self.job.kernel.boot_s} s")
        if self.stopped == "silent":
            return self._fail(EXIT_TIMEOUT, f"L1 was silent for {self.job.silence:g} s")
        if self.stopped == "signal":
            return self._fail(EXIT_TIMEOUT, "told to end, L1 killed")
        if self.stopped:
            return self._fail(EXIT_TIMEOUT, f"timeout after {self.job.timeout:g} s, L1 killed")
        why = "L1 ended before the command did"
        if emulator_status:
            why = f"the emulator failed (status {int(emulator_status)}): {emulator_errors}"
        return self._fail(EXIT_SICK, why)

    def _fail(self, status, why):
        tail = self.watch.tail()
        if tail:
            print(f"--- L1's kernel log\n{tail}\n---", file=sys.stderr)
        if self.evidence:
            print(f"--- what L1 was at when it was killed\n{self.evidence}\n---",
                  file=sys.stderr)
        say(why)
        return status


def _write(fd, data):
    while data:
        data = data[os.write(fd, data):]


def _reap(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def run(job, verbose=False):
    if job.out:
        job.out.mkdir(parents=True, exist_ok=True)
        job.out = job.out.resolve()
    return Run(job, verbose).run()
