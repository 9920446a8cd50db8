# SPDX-License-Identifier: GPL-2.0-or-later
"""Backend svm: L1 under QEMU's TCG, with AMD-V emulated."""
import os
import shutil
import socket
import subprocess

from . import external, l1, mend
from .cache import LabError, entry, say
from .channels import Machine
from .debian import Suite

SUITE = "bookworm-backports"
PROGRAM = "usr/bin/qemu-system-x86_64"
# L0's root and the overlay above it, and the agent's channel.
MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"]
# Reports end the machine at once: after an oops nothing more could be believed. Lockups and
# stalls are judged after two minutes, not 20 s: on a busy machine, L1's own check of its page
# tables at boot, some million entries without rescheduling, was seen to take 28 s.
APPEND = ("console=ttyS0 loglevel=5 panic=-1 oops=panic panic_on_warn=1 softlockup_panic=1 "
          "hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1 cryptomgr.notests "
          "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 "
          "tsc=reliable no_timer_check unknown_nmi_panic sysrq_always_enabled")


class Emulator:
    """A QEMU: its command with what it needs to find its own files, and a CPU model
    whose AMD-V it emulates well enough."""

    def __init__(self, command, env, cpu):
        self.command, self.env, self.cpu = command, env, cpu


def _fetch(tmp, _final):
    Suite(SUITE).unpack(["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"],
                        tmp)
    if not mend.mend(tmp / PROGRAM):
        say("warning: this build of QEMU could not be mended: guests with several processors "
            "may crash in the lab (docs/testing.md, \"Mended in the lab\")")


def emulator():
    try:
        top = entry(f"qemu/10.0-mended-{mend.VERSION}", _fetch)
    except LabError as e:
        own = shutil.which("qemu-system-x86_64")
        if not own:
            raise
        say(f"warning: QEMU 10.0 is not to be had ({e}); using {own}, which emulates AMD-V "
            "with known mistakes")
        # 7.2 lets a guest's XSETBV through to the host.
        return Emulator([own], {}, "EPYC,-xsave")
    binary = top / PROGRAM
    missing = [line.split()[0] for line in
               external.call(["ldd", binary], stdout=subprocess.PIPE,
                             text=True).stdout.splitlines() if "not found" in line]
    if missing:
        raise LabError(f"QEMU lacks {', '.join(missing)}: apt-get install qemu-system-x86 "
                       "brings these libraries")
    data = [arg for d in ("qemu", "seabios", "ovmf") if (top / "usr/share" / d).is_dir()
            for arg in ("-L", str(top / "usr/share" / d))]
    return Emulator([str(binary), *data],
                    {"QEMU_MODULE_DIR": str(top / "usr/lib/x86_64-linux-gnu/qemu")}, "EPYC")


def _share(tag, path, options):
    path = str(path).replace(",", ",,")
    return ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap"
            + options]


def _disk(size, folder):
    """Empty, and sparse: it costs what is written to it."""
    image = folder / "disk"
    external.call(["truncate", "-s", size, image], check=True)
    return ["-drive", f"if=none,id=disk,format=raw,file={image}",
            "-device", "virtio-blk-pci,drive=disk"]


def _kernel(job, cpu):
    """The ELF kernel by its PVH entry is quick to boot, but five-level paging is
    switched on by the decompressor alone."""
    five_levels = cpu.startswith("max") or "la57" in cpu
    return str(job.kernel.vmlinux if job.kernel.pvh and not five_levels else job.kernel.image)


def vendor(_cpu):
    """Which half of the module this CPU model takes."""
    return "svm"


def prepare(_kernel):
    emulator()


def start(job, folder):
    """Boot L1 with the job."""
    if job.profile:
        raise LabError("--profile: QEMU counts by a plugin, see tests/bench/run-profile")
    emu = emulator()
    setup = [("root_9p",)]
    setup += [("with", name, path) for name, path in job.named_paths()]
    setup.append(("modules", job.kernel.modules))
    if job.out:
        setup.append(("out",))
    initrd = folder / "initrd"
    initrd.write_bytes(l1.initramfs(job, "/dev/vport0p1", MODULES, setup).bytes())

    log, log_qemu = socket.socketpair()
    agent, agent_qemu = socket.socketpair()
    monitor, monitor_qemu = socket.socketpair()
    cpu = job.cpu or emu.cpu
    thread = "single" if job.icount or job.smp == 1 else "multi"
    argv = [
        *emu.command, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
        "-machine", "q35", "-accel", f"tcg,thread={thread}", "-cpu", cpu,
        "-smp", str(job.smp), "-m", job.mem,
        "-kernel", _kernel(job, cpu), "-initrd", str(initrd),
        "-append", f"{APPEND} {job.append}".strip(),
        "-chardev", f"socket,id=log,fd={log_qemu.fileno()}", "-serial", "chardev:log",
        "-chardev", f"socket,id=agent,fd={agent_qemu.fileno()}",
        "-chardev", f"socket,id=monitor,fd={monitor_qemu.fileno()}",
        "-mon", "chardev=monitor,mode=control",
        "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,nr=1,name=hvlab",
        *_share("root", "/", ",readonly=on"),
    ]
    if job.out:
        argv += _share("out", job.out, "")
    if job.disk:
        argv += _disk(job.disk, folder)
    if job.icount:
        argv += ["-icount", "shift=0,sleep=off"]
    argv += job.emulator_args
    with open(folder / "emulator.log", "wb") as errors:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
            env={**os.environ, **emu.env}, start_new_session=True,
            pass_fds=(log_qemu.fileno(), agent_qemu.fileno(), monitor_qemu.fileno()),
            preexec_fn=external.die_with_parent)
    log_qemu.close()
    agent_qemu.close()
    monitor_qemu.close()
    agent.setblocking(False)
    agent = agent.detach()
    return Machine(process, log.detach(), agent, agent, monitor=monitor)


def finish(_job, _folder):
    """/out is L0's own, and QEMU speaks by its exit status."""
    return ""
