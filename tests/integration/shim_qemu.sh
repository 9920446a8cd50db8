#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An unmodified QEMU with -accel kvm boots Debian's cloud kernel on myhv, through the shim, to user
# space and poweroff. MACHINES: lines of "QEMU|PROCESSORS|ARGUMENTS|WORDS FOR THE KERNEL"; QEMU is
# 7.2, the installed one, or 10.0, the lab's own.
# hvlab-timeout: 2400
set -u

# a host that is emulated, or debugged, is late by half a minute at times
words="console=ttyS0 quiet cryptomgr.notests no_timer_check watchdog_thresh=60"
machines=${MACHINES:-"
7.2|1|-M pc|
10.0|2|-M q35,kernel_irqchip=split -cpu host|
7.2|1|-M microvm|reboot=t"}
new=${GUEST_KERNEL%/kernels/*}/qemu/10.0
. "${0%/*}/lib.sh"

[ -x /usr/bin/qemu-system-x86_64 ] || { echo "no QEMU"; exit 77; }

# boot QEMU PROCESSORS ARGUMENTS WORDS
boot()
{
	local options=()
	unset MYHV_QEMU QEMU_MODULE_DIR
	if [ "$1" = 10.0 ]; then
		[ -d "$new" ] || { echo "# no QEMU 10.0: left out"; return; }
		export MYHV_QEMU=$new/usr/bin/qemu-system-x86_64
		export QEMU_MODULE_DIR=$new/usr/lib/x86_64-linux-gnu/qemu
		options=(-L "$new/usr/share/qemu" -L "$new/usr/share/seabios")
	fi
	# shellcheck disable=SC2086 # arguments in words
	timeout -k 5 $((2 * boot_s)) "$O/qemu-system-x86_64-myhv" "${options[@]}" -accel kvm -m 256 $3 \
		-smp "$2" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -append "$words $4" \
		-nographic -no-reboot >guest.log 2>&1 </dev/null
	check $? "QEMU $1 $3: ends by itself"
	[ "$(grep -ac '^processor' guest.log)" = "$2" ]
	check $? "QEMU $1 $3: user space sees $2 processors"
	! grep -aE 'Oops|BUG:|WARNING: CPU|Call Trace|unchecked MSR|qemu-system' guest.log |
		grep -v 'failed to initialize module' |
		grep -v 'requested feature: CPUID.40000001H:EAX.kvm-\(asyncpf\|steal-time\) '
	check $? "QEMU $1 $3: no complaint"
	[ $bad = 0 ] || tail -n 9 guest.log | sed "s/^/# /"
}

dmesg >before.log
while IFS='|' read -r qemu processors arguments more <&3; do
	[ -n "$qemu" ] && boot "$qemu" "$processors" "$arguments" "$more"
done 3<<<"$machines"
host_is_silent
finish
