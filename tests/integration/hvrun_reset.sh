#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every way in which a guest resets or ends, what hvrun makes of it, and that a machine
# is fit after a reset. Input comes from a pipe. hvlab-timeout: 1800
set -u

. "${0%/*}/lib.sh"

# prompted N: wait until the guest has asked for the Nth time
prompted()
{
	until_true $boot_s lines guest.log 'Enter .help' "$1"
	sleep 1
}

# guest KERNEL-WORDS OPTIONS...: commands come from stdin
guest()
{
	local words=$1
	shift
	timeout -k 5 $((3 * boot_s)) "$HVRUN" -m 256 -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" \
		-append "console=ttyS0 quiet cryptomgr.notests interactive $words" "$@" \
		>>guest.log 2>err.log
}

# ends WHAT STATUS KERNEL-WORDS COMMAND OPTIONS...
ends()
{
	local what=$1 expected=$2 words=$3 command=$4 status
	shift 4
	: >guest.log
	{ prompted 1; echo "$command"; } | guest "$words" "$@"
	status=${PIPESTATUS[1]}
	[ "$status" = "$expected" ]
	check $? "$what: status $status"
}

ends "power off" 0 "" "poweroff -f"
ends "reset by ACPI" 2 "reboot=a" "reboot -f" -no-reboot
ends "reset by the keyboard controller" 2 "reboot=k" "reboot -f" -no-reboot
ends "reset by port 0xcf9" 2 "reboot=p" "reboot -f" -no-reboot
ends "triple fault" 3 "reboot=t" "reboot -f" -no-reboot
grep -q 'triple fault' err.log && grep -q '^RIP=' err.log
check $? "the triple fault is told with registers"

# three times through a reset, then off: with two processors, all of them come back
: >guest.log
{
	prompted 1; echo "nproc; reboot -f"
	prompted 2; echo "nproc; reboot -f"
	prompted 3; echo "nproc; echo survived \$((6 * 7)); poweroff -f"
} | guest "reboot=t" -smp 2
status=${PIPESTATUS[1]}
[ "$status" = 0 ]
check $? "two resets and off: status $status"
[ "$(grep -ac '^2.$' guest.log)" = 3 ]
check $? "two processors each time"
grep -qa 'survived 42' guest.log
check $? "the third life works"
finish
