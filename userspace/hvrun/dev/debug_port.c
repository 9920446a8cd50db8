// SPDX-License-Identifier: GPL-2.0-or-later
/* Firmware's messages: see debug_port.h. */
#include <string.h>

#include "dev/debug_port.h"
#include "log.h"

#define PRESENT 0xe9

static uint64_t debug_read(void *dev, uint64_t offset, unsigned int size)
{
	return PRESENT;
}

static void collect(struct debug_port *port, char c)
{
	if (c != '\n' && c != '\r')
		port->line[port->length++] = c >= ' ' && c < 0x7f ? c : '.';
	if (!port->length || (c != '\n' && port->length < sizeof(port->line) - 1))
		return;
	port->line[port->length] = 0;
	port->length = 0;
	log_line(LOG_FIRMWARE, "firmware: %s", port->line);
}

static void debug_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct debug_port *port = dev;
	const uint8_t byte = value;

	pthread_mutex_lock(&port->lock);
	if (port->out)
		port->out->write(port->out, &byte, 1);
	else
		collect(port, byte);
	pthread_mutex_unlock(&port->lock);
}

/* Nobody types into it. */
static size_t no_room(void *dev)
{
	return 0;
}

static void ignore_input(void *dev, const uint8_t *data, size_t bytes)
{
}

static void ignore(void *dev)
{
}

static const struct chardev_front front = {
	.room = no_room,
	.receive = ignore_input,
	.receive_break = ignore,
	.writable = ignore,
};

void debug_port_init(struct debug_port *port, struct chardev *out)
{
	memset(port, 0, sizeof(*port));
	pthread_mutex_init(&port->lock, NULL);
	port->out = out;
	if (out)
		chardev_connect(out, &front, port);
	port->firmware = (struct region){
		.name = "debug-port",
		.read = debug_read,
		.write = debug_write,
		.dev = port,
		.max_access = 1,
	};
	port->bochs = port->firmware;
}
