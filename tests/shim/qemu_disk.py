#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu_disk WRAPPER NEW-QEMU MACHINE...: a Debian disk under QEMU on myhv, as a user has one.

Firmware, a boot loader, systemd, a login; work on the virtio disk, the user network both ways, a
reboot, poweroff, and a file system with nothing to mend. Prints TAP. NEW-QEMU is the folder of
QEMU 10.0. Each MACHINE is "QEMU|PROCESSORS|ARGUMENTS|WHAT", WHAT words of: bios or efi or kernel
(what is booted; a kernel's machine has no poweroff, and ends at its reboot), net, reboot.
"""
import http.server
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True

from tap import tap  # noqa: E402

WAIT_S = 2400
OVMF = Path("/usr/share/OVMF")
FETCHED = os.urandom(3 << 20)
ROOT_AT = {"bios": 1 << 20, "kernel": 1 << 20}
NETWORK = "[Match]\\nType=ether\\n[Network]\\nDHCP=ipv4\\n"


class Console:
    """What a QEMU says on its serial port, and what it is told."""

    def __init__(self, argv, environment, errors):
        self.seen = b""
        self.log = open(os.environ.get("CONSOLE_LOG", "console.log"), "ab", buffering=0)
        self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=open(errors, "wb"))

    def wait_for(self, pattern, seconds=WAIT_S):
        """Read until the pattern shows; what came before it is dropped."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if time.monotonic() > end or self.process.poll() is not None:
                print("# last seen: " + repr(self.seen[-300:]), flush=True)
                return None
            if select.select([self.process.stdout], [], [], 1)[0]:
                said = os.read(self.process.stdout.fileno(), 65536)
                self.seen += said
                self.log.write(said)

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def run(self, command, pattern, seconds=600):
        """A command of the shell; the pattern must not stand in the command itself."""
        self.say(command)
        return self.wait_for(pattern, seconds)

    def end(self):
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "killed"


class Fetched(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.end_headers()
        self.wfile.write(FETCHED)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Machine:
    def __init__(self, wrapper, new, line):
        self.qemu, self.processors, self.arguments, what = line.split("|")
        self.what = what.split()
        self.boot = self.what[0]
        self.name = f"QEMU {self.qemu} {self.arguments} x{self.processors} {self.boot}"
        self.disk = Path("disk.img")
        self.port = free_port()
        image = os.environ["DEBIAN_EFI_IMAGE" if self.boot == "efi" else "DEBIAN_IMAGE"]
        subprocess.run(["cp", "--sparse=always", image, self.disk], check=True)
        self.environment = dict(os.environ)
        self.argv = [wrapper]
        if self.qemu == "10.0":
            self.environment["MYHV_QEMU"] = str(new / "usr/bin/qemu-system-x86_64")
            self.environment["QEMU_MODULE_DIR"] = str(new / "usr/lib/x86_64-linux-gnu/qemu")
            self.argv += ["-L", new / "usr/share/qemu", "-L", new / "usr/share/seabios"]
        bus = "device" if "microvm" in self.arguments else "pci"
        self.argv += ["-accel", "kvm", *self.arguments.split(), "-smp", self.processors,
                      "-m", "512", "-nodefaults", "-display", "none", "-serial", "stdio",
                      "-drive", f"file={self.disk},format=raw,if=none,id=d",
                      "-device", f"virtio-blk-{bus},drive=d",
                      "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{self.port}-:2222",
                      "-device", f"virtio-net-{bus},netdev=n"]
        self.argv += {"bios": self.bios, "efi": self.efi, "kernel": self.kernel}[self.boot]()
        if bus == "pci":
            self.argv += ["-vga", "std"]

    def bios(self):
        return []

    def efi(self):
        shutil.copy(OVMF / "OVMF_VARS_4M.fd", "vars.fd")
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                "-drive", "if=pflash,format=raw,file=vars.fd"]

    def kernel(self):
        """The disk's own kernel, for a machine whose firmware knows no disks."""
        where = f"{self.disk}?offset={ROOT_AT['kernel']}"
        names = subprocess.run(["/sbin/debugfs", "-R", "ls -p /boot", where], check=True, text=True,
                               capture_output=True).stdout
        for name, to in ((r"vmlinuz-[^/]+", "kernel"), (r"initrd\.img-[^/]+", "initrd")):
            found = re.search(rf"/({name})/", names)[1]
            subprocess.run(["/sbin/debugfs", "-R", f"dump /boot/{found} {to}", where], check=True,
                           capture_output=True)
        return ["-no-reboot", "-kernel", "kernel", "-initrd", "initrd",
                "-append", "root=LABEL=root ro quiet console=ttyS0 reboot=t"]

    def ok(self, good, words):
        return tap.ok(good, f"{self.name}: {words}")

    # ---- what is done with it ----

    def log_in(self, console, when):
        begin = time.monotonic()
        if self.boot != "kernel":
            self.ok(console.wait_for(rb"GNU GRUB"), f"{when}: the boot loader")
        if not self.ok(console.wait_for(rb"guest login: "), f"{when}: it asks for a login"):
            return False
        print(f"# {when}: {time.monotonic() - begin:.1f} s to the login", flush=True)
        console.say("root")
        if not self.ok(console.wait_for(rb"root@guest:~# "), f"{when}: root is in"):
            return False
        # what commands print shall stand alone
        console.run("bind 'set enable-bracketed-paste off'; echo plain$((1+1))", rb"plain2")
        return True

    def work(self, console):
        self.ok(console.run("echo cpus$(nproc)", f"cpus{self.processors}\\r".encode()),
                f"it sees {self.processors} processors")
        self.ok(console.run("systemd-detect-virt; echo virt$((1+1))", rb"\r\nkvm\r\n[^$]*virt2"),
                "it knows that it runs on KVM")
        self.ok(console.run("dd if=/dev/urandom of=noise bs=1M count=24 2>/dev/null; sync; "
                            "md5sum noise >sum; sync; echo done$((2+2))", rb"done4"),
                "it writes 24 MiB to its virtio disk")
        console.say("dmesg --level=err,crit,alert,emerg; echo errors$((3+3))")
        said = console.wait_for(rb"(?s)errors\$.*?\n(.*)errors6")
        # a microvm has no PCI, which is an error to Linux; the shell may echo the command again
        errors = [line for line in (said[1] if said else b"?").splitlines() if line.strip() and
                  b"PCI: Fatal: No config space" not in line and b"errors$" not in line]
        self.ok(not errors, f"no errors in its log {errors[:3]}")

    def network(self, console, web_port):
        console.run(f"printf '{NETWORK}' >/etc/systemd/network/dhcp.network; "
                    "systemctl start systemd-networkd; echo started$((1+1))", rb"started2")
        self.ok(console.run("for i in $(seq 60); do networkctl status | grep -q 10.0.2.15 && break;"
                            " sleep 1; done; networkctl status | grep -o 10.0.2.15; "
                            "echo address$((3+4))", rb"\r\n10\.0\.2\.15\r\n[^$]*address7"),
                "the user network gives it an address")
        console.say(f"exec 3<>/dev/tcp/10.0.2.2/{web_port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' "
                    ">&3; sed '1,/^\\r*$/d' <&3 | wc -c; echo fetched$((4+4))")
        said = console.wait_for(rb"\r\n(\d+)\r\n[^$]*fetched8")
        self.ok(said and int(said[1]) == len(FETCHED), f"it fetches 3 MiB: {said and said[1]}")
        console.run("systemd-socket-activate -l 2222 --inetd -a cat & sleep 1; "
                    "echo listens$((5+5))", rb"listens10")
        self.ok(self.echoed() == b"is anybody in?\n", "it answers a connection from outside")

    def echoed(self):
        for _ in range(60):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 30) as s:
                    s.sendall(b"is anybody in?\n")
                    answer = s.recv(100)
                    if answer:
                        return answer
            except OSError:
                pass
            time.sleep(1)
        return None

    def restart(self, console):
        console.say("reboot")
        if self.log_in(console, "after the reboot"):
            self.ok(console.run("md5sum -c sum && echo same$((4+4))", rb"same8"),
                    "what it wrote is there")

    def is_sound(self):
        if self.boot not in ROOT_AT:
            return True
        return subprocess.run(["/sbin/e2fsck", "-fn", f"{self.disk}?offset={ROOT_AT[self.boot]}"],
                              capture_output=True).returncode == 0

    def test(self, web_port):
        console = Console(self.argv, self.environment, "qemu.err")
        if self.log_in(console, "start"):
            self.work(console)
            if "net" in self.what:
                self.network(console, web_port)
            if "reboot" in self.what:
                self.restart(console)
            console.say("poweroff" if self.boot != "kernel" else "reboot")
            self.ok(console.wait_for(rb"Power down|reboot: Restarting"), "it powers off")
        else:
            console.process.kill()
        status = console.end()
        self.ok(status == 0, f"QEMU ends with {status}")
        said = [e for e in Path("qemu.err").read_text(errors="replace").splitlines()
                if "kvm-steal-time" not in e and "kvm-asyncpf" not in e and
                "failed to initialize module" not in e]
        self.ok(not said, f"it had nothing to say {said[:4]}")
        self.ok(self.is_sound(), "e2fsck has nothing to mend")
        self.disk.unlink()


def main():
    wrapper, new = sys.argv[1], Path(sys.argv[2])
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fetched)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    for line in sys.argv[3:]:
        if line.startswith("10.0") and not new.is_dir():
            print("# no QEMU 10.0: left out")
        else:
            Machine(wrapper, new, line).test(web.server_port)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
