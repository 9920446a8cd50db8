// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Data between the guest and a drive's disk or buffer, by windows of the data register or by
 * the bus master's PRD table. One request is in flight per drive; its end carries on here.
 */
#include <errno.h>
#include <string.h>

#include "dev/ide_core.h"

/* What one request to the disk may be: small enough to be fair, large enough to be fast. */
#define MOST_REQUEST_BYTES (1 << 20)
/* A PRD table has at most 64 KiB (Bus Master IDE, "Descriptor Table"). */
#define MOST_ENTRIES 8192
#define PRD_LAST 0x80000000U
#define PRD_BYTES 0x0000fffeU

static void carry_on(struct ide_drive *drive);

/* ---- requests ---- */

static void resume(struct block_request *request, int error)
{
	struct ide_drive *drive = request->context;
	struct ide_channel *channel = drive->channel;
	struct ide_transfer *t = &drive->transfer;

	ide_lock(channel);
	drive->in_flight = false;
	if (drive->aborted) {
		drive->aborted = false;
		if (drive->reset_pending && !(channel->control & ATA_SRST))
			ide_finish_reset(drive);
	} else if (error || !t->requested) {
		t->done(drive, error);
	} else {
		t->offset += t->requested;
		t->left -= t->requested;
		carry_on(drive);
	}
	if (!drive->in_flight)
		pthread_cond_broadcast(&channel->quiet);
	ide_unlock(channel);
}

static void request(struct ide_drive *drive, enum block_op op, uint64_t bytes, unsigned int iovs)
{
	struct ide_transfer *t = &drive->transfer;

	drive->reg.status = ATA_BSY;
	t->requested = op == BLOCK_READ || op == BLOCK_WRITE ? bytes : 0;
	drive->request = (struct block_request){
		.op = op,
		.durable = t->durable,
		.offset = t->offset,
		.bytes = bytes,
		.iov = drive->iov,
		.iov_count = iovs,
		.complete = resume,
		.context = drive,
		.block = drive->block,
	};
	drive->in_flight = true;
	drive->submit = true;
}

void ide_flush(struct ide_drive *drive, void (*done)(struct ide_drive *drive, int error))
{
	drive->transfer = (struct ide_transfer){ .done = done };
	request(drive, BLOCK_FLUSH, 0, 0);
}

void ide_discard(struct ide_drive *drive, uint64_t sector, uint64_t sectors,
		 void (*done)(struct ide_drive *drive, int error))
{
	drive->transfer = (struct ide_transfer){ .offset = sector * BLOCK_SECTOR, .done = done };
	request(drive, BLOCK_DISCARD, sectors * BLOCK_SECTOR, 0);
}

void ide_abort(struct ide_drive *drive)
{
	drive->wants_dma = false;
	if (drive->in_flight)
		drive->aborted = true;
	memset(&drive->transfer, 0, sizeof(drive->transfer));
}

/* ---- PIO ---- */

static void open_window(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;
	uint32_t bytes = t->end - t->at;

	if (bytes > t->window_bytes)
		bytes = t->window_bytes;
	t->window_end = t->at + bytes;
	drive->reg.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
	if (drive->kind == IDE_CDROM)
		atapi_window(drive, bytes, t->to_guest);
}

static uint32_t buffer_room(const struct ide_transfer *t)
{
	return t->left < IDE_BUFFER_BYTES ? t->left : IDE_BUFFER_BYTES;
}

/* The buffer to the guest; an empty one is filled first. */
static void pio_to_guest(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;

	if (t->at == t->end && t->left) {
		t->at = 0;
		t->end = buffer_room(t);
		drive->iov[0] = (struct iovec){ .iov_base = drive->buffer, .iov_len = t->end };
		request(drive, BLOCK_READ, t->end, 1);
	} else if (t->at == t->end) {
		t->done(drive, 0);
	} else {
		open_window(drive);
		ide_raise_irq(drive);
	}
}

/* A window was filled by the guest: the next one, or all of the buffer to the disk. */
static void pio_from_guest(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;

	if (t->at < t->end) {
		open_window(drive);
		ide_raise_irq(drive);
	} else if (t->left) {
		drive->iov[0] = (struct iovec){ .iov_base = drive->buffer, .iov_len = t->end };
		request(drive, BLOCK_WRITE, t->end, 1);
	} else {
		t->done(drive, 0);
	}
}

/* The disk has taken the buffer. */
static void pio_written(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;

	if (!t->left) {
		t->done(drive, 0);
		return;
	}
	t->at = 0;
	t->end = buffer_room(t);
	open_window(drive);
	ide_raise_irq(drive);
}

static void window_over(struct ide_drive *drive)
{
	if (drive->transfer.to_guest)
		pio_to_guest(drive);
	else
		pio_from_guest(drive);
}

static bool window_is_open(const struct ide_drive *drive, bool to_guest)
{
	const struct ide_transfer *t = &drive->transfer;

	return drive->kind != IDE_NONE && (drive->reg.status & ATA_DRQ) && !t->is_dma &&
	       t->to_guest == to_guest;
}

void ide_data_read(struct ide_drive *drive, uint8_t *data, unsigned int bytes)
{
	struct ide_transfer *t = &drive->transfer;

	while (bytes && window_is_open(drive, true)) {
		uint32_t part = t->window_end - t->at;

		if (part > bytes)
			part = bytes;
		memcpy(data, drive->buffer + t->at, part);
		data += part;
		bytes -= part;
		t->at += part;
		if (t->at == t->window_end)
			window_over(drive);
	}
	/* the bus floats */
	memset(data, 0xff, bytes);
}

void ide_data_write(struct ide_drive *drive, const uint8_t *data, unsigned int bytes)
{
	struct ide_transfer *t = &drive->transfer;

	while (bytes && window_is_open(drive, false)) {
		uint32_t part = t->window_end - t->at;

		if (part > bytes)
			part = bytes;
		memcpy(drive->buffer + t->at, data, part);
		data += part;
		bytes -= part;
		t->at += part;
		if (t->at == t->window_end)
			window_over(drive);
	}
}

/* ---- the bus master ---- */

static void bm_stop(struct ide_bus_master *bm, uint8_t error)
{
	bm->status = (bm->status & ~BM_ACTIVE) | error;
}

static bool bm_is_ready(const struct ide_channel *channel)
{
	return (channel->bm.status & BM_ACTIVE) &&
	       (!channel->may_master || channel->may_master(channel->context));
}

/*
 * The next piece of guest memory, at most @most bytes. 0: the table has ended, or lies
 * nowhere. A piece that is no memory has *@host NULL.
 */
static uint32_t next_piece(struct ide_channel *channel, uint32_t most, uint8_t **host)
{
	struct ide_bus_master *bm = &channel->bm;
	uint32_t bytes;

	if (!bm->bytes) {
		const uint8_t *at = guest_ram_ptr(channel->ram, bm->next, 8);
		uint32_t entry[2];

		if (bm->is_last || bm->entries == MOST_ENTRIES)
			return 0;
		if (!at) {
			bm->status |= BM_ERROR;
			return 0;
		}
		memcpy(entry, at, sizeof(entry));
		bm->address = entry[0] & ~1U;
		bm->bytes = entry[1] & PRD_BYTES;
		if (!bm->bytes)
			bm->bytes = 64 << 10;
		bm->is_last = entry[1] & PRD_LAST;
		bm->next += sizeof(entry);
		bm->entries++;
	}
	bytes = bm->bytes < most ? bm->bytes : most;
	*host = guest_ram_ptr(channel->ram, bm->address, bytes);
	return bytes;
}

static void take_piece(struct ide_bus_master *bm, uint32_t bytes)
{
	bm->address += bytes;
	bm->bytes -= bytes;
}

/* The table ended before the transfer did: the drive waits for the next one. */
static void table_is_short(struct ide_drive *drive)
{
	bm_stop(&drive->channel->bm, 0);
	drive->wants_dma = true;
	drive->reg.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

/* Between the buffer and the guest. false: the table is too short. */
static bool dma_buffer(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;
	struct ide_channel *channel = drive->channel;

	while (t->at < t->end) {
		uint8_t *host;
		uint32_t bytes = next_piece(channel, t->end - t->at, &host);

		if (!bytes)
			return false;
		if (host && t->to_guest)
			memcpy(host, drive->buffer + t->at, bytes);
		else if (host)
			memcpy(drive->buffer + t->at, host, bytes);
		take_piece(&channel->bm, bytes);
		t->at += bytes;
	}
	return true;
}

/*
 * Pieces of at most @want bytes together. What is no memory is read into, or written from, the
 * drive's buffer: nobody looks at it, and it holds no secret.
 */
static uint64_t gather(struct ide_drive *drive, uint64_t want, unsigned int *count)
{
	struct ide_channel *channel = drive->channel;
	uint64_t got = 0;

	*count = 0;
	while (got < want && *count < BLOCK_IOV_MAX) {
		uint32_t most = want - got < IDE_BUFFER_BYTES ? want - got : IDE_BUFFER_BYTES;
		uint8_t *host;
		uint32_t bytes = next_piece(channel, most, &host);

		if (!bytes)
			break;
		drive->iov[(*count)++] = (struct iovec){
			.iov_base = host ? host : drive->buffer,
			.iov_len = bytes,
		};
		take_piece(&channel->bm, bytes);
		got += bytes;
	}
	return got;
}

/* Pieces for the next request, a whole number of sectors; 0: the table has no more. */
static uint64_t collect(struct ide_drive *drive, unsigned int *count)
{
	const struct ide_transfer *t = &drive->transfer;
	uint64_t want = t->left < MOST_REQUEST_BYTES ? t->left : MOST_REQUEST_BYTES;
	struct ide_bus_master before = drive->channel->bm;
	uint64_t got = gather(drive, want, count);

	if (got % BLOCK_SECTOR == 0)
		return got;
	/* give back what is no whole sector: walk once more, and no further */
	drive->channel->bm = before;
	got = gather(drive, got - got % BLOCK_SECTOR, count);
	/* a guest that changes its table meanwhile gets what it deserves */
	return got % BLOCK_SECTOR ? 0 : got;
}

/* A table that has more to offer stays active: the drive has ended first. */
static void dma_done(struct ide_drive *drive)
{
	struct ide_bus_master *bm = &drive->channel->bm;

	if (bm->is_last && !bm->bytes)
		bm_stop(bm, 0);
	drive->transfer.done(drive, 0);
}

void ide_run_dma(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;
	unsigned int count;
	uint64_t bytes;

	drive->wants_dma = false;
	if (t->at == t->end && !t->left) {
		dma_done(drive);
		return;
	}
	if (!bm_is_ready(drive->channel)) {
		drive->wants_dma = true;
		drive->reg.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
		return;
	}
	if (!dma_buffer(drive)) {
		table_is_short(drive);
		return;
	}
	if (!t->left) {
		dma_done(drive);
		return;
	}
	bytes = collect(drive, &count);
	if (!bytes)
		table_is_short(drive);
	else
		request(drive, t->to_guest ? BLOCK_READ : BLOCK_WRITE, bytes, count);
}

/* ---- both ---- */

static void carry_on(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;

	if (t->is_dma)
		ide_run_dma(drive);
	else if (t->to_guest)
		pio_to_guest(drive);
	else
		pio_written(drive);
}

void ide_begin_transfer(struct ide_drive *drive)
{
	struct ide_transfer *t = &drive->transfer;

	if (t->is_dma) {
		ide_run_dma(drive);
	} else if (t->to_guest) {
		pio_to_guest(drive);
	} else {
		/* the first window of a write has no interrupt */
		if (t->left) {
			t->at = 0;
			t->end = buffer_room(t);
		}
		open_window(drive);
	}
}
