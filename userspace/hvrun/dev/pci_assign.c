// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses for PCI functions without firmware: see pci_assign.h. The largest BARs come first,
 * so that natural alignment leaves no holes.
 */
#include "dev/pci_assign.h"

#define PORTS 0x10000

static void write_config(struct pci_function *f, unsigned int offset, unsigned int size,
			 uint32_t value)
{
	pci_config_write(f->bus, f->device, f->function, offset, size, value);
}

static uint64_t align(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

static int place(struct pci_function *f, unsigned int index, struct pci_window *window,
		 struct error *err)
{
	const struct pci_bar *bar = &f->bar[index];
	uint64_t base;

	if (bar->type == PCI_BAR_IO) {
		base = align(window->port, bar->bytes);
		window->port = base + bar->bytes;
		if (window->port > PORTS)
			return error_set(err, "%s: no ports are left", f->name);
	} else {
		base = align(window->gpa, bar->bytes);
		window->gpa = base + bar->bytes;
		if (window->gpa > window->end_gpa)
			return error_set(err, "%s: no room is left below 4 GiB", f->name);
	}
	write_config(f, PCI_BAR0 + 4 * index, 4, base);
	if (bar->is_64bit)
		write_config(f, PCI_BAR0 + 4 * index + 4, 4, base >> 32);
	return 0;
}

static int place_of_size(struct pci_function *f, uint64_t bytes, struct pci_window *window,
			 struct error *err)
{
	for (unsigned int i = 0; i < PCI_BARS; i++)
		if (f->bar[i].type != PCI_BAR_NONE && f->bar[i].bytes == bytes &&
		    place(f, i, window, err) < 0)
			return -1;
	return 0;
}

static void switch_on(struct pci_function *f, const struct pci_window *window)
{
	uint8_t pin = f->config[PCI_INTERRUPT_PIN];
	uint16_t command = pci_get16(f->config, PCI_COMMAND);

	for (unsigned int i = 0; i < PCI_BARS; i++)
		if (f->bar[i].type != PCI_BAR_NONE)
			command |= f->bar[i].type == PCI_BAR_IO ? PCI_COMMAND_IO :
								  PCI_COMMAND_MEMORY;
	if (pin)
		write_config(f, PCI_INTERRUPT_LINE, 1, window->pirq[pci_slot_pirq(f->device, pin)]);
	write_config(f, PCI_COMMAND, 2, command);
}

int pci_assign(struct pci_bus *bus, const struct pci_window *window, struct error *err)
{
	struct pci_window left = *window;
	struct pci_function **f = &bus->functions[0][0];

	for (uint64_t bytes = 1ULL << 31; bytes; bytes /= 2)
		for (unsigned int i = 0; i < PCI_DEVICES * PCI_FUNCTIONS; i++)
			if (f[i] && place_of_size(f[i], bytes, &left, err) < 0)
				return -1;
	for (unsigned int i = 0; i < PCI_DEVICES * PCI_FUNCTIONS; i++)
		if (f[i])
			switch_on(f[i], window);
	return 0;
}
