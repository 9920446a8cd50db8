#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu_control WRAPPER KERNEL INITRD: what QEMU's monitor and gdbstub do to a guest on myhv.

Prints TAP. Runs where the module is loaded; needs nothing but QEMU and qemu-img.
"""
import atexit
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from tap import tap  # noqa: E402

WAIT_S = 600
GAP_S = 15  # between savevm and loadvm
TIMER_VECTOR = 0xec  # Linux's LOCAL_TIMER_VECTOR
WORDS = "console=ttyS0 quiet cryptomgr.notests no_timer_check nokaslr"


def connect(path):
    for _ in range(WAIT_S * 5):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(str(path))
            s.settimeout(WAIT_S)
            return s
        except OSError:
            s.close()
            time.sleep(0.2)
    sys.exit(f"nobody listens at {path}")


class Machine:
    """A QEMU with a monitor, a console in a file and a gdbstub."""

    def __init__(self, name, wrapper, kernel, initrd, *arguments, accel="kvm"):
        self.console = Path(f"{name}.console")
        self.stderr = Path(f"{name}.stderr")
        with open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(
                [wrapper, "-accel", accel, "-M", "pc", "-m", "160", "-nodefaults",
                 "-display", "none", "-vga", "std", "-no-reboot", "-kernel", kernel,
                 "-initrd", initrd, "-append", WORDS, "-serial", f"file:{self.console}",
                 "-qmp", f"unix:{name}.qmp,server=on,wait=off",
                 "-gdb", f"unix:path={name}.gdb,server=on,wait=off", *arguments],
                stdin=subprocess.DEVNULL, stderr=err)
        atexit.register(self.process.kill)
        self.file = connect(f"{name}.qmp").makefile("rw")
        self.file.readline()
        self.qmp("qmp_capabilities")

    def qmp(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.file)
        self.file.write("\n")
        self.file.flush()
        for line in self.file:
            answer = json.loads(line)
            if "return" in answer or "error" in answer:
                return answer.get("return", answer)
        sys.exit(f"QEMU went away: {self.stderr.read_text()}")

    def hmp(self, line):
        return self.qmp("human-monitor-command", **{"command-line": line})

    def text(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def counted(self):
        numbers = re.findall(r"count (\d+)\r?\n", self.text())
        return int(numbers[-1]) if numbers else 0

    def clocks(self, mark=0):
        """The guest's seconds since its boot, each time it told them."""
        return [float(s) for s in re.findall(r"clock (\d+\.\d+)\r?\n", self.text()[mark:])]

    def wait_count(self, least):
        for _ in range(WAIT_S * 5):
            if self.counted() >= least or self.process.poll() is not None:
                break
            time.sleep(0.2)
        return self.counted() >= least

    def status(self):
        return self.qmp("query-status")["status"]

    def wait_migrated(self):
        for _ in range(WAIT_S * 5):
            status = self.qmp("query-migrate").get("status")
            if status in ("completed", "failed", "cancelled"):
                return status
            time.sleep(0.2)
        return "too late"

    def quit(self):
        self.file.write('{"execute": "quit"}\n')
        self.file.flush()
        return self.process.wait(WAIT_S)


class Gdb:
    """The little of GDB's remote protocol that is needed here."""

    def __init__(self, path):
        self.socket = connect(path)
        self.buffer = b""
        # to connect stops the guest, which is reported some time
        self.ask("?")
        time.sleep(1)
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                self.socket.sendall(b"+")
        except BlockingIOError:
            pass
        self.socket.settimeout(WAIT_S)
        self.buffer = b""

    def _packet(self):
        while True:
            found = re.search(rb"\$([^#]*)#..", self.buffer)
            if found:
                self.buffer = self.buffer[found.end():]
                self.socket.sendall(b"+")
                return found[1].decode()
            self.buffer += self.socket.recv(65536)

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xff))

    def ask(self, text):
        self.send(text)
        return self._packet()

    def rip(self):
        # sixteen registers of 8 bytes stand before it
        return int.from_bytes(bytes.fromhex(self.ask("g")[256:272]), "little")

    def gate(self, address):
        """The offset in a 64-bit gate of the IDT."""
        gate = bytes.fromhex(self.ask(f"m{address:x},c"))
        return int.from_bytes(gate[0:2] + gate[6:12], "little")

    def interrupt(self):
        self.socket.sendall(b"\x03")
        return self._packet()


def info(m):
    tap.ok("kvm support: enabled" in m.hmp("info kvm"), "info kvm: enabled")
    tap.ok(m.qmp("query-kvm") == {"enabled": True, "present": True}, "query-kvm")
    tap.ok(re.search(r"RIP=[0-9a-f]{16}", m.hmp("info registers")), "info registers")
    m.qmp("screendump", filename="screen.ppm")
    tap.ok(Path("screen.ppm").stat().st_size > 100000, "a picture of the screen")


def debug(m, name):
    gdb = Gdb(f"{name}.gdb")
    # what certainly comes by again and again: the handler of the timer's interrupt
    table = re.search(r"^IDT= *([0-9a-f]{16})", m.hmp("info registers"), re.M)
    place = gdb.gate(int(table[1], 16) + TIMER_VECTOR * 16)
    kinds = [("1", "hardware")]
    # QEMU's TCG, which is the lab's CPU, takes INT3 past the intercept, on KVM as well
    if not os.environ.get("MYHV_LAB"):
        kinds.append(("0", "software"))
    for kind, words in kinds:
        answer = gdb.ask(f"Z{kind},{place:x},1")
        tap.ok(answer == "OK", f"gdb: a {words} breakpoint at {place:#x}: {answer}")
        stops = []
        for _ in range(3):
            answer = gdb.ask("c")
            stops.append(gdb.rip())
        tap.ok(stops == [place] * 3, f"gdb: stops there: {[hex(s) for s in stops]} {answer}")
        gdb.ask(f"z{kind},{place:x},1")
    steps = [place]
    for _ in range(10):
        gdb.ask("s")
        steps.append(gdb.rip())
    tap.ok(len(set(steps)) > 8, f"gdb: single steps: {[hex(s) for s in steps]}")
    gdb.send("c")
    count = m.counted()
    tap.ok(m.wait_count(count + 3), "the guest goes on")
    gdb.interrupt()
    gdb.ask("D")
    gdb.socket.close()


def save_and_load(m):
    tap.ok("clocksource kvm-clock" in m.text(), "the guest's clock is KVM's")
    save_start, clock = time.monotonic(), m.clocks()[-1]
    tap.ok("Error" not in (said := m.hmp("savevm one")), f"savevm {said}")
    save_end = time.monotonic()
    saved = m.counted()
    tap.ok(m.wait_count(saved + 4), "the guest goes on")
    time.sleep(max(0.0, GAP_S - (time.monotonic() - save_end)))
    load_start = time.monotonic()
    mark = len(m.text())
    tap.ok("Error" not in (said := m.hmp("loadvm one")), f"loadvm {said}")
    for _ in range(WAIT_S * 5):
        again = re.findall(r"count (\d+)\r?\n", m.text()[mark:])
        if len(again) > 3:
            break
        time.sleep(0.2)
    tap.ok(again and int(again[1]) <= saved + 3, f"and is where it was saved: {saved}, {again[:3]}")
    # time between the two calls is no time of what was saved
    most = (time.monotonic() - save_start) - (load_start - save_end) + 1
    now = m.clocks(mark)[-1]
    tap.ok(clock <= now <= clock + most,
           f"its clock goes on from there: {clock}, {now}, at most {clock + most:.2f}")


def stop_and_go(m):
    m.qmp("stop")
    count = m.counted()
    time.sleep(1)
    tap.ok(m.status() == "paused" and m.counted() <= count + 1, "stop")
    m.qmp("cont")
    tap.ok(m.wait_count(count + 3), "cont")


def migrate(source, target, words):
    count, start = source.counted(), time.monotonic()
    source.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 30, "downtime-limit": 2000})
    source.qmp("migrate", uri="unix:migration")
    status = source.wait_migrated()
    tap.ok(status == "completed", f"{words}: {status}")
    if status != "completed":
        print("#", json.dumps(source.qmp("query-migrate")), target.stderr.read_text())
    tap.ok(source.status() == "postmigrate", f"{words}: the source has stopped")
    tap.ok(target.wait_count(count + 3), f"{words}: the target goes on")
    before, after = source.clocks()[-1], target.clocks()
    most = before + time.monotonic() - start + 1
    tap.ok(after and before <= after[0] <= after[-1] <= most,
           f"{words}: its clock goes on: {before}, {after[:1]}, {after[-1:]}, at most {most:.2f}")


def move(machine, words, accel):
    """A guest with two processors that dirties memory, from one QEMU to another."""
    source = machine("source", "-smp", "2", accel=accel)
    tap.ok(source.wait_count(2), f"{words}: a guest counts")
    target = machine("target", "-smp", "2", "-incoming", "unix:migration", accel=accel)
    migrate(source, target, words)
    tap.ok("WRONG" not in target.text() + source.text(), f"{words}: its memory is right")
    source.quit()
    tap.ok(target.quit() == 0, f"{words}: quit")
    for m in source, target:
        m.console.unlink()


def main():
    wrapper, kernel, initrd, *extra = sys.argv[1:]

    def machine(name, *args, **more):
        return Machine(name, wrapper, kernel, initrd, *extra, *args, **more)

    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "disk.qcow2", "64M"], check=True)
    disk = ("-drive", "file=disk.qcow2,format=qcow2,if=none,id=d", "-device", "virtio-blk,drive=d")
    m = machine("first", *disk)
    tap.ok(m.wait_count(2), "the guest counts")
    info(m)
    stop_and_go(m)
    debug(m, "first")
    save_and_load(m)
    tap.ok("WRONG" not in m.text(), "its memory is right")
    tap.ok(m.quit() == 0, "quit")

    move(machine, "migration by dirty log", "kvm")
    move(machine, "migration by dirty ring", "kvm,dirty-ring-size=4096")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
