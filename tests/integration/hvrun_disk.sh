#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that boots by itself: SeaBIOS, GRUB, a kernel that works on its disk and powers off.
# Then the same image behind -snapshot, as the backing file of a qcow2 image, and a
# CD-ROM. hvlab-timeout: 1500
set -u

. "${0%/*}/lib.sh"

# boot WHAT ARGUMENTS...: the guest does its job and powers off
boot()
{
	local what=$1 status
	shift
	timeout -k 5 $boot_s "$HVRUN" -m 256 -nographic "$@" >out.log 2>err.log </dev/null
	status=$?
	[ $status = 0 ]
	check $? "$what: status $status"
	grep -q "job: ok" out.log
	check $? "$what: the guest is content"
	! [ -s err.log ]
	check $? "$what: hvrun has nothing to say: $(head -c 200 err.log)"
}

# with JOB: arguments for a kernel that needs no firmware
with()
{
	kernel=(-kernel "$GUEST_KERNEL" -initrd "$DISK_INITRD"
		-append "console=ttyS0 loglevel=5 cryptomgr.notests job=$1")
}

cp "$SMALL_IMAGE" disk.img
before=$(md5sum <disk.img)
boot "from the disk" -hda disk.img
grep -aq "SeaBIOS" out.log
check $? "SeaBIOS says who it is"
grep -aq "GNU GRUB" out.log && grep -aq "myhv test guest" out.log
check $? "GRUB shows its menu"
[ "$before" != "$(md5sum <disk.img)" ]
check $? "the guest wrote to its disk"
/sbin/e2fsck -fn "disk.img?offset=1048576" >fsck.log 2>&1
check $? "e2fsck has nothing to mend"

before=$(md5sum <disk.img)
with check
boot "-snapshot" "${kernel[@]}" -hda disk.img -snapshot
[ "$before" = "$(md5sum <disk.img)" ]
check $? "-snapshot left the image as it was"
qemu-img create -q -f qcow2 -b disk.img -F raw over.qcow2
boot "qcow2 over raw" "${kernel[@]}" -hda over.qcow2
[ "$before" = "$(md5sum <disk.img)" ]
check $? "the backing file is as it was"
qemu-img check -q over.qcow2
check $? "the qcow2 image is whole"
! pgrep -x qemu-storage-d >/dev/null
check $? "no daemon is left"

with cdrom
boot "CD-ROM" "${kernel[@]}" -cdrom "$ISO_IMAGE"
finish
