// SPDX-License-Identifier: GPL-2.0-or-later
/* Flash chips: the command set as OVMF uses it, the file behind, and firmware images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/firmware.h"

#define BYTES (4 * PFLASH_BLOCK)
#define GPA 0xffc00000ULL

static struct pflash flash;
static struct bus mmio;
static struct error err;
static char path[64];

/* Stands before the C library's. */
static unsigned int syncs;
static int sync_error;

int fdatasync(int fd)
{
	syncs++;
	errno = sync_error;
	return sync_error ? -1 : 0;
}

static void make_file(const char *name, size_t bytes, uint8_t value)
{
	FILE *file = fopen(name, "wb");

	for (size_t i = 0; i < bytes; i++)
		fputc(value, file);
	fclose(file);
}

static uint8_t file_byte(off_t offset)
{
	int fd = open(path, O_RDONLY);
	uint8_t byte = 0;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	close(fd);
	return byte;
}

static int set_up_as(bool read_only)
{
	strcpy(path, "/tmp/test-flash-XXXXXX");
	close(mkstemp(path));
	make_file(path, BYTES, 0x5a);
	bus_init(&mmio, "mmio");
	assert_int_equal(pflash_open(&flash, path, read_only, &err), 0);
	assert_int_equal(pflash_plug(&flash, &mmio, -1, GPA, &err), 0);
	pflash_reset(&flash);
	return 0;
}

static int set_up(void **state)
{
	return set_up_as(false);
}

static int set_up_read_only(void **state)
{
	return set_up_as(true);
}

static int tear_down(void **state)
{
	pflash_close(&flash);
	bus_destroy(&mmio);
	unlink(path);
	return 0;
}

static uint8_t get(uint64_t offset)
{
	return bus_read(&mmio, GPA + offset, 1);
}

static void put(uint64_t offset, uint8_t value)
{
	bus_write(&mmio, GPA + offset, 1, value);
}

/* OVMF's question whether this is flash, RAM or ROM. */
static void test_detection(void **state)
{
	assert_int_equal(get(0), 0x5a);
	put(0, 0x50);
	assert_int_equal(get(0), 0x5a);
	put(0, 0x70);
	assert_int_equal(get(0), 0x00);
	put(0, 0xff);
	assert_int_equal(get(0), 0x5a);
	put(0, 0x90);
	assert_int_equal(get(0), 0x89);
	assert_int_equal(get(1), 0x18);
	put(0, 0x00);
	assert_int_equal(get(1), 0x5a);
	put(0, 0x33); /* no command */
	assert_int_equal(get(1), 0x5a);
}

/* What the guest is told to be written survives the host. */
static void test_is_durable(void **state)
{
	syncs = 0;
	for (int i = 0; i < 4; i++) {
		put(0x2000 + i, 0x40);
		put(0x2000 + i, 0x11);
	}
	assert_int_equal(syncs, 0);
	put(0x2000, 0xff);
	assert_int_equal(syncs, 1);
	assert_int_equal(file_byte(0x2003), 0x11);
	put(0x2000, 0xff);
	assert_int_equal(syncs, 1);

	sync_error = EIO;
	put(0x2000, 0x40);
	put(0x2000, 0x12);
	put(0x2000, 0xff);
	assert_true(flash.failed);
	sync_error = 0;
}

static void test_program_and_erase(void **state)
{
	put(0x1001, 0x20);
	put(0x1001, 0xd0);
	assert_int_equal(get(0), 0x80);
	for (int i = 0; i < 16; i++) {
		put(0x1010 + i, 0x10);
		put(0x1010 + i, i);
	}
	assert_int_equal(get(0), 0x80);
	put(0, 0xff);
	assert_int_equal(get(0x0fff), 0x5a);
	assert_int_equal(get(0x1000), 0xff);
	assert_int_equal(get(0x1011), 0x01);
	assert_int_equal(get(0x1fff), 0xff);
	assert_int_equal(get(0x2000), 0x5a);
	/* and it is in the file */
	assert_int_equal(file_byte(0x0fff), 0x5a);
	assert_int_equal(file_byte(0x1000), 0xff);
	assert_int_equal(file_byte(0x101f), 15);
	assert_int_equal(file_byte(0x2000), 0x5a);
	/* wider than a byte */
	put(0x2000, 0x40);
	bus_write(&mmio, GPA + 0x2000, 4, 0x11223344);
	put(0, 0xff);
	assert_int_equal(bus_read(&mmio, GPA + 0x2000, 4), 0x11223344);
	/* the last byte, and an access that leaves the chip */
	put(BYTES - 1, 0x10);
	bus_write(&mmio, GPA + BYTES - 1, 4, 0x11223399);
	put(0, 0xff);
	assert_int_equal(get(BYTES - 1), 0x99);
}

static void test_erase_without_confirmation(void **state)
{
	put(0, 0x20);
	put(0, 0xff);
	assert_int_equal(get(0), 0xb0);
	put(0, 0x50);
	assert_int_equal(get(0), 0x5a);
	put(0, 0x60);
	put(0, 0xd0);
	assert_int_equal(get(0), 0x80);
}

static void test_read_only(void **state)
{
	put(0, 0x10);
	put(0, 0x00);
	assert_int_equal(get(0), 0x92);
	put(0, 0x50);
	put(0, 0x20);
	put(0, 0xd0);
	assert_int_equal(get(0), 0xa2);
	put(0, 0xff);
	assert_int_equal(get(0), 0x5a);
	assert_int_equal(file_byte(0), 0x5a);
}

/* Cut off in the middle of a command, the chip shows its contents again. */
static void test_reset_and_end(void **state)
{
	put(0x10, 0x10);
	put(0x10, 0x77);
	put(0x11, 0x10);
	pflash_reset(&flash);
	assert_int_equal(get(0x10), 0x77);
	assert_int_equal(get(0x11), 0x5a);
	assert_int_equal(file_byte(0x10), 0x77);
	put(0x12, 0x10);
	put(0x12, 0x78);
	pflash_close(&flash);
	assert_int_equal(file_byte(0x12), 0x78);
	assert_int_equal(pflash_open(&flash, path, false, &err), 0);
}

static void test_random(void **state)
{
	srandom(3);
	for (int i = 0; i < 100000; i++) {
		uint64_t offset = random() % (BYTES + 8);

		if (random() % 2)
			bus_write(&mmio, GPA + offset, 1 << random() % 4, random());
		else
			bus_read(&mmio, GPA + offset, 1 << random() % 4);
	}
}

static void test_one_writer(void **state)
{
	struct pflash second;

	assert_int_equal(pflash_open(&second, path, false, &err), -1);
	assert_non_null(strstr(err.text, path));
}

static void refuse(const char *name, bool read_only, const char *why)
{
	struct pflash bad;

	assert_int_equal(pflash_open(&bad, name, read_only, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("says \"%s\", not \"%s\"", err.text, why);
	pflash_close(&bad);
}

static void test_bad_files(void **state)
{
	char other[80];

	snprintf(other, sizeof(other), "%s.other", path);
	refuse(other, false, "cannot open");
	make_file(other, 0, 0);
	refuse(other, false, "no image");
	make_file(other, PFLASH_BLOCK + 1, 0);
	refuse(other, false, "no image");
	refuse("/tmp", true, "no image");
	unlink(other);
}

/* ---- firmware ---- */

static void test_rom_images(void **state)
{
	static const struct drive_list none;
	struct firmware firmware = { NULL };
	uint64_t bytes;

	make_file(path, FIRMWARE_UNIT, 1);
	assert_int_equal(firmware_open(&firmware, path, &none, &err), 0);
	assert_non_null(firmware_low(&firmware, &bytes));
	assert_true(bytes == FIRMWARE_UNIT);
	firmware_close(&firmware);
	make_file(path, 4 * FIRMWARE_UNIT, 2);
	assert_int_equal(firmware_open(&firmware, path, &none, &err), 0);
	assert_ptr_equal(firmware_low(&firmware, &bytes), firmware.image + 2 * FIRMWARE_UNIT);
	assert_true(bytes == FIRMWARE_LOW_BYTES);
	firmware_close(&firmware);
	assert_null(firmware_low(&firmware, &bytes));
	assert_true(bytes == 0);

	make_file(path, FIRMWARE_UNIT - 1, 2);
	assert_int_equal(firmware_open(&firmware, path, &none, &err), -1);
	assert_non_null(strstr(err.text, "cut short"));
	make_file(path, 0, 2);
	assert_int_equal(firmware_open(&firmware, path, &none, &err), -1);
	assert_non_null(strstr(err.text, "empty"));
	assert_int_equal(firmware_open(&firmware, "/tmp", &none, &err), -1);
	assert_int_equal(firmware_open(&firmware, "/nothing/there", &none, &err), -1);
	assert_non_null(strstr(err.text, "seabios"));
}

static void test_flash_as_firmware(void **state)
{
	static struct drive_list drives;
	struct firmware firmware = { NULL };
	uint64_t bytes;

	make_file(path, FIRMWARE_UNIT, 3);
	drives = (struct drive_list){ .count = 0 };
	drives.count = 1;
	drives.drive[0].interface = DRIVE_PFLASH;
	drives.drive[0].index = 1;
	strcpy(drives.drive[0].file, path);
	assert_int_equal(firmware_open(&firmware, NULL, &drives, &err), -1);
	assert_non_null(strstr(err.text, "unit 0"));

	drives.drive[0].index = 0;
	assert_int_equal(firmware_open(&firmware, "x", &drives, &err), -1);
	assert_non_null(strstr(err.text, "both"));
	strcpy(drives.drive[0].format, "qcow2");
	assert_int_equal(firmware_open(&firmware, NULL, &drives, &err), -1);
	assert_non_null(strstr(err.text, "raw"));
	strcpy(drives.drive[0].format, "raw");
	assert_int_equal(firmware_open(&firmware, NULL, &drives, &err), 0);
	assert_int_equal(firmware.flashes, 1);
	assert_int_equal(*firmware_low(&firmware, &bytes), 3);
	assert_int_equal(firmware_map(&firmware, &mmio, -1, &err), 0);
	assert_int_equal(bus_read(&mmio, 0xffffffff, 1), 3);
	firmware_reset(&firmware);
	firmware_close(&firmware);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int set_up_path(void **state)
{
	set_up_as(true);
	pflash_close(&flash);
	bus_destroy(&mmio);
	bus_init(&mmio, "mmio");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_detection),
		TEST(test_is_durable),
		TEST(test_program_and_erase),
		TEST(test_erase_without_confirmation),
		cmocka_unit_test_setup_teardown(test_read_only, set_up_read_only, tear_down),
		TEST(test_reset_and_end),
		TEST(test_random),
		TEST(test_one_writer),
		TEST(test_bad_files),
		cmocka_unit_test_setup_teardown(test_rom_images, set_up_path, tear_down),
		cmocka_unit_test_setup_teardown(test_flash_as_firmware, set_up_path, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
