#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian disk under unmodified QEMUs on myhv, through the shim: SeaBIOS,
# login, virtio disk, user network, reboot, poweroff. See tests/shim/qemu_disk.py.
# hvlab-long, hvlab-timeout: 7200
# the runner builds what is named here: DEBIAN_IMAGE
[ -x /usr/bin/qemu-system-x86_64 ] || { echo "no QEMU"; exit 77; }
exec "$(dirname "$0")/../shim/qemu_disk.py" "$O/qemu-system-x86_64-myhv" \
	"${GUEST_KERNEL%/kernels/*}/qemu/10.0" \
	"7.2|1|-M pc|bios net reboot" \
	"10.0|2|-M q35,kernel_irqchip=split -cpu host|bios net reboot"
