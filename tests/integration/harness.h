/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a flat guest of tests/guest in a VM of its own: memory, initial state, the
 * harness's ports and its memory-like device, a watchdog. The checks that the guest
 * prints become lines of the test's output.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <pthread.h>

#include "hv.h"
#include "tap.h"
#include "../guest/abi.h"
#include "../guest/calls.h"

struct guest;

/**
 * struct guest_test - one run of one guest
 * @image: file name below GUEST_DIR, without .bin
 * @irqchip: HV_IRQCHIP_*
 * @seconds: until the watchdog stops it; 0 means 10
 * @expect_shutdown: it ends by a triple fault instead of PORT_EXIT
 * @setup: before the first entry
 * @exit: sees every exit first; true: handled
 * @call: a harness call of the guest (PORT_CALL) that harness.c does not know
 * @finish: after the end, for checks from outside
 * @arg: for the callbacks
 */
struct guest_test {
	const char *image;
	int irqchip;
	unsigned int seconds;
	bool expect_shutdown;
	void (*setup)(struct guest *g);
	bool (*exit)(struct guest *g, struct hv_exit *e);
	uint32_t (*call)(struct guest *g, uint32_t number, uint32_t arg);
	void (*finish)(struct guest *g);
	void *arg;
};

/* Accesses to the memory-like device since the guest last asked. */
struct mmio_log {
	uint32_t reads, writes;
	uint32_t last_size;
	uint32_t last_offset;
	bool last_is_write;
};

struct guest {
	const struct guest_test *test;
	struct hv *hv;
	uint8_t *ram;
	uint8_t *mmio;
	struct mmio_log log;
	uint32_t mode;

	/* ports */
	uint32_t call_arg;
	uint8_t latch[4];
	uint8_t counter;
	uint32_t sum, sum_count;
	char line[256];
	unsigned int line_length;

	unsigned int checks;
	bool ended;
	uint32_t status;
	uint64_t exits;

	/* watchdog */
	pthread_t vcpu_thread, watchdog;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool stop_watchdog;
	volatile bool timed_out;
};

/* Run one; its checks are noted. Exits with 77 when there is no hypervisor. */
void guest_run(const struct guest_test *test);
void guest_run_all(const struct guest_test *tests, unsigned int count);

/* The same in steps, for tests that want to look in between. */
void guest_start(struct guest *g, const struct guest_test *test);
/* Until the guest ends, or @until (if any) says stop. true: the guest has ended. */
bool guest_continue(struct guest *g, bool (*until)(struct guest *g, struct hv_exit *e));
void guest_end(struct guest *g);

/* The CPU below is QEMU's TCG: segment limits, #AC, intercepts of INT3 are missing. */
bool is_tcg(void);
/* An anonymous mapping, page aligned; bails out without memory. */
void *map_anonymous(size_t bytes);
/* Start state of a mode, as the guests of tests/guest expect it. */
void guest_initial_state(uint8_t *ram, uint32_t mode, uint32_t entry,
			 struct myhv_vcpu_state *state, uint32_t *groups);

#define GUEST_TESTS(array) guest_run_all(array, sizeof(array) / sizeof((array)[0]))

#endif /* TESTS_HARNESS_H */
