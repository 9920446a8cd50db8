/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture in memory: 32-bit pixels 0x00RRGGBB, rows without gaps. */
#ifndef HVRUN_SURFACE_H
#define HVRUN_SURFACE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct surface - a picture; zeroed is an empty one
 * @width: of a row
 * @height: rows
 * @pixels: @width * @height of them
 */
struct surface {
	unsigned int width;
	unsigned int height;
	uint32_t *pixels;
};

/** surface_resize() - make it @width * @height, black; false: no memory, it stays as it was */
bool surface_resize(struct surface *surface, unsigned int width, unsigned int height);

/** surface_free() - back to an empty one */
void surface_free(struct surface *surface);

static inline uint32_t *surface_row(const struct surface *surface, unsigned int y)
{
	return surface->pixels + (uint64_t)y * surface->width;
}

#endif /* HVRUN_SURFACE_H */
