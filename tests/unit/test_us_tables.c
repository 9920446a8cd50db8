// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables that describe a machine: ACPI, as hvrun and as firmware places it, and SMBIOS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/acpi.h"
#include "boot/acpi_tables.h"
#include "boot/smbios.h"

#define MIB (1ULL << 20)

static struct guest_ram ram;
static struct error err;

static int set_up(void **state)
{
	return guest_ram_create(&ram, 64 * MIB, &err);
}

static int tear_down(void **state)
{
	guest_ram_destroy(&ram);
	return 0;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	if (bytes)
		assert_int_equal(fwrite(data, bytes, 1, file), 1);
	fclose(file);
}

static uint8_t sum_of(const void *data, size_t bytes)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *byte++;
	return sum;
}

static const void *table_at(uint64_t gpa, const char *signature)
{
	const struct acpi_header *header = guest_ram_ptr(&ram, gpa, sizeof(*header));

	assert_non_null(header);
	assert_true(gpa >= ACPI_TABLES_GPA);
	assert_true(gpa + header->length <= ACPI_TABLES_GPA + ACPI_TABLES_BYTES);
	assert_memory_equal(header->signature, signature, 4);
	if (memcmp(signature, "FACS", 4))
		assert_int_equal(sum_of(header, header->length), 0);
	return header;
}

static void check_madt(const struct acpi_madt *madt, unsigned int cpus)
{
	const uint8_t *at = (const void *)(madt + 1);
	const uint8_t *end = (const uint8_t *)madt + madt->header.length;
	unsigned int lapics = 0, ioapics = 0, overrides = 0;

	assert_int_equal(madt->lapic_gpa, 0xfee00000);
	while (at < end) {
		if (at[0] == MADT_LAPIC) {
			assert_int_equal(((const struct madt_lapic *)at)->apic_id, lapics);
			assert_int_equal(((const struct madt_lapic *)at)->flags, 1);
			lapics++;
		} else if (at[0] == MADT_IOAPIC) {
			assert_int_equal(((const struct madt_ioapic *)at)->gpa, 0xfec00000);
			ioapics++;
		} else if (at[0] == MADT_OVERRIDE) {
			const struct madt_override *override = (const void *)at;

			if (override->irq == 0)
				assert_int_equal(override->gsi, 2);
			else
				assert_int_equal(override->flags, 0xd);
			overrides++;
		}
		assert_true(at[1] >= 6);
		at += at[1];
	}
	assert_ptr_equal(at, end);
	assert_int_equal(lapics, cpus);
	assert_int_equal(ioapics, 1);
	assert_int_equal(overrides, 5);
}

/* For a human with iasl: MYHV_ACPI_DUMP=DIR writes the tables there. */
static void dump_table(const char *name, const struct acpi_header *header)
{
	const char *where = getenv("MYHV_ACPI_DUMP");
	char path[256];

	if (!where)
		return;
	snprintf(path, sizeof(path), "%s/%s", where, name);
	write_file(path, header, header->length);
}

static struct acpi acpi;

static struct acpi_config acpi_config(unsigned int cpus)
{
	return (struct acpi_config){
		.cpus = cpus,
		.ioapic_gpa = 0xfec00000,
		.pm_port = 0x600,
		.sci_gsi = 9,
		.pci_gpa = 0x80000000,
		.pci64_gpa = 0x100000000,
		.pirq = { 10, 10, 11, 11 },
	};
}

static void check_root(const struct acpi_rsdp *rsdp, unsigned int cpus)
{
	const struct acpi_fadt *fadt;
	const uint32_t *rsdt;
	uint64_t xsdt[2];

	assert_memory_equal(rsdp->signature, "RSD PTR ", 8);
	assert_int_equal(sum_of(rsdp, 20), 0);
	assert_int_equal(sum_of(rsdp, sizeof(*rsdp)), 0);

	memcpy(xsdt, (const struct acpi_header *)table_at(rsdp->xsdt, "XSDT") + 1, sizeof(xsdt));
	rsdt = (const void *)((const struct acpi_header *)table_at(rsdp->rsdt, "RSDT") + 1);
	assert_int_equal(rsdt[0], xsdt[0]);
	assert_int_equal(rsdt[1], xsdt[1]);

	fadt = table_at(xsdt[0], "FACP");
	dump_table("facp.dat", &fadt->header);
	assert_int_equal(fadt->pm_timer, 0x608);
	assert_true(fadt->x_pm_timer.address == 0x608);
	assert_int_equal(fadt->pm1a_control, 0x604);
	assert_int_equal(fadt->sci_interrupt, 9);
	assert_int_equal(fadt->facs % 64, 0);
	assert_int_equal(fadt->flags & 1 << 4, 0); /* a power button */
	assert_true(fadt->x_dsdt == fadt->dsdt);
	table_at(fadt->facs, "FACS");
	dump_table("dsdt.dat", table_at(fadt->dsdt, "DSDT"));
	dump_table("apic.dat", table_at(xsdt[1], "APIC"));
	check_madt(table_at(xsdt[1], "APIC"), cpus);
}

static void check_tables(unsigned int cpus)
{
	const struct acpi_config config = acpi_config(cpus);

	memset(guest_ram_ptr(&ram, ACPI_TABLES_GPA, ACPI_TABLES_BYTES), 0xcc, ACPI_TABLES_BYTES);
	assert_int_equal(acpi_make(&acpi, &config, &err), 0);
	assert_int_equal(acpi_place(&acpi, &ram, &err), 0);
	check_root(guest_ram_ptr(&ram, ACPI_TABLES_GPA, sizeof(struct acpi_rsdp)), cpus);
}

/* A firmware: does what the script says, as SeaBIOS does it. */
struct loaded_file {
	const char *name;
	const void *data;
	uint32_t bytes;
	uint64_t gpa;
};

static struct loaded_file *file_named(struct loaded_file *files, const uint8_t *name)
{
	for (int i = 0; i < 2; i++)
		if (!strcmp(files[i].name, (const char *)name))
			return &files[i];
	fail_msg("no file %s", name);
	return NULL;
}

static uint32_t read32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static void run_record(const uint8_t *record, struct loaded_file *files)
{
	struct loaded_file *file = file_named(files, record + 4), *target;
	uint8_t *at = file->gpa ? guest_ram_ptr(&ram, file->gpa, file->bytes) : NULL;
	uint64_t value = 0;

	switch (read32(record)) {
	case 1:
		assert_int_equal(file->gpa, 0);
		file->gpa = record[64] == 2 ? 0xf5000 : 0xf6000;
		assert_int_equal(file->gpa % read32(record + 60), 0);
		memcpy(guest_ram_ptr(&ram, file->gpa, file->bytes), file->data, file->bytes);
		break;
	case 2:
		target = file_named(files, record + 60);
		assert_non_null(at);
		assert_true(target->gpa);
		assert_true(read32(record + 116) + record[120] <= file->bytes);
		memcpy(&value, at + read32(record + 116), record[120]);
		assert_true(value < target->bytes);
		value += target->gpa;
		memcpy(at + read32(record + 116), &value, record[120]);
		break;
	case 3:
		assert_non_null(at);
		assert_true(read32(record + 64) + read32(record + 68) <= file->bytes);
		at[read32(record + 60)] -= sum_of(at + read32(record + 64), read32(record + 68));
		break;
	default:
		fail_msg("command %u", read32(record));
	}
}

static void test_acpi_script(void **state)
{
	static uint8_t script[ACPI_SCRIPT_MAX];
	const struct acpi_config config = acpi_config(16);
	struct acpi_config moved = config;
	uint32_t bytes, table_bytes;

	moved.pm_port = 0xb000;
	assert_int_equal(acpi_make(&acpi, &moved, &err), 0);
	table_bytes = acpi.bytes;
	assert_int_equal(acpi_make(&acpi, &config, &err), 0);
	assert_int_equal(acpi.bytes, table_bytes);

	struct loaded_file files[] = {
		{ ACPI_FILE_RSDP, &acpi.rsdp, sizeof(acpi.rsdp), 0 },
		{ ACPI_FILE_TABLES, acpi.data, acpi.bytes, 0 },
	};

	bytes = acpi_script(&acpi, script);
	assert_true(bytes <= sizeof(script));
	assert_int_equal(bytes % ACPI_SCRIPT_RECORD, 0);
	for (uint32_t at = 0; at < bytes; at += ACPI_SCRIPT_RECORD)
		run_record(script + at, files);
	check_root(guest_ram_ptr(&ram, files[0].gpa, sizeof(struct acpi_rsdp)), 16);
}

static void test_acpi_tables(void **state)
{
	check_tables(1);
	check_tables(4);
	check_tables(64);
}

static void test_acpi_too_little_memory(void **state)
{
	const struct acpi_config config = acpi_config(1);
	struct guest_ram small;

	assert_int_equal(guest_ram_create(&small, 512 << 10, &err), 0);
	assert_int_equal(acpi_make(&acpi, &config, &err), 0);
	assert_int_equal(acpi_place(&acpi, &small, &err), -1);
	guest_ram_destroy(&small);
}

/* ---- SMBIOS ---- */

static const uint8_t *next_structure(const uint8_t *at)
{
	at += at[1];
	while (at[0] || at[1])
		at++;
	return at + 2;
}

static void test_smbios(void **state)
{
	static const uint8_t uuid[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t stored[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	const struct smbios_anchor *anchor;
	struct smbios smbios;
	const uint8_t *at, *end;
	unsigned int count = 0;

	smbios_make(&smbios, &ram, 4, uuid, "test");
	smbios_place(&smbios, &ram);
	anchor = guest_ram_ptr(&ram, SMBIOS_GPA, sizeof(*anchor));
	assert_memory_equal(anchor->signature, "_SM_", 4);
	assert_int_equal(sum_of(anchor, sizeof(*anchor)), 0);
	assert_int_equal(sum_of(anchor->dmi_signature, 15), 0);

	at = guest_ram_ptr(&ram, anchor->table_gpa, anchor->table_bytes);
	assert_non_null(at);
	assert_true(anchor->table_gpa + anchor->table_bytes <= 0x100000);
	end = at + anchor->table_bytes;
	for (; at < end; at = next_structure(at), count++) {
		if (at[0] == 1) {
			assert_memory_equal(at + 8, stored, 16);
			assert_string_equal((const char *)at + at[1], "myhv");
		}
		if (at[0] == 4)
			assert_int_equal(at[0x23], 4); /* cores */
		if (at[0] == 17)
			assert_int_equal(at[0xc] | at[0xd] << 8, 64); /* MiB */
		if (count + 1 == anchor->count)
			assert_int_equal(at[0], 127);
	}
	assert_ptr_equal(at, end);
	assert_int_equal(count, anchor->count);

	/* much memory, and no UUID: the longest form still fits */
	const struct guest_ram big = { NULL, 6ULL << 40, GUEST_RAM_HOLE,
				       (6ULL << 40) - GUEST_RAM_HOLE };

	smbios_make(&smbios, &big, 64, NULL, "test");
	assert_true(smbios.bytes < sizeof(smbios.data));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_acpi_tables),
		TEST(test_acpi_script),
		TEST(test_acpi_too_little_memory),
		TEST(test_smbios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
