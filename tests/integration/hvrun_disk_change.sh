#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Discs are changed while the guest looks: it ejects one, the user gives it another by QMP,
# takes that away, and gives it one in qcow2. hvlab-timeout: 900
command -v python3 >/dev/null || {
	echo "no python3 here"
	exit 77
}
exec python3 - <<'END'
import json, os, re, select, socket, subprocess, sys, time

count = bad = 0
seen = b""

def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)

for name, mib in (("one", 1), ("two", 2), ("three", 3)):
    with open(f"{name}.iso", "wb") as disc:
        disc.write(f"disc {name}\n".encode())
        disc.truncate(mib << 20)
subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "three.iso", "three.qcow2"],
               check=True)

vm = subprocess.Popen([os.environ["HVRUN"], "-m", "192", "-nographic", "-cdrom", "one.iso",
                       "-qmp", "unix:qmp,server=on,wait=off", "-kernel", os.environ["GUEST_KERNEL"],
                       "-initrd", os.environ["DISK_INITRD"], "-append",
                       "console=ttyS0 quiet cryptomgr.notests job=change"],
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

def wait_for(text, seconds=300):
    global seen
    end = time.monotonic() + seconds
    while not re.search(text, seen):
        if time.monotonic() > end or vm.poll() is not None:
            print("# last seen: " + repr(seen[-200:]))
            return False
        if select.select([vm.stdout], [], [], 1)[0]:
            seen += os.read(vm.stdout.fileno(), 65536)
    seen = seen[re.search(text, seen).end():]
    return True

check(wait_for(rb"disc: disc one, 2048 sectors"), "the first disc")
qmp = socket.socket(socket.AF_UNIX)
qmp.connect("qmp")
lines = qmp.makefile("rw")

def ask(command, **arguments):
    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "return" in answer or "error" in answer:
            return answer

lines.readline()
ask("qmp_capabilities")

def tray():
    drive = [d for d in ask("query-block")["return"] if d["device"] == "ide1-cd0"][0]
    return drive.get("tray_open"), drive.get("inserted", {}).get("file")

check(wait_for(rb"tray: open"), "the guest ejects it")
check(tray()[0] is True, "QMP knows that the tray is open")
check("error" in ask("blockdev-change-medium", device="ide1-cd0", filename="nothere.iso"),
      "a disc that does not exist is refused")
check("return" in ask("blockdev-change-medium", device="ide1-cd0", filename="two.iso"),
      "another one goes in")
check(wait_for(rb"disc: disc two, 4096 sectors"), "the guest sees the second disc")
check(tray() == (False, "two.iso"), "so does QMP")
answer = ask("eject", device="ide1-cd0")
if "error" in answer:
    # Linux keeps the tray shut while it has the disc open: it is asked to let go.
    answer = ask("eject", device="ide1-cd0", force=True)
check("return" in answer, "the user takes it out")
check(wait_for(rb"disc: gone"), "the guest sees that")
check("return" in ask("blockdev-change-medium", device="ide1-cd0", filename="three.qcow2"),
      "a disc in qcow2 goes in")
check(wait_for(rb"disc: disc three, 6144 sectors"), "the guest sees the third disc")
check(wait_for(rb"job: ok"), "the guest is content")
check(vm.wait(300) == 0, "and ends with status 0")
print(f"1..{count}")
sys.exit(bad > 0)
END
