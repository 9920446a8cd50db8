#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SeaBIOS on hvrun's PC: all processors, the memory that hvrun takes, a boot sector from disk, a
# reset that finds the ROM again, the power button, life in the background.
# hvlab-timeout: 1200
set -u

. "${0%/*}/lib.sh"

# wait_for PATTERN FILE [TIMES]: until the file has the line so many times
wait_for()
{
	until_true $boot_s lines "$2" "$1" "${3:-1}"
}

# own_memory PID RAM-KIB: what is resident in KiB, but for the guest's memory
own_memory()
{
	awk -v ram="$2" '/^Size:/ { size = $2 } /^Rss:/ && size != ram { sum += $2 }
		END { print sum }' "/proc/$1/smaps"
}

# ---- four processors, no disk ----

cpus=$(bios_cpus 4)
"$HVRUN" -m 72 -smp $cpus -display none -serial null -debugcon file:debug.log 2>err.log &
pid=$!
wait_for "No bootable device" debug.log
check $? "SeaBIOS looks for a disk"
grep -qa "^SeaBIOS (version" debug.log
check $? "its banner is on the debug port"
grep -qa "Found $cpus cpu(s) max supported $cpus cpu(s)" debug.log
check $? "it finds as many processors as there are: $cpus"
grep -qa "Moving pm_base to 0x600" debug.log && grep -qa "ACPI: parse DSDT" debug.log
check $? "it installs the ACPI tables"
grep -qa "Copying SMBIOS" debug.log
check $? "it installs the SMBIOS tables"
kib=$(own_memory $pid $((72 * 1024)))
[ "$kib" -gt 0 ] && [ "$kib" -le 12288 ]
check $? "hvrun takes $kib KiB, 12288 at most"
kill -TERM $pid
wait $pid
status=$?
[ $status = 143 ]
check $? "SIGTERM ends a machine where nobody listens to the power button: status $status"
! [ -s err.log ]
check $? "hvrun has nothing to say"

# ---- a boot sector: reset, power button ----

cp "$GUEST_DIR/bootsector.bin" disk.img
truncate -s 4M disk.img
mkfifo input
"$HVRUN" -m 64 -display none -serial stdio -drive file=disk.img,format=raw \
	<input >serial.log 2>err.log &
pid=$!
exec 5>input
wait_for "bootsector: listening" serial.log
check $? "a boot sector is started from an IDE disk"
printf r >&5
wait_for "bootsector: listening" serial.log 2
check $? "after a reset the firmware's ROM is whole again"
kill -TERM $pid
wait_for "bootsector: off" serial.log
check $? "SIGTERM presses the power button"
wait $pid
status=$?
[ $status = 0 ]
check $? "and the guest switches off: status $status"
grep -q "asked to switch off" err.log
check $? "hvrun says: $(head -n 1 err.log)"

: >serial.log
"$HVRUN" -m 64 -display none -serial stdio -drive file=disk.img,format=raw -no-reboot \
	<input >serial.log 2>err.log &
pid=$!
wait_for "bootsector: listening" serial.log
printf r >&5
wait $pid
status=$?
[ $status = 2 ]
check $? "-no-reboot: status $status"
exec 5>&-

# ---- -S and -no-shutdown, by the monitor ----

"$HVRUN" -m 64 -display none -serial file:serial.log -monitor stdio -S -no-shutdown \
	-drive file=disk.img,format=raw <input >monitor.log 2>err.log &
pid=$!
exec 5>input
echo "info status" >&5
wait_for "paused \(prelaunch\)" monitor.log
check $? "-S: the machine waits"
echo cont >&5
wait_for "bootsector: listening" serial.log
check $? "and starts when it is told to"
echo system_powerdown >&5
wait_for "bootsector: off" serial.log
sleep 1
echo "info status" >&5
wait_for "paused \(shutdown\)" monitor.log
check $? "-no-shutdown: hvrun stays when the guest switches off"
echo quit >&5
wait $pid
status=$?
[ $status = 0 ]
check $? "until the monitor's quit: status $status"
exec 5>&-

# ---- in the background ----

timeout $word_s "$HVRUN" -m 64 -display none -serial file:back.log -daemonize -pidfile pid \
	-drive file=disk.img,format=raw
check $? "-daemonize returns"
pid=$(cat pid)
kill -0 "$pid" && [ -n "$pid" ]
check $? "and the machine runs as process $pid"
wait_for "bootsector: listening" back.log
timeout $word_s "$HVRUN" -m 64 -display none -daemonize -pidfile pid -serial null 2>err.log
[ $? = 1 ] && grep -q "pid.*runs" err.log
check $? "a second one with the same -pidfile: says: $(head -n 1 err.log)"
kill -TERM "$pid"
daemon=$pid pid=
until_true $word_s gone "$daemon"
check $? "it ends by the power button"
grep -qa "bootsector: off" back.log
check $? "as the guest saw"
! [ -e pid ]
check $? "the pid file is gone"

finish
