// SPDX-License-Identifier: GPL-2.0-or-later
/* The firmware configuration device: by port, by DMA, and what a hostile guest may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/fw_cfg.h"

#define COMMAND_GPA 0x1000

static struct fw_cfg *cfg;
static struct guest_ram ram;
static struct bus pio;
static struct error err;

static int set_up(void **state)
{
	bus_init(&pio, "port");
	assert_int_equal(guest_ram_create(&ram, 2 << 20, &err), 0);
	cfg = fw_cfg_create(&ram);
	assert_non_null(cfg);
	return bus_attach(&pio, FW_CFG_PORT, FW_CFG_PORTS, fw_cfg_region(cfg));
}

static int tear_down(void **state)
{
	fw_cfg_destroy(cfg);
	guest_ram_destroy(&ram);
	bus_destroy(&pio);
	return 0;
}

static void select_key(uint16_t key)
{
	bus_write(&pio, 0x510, 2, key);
}

static uint8_t next(void)
{
	return bus_read(&pio, 0x511, 1);
}

static uint32_t next_be32(void)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | next();
	return value;
}

static uint32_t dma(uint32_t control, uint32_t length, uint64_t gpa)
{
	uint32_t *command = guest_ram_ptr(&ram, COMMAND_GPA, 16);

	command[0] = htobe32(control);
	command[1] = htobe32(length);
	command[2] = htobe32(gpa >> 32);
	command[3] = htobe32(gpa);
	bus_write(&pio, 0x514, 4, 0);
	bus_write(&pio, 0x518, 4, htobe32(COMMAND_GPA));
	return be32toh(command[0]);
}

static void test_by_port(void **state)
{
	assert_int_equal(fw_cfg_add_number(cfg, FW_CFG_NB_CPUS, 0x1234, 2), 0);
	select_key(FW_CFG_SIGNATURE);
	assert_int_equal(next_be32(), 0x51454d55); /* QEMU */
	assert_int_equal(next(), 0);
	select_key(FW_CFG_ID);
	assert_int_equal(next(), 3);
	select_key(FW_CFG_NB_CPUS);
	assert_int_equal(next(), 0x34);
	assert_int_equal(next(), 0x12);
	assert_int_equal(next(), 0);
	/* asking for write access changes nothing */
	select_key(FW_CFG_NB_CPUS | 0x4000);
	assert_int_equal(next(), 0x34);
	/* what is not there has no bytes */
	select_key(0x3fff);
	assert_int_equal(next_be32(), 0);
	/* odd accesses */
	assert_int_equal(bus_read(&pio, 0x510, 2), 0);
	bus_write(&pio, 0x510, 1, FW_CFG_ID);
	assert_int_equal(next(), 0);
	fw_cfg_reset(cfg);
	assert_int_equal(next(), 'Q');
}

static void test_directory(void **state)
{
	assert_int_equal(fw_cfg_add_file(cfg, "etc/z", "zz", 2), 0);
	assert_int_equal(fw_cfg_add_file(cfg, "etc/a", "aaa", 3), 0);
	assert_int_equal(fw_cfg_add_file(cfg, "etc/m", "", 0), 0);
	select_key(FW_CFG_FILE_DIR);
	assert_int_equal(next_be32(), 3);
	/* the first in the order of names is the second that was added */
	assert_int_equal(next_be32(), 3);
	assert_int_equal(next() << 8 | next(), FW_CFG_FILE_FIRST + 1);
	assert_int_equal(next() << 8 | next(), 0);
	assert_int_equal(next(), 'e');
	for (int i = 0; i < 3; i++)
		next();
	assert_int_equal(next(), 'a');
	assert_int_equal(next(), 0);
	for (int i = 0; i < 50; i++)
		next();
	assert_int_equal(next_be32(), 0); /* etc/m */
	for (int i = 0; i < 60; i++)
		next();
	assert_int_equal(next_be32(), 2); /* etc/z */
	for (int i = 0; i < 60; i++)
		next();
	assert_int_equal(next_be32(), 0);
	select_key(FW_CFG_FILE_FIRST);
	assert_int_equal(next(), 'z');
}

static void test_refusals(void **state)
{
	char name[80] = "etc/";
	int r = 0;

	assert_int_equal(fw_cfg_add_file(cfg, "a", "", 0), 0);
	assert_int_equal(fw_cfg_add_file(cfg, "a", "", 0), -EEXIST);
	assert_int_equal(fw_cfg_add(cfg, FW_CFG_ID, "", 0), -EEXIST);
	assert_int_equal(fw_cfg_add_file(cfg, "", "", 0), -ENAMETOOLONG);
	memset(name, 'x', 56);
	name[56] = 0;
	assert_int_equal(fw_cfg_add_file(cfg, name, "", 0), -ENAMETOOLONG);
	name[55] = 0;
	assert_int_equal(fw_cfg_add_file(cfg, name, "", 0), 0);
	for (int i = 2; i < FW_CFG_FILES_MAX; i++) {
		name[0] = 'a' + i % 26;
		name[1] = 'a' + i / 26;
		assert_int_equal(fw_cfg_add_file(cfg, name, "", 0), 0);
	}
	name[2] = '-';
	r = fw_cfg_add_file(cfg, name, "", 0);
	assert_int_equal(r, -ENOSPC);
}

static void test_dma(void **state)
{
	uint8_t *to = guest_ram_ptr(&ram, 0x2000, 16);

	assert_int_equal(fw_cfg_add_file(cfg, "f", "0123456789", 10), 0);
	assert_int_equal(bus_read(&pio, 0x514, 4), htobe32(0x51454d55));
	assert_int_equal(bus_read(&pio, 0x518, 4), htobe32(0x20434647));

	/* select and read in one; then on from there; zeros after the end */
	memset(to, 0xee, 16);
	assert_int_equal(dma(FW_CFG_FILE_FIRST << 16 | 0x08 | 0x02, 4, 0x2000), 0);
	assert_memory_equal(to, "0123\xee", 5);
	assert_int_equal(dma(0x04, 3, 0), 0);
	assert_int_equal(dma(0x02, 5, 0x2000), 0);
	assert_memory_equal(to, "789\0\0\xee", 6);
	assert_int_equal(dma(0x02, 0, 0xffffffffffff), 0);
	/* nothing selected */
	assert_int_equal(dma(0x3fff << 16 | 0x08 | 0x02, 2, 0x2000), 0);
	assert_memory_equal(to, "\0\0", 2);
}

static void test_hostile_dma(void **state)
{
	uint8_t *last = guest_ram_ptr(&ram, (2 << 20) - 1, 1);

	assert_int_equal(fw_cfg_add_file(cfg, "f", "0123456789", 10), 0);
	select_key(FW_CFG_FILE_FIRST);
	*last = 0xee;
	assert_int_equal(dma(0x02, 2, (2 << 20) - 1), 1);
	assert_int_equal(*last, 0xee);
	assert_int_equal(dma(0x02, 0xffffffff, 0), 1);
	assert_int_equal(dma(0x02, 16, 0xfffffffffffffff8), 1);
	/* there is nothing to write */
	assert_int_equal(dma(0x10, 4, 0x2000), 1);
	assert_int_equal(dma(0x04, 0xffffffff, 0), 0);
	assert_int_equal(next(), 0);
	/* a command outside of memory, and across its end */
	bus_write(&pio, 0x514, 4, 0xffffffff);
	bus_write(&pio, 0x518, 4, 0xffffffff);
	bus_write(&pio, 0x518, 4, htobe32((2 << 20) - 8));
	/* the upper half counts once */
	bus_write(&pio, 0x514, 4, htobe32(1));
	bus_write(&pio, 0x518, 4, htobe32(COMMAND_GPA));
	assert_int_equal(dma(FW_CFG_FILE_FIRST << 16 | 0x0a, 1, 0x2000), 0);
}

static unsigned int made;
static uint8_t live[4];

static void make(void *context)
{
	assert_ptr_equal(context, &made);
	live[0] = ++made;
}

static void test_live_file(void **state)
{
	assert_int_equal(fw_cfg_add_live_file(cfg, "live", live, sizeof(live), make, &made), 0);
	assert_int_equal(made, 0);
	select_key(FW_CFG_FILE_FIRST);
	assert_int_equal(next(), 1);
	assert_int_equal(dma(FW_CFG_FILE_FIRST << 16 | 0x0a, 1, 0x2000), 0);
	assert_int_equal(*(uint8_t *)guest_ram_ptr(&ram, 0x2000, 1), 2);
}

static void test_random(void **state)
{
	srandom(1);
	assert_int_equal(fw_cfg_add_file(cfg, "f", "0123456789", 10), 0);
	for (int i = 0; i < 200000; i++) {
		uint32_t *command = guest_ram_ptr(&ram, COMMAND_GPA, 16);

		for (int j = 0; j < 4; j++)
			command[j] = random() & random();
		if (random() % 2)
			bus_write(&pio, 0x510 + random() % 12, 1 << random() % 3,
				  random() % 4 ? random() : htobe32(COMMAND_GPA));
		else
			bus_read(&pio, 0x510 + random() % 12, 1 << random() % 3);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_port),	TEST(test_directory), TEST(test_refusals), TEST(test_dma),
		TEST(test_hostile_dma), TEST(test_live_file), TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
