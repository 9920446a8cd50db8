# SPDX-License-Identifier: GPL-2.0-or-later
"""Why does L1 not get on? Before a silent L1 is killed, everybody who could know is asked:
its kernel (SysRq by a break on the serial line, then an NMI), the emulated CPUs (QEMU's
monitor), and L0's kernel about the emulator's own threads. Each question has a limit of its
own, because whoever is asked may be what hangs."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from . import external
from .cache import LabError, entry

# All of it, the debugger included, takes at most about a minute.
ANSWER_S = 5
DEBUGGER_S = 20
SYMBOLS_S = 90
SAMPLES = 5
STACK_WORDS = 96
QUEUES = 8
HVLAB = Path(__file__).resolve().parents[1] / "hvlab"


class MonitorError(Exception):
    """QEMU does not answer."""


class Monitor:
    """QEMU's monitor, by QMP."""

    def __init__(self, sock):
        self._sock = sock
        self._buffer = b""
        self._sock.settimeout(ANSWER_S)
        self._line()
        self.ask("qmp_capabilities")

    def _line(self):
        try:
            while b"\n" not in self._buffer:
                data = self._sock.recv(1 << 16)
                if not data:
                    raise MonitorError("has closed its monitor")
                self._buffer += data
        except socket.timeout:
            raise MonitorError(f"does not answer within {ANSWER_S} s") from None
        except OSError as e:
            raise MonitorError(str(e)) from None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def ask(self, command, **arguments):
        self._send({"execute": command, "arguments": arguments})
        while True:
            answer = self._line()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                return answer["error"].get("desc", "error")

    def _send(self, message):
        try:
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError as e:
            raise MonitorError(str(e)) from None

    def human(self, line):
        return str(self.ask("human-monitor-command", **{"command-line": line}))


# ---- L1's kernel ----

_STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^]]*\])? ?")
_TASK = re.compile(r"task:(\S+)\s+state:(\S)\s.*?pid:\s*(\d+)\s+ppid:\s*(\d+)")
_FRAME = re.compile(r"^\s*(?:RIP: \w+:)?([\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+")
_CPU = re.compile(r"NMI backtrace for cpu (\d+)(.*)")
# What every trace has and nobody asks about.
_PLUMBING = {"__schedule", "schedule", "ret_from_fork", "do_syscall_64",
             "entry_SYSCALL_64_after_hwframe", "entry_SYSCALL_64_safe_stack", "dump_stack_lvl"}


def compact(lines):
    """A line for each task of user space (name, pid, state) and each CPU, with its way in."""
    out, trace = [], None
    for line in lines:
        line = _STAMP.sub("", line)
        task, cpu, frame = _TASK.search(line), _CPU.search(line), _FRAME.match(line)
        if task:
            name, state, pid, parent = task.groups()
            trace = [] if "2" not in (pid, parent) else None
            if trace is not None:
                out.append((f"task {name} {pid} of {parent} {state}", trace))
        elif cpu:
            trace = []
            out.append((f"cpu {cpu[1]}{cpu[2]}", trace))
        elif frame and trace is not None:
            if frame[1] not in _PLUMBING and (not trace or trace[-1] != frame[1]):
                trace.append(frame[1])
        elif re.match(r"(Uhhuh|Dazed|Do you have|Kernel panic|rcu: |INFO: |BUG: )", line):
            out.append((line, []))
    return [f"{head}: {' < '.join(way[:14])}" if way else head for head, way in out]


class Autopsy:
    """`run` gives the log as it comes: pump(seconds) reads on, lines() is what came since."""

    def __init__(self, run, machine):
        self._run, self._machine = run, machine
        self._out = []
        self._symbols = None

    def _say(self, text):
        self._out += [line.rstrip() for line in text.splitlines()]

    def report(self):
        """Text for who has to find the cause."""
        monitor = None
        try:
            if self._machine.monitor:
                monitor = Monitor(self._machine.monitor)
                self._machine_state(monitor)
        except MonitorError as e:
            self._say(f"QEMU's main thread {e}")
            monitor = None
        self._threads()
        try:
            if monitor:
                self._ask_kernel(monitor)
        except MonitorError as e:
            self._say(f"QEMU's main thread {e}")
        return "\n".join(self._out)

    # ---- the machine ----

    def _machine_state(self, monitor):
        self._say(monitor.human("info status"))
        self._say(monitor.human("info cpus"))
        registers = monitor.human("info registers -a")
        keep = re.compile(r"^(CPU#|R[ABCDS][XIP]|RBP|RIP|CS |CR0|[A-Z0-9]+=.*RSP)")
        self._say("\n".join(line for line in registers.splitlines() if keep.match(line)))
        for cpu in range(registers.count("RIP=")):
            chip = monitor.human(f"info lapic {cpu}")
            self._say(f"local APIC {cpu}: " + ", ".join(
                " ".join(line.split()) for line in chip.splitlines()
                if re.match(r"(LVTT|Timer|SPIV|ISR|IRR)", line)))
        self._say(self._queues(monitor))
        places = [re.findall(r"RIP=([0-9a-f]+)", registers)]
        for _ in range(SAMPLES):
            time.sleep(0.2)
            places.append(re.findall(r"RIP=([0-9a-f]+)", monitor.human("info registers -a")))
        stacks = [self._stack(monitor, cpu, sp)
                  for cpu, sp in enumerate(re.findall(r"RSP=([0-9a-f]+)", registers))]
        # Names come last: they may have to be asked for.
        for cpu, (way, stack) in enumerate(zip(zip(*places), stacks)):
            self._say(f"CPU {cpu} is at {' '.join(map(self._name, way))}")
            self._say(f"CPU {cpu} has on its stack {' '.join(map(self._name, stack)) or '-'}")

    @staticmethod
    def _stack(monitor, cpu, sp):
        """What looks like return addresses into the kernel."""
        monitor.human(f"cpu {cpu}")
        words = re.findall(r"0x([0-9a-f]{16})\b",
                           monitor.human(f"x /{STACK_WORDS}gx 0x{sp}"))
        return [w for w in words if w.startswith(("ffffffff8", "ffffffff9", "ffffffffc"))]

    @staticmethod
    def _queues(monitor):
        """Requests that virtio devices have taken and not given back."""
        out = []
        devices = monitor.ask("x-query-virtio")
        for device in devices if isinstance(devices, list) else []:
            for queue in range(QUEUES):
                said = monitor.ask("x-query-virtio-queue-status", path=device["path"],
                                   queue=queue)
                if isinstance(said, dict) and said.get("used-idx"):
                    out.append(f"{device['name']} queue {queue}: {said['inuse']} in work, "
                               f"avail {said.get('last-avail-idx')}/"
                               f"{said.get('shadow-avail-idx')} used {said.get('used-idx')} "
                               f"signalled {said.get('signalled-used')}")
        return "\n".join(out)

    def _name(self, word):
        address = int(word, 16)
        if self._symbols is None:
            self._symbols = symbols(self._run.job)
        at = None
        low, high = 0, len(self._symbols)
        while low < high:
            middle = (low + high) // 2
            if self._symbols[middle][0] <= address:
                at, low = self._symbols[middle], middle + 1
            else:
                high = middle
        if not at or address - at[0] > 1 << 16:
            return f"{address:x}"
        return f"{at[1]}+{address - at[0]:#x}"

    # ---- the emulator, as L0 sees it ----

    def _threads(self):
        tasks = Path(f"/proc/{self._machine.process.pid}/task")
        before = _cpu_times(tasks)
        time.sleep(1)
        for tid, ticks in _cpu_times(tasks).items():
            busy = (ticks - before.get(tid, ticks)) * 100 // os.sysconf("SC_CLK_TCK")
            task = tasks / str(tid)
            state = re.search(r"^State:\s*(\S)", _text(task / "status"), re.M)
            stack = " < ".join(re.findall(r"\] ([\w.]+)\+", _text(task / "stack"))[:5])
            self._say(f"thread {tid} {_text(task / 'comm').strip()}: "
                      f"{state[1] if state else '?'}, {busy} % CPU, in {stack or 'user space'}")
        if shutil.which("gdb"):
            try:
                done = external.call(
                    ["gdb", "-p", self._machine.process.pid, "-batch", "-nx",
                     "-ex", "set pagination off", "-ex", "thread apply all bt 8"], DEBUGGER_S,
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                for text in done.stdout.split("\nThread ")[1:]:
                    names = re.findall(r"^#\d+ +(?:0x\w+ in )?(\w*) ?\(", text, re.M)
                    tid = re.search(r"LWP (\d+)", text)
                    self._say(f"thread {tid[1] if tid else '?'}: "
                              + " < ".join(n or "?" for n in names))
            except (OSError, subprocess.SubprocessError) as e:
                self._say(f"gdb: {e}")

    # ---- L1's kernel ----

    def _ask_kernel(self, monitor):
        for key, seconds, what in (("l", 3, "its CPUs"), ("t", 6, "its tasks")):
            lines = self._sysrq(monitor, key, seconds)
            self._say(f"L1's kernel about {what}:")
            self._say("\n".join(compact(lines)) or "(no answer to SysRq)")
            if not lines:
                break
        monitor.ask("inject-nmi")
        self._run.pump(10)
        lines = self._run.new_lines()
        self._say("L1's kernel after an NMI:")
        self._say("\n".join(compact(lines)) or "(nothing)")

    def _sysrq(self, monitor, key, seconds):
        self._run.new_lines()
        monitor.ask("chardev-send-break", id="log")
        self._run.pump(0.3)
        self._machine.type_log(key.encode())
        self._run.pump(seconds)
        return self._run.new_lines()


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _cpu_times(tasks):
    times = {}
    for task in sorted(tasks.glob("*"), key=lambda p: int(p.name)):
        fields = _text(task / "stat").rpartition(")")[2].split()
        if len(fields) > 12:
            times[int(task.name)] = int(fields[11]) + int(fields[12])
    return times


def symbols(job):
    """[(address, name)] of L1's kernel, which has no KASLR; modules are not among them. Only
    the kernel itself knows them, so a healthy L1 is asked, once."""
    if not job.kernel.pvh:
        return []

    def build(tmp, _final):
        external.call([HVLAB, "run", "--kernel", job.kernel.name, "--smp", "1", "--timeout",
                       str(SYMBOLS_S // 2), "--out", tmp, "--",
                       "sh", "-c", "grep -i ' t ' /proc/kallsyms | grep -v '\\[' >/out/text"],
                      SYMBOLS_S, check=True, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)

    try:
        path = entry(f"symbols/{job.kernel.release}", build) / "text"
    except (OSError, LabError, subprocess.SubprocessError):
        return []
    rows = (line.split() for line in path.read_text().splitlines())
    return sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3)
