/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chipset's small ports: system control port A (0x92), the reset control register
 * (0xcf9, in the middle of PCI's configuration ports: see pci_host.h), and the POST code
 * port (0x80), which Linux writes to for a short delay.
 */
#ifndef HVRUN_RESET_PORTS_H
#define HVRUN_RESET_PORTS_H

#include <pthread.h>

#include "bus.h"
#include "power.h"

#define RESET_PORT_A 0x92
#define RESET_PORT_CF9 0xcf9
#define RESET_PORT_POST 0x80

#define RESET_CF9_RESET 0x06 /* hard reset: SYS_RST and RST_CPU */

/**
 * struct reset_ports - the ports and where their requests go
 * @port_a: region of 1 port
 * @reset_control: region of 1 port
 * @post: region of 1 port
 */
struct reset_ports {
	struct region port_a;
	struct region reset_control;
	struct region post;
	struct power *power;

	pthread_mutex_t lock; /* everything below */
	uint8_t control_a;
	uint8_t cf9;
	uint8_t post_code;
};

void reset_ports_init(struct reset_ports *ports, struct power *power);
void reset_ports_reset(struct reset_ports *ports);

#endif /* HVRUN_RESET_PORTS_H */
