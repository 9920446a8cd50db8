/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware: a ROM, or flash chips one below the other, that ends at 4 GiB, where a processor
 * starts, and whose end is seen below 1 MiB as well.
 */
#ifndef HVRUN_FIRMWARE_H
#define HVRUN_FIRMWARE_H

#include <stdint.h>

#include "bus.h"
#include "dev/pflash.h"
#include "drive_options.h"
#include "error.h"

#define FIRMWARE_END 0x100000000ULL
#define FIRMWARE_UNIT 0x10000ULL /* images are a multiple of it */
#define FIRMWARE_MAX (16ULL << 20)
#define FIRMWARE_LOW_BYTES 0x20000ULL /* as much is seen below 1 MiB */
#define FIRMWARE_DEFAULT "bios-256k.bin"

#define FIRMWARE_FLASHES 2

/**
 * struct firmware - an image in memory, or chips
 * @image: ROM, page-aligned; NULL: none
 * @bytes: its size
 * @flash: in place of it: code, and the store of variables below
 * @flashes: how many
 */
struct firmware {
	uint8_t *image;
	uint64_t bytes;
	struct pflash flash[FIRMWARE_FLASHES];
	unsigned int flashes;
};

/**
 * firmware_open() - read the images
 * @name: of a ROM: a path, or the bare name of a file of Debian's seabios, ovmf or qemu
 *	packages; NULL means FIRMWARE_DEFAULT
 * @drives: -drive if=pflash is in there, and stands for a ROM; the strings are kept
 */
int firmware_open(struct firmware *firmware, const char *name, const struct drive_list *drives,
		  struct error *err);
void firmware_close(struct firmware *firmware);

/** firmware_map() - show it to @vm, up to 4 GiB; flash appears with the first reset */
int firmware_map(struct firmware *firmware, struct bus *mmio, int vm, struct error *err);

/** firmware_reset() - the chips show their contents */
void firmware_reset(struct firmware *firmware);

/** firmware_low() - what is seen below 1 MiB; NULL and 0 bytes without an image */
uint8_t *firmware_low(const struct firmware *firmware, uint64_t *bytes);

#endif /* HVRUN_FIRMWARE_H */
