// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupt controllers and timers in the kernel. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "libmyhv.h"

struct late_message {
	struct hv *hv;
	uint32_t vector;
};

/* From another thread, when the guest has probably halted. */
static void *send_later(void *arg)
{
	struct late_message *m = arg;

	usleep(20000);
	is(hv_msi(m->hv, 0xfee00000, m->vector), 0, "a message from another thread");
	free(m);
	return NULL;
}

static void start_sender(struct guest *g, uint32_t vector)
{
	struct late_message *m = malloc(sizeof(*m));
	pthread_t thread;

	m->hv = g->hv;
	m->vector = vector;
	if (pthread_create(&thread, NULL, send_later, m))
		bail_out("no thread for a message");
	pthread_detach(thread);
}

static uint32_t call(struct guest *g, uint32_t number, uint32_t arg)
{
	switch (number) {
	case CALL_TEST: start_sender(g, arg); return 0;
	/* The IOAPIC's pin of the PIT: KVM's own routing says 0. */
	case CALL_TEST + 1: return strcmp(hv_name, "kvm") ? 2 : 0;
	}
	return ~0u;
}

/* Split chips: the end of a level interrupt is told to user space, which has the IOAPIC. */
static unsigned int eois;

static bool count_eois(struct guest *g, struct hv_exit *e)
{
	if (e->reason != HV_EOI)
		return false;
	/* the higher vector comes first */
	is(e->address, eois ? 0x61 : 0x63, "EOI of a level interrupt");
	eois++;
	return true;
}

static void check_eois(struct guest *g)
{
	if (strcmp(hv_name, "kvm")) /* it wants a routing table for that */
		is(eois, 2, "two EOI exits, none for the edge interrupt");
}

/* Paravirtual EOI, offered and not. @arg: offered */
static void choose_pv(struct guest *g)
{
	if (strcmp(hv_name, "kvm"))
		is(myhv_prop_set(hv_vm_fd(g->hv), MYHV_PROP_VM_PV, g->test->arg ? MYHV_PV_EOI : 0),
		   0, "choosing paravirtual features");
}

/* The CPU ends interrupts itself; also asked of myhv by who runs above the shim. */
static bool cpu_delivers(void)
{
	int fd = open("/dev/myhv", O_RDWR | O_CLOEXEC);
	uint64_t features = 0;
	char c = 'N';

	if (fd >= 0) {
		is(myhv_prop_get(fd, MYHV_PROP_CPU_FEATURES, &features), 0, "features");
		close(fd);
		return features & MYHV_CPU_FEATURE_APICV;
	}
	fd = open("/sys/module/kvm_intel/parameters/enable_apicv", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		is(read(fd, &c, 1), 1, "KVM's parameter");
		close(fd);
	}
	return c == 'Y';
}

static uint32_t pv_call(struct guest *g, uint32_t number, uint32_t arg)
{
	/* KVM offers what it has, unless CPUID hides it */
	if (strcmp(hv_name, "kvm") && !g->test->arg)
		return 0;
	return cpu_delivers() ? 2 : 1;
}

static const struct guest_test tests[] = {
	{ .image = "lapic-long", .irqchip = HV_IRQCHIP_SPLIT, .call = call },
	{ .image = "split-long", .irqchip = HV_IRQCHIP_SPLIT, .exit = count_eois,
	  .finish = check_eois },
	{ .image = "lapic-long", .irqchip = HV_IRQCHIP_FULL, .call = call },
	{ .image = "lapic-pae", .irqchip = HV_IRQCHIP_FULL, .call = call },
	{ .image = "ioapic-long", .irqchip = HV_IRQCHIP_FULL, .call = call },
	{ .image = "pic_pit-long", .irqchip = HV_IRQCHIP_FULL },
	{ .image = "pic-long", .irqchip = HV_IRQCHIP_FULL },
	{ .image = "storm-long", .irqchip = HV_IRQCHIP_FULL, .seconds = 120 },
	{ .image = "pveoi-long", .irqchip = HV_IRQCHIP_FULL, .setup = choose_pv, .call = pv_call,
	  .arg = "offered" },
	{ .image = "pveoi-long", .irqchip = HV_IRQCHIP_FULL, .setup = choose_pv, .call = pv_call },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
