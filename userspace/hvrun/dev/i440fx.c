// SPDX-License-Identifier: GPL-2.0-or-later
/* The host bridge: see i440fx.h. Its state is its configuration space. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dev/i440fx.h"

#define CLASS_HOST_BRIDGE 0x060000
#define PAM0 0x59
#define SMRAM 0x72
#define SMRAM_POWER_ON 0x02
#define PAM_ALL_RAM 0x33

static bool touches_pam(unsigned int offset, unsigned int size)
{
	return offset < PAM0 + PAM_REGISTERS && offset + size > PAM0;
}

static void bridge_written(struct pci_function *f, unsigned int offset, unsigned int size)
{
	struct i440fx *bridge = (struct i440fx *)f;
	int r;

	if (!touches_pam(offset, size))
		return;
	r = pam_set(&bridge->pam, &f->config[PAM0]);
	if (r < 0) {
		fprintf(stderr, "hvrun: cannot remap the memory below 1 MiB: %s\n", strerror(-r));
		power_request(bridge->power, POWER_BROKEN, "host bridge");
	}
}

void i440fx_open_ram(struct i440fx *bridge)
{
	struct pci_bus *bus = bridge->pci.bus;

	/* the register before PAM0 and the dword's others keep their values */
	pthread_mutex_lock(&bus->lock);
	memset(&bridge->pci.config[PAM0], PAM_ALL_RAM, PAM_REGISTERS);
	bridge_written(&bridge->pci, PAM0, PAM_REGISTERS);
	pthread_mutex_unlock(&bus->lock);
}

int i440fx_init(struct i440fx *bridge, struct pci_bus *bus, const struct guest_ram *ram,
		struct power *power, uint8_t *rom, uint64_t rom_bytes, struct error *err)
{
	memset(bridge, 0, sizeof(*bridge));
	bridge->power = power;
	pam_init(&bridge->pam, ram, bus->vm, rom, rom_bytes);
	if (bus_attach(bus->mmio, PAM_GPA, PAM_BYTES, &bridge->pam.region) < 0)
		return error_set(err, "the memory below 1 MiB is taken");

	bridge->pci.name = "i440fx";
	bridge->pci.written = bridge_written;
	pci_identify(&bridge->pci, 0x8086, 0x1237, CLASS_HOST_BRIDGE);
	bridge->pci.config[PCI_REVISION] = 0x02;
	bridge->pci.config[SMRAM] = SMRAM_POWER_ON;
	pci_put16(bridge->pci.config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	/* PMC configuration, DRAM control and rows: memory for firmware that looks for it */
	memset(&bridge->pci.writable[0x50], 0xff, 0x72 - 0x50);
	bridge->pci.writable[SMRAM] = 0x70;
	return pci_bus_add(bus, 0, 0, &bridge->pci, err);
}
