/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM that runs one of loops.S, and what is said of its samples. */
#ifndef TESTS_BENCH_MACHINE_H
#define TESTS_BENCH_MACHINE_H

#include "bench.h"
#include "harness.h"

extern const uint8_t bench_image[], bench_image_end[];

/**
 * struct machine - a VM with one processor, perhaps two
 * @hv: the VM
 * @ram: GUEST_RAM_BYTES at 0
 * @second: the other processor's thread, which ends with the guest
 * @second_fd: its descriptor, or -1
 */
struct machine {
	struct hv *hv;
	uint8_t *ram;
	pthread_t second;
	int second_fd;
};

/* All of these leave the program when something fails. */
void check(int result, const char *what);
/*
 * Of the TSC. Where the host counts under 1 GHz (Bochs), its timer ticks after fewer
 * instructions, and samples are shorter by as much, so that most have no tick.
 */
extern uint64_t tsc_khz;
void machine_find_tsc_khz(void);
uint32_t turns_of(uint32_t at_1_ghz);
/* In long mode at @code, of the image in loops.S. */
void machine_set_start(struct hv *hv, uint8_t *ram, const uint8_t *code, uint64_t r8);
/* The guest will start at @code; @count are the iterations of a sample. */
void machine_create(struct machine *m, const uint8_t *code, uint32_t count);
/* Another processor, which waits for its INIT. */
void machine_add_processor(struct machine *m);
void machine_destroy(struct machine *m);
uint64_t *machine_u64(struct machine *m, uint32_t gpa);
/* Until the guest is done or came to user space @most times; returns how often it did. */
uint64_t machine_run(struct machine *m, uint64_t most);

/* Memory that is backed already, by pages of @page_bytes. */
uint8_t *region_create(uint64_t bytes, uint32_t page_bytes);
void region_destroy(uint8_t *region, uint64_t bytes);

/*
 * Print a case: @samples are BENCH_NR_SAMPLES sums over @count iterations, and @less is taken
 * off each.
 */
void report(const char *name, uint64_t *samples, double count, uint32_t less);

#endif /* TESTS_BENCH_MACHINE_H */
