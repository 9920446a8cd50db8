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

static int open_rom(struct firmware *firmware, const char *name, struct error *err)
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

static const struct drive_options *flash_drive(const struct drive_list *drives, unsigned int index)
{
	for (unsigned int i = 0; i < drives->count; i++)
		if (drives->drive[i].interface == DRIVE_PFLASH && drives->drive[i].index == index)
			return &drives->drive[i];
	return NULL;
}

static int open_flash(struct firmware *firmware, const struct drive_options *drive,
		      struct error *err)
{
	struct pflash *flash = &firmware->flash[firmware->flashes];

	if (*drive->format && strcmp(drive->format, "raw"))
		return error_set(err, "-drive if=pflash: format=%s: only raw images will do",
				 drive->format);
	if (pflash_open(flash, drive->file, drive->spec.read_only, err) < 0)
		return -1;
	firmware->flashes++;
	return 0;
}

int firmware_open(struct firmware *firmware, const char *name, const struct drive_list *drives,
		  struct error *err)
{
	const struct drive_options *code = flash_drive(drives, 0);
	const struct drive_options *variables = flash_drive(drives, 1);

	if (!code && variables)
		return error_set(err, "-drive if=pflash: unit 0, firmware's code, is missing");
	if (!code)
		return open_rom(firmware, name, err);
	if (name)
		return error_set(err, "-bios and -drive if=pflash are both firmware: give one");
	if (open_flash(firmware, code, err) < 0)
		return -1;
	return variables ? open_flash(firmware, variables, err) : 0;
}

void firmware_close(struct firmware *firmware)
{
	if (firmware->image)
		munmap(firmware->image, firmware->bytes);
	for (unsigned int i = 0; i < firmware->flashes; i++)
		pflash_close(&firmware->flash[i]);
	memset(firmware, 0, sizeof(*firmware));
}

int firmware_map(struct firmware *firmware, struct bus *mmio, int vm, struct error *err)
{
	uint64_t end = FIRMWARE_END;
	int r = 0;

	if (firmware->image)
		r = myhv_mem_map(vm, end - firmware->bytes, firmware->image, firmware->bytes,
				 MYHV_MEM_READONLY);
	if (r < 0)
		return error_set(err, "cannot give the VM its firmware: %s", strerror(-r));
	for (unsigned int i = 0; i < firmware->flashes; i++) {
		end -= firmware->flash[i].bytes;
		if (pflash_plug(&firmware->flash[i], mmio, vm, end, err) < 0)
			return -1;
	}
	return 0;
}

void firmware_reset(struct firmware *firmware)
{
	for (unsigned int i = 0; i < firmware->flashes; i++)
		pflash_reset(&firmware->flash[i]);
}

uint8_t *firmware_low(const struct firmware *firmware, uint64_t *bytes)
{
	const uint64_t most = FIRMWARE_LOW_BYTES;
	uint8_t *image = firmware->flashes ? firmware->flash[0].data : firmware->image;
	uint64_t image_bytes = firmware->flashes ? firmware->flash[0].bytes : firmware->bytes;

	*bytes = image_bytes < most ? image_bytes : most;
	return image ? image + image_bytes - *bytes : NULL;
}
