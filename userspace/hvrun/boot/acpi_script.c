// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The script by which firmware puts the ACPI tables into memory: records of 128 bytes, as
 * SeaBIOS and OVMF read "etc/table-loader". File names have 56 bytes, numbers are little-endian.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "boot/acpi.h"

#define ALLOCATE 1
#define ADD_POINTER 2
#define ADD_CHECKSUM 3

#define ZONE_HIGH 1
#define ZONE_FSEG 2

#define FILE_NAME 56

struct record {
	uint32_t command;
	union {
		struct {
			char file[FILE_NAME];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) allocate;
		struct {
			char file[FILE_NAME]; /* the pointer is in it */
			char target[FILE_NAME];
			uint32_t offset;
			uint8_t bytes;
		} __attribute__((packed)) pointer;
		struct {
			char file[FILE_NAME];
			uint32_t result;
			uint32_t start;
			uint32_t bytes;
		} __attribute__((packed)) checksum;
		uint8_t pad[ACPI_SCRIPT_RECORD - 4];
	};
} __attribute__((packed));

_Static_assert(sizeof(struct record) == ACPI_SCRIPT_RECORD, "a record has 128 bytes");

/* struct writer - the script so far */
struct writer {
	struct record *next;
	uint32_t bytes;
};

static struct record *add(struct writer *writer, uint32_t command)
{
	struct record *record = writer->next++;

	memset(record, 0, sizeof(*record));
	record->command = command;
	writer->bytes += sizeof(*record);
	return record;
}

static void put_name(char place[FILE_NAME], const char *file)
{
	snprintf(place, FILE_NAME, "%s", file);
}

static void allocate(struct writer *writer, const char *file, uint32_t align, uint8_t zone)
{
	struct record *record = add(writer, ALLOCATE);

	put_name(record->allocate.file, file);
	record->allocate.align = align;
	record->allocate.zone = zone;
}

static void add_pointer(struct writer *writer, const char *file, uint32_t offset, uint8_t bytes)
{
	struct record *record = add(writer, ADD_POINTER);

	put_name(record->pointer.file, file);
	put_name(record->pointer.target, ACPI_FILE_TABLES);
	record->pointer.offset = offset;
	record->pointer.bytes = bytes;
}

static void add_checksum(struct writer *writer, const char *file, uint32_t result, uint32_t start,
			 uint32_t bytes)
{
	struct record *record = add(writer, ADD_CHECKSUM);

	put_name(record->checksum.file, file);
	record->checksum.result = result;
	record->checksum.start = start;
	record->checksum.bytes = bytes;
}

uint32_t acpi_script(const struct acpi *acpi, uint8_t script[ACPI_SCRIPT_MAX])
{
	struct writer writer = { .next = (struct record *)script };

	allocate(&writer, ACPI_FILE_RSDP, 16, ZONE_FSEG);
	allocate(&writer, ACPI_FILE_TABLES, 64, ZONE_HIGH);
	for (unsigned int i = 0; i < acpi->pointers; i++)
		add_pointer(&writer, ACPI_FILE_TABLES, acpi->pointer[i].offset,
			    acpi->pointer[i].bytes);
	for (unsigned int i = 0; i < acpi->sums; i++)
		add_checksum(&writer, ACPI_FILE_TABLES,
			     acpi->sum[i].offset + offsetof(struct acpi_header, checksum),
			     acpi->sum[i].offset, acpi->sum[i].bytes);

	add_pointer(&writer, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, rsdt), 4);
	add_pointer(&writer, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, xsdt), 8);
	add_checksum(&writer, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, checksum), 0, 20);
	add_checksum(&writer, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, extended_checksum), 0,
		     sizeof(struct acpi_rsdp));
	return writer.bytes;
}
