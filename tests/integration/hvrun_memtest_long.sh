#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# memtest86+ from its CD-ROM: a program that takes the machine for itself, with two processors and
# its own paging, and writes all of the memory with every pattern that it has, up to the last
# test, which waits for bits to fade. Read in a terminal. hvlab-long hvlab-timeout: 1200
iso=/usr/lib/memtest86+/memtest86+x64.iso
[ -e $iso ] || { echo "no memtest86+: install the package of this name"; exit 77; }
command -v tmux >/dev/null || { echo "no tmux here"; exit 77; }
export TERM=xterm LANG=C.UTF-8 LC_ALL=C.UTF-8
set -u

. "${0%/*}/lib.sh"

evidence()
{
	shown | sed 's/^/# /'
}

shown()
{
	tmux -L hvrun-memtest capture-pane -p
}

# wait_for PATTERN SECONDS
wait_for()
{
	local end=$((SECONDS + $2))
	while [ $SECONDS -lt $end ]; do
		shown | grep -qE "$1" && return 0
		sleep 1
	done
	return 1
}

tmux -L hvrun-memtest new-session -d -x 90 -y 30 \
	"$HVRUN -m 24 -smp 2 -cdrom $iso -display curses; echo status \$?; sleep 600"
wait_for 'Memtest86\+ v[0-9]' 240
check $? "memtest86+ starts"
wait_for 'Pass +[0-9]+%' 120
check $? "it is at work"
wait_for 'Test #10|Pass: *[1-9]|Pass complete, no errors' 800
check $? "all patterns went through the memory"
shown | grep -qE 'Errors: *0' && ! shown | grep -qi 'failing'
check $? "without errors"
shown | grep -E 'Memory|Pass|Errors|CPU' | sed 's/^/# /'
tmux -L hvrun-memtest send-keys C-a x
wait_for 'status 0' 30
check $? "Ctrl-A x ends it"
tmux -L hvrun-memtest kill-server
finish
