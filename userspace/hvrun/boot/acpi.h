/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables: RSDP, RSDT, XSDT, FADT, MADT, FACS, DSDT. They are made without addresses;
 * then hvrun puts them into memory itself (acpi_place()), or firmware does so by a script
 * (acpi_script()), which is QEMU's "table-loader".
 */
#ifndef HVRUN_ACPI_H
#define HVRUN_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/acpi_tables.h"
#include "error.h"
#include "guest_ram.h"

/* Where a BIOS keeps them; the RSDP at its start is found by scanning, too. */
#define ACPI_TABLES_GPA 0xf0000ULL
#define ACPI_TABLES_BYTES 0x10000ULL

#define ACPI_PCI_END 0xfec00000ULL /* of the window for PCI below 4 GiB */

/**
 * struct acpi_config - what the tables say
 * @cpus: processors, APIC ids 0 .. @cpus - 1
 * @ioapic_id: its APIC id, as the chip reports it
 * @ioapic_gpa: its address
 * @pm_port: base of the registers of dev/acpi_pm.h
 * @sci_gsi: system control interrupt, level, active high
 * @pci_gpa: start of the window for PCI below 4 GiB
 * @pci64_gpa: start of the one above
 * @pirq: ISA interrupt that each PCI wire leads to
 * @com2: there is a second serial port
 * @keyboard: there are a keyboard and a mouse
 * @vga: there is a display
 * @fw_cfg: firmware's configuration device is of use to the guest
 */
struct acpi_config {
	unsigned int cpus;
	uint8_t ioapic_id;
	uint32_t ioapic_gpa;
	uint16_t pm_port;
	uint8_t sci_gsi;
	uint64_t pci_gpa;
	uint64_t pci64_gpa;
	uint8_t pirq[4];
	bool com2;
	bool keyboard;
	bool vga;
	bool fw_cfg;
};

#define ACPI_POINTERS_MAX 12
#define ACPI_SUMS_MAX 6

/**
 * struct acpi - tables that do not know yet where they are
 * @data: the tables, but for the RSDP
 * @bytes: of them
 * @rsdp: the root pointer
 * @pointer: places in @data that hold an offset into it, to become an address
 * @sum: tables whose checksum is still 0
 */
struct acpi {
	uint8_t data[ACPI_TABLES_BYTES - 0x2000 - 64]; /* SMBIOS lies at the end of the place */
	uint32_t bytes;
	uint32_t rsdt;
	uint32_t xsdt;
	struct acpi_rsdp rsdp;

	unsigned int pointers;
	struct {
		uint32_t offset;
		uint8_t bytes;
	} pointer[ACPI_POINTERS_MAX];
	unsigned int sums;
	struct {
		uint32_t offset;
		uint32_t bytes;
	} sum[ACPI_SUMS_MAX];
	bool failed;
};

/** acpi_make() - the tables for @config; the same sizes for every @pm_port */
int acpi_make(struct acpi *acpi, const struct acpi_config *config, struct error *err);

/** acpi_place() - into guest memory, at ACPI_TABLES_GPA; the RSDP comes first */
int acpi_place(struct acpi *acpi, const struct guest_ram *ram, struct error *err);

#define ACPI_FILE_RSDP "etc/acpi/rsdp"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_SCRIPT "etc/table-loader"
#define ACPI_SCRIPT_RECORD 128
#define ACPI_SCRIPT_MAX ((4 + ACPI_POINTERS_MAX + ACPI_SUMS_MAX + 4) * ACPI_SCRIPT_RECORD)

/** acpi_script() - what firmware has to do with the two files; returns its size */
uint32_t acpi_script(const struct acpi *acpi, uint8_t script[ACPI_SCRIPT_MAX]);

#endif /* HVRUN_ACPI_H */
