// SPDX-License-Identifier: GPL-2.0-or-later
/* Disks and CD-ROM drives: see drives.h. */
#include <stdio.h>
#include <string.h>

#include "dev/atapi.h"
#include "dev/ide_core.h"
#include "drives.h"

#define CD_SECTOR 2048

/* ---- failed requests ---- */

/* Any thread. Printed only when the VM stops for it: a guest could fill a log otherwise. */
static void request_failed(void *context, const struct block_failure *failure)
{
	struct drives *drives = context;

	if (failure->action == BLOCK_STOP) {
		fprintf(stderr,
			"hvrun: %s: cannot %s %s: %s; the VM is paused until 'cont' in the "
			"monitor, or 'kill -CONT', says to try again\n",
			failure->block->name, failure->is_read ? "read" : "write",
			failure->block->file, strerror(failure->error));
		run_state_stop(drives->run, RUN_IO_ERROR);
	}
	if (drives->failed)
		drives->failed(drives->failed_context, failure);
}

static void run_state_changed(void *context, enum run_state state)
{
	struct drives *drives = context;

	if (state == RUN_RUNNING)
		block_layer_retry(&drives->layer);
}

/* ---- opening ---- */

static int check_disc(const struct block *block, struct error *err)
{
	if (block->bytes < CD_SECTOR)
		return error_set(err, "%s is too small for a CD-ROM image", block->file);
	return 0;
}

static struct block *open_image(struct drives *drives, struct drive *drive, const char *file,
				const char *format, struct error *err)
{
	struct block_spec spec = drive->options->spec;
	struct block *block;

	spec.file = file;
	spec.format = format && *format ? format : NULL;
	spec.name = drive->name;
	/* nobody writes to a disc */
	spec.snapshot = (spec.snapshot || drives->snapshot) && !drive->is_cdrom;
	block = block_open(&drives->layer, &spec, err);
	if (block && drive->is_cdrom && check_disc(block, err) < 0) {
		block_close(block);
		return NULL;
	}
	return block;
}

static void name_drive(struct drive *drive)
{
	const struct drive_options *options = drive->options;

	snprintf(drive->name, sizeof(drive->name), "ide%u-%s%u", options->index / 2 % 2,
		 options->is_cdrom ? "cd" : "hd", options->index % 2);
}

int drives_open(struct drives *drives, const struct drive_list *list, struct run_control *run,
		struct error *err)
{
	memset(drives, 0, sizeof(*drives));
	block_layer_init(&drives->layer);
	drives->layer.failed = request_failed;
	drives->layer.context = drives;
	drives->run = run;
	drives->snapshot = list->snapshot;
	drives->listener.changed = run_state_changed;
	drives->listener.context = drives;
	run_state_listen(run, &drives->listener);

	for (unsigned int i = 0; i < list->count; i++) {
		const struct drive_options *options = &list->drive[i];
		struct drive *drive = &drives->drive[drives->count];

		if (options->interface != DRIVE_IDE)
			continue;
		drive->options = options;
		drive->is_cdrom = options->is_cdrom;
		name_drive(drive);
		drives->count++;
		if (!*options->file)
			continue;
		drive->block = open_image(drives, drive, options->file, options->format, err);
		if (!drive->block)
			return -1;
	}
	return 0;
}

void drives_close(struct drives *drives)
{
	for (unsigned int i = 0; i < drives->count; i++)
		if (drives->drive[i].block)
			block_close(drives->drive[i].block);
	drives->count = 0;
	block_layer_destroy(&drives->layer);
}

/* ---- the monitor ---- */

struct drive *drives_find(struct drives *drives, const char *name)
{
	for (unsigned int i = 0; i < drives->count; i++)
		if (!strcmp(drives->drive[i].name, name))
			return &drives->drive[i];
	return NULL;
}

static int may_open_tray(struct drive *drive, bool force, struct error *err)
{
	if (!drive->is_cdrom)
		return error_set(err, "%s is no CD-ROM drive: its disk cannot be changed",
				 drive->name);
	if (!force && atapi_is_locked(drive->ide)) {
		atapi_request_eject(drive->ide);
		return error_set(err,
				 "%s is locked by the guest, which was asked to let go; try again "
				 "in a moment, or with force",
				 drive->name);
	}
	return 0;
}

static void replace_disc(struct drive *drive, struct block *block, bool tray_open)
{
	struct block *old = atapi_change(drive->ide, block, tray_open);

	drive->block = block;
	if (old)
		block_close(old);
}

int drive_eject(struct drives *drives, struct drive *drive, bool force, struct error *err)
{
	if (may_open_tray(drive, force, err) < 0)
		return -1;
	replace_disc(drive, NULL, true);
	return 0;
}

int drive_change(struct drives *drives, struct drive *drive, const char *file, const char *format,
		 bool force, struct error *err)
{
	struct block *block;

	if (may_open_tray(drive, force, err) < 0)
		return -1;
	block = open_image(drives, drive, file, format, err);
	if (!block)
		return -1;
	replace_disc(drive, block, false);
	return 0;
}

int drive_resize(struct drives *drives, struct drive *drive, uint64_t bytes, struct error *err)
{
	if (!drive->block)
		return error_set(err, "%s has no disc", drive->name);
	if (block_resize(drive->block, bytes, err) < 0)
		return -1;
	if (!drive->is_cdrom)
		ide_disk_grow(drive->ide);
	return 0;
}
