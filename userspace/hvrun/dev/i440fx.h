/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host bridge, Intel 82441FX, at 00:00.0, with its programmable attribute map. The
 * other registers (DRAM rows, SMRAM) hold what firmware writes and do nothing.
 */
#ifndef HVRUN_I440FX_H
#define HVRUN_I440FX_H

#include "dev/pam.h"
#include "dev/pci.h"
#include "power.h"

/** struct i440fx - the bridge */
struct i440fx {
	struct pci_function pci;
	struct pam pam;
	struct power *power;
};

/**
 * i440fx_init() - plug the bridge in
 * @rom: the end of the firmware, shown below 1 MiB; NULL: there is none
 * @rom_bytes: 64 KiB or 128 KiB
 *
 * The memory below 1 MiB is mapped by the first pci_bus_reset().
 */
int i440fx_init(struct i440fx *bridge, struct pci_bus *bus, const struct guest_ram *ram,
		struct power *power, uint8_t *rom, uint64_t rom_bytes, struct error *err);

/** i440fx_open_ram() - RAM everywhere below 1 MiB, as firmware leaves it for a kernel */
void i440fx_open_ram(struct i440fx *bridge);

#endif /* HVRUN_I440FX_H */
