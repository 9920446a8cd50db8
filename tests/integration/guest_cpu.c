// SPDX-License-Identifier: GPL-2.0-or-later
/* The processor beyond its modes: identification, registers, vector state, clocks. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

/* Load this process's vector registers, look at them again after the next run. */
static uint8_t pattern[16][16] __attribute__((aligned(16)));
static uint8_t found[16][16] __attribute__((aligned(16)));

static uint32_t use_vectors(struct guest *g, uint32_t number, uint32_t arg)
{
	memset(pattern, 0xd5, sizeof(pattern));
	asm volatile("movaps %0, %%xmm0; movaps %%xmm0, %%xmm1; movaps %%xmm0, %%xmm9;"
		     "movaps %%xmm0, %%xmm15"
		     :
		     : "m"(pattern)
		     : "xmm0", "xmm1", "xmm9", "xmm15");
	return 0;
}

/*
 * The ioctl is the only thing between loading and looking: the kernel must give the
 * process back its own registers after the guest has run.
 */
static void host_vectors_survive(struct guest *g)
{
	int fd = hv_vcpu_fd(g->hv);
	long r = 16; /* SYS_ioctl */

	for (unsigned int i = 0; i < sizeof(pattern); i++)
		((uint8_t *)pattern)[i] = i * 3 + 1;
	asm volatile("movaps 0(%[p]), %%xmm0; movaps 16(%[p]), %%xmm1; movaps 112(%[p]), %%xmm7;"
		     "movaps 240(%[p]), %%xmm15;"
		     "syscall;"
		     "movaps %%xmm0, 0(%[f]); movaps %%xmm1, 16(%[f]); movaps %%xmm7, 112(%[f]);"
		     "movaps %%xmm15, 240(%[f])"
		     : "+a"(r)
		     : [p] "b"(pattern), [f] "r"(found), "D"(fd), "S"(g->test->arg), "d"(0)
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm7", "xmm15");
	ok(!memcmp(pattern[0], found[0], 16) && !memcmp(pattern[1], found[1], 16) &&
		   !memcmp(pattern[7], found[7], 16) && !memcmp(pattern[15], found[15], 16),
	   "the process keeps its vector registers over a run");
}

static struct timespec slept_since;

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - t->tv_sec + (now.tv_nsec - t->tv_nsec) / 1e9;
}

static uint32_t clock_call(struct guest *g, uint32_t number, uint32_t arg)
{
	static double slept;

	if (number == CALL_TEST) {
		clock_gettime(CLOCK_MONOTONIC, &slept_since);
		usleep(50000);
		slept = seconds_since(&slept_since);
	} else {
		double guest = arg / 1e6;

		ok(guest >= slept * 0.99 && guest < slept + 10,
		   "guest's clock agrees with the host's: %.3f s, %.3f s", guest, slept);
	}
	return 0;
}

static const struct guest_test tests[] = {
	{ .image = "cpu-long", .irqchip = HV_IRQCHIP_FULL },
	{ .image = "xsave-long", .call = use_vectors },
	{ .image = "pvclock-long", .call = clock_call },
};

/* The exit of the bare run, one byte for the console, is dropped. */
static void check_host_vectors(void)
{
	struct guest_test test = { .image = "hello-long" };
	struct guest g;

	test.arg = (void *)hv_run_request;
	guest_start(&g, &test);
	host_vectors_survive(&g);
	guest_continue(&g, NULL);
	guest_end(&g);
}

int main(void)
{
	GUEST_TESTS(tests);
	check_host_vectors();
	return done_testing();
}
