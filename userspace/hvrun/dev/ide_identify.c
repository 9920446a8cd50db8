// SPDX-License-Identifier: GPL-2.0-or-later
/* IDENTIFY DEVICE and IDENTIFY PACKET DEVICE: 256 words (ATA/ATAPI-6, table of that name). */
#include <stdio.h>
#include <string.h>

#include "dev/ide_core.h"
#include "version.h"

#define MOST_LBA28 0x0fffffffU
#define MOST_CYLINDERS 16383

static void put(uint8_t *to, unsigned int word, uint16_t value)
{
	to[2 * word] = value;
	to[2 * word + 1] = value >> 8;
}

static void put32(uint8_t *to, unsigned int word, uint32_t value)
{
	put(to, word, value);
	put(to, word + 1, value >> 16);
}

/* Two characters to a word, the first in the upper byte; padded with blanks. */
static void put_text(uint8_t *to, unsigned int word, unsigned int words, const char *text)
{
	size_t length = strlen(text);

	for (unsigned int i = 0; i < 2 * words; i++)
		to[2 * word + (i ^ 1)] = i < length ? text[i] : ' ';
}

static void put_names(const struct ide_drive *drive, uint8_t *to, const char *model)
{
	char serial[24];

	snprintf(serial, sizeof(serial), "HV%05u", drive->number + 1);
	put_text(to, 10, 10, serial);
	put_text(to, 23, 4, HVRUN_VERSION);
	put_text(to, 27, 20, model);
}

/* Modes 0 to 2 of multiword DMA, 0 to 5 of Ultra DMA, and which one is set. */
static void put_modes(const struct ide_drive *drive, uint8_t *to)
{
	uint8_t mode = drive->transfer_mode;
	uint16_t multiword = 0x0007, ultra = 0x003f;

	if ((mode & 0xf8) == 0x20)
		multiword |= 0x0100 << (mode & 7);
	if ((mode & 0xf8) == 0x40)
		ultra |= 0x0100 << (mode & 7);
	put(to, 53, 0x0006); /* words 64-70 and 88 are valid */
	put(to, 63, multiword);
	put(to, 64, 0x0003); /* PIO modes 3 and 4 */
	for (unsigned int word = 65; word <= 68; word++)
		put(to, word, 120); /* ns per cycle */
	put(to, 88, ultra);
	put(to, 93, 0x600b | (drive->number & 1 ? 0x0800 : 0)); /* 80 conductors */
}

bool ide_set_transfer_mode(struct ide_drive *drive, uint8_t mode)
{
	unsigned int number = mode & 7;

	switch (mode & 0xf8) {
	case 0x00: /* PIO default */
		return number <= 1;
	case 0x08: /* PIO with flow control */
		return number <= 4;
	case 0x20:
		if (number > 2)
			return false;
		break;
	case 0x40:
		if (number > 5)
			return false;
		break;
	default:
		return false;
	}
	drive->transfer_mode = mode;
	return true;
}

static uint16_t cylinders(const struct ide_drive *drive)
{
	uint64_t count =
		drive->sectors / ((uint64_t)drive->heads * drive->sectors_per_track);

	return count < MOST_CYLINDERS ? count : MOST_CYLINDERS;
}

static void put_geometry(const struct ide_drive *drive, uint8_t *to)
{
	uint32_t by_chs = (uint32_t)cylinders(drive) * drive->heads * drive->sectors_per_track;

	put(to, 1, cylinders(drive));
	put(to, 3, drive->heads);
	put(to, 6, drive->sectors_per_track);
	put(to, 53, 0x0007);
	put(to, 54, cylinders(drive));
	put(to, 55, drive->heads);
	put(to, 56, drive->sectors_per_track);
	put32(to, 57, by_chs);
	put32(to, 60, drive->sectors < MOST_LBA28 ? drive->sectors : MOST_LBA28);
	put32(to, 100, drive->sectors);
	put32(to, 102, drive->sectors >> 32);
}

void ide_identify_disk(const struct ide_drive *drive, uint8_t *to)
{
	memset(to, 0, 2 * 256);
	put(to, 0, 0x0040); /* an ATA disk, fixed */
	put_names(drive, to, "MYHV HARDDISK");
	put(to, 47, 0x8010); /* READ MULTIPLE of 16 sectors */
	put(to, 48, 0x0001);
	put(to, 49, 0x0b00); /* IORDY, LBA, DMA */
	put(to, 50, 0x4000);
	put(to, 51, 0x0200);
	put(to, 52, 0x0200);
	put_modes(drive, to);
	put_geometry(drive, to);
	put(to, 59, drive->multiple ? 0x0100 | drive->multiple : 0);
	put(to, 80, 0x00f0); /* ATA-4 to ATA-7 */
	put(to, 82, 0x4069); /* NOP, look-ahead, write cache, power, SMART */
	put(to, 83, 0x7400); /* FLUSH CACHE (EXT), 48 bits */
	put(to, 84, 0x4040); /* writes past the cache */
	put(to, 85,
	    0x4008 | (drive->look_ahead ? 0x40 : 0) | (drive->write_cache ? 0x20 : 0) |
		    (drive->smart ? 1 : 0));
	put(to, 86, 0x3400);
	put(to, 87, 0x4040);
	if (drive->block->discards) {
		put(to, 69, 0x4020);  /* what is trimmed reads as zeros, every time */
		put(to, 105, IDE_BUFFER_BYTES / BLOCK_SECTOR);
		put(to, 169, 0x0001); /* TRIM */
	}
}

void ide_identify_cdrom(const struct ide_drive *drive, uint8_t *to)
{
	memset(to, 0, 2 * 256);
	put(to, 0, 0x85c0); /* a packet device, CD-ROM, removable, DRQ within 50 us, 12 bytes */
	put_names(drive, to, "MYHV DVD-ROM");
	put(to, 48, 0x0001);
	put(to, 49, 0x0b00);
	put_modes(drive, to);
	put(to, 71, 30);
	put(to, 72, 30);
	put(to, 80, 0x00f0);
	put(to, 82, 0x0214); /* DEVICE RESET, PACKET, removable */
	put(to, 83, 0x4000);
	put(to, 84, 0x4000);
	put(to, 85, 0x0214);
	put(to, 87, 0x4000);
}
