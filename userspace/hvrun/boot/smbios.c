// SPDX-License-Identifier: GPL-2.0-or-later
/* SMBIOS tables: see smbios.h. */
#include <string.h>

#include "boot/smbios.h"
#include "version.h"

#define MIB (1ULL << 20)
#define KIB 1024
#define DATE "04/01/2014" /* of the interface; SeaBIOS says the same */
#define UNKNOWN 2
#define OTHER 1

/* struct head - begins each structure; strings follow its fixed part */
struct head {
	uint8_t type;
	uint8_t length;
	uint16_t handle;
} __attribute__((packed));

struct bios_info {
	struct head head;
	uint8_t vendor, version;
	uint16_t segment;
	uint8_t date, rom_size;
	uint64_t characteristics;
	uint8_t extension[2];
	uint8_t release[4];
} __attribute__((packed));

struct system_info {
	struct head head;
	uint8_t manufacturer, product, version, serial;
	uint8_t uuid[16];
	uint8_t wake_up, sku, family;
} __attribute__((packed));

struct chassis_info {
	struct head head;
	uint8_t manufacturer, kind, version, serial, tag;
	uint8_t boot_state, power_state, thermal_state, security;
	uint32_t oem;
	uint8_t height, cords, elements, element_bytes;
} __attribute__((packed));

struct processor_info {
	struct head head;
	uint8_t socket, type, family, manufacturer;
	uint64_t id;
	uint8_t version, voltage;
	uint16_t clock, max_mhz, mhz;
	uint8_t status, upgrade;
	uint16_t cache[3];
	uint8_t serial, tag, part, cores, enabled, threads;
	uint16_t characteristics, family2;
} __attribute__((packed));

struct memory_array {
	struct head head;
	uint8_t location, use, correction;
	uint32_t kib;
	uint16_t error_handle, devices;
	uint64_t bytes;
} __attribute__((packed));

struct memory_device {
	struct head head;
	uint16_t array, error_handle, total_width, data_width, mib;
	uint8_t form, set, locator, bank, type;
	uint16_t detail, speed;
	uint8_t manufacturer, serial, tag, part, attributes;
	uint32_t extended_mib;
	uint16_t configured_speed;
} __attribute__((packed));

struct memory_range {
	struct head head;
	uint32_t first_kib, last_kib;
	uint16_t array;
	uint8_t width;
	uint64_t first, last;
} __attribute__((packed));

struct boot_info {
	struct head head;
	uint8_t reserved[6], status;
} __attribute__((packed));

#define HANDLE(type, n) ((type) << 8 | (n))
#define HANDLE_NONE 0xfffe
#define ARRAY HANDLE(16, 0)
#define KIB_TOO_BIG 0x80000000U
#define MIB_TOO_BIG 0x7fff
#define VIRTUAL_MACHINE 0x10 /* in the second extension byte of the BIOS structure, bit 4 */

/* Append a structure; @strings end with an empty one, each has its own NUL. */
static void add(struct smbios *smbios, void *structure, uint8_t type, uint16_t handle,
		uint32_t bytes, const char *const *strings)
{
	struct head *head = structure;
	uint8_t *start = smbios->data + smbios->bytes, *to = start;

	*head = (struct head){ .type = type, .length = bytes, .handle = handle };
	memcpy(to, structure, bytes);
	to += bytes;
	for (unsigned int i = 0; strings && strings[i]; i++) {
		size_t length = strlen(strings[i]) + 1;

		memcpy(to, strings[i], length);
		to += length;
	}
	/* two zero bytes end a structure without strings, one more a list of them */
	if (!strings)
		*to++ = 0;
	*to++ = 0;

	smbios->bytes += to - start;
	smbios->count++;
	if (to - start > smbios->largest)
		smbios->largest = to - start;
}

static void add_bios(struct smbios *smbios, const char *firmware)
{
	const char *const strings[] = { firmware, HVRUN_VERSION, DATE, NULL };
	struct bios_info info = {
		.vendor = 1,
		.version = 2,
		.date = 3,
		.segment = 0xe800,
		.characteristics = 1 << 3, /* none are told */
		.extension = { 0, VIRTUAL_MACHINE },
		.release = { 0, 0, 0xff, 0xff },
	};

	add(smbios, &info, 0, HANDLE(0, 0), sizeof(info), strings);
}

/* The first three fields of a UUID are stored as little-endian numbers. */
static void add_system(struct smbios *smbios, const uint8_t uuid[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	const char *const strings[] = { "myhv", "Standard PC (i440FX + PIIX)", "hvrun", NULL };
	struct system_info info = {
		.manufacturer = 1, .product = 2, .version = 3, .wake_up = 6, /* power switch */
	};

	for (unsigned int i = 0; i < 16 && uuid; i++)
		info.uuid[i] = uuid[order[i]];
	add(smbios, &info, 1, HANDLE(1, 0), sizeof(info), strings);
}

static void add_chassis(struct smbios *smbios)
{
	const char *const strings[] = { "myhv", NULL };
	struct chassis_info info = {
		.manufacturer = 1,
		.kind = OTHER,
		.boot_state = 3, /* safe */
		.power_state = 3,
		.thermal_state = 3,
		.security = UNKNOWN,
	};

	add(smbios, &info, 3, HANDLE(3, 0), sizeof(info), strings);
}

static void add_processor(struct smbios *smbios, unsigned int cpus)
{
	const char *const strings[] = { "CPU 0", "myhv", NULL };
	struct processor_info info = {
		.socket = 1,
		.type = 3, /* central */
		.family = OTHER,
		.manufacturer = 2,
		.status = 0x41, /* there, on */
		.upgrade = OTHER,
		.cache = { 0xffff, 0xffff, 0xffff },
		.cores = cpus,
		.enabled = cpus,
		.threads = cpus,
		.characteristics = 1 << 2, /* 64 bits */
		.family2 = OTHER,
	};

	add(smbios, &info, 4, HANDLE(4, 0), sizeof(info), strings);
}

static void add_memory(struct smbios *smbios, const struct guest_ram *ram)
{
	const char *const strings[] = { "DIMM 0", "myhv", NULL };
	uint64_t kib = ram->bytes / KIB, mib = ram->bytes / MIB;
	struct memory_array array = {
		.location = OTHER,
		.use = 3,	 /* system memory */
		.correction = 3, /* none */
		.kib = kib < KIB_TOO_BIG ? kib : KIB_TOO_BIG,
		.error_handle = HANDLE_NONE,
		.devices = 1,
		.bytes = kib < KIB_TOO_BIG ? 0 : ram->bytes,
	};
	struct memory_device device = {
		.array = ARRAY,
		.error_handle = HANDLE_NONE,
		.total_width = 0xffff,
		.data_width = 0xffff,
		.mib = mib < MIB_TOO_BIG ? mib : MIB_TOO_BIG,
		.form = 9, /* DIMM */
		.locator = 1,
		.type = 7,   /* RAM */
		.detail = 2, /* other */
		.manufacturer = 2,
		.extended_mib = mib < MIB_TOO_BIG ? 0 : mib,
	};

	add(smbios, &array, 16, ARRAY, sizeof(array), NULL);
	add(smbios, &device, 17, HANDLE(17, 0), sizeof(device), strings);
}

static void add_range(struct smbios *smbios, unsigned int number, uint64_t first, uint64_t bytes)
{
	uint64_t last = first + bytes - 1;
	bool wide = last / KIB >= UINT32_MAX;
	struct memory_range range = {
		.first_kib = wide ? UINT32_MAX : first / KIB,
		.last_kib = wide ? UINT32_MAX : last / KIB,
		.array = ARRAY,
		.width = 1,
		.first = wide ? first : 0,
		.last = wide ? last : 0,
	};

	add(smbios, &range, 19, HANDLE(19, number), sizeof(range), NULL);
}

static uint8_t checksum(const void *data, size_t bytes)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *byte++;
	return -sum;
}

static void finish(struct smbios *smbios, uint64_t table_gpa)
{
	struct smbios_anchor *anchor = &smbios->anchor;

	*anchor = (struct smbios_anchor){
		.length = sizeof(*anchor),
		.major = 2,
		.minor = 8,
		.largest = smbios->largest,
		.table_bytes = smbios->bytes,
		.table_gpa = table_gpa,
		.count = smbios->count,
		.bcd_revision = 0x28,
	};
	memcpy(anchor->signature, "_SM_", 4);
	memcpy(anchor->dmi_signature, "_DMI_", 5);
	anchor->dmi_checksum = checksum(anchor->dmi_signature, 15);
	anchor->checksum = checksum(anchor, sizeof(*anchor));
}

void smbios_make(struct smbios *smbios, const struct guest_ram *ram, unsigned int cpus,
		 const uint8_t uuid[16], const char *firmware)
{
	struct boot_info boot = { .status = 0 };
	struct head end;

	memset(smbios, 0, sizeof(*smbios));
	add_bios(smbios, firmware);
	add_system(smbios, uuid);
	add_chassis(smbios);
	add_processor(smbios, cpus);
	add_memory(smbios, ram);
	add_range(smbios, 0, 0, ram->low_bytes);
	if (ram->high_bytes)
		add_range(smbios, 1, GUEST_RAM_HIGH, ram->high_bytes);
	add(smbios, &boot, 32, HANDLE(32, 0), sizeof(boot), NULL);
	add(smbios, &end, 127, HANDLE(127, 0), sizeof(end), NULL);
	finish(smbios, 0);
}

void smbios_place(struct smbios *smbios, const struct guest_ram *ram)
{
	const uint64_t table_gpa = SMBIOS_GPA + 32;

	finish(smbios, table_gpa);
	memcpy(guest_ram_ptr(ram, SMBIOS_GPA, sizeof(smbios->anchor)), &smbios->anchor,
	       sizeof(smbios->anchor));
	memcpy(guest_ram_ptr(ram, table_gpa, smbios->bytes), smbios->data, smbios->bytes);
}
