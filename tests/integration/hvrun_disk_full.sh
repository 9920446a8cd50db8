#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host's file system is full: the VM pauses, space is found, it goes on, and all that
# the guest wrote is there. With werror=report the guest hears of it. hvlab-timeout: 1200
set -u

. "${0%/*}/lib.sh"

run()
{
	"$HVRUN" -m 192 -nographic -kernel "$GUEST_KERNEL" -initrd "$DISK_INITRD" \
		-append "console=ttyS0 loglevel=4 cryptomgr.notests job=fill" \
		-drive "$1" >out.log 2>err.log </dev/null &
	pid=$!
}

# Space for a quarter of the disk; where mounts are not to be had, nothing can be shown.
mkdir small
mount -t tmpfs -o size=4M tmpfs small || exit 77
trap 'kill -9 $pid; wait; umount small' EXIT
truncate -s 16M small/disk.img

run "file=small/disk.img,format=raw"
until_true $boot_s grep -qs "the VM is paused" err.log
check $? "the VM pauses: $(head -n 1 err.log)"
grep -q "small/disk.img.*No space" err.log
check $? "and says why"
sleep 2
[ "$(wc -l <err.log)" = 1 ] && kill -0 $pid
check $? "it stays paused"
kill -CONT $pid
until_true $word_s lines err.log . 2
sleep 2
[ "$(wc -l <err.log)" = 2 ]
check $? "going on without space pauses it again"
mount -o remount,size=64M small
kill -CONT $pid
wait $pid
check $? "with space it ends well"
grep -q "job: ok" out.log
check $? "the guest reads what it wrote"
for n in $(seq 0 15); do
	dd if=small/disk.img bs=1M skip="$n" count=1 2>/dev/null >seen
	grep -aq "^megabyte 0*$n " seen && tail -c +513 seen | md5sum >>sums
done
[ "$(wc -l <sums)" = 16 ] && [ "$(uniq sums | wc -l)" = 1 ]
check $? "all of it is on the host"

rm small/disk.img
mount -o remount,size=4M small
truncate -s 16M small/disk.img
run "file=small/disk.img,format=raw,werror=report"
wait $pid
check $? "werror=report: the machine goes on to its end"
grep -qiE "I/O error|job: failed" out.log && ! grep -q "paused" err.log
check $? "and the guest hears of it"
finish
