// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What exits and calls cost, in ticks of the host's TSC: under `hvlab run --icount` a
 * tick is an instruction. Knows no hypervisor but hv.h; built once for myhv and once for
 * KVM. Prints a line "NAME MEDIAN LEAST MOST TURNS" for each case; the last counts all
 * iterations, those for warming up too.
 *
 * Guest loops make the KVM_RUN-like call itself, without hv_run(), so that nothing of this
 * program but the system call is in the figures.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "bench.h"
#include "harness.h"

#define REGION_BYTES (64ULL << 20)

extern const uint8_t bench_image[], bench_image_end[], bench_handler[];

#define LOOPS(X)                                                                    \
	X(empty) X(cpuid) X(msr_read) X(msr_write) X(hypercall) X(port_kernel)      \
	X(port_write) X(port_read) X(mmio_write) X(mmio_read) X(mmio_ioapic)        \
	X(eoi_mmio) X(eoi_x2apic) X(cr8_write) X(cr8_read) X(self_ipi) X(hlt_timer) \
	X(fault_4k) X(fault_2m)
#define DECLARE(name) extern const uint8_t bench_##name[];
LOOPS(DECLARE)

/**
 * struct loop - one loop of loops.S
 * @count: iterations of a sample
 * @to_user: exits to user space of an iteration; more or fewer are a failure
 * @page_bytes: it writes to fresh pages of this size
 * @sleeps: ticks of an iteration that it asked to sleep for
 */
static const struct loop {
	const char *name;
	const uint8_t *code;
	uint32_t count;
	uint32_t to_user;
	uint32_t page_bytes;
	uint32_t sleeps;
} loops[] = {
	{ "empty", bench_empty, 500 },
	{ "cpuid", bench_cpuid, 500 },
	{ "msr_read", bench_msr_read, 500 },
	{ "msr_write", bench_msr_write, 500 },
	{ "hypercall", bench_hypercall, 500 },
	{ "port_kernel", bench_port_kernel, 500 },
	{ "port_write", bench_port_write, 500, .to_user = 1 },
	{ "port_read", bench_port_read, 500, .to_user = 1 },
	{ "mmio_write", bench_mmio_write, 500, .to_user = 1 },
	{ "mmio_read", bench_mmio_read, 500, .to_user = 1 },
	{ "mmio_ioapic", bench_mmio_ioapic, 500 },
	{ "eoi_mmio", bench_eoi_mmio, 500 },
	{ "eoi_x2apic", bench_eoi_x2apic, 500 },
	{ "cr8_write", bench_cr8_write, 500 },
	{ "cr8_read", bench_cr8_read, 500 },
	{ "self_ipi", bench_self_ipi, 500 },
	{ "hlt_timer", bench_hlt_timer, 20, .sleeps = BENCH_SLEEP },
	{ "fault_4k", bench_fault_4k, 500, .page_bytes = 0x1000 },
	{ "fault_2m", bench_fault_2m, 2, .page_bytes = 0x200000 },
};

static const char *only; /* the one case that was asked for */

static bool is_wanted(const char *name)
{
	return !only || !strcmp(only, name);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* @samples are sorted; each stands for @count iterations. */
static void report(const char *name, uint64_t *samples, unsigned int nr, uint32_t count,
		   uint32_t less)
{
	double unit = count;

	qsort(samples, nr, sizeof(*samples), by_value);
	printf("%s %.1f %.1f %.1f %u\n", name, samples[nr / 2] / unit - less,
	       samples[0] / unit - less, samples[nr - 1] / unit - less, (nr + 1) * count);
	fflush(stdout);
}

/* ---- a VM ---- */

struct machine {
	struct hv *hv;
	uint8_t *ram;
	uint8_t *region;
};

static void check(int result, const char *what)
{
	if (result < 0)
		errx(1, "%s: %s: %s", hv_name, what, strerror(-result));
}

static uint64_t *ram_u64(struct machine *m, uint32_t gpa)
{
	return (uint64_t *)(m->ram + gpa);
}

static void write_idt(struct machine *m, struct myhv_state_segments *s)
{
	uint64_t handler = BENCH_CODE + (bench_handler - bench_image);
	uint64_t *gate = ram_u64(m, BENCH_IDT + BENCH_VECTOR * 16);

	gate[0] = (handler & 0xffff) | (uint64_t)s->seg[MYHV_SEG_CS].selector << 16 |
		  0x8e00ULL << 32 | (handler >> 16 & 0xffff) << 48;
	gate[1] = handler >> 32;
	s->idt.base = BENCH_IDT;
	s->idt.limit = 0xfff;
}

/* Backed before the guest comes: its faults fill the second-level table only. */
static uint8_t *region_create(uint32_t page_bytes)
{
	uint8_t *raw = map_anonymous(REGION_BYTES + 0x200000);
	uint8_t *region = (uint8_t *)(((uintptr_t)raw + 0x1fffff) & ~0x1fffffUL);

	madvise(region, REGION_BYTES, page_bytes == 0x1000 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	memset(region, 0, REGION_BYTES);
	return region;
}

static void machine_start(struct machine *m, const uint8_t *code)
{
	struct myhv_vcpu_state *state = calloc(1, sizeof(*state));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;

	check(hv_open(&m->hv, HV_IRQCHIP_FULL), "create");
	check(hv_map(m->hv, 0, m->ram, GUEST_RAM_BYTES, false), "map");
	memcpy(m->ram + BENCH_CODE, bench_image, bench_image_end - bench_image);
	check(hv_state_get(m->hv, groups, state), "get state");
	guest_initial_state(m->ram, GUEST_LONG, BENCH_CODE + (code - bench_image), state, &groups);
	state->general.gpr[MYHV_RSP] = BENCH_STACK;
	write_idt(m, &state->segments);
	check(hv_state_set(m->hv, groups, state), "set state");
	free(state);
}

/* ---- guest loops ---- */

/* Returns how often the guest came to user space. */
static uint64_t run_until_done(struct machine *m, uint64_t most)
{
	const volatile uint64_t *done = ram_u64(m, BENCH_DONE);
	int fd = hv_vcpu_fd(m->hv);
	uint64_t exits = 0;

	while (!*done && exits < most) {
		if (!ioctl(fd, hv_run_request, 0))
			exits++;
		else if (errno != EINTR)
			err(1, "%s: run", hv_name);
	}
	return exits;
}

static void run_loop(const struct loop *loop)
{
	uint64_t expected = (uint64_t)(BENCH_NR_SAMPLES + 1) * loop->count * loop->to_user + 1;
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	uint64_t exits;

	memset(m.ram, 0, GUEST_RAM_BYTES);
	*ram_u64(&m, BENCH_COUNT) = loop->count;
	machine_start(&m, loop->code);
	if (loop->page_bytes) {
		m.region = region_create(loop->page_bytes);
		check(hv_map(m.hv, BENCH_REGION, m.region, REGION_BYTES, false), "map");
	}
	exits = run_until_done(&m, expected + 1);
	if (exits != expected || !*ram_u64(&m, BENCH_DONE))
		errx(1, "%s %s: %lu exits to user space instead of %lu", hv_name, loop->name,
		     exits, expected);
	report(loop->name, ram_u64(&m, BENCH_SAMPLES) + 1, BENCH_NR_SAMPLES, loop->count,
	       loop->sleeps);
	hv_close(m.hv);
	munmap(m.ram, GUEST_RAM_BYTES);
	if (m.region)
		munmap(m.region, REGION_BYTES);
}

/* ---- calls ---- */

static void time_mapping(void)
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
	report("memory_map", map, BENCH_NR_SAMPLES, 1, 0);
	report("memory_unmap", unmap, BENCH_NR_SAMPLES, 1, 0);
}

static void time_life(void)
{
	uint64_t create[BENCH_NR_SAMPLES], first[BENCH_NR_SAMPLES], destroy[BENCH_NR_SAMPLES], t[4];
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	struct hv *hv;

	memset(m.ram, 0, GUEST_RAM_BYTES);
	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		t[0] = __rdtsc();
		check(hv_open(&hv, HV_IRQCHIP_FULL), "create");
		t[1] = __rdtsc();
		hv_close(hv);
		t[2] = __rdtsc();
		machine_start(&m, bench_port_write);
		run_until_done(&m, 1);
		t[3] = __rdtsc();
		hv_close(m.hv);
		if (i < 0)
			continue;
		create[i] = t[1] - t[0];
		destroy[i] = t[2] - t[1];
		first[i] = t[3] - t[2];
	}
	munmap(m.ram, GUEST_RAM_BYTES);
	report("vm_create", create, BENCH_NR_SAMPLES, 1, 0);
	report("vm_destroy", destroy, BENCH_NR_SAMPLES, 1, 0);
	report("vm_first_exit", first, BENCH_NR_SAMPLES, 1, 0);
}

int main(int argc, char **argv)
{
	only = argc > 1 ? argv[1] : NULL;
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		if (is_wanted(loops[i].name))
			run_loop(&loops[i]);
	if (is_wanted("memory"))
		time_mapping();
	if (is_wanted("life"))
		time_life();
	return 0;
}
