# SPDX-License-Identifier: GPL-2.0-or-later
"""Carries files of L0 into an archive that becomes L1's root, at the places where they
are in L0, each program with the libraries it needs."""
import os
import re
import stat
import subprocess

from . import external
from .cache import LabError

# Of a package, what no program reads while it runs.
_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/",
             "/usr/share/lintian/", "/usr/share/bash-completion/", "/usr/share/bug/")


class Root:
    """The tree below `top` of an archive."""

    def __init__(self, archive, top="root", known=()):
        """`known`: what an archive before this one has brought already."""
        self.archive, self.top = archive, top
        self._done = {"/", *known}
        self._programs = []

    def paths(self):
        return self._done

    def _name(self, path):
        return self.top + path

    def _folder(self, path):
        """`path` as the folder it is in L0, by the same links; returns its real path."""
        if path == "/":
            return path
        real = os.path.join(self._folder(os.path.dirname(path)), os.path.basename(path))
        if os.path.islink(real):
            if real not in self._done:
                self._done.add(real)
                self.archive.symlink(self._name(real), os.readlink(real))
            return self._folder(os.path.normpath(
                os.path.join(os.path.dirname(real), os.readlink(real))))
        if real not in self._done:
            self._done.add(real)
            self.archive.dir(self._name(real), stat.S_IMODE(os.stat(real).st_mode))
        return real

    def add(self, path):
        """A file, a link with the file it leads to, or a folder with all that is in it."""
        path = os.path.abspath(path)
        if os.path.isdir(path) and not os.path.islink(path):
            self._folder(path)
            for entry in sorted(os.scandir(path), key=lambda e: e.name):
                self.add(entry.path)
            return
        real = os.path.join(self._folder(os.path.dirname(path)), os.path.basename(path))
        if real in self._done:
            return
        self._done.add(real)
        if os.path.islink(real):
            target = os.readlink(real)
            self.archive.symlink(self._name(real), target)
            target = os.path.normpath(os.path.join(os.path.dirname(real), target))
            if os.path.isdir(target):
                self._folder(target)
            elif os.path.exists(target):
                self.add(target)
        elif os.path.isfile(real):
            self._file(real, self._name(real))

    def add_as(self, path, name):
        """L0's `path` at another place, links followed."""
        if os.path.isdir(path):
            self.archive.dir(self._name(name))
            for entry in sorted(os.scandir(path), key=lambda e: e.name):
                self.add_as(entry.path, f"{name}/{entry.name}")
        elif os.path.isfile(path):
            self._file(path, self._name(name))

    def _file(self, path, name):
        with open(path, "rb") as f:
            body = f.read()
        self.archive.file(name, body, stat.S_IMODE(os.stat(path).st_mode))
        if body[:4] == b"\x7fELF":
            self._programs.append(path)

    def add_packages(self, packages):
        """The files of Debian packages as they are installed in L0."""
        if not packages:
            return
        for path in _dpkg("-L", *packages):
            if path.startswith("/") and not path.startswith(_LEFT_OUT) \
                    and os.path.lexists(path) and not (
                        os.path.isdir(path) and not os.path.islink(path)):
                self.add(path)

    def add_libraries(self):
        """What the programs so far are linked to. Call it last."""
        while self._programs:
            some, self._programs = self._programs[:200], self._programs[200:]
            out = external.call(["ldd", *some], stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.DEVNULL).stdout
            for line in out.splitlines():
                for word in line.split():
                    if word.startswith("/") and not word.endswith(":"):
                        self.add(word)


def with_dependencies(packages):
    """The packages and, once each, all that they depend on."""
    found, todo = [], list(packages)
    while todo:
        found += todo
        rows = _dpkg("-W", "-f", "${Pre-Depends},${Depends},", *todo)
        names = re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]*)", "".join(rows))
        todo = [n for n in dict.fromkeys(names) if n not in found and _installed(n)]
    return found


def _installed(package):
    return external.call(["dpkg-query", "-W", package], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL).returncode == 0


def _dpkg(*argv):
    done = external.call(["dpkg-query", *argv], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.PIPE)
    if done.returncode:
        raise LabError(f"dpkg-query: {done.stderr.strip()}")
    return done.stdout.splitlines()
