#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Disks that cannot be used: one line that names the thing and says what to do, status 1,
# and nothing left behind. hvlab-timeout: 900
set -u

. "${0%/*}/lib.sh"

# refused WHAT PATTERN ARGUMENTS...
refused()
{
	local what=$1 pattern=$2 status
	shift 2
	timeout $word_s ${as:-} "$HVRUN" -nographic "$@" >out.log 2>err.log </dev/null
	status=$?
	[ $status = 1 ] && [ "$(wc -l <err.log)" = 1 ] && ! [ -s out.log ]
	check $? "$what: one line, status $status"
	grep -qE -e "$pattern" err.log
	check $? "$what: $(head -n 1 err.log)"
}

mkdir folder
mkfifo pipe
: >empty
truncate -s 1000 cut
# not every file system takes that
truncate -s 200P huge 2>/dev/null || rm -f huge
truncate -s 1M good
cp good readonly
chmod 444 readonly
qemu-img create -q -f qcow2 good.qcow2 8M
printf 'QFI\373 and nothing that makes sense%100000s' "" >bad.qcow2
qemu-img create -q -f qcow2 -b good -F raw orphan.qcow2
mv good moved
as=
temporary=$(ls -d /tmp/hvrun-* /var/tmp/hvrun-* 2>/dev/null)

refused "no such image" "nothere.*no such file.*qemu-img create" -hda nothere
refused "a folder" "folder is a directory" -hda folder
refused "a fifo" "pipe is neither" -hda pipe
refused "a character device" "/dev/null is neither" -drive file=/dev/null,format=raw
refused "an empty image" "empty is empty" -hda empty
refused "a cut image" "cut is no whole number of sectors.*truncate" -hda cut
[ -e huge ] && refused "an image too big" "huge is too big" -hda huge
refused "an empty disc" "too small|empty" -cdrom empty
refused "a text as qcow2" "not in qcow2 format" -drive file=moved,format=qcow2
refused "rubbish with a qcow2 header" "bad.qcow2 as qcow2" -hda bad.qcow2
refused "a backing file that is gone" "orphan.qcow2.*good" -hda orphan.qcow2
refused "an unknown format" "as ancient" -drive file=moved,format=ancient
refused "an unknown word" "speed" -drive file=moved,speed=11
refused "an unknown cache" "cache=fast.*writeback" -drive file=moved,cache=fast
refused "two in one place" "taken by another drive" -hda moved -drive file=readonly,index=0
refused "one image twice" "in use by another drive" -hda moved -hdb moved
refused "a disk that is read-only" "snapshot=on" -drive file=moved,readonly=on
TMPDIR=/nowhere refused "no place for the snapshot" "/nowhere.*TMPDIR" -snapshot -hda moved
as="env PATH=/nowhere"
refused "no daemon" "qemu-utils" -hda good.qcow2
as=
if command -v setpriv >/dev/null && id nobody >/dev/null 2>&1; then
	chmod 755 .
	chmod 666 moved
	as="setpriv --reuid nobody --regid nogroup --clear-groups"
	refused "no permission" "readonly for writing.*snapshot=on" -drive file=readonly,format=raw
	as=
fi
! pgrep -x qemu-storage-d >/dev/null
check $? "no daemon is left"
[ "$temporary" = "$(ls -d /tmp/hvrun-* /var/tmp/hvrun-* 2>/dev/null)" ]
check $? "no temporary file is left"
finish
