#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine from start to end by QMP alone: what is asked, what is ordered, and the events, in
# their order, of a guest that resets, is reset, stopped, and switches off. hvlab-timeout: 120
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
. "${0%/*}/lib.sh"
CPUS=$(bios_cpus 2)
export CPUS
exec python3 - <<'END'
import json, os, socket, subprocess, sys, time

count = bad = 0

def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)

cpus = int(os.environ["CPUS"])
disk = bytearray(1 << 20)
image = open(os.environ["GUEST_DIR"] + "/bootsector.bin", "rb").read()
disk[:len(image)] = image
open("disk.img", "wb").write(disk)
vm = subprocess.Popen([os.environ["HVRUN"], "-m", "64", "-smp", str(cpus), "-display", "none", "-S",
                       "-name", "asked", "-uuid", "123e4567-e89b-12d3-a456-426614174000",
                       "-serial", "stdio", "-qmp", "unix:qmp,server=on,wait=off",
                       "-drive", "file=disk.img,format=raw"],
                      stdin=subprocess.PIPE, stdout=open("serial.log", "wb"))
qmp = socket.socket(socket.AF_UNIX)
while qmp.connect_ex("qmp"):
    time.sleep(0.1)
qmp.settimeout(100)
lines = qmp.makefile("rw")
greeting = json.loads(lines.readline())
events = []

def ask(command, **arguments):
    lines.write(json.dumps({"execute": command, "arguments": arguments, "id": 7}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer.get("return", answer)
        events.append(answer)

def say(words):
    """What the monitor for people answers."""
    answer = ask("human-monitor-command", **{"command-line": words})
    return answer if isinstance(answer, str) else answer["error"]["desc"]

def event(name):
    """The next event, which must have this name: its data, or None."""
    while not events:
        line = lines.readline()
        if not line:
            return None
        events.append(json.loads(line))
    found = events.pop(0)
    if found["event"] != name:
        print(f"# {found}")
        return None
    return found.get("data", {})

def listening(times):
    """The guest has come up so many times."""
    end = time.monotonic() + 60
    while open("serial.log", "rb").read().count(b"bootsector: listening") < times:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True

check("version" in greeting["QMP"], "a greeting")
check(ask("query-status")["error"]["class"] == "CommandNotFound", "nothing before qmp_capabilities")
check(ask("qmp_capabilities") == {}, "then everything")
check(ask("query-status")["status"] == "prelaunch", "-S: prelaunch")
check(ask("query-name") == {"name": "asked"}, "query-name")
check(ask("query-uuid")["UUID"].startswith("123e4567-"), "query-uuid")
check(len(ask("query-cpus-fast")) == cpus, "query-cpus-fast")
check(ask("query-block")[0]["inserted"]["file"] == "disk.img", "query-block")
check("major" in ask("query-version")["qemu"], "query-version")
ask("cont")
check(event("RESUME") is not None, "cont: RESUME")
check(listening(1), "the guest comes up")
ask("system_reset")
check(event("RESET") == {"guest": False, "reason": "host-qmp-system-reset"}, "system_reset: RESET")
check(listening(2), "it comes up again")
vm.stdin.write(b"r")
vm.stdin.flush()
check(event("RESET") == {"guest": True, "reason": "guest-reset"}, "the guest resets: RESET")
check(listening(3), "and comes up")
ask("stop")
check(event("STOP") is not None and ask("query-status")["status"] == "paused", "stop: STOP")
check("listening" not in say("info registers") and "RIP=" in say("info registers"),
      "the monitor's words by QMP")
first = " 0x".join(["", *(f"{byte:02x}" for byte in disk[:12])])
for word in "xp", "x":
    got = "".join(line.partition(":")[2] for line in say(f"{word} /12xb 0x7c00").splitlines())
    check(got == first, f"{word} shows the boot sector where the BIOS puts it: {got}")
check(say("xp /1xw 0x7bf0+0x10").split() ==
      ["0000000000007c00:", f"0x{int.from_bytes(disk[:4], 'little'):08x}"], "xp reckons, in words")
check("Cannot access" in say("xp /1xb 0x100000000"), "where there is no memory, xp says so")
check("no address" in say("xp /1xb nowhere"), "and what is no address")
check(say("info mem").startswith("PG disabled"), "info mem: no page tables in real mode")
check("device   1, function 1" in say("info pci") and "8086:7010" in say("info pci"),
      "info pci has the IDE controller")
check(say("info cpus").count("thread_id=") == cpus, "info cpus has all")
ask("cont")
check(event("RESUME") is not None, "cont: RESUME")
ask("system_powerdown")
check(event("POWERDOWN") is not None, "system_powerdown: POWERDOWN")
check(event("SHUTDOWN") == {"guest": True, "reason": "guest-shutdown"}, "and the guest's SHUTDOWN")
check(vm.wait(30) == 0, "status 0")
check(not os.path.exists("qmp"), "the socket is gone")
print(f"1..{count}")
sys.exit(bad > 0)
END
