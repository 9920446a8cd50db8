#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian 12 disk, as a user has one: SeaBIOS, GRUB, systemd, a login; work on the disk, a
# reboot that comes back, poweroff with status 0, and a file system with nothing to mend.
# FIRMWARE=uefi: the same by OVMF, which keeps its variables in vars.fd.
# hvlab-long, hvlab-timeout: 7200
command -v python3 >/dev/null || {
	echo "no python3 here"
	exit 77
}
cp --sparse=always "${DEBIAN_IMAGE:?}" disk.img || exit 1
exec python3 - <<'END'
import os, re, select, subprocess, sys, time

count = bad = 0
seen = b""

def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    return good

firmware, banner, root_at = [], rb"SeaBIOS \(version", 1 << 20
if os.environ.get("FIRMWARE") == "uefi":
    code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
    firmware = ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                "-drive", "if=pflash,format=raw,file=vars.fd"]
    banner, root_at = rb"BdsDxe: starting", 9 << 20
vm = subprocess.Popen([os.environ["HVRUN"], "-m", "512", "-nographic", "-hda", "disk.img",
                       *firmware], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                      stderr=open("err.log", "wb"))

def wait_for(pattern, seconds=2400):
    """Read until the pattern shows; what came before it is dropped."""
    global seen
    end = time.monotonic() + seconds
    while True:
        found = re.search(pattern, seen)
        if found:
            seen = seen[found.end():]
            return found
        if time.monotonic() > end or vm.poll() is not None:
            print("# last seen: " + repr(seen[-300:]))
            return None
        if select.select([vm.stdout], [], [], 1)[0]:
            data = os.read(vm.stdout.fileno(), 65536)
            seen += data

def say(text):
    vm.stdin.write(text.encode() + b"\n")
    vm.stdin.flush()

def log_in(what):
    begin = time.monotonic()
    ok = wait_for(banner) and wait_for(rb"GNU GRUB")
    check(ok, f"{what}: the firmware and GRUB")
    found = wait_for(banner + rb"|guest login: ")
    if not check(found and b"login" in found[0], f"{what}: it asks for a login"):
        return False
    print(f"# {what}: {time.monotonic() - begin:.1f} s to the login")
    say("root")
    if not check(wait_for(rb"root@guest:~# "), f"{what}: root is in"):
        return False
    return True

def run(command, pattern, what, seconds=240):
    say(command)
    return check(wait_for(pattern, seconds), what)

if log_in("start"):
    run("lsblk -dno NAME,MODEL /dev/sda; echo done$((1+1))", rb"MYHV HARDDISK[^$]*done2",
        "it sees the disk")
    run("dd if=/dev/urandom of=/root/noise bs=1M count=24 2>/dev/null; sync; "
        "md5sum /root/noise >/root/sum; sync; echo done$((2+2))", rb"done4", "it writes 24 MiB")
    run("dmesg --level=err,crit,alert,emerg | grep -i ata; echo errors$((3+3))",
        rb"errors6", "it answers")
    check(b"ata1" not in seen, "no ATA errors in its log")
    say("reboot")
    if log_in("after the reboot"):
        run("md5sum -c /root/sum && echo same$((4+4))", rb"same8", "what it wrote is there")
        run("systemctl is-system-running; echo state$((5+5))", rb"(running|starting)[^$]*state10",
            "systemd has nothing to complain of")
    say("poweroff")
    check(wait_for(rb"Power down"), "it powers off")
try:
    status = vm.wait(60)
except subprocess.TimeoutExpired:
    vm.kill()
    status = None
check(status == 0, f"hvrun ends with status 0, not {status}")
check(not os.path.getsize("err.log"), "hvrun had nothing to say")
print("# " + open("err.log").read(4000).replace("\n", "\n# "))
check(subprocess.run(["/sbin/e2fsck", "-fn", f"disk.img?offset={root_at}"],
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0,
      "e2fsck has nothing to mend")
print(f"1..{count}")
sys.exit(bad > 0)
END
