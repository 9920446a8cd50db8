#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian disk under unmodified QEMUs on myhv, through the shim: the direct boot of a microvm,
# login, virtio disk, user network. See tests/shim/qemu_disk.py.
# Its second IOAPIC is QEMU's own and gets no EOIs from an irqchip in the kernel: off there.
# hvlab-long, hvlab-timeout: 7200
# the runner builds what is named here: DEBIAN_IMAGE
[ -x /usr/bin/qemu-system-x86_64 ] || { echo "no QEMU"; exit 77; }
exec "$(dirname "$0")/../shim/qemu_disk.py" "$O/qemu-system-x86_64-myhv" \
	"${GUEST_KERNEL%/kernels/*}/qemu/10.0" \
	"10.0|1|-M microvm,ioapic2=off|kernel" \
	"7.2|1|-M microvm,ioapic2=off|kernel net" \
	"10.0|2|-M microvm,kernel_irqchip=split|kernel net"
