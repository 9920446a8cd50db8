// SPDX-License-Identifier: GPL-2.0-or-later
/* The chipset's small ports: see reset_ports.h. One mutex. */
#include <stdbool.h>
#include <string.h>

#include "dev/reset_ports.h"

#define PORT_A_FAST_RESET 0x01
#define PORT_A_A20 0x02

#define CF9_SYS_RST 0x02
#define CF9_RST_CPU 0x04

static uint64_t port_a_read(void *dev, uint64_t offset, unsigned int size)
{
	struct reset_ports *ports = dev;
	uint8_t value;

	pthread_mutex_lock(&ports->lock);
	value = ports->control_a;
	pthread_mutex_unlock(&ports->lock);
	return value;
}

/* A20 is remembered and does nothing: the line is always open. */
static void port_a_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct reset_ports *ports = dev;
	bool pulled;

	pthread_mutex_lock(&ports->lock);
	pulled = value & ~ports->control_a & PORT_A_FAST_RESET;
	ports->control_a = value & (PORT_A_FAST_RESET | PORT_A_A20);
	pthread_mutex_unlock(&ports->lock);
	if (pulled)
		power_request(ports->power, POWER_RESET, "port 0x92");
}

static uint64_t cf9_read(void *dev, uint64_t offset, unsigned int size)
{
	struct reset_ports *ports = dev;
	uint64_t value;

	pthread_mutex_lock(&ports->lock);
	value = ports->cf9;
	pthread_mutex_unlock(&ports->lock);
	return value;
}

static void cf9_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct reset_ports *ports = dev;
	bool pulled;

	pthread_mutex_lock(&ports->lock);
	pulled = value & ~ports->cf9 & CF9_RST_CPU;
	ports->cf9 = value & (CF9_SYS_RST | CF9_RST_CPU);
	pthread_mutex_unlock(&ports->lock);
	if (pulled)
		power_request(ports->power, POWER_RESET, "port 0xcf9");
}

static uint64_t post_read(void *dev, uint64_t offset, unsigned int size)
{
	struct reset_ports *ports = dev;

	return __atomic_load_n(&ports->post_code, __ATOMIC_RELAXED);
}

static void post_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct reset_ports *ports = dev;

	__atomic_store_n(&ports->post_code, value, __ATOMIC_RELAXED);
}

void reset_ports_reset(struct reset_ports *ports)
{
	pthread_mutex_lock(&ports->lock);
	ports->control_a = PORT_A_A20;
	ports->cf9 = 0;
	pthread_mutex_unlock(&ports->lock);
}

void reset_ports_init(struct reset_ports *ports, struct power *power)
{
	memset(ports, 0, sizeof(*ports));
	ports->power = power;
	ports->control_a = PORT_A_A20;
	pthread_mutex_init(&ports->lock, NULL);
	ports->port_a = (struct region){
		.name = "port-a",
		.read = port_a_read,
		.write = port_a_write,
		.dev = ports,
		.max_access = 1,
	};
	ports->reset_control = (struct region){
		.name = "reset-control",
		.read = cf9_read,
		.write = cf9_write,
		.dev = ports,
		.max_access = 1,
	};
	ports->post = (struct region){
		.name = "post",
		.read = post_read,
		.write = post_write,
		.dev = ports,
		.max_access = 1,
	};
}
