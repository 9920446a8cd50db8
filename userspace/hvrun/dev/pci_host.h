/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration mechanism #1 (PCI Local Bus Specification, "Configuration Mechanism
 * #1") for a bus 0 without bridges. The reset control register lies among the ports and
 * keeps its byte.
 */
#ifndef HVRUN_PCI_HOST_H
#define HVRUN_PCI_HOST_H

#include <pthread.h>

#include "bus.h"
#include "dev/pci.h"

#define PCI_HOST_PORT 0xcf8
#define PCI_HOST_PORTS 8

/**
 * struct pci_host - the ports and the bus behind them
 * @region: of PCI_HOST_PORTS ports
 * @bus: bus 0
 * @cf9: of 1 port: byte accesses to 0xcf9
 * @lock: @address
 * @address: CONFIG_ADDRESS
 */
struct pci_host {
	struct region region;
	struct pci_bus *bus;
	const struct region *cf9;

	pthread_mutex_t lock;
	uint32_t address;
};

/** pci_host_init() - @cf9 answers byte accesses to port 0xcf9 */
void pci_host_init(struct pci_host *host, struct pci_bus *bus, const struct region *cf9);
void pci_host_reset(struct pci_host *host);

#endif /* HVRUN_PCI_HOST_H */
