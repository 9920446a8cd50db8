// SPDX-License-Identifier: GPL-2.0-or-later
/* What makes one processor interrupt another: wakeups, migration, membarrier, munmap. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* A wakeup that takes longer is lost. */
#define LOST_S 200

/* ---- ping-pong: a ball between the processors, one wakeup each time ---- */

static _Atomic uint32_t ball[MAX_CPUS]; /* one for each pair of neighbours */

static void futex_wait(struct worker *w, _Atomic uint32_t *word, uint32_t value)
{
	struct timespec limit = { .tv_sec = LOST_S };

	if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &limit, NULL, 0) < 0 &&
	    errno == ETIMEDOUT && !load_over())
		fail("%s %d: no wakeup for %d s", w->name, w->cpu, LOST_S);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Workers 2n and 2n + 1 are a pair, on processors n and n + 1: one plays odd, one even. */
void *pingpong_run(void *worker)
{
	struct worker *w = worker;
	_Atomic uint32_t *word = &ball[w->cpu / 2];
	uint32_t side = w->cpu % 2, seen;
	uint64_t start;

	pin_to((w->cpu / 2 + side) % load_cpus);
	while (!load_over()) {
		start = now_ns();
		seen = atomic_load(word);
		if (seen % 2 != side) {
			futex_wait(w, word, seen);
			note_worst(w, now_ns() - start);
			continue;
		}
		if (!atomic_compare_exchange_strong(word, &seen, seen + 1) && !load_over())
			fail("two play the same ball");
		futex_wake(word);
		step(w);
	}
	atomic_fetch_add(word, 1); /* lets the other one go */
	futex_wake(word);
	return NULL;
}

/* ---- migration ---- */

void *migrate_run(void *worker)
{
	struct worker *w = worker;
	uint64_t seed = 777 + w->cpu, local = 0;

	while (!load_over()) {
		int cpu = next_random(&seed) % load_cpus;

		pin_to(cpu);
		if (sched_getcpu() != cpu)
			fail("bound to processor %d, but on %d", cpu, sched_getcpu());
		local++;
		step(w);
		if (local % 64 == 0)
			sleep_ns(1000000);
	}
	return NULL;
}

/*
 * ---- membarrier ----
 *
 * A lock whose owners are told apart: processors that take it often (side FAST) do so without any
 * barrier, for which the rare one (worker 0) pays with membarrier(), an interrupt
 * to all processors. An interrupt that comes late or not at all lets both in.
 */
static struct {
	_Atomic uint32_t inside;
	uint32_t value; /* changed by its owner */
} __attribute__((aligned(64))) fast[MAX_CPUS];
static _Atomic uint32_t stop_fast;

static void bias_fast(struct worker *w)
{
	for (int i = 0; i < 64; i++) {
		atomic_store_explicit(&fast[w->cpu].inside, 1, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst); /* membarrier() makes it a barrier */
		if (!atomic_load_explicit(&stop_fast, memory_order_relaxed))
			fast[w->cpu].value++;
		atomic_store_explicit(&fast[w->cpu].inside, 0, memory_order_release);
	}
}

static void bias_slow(struct worker *w)
{
	uint32_t before[MAX_CPUS];

	atomic_store(&stop_fast, 1);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0)
		fail("membarrier: %s", strerror(errno));
	for (unsigned int i = 1; i < load_cpus; i++)
		while (atomic_load_explicit(&fast[i].inside, memory_order_acquire))
			sched_yield();
	for (unsigned int i = 1; i < load_cpus; i++)
		before[i] = *(volatile uint32_t *)&fast[i].value;
	for (int spin = 0; spin < 2000; spin++)
		__builtin_ia32_pause();
	for (unsigned int i = 1; i < load_cpus; i++)
		if (*(volatile uint32_t *)&fast[i].value != before[i])
			fail("membarrier did not reach processor %u", i);
	atomic_store(&stop_fast, 0);
	step(w);
}

void *bias_run(void *worker)
{
	struct worker *w = worker;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) < 0)
		fail("no membarrier: %s", strerror(errno));
	pin_to(w->cpu);
	while (!load_over()) {
		if (w->cpu == 0) {
			bias_slow(w);
			sleep_ns(200000);
		} else {
			bias_fast(w);
			step(w);
			sleep_ns(50000);
		}
	}
	return NULL;
}

/* ---- munmap: what was mapped anew is empty ---- */

void *mapper_run(void *worker)
{
	enum { PAGES = 8, WORDS = 4096 / 8 };
	struct worker *w = worker;

	do {
		volatile uint64_t *map = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED)
			fail("cannot map: %s", strerror(errno));
		for (int page = 0; page < PAGES; page++) {
			if (map[page * WORDS] || map[page * WORDS + WORDS - 1])
				fail("a fresh page is not empty");
			map[page * WORDS] = map[page * WORDS + WORDS - 1] = ~0ULL;
		}
		munmap((void *)map, PAGES * 4096);
		step(w);
		sleep_ns(100000);
	} while (!load_over());
	return NULL;
}
