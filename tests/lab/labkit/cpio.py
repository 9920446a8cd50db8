# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes cpio archives of the "newc" kind, which is what an initramfs is."""
import os
import stat


class Archive:
    def __init__(self):
        self._data = bytearray()
        self._inode = 0
        self._dirs = {""}

    def _entry(self, name, mode, body=b"", device=(0, 0)):
        self._inode += 1
        raw = os.fsencode(name) + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(raw), 0)
        self._data += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self._pad()
        self._data += body
        self._pad()

    def _pad(self):
        self._data += bytes(-len(self._data) % 4)

    def dir(self, name, mode=0o755):
        name = name.strip("/")
        if name in self._dirs:
            return
        if "/" in name:
            self.dir(name.rsplit("/", 1)[0])
        self._dirs.add(name)
        self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, body, mode=0o644):
        name = name.strip("/")
        if "/" in name:
            self.dir(name.rsplit("/", 1)[0])
        self._entry(name, stat.S_IFREG | mode, body if isinstance(body, bytes) else body.encode())

    def symlink(self, name, target):
        name = name.strip("/")
        if "/" in name:
            self.dir(name.rsplit("/", 1)[0])
        self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def char_device(self, name, major, minor):
        name = name.strip("/")
        if "/" in name:
            self.dir(name.rsplit("/", 1)[0])
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def bytes(self):
        done = Archive()
        done._data = bytearray(self._data)
        done._entry("TRAILER!!!", 0)
        return bytes(done._data)
