// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI host bridge: see pci_host.h. One mutex. */
#include <stdbool.h>
#include <string.h>

#include "dev/pci_host.h"

#define CF9_OFFSET 1
#define DATA_OFFSET 4

#define ADDRESS_ENABLE 0x80000000U
#define ADDRESS_WRITABLE 0x80fffffcU
#define ADDRESS_FUNCTION 0x00ffff00U /* bus, device, function */
#define ADDRESS_REGISTER 0x000000fcU

/* Intel 82441FX, as QEMU's pc machine has it; nothing in it can be changed. */
static const uint8_t bridge[256] = {
	[0x00] = 0x86, [0x01] = 0x80, /* vendor: Intel */
	[0x02] = 0x37, [0x03] = 0x12, /* device: 82441FX PMC */
	[0x04] = 0x06,		      /* command: memory, bus master */
	[0x06] = 0x80, [0x07] = 0x02, /* status: medium DEVSEL, fast back-to-back */
	[0x08] = 0x02,		      /* revision */
	[0x0b] = 0x06,		      /* class: host bridge */
	[0x2c] = 0xf4, [0x2d] = 0x1a, /* subsystem: 1af4:1100, a virtual machine */
	[0x2f] = 0x11,
};

static bool selects_bridge(uint32_t address)
{
	return (address & ADDRESS_ENABLE) && !(address & ADDRESS_FUNCTION);
}

/* A missing function reads as ones. */
static uint64_t data_read(uint32_t address, unsigned int lane, unsigned int size)
{
	uint64_t value = 0;

	if (!selects_bridge(address) || lane + size > 4)
		return ~0ULL;
	memcpy(&value, &bridge[(address & ADDRESS_REGISTER) + lane], size);
	return value;
}

static uint64_t host_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pci_host *host = dev;
	uint32_t address;

	if (offset == CF9_OFFSET && size == 1)
		return host->cf9->read(host->cf9->dev, 0, 1);
	pthread_mutex_lock(&host->lock);
	address = host->address;
	pthread_mutex_unlock(&host->lock);
	if (offset >= DATA_OFFSET)
		return data_read(address, offset - DATA_OFFSET, size);
	return offset == 0 && size == 4 ? address : ~0ULL;
}

/* The address takes whole double words only: other sizes belong to other devices. */
static void host_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pci_host *host = dev;

	if (offset == CF9_OFFSET && size == 1) {
		host->cf9->write(host->cf9->dev, 0, 1, value);
		return;
	}
	if (offset != 0 || size != 4)
		return;
	pthread_mutex_lock(&host->lock);
	host->address = value & ADDRESS_WRITABLE;
	pthread_mutex_unlock(&host->lock);
}

void pci_host_reset(struct pci_host *host)
{
	pthread_mutex_lock(&host->lock);
	host->address = 0;
	pthread_mutex_unlock(&host->lock);
}

void pci_host_init(struct pci_host *host, const struct region *cf9)
{
	memset(host, 0, sizeof(*host));
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
