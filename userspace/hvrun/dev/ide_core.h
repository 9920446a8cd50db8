/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the IDE controller share. ATA/ATAPI-6 and, for packets, MMC-3; bus
 * mastering by the "Programming Interface for Bus Master IDE Controller".
 *
 *	ide.c		the registers of a channel, drive selection, resets
 *	ide_transfer.c	moving data: PIO windows, PRD tables, requests to the disk
 *	ide_ata.c	a disk's commands; ide_identify.c what it says of itself
 *	atapi.c		a CD-ROM's packet commands
 *
 * All of it runs under the channel's mutex, by vCPU threads and by those of the block layer.
 * ide_unlock() gives requests to the block layer when the mutex is free again.
 */
#ifndef HVRUN_IDE_CORE_H
#define HVRUN_IDE_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/block.h"
#include "guest_ram.h"
#include "irq_line.h"

/* status */
#define ATA_BSY 0x80
#define ATA_DRDY 0x40
#define ATA_DF 0x20
#define ATA_DSC 0x10
#define ATA_DRQ 0x08
#define ATA_ERR 0x01

/* error */
#define ATA_UNC 0x40
#define ATA_IDNF 0x10
#define ATA_ABRT 0x04
#define ATA_PASSED 0x01 /* diagnostic code */

/* device */
#define ATA_DEV_1 0x10
#define ATA_DEV_LBA 0x40
#define ATA_DEV_FIXED 0xa0

/* device control */
#define ATA_NIEN 0x02
#define ATA_SRST 0x04
#define ATA_HOB 0x80

/* interrupt reason of a packet device, in the count register */
#define ATAPI_COMMAND 0x01
#define ATAPI_TO_HOST 0x02

/* bus master */
#define BM_START 0x01
#define BM_TO_MEMORY 0x08
#define BM_ACTIVE 0x01
#define BM_ERROR 0x02
#define BM_IRQ 0x04
#define BM_CAPABLE 0x60

#define IDE_BUFFER_BYTES (64 << 10)
#define ATAPI_SECTOR 2048
#define ATAPI_PACKET_BYTES 12

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CDROM };

struct ide_channel;
struct ide_drive;

/** struct ide_registers - as the guest sees them; [1] is what was written before [0] (HOB) */
struct ide_registers {
	uint8_t features[2];
	uint8_t count[2];
	uint8_t low[2];
	uint8_t mid[2];
	uint8_t high[2];
	uint8_t device;
	uint8_t status;
	uint8_t error;
};

/**
 * struct ide_transfer - data under way between the guest and the disk or the buffer
 * @to_guest: direction
 * @is_dma: by PRD table; else through windows of the data register
 * @durable: writes are on the medium when they are done
 * @offset: of the disk: where the next request begins
 * @left: bytes of the disk for which no request was made yet
 * @window_bytes: how much goes through the data register per DRQ
 * @at, @end: what of the buffer is still to be moved
 * @window_end: end of the present DRQ window
 * @requested: bytes of the request under way
 * @done: it ended: 0 or -errno, with @offset where it failed
 */
struct ide_transfer {
	bool to_guest;
	bool is_dma;
	bool durable;
	uint64_t offset;
	uint64_t left;
	uint32_t window_bytes;
	uint32_t at;
	uint32_t end;
	uint32_t window_end;
	uint32_t requested;
	void (*done)(struct ide_drive *drive, int error);
};

/** struct atapi_state - of a CD-ROM drive */
struct atapi_state {
	uint8_t sense_key;
	uint8_t sense_code;
	uint8_t sense_qualifier;
	bool attention;	     /* the medium changed: the next command hears of it */
	bool changed;	     /* GET EVENT STATUS has not told it yet */
	bool eject_requested; /* the user wants it out, the guest has locked it */
	bool locked;
	bool tray_open;
	uint32_t limit; /* bytes per DRQ that the guest allows */
	bool dma;
};

/**
 * struct ide_drive - one of two
 * @kind: what is connected
 * @block: the disk; NULL in a CD-ROM drive without a disc
 * @reg: registers
 * @irq: it wants an interrupt
 * @wants_dma: a transfer waits for the bus master
 * @in_flight: @request is the block layer's
 * @submit: ide_unlock() shall submit @request
 * @aborted: what is in flight belongs to a command that was reset
 * @reset_pending: busy with a reset until nothing is in flight
 * @transfer: of the command under way
 * @request, @iov: to the block layer
 * @buffer: IDE_BUFFER_BYTES
 * @multiple: sectors per DRQ of READ MULTIPLE; 0: not set
 * @write_cache: as the guest has set it
 */
struct ide_drive {
	struct ide_channel *channel;
	enum ide_kind kind;
	struct block *block;
	unsigned int number; /* 0..3 on the controller: for serial numbers */

	struct ide_registers reg;
	bool irq;
	bool wants_dma;
	bool in_flight;
	bool submit;
	bool aborted;
	bool reset_pending;
	struct ide_transfer transfer;
	struct block_request request;
	struct iovec *iov;
	uint8_t *buffer;

	/* disk */
	uint64_t sectors;
	uint16_t heads;
	uint16_t sectors_per_track;
	uint8_t multiple;
	uint8_t transfer_mode; /* as SET FEATURES takes it */
	bool write_cache;
	bool look_ahead;
	bool smart;

	struct atapi_state cd;
};

/** struct ide_bus_master - of a channel */
struct ide_bus_master {
	uint8_t command;
	uint8_t status;
	uint32_t table;
	/* the walk through the table */
	uint32_t next;	   /* guest address of the next entry */
	uint32_t address;  /* of what is left of the present one */
	uint32_t bytes;
	bool is_last;
	unsigned int entries; /* seen: a table has an end */
};

/**
 * struct ide_channel - two drives on a cable
 * @lock: all of it
 * @quiet: no drive has a request in flight
 * @irq: INTRQ's wire
 * @ram: where PRD tables point to
 * @may_master: is bus mastering switched on? NULL: yes
 */
struct ide_channel {
	pthread_mutex_t lock;
	pthread_cond_t quiet;
	struct irq_line *irq;
	const struct guest_ram *ram;
	bool (*may_master)(void *context);
	void *context;

	struct ide_drive drive[2];
	unsigned int selected;
	uint8_t control;
	struct ide_bus_master bm;
};

/* ---- ide.c ---- */

void ide_channel_init(struct ide_channel *channel, struct irq_line *irq,
		      const struct guest_ram *ram);
void ide_channel_deinit(struct ide_channel *channel);

/** ide_connect() - before the guest runs; -1: out of memory */
int ide_connect(struct ide_channel *channel, unsigned int unit, enum ide_kind kind,
		struct block *block, unsigned int number);

/** ide_wait_until_quiet() - nothing in flight; what has stopped is cancelled. Gives @lock away. */
void ide_wait_until_quiet(struct ide_drive *drive);

void ide_lock(struct ide_channel *channel);
void ide_unlock(struct ide_channel *channel);

/** ide_channel_reset() - as by the RESET- signal; the vCPUs are paused */
void ide_channel_reset(struct ide_channel *channel);

/* The two register blocks, for regions: 8 ports, and the control port. */
uint64_t ide_read(void *channel, uint64_t offset, unsigned int size);
void ide_write(void *channel, uint64_t offset, unsigned int size, uint64_t value);
void ide_read_string(void *channel, uint64_t offset, unsigned int size, uint32_t count,
		     void *data);
void ide_write_string(void *channel, uint64_t offset, unsigned int size, uint32_t count,
		      const void *data);
uint64_t ide_control_read(void *channel, uint64_t offset, unsigned int size);
void ide_control_write(void *channel, uint64_t offset, unsigned int size, uint64_t value);

/* Bus master registers of this channel: 8 ports. */
uint64_t ide_bm_read(struct ide_channel *channel, uint64_t offset, unsigned int size);
void ide_bm_write(struct ide_channel *channel, uint64_t offset, unsigned int size, uint64_t value);

/* For the commands: an interrupt, an end with success or error. */
void ide_raise_irq(struct ide_drive *drive);
void ide_update_irq(struct ide_channel *channel);
void ide_succeed(struct ide_drive *drive);
void ide_fail(struct ide_drive *drive, uint8_t error);
void ide_set_signature(struct ide_drive *drive);

/** ide_finish_reset() - the drive is ready after a reset, with its signature */
void ide_finish_reset(struct ide_drive *drive);

/* ---- ide_transfer.c ---- */

/** ide_begin_transfer() - @drive->transfer is filled in; @at and @end if data is in the buffer */
void ide_begin_transfer(struct ide_drive *drive);

/** ide_run_dma() - the bus master was started, or the drive is ready for it */
void ide_run_dma(struct ide_drive *drive);

/** ide_flush() - write back the disk's cache, then @done */
void ide_flush(struct ide_drive *drive, void (*done)(struct ide_drive *drive, int error));

/** ide_discard() - @sectors from @sector on */
void ide_discard(struct ide_drive *drive, uint64_t sector, uint64_t sectors,
		 void (*done)(struct ide_drive *drive, int error));

/** ide_abort() - forget the command under way; in-flight requests end unheard */
void ide_abort(struct ide_drive *drive);

/** ide_data_read(), ide_data_write() - the data register */
void ide_data_read(struct ide_drive *drive, uint8_t *data, unsigned int bytes);
void ide_data_write(struct ide_drive *drive, const uint8_t *data, unsigned int bytes);

/* ---- ide_ata.c, ide_identify.c, atapi.c ---- */

void ide_disk_reset(struct ide_drive *drive);
/** ide_disk_grow() - its image has become larger: the guest's next IDENTIFY DEVICE tells */
void ide_disk_grow(struct ide_drive *drive);
void ide_disk_command(struct ide_drive *drive, uint8_t command);
void ide_identify_disk(const struct ide_drive *drive, uint8_t *to);
void ide_identify_cdrom(const struct ide_drive *drive, uint8_t *to);
/** ide_set_transfer_mode() - SET FEATURES 0x03; false: there is no such mode */
bool ide_set_transfer_mode(struct ide_drive *drive, uint8_t mode);

void atapi_reset(struct ide_drive *drive);
void atapi_command(struct ide_drive *drive, uint8_t command);
/** atapi_window() - a DRQ window of @bytes opens: registers that say so */
void atapi_window(struct ide_drive *drive, uint32_t bytes, bool to_guest);

#endif /* HVRUN_IDE_CORE_H */
