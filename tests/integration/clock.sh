#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's clock keeps pace with the host's: 10 s here, $SECONDS_LONG when it is set.
# hvlab-timeout: 900
set -u

length=${SECONDS_LONG:-10}
. "${0%/*}/lib.sh"

mkdir root
mkdir -p root/{bin,dev,proc,sys}
cp /bin/busybox root/bin/ || skip "no busybox for the guest"
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
# A line may come late, but never early: the quickest of each half tell how far the clocks are
# apart. The first second is a warm-up; 100 ms are for the way of a line.
awk -v n="$length" 'NR > 1 { apart = $1 - $2
		half = NR > 1 + n / 2
		if (!(half in least) || apart < least[half]) {
			least[half] = apart
			at[half] = $1
		} }
	END { span = at[1] - at[0]; d = least[1] - least[0]
		printf "# over %.2f s the clocks went %.3f s apart\n", span, d
		if (d < 0) d = -d; exit !(span > 1 && d < 0.1 + span / 100) }' ticks
check $? "the drift is below 1 %"
# Seconds of the guest are seconds: the timer is neither early nor, if the host lets it, late.
awk 'NR > 1 { d = $2 - g; if (NR == 2 || d < least) least = d } { g = $2 }
	END { printf "# the shortest sleep of 1 s took %.2f s of the guest\n", least
		exit !(least > 0.98 && least < 1.25) }' ticks
check $? "sleeps end when they should"
[ $bad = 0 ] || sed 's/^/# /' ticks
finish
