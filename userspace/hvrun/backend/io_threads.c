// SPDX-License-Identifier: GPL-2.0-or-later
/* The I/O engine of plain threads and blocking system calls. One mutex. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/io_engine.h"

#define THREADS 4
#define STACK_BYTES (128 << 10)

/*
 * @lock: all below
 * @changed: a task came, or @quit
 */
struct thread_engine {
	struct io_engine engine;
	pthread_t thread[THREADS];
	unsigned int threads;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct io_task *first;
	struct io_task **end;
	bool quit;
};

int64_t io_task_perform(const struct io_task *task)
{
	int64_t r = -1;

	do {
		switch (task->op) {
		case IO_READ:
			r = preadv(task->fd, task->iov, task->iov_count, task->offset);
			break;
		case IO_WRITE:
			r = pwritev2(task->fd, task->iov, task->iov_count, task->offset,
				     task->durable ? RWF_DSYNC : 0);
			break;
		case IO_SYNC:
			r = fdatasync(task->fd);
			break;
		case IO_PUNCH:
			r = fallocate(task->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      task->offset, task->bytes);
			break;
		}
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* NULL: the engine ends. */
static struct io_task *next_task(struct thread_engine *threads)
{
	struct io_task *task;

	pthread_mutex_lock(&threads->lock);
	while (!threads->first && !threads->quit)
		pthread_cond_wait(&threads->changed, &threads->lock);
	task = threads->first;
	if (task) {
		threads->first = task->next;
		if (!threads->first)
			threads->end = &threads->first;
	}
	pthread_mutex_unlock(&threads->lock);
	return task;
}

static void *worker(void *arg)
{
	struct thread_engine *threads = arg;
	struct io_task *task;

	while ((task = next_task(threads)))
		task->done(task, io_task_perform(task));
	return NULL;
}

static void threads_submit(struct io_engine *engine, struct io_task *task)
{
	struct thread_engine *threads = (struct thread_engine *)engine;

	task->next = NULL;
	pthread_mutex_lock(&threads->lock);
	*threads->end = task;
	threads->end = &task->next;
	pthread_cond_signal(&threads->changed);
	pthread_mutex_unlock(&threads->lock);
}

static void threads_destroy(struct io_engine *engine)
{
	struct thread_engine *threads = (struct thread_engine *)engine;

	pthread_mutex_lock(&threads->lock);
	threads->quit = true;
	pthread_cond_broadcast(&threads->changed);
	pthread_mutex_unlock(&threads->lock);
	for (unsigned int i = 0; i < threads->threads; i++)
		pthread_join(threads->thread[i], NULL);
	pthread_cond_destroy(&threads->changed);
	pthread_mutex_destroy(&threads->lock);
	free(threads);
}

struct io_engine *io_threads_engine_create(struct error *err)
{
	struct thread_engine *threads = calloc(1, sizeof(*threads));
	pthread_attr_t attr;
	int r = 0;

	if (!threads) {
		error_set(err, "out of memory");
		return NULL;
	}
	threads->engine.name = "threads";
	threads->engine.submit = threads_submit;
	threads->engine.destroy = threads_destroy;
	threads->end = &threads->first;
	pthread_mutex_init(&threads->lock, NULL);
	pthread_cond_init(&threads->changed, NULL);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned int i = 0; i < THREADS && r == 0; i++) {
		r = pthread_create(&threads->thread[i], &attr, worker, threads);
		if (r)
			break;
		pthread_setname_np(threads->thread[i], "disk");
		threads->threads++;
	}
	pthread_attr_destroy(&attr);
	if (!threads->threads) {
		error_set(err, "cannot start a thread for disk I/O: %s", strerror(r));
		threads_destroy(&threads->engine);
		return NULL;
	}
	return &threads->engine;
}

struct io_engine *io_engine_create(struct error *err)
{
	struct io_engine *engine = io_uring_engine_create();

	return engine ? engine : io_threads_engine_create(err);
}
