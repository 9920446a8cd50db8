// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any accesses of a guest to an IDE channel with a disk and a CD-ROM drive, with
 * guest memory full of the input, requests that end at any time, fail, or stop, and a user
 * who changes discs. Nothing may be accessed out of bounds or hang, and a reset must
 * always bring both drives back.
 */
#include "../unit/ide_bench.h"
#include "dev/atapi.h"

#define MOST_STEPS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static uint32_t take32(struct input *in)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | take(in);
	return value;
}

static void fail_or_not(struct bench *b, uint8_t choice)
{
	static const int errors[] = { 0, 0, 0, -EIO, -ENOSPC };

	b->fail_with = errors[choice % 5];
	b->block.on_read_error = choice & 0x40 ? BLOCK_STOP : BLOCK_REPORT;
}

static void step(struct bench *b, struct input *in)
{
	static uint8_t port_data[4096];
	uint8_t what = take(in), size = 1 << (what >> 6) % 3;

	switch (what & 0x1f) {
	case 0 ... 7:
		bench_out(b, what & 7, take(in));
		break;
	case 8:
		bench_in(b, take(in) & 7);
		break;
	case 9:
		bench_control(b, take(in));
		break;
	case 10:
		ide_read_string(&b->channel, 0, size, 1 + take(in) * 4, port_data);
		break;
	case 11:
		memset(port_data, take(in), sizeof(port_data));
		ide_write_string(&b->channel, 0, size, 1 + take(in) * 4, port_data);
		break;
	case 12:
		for (int i = 0; i < ATAPI_PACKET_BYTES; i++)
			port_data[i] = take(in);
		ide_write_string(&b->channel, 0, 2, ATAPI_PACKET_BYTES / 2, port_data);
		break;
	case 13:
		bench_bm(b, take(in) & 7, size, take32(in));
		break;
	case 14:
		ide_bm_read(&b->channel, take(in) & 7, size);
		break;
	case 15:
		/* a PRD entry, mostly of memory */
		bench_prd(b, (take(in) & 15) * 8, 0, take32(in) & 0x801fffff, take32(in),
			  take(in) & 1);
		break;
	case 16:
		b->hold = !b->hold;
		break;
	case 17:
		bench_pump_one(b);
		break;
	case 18:
		fail_or_not(b, take(in));
		break;
	case 19:
		block_retry(&b->block);
		break;
	case 20:
		/* by a user: the disk is served to the end before */
		b->hold = false;
		bench_pump(b);
		atapi_change(&b->channel.drive[1],
			     b->channel.drive[1].block ? NULL : &b->block, take(in) & 1);
		break;
	case 21:
		b->hold = false;
		bench_pump(b);
		ide_channel_reset(&b->channel);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .at = data, .left = size };
	static struct bench b;

	/* once: to fill a disk takes longer than to try an input */
	if (!b.disk) {
		bench_up(&b, IDE_DISK);
		if (ide_connect(&b.channel, 1, IDE_CDROM, &b.block, 1) < 0)
			abort();
	}
	b.channel.drive[1].block = &b.block;
	b.block.on_read_error = BLOCK_REPORT;
	b.block.discards = take(&in) & 1;
	for (unsigned int i = 0; in.left && i < MOST_STEPS; i++)
		step(&b, &in);

	b.fail_with = 0;
	b.hold = false;
	bench_pump(&b);
	ide_channel_reset(&b.channel);
	for (unsigned int unit = 0; unit < 2; unit++) {
		const struct ide_drive *drive = &b.channel.drive[unit];

		if ((drive->reg.status & (ATA_BSY | ATA_DRQ)) || drive->in_flight || drive->irq)
			abort();
	}
	return 0;
}
