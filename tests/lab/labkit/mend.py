# SPDX-License-Identifier: GPL-2.0-or-later
"""Two mistakes of QEMU's AMD-V, mended in the lab's own copy of the program.

Both are in helper_vmrun(), and in every version up to 10.0 at least:

- An external interrupt that VMRUN injects stays noted as an exception that is still to come. A
  thread that only wants this CPU's attention (a TB flush, a stop, the round robin of
  thread=single) then makes the guest take the vector a second time, as a fault and with IF
  clear. Guests hang and crash of it, under any hypervisor.
- The request for a virtual interrupt is noted without the lock, so an interrupt for the host
  that comes in the same moment may be lost.
"""
import re
import struct

# movl vector, exception_index; movl $0, exception_is_int; movq $-1, exception_next_eip;
# testb log level; jne; movl $1, %edx; mov env, %rdi; call do_interrupt_x86_hardirq
_INJECT = re.compile(
    rb"\x89\xb3....(?=\xc7\x83....\x00{4}\x48\xc7\x83....\xff{4}\xf6\x05.....\x0f\x85....\xba"
    rb"\x01\x00{3}\x48\x89\xdf\xe8)", re.S)
# test; je over it; orl $CPU_INTERRUPT_VIRQ, interrupt_request
_REQUEST = re.compile(rb"(?<=\x85\xf6\x74\x0a)\x81\x8b(....)\x00\x01\x00\x00", re.S)
_FUNCTION_BYTES = 0x800

_NOP6 = b"\x66\x0f\x1f\x44\x00\x00"
_NOP2 = b"\x66\x90"


def _locked(match):
    """The same by a locked OR of the byte that holds the bit."""
    disp, = struct.unpack("<i", match[1])
    return b"\xf0\x80\x8b" + struct.pack("<i", disp + 1) + b"\x01" + _NOP2


def mend(path):
    """Change the program. False: it looks different, and was left alone."""
    data = bytearray(path.read_bytes())
    inject = list(_INJECT.finditer(data))
    if len(inject) != 1:
        return False
    at = inject[0].start()
    request = list(_REQUEST.finditer(data, at - _FUNCTION_BYTES, at))
    if len(request) != 1:
        return False
    data[at:at + len(_NOP6)] = _NOP6
    lock = _locked(request[0])
    data[request[0].start():request[0].end()] = lock
    path.write_bytes(data)
    return True
