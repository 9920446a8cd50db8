#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The flat guests of guest_*.c again, by programs that speak KVM's API and know nothing of
# myhv: through the shim.
# hvlab-timeout: 900
set -u

count=0 bad=0
for program in "$O"/tests/integration/kvm/guest_*; do
	[ -x "$program" ] || continue
	count=$((count + 1))
	if "$O/myhv-run" "$program" >log 2>&1; then
		echo "ok $count - $(basename "$program"): $(grep -c '^ok' log) checks"
	else
		echo "not ok $count - $(basename "$program")"
		grep -v '^ok' log | sed 's/^/# /'
		bad=$((bad + 1))
	fi
done
echo "1..$count"
exit $((bad > 0 || count == 0))
