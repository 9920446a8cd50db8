// SPDX-License-Identifier: GPL-2.0-or-later
/* ACPI tables: see acpi.h. Each add_* appends one table and returns its offset. */
#include <string.h>

#include "boot/acpi.h"
#include "boot/acpi_dsdt.h"
#include "dev/acpi_pm.h"
#include "dev/piix4_pm.h"
#include "dev/reset_ports.h"

#define LAPIC_GPA 0xfee00000U
#define CMOS_CENTURY 0x32
#define PM_PROFILE_UNSPECIFIED 0
#define FACS_ALIGN 64

static uint8_t checksum(const void *data, size_t bytes)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *byte++;
	return -sum;
}

/* Room for a table at a multiple of 64 (which the FACS needs), zeroed. */
static void *reserve(struct acpi *acpi, uint32_t bytes, uint32_t *offset)
{
	uint32_t start = (acpi->bytes + FACS_ALIGN - 1) & ~(FACS_ALIGN - 1);

	if (start + bytes > sizeof(acpi->data)) {
		acpi->failed = true;
		return NULL;
	}
	acpi->bytes = start + bytes;
	*offset = start;
	return memset(acpi->data + start, 0, bytes);
}

/* The checksum is left out until the table's pointers are known. */
static void finish(struct acpi *acpi, struct acpi_header *header, const char *signature,
		   uint8_t revision, uint32_t length)
{
	memcpy(header->signature, signature, 4);
	header->length = length;
	header->revision = revision;
	memcpy(header->oem_id, "MYHV  ", 6);
	memcpy(header->oem_table_id, "HVRUN   ", 8);
	header->oem_revision = 1;
	memcpy(header->creator_id, "MYHV", 4);
	header->creator_revision = 1;
	acpi->sum[acpi->sums].offset = (uint8_t *)header - acpi->data;
	acpi->sum[acpi->sums++].bytes = length;
}

static void point(struct acpi *acpi, void *place, unsigned int bytes, uint32_t target)
{
	uint64_t value = target;

	memcpy(place, &value, bytes);
	acpi->pointer[acpi->pointers].offset = (uint8_t *)place - acpi->data;
	acpi->pointer[acpi->pointers++].bytes = bytes;
}

static uint32_t add_facs(struct acpi *acpi)
{
	uint32_t offset = 0;
	struct acpi_facs *facs = reserve(acpi, sizeof(*facs), &offset);

	if (!facs)
		return 0;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return offset;
}

static uint32_t add_dsdt(struct acpi *acpi, const struct acpi_config *config)
{
	uint32_t offset = 0, room, bytes;
	struct acpi_header *dsdt = reserve(acpi, sizeof(*dsdt), &offset);

	if (!dsdt)
		return 0;
	room = sizeof(acpi->data) - acpi->bytes;
	bytes = acpi_dsdt_write(dsdt + 1, room, config);
	if (!bytes) {
		acpi->failed = true;
		return 0;
	}
	acpi->bytes += bytes;
	finish(acpi, dsdt, "DSDT", 2, sizeof(*dsdt) + bytes);
	return offset;
}

static struct acpi_address io_address(uint16_t port, unsigned int bytes)
{
	return (struct acpi_address){
		.space = ACPI_SPACE_IO,
		.bits = bytes * 8,
		.access = bytes == 1 ? ACPI_ACCESS_BYTE :
			  bytes == 2 ? ACPI_ACCESS_WORD :
				       ACPI_ACCESS_DWORD,
		.address = port,
	};
}

static void fill_ports(struct acpi_fadt *fadt, const struct acpi_config *config)
{
	uint16_t event = config->pm_port + ACPI_PM_STATUS;
	uint16_t control = config->pm_port + ACPI_PM_CONTROL;
	uint16_t timer = config->pm_port + ACPI_PM_TIMER;

	fadt->smi_command = PIIX4_APM_PORT;
	fadt->acpi_enable = PIIX4_ACPI_ON;
	fadt->acpi_disable = PIIX4_ACPI_OFF;
	fadt->pm1a_event = event;
	fadt->pm1a_control = control;
	fadt->pm_timer = timer;
	fadt->gpe0 = PIIX4_GPE_PORT;
	fadt->pm1_event_bytes = 4;
	fadt->pm1_control_bytes = 2;
	fadt->pm_timer_bytes = 4;
	fadt->gpe0_bytes = PIIX4_GPE_BYTES;
	fadt->reset = io_address(RESET_PORT_CF9, 1);
	fadt->reset_value = RESET_CF9_RESET;
	fadt->x_pm1a_event = io_address(event, 4);
	fadt->x_pm1a_control = io_address(control, 2);
	fadt->x_pm_timer = io_address(timer, 4);
	fadt->x_gpe0 = io_address(PIIX4_GPE_PORT, PIIX4_GPE_BYTES);
}

static uint32_t add_fadt(struct acpi *acpi, const struct acpi_config *config, uint32_t facs,
			 uint32_t dsdt)
{
	uint32_t offset = 0;
	struct acpi_fadt *fadt = reserve(acpi, sizeof(*fadt), &offset);

	if (!fadt)
		return 0;
	fill_ports(fadt, config);
	fadt->pm_profile = PM_PROFILE_UNSPECIFIED;
	fadt->sci_interrupt = config->sci_gsi;
	fadt->c2_latency = FADT_NO_LATENCY_C2;
	fadt->c3_latency = FADT_NO_LATENCY_C3;
	fadt->century = CMOS_CENTURY;
	fadt->boot_flags = FADT_BOOT_LEGACY_DEVICES | (config->keyboard ? FADT_BOOT_8042 : 0) |
			   (config->vga ? 0 : FADT_BOOT_NO_VGA);
	fadt->flags = FADT_WBINVD | FADT_C1_SUPPORTED | FADT_NO_SLEEP_BUTTON |
		      FADT_NO_FIXED_RTC_WAKE | FADT_TIMER_32BIT | FADT_RESET_REGISTER;
	point(acpi, &fadt->facs, 4, facs);
	point(acpi, &fadt->dsdt, 4, dsdt);
	point(acpi, &fadt->x_dsdt, 8, dsdt);
	finish(acpi, &fadt->header, "FACP", 3, sizeof(*fadt));
	return offset;
}

/* The PIT's line is the IOAPIC's pin 2; PCI's and the SCI are level, active high. */
static size_t fill_overrides(struct madt_override *override, const struct acpi_config *config)
{
	const uint8_t level[] = { 5, config->sci_gsi, 10, 11 };
	size_t count = 0;

	override[count++] =
		(struct madt_override){ MADT_OVERRIDE, sizeof(*override), 0, 0, 2, MADT_CONFORMS };
	for (size_t i = 0; i < sizeof(level); i++)
		override[count++] =
			(struct madt_override){ MADT_OVERRIDE, sizeof(*override), 0,
						level[i],      level[i],	  MADT_LEVEL_HIGH };
	return count * sizeof(*override);
}

static uint32_t add_madt(struct acpi *acpi, const struct acpi_config *config)
{
	struct madt_override overrides[8];
	size_t override_bytes = fill_overrides(overrides, config);
	size_t bytes = sizeof(struct acpi_madt) + config->cpus * sizeof(struct madt_lapic) +
		       sizeof(struct madt_ioapic) + override_bytes + sizeof(struct madt_lapic_nmi);
	uint32_t offset = 0;
	struct acpi_madt *madt = reserve(acpi, bytes, &offset);
	struct madt_lapic *lapic;
	struct madt_ioapic *ioapic;
	struct madt_lapic_nmi *nmi;

	if (!madt)
		return 0;
	madt->lapic_gpa = LAPIC_GPA;
	madt->flags = MADT_PCAT_COMPAT;

	lapic = (void *)(madt + 1);
	for (unsigned int i = 0; i < config->cpus; i++)
		*lapic++ = (struct madt_lapic){
			.type = MADT_LAPIC,
			.length = sizeof(*lapic),
			.processor_uid = i,
			.apic_id = i,
			.flags = MADT_LAPIC_ENABLED,
		};
	ioapic = (void *)lapic;
	*ioapic = (struct madt_ioapic){
		.type = MADT_IOAPIC,
		.length = sizeof(*ioapic),
		.id = config->ioapic_id,
		.gpa = config->ioapic_gpa,
	};
	memcpy(ioapic + 1, overrides, override_bytes);
	nmi = (void *)((uint8_t *)(ioapic + 1) + override_bytes);
	*nmi = (struct madt_lapic_nmi){
		.type = MADT_LAPIC_NMI,
		.length = sizeof(*nmi),
		.processor_uid = 0xff,
		.lint = 1,
	};
	finish(acpi, &madt->header, "APIC", 3, bytes);
	return offset;
}

/* RSDT (addresses of 4 bytes) or XSDT (of 8). */
static uint32_t add_root(struct acpi *acpi, const char *signature, unsigned int bytes,
			 const uint32_t *tables, unsigned int count)
{
	uint32_t offset = 0;
	uint32_t length = sizeof(struct acpi_header) + count * bytes;
	struct acpi_header *root = reserve(acpi, length, &offset);

	if (!root)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		point(acpi, (uint8_t *)(root + 1) + i * bytes, bytes, tables[i]);
	finish(acpi, root, signature, 1, length);
	return offset;
}

static void fill_rsdp(struct acpi *acpi)
{
	struct acpi_rsdp *rsdp = &acpi->rsdp;

	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "MYHV  ", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->rsdt = acpi->rsdt;
	rsdp->xsdt = acpi->xsdt;
}

int acpi_make(struct acpi *acpi, const struct acpi_config *config, struct error *err)
{
	uint32_t tables[2], facs, dsdt;

	acpi->bytes = 0;
	acpi->pointers = 0;
	acpi->sums = 0;
	acpi->failed = false;
	memset(&acpi->rsdp, 0, sizeof(acpi->rsdp));

	facs = add_facs(acpi);
	dsdt = add_dsdt(acpi, config);
	tables[0] = add_fadt(acpi, config, facs, dsdt);
	tables[1] = add_madt(acpi, config);
	acpi->rsdt = add_root(acpi, "RSDT", 4, tables, 2);
	acpi->xsdt = add_root(acpi, "XSDT", 8, tables, 2);
	if (acpi->failed)
		return error_set(err, "the ACPI tables do not fit into their place");
	fill_rsdp(acpi);
	return 0;
}

/* ---- into memory, by hvrun ---- */

static void relocate(struct acpi *acpi, uint64_t base)
{
	for (unsigned int i = 0; i < acpi->pointers; i++) {
		uint8_t *place = acpi->data + acpi->pointer[i].offset;
		uint64_t value = 0;

		memcpy(&value, place, acpi->pointer[i].bytes);
		value += base;
		memcpy(place, &value, acpi->pointer[i].bytes);
	}
	for (unsigned int i = 0; i < acpi->sums; i++) {
		struct acpi_header *header = (void *)(acpi->data + acpi->sum[i].offset);

		header->checksum = checksum(header, acpi->sum[i].bytes);
	}
	acpi->rsdp.rsdt += base;
	acpi->rsdp.xsdt += base;
	acpi->rsdp.checksum = checksum(&acpi->rsdp, 20);
	acpi->rsdp.extended_checksum = checksum(&acpi->rsdp, sizeof(acpi->rsdp));
}

int acpi_place(struct acpi *acpi, const struct guest_ram *ram, struct error *err)
{
	uint8_t *to = guest_ram_ptr(ram, ACPI_TABLES_GPA, ACPI_TABLES_BYTES);

	if (!to)
		return error_set(err, "too little memory for the ACPI tables; give more with -m");
	relocate(acpi, ACPI_TABLES_GPA + FACS_ALIGN);
	memcpy(to, &acpi->rsdp, sizeof(acpi->rsdp));
	memcpy(to + FACS_ALIGN, acpi->data, acpi->bytes);
	return 0;
}
