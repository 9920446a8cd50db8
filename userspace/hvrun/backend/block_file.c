// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw images: a file or a block device, byte for byte. With cache=none requests go past the
 * page cache as far as their alignment allows, the others through it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/image_lock.h"

/* 48 bits of sectors: what ATA can address. */
#define MOST_BYTES (1ULL << 57)

/*
 * @fd: through the page cache; holds the lock
 * @direct_fd: past it, or -1
 * @lost: a flush failed with this. The kernel has forgotten the data by then, and would call
 *	the next flush a success; we do not.
 */
struct block_file {
	struct block block;
	int fd;
	int direct_fd;
	_Atomic int lost;
};

static struct block_file *to_file(struct block *block)
{
	return (struct block_file *)block;
}

static struct block_request *to_request(struct io_task *task)
{
	return (struct block_request *)((char *)task - offsetof(struct block_request, task));
}

/* ---- requests ---- */

/* The pieces of @request from byte @skip on; returns their number. */
static unsigned int rest_of(const struct block_request *request, uint64_t skip, struct iovec *rest)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < request->iov_count; i++) {
		struct iovec piece = request->iov[i];

		if (skip >= piece.iov_len) {
			skip -= piece.iov_len;
			continue;
		}
		piece.iov_base = (uint8_t *)piece.iov_base + skip;
		piece.iov_len -= skip;
		skip = 0;
		rest[count++] = piece;
	}
	return count;
}

/*
 * The host moved less than was wanted: the end of the file (reads as zeros), or an error
 * that the next call tells. Rare, so it is done here and now.
 */
static int finish_rest(struct block_file *file, struct block_request *request, uint64_t done)
{
	struct iovec rest[BLOCK_IOV_MAX];
	struct io_task task = request->task;

	task.fd = file->fd;
	task.iov = rest;
	while (done < request->bytes) {
		int64_t r;

		task.iov_count = rest_of(request, done, rest);
		task.offset = request->offset + done;
		r = io_task_perform(&task);
		if (r < 0)
			return r;
		if (r == 0 && request->op == BLOCK_WRITE)
			return -EIO;
		if (r == 0) {
			for (unsigned int i = 0; i < task.iov_count; i++)
				memset(rest[i].iov_base, 0, rest[i].iov_len);
			return 0;
		}
		done += r;
	}
	return 0;
}

static void task_done(struct io_task *task, int64_t result)
{
	struct block_request *request = to_request(task);
	struct block_file *file = to_file(request->block);
	bool moves = request->op == BLOCK_READ || request->op == BLOCK_WRITE;

	/* an alignment that this file system does not take: through the page cache */
	if (result == -EINVAL && moves && task->fd == file->direct_fd) {
		task->fd = file->fd;
		file->block.layer->engine->submit(file->block.layer->engine, task);
		return;
	}
	if (result >= 0 && moves && (uint64_t)result < request->bytes)
		result = finish_rest(file, request, result);
	if (result < 0 && request->op == BLOCK_FLUSH)
		file->lost = result;
	block_finish(request, result < 0 ? result : 0);
}

static bool is_aligned(const struct block_request *request)
{
	for (unsigned int i = 0; i < request->iov_count; i++)
		if (((uintptr_t)request->iov[i].iov_base | request->iov[i].iov_len) % BLOCK_SECTOR)
			return false;
	return true;
}

static void file_submit(struct block *block, struct block_request *request)
{
	static const enum io_op ops[] = {
		[BLOCK_READ] = IO_READ,
		[BLOCK_WRITE] = IO_WRITE,
		[BLOCK_FLUSH] = IO_SYNC,
		[BLOCK_DISCARD] = IO_PUNCH,
	};
	struct block_file *file = to_file(block);

	if (request->op == BLOCK_FLUSH && file->lost) {
		block_finish(request, file->lost);
		return;
	}
	request->task = (struct io_task){
		.op = ops[request->op],
		.durable = request->durable,
		.fd = file->direct_fd >= 0 && is_aligned(request) ? file->direct_fd : file->fd,
		.iov = request->iov,
		.iov_count = request->iov_count,
		.offset = request->offset,
		.bytes = request->bytes,
		.done = task_done,
	};
	block->layer->engine->submit(block->layer->engine, &request->task);
}

/* ---- opening ---- */

static int explain_open(const char *path, bool read_only, struct error *err)
{
	switch (errno) {
	case ENOENT:
		return error_set(err,
				 "cannot open %s: no such file; 'qemu-img create -f raw %s 10G' "
				 "makes an empty disk",
				 path, path);
	case EISDIR:
		return error_set(err, "%s is a directory; a disk image or a block device is wanted",
				 path);
	case EACCES:
	case EPERM:
	case EROFS:
	case ETXTBSY:
		if (!read_only)
			return error_set(err,
					 "cannot open %s for writing: %s; allow it, or leave it "
					 "as it is with snapshot=on",
					 path, strerror(errno));
	}
	return error_set(err, "cannot open %s: %s", path, strerror(errno));
}

static int find_size(struct block_file *file, const char *path, struct error *err)
{
	uint64_t bytes = 0;
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return error_set(err, "cannot examine %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return error_set(err, "%s is a directory; a disk image or a block device is wanted",
				 path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, "%s is neither a file nor a block device", path);
	if (S_ISREG(st.st_mode))
		bytes = st.st_size;
	else if (ioctl(file->fd, BLKGETSIZE64, &bytes) < 0)
		return error_set(err, "%s: the size of the device is not to be had: %s", path,
				 strerror(errno));
	if (bytes > MOST_BYTES)
		return error_set(err, "%s is too big: %" PRIu64 " bytes are the most", path,
				 (uint64_t)MOST_BYTES);
	if (bytes % BLOCK_SECTOR && !file->block.read_only)
		return error_set(err,
				 "%s is no whole number of sectors: was it cut off? "
				 "'truncate -s %%%d %s' fills it up",
				 path, BLOCK_SECTOR, path);
	file->block.bytes = (bytes + BLOCK_SECTOR - 1) / BLOCK_SECTOR * BLOCK_SECTOR;
	return 0;
}

static int open_direct(struct block_file *file, const char *path, int flags, struct error *err)
{
	file->direct_fd = image_open(path, flags | O_DIRECT);
	if (file->direct_fd >= 0)
		return 0;
	if (errno == EINVAL)
		return error_set(err,
				 "the file system of %s cannot pass by the page cache; leave out "
				 "cache=none and cache=directsync",
				 path);
	return error_set(err, "cannot open %s: %s", path, strerror(errno));
}

static int open_file(struct block_file *file, const struct block_spec *spec, struct error *err)
{
	int flags = spec->read_only ? O_RDONLY : O_RDWR;

	file->fd = image_open(spec->file, flags);
	if (file->fd < 0)
		return explain_open(spec->file, spec->read_only, err);
	if (find_size(file, spec->file, err) < 0 ||
	    image_lock(file->fd, spec->file, !spec->read_only, err) < 0)
		return -1;
	if (spec->cache != BLOCK_NONE && spec->cache != BLOCK_DIRECTSYNC)
		return 0;
	return open_direct(file, spec->file, flags, err);
}

static int file_resize(struct block *block, uint64_t bytes, struct error *err)
{
	struct block_file *file = to_file(block);
	struct stat st;

	if (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, "%s is a block device: its size is not ours to change",
				 block->file);
	if (bytes < block->bytes)
		return error_set(err, "%s can only grow: it has %" PRIu64 " bytes", block->name,
				 block->bytes);
	if (ftruncate(file->fd, bytes) < 0)
		return error_set(err, "cannot resize %s: %s", block->file, strerror(errno));
	block->bytes = bytes;
	return 0;
}

static void file_close(struct block *block)
{
	struct block_file *file = to_file(block);

	if (file->direct_fd >= 0)
		close(file->direct_fd);
	if (file->fd >= 0)
		close(file->fd);
	block_deinit(block);
	free(file);
}

static const struct block_driver file_driver = {
	.name = "file",
	.submit = file_submit,
	.resize = file_resize,
	.close = file_close,
};

static int prepare_engine(struct block_layer *layer, const struct block_spec *spec,
			  struct error *err)
{
	if (!layer->engine)
		layer->engine = spec->threads ? io_threads_engine_create(err) :
						io_engine_create(err);
	return layer->engine ? 0 : -1;
}

struct block *block_file_open(struct block_layer *layer, const struct block_spec *spec,
			      struct error *err)
{
	struct block_file *file;

	if (prepare_engine(layer, spec, err) < 0)
		return NULL;
	file = calloc(1, sizeof(*file));
	if (!file) {
		error_set(err, "out of memory");
		return NULL;
	}
	file->fd = -1;
	file->direct_fd = -1;
	block_init(&file->block, &file_driver);
	file->block.layer = layer;
	snprintf(file->block.format, sizeof(file->block.format), "raw");
	file->block.read_only = spec->read_only;
	file->block.file = strdup(spec->file);
	if (!file->block.file || open_file(file, spec, err) < 0) {
		file_close(&file->block);
		return NULL;
	}
	return &file->block;
}
