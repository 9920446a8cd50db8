/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IDE controller of the PIIX3 (function 1 of the ISA bridge): two channels at the old
 * ports with IRQ 14 and 15, and bus mastering behind BAR 4.
 */
#ifndef HVRUN_PIIX_IDE_H
#define HVRUN_PIIX_IDE_H

#include "dev/ide_core.h"
#include "dev/pci.h"

struct drives;

struct piix_ide {
	struct pci_function pci;
	struct irq_line irq[2];
	struct ide_channel channel[2];
	struct region command[2];
	struct region control[2];
	struct region bus_master;
	bool is_there;
};

/** piix_ide_init() - at @device, function 1, with @drives connected; they outlive it */
int piix_ide_init(struct piix_ide *ide, struct pci_bus *bus, unsigned int device,
		  const struct guest_ram *ram, struct drives *drives, struct error *err);

/** piix_ide_reset() - the vCPUs are paused */
void piix_ide_reset(struct piix_ide *ide);

/** piix_ide_destroy() - of one that was made, or zeroed; the vCPUs are gone */
void piix_ide_destroy(struct piix_ide *ide);

#endif /* HVRUN_PIIX_IDE_H */
