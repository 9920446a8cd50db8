#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests with four busy processors are reset, reset without a word to the other processors, and
# killed. Each time the next life works, and in the end the module goes.
# hvlab-timeout: 1800
# hvlab-long
set -u

. "${0%/*}/lib.sh"

name=$(basename "$MYHV_KO" .ko)

mkdir root
cp "$GUEST_DIR/load" root/init
(cd root && find . | cpio -o -H newc --quiet) >initrd

# guest WORDS OPTIONS...: in the background, as $pid. The first load= counts.
guest()
{
	local words=$1
	shift
	timeout -k 5 $((2 * boot_s)) "$HVRUN" -smp 4 -m 256 -kernel "$GUEST_KERNEL" -initrd "$PWD/initrd" \
		-nographic "$@" >guest.log 2>hvrun.log </dev/null \
		-append "console=ttyS0 loglevel=5 cryptomgr.notests load_memory=8 $words load=1" &
	pid=$!
}

# said N WORDS: wait until the guest has said WORDS for the Nth time
said()
{
	until_true $boot_s lines guest.log "$2" "$1"
}

for how in "reset reboot=t" "crash reboot=t" "crash reboot=k"; do
	guest "load_end=$how"
	said 2 '^LOAD START' && sleep 0.5
	check $? "$how: a second life"
	! grep -naE 'LOAD FAILED|Oops|BUG:|WARNING: CPU|Call Trace|soft lockup' guest.log
	check $? "$how: the guest's log has no error"
	kill $pid 2>/dev/null
	wait $pid
	! grep -avE '^hvrun: vCPU [0-9]: triple|^(R|[CDEFGS]S|[GI]DT|LDT|TR|CR|Code)' hvrun.log
	check $? "$how: hvrun has nothing to say"
done

for delay in 0.2 0.7 1.5; do
	guest "load=60"
	said 1 '^LOAD START'
	sleep $delay
	# the child of timeout, which is hvrun
	kill -9 "$(cat /proc/$pid/task/$pid/children)"
	wait $pid 2>/dev/null
	rmmod "$name"
	check $? "killed under load after $delay s: the module goes"
	insmod "$MYHV_KO"
	check $? "and comes again"
done

guest ""
wait $pid
grep -qa '^LOAD OK' guest.log
check $? "a last guest is well"
finish
