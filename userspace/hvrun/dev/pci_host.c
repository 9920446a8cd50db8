// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI's configuration ports: see pci_host.h. One mutex, not held while the bus is used. */
#include <string.h>

#include "dev/pci_host.h"

#define CF9_OFFSET 1
#define DATA_OFFSET 4

#define ADDRESS_ENABLE 0x80000000U
#define ADDRESS_WRITABLE 0x80fffffcU

/* CONFIG_ADDRESS taken apart. */
struct target {
	unsigned int bus, device, function, offset;
};

static struct target decode(uint32_t address, unsigned int lane)
{
	return (struct target){
		.bus = address >> 16 & 0xff,
		.device = address >> 11 & 0x1f,
		.function = address >> 8 & 0x7,
		.offset = (address & 0xfc) + lane,
	};
}

static uint32_t address_now(struct pci_host *host)
{
	uint32_t address;

	pthread_mutex_lock(&host->lock);
	address = host->address;
	pthread_mutex_unlock(&host->lock);
	return address;
}

static bool reaches_bus(uint32_t address, unsigned int lane, unsigned int size)
{
	return (address & ADDRESS_ENABLE) && !decode(address, 0).bus && lane + size <= 4;
}

static uint64_t host_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pci_host *host = dev;
	uint32_t address = address_now(host);
	struct target at;

	if (offset == CF9_OFFSET && size == 1)
		return host->cf9->read(host->cf9->dev, 0, 1);
	if (offset < DATA_OFFSET)
		return offset == 0 && size == 4 ? address : ~0ULL;
	if (!reaches_bus(address, offset - DATA_OFFSET, size))
		return ~0ULL;
	at = decode(address, offset - DATA_OFFSET);
	return pci_config_read(host->bus, at.device, at.function, at.offset, size);
}

/* The address takes whole double words only: other sizes belong to other devices. */
static void host_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pci_host *host = dev;
	uint32_t address;

	if (offset == CF9_OFFSET && size == 1) {
		host->cf9->write(host->cf9->dev, 0, 1, value);
	} else if (offset == 0 && size == 4) {
		pthread_mutex_lock(&host->lock);
		host->address = value & ADDRESS_WRITABLE;
		pthread_mutex_unlock(&host->lock);
	} else if (offset >= DATA_OFFSET) {
		address = address_now(host);
		if (reaches_bus(address, offset - DATA_OFFSET, size)) {
			struct target at = decode(address, offset - DATA_OFFSET);

			pci_config_write(host->bus, at.device, at.function, at.offset, size, value);
		}
	}
}

void pci_host_reset(struct pci_host *host)
{
	pthread_mutex_lock(&host->lock);
	host->address = 0;
	pthread_mutex_unlock(&host->lock);
}

void pci_host_init(struct pci_host *host, struct pci_bus *bus, const struct region *cf9)
{
	memset(host, 0, sizeof(*host));
	host->bus = bus;
	host->cf9 = cf9;
	pthread_mutex_init(&host->lock, NULL);
	host->region = (struct region){
		.name = "pci",
		.read = host_read,
		.write = host_write,
		.dev = host,
		.max_access = 4,
	};
}
