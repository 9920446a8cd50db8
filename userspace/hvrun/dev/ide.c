// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An IDE channel's registers: which drive answers, interrupts, resets. Writes go to both
 * drives, as on the cable; a drive that is not there reads as zeros.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dev/ide_core.h"
#include "timer.h"

enum { REG_DATA, REG_ERROR, REG_COUNT, REG_LOW, REG_MID, REG_HIGH, REG_DEVICE, REG_STATUS };

#define QUIET_POLL_NS 10000000

#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_DIAGNOSE 0x90

/* ---- lock ---- */

void ide_lock(struct ide_channel *channel)
{
	pthread_mutex_lock(&channel->lock);
}

/* Requests are submitted without the mutex: they may end at once. */
void ide_unlock(struct ide_channel *channel)
{
	struct block_request *requests[2];
	unsigned int count = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct ide_drive *drive = &channel->drive[i];

		if (drive->submit)
			requests[count++] = &drive->request;
		drive->submit = false;
	}
	pthread_mutex_unlock(&channel->lock);
	for (unsigned int i = 0; i < count; i++)
		block_submit(requests[i]->block, requests[i]);
}

/* ---- interrupts and ends of commands ---- */

static struct ide_drive *selected(struct ide_channel *channel)
{
	return &channel->drive[channel->selected];
}

void ide_update_irq(struct ide_channel *channel)
{
	bool asserted = selected(channel)->irq && !(channel->control & ATA_NIEN);

	if (asserted && !channel->irq->asserted)
		channel->bm.status |= BM_IRQ;
	irq_line_set(channel->irq, asserted);
}

void ide_raise_irq(struct ide_drive *drive)
{
	drive->irq = true;
	ide_update_irq(drive->channel);
}

void ide_succeed(struct ide_drive *drive)
{
	drive->reg.error = 0;
	drive->reg.status = ATA_DRDY | ATA_DSC;
	ide_raise_irq(drive);
}

void ide_fail(struct ide_drive *drive, uint8_t error)
{
	drive->reg.error = error;
	drive->reg.status = ATA_DRDY | ATA_DSC | ATA_ERR;
	ide_raise_irq(drive);
}

/* ---- resets ---- */

/* ATA/ATAPI-6, "Signature and persistence" */
void ide_set_signature(struct ide_drive *drive)
{
	drive->reg.count[0] = 1;
	drive->reg.low[0] = 1;
	drive->reg.mid[0] = drive->kind == IDE_CDROM ? 0x14 : 0;
	drive->reg.high[0] = drive->kind == IDE_CDROM ? 0xeb : 0;
	drive->reg.device &= ~(ATA_DEV_LBA | 0x0f);
}

void ide_finish_reset(struct ide_drive *drive)
{
	drive->reset_pending = false;
	ide_set_signature(drive);
	drive->reg.error = ATA_PASSED;
	/* a packet device shows DRDY only after its first command */
	drive->reg.status = drive->kind == IDE_CDROM ? 0 : ATA_DRDY | ATA_DSC;
}

/* Ends now, or when what is in flight has ended. */
static void begin_reset(struct ide_drive *drive)
{
	if (drive->kind == IDE_NONE)
		return;
	ide_abort(drive);
	drive->irq = false;
	drive->reg.status = ATA_BSY;
	drive->reset_pending = true;
}

static void end_reset(struct ide_drive *drive)
{
	if (drive->reset_pending && !drive->in_flight)
		ide_finish_reset(drive);
}

static void software_reset(struct ide_channel *channel)
{
	for (unsigned int i = 0; i < 2; i++)
		begin_reset(&channel->drive[i]);
	channel->bm.status &= ~BM_ACTIVE;
	channel->bm.command &= ~BM_START;
	ide_update_irq(channel);
}

static void software_reset_over(struct ide_channel *channel)
{
	for (unsigned int i = 0; i < 2; i++)
		end_reset(&channel->drive[i]);
	channel->selected = 0;
	for (unsigned int i = 0; i < 2; i++)
		channel->drive[i].reg.device &= ~ATA_DEV_1;
	ide_update_irq(channel);
}

/* EXECUTE DEVICE DIAGNOSTIC is for both drives, whichever is selected. */
static void diagnose(struct ide_channel *channel)
{
	software_reset(channel);
	software_reset_over(channel);
	if (channel->drive[0].kind != IDE_NONE)
		ide_raise_irq(&channel->drive[0]);
}

/* A request in flight may end, or fail and stop, at any time: look again now and then. */
void ide_wait_until_quiet(struct ide_drive *drive)
{
	struct ide_channel *channel = drive->channel;

	while (drive->in_flight) {
		struct timespec until;

		pthread_mutex_unlock(&channel->lock);
		block_cancel_stopped(drive->request.block);
		pthread_mutex_lock(&channel->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += QUIET_POLL_NS;
		if (until.tv_nsec >= NS_PER_SECOND) {
			until.tv_nsec -= NS_PER_SECOND;
			until.tv_sec++;
		}
		if (drive->in_flight)
			pthread_cond_timedwait(&channel->quiet, &channel->lock, &until);
	}
}

void ide_channel_reset(struct ide_channel *channel)
{
	pthread_mutex_lock(&channel->lock);
	software_reset(channel);
	for (unsigned int i = 0; i < 2; i++)
		ide_wait_until_quiet(&channel->drive[i]);
	memset(&channel->bm, 0, sizeof(channel->bm));
	channel->bm.status = BM_CAPABLE;
	channel->control = 0;
	for (unsigned int i = 0; i < 2; i++) {
		struct ide_drive *drive = &channel->drive[i];

		memset(&drive->reg, 0, sizeof(drive->reg));
		drive->reg.device = ATA_DEV_FIXED;
		drive->reset_pending = drive->kind != IDE_NONE;
		if (drive->kind == IDE_DISK)
			ide_disk_reset(drive);
		if (drive->kind == IDE_CDROM)
			atapi_reset(drive);
	}
	software_reset_over(channel);
	pthread_mutex_unlock(&channel->lock);
}

/* ---- registers ---- */

static void command_written(struct ide_channel *channel, uint8_t command)
{
	struct ide_drive *drive = selected(channel);

	if (command == COMMAND_DIAGNOSE) {
		diagnose(channel);
		return;
	}
	if (drive->kind == IDE_NONE)
		return;
	if (command == COMMAND_DEVICE_RESET && drive->kind == IDE_CDROM) {
		begin_reset(drive);
		end_reset(drive);
		ide_update_irq(channel);
		return;
	}
	if (drive->reg.status & ATA_BSY)
		return;

	/* what stands in DRQ is given up: nothing of it is in flight */
	ide_abort(drive);
	drive->irq = false;
	ide_update_irq(channel);
	drive->reg.status &= ~(ATA_DRQ | ATA_ERR | ATA_DF);
	drive->reg.error = 0;
	if (drive->kind == IDE_DISK)
		ide_disk_command(drive, command);
	else
		atapi_command(drive, command);
}

static void push(uint8_t *fifo, uint8_t value)
{
	fifo[1] = fifo[0];
	fifo[0] = value;
}

static void register_written(struct ide_drive *drive, uint64_t offset, uint8_t value)
{
	struct ide_registers *reg = &drive->reg;

	if (drive->kind == IDE_NONE || (reg->status & ATA_BSY))
		return;
	switch (offset) {
	case REG_ERROR:
		push(reg->features, value);
		break;
	case REG_COUNT:
		push(reg->count, value);
		break;
	case REG_LOW:
		push(reg->low, value);
		break;
	case REG_MID:
		push(reg->mid, value);
		break;
	case REG_HIGH:
		push(reg->high, value);
		break;
	case REG_DEVICE:
		reg->device = value | ATA_DEV_FIXED;
		break;
	}
}

static void write_locked(struct ide_channel *channel, uint64_t offset, uint8_t value)
{
	channel->control &= ~ATA_HOB;
	if (offset == REG_STATUS) {
		command_written(channel, value);
		return;
	}
	for (unsigned int i = 0; i < 2; i++)
		register_written(&channel->drive[i], offset, value);
	if (offset == REG_DEVICE) {
		channel->selected = !!(value & ATA_DEV_1);
		ide_update_irq(channel);
	}
}

static uint8_t read_locked(struct ide_channel *channel, uint64_t offset)
{
	struct ide_drive *drive = selected(channel);
	unsigned int hob = !!(channel->control & ATA_HOB);
	struct ide_registers *reg = &drive->reg;

	if (drive->kind == IDE_NONE)
		return 0;
	switch (offset) {
	case REG_ERROR:
		return hob ? reg->features[1] : reg->error;
	case REG_COUNT:
		return reg->count[hob];
	case REG_LOW:
		return reg->low[hob];
	case REG_MID:
		return reg->mid[hob];
	case REG_HIGH:
		return reg->high[hob];
	case REG_DEVICE:
		return reg->device;
	case REG_STATUS:
		drive->irq = false;
		ide_update_irq(channel);
		return reg->status;
	}
	return 0xff;
}

void ide_read_string(void *dev, uint64_t offset, unsigned int size, uint32_t count, void *data)
{
	struct ide_channel *channel = dev;
	uint8_t *to = data;

	ide_lock(channel);
	if (offset == REG_DATA)
		ide_data_read(selected(channel), to, size * count);
	for (uint32_t i = 0; offset != REG_DATA && i < count; i++, to += size) {
		memset(to, 0xff, size);
		to[0] = read_locked(channel, offset);
	}
	ide_unlock(channel);
}

void ide_write_string(void *dev, uint64_t offset, unsigned int size, uint32_t count,
		      const void *data)
{
	struct ide_channel *channel = dev;
	const uint8_t *from = data;

	ide_lock(channel);
	if (offset == REG_DATA)
		ide_data_write(selected(channel), from, size * count);
	for (uint32_t i = 0; offset != REG_DATA && i < count; i++, from += size)
		write_locked(channel, offset, from[0]);
	ide_unlock(channel);
}

/* The data register is wide. The others are bytes: a wider access reaches its first alone. */
uint64_t ide_read(void *dev, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	ide_read_string(dev, offset, size, 1, &value);
	return value;
}

void ide_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	ide_write_string(dev, offset, size, 1, &value);
}

/* Alternate status: as status, but the interrupt stays. */
uint64_t ide_control_read(void *dev, uint64_t offset, unsigned int size)
{
	struct ide_channel *channel = dev;
	uint8_t status;

	ide_lock(channel);
	status = selected(channel)->kind == IDE_NONE ? 0 : selected(channel)->reg.status;
	ide_unlock(channel);
	return status;
}

void ide_control_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct ide_channel *channel = dev;
	uint8_t old;

	ide_lock(channel);
	old = channel->control;
	channel->control = value;
	if (!(old & ATA_SRST) && (value & ATA_SRST))
		software_reset(channel);
	else if ((old & ATA_SRST) && !(value & ATA_SRST))
		software_reset_over(channel);
	else
		ide_update_irq(channel);
	ide_unlock(channel);
}

/* ---- bus master ---- */

static uint8_t bm_read_locked(const struct ide_bus_master *bm, uint64_t offset)
{
	switch (offset) {
	case 0:
		return bm->command;
	case 2:
		return bm->status;
	case 4 ... 7:
		return bm->table >> (8 * (offset - 4));
	}
	return 0xff;
}

static void bm_start(struct ide_channel *channel)
{
	struct ide_bus_master *bm = &channel->bm;

	bm->status |= BM_ACTIVE;
	bm->next = bm->table;
	bm->bytes = 0;
	bm->is_last = false;
	bm->entries = 0;
	for (unsigned int i = 0; i < 2; i++)
		if (channel->drive[i].wants_dma)
			ide_run_dma(&channel->drive[i]);
}

static void bm_write_locked(struct ide_channel *channel, uint64_t offset, uint8_t value)
{
	struct ide_bus_master *bm = &channel->bm;
	unsigned int shift;
	uint8_t old;

	switch (offset) {
	case 0:
		old = bm->command;
		bm->command = value & (BM_START | BM_TO_MEMORY);
		if (!(old & BM_START) && (value & BM_START))
			bm_start(channel);
		if (!(value & BM_START))
			bm->status &= ~BM_ACTIVE;
		break;
	case 2:
		bm->status &= ~(value & (BM_ERROR | BM_IRQ));
		bm->status = (bm->status & ~BM_CAPABLE) | (value & BM_CAPABLE);
		break;
	case 4 ... 7:
		shift = 8 * (offset - 4);
		bm->table = (bm->table & ~(0xffU << shift)) | (uint32_t)value << shift;
		bm->table &= ~3U;
		break;
	}
}

uint64_t ide_bm_read(struct ide_channel *channel, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	ide_lock(channel);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)bm_read_locked(&channel->bm, offset + i) << (8 * i);
	ide_unlock(channel);
	return value;
}

void ide_bm_write(struct ide_channel *channel, uint64_t offset, unsigned int size, uint64_t value)
{
	ide_lock(channel);
	for (unsigned int i = 0; i < size; i++)
		bm_write_locked(channel, offset + i, value >> (8 * i));
	ide_unlock(channel);
}

/* ---- life ---- */

void ide_channel_init(struct ide_channel *channel, struct irq_line *irq,
		      const struct guest_ram *ram)
{
	memset(channel, 0, sizeof(*channel));
	pthread_mutex_init(&channel->lock, NULL);
	pthread_cond_init(&channel->quiet, NULL);
	channel->irq = irq;
	channel->ram = ram;
	for (unsigned int i = 0; i < 2; i++)
		channel->drive[i].channel = channel;
	ide_channel_reset(channel);
}

int ide_connect(struct ide_channel *channel, unsigned int unit, enum ide_kind kind,
		struct block *block, unsigned int number)
{
	struct ide_drive *drive = &channel->drive[unit];

	drive->kind = kind;
	drive->block = block;
	drive->number = number;
	drive->iov = calloc(BLOCK_IOV_MAX, sizeof(*drive->iov));
	drive->buffer = calloc(1, IDE_BUFFER_BYTES);
	if (!drive->iov || !drive->buffer)
		return -1;
	ide_channel_reset(channel);
	return 0;
}

void ide_channel_deinit(struct ide_channel *channel)
{
	for (unsigned int i = 0; i < 2; i++) {
		free(channel->drive[i].iov);
		free(channel->drive[i].buffer);
	}
	pthread_cond_destroy(&channel->quiet);
	pthread_mutex_destroy(&channel->lock);
}
