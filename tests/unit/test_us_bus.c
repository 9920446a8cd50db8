// SPDX-License-Identifier: GPL-2.0-or-later
/* hvrun's bus: who answers, how accesses are cut, and that overlaps are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bus.h"

/* Remembers its accesses; reads give 0xa0 + offset in each byte. */
struct probe {
	struct region region;
	unsigned int calls;
	uint64_t offset[16];
	unsigned int size[16];
	uint64_t value[16];
};

static uint64_t probe_read(void *dev, uint64_t offset, unsigned int size)
{
	struct probe *probe = dev;
	uint64_t value = 0;

	probe->offset[probe->calls] = offset;
	probe->size[probe->calls++] = size;
	for (unsigned int i = 0; i < size; i++)
		value |= (0xa0 + offset + i) << (8 * i);
	return value;
}

static void probe_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct probe *probe = dev;

	probe->offset[probe->calls] = offset;
	probe->size[probe->calls] = size;
	probe->value[probe->calls++] = value;
}

static void probe_init(struct probe *probe, unsigned int max_access)
{
	*probe = (struct probe){
		.region = {
			.name = "probe",
			.read = probe_read,
			.write = probe_write,
			.dev = probe,
			.max_access = max_access,
		},
	};
}

static void test_nobody_answers(void **state)
{
	struct bus bus;

	bus_init(&bus, "test");
	assert_int_equal(bus_read(&bus, 0x80, 1), 0xff);
	assert_int_equal(bus_read(&bus, 0x80, 2), 0xffff);
	assert_int_equal(bus_read(&bus, 0x80, 4), 0xffffffff);
	assert_true(bus_read(&bus, 0x80, 8) == UINT64_MAX);
	bus_write(&bus, 0x80, 4, 1);
	bus_destroy(&bus);
}

static void test_offsets_and_ends(void **state)
{
	struct bus bus;
	struct probe probe;

	bus_init(&bus, "test");
	probe_init(&probe, 1);
	assert_int_equal(bus_attach(&bus, 0x3f8, 8, &probe.region), 0);

	assert_int_equal(bus_read(&bus, 0x3f8, 1), 0xa0);
	assert_int_equal(bus_read(&bus, 0x3ff, 1), 0xa7);
	assert_int_equal(probe.calls, 2);
	assert_int_equal(bus_read(&bus, 0x3f7, 1), 0xff);
	assert_int_equal(bus_read(&bus, 0x400, 1), 0xff);
	assert_int_equal(probe.calls, 2);

	bus_write(&bus, 0x3f9, 1, 0x1234);
	assert_int_equal(probe.offset[2], 1);
	assert_int_equal(probe.value[2], 0x34);
	bus_destroy(&bus);
}

static void test_narrow_device_gets_bytes(void **state)
{
	struct bus bus;
	struct probe probe;

	bus_init(&bus, "test");
	probe_init(&probe, 1);
	bus_attach(&bus, 0x70, 2, &probe.region);

	bus_write(&bus, 0x70, 2, 0xbbaa);
	assert_int_equal(probe.calls, 2);
	assert_int_equal(probe.offset[0], 0);
	assert_int_equal(probe.value[0], 0xaa);
	assert_int_equal(probe.offset[1], 1);
	assert_int_equal(probe.value[1], 0xbb);

	/* two bytes from the device, two from nobody */
	assert_int_equal(bus_read(&bus, 0x70, 4), 0xffffa1a0);
	/* and from the other side */
	assert_int_equal(bus_read(&bus, 0x6e, 4), 0xa1a0ffff);
	bus_destroy(&bus);
}

static void test_wide_device_gets_it_whole(void **state)
{
	struct bus bus;
	struct probe probe;

	bus_init(&bus, "test");
	probe_init(&probe, 4);
	bus_attach(&bus, 0xcf8, 8, &probe.region);

	assert_int_equal(bus_read(&bus, 0xcf8, 4), 0xa3a2a1a0);
	assert_int_equal(probe.calls, 1);
	assert_int_equal(probe.size[0], 4);
	/* 8 bytes are two accesses */
	assert_true(bus_read(&bus, 0xcf8, 8) == 0xa7a6a5a4a3a2a1a0ULL);
	assert_int_equal(probe.calls, 3);
	/* at the end: a word, then nobody */
	assert_int_equal(bus_read(&bus, 0xcfe, 4), 0xffffa7a6);
	assert_int_equal(probe.size[3], 2);
	bus_destroy(&bus);
}

static void test_overlap_is_an_error(void **state)
{
	struct bus bus;
	struct probe a, b;

	bus_init(&bus, "test");
	probe_init(&a, 1);
	probe_init(&b, 1);
	assert_int_equal(bus_attach(&bus, 0x100, 0x10, &a.region), 0);
	assert_int_equal(bus_attach(&bus, 0x100, 0x10, &b.region), -EEXIST);
	assert_int_equal(bus_attach(&bus, 0x10f, 1, &b.region), -EEXIST);
	assert_int_equal(bus_attach(&bus, 0xf0, 0x11, &b.region), -EEXIST);
	assert_int_equal(bus_attach(&bus, 0xf0, 0x100, &b.region), -EEXIST);
	assert_int_equal(bus_attach(&bus, 0x105, 2, &b.region), -EEXIST);
	assert_int_equal(bus_attach(&bus, 0x110, 0, &b.region), -EINVAL);
	assert_int_equal(bus_attach(&bus, UINT64_MAX, 2, &b.region), -EINVAL);
	assert_int_equal(bus.count, 1);

	/* neighbours are none, and the last byte of the address space is usable */
	assert_int_equal(bus_attach(&bus, 0x110, 1, &b.region), 0);
	bus_detach(&bus, &b.region);
	assert_int_equal(bus_attach(&bus, 0xff, 1, &b.region), 0);
	bus_detach(&bus, &b.region);
	assert_int_equal(bus_attach(&bus, UINT64_MAX, 1, &b.region), 0);
	assert_int_equal(bus_read(&bus, UINT64_MAX, 1), 0xa0);
	bus_destroy(&bus);
}

static void test_detach_and_limit(void **state)
{
	static struct probe probes[BUS_MAX_REGIONS + 1];
	struct bus bus;

	bus_init(&bus, "test");
	/* from the top down: keeps the order nevertheless */
	for (int i = 0; i < BUS_MAX_REGIONS; i++) {
		probe_init(&probes[i], 1);
		assert_int_equal(bus_attach(&bus, 0x1000 - 2 * i, 2, &probes[i].region), 0);
	}
	probe_init(&probes[BUS_MAX_REGIONS], 1);
	assert_int_equal(bus_attach(&bus, 0x10, 1, &probes[BUS_MAX_REGIONS].region), -ENOSPC);
	for (size_t i = 1; i < bus.count; i++)
		assert_true(bus.regions[i - 1]->base < bus.regions[i]->base);

	bus_read(&bus, 0x1000 - 2 * 7 + 1, 1);
	assert_int_equal(probes[7].calls, 1);
	assert_int_equal(probes[7].offset[0], 1);
	bus_detach(&bus, &probes[7].region);
	assert_int_equal(bus_read(&bus, 0x1000 - 2 * 7, 1), 0xff);
	assert_int_equal(bus.count, BUS_MAX_REGIONS - 1);
	bus_destroy(&bus);
}

static uint32_t string_count;

static void string_read(void *dev, uint64_t offset, unsigned int size, uint32_t count, void *data)
{
	string_count = count;
	memset(data, 0x11, (size_t)size * count);
}

static void string_write(void *dev, uint64_t offset, unsigned int size, uint32_t count,
			 const void *data)
{
	string_count = count + 100 * ((const uint8_t *)data)[0];
}

/* A device that takes strings gets them whole; one that does not, piece by piece. */
static void test_strings(void **state)
{
	struct probe plain, whole;
	uint8_t data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct bus bus;

	bus_init(&bus, "test");
	probe_init(&plain, 1);
	probe_init(&whole, 2);
	whole.region.read_string = string_read;
	whole.region.write_string = string_write;
	bus_attach(&bus, 0x10, 4, &plain.region);
	bus_attach(&bus, 0x20, 4, &whole.region);

	bus_read_string(&bus, 0x20, 2, 4, data);
	assert_int_equal(string_count, 4);
	assert_int_equal(data[7], 0x11);
	data[0] = 3;
	bus_write_string(&bus, 0x20, 2, 4, data);
	assert_int_equal(string_count, 304);
	assert_int_equal(whole.calls, 0);

	/* wider than the device, over its end, or not its kind: as single accesses */
	bus_read_string(&bus, 0x20, 4, 2, data);
	assert_int_equal(whole.calls, 4);
	bus_read_string(&bus, 0x23, 2, 1, data);
	assert_int_equal(whole.calls, 5);
	assert_int_equal(data[0], 0xa3);
	assert_int_equal(data[1], 0xff);
	data[3] = 9;
	bus_write_string(&bus, 0x11, 2, 2, data);
	assert_int_equal(plain.calls, 4);
	assert_int_equal(plain.offset[3], 2);
	assert_int_equal(plain.value[3], 9);
	bus_read_string(&bus, 0x80, 1, 8, data);
	assert_int_equal(data[7], 0xff);
	bus_destroy(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_offsets_and_ends),
		cmocka_unit_test(test_narrow_device_gets_bytes),
		cmocka_unit_test(test_wide_device_gets_it_whole),
		cmocka_unit_test(test_overlap_is_an_error),
		cmocka_unit_test(test_detach_and_limit),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
