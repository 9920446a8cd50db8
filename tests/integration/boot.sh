#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's cloud kernel boots under hvrun, says who it is and powers off: three times
# here, $BOOTS times when that is set. Neither kernel's log may have an error.
# hvlab-timeout: 600
set -u

boots=${BOOTS:-3}
count=0 bad=0

check()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		bad=$((bad + 1))
	fi
}

has()
{
	grep -qE "$1" guest.log
	check $? "boot $boot: $2"
}

dmesg >before.log
for boot in $(seq "$boots"); do
	timeout -k 5 60 "$HVRUN" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -m 256 \
		-append "console=ttyS0 loglevel=5 cryptomgr.notests" -nographic >guest.log 2>hvrun.log </dev/null
	status=$?
	[ "$status" = 0 ]
	check $? "boot $boot: hvrun ends with status 0, not $status"
	has 'Linux guest .* x86_64 GNU/Linux' "the guest printed its uname"
	has '^processor.*: 0' "and its cpuinfo"
	has 'reboot: Power down' "and powered off"
	# at loglevel 5 the console shows warnings and worse, nothing else
	# (on Intel, Linux has no way to the extended configuration space of this chipset)
	! grep -nE '^\[ *[0-9]+\.[0-9]+\]' guest.log | grep -vE \
		'reboot: Power down|Speculative Return Stack Overflow|fail to add MMCONFIG'
	check $? "boot $boot: the guest's kernel warns of nothing"
	! [ -s hvrun.log ]
	check $? "boot $boot: hvrun has nothing to say: $(head -c 200 hvrun.log)"
	[ $bad = 0 ] || { tail -n 40 guest.log | sed 's/^/# /'; break; }
done
dmesg | diff before.log - | grep '^>' >host.log
# an emulated host is slow at times
! grep -vE 'myhv: (ready|virtualization|VM )|hrtimer: interrupt took|perf: interrupt took' host.log
check $? "the host's log has nothing new"
echo "1..$count"
exit $((bad > 0))
