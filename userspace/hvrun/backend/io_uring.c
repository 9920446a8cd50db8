// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The I/O engine on io_uring. Whoever submits does so under the mutex; one thread waits
 * for completions and calls the tasks' owners.
 */
#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/io_engine.h"

#define ENTRIES 64
#define STACK_BYTES (128 << 10)

/*
 * @lock: submission queue and @waiting
 * @waiting: tasks for which the queue had no room; the completion thread submits them
 */
struct uring_engine {
	struct io_engine engine;
	struct io_uring ring;
	pthread_t thread;

	pthread_mutex_t lock;
	struct io_task *waiting;
};

static void prepare(struct io_uring_sqe *sqe, struct io_task *task)
{
	switch (task->op) {
	case IO_READ:
		io_uring_prep_readv(sqe, task->fd, task->iov, task->iov_count, task->offset);
		break;
	case IO_WRITE:
		io_uring_prep_writev2(sqe, task->fd, task->iov, task->iov_count, task->offset,
				      task->durable ? RWF_DSYNC : 0);
		break;
	case IO_SYNC:
		io_uring_prep_fsync(sqe, task->fd, IORING_FSYNC_DATASYNC);
		break;
	case IO_PUNCH:
		io_uring_prep_fallocate(sqe, task->fd,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					task->offset, task->bytes);
		break;
	}
	io_uring_sqe_set_data(sqe, task);
}

/* false: no room. With @lock held. */
static bool enqueue(struct uring_engine *uring, struct io_task *task)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (!sqe)
		return false;
	prepare(sqe, task);
	/* EAGAIN and EBUSY leave it in the queue for the next call */
	io_uring_submit(&uring->ring);
	return true;
}

static void uring_submit(struct io_engine *engine, struct io_task *task)
{
	struct uring_engine *uring = (struct uring_engine *)engine;

	pthread_mutex_lock(&uring->lock);
	if (uring->waiting || !enqueue(uring, task)) {
		struct io_task **end = &uring->waiting;

		while (*end)
			end = &(*end)->next;
		task->next = NULL;
		*end = task;
	}
	pthread_mutex_unlock(&uring->lock);
}

static void submit_waiting(struct uring_engine *uring)
{
	pthread_mutex_lock(&uring->lock);
	if (io_uring_sq_ready(&uring->ring))
		io_uring_submit(&uring->ring);
	while (uring->waiting) {
		struct io_task *task = uring->waiting, *next = task->next;

		if (!enqueue(uring, task))
			break;
		uring->waiting = next;
	}
	pthread_mutex_unlock(&uring->lock);
}

/* A kernel that interrupts or lacks memory for the moment: the task goes in again. */
static bool is_again(int result)
{
	return result == -EINTR || result == -EAGAIN;
}

static void *completions(void *arg)
{
	struct uring_engine *uring = arg;
	struct io_uring_cqe *cqe;

	for (;;) {
		struct io_task *task;
		int result;

		if (io_uring_wait_cqe(&uring->ring, &cqe) < 0)
			continue;
		task = io_uring_cqe_get_data(cqe);
		result = cqe->res;
		io_uring_cqe_seen(&uring->ring, cqe);
		/* an entry without a task is uring_destroy()'s */
		if (!task)
			return NULL;
		if (is_again(result))
			uring_submit(&uring->engine, task);
		else
			task->done(task, result);
		submit_waiting(uring);
	}
}

static void uring_destroy(struct io_engine *engine)
{
	struct uring_engine *uring = (struct uring_engine *)engine;
	struct io_uring_sqe *sqe;

	pthread_mutex_lock(&uring->lock);
	sqe = io_uring_get_sqe(&uring->ring);
	if (sqe) {
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, NULL);
		io_uring_submit(&uring->ring);
	}
	pthread_mutex_unlock(&uring->lock);
	/* without room for the last entry the thread cannot be ended; the process ends anyway */
	if (!sqe)
		return;
	pthread_join(uring->thread, NULL);
	io_uring_queue_exit(&uring->ring);
	pthread_mutex_destroy(&uring->lock);
	free(uring);
}

struct io_engine *io_uring_engine_create(void)
{
	struct uring_engine *uring = calloc(1, sizeof(*uring));
	pthread_attr_t attr;
	int r;

	if (!uring)
		return NULL;
	if (io_uring_queue_init(ENTRIES, &uring->ring, 0) < 0) {
		free(uring);
		return NULL;
	}
	uring->engine.name = "io_uring";
	uring->engine.submit = uring_submit;
	uring->engine.destroy = uring_destroy;
	pthread_mutex_init(&uring->lock, NULL);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(&uring->thread, &attr, completions, uring);
	pthread_attr_destroy(&attr);
	if (r) {
		io_uring_queue_exit(&uring->ring);
		pthread_mutex_destroy(&uring->lock);
		free(uring);
		return NULL;
	}
	pthread_setname_np(uring->thread, "disk");
	return &uring->engine;
}
