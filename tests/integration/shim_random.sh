#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rubbish for KVM's API through the shim (tests/shim/random.c); on the debug kernel as well:
# tests/lab/run-tests --kernel debug O shim_random
# hvlab-long, hvlab-timeout: 900
set -u

count=0 bad=0
for seed in ${SEEDS:-1 2 3}; do
	count=$((count + 1))
	if timeout 280 "$O/myhv-run" "$O/tests/shim/random" "$seed" 5 >log 2>&1; then
		echo "ok $count - seed $seed: $(grep '^ok' log)"
	else
		echo "not ok $count - seed $seed: status $?"
		sed 's/^/# /' log | tail -n 5
		bad=$((bad + 1))
	fi
done
echo "1..$count"
exit $((bad > 0))
