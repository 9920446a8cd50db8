/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -drive, -hda ... -hdd, -cdrom, -snapshot: which images, and where they are connected. */
#ifndef HVRUN_DRIVE_OPTIONS_H
#define HVRUN_DRIVE_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

#include "backend/block.h"
#include "error.h"

#define DRIVES_MAX 8
#define IDE_DRIVES 4

enum drive_interface { DRIVE_IDE, DRIVE_PFLASH };

/**
 * struct drive_options - one of them
 * @index: place on its interface: IDE's is bus * 2 + unit
 * @file: empty: a CD-ROM drive without a disc
 * @format: empty: look at the contents
 * @spec: for block_open(); @file, @format and @name are filled in when it is opened
 */
struct drive_options {
	enum drive_interface interface;
	unsigned int index;
	bool is_cdrom;
	char file[PATH_MAX];
	char format[16];
	struct block_spec spec;
};

/**
 * struct drive_list - of a machine
 * @snapshot: -snapshot: holds for all
 */
struct drive_list {
	unsigned int count;
	bool snapshot;
	struct drive_options drive[DRIVES_MAX];
};

/** drive_list_add() - the argument of -drive */
int drive_list_add(struct drive_list *list, const char *argument, struct error *err);

/** drive_list_add_file() - -hda FILE and its kin; @option is its name, for messages */
int drive_list_add_file(struct drive_list *list, const char *option, unsigned int index,
			bool is_cdrom, const char *file, struct error *err);

#endif /* HVRUN_DRIVE_OPTIONS_H */
