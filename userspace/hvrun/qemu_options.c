// SPDX-License-Identifier: GPL-2.0-or-later
/* QEMU's options that hvrun does not have, and what serves instead: see qemu_options.h. */
#include <stddef.h>
#include <string.h>

#include "qemu_options.h"

#define NO_NETWORK "there is no network card yet; leave it away, or say -nic none"
#define ALWAYS_MYHV "hvrun always runs on myhv: leave it away"
#define NO_DEVICES "the board's parts are fixed: see \"The machine\" in docs/hvrun.md"
#define USE_DRIVE "use -drive file=FILE,format=raw or -hda FILE"
#define USE_LINES "use -serial, -monitor and -qmp, which name their line themselves"
#define NO_SOUND "there is no sound: leave it away"
#define NO_USB "there is no USB; keyboard and mouse are PS/2: leave it away"
#define NO_MIGRATION "there is no migration and no saved state"
#define USE_SNAPSHOT "take -snapshot, or snapshots of the image by qemu-img"
#define USE_DISPLAY "use -display curses or -vnc :0 and a viewer"
#define NO_DEBUGGER "there is no gdb server; the monitor has info registers, x and xp"
#define NO_GUARD "start hvrun as the user whose rights it shall have, in a sandbox of your own"
#define NO_ISA "no such port: leave it away"
#define FIXED_TABLES "ACPI and SMBIOS tables are hvrun's own: leave it away"
#define NO_DEFAULTS "there is nothing to switch off: leave it away"

static const struct {
	const char *name;
	const char *advice;
} options[] = {
	{ "enable-kvm", ALWAYS_MYHV },
	{ "accel", ALWAYS_MYHV },
	{ "netdev", NO_NETWORK },
	{ "nic", NO_NETWORK },
	{ "net", NO_NETWORK },
	{ "device", NO_DEVICES },
	{ "global", NO_DEVICES },
	{ "set", NO_DEVICES },
	{ "numa", NO_DEVICES },
	{ "object", NO_DEVICES },
	{ "mem-path", NO_DEVICES },
	{ "mem-prealloc", NO_DEVICES },
	{ "overcommit", NO_DEVICES },
	{ "watchdog-action", NO_DEVICES },
	{ "action", "use -no-reboot and -no-shutdown" },
	{ "tpmdev", NO_DEVICES },
	{ "fsdev", NO_DEVICES },
	{ "virtfs", NO_DEVICES },
	{ "blockdev", USE_DRIVE },
	{ "sd", USE_DRIVE },
	{ "mtdblock", USE_DRIVE },
	{ "pflash", "use -drive if=pflash,format=raw,file=FILE" },
	{ "fda", "there is no floppy drive: leave it away" },
	{ "fdb", "there is no floppy drive: leave it away" },
	{ "chardev", USE_LINES },
	{ "mon", USE_LINES },
	{ "qmp-pretty", USE_LINES },
	{ "parallel", NO_ISA },
	{ "audio", NO_SOUND },
	{ "audiodev", NO_SOUND },
	{ "soundhw", NO_SOUND },
	{ "usb", NO_USB },
	{ "usbdevice", NO_USB },
	{ "incoming", NO_MIGRATION },
	{ "only-migratable", NO_MIGRATION },
	{ "loadvm", USE_SNAPSHOT },
	{ "sdl", USE_DISPLAY },
	{ "gtk", USE_DISPLAY },
	{ "curses", USE_DISPLAY },
	{ "spice", USE_DISPLAY },
	{ "full-screen", USE_DISPLAY },
	{ "gdb", NO_DEBUGGER },
	{ "s", NO_DEBUGGER },
	{ "trace", "hvrun -d unimp,reset logs; tracing is the module's: /sys/kernel/tracing" },
	{ "sandbox", NO_GUARD },
	{ "runas", NO_GUARD },
	{ "chroot", NO_GUARD },
	{ "run-with", NO_GUARD },
	{ "L", "firmware is found where Debian has it; use -bios FILE for another one" },
	{ "acpitable", FIXED_TABLES },
	{ "smbios", FIXED_TABLES },
	{ "no-acpi", FIXED_TABLES },
	{ "no-hpet", "there is no HPET: leave it away" },
	{ "fw_cfg", FIXED_TABLES },
	{ "dtb", "there are no device trees on a PC: leave it away" },
	{ "icount", "guests run on the processor itself: leave it away" },
	{ "k", "keyboards are taken for US ones: leave it away" },
	{ "nodefaults", NO_DEFAULTS },
	{ "no-user-config", NO_DEFAULTS },
	{ "readconfig", "there are no files of options: write them into a script" },
	{ "msg", NO_DEFAULTS },
	{ "no-fd-bootchk", NO_DEFAULTS },
	{ "win2k-hack", NO_DEFAULTS },
	{ "option-rom", "the PC has the ROM of its graphics card alone" },
};

const char *qemu_option_advice(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, name))
			return options[i].advice;
	return NULL;
}
