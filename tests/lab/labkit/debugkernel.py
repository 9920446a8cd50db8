# SPDX-License-Identifier: GPL-2.0-or-later
"""The debug kernel: Debian's source with KASAN, UBSAN, lockdep, kmemleak and fault
injection, which no Debian binary has. Built once, about eleven CPU minutes."""
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from . import bzimage, external
from .cache import LabError, say
from .debian import Suite
from .kernels import DebianKernel

FRAGMENT = Path(__file__).resolve().parent.parent / "debug.config"
# A module's build needs these of the tree; the rest goes once the kernel is built.
KEEP = ("arch", "include", "scripts", "tools", "certs")


class DebugKernel(DebianKernel):
    # KCOV and KASAN instrument the code of the PVH entry, which runs before they can.
    pvh = False
    boot_s = 900

    def __init__(self, name, suite, version):
        super().__init__(name, suite, None)
        self.version = version

    @property
    def key(self):
        """Another configuration is another kernel."""
        return f"kernels/{self.name}-{hashlib.sha256(FRAGMENT.read_bytes()).hexdigest()[:8]}"

    def _build(self, tmp, final):
        tree = self._unpack(tmp)
        self._configure(tree)
        say("building the debug kernel: about 11 CPU minutes, once")
        self._make(tree, "bzImage", "modules")
        release = (tree / "include/config/kernel.release").read_text().strip()
        self._make(tree, "modules_install", f"INSTALL_MOD_PATH={tmp}", "INSTALL_MOD_STRIP=1")
        (tmp / "boot").mkdir()
        shutil.copy(tree / "arch/x86/boot/bzImage", tmp / f"boot/vmlinuz-{release}")
        self._shrink(tree)
        link = tmp / f"lib/modules/{release}/build"
        link.unlink(missing_ok=True)
        link.symlink_to("../../../build")
        (tmp / f"lib/modules/{release}/source").unlink(missing_ok=True)
        self._finish(tmp, release)

    def _unpack(self, tmp):
        source = tmp / "source"
        Suite(self.suite).unpack([f"linux-source-{self.version}"], source)
        tarball = next((source / "usr/src").glob("linux-source-*.tar.xz"))
        tree = tmp / "build"
        tree.mkdir()
        external.call(["tar", "-xf", tarball, "-C", tree, "--strip-components=1"], check=True)
        shutil.rmtree(source)
        return tree

    def _configure(self, tree):
        self._make(tree, "tinyconfig")
        with open(tree / ".config", "a", encoding="ascii") as config:
            config.write(FRAGMENT.read_text())
        self._make(tree, "olddefconfig")
        got = set((tree / ".config").read_text().splitlines())
        lost = [line for line in FRAGMENT.read_text().splitlines()
                if line.startswith("CONFIG_") and line not in got]
        if lost:
            raise LabError(f"the debug kernel's configuration lost {', '.join(lost)}")

    @staticmethod
    def _make(tree, *args):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "O")}
        log = tree.parent / "build.log"
        with open(log, "ab") as output:
            done = external.call(["nice", "make", "-C", tree, f"-j{os.cpu_count()}", *args],
                                 external.BUILD_SECONDS, env=env, stdout=output,
                                 stderr=subprocess.STDOUT)
        if done.returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise LabError(f"make {' '.join(args)} failed:\n{tail}")

    @staticmethod
    def _shrink(tree):
        for path in tree.iterdir():
            if path.is_dir() and path.name not in KEEP:
                shutil.rmtree(path)
        for path in (tree / "arch").iterdir():
            if path.is_dir() and path.name != "x86":
                shutil.rmtree(path)
        for pattern in ("vmlinux*", "*.o", "*.a"):
            for path in tree.glob(pattern):
                path.unlink()

    def refresh(self):
        pass
