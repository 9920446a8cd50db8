// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "calls.h"
#include "machine.h"

#define HUGE_BYTES 0x200000UL

extern const uint8_t bench_handler[], bench_answer[], bench_trampoline[], bench_trampoline_end[];

void check(int result, const char *what)
{
	if (result < 0)
		errx(1, "%s: %s: %s", hv_name, what, strerror(-result));
}

uint64_t *machine_u64(struct machine *m, uint32_t gpa)
{
	return (uint64_t *)(m->ram + gpa);
}

uint64_t tsc_khz;

void machine_find_tsc_khz(void)
{
	struct hv *hv;

	check(hv_open(&hv, HV_IRQCHIP_FULL), "create");
	check(calls_tsc_khz(hv, &tsc_khz), "frequency of the TSC");
	hv_close(hv);
}

uint32_t turns_of(uint32_t at_1_ghz)
{
	uint64_t turns = at_1_ghz * tsc_khz / 1000000;

	return tsc_khz >= 900000 ? at_1_ghz : turns > 2 ? turns : 2;
}

static void write_gate(struct machine *m, uint8_t vector, const uint8_t *handler, uint16_t cs)
{
	uint64_t entry = BENCH_CODE + (handler - bench_image);
	uint64_t *gate = machine_u64(m, BENCH_IDT + vector * 16);

	gate[0] = (entry & 0xffff) | (uint64_t)cs << 16 | 0x8e00ULL << 32 |
		  (entry >> 16 & 0xffff) << 48;
	gate[1] = entry >> 32;
}

static void fill_memory(struct machine *m, uint32_t count)
{
	memcpy(m->ram + BENCH_CODE, bench_image, bench_image_end - bench_image);
	memcpy(m->ram + BENCH_TRAMPOLINE, bench_trampoline,
	       bench_trampoline_end - bench_trampoline);
	write_gate(m, BENCH_VECTOR, bench_handler, SEL_CODE64);
	write_gate(m, BENCH_VECTOR_ASK, bench_answer, SEL_CODE64);
	*machine_u64(m, BENCH_COUNT) = count;
}

void machine_set_start(struct hv *hv, uint8_t *ram, const uint8_t *code, uint64_t r8)
{
	struct myhv_vcpu_state *state = calloc(1, sizeof(*state));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;

	check(hv_state_get(hv, groups, state), "get state");
	guest_initial_state(ram, GUEST_LONG, BENCH_CODE + (code - bench_image), state, &groups);
	state->general.gpr[MYHV_RSP] = BENCH_STACK;
	state->general.gpr[MYHV_R8] = r8;
	state->segments.idt.base = BENCH_IDT;
	state->segments.idt.limit = 0xfff;
	check(hv_state_set(hv, groups, state), "set state");
	free(state);
}

void machine_create(struct machine *m, const uint8_t *code, uint32_t count)
{
	m->second_fd = -1;
	memset(m->ram, 0, BENCH_CODE);
	check(hv_open(&m->hv, HV_IRQCHIP_FULL), "create");
	check(hv_map(m->hv, 0, m->ram, GUEST_RAM_BYTES, false), "map");
	fill_memory(m, count);
	machine_set_start(m->hv, m->ram, code, 0);
}

static bool is_done(struct machine *m)
{
	return *(const volatile uint64_t *)machine_u64(m, BENCH_DONE);
}

static uint64_t run(struct machine *m, int fd, uint64_t most)
{
	uint64_t exits = 0;

	while (!is_done(m) && exits < most) {
		if (!ioctl(fd, hv_run_request, 0))
			exits++;
		else if (errno != EINTR && errno != EAGAIN) /* KVM's word for an INIT that came */
			err(1, "%s: run", hv_name);
	}
	return exits;
}

uint64_t machine_run(struct machine *m, uint64_t most)
{
	return run(m, hv_vcpu_fd(m->hv), most);
}

static void *run_second(void *arg)
{
	struct machine *m = arg;

	run(m, m->second_fd, UINT64_MAX);
	return NULL;
}

void machine_add_processor(struct machine *m)
{
	check(m->second_fd = calls_vcpu_add(m->hv), "add a processor");
	check(-pthread_create(&m->second, NULL, run_second, m), "start a thread");
}

void machine_destroy(struct machine *m)
{
	if (m->second_fd >= 0) {
		/* It may sleep, and looks for the end whenever it wakes. */
		check(hv_msi(m->hv, 0xfee01000, BENCH_VECTOR_ASK), "wake");
		pthread_join(m->second, NULL);
		calls_vcpu_remove(m->second_fd);
	}
	hv_close(m->hv);
}

uint8_t *region_create(uint64_t bytes, uint32_t page_bytes)
{
	uint8_t *raw = map_anonymous(bytes + HUGE_BYTES);
	uint8_t *region = (uint8_t *)(((uintptr_t)raw + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));

	munmap(raw, region - raw);
	munmap(region + bytes, raw + HUGE_BYTES - region);
	madvise(region, bytes, page_bytes == 0x1000 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	memset(region, 0, bytes);
	return region;
}

void region_destroy(uint8_t *region, uint64_t bytes)
{
	munmap(region, bytes);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void report(const char *name, uint64_t *samples, double count, uint32_t less)
{
	qsort(samples, BENCH_NR_SAMPLES, sizeof(*samples), by_value);
	printf("%s %.1f %.1f %.1f %.0f\n", name, samples[BENCH_NR_SAMPLES / 2] / count - less,
	       samples[0] / count - less, samples[BENCH_NR_SAMPLES - 1] / count - less,
	       (BENCH_NR_SAMPLES + 1) * count);
	fflush(stdout);
}
