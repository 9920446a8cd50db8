// SPDX-License-Identifier: GPL-2.0-or-later
/* Images in other formats than raw. */
#include "backend/block.h"

struct block *block_daemon_open(struct block_layer *layer, const struct block_spec *spec,
				const char *format, struct error *err)
{
	error_set(err, "%s: format %s is not available", spec->file, format);
	return NULL;
}
