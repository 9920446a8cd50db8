/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flash chip with Intel's command set, as OVMF knows it: firmware's code, or the store of
 * its variables, which is kept in a file. "Common Flash Memory Interface", Intel's "Basic
 * Command Set"; erase blocks have 4 KiB.
 *
 * While it shows its contents, these are mapped into the guest, read-only: reads do not exit,
 * writes are commands. In every other mode nothing is mapped and reads exit as well.
 */
#ifndef HVRUN_PFLASH_H
#define HVRUN_PFLASH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "error.h"

#define PFLASH_BLOCK 4096

/* What a read gives, and what the next write is. */
enum pflash_mode {
	PFLASH_ARRAY,
	PFLASH_STATUS,
	PFLASH_ID,
	PFLASH_PROGRAM, /* the byte to program comes next */
	PFLASH_ERASE,	/* the confirmation comes next */
	PFLASH_LOCK,	/* the second half of a block lock command */
};

/**
 * struct pflash - one chip
 * @region: all of it, on the MMIO bus
 * @path: of the file, for messages
 * @fd: the file, to write changes to; -1: it is read-only
 * @data: contents, page-aligned
 * @bytes: of it, a multiple of PFLASH_BLOCK
 * @vm: VM descriptor; -1: none, as in unit tests
 * @lock: what follows
 * @mapped: @data is in the guest's memory
 * @dirty_start: bytes that are not in the file yet: from here
 * @dirty_end: to here
 * @failed: the file could not be written; said once
 */
struct pflash {
	struct region region;
	const char *path;
	int fd;
	uint8_t *data;
	uint64_t bytes;
	int vm;

	pthread_mutex_t lock;
	enum pflash_mode mode;
	uint8_t status;
	bool mapped;
	uint64_t dirty_start;
	uint64_t dirty_end;
	bool failed;
};

/**
 * pflash_open() - read the file
 * @path: a raw image, a multiple of 4 KiB, at most 8 MiB; stays the caller's
 * @read_only: the guest cannot change it, the file is not locked against other readers
 */
int pflash_open(struct pflash *flash, const char *path, bool read_only, struct error *err);

/** pflash_plug() - show it on @mmio at @gpa */
int pflash_plug(struct pflash *flash, struct bus *mmio, int vm, uint64_t gpa, struct error *err);

/** pflash_reset() - the contents again */
void pflash_reset(struct pflash *flash);

/** pflash_close() - write what is left, end. Does nothing on a zeroed one. */
void pflash_close(struct pflash *flash);

#endif /* HVRUN_PFLASH_H */
