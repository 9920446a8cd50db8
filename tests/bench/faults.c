// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processors of one VM that write to fresh pages at once, each to its own: how the fault path
 * scales. With fewer CPUs in the host they take turns.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "cases.h"
#include "machine.h"

#define BYTES_OF_ONE (BENCH_FILL_PAGES * 0x1000ULL)
#define MOST_WRITERS 4

/**
 * struct writer - a processor and the thread that runs it
 * @pages: where its pages are
 * @meet: all of them wait there, before a sample and after it
 */
struct writer {
	struct hv *hv;
	unsigned int nr;
	volatile uint8_t *pages;
	pthread_barrier_t *meet;
	pthread_t thread;
};

static void stay_on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "stay on CPU %u", cpu);
}

static void write_once(struct writer *w)
{
	volatile uint8_t *last = w->pages + BYTES_OF_ONE - 0x1000;

	*last = 0;
	pthread_barrier_wait(w->meet);
	while (ioctl(hv_vcpu_fd(w->hv), hv_run_request, 0))
		if (errno != EINTR)
			err(1, "%s: run", hv_name);
	pthread_barrier_wait(w->meet);
	if (*last != 1)
		errx(1, "%s: processor %u has not written to its pages", hv_name, w->nr);
}

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	stay_on_cpu(w->nr % sysconf(_SC_NPROCESSORS_ONLN));
	for (int i = -1; i < BENCH_NR_SAMPLES; i++)
		write_once(w);
	return NULL;
}

/* The first processor is this thread's, which measures. */
static void sample_all(struct writer *first, uint8_t *region, unsigned int nr, uint64_t *samples)
{
	for (int i = -1; i < BENCH_NR_SAMPLES; i++) {
		uint64_t start;

		check(hv_map(first->hv, BENCH_REGION, region, nr * BYTES_OF_ONE, false), "map");
		start = __rdtsc();
		write_once(first);
		if (i >= 0)
			samples[i] = __rdtsc() - start;
		check(hv_unmap(first->hv, BENCH_REGION), "unmap");
	}
}

static void time_writers(unsigned int nr)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint8_t *ram = map_anonymous(GUEST_RAM_BYTES);
	uint8_t *region = region_create(nr * BYTES_OF_ONE, 0x1000);
	struct writer writers[MOST_WRITERS];
	uint64_t samples[BENCH_NR_SAMPLES];
	pthread_barrier_t meet;
	char name[32];

	memcpy(ram + BENCH_CODE, bench_image, bench_image_end - bench_image);
	pthread_barrier_init(&meet, NULL, nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct writer *w = &writers[i];

		*w = (struct writer){ .nr = i, .pages = region + i * BYTES_OF_ONE, .meet = &meet };
		if (i) {
			check(hv_open_another(&w->hv, writers[0].hv, i), "add a processor");
		} else {
			check(hv_open(&w->hv, HV_IRQCHIP_NONE), "create");
			check(hv_map(w->hv, 0, ram, GUEST_RAM_BYTES, false), "map");
		}
		machine_set_start(w->hv, ram, bench_fill, BENCH_REGION + i * BYTES_OF_ONE);
		if (i)
			check(-pthread_create(&w->thread, NULL, writer_run, w), "start a thread");
	}
	stay_on_cpu(0);
	sample_all(&writers[0], region, nr, samples);
	for (unsigned int i = nr; i-- > 0;) {
		if (i)
			pthread_join(writers[i].thread, NULL);
		hv_close(writers[i].hv);
	}
	pthread_barrier_destroy(&meet);
	region_destroy(region, nr * BYTES_OF_ONE);
	munmap(ram, GUEST_RAM_BYTES);
	snprintf(name, sizeof(name), "fault_vcpus_%u", nr);
	report(name, samples, (double)nr * BENCH_FILL_PAGES / (nr < cpus ? nr : cpus), 0);
}

/* Not with fewer than there are CPUs: where a CPU idles, Bochs' ticks are no instructions. */
void time_parallel_faults(void)
{
	for (unsigned int nr = 1; nr <= MOST_WRITERS; nr *= 2)
		if (nr >= sysconf(_SC_NPROCESSORS_ONLN))
			time_writers(nr);
}
