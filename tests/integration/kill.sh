#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hvrun is killed in the middle of a run; the module then goes and comes again.
# hvlab-timeout: 600
set -u

. "${0%/*}/lib.sh"

name=$(basename "$MYHV_KO" .ko)

users()
{
	lsmod | awk -v n="$name" '$1 == n { print $3 }'
}

is_used()
{
	[ "$(users)" != 0 ]
}

start_guest()
{
	"$HVRUN" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -m 256 -nographic \
		-append "console=ttyS0 cryptomgr.notests interactive" >guest.log 2>&1 <input &
	pid=$!
}

mkfifo input
exec 3<>input # so that the guest's console never ends

for delay in 0.05 0.3 1 2; do
	start_guest
	[ $delay = 0.05 ] || until_true $word_s is_used
	sleep $delay
	! rmmod "$name" 2>/dev/null || [ $delay = 0.05 ]
	check $? "the module cannot go while a VM is there ($delay s)"
	[ -e /dev/myhv ] || insmod "$MYHV_KO"
	kill -9 $pid
	wait $pid 2>/dev/null
	[ "$(users)" = 0 ]
	check $? "killed after $delay s: nobody uses the module, users: $(users)"
	rmmod "$name"
	check $? "it goes"
	insmod "$MYHV_KO"
	check $? "and comes again"
done

timeout -k 5 $boot_s "$HVRUN" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -m 256 -nographic \
	-append "console=ttyS0 quiet cryptomgr.notests" >guest.log 2>&1 </dev/null
check $? "a guest boots and ends"

# SIGTERM is an orderly way to stop.
start_guest
sleep 1
kill -TERM $pid
wait $pid
status=$?
[ $status != 0 ] && [ $status != 137 ]
check $? "SIGTERM ends hvrun, status $status"
[ "$(users)" = 0 ]
check $? "and nobody uses the module"
finish
