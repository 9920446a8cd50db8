/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cases that are no loop of the guest's: each prints its own lines. */
#ifndef TESTS_BENCH_CASES_H
#define TESTS_BENCH_CASES_H

#include <stdint.h>

/* Guests of loops.S that wait for the program. */
extern const uint8_t bench_park[], bench_dirty[], bench_fill[];

void time_mapping(void);
void time_life(void);
void time_irqfd(void);
void time_dirty_log(void);
void time_parallel_faults(void);

#endif /* TESTS_BENCH_CASES_H */
