#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# PID 1 of L1, from the initramfs. L1's root is L0's, as the lower layer of an overlay, or
# what was carried of it in the initramfs itself: the job can write everywhere and nothing
# of it lasts, except below /out. Which of the functions here run, the backend writes into
# /job/setup.

export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
exec </dev/null >/dev/console 2>&1

fail()
{
	echo "hvlab-init: $*"
	poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
	insmod "/modules/$module" || fail "insmod $module"
done </modules/order

# root_9p: L0's root, read-only, is the lower layer
root_9p()
{
	mount -t tmpfs tmpfs /rw
	mkdir /rw/upper /rw/work
	mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /l0 ||
		fail "cannot mount L0's root"
	mount -t overlay -o lowerdir=/l0,upperdir=/rw/upper,workdir=/rw/work overlay /root ||
		fail "cannot mount the overlay"
	mount_system
}

# root_carried: it is in place
root_carried()
{
	mkdir -p /root/var/tmp
	chmod 1777 /root/var/tmp
	mount_system
}

# mount_system: what every root needs above its files
mount_system()
{
	mkdir -p /root/proc /root/sys /root/dev /root/run /root/tmp /root/with /root/out
	chmod 1777 /root/tmp
	mount -t proc proc /root/proc
	mount -t sysfs sys /root/sys
	mount -t debugfs debugfs /root/sys/kernel/debug
	# The debug kernel's search for leaks holds up whoever allocates; who wants it asks for it.
	[ ! -e /root/sys/kernel/debug/kmemleak ] ||
		echo scan=off 2>/dev/null >/root/sys/kernel/debug/kmemleak
	mount -t tracefs tracefs /root/sys/kernel/tracing
	mount --bind /dev /root/dev
	mkdir -p /root/dev/pts /root/dev/shm
	mount -t devpts -o mode=620,ptmxmode=666 devpts /root/dev/pts
	ln -sf /proc/self/fd /root/dev/fd
	ln -sf /proc/self/fd/0 /root/dev/stdin
	ln -sf /proc/self/fd/1 /root/dev/stdout
	ln -sf /proc/self/fd/2 /root/dev/stderr
	mount -t tmpfs tmpfs /root/dev/shm
	mount -t tmpfs tmpfs /root/run
}

# with NAME PATH: L0's PATH at /with/NAME
with()
{
	if [ -d "/root$2" ]; then
		mkdir "/root/with/$1"
	else
		: >"/root/with/$1"
	fi
	mount --bind "/root$2" "/root/with/$1" || fail "cannot bind $2"
}

# modules PATH: the directory of this kernel's modules
modules()
{
	mkdir -p "/root/lib/modules/$(uname -r)"
	mount --bind "/l0$1" "/root/lib/modules/$(uname -r)" || fail "cannot bind $1"
}

# out: what the job writes to /out goes to L0 at once
out()
{
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap out /root/out ||
		fail "cannot mount /out"
}

# by_model MODEL: sets $device to the disk that says so, which may take a moment to show up
by_model()
{
	for i in 1 2 3 4 5 6 7 8 9 10; do
		for device in /sys/block/sd*; do
			read -r model _ <"$device/device/model" && [ "$model" = "$1" ] || continue
			device=/dev/${device##*/}
			[ -b "$device" ] && return
		done
		sleep 1
	done 2>/dev/null
	fail "there is no disk $1"
}

# out_disk MODEL: ... or by a disk, which L0 reads when L1 has ended, in whatever way
out_disk()
{
	by_model "$1"
	mount -t ext4 -o sync,dirsync,noatime "$device" /root/out || fail "cannot mount $device"
}

# disk MODEL: the empty disk of --disk, under the name that it has as a virtio disk
disk()
{
	by_model "$1"
	ln -s "$device" /root/dev/vda
}

. /job/setup

hostname l1
ip link set lo up
# Everything but debug messages reaches the console, and with it hvlab.
echo 7 >/proc/sys/kernel/printk
echo 60 >/proc/sys/kernel/hung_task_timeout_secs

l1agent "$(cat /job/port)" /root /job/argv /job/env "$(cat /job/stdin)" ||
	fail "the agent ended early"
umount /root/out 2>/dev/null
poweroff -f
