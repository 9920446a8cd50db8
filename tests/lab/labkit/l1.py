# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes into L1: the initramfs with the init script, the agent and the job."""
import hashlib
import lzma
import os
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from . import external
from .cache import LabError, entry
from .cpio import Archive
from .kernels import module_files

HERE = Path(__file__).resolve().parent.parent


@dataclass
class Job:
    """One run, as the command line asked for it."""
    argv: list
    backend: str = "svm"
    vendor: str = "svm"     # the half of the module that runs
    kernel: object = None
    cpu: str = None
    smp: int = 2
    mem: str = "2G"
    disk: str = None        # size of an empty one
    with_paths: list = field(default_factory=list)
    carry: list = field(default_factory=list)
    packages: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    out: Path = None
    timeout: float = None
    silence: float = 180    # longest between two words of the agent, who has one every 5 s
    stdin: str = "none"     # none, pipe or tty
    icount: bool = False
    profile: Path = None    # where Bochs is to count instructions
    append: str = ""
    log: Path = None
    emulator_args: list = field(default_factory=list)

    def environment(self):
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
            "TERM": os.environ.get("TERM", "dumb"),
            "MYHV_LAB": "1", "MYHV_BACKEND": self.vendor,
            "MYHV_EMULATOR": {"svm": "qemu", "vmx": "bochs"}[self.backend],
        }
        return {**env, **self.env}

    def named_paths(self):
        """(name below /with, absolute path) of each --with."""
        names = {}
        for path in self.with_paths:
            name = os.path.basename(os.path.abspath(path))
            real = os.path.realpath(path)
            if not os.path.exists(real):
                raise LabError(f"--with {path}: no such file or folder")
            if name in names:
                raise LabError(f"--with: two paths are named {name}")
            names[name] = real
        return names.items()


def _agent():
    source = HERE / "l1agent.c"
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]

    def build(tmp, _final):
        external.call(["gcc", "-static", "-O2", "-Wall", "-o", tmp / "l1agent", source],
                      check=True)

    return entry(f"agent/{key}", build) / "l1agent"


def busybox():
    path = shutil.which("busybox", path="/bin:/usr/bin:/usr/local/bin")
    if not path:
        raise LabError("busybox not found: apt-get install busybox-static")
    data = Path(path).read_bytes()
    if b"/lib64/ld-linux" in data:
        raise LabError(f"{path} is not static: apt-get install busybox-static")
    return data


def _module_data(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    return data


def pack_modules(archive, kernel, wanted, folder="modules"):
    """Put the modules and what they depend on below /modules, or another folder; the file
    order in it lists them as they must be loaded."""
    order = []
    for path in module_files(kernel, wanted):
        name = path.name.split(".ko")[0] + ".ko"
        archive.file(f"{folder}/{name}", _module_data(path))
        order.append(name)
    archive.file(f"{folder}/order", "".join(f"{n}\n" for n in order))


def initramfs(job, port, modules, setup):
    """The archive for `job`. `port` is the agent's channel in L1, `modules` what the
    backend's devices need, `setup` the lines of /job/setup."""
    a = Archive()
    for d in ("bin", "dev", "proc", "sys", "rw", "l0", "root", "modules", "job"):
        a.dir(d)
    a.char_device("dev/console", 5, 1)
    a.file("bin/busybox", busybox(), 0o755)
    a.file("init", (HERE / "l1-init.sh").read_bytes(), 0o755)
    a.file("bin/l1agent", _agent().read_bytes(), 0o755)
    pack_modules(a, job.kernel, modules)
    a.file("job/argv", b"".join(os.fsencode(s) + b"\0" for s in job.argv))
    a.file("job/env", b"".join(os.fsencode(f"{k}={v}") + b"\0"
                               for k, v in job.environment().items()))
    a.file("job/stdin", job.stdin + "\n")
    a.file("job/port", port + "\n")
    a.file("job/setup", "".join(" ".join(map(shlex.quote, map(str, line))) + "\n"
                                for line in setup))
    return a
