// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between devices and drivers: counts what is under way, and decides what a failed request
 * leads to. See block.h.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block.h"
#include "backend/image_probe.h"

void block_layer_init(struct block_layer *layer)
{
	memset(layer, 0, sizeof(*layer));
}

void block_layer_retry(struct block_layer *layer)
{
	for (struct block *block = layer->blocks; block; block = block->next)
		block_retry(block);
}

void block_layer_destroy(struct block_layer *layer)
{
	if (layer->engine)
		layer->engine->destroy(layer->engine);
	layer->engine = NULL;
}

void block_init(struct block *block, const struct block_driver *driver)
{
	block->driver = driver;
	pthread_mutex_init(&block->lock, NULL);
	pthread_cond_init(&block->idle, NULL);
}

void block_deinit(struct block *block)
{
	pthread_cond_destroy(&block->idle);
	pthread_mutex_destroy(&block->lock);
	free(block->file);
}

/* ---- opening and closing ---- */

static void adopt(struct block_layer *layer, struct block *block, const struct block_spec *spec)
{
	block->layer = layer;
	block->name = spec->name;
	block->write_cache =
		spec->cache != BLOCK_WRITETHROUGH && spec->cache != BLOCK_DIRECTSYNC;
	block->ignore_flush = spec->cache == BLOCK_UNSAFE;
	block->discards = spec->discard;
	block->on_read_error = spec->on_read_error;
	block->on_write_error = spec->on_write_error;
	block->next = layer->blocks;
	layer->blocks = block;
}

struct block *block_open(struct block_layer *layer, const struct block_spec *spec,
			 struct error *err)
{
	const char *format = spec->format;
	struct block *block;

	if (!format && image_probe_file(spec->file, &format, err) < 0)
		return NULL;
	if (!strcmp(format, "raw") && !spec->snapshot)
		block = block_file_open(layer, spec, err);
	else
		block = block_daemon_open(layer, spec, format, err);
	if (!block)
		return NULL;

	if (!block->bytes) {
		error_set(err, "%s is empty; make a disk with 'qemu-img create -f raw %s 10G'",
			  spec->file, spec->file);
		block->driver->close(block);
		return NULL;
	}
	block->guard_header = !spec->format && !strcmp(format, "raw") && !spec->snapshot;
	adopt(layer, block, spec);
	return block;
}

void block_close(struct block *block)
{
	struct block **at = &block->layer->blocks;

	block_cancel_stopped(block);
	block_drain(block);
	while (*at != block)
		at = &(*at)->next;
	*at = block->next;
	block->driver->close(block);
}

int block_resize(struct block *block, uint64_t bytes, struct error *err)
{
	if (!bytes || bytes % BLOCK_SECTOR)
		return error_set(err, "%s: the size must be a multiple of %d bytes", block->name,
				 BLOCK_SECTOR);
	if (block->read_only)
		return error_set(err, "%s is read-only", block->name);
	if (!block->driver->resize)
		return error_set(err, "%s: a %s image cannot be resized while it is in use",
				 block->name, block->format);
	return block->driver->resize(block, bytes, err);
}

/* ---- requests ---- */

static void gather(const struct block_request *request, uint8_t *to, size_t bytes)
{
	for (unsigned int i = 0; i < request->iov_count && bytes; i++) {
		const struct iovec *iov = &request->iov[i];
		size_t part = iov->iov_len < bytes ? iov->iov_len : bytes;

		memcpy(to, iov->iov_base, part);
		to += part;
		bytes -= part;
	}
}

/* Would the next start take the image for something else? */
static bool forges_header(struct block *block, const struct block_request *request)
{
	uint8_t header[BLOCK_SECTOR];
	const char *format;

	if (!block->guard_header || request->op != BLOCK_WRITE || request->offset)
		return false;
	gather(request, header, sizeof(header));
	format = image_probe(header, sizeof(header));
	if (!strcmp(format, "raw"))
		return false;
	if (atomic_exchange(&block->guard_told, true))
		return true;
	fprintf(stderr,
		"hvrun: %s: the guest's write of a %s header to %s was refused, because the "
		"image's format was guessed; give format=raw with -drive to allow it\n",
		block->name, format, block->file);
	return true;
}

static void begin(struct block *block, struct block_request *request)
{
	if (request->op == BLOCK_WRITE && !block->write_cache)
		request->durable = true;

	if (forges_header(block, request))
		block_finish(request, -EPERM);
	else if (request->op == BLOCK_FLUSH && block->ignore_flush)
		block_finish(request, 0);
	else
		block->driver->submit(block, request);
}

void block_submit(struct block *block, struct block_request *request)
{
	request->block = block;
	request->next = NULL;
	pthread_mutex_lock(&block->lock);
	block->under_way++;
	pthread_mutex_unlock(&block->lock);
	begin(block, request);
}

static enum block_on_error action_for(const struct block *block,
				      const struct block_request *request, int error)
{
	enum block_on_error action =
		request->op == BLOCK_READ ? block->on_read_error : block->on_write_error;

	if (action == BLOCK_STOP_FULL)
		return error == -ENOSPC || error == -EDQUOT ? BLOCK_STOP : BLOCK_REPORT;
	return action;
}

static void report(struct block *block, const struct block_request *request, int error,
		   enum block_on_error action)
{
	const struct block_failure failure = {
		.block = block,
		.is_read = request->op == BLOCK_READ,
		.no_space = error == -ENOSPC || error == -EDQUOT,
		.error = -error,
		.action = action,
	};

	if (block->layer && block->layer->failed)
		block->layer->failed(block->layer->context, &failure);
}

/* With @lock held. */
static void leave(struct block *block)
{
	if (--block->under_way == 0)
		pthread_cond_broadcast(&block->idle);
}

static void stop(struct block *block, struct block_request *request)
{
	struct block_request **end = &block->stopped;

	while (*end)
		end = &(*end)->next;
	request->next = NULL;
	*end = request;
}

void block_finish(struct block_request *request, int error)
{
	struct block *block = request->block;
	enum block_on_error action = BLOCK_IGNORE;

	/* a discard is a hint: nothing is lost when the host cannot */
	if (error && request->op == BLOCK_DISCARD)
		error = 0;
	if (error)
		action = action_for(block, request, error);
	if (error && action != BLOCK_STOP)
		report(block, request, error, action);

	if (action != BLOCK_STOP)
		request->complete(request, action == BLOCK_IGNORE ? 0 : error);
	pthread_mutex_lock(&block->lock);
	if (action == BLOCK_STOP)
		stop(block, request);
	leave(block);
	pthread_mutex_unlock(&block->lock);

	/*
	 * Last: when the machine goes on, the request must be in the list. It may be under
	 * way again by now, so only what was noted before is used.
	 */
	if (action == BLOCK_STOP) {
		const struct block_request seen = { .op = request->op };

		report(block, &seen, error, action);
	}
}

static struct block_request *take_stopped(struct block *block, bool is_retry)
{
	struct block_request *list;

	pthread_mutex_lock(&block->lock);
	list = block->stopped;
	block->stopped = NULL;
	for (struct block_request *at = list; is_retry && at; at = at->next)
		block->under_way++;
	pthread_mutex_unlock(&block->lock);
	return list;
}

void block_retry(struct block *block)
{
	struct block_request *list = take_stopped(block, true);

	while (list) {
		struct block_request *request = list;

		list = request->next;
		request->next = NULL;
		begin(block, request);
	}
}

void block_cancel_stopped(struct block *block)
{
	struct block_request *list = take_stopped(block, false);

	while (list) {
		struct block_request *request = list;

		list = request->next;
		request->complete(request, -ECANCELED);
	}
}

void block_drain(struct block *block)
{
	pthread_mutex_lock(&block->lock);
	while (block->under_way)
		pthread_cond_wait(&block->idle, &block->lock);
	pthread_mutex_unlock(&block->lock);
}
