/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What format is an image in? By its first bytes, with the names that qemu-img uses. */
#ifndef HVRUN_IMAGE_PROBE_H
#define HVRUN_IMAGE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/** image_probe() - never NULL: "raw" when it is nothing that is known */
const char *image_probe(const uint8_t *head, size_t bytes);

/** image_probe_file() - 0, or -1 with @err: it cannot be read */
int image_probe_file(const char *path, const char **format, struct error *err);

#endif /* HVRUN_IMAGE_PROBE_H */
