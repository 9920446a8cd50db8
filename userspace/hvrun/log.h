/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug log (-d ITEMS, -D FILE). Silent unless asked for: a guest must not be able
 * to fill a terminal or a disk that nobody offered it.
 */
#ifndef HVRUN_LOG_H
#define HVRUN_LOG_H

#include <stdbool.h>

#include "error.h"

#define LOG_UNIMP (1U << 0)	   /* accesses that no device answers */
#define LOG_GUEST_ERRORS (1U << 1) /* things that a guest should not do */
#define LOG_RESET (1U << 2)	   /* resets and who asked for them */
#define LOG_FIRMWARE (1U << 3)	   /* what firmware says on its debug port */

/** log_parse_items() - "unimp,guest_errors" to a mask; -1 with @err on an unknown one */
int log_parse_items(const char *text, unsigned int *mask, struct error *err);

/** log_open() - start logging @mask to @path, or to stderr when it is NULL */
int log_open(unsigned int mask, const char *path, struct error *err);

/** log_is_on() - would log_line() write anything for @item? */
bool log_is_on(unsigned int item);

void log_line(unsigned int item, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* HVRUN_LOG_H */
