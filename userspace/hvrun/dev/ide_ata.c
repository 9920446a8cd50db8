// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk's commands (ATA/ATAPI-6, "Command descriptions"): a table, and what they do. */
#include <stddef.h>
#include <string.h>

#include "dev/ide_core.h"

#define MAX_MULTIPLE 16
#define MOST_SECTORS_28 (1ULL << 28)
#define FULL_SPEED 0xff /* CHECK POWER MODE: active or idle */

/* SMART's registers say that they are meant */
#define SMART_MID 0x4f
#define SMART_HIGH 0xc2

#define RANGE_BYTES 8

/* How a transfer goes. */
enum { PIO = 0, DMA = 1, EXT = 2, MULTIPLE = 4, WRITES = 8, DURABLE = 16 };

struct ata_command {
	void (*run)(struct ide_drive *drive, unsigned int how);
	unsigned int how;
};

/* ---- addresses ---- */

static uint32_t sector_count(const struct ide_drive *drive, unsigned int how)
{
	const struct ide_registers *reg = &drive->reg;
	uint32_t count;

	if (how & EXT) {
		count = reg->count[0] | (uint32_t)reg->count[1] << 8;
		return count ? count : 65536;
	}
	return reg->count[0] ? reg->count[0] : 256;
}

/* UINT64_MAX: there is no such sector. */
static uint64_t sector_address(const struct ide_drive *drive, unsigned int how)
{
	const struct ide_registers *reg = &drive->reg;
	uint32_t low = reg->low[0] | (uint32_t)reg->mid[0] << 8 | (uint32_t)reg->high[0] << 16;
	uint32_t cylinder, head, sector;

	if (how & EXT)
		return low | (uint64_t)reg->low[1] << 24 | (uint64_t)reg->mid[1] << 32 |
		       (uint64_t)reg->high[1] << 40;
	if (reg->device & ATA_DEV_LBA)
		return low | (uint64_t)(reg->device & 0x0f) << 24;

	sector = reg->low[0];
	head = reg->device & 0x0f;
	cylinder = reg->mid[0] | (uint32_t)reg->high[0] << 8;
	if (!sector || sector > drive->sectors_per_track || head >= drive->heads)
		return UINT64_MAX;
	return ((uint64_t)cylinder * drive->heads + head) * drive->sectors_per_track + sector - 1;
}

/* After a read or write: where it failed. */
static void set_address(struct ide_drive *drive, uint64_t sector)
{
	struct ide_registers *reg = &drive->reg;

	for (unsigned int i = 0; i < 2; i++, sector >>= 24) {
		reg->low[i] = sector;
		reg->mid[i] = sector >> 8;
		reg->high[i] = sector >> 16;
	}
}

/* ---- reads and writes ---- */

static void transfer_failed(struct ide_drive *drive)
{
	set_address(drive, drive->transfer.offset / BLOCK_SECTOR);
	ide_fail(drive, drive->transfer.to_guest ? ATA_UNC : ATA_ABRT);
}

static void transfer_done(struct ide_drive *drive, int error)
{
	const struct ide_transfer *t = &drive->transfer;

	if (error) {
		transfer_failed(drive);
	} else if (t->to_guest && !t->is_dma) {
		/* the last window was announced; its end is not */
		drive->reg.status = ATA_DRDY | ATA_DSC;
	} else {
		ide_succeed(drive);
	}
}

static bool range_is_valid(const struct ide_drive *drive, uint64_t sector, uint64_t count)
{
	return sector < drive->sectors && count <= drive->sectors - sector;
}

static void run_transfer(struct ide_drive *drive, unsigned int how)
{
	uint64_t sector = sector_address(drive, how);
	uint32_t count = sector_count(drive, how);

	if ((how & MULTIPLE) && !drive->multiple) {
		ide_fail(drive, ATA_ABRT);
		return;
	}
	if (!range_is_valid(drive, sector, count)) {
		ide_fail(drive, ATA_IDNF);
		return;
	}
	drive->transfer = (struct ide_transfer){
		.to_guest = !(how & WRITES),
		.is_dma = how & DMA,
		.durable = (how & DURABLE) || !drive->write_cache,
		.offset = sector * BLOCK_SECTOR,
		.left = (uint64_t)count * BLOCK_SECTOR,
		.window_bytes = BLOCK_SECTOR * (how & MULTIPLE ? drive->multiple : 1),
		.done = transfer_done,
	};
	ide_begin_transfer(drive);
}

static void run_verify(struct ide_drive *drive, unsigned int how)
{
	if (range_is_valid(drive, sector_address(drive, how), sector_count(drive, how)))
		ide_succeed(drive);
	else
		ide_fail(drive, ATA_IDNF);
}

static void run_seek(struct ide_drive *drive, unsigned int how)
{
	if (range_is_valid(drive, sector_address(drive, how), 1))
		ide_succeed(drive);
	else
		ide_fail(drive, ATA_IDNF);
}

static void run_native_max(struct ide_drive *drive, unsigned int how)
{
	uint64_t last = drive->sectors - 1;

	if (!(how & EXT) && last >= MOST_SECTORS_28)
		last = MOST_SECTORS_28 - 1;
	set_address(drive, last);
	if (!(how & EXT))
		drive->reg.device = (drive->reg.device & 0xf0) | (last >> 24);
	ide_succeed(drive);
}

/* ---- flush, discard ---- */

static void simple_done(struct ide_drive *drive, int error)
{
	if (error)
		ide_fail(drive, ATA_ABRT);
	else
		ide_succeed(drive);
}

static void run_flush(struct ide_drive *drive, unsigned int how)
{
	ide_flush(drive, simple_done);
}

/*
 * DATA SET MANAGEMENT, TRIM: sectors full of ranges, 48 bits of address and 16 of length. They
 * lie in the buffer, and the first that is not zeroed is the next to do.
 */
static void trim_next(struct ide_drive *drive, int error)
{
	uint32_t bytes = sector_count(drive, EXT) * BLOCK_SECTOR;

	for (uint32_t at = 0; at < bytes && !error; at += RANGE_BYTES) {
		uint64_t range, sector, count;

		memcpy(&range, drive->buffer + at, sizeof(range));
		memset(drive->buffer + at, 0, sizeof(range));
		sector = range & 0xffffffffffffULL;
		count = range >> 48;
		if (!count)
			continue;
		if (!range_is_valid(drive, sector, count)) {
			ide_fail(drive, ATA_IDNF);
			return;
		}
		ide_discard(drive, sector, count, trim_next);
		return;
	}
	simple_done(drive, error);
}

static void run_trim(struct ide_drive *drive, unsigned int how)
{
	uint32_t bytes = sector_count(drive, EXT) * BLOCK_SECTOR;

	if (!drive->block->discards || drive->reg.features[0] != 1 || bytes > IDE_BUFFER_BYTES) {
		ide_fail(drive, ATA_ABRT);
		return;
	}
	drive->transfer = (struct ide_transfer){
		.is_dma = true,
		.end = bytes,
		.done = trim_next,
	};
	ide_begin_transfer(drive);
}

/* ---- settings ---- */

static void run_nothing(struct ide_drive *drive, unsigned int how)
{
	ide_succeed(drive);
}

static void run_identify(struct ide_drive *drive, unsigned int how)
{
	ide_identify_disk(drive, drive->buffer);
	drive->transfer = (struct ide_transfer){
		.to_guest = true,
		.window_bytes = BLOCK_SECTOR,
		.end = BLOCK_SECTOR,
		.done = transfer_done,
	};
	ide_begin_transfer(drive);
}

static void run_set_multiple(struct ide_drive *drive, unsigned int how)
{
	uint8_t count = drive->reg.count[0];

	/* a power of two; 0 switches it off */
	if (count > MAX_MULTIPLE || (count & (count - 1))) {
		ide_fail(drive, ATA_ABRT);
		return;
	}
	drive->multiple = count;
	ide_succeed(drive);
}

static void run_set_geometry(struct ide_drive *drive, unsigned int how)
{
	uint8_t sectors = drive->reg.count[0];

	if (!sectors || sectors > 63) {
		ide_fail(drive, ATA_ABRT);
		return;
	}
	drive->heads = (drive->reg.device & 0x0f) + 1;
	drive->sectors_per_track = sectors;
	ide_succeed(drive);
}

static void run_power_mode(struct ide_drive *drive, unsigned int how)
{
	drive->reg.count[0] = FULL_SPEED;
	ide_succeed(drive);
}

static void run_set_features(struct ide_drive *drive, unsigned int how)
{
	switch (drive->reg.features[0]) {
	case 0x02:
		drive->write_cache = drive->block->write_cache;
		break;
	case 0x82:
		drive->write_cache = false;
		ide_flush(drive, simple_done);
		return;
	case 0x03:
		if (!ide_set_transfer_mode(drive, drive->reg.count[0])) {
			ide_fail(drive, ATA_ABRT);
			return;
		}
		break;
	case 0x55:
		drive->look_ahead = false;
		break;
	case 0xaa:
		drive->look_ahead = true;
		break;
	case 0x66: /* keep settings over a reset; they are kept anyway */
	case 0xcc:
	case 0x05: /* power management */
	case 0x85:
		break;
	default:
		ide_fail(drive, ATA_ABRT);
		return;
	}
	ide_succeed(drive);
}

/* ---- SMART: the disk is always well ---- */

static void smart_data(struct ide_drive *drive)
{
	uint8_t *data = drive->buffer, sum = 0;

	memset(data, 0, BLOCK_SECTOR);
	data[0] = 1;	  /* structure revision */
	data[362] = 0x02; /* off-line collection ended well */
	data[367] = 0x00; /* no off-line tests */
	for (unsigned int i = 0; i < BLOCK_SECTOR - 1; i++)
		sum += data[i];
	data[BLOCK_SECTOR - 1] = -sum;
	drive->transfer = (struct ide_transfer){
		.to_guest = true,
		.window_bytes = BLOCK_SECTOR,
		.end = BLOCK_SECTOR,
		.done = transfer_done,
	};
	ide_begin_transfer(drive);
}

static void run_smart(struct ide_drive *drive, unsigned int how)
{
	struct ide_registers *reg = &drive->reg;
	bool meant = reg->mid[0] == SMART_MID && reg->high[0] == SMART_HIGH;

	if (!meant || (!drive->smart && reg->features[0] != 0xd8)) {
		ide_fail(drive, ATA_ABRT);
		return;
	}
	switch (reg->features[0]) {
	case 0xd0: /* read data */
	case 0xd1: /* read thresholds */
		smart_data(drive);
		return;
	case 0xd8:
		drive->smart = true;
		break;
	case 0xd9:
		drive->smart = false;
		break;
	case 0xd2: /* attribute autosave */
	case 0xda: /* return status: the registers stay as they are */
		break;
	default:
		ide_fail(drive, ATA_ABRT);
		return;
	}
	ide_succeed(drive);
}

/* ---- the table ---- */

static const struct ata_command commands[256] = {
	[0x06] = { run_trim, DMA },
	[0x10 ... 0x1f] = { run_nothing, 0 }, /* RECALIBRATE */
	[0x20] = { run_transfer, PIO },
	[0x21] = { run_transfer, PIO },
	[0x24] = { run_transfer, PIO | EXT },
	[0x25] = { run_transfer, DMA | EXT },
	[0x27] = { run_native_max, EXT },
	[0x29] = { run_transfer, PIO | EXT | MULTIPLE },
	[0x30] = { run_transfer, PIO | WRITES },
	[0x31] = { run_transfer, PIO | WRITES },
	[0x34] = { run_transfer, PIO | EXT | WRITES },
	[0x35] = { run_transfer, DMA | EXT | WRITES },
	[0x39] = { run_transfer, PIO | EXT | MULTIPLE | WRITES },
	[0x3d] = { run_transfer, DMA | EXT | WRITES | DURABLE },
	[0x40] = { run_verify, 0 },
	[0x41] = { run_verify, 0 },
	[0x42] = { run_verify, EXT },
	[0x70 ... 0x7f] = { run_seek, 0 },
	[0x91] = { run_set_geometry, 0 },
	[0x94 ... 0x97] = { run_nothing, 0 }, /* standby and idle, as they were */
	[0x98] = { run_power_mode, 0 },
	[0x99] = { run_nothing, 0 }, /* SLEEP */
	[0xb0] = { run_smart, 0 },
	[0xc4] = { run_transfer, PIO | MULTIPLE },
	[0xc5] = { run_transfer, PIO | MULTIPLE | WRITES },
	[0xc6] = { run_set_multiple, 0 },
	[0xc8] = { run_transfer, DMA },
	[0xc9] = { run_transfer, DMA },
	[0xca] = { run_transfer, DMA | WRITES },
	[0xcb] = { run_transfer, DMA | WRITES },
	[0xce] = { run_transfer, PIO | EXT | MULTIPLE | WRITES | DURABLE },
	[0xe0 ... 0xe3] = { run_nothing, 0 }, /* STANDBY and IDLE */
	[0xe5] = { run_power_mode, 0 },
	[0xe6] = { run_nothing, 0 }, /* SLEEP */
	[0xe7] = { run_flush, 0 },
	[0xea] = { run_flush, EXT },
	[0xec] = { run_identify, 0 },
	[0xef] = { run_set_features, 0 },
	[0xf8] = { run_native_max, 0 },
};

void ide_disk_command(struct ide_drive *drive, uint8_t command)
{
	const struct ata_command *entry = &commands[command];

	if (entry->run)
		entry->run(drive, entry->how);
	else
		ide_fail(drive, ATA_ABRT);
}

void ide_disk_grow(struct ide_drive *drive)
{
	ide_lock(drive->channel);
	drive->sectors = drive->block->bytes / BLOCK_SECTOR;
	ide_unlock(drive->channel);
}

void ide_disk_reset(struct ide_drive *drive)
{
	drive->sectors = drive->block->bytes / BLOCK_SECTOR;
	drive->heads = 16;
	drive->sectors_per_track = 63;
	drive->multiple = MAX_MULTIPLE;
	drive->transfer_mode = 0x45; /* Ultra DMA 5 */
	drive->write_cache = drive->block->write_cache;
	drive->look_ahead = true;
	drive->smart = true;
}
