# SPDX-License-Identifier: GPL-2.0-or-later
"""Bochs, built once from Debian's source: Debian's own binary is a debugger's build at
half the speed, and miscomputes."""
import hashlib
import os
import subprocess
from pathlib import Path

from . import external
from .cache import LabError, entry, say
from .debian import SourceSuite, Suite

SUITE = "trixie"
HERE = Path(__file__).resolve().parent.parent / "bochs"
PATCHES = sorted(HERE.glob("*.patch"))
# A second Bochs, which counts instructions.
COUNT_PATCHES = sorted(HERE.glob("profile/*.patch"))
COUNT_CONFIGURE = ["--enable-instrumentation"]
# What boot.bin is made of; layout.h also rules what labkit/directboot.py lays out.
BOOT = ("boot.S", "layout.h")

CONFIGURE = """
    --with-nogui --enable-smp --enable-cpu-level=6 --enable-x86-64 --enable-vmx=2 --enable-svm
    --enable-avx --enable-evex --enable-pci --enable-all-optimizations
    --enable-handlers-chaining --enable-repeat-speedups --enable-fast-function-calls
    --enable-memtype --enable-protection-keys --enable-cet --enable-a20-pin
    --disable-idle-hack
""".split()


def _flags():
    """AVX2 is worth a tenth of the speed, where this machine has it."""
    with open("/proc/cpuinfo", encoding="ascii") as f:
        words = set(f.read().split())
    level = {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c"} <= words
    return "-O3" + (" -march=x86-64-v3" if level else "")


def _run(log, argv, cwd, **env):
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "O")}
    with open(log, "ab") as output:
        done = external.call(argv, external.BUILD_SECONDS, cwd=cwd, env={**clean, **env},
                             stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise LabError(f"{argv[0]} failed while building Bochs:\n{tail}")


def _recipe(counts):
    """Patches and options."""
    if counts:
        return PATCHES + COUNT_PATCHES, CONFIGURE + COUNT_CONFIGURE
    return PATCHES, CONFIGURE


def _build(tmp, patches, configure):
    tree, log, flags = tmp / "tree", tmp / "build.log", _flags()
    SourceSuite(SUITE).unpack_source("bochs", tree)
    say("building Bochs: two to four CPU minutes, once")
    for patch in patches:
        _run(log, ["patch", "-p1", "-i", patch], tree)
    _run(log, ["./configure", *configure], tree, CFLAGS=flags, CXXFLAGS=flags)
    _run(log, ["nice", "make", f"-j{os.cpu_count()}", "bochs"], tree)
    (tree / "bochs").rename(tmp / "bochs")
    external.call(["rm", "-rf", tree], check=True)
    firmware = tmp / "firmware"
    Suite(SUITE).unpack(["bochsbios", "vgabios"], firmware)
    (firmware / "usr/share/bochs/BIOS-bochs-latest").rename(tmp / "bios")
    (firmware / "usr/share/vgabios/vgabios.bin").rename(tmp / "vgabios")
    external.call(["rm", "-rf", firmware], check=True)
    say("Bochs is ready")


def key(counts=False):
    """Another patch or option is another Bochs."""
    patches, configure = _recipe(counts)
    words = " ".join([SUITE, *configure, _flags()]).encode()
    return hashlib.sha256(b"".join(p.read_bytes() for p in patches) + words).hexdigest()[:8]


def emulator(counts=False):
    """The directory with `bochs`, `bios` and `vgabios`; @counts: of the one for profiles."""
    return entry(f"bochs/{key(counts)}", lambda tmp, _final: _build(tmp, *_recipe(counts)))


def boot_sector():
    sources = [HERE / name for name in BOOT]
    key = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:8]

    def build(tmp, _final):
        external.call(["gcc", "-m32", "-c", sources[0], "-o", tmp / "boot.o"], check=True)
        external.call(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary",
                       "-o", tmp / "boot.bin", tmp / "boot.o"], check=True)

    return (entry(f"bochs/boot-{key}", build) / "boot.bin").read_bytes()
