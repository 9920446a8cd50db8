// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI's interrupt wires to ISA interrupts: see piix3.h. */
#include <string.h>

#include "dev/piix3.h"

#define CLASS_ISA_BRIDGE 0x060100

/* Timer, keyboard, the cascade, the clock, the FPU: reserved by the data sheet. */
#define RESERVED_IRQS (1U << 0 | 1U << 1 | 1U << 2 | 1U << 8 | 1U << 13)

static int isa_irq_of(uint8_t route)
{
	unsigned int irq = route & 0x0f;

	return (route & PIIX3_PIRQ_OFF) || (RESERVED_IRQS >> irq & 1) ? -1 : (int)irq;
}

/* An ISA interrupt is the OR of all wires that lead to it. */
static void update(struct piix3 *bridge)
{
	unsigned int high = 0;

	for (unsigned int i = 0; i < PCI_PIRQS; i++) {
		int irq = isa_irq_of(bridge->route[i]);

		if (irq >= 0 && (bridge->asserted >> i & 1))
			high |= 1U << irq;
	}
	for (unsigned int i = 0; i < PIIX3_ISA_IRQS; i++)
		irq_line_set(&bridge->irq[i], high >> i & 1);
}

static void set_pirq(void *context, unsigned int pirq, bool asserted)
{
	struct piix3 *bridge = context;

	pthread_mutex_lock(&bridge->lock);
	bridge->asserted &= ~(1U << pirq);
	bridge->asserted |= (unsigned int)asserted << pirq;
	update(bridge);
	pthread_mutex_unlock(&bridge->lock);
}

static void piix3_written(struct pci_function *f, unsigned int offset, unsigned int size)
{
	struct piix3 *bridge = (struct piix3 *)f;

	if (offset >= PIIX3_PIRQ_ROUTE + PCI_PIRQS || offset + size <= PIIX3_PIRQ_ROUTE)
		return;
	pthread_mutex_lock(&bridge->lock);
	memcpy(bridge->route, &f->config[PIIX3_PIRQ_ROUTE], sizeof(bridge->route));
	update(bridge);
	pthread_mutex_unlock(&bridge->lock);
}

int piix3_route(struct piix3 *bridge, unsigned int pirq)
{
	int irq;

	pthread_mutex_lock(&bridge->lock);
	irq = isa_irq_of(bridge->route[pirq]);
	pthread_mutex_unlock(&bridge->lock);
	return irq;
}

void piix3_set_up(struct piix3 *bridge, const uint8_t irqs[PCI_PIRQS])
{
	for (unsigned int i = 0; i < PCI_PIRQS; i++)
		pci_config_write(bridge->pci.bus, bridge->pci.device, bridge->pci.function,
				 PIIX3_PIRQ_ROUTE + i, 1, irqs[i]);
}

int piix3_init(struct piix3 *bridge, struct pci_bus *bus, struct error *err)
{
	uint8_t *config = bridge->pci.config;

	memset(bridge, 0, sizeof(*bridge));
	pthread_mutex_init(&bridge->lock, NULL);
	for (unsigned int i = 0; i < PIIX3_ISA_IRQS; i++)
		irq_line_init(&bridge->irq[i], bus->vm, i);

	bridge->pci.name = "piix3";
	bridge->pci.written = piix3_written;
	pci_identify(&bridge->pci, 0x8086, 0x7000, CLASS_ISA_BRIDGE);
	pci_put16(config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	memset(config + PIIX3_PIRQ_ROUTE, PIIX3_PIRQ_OFF, PCI_PIRQS);
	memset(bridge->route, PIIX3_PIRQ_OFF, PCI_PIRQS);
	memset(bridge->pci.writable + PIIX3_PIRQ_ROUTE, 0x8f, PCI_PIRQS);
	/* I/O recovery, chip selects, top of memory: memory for firmware */
	bridge->pci.writable[0x4c] = 0xff;
	bridge->pci.writable[0x4e] = 0xff;
	bridge->pci.writable[0x4f] = 0xff;
	bridge->pci.writable[0x69] = 0xfe;
	if (pci_bus_add(bus, 1, 0, &bridge->pci, err) < 0)
		return -1;
	bus->router = (struct pci_router){ .set = set_pirq, .context = bridge };
	return 0;
}
