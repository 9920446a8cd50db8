/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bridge of an Intel 82371SB (PIIX3), at 00:01.0: which ISA interrupt each of
 * PCI's four wires leads to. "82371SB (PIIX3) data sheet", section "PIRQ[A:D] Route Control".
 * (The edge/level registers 0x4d0 and 0x4d1 are the 8259s', in the kernel.)
 */
#ifndef HVRUN_PIIX3_H
#define HVRUN_PIIX3_H

#include "dev/pci.h"
#include "irq_line.h"

#define PIIX3_PIRQ_ROUTE 0x60 /* 4 bytes; bit 7: off, else the ISA interrupt */
#define PIIX3_PIRQ_OFF 0x80
#define PIIX3_ISA_IRQS 16

/**
 * struct piix3 - the bridge
 * @pci: the function
 * @irq: the ISA interrupts, as far as PCI's wires lead to them
 * @lock: what follows, and @irq; taken last
 * @asserted: PCI's wires, a bit each
 * @route: copy of the routing registers
 */
struct piix3 {
	struct pci_function pci;
	struct irq_line irq[PIIX3_ISA_IRQS];

	pthread_mutex_t lock;
	unsigned int asserted;
	uint8_t route[PCI_PIRQS];
};

/** piix3_init() - plug it in, and take the wires of the bus */
int piix3_init(struct piix3 *bridge, struct pci_bus *bus, struct error *err);

/** piix3_route() - ISA interrupt that PIRQ @pirq leads to; -1: none */
int piix3_route(struct piix3 *bridge, unsigned int pirq);

/** piix3_set_up() - what firmware does: lead the wires to @irqs */
void piix3_set_up(struct piix3 *bridge, const uint8_t irqs[PCI_PIRQS]);

#endif /* HVRUN_PIIX3_H */
