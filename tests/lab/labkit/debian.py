# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages of any suite, unpacked privately: nothing here touches the
machine's own package database.

The mirror comes from the machine's apt configuration, so that a user's own mirror
or proxy is used for the lab as well.
"""
import hashlib
import os
import re
import subprocess
from pathlib import Path

from . import external
from .cache import LabError, lock, root, say

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def _run(argv, **kw):
    try:
        return external.call(argv, check=True, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **kw).stdout
    except FileNotFoundError:
        raise LabError(f"{argv[0]} not found: the lab needs a Debian system with apt") from None
    except subprocess.CalledProcessError as e:
        tail = "\n".join((e.stderr or e.stdout or "").strip().splitlines()[-8:])
        raise LabError(f"`{' '.join(argv[:1] + argv[-3:])}` failed:\n{tail}") from None
    except subprocess.TimeoutExpired as e:
        raise LabError(f"`{' '.join(argv[:1] + argv[-3:])}` was not done after "
                       f"{e.timeout} s") from None


def _mirrors():
    """(main archive, security archive or None) of this machine."""
    rows = _run(["apt-get", "indextargets", "--format",
                 "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"])
    rows = [r.split() for r in rows.splitlines() if len(r.split()) == 3]
    debian = [(u, r) for u, r, c in rows if c == "main" and re.search(r"/debian[^/]*/?$", u)]
    main = [u for u, r in debian if "security" not in r and "security" not in u]
    security = [u for u, r in debian if r.endswith("-security")]
    if not main:
        raise LabError("no Debian mirror in apt's configuration (or `apt-get update` "
                       "never ran): see `apt-get indextargets`")
    return main[0], security[0] if security else None


class Suite:
    """One Debian suite with package lists of its own in the cache."""

    kind = "deb"

    def __init__(self, name):
        self.name = name
        self.dir = root() / "apt" / name

    def _apt(self, tool, *args, cwd=None):
        d = self.dir
        opts = {
            "Dir::Etc::sourcelist": d / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State": d / "state",
            "Dir::State::Lists": d / "lists",
            "Dir::State::status": d / "state/status",
            "Dir::Cache": d / "cache",
            "Dir::Cache::pkgcache": d / "cache/pkgcache.bin",
            "Dir::Cache::srcpkgcache": d / "cache/srcpkgcache.bin",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
            "Acquire::Check-Valid-Until": "false",
            "APT::Sandbox::User": "",
            "APT::Architecture": "amd64",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }
        argv = [tool]
        for key, value in opts.items():
            argv += ["-o", f"{key}={value}"]
        return _run(argv + list(args), cwd=cwd, env={**os.environ, "LC_ALL": "C"})

    def update(self, force=False):
        """Fetch the package lists, once."""
        stamp = self.dir / "updated"
        if stamp.exists() and not force:
            return
        with lock(f"apt-{self.dir.name}"):
            if stamp.exists() and not force:
                return
            for sub in ("lists/partial", "state", "cache/archives/partial"):
                (self.dir / sub).mkdir(parents=True, exist_ok=True)
            (self.dir / "state/status").touch()
            main, security = _mirrors()
            signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
            lines = [f"{self.kind} {signed}{main} {self.name} main"]
            if security and "-" not in self.name and self.name == "bookworm":
                lines.append(f"{self.kind} {signed}{security} {self.name}-security main")
            (self.dir / "sources.list").write_text("\n".join(lines) + "\n")
            say(f"fetching the package lists of {self.name}")
            self._apt("apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any")
            stamp.touch()

    def sources(self):
        """The suite's lines for a sources.list."""
        self.update()
        return (self.dir / "sources.list").read_text()

    def bootstrap(self, dest, packages):
        """A Debian root of this suite with the packages, in the directory `dest`."""
        say(f"building a root of {self.name} with {' '.join(packages)}")
        argv = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(packages)}",
                "--aptopt=Acquire::Check-Valid-Until \"false\"",
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*"]
        proxy = _run(["apt-config", "dump", "Acquire::http::Proxy"]).strip()
        if proxy:
            argv.append(f"--aptopt={proxy}")
        _run(argv + [self.name, str(dest)], input=self.sources())

    def depends(self, package):
        """The names that `package` depends on, in order."""
        self.update()
        out = self._apt("apt-cache", "depends", "--no-recommends", "--no-suggests", package)
        return re.findall(r"^\s*\|?(?:Pre)?Depends: ([^<\s]+)$", out, re.M)

    def unpack(self, packages, dest):
        """Download the packages and unpack them into the directory `dest`."""
        self.update()
        dest = Path(dest)
        debs = dest / ".debs"
        debs.mkdir(parents=True)
        say(f"fetching from {self.name}: {' '.join(packages)}")
        try:
            self._apt("apt-get", "-q", "download", *packages, cwd=debs)
        except LabError:
            # The archive moved on since our lists were fetched.
            self.update(force=True)
            self._apt("apt-get", "-q", "download", *packages, cwd=debs)
        for deb in sorted(debs.iterdir()):
            _run(["dpkg-deb", "-x", str(deb), str(dest)])
            deb.unlink()
        debs.rmdir()


class SourceSuite(Suite):
    """The source packages of a suite."""

    kind = "deb-src"

    def __init__(self, name):
        super().__init__(name)
        self.dir = root() / "apt" / f"{name}-source"

    def unpack_source(self, package, dest):
        """The upstream source of the package, in the directory `dest`."""
        self.update()
        dest.mkdir(parents=True)
        say(f"fetching the source of {package} from {self.name}")
        try:
            tarball = self._download(package, dest)
        except LabError:
            self.update(force=True)
            tarball = self._download(package, dest)
        _run(["tar", "-xf", str(tarball), "-C", str(dest), "--strip-components=1"])
        tarball.unlink()

    def _download(self, package, folder):
        uris = self._apt("apt-get", "-q", "source", "--print-uris", package)
        said = re.search(r"^'\S+' (\S+\.orig\.tar\.\w+) \d+ SHA256:(\w+)$", uris, re.M)
        if not said:
            raise LabError(f"{self.name} has no source of {package}")
        tarball = folder / said[1]
        try:
            self._apt("apt-get", "-q", "source", "--download-only", package, cwd=folder)
        except LabError:
            # Mirrors are known that lack a .dsc here and there; it is not needed.
            if not tarball.exists():
                raise
        if hashlib.sha256(tarball.read_bytes()).hexdigest() != said[2]:
            tarball.unlink()
            raise LabError(f"{tarball.name} is not what the archive's lists say")
        for other in folder.glob(f"{package}_*"):
            if other != tarball:
                other.unlink()
        return tarball
