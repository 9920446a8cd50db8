/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI table layouts. ACPI specification 6.4, chapter "ACPI Software Programming Model";
 * the FADT in its revision 3 form, which every guest reads.
 */
#ifndef HVRUN_ACPI_TABLES_H
#define HVRUN_ACPI_TABLES_H

#include <stdint.h>

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO 1
#define ACPI_ACCESS_BYTE 1
#define ACPI_ACCESS_WORD 2
#define ACPI_ACCESS_DWORD 3

struct acpi_address {
	uint8_t space;
	uint8_t bits;
	uint8_t bit_offset;
	uint8_t access;
	uint64_t address;
} __attribute__((packed));

#define FADT_BOOT_LEGACY_DEVICES 0x0001
#define FADT_BOOT_8042 0x0002
#define FADT_BOOT_NO_VGA 0x0004

#define FADT_WBINVD (1U << 0)
#define FADT_C1_SUPPORTED (1U << 2)
#define FADT_NO_SLEEP_BUTTON (1U << 5) /* not as fixed hardware */
#define FADT_NO_FIXED_RTC_WAKE (1U << 6)
#define FADT_TIMER_32BIT (1U << 8)
#define FADT_RESET_REGISTER (1U << 10)
#define FADT_NO_LATENCY_C2 101	/* more than 100: not supported */
#define FADT_NO_LATENCY_C3 1001 /* more than 1000: not supported */

struct acpi_fadt {
	struct acpi_header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t pm_profile;
	uint16_t sci_interrupt;
	uint32_t smi_command;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_request;
	uint8_t pstate_control;
	uint32_t pm1a_event;
	uint32_t pm1b_event;
	uint32_t pm1a_control;
	uint32_t pm1b_control;
	uint32_t pm2_control;
	uint32_t pm_timer;
	uint32_t gpe0;
	uint32_t gpe1;
	uint8_t pm1_event_bytes;
	uint8_t pm1_control_bytes;
	uint8_t pm2_control_bytes;
	uint8_t pm_timer_bytes;
	uint8_t gpe0_bytes;
	uint8_t gpe1_bytes;
	uint8_t gpe1_base;
	uint8_t cst_control;
	uint16_t c2_latency;
	uint16_t c3_latency;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alarm;
	uint8_t month_alarm;
	uint8_t century; /* index in the CMOS */
	uint16_t boot_flags;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset;
	uint8_t reset_value;
	uint8_t reserved2[3];
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct acpi_address x_pm1a_event;
	struct acpi_address x_pm1b_event;
	struct acpi_address x_pm1a_control;
	struct acpi_address x_pm1b_control;
	struct acpi_address x_pm2_control;
	struct acpi_address x_pm_timer;
	struct acpi_address x_gpe0;
	struct acpi_address x_gpe1;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_fadt) == 244, "a FADT of revision 3 has 244 bytes");

struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_facs) == 64, "a FACS has 64 bytes");

#define MADT_PCAT_COMPAT 1 /* there is an 8259 pair as well */

struct acpi_madt {
	struct acpi_header header;
	uint32_t lapic_gpa;
	uint32_t flags;
} __attribute__((packed));

#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_NMI 4

#define MADT_LAPIC_ENABLED 1
#define MADT_CONFORMS 0x0 /* polarity and trigger mode as ISA has them */
#define MADT_LEVEL_HIGH 0x000d

struct madt_lapic {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t gpa;
	uint32_t gsi_base;
} __attribute__((packed));

struct madt_override {
	uint8_t type;
	uint8_t length;
	uint8_t bus;
	uint8_t irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid; /* 255: all */
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

#endif /* HVRUN_ACPI_TABLES_H */
