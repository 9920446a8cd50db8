# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes the ELF kernel out of a bzImage.

Booting the ELF through its PVH entry spares the emulated CPU the decompression,
which is most of an XZ kernel's boot.
"""
import lzma
import struct
import subprocess

from .cache import LabError

_FILTERS = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd", b"\x02\x21": "lz4"}


def extract_vmlinux(source, dest):
    data = source.read_bytes()
    if data[0x202:0x206] != b"HdrS":
        raise LabError(f"{source} is not a bzImage")
    # Linux/x86 boot protocol: setup_sects, payload_offset, payload_length
    start = ((data[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    payload = data[start + offset:start + offset + length]
    if payload[:6] == b"\xfd7zXZ\0":
        # The kernel's BCJ-filtered XZ stream, followed by its size.
        elf = lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(payload)
    elif payload[:2] in _FILTERS:
        tool = _FILTERS[payload[:2]]
        # The four bytes of size behind the stream make the tool complain; the
        # check below judges the result instead of the exit status.
        elf = subprocess.run([tool, "-dc"], input=payload, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False).stdout
    else:
        elf = payload
    if elf[:4] != b"\x7fELF":
        raise LabError(f"{source}: unknown compression {payload[:4].hex()}")
    dest.write_bytes(elf)
