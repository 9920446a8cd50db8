/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that only some displays need are loaded when such a display is opened: they
 * cost more memory than all the rest of hvrun.
 */
#ifndef HVRUN_LIBRARY_H
#define HVRUN_LIBRARY_H

#include <stddef.h>

#include "error.h"

/** struct library_symbol - a function wanted, and where its pointer goes */
struct library_symbol {
	const char *name;
	size_t offset;
};

/**
 * library_load() - load @file, and put its functions into the table of pointers @table
 * @package: Debian's, for the message when it is not there
 *
 * Return: what dlclose() takes, or NULL with @err.
 */
void *library_load(const char *file, const char *package, const struct library_symbol *symbols,
		   size_t count, void *table, struct error *err);

#endif /* HVRUN_LIBRARY_H */
