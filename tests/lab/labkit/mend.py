# SPDX-License-Identifier: GPL-2.0-or-later
"""Three mistakes of QEMU's AMD-V, mended in the lab's own copy of the program.

The first two are in helper_vmrun(), and in every version up to 10.0 at least:

- An external interrupt that VMRUN injects stays noted as an exception that is still to come. A
  thread that only wants this CPU's attention (a TB flush, a stop, the round robin of
  thread=single) then makes the guest take the vector a second time, as a fault and with IF
  clear. Guests hang and crash of it, under any hypervisor.
- The request for a virtual interrupt is noted without the lock, so an interrupt for the host
  that comes in the same moment may be lost.

The third is in cpu_clear_ignne(). Whenever a CPU loads an FPU state without a pending error
(FXRSTOR and XRSTOR at a context switch, say), it clears the IGNNE bit in hflags2 of the *first*
CPU by a plain read and write. With a thread for each CPU this undoes what that CPU changes in
the same word at that moment, and that word also has GIF and the bit for nested paging: guests
run with GIF clear, so that no interrupt ends guest mode, and the host runs with nested paging
still on, so that it takes a nested page fault itself.
"""
import re
import struct

# Part of the cached copy's name: another number makes a fresh copy.
VERSION = 2

# movl vector, exception_index; movl $0, exception_is_int; movq $-1, exception_next_eip;
# testb log level; jne; movl $1, %edx; mov env, %rdi; call do_interrupt_x86_hardirq
_INJECT = re.compile(
    rb"\x89\xb3....(?=\xc7\x83....\x00{4}\x48\xc7\x83....\xff{4}\xf6\x05.....\x0f\x85....\xba"
    rb"\x01\x00{3}\x48\x89\xdf\xe8)", re.S)
# test; je over it; orl $CPU_INTERRUPT_VIRQ, interrupt_request
_REQUEST = re.compile(rb"(?<=\x85\xf6\x74\x0a)\x81\x8b(....)\x00\x01\x00\x00", re.S)
# andl $~HF2_IGNNE_MASK, hflags2 of RAX; addq $8, %rsp, the end of cpu_clear_ignne
_CLEAR_IGNNE = re.compile(rb"\x81\xa0(....)\x7f\xff{3}(?=\x48\x83\xc4\x08)", re.S)
_FUNCTION_BYTES = 0x800

_NOP6 = b"\x66\x0f\x1f\x44\x00\x00"
_NOP2 = b"\x66\x90"


def _locked_request(match):
    """The same by a locked OR of the byte that holds the bit."""
    disp, = struct.unpack("<i", match[1])
    return b"\xf0\x80\x8b" + struct.pack("<i", disp + 1) + b"\x01" + _NOP2


def _locked_clear(match):
    """The same by a locked AND of the byte that holds the bit."""
    return b"\xf0\x80\xa0" + match[1] + b"\x7f" + _NOP2


def mended(program):
    """The mended bytes of a program. None: it looks different."""
    inject = list(_INJECT.finditer(program))
    clear = list(_CLEAR_IGNNE.finditer(program))
    if len(inject) != 1 or len(clear) != 1:
        return None
    at = inject[0].start()
    request = list(_REQUEST.finditer(program, max(at - _FUNCTION_BYTES, 0), at))
    if len(request) != 1:
        return None
    data = bytearray(program)
    for match, new in ((inject[0], _NOP6), (request[0], _locked_request(request[0])),
                       (clear[0], _locked_clear(clear[0]))):
        assert match.end() - match.start() == len(new)
        data[match.start():match.end()] = new
    return bytes(data)


def mend(path):
    """Change the program. False: it looks different, and was left alone."""
    data = mended(path.read_bytes())
    if data is None:
        return False
    path.write_bytes(data)
    return True
