/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IDE channel on a bench: a disk in memory whose requests end when the test says so, guest
 * memory, and a driver that pokes registers as a guest does.
 */
#ifndef IDE_BENCH_H
#define IDE_BENCH_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "dev/ide_core.h"

#define BENCH_RAM (1U << 20)
#define BENCH_SECTORS 4096U

struct bench {
	struct guest_ram ram;
	struct irq_line irq;
	struct ide_channel channel;
	struct block_layer layer;
	struct block block;
	uint8_t *disk;
	struct block_request *queue;
	unsigned int requests;
	unsigned int flushes;
	unsigned int durable_writes;
	uint64_t discarded;
	int fail_with; /* what the next requests end with */
	bool hold;     /* requests stay in flight until bench_pump() */
};

static struct bench *bench_now;

/* ---- the disk ---- */

static void bench_move(struct bench *b, struct block_request *r)
{
	uint64_t at = r->offset;

	for (unsigned int i = 0; i < r->iov_count; i++) {
		uint8_t *host = r->iov[i].iov_base;
		size_t bytes = r->iov[i].iov_len;

		if (at + bytes > b->block.bytes)
			abort();
		if (r->op == BLOCK_READ)
			memcpy(host, b->disk + at, bytes);
		else
			memcpy(b->disk + at, host, bytes);
		at += bytes;
	}
	if (at - r->offset != r->bytes)
		abort();
}

static void bench_end(struct bench *b, struct block_request *r)
{
	b->requests++;
	if (b->fail_with) {
		block_finish(r, b->fail_with);
		return;
	}
	if (r->op == BLOCK_READ || r->op == BLOCK_WRITE)
		bench_move(b, r);
	b->flushes += r->op == BLOCK_FLUSH;
	b->durable_writes += r->op == BLOCK_WRITE && r->durable;
	b->discarded += r->op == BLOCK_DISCARD ? r->bytes : 0;
	block_finish(r, 0);
}

static void bench_submit(struct block *block, struct block_request *r)
{
	struct block_request **end = &bench_now->queue;

	if (r->offset % BLOCK_SECTOR || r->bytes % BLOCK_SECTOR || r->iov_count > BLOCK_IOV_MAX)
		abort();
	while (*end)
		end = &(*end)->next;
	r->next = NULL;
	*end = r;
}

static const struct block_driver bench_driver = { .name = "bench", .submit = bench_submit };

/* One request ends; false: there was none. */
static bool bench_pump_one(struct bench *b)
{
	struct block_request *r = b->queue;

	if (!r)
		return false;
	b->queue = r->next;
	r->next = NULL;
	bench_end(b, r);
	return true;
}

static void bench_pump(struct bench *b)
{
	while (bench_pump_one(b))
		;
}

/* ---- the guest ---- */

static inline uint8_t bench_in(struct bench *b, unsigned int reg)
{
	return ide_read(&b->channel, reg, 1);
}

static inline void bench_out(struct bench *b, unsigned int reg, uint8_t value)
{
	ide_write(&b->channel, reg, 1, value);
	if (!b->hold)
		bench_pump(b);
}

static inline uint8_t bench_alt(struct bench *b)
{
	return ide_control_read(&b->channel, 0, 1);
}

static inline void bench_control(struct bench *b, uint8_t value)
{
	ide_control_write(&b->channel, 0, 1, value);
	if (!b->hold)
		bench_pump(b);
}

static inline void bench_read_data(struct bench *b, void *to, unsigned int bytes)
{
	ide_read_string(&b->channel, 0, 2, bytes / 2, to);
	if (!b->hold)
		bench_pump(b);
}

static inline void bench_write_data(struct bench *b, const void *from, unsigned int bytes)
{
	ide_write_string(&b->channel, 0, 2, bytes / 2, from);
	if (!b->hold)
		bench_pump(b);
}

static inline void bench_command(struct bench *b, uint64_t lba, unsigned int count, uint8_t command)
{
	bench_out(b, 2, count);
	bench_out(b, 3, lba);
	bench_out(b, 4, lba >> 8);
	bench_out(b, 5, lba >> 16);
	bench_out(b, 6, 0xe0 | ((lba >> 24) & 0x0f));
	bench_out(b, 7, command);
}

static inline void bench_command_ext(struct bench *b, uint64_t lba, unsigned int count,
				     uint8_t command)
{
	bench_out(b, 2, count >> 8);
	bench_out(b, 3, lba >> 24);
	bench_out(b, 4, lba >> 32);
	bench_out(b, 5, lba >> 40);
	bench_command(b, lba & 0xffffff, count & 0xff, command);
}

/* ---- the bus master ---- */

static inline void bench_bm(struct bench *b, unsigned int reg, unsigned int size, uint32_t value)
{
	ide_bm_write(&b->channel, reg, size, value);
	if (!b->hold)
		bench_pump(b);
}

static inline uint8_t bench_bm_status(struct bench *b)
{
	return ide_bm_read(&b->channel, 2, 1);
}

/* Entry @index of the table at @table; @bytes 0 means 64 KiB. */
static inline void bench_prd(struct bench *b, uint32_t table, unsigned int index, uint32_t address,
			     uint16_t bytes, bool last)
{
	uint32_t entry[2] = { address, bytes | (last ? 0x80000000U : 0) };

	memcpy(b->ram.host + table + 8 * index, entry, sizeof(entry));
}

static inline void bench_start_dma(struct bench *b, uint32_t table, bool to_memory)
{
	bench_bm(b, 4, 4, table);
	bench_bm(b, 2, 1, BM_ERROR | BM_IRQ | BM_CAPABLE);
	bench_bm(b, 0, 1, BM_START | (to_memory ? BM_TO_MEMORY : 0));
}

/* ---- life ---- */

static inline void bench_up(struct bench *b, enum ide_kind kind)
{
	memset(b, 0, sizeof(*b));
	bench_now = b;
	b->ram.host = calloc(1, BENCH_RAM);
	b->ram.bytes = b->ram.low_bytes = BENCH_RAM;
	b->disk = malloc(BENCH_SECTORS * BLOCK_SECTOR);
	for (unsigned int i = 0; i < BENCH_SECTORS * BLOCK_SECTOR; i++)
		b->disk[i] = i / BLOCK_SECTOR * 7 + i;
	irq_line_init(&b->irq, -1, 14);
	block_layer_init(&b->layer);
	block_init(&b->block, &bench_driver);
	b->block.layer = &b->layer;
	b->block.name = "bench";
	b->block.bytes = BENCH_SECTORS * BLOCK_SECTOR;
	b->block.write_cache = true;
	b->block.on_write_error = BLOCK_STOP_FULL;
	ide_channel_init(&b->channel, &b->irq, &b->ram);
	if (kind != IDE_NONE && ide_connect(&b->channel, 0, kind, &b->block, 0) < 0)
		abort();
}

static inline void bench_down(struct bench *b)
{
	bench_pump(b);
	ide_channel_deinit(&b->channel);
	block_deinit(&b->block);
	free(b->ram.host);
	free(b->disk);
}

#endif /* IDE_BENCH_H */
