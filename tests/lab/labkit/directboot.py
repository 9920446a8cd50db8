# SPDX-License-Identifier: GPL-2.0-or-later
"""What Bochs must have in memory for bochs/boot.S to enter a Linux kernel by its 64-bit
boot protocol: the kernel's segments in place, boot_params, page tables, an initramfs."""
import re
import struct
from pathlib import Path

from .cache import LabError

LAYOUT = Path(__file__).resolve().parent.parent / "bochs/layout.h"
ADDR = {name: int(value, 16) for name, value in
        re.findall(r"^#define ADDR_(\w+)\s+(0x[0-9a-f]+)", LAYOUT.read_text(), re.M)}

PAGE = 4096
# The BIOS keeps its tables at the top of memory.
TOP_RESERVED = 64 << 10
# Below the PCI hole; more would have to be split around it.
MOST_MEMORY = 3 << 30
E820_RAM, E820_RESERVED = 1, 2
PRESENT_WRITE, LARGE = 3, 0x80


def flatten(vmlinux, dest):
    """Write the ELF's segments as they lie in memory from ADDR_KERNEL on; returns the
    entry point."""
    elf = vmlinux.read_bytes()
    entry, table = struct.unpack_from("<QQ", elf, 24)
    count = struct.unpack_from("<H", elf, 56)[0]
    flat = bytearray()
    for i in range(count):
        kind, _, offset, _, addr, length, _, _ = struct.unpack_from("<IIQQQQQQ", elf,
                                                                    table + 56 * i)
        if kind != 1 or not length:
            continue
        start = addr - ADDR["KERNEL"]
        if start < 0:
            raise LabError(f"{vmlinux}: a segment at {addr:#x}, below {ADDR['KERNEL']:#x}")
        flat.extend(bytes(max(0, start + length - len(flat))))
        flat[start:start + length] = elf[offset:offset + length]
    dest.write_bytes(flat)
    return entry


def place_initrd(memory, lengths):
    """Addresses for the archives, back to back as the kernel wants them."""
    lengths = [(n + 3) & ~3 for n in lengths]
    start = (memory - TOP_RESERVED - sum(lengths)) & ~(PAGE - 1)
    if start < ADDR["KERNEL"] + (64 << 20):
        raise LabError(f"L1's files need {sum(lengths) >> 20} MiB: give it more with --mem")
    return [start + sum(lengths[:i]) for i in range(len(lengths))]


def boot_blob(image, entry, memory, cmdline, initrd, initrd_length):
    """The bytes from ADDR_BOOT_PARAMS on."""
    words = cmdline.encode() + b"\0"
    if len(words) > PAGE:
        raise LabError("L1's kernel command line is too long")
    blob = bytearray(ADDR["BOOT_END"] - ADDR["BOOT_PARAMS"])

    def put(name, data):
        at = ADDR[name] - ADDR["BOOT_PARAMS"]
        blob[at:at + len(data)] = data

    put("BOOT_PARAMS", _boot_params(image, memory, initrd, initrd_length))
    put("CMDLINE", words)
    put("PML4", _page_tables())
    put("ENTRY", struct.pack("<Q", entry))
    return bytes(blob)


def _boot_params(image, memory, initrd, initrd_length):
    """struct boot_params; the offsets are those of "The Linux/x86 Boot Protocol"."""
    setup = image.read_bytes()[:2 * PAGE]
    p = bytearray(PAGE)
    header = slice(0x1F1, 0x202 + setup[0x201])
    p[header] = setup[header]
    struct.pack_into("<H", p, 0x1FA, 0xFFFF)            # vid_mode: as it is
    p[0x210] = 0xFF                                     # type_of_loader: some
    struct.pack_into("<II", p, 0x218, initrd, initrd_length)
    struct.pack_into("<I", p, 0x228, ADDR["CMDLINE"])
    # screen_info: 80x25 text mode
    p[0x06], p[0x07], p[0x0E], p[0x0F] = 3, 80, 25, 1
    struct.pack_into("<H", p, 0x10, 16)
    top = memory - TOP_RESERVED
    ranges = [
        (0, 0x9F000, E820_RAM), (0x9F000, 0xA0000, E820_RESERVED),
        (0xE8000, ADDR["BOOT_END"], E820_RESERVED), (ADDR["BOOT_END"], top, E820_RAM),
        (top, memory, E820_RESERVED), (0xFFFC0000, 1 << 32, E820_RESERVED),
    ]
    p[0x1E8] = len(ranges)
    for i, (start, end, kind) in enumerate(ranges):
        struct.pack_into("<QQI", p, 0x2D0 + 20 * i, start, end - start, kind)
    return p


def _page_tables():
    """The first 4 GiB one to one, by 2 MiB pages."""
    pdpt = ADDR["PML4"] + PAGE
    def page(entries):
        return b"".join(struct.pack("<Q", e) for e in entries).ljust(PAGE, b"\0")
    tables = page([pdpt | PRESENT_WRITE])
    tables += page([pdpt + PAGE * (1 + i) | PRESENT_WRITE for i in range(4)])
    return tables + b"".join(struct.pack("<Q", i << 21 | PRESENT_WRITE | LARGE)
                             for i in range(4 * 512))
