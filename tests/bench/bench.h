/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's loops (loops.S) and the program that times them (bench.c) agree upon. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

/* Guest-physical addresses. The first 4 GiB are mapped one to one. */
#define BENCH_COUNT 0x10000	/* iterations of a sample */
#define BENCH_DONE 0x10008	/* not 0 when the last sample is there */
#define BENCH_SAMPLES 0x10010	/* TSC ticks of each sample; the first is for warming up */
#define BENCH_TAKEN 0x11000	/* interrupts that bench_handler has seen */
#define BENCH_READY 0x11008	/* not 0 when the second processor is there */
#define BENCH_IDT 0x20000
#define BENCH_TRAMPOLINE 0x8000 /* where the second processor starts; below 1 MiB */
#define BENCH_STACK_SECOND 0x80000
#define BENCH_STACK 0x90000
#define BENCH_CODE 0x100000
#define BENCH_NOTHING 0x8000000	/* neither memory nor a device of the kernel */
#define BENCH_REGION 0x40000000	/* memory for the fault loops */

#define BENCH_NR_SAMPLES 10
#define BENCH_LOGGED_PAGES 4096
#define BENCH_FILL_PAGES 2048
#define BENCH_VECTOR 0x40
#define BENCH_VECTOR_ASK 0x41	/* the second processor answers it by BENCH_VECTOR */
#define BENCH_SLEEP 1000000	/* LAPIC timer ticks (ns) that the HLT loop sleeps for */

/* Displacements of NOPs that tell trace_plugin.c where a sample begins and ends. */
#define BENCH_MARK_BEGIN 0x6d796876
#define BENCH_MARK_END 0x6d796877

#define BENCH_PORT 0x80		/* nobody in the kernel is there */
#define BENCH_PORT_EVENTFD 0x84
#define BENCH_PORT_END 0xf5

#endif /* TESTS_BENCH_H */
