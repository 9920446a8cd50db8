// SPDX-License-Identifier: GPL-2.0-or-later
/* The host bridge: see i440fx.h. Its state is its configuration space. */
#include <string.h>

#include "dev/i440fx.h"

#define CLASS_HOST_BRIDGE 0x060000

int i440fx_init(struct i440fx *bridge, struct pci_bus *bus, struct error *err)
{
	memset(bridge, 0, sizeof(*bridge));
	bridge->pci.name = "i440fx";
	pci_identify(&bridge->pci, 0x8086, 0x1237, CLASS_HOST_BRIDGE);
	bridge->pci.config[PCI_REVISION] = 0x02;
	pci_put16(bridge->pci.config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return pci_bus_add(bus, 0, 0, &bridge->pci, err);
}
