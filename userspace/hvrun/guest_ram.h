/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory: one anonymous mapping of the host, seen by the guest from 0 up to
 * the hole for devices below 4 GiB, and the rest from 4 GiB on.
 */
#ifndef HVRUN_GUEST_RAM_H
#define HVRUN_GUEST_RAM_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define GUEST_RAM_HOLE 0xc0000000ULL /* 3 GiB .. 4 GiB: devices */
#define GUEST_RAM_HIGH 0x100000000ULL
#define GUEST_RAM_LEGACY 0xa0000ULL /* .. 1 MiB: the display's window, ROMs (see dev/pam.h) */
#define GUEST_RAM_LEGACY_END 0x100000ULL

/**
 * struct guest_ram - immutable after creation
 * @host: where it is mapped, aligned to huge pages
 * @bytes: size
 * @low_bytes: of it, from guest address 0 on
 * @high_bytes: of it, from GUEST_RAM_HIGH on
 */
struct guest_ram {
	uint8_t *host;
	uint64_t bytes;
	uint64_t low_bytes;
	uint64_t high_bytes;
};

/** guest_ram_create() - @bytes is a multiple of 4096, at least 1 MiB */
int guest_ram_create(struct guest_ram *ram, uint64_t bytes, struct error *err);
void guest_ram_destroy(struct guest_ram *ram);

/** guest_ram_map() - show it to @vm, but for 640 KiB to 1 MiB */
int guest_ram_map(const struct guest_ram *ram, int vm, struct error *err);

/** guest_ram_ptr() - host address of [@gpa, @gpa + @bytes); NULL unless all of it is RAM */
void *guest_ram_ptr(const struct guest_ram *ram, uint64_t gpa, uint64_t bytes);

#endif /* HVRUN_GUEST_RAM_H */
