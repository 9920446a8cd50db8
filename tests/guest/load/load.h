/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The load: a program that is the init of a Linux guest, keeps every processor busy and
 * idle in turns for some seconds, and verifies all that it does. Its parts are workers
 * (threads); main.c starts them, watches that each gets on, and tells the result.
 */
#ifndef LOAD_H
#define LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_CPUS 64
#define NS_PER_S 1000000000ULL

/**
 * struct worker - one thread of the load
 * @name: of its kind
 * @cpu: the processor it is about; -1: none
 * @run: its body, which returns when load_over()
 * @steps: verified rounds so far; a worker that makes none for long has stalled
 * @worst_ns: the longest delay that it has seen, whatever that means to it
 */
struct worker {
	const char *name;
	int cpu;
	void *(*run)(void *worker);
	pthread_t thread;
	_Atomic uint64_t steps;
	_Atomic uint64_t worst_ns;
};

extern unsigned int load_cpus; /* processors online */
extern uint64_t load_memory_bytes;

uint64_t now_ns(void);
bool load_over(void);
/* Half of the time the hungry workers pause, so that processors halt. */
bool load_is_quiet(void);
void sleep_ns(uint64_t ns);
void pin_to(int cpu);
void note_worst(struct worker *w, uint64_t ns);

static inline void step(struct worker *w)
{
	atomic_fetch_add_explicit(&w->steps, 1, memory_order_relaxed);
}

/* The guest has done something wrong: says so and switches off. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* cpu.c: registers, vector state, memory */
void *compute_run(void *worker);
void *memory_run(void *worker);

/* timers.c */
void *sleeper_run(void *worker);
void *timerfd_run(void *worker);
void *clock_run(void *worker);
/* ppm of CLOCK_MONOTONIC against the PM timer and the battery clock; after the end. */
void clock_report(void);

/* ipi.c */
void *pingpong_run(void *worker);
void *migrate_run(void *worker);
void *bias_run(void *worker);
void *mapper_run(void *worker);

/* shootdown.c */
void *writer_run(void *worker);
void *protector_run(void *worker);

#endif /* LOAD_H */
