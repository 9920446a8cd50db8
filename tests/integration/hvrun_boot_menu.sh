#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which drive SeaBIOS starts: by -boot order=, or by whoever presses a key at -boot menu=on. And
# many processors come up. hvlab-timeout: 1200
set -u

. "${0%/*}/lib.sh"

# wait_for PATTERN FILE
wait_for()
{
	until_true $boot_s lines "$2" "$1" 1
}

# start WORDS...: a machine whose monitor listens to descriptor 5
start()
{
	rm -f debug.log serial.log
	"$HVRUN" -m 64 -display none -serial file:serial.log -debugcon file:debug.log \
		-monitor stdio "$@" <input >monitor.log 2>err.log &
	pid=$!
	exec 5>input
}

stop()
{
	echo quit >&5
	wait $pid
	exec 5>&-
}

mkfifo input
cp "$GUEST_DIR/bootsector.bin" good.img
truncate -s 1M good.img empty.img
good="file=good.img,format=raw" empty="file=empty.img,format=raw"

cpus=$(bios_cpus 16)
start -drive "$empty,index=0" -drive "$good,index=1" -smp "$cpus" \
	-boot menu=on,splash-time=60000
wait_for "Press ESC for boot menu" debug.log
check $? "-boot menu=on: SeaBIOS asks"
grep -qa "Found $cpus cpu(s) max supported $cpus cpu(s)" debug.log
check $? "it finds as many processors as there are: $cpus"
echo "sendkey esc" >&5
wait_for "^2\. .*MYHV HARDDISK" debug.log
check $? "the menu has the second disk"
! [ -s serial.log ]
check $? "nothing is started yet"
echo "sendkey 2" >&5
wait_for "bootsector: listening" serial.log
check $? "it starts what was chosen"
stop

start -drive "$empty,index=0" -drive "$good,index=1"
wait_for "not a bootable disk|No bootable device" debug.log
check $? "without the menu: the first disk, which cannot be started"
! grep -qa "Press ESC" debug.log
check $? "and nobody is asked"
stop

start -drive "$good,index=0" -cdrom "$ISO_IMAGE" -boot order=d
wait_for "GNU GRUB|Booting" serial.log
check $? "-boot order=d: the CD-ROM"
stop
start -drive "$good,index=0" -cdrom "$ISO_IMAGE" -boot c
wait_for "bootsector: listening" serial.log
check $? "-boot c: the disk"
stop
start -drive "$good,index=0" -cdrom "$ISO_IMAGE" -boot once=d
wait_for "GNU GRUB|Booting" serial.log
check $? "-boot once=d: the CD-ROM"
echo system_reset >&5
wait_for "bootsector: listening" serial.log
check $? "and after a reset the disk"
stop
start -drive "$good,index=0" -boot order=dc
wait_for "bootsector: listening" serial.log
check $? "-boot order=dc: no disc, so the disk"
stop
finish
