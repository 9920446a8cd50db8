// SPDX-License-Identifier: GPL-2.0-or-later
/* The CMOS memory's contents: see cmos.h. The places are those that SeaBIOS reads. */
#include "boot/cmos.h"

#define CMOS_EQUIPMENT 0x14
#define CMOS_BASE_KIB 0x15     /* 2 bytes */
#define CMOS_EXTENDED_KIB 0x17 /* 2 bytes, above 1 MiB */
#define CMOS_EXTENDED_KIB_AGAIN 0x30
#define CMOS_ABOVE_16M 0x34   /* 2 bytes, in 64 KiB */
#define CMOS_BOOT_THIRD 0x38  /* upper half; bit 0: do not check a floppy's signature */
#define CMOS_TRANSLATION 0x39 /* two bits for each IDE disk: 1 is LBA */
#define CMOS_BOOT_FIRST 0x3d  /* lower half the first, upper half the second */
#define CMOS_ABOVE_4G 0x5b    /* 3 bytes, in 64 KiB */
#define CMOS_MORE_CPUS 0x5f

#define EQUIPMENT 0x06 /* FPU, PS/2 mouse */
#define ALL_BY_LBA 0x55

#define KIB 1024
#define UNIT 0x10000

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static uint64_t above(uint64_t bytes, uint64_t start)
{
	return bytes > start ? bytes - start : 0;
}

static void put(struct rtc *rtc, unsigned int index, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		rtc_set_memory(rtc, index + i, value >> (8 * i));
}

/* BIOS numbers of -boot's letters: floppy, disk, CD-ROM, network. */
static unsigned int boot_device(char letter)
{
	switch (letter) {
	case 'a':
		return 1;
	case 'c':
		return 2;
	case 'd':
		return 3;
	case 'n':
		return 4;
	default:
		return 0;
	}
}

void cmos_set_boot_order(struct rtc *rtc, const char *order)
{
	unsigned int device[3] = { 0 };

	for (unsigned int i = 0; i < 3 && order[i]; i++)
		device[i] = boot_device(order[i]);
	put(rtc, CMOS_BOOT_FIRST, device[0] | device[1] << 4, 1);
	put(rtc, CMOS_BOOT_THIRD, device[2] << 4 | 1, 1);
}

void cmos_fill(struct rtc *rtc, const struct options *options, const struct guest_ram *ram)
{
	uint64_t extended = at_most(above(ram->low_bytes, 1 << 20) / KIB, UINT16_MAX);

	put(rtc, CMOS_EQUIPMENT, EQUIPMENT, 1);
	put(rtc, CMOS_BASE_KIB, 640, 2);
	put(rtc, CMOS_EXTENDED_KIB, extended, 2);
	put(rtc, CMOS_EXTENDED_KIB_AGAIN, extended, 2);
	put(rtc, CMOS_ABOVE_16M, at_most(above(ram->low_bytes, 16 << 20) / UNIT, UINT16_MAX), 2);
	put(rtc, CMOS_ABOVE_4G, ram->high_bytes / UNIT, 3);
	put(rtc, CMOS_TRANSLATION, ALL_BY_LBA, 1);
	put(rtc, CMOS_MORE_CPUS, options->cpus - 1, 1);
	cmos_set_boot_order(rtc, *options->boot_once ? options->boot_once : options->boot_order);
}
