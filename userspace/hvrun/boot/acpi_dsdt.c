// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The DSDT: processors, the PCI root with its windows and interrupt wires, the devices on
 * ISA, soft off. There are no methods: firmware (or hvrun) routes the wires once, so the
 * interrupts are told as they are. The power button is fixed hardware (see the FADT).
 */
#include <string.h>

#include "boot/acpi.h"
#include "boot/acpi_dsdt.h"
#include "boot/aml.h"
#include "dev/acpi_pm.h"
#include "dev/fw_cfg.h"
#include "dev/pci.h"

#define PCI64_BYTES (1ULL << 36) /* 64 GiB: OVMF begins at 32 GiB, SeaBIOS after memory */
#define ANY_FUNCTION 0xffff
#define ISA_BRIDGE_ADR 0x00010000

static void describe_processors(struct aml *aml, unsigned int cpus)
{
	for (unsigned int i = 0; i < cpus; i++) {
		static const char hex[] = "0123456789ABCDEF";
		char name[] = { 'C', '0', hex[i >> 4 & 0xf], hex[i & 0xf], 0 };

		aml_device_begin(aml, name);
		aml_name(aml, "_HID");
		aml_string(aml, "ACPI0007");
		aml_name(aml, "_UID");
		aml_integer(aml, i);
		aml_end(aml);
	}
}

static void begin_device(struct aml *aml, const char *name, const char *id, unsigned int uid)
{
	aml_device_begin(aml, name);
	aml_name(aml, "_HID");
	aml_eisa_id(aml, id);
	aml_name(aml, "_UID");
	aml_integer(aml, uid);
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
}

static void end_device(struct aml *aml)
{
	aml_resources_end(aml);
	aml_end(aml);
}

static void describe_serial(struct aml *aml, unsigned int number, uint16_t port, unsigned int irq)
{
	const char name[] = { 'C', 'O', 'M', '0' + number, 0 };

	begin_device(aml, name, "PNP0501", number);
	aml_io(aml, port, 8);
	aml_irq(aml, irq);
	end_device(aml);
}

static void describe_keyboard(struct aml *aml)
{
	begin_device(aml, "KBD", "PNP0303", 1);
	aml_io(aml, 0x60, 1);
	aml_io(aml, 0x64, 1);
	aml_irq(aml, 1);
	end_device(aml);
	begin_device(aml, "MOU", "PNP0F13", 1);
	aml_irq(aml, 12);
	end_device(aml);
}

static void describe_fw_cfg(struct aml *aml)
{
	aml_device_begin(aml, "FWCF");
	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0002");
	aml_name(aml, "_STA");
	aml_integer(aml, 0x0b); /* there, on, works; not for a user interface */
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_io(aml, FW_CFG_PORT, FW_CFG_PORTS);
	end_device(aml);
}

static void describe_isa(struct aml *aml, const struct acpi_config *config)
{
	aml_device_begin(aml, "ISA");
	aml_name(aml, "_ADR");
	aml_integer(aml, ISA_BRIDGE_ADR);
	describe_serial(aml, 1, 0x3f8, 4);
	if (config->com2)
		describe_serial(aml, 2, 0x2f8, 3);
	begin_device(aml, "RTC", "PNP0B00", 1);
	aml_io(aml, 0x70, 2);
	aml_irq(aml, 8);
	end_device(aml);
	if (config->keyboard)
		describe_keyboard(aml);
	aml_end(aml);
}

static void describe_windows(struct aml *aml, const struct acpi_config *config)
{
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_bus_window(aml, 0, 0);
	aml_io(aml, 0xcf8, 8);
	aml_io_window(aml, 0x0000, 0x0cf7);
	aml_io_window(aml, 0x0d00, 0xffff);
	aml_memory_window(aml, 0xa0000, 0xbffff);
	aml_memory_window(aml, config->pci_gpa, ACPI_PCI_END - 1);
	aml_memory_window(aml, config->pci64_gpa, config->pci64_gpa + PCI64_BYTES - 1);
	aml_resources_end(aml);
}

/* For each pin of each slot the interrupt itself, no link device in between. */
static void describe_wires(struct aml *aml, const struct acpi_config *config)
{
	aml_name(aml, "_PRT");
	aml_package_begin(aml, (PCI_DEVICES - 1) * PCI_PIRQS);
	for (unsigned int device = 1; device < PCI_DEVICES; device++) {
		for (unsigned int pin = 1; pin <= PCI_PIRQS; pin++) {
			aml_package_begin(aml, 4);
			aml_integer(aml, device << 16 | ANY_FUNCTION);
			aml_integer(aml, pin - 1);
			aml_integer(aml, 0);
			aml_integer(aml, config->pirq[pci_slot_pirq(device, pin)]);
			aml_end(aml);
		}
	}
	aml_end(aml);
}

static void describe_soft_off(struct aml *aml)
{
	aml_name(aml, "\\_S5");
	aml_package_begin(aml, 4);
	aml_integer(aml, ACPI_PM_S5_TYPE);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_end(aml);
}

uint32_t acpi_dsdt_write(void *to, uint32_t room, const struct acpi_config *config)
{
	struct aml aml;

	aml_init(&aml, to, room);
	aml_scope_begin(&aml, "\\_SB");
	describe_processors(&aml, config->cpus);
	aml_device_begin(&aml, "PCI0");
	aml_name(&aml, "_HID");
	aml_eisa_id(&aml, "PNP0A03");
	describe_windows(&aml, config);
	describe_wires(&aml, config);
	describe_isa(&aml, config);
	aml_end(&aml);
	if (config->fw_cfg)
		describe_fw_cfg(&aml);
	aml_end(&aml);
	describe_soft_off(&aml);
	return aml.overflow ? 0 : aml.bytes;
}
