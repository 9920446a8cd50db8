/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What firmware does with PCI: addresses for the BARs, interrupt lines, decoding on. */
#ifndef HVRUN_PCI_ASSIGN_H
#define HVRUN_PCI_ASSIGN_H

#include "dev/pci.h"

/**
 * struct pci_window - where BARs go
 * @port: I/O BARs from here on, up to 64 KiB
 * @gpa: memory BARs from here on
 * @end_gpa: and below this
 * @pirq: ISA interrupt of each wire
 */
struct pci_window {
	uint32_t port;
	uint64_t gpa;
	uint64_t end_gpa;
	uint8_t pirq[PCI_PIRQS];
};

/** pci_assign() - after pci_bus_reset(); expansion ROMs stay off */
int pci_assign(struct pci_bus *bus, const struct pci_window *window, struct error *err);

#endif /* HVRUN_PCI_ASSIGN_H */
