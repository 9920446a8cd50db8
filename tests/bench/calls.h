/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bench needs of a hypervisor beyond hv.h. Everything returns a negative errno when
 * it fails. No way back: whoever closes the VM ends all of it.
 */
#ifndef TESTS_BENCH_CALLS_H
#define TESTS_BENCH_CALLS_H

#include "hv.h"

/* Of a guest's TSC, which is the host's. */
int calls_tsc_khz(struct hv *hv, uint64_t *khz);

/* Processor 1, with the CPUID of the first; the descriptor to run it by. One at a time. */
int calls_vcpu_add(struct hv *hv);
void calls_vcpu_remove(int fd);

/* From now on @eventfd sends this message; nothing else is routed. */
int calls_irqfd(struct hv *hv, int eventfd, uint64_t address, uint32_t data);
/* A guest's write of a byte to @port signals @eventfd. */
int calls_ioeventfd(struct hv *hv, int eventfd, uint16_t port);

/* Memory whose writes are logged, and reading its log; the pages are watched again. */
int calls_map_logged(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes);
int calls_harvest(struct hv *hv, uint64_t gpa, uint64_t bytes, void *bitmap);

#endif /* TESTS_BENCH_CALLS_H */
