#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What QMP tells of a disk, and what the guest makes of it: it grows, a sector of the host's disk
# cannot be read, the host's file system is full. hvlab-long, hvlab-timeout: 600
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
cleanup()
{
	rmmod scsi_debug 2>/dev/null
	mountpoint -q full && umount full
}
trap cleanup EXIT
python3 - <<'END'
import glob, json, os, re, select, socket, subprocess, sys, time

OPTIONS = "/sys/bus/pseudo/drivers/scsi_debug/opts"
MEDIUM_ERRORS = "2"
count = bad = 0

def check(good, what):
    global count, bad
    count += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    return good

class Machine:
    """hvrun with a guest that does a job on its disk, and what both say."""
    def __init__(self, job, drive):
        self.said, self.events = b"", []
        self.vm = subprocess.Popen(
            [os.environ["HVRUN"], "-m", "192", "-nographic", "-drive", drive,
             "-qmp", "unix:qmp,server=on,wait=off", "-kernel", os.environ["GUEST_KERNEL"],
             "-initrd", os.environ["DISK_INITRD"], "-append",
             f"console=ttyS0 loglevel=4 cryptomgr.notests job={job}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open("err.log", "wb"))
        qmp = socket.socket(socket.AF_UNIX)
        while qmp.connect_ex("qmp"):
            time.sleep(0.1)
        self.qmp, self.unread = qmp, b""
        self.read()
        self.ask("qmp_capabilities")

    def read(self, seconds=120):
        """The next line of QMP; None: none comes."""
        end = time.monotonic() + seconds
        while b"\n" not in self.unread:
            if not select.select([self.qmp], [], [], max(0, end - time.monotonic()))[0]:
                return None
            try:
                data = self.qmp.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.unread += data
        line, self.unread = self.unread.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **arguments):
        self.qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "event" in (answer := self.read()):
            self.events.append(answer)
        return answer.get("return", answer)

    def status(self):
        return self.ask("query-status")["status"]

    def wait_for_event(self, name):
        """The next of this name, whatever came before it; None: none comes."""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event.get("data", {})
            event = self.read()
            if not event:
                return None
            self.events.append(event)

    def wait_for(self, pattern, seconds=120):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            if time.monotonic() > end:
                print(f"# last words: {self.said[-300:]}")
                return False
            if select.select([self.vm.stdout], [], [], 1)[0]:
                data = os.read(self.vm.stdout.fileno(), 65536)
                if not data:
                    return bool(re.search(pattern, self.said))
                self.said += data
        return True

    def ends_well(self, what):
        check(self.wait_for(rb"job: ok"), f"{what}: the guest is content")
        event = self.wait_for_event("SHUTDOWN")
        check(event and event["guest"] is True, f"{what}: SHUTDOWN tells that it switched off")
        check(self.vm.wait(30) == 0, f"{what}: status {self.vm.returncode}")

# a disk that grows
with open("disk.img", "wb") as disk:
    disk.truncate(8 << 20)
m = Machine("resize", "file=disk.img,format=raw")
check(m.wait_for(rb"size: 16384\r"), "the guest has a disk of 8 MiB")
check("error" in m.ask("block_resize", device="ide0-hd0", size=12345), "no odd size")
check("error" in m.ask("block_resize", device="nothing", size=1 << 24), "no unknown drive")
check(m.ask("block_resize", device="ide0-hd0", size=16 << 20) == {}, "block_resize to 16 MiB")
check(m.wait_for(rb"size: 32768\r"), "the guest finds 16 MiB")
check(os.path.getsize("disk.img") == 16 << 20, "the image has 16 MiB")
m.ends_well("a larger disk")
check(any(open("disk.img", "rb").read()[-512:]), "the guest's last sector is in the image")

# a sector that cannot be read
subprocess.run(["modprobe", "-q", "sd_mod"], check=False)
before = set(glob.glob("/sys/block/sd*"))
if subprocess.run(["modprobe", "-q", "scsi_debug", "dev_size_mb=8"], check=False).returncode:
    print("# no scsi_debug: disks that fail are left out")
else:
    end = time.monotonic() + 60
    while not (disk := [d for d in glob.glob("/sys/block/sd*") if d not in before]):
        assert time.monotonic() < end
        time.sleep(0.1)
    disk = "/dev/" + os.path.basename(disk[0])
    while not os.path.exists(disk):
        time.sleep(0.1)
    for action in ("stop", "report"):
        open(OPTIONS, "w").write(MEDIUM_ERRORS)
        subprocess.run(["blockdev", "--flushbufs", disk], check=False)
        m = Machine("read", f"file={disk},format=raw,cache=none,rerror={action}")
        event = m.wait_for_event("BLOCK_IO_ERROR")
        check(event and event["device"] == "ide0-hd0" and event["operation"] == "read" and
              event["action"] == action and not event.get("nospace"),
              f"rerror={action}: BLOCK_IO_ERROR says {event}")
        if action == "report":
            check(m.wait_for(rb"(?s)I/O error.*job: failed"), "the guest hears of it")
            check(m.vm.wait(60) == 0, "and goes on to its end")
            continue
        check(m.wait_for_event("STOP") is not None, "rerror=stop: STOP")
        check(m.status() == "io-error", "its status is io-error")
        m.ask("cont")
        check(m.wait_for_event("RESUME") is not None, "cont: RESUME")
        check(m.wait_for_event("BLOCK_IO_ERROR"), "it is tried again, and fails again")
        open(OPTIONS, "w").write("0")
        m.ask("cont")
        m.ends_well("a disk that was mended")

# no space left
os.mkdir("full")
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", "full"],
                  check=False).returncode == 0:
    with open("full/disk.img", "wb") as disk:
        disk.truncate(8 << 20)
    m = Machine("fill", "file=full/disk.img,format=raw")
    event = m.wait_for_event("BLOCK_IO_ERROR")
    check(event and event["operation"] == "write" and event["action"] == "stop" and
          event["nospace"] is True, f"a full file system: BLOCK_IO_ERROR says {event}")
    check(m.status() == "io-error", "the VM waits")
    subprocess.run(["mount", "-o", "remount,size=32M", "full"], check=True)
    m.ask("cont")
    m.ends_well("with space")
print(f"1..{count}")
sys.exit(bad > 0)
END
