/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of the host as the machine's devices see them: a number of bytes that can be read,
 * written and flushed, whatever holds them.
 *
 * Requests are asynchronous and may end in any order. What a failed one means to the guest
 * is decided here (werror=, rerror=): a device only ever hears of errors that it shall
 * report. A request that waits for the user (no space left) is still under way for the device.
 */
#ifndef HVRUN_BLOCK_H
#define HVRUN_BLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/io_engine.h"
#include "error.h"

#define BLOCK_SECTOR 512
/* A device never asks for more pieces of memory than this. */
#define BLOCK_IOV_MAX 512

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD };

/* What a failed request leads to; the words of QEMU's werror= and rerror=. */
enum block_on_error {
	BLOCK_REPORT,	 /* the guest gets an error */
	BLOCK_IGNORE,	 /* the guest is told that all went well */
	BLOCK_STOP,	 /* the VM stops; the request is made again when it goes on */
	BLOCK_STOP_FULL, /* "enospc": stop if there is no space left, else report */
};

enum block_cache {
	BLOCK_WRITEBACK,
	BLOCK_WRITETHROUGH, /* every write is on the medium when it is done */
	BLOCK_NONE,	    /* past the host's page cache */
	BLOCK_DIRECTSYNC,   /* both */
	BLOCK_UNSAFE,	    /* flushes do nothing */
};

struct block;

/**
 * struct block_request - what a device wants; the device's until @complete
 * @op: what
 * @durable: BLOCK_WRITE: on the medium when it is done
 * @offset: multiple of BLOCK_SECTOR; the range lies within the block device
 * @bytes: of READ, WRITE, DISCARD: multiple of BLOCK_SECTOR, the sum over @iov
 * @iov: host memory to fill (READ) or to take from (WRITE); at most BLOCK_IOV_MAX
 * @complete: 0 or -errno. Called without any lock, by a thread of the block layer or by that
 *	of block_submit() or block_cancel_stopped(). The request may be used again from then on.
 * @context: for @complete
 * @block: and all below: the block layer's
 */
struct block_request {
	enum block_op op;
	bool durable;
	uint64_t offset;
	uint64_t bytes;
	struct iovec *iov;
	unsigned int iov_count;
	void (*complete)(struct block_request *request, int error);
	void *context;

	struct block *block;
	struct block_request *next;
	struct io_task task;
	uint64_t handle;
};

/**
 * struct block_driver - what holds the bytes
 * @submit: begin; ends in block_finish(), by any thread. Never blocks for long.
 * @resize: make it @bytes big, in the file too; NULL: cannot be done
 * @close: nothing is under way any more
 */
struct block_driver {
	const char *name;
	void (*submit)(struct block *block, struct block_request *request);
	int (*resize)(struct block *block, uint64_t bytes, struct error *err);
	void (*close)(struct block *block);
};

/** struct block_failure - what the user gets to know (QMP's BLOCK_IO_ERROR) */
struct block_failure {
	const struct block *block;
	bool is_read;
	bool no_space;
	int error;		    /* errno */
	enum block_on_error action; /* REPORT, IGNORE or STOP */
};

/**
 * struct block_layer - what all block devices of a machine share
 * @engine: made with the first device that needs it
 * @failed: a request failed; any thread, no lock held. With action STOP the machine shall
 *	be paused, and block_layer_retry() called when it goes on. May be NULL.
 * @context: for @failed
 * @blocks: main thread's
 */
struct block_layer {
	struct io_engine *engine;
	void (*failed)(void *context, const struct block_failure *failure);
	void *context;
	struct block *blocks;
};

/**
 * struct block - an open image
 * @driver: what holds it
 * @layer: the machine's
 * @name: for messages and QMP: "ide0-hd0"; the caller's
 * @file: as the user named it
 * @format: "raw", "qcow2" ...
 * @bytes: size, multiple of BLOCK_SECTOR; changed by block_resize() only
 * @read_only: writes are not allowed; devices do not make any
 * @write_cache: a write is durable only after a flush; devices tell the guest
 * @discards: BLOCK_DISCARD gives space back
 * @ignore_flush: cache=unsafe
 * @guard_header: the format was guessed to be raw: see block_submit()
 * @guard_told: the user knows that the guest tried: once is enough
 * @on_read_error, @on_write_error: policy
 * @next: list of @layer
 * @lock: what follows
 * @idle: @under_way became 0
 * @under_way: requests that the driver has
 * @stopped: requests that failed and wait for block_retry(), in the order of failure
 */
struct block {
	const struct block_driver *driver;
	struct block_layer *layer;
	const char *name;
	char *file;
	char format[16];
	uint64_t bytes;
	bool read_only;
	bool write_cache;
	bool discards;
	bool ignore_flush;
	bool guard_header;
	_Atomic bool guard_told;
	enum block_on_error on_read_error;
	enum block_on_error on_write_error;
	struct block *next;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int under_way;
	struct block_request *stopped;
};

/**
 * struct block_spec - what block_open() shall open
 * @file: path
 * @format: NULL: look at the contents
 * @name: for messages; stays the caller's as long as the block lives
 * @snapshot: writes go to a temporary file
 */
struct block_spec {
	const char *file;
	const char *format;
	const char *name;
	bool read_only;
	bool snapshot;
	bool discard;
	bool threads; /* aio=threads */
	enum block_cache cache;
	enum block_on_error on_read_error;
	enum block_on_error on_write_error;
};

void block_layer_init(struct block_layer *layer);

/** block_layer_retry() - the machine goes on: failed requests are made again */
void block_layer_retry(struct block_layer *layer);
void block_layer_destroy(struct block_layer *layer);

/** block_open() - main thread; NULL with @err: one line that names the file */
struct block *block_open(struct block_layer *layer, const struct block_spec *spec,
			 struct error *err);

/** block_close() - waits for what is under way, drops what has stopped; main thread */
void block_close(struct block *block);

/** block_init() - for drivers: a zeroed block becomes a working one */
void block_init(struct block *block, const struct block_driver *driver);
void block_deinit(struct block *block);

/**
 * block_submit() - begin a request; any thread, without the device's mutex: it may end at once
 *
 * If the user named no format and the image looked raw, a write that would make its first
 * sector look like another format's header is refused (EPERM): at the next start
 * hvrun would take it for one, and a header can name any file of the host.
 */
void block_submit(struct block *block, struct block_request *request);

/** block_finish() - for drivers: @request ended with @error (0 or -errno) */
void block_finish(struct block_request *request, int error);

/** block_drain() - wait until the driver has nothing under way; stopped requests stay */
void block_drain(struct block *block);

/** block_cancel_stopped() - requests that wait for block_retry() end with -ECANCELED */
void block_cancel_stopped(struct block *block);

/** block_retry() - make failed requests again */
void block_retry(struct block *block);

/** block_resize() - the guest sees it when its device tells; 0, or -1 with @err */
int block_resize(struct block *block, uint64_t bytes, struct error *err);

/* For block_open(): what there is. */
struct block *block_file_open(struct block_layer *layer, const struct block_spec *spec,
			      struct error *err);
struct block *block_daemon_open(struct block_layer *layer, const struct block_spec *spec,
				const char *format, struct error *err);

#endif /* HVRUN_BLOCK_H */
