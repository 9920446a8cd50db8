// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Init of the guest. The kernel's command line says what to do:
 *
 *	load=SECONDS		how long
 *	load_cpus=N		so many processors must be online
 *	load_memory=MIB		for the verified patterns (32)
 *	load_hotplug=N		before that, switch each processor off and on N times
 *	load_end=off|reset	what to do at the end; `crash` resets in the middle, without
 *				a word to the other processors
 *
 * Ends with a line `LOAD OK` or `LOAD FAILED: why` on the console.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define MAX_WORKERS (MAX_CPUS * 8)
/*
 * A worker without a step for so long has stalled. With 8 processors on 2 emulated ones that
 * share a busy machine, a step that changes mappings was seen to take 40 s: each handover of
 * the address space's lock waits for a processor that does not run.
 */
#define STALL_S 240
#define PHASE_NS 500000000ULL

unsigned int load_cpus;
uint64_t load_memory_bytes;

static uint64_t begin_ns, end_ns;
static char how_to_end[16] = "off";
static struct worker workers[MAX_WORKERS];
static unsigned int nr_workers;

/* ---- for the workers ---- */

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

bool load_over(void)
{
	return now_ns() >= end_ns;
}

bool load_is_quiet(void)
{
	return (now_ns() - begin_ns) / PHASE_NS % 2;
}

void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	nanosleep(&ts, NULL);
}

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("cannot go to processor %d", cpu);
}

void note_worst(struct worker *w, uint64_t ns)
{
	if (ns > w->worst_ns)
		w->worst_ns = ns;
}

static void switch_off(void)
{
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void fail(const char *format, ...)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	va_list args;

	if (atomic_flag_test_and_set(&told))
		for (;;)
			pause();
	printf("LOAD FAILED: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	switch_off();
	abort();
}

/* ---- the workers ---- */

static void add(const char *name, int cpu, void *(*run)(void *))
{
	struct worker *w = &workers[nr_workers++];

	w->name = name;
	w->cpu = cpu;
	w->run = run;
}

static void add_workers(void)
{
	for (unsigned int cpu = 0; cpu < load_cpus; cpu++) {
		add("compute", cpu, compute_run);
		add("memory", cpu, memory_run);
		add("sleeper", cpu, sleeper_run);
		add("bias", cpu, bias_run);
		add("writer", cpu, writer_run);
		add("pingpong", 2 * cpu, pingpong_run);
		add("pingpong", 2 * cpu + 1, pingpong_run);
	}
	add("protector", -1, protector_run);
	add("mapper", -1, mapper_run);
	add("migrate", -1, migrate_run);
	add("timerfd", -1, timerfd_run);
	add("clock", -1, clock_run);
}

static void start_workers(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (unsigned int i = 0; i < nr_workers; i++)
		if (pthread_create(&workers[i].thread, &attr, workers[i].run, &workers[i]))
			fail("cannot start thread %u", i);
}

static bool all_done(bool *done)
{
	bool all = true;

	for (unsigned int i = 0; i < nr_workers; i++) {
		done[i] = done[i] || !pthread_tryjoin_np(workers[i].thread, NULL);
		all = all && done[i];
	}
	return all;
}

/* Until all have ended: does each of them get on? */
static void watch_workers(void)
{
	static uint64_t last_steps[MAX_WORKERS], last_ns[MAX_WORKERS];
	static bool done[MAX_WORKERS];

	for (unsigned int i = 0; i < nr_workers; i++)
		last_ns[i] = begin_ns;
	while (!all_done(done)) {
		sleep_ns(50000000);
		for (unsigned int i = 0; i < nr_workers; i++) {
			struct worker *w = &workers[i];
			uint64_t steps = w->steps, now = now_ns();

			if (steps != last_steps[i] || done[i]) {
				last_steps[i] = steps;
				last_ns[i] = now;
			} else if (now - last_ns[i] > STALL_S * NS_PER_S) {
				fail("%s %d stalls after %lu steps", w->name, w->cpu, steps);
			}
		}
		if (!strcmp(how_to_end, "crash") && load_over())
			return;
	}
}

/* ---- the report ---- */

static void report_workers(bool all_had_time)
{
	for (unsigned int i = 0; i < nr_workers; i++) {
		uint64_t steps = 0, worst = 0, least = UINT64_MAX;
		bool first = true;

		for (unsigned int k = 0; k < nr_workers; k++) {
			if (strcmp(workers[k].name, workers[i].name))
				continue;
			first = first && k >= i;
			steps += workers[k].steps;
			if (workers[k].steps < least)
				least = workers[k].steps;
			if (workers[k].worst_ns > worst)
				worst = workers[k].worst_ns;
		}
		if (!first)
			continue;
		printf("LOAD %s: %lu steps, at least %lu each", workers[i].name, steps, least);
		if (worst)
			printf(", at most %.3f ms late", worst / 1e6);
		putchar('\n');
		if (!least && all_had_time)
			fail("a %s did nothing", workers[i].name);
	}
}

/* Lines of /proc/interrupts as sums. */
static void report_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		char *name = line + strspn(line, " "), *p = strchr(name, ':');
		uint64_t sum = 0;

		if (!p || p - name != 3 || !strstr("LOC RES CAL TLB NMI", strndup(name, 3)))
			continue;
		*p++ = 0;
		for (char *end;; p = end) {
			uint64_t n = strtoull(p, &end, 10);

			if (end == p)
				break;
			sum += n;
		}
		printf("LOAD interrupts: %s %lu\n", name, sum);
	}
	if (f)
		fclose(f);
}

/* ---- the frame ---- */

static uint64_t parameter(const char *line, const char *name, uint64_t otherwise)
{
	const char *p = strstr(line, name);

	return p ? strtoull(p + strlen(name), NULL, 10) : otherwise;
}

static void become_init(void)
{
	static const char *const dirs[] = { "/dev", "/proc", "/sys" };
	int fd;

	for (unsigned int i = 0; i < 3; i++)
		mkdir(dirs[i], 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void read_parameters(uint64_t *seconds, uint64_t *hotplugs)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");
	const char *end;

	if (!f || !fgets(line, sizeof(line), f))
		fail("no command line");
	fclose(f);
	*seconds = parameter(line, "load=", 5);
	load_memory_bytes = parameter(line, "load_memory=", 32) << 20;
	*hotplugs = parameter(line, "load_hotplug=", 0);
	load_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	end = strstr(line, "load_end=");
	if (end)
		sscanf(end, "load_end=%15[a-z]", how_to_end);
	if (load_cpus != parameter(line, "load_cpus=", load_cpus) || load_cpus > MAX_CPUS)
		fail("%u processors are online", load_cpus);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Every return is an INIT and a SIPI. */
static void hotplug(uint64_t rounds)
{
	char path[64];

	for (uint64_t round = 0; round < rounds; round++)
		for (unsigned int cpu = 1; cpu < load_cpus; cpu++) {
			snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
			if (!write_file(path, "0") || !write_file(path, "1"))
				fail("processor %u does not go and come, round %lu", cpu, round);
		}
	if (rounds)
		printf("LOAD hotplug: %lu rounds\n", rounds);
}

static void crash(void)
{
	if (!write_file("/proc/sysrq-trigger", "b"))
		fail("no magic SysRq");
}

int main(void)
{
	uint64_t seconds, hotplugs;

	become_init();
	read_parameters(&seconds, &hotplugs);
	printf("LOAD START: %u processors, %lu s, %lu MiB\n", load_cpus, seconds,
	       load_memory_bytes >> 20);
	hotplug(hotplugs);
	begin_ns = now_ns();
	end_ns = begin_ns + seconds * NS_PER_S;
	add_workers();
	start_workers();
	watch_workers();
	if (!strcmp(how_to_end, "crash"))
		crash();
	printf("LOAD took %.3f s\n", (now_ns() - begin_ns) / 1e9);
	report_workers(seconds >= 20);
	report_interrupts();
	clock_report();
	puts("LOAD OK");
	if (!strcmp(how_to_end, "reset")) {
		fflush(stdout);
		reboot(RB_AUTOBOOT);
	}
	switch_off();
}
