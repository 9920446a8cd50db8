// SPDX-License-Identifier: GPL-2.0-or-later
/* What a machine's tables say about it: see describe.h. */
#include "boot/describe.h"
#include "machine.h"

#define GIB (1ULL << 30)
#define PCI_LOW_START 0x80000000ULL

/* The interrupts that every firmware of this board routes PIRQA .. PIRQD to. */
static const uint8_t pirq_irqs[PCI_PIRQS] = { 10, 10, 11, 11 };

/* SeaBIOS and OVMF reckon the same. */
uint64_t describe_pci_gpa(const struct machine *machine)
{
	return machine->ram.low_bytes <= PCI_LOW_START ? PCI_LOW_START : GUEST_RAM_HOLE;
}

static uint64_t pci64_gpa(const struct machine *machine)
{
	uint64_t end = GUEST_RAM_HIGH + machine->ram.high_bytes;

	return (end + GIB - 1) / GIB * GIB;
}

struct acpi_config describe_acpi(struct machine *machine)
{
	bool has_firmware = !machine->options->kernel;
	uint16_t pm_base = machine->power_management.pm_base;
	struct acpi_config config = {
		.cpus = machine->options->cpus,
		.ioapic_gpa = MACHINE_IOAPIC_GPA,
		.pm_port = pm_base ? pm_base : PIIX4_PM_DEFAULT,
		.sci_gsi = MACHINE_SCI_GSI,
		.pci_gpa = describe_pci_gpa(machine),
		.pci64_gpa = pci64_gpa(machine),
		.com2 = machine->serial[1].uart,
		.keyboard = has_firmware || machine->vga,
		.vga = machine->vga,
		.fw_cfg = has_firmware,
	};

	for (unsigned int i = 0; i < PCI_PIRQS; i++)
		config.pirq[i] = pirq_irqs[i];
	return config;
}
