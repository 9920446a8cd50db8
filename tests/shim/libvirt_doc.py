#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs docs/libvirt.md in L1, block by block, and looks at what comes of it. Prints TAP.

L1 has no systemd and no udevd: systemctl, udevadm and sudo are stand-ins here, as is the make
without a target, for the programs have been built.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from tap import tap  # noqa: E402

WAIT_S = 900
IMAGES = Path("/var/lib/libvirt/images")
DROP_IN = Path("/etc/systemd/system/libvirtd.service.d/myhv.conf")
STAND_INS = {
    "sudo": 'exec "$@"',
    "make": '[ $# = 0 ] || exec /usr/bin/make -s -C "$SOURCE" O="$O" "$@"',
    "udevadm": "",
    "modprobe": '/sbin/modprobe "$@" && chgrp kvm /dev/myhv && chmod 660 /dev/myhv',
    "systemctl": f"""[ "$1" = restart ] || exit 0
for d in libvirtd virtlogd; do [ ! -e /run/$d.pid ] || kill "$(cat /run/$d.pid)"; done
while pgrep -x libvirtd >/dev/null || pgrep -x virtlogd >/dev/null; do sleep 0.2; done
virtlogd -d
env $(sed -n 's/^Environment=//p' {DROP_IN} 2>/dev/null) libvirtd -d
for _ in $(seq 300); do virsh version >/dev/null 2>&1 && exit 0; sleep 0.5; done
exit 1""",
}


def run(command):
    """(succeeded, what it printed)"""
    done = subprocess.run(["bash", "-e", "-c", command], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout.strip()


def step(command, words=None):
    good, said = run(command)
    if not tap.ok(good, words or command):
        print("# " + said.replace("\n", "\n# "), flush=True)
    return good


def wait_for(command, words):
    for _ in range(WAIT_S):
        if run(command)[0]:
            break
        time.sleep(1)
    return tap.ok(run(command)[0], words)


class Console:
    """virsh console on a terminal of its own."""

    def __init__(self, domain):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp("virsh", ["virsh", "console", "--force", domain])
        self.seen = b""

    def expect(self, text, poke=None):
        """Has the guest said it in time? @poke is typed every ten seconds until then."""
        end, poked = time.monotonic() + WAIT_S, time.monotonic()
        while text not in self.seen and time.monotonic() < end:
            if poke and time.monotonic() > poked + 10:
                os.write(self.fd, poke)
                poked = time.monotonic()
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:
                    break
        if text not in self.seen:
            print(f"# no {text}: {self.seen[-400:]}")
            return False
        self.seen = self.seen.split(text, 1)[1]
        return True

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def close(self):
        os.write(self.fd, b"\x1d")
        return os.waitpid(self.pid, 0)[1] == 0


def blocks(kind):
    text = (Path(os.environ["SOURCE"]) / "docs/libvirt.md").read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def logical_lines(block):
    return block.replace("\\\n", " ").strip().split("\n")


def prepare():
    folder = Path("stand-ins").absolute()
    folder.mkdir()
    for name, body in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    # nothing but myhv.ko will be there, for depmod to be quick
    modules = f"/lib/modules/{os.uname().release}"
    # L1's kernel asks nobody for the modules that it lacks
    if not step(f"""
/sbin/modprobe -a virtio_blk crc32c_generic ext4
mkfs.ext4 -q /dev/vda
mount -o nobarrier /dev/vda {IMAGES}
chmod 711 {IMAGES}
mkdir -p /run/lock /run/dbus
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs {modules}
dbus-daemon --system --fork
rmmod myhv
""", "L1 is a host for libvirt"):
        return False
    shutil.copy(os.environ["SMALL_IMAGE"], IMAGES / "small.img")
    return step(f"""cp --sparse=always "$DEBIAN_IMAGE" {IMAGES}/debian.img
qemu-img create -q -f qcow2 -b debian.img -F raw {IMAGES}/debian.qcow2""", "the images are there")


def on_myhv(domain):
    """QEMU of the domain, unprivileged, in its sandbox, has a descriptor of the module."""
    return step(f"""pid=$(cat /run/libvirt/qemu/{domain}.pid)
ls -l /proc/$pid/fd | grep -q anon_inode:myhv-vm
grep -q '^Seccomp:.2' /proc/$pid/status
[ "$(stat -c %U /proc/$pid)" = libvirt-qemu ]""", f"{domain} runs on myhv, sandboxed")


def log_in():
    console = Console("debian")
    tap.ok(console.expect(b"login:", b"\n"), "virsh console: login")
    console.type("root")
    tap.ok(console.expect(b"# "), "a shell")
    console.type("echo sum $((40 + 2)); systemd-detect-virt")
    tap.ok(console.expect(b"sum 42") and console.expect(b"kvm"), "it works, on kvm")
    tap.ok(console.close(), "virsh console: ends")


def use(block):
    """The verbs, with what has to be seen after each."""
    state = "[ \"$(virsh domstate debian)\" = '{}' ]"
    after = {
        "start": lambda: on_myhv("debian"),
        "list": lambda: None,
        "suspend": lambda: step(state.format("paused"), "it is paused"),
        "resume": lambda: step(state.format("running"), "it is running"),
        "snapshot-create-as": lambda: step("virsh snapshot-list debian | grep 'first.*running'",
                                           "the snapshot is there"),
        "managedsave": lambda: step("virsh list --all --with-managed-save | grep 'debian.*shut'",
                                    "it is saved"),
        "shutdown": lambda: wait_for(state.format("shut off"), "it has shut down"),
    }
    logged_in = False
    for line in logical_lines(block):
        verb = line.split()[1]
        step(line)
        if verb in after:
            after[verb]()
        if verb == "list" and not logged_in:
            log_in()
            logged_in = True


def main():
    if not prepare():
        return tap.finish()
    install, link, whole, verbs, importing = blocks("sh")
    for line in logical_lines(install) + logical_lines(link):
        step(line)
    Path("debian.xml").write_text(blocks("xml")[0])

    # the wrapper alone
    step("systemctl restart libvirtd", "libvirtd starts")
    step("virsh domcapabilities --virttype kvm --emulatorbin "
         "/usr/local/bin/qemu-system-x86_64-myhv | grep '<domain>kvm'", "the wrapper can do kvm")
    print("# " + run("virt-host-validate qemu")[1].replace("\n", "\n# "))
    step("! virt-host-validate qemu | grep -E '(hardware virt|/dev/kvm).*FAIL'",
         "virt-host-validate")
    use(verbs)
    step("virsh start debian && virsh snapshot-revert debian first", "virsh snapshot-revert")
    on_myhv("debian")
    step("virsh destroy debian")
    step("virsh snapshot-delete debian first && virsh undefine debian", "virsh undefine")

    # all of libvirt
    for line in logical_lines(whole):
        step(line)
    for line in logical_lines(importing):
        step(line)
    step("[ \"$(virsh domstate small)\" = 'shut off' ]", "its guest has done its work and is off")
    step("grep -q LD_PRELOAD=.*libmyhv-kvm.so /var/log/libvirt/qemu/small.log", "on myhv")
    step("virsh undefine small")
    step("""rm /dev/kvm; make uninstall
! find /usr/local /lib/modules/$(uname -r)/updates -name '*myhv*' -type f | grep .""",
         "make uninstall leaves nothing")
    step("kill $(cat /run/libvirtd.pid) $(cat /run/virtlogd.pid)", "libvirtd ends")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
