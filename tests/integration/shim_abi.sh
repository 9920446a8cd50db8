#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# KVM's ABI through the shim (tests/shim/*.c), and what cannot work:
# each with the error that KVM gives or a clear word. With the host's KVM modules at hand the same
# programs run on KVM first, so that it is KVM's ABI which is tested.
# hvlab-timeout: 900
set -u

abi=$O/tests/shim/abi
. "${0%/*}/lib.sh"

says()
{
	grep -q "$1" log
	check $? "$2"
}

[ "${MYHV_BACKEND:-}" = vmx ] && kvm=kvm-intel || kvm=kvm-amd
if [ -n "${MYHV_LAB:-}" ] && modprobe -q $kvm && [ -e /dev/kvm ]; then
	for program in abi caps eintr hyperv state; do
		"$O/tests/shim/$program" >log 2>&1
		check $? "KVM itself: $program, $(grep -c '^ok' log) checks"
		grep -v '^ok' log | sed 's/^/# /'
	done
	rmmod $kvm kvm
fi

for program in abi caps eintr hyperv state; do
	"$O/myhv-run" "$O/tests/shim/$program" >log 2>&1
	check $? "the shim: $program, $(grep -c '^ok' log) checks"
	grep -v '^ok' log | sed 's/^/# /'
done

MYHV_SHIM_LOG=$PWD/calls "$O/myhv-run" "$abi" >log 2>&1
check $? "with a log"
grep -q 'KVM_CREATE_VM(0) = ' calls && grep -q 'KVM_RUN = 0 IO out port 0x10' calls
check $? "which names the calls"

"$O/myhv-run" "$O/tests/shim/abi-static" >log 2>&1
[ $? = 126 ]
check $? "a static program is refused"
says 'statically linked' "with the reason"
printf '\177ELF\001' >program32
chmod +x program32
"$O/myhv-run" ./program32 >log 2>&1
[ $? = 126 ]
check $? "a 32-bit program is refused"
says '32-bit' "with the reason"
"$O/myhv-run" no-such-program >log 2>&1
[ $? = 127 ]
check $? "a program that is not there"
"$O/myhv-run" >log 2>&1
[ $? = 2 ]
check $? "no program at all"
"$O/myhv-run" sh -c 'exit 7'
[ $? = 7 ]
check $? "a program's status comes back"

setpriv --reuid=65534 --regid=65534 --clear-groups "$O/myhv-run" "$abi" >log 2>&1
[ $? = 77 ]
check $? "without permission"
says 'Permission denied' "EACCES"
unshare -m --propagation unchanged sh -c "mount -t tmpfs none /dev && exec '$O/myhv-run' '$abi'" >log 2>&1
[ $? = 77 ]
check $? "without the module"
says 'No such file' "ENOENT"
says 'is the module loaded' "and a hint"
finish
