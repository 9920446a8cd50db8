// SPDX-License-Identifier: GPL-2.0-or-later
/* Work without system calls: integer and vector registers, and memory with patterns. */
#include <stdlib.h>
#include <sys/mman.h>

#include "load.h"

#define ROUNDS 20000

typedef double vec2 __attribute__((vector_size(16)));

struct answer {
	uint64_t integer;
	vec2 vector[4];
};

/* Many live registers: whoever loses one over an exit changes the answer. */
static void calculate(struct answer *a)
{
	uint64_t x = 88172645463325252ULL, y = 1, z = 2, w = 3;
	vec2 v[4] = { { 0.1, 0.2 }, { 0.3, 0.4 }, { 0.55, 0.66 }, { 0.7, 0.8 } };

	for (int i = 0; i < ROUNDS; i++) {
		next_random(&x);
		y = y * 6364136223846793005ULL + x;
		z = (z << 7 | z >> 57) ^ y;
		w += z / (x | 1);
		for (int k = 0; k < 4; k++)
			v[k] = 3.99 * v[k] * (1.0 - v[k]);
	}
	a->integer = x ^ y ^ z ^ w;
	for (int k = 0; k < 4; k++)
		a->vector[k] = v[k];
}

static bool same(const struct answer *a, const struct answer *b)
{
	if (a->integer != b->integer)
		return false;
	for (int k = 0; k < 4; k++)
		if (a->vector[k][0] != b->vector[k][0] || a->vector[k][1] != b->vector[k][1])
			return false;
	return true;
}

static struct answer first_answer;
static pthread_once_t first_once = PTHREAD_ONCE_INIT;

static void calculate_first(void)
{
	calculate(&first_answer);
}

void *compute_run(void *worker)
{
	struct worker *w = worker;
	struct answer a;

	pin_to(w->cpu);
	pthread_once(&first_once, calculate_first);
	while (!load_over()) {
		if (load_is_quiet()) {
			sleep_ns(20000000);
			step(w);
			continue;
		}
		calculate(&a);
		if (!same(&a, &first_answer))
			fail("processor %d calculates wrong: %#lx, not %#lx", w->cpu, a.integer,
			     first_answer.integer);
		step(w);
	}
	return NULL;
}

/* ---- memory ---- */

static uint64_t pattern(uint64_t index, uint64_t seed)
{
	return (index + seed) * 0x9e3779b97f4a7c15ULL;
}

static void verify(const struct worker *w, const uint64_t *words, uint64_t from, uint64_t to,
		   uint64_t seed)
{
	for (uint64_t i = from; i < to; i++)
		if (words[i] != pattern(i, seed))
			fail("memory of processor %d: word %lu is %#lx, not %#lx", w->cpu, i,
			     words[i], pattern(i, seed));
}

/*
 * Fill, then verify and fill anew piece by piece, on another processor each time. A step is a
 * piece, so that a guest whose memory is swapped still gets on.
 */
void *memory_run(void *worker)
{
	const uint64_t piece = (1 << 20) / sizeof(uint64_t);
	struct worker *w = worker;
	uint64_t bytes = load_memory_bytes / load_cpus & ~((1ULL << 20) - 1);
	uint64_t count = bytes / sizeof(uint64_t), seed = w->cpu + 1, pass = 0;
	uint64_t *words;

	words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		fail("no memory for %lu MiB", bytes >> 20);
	for (uint64_t i = 0; i < count; i++) {
		words[i] = pattern(i, seed);
		if (i % piece == 0)
			step(w);
	}
	/* at least one whole pass, however long it takes */
	while (!load_over() || !pass) {
		pin_to((w->cpu + pass) % load_cpus);
		for (uint64_t i = 0; i < count && (!load_over() || !pass); i += piece) {
			while (load_is_quiet() && !load_over()) {
				sleep_ns(20000000);
				step(w);
			}
			verify(w, words, i, i + piece, seed + pass);
			for (uint64_t k = i; k < i + piece; k++)
				words[k] = pattern(k, seed + pass + 1);
			step(w);
		}
		pass++;
	}
	return NULL;
}
