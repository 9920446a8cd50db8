// SPDX-License-Identifier: GPL-2.0-or-later
/* The PIIX3's IDE function: see piix_ide.h. The channels have the locks. */
#include <string.h>

#include "dev/piix_ide.h"
#include "drives.h"

#define CLASS_IDE 0x010180 /* both channels at the old ports; a bus master */
#define BAR_BUS_MASTER 4
#define BM_PORTS 16

#define IDE_TIMING 0x40	   /* a word for each channel */
#define IDE_SLAVE_TIMING 0x44
#define TIMING_DECODE 0x8000 /* the channel answers */

static const struct {
	uint16_t command;
	uint16_t control;
	uint8_t gsi;
} place[2] = { { 0x1f0, 0x3f6, 14 }, { 0x170, 0x376, 15 } };

static uint64_t bm_read(void *dev, uint64_t offset, unsigned int size)
{
	struct piix_ide *ide = dev;

	return ide_bm_read(&ide->channel[offset / 8], offset % 8, size);
}

static void bm_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct piix_ide *ide = dev;

	ide_bm_write(&ide->channel[offset / 8], offset % 8, size, value);
}

static bool may_master(void *context)
{
	return pci_function_is_bus_master(context);
}

static int attach_channel(struct piix_ide *ide, struct bus *pio, unsigned int number,
			  struct error *err)
{
	struct ide_channel *channel = &ide->channel[number];

	ide->command[number] = (struct region){
		.name = "ide",
		.read = ide_read,
		.write = ide_write,
		.read_string = ide_read_string,
		.write_string = ide_write_string,
		.dev = channel,
		.max_access = 4,
	};
	ide->control[number] = (struct region){
		.name = "ide-control",
		.read = ide_control_read,
		.write = ide_control_write,
		.dev = channel,
		.max_access = 1,
	};
	if (bus_attach(pio, place[number].command, 8, &ide->command[number]) < 0 ||
	    bus_attach(pio, place[number].control, 1, &ide->control[number]) < 0)
		return error_set(err, "cannot attach the IDE ports");
	return 0;
}

static int connect(struct piix_ide *ide, struct drives *drives, struct error *err)
{
	for (unsigned int i = 0; i < drives->count; i++) {
		struct drive *drive = &drives->drive[i];
		unsigned int index = drive->options->index;
		struct ide_channel *channel = &ide->channel[index / 2];

		if (ide_connect(channel, index % 2, drive->is_cdrom ? IDE_CDROM : IDE_DISK,
				drive->block, index) < 0)
			return error_set(err, "out of memory");
		drive->ide = &channel->drive[index % 2];
	}
	return 0;
}

static void fill_config(struct piix_ide *ide)
{
	struct pci_function *pci = &ide->pci;

	ide->bus_master = (struct region){
		.name = "ide-bus-master",
		.read = bm_read,
		.write = bm_write,
		.dev = ide,
		.max_access = 4,
	};
	pci->name = "ide";
	pci_identify(pci, 0x8086, 0x7010, CLASS_IDE);
	/* firmware switches the channels on; without any, they are */
	pci_put16(pci->config, IDE_TIMING, TIMING_DECODE);
	pci_put16(pci->config, IDE_TIMING + 2, TIMING_DECODE);
	memset(pci->writable + IDE_TIMING, 0xff, 4);
	pci->writable[IDE_SLAVE_TIMING] = 0xff;
	pci->bar[BAR_BUS_MASTER] = (struct pci_bar){
		.type = PCI_BAR_IO,
		.bytes = BM_PORTS,
		.region = &ide->bus_master,
	};
}

int piix_ide_init(struct piix_ide *ide, struct pci_bus *bus, unsigned int device,
		  const struct guest_ram *ram, struct drives *drives, struct error *err)
{
	memset(ide, 0, sizeof(*ide));
	for (unsigned int i = 0; i < 2; i++) {
		irq_line_init(&ide->irq[i], bus->vm, place[i].gsi);
		ide_channel_init(&ide->channel[i], &ide->irq[i], ram);
		ide->channel[i].may_master = may_master;
		ide->channel[i].context = &ide->pci;
	}
	ide->is_there = true;
	fill_config(ide);
	if (connect(ide, drives, err) < 0 || attach_channel(ide, bus->pio, 0, err) < 0 ||
	    attach_channel(ide, bus->pio, 1, err) < 0)
		return -1;
	return pci_bus_add(bus, device, 1, &ide->pci, err);
}

void piix_ide_reset(struct piix_ide *ide)
{
	for (unsigned int i = 0; i < 2; i++)
		ide_channel_reset(&ide->channel[i]);
}

void piix_ide_destroy(struct piix_ide *ide)
{
	if (!ide->is_there)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		/* what is in flight writes to memory that goes away next */
		ide_channel_reset(&ide->channel[i]);
		ide_channel_deinit(&ide->channel[i]);
	}
}
