#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Power cuts: hvrun is killed while a guest writes and flushes. All that the guest was told
# to be durable is there. Three cuts here, $CUTS when that is set. And while the guest
# runs, nobody else gets its image. hvlab-timeout: 1200
set -u

cuts=${CUTS:-3}
. "${0%/*}/lib.sh"

# run FROM: a guest that writes records from FROM + 1 on
run()
{
	"$HVRUN" -m 192 -nographic -kernel "$GUEST_KERNEL" -initrd "$DISK_INITRD" \
		-append "console=ttyS0 quiet cryptomgr.notests job=durable from=$1" \
		-hda "$disk" >out.log 2>err.log </dev/null &
	pid=$!
}

# The number of the last record that the guest was told to be durable.
last_durable()
{
	tr -d '\r' <out.log | sed -n 's/^durable \([0-9]*\)$/\1/p' | tail -n 1
}

records()
{
	last=$(last_durable)
	[ "${last:-0}" -ge "$1" ]
}

# wait_for_records N: N more than at the start
wait_for_records()
{
	until_true $boot_s records "$1"
}

# All records up to N are on the disk.
verify()
{
	head -c $((($1 + 1) * 512)) raw.img | tail -c +513 |
		grep -ao 'record [0-9]* of a disk that keeps' | awk '{ print $2 + 0 }' >seen
	seq "$1" | cmp - seen
}

truncate -s 16M raw.img
qemu-img create -q -f qcow2 disk.qcow2 16M
done_so_far=0
for cut in $(seq "$cuts"); do
	disk=raw.img
	run $done_so_far
	wait_for_records $((done_so_far + 1 + RANDOM % 20))
	check $? "cut $cut: the guest writes"
	if [ "$cut" = 1 ]; then
		timeout $word_s "$HVRUN" -hda raw.img -nographic >out2.log 2>err2.log </dev/null
		[ $? = 1 ]
		check $? "a second machine does not get the image"
		grep -q "process $pid (hvrun)" err2.log
		check $? "and is told who has it: $(head -n 1 err2.log)"
		! qemu-img convert -O raw raw.img other.img 2>/dev/null
		check $? "nor does qemu-img"
	fi
	kill -9 $pid
	wait $pid 2>/dev/null
	last=$(last_durable)
	done_so_far=${last:-$done_so_far}
	verify "$done_so_far"
	check $? "cut $cut: all $done_so_far records are there"
done

# the same behind a daemon, which ends with hvrun
disk=disk.qcow2
run 0
wait_for_records 5
check $? "qcow2: the guest writes"
kill -9 $pid
wait $pid 2>/dev/null
last=$(last_durable)
pid=
no_daemon()
{
	! pgrep -x qemu-storage-d >/dev/null
}
until_true $word_s no_daemon
check $? "qcow2: the daemon ends with hvrun"
qemu-img convert -q -f qcow2 -O raw disk.qcow2 raw.img && verify "${last:-1}"
check $? "qcow2: all ${last:-no} records are there"
! ls /tmp/hvrun-* >/dev/null 2>&1
check $? "nothing is left in /tmp"
finish
