# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the test scripts have in common: `. "${0%/*}/lib.sh"` after the comment that says what
# the test is about.
#
# A host may be slow, and away for a minute: waits end when their condition is met, not by
# the clock, and a limit is there for what will never come. It costs nothing when all is well.

count=0 bad=0
# seconds that a guest's boot, and a program that only says something, may take
boot_s=300 word_s=120

# What a kernel may say at any time, because the one below it was busy elsewhere.
late='(hrtimer|perf): interrupt took|NMI handler .* took too long|clocksource: .*(skew|read-back)'
late="$late|sched: RT throttling|tsc: .* calibration|APIC calibration not consistent"

# evidence: what says why a check failed; a test may have its own
evidence()
{
	local file
	for file in *.log; do
		[ -s "$file" ] && [ "$file" != before.log ] || continue
		echo "# --- the end of $file"
		tail -n 15 "$file" | tr -d '\r' | cut -c 1-300 | sed 's/^/# /'
	done
}

# check STATUS WHAT: one claim, true if STATUS is 0
check()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
		return
	fi
	echo "not ok $count - $2"
	bad=$((bad + 1))
	# what fails later often has the same cause
	[ $bad -gt 3 ] || evidence
}

# skip WHY
skip()
{
	echo "$*"
	exit 77
}

# until_true SECONDS COMMAND...: false if that never comes, or the process $pid has ended
until_true()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		# it may have come with the last breath
		[ -z "${pid:-}" ] || kill -0 "$pid" 2>/dev/null || { "$@"; return; }
		sleep 0.1
	done
}

# lines FILE PATTERN N: FILE has at least N lines like PATTERN
lines()
{
	[ -e "$1" ] && [ "$(grep -acE -e "$2" "$1")" -ge "$3" ]
}

# gone PID: that process has ended, or is a zombie
gone()
{
	! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# bios_cpus N: how many of N processors SeaBIOS can count here. It frees the lock that the others
# wait for between two instructions of a loop, which Bochs interrupts in one place only, with the
# lock taken: without PAUSE-loop exits nobody ever sees it free. (QEMU, and a CPU, interrupt it
# anywhere.)
bios_cpus()
{
	local about=/sys/class/misc/myhv
	if [ "$(cat $about/backend)" = vmx ] && ! grep -qw pause_filter $about/features_used; then
		echo 1
	else
		echo "$1"
	fi
}

# The host's kernel has said nothing since `dmesg >before.log` but what is usual.
host_is_silent()
{
	dmesg | diff before.log - | grep '^>' >host.log
	! grep -vE "myhv: (ready|virtualization|VM )|random: crng init done|$late" host.log
	check $? "the host's log has nothing new"
}

# finish: the test's end
finish()
{
	echo "1..$count"
	exit $((bad > 0))
}
