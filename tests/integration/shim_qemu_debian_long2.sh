#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian disk under unmodified QEMUs on myhv, through the shim: OVMF and a microvm's direct boot,
# login, virtio disk, user network, reboot, poweroff. See tests/shim/qemu_disk.py.
# A microvm's second IOAPIC is QEMU's own, and gets no EOIs from an irqchip in the kernel (QEMU's
# authors advise split): off there.
# hvlab-long, hvlab-timeout: 7200
# the runner builds what is named here: DEBIAN_IMAGE DEBIAN_EFI_IMAGE
[ -x /usr/bin/qemu-system-x86_64 ] || { echo "no QEMU"; exit 77; }
exec "$(dirname "$0")/../shim/qemu_disk.py" "$O/qemu-system-x86_64-myhv" \
	"${GUEST_KERNEL%/kernels/*}/qemu/10.0" \
	"7.2|2|-M q35|efi net reboot" \
	"7.2|1|-M microvm,ioapic2=off|kernel net" \
	"10.0|4|-M pc -cpu max|efi"
