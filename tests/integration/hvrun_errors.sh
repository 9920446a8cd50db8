#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What hvrun says when something is wrong: one line that names the thing and says what
# to do, and a status that is not 0. hvlab-timeout: 900
set -u

. "${0%/*}/lib.sh"

# refused WHAT PATTERN ARGUMENTS...
refused()
{
	local what=$1 pattern=$2 status
	shift 2
	timeout $word_s "$HVRUN" "$@" -nographic >out.log 2>err.log </dev/null
	status=$?
	[ $status != 0 ] && [ $status -lt 124 ]
	check $? "$what: status $status"
	grep -qiE -e "$pattern" err.log
	check $? "$what: says: $(head -n 1 err.log)"
	[ "$(wc -l <err.log)" -le 3 ]
	check $? "$what: in three lines at most"
	! [ -s out.log ]
	check $? "$what: on stderr only"
}

echo "no kernel" >text
: >empty
head -c 100000 "$GUEST_KERNEL" >cut
cp "$GUEST_KERNEL" locked
mkdir folder

refused "no such kernel" "nothere.*no such file" -kernel nothere
refused "a text for a kernel" "text.*(bzImage|kernel)" -kernel text
refused "an empty kernel" "empty" -kernel empty
refused "half a kernel" "cut" -kernel cut
refused "a folder for a kernel" "folder" -kernel folder
refused "no such initrd" "nothere.*no such file" -kernel "$GUEST_KERNEL" -initrd nothere
refused "an initrd without a kernel" "kernel" -initrd "$GUEST_INITRD"
head -c 100000 /dev/zero >short.rom
head -c 65536 /dev/zero >zero.rom
refused "no such firmware" "nothere.*no such file" -bios nothere
refused "firmware that is cut short" "short.rom.*64 KiB" -bios short.rom
refused "an empty firmware" "empty" -bios empty
refused "a folder for a firmware" "folder" -bios folder
refused "firmware and a kernel" "bios" -bios zero.rom -kernel "$GUEST_KERNEL"
refused "a flash chip that is no file" "pflash.*folder" -drive if=pflash,format=raw,file=folder
refused "variables without firmware" "unit 0" -drive if=pflash,unit=1,format=raw,file=zero.rom
refused "two kinds of firmware" "give one" -bios zero.rom -drive if=pflash,format=raw,file=zero.rom
refused "a feature that no CPU has" "nosuch" -cpu host,+nosuch
refused "a model that there is not" "x86-64-v3" -cpu pentium9
refused "another machine" "only 'pc'" -M q35
refused "a time that there is not" "base=" -rtc base=tomorrow
refused "a broken UUID" "uuid" -uuid 12-34
refused "a daemon on a terminal" "daemonize" -daemonize -serial stdio
refused "a pid file nowhere" "pidfile.*no such" -pidfile /nowhere/pid -bios zero.rom
refused "an impossible boot order" "boot.*letters" -boot xyz
refused "no size" "-m.*abc" -kernel "$GUEST_KERNEL" -m abc
refused "too little memory" "memory" -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" -m 4
refused "too much memory" "memory|much" -kernel "$GUEST_KERNEL" -m 9999999G
refused "unknown option" "frobnicate" -kernel "$GUEST_KERNEL" -frobnicate
refused "an option without its argument" "kernel" -kernel

name=$(basename "$MYHV_KO" .ko)
rmmod "$name"
refused "no module" "insmod|modprobe" -kernel "$GUEST_KERNEL"
insmod "$MYHV_KO"
chmod 600 /dev/myhv
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	chmod 755 . && chmod 644 locked
	setpriv --reuid nobody --regid nogroup --clear-groups \
		"$HVRUN" -kernel locked -nographic >out.log 2>err.log </dev/null
	[ $? != 0 ] && grep -qi '/dev/myhv.*permission\|permission.*/dev/myhv' err.log
	check $? "no permission: says: $(head -n 1 err.log)"
fi
chmod 660 /dev/myhv

timeout $word_s "$HVRUN" -help >out.log 2>&1
check $? "-help ends with status 0"
grep -q -e '-kernel' out.log
check $? "and names -kernel"
timeout $word_s "$HVRUN" -version >out.log 2>&1
check $? "-version ends with status 0"
finish
