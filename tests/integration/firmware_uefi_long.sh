#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# OVMF from flash: its shell comes up, a variable that is set there is kept in the file and
# found by the next boot; with four processors; reset and off from the shell.
# hvlab-long hvlab-timeout: 1200
set -u

code=/usr/share/OVMF/OVMF_CODE_4M.fd
vars=/usr/share/OVMF/OVMF_VARS_4M.fd
. "${0%/*}/lib.sh"
[ -e $code ] || { echo "1..0 # SKIP no OVMF: install the package ovmf"; exit 77; }

wait_for()
{
	for _ in $(seq 1200); do
		[ "$(grep -acE -e "$1" serial.log)" -ge "${2:-1}" ] && return 0
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.25
	done
	return 1
}

# start: OVMF in the background, its console on descriptor 5 and in serial.log
start()
{
	"$HVRUN" -m 256 -smp 4 -display none -serial stdio \
		-drive if=pflash,format=raw,readonly=on,file=$code \
		-drive if=pflash,format=raw,file=vars.fd <input >serial.log 2>err.log &
	pid=$!
	exec 5>input
}

# say TEXT: slowly, as a terminal would
say()
{
	local i
	for ((i = 0; i < ${#1}; i++)); do
		printf %s "${1:i:1}" >&5
		sleep 0.1
	done
	printf '\r' >&5
}

cp $vars vars.fd
mkfifo input
start
wait_for 'Shell>'
check $? "OVMF's shell comes up"
say 'setvar Kept -guid 11223344-5566-7788-99aa-bbccddeeff00 -nv -bs =0x4711'
wait_for 'Shell>' 2
! cmp -s $vars vars.fd
check $? "the file of variables has changed"
say 'reset -c'
wait_for 'UEFI Interactive Shell' 2
check $? "a reset comes back"
wait_for 'Shell>' 3
say 'reset -s'
wait $pid
status=$?
[ $status = 0 ]
check $? "the shell switches off: status $status"
exec 5>&-

start
wait_for 'Shell>'
say 'setvar Kept -guid 11223344-5566-7788-99aa-bbccddeeff00'
wait_for '11 47|47 11'
check $? "the next boot finds the variable"
kill -TERM $pid
wait $pid
exec 5>&-
! [ -s err.log ]
check $? "hvrun has nothing to say"

finish
