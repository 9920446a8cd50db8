/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firmware image: a ROM that ends at 4 GiB, where a processor starts, and whose end is
 * seen below 1 MiB as well.
 */
#ifndef HVRUN_FIRMWARE_H
#define HVRUN_FIRMWARE_H

#include <stdint.h>

#include "error.h"

#define FIRMWARE_END 0x100000000ULL
#define FIRMWARE_UNIT 0x10000ULL /* images are a multiple of it */
#define FIRMWARE_MAX (16ULL << 20)
#define FIRMWARE_LOW_BYTES 0x20000ULL /* as much is seen below 1 MiB */
#define FIRMWARE_DEFAULT "bios-256k.bin"

/**
 * struct firmware - an image in memory
 * @image: page-aligned, read-only for the guest; NULL: none
 * @bytes: its size
 */
struct firmware {
	uint8_t *image;
	uint64_t bytes;
};

/**
 * firmware_open() - read an image
 * @name: a path, or the bare name of a file of Debian's seabios, ovmf or qemu packages; NULL
 *	means FIRMWARE_DEFAULT
 */
int firmware_open(struct firmware *firmware, const char *name, struct error *err);
void firmware_close(struct firmware *firmware);

/** firmware_map() - show it to @vm, up to 4 GiB */
int firmware_map(const struct firmware *firmware, int vm, struct error *err);

/** firmware_low() - what is seen below 1 MiB; NULL and 0 bytes without an image */
uint8_t *firmware_low(const struct firmware *firmware, uint64_t *bytes);

#endif /* HVRUN_FIRMWARE_H */
