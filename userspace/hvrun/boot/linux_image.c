// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens and checks a bzImage. Nothing in the file is trusted: every size is checked
 * against the file before it is used.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/linux.h"

#define HEADER_OFFSET 0x1f1
#define HEADER_JUMP 0x200 /* the short jump whose distance tells where the header ends */
#define BOOT_FLAG 0xaa55
#define HEADER_MAGIC 0x53726448 /* "HdrS" */
#define PROTOCOL_64BIT 0x020c	/* 2.12: xloadflags */
#define SECTOR 512
#define DEFAULT_SETUP_SECTORS 4
#define PARAGRAPH 16

_Static_assert(sizeof(struct setup_header) <= sizeof(((struct linux_image *)0)->header),
	       "a setup header fits into struct linux_image");

/* Opens a regular file (a pipe or a disk has no size to check). */
static int open_file(const char *option, const char *path, int *fd, uint64_t *bytes,
		     struct error *err)
{
	struct stat st;

	/* O_NONBLOCK: a FIFO must not make us wait for a writer */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return error_set(err, "%s: cannot open '%s': %s", option, path, strerror(errno));
	if (fstat(*fd, &st) < 0) {
		error_set(err, "%s: cannot examine '%s': %s", option, path, strerror(errno));
		goto close_fd;
	}
	if (S_ISDIR(st.st_mode)) {
		error_set(err, "%s: '%s' is a directory, not a file", option, path);
		goto close_fd;
	}
	if (!S_ISREG(st.st_mode)) {
		error_set(err, "%s: '%s' is not a regular file", option, path);
		goto close_fd;
	}
	*bytes = st.st_size;
	return 0;

close_fd:
	close(*fd);
	*fd = -1;
	return -1;
}

static int not_a_kernel(const struct linux_image *image, const char *why, struct error *err)
{
	return error_set(err, "-kernel: '%s' is not a Linux bzImage (%s)", image->kernel_path, why);
}

static int read_header(struct linux_image *image, uint64_t file_bytes, struct error *err)
{
	uint8_t start[HEADER_OFFSET + sizeof(image->header)];
	struct setup_header *header = (void *)image->header;
	size_t header_end;

	if (file_bytes < sizeof(start))
		return not_a_kernel(image, "too short", err);
	if (pread(image->kernel_fd, start, sizeof(start), 0) != (ssize_t)sizeof(start))
		return error_set(err, "-kernel: cannot read '%s': %s", image->kernel_path,
				 strerror(errno));

	header_end = HEADER_JUMP + 2 + start[HEADER_JUMP + 1];
	if (header_end > sizeof(start))
		header_end = sizeof(start);
	image->header_bytes = header_end - HEADER_OFFSET;
	if (image->header_bytes > sizeof(*header))
		image->header_bytes = sizeof(*header);
	memset(image->header, 0, sizeof(image->header));
	memcpy(image->header, start + HEADER_OFFSET, image->header_bytes);

	if (header->boot_flag != BOOT_FLAG || header->header != HEADER_MAGIC)
		return not_a_kernel(image, "no boot header", err);
	return 0;
}

static int check_header(struct linux_image *image, uint64_t file_bytes, struct error *err)
{
	const struct setup_header *header = (const void *)image->header;
	unsigned int setup_sectors = header->setup_sects ?: DEFAULT_SETUP_SECTORS;
	uint64_t system_bytes = (uint64_t)header->syssize * PARAGRAPH;

	if (header->version < PROTOCOL_64BIT || !(header->xloadflags & XLF_KERNEL_64))
		return error_set(err,
				 "-kernel: '%s' has no 64-bit entry (boot protocol %u.%02u); use a "
				 "64-bit kernel of 3.8 or newer",
				 image->kernel_path, header->version >> 8, header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH))
		return not_a_kernel(image, "a zImage", err);

	image->setup_bytes = (1 + (uint64_t)setup_sectors) * SECTOR;
	if (image->setup_bytes >= file_bytes)
		return error_set(err, "-kernel: '%s' is truncated", image->kernel_path);
	image->kernel_bytes = file_bytes - image->setup_bytes;
	if (image->kernel_bytes < system_bytes)
		return error_set(err, "-kernel: '%s' is truncated: %llu bytes are missing",
				 image->kernel_path,
				 (unsigned long long)(system_bytes - image->kernel_bytes));
	return 0;
}

int linux_open(struct linux_image *image, const char *kernel_path, const char *initrd_path,
	       struct error *err)
{
	uint64_t file_bytes = 0;

	memset(image, 0, sizeof(*image));
	image->kernel_fd = -1;
	image->initrd_fd = -1;
	image->kernel_path = kernel_path;
	image->initrd_path = initrd_path;

	if (open_file("-kernel", kernel_path, &image->kernel_fd, &file_bytes, err) < 0 ||
	    read_header(image, file_bytes, err) < 0 || check_header(image, file_bytes, err) < 0)
		goto close;
	if (initrd_path &&
	    open_file("-initrd", initrd_path, &image->initrd_fd, &image->initrd_bytes, err) < 0)
		goto close;
	return 0;

close:
	linux_close(image);
	return -1;
}

void linux_close(struct linux_image *image)
{
	if (image->kernel_fd >= 0)
		close(image->kernel_fd);
	if (image->initrd_fd >= 0)
		close(image->initrd_fd);
	image->kernel_fd = -1;
	image->initrd_fd = -1;
}
