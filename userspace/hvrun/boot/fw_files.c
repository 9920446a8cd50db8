// SPDX-License-Identifier: GPL-2.0-or-later
/* The items and files of the firmware configuration device: see fw_files.h. */
#include <endian.h>
#include <string.h>

#include "boot/describe.h"
#include "boot/fw_files.h"
#include "boot/smbios.h"
#include "machine.h"

#define E820_RAM 1

/* As SeaBIOS reads "etc/e820": little-endian, 20 bytes. */
struct e820_record {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t type;
} __attribute__((packed));

static int add_memory_map(struct fw_cfg *cfg, const struct guest_ram *ram)
{
	const struct e820_record map[] = {
		{ htole64(0), htole64(ram->low_bytes), htole32(E820_RAM) },
		{ htole64(GUEST_RAM_HIGH), htole64(ram->high_bytes), htole32(E820_RAM) },
	};

	return fw_cfg_add_file(cfg, "etc/e820", map, (ram->high_bytes ? 2 : 1) * sizeof(*map));
}

/* No NUMA: a count of nodes, a node for each processor, a size for each node. */
static int add_numa(struct fw_cfg *cfg, unsigned int cpus)
{
	uint64_t none[1 + OPTIONS_CPUS_MAX] = { 0 };

	return fw_cfg_add(cfg, FW_CFG_NUMA, none, (1 + cpus) * sizeof(none[0]));
}

/* Firmware may have moved the power management registers since the tables were made. */
static void refresh_tables(void *context)
{
	struct machine *machine = context;
	struct acpi_config config = describe_acpi(machine);
	struct error err;

	acpi_make(machine->acpi, &config, &err);
}

static int add_acpi(struct machine *machine, struct error *err)
{
	struct acpi_config config = describe_acpi(machine);
	struct fw_cfg *cfg = machine->fw_cfg;
	struct acpi *acpi = machine->acpi;
	uint8_t script[ACPI_SCRIPT_MAX];

	if (acpi_make(acpi, &config, err) < 0)
		return -1;
	if (fw_cfg_add_live_file(cfg, ACPI_FILE_TABLES, acpi->data, acpi->bytes, refresh_tables,
				 machine) < 0 ||
	    fw_cfg_add_live_file(cfg, ACPI_FILE_RSDP, &acpi->rsdp, sizeof(acpi->rsdp), NULL, NULL) <
		    0 ||
	    fw_cfg_add_file(cfg, ACPI_FILE_SCRIPT, script, acpi_script(acpi, script)) < 0)
		return error_set(err, "cannot describe the machine to its firmware");
	return 0;
}

static int add_smbios(struct machine *machine)
{
	const struct options *options = machine->options;
	struct smbios smbios;

	smbios_make(&smbios, &machine->ram, options->cpus,
		    options->uuid_is_set ? options->uuid : NULL, "SeaBIOS");
	if (fw_cfg_add_file(machine->fw_cfg, SMBIOS_FILE_ANCHOR, &smbios.anchor,
			    sizeof(smbios.anchor)) < 0)
		return -1;
	return fw_cfg_add_file(machine->fw_cfg, SMBIOS_FILE_TABLES, smbios.data, smbios.bytes);
}

static int add_menu_time(struct fw_cfg *cfg, uint64_t ms)
{
	uint16_t value = htole16(ms);

	return ms ? fw_cfg_add_file(cfg, "etc/boot-menu-wait", &value, sizeof(value)) : 0;
}

int fw_files_add(struct machine *machine, struct error *err)
{
	const struct options *options = machine->options;
	struct fw_cfg *cfg = machine->fw_cfg;

	if (fw_cfg_add_number(cfg, FW_CFG_RAM_SIZE, machine->ram.low_bytes, 8) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_NOGRAPHIC, options->nographic, 2) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_NB_CPUS, options->cpus, 2) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_MAX_CPUS, options->cpus, 2) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_BOOT_MENU, options->boot_menu, 2) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_IRQ0_OVERRIDE, 1, 4) < 0 ||
	    fw_cfg_add(cfg, FW_CFG_UUID, options->uuid, sizeof(options->uuid)) < 0 ||
	    add_numa(cfg, options->cpus) < 0 || add_memory_map(cfg, &machine->ram) < 0 ||
	    add_menu_time(cfg, options->boot_menu_ms) < 0 || add_smbios(machine) < 0)
		return error_set(err, "cannot describe the machine to its firmware");
	return add_acpi(machine, err);
}
