/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A surface as a file: PNG (by zlib) and PPM. */
#ifndef HVRUN_PICTURE_FILE_H
#define HVRUN_PICTURE_FILE_H

#include "display/surface.h"
#include "error.h"

/** picture_write_png() - 8 bits per colour, no alpha; 0, or -1 with @err */
int picture_write_png(const struct surface *surface, const char *path, struct error *err);
int picture_write_ppm(const struct surface *surface, const char *path, struct error *err);

#endif /* HVRUN_PICTURE_FILE_H */
