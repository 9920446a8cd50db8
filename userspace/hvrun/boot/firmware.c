// SPDX-License-Identifier: GPL-2.0-or-later
/* Firmware images: see firmware.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/firmware.h"
#include "libmyhv.h"

static const char *const folders[] = { "/usr/share/seabios", "/usr/share/ovmf", "/usr/share/OVMF",
				       "/usr/share/qemu" };

/* A bare name is looked for here first, then in the packages' folders. */
static int open_image(const char *name, struct error *err)
{
	char path[PATH_MAX];
	int fd = -1;

	if (name)
		fd = open(name, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (fd >= 0 || (name && (errno != ENOENT || strchr(name, '/'))))
			break;
		snprintf(path, sizeof(path), "%s/%s", folders[i], name ? name : FIRMWARE_DEFAULT);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0)
		return fd;
	if (!name)
		return error_set(err, "there is no firmware " FIRMWARE_DEFAULT ": install the "
				      "package seabios, or give an image with -bios");
	return error_set(err, "-bios: cannot open '%s': %s%s", name, strerror(errno),
			 errno == ENOENT ? " (the packages seabios and ovmf have firmware)" : "");
}

static int check_size(const char *name, const struct stat *st, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, "-bios: '%s' is no file", name);
	if (!st->st_size)
		return error_set(err, "-bios: '%s' is empty", name);
	if (st->st_size % FIRMWARE_UNIT || (uint64_t)st->st_size > FIRMWARE_MAX)
		return error_set(err,
				 "-bios: '%s' has %" PRIu64 " bytes: no firmware image (a "
				 "multiple of 64 KiB, up to 16 MiB), or cut short",
				 name, (uint64_t)st->st_size);
	return 0;
}

static int read_image(struct firmware *firmware, int fd, const char *name, struct error *err)
{
	uint64_t done = 0;

	while (done < firmware->bytes) {
		ssize_t got = pread(fd, firmware->image + done, firmware->bytes - done, done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(err, "-bios: cannot read '%s': %s", name,
					 got ? strerror(errno) : "it became shorter");
		done += got;
	}
	return 0;
}

int firmware_open(struct firmware *firmware, const char *name, struct error *err)
{
	const char *shown = name ? name : FIRMWARE_DEFAULT;
	int fd = open_image(name, err);
	struct stat st;
	int r = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		error_set(err, "-bios: '%s': %s", shown, strerror(errno));
	} else if (check_size(shown, &st, err) == 0) {
		firmware->bytes = st.st_size;
		firmware->image = mmap(NULL, firmware->bytes, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (firmware->image == MAP_FAILED) {
			firmware->image = NULL;
			error_set(err, "no memory for the firmware");
		} else {
			r = read_image(firmware, fd, shown, err);
		}
	}
	close(fd);
	return r;
}

void firmware_close(struct firmware *firmware)
{
	if (firmware->image)
		munmap(firmware->image, firmware->bytes);
	memset(firmware, 0, sizeof(*firmware));
}

int firmware_map(const struct firmware *firmware, int vm, struct error *err)
{
	int r = myhv_mem_map(vm, FIRMWARE_END - firmware->bytes, firmware->image, firmware->bytes,
			     MYHV_MEM_READONLY);

	if (r < 0)
		return error_set(err, "cannot give the VM its firmware: %s", strerror(-r));
	return 0;
}

uint8_t *firmware_low(const struct firmware *firmware, uint64_t *bytes)
{
	*bytes = firmware->bytes < FIRMWARE_LOW_BYTES ? firmware->bytes : FIRMWARE_LOW_BYTES;
	return firmware->image ? firmware->image + firmware->bytes - *bytes : NULL;
}
