// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest with two vCPUs: what one LAPIC does to the other. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "libmyhv.h"

static struct hv *second;
static pthread_t thread;
static volatile bool stopping;

/* The guest's second processor says nothing to the harness: it runs, or it is stopped. */
static void *run_second(void *arg)
{
	struct hv_exit e;
	int r = 0;

	while (!stopping && !r) {
		r = hv_run(second, &e);
		if (!r && e.reason != HV_INTR) {
			ok(false, "the second vCPU stopped: reason %d, address %#llx %s", e.reason,
			   (unsigned long long)e.address, e.detail);
			break;
		}
	}
	if (r)
		ok(false, "the second vCPU does not run: %s", strerror(-r));
	return NULL;
}

static void start_second(struct guest *g)
{
	int r = 0;

	if (strcmp(hv_name, "kvm"))
		r = myhv_prop_set(hv_vm_fd(g->hv), MYHV_PROP_VM_PV,
				  g->test->arg ? MYHV_PV_UNHALT : 0);
	is(r, 0, "choosing paravirtual features");
	r = hv_open_another(&second, g->hv, 1);
	if (r < 0)
		bail_out("a second vCPU: %s", strerror(-r));
	stopping = false;
	if (pthread_create(&thread, NULL, run_second, NULL))
		bail_out("no thread for the second vCPU");
}

static void stop_second(struct guest *g)
{
	stopping = true;
	do {
		hv_kick(second);
		pthread_kill(thread, SIGUSR1);
		usleep(10000);
	} while (pthread_tryjoin_np(thread, NULL));
	hv_close(second);
}

static uint32_t call(struct guest *g, uint32_t number, uint32_t arg)
{
	switch (number) {
	/* KVM offers what it has, unless CPUID hides it */
	case CALL_TEST: return g->test->arg || !strcmp(hv_name, "kvm");
	case CALL_TEST + 1:
		return hv_msi(g->hv, 0xfee00000 | (arg & 0xfffff), 0x41 | arg >> 20 << 8);
	}
	return ~0u;
}

static const struct guest_test tests[] = {
	{ .image = "smp-long", .irqchip = HV_IRQCHIP_FULL, .seconds = 270, .setup = start_second,
	  .call = call, .finish = stop_second, .arg = "kicks offered" },
	{ .image = "smp-long", .irqchip = HV_IRQCHIP_FULL, .seconds = 270, .setup = start_second,
	  .call = call, .finish = stop_second },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
