#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What hvrun itself takes of the host's memory, beside the guest's: 4 MiB with -kernel, 12 MiB as a
# PC without display, with disks in use. hvlab-timeout: 900
set -u

. "${0%/*}/lib.sh"

# own_memory RAM-KIB: what is resident in KiB, but for the guest's memory
own_memory()
{
	awk -v ram="$1" '/^Size:/ { size = $2 } /^Rss:/ && size != ram { sum += $2 }
		END { print sum }' "/proc/$pid/smaps"
}

# said PATTERN: wait until the guest has said it
said()
{
	until_true $boot_s lines out.log "$1" 1
}

"$HVRUN" -m 200 -nographic -kernel "$GUEST_KERNEL" -initrd "$GUEST_INITRD" \
	-append "console=ttyS0 quiet cryptomgr.notests interactive" </dev/null >out.log 2>err.log &
pid=$!
said "Enter 'help'"
check $? "-kernel: the guest is up"
kib=$(own_memory $((200 * 1024)))
[ "$kib" -gt 0 ] && [ "$kib" -le 4096 ]
check $? "-kernel: hvrun takes $kib KiB, 4096 at most"
kill -9 $pid
wait $pid 2>/dev/null

# a firmware's machine whose guest fills one disk while it has two more drives
truncate -s 16M disk.img other.img
printf 'a disc\n%2048s' "" >disc.iso
cp "$GUEST_DIR/bootsector.bin" boot.img
truncate -s 1M boot.img
"$HVRUN" -m 200 -display none -serial stdio -drive file=boot.img,format=raw -hdb other.img \
	-cdrom disc.iso </dev/null >out.log 2>err.log &
pid=$!
said "bootsector: listening"
check $? "PC: the boot sector is up"
kib=$(own_memory $((200 * 1024)))
[ "$kib" -gt 0 ] && [ "$kib" -le 12288 ]
check $? "PC: hvrun takes $kib KiB, 12288 at most"
kill -9 $pid
wait $pid 2>/dev/null

"$HVRUN" -m 200 -nographic -kernel "$GUEST_KERNEL" -initrd "$DISK_INITRD" \
	-append "console=ttyS0 quiet cryptomgr.notests job=fill" -vga std -hdb other.img \
	-drive file=disk.img,format=raw -cdrom disc.iso </dev/null >out.log 2>err.log &
pid=$!
most=0
while kill -0 $pid 2>/dev/null; do
	kib=$(own_memory $((200 * 1024)) 2>/dev/null)
	[ "${kib:-0}" -gt $most ] && most=$kib
	sleep 0.5
done
wait $pid && grep -q "job: ok" out.log
check $? "a disk at work: the guest is content"
[ "$most" -gt 0 ] && [ "$most" -le 12288 ]
check $? "a disk at work: hvrun takes $most KiB, 12288 at most"
finish
