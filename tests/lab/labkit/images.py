# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images for guests that start by firmware, built without loop mounts or a VM: a file
system is made of a folder, and GRUB is put where the firmware looks for it.

  small       BIOS; GRUB, the guest kernel and an initramfs that checks the disk
  small-efi   the same for UEFI
  iso         the same as a CD-ROM, for BIOS and UEFI
  screen      BIOS; Debian's larger kernel with drivers for screen and mouse, see job_screen
  debian      Debian 12 with systemd and a login on the serial port; BIOS
  debian-efi  the same for UEFI

Each is a cache entry with one file, image; tests work on copies of it.
"""
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import external
from .cache import LabError, entry, say
from .catalog import GUEST, KERNELS
from .cpio import Archive
from .debian import Suite
from .l1 import busybox, pack_modules

LAB = Path(__file__).resolve().parents[1]
INIT = LAB / "disk-init.sh"
MODULES = ("ata_piix", "sd_mod", "sr_mod", "isofs", "ext4")
# The cloud kernel has no drivers for these.
SCREEN_KERNEL = KERNELS["6.1"]
SCREEN_MODULES = ("psmouse",)
SCREEN_LATE_MODULES = ("bochs",)
PAYLOAD_BYTES = 2 << 20
ESP_MIB = 8
GRUB_BIOS = Path("/usr/lib/grub/i386-pc")
GRUB_EFI = Path("/usr/lib/grub/x86_64-efi")
GRUB_MODULES = ("part_msdos part_gpt ext2 fat search search_label configfile normal linux "
                "serial terminal echo test minicmd gzio reboot halt").split()
# What GRUB 2.06 cannot read.
EXT4_WITHOUT = "^metadata_csum_seed,^orphan_file"

GRUB_CFG = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=1
menuentry '{title}' {{
	linux /boot/vmlinuz {arguments}
	initrd /boot/initrd
}}
"""

# The second entry is for a frame buffer that firmware set up.
SCREEN_CFG = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=60
menuentry 'text' {{
	linux /boot/vmlinuz {arguments}
	initrd /boot/initrd
}}
menuentry 'graphics' {{
	insmod vbe
	set gfxpayload=1024x768x32
	linux /boot/vmlinuz {arguments}
	initrd /boot/initrd
}}
"""

DEBIAN_PACKAGES = ["linux-image-cloud-amd64", "systemd-sysv", "udev", "dbus", "e2fsprogs",
                   "kmod", "login", "procps"]


def _run(*argv, **kw):
    try:
        return external.call(argv, check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, **kw).stdout
    except FileNotFoundError:
        raise LabError(f"{argv[0]} not found: `make images` installs what it needs") from None
    except subprocess.CalledProcessError as e:
        tail = "\n".join(e.stdout.strip().splitlines()[-8:])
        raise LabError(f"`{argv[0]}` failed:\n{tail}") from None
    except subprocess.TimeoutExpired as e:
        raise LabError(f"`{argv[0]}` was not done after {e.timeout} s") from None


# By default systemd gives a device 90 s to show up, and goes on without a login at the serial port
# if it does not: too little for guests of a host that is emulated and busy.
DEBIAN_PATIENCE = "[Manager]\\nDefaultTimeoutStartSec=3600\\nDefaultTimeoutStopSec=600\\n"
# What a machine that lives for minutes has no use for.
DEBIAN_MASKED = ("apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer "
                 "e2scrub_reap.service fstrim.timer")


# ---- what goes in ----

def _archive():
    a = Archive()
    for d in ("bin", "dev", "proc", "sys", "tmp", "root"):
        a.dir(d)
    a.char_device("dev/console", 5, 1)
    a.file("bin/busybox", busybox(), 0o755)
    a.file("init", INIT.read_bytes(), 0o755)
    return a


def _initrd():
    """The initramfs of the small images: disk-init.sh and the drivers of an IDE disk."""
    a = _archive()
    pack_modules(a, GUEST, MODULES)
    return a.bytes()


def _fill_screen(folder):
    boot = folder / "boot/grub"
    boot.mkdir(parents=True)
    shutil.copy(SCREEN_KERNEL.image, folder / "boot/vmlinuz")
    a = _archive()
    pack_modules(a, SCREEN_KERNEL, SCREEN_MODULES)
    pack_modules(a, SCREEN_KERNEL, SCREEN_LATE_MODULES, "late")
    (folder / "boot/initrd").write_bytes(a.bytes())
    (boot / "grub.cfg").write_text(SCREEN_CFG.format(
        arguments="console=tty0 console=ttyS0 quiet cryptomgr.notests job=screen"))


def _fill_small(folder, job):
    """Kernel, initramfs, and a file with its sum for the guest to check."""
    boot = folder / "boot/grub"
    boot.mkdir(parents=True)
    shutil.copy(GUEST.image, folder / "boot/vmlinuz")
    (folder / "boot/initrd").write_bytes(_initrd())
    (boot / "grub.cfg").write_text(GRUB_CFG.format(
        title="myhv test guest",
        arguments=f"console=ttyS0 cryptomgr.notests loglevel=5 job={job}"))
    payload = random.Random(1).randbytes(PAYLOAD_BYTES)
    (folder / "payload").write_bytes(payload)
    (folder / "sums").write_text(f"{hashlib.md5(payload).hexdigest()}  payload\n")


def _debian_root(tmp, _final):
    """A Debian root as a tar, for all images of it; root logs in without a password."""
    suite = Suite("bookworm")
    say("building a Debian root (a few minutes, once)")
    hooks = ['sed -i "s/^root:[^:]*:/root::/" "$1/etc/shadow"',
             'echo guest >"$1/etc/hostname"',
             'echo "LABEL=root / ext4 defaults 0 1" >"$1/etc/fstab"',
             'mkdir -p "$1/etc/systemd/system.conf.d"',
             f'printf "{DEBIAN_PATIENCE}" >"$1/etc/systemd/system.conf.d/patience.conf"',
             f'for unit in {DEBIAN_MASKED}; do ln -s /dev/null "$1/etc/systemd/system/$unit"; done',
             'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin']
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(DEBIAN_PACKAGES)}",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*"]
    argv += [f"--customize-hook={h}" for h in hooks]
    proxy = _run("apt-config", "dump", "Acquire::http::Proxy").strip()
    if proxy:
        argv.append(f"--aptopt={proxy}")
    sources = tmp / "sources.list"
    sources.write_text(suite.sources())
    _run(*argv, "bookworm", tmp / "root.tar", sources)


def _fill_debian(folder):
    root = entry(f"images/debian-root-{_key('debian')}", _debian_root) / "root.tar"
    _run("tar", "-C", folder, "--numeric-owner", "-xf", root)
    kernel = max((folder / "boot").glob("vmlinuz-*"))
    release = kernel.name.removeprefix("vmlinuz-")
    (folder / "boot/vmlinuz").symlink_to(kernel.name)
    (folder / "boot/initrd").symlink_to(f"initrd.img-{release}")
    (folder / "boot/grub").mkdir(exist_ok=True)
    (folder / "boot/grub/grub.cfg").write_text(GRUB_CFG.format(
        title="Debian", arguments="root=LABEL=root ro quiet console=tty0 console=ttyS0"))


# ---- what it goes on ----

def _ext4(folder, to, mib):
    to.touch()
    os.truncate(to, mib << 20)
    _run("/sbin/mke2fs", "-q", "-t", "ext4", "-O", EXT4_WITHOUT, "-L", "root",
         "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", folder, to)


def _early_config(work):
    config = work / "early.cfg"
    config.write_text("search.fs_label root root\n"
                      "set prefix=($root)/boot/grub\n"
                      "configfile $prefix/grub.cfg\n")
    return config


def _copy_into(image, part, offset):
    _run("dd", f"if={part}", f"of={image}", "bs=1M", f"seek={offset >> 20}",
         "conv=notrunc,sparse", "status=none")


def _bios_disk(folder, image, work, mib):
    """An MBR with GRUB's first sector, its core in the gap, one partition from 1 MiB on."""
    _ext4(folder, work / "root", mib)
    core = work / "core.img"
    _run("grub-mkimage", "-O", "i386-pc", "-d", GRUB_BIOS, "-c", _early_config(work),
         "-p", "(hd0,msdos1)/boot/grub", "-o", core, "biosdisk", "vbe", *GRUB_MODULES)
    if core.stat().st_size > (1 << 20) - 512:
        raise LabError("GRUB's core image does not fit before the first partition")
    image.touch()
    os.truncate(image, (mib + 1) << 20)
    _run("/sbin/sfdisk", "-q", image, input="2048,,83,*\n")
    with open(image, "r+b") as disk:
        # The boot code alone: the partition table follows it. It looks for the core in
        # sector 1, and the core's own list of sectors starts at 2.
        disk.write((GRUB_BIOS / "boot.img").read_bytes()[:440])
        disk.seek(512)
        disk.write(core.read_bytes())
    _copy_into(image, work / "root", 1 << 20)


def _efi_disk(folder, image, work, mib):
    """A GPT with an EFI system partition that holds GRUB, and the root."""
    _ext4(folder, work / "root", mib)
    _run("grub-mkimage", "-O", "x86_64-efi", "-d", GRUB_EFI, "-c", _early_config(work),
         "-p", "/boot/grub", "-o", work / "grub.efi", *GRUB_MODULES)
    esp = work / "esp"
    esp.touch()
    os.truncate(esp, ESP_MIB << 20)
    _run("/sbin/mkfs.vfat", "-n", "ESP", esp)
    _run("mmd", "-i", esp, "::EFI", "::EFI/BOOT")
    _run("mcopy", "-i", esp, work / "grub.efi", "::EFI/BOOT/BOOTX64.EFI")
    image.touch()
    os.truncate(image, (1 + ESP_MIB + mib + 1) << 20)
    table = f"label: gpt\nsize={ESP_MIB}MiB,type=U\nsize={mib}MiB,type=L\n"
    _run("/sbin/sfdisk", "-q", image, input=table)
    _copy_into(image, esp, 1 << 20)
    _copy_into(image, work / "root", (1 + ESP_MIB) << 20)


def _iso(folder, image, work, mib):
    _run("grub-mkrescue", "-o", image, folder)


# ---- the images ----

IMAGES = {
    "small": (lambda f: _fill_small(f, "check"), _bios_disk, 48),
    "small-efi": (lambda f: _fill_small(f, "check"), _efi_disk, 48),
    "iso": (lambda f: _fill_small(f, "cdrom"), _iso, 0),
    "screen": (_fill_screen, _bios_disk, 32),
    "debian": (_fill_debian, _bios_disk, 1500),
    "debian-efi": (_fill_debian, _efi_disk, 1500),
}


def _key(name):
    """Changes when the image would."""
    text = Path(__file__).read_bytes()
    if not name.startswith("debian"):
        text += INIT.read_bytes() + GUEST.release.encode() + SCREEN_KERNEL.release.encode()
    return hashlib.sha256(text).hexdigest()[:12]


def image(name):
    """Path of the image; built at the first use."""
    fill, make, mib = IMAGES[name]

    def build(tmp, _final):
        with tempfile.TemporaryDirectory(prefix="myhv-image-") as work:
            folder = Path(work) / "folder"
            folder.mkdir()
            fill(folder)
            make(folder, tmp / "image", Path(work), mib)

    return entry(f"images/{name}-{_key(name)}", build) / "image"


def initrd():
    """Path of the small images' initramfs, for -initrd."""

    def build(tmp, _final):
        (tmp / "initrd").write_bytes(_initrd())

    return entry(f"images/initrd-{_key('initrd')}", build) / "initrd"
