# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels of the lab: hosts (L1) by their version, and the guest (L2) kernel.

Each is a cache entry with image, modules and headers of one and the same build, so
that a module built against `kdir` always fits the image.
"""
import re
from pathlib import Path

from . import bzimage, external
from .cache import LabError, entry, forget
from .debian import Suite


class DebianKernel:
    """A kernel from Debian packages of one suite, whose headers this machine's own
    compiler can use."""

    # Can it be entered by PVH, without its decompressor?
    pvh = True
    # The longest that a boot may take on a slow and busy machine: ten times the usual.
    boot_s = 240

    def __init__(self, name, suite, flavour):
        self.name, self.suite, self.flavour = name, suite, flavour

    @property
    def key(self):
        return f"kernels/{self.name}"

    def _build(self, tmp, final):
        suite = Suite(self.suite)
        image = [p for p in suite.depends(f"linux-image-{self.flavour}")
                 if p.startswith("linux-image-")]
        if not image:
            raise LabError(f"{self.suite} has no linux-image-{self.flavour}")
        release = image[0].removeprefix("linux-image-")
        headers = f"linux-headers-{release}"
        parts = [p for p in suite.depends(headers)
                 if re.match(r"linux-(headers|kbuild)-", p)]
        suite.unpack([image[0], headers, *parts], tmp)
        self._relocate_headers(tmp, final, release)
        self._finish(tmp, release)

    @staticmethod
    def _relocate_headers(tmp, final, release):
        """Debian's header packages name each other by absolute path."""
        headers = tmp / f"usr/src/linux-headers-{release}"
        # Type information for modules: would ask for pahole.
        (headers / "vmlinux").unlink(missing_ok=True)
        makefile = headers / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{final}/usr/src/"))
        build = tmp / f"lib/modules/{release}/build"
        build.unlink(missing_ok=True)
        build.symlink_to(f"../../../usr/src/linux-headers-{release}")
        (tmp / f"lib/modules/{release}/source").unlink(missing_ok=True)

    @staticmethod
    def _finish(tmp, release):
        bzimage.extract_vmlinux(tmp / f"boot/vmlinuz-{release}", tmp / "vmlinux")
        external.call(["/sbin/depmod", "-b", tmp, release], check=True)
        (tmp / "release").write_text(release + "\n")

    @property
    def dir(self):
        return entry(self.key, self._build)

    @property
    def release(self):
        return (self.dir / "release").read_text().strip()

    @property
    def image(self):
        return self.dir / f"boot/vmlinuz-{self.release}"

    @property
    def vmlinux(self):
        return self.dir / "vmlinux"

    @property
    def modules(self):
        return self.dir / f"lib/modules/{self.release}"

    def has_module(self, name):
        return any(_name(line.partition(":")[0]) == name for line in
                   (self.modules / "modules.dep").read_text().splitlines())

    @property
    def kdir(self):
        return self.modules / "build"

    def make_command(self):
        """The start of a command that runs make in the build directory."""
        return ["make", "-C", str(self.kdir)]

    def refresh(self):
        Suite(self.suite).update(force=True)
        forget(self.key)


class ForeignKernel(DebianKernel):
    """A kernel whose modules need a newer compiler and libc than this machine has: they
    are built inside a root of the kernel's own suite."""

    def _build(self, tmp, final):
        suite = Suite(self.suite)
        suite.bootstrap(tmp / "toolchain", [f"linux-headers-{self.flavour}", "make", "libc6-dev"])
        releases = [p.name for p in (tmp / "toolchain/usr/lib/modules").iterdir()
                    if p.name.endswith(self.flavour)]
        if len(releases) != 1:
            raise LabError(f"{self.suite}: headers of one kernel expected, got {releases}")
        release = releases[0]
        for btf in (tmp / "toolchain/usr/src").glob("linux-headers-*/vmlinux"):
            btf.unlink()
        suite.unpack([f"linux-{part}-{release}" for part in ("base", "binary", "modules")], tmp)
        (tmp / "lib").symlink_to("usr/lib")
        (tmp / "boot").mkdir()
        (tmp / f"usr/lib/modules/{release}/vmlinuz").rename(tmp / f"boot/vmlinuz-{release}")
        self._finish(tmp, release)

    @property
    def kdir(self):
        return self.dir / f"toolchain/usr/lib/modules/{self.release}/build"

    def make_command(self):
        return [str(Path(__file__).resolve().parent / "in-root"), str(self.dir / "toolchain"),
                "make", "-C", f"/usr/lib/modules/{self.release}/build"]


def module_files(kernel, wanted):
    """Paths of the modules `wanted` and all they depend on, in loading order;
    what is built in is left out."""
    base = kernel.modules
    builtin = {_name(line) for line in (base / "modules.builtin").read_text().split()}
    deps = {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        deps[_name(path)] = (path, rest.split())
    out = []

    def add(path):
        if path not in out:
            out.append(path)

    for name in wanted:
        if name in builtin:
            continue
        if name not in deps:
            raise LabError(f"kernel {kernel.release} has no module {name}")
        path, needs = deps[name]
        for need in reversed(needs):
            add(need)
        add(path)
    return [base / p for p in out]


def _name(path):
    return Path(path).name.split(".ko")[0].replace("-", "_")
