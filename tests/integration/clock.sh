#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's clock keeps pace with the host's: 10 s here, $SECONDS_LONG when it is set.
# hvlab-timeout: 200
set -u

length=${SECONDS_LONG:-10}
count=0 bad=0
check()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		bad=$((bad + 1))
	fi
}

mkdir root
mkdir -p root/{bin,dev,proc,sys}
cp /bin/busybox root/bin/
cat >root/init <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
cat=/bin/busybox\ cat
echo "clocksource $($cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
i=0
while [ $i -le LENGTH ]; do
	echo "tick $($cat /proc/uptime)"
	/bin/busybox sleep 1
	i=$((i + 1))
done
/bin/busybox poweroff -f
END
sed -i "s/LENGTH/$length/" root/init
chmod +x root/init
(cd root && find . | cpio -o -H newc --quiet) >initrd

# Each line of the guest gets the host's time in front.
"$HVRUN" -kernel "$GUEST_KERNEL" -initrd "$PWD/initrd" -m 256 -nographic \
	-append "console=ttyS0 quiet cryptomgr.notests" 2>err.log </dev/null |
	while read -r line; do
		case $line in
		tick*) echo "$EPOCHREALTIME ${line#tick }" ;;
		clocksource*) echo "# $line" >&2 ;;
		esac
	done >ticks
check "${PIPESTATUS[0]}" "the guest ran to its end"
n=$(wc -l <ticks)
[ "$n" = $((length + 1)) ]
check $? "$n ticks of one second"
# the first second is a warm-up; 100 ms are for the way of a line
awk 'NR == 2 { h = $1; g = $2 } { dh = $1 - h; dg = $2 - g }
	END { d = dg - dh; if (d < 0) d = -d; d -= 0.1; if (d < 0) d = 0;
		printf "# host %.2f s, guest %.2f s\n", dh, dg;
		exit !(dh > 1 && d < dh / 100) }' ticks
check $? "the drift is below 1 %"
# seconds of the guest are seconds: the timer is not late either
awk -v n="$length" 'NR == 1 { g = $2 } { dg = $2 - g }
	END { printf "# %d sleeps of 1 s took %.2f s of the guest\n", n, dg; exit !(dg < n * 1.25) }' ticks
check $? "sleeps end when they should"
cat ticks | sed 's/^/# /' | head -n 3
echo "1..$count"
exit $((bad > 0))
