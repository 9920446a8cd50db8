#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other ways to start: a CD-ROM by BIOS, a disk and a CD-ROM by UEFI, a qcow2 image by BIOS; with 16
# processors and another clock.
# hvlab-long, hvlab-timeout: 1500
set -u

. "${0%/*}/lib.sh"

# boot WHAT ARGUMENTS...: the guest does its job and powers off
boot()
{
	local what=$1 begin=$SECONDS status
	shift
	timeout -k 5 400 "$HVRUN" -m 512 -nographic "$@" >out.log 2>err.log </dev/null
	status=$?
	[ $status = 0 ]
	check $? "$what: status $status"
	grep -aq "GNU GRUB" out.log
	check $? "$what: GRUB starts"
	grep -q "job: ok" out.log
	check $? "$what: the guest is content after $((SECONDS - begin)) s"
	! [ -s err.log ]
	check $? "$what: hvrun has nothing to say: $(head -c 200 err.log)"
}

boot "CD-ROM by BIOS" -boot d -cdrom "$ISO_IMAGE"
qemu-img create -q -f qcow2 -b "$SMALL_IMAGE" -F raw over.qcow2
boot "qcow2 by BIOS" -hda over.qcow2
boot "16 processors" -smp 16 -rtc base=2024-02-29T12:00:00 -drive file=over.qcow2,snapshot=on
grep -q "processors: 16, clock: 2024-02-29" out.log
check $? "the guest has them, and the clock: $(grep -a processors: out.log)"
if [ -e /usr/share/ovmf/OVMF.fd ]; then
	cp "$SMALL_EFI_IMAGE" efi.img
	boot "disk by UEFI" -bios /usr/share/ovmf/OVMF.fd -hda efi.img
	boot "CD-ROM by UEFI" -bios /usr/share/ovmf/OVMF.fd -cdrom "$ISO_IMAGE"
fi
finish
