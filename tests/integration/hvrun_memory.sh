#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest of 1 GiB whose host cannot hold it: its memory is swapped while it verifies 800 MiB
# of patterns. On a host with more than 1 GiB a memory cgroup makes it scarce.
# hvlab-timeout: 1500
# hvlab-long
set -u

. "${0%/*}/lib.sh"

vmstat_of()
{
	awk -v n="$1" '$1 == n { print $2 }' /proc/vmstat
}

group=/sys/fs/cgroup/myhv-test-memory
swap=
cleanup()
{
	[ -z "$swap" ] || swapoff "$swap"
	[ ! -d $group ] || rmdir $group
}
trap cleanup EXIT

# Swap: what there is, or an empty disk of the lab, or compressed memory.
if [ "$(wc -l </proc/swaps)" = 1 ]; then
	[ -n "${MYHV_LAB:-}" ] || skip "the host has no swap"
	modprobe -q virtio_blk
	if [ -b /dev/vda ]; then
		swap=/dev/vda
	else
		modprobe zram || skip "neither a disk nor zram for swap"
		echo 2G >/sys/block/zram0/disksize
		swap=/dev/zram0
	fi
	mkswap $swap >/dev/null && swapon $swap || skip "cannot swap to $swap"
	echo "# swap on $swap"
fi

if [ "$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)" -gt 1024 ]; then
	grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts ||
		mount -t cgroup2 none /sys/fs/cgroup || skip "no cgroup2"
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control || skip "no memory controller"
	mkdir $group
	echo 500M >$group/memory.max
	echo "# limited to 500 MiB by a cgroup"
fi

# a guest whose memory comes from a disk may be late by a minute
patience="watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300"
mkdir root
cp "$GUEST_DIR/load" root/init
(cd root && find . | cpio -o -H newc --quiet) >initrd

out=$(vmstat_of pswpout) in=$(vmstat_of pswpin)
dmesg >before.log
(
	[ ! -d $group ] || echo 0 >$group/cgroup.procs
	exec timeout -k 5 1400 "$HVRUN" -smp 2 -m 1G -no-reboot -kernel "$GUEST_KERNEL" \
		-initrd "$PWD/initrd" -nographic \
		-append "console=ttyS0 loglevel=5 cryptomgr.notests $patience load=10 load_cpus=2 load_memory=800"
) >guest.log 2>hvrun.log </dev/null
status=$?
[ $status = 0 ] && grep -qa '^LOAD OK' guest.log
check $? "the load is right, status $status"
grep -a '^LOAD' guest.log | tr -d '\r' | sed 's/^/# /'
! [ -s hvrun.log ]
check $? "hvrun has nothing to say"
! grep -naE 'Oops|BUG:|WARNING: CPU' guest.log
check $? "the guest's log has no error"
out=$((($(vmstat_of pswpout) - out) / 256)) in=$((($(vmstat_of pswpin) - in) / 256))
[ $out -gt 100 ] && [ $in -gt 100 ]
check $? "$out MiB went to swap, $in MiB came back"
dmesg | diff before.log - | grep '^>' >host.log
! grep -E 'Oops|BUG|WARN|Out of memory|oom' host.log
check $? "the host's log has no error"
finish
