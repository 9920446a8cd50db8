#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Linux guests with 2 and 4 processors under the verified load of tests/guest/load: 3 s each
# here, after all processors were switched off and on again. CPUS, LOAD_SECONDS, ROUNDS and
# HOTPLUGS are for the long tests.
# hvlab-timeout: 1800
set -u

cpus=${CPUS:-2 4}
seconds=${LOAD_SECONDS:-3}
rounds=${ROUNDS:-1}
hotplugs=${HOTPLUGS:-1}
words="console=ttyS0 loglevel=5 cryptomgr.notests watchdog_thresh=60"
sick='Oops|BUG:|WARNING: CPU|Call Trace|rcu: INFO|soft lockup|unchecked MSR|nobody cared'
. "${0%/*}/lib.sh"

mkdir root
cp "$GUEST_DIR/load" root/init
(cd root && find . | cpio -o -H newc --quiet) >initrd

dmesg >before.log
for round in $(seq "$rounds"); do
	for n in $cpus; do
		what="$n processors, round $round"
		timeout -k 5 $((2 * boot_s + seconds * 3)) "$HVRUN" -smp "$n" -m 256 -no-reboot \
			-kernel "$GUEST_KERNEL" -initrd "$PWD/initrd" -nographic \
			-append "$words load=$seconds load_cpus=$n load_hotplug=$hotplugs" \
			>guest.log 2>hvrun.log </dev/null
		status=$?
		[ $status = 0 ] && grep -qa '^LOAD OK' guest.log
		check $? "$what: the load is right, status $status"
		! grep -naE "$sick" guest.log
		check $? "$what: the guest's log has no error"
		! [ -s hvrun.log ]
		check $? "$what: hvrun has nothing to say"
		grep -a '^LOAD' guest.log | tr -d '\r' | sed "s/^/# $n: /"
		[ $bad = 0 ] || { tail -n 60 guest.log hvrun.log | sed 's/^/# /'; break 2; }
	done
done
host_is_silent
finish
