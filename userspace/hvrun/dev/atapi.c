// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A CD-ROM drive: ATA's PACKET command and the packets (SPC-3, MMC-3). One track of data,
 * 2048 bytes a sector.
 */
#include <string.h>

#include "dev/atapi.h"
#include "dev/ide_core.h"

#define SENSE_NONE 0x0
#define SENSE_NOT_READY 0x2
#define SENSE_MEDIUM 0x3
#define SENSE_ILLEGAL 0x5
#define SENSE_ATTENTION 0x6

#define SENSE_BYTES 18

#define PROFILE_CD_ROM 0x0008
#define PROFILE_DVD_ROM 0x0010
/* What does not fit on a CD (80 minutes) is a DVD. */
#define MOST_CD_SECTORS (80 * 60 * 75)

#define LEAD_OUT 0xaa
#define FRAMES_BEFORE_0 150

/* ---- ends ---- */

static void check_condition(struct ide_drive *drive, uint8_t key, uint8_t code, uint8_t qualifier)
{
	struct atapi_state *cd = &drive->cd;

	cd->sense_key = key;
	cd->sense_code = code;
	cd->sense_qualifier = qualifier;
	drive->reg.count[0] = ATAPI_COMMAND | ATAPI_TO_HOST;
	ide_fail(drive, (key << 4) | ATA_ABRT);
	drive->reg.status &= ~ATA_DSC;
}

static void good(struct ide_drive *drive)
{
	drive->cd.sense_key = SENSE_NONE;
	drive->cd.sense_code = 0;
	drive->cd.sense_qualifier = 0;
	drive->reg.count[0] = ATAPI_COMMAND | ATAPI_TO_HOST;
	ide_succeed(drive);
}

static void illegal(struct ide_drive *drive, uint8_t code)
{
	check_condition(drive, SENSE_ILLEGAL, code, 0);
}

#define INVALID_OPCODE 0x20
#define OUT_OF_RANGE 0x21
#define INVALID_FIELD 0x24

void atapi_window(struct ide_drive *drive, uint32_t bytes, bool to_guest)
{
	drive->reg.count[0] = to_guest ? ATAPI_TO_HOST : ATAPI_COMMAND;
	if (!to_guest)
		return;
	drive->reg.mid[0] = bytes;
	drive->reg.high[0] = bytes >> 8;
}

static void data_done(struct ide_drive *drive, int error)
{
	if (error)
		check_condition(drive, SENSE_MEDIUM, 0x11, 0);
	else
		good(drive);
}

/* The guest gets what is in the buffer, as much as it has asked for. */
static void reply(struct ide_drive *drive, uint32_t bytes, uint32_t allocated)
{
	if (bytes > allocated)
		bytes = allocated;
	drive->transfer = (struct ide_transfer){
		.to_guest = true,
		.is_dma = drive->cd.dma,
		.window_bytes = drive->cd.limit,
		.end = bytes,
		.done = data_done,
	};
	ide_begin_transfer(drive);
}

/* ---- helpers ---- */

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t disc_sectors(const struct ide_drive *drive)
{
	uint64_t sectors = drive->block->bytes / ATAPI_SECTOR;

	return sectors > UINT32_MAX ? UINT32_MAX : sectors;
}

static bool has_disc(const struct ide_drive *drive)
{
	return drive->block && !drive->cd.tray_open;
}

/* ---- packets: @p are its 12 bytes, the reply is built in the buffer ---- */

static void test_unit_ready(struct ide_drive *drive, const uint8_t *p)
{
	good(drive);
}

static void request_sense(struct ide_drive *drive, const uint8_t *p)
{
	struct atapi_state *cd = &drive->cd;
	uint8_t *to = drive->buffer;

	memset(to, 0, SENSE_BYTES);
	to[0] = 0x70;
	to[2] = cd->sense_key;
	to[7] = SENSE_BYTES - 8;
	to[12] = cd->sense_code;
	to[13] = cd->sense_qualifier;
	reply(drive, SENSE_BYTES, p[4]);
}

static void put_padded(uint8_t *to, size_t bytes, const char *text)
{
	size_t length = strlen(text);

	memset(to, ' ', bytes);
	memcpy(to, text, length < bytes ? length : bytes);
}

static void inquiry(struct ide_drive *drive, const uint8_t *p)
{
	uint8_t *to = drive->buffer;

	if (p[1] & 1) {
		illegal(drive, INVALID_FIELD);
		return;
	}
	memset(to, 0, 36);
	to[0] = 0x05; /* CD/DVD */
	to[1] = 0x80; /* removable */
	to[3] = 0x21; /* ATAPI */
	to[4] = 36 - 5;
	put_padded(to + 8, 8, "MYHV");
	put_padded(to + 16, 16, "DVD-ROM");
	put_padded(to + 32, 4, "1.0");
	reply(drive, 36, get16(p + 3));
}

static void start_stop(struct ide_drive *drive, const uint8_t *p)
{
	struct atapi_state *cd = &drive->cd;
	bool load_eject = p[4] & 2, start = p[4] & 1;

	if (load_eject && !start) {
		if (cd->locked) {
			check_condition(drive, drive->block ? SENSE_ILLEGAL : SENSE_NOT_READY,
					0x53, 2);
			return;
		}
		cd->tray_open = true;
		cd->eject_requested = false;
	} else if (load_eject && cd->tray_open) {
		cd->tray_open = false;
		cd->attention = cd->changed = drive->block;
	}
	good(drive);
}

static void prevent_removal(struct ide_drive *drive, const uint8_t *p)
{
	drive->cd.locked = p[4] & 1;
	good(drive);
}

static void read_capacity(struct ide_drive *drive, const uint8_t *p)
{
	put32(drive->buffer, disc_sectors(drive) - 1);
	put32(drive->buffer + 4, ATAPI_SECTOR);
	reply(drive, 8, 8);
}

static void read_sectors(struct ide_drive *drive, uint32_t sector, uint32_t count)
{
	uint32_t sectors = disc_sectors(drive);

	if (!count) {
		good(drive);
		return;
	}
	if (sector >= sectors || count > sectors - sector) {
		illegal(drive, OUT_OF_RANGE);
		return;
	}
	drive->transfer = (struct ide_transfer){
		.to_guest = true,
		.is_dma = drive->cd.dma,
		.window_bytes = drive->cd.limit,
		.offset = (uint64_t)sector * ATAPI_SECTOR,
		.left = (uint64_t)count * ATAPI_SECTOR,
		.done = data_done,
	};
	ide_begin_transfer(drive);
}

static void read_10(struct ide_drive *drive, const uint8_t *p)
{
	read_sectors(drive, get32(p + 2), get16(p + 7));
}

static void read_12(struct ide_drive *drive, const uint8_t *p)
{
	read_sectors(drive, get32(p + 2), get32(p + 6));
}

static void read_cd(struct ide_drive *drive, const uint8_t *p)
{
	uint32_t count = (uint32_t)p[6] << 16 | get16(p + 7);

	switch (p[9] & 0xf8) {
	case 0x00:
		good(drive);
		break;
	case 0x10: /* user data */
		read_sectors(drive, get32(p + 2), count);
		break;
	default:
		illegal(drive, INVALID_FIELD);
	}
}

static void seek(struct ide_drive *drive, const uint8_t *p)
{
	if (get32(p + 2) >= disc_sectors(drive))
		illegal(drive, OUT_OF_RANGE);
	else
		good(drive);
}

static void put_position(uint8_t *to, uint32_t sector, bool msf)
{
	uint32_t frames = sector + FRAMES_BEFORE_0;

	if (!msf) {
		put32(to, sector);
		return;
	}
	to[0] = 0;
	to[1] = frames / (75 * 60);
	to[2] = frames / 75 % 60;
	to[3] = frames % 75;
}

static void toc_track(uint8_t *to, uint8_t track, uint32_t sector, bool msf)
{
	to[0] = 0;
	to[1] = 0x14; /* data track */
	to[2] = track;
	to[3] = 0;
	put_position(to + 4, sector, msf);
}

static void toc_tracks(struct ide_drive *drive, const uint8_t *p)
{
	bool msf = p[1] & 2;
	uint8_t *to = drive->buffer;
	uint32_t at = 4;

	if (p[6] > 1 && p[6] != LEAD_OUT) {
		illegal(drive, INVALID_FIELD);
		return;
	}
	to[2] = to[3] = 1;
	if (p[6] <= 1) {
		toc_track(to + at, 1, 0, msf);
		at += 8;
	}
	toc_track(to + at, LEAD_OUT, disc_sectors(drive), msf);
	at += 8;
	put16(to, at - 2);
	reply(drive, at, get16(p + 7));
}

static void toc_sessions(struct ide_drive *drive, const uint8_t *p)
{
	uint8_t *to = drive->buffer;

	memset(to, 0, 12);
	put16(to, 10);
	to[2] = to[3] = 1;
	toc_track(to + 4, 1, 0, p[1] & 2);
	reply(drive, 12, get16(p + 7));
}

/* The full table of contents: points A0, A1, A2 and the track, positions in MSF. */
static void toc_raw(struct ide_drive *drive, const uint8_t *p)
{
	static const uint8_t points[] = { 0xa0, 0xa1, 0xa2, 1 };
	uint8_t *to = drive->buffer;
	uint32_t bytes = 4 + 11 * sizeof(points);

	memset(to, 0, bytes);
	put16(to, bytes - 2);
	to[2] = to[3] = 1;
	for (unsigned int i = 0; i < sizeof(points); i++) {
		uint8_t *entry = to + 4 + 11 * i, position[4];

		entry[0] = 1; /* session */
		entry[1] = 0x14;
		entry[3] = points[i];
		put_position(position, points[i] == 0xa2 ? disc_sectors(drive) : 0, true);
		if (points[i] == 0xa0 || points[i] == 0xa1)
			entry[8] = 1; /* first and last track */
		else
			memcpy(entry + 8, position + 1, 3);
	}
	reply(drive, bytes, get16(p + 7));
}

static void read_toc(struct ide_drive *drive, const uint8_t *p)
{
	unsigned int format = p[2] & 0x0f;

	/* ATAPI's first revision had the format elsewhere */
	if (!format)
		format = p[9] >> 6;
	if (format == 0)
		toc_tracks(drive, p);
	else if (format == 1)
		toc_sessions(drive, p);
	else if (format == 2)
		toc_raw(drive, p);
	else
		illegal(drive, INVALID_FIELD);
}

static uint16_t profile(const struct ide_drive *drive)
{
	if (!has_disc(drive))
		return 0;
	return disc_sectors(drive) > MOST_CD_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static void get_configuration(struct ide_drive *drive, const uint8_t *p)
{
	uint16_t current = profile(drive);
	uint8_t *to = drive->buffer;

	memset(to, 0, 40);
	put32(to, 40 - 4);
	put16(to + 6, current);
	/* feature 0: profiles */
	to[10] = 0x03;
	to[11] = 8;
	put16(to + 12, PROFILE_DVD_ROM);
	to[14] = current == PROFILE_DVD_ROM;
	put16(to + 16, PROFILE_CD_ROM);
	to[18] = current == PROFILE_CD_ROM;
	/* feature 1: core; it is ATAPI */
	put16(to + 20, 1);
	to[22] = 0x0b;
	to[23] = 8;
	put32(to + 24, 2);
	to[28] = 1;
	/* feature 3: a tray that locks and ejects */
	put16(to + 32, 3);
	to[34] = 0x03;
	to[35] = 4;
	to[36] = 0x29;
	reply(drive, 40, get16(p + 7));
}

static void get_event(struct ide_drive *drive, const uint8_t *p)
{
	struct atapi_state *cd = &drive->cd;
	uint8_t *to = drive->buffer;
	bool media = p[4] & 0x10;

	if (!(p[1] & 1)) {
		/* an interrupt would tell when there is an event: we have no such queue */
		illegal(drive, INVALID_FIELD);
		return;
	}
	memset(to, 0, 8);
	to[3] = 0x10; /* the class that is supported: media */
	if (!media) {
		put16(to, 2);
		to[2] = 0x80;
		reply(drive, 4, get16(p + 7));
		return;
	}
	put16(to, 6);
	to[2] = 0x04;
	if (cd->eject_requested)
		to[4] = 1;
	else if (cd->changed)
		to[4] = drive->block ? 2 : 3; /* new medium, removed */
	cd->eject_requested = false;
	cd->changed = false;
	to[5] = (cd->tray_open ? 1 : 0) | (has_disc(drive) ? 2 : 0);
	reply(drive, 8, get16(p + 7));
}

static void mechanism_status(struct ide_drive *drive, const uint8_t *p)
{
	memset(drive->buffer, 0, 8);
	drive->buffer[1] = drive->cd.tray_open ? 0x10 : 0;
	drive->buffer[5] = 1;
	reply(drive, 8, get16(p + 8));
}

static uint32_t page_recovery(uint8_t *to)
{
	memset(to, 0, 8);
	to[0] = 0x01;
	to[1] = 6;
	to[3] = 5; /* retries */
	return 8;
}

static uint32_t page_capabilities(const struct ide_drive *drive, uint8_t *to)
{
	memset(to, 0, 20);
	to[0] = 0x2a;
	to[1] = 18;
	to[2] = 0x3b; /* reads CD-R, CD-RW, DVD-ROM, DVD-R */
	to[4] = 0x70; /* multisession, mode 2 */
	to[6] = 0x29 | (drive->cd.locked ? 2 : 0); /* a tray that locks and ejects */
	put16(to + 8, 706);
	put16(to + 12, 512); /* KiB of buffer */
	put16(to + 14, 706);
	return 20;
}

static void mode_sense(struct ide_drive *drive, const uint8_t *p)
{
	unsigned int control = p[2] >> 6, page = p[2] & 0x3f;
	uint8_t *to = drive->buffer;
	uint32_t at = 8;

	if (control == 3) {
		check_condition(drive, SENSE_ILLEGAL, 0x39, 0);
		return;
	}
	memset(to, 0, 8);
	to[2] = drive->cd.tray_open ? 0x71 : has_disc(drive) ? 0x01 : 0x70;
	if (page == 0x01 || page == 0x3f)
		at += page_recovery(to + at);
	if (page == 0x2a || page == 0x3f)
		at += page_capabilities(drive, to + at);
	if (at == 8) {
		illegal(drive, INVALID_FIELD);
		return;
	}
	put16(to, at - 2);
	reply(drive, at, get16(p + 7));
}

static void read_disc_information(struct ide_drive *drive, const uint8_t *p)
{
	uint8_t *to = drive->buffer;

	if (p[1] & 7) {
		illegal(drive, INVALID_FIELD);
		return;
	}
	memset(to, 0, 34);
	put16(to, 32);
	to[2] = 0x0e; /* finished, last session complete */
	to[3] = to[4] = to[5] = to[6] = 1;
	to[7] = 0x20; /* for any use */
	reply(drive, 34, get16(p + 7));
}

/* ---- the table ---- */

enum {
	NEEDS_DISC = 1,
	/* INQUIRY, REQUEST SENSE and GET EVENT STATUS work while attention is pending */
	WITH_ATTENTION = 2,
};

struct packet {
	void (*run)(struct ide_drive *drive, const uint8_t *packet);
	unsigned int flags;
};

static const struct packet packets[256] = {
	[0x00] = { test_unit_ready, NEEDS_DISC },
	[0x03] = { request_sense, WITH_ATTENTION },
	[0x12] = { inquiry, WITH_ATTENTION },
	[0x1b] = { start_stop, 0 },
	[0x1e] = { prevent_removal, 0 },
	[0x25] = { read_capacity, NEEDS_DISC },
	[0x28] = { read_10, NEEDS_DISC },
	[0x2b] = { seek, NEEDS_DISC },
	[0x43] = { read_toc, NEEDS_DISC },
	[0x46] = { get_configuration, WITH_ATTENTION },
	[0x4a] = { get_event, WITH_ATTENTION },
	[0x51] = { read_disc_information, NEEDS_DISC },
	[0x5a] = { mode_sense, 0 },
	[0xa8] = { read_12, NEEDS_DISC },
	[0xbb] = { test_unit_ready, 0 }, /* SET CD SPEED */
	[0xbd] = { mechanism_status, 0 },
	[0xbe] = { read_cd, NEEDS_DISC },
};

static void packet_arrived(struct ide_drive *drive, int error)
{
	const struct packet *packet;
	struct atapi_state *cd = &drive->cd;
	uint8_t bytes[ATAPI_PACKET_BYTES];

	memcpy(bytes, drive->buffer, sizeof(bytes));
	packet = &packets[bytes[0]];
	if (cd->attention && !(packet->flags & WITH_ATTENTION)) {
		cd->attention = false;
		check_condition(drive, SENSE_ATTENTION, 0x28, 0);
	} else if (!packet->run) {
		illegal(drive, INVALID_OPCODE);
	} else if ((packet->flags & NEEDS_DISC) && !has_disc(drive)) {
		check_condition(drive, SENSE_NOT_READY, 0x3a, cd->tray_open ? 2 : 1);
	} else {
		packet->run(drive, bytes);
	}
}

static void packet_command(struct ide_drive *drive)
{
	struct atapi_state *cd = &drive->cd;
	uint32_t limit = drive->reg.mid[0] | (uint32_t)drive->reg.high[0] << 8;

	cd->dma = drive->reg.features[0] & 1;
	cd->limit = limit == 0 || limit == 0xffff ? 0xfffe : limit;
	/* an odd limit would cut a word in two */
	if (cd->limit > 1)
		cd->limit &= ~1U;
	drive->transfer = (struct ide_transfer){
		.window_bytes = ATAPI_PACKET_BYTES,
		.end = ATAPI_PACKET_BYTES,
		.done = packet_arrived,
	};
	ide_begin_transfer(drive);
}

static void identify_done(struct ide_drive *drive, int error)
{
	drive->reg.status = ATA_DRDY | ATA_DSC;
}

static void identify(struct ide_drive *drive)
{
	ide_identify_cdrom(drive, drive->buffer);
	drive->transfer = (struct ide_transfer){
		.to_guest = true,
		.window_bytes = BLOCK_SECTOR,
		.end = BLOCK_SECTOR,
		.done = identify_done,
	};
	ide_begin_transfer(drive);
}

void atapi_command(struct ide_drive *drive, uint8_t command)
{
	switch (command) {
	case 0xa0:
		packet_command(drive);
		break;
	case 0xa1:
		identify(drive);
		break;
	case 0xef:
		if (drive->reg.features[0] == 0x03 &&
		    ide_set_transfer_mode(drive, drive->reg.count[0]))
			ide_succeed(drive);
		else
			ide_fail(drive, ATA_ABRT);
		break;
	case 0xe0 ... 0xe3: /* STANDBY and IDLE */
	case 0xe6:
		ide_succeed(drive);
		break;
	case 0xe5: /* CHECK POWER MODE */
		drive->reg.count[0] = 0xff;
		ide_succeed(drive);
		break;
	case 0x20: /* READ SECTORS and IDENTIFY DEVICE tell hosts what we are */
	case 0xec:
		ide_set_signature(drive);
		ide_fail(drive, ATA_ABRT);
		break;
	default:
		ide_fail(drive, ATA_ABRT);
	}
}

void atapi_reset(struct ide_drive *drive)
{
	bool tray_open = drive->cd.tray_open;

	memset(&drive->cd, 0, sizeof(drive->cd));
	drive->cd.tray_open = tray_open;
	drive->transfer_mode = 0x45;
}

/* ---- the user's hand at the tray ---- */

bool atapi_is_locked(struct ide_drive *drive)
{
	bool locked;

	ide_lock(drive->channel);
	locked = drive->cd.locked && !drive->cd.tray_open;
	ide_unlock(drive->channel);
	return locked;
}

void atapi_request_eject(struct ide_drive *drive)
{
	ide_lock(drive->channel);
	drive->cd.eject_requested = true;
	ide_unlock(drive->channel);
}

struct block *atapi_change(struct ide_drive *drive, struct block *block, bool tray_open)
{
	struct block *old;

	ide_lock(drive->channel);
	ide_wait_until_quiet(drive);
	old = drive->block;
	drive->block = block;
	drive->cd.tray_open = tray_open;
	drive->cd.changed = true;
	drive->cd.attention = block && !tray_open;
	if (!block)
		drive->cd.locked = false;
	ide_unlock(drive->channel);
	return old;
}

bool atapi_tray_is_open(struct ide_drive *drive)
{
	bool open;

	ide_lock(drive->channel);
	open = drive->cd.tray_open;
	ide_unlock(drive->channel);
	return open;
}
