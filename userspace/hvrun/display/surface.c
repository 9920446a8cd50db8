// SPDX-License-Identifier: GPL-2.0-or-later
/* A picture in memory: see surface.h. */
#include <stdlib.h>

#include "display/surface.h"

bool surface_resize(struct surface *surface, unsigned int width, unsigned int height)
{
	uint32_t *pixels = calloc((uint64_t)width * height, sizeof(*pixels));

	if (!pixels)
		return false;
	free(surface->pixels);
	*surface = (struct surface){ .width = width, .height = height, .pixels = pixels };
	return true;
}

void surface_free(struct surface *surface)
{
	free(surface->pixels);
	*surface = (struct surface){ .pixels = NULL };
}
