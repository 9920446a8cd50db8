/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's disks and CD-ROM drives: images opened, failed requests handled, and what
 * a monitor may do to them. Main thread, but for what is said otherwise.
 */
#ifndef HVRUN_DRIVES_H
#define HVRUN_DRIVES_H

#include "backend/block.h"
#include "drive_options.h"
#include "run_state.h"

struct ide_drive;

/**
 * struct drive - one of them
 * @name: "ide0-hd0", "ide1-cd0": as QEMU calls it
 * @block: the image; NULL: a CD-ROM drive without a disc
 * @ide: where it is connected; NULL until then
 */
struct drive {
	const struct drive_options *options;
	char name[16];
	bool is_cdrom;
	struct block *block;
	struct ide_drive *ide;
};

/**
 * struct drives - all of them
 * @run: told to stop when a request has failed so that the user shall mend it
 * @snapshot: writes to disks go to temporary files
 * @failed: a request failed; any thread. Set by who tells the user (QMP); may be NULL.
 */
struct drives {
	struct block_layer layer;
	struct run_control *run;
	bool snapshot;
	struct run_listener listener;
	void (*failed)(void *context, const struct block_failure *failure);
	void *failed_context;
	unsigned int count;
	struct drive drive[IDE_DRIVES];
};

/** drives_open() - open the images of the IDE drives in @list */
int drives_open(struct drives *drives, const struct drive_list *list, struct run_control *run,
		struct error *err);

/** drives_close() - the devices are gone */
void drives_close(struct drives *drives);

/** drives_find() - by name; NULL */
struct drive *drives_find(struct drives *drives, const char *name);

/**
 * drive_eject() - take the disc out
 * @force: even if the guest has locked the tray; without it the guest is asked to let go
 */
int drive_eject(struct drives *drives, struct drive *drive, bool force, struct error *err);

/**
 * drive_change() - put another disc in; the old one stays when that fails
 * @format: NULL: look at the contents
 * @force: as drive_eject()
 */
int drive_change(struct drives *drives, struct drive *drive, const char *file, const char *format,
		 bool force, struct error *err);

/** drive_resize() - the guest sees the new size after its next reset */
int drive_resize(struct drives *drives, struct drive *drive, uint64_t bytes, struct error *err);

#endif /* HVRUN_DRIVES_H */
