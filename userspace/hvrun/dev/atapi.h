/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user, by the monitor, does to a CD-ROM drive. Main thread. */
#ifndef HVRUN_ATAPI_H
#define HVRUN_ATAPI_H

#include <stdbool.h>

struct block;
struct ide_drive;

/** atapi_is_locked() - does the guest keep the tray shut? */
bool atapi_is_locked(struct ide_drive *drive);
bool atapi_tray_is_open(struct ide_drive *drive);

/** atapi_request_eject() - tell the guest that the user wants the disc */
void atapi_request_eject(struct ide_drive *drive);

/**
 * atapi_change() - another disc, or none
 * @block: NULL: none
 * @tray_open: the tray stays open
 *
 * Requests under way end first; those that have stopped for an error are given up.
 * Return: the disc that was there, for the caller to close.
 */
struct block *atapi_change(struct ide_drive *drive, struct block *block, bool tray_open);

#endif /* HVRUN_ATAPI_H */
