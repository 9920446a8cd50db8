// SPDX-License-Identifier: GPL-2.0-or-later
/* The cases in which this program's own calls are timed. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "calls.h"
#include "cases.h"
#include "machine.h"

#define LOGGED_BYTES (BENCH_LOGGED_PAGES * 0x1000ULL)
#define GIB (1ULL << 30)

void time_mapping(void)
{
	uint64_t map[BENCH_NR_SAMPLES], unmap[BENCH_NR_SAMPLES], t[3];
	void *memory = map_anonymous(GUEST_RAM_BYTES);
	struct hv *hv;

	memset(memory, 1, GUEST_RAM_BYTES);
	check(hv_open(&hv, HV_IRQCHIP_FULL), "create");
	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		t[0] = __rdtsc();
		check(hv_map(hv, BENCH_REGION, memory, GUEST_RAM_BYTES, false), "map");
		t[1] = __rdtsc();
		check(hv_unmap(hv, BENCH_REGION), "unmap");
		t[2] = __rdtsc();
		if (i < 0)
			continue;
		map[i] = t[1] - t[0];
		unmap[i] = t[2] - t[1];
	}
	hv_close(hv);
	munmap(memory, GUEST_RAM_BYTES);
	report("memory_map", map, 1, 0);
	report("memory_unmap", unmap, 1, 0);
}

void time_life(void)
{
	uint64_t create[BENCH_NR_SAMPLES], first[BENCH_NR_SAMPLES], destroy[BENCH_NR_SAMPLES], t[4];
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	struct hv *hv;

	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		t[0] = __rdtsc();
		check(hv_open(&hv, HV_IRQCHIP_FULL), "create");
		t[1] = __rdtsc();
		hv_close(hv);
		t[2] = __rdtsc();
		machine_create(&m, bench_park, 1);
		machine_run(&m, 1);
		t[3] = __rdtsc();
		machine_destroy(&m);
		if (i < 0)
			continue;
		create[i] = t[1] - t[0];
		destroy[i] = t[2] - t[1];
		first[i] = t[3] - t[2];
	}
	munmap(m.ram, GUEST_RAM_BYTES);
	report("vm_create", create, 1, 0);
	report("vm_destroy", destroy, 1, 0);
	report("vm_first_exit", first, 1, 0);
}

static void run_once(struct machine *m)
{
	if (machine_run(m, 1) != 1)
		errx(1, "%s: the guest has ended", hv_name);
}

/* The guest waits in user space; it takes the interrupt at the next run. */
void time_irqfd(void)
{
	uint64_t raise[BENCH_NR_SAMPLES], taken[BENCH_NR_SAMPLES], t[3];
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	const uint32_t interrupts = turns_of(100);
	const uint64_t one = 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	machine_create(&m, bench_park, 1);
	check(calls_irqfd(m.hv, fd, 0xfee00000, BENCH_VECTOR), "attach an eventfd");
	run_once(&m);
	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		uint64_t sums[2] = { 0 };
		uint64_t before = *machine_u64(&m, BENCH_TAKEN);

		for (uint32_t j = 0; j < interrupts; j++) {
			t[0] = __rdtsc();
			if (write(fd, &one, sizeof(one)) != sizeof(one))
				err(1, "write to an eventfd");
			t[1] = __rdtsc();
			run_once(&m);
			t[2] = __rdtsc();
			sums[0] += t[1] - t[0];
			sums[1] += t[2] - t[1];
		}
		if (*machine_u64(&m, BENCH_TAKEN) != before + interrupts)
			errx(1, "%s: the guest has not seen all interrupts", hv_name);
		if (i < 0)
			continue;
		raise[i] = sums[0];
		taken[i] = sums[1];
	}
	machine_destroy(&m);
	munmap(m.ram, GUEST_RAM_BYTES);
	close(fd);
	report("irqfd_raise", raise, interrupts, 0);
	report("irqfd_taken", taken, interrupts, 0);
}

/* The guest writes to each page, comes to user space, and its log is read. */
void time_dirty_log(void)
{
	uint64_t dirty[BENCH_NR_SAMPLES], harvest[BENCH_NR_SAMPLES], t[3];
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	uint8_t *region = region_create(LOGGED_BYTES, 0x1000);
	uint64_t *bitmap = calloc(BENCH_LOGGED_PAGES / 64, sizeof(*bitmap));

	machine_create(&m, bench_dirty, 1);
	check(calls_map_logged(m.hv, BENCH_REGION, region, LOGGED_BYTES), "log");
	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		t[0] = __rdtsc();
		run_once(&m);
		t[1] = __rdtsc();
		check(calls_harvest(m.hv, BENCH_REGION, LOGGED_BYTES, bitmap), "read the log");
		t[2] = __rdtsc();
		for (int j = 0; j < BENCH_LOGGED_PAGES / 64; j++)
			if (~bitmap[j])
				errx(1, "%s: page %d is not in the log", hv_name, j * 64);
		if (i < 0)
			continue;
		dirty[i] = t[1] - t[0];
		harvest[i] = t[2] - t[1];
	}
	machine_destroy(&m);
	munmap(m.ram, GUEST_RAM_BYTES);
	region_destroy(region, LOGGED_BYTES);
	free(bitmap);
	report("dirty_fault", dirty, BENCH_LOGGED_PAGES, 0);
	report("dirty_harvest", harvest, (double)LOGGED_BYTES / GIB, 0);
}
