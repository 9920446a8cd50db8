# SPDX-License-Identifier: GPL-2.0-or-later
"""Backend vmx: L1 under Bochs, whose CPU models have VT-x, or a richer AMD-V than TCG's."""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import bochsbuild, directboot, external, l1
from .cache import LabError, entry
from .carry import Root, with_dependencies
from .channels import Machine
from .cpio import Archive
from .kernels import module_files

# ours -> Bochs' name of it
MODELS = {
    "haswell": "corei7_haswell_4770", "skylake_x": "corei7_skylake_x",
    "ivy_bridge": "corei7_ivy_bridge_3770k", "lynnfield": "corei5_lynnfield_750",
    "penryn": "core2_penryn_t9600", "broadwell": "broadwell_ult",
    "ryzen": "ryzen", "phenom": "phenom_8650_toliman",
}
DEFAULT_CPU = "haswell"
AMD = ("ryzen", "phenom")
# One second of L1 is so many instructions, however long they take.
IPS = 50_000_000
# 2026-01-01: a constant makes two runs alike
TIME0 = 1767225600
APPEND = ("console=ttyS0,115200 loglevel=5 panic=-1 oops=panic panic_on_warn=1 "
          "softlockup_panic=1 hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1 "
          "cryptomgr.notests tsc=reliable no_timer_check")
# L1 has no way to L0's root: what it may run is carried in.
PACKAGES = """bash dash coreutils grep sed mawk findutils diffutils util-linux mount kmod procps
    hostname tar gzip cpio bsdutils libc-bin base-files busybox-static""".split()
FILES = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/usr/bin/awk", "/etc/alternatives/awk"]
MODULES = "kvm kvm_intel kvm_amd ccp irqbypass zram loop tun msr".split()
# L1's own: the disks
DISK_MODULES = ["ata_piix", "sd_mod", "ext4"]
# What ext4 asks for at run time; newer kernels have it in a library.
CHECKSUM_MODULE = "crc32c_generic"
OUT_SIZE = "16G"
FLOPPY_BYTES = 1440 << 10
LOG = "bochs.log"
# Bochs says 1 after every end of L1 that L1 brought about itself.
ENDED = (0, 1)


def vendor(cpu):
    """Which half of the module this CPU model takes."""
    return "svm" if cpu in AMD else "vmx"


def prepare(kernel):
    bochsbuild.emulator()
    bochsbuild.boot_sector()
    _flat_kernel(kernel)
    _base(kernel)


def _flat_kernel(kernel):
    def build(tmp, _final):
        (tmp / "entry").write_text(str(directboot.flatten(kernel.vmlinux, tmp / "kernel")))

    stamp = hashlib.sha256(f"{kernel.dir} {kernel.vmlinux.stat().st_mtime_ns}".encode())
    top = entry(f"bochs/kernel-{kernel.release}-{stamp.hexdigest()[:8]}", build)
    return top / "kernel", int((top / "entry").read_text())


def _modules(archive, kernel):
    """The kernel's modules that a job may ask for, where modprobe looks."""
    top = f"lib/modules/{kernel.release}"
    with tempfile.TemporaryDirectory(prefix="hvlab-") as tmp:
        folder = Path(tmp) / top
        folder.mkdir(parents=True)
        for path in module_files(kernel, [m for m in MODULES if kernel.has_module(m)]):
            place = folder / path.relative_to(kernel.modules)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            shutil.copy(kernel.modules / name, folder)
        external.call(["/sbin/depmod", "-b", tmp, kernel.release], check=True)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.file(f"root/usr/{top}/{path.relative_to(folder)}", path.read_bytes())


def _base(kernel):
    """The archive of what every job gets; built anew when L0's packages have changed."""
    recipe = hashlib.sha256()
    for path in ("/var/lib/dpkg/status", __file__, Path(__file__).with_name("carry.py")):
        recipe.update(Path(path).read_bytes())
    recipe.update(f"{kernel.dir} {kernel.release}".encode())

    def build(tmp, _final):
        archive = Archive()
        base = Root(archive)
        base.add_packages(PACKAGES)
        for path in FILES:
            base.add(path)
        base.add_libraries()
        _modules(archive, kernel)
        (tmp / "base.cpio").write_bytes(archive.bytes())
        (tmp / "files").write_text("".join(f"{p}\n" for p in sorted(base.paths())))

    return entry(f"bochs/base-{kernel.name}-{recipe.hexdigest()[:8]}", build)


def _carry(archive, job, base):
    """What this job needs besides: its command, --with, --carry."""
    own = Root(archive, known=(base / "files").read_text().splitlines())
    words = [shutil.which(job.argv[0], path=job.environment()["PATH"]) or job.argv[0],
             *job.argv[1:]]
    for word in words:
        if word.startswith("/") and os.path.isfile(word):
            own.add(word)
    for path in job.carry:
        own.add(path)
    own.add_packages(with_dependencies(job.packages))
    for name, path in job.named_paths():
        own.add_as(path, f"/with/{name}")
    own.add_libraries()


def _disk(path, size):
    external.call(["truncate", "-s", size, path], check=True)
    return path


def _config(job, top, folder, disks, ram, log_fd):
    model = job.cpu or DEFAULT_CPU
    if model not in MODELS:
        raise LabError(f"--cpu {model}: Bochs' models are {', '.join(MODELS)}")
    memory = _mebibytes(job.mem)
    lines = [
        "display_library: nogui",
        f"romimage: file={top}/bios",
        f"vgaromimage: file={top}/vgabios",
        f"cpu: model={MODELS[model]}, count={job.smp}, ips={IPS}, reset_on_triple_fault=0, "
        "ignore_bad_msrs=1",
        f"clock: sync=none, time0={TIME0}, rtc_sync=0",
        f"memory: guest={memory}, host={memory}",
        f"com1: enabled=1, mode=file, dev=/dev/fd/{log_fd}",
        f"log: {folder}/{LOG}",
        "port_e9_hack: enabled=1",
        "panic: action=fatal", "error: action=ignore", "info: action=ignore",
        "debug: action=ignore",
        f"floppya: 1_44={folder}/boot, status=inserted",
        "boot: floppy",
        f"ata0: enabled={int(bool(disks))}, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
        "ata1: enabled=0",
    ]
    # L1 probes disks side by side and names them in any order: it knows them by the model.
    lines += [f"ata0-{place}: type=disk, path={path}, mode=flat, model={path.name}"
              for place, path in zip(("master", "slave"), disks)]
    lines += [f"optramimage{i}: file={path}, address={address:#x}"
              for i, (path, address) in enumerate(ram, 1)]
    return "".join(f"{line}\n" for line in [*lines, *job.emulator_args])


def _mebibytes(size):
    units = {"M": 1, "G": 1024}
    if size[-1:] not in units or not size[:-1].isdigit():
        raise LabError(f"--mem {size}: Bochs takes whole M or G")
    memory = int(size[:-1]) * units[size[-1]]
    if memory << 20 > directboot.MOST_MEMORY:
        raise LabError(f"--mem {size}: at most {directboot.MOST_MEMORY >> 30}G under Bochs")
    return memory


def _append(job):
    words = APPEND
    if job.cpu == "skylake_x":
        # Without it the kernel believes a crystal that is not there.
        words += f" tsc_early_khz={IPS // 1000}"
    if job.cpu == "phenom":
        # Bochs' model says that it has POPCNT, which it does not know.
        words += " clearcpuid=popcnt"
    return f"{words} {job.append}".strip()


def start(job, folder):
    """Boot L1 with the job."""
    if job.stdin != "none":
        raise LabError("--interactive: L1 has no way to read it under Bochs")
    if job.icount:
        raise LabError("--icount: under Bochs every tick is an instruction anyway")
    top = bochsbuild.emulator(counts=bool(job.profile))
    kernel, entry_point = _flat_kernel(job.kernel)
    base = _base(job.kernel)

    (folder / "boot").write_bytes(bochsbuild.boot_sector().ljust(FLOPPY_BYTES, b"\0"))
    setup, disks = [("root_carried",)], []
    if job.out:
        disks.append(_disk(folder / "out", OUT_SIZE))
        external.call(["/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal",
                       "-E", "lazy_itable_init=1,root_owner=0:0", disks[0]], check=True)
        setup.append(("out_disk", "out"))
    if job.disk:
        disks.append(_disk(folder / "disk", job.disk))
        setup.append(("disk", "disk"))

    modules = DISK_MODULES if disks else []
    if disks and job.kernel.has_module(CHECKSUM_MODULE):
        modules = [CHECKSUM_MODULE, *modules]
    archive = l1.initramfs(job, "e9", modules, setup)
    _carry(archive, job, base)
    own = folder / "own.cpio"
    own.write_bytes(archive.bytes())
    memory = _mebibytes(job.mem) << 20
    archives = [base / "base.cpio", own]
    lengths = [path.stat().st_size for path in archives]
    places = directboot.place_initrd(memory, lengths)
    blob = folder / "blob"
    blob.write_bytes(directboot.boot_blob(job.kernel.image, entry_point, memory, _append(job),
                                          places[0], places[1] + lengths[1] - places[0]))
    ram = [(blob, directboot.ADDR["BOOT_PARAMS"]), (kernel, directboot.ADDR["KERNEL"]),
           *zip(archives, places)]

    log, log_bochs = os.pipe()
    agent, agent_bochs = os.pipe()
    rc = folder / "bochsrc"
    rc.write_text(_config(job, top, folder, disks, ram, log_bochs))
    env = {**os.environ, "MYHV_BOCHS_PROFILE": str(job.profile)} if job.profile else None
    with open(folder / "emulator.log", "wb") as errors:
        process = subprocess.Popen(
            [top / "bochs", "-q", "-f", rc], stdin=subprocess.DEVNULL, stdout=agent_bochs,
            stderr=errors, cwd=folder, start_new_session=True, pass_fds=(log_bochs,),
            env=env, preexec_fn=external.die_with_parent)
    os.close(log_bochs)
    os.close(agent_bochs)
    return Machine(process, log, agent, None, ENDED)


def finish(job, folder):
    """Bring out what L1 wrote to /out, even if it died. Returns what Bochs itself died of."""
    if job.out:
        _bring_out(job, folder)
    log = folder / LOG
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(line for line in lines if re.match(r"\d+p", line))


def _bring_out(job, folder):
    image = folder / "out"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    external.call(["/sbin/e2fsck", "-fp", image], **quiet)
    external.call(["/sbin/debugfs", "-R", f"rdump / {job.out}", image], **quiet)
    for path in job.out.rglob("*"):
        if path.is_file() and path.stat().st_size > (1 << 20):
            external.call(["fallocate", "--dig-holes", path])
    shutil.rmtree(job.out / "lost+found", ignore_errors=True)
