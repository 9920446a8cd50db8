// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench [-x CASE]... [CASE]
 *
 * What exits and calls cost, in ticks of the host's TSC: under `hvlab run --icount` a
 * tick is an instruction. Knows no hypervisor but hv.h and calls.h; built once for myhv and once
 * for KVM. Prints a line "NAME MEDIAN LEAST MOST TURNS" for each case, of all or of one, but
 * those after -x; the last counts all iterations, those for warming up too.
 *
 * Guest loops make the KVM_RUN-like call itself, without hv_run(), so that nothing of this
 * program but the system call is in the figures.
 */
#include <cpuid.h>
#include <err.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "cases.h"
#include "machine.h"

#define REGION_BYTES (64ULL << 20)

/**
 * struct loop - one loop of loops.S
 * @code_intel: instead of @code on such a CPU
 * @count: iterations of a sample, see turns_of()
 * @to_user: exits to user space of an iteration; more or fewer are a failure
 * @page_bytes: it writes to fresh pages of this size
 * @sleeps: nanoseconds of an iteration that it asked to sleep for
 * @needs_second: a second processor answers
 * @needs_eventfd: BENCH_PORT_EVENTFD signals one, once an iteration
 */
struct loop {
	const char *name;
	const uint8_t *code;
	const uint8_t *code_intel;
	uint32_t count;
	uint32_t to_user;
	uint32_t page_bytes;
	uint32_t sleeps;
	bool needs_second;
	bool needs_eventfd;
};

#define LOOPS(X)                                                                           \
	X(empty, 500)                                                                      \
	X(cpuid, 500)                                                                      \
	X(msr_read, 500)                                                                   \
	X(msr_write, 500)                                                                  \
	X(hypercall, 500, .code_intel = bench_hypercall_intel)                             \
	X(port_kernel, 500)                                                                \
	X(port_write, 500, .to_user = 1)                                                   \
	X(port_read, 500, .to_user = 1)                                                    \
	X(ioeventfd, 500, .needs_eventfd = true)                                           \
	X(mmio_write, 500, .to_user = 1)                                                   \
	X(mmio_read, 500, .to_user = 1)                                                    \
	X(mmio_ioapic, 500)                                                                \
	X(mmio_string, 50)                                                                 \
	X(eoi_mmio, 500)                                                                   \
	X(eoi_x2apic, 500)                                                                 \
	X(tpr_mmio, 500)                                                                   \
	X(cr8_write, 500)                                                                  \
	X(cr8_read, 500)                                                                   \
	X(self_ipi, 500)                                                                   \
	X(ipi, 50, .needs_second = true)                                                   \
	X(hlt_timer, 20, .sleeps = BENCH_SLEEP)                                            \
	X(fault_4k, 500, .page_bytes = 0x1000)                                             \
	X(fault_2m, 2, .page_bytes = 0x200000)
#define DECLARE(name, ...) extern const uint8_t bench_##name[];
#define ROW(case_name, turns, ...) \
	{ .name = #case_name, .code = bench_##case_name, .count = turns, ##__VA_ARGS__ },

extern const uint8_t bench_hypercall_intel[];
LOOPS(DECLARE)
static const struct loop loops[] = { LOOPS(ROW) };

static const struct {
	const char *name;
	void (*time)(void);
} cases[] = {
	{ "memory", time_mapping },
	{ "dirty", time_dirty_log },
	{ "faults", time_parallel_faults },
	{ "irqfd", time_irqfd },
	{ "life", time_life },
};

static bool is_intel(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

static void expect(const struct loop *loop, uint64_t got, uint64_t want, const char *what)
{
	if (got != want)
		errx(1, "%s %s: %lu %s instead of %lu", hv_name, loop->name, got, what, want);
}

static void run_loop(const struct loop *loop)
{
	bool is_short = loop->page_bytes == 0x200000 || loop->sleeps;
	uint32_t count = is_short ? loop->count : turns_of(loop->count);
	uint64_t turns = (uint64_t)(BENCH_NR_SAMPLES + 1) * count;
	uint64_t exits = turns * loop->to_user + 1, signals = 0;
	struct machine m = { .ram = map_anonymous(GUEST_RAM_BYTES) };
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint8_t *region = NULL;

	machine_create(&m, loop->code_intel && is_intel() ? loop->code_intel : loop->code,
		       count);
	if (loop->page_bytes) {
		region = region_create(REGION_BYTES, loop->page_bytes);
		check(hv_map(m.hv, BENCH_REGION, region, REGION_BYTES, false), "map");
	}
	if (loop->needs_eventfd)
		check(calls_ioeventfd(m.hv, event, BENCH_PORT_EVENTFD), "attach an eventfd");
	if (loop->needs_second)
		machine_add_processor(&m);
	expect(loop, machine_run(&m, exits + 1), exits, "exits to user space");
	expect(loop, *machine_u64(&m, BENCH_DONE), 1, "as the guest's last word");
	if (loop->needs_eventfd) {
		if (read(event, &signals, sizeof(signals)) != sizeof(signals))
			signals = 0;
		expect(loop, signals, turns, "signals");
	}
	report(loop->name, machine_u64(&m, BENCH_SAMPLES) + 1, count,
	       loop->sleeps * tsc_khz / 1000000);
	machine_destroy(&m);
	close(event);
	munmap(m.ram, GUEST_RAM_BYTES);
	if (region)
		region_destroy(region, REGION_BYTES);
}

static bool is_wanted(const char *name, const char *only, int argc, char **argv)
{
	for (int i = 1; i < optind && i < argc; i++)
		if (!strcmp(argv[i], name))
			return false;
	return !only || !strcmp(only, name);
}

int main(int argc, char **argv)
{
	const char *only;
	bool found = false;

	while (getopt(argc, argv, "+x:") == 'x')
		;
	only = argv[optind];
	machine_find_tsc_khz();
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		if (!is_wanted(loops[i].name, only, argc, argv))
			continue;
		run_loop(&loops[i]);
		found = true;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!is_wanted(cases[i].name, only, argc, argv))
			continue;
		cases[i].time();
		found = true;
	}
	if (!found)
		errx(2, "no case is called %s", only);
	return 0;
}
