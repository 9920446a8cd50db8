#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Linux guest as a person uses it: GRUB's menu and the kernel's text console in a terminal, a line
# typed on the PS/2 keyboard, the PS/2 mouse, and its frame buffers: Debian's driver for the card,
# and VESA's, set up by firmware. What is on them is compared dot by dot.
# hvlab-long hvlab-timeout: 900
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
command -v tmux >/dev/null || { echo "no tmux here"; exit 77; }
export TERM=xterm LANG=C.UTF-8 LC_ALL=C.UTF-8
cp --sparse=always "${SCREEN_IMAGE:?}" disk.img || exit 1
exec python3 - <<'END'
import json, os, re, socket, subprocess, sys, time

count = bad = 0
def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    return good

def until(what, seconds=240):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.3)
    return None

def tmux(*words):
    return subprocess.run(["tmux", "-L", "hvrun-test", *words], stdout=subprocess.PIPE,
                          text=True, check=False).stdout

def shown():
    return tmux("capture-pane", "-p")

def said():
    return open("serial.log", errors="replace").read() if os.path.exists("serial.log") else ""

class Qmp:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        until(lambda: self.socket.connect_ex("qmp") == 0)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")
    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "event" not in reply:
                return reply.get("return", reply)
    def monitor(self, line):
        return self("human-monitor-command", **{"command-line": line})

def dump(qmp):
    """(width, height, dots) of the screen"""
    qmp("screendump", filename="a.ppm", format="ppm")
    data = open("a.ppm", "rb").read()
    head = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
    return int(head[1]), int(head[2]), data[head.end():]

def only(qmp, size, dot):
    """Is the screen of that size, and all of it of that colour? Looking at each dot by itself
    takes this host half a minute."""
    return dump(qmp) == (*size, dot * (size[0] * size[1]))

def others(qmp, dot):
    """What else is there, for people"""
    width, height, dots = dump(qmp)
    at = [i for i in range(width * height) if dots[3 * i:3 * i + 3] != dot]
    return f"{width} x {height}, {len(at)} others: " + ", ".join(
        f"{i % width},{i // width}: {dots[3 * i:3 * i + 3].hex()}" for i in at[:4] + at[-4:])

def run(entry, console, driver):
    """Boot by the menu's entry; `console` is what the kernel finds, `driver` what it ends with."""
    for name in ("serial.log", "qmp"):
        if os.path.exists(name):
            os.unlink(name)
    tmux("new-session", "-d", "-x", "130", "-y", "52",
         f"{os.environ['HVRUN']} -m 400 -hda disk.img -display curses -serial file:serial.log "
         "-qmp unix:qmp,server=on,wait=off 2>err.log; echo status $?; sleep 600")
    if not check(until(lambda: "GNU GRUB" in shown() and "graphics" in shown()),
                 f"{entry}: GRUB's menu is in the terminal"):
        print("# " + shown())
    qmp = Qmp()
    if entry == "graphics":
        qmp.monitor("sendkey down")
    qmp.monitor("sendkey ret")
    check(until(lambda: f"screen: {console}\n" in said()), f"{entry}: the console is {console}")
    if console == "text":
        check(until(lambda: "a text console 42" in shown()), f"{entry}: the terminal shows it")
        for key in "hello":
            tmux("send-keys", key)
        tmux("send-keys", "Enter")
    else:
        width, height, dots = dump(qmp)
        check((width, height) == (1024, 768), f"{entry}: {width} x {height} dots")
        check(dots != dots[:3] * (width * height), f"{entry}: there is something on it")
        check("1024 x 768" in shown(), f"{entry}: the terminal tells of it in words")
        for key in "hello":
            qmp.monitor(f"sendkey {key}")
        qmp.monitor("sendkey ret")
    check(until(lambda: "typed: hello" in said()), f"{entry}: what was typed arrives")
    qmp.monitor("mouse_move 10 5")
    check(until(lambda: "mouse: 28 0a fb" in said()), f"{entry}: the mouse moves")
    qmp.monitor("mouse_button 1")
    check(until(lambda: re.search(r"mouse: [02]9 00 00", said())), f"{entry}: a button goes down")
    qmp.monitor("mouse_button 0")
    check(until(lambda: re.search(r"mouse: [02]8 00 00", said())), f"{entry}: and up")
    found = until(lambda: re.search(rf"screen: {driver} (\d+),(\d+)", said()))
    if check(found, f"{entry}: the frame buffer is {driver}'s"):
        size = int(found[1]), int(found[2])
        # as the guest wrote it: "ABC" and a byte that nobody sees, blue first
        if not check(until(lambda: only(qmp, size, b"CBA")),
                     f"{entry}: all of its {size[0]} x {size[1]} dots are as they were written"):
            print("# " + others(qmp, b"CBA"))
    for key in ("b", "y", "e", "ret"):
        qmp.monitor(f"sendkey {key}")
    check(until(lambda: "job: ok" in said()), f"{entry}: the guest is content")
    check(until(lambda: "status 0" in shown()), f"{entry}: and switches off")
    check(not os.path.getsize("err.log"), f"{entry}: hvrun has nothing to say")
    if bad:
        print("# " + said()[-600:].replace("\n", "\n# "))
    tmux("kill-server")

run("text", "text", "bochs-drmdrmfb")
run("graphics", "VESA VGA", "VESA VGA")
print(f"1..{count}")
sys.exit(bad > 0)
END
