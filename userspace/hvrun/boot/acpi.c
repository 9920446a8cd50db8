// SPDX-License-Identifier: GPL-2.0-or-later
/* ACPI tables: see acpi.h. Each add_* writes one table and returns its address. */
#include <string.h>

#include "boot/acpi.h"
#include "boot/acpi_tables.h"
#include "boot/aml.h"
#include "dev/acpi_pm.h"
#include "dev/reset_ports.h"

#define LAPIC_GPA 0xfee00000U
#define CMOS_CENTURY 0x32
#define PM_PROFILE_UNSPECIFIED 0
#define DSDT_BYTES 16384 /* room for the processors' objects */

/* struct builder - the tables so far; @failed once something did not fit */
struct builder {
	uint8_t *data;
	uint64_t capacity;
	uint64_t used;
	int failed;
};

static uint8_t checksum(const void *data, size_t bytes)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *byte++;
	return -sum;
}

/* Room for a table at a multiple of 64 (which the FACS needs), zeroed. */
static void *reserve(struct builder *builder, size_t bytes, uint64_t *gpa)
{
	uint64_t start = (builder->used + 63) & ~63ULL;

	if (start + bytes > builder->capacity) {
		builder->failed = 1;
		return NULL;
	}
	builder->used = start + bytes;
	*gpa = ACPI_TABLES_GPA + start;
	return memset(builder->data + start, 0, bytes);
}

static void finish(struct acpi_header *header, const char *signature, uint8_t revision,
		   uint32_t length)
{
	memcpy(header->signature, signature, 4);
	header->length = length;
	header->revision = revision;
	memcpy(header->oem_id, "MYHV  ", 6);
	memcpy(header->oem_table_id, "HVRUN   ", 8);
	header->oem_revision = 1;
	memcpy(header->creator_id, "MYHV", 4);
	header->creator_revision = 1;
	header->checksum = 0;
	header->checksum = checksum(header, length);
}

static uint64_t add_facs(struct builder *builder)
{
	uint64_t gpa = 0;
	struct acpi_facs *facs = reserve(builder, sizeof(*facs), &gpa);

	if (!facs)
		return 0;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa;
}

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

static void describe_isa_device(struct aml *aml, const char *name, const char *id, uint16_t port,
				uint8_t ports, unsigned int irq)
{
	aml_device_begin(aml, name);
	aml_name(aml, "_HID");
	aml_eisa_id(aml, id);
	aml_name(aml, "_UID");
	aml_integer(aml, 1);
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_io(aml, port, ports);
	aml_irq(aml, irq);
	aml_resources_end(aml);
	aml_end(aml);
}

static uint64_t add_dsdt(struct builder *builder, const struct acpi_config *config)
{
	uint64_t gpa = 0;
	struct acpi_header *dsdt = reserve(builder, DSDT_BYTES, &gpa);
	struct aml aml;

	if (!dsdt)
		return 0;
	aml_init(&aml, dsdt + 1, DSDT_BYTES - sizeof(*dsdt));

	aml_scope_begin(&aml, "\\_SB");
	describe_processors(&aml, config->cpus);
	describe_isa_device(&aml, "COM1", "PNP0501", 0x3f8, 8, 4);
	describe_isa_device(&aml, "RTC", "PNP0B00", 0x70, 2, 8);
	aml_end(&aml);

	aml_name(&aml, "\\_S5");
	aml_package_begin(&aml, 4);
	aml_integer(&aml, ACPI_PM_S5_TYPE);
	aml_integer(&aml, 0);
	aml_integer(&aml, 0);
	aml_integer(&aml, 0);
	aml_end(&aml);

	if (aml.overflow) {
		builder->failed = 1;
		return 0;
	}
	/* give back what was not needed */
	builder->used -= DSDT_BYTES - sizeof(*dsdt) - aml.bytes;
	finish(dsdt, "DSDT", 2, sizeof(*dsdt) + aml.bytes);
	return gpa;
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

static uint64_t add_fadt(struct builder *builder, const struct acpi_config *config, uint64_t facs,
			 uint64_t dsdt)
{
	uint16_t event = config->pm_port + ACPI_PM_STATUS;
	uint16_t control = config->pm_port + ACPI_PM_CONTROL;
	uint16_t timer = config->pm_port + ACPI_PM_TIMER;
	uint64_t gpa = 0;
	struct acpi_fadt *fadt = reserve(builder, sizeof(*fadt), &gpa);

	if (!fadt)
		return 0;
	fadt->facs = facs;
	fadt->dsdt = dsdt;
	fadt->pm_profile = PM_PROFILE_UNSPECIFIED;
	fadt->sci_interrupt = config->sci_gsi;
	fadt->pm1a_event = event;
	fadt->pm1a_control = control;
	fadt->pm_timer = timer;
	fadt->pm1_event_bytes = 4;
	fadt->pm1_control_bytes = 2;
	fadt->pm_timer_bytes = 4;
	fadt->c2_latency = FADT_NO_LATENCY_C2;
	fadt->c3_latency = FADT_NO_LATENCY_C3;
	fadt->century = CMOS_CENTURY;
	/* no 8042 flag: there is no keyboard to wait for */
	fadt->boot_flags = FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA;
	fadt->flags = FADT_WBINVD | FADT_C1_SUPPORTED | FADT_NO_POWER_BUTTON |
		      FADT_NO_SLEEP_BUTTON | FADT_NO_FIXED_RTC_WAKE | FADT_TIMER_32BIT |
		      FADT_RESET_REGISTER;
	fadt->reset = io_address(RESET_PORT_CF9, 1);
	fadt->reset_value = RESET_CF9_RESET;
	fadt->x_facs = facs;
	fadt->x_dsdt = dsdt;
	fadt->x_pm1a_event = io_address(event, 4);
	fadt->x_pm1a_control = io_address(control, 2);
	fadt->x_pm_timer = io_address(timer, 4);
	finish(&fadt->header, "FACP", 3, sizeof(*fadt));
	return gpa;
}

static uint64_t add_madt(struct builder *builder, const struct acpi_config *config)
{
	struct madt_override overrides[] = {
		/* the PIT's line is the IOAPIC's pin 2 */
		{ MADT_OVERRIDE, sizeof(overrides[0]), 0, 0, 2, MADT_CONFORMS },
		{ MADT_OVERRIDE, sizeof(overrides[0]), 0, config->sci_gsi, config->sci_gsi,
		  MADT_LEVEL_HIGH },
	};
	size_t bytes = sizeof(struct acpi_madt) + config->cpus * sizeof(struct madt_lapic) +
		       sizeof(struct madt_ioapic) + sizeof(overrides) +
		       sizeof(struct madt_lapic_nmi);
	uint64_t gpa = 0;
	struct acpi_madt *madt = reserve(builder, bytes, &gpa);
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
	memcpy(ioapic + 1, overrides, sizeof(overrides));
	nmi = (void *)((uint8_t *)(ioapic + 1) + sizeof(overrides));
	*nmi = (struct madt_lapic_nmi){
		.type = MADT_LAPIC_NMI,
		.length = sizeof(*nmi),
		.processor_uid = 0xff,
		.lint = 1,
	};
	finish(&madt->header, "APIC", 3, bytes);
	return gpa;
}

static void finish_rsdp(struct acpi_rsdp *rsdp, uint64_t rsdt, uint64_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "MYHV  ", 6);
	rsdp->revision = 2;
	rsdp->rsdt = rsdt;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	rsdp->checksum = checksum(rsdp, 20);
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

int acpi_build(const struct guest_ram *ram, const struct acpi_config *config, uint64_t *rsdp_gpa,
	       struct error *err)
{
	struct builder builder = {
		.data = guest_ram_ptr(ram, ACPI_TABLES_GPA, ACPI_TABLES_BYTES),
		.capacity = ACPI_TABLES_BYTES,
	};
	struct {
		struct acpi_header header;
		uint32_t tables[2];
	} __attribute__((packed)) * rsdt;
	struct {
		struct acpi_header header;
		uint64_t tables[2];
	} __attribute__((packed)) * xsdt;
	struct acpi_rsdp *rsdp;
	uint64_t rsdt_gpa = 0, xsdt_gpa = 0, facs, dsdt, fadt, madt;

	if (!builder.data)
		return error_set(err, "too little memory for the ACPI tables; give more with -m");

	rsdp = reserve(&builder, sizeof(*rsdp), rsdp_gpa);
	rsdt = reserve(&builder, sizeof(*rsdt), &rsdt_gpa);
	xsdt = reserve(&builder, sizeof(*xsdt), &xsdt_gpa);
	facs = add_facs(&builder);
	dsdt = add_dsdt(&builder, config);
	fadt = add_fadt(&builder, config, facs, dsdt);
	madt = add_madt(&builder, config);
	if (builder.failed)
		return error_set(err, "the ACPI tables do not fit into their place");

	rsdt->tables[0] = fadt;
	rsdt->tables[1] = madt;
	finish(&rsdt->header, "RSDT", 1, sizeof(*rsdt));
	xsdt->tables[0] = fadt;
	xsdt->tables[1] = madt;
	finish(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
	finish_rsdp(rsdp, rsdt_gpa, xsdt_gpa);
	return 0;
}
