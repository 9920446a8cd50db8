// SPDX-License-Identifier: GPL-2.0-or-later
/* Puts a checked bzImage, its ramdisk and its boot parameters into guest memory. */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/linux.h"

#define ENTRY_64BIT 0x200
#define LOADER_UNDEFINED 0xff
#define PAGE ((uint64_t)4096)
#define MIB ((uint64_t)1 << 20)
#define E820_RAM 1
#define E820_RESERVED 2
#define SEED_BYTES 32
#define VIDEO_MODE_NORMAL 0xffff

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static const struct setup_header *header_of(const struct linux_image *image)
{
	return (const void *)image->header;
}

/* Straight from the file into guest memory: no copy in between. */
static int read_into(int fd, uint64_t offset, uint8_t *to, uint64_t bytes, const char *path,
		     struct error *err)
{
	while (bytes) {
		ssize_t got = pread(fd, to, bytes, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, "cannot read '%s': %s", path, strerror(errno));
		if (got == 0)
			return error_set(err, "'%s' has become shorter while it was read", path);
		to += got;
		offset += got;
		bytes -= got;
	}
	return 0;
}

/*
 * What the kernel occupies until it has a memory map of its own: init_size from
 * where it unpacks itself, and that is where it is loaded, or would be.
 */
static uint64_t kernel_end(const struct linux_image *image, uint64_t load_gpa)
{
	uint64_t bytes = image->kernel_bytes;

	if (header_of(image)->init_size > bytes)
		bytes = header_of(image)->init_size;
	return round_up(load_gpa + bytes, PAGE);
}

static int load_kernel(const struct linux_image *image, const struct guest_ram *ram,
		       uint64_t *load_gpa, struct error *err)
{
	const struct setup_header *header = header_of(image);
	uint64_t gpa = header->pref_address >= LINUX_HIGH_RAM_START ? header->pref_address :
								      LINUX_HIGH_RAM_START;
	uint64_t end;
	uint8_t *to;

	if (gpa >= GUEST_RAM_HOLE || gpa % PAGE)
		return error_set(err, "-kernel: '%s' wants to be loaded at an impossible address",
				 image->kernel_path);
	end = kernel_end(image, gpa);
	if (end > ram->low_bytes)
		return error_set(err,
				 "too little memory: '%s' needs at least %" PRIu64
				 " MiB; give more with -m",
				 image->kernel_path, round_up(end, MIB) / MIB + 8);

	to = guest_ram_ptr(ram, gpa, image->kernel_bytes);
	*load_gpa = gpa;
	return read_into(image->kernel_fd, image->setup_bytes, to, image->kernel_bytes,
			 image->kernel_path, err);
}

/* As high as the kernel allows and memory below 4 GiB reaches. */
static int load_initrd(const struct linux_image *image, const struct guest_ram *ram,
		       uint64_t load_gpa, struct setup_header *header, struct error *err)
{
	uint64_t floor = kernel_end(image, load_gpa);
	uint64_t limit = (uint64_t)header_of(image)->initrd_addr_max + 1;
	uint64_t bytes = image->initrd_bytes;
	uint64_t gpa;

	if (limit > ram->low_bytes)
		limit = ram->low_bytes;
	if (floor > limit || bytes > limit - floor)
		return error_set(err,
				 "-initrd: '%s' (%" PRIu64 " MiB) does not fit beside the kernel; "
				 "give more than %" PRIu64 " MiB with -m",
				 image->initrd_path, round_up(bytes, MIB) / MIB, ram->bytes / MIB);
	gpa = (limit - bytes) & ~(PAGE - 1);
	if (gpa < floor)
		gpa = floor;
	header->ramdisk_image = gpa;
	header->ramdisk_size = bytes;
	return read_into(image->initrd_fd, 0, guest_ram_ptr(ram, gpa, bytes), bytes,
			 image->initrd_path, err);
}

static int load_cmdline(const struct linux_image *image, const struct guest_ram *ram,
			const char *cmdline, struct setup_header *header, struct error *err)
{
	uint64_t length = strlen(cmdline);
	uint64_t most = header_of(image)->cmdline_size;

	if (most > LINUX_CMDLINE_MAX - 1)
		most = LINUX_CMDLINE_MAX - 1;
	if (length > most)
		return error_set(err,
				 "-append: the command line has %" PRIu64
				 " characters, this kernel takes %" PRIu64,
				 length, most);
	memcpy(guest_ram_ptr(ram, LINUX_CMDLINE_GPA, length + 1), cmdline, length + 1);
	header->cmd_line_ptr = LINUX_CMDLINE_GPA;
	return 0;
}

static void e820_add(struct boot_params *params, uint64_t addr, uint64_t size, uint32_t type)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){ addr, size, type };
}

static void fill_e820(struct boot_params *params, const struct guest_ram *ram)
{
	e820_add(params, 0, LINUX_LOW_RAM_END, E820_RAM);
	e820_add(params, LINUX_LOW_RAM_END, 0xa0000 - LINUX_LOW_RAM_END, E820_RESERVED);
	e820_add(params, ACPI_TABLES_GPA, ACPI_TABLES_BYTES, E820_RESERVED);
	e820_add(params, LINUX_HIGH_RAM_START, ram->low_bytes - LINUX_HIGH_RAM_START, E820_RAM);
	if (ram->high_bytes)
		e820_add(params, GUEST_RAM_HIGH, ram->high_bytes, E820_RAM);
}

/* A seed for the guest's random numbers, so that nothing in it waits for entropy. */
static void add_seed(const struct guest_ram *ram, struct setup_header *header)
{
	struct setup_data *data =
		guest_ram_ptr(ram, LINUX_SETUP_DATA_GPA, sizeof(*data) + SEED_BYTES);

	data->next = 0;
	data->type = SETUP_RNG_SEED;
	data->len = SEED_BYTES;
	if (getrandom(data->data, SEED_BYTES, 0) == SEED_BYTES)
		header->setup_data = LINUX_SETUP_DATA_GPA;
}

int linux_load(const struct linux_image *image, const struct guest_ram *ram, const char *cmdline,
	       uint64_t rsdp_gpa, struct linux_entry *entry, struct error *err)
{
	struct boot_params *params;
	uint64_t load_gpa = 0;

	/* before anything else: it also proves that the low memory used below exists */
	if (load_kernel(image, ram, &load_gpa, err) < 0)
		return -1;

	params = guest_ram_ptr(ram, LINUX_BOOT_PARAMS_GPA, sizeof(*params));
	memset(params, 0, sizeof(*params));
	memcpy(&params->hdr, image->header, image->header_bytes);
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.vid_mode = VIDEO_MODE_NORMAL;
	params->hdr.code32_start = load_gpa;
	params->acpi_rsdp_addr = rsdp_gpa;
	fill_e820(params, ram);
	add_seed(ram, &params->hdr);
	if (load_cmdline(image, ram, cmdline, &params->hdr, err) < 0)
		return -1;
	if (image->initrd_fd >= 0 && load_initrd(image, ram, load_gpa, &params->hdr, err) < 0)
		return -1;

	entry->rip = load_gpa + ENTRY_64BIT;
	entry->boot_params_gpa = LINUX_BOOT_PARAMS_GPA;
	return 0;
}
