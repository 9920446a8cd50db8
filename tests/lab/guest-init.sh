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
	# busybox's own ask process 1, which is this script. The shell stays in the
	# foreground: a background one would ignore Ctrl-C, and so would what it starts.
	mkdir -p /etc
	echo "alias poweroff='busybox poweroff -f' reboot='busybox reboot -f'" >/etc/shrc
	cd /root || exit
	ENV=/etc/shrc setsid cttyhack sh
	busybox poweroff -f
fi
poweroff -f
