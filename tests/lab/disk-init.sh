#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of a guest that works on its disks. `job=NAME` on the kernel's command line says
# how; it says what came of it on the console, and powers off.

/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /mnt
for module in $(cat /modules/order); do
	insmod "/modules/$module"
done

# wait_for DEVICE
wait_for()
{
	for _ in $(seq 100); do
		[ -b "$1" ] && return 0
		usleep 100000
	done
	echo "job: no $1"
	return 1
}

value_of()
{
	sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# The image's own file system: what was put in is there, and what is written stays.
job_check()
{
	wait_for /dev/sda1 && mount -t ext4 "$(findfs LABEL=root)" /mnt || return
	echo "processors: $(nproc), clock: $(cat /sys/class/rtc/rtc0/date)"
	(cd /mnt && md5sum -c sums) || return
	dd if=/dev/urandom of=/tmp/made bs=1M count=4 2>/dev/null
	cp /tmp/made /mnt/written && sync
	echo 3 >/proc/sys/vm/drop_caches
	cmp /tmp/made /mnt/written || return
	rm /mnt/written
	umount /mnt
}

job_cdrom()
{
	wait_for /dev/sr0 && mount -t iso9660 -o ro /dev/sr0 /mnt || return
	(cd /mnt && md5sum -c sums) && umount /mnt
}

# Numbered sectors, each said to be there only when the disk has said so.
job_durable()
{
	wait_for /dev/sda || return
	n=$(value_of from)
	while :; do
		n=$((n + 1))
		printf 'record %08d of a disk that keeps what it says\n%480s' $n "" |
			dd of=/dev/sda bs=512 count=1 seek=$n conv=fsync,notrunc \
				iflag=fullblock 2>/dev/null || return
		echo "durable $n"
	done
}

# All of the disk, more than the host may have room for: each megabyte the same noise with
# its number before it.
job_fill()
{
	wait_for /dev/sda || return
	last=$(($(cat /sys/block/sda/size) / 2048 - 1))
	dd if=/dev/urandom of=/tmp/noise bs=512 count=2047 2>/dev/null
	for n in $(seq 0 $last); do
		printf 'megabyte %08d %494s' "$n" "" | cat - /tmp/noise |
			dd of=/dev/sda bs=1M count=1 seek="$n" iflag=fullblock \
				conv=notrunc 2>/dev/null || return
		[ $((n % 4)) = 3 ] && sync && echo "filled $n"
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for n in $(seq 0 $last); do
		dd if=/dev/sda bs=1M count=1 skip="$n" 2>/dev/null >/tmp/seen
		head -c 17 /tmp/seen | grep -q "megabyte 0*$n$" || return
		tail -c +513 /tmp/seen | cmp - /tmp/noise || return
	done
}

# What the first sector of the disc says; waits for it as long as a user may take.
show_disc()
{
	for _ in $(seq 600); do
		dd if=/dev/sr0 of=/tmp/disc bs=2048 count=1 2>/dev/null && [ -s /tmp/disc ] && break
		usleep 100000
	done
	echo "disc: $(head -n 1 /tmp/disc), $(cat /sys/block/sr0/size) sectors"
	rm /tmp/disc
}

# A disc, which the guest ejects, and another one; then one that the user takes away.
job_change()
{
	wait_for /dev/sr0 || return
	show_disc
	# the kernel shuts no tray, and opens it when the disc is closed
	echo 0 >/proc/sys/dev/cdrom/autoclose
	echo 1 >/proc/sys/dev/cdrom/autoeject
	dd if=/dev/sr0 of=/dev/null bs=2048 count=1 2>/dev/null
	echo 0 >/proc/sys/dev/cdrom/autoeject
	echo "tray: open"
	show_disc
	while dd if=/dev/sr0 of=/dev/null bs=2048 count=1 2>/dev/null; do
		usleep 100000
	done
	echo "disc: gone"
	show_disc
}

# The first disk, until the user has made it larger: Linux asks an IDE disk for its size when it
# finds it.
job_resize()
{
	wait_for /dev/sda || return
	first=$(cat /sys/block/sda/size)
	echo "size: $first"
	for _ in $(seq 300); do
		echo 1 >/sys/block/sda/device/delete
		echo "0 - -" >/sys/class/scsi_host/host0/scan
		wait_for /dev/sda || return
		size=$(cat /sys/block/sda/size)
		[ "$size" != "$first" ] && break
		usleep 200000
	done
	echo "size: $size"
	# the new end takes data
	dd if=/dev/urandom of=/tmp/made bs=512 count=1 2>/dev/null
	last=$((size - 1))
	dd if=/tmp/made of=/dev/sda bs=512 seek=$last conv=fsync,notrunc 2>/dev/null || return
	dd if=/dev/sda of=/tmp/seen bs=512 skip=$last iflag=direct 2>/dev/null
	cmp /tmp/made /tmp/seen
}

# Every sector of the first disk can be read.
job_read()
{
	wait_for /dev/sda || return
	dd if=/dev/sda of=/dev/null bs=64k iflag=direct
}

# What a person sees and types: the text console, a line from the keyboard, three moves of the
# mouse; then a frame buffer, the firmware's or that of the card's driver, in one colour.
job_screen()
{
	exec 3<>/dev/tty1 4</dev/input/mice
	echo "a text console $((6 * 7))" >&3
	echo "screen: $(cat /sys/class/graphics/fb0/name 2>/dev/null || echo text)"
	read -r words <&3
	echo "typed: $words"
	for _ in 1 2 3; do
		dd bs=3 count=1 <&4 2>/dev/null | hexdump -v -e '"mouse:" 3/1 " %02x" "\n"'
	done
	if ! [ -e /sys/class/graphics/fb0 ]; then
		for module in $(cat /late/order); do
			insmod "/late/$module"
		done
	fi
	printf '\033[?25l\033[2J' >&3
	# Four bytes for each dot; in one write: behind smaller ones the driver leaves out dots.
	yes ABC | head -c 8388608 >/tmp/dots
	dd if=/tmp/dots of=/dev/fb0 bs=8M 2>/dev/null
	echo "screen: $(cat /sys/class/graphics/fb0/name) $(cat /sys/class/graphics/fb0/virtual_size)"
	read -r words <&3
	[ "$words" = bye ]
}

# What the drives say of themselves.
job_list()
{
	wait_for /dev/sda || return
	for disk in /sys/block/sd? /sys/block/sr?; do
		[ -e "$disk" ] || continue
		echo "drive ${disk##*/} $(cat "$disk/size") $(cat "$disk/device/model")"
	done
}

job=$(value_of job)
if "job_${job:-check}"; then
	echo "job: ok"
else
	echo "job: failed"
fi
poweroff -f
