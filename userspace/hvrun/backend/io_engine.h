/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asynchronous I/O on files of the host: io_uring, or a few threads where the host does not
 * permit that. Tasks are independent of each other and end in any order.
 */
#ifndef HVRUN_IO_ENGINE_H
#define HVRUN_IO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "error.h"

enum io_op { IO_READ, IO_WRITE, IO_SYNC, IO_PUNCH };

/**
 * struct io_task - one system call to come; the caller's until @done
 * @op: what
 * @durable: IO_WRITE: it is on the medium when it is done
 * @fd: where
 * @iov: READ, WRITE
 * @iov_count: at most IOV_MAX
 * @offset: in the file
 * @bytes: PUNCH
 * @done: bytes moved (perhaps fewer than wanted) or -errno; called by a thread of the engine
 *	without any lock. The task may be used again from then on.
 * @next: the engine's
 */
struct io_task {
	enum io_op op;
	bool durable;
	int fd;
	const struct iovec *iov;
	unsigned int iov_count;
	uint64_t offset;
	uint64_t bytes;
	void (*done)(struct io_task *task, int64_t result);
	struct io_task *next;
};

/**
 * struct io_engine - where tasks are given to; never blocks the caller for long
 * @name: "io_uring" or "threads"
 * @submit: any thread
 * @destroy: nothing is under way any more
 */
struct io_engine {
	const char *name;
	void (*submit)(struct io_engine *engine, struct io_task *task);
	void (*destroy)(struct io_engine *engine);
};

/** io_engine_create() - io_uring if the host permits it, else threads */
struct io_engine *io_engine_create(struct error *err);

/** io_uring_engine_create() - NULL: not permitted or not there */
struct io_engine *io_uring_engine_create(void);
struct io_engine *io_threads_engine_create(struct error *err);

/** io_task_perform() - the system call itself, in the calling thread */
int64_t io_task_perform(const struct io_task *task);

#endif /* HVRUN_IO_ENGINE_H */
