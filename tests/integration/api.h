/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Common parts of the api_X programs: raw calls, size rules, a tiny VM. */
#ifndef TESTS_API_H
#define TESTS_API_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libmyhv.h"
#include "tap.h"

#define BAD_POINTER ((void *)0x10)

/* ioctl() with a negative errno; closes nothing. */
int ioc(int fd, unsigned long request, void *arg);
/* The same number for an argument of another size. */
unsigned long with_size(unsigned long request, size_t bytes);

/**
 * check_sizes() - the rules of growing structs
 * @fd: descriptor
 * @request: ioctl whose argument is @arg of @bytes bytes
 * @want: result that a good call gives; 0 means 0 or more
 * @repeat: a good call may be made any number of times
 *
 * A nonzero tail, a bad pointer; if @repeat a zero tail.
 */
void check_sizes(const char *name, int fd, unsigned long request, const void *arg, size_t bytes,
		 int want, bool repeat);

/* Descriptors; bail out (or skip the test, without the module). */
int sys_open(void);
int vm_open(int irqchip);

/* A VM with 1 MiB of RAM at 0 and one vCPU in real mode at CODE. */
#define MINI_BYTES 0x100000
#define MINI_CODE 0x1000
struct mini {
	int vm;
	struct myhv_vcpu vcpu;
	uint8_t *ram;
};
void mini_open(struct mini *m, int irqchip, const void *code, size_t bytes);
void mini_close(struct mini *m);
/* Back to the first instruction of (new) code. */
void mini_restart(struct mini *m, const void *code, size_t bytes);
/*
 * Run to the next exit that means something. EINTR may come at any time: the kernel may
 * have work for the thread on its way to user space.
 */
int mini_run(struct mini *m);
#define MINI_OPEN(m, irqchip, ...)                                        \
	do {                                                              \
		static const uint8_t code_[] = { __VA_ARGS__ };           \
		mini_open(m, irqchip, code_, sizeof(code_));              \
	} while (0)
#define MINI_RESTART(m, ...)                                              \
	do {                                                              \
		static const uint8_t code_[] = { __VA_ARGS__ };           \
		mini_restart(m, code_, sizeof(code_));                    \
	} while (0)

#endif /* TESTS_API_H */
