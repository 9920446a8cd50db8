#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the standard guest: says who it is and powers off. With `interactive` on the
# kernel's command line it gives a shell on the console first.

/bin/busybox --install -s /bin
export PATH=/bin HOME=/root PS1='guest:\w# '
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
hostname guest

uname -a
cat /proc/cpuinfo
if grep -qw interactive /proc/cmdline; then
	echo "A shell in the guest. \`poweroff\` or Ctrl-D ends it."
	# There is no init that these could ask.
	for verb in poweroff reboot; do
		rm /bin/$verb
		printf '#!/bin/sh\nexec busybox %s -f\n' $verb >/bin/$verb
		chmod +x /bin/$verb
	done
	cd /root || exit
	setsid cttyhack sh
	busybox poweroff -f
fi
poweroff -f
