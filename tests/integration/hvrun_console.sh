#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hvrun on a terminal: keys reach the guest, Ctrl-A commands work, and the terminal is
# as it was after every kind of end. hvlab-timeout: 1500
command -v python3 >/dev/null || {
	echo "no python3 here"
	exit 77
}
exec python3 - <<'END'
import os, pty, select, signal, sys, termios, time

count = bad = 0
screen = b""

def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)

def start(*words):
    """hvrun on a new terminal: pid, our end, the terminal's settings before."""
    global screen
    screen = b""
    gate, go = os.pipe()
    pid, fd = pty.fork()
    if pid == 0:
        os.read(gate, 1)
        os.execv(os.environ["HVRUN"], ["hvrun", "-m", "256",
            "-kernel", os.environ["GUEST_KERNEL"], "-initrd", os.environ["GUEST_INITRD"],
            "-append", "console=ttyS0 quiet cryptomgr.notests interactive", *words])
    before = termios.tcgetattr(fd)
    os.write(go, b"x")
    return pid, fd, before

def wait_for(fd, text, seconds=300):
    global screen
    end = time.monotonic() + seconds
    while text not in screen:
        if time.monotonic() > end:
            return False
        if select.select([fd], [], [], 1)[0]:
            try:
                screen += os.read(fd, 4096)
            except OSError:
                return text in screen
    screen = screen[screen.index(text) + len(text):]
    return True

def until(what, seconds=120):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True

def is_raw(fd):
    return not termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON)

def ended(pid, fd, seconds=120):
    """Exit status as a shell shows it, or None; reads what is still written."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if select.select([fd], [], [], 0.05)[0]:
            try:
                os.read(fd, 4096)
            except OSError:
                time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None

# keys, help, quit
pid, fd, before = start()
check(wait_for(fd, b"guest:/root#"), "the guest's shell asks")
check(is_raw(fd), "the terminal is raw")
os.write(fd, b"echo a$((40+2))b\r")
check(wait_for(fd, b"a42b"), "it answers what was typed")
os.write(fd, b"\x01h")
check(wait_for(fd, b"Ctrl-A x"), "Ctrl-A h helps")
os.write(fd, b"sleep 99\r")
time.sleep(1)
os.write(fd, b"\x03")
os.write(fd, b"echo c$((40+3))d\r")
check(wait_for(fd, b"c43d"), "Ctrl-C is the guest's")
os.write(fd, b"\x01x")
check(ended(pid, fd) == 0, "Ctrl-A x ends it with status 0")
check(termios.tcgetattr(fd) == before, "the terminal is as before")
os.close(fd)

# signals
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV):
    pid, fd, before = start()
    check(until(lambda: is_raw(fd)), f"raw before {number.name}")
    os.kill(pid, number)
    status = ended(pid, fd)
    check(status == 128 + number, f"{number.name} ends it, status {status}")
    check(termios.tcgetattr(fd) == before, f"the terminal is as before {number.name}")
    os.close(fd)

# job control
pid, fd, before = start()
until(lambda: is_raw(fd))
os.kill(pid, signal.SIGTSTP)
check(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]), "SIGTSTP stops it")
check(termios.tcgetattr(fd) == before, "the terminal is as before while it is stopped")
os.kill(pid, signal.SIGCONT)
check(until(lambda: is_raw(fd)), "and raw again when it goes on")
check(wait_for(fd, b"guest:/root#"), "the guest goes on as well")

# nobody reads: the guest waits, hvrun does not
os.write(fd, b"while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done\r")
time.sleep(3)
os.kill(pid, signal.SIGTERM)
time.sleep(2)
check(ended(pid, fd) == 128 + signal.SIGTERM, "it ends although nobody reads its output")
os.close(fd)

# -serial stdio: no commands, Ctrl-C is hvrun's
pid, fd, before = start("-serial", "stdio", "-display", "none")
check(until(lambda: is_raw(fd)), "-serial stdio is raw")
os.write(fd, b"\x03")
check(ended(pid, fd) == 128 + signal.SIGINT, "Ctrl-C ends hvrun there")
check(termios.tcgetattr(fd) == before, "the terminal is as before")
print(f"1..{count}")
sys.exit(bad > 0)
END
