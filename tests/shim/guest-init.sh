#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of a guest that is stepped, saved and moved: counts aloud, dirties memory and checks
# it and tells its clock, until it is told to stop by what is written to its console.

/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o size=64m tmp /tmp

i=0
echo "GUEST READY"
echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
while [ $i -lt 100000 ]; do
	i=$((i + 1))
	dd if=/dev/urandom of=/tmp/a bs=64k count=16 2>/dev/null
	cp /tmp/a /tmp/b
	cmp /tmp/a /tmp/b || echo "GUEST MEMORY IS WRONG"
	rm /tmp/a /tmp/b
	read -r uptime rest </proc/uptime
	echo "clock $uptime"
	echo "count $i"
done
