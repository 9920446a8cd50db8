// SPDX-License-Identifier: GPL-2.0-or-later
/* A flash chip: see pflash.h. One mutex. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image_lock.h"
#include "dev/pflash.h"
#include "libmyhv.h"
#include "log.h"

#define FLASH_MAX (8ULL << 20)

#define CMD_ARRAY_AGAIN 0x00
#define CMD_LOCK_OK 0x01
#define CMD_PROGRAM 0x10
#define CMD_PROGRAM_TOO 0x40
#define CMD_ERASE 0x20
#define CMD_CLEAR_STATUS 0x50
#define CMD_LOCK 0x60
#define CMD_READ_STATUS 0x70
#define CMD_READ_ID 0x90
#define CMD_CONFIRM 0xd0
#define CMD_ARRAY 0xff

#define STATUS_READY 0x80
#define STATUS_ERASE_ERROR 0x20
#define STATUS_PROGRAM_ERROR 0x10
#define STATUS_LOCKED 0x02

#define ID_INTEL 0x89
#define ID_DEVICE 0x18
#define ERASED 0xff

/* ---- the file ---- */

static void mark_dirty(struct pflash *flash, uint64_t start, uint64_t bytes)
{
	if (flash->dirty_start >= flash->dirty_end) {
		flash->dirty_start = start;
		flash->dirty_end = start;
	}
	if (start < flash->dirty_start)
		flash->dirty_start = start;
	if (start + bytes > flash->dirty_end)
		flash->dirty_end = start + bytes;
}

static void complain(struct pflash *flash, int error)
{
	if (!flash->failed)
		fprintf(stderr,
			"hvrun: cannot write '%s': %s; the firmware's variables will not be "
			"kept\n",
			flash->path, strerror(error));
	flash->failed = true;
}

/*
 * Programming goes byte by byte, so the file follows when the guest reads again. By then it is on
 * the host's disk, as a real chip would have kept it: the guest waits.
 */
static void write_back(struct pflash *flash)
{
	bool wrote = false;

	while (flash->fd >= 0 && flash->dirty_start < flash->dirty_end) {
		ssize_t done = pwrite(flash->fd, flash->data + flash->dirty_start,
				      flash->dirty_end - flash->dirty_start, flash->dirty_start);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			complain(flash, done ? errno : EIO);
			break;
		}
		flash->dirty_start += done;
		wrote = true;
	}
	if (wrote && fdatasync(flash->fd) < 0)
		complain(flash, errno);
	flash->dirty_start = 0;
	flash->dirty_end = 0;
}

/* ---- modes ---- */

/* Only the contents are memory. */
static void set_mode(struct pflash *flash, enum pflash_mode mode)
{
	bool map = mode == PFLASH_ARRAY;
	int r = 0;

	flash->mode = mode;
	if (map)
		write_back(flash);
	if (map == flash->mapped || flash->vm < 0)
		return;
	if (map)
		r = myhv_mem_map(flash->vm, flash->region.base, flash->data, flash->bytes,
				 MYHV_MEM_READONLY);
	else
		r = myhv_mem_unmap(flash->vm, flash->region.base, flash->bytes);
	/* without the mapping reads exit, and still find what they should */
	if (r < 0)
		log_line(LOG_GUEST_ERRORS, "flash: mapping: error %d", -r);
	else
		flash->mapped = map;
}

static void program(struct pflash *flash, uint64_t offset, unsigned int size, uint64_t value)
{
	flash->status |= STATUS_READY;
	if (flash->fd < 0) {
		flash->status |= STATUS_PROGRAM_ERROR | STATUS_LOCKED;
	} else {
		memcpy(flash->data + offset, &value, size);
		mark_dirty(flash, offset, size);
	}
	set_mode(flash, PFLASH_STATUS);
}

static void erase(struct pflash *flash, uint64_t offset, uint8_t confirmation)
{
	uint64_t start = offset / PFLASH_BLOCK * PFLASH_BLOCK;

	flash->status |= STATUS_READY;
	if (confirmation != CMD_CONFIRM) {
		flash->status |= STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR;
	} else if (flash->fd < 0) {
		flash->status |= STATUS_ERASE_ERROR | STATUS_LOCKED;
	} else {
		memset(flash->data + start, ERASED, PFLASH_BLOCK);
		mark_dirty(flash, start, PFLASH_BLOCK);
	}
	set_mode(flash, PFLASH_STATUS);
}

static void command(struct pflash *flash, uint8_t value)
{
	switch (value) {
	case CMD_PROGRAM:
	case CMD_PROGRAM_TOO:
		set_mode(flash, PFLASH_PROGRAM);
		break;
	case CMD_ERASE:
		set_mode(flash, PFLASH_ERASE);
		break;
	case CMD_LOCK:
		set_mode(flash, PFLASH_LOCK);
		break;
	case CMD_READ_STATUS:
		set_mode(flash, PFLASH_STATUS);
		break;
	case CMD_READ_ID:
		set_mode(flash, PFLASH_ID);
		break;
	case CMD_CLEAR_STATUS:
		/* OVMF tells flash from RAM and ROM by the ready bit's being cleared, too */
		flash->status = 0;
		set_mode(flash, PFLASH_ARRAY);
		break;
	case CMD_ARRAY:
	case CMD_ARRAY_AGAIN:
		set_mode(flash, PFLASH_ARRAY);
		break;
	default:
		log_line(LOG_GUEST_ERRORS, "flash: command %#x does not exist", value);
		set_mode(flash, PFLASH_ARRAY);
		break;
	}
}

/* ---- accesses ---- */

static uint64_t flash_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pflash *flash = dev;
	uint64_t value = 0;

	pthread_mutex_lock(&flash->lock);
	switch (flash->mode) {
	case PFLASH_ARRAY:
		memcpy(&value, flash->data + offset, size);
		break;
	case PFLASH_ID:
		value = offset % 0x100 == 0 ? ID_INTEL : offset % 0x100 == 1 ? ID_DEVICE : 0;
		break;
	default:
		value = flash->status;
		break;
	}
	pthread_mutex_unlock(&flash->lock);
	return value;
}

static void flash_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pflash *flash = dev;

	pthread_mutex_lock(&flash->lock);
	switch (flash->mode) {
	case PFLASH_PROGRAM:
		program(flash, offset, size, value);
		break;
	case PFLASH_ERASE:
		erase(flash, offset, value);
		break;
	case PFLASH_LOCK:
		flash->status |= STATUS_READY;
		if (value != CMD_CONFIRM && value != CMD_LOCK_OK)
			flash->status |= STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR;
		set_mode(flash, PFLASH_STATUS);
		break;
	default:
		command(flash, value);
		break;
	}
	pthread_mutex_unlock(&flash->lock);
}

void pflash_reset(struct pflash *flash)
{
	pthread_mutex_lock(&flash->lock);
	flash->status = STATUS_READY;
	set_mode(flash, PFLASH_ARRAY);
	pthread_mutex_unlock(&flash->lock);
}

/* ---- life ---- */

static int open_file(const char *path, bool read_only, uint64_t *bytes, struct error *err)
{
	int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == EROFS) && !read_only)
		return error_set(err,
				 "-drive if=pflash: cannot write '%s': %s; copy it, or say "
				 "readonly=on for firmware's code",
				 path, strerror(errno));
	if (fd < 0)
		return error_set(err, "-drive if=pflash: cannot open '%s': %s", path,
				 strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size ||
	    st.st_size % PFLASH_BLOCK || (uint64_t)st.st_size > FLASH_MAX) {
		close(fd);
		return error_set(err,
				 "-drive if=pflash: '%s' is no image of a flash chip (a file of "
				 "4 KiB to 8 MiB, a multiple of 4 KiB)",
				 path);
	}
	*bytes = st.st_size;
	return fd;
}

static int read_all(int fd, uint8_t *to, uint64_t bytes, const char *path, struct error *err)
{
	uint64_t done = 0;

	while (done < bytes) {
		ssize_t got = pread(fd, to + done, bytes - done, done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(err, "-drive if=pflash: cannot read '%s': %s", path,
					 got ? strerror(errno) : "it became shorter");
		done += got;
	}
	return 0;
}

int pflash_open(struct pflash *flash, const char *path, bool read_only, struct error *err)
{
	uint64_t bytes = 0;
	void *data;
	int fd;

	memset(flash, 0, sizeof(*flash));
	flash->vm = -1;
	flash->fd = -1;
	flash->path = path;
	fd = open_file(path, read_only, &bytes, err);
	if (fd < 0)
		return -1;
	if (image_lock(fd, path, !read_only, err) < 0)
		goto close_file;
	data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED) {
		error_set(err, "no memory for a flash chip");
		goto close_file;
	}
	if (read_all(fd, data, bytes, path, err) < 0) {
		munmap(data, bytes);
		goto close_file;
	}

	pthread_mutex_init(&flash->lock, NULL);
	flash->data = data;
	flash->bytes = bytes;
	flash->status = STATUS_READY;
	if (read_only)
		close(fd);
	else
		flash->fd = fd;
	flash->region = (struct region){
		.name = "flash",
		.read = flash_read,
		.write = flash_write,
		.dev = flash,
		.max_access = 8,
	};
	return 0;

close_file:
	close(fd);
	return -1;
}

int pflash_plug(struct pflash *flash, struct bus *mmio, int vm, uint64_t gpa, struct error *err)
{
	if (bus_attach(mmio, gpa, flash->bytes, &flash->region) < 0)
		return error_set(err, "-drive if=pflash: no room for '%s' below 4 GiB",
				 flash->path);
	flash->vm = vm;
	return 0;
}

void pflash_close(struct pflash *flash)
{
	if (!flash->data)
		return;
	write_back(flash);
	if (flash->fd >= 0)
		close(flash->fd);
	munmap(flash->data, flash->bytes);
	pthread_mutex_destroy(&flash->lock);
	memset(flash, 0, sizeof(*flash));
}
