#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's cloud kernel boots under hvrun, says who it is and powers off: three times
# here, $BOOTS times when that is set. Neither kernel's log may have an error.
# hvlab-timeout: 1200
set -u

boots=${BOOTS:-3}
. "${0%/*}/lib.sh"

has()
{
	grep -qE "$1" guest.log
	check $? "boot $boot: $2"
}

dmesg >before.log
for boot in $(seq "$boots"); do
	timeout -k 5 $boot_s "$HVRUN" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -m 256 \
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
		"reboot: Power down|Speculative Return Stack Overflow|RETBleed: WARNING|fail to add MMCONFIG|$late"
	check $? "boot $boot: the guest's kernel warns of nothing"
	! [ -s hvrun.log ]
	check $? "boot $boot: hvrun has nothing to say: $(head -c 200 hvrun.log)"
	[ $bad = 0 ] || break
done
host_is_silent
finish
