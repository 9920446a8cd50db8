// SPDX-License-Identifier: GPL-2.0-or-later
/* Power management of the PIIX4: see piix4_pm.h. */
#include <string.h>

#include "dev/piix4_pm.h"
#include "log.h"

#define CLASS_OTHER_BRIDGE 0x068000

#define SMBUS_BASE 0x90
#define SMBUS_CONFIG 0xd2 /* bit 0: on */
#define SMBUS_PORTS 16
#define BASE_MASK 0xffc0
#define SMBUS_BASE_MASK 0xfff0
#define IO_ON 0x01

/*
 * Bits 24..31 of "device B": bit 25 says that SMIs on APM writes are on already, at which
 * firmware concludes that SMM is set up and leaves it alone.
 */
#define APM_SMI_CONFIG 0x5b
#define APM_SMI_ON 0x02

#define SMBUS_STATUS 0
#define SMBUS_CONTROL 2
#define SMBUS_START 0x40
#define SMBUS_NO_DEVICE 0x04
#define SMBUS_STATUS_VALID 0x1e

/* ---- the ports ---- */

static uint64_t apm_read(void *dev, uint64_t offset, unsigned int size)
{
	struct piix4_pm *pm = dev;
	uint64_t value;

	pthread_mutex_lock(&pm->lock);
	value = pm->apm[offset];
	pthread_mutex_unlock(&pm->lock);
	return value;
}

static void apm_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct piix4_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	pm->apm[offset] = value;
	pthread_mutex_unlock(&pm->lock);
	if (offset == 0 && (value == PIIX4_ACPI_ON || value == PIIX4_ACPI_OFF))
		acpi_pm_switch(pm->pm, value == PIIX4_ACPI_ON);
}

static uint64_t gpe_read(void *dev, uint64_t offset, unsigned int size)
{
	struct piix4_pm *pm = dev;
	uint64_t value;

	pthread_mutex_lock(&pm->lock);
	value = pm->gpe[offset];
	pthread_mutex_unlock(&pm->lock);
	return value;
}

static void gpe_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct piix4_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	if (offset < PIIX4_GPE_BYTES / 2)
		pm->gpe[offset] &= ~value; /* status: 1 clears */
	else
		pm->gpe[offset] = value;
	pthread_mutex_unlock(&pm->lock);
}

static uint64_t smbus_read(void *dev, uint64_t offset, unsigned int size)
{
	struct piix4_pm *pm = dev;
	uint64_t value;

	pthread_mutex_lock(&pm->lock);
	value = pm->smbus[offset];
	pthread_mutex_unlock(&pm->lock);
	return value;
}

/* A transaction ends at once: nobody answered. */
static void smbus_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct piix4_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	if (offset == SMBUS_STATUS)
		pm->smbus[offset] &= ~(value & SMBUS_STATUS_VALID);
	else
		pm->smbus[offset] = value;
	if (offset == SMBUS_CONTROL) {
		pm->smbus[offset] &= ~SMBUS_START;
		if (value & SMBUS_START)
			pm->smbus[SMBUS_STATUS] |= SMBUS_NO_DEVICE;
	}
	pthread_mutex_unlock(&pm->lock);
}

/* ---- the function ---- */

/* Move a region from *@at to @to; 0 is nowhere. */
static void move(struct bus *pio, struct region *region, uint64_t bytes, uint16_t at, uint16_t to)
{
	if (at == to)
		return;
	if (at)
		bus_detach(pio, region);
	if (to && bus_attach(pio, to, bytes, region) < 0)
		log_line(LOG_GUEST_ERRORS, "%s: ports %#x are taken", region->name, to);
}

static void pm_written(struct pci_function *f, unsigned int offset, unsigned int size)
{
	struct piix4_pm *dev = (struct piix4_pm *)f;
	uint16_t pm_base = pci_get16(f->config, PIIX4_PM_BASE) & BASE_MASK;
	uint16_t smbus_base = pci_get16(f->config, SMBUS_BASE) & SMBUS_BASE_MASK;

	if (!(f->config[PIIX4_PM_IO_ON] & IO_ON))
		pm_base = 0;
	if (!(f->config[SMBUS_CONFIG] & IO_ON))
		smbus_base = 0;
	move(f->bus->pio, acpi_pm_region(dev->pm), ACPI_PM_PORTS, dev->pm_base, pm_base);
	move(f->bus->pio, &dev->smbus_region, SMBUS_PORTS, dev->smbus_base, smbus_base);
	dev->pm_base = pm_base;
	dev->smbus_base = smbus_base;
}

void piix4_pm_set_up(struct piix4_pm *dev)
{
	struct pci_function *f = &dev->pci;

	pci_config_write(f->bus, f->device, f->function, PIIX4_PM_BASE, 4, PIIX4_PM_DEFAULT | 1);
	pci_config_write(f->bus, f->device, f->function, PIIX4_PM_IO_ON, 1, IO_ON);
	acpi_pm_switch(dev->pm, true);
}

void piix4_pm_reset(struct piix4_pm *dev)
{
	pthread_mutex_lock(&dev->lock);
	memset(dev->apm, 0, sizeof(dev->apm));
	memset(dev->gpe, 0, sizeof(dev->gpe));
	memset(dev->smbus, 0, sizeof(dev->smbus));
	pthread_mutex_unlock(&dev->lock);
	acpi_pm_reset(dev->pm);
}

static void describe(struct pci_function *f)
{
	f->name = "piix4-pm";
	f->written = pm_written;
	pci_identify(f, 0x8086, 0x7113, CLASS_OTHER_BRIDGE);
	f->config[PCI_REVISION] = 0x03;
	f->config[PCI_INTERRUPT_PIN] = 1;
	f->config[PIIX4_PM_BASE] = 1;
	f->config[SMBUS_BASE] = 1;
	f->config[APM_SMI_CONFIG] = APM_SMI_ON;
	pci_put16(f->writable, PIIX4_PM_BASE, BASE_MASK);
	pci_put16(f->writable, SMBUS_BASE, SMBUS_BASE_MASK);
	memset(f->writable + 0x48, 0xff, APM_SMI_CONFIG - 0x48); /* counters, device activity */
	f->writable[PIIX4_PM_IO_ON] = IO_ON;
	f->writable[SMBUS_CONFIG] = 0x0f;
}

static struct region byte_ports(const char *name, struct piix4_pm *dev,
				uint64_t (*read)(void *, uint64_t, unsigned int),
				void (*write)(void *, uint64_t, unsigned int, uint64_t))
{
	return (struct region){
		.name = name,
		.read = read,
		.write = write,
		.dev = dev,
		.max_access = 1,
	};
}

int piix4_pm_init(struct piix4_pm *dev, struct pci_bus *bus, struct acpi_pm *pm, struct error *err)
{
	memset(dev, 0, sizeof(*dev));
	dev->pm = pm;
	pthread_mutex_init(&dev->lock, NULL);
	dev->apm_region = byte_ports("apm", dev, apm_read, apm_write);
	dev->gpe_region = byte_ports("gpe", dev, gpe_read, gpe_write);
	dev->smbus_region = byte_ports("smbus", dev, smbus_read, smbus_write);
	if (bus_attach(bus->pio, PIIX4_APM_PORT, sizeof(dev->apm), &dev->apm_region) < 0 ||
	    bus_attach(bus->pio, PIIX4_GPE_PORT, PIIX4_GPE_BYTES, &dev->gpe_region) < 0)
		return error_set(err, "piix4-pm: its ports are taken");
	describe(&dev->pci);
	return pci_bus_add(bus, 1, 3, &dev->pci, err);
}
