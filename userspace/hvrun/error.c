// SPDX-License-Identifier: GPL-2.0-or-later
/* The one line that a user gets to read when hvrun cannot do what it was told. */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

int error_set(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}
