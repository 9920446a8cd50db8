/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port that firmware writes its messages to: 0x402 for SeaBIOS and OVMF, 0xe9 for
 * others. A read tells that it is there.
 */
#ifndef HVRUN_DEBUG_PORT_H
#define HVRUN_DEBUG_PORT_H

#include <pthread.h>

#include "backend/chardev.h"
#include "bus.h"

#define DEBUG_PORT_FIRMWARE 0x402
#define DEBUG_PORT_BOCHS 0xe9

/**
 * struct debug_port - both ports
 * @firmware: region of 1 port
 * @bochs: region of 1 port
 * @out: where the characters go; NULL: to the log, line by line
 * @lock: @line
 */
struct debug_port {
	struct region firmware;
	struct region bochs;
	struct chardev *out;

	pthread_mutex_t lock;
	unsigned int length;
	char line[160];
};

void debug_port_init(struct debug_port *port, struct chardev *out);

#endif /* HVRUN_DEBUG_PORT_H */
