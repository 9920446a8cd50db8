/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables for a machine without firmware: RSDP, RSDT, XSDT, FADT, MADT, FACS, DSDT.
 * Enough for a guest to find its processors, the IOAPIC, the PM timer, the serial port,
 * the clock, and the ways to switch off and to reset.
 */
#ifndef HVRUN_ACPI_H
#define HVRUN_ACPI_H

#include <stdint.h>

#include "error.h"
#include "guest_ram.h"

/* Where a BIOS keeps them; the RSDP at its start is found by scanning, too. */
#define ACPI_TABLES_GPA 0xf0000ULL
#define ACPI_TABLES_BYTES 0x10000ULL

/**
 * struct acpi_config - what the tables say
 * @cpus: processors, APIC ids 0 .. @cpus - 1
 * @ioapic_id: its APIC id, as the chip reports it
 * @ioapic_gpa: its address
 * @pm_port: base of the registers of dev/acpi_pm.h
 * @sci_gsi: system control interrupt, level, active high
 */
struct acpi_config {
	unsigned int cpus;
	uint8_t ioapic_id;
	uint32_t ioapic_gpa;
	uint16_t pm_port;
	uint8_t sci_gsi;
};

/**
 * acpi_build() - write the tables
 * @ram: they go to ACPI_TABLES_GPA
 * @rsdp_gpa: out: where the root pointer is
 */
int acpi_build(const struct guest_ram *ram, const struct acpi_config *config, uint64_t *rsdp_gpa,
	       struct error *err);

#endif /* HVRUN_ACPI_H */
