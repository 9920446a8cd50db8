// SPDX-License-Identifier: GPL-2.0-or-later
/* hvrun's firmware replacement: guest memory, the bzImage loader, AML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/bootparam.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/aml.h"
#include "boot/linux.h"
#include "boot/long_mode.h"

#define MIB (1ULL << 20)
#define SETUP_SECTORS 3
#define KERNEL_BYTES 20000
#define KERNEL_GPA (16 * MIB)

static struct guest_ram ram;
static struct error err;
static char directory[64];
static char kernel_path[96], initrd_path[96];

/* ---- a bzImage of our own ---- */

static struct setup_header good_header(void)
{
	return (struct setup_header){
		.setup_sects = SETUP_SECTORS,
		.syssize = KERNEL_BYTES / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb, /* the header ends at 0x202 + 0x6a */
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.xloadflags = XLF_KERNEL_64,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 2 * MIB,
		.relocatable_kernel = 1,
		.cmdline_size = 2047,
		.pref_address = KERNEL_GPA,
		.init_size = 8 * MIB,
	};
}

static void write_file(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	if (bytes)
		assert_int_equal(fwrite(data, bytes, 1, file), 1);
	fclose(file);
}

static void write_kernel(const struct setup_header *header, size_t kernel_bytes)
{
	size_t setup_bytes = (1 + SETUP_SECTORS) * 512;
	uint8_t *image = calloc(1, setup_bytes + kernel_bytes);

	memcpy(image + 0x1f1, header, sizeof(*header));
	for (size_t i = 0; i < kernel_bytes; i++)
		image[setup_bytes + i] = i * 7;
	write_file(kernel_path, image, setup_bytes + kernel_bytes);
	free(image);
}

static int setup_files(void **state)
{
	strcpy(directory, "/tmp/test_us_boot.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(kernel_path, sizeof(kernel_path), "%s/kernel", directory);
	snprintf(initrd_path, sizeof(initrd_path), "%s/initrd", directory);
	return guest_ram_create(&ram, 64 * MIB, &err);
}

static int teardown_files(void **state)
{
	guest_ram_destroy(&ram);
	unlink(kernel_path);
	unlink(initrd_path);
	return rmdir(directory);
}

static void assert_open_fails(const char *why)
{
	struct linux_image image;

	err.text[0] = 0;
	assert_int_equal(linux_open(&image, kernel_path, NULL, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" instead of \"%s\"", err.text, why);
	assert_int_equal(image.kernel_fd, -1);
}

/* ---- guest memory ---- */

static void test_ram_ranges(void **state)
{
	assert_non_null(guest_ram_ptr(&ram, 0, 64 * MIB));
	assert_null(guest_ram_ptr(&ram, 0, 64 * MIB + 1));
	assert_non_null(guest_ram_ptr(&ram, 64 * MIB - 1, 1));
	assert_null(guest_ram_ptr(&ram, 64 * MIB - 1, 2));
	assert_null(guest_ram_ptr(&ram, 64 * MIB, 1));
	assert_null(guest_ram_ptr(&ram, UINT64_MAX, 2));
	assert_null(guest_ram_ptr(&ram, 1, UINT64_MAX));
	assert_int_equal((uintptr_t)ram.host % (2 * MIB), 0);
}

static void test_ram_above_the_hole(void **state)
{
	struct guest_ram big;

	assert_int_equal(guest_ram_create(&big, 5ULL << 30, &err), 0);
	assert_true(big.low_bytes == 3ULL << 30);
	assert_true(big.high_bytes == 2ULL << 30);
	assert_null(guest_ram_ptr(&big, 3ULL << 30, 1));
	assert_null(guest_ram_ptr(&big, (3ULL << 30) - 1, 2));
	assert_null(guest_ram_ptr(&big, (4ULL << 30) - 1, 1));
	assert_ptr_equal(guest_ram_ptr(&big, 4ULL << 30, 1), big.host + (3ULL << 30));
	assert_non_null(guest_ram_ptr(&big, 4ULL << 30, 2ULL << 30));
	assert_null(guest_ram_ptr(&big, 4ULL << 30, (2ULL << 30) + 1));
	assert_null(guest_ram_ptr(&big, 6ULL << 30, 1));
	guest_ram_destroy(&big);
}

/* ---- the loader ---- */

static void test_loads(void **state)
{
	struct setup_header header = good_header();
	struct linux_entry entry;
	struct linux_image image;
	const struct boot_params *params;
	const uint8_t *loaded;
	uint8_t initrd[5000];

	memset(initrd, 0x5c, sizeof(initrd));
	write_kernel(&header, KERNEL_BYTES);
	write_file(initrd_path, initrd, sizeof(initrd));
	assert_int_equal(linux_open(&image, kernel_path, initrd_path, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "console=ttyS0", 0xf0000, &entry, &err), 0);

	assert_true(entry.rip == KERNEL_GPA + 0x200);
	loaded = guest_ram_ptr(&ram, KERNEL_GPA, KERNEL_BYTES);
	for (size_t i = 0; i < KERNEL_BYTES; i++)
		assert_int_equal(loaded[i], (uint8_t)(i * 7));

	params = guest_ram_ptr(&ram, entry.boot_params_gpa, sizeof(*params));
	assert_int_equal(params->sentinel, 0);
	assert_int_equal(params->hdr.type_of_loader, 0xff);
	assert_int_equal(params->hdr.version, 0x020f);
	assert_true(params->acpi_rsdp_addr == 0xf0000);
	assert_string_equal(guest_ram_ptr(&ram, params->hdr.cmd_line_ptr, 14), "console=ttyS0");

	/* the ramdisk: at the end of memory, on a page, whole */
	assert_int_equal(params->hdr.ramdisk_size, sizeof(initrd));
	assert_int_equal(params->hdr.ramdisk_image, 64 * MIB - 8192);
	assert_memory_equal(guest_ram_ptr(&ram, params->hdr.ramdisk_image, sizeof(initrd)), initrd,
			    sizeof(initrd));

	/* the memory map covers low and high memory and leaves the BIOS area out */
	assert_int_equal(params->e820_entries, 4);
	assert_true(params->e820_table[0].addr == 0);
	assert_true(params->e820_table[0].size == 0x9fc00);
	assert_int_equal(params->e820_table[0].type, 1);
	assert_true(params->e820_table[2].addr == 0xf0000);
	assert_int_equal(params->e820_table[2].type, 2);
	assert_true(params->e820_table[3].addr == MIB);
	assert_true(params->e820_table[3].size == 63 * MIB);

	/* again, as after a reset */
	memset(ram.host, 0xee, 32 * MIB);
	assert_int_equal(linux_load(&image, &ram, "", 0xf0000, &entry, &err), 0);
	assert_int_equal(params->e820_entries, 4);
	assert_string_equal(guest_ram_ptr(&ram, params->hdr.cmd_line_ptr, 1), "");
	linux_close(&image);
}

static void test_initrd_limits(void **state)
{
	struct setup_header header = good_header();
	struct linux_entry entry;
	struct linux_image image;
	const struct boot_params *params;
	int fd;

	/* the kernel reaches up to 24 MiB: 40 MiB fit, one byte more does not */
	write_kernel(&header, KERNEL_BYTES);
	fd = open(initrd_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(ftruncate(fd, 40 * MIB), 0);
	assert_int_equal(linux_open(&image, kernel_path, initrd_path, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), 0);
	params = guest_ram_ptr(&ram, entry.boot_params_gpa, sizeof(*params));
	assert_int_equal(params->hdr.ramdisk_image, 24 * MIB);
	linux_close(&image);

	assert_int_equal(ftruncate(fd, 40 * MIB + 1), 0);
	assert_int_equal(linux_open(&image, kernel_path, initrd_path, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), -1);
	assert_non_null(strstr(err.text, "does not fit"));
	assert_non_null(strstr(err.text, "-m"));
	linux_close(&image);

	/* the kernel's own limit */
	header.initrd_addr_max = 32 * MIB - 1;
	write_kernel(&header, KERNEL_BYTES);
	assert_int_equal(ftruncate(fd, MIB), 0);
	assert_int_equal(linux_open(&image, kernel_path, initrd_path, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), 0);
	assert_int_equal(params->hdr.ramdisk_image, 31 * MIB);
	/* shrinks while it is read */
	assert_int_equal(ftruncate(fd, MIB / 2), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), -1);
	assert_non_null(strstr(err.text, "shorter"));
	linux_close(&image);

	header.initrd_addr_max = MIB;
	write_kernel(&header, KERNEL_BYTES);
	assert_int_equal(linux_open(&image, kernel_path, initrd_path, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), -1);
	linux_close(&image);
	close(fd);
}

static void test_cmdline_limit(void **state)
{
	struct setup_header header = good_header();
	struct linux_entry entry;
	struct linux_image image;
	char cmdline[102];

	header.cmdline_size = 100;
	write_kernel(&header, KERNEL_BYTES);
	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[100] = 0;
	assert_int_equal(linux_open(&image, kernel_path, NULL, &err), 0);
	assert_int_equal(linux_load(&image, &ram, cmdline, 0, &entry, &err), 0);
	cmdline[100] = 'x';
	cmdline[101] = 0;
	assert_int_equal(linux_load(&image, &ram, cmdline, 0, &entry, &err), -1);
	assert_non_null(strstr(err.text, "-append"));
	linux_close(&image);
}

static void test_too_little_memory(void **state)
{
	struct setup_header header = good_header();
	struct guest_ram small;
	struct linux_entry entry;
	struct linux_image image;

	write_kernel(&header, KERNEL_BYTES);
	assert_int_equal(linux_open(&image, kernel_path, NULL, &err), 0);
	assert_int_equal(guest_ram_create(&small, 24 * MIB - 4096, &err), 0);
	assert_int_equal(linux_load(&image, &small, "", 0, &entry, &err), -1);
	assert_non_null(strstr(err.text, "too little memory"));
	guest_ram_destroy(&small);
	assert_int_equal(guest_ram_create(&small, 24 * MIB, &err), 0);
	assert_int_equal(linux_load(&image, &small, "", 0, &entry, &err), 0);
	guest_ram_destroy(&small);
	assert_int_equal(guest_ram_create(&small, 64 << 10, &err), 0);
	assert_int_equal(linux_load(&image, &small, "", 0, &entry, &err), -1);
	guest_ram_destroy(&small);
	linux_close(&image);
}

static void test_files_that_are_no_kernel(void **state)
{
	uint8_t noise[4096];
	struct linux_image image;

	assert_open_fails("cannot open");
	mkdir(kernel_path, 0700);
	assert_open_fails("is a directory");
	rmdir(kernel_path);
	mkfifo(kernel_path, 0600);
	assert_open_fails("not a regular file");
	unlink(kernel_path);
	write_file(kernel_path, NULL, 0);
	assert_open_fails("not a Linux bzImage");
	write_file(kernel_path, "MZ", 2);
	assert_open_fails("not a Linux bzImage");
	memset(noise, 0, sizeof(noise));
	write_file(kernel_path, noise, sizeof(noise));
	assert_open_fails("no boot header");

	/* random bytes, with and without the right magic: refused or at least harmless */
	srandom(1);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = random();
		if (round % 2) {
			memcpy(noise + 0x1fe, "\x55\xaa", 2);
			memcpy(noise + 0x202, "HdrS\x0f\x02", 6);
		}
		if (round % 4 == 3) {
			noise[0x1f1] = random() % 8;
			noise[0x211] |= LOADED_HIGH;
			noise[0x236] |= XLF_KERNEL_64;
			memset(noise + 0x1f4, 0, 4);
		}
		write_file(kernel_path, noise, sizeof(noise));
		if (linux_open(&image, kernel_path, NULL, &err) == 0) {
			struct linux_entry entry;

			linux_load(&image, &ram, "", 0, &entry, &err);
			linux_close(&image);
		}
	}
}

static void test_damaged_kernels(void **state)
{
	struct setup_header header = good_header();

	write_kernel(&header, KERNEL_BYTES - 1);
	assert_open_fails("truncated: 1 bytes");
	header.setup_sects = 255;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("truncated");
	header = good_header();
	header.syssize = UINT32_MAX;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("truncated");
	header = good_header();
	header.boot_flag = 0;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("no boot header");
	header = good_header();
	header.header = 0;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("no boot header");
	header = good_header();
	header.version = 0x020b;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("64-bit");
	header = good_header();
	header.xloadflags = 0;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("64-bit");
	header = good_header();
	header.loadflags = 0;
	write_kernel(&header, KERNEL_BYTES);
	assert_open_fails("zImage");
}

static void test_impossible_addresses(void **state)
{
	static const uint64_t addresses[] = { 3ULL << 30, UINT64_MAX, KERNEL_GPA + 1, 1ULL << 40 };
	struct setup_header header = good_header();
	struct linux_entry entry;
	struct linux_image image;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		header.pref_address = addresses[i];
		write_kernel(&header, KERNEL_BYTES);
		assert_int_equal(linux_open(&image, kernel_path, NULL, &err), 0);
		assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), -1);
		assert_non_null(strstr(err.text, "impossible address"));
		linux_close(&image);
	}
	header.pref_address = KERNEL_GPA;
	header.init_size = UINT32_MAX;
	write_kernel(&header, KERNEL_BYTES);
	assert_int_equal(linux_open(&image, kernel_path, NULL, &err), 0);
	assert_int_equal(linux_load(&image, &ram, "", 0, &entry, &err), -1);
	assert_non_null(strstr(err.text, "too little memory"));
	linux_close(&image);
}

static void test_initrd_files(void **state)
{
	struct setup_header header = good_header();
	struct linux_image image;

	write_kernel(&header, KERNEL_BYTES);
	assert_int_equal(linux_open(&image, kernel_path, "/nonexistent", &err), -1);
	assert_non_null(strstr(err.text, "-initrd: cannot open '/nonexistent'"));
	assert_int_equal(linux_open(&image, kernel_path, directory, &err), -1);
	assert_non_null(strstr(err.text, "is a directory"));
}

/* ---- the state at the entry ---- */

static void test_long_mode(void **state)
{
	const struct linux_entry entry = { .rip = 0x1000200, .boot_params_gpa = 0x7000 };
	struct myhv_vcpu_state *cpu = calloc(1, sizeof(*cpu));
	const uint64_t *table;

	long_mode_prepare(&ram);
	cpu->control.apic_base = 0xfee00900;
	cpu->control.xcr0 = 1;
	long_mode_enter(cpu, &entry);
	assert_true(cpu->general.rip == 0x1000200);
	assert_true(cpu->general.gpr[MYHV_RSI] == 0x7000);
	assert_true(cpu->general.rflags == 2);
	assert_true(cpu->control.cr0 == 0x80000031);
	assert_true(cpu->control.cr4 == 0x20);
	assert_true(cpu->control.efer == 0x500);
	assert_true(cpu->control.apic_base == 0xfee00900);
	assert_true(cpu->control.xcr0 == 1);
	assert_int_equal(cpu->segments.seg[MYHV_SEG_CS].selector, 0x10);
	assert_int_equal(cpu->segments.seg[MYHV_SEG_CS].attrib, 0xa9b);
	assert_int_equal(cpu->segments.seg[MYHV_SEG_SS].selector, 0x18);
	assert_int_equal(cpu->segments.seg[MYHV_SEG_SS].attrib, 0xc93);
	assert_int_equal(cpu->segments.seg[MYHV_SEG_TR].attrib, 0x8b);

	/* every address below 4 GiB maps to itself */
	table = guest_ram_ptr(&ram, cpu->control.cr3, 4096);
	assert_int_equal(table[0] & 0xfff, 3);
	table = guest_ram_ptr(&ram, table[0] & ~0xfffULL, 4096);
	for (int i = 0; i < 4; i++) {
		const uint64_t *directory_page = guest_ram_ptr(&ram, table[i] & ~0xfffULL, 4096);

		for (int j = 0; j < 512; j++)
			assert_true(directory_page[j] == ((i * 512ULL + j) << 21 | 0x83));
	}
	assert_true(table[4] == 0);
	free(cpu);
}

/* ---- AML ---- */

static void test_aml_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x10, 0x0d, '\\', '_', 'S', 'B', '_', /* Scope: 13 bytes with the length */
		0x5b, 0x82, 0x05, 'C', 'O', 'M', '1', /* Device: 5 */
	};
	uint8_t data[64];
	struct aml aml;

	aml_init(&aml, data, sizeof(data));
	aml_scope_begin(&aml, "\\_SB");
	aml_device_begin(&aml, "COM1");
	aml_end(&aml);
	aml_end(&aml);
	assert_false(aml.overflow);
	assert_int_equal(aml.bytes, sizeof(expected));
	assert_memory_equal(data, expected, sizeof(expected));

	aml_init(&aml, data, sizeof(data));
	aml_eisa_id(&aml, "PNP0501");
	assert_memory_equal(data, "\x0c\x41\xd0\x05\x01", 5);

	aml_init(&aml, data, sizeof(data));
	aml_integer(&aml, 0);
	aml_integer(&aml, 1);
	aml_integer(&aml, 0xff);
	aml_integer(&aml, 0x1234);
	aml_integer(&aml, 0x12345678);
	aml_integer(&aml, 0x123456789a);
	assert_int_equal(aml.bytes, 1 + 1 + 2 + 3 + 5 + 9);
	assert_memory_equal(data, "\x00\x01\x0a\xff\x0b\x34\x12\x0c\x78\x56\x34\x12\x0e\x9a", 14);
}

static void test_aml_lengths(void **state)
{
	static uint8_t data[8192];
	static char text[5000];
	struct aml aml;

	/* contents of 62, 63: the length needs one byte, then two */
	memset(text, 'x', 56);
	aml_init(&aml, data, sizeof(data));
	aml_scope_begin(&aml, "ABCD");
	aml_string(&aml, text); /* prefix + 56 + NUL */
	aml_end(&aml);
	assert_int_equal(data[1], 63);
	text[56] = 'x';
	aml_init(&aml, data, sizeof(data));
	aml_scope_begin(&aml, "ABCD");
	aml_string(&aml, text);
	aml_end(&aml);
	assert_int_equal(data[1], 1 << 6 | (65 & 15));
	assert_int_equal(data[2], 65 >> 4);
	memset(text, 'x', sizeof(text) - 1);
	aml_init(&aml, data, sizeof(data));
	aml_scope_begin(&aml, "ABCD");
	aml_string(&aml, text);
	aml_end(&aml);
	/* 3 of length, 4 of name, 1, 4999, 1 */
	assert_int_equal(data[1], 2 << 6 | (5008 & 15));
	assert_int_equal(data[2], (5008 >> 4) & 0xff);
	assert_int_equal(data[3], 5008 >> 12);
}

static void test_aml_misuse(void **state)
{
	uint8_t data[8];
	struct aml aml;

	aml_init(&aml, data, sizeof(data));
	aml_string(&aml, "too long for it");
	assert_true(aml.overflow);
	aml_init(&aml, data, sizeof(data));
	aml_end(&aml);
	assert_true(aml.overflow);
	aml_init(&aml, data, sizeof(data));
	aml_name(&aml, "TOOLONG");
	assert_true(aml.overflow);
	aml_init(&aml, data, sizeof(data));
	for (int i = 0; i <= AML_DEPTH; i++)
		aml_scope_begin(&aml, "");
	assert_true(aml.overflow);
}

#define FILES(name) cmocka_unit_test_setup_teardown(name, setup_files, teardown_files)

static void test_aml_windows(void **state)
{
	static const uint8_t bus[] = { 0x88, 13, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1 };
	static const uint8_t memory[] = { 0x87, 23,   0,    0,	  0x0c, 1, 0, 0, 0, 0, 0, 0, 0x0a,
					  0,	0xff, 0xff, 0x0b, 0,	0, 0, 0, 0, 0, 0, 2, 0 };
	uint8_t data[128];
	struct aml aml;

	aml_init(&aml, data, sizeof(data));
	aml_bus_window(&aml, 0, 255);
	assert_int_equal(aml.bytes, sizeof(bus));
	assert_memory_equal(data, bus, sizeof(bus));
	aml_init(&aml, data, sizeof(data));
	aml_memory_window(&aml, 0xa0000, 0xbffff);
	assert_int_equal(aml.bytes, sizeof(memory));
	assert_memory_equal(data, memory, sizeof(memory));
	/* what ends above 4 GiB is told in 64 bits */
	aml_init(&aml, data, sizeof(data));
	aml_memory_window(&aml, 0x100000000, 0x1ffffffff);
	assert_int_equal(data[0], 0x8a);
	assert_int_equal(aml.bytes, 46);
	assert_int_equal(data[18], 1); /* first: 1 << 32 */
	assert_int_equal(data[42], 1); /* length */
	assert_false(aml.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES(test_ram_ranges),
		FILES(test_ram_above_the_hole),
		FILES(test_loads),
		FILES(test_initrd_limits),
		FILES(test_cmdline_limit),
		FILES(test_too_little_memory),
		FILES(test_files_that_are_no_kernel),
		FILES(test_damaged_kernels),
		FILES(test_impossible_addresses),
		FILES(test_initrd_files),
		FILES(test_long_mode),
		cmocka_unit_test(test_aml_bytes),
		cmocka_unit_test(test_aml_windows),
		cmocka_unit_test(test_aml_lengths),
		cmocka_unit_test(test_aml_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
