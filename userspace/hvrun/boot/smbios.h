/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS tables: what dmidecode tells about the machine. DMTF's "System Management BIOS
 * Reference Specification" 2.8, in the form with a 32-bit entry point.
 */
#ifndef HVRUN_SMBIOS_H
#define HVRUN_SMBIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"
#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"
#define SMBIOS_GPA 0xfe000ULL /* where hvrun puts them when there is no firmware */

struct smbios_anchor {
	char signature[4];
	uint8_t checksum;
	uint8_t length;
	uint8_t major;
	uint8_t minor;
	uint16_t largest;
	uint8_t revision;
	uint8_t formatted[5];
	char dmi_signature[5];
	uint8_t dmi_checksum;
	uint16_t table_bytes;
	uint32_t table_gpa;
	uint16_t count;
	uint8_t bcd_revision;
} __attribute__((packed));

_Static_assert(sizeof(struct smbios_anchor) == 31, "an SMBIOS 2 entry point has 31 bytes");

/**
 * struct smbios - the tables
 * @anchor: the entry point; its address is 0 until they are placed
 * @data: the structures, one after the other
 */
struct smbios {
	struct smbios_anchor anchor;
	uint8_t data[1024];
	uint32_t bytes;
	uint16_t count;
	uint16_t largest;
};

/**
 * smbios_make() - the tables
 * @uuid: of the machine; NULL: none is set
 * @firmware: name of what starts the machine
 */
void smbios_make(struct smbios *smbios, const struct guest_ram *ram, unsigned int cpus,
		 const uint8_t uuid[16], const char *firmware);

/** smbios_place() - into guest memory, at SMBIOS_GPA */
void smbios_place(struct smbios *smbios, const struct guest_ram *ram);

#endif /* HVRUN_SMBIOS_H */
