// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts from user space, without a LAPIC in the kernel. */
#include "harness.h"

static int pending = -1;	/* vector that waits for the guest to be ready */
static int on_halt = -1;	/* vector to inject when the guest halts */
static bool arm_nmi;
static unsigned int windows;

static void setup(struct guest *g)
{
	pending = on_halt = -1;
	arm_nmi = false;
	windows = 0;
}

static void inject(struct guest *g)
{
	is(hv_interrupt(g->hv, pending), 0, "injecting vector %#x", pending);
	pending = -1;
	hv_request_window(g->hv, false);
}

static uint32_t call(struct guest *g, uint32_t number, uint32_t arg)
{
	switch (number) {
	case CALL_INTERRUPT:
		pending = arg;
		hv_request_window(g->hv, true);
		break;
	case CALL_TEST: on_halt = arg; break;
	case CALL_TEST + 1: arm_nmi = true; break;
	}
	return 0;
}

static bool handle(struct guest *g, struct hv_exit *e)
{
	if (e->reason == HV_HLT && on_halt >= 0) {
		ok(e->if_flag, "HLT exits with IF set");
		pending = on_halt;
		on_halt = -1;
		inject(g);
		return true;
	}
	if (e->reason == HV_IRQ_WINDOW) {
		windows++;
		if (pending >= 0) {
			ok(e->irq_ready && e->if_flag, "an interrupt window is open");
			inject(g);
		}
		return true;
	}
	if (e->reason == HV_IO && e->address == PORT_LATCH && arm_nmi) {
		arm_nmi = false;
		is(hv_nmi(g->hv), 0, "queueing an NMI");
	}
	return false;
}

static void finish(struct guest *g)
{
	ok(windows > 0, "%s: interrupt windows were used", g->test->image);
}

static const struct guest_test tests[] = {
	{ .image = "irq-prot32", .setup = setup, .exit = handle, .call = call, .finish = finish },
	{ .image = "irq-long", .setup = setup, .exit = handle, .call = call, .finish = finish },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
