// SPDX-License-Identifier: GPL-2.0-or-later
/* Boot without firmware: see direct.h. */
#include <string.h>

#include "boot/describe.h"
#include "boot/direct.h"
#include "boot/long_mode.h"
#include "boot/smbios.h"
#include "dev/pci_assign.h"
#include "machine.h"

#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ON_WRITE_BACK 0x806
#define IO_BARS 0xc000

/*
 * What firmware leaves on every processor: MTRRs on, all memory write-back. Without them
 * Linux makes no use of the PAT (SDM "MTRR Initialization").
 */
static int set_memory_types(struct machine *machine, struct error *err)
{
	const struct myhv_msr def_type = {
		.index = MSR_MTRR_DEF_TYPE,
		.value = MTRR_ON_WRITE_BACK,
	};

	for (unsigned int i = 0; i < machine->vcpus.count; i++)
		if (myhv_vcpu_msrs_set(&machine->vcpus.vcpu[i].hv, &def_type, 1) != 1)
			return error_set(err, "cannot set the memory types of processor %u", i);
	return 0;
}

/* PCI's interrupts are levels, to the 8259s as well. */
static int set_level_triggered(struct machine *machine, const uint8_t *irqs, struct error *err)
{
	struct myhv_chip chip;
	int r = myhv_chip_get(machine->vm, MYHV_CHIP_PIC_SLAVE, &chip);

	if (r == 0) {
		for (unsigned int i = 0; i < PCI_PIRQS; i++)
			chip.pic.elcr |= 1U << (irqs[i] - 8);
		r = myhv_chip_set(machine->vm, &chip);
	}
	if (r < 0)
		return error_set(err, "cannot set up the interrupt controller: %s", strerror(-r));
	return 0;
}

static int set_up_chipset(struct machine *machine, struct error *err)
{
	const struct acpi_config config = describe_acpi(machine);
	struct pci_window window = {
		.port = IO_BARS,
		.gpa = config.pci_gpa,
		.end_gpa = ACPI_PCI_END,
	};

	i440fx_open_ram(&machine->host_bridge);
	piix4_pm_set_up(&machine->power_management);
	piix3_set_up(&machine->isa_bridge, config.pirq);
	memcpy(window.pirq, config.pirq, sizeof(window.pirq));
	if (pci_assign(&machine->pci, &window, err) < 0)
		return -1;
	return set_level_triggered(machine, config.pirq, err);
}

static int place_tables(struct machine *machine, struct error *err)
{
	const struct acpi_config config = describe_acpi(machine);

	const struct options *options = machine->options;
	struct smbios smbios;

	if (acpi_make(machine->acpi, &config, err) < 0 ||
	    acpi_place(machine->acpi, &machine->ram, err) < 0)
		return -1;
	smbios_make(&smbios, &machine->ram, options->cpus,
		    options->uuid_is_set ? options->uuid : NULL, "hvrun");
	smbios_place(&smbios, &machine->ram);
	return 0;
}

int direct_boot(struct machine *machine, struct error *err)
{
	struct myhv_vcpu_state state;
	struct linux_entry entry;
	int r;

	if (set_up_chipset(machine, err) < 0 || place_tables(machine, err) < 0 ||
	    linux_load(&machine->image, &machine->ram, machine->options->append, ACPI_TABLES_GPA,
		       &entry, err) < 0 ||
	    set_memory_types(machine, err) < 0)
		return -1;

	long_mode_prepare(&machine->ram);
	state.control = machine->power_on.cpu[0].control;
	long_mode_enter(&state, &entry);
	r = myhv_vcpu_state_set(&machine->vcpus.vcpu[0].hv, LONG_MODE_GROUPS, &state);
	if (r < 0)
		return error_set(err, "cannot set the registers for the kernel's entry: %s",
				 strerror(-r));
	return 0;
}
