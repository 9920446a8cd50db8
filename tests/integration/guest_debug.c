// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest under a debugger outside: steps, breakpoints in code and in DR0-3. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define CODE 0x200000

/* nop; mov $5, %ecx; 1: dec %ecx; jnz 1b; cpuid; movl $1, 0x9000; int3; nop; hlt */
static const uint8_t code[] = {
	0x90, 0xb9, 5, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0x0f, 0xa2,
	0xc7, 0x04, 0x25, 0, 0x90, 0, 0, 1, 0, 0, 0, 0xcc, 0x90, 0xf4,
};
#define AT_LOOP (CODE + 6)
#define AT_CPUID (CODE + 10)
#define AT_STORE (CODE + 12)
#define AT_INT3 (CODE + 23)
#define AT_HLT (CODE + 25)

static void setup(struct guest *g)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));

	memcpy(g->ram + CODE, code, sizeof(code));
	hv_state_get(g->hv, MYHV_STATE_GENERAL, s);
	s->general.rip = CODE;
	s->general.rflags = 2;
	is(hv_state_set(g->hv, MYHV_STATE_GENERAL, s), 0, "start");
	free(s);
}

static uint64_t rip(struct guest *g)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));
	uint64_t v;

	hv_state_get(g->hv, MYHV_STATE_GENERAL, s);
	v = s->general.rip;
	free(s);
	return v;
}

/* To the next exit that is not an interruption. */
static enum hv_reason run(struct guest *g, struct hv_exit *e)
{
	int r;

	do
		r = hv_run(g->hv, e);
	while (!r && e->reason == HV_INTR && !g->timed_out);
	return r ? HV_FAILED : e->reason;
}

/* With the vCPU just before INT3. */
static void check_int3(struct guest *g)
{
	struct hv_exit e;

	if (is_tcg())
		return;
	is(run(g, &e), HV_DEBUG, "INT3");
	is(e.address, AT_INT3, "exits where it stands");
}

static void steps(struct guest *g)
{
	struct hv_exit e;
	unsigned int n = 0;
	uint64_t first = 0;

	is(hv_debug(g->hv, true, true, NULL, 0), 0, "step");
	while (run(g, &e) == HV_DEBUG && n < 100) {
		if (!n++)
			first = rip(g);
		if (rip(g) == AT_INT3)
			break;
	}
	is(first, CODE + 1, "the first step");
	/* nop, mov, 5 times dec and jnz, cpuid, mov */
	is(n, 1 + 1 + 10 + 1 + 1, "number of steps to INT3");
	check_int3(g);
}

static void breakpoints(struct guest *g)
{
	uint64_t dr[4] = { AT_CPUID, 0x9000, AT_LOOP, 0 };
	struct hv_exit e;

	setup(g);
	/* DR0: execution; DR1: 4 bytes written */
	is(hv_debug(g->hv, false, true, dr, 0x400 | 1 | 4 | 0xdU << 20), 0, "breakpoints");
	is(run(g, &e), HV_DEBUG, "breakpoint in DR0");
	is(rip(g), AT_CPUID, "before the instruction");
	is(e.dr6 & 0xf, 1, "DR6.B0");
	dr[0] = 0;
	is(hv_debug(g->hv, false, true, dr, 0x400 | 4 | 0xdU << 20), 0, "without the first");
	is(run(g, &e), HV_DEBUG, "watchpoint in DR1");
	is(rip(g), AT_STORE + 11, "behind the instruction");
	is(e.dr6 & 0xf, 2, "DR6.B1");
	is(hv_debug(g->hv, false, true, NULL, 0), 0, "software breakpoints alone");
	check_int3(g);
}

static void off(struct guest *g)
{
	struct hv_exit e;

	setup(g);
	is(hv_debug(g->hv, false, false, NULL, 0), 0, "no debugging");
	g->ram[AT_INT3] = 0x90;
	is(run(g, &e), HV_HLT, "runs to its end");
	is(rip(g), AT_HLT + 1, "behind HLT");
}

int main(void)
{
	struct guest_test test = { .image = "hello-long" };
	struct guest *g = calloc(1, sizeof(*g));

	guest_start(g, &test);
	setup(g);
	steps(g);
	/* TCG does not arm breakpoints when VMRUN loads DR7 */
	if (!is_tcg())
		breakpoints(g);
	off(g);
	g->checks = 1;
	guest_end(g);
	free(g);
	return done_testing();
}
