// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Windows looks for in Hyper-V's interface: leaves, the time by an MSR and by a page, the
 * hypercall page, the LAPIC by MSRs, synthetic timers with an interrupt of their own and with
 * messages. The program knows nothing of myhv; it must pass on KVM, and through the shim.
 */
#include <time.h>

#include "machine.h"

#define OS_ID 0x40000000
#define HYPERCALL 0x40000001
#define VP_INDEX 0x40000002
#define TIME 0x40000020
#define TSC_PAGE 0x40000021
#define EOI 0x40000070
#define ASSIST 0x40000073
#define SCONTROL 0x40000080
#define SIMP 0x40000083
#define EOM 0x40000084
#define SINT2 0x40000092
#define TIMER0 0x400000b0
#define TIMER1 0x400000b2

#define TSC_GPA 0x10000
#define HYPERCALL_GPA 0x11000
#define ASSIST_GPA 0x12000
#define SIMP_GPA 0x13000
#define VECTOR 0x40
#define HANDLER 0x600
#define GO_ON 0x700 /* a word of the guest's memory, for user space to write */
#define COUNT 0x710 /* another: what the guest shall put into a timer's count */

#define MS 10000 /* in units of 100 ns */

/* mov $low, %eax; mov $high, %edx; mov $index, %ecx; wrmsr */
#define WRITE_MSR(index, low, high) SET_EAX(low), SET_EDX(high), SET_ECX(index), WRMSR
/* the same with a value in memory: mov at, %eax; mov at + 4, %edx; mov $index, %ecx; wrmsr */
#define WRITE_MSR_AT(index, at)                                                 \
	0x66, 0xa1, U16(at), 0x66, 0x8b, 0x16, U16((at) + 4), SET_ECX(index), WRMSR
#define U16(n) (uint8_t)(n), (uint8_t)((n) >> 8)
#define STI_HLT 0xfb, 0xf4

static uint64_t msr_get(struct machine *m, uint32_t index)
{
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry;
	} get = { .msrs.nmsrs = 1, .entry.index = index };

	return call(m->vcpu, KVM_GET_MSRS, &get) == 1 ? get.entry.data : ~0ull;
}

static int msr_set(struct machine *m, uint32_t index, uint64_t value)
{
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry;
	} set = { .msrs.nmsrs = 1, .entry = { .index = index, .data = value } };

	return call(m->vcpu, KVM_SET_MSRS, &set);
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *list, uint32_t function)
{
	for (uint32_t i = 0; i < list->nent; i++)
		if (list->entries[i].function == function)
			return &list->entries[i];
	return NULL;
}

static struct kvm_cpuid2 *hyperv_leaves(struct machine *m)
{
	struct kvm_cpuid2 *list = calloc(1, sizeof(*list) + 64 * sizeof(list->entries[0]));

	list->nent = 1;
	is(call(m->kvm, KVM_GET_SUPPORTED_HV_CPUID, list), -E2BIG, "leaves: no room");
	list->nent = 64;
	is(call(m->kvm, KVM_GET_SUPPORTED_HV_CPUID, list), 0, "leaves");
	is(call(m->kvm, KVM_GET_SUPPORTED_HV_CPUID, BAD), -EFAULT, "leaves: a bad pointer");
	return list;
}

/* The guest's CPUID: what is supported, with Hyper-V's leaves before those of KVM. */
static void cpuid_set(struct machine *m, const struct kvm_cpuid2 *hv)
{
	struct kvm_cpuid2 *cpuid;
	uint32_t n = 0;

	supported_cpuid(m, &cpuid);
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 e = cpuid->entries[i];

		if ((e.function >> 8) == 0x400000)
			e.function += 0x100;
		cpuid->entries[n++] = e;
	}
	for (uint32_t i = 0; i < hv->nent; i++)
		if (hv->entries[i].function <= 0x40000005)
			cpuid->entries[n++] = hv->entries[i];
	cpuid->nent = n;
	is(call(m->vcpu, KVM_SET_CPUID2, cpuid), 0, "set CPUID");
	free(cpuid);
}

/* Real mode's handler of VECTOR: ends it by Hyper-V's MSR, and tells by port 9. */
static void handler_set(struct machine *m)
{
	static const uint8_t code[] = { WRITE_MSR(EOI, 0, 0), OUT(9), 0xcf };

	memcpy(m->ram + HANDLER, code, sizeof(code));
	((uint32_t *)m->ram)[VECTOR] = HANDLER;
}

static void lapic_enable(struct machine *m)
{
	struct kvm_lapic_state lapic;

	call(m->vcpu, KVM_GET_LAPIC, &lapic);
	lapic.regs[0xf1] |= 1; /* SVR: enabled */
	is(call(m->vcpu, KVM_SET_LAPIC, &lapic), 0, "the LAPIC is enabled");
}

#define HV_RESTART(m, ...)                      \
	do {                                    \
		RESTART(m, __VA_ARGS__);        \
		handler_set(m);                 \
	} while (0)

/* ---- what is tested ---- */

static void leaves(const struct kvm_cpuid2 *hv)
{
	const struct kvm_cpuid_entry2 *e = leaf(hv, 0x40000001);

	ok(e && e->eax == 0x31237648, "the interface is Hv#1");
	e = leaf(hv, 0x40000003);
	ok(e && (e->eax & 0x27e) == 0x27e, "time, SynIC, timers, APIC, hypercalls, VP index: %#x",
	   e ? e->eax : 0);
	e = leaf(hv, 0x40000004);
	ok(e && (e->eax & 0x28) == 0x28, "recommended: APIC by MSRs, relaxed timing");
}

static void not_offered(struct machine *m)
{
	HV_RESTART(m, SET_ECX(TIME), RDMSR, OUT(1));
	is(to_port(m), 0xdd, "without the leaves the MSRs fault");
	is(msr_set(m, OS_ID, 0), 1, "user space may write them");
}

static void the_time(struct machine *m)
{
	struct {
		uint32_t sequence, pad;
		uint64_t scale;
		int64_t offset;
	} *page = (void *)(m->ram + TSC_GPA);
	struct timespec nap = { .tv_nsec = 20000000 };
	uint64_t before, after, scale;

	HV_RESTART(m, SET_ECX(TIME), RDMSR, OUT(1), WRITE_MSR(TIME, 0, 0), OUT(2));
	is(to_port(m), 1, "the guest reads the time");
	is(to_port(m), 0xdd, "and cannot write it");
	before = msr_get(m, TIME);
	nanosleep(&nap, NULL);
	after = msr_get(m, TIME);
	ok(after - before >= 20 * MS && after - before < 60000 * MS,
	   "20 ms are %llu units", (unsigned long long)(after - before));
	HV_RESTART(m, WRITE_MSR(TSC_PAGE, TSC_GPA | 1, 0), OUT(1), OUT(2));
	is(to_port(m), 1, "the guest gives a page for the time");
	is(to_port(m), 2, "and goes on");
	is(msr_get(m, TSC_PAGE), TSC_GPA | 1, "the MSR tells where it is");
	ok(page->sequence, "the page is valid");
	before = msr_get(m, TIME);
	scale = page->scale;
	/* the guest's TSC, by the MSR that user space has */
	after = (uint64_t)((unsigned __int128)msr_get(m, 0x10) * scale >> 64) + page->offset;
	ok(after >= before && after - before < 60000 * MS, "page and MSR agree: %lld units later",
	   (long long)(after - before));
}

static void hypercalls(struct machine *m)
{
	const uint8_t *page = m->ram + HYPERCALL_GPA;

	HV_RESTART(m, WRITE_MSR(HYPERCALL, HYPERCALL_GPA | 1, 0), OUT(1));
	is(to_port(m), 1, "a page for hypercalls of nobody");
	is(msr_get(m, HYPERCALL) & 1, 0, "it stays off");
	HV_RESTART(m, WRITE_MSR(OS_ID, 0x1234, 0x8100), WRITE_MSR(HYPERCALL, HYPERCALL_GPA | 1, 0),
		   OUT(1));
	is(to_port(m), 1, "a page for hypercalls");
	ok(page[0] == 0x0f && page[1] == 0x01 && (page[2] == 0xd9 || page[2] == 0xc1) &&
	   page[3] == 0xc3, "it has VMMCALL or VMCALL, and RET");
	is(msr_get(m, OS_ID) == 0x810000001234, true, "who the guest is");
	HV_RESTART(m, WRITE_MSR(OS_ID, 0, 0), OUT(1));
	is(to_port(m), 1, "nobody again");
	is(msr_get(m, HYPERCALL) & 1, 0, "the page is off");
}

static void processors(struct machine *m)
{
	is(msr_get(m, VP_INDEX), 0, "the VP index");
	is(msr_set(m, VP_INDEX, 5), 1, "user space sets it");
	is(msr_get(m, VP_INDEX), 5, "to what it wants");
	is(msr_set(m, VP_INDEX, 0), 1, "and back");
	memset(m->ram + ASSIST_GPA, 0xff, 16);
	HV_RESTART(m, WRITE_MSR(ASSIST, ASSIST_GPA | 1, 0), OUT(1));
	is(to_port(m), 1, "the assist page");
	is(*(uint32_t *)(m->ram + ASSIST_GPA), 0, "its word is cleared");
	HV_RESTART(m, WRITE_MSR(ASSIST, 0, 0), OUT(1));
	is(to_port(m), 1, "off");
}

/* What the guest writes when it goes on. User space's own write would not switch the timer on. */
static uint64_t end_after(struct machine *m, unsigned int ms)
{
	uint64_t at = msr_get(m, TIME) + ms * MS;

	memcpy(m->ram + COUNT, &at, sizeof(at));
	return at;
}

static void direct_timer(struct machine *m)
{
	/* enabled by its count, its own interrupt */
	const uint64_t config = 1 << 3 | VECTOR << 4 | 1 << 12;
	uint64_t at, now;

	HV_RESTART(m, WRITE_MSR(TIMER0, 1 << 3 | VECTOR << 4 | 1 << 12, 0), OUT(1),
		   WRITE_MSR_AT(TIMER0 + 1, COUNT), OUT(2), STI_HLT, OUT(3));
	is(to_port(m), 1, "a timer");
	is(msr_get(m, TIMER0), config, "its configuration");
	is(msr_set(m, TIMER0 + 1, 1), 1, "user space sets when it ends");
	is(msr_get(m, TIMER0), config, "which does not switch it on");
	at = end_after(m, 300);
	is(to_port(m), 2, "the guest sets when it ends");
	now = msr_get(m, TIMER0);
	ok(now == (config | 1) || msr_get(m, TIME) >= at, "that switches it on");
	is(to_port(m), 9, "its interrupt comes");
	ok(msr_get(m, TIME) >= at, "not before its time");
	is(msr_get(m, TIMER0), config, "it is off");
	is(to_port(m), 3, "HLT is over");
	/* periodic: three times */
	HV_RESTART(m, WRITE_MSR(TIMER0 + 1, 20 * MS, 0),
		   WRITE_MSR(TIMER0, 3 | VECTOR << 4 | 1 << 12, 0), STI_HLT, STI_HLT, STI_HLT,
		   0xfa, OUT(2));
	for (int i = 1; i <= 3; i++)
		is(to_port(m), 9, "a periodic timer, turn %d", i);
	/* more may have come while the host was away */
	while ((now = to_port(m)) == 9)
		;
	is(now, 2, "HLT is over");
	is(msr_set(m, TIMER0, 0), 1, "off");
}

/* The handler for an interrupt that ends itself. */
static void plain_handler_set(struct machine *m)
{
	static const uint8_t code[] = { OUT(9), 0xcf };

	memcpy(m->ram + HANDLER, code, sizeof(code));
}

static void message_timer(struct machine *m)
{
	struct message {
		uint32_t type;
		uint8_t bytes, flags, pad[2];
		uint64_t sender;
		uint32_t timer, pad2;
		uint64_t expired_at, delivered_at;
	} *message = (void *)(m->ram + SIMP_GPA + 2 * 256);
	const struct timespec nap = { .tv_nsec = 5000000 };
	uint64_t at;
	int port = 5;

	memset(m->ram + SIMP_GPA, 0, 4096);
	/* SINT2: vector, ends itself */
	HV_RESTART(m, WRITE_MSR(SCONTROL, 1, 0), WRITE_MSR(SIMP, SIMP_GPA | 1, 0),
		   WRITE_MSR(SINT2, VECTOR | 1 << 17, 0),
		   WRITE_MSR(TIMER1, 1 << 3 | 2 << 16, 0), OUT(1),
		   WRITE_MSR_AT(TIMER1 + 1, COUNT), STI_HLT, 0xfa, OUT(2));
	plain_handler_set(m);
	is(to_port(m), 1, "a timer with messages");
	at = end_after(m, 20);
	is(to_port(m), 9, "its interrupt comes");
	is(message->type, 0x80000010, "a message");
	is(message->bytes, 24, "of so many bytes");
	is(message->timer, 1, "its timer");
	ok(message->expired_at == at && message->delivered_at >= at, "its times");
	is(to_port(m), 2, "HLT is over");
	/*
	 * A second one finds its place taken. The guest says so by port 5 until it may go on:
	 * cmpb $0, GO_ON; je back
	 */
	m->ram[GO_ON] = 0;
	message->timer = 77;
	HV_RESTART(m, WRITE_MSR_AT(TIMER1 + 1, COUNT), OUT(4), OUT(5), 0x80, 0x3e, U16(GO_ON), 0,
		   0x74, 0xf7, OUT(6), WRITE_MSR(EOM, 0, 0), STI_HLT, OUT(7));
	plain_handler_set(m);
	end_after(m, 10);
	is(to_port(m), 4, "again");
	for (int i = 0; i < 12000 && port == 5 && !(message->flags & 1); i++) {
		nanosleep(&nap, NULL);
		port = to_port(m);
	}
	is(port, 5, "the guest goes on");
	is(message->timer, 77, "the message that is there stays");
	is(message->flags & 1, 1, "and says that another one waits");
	message->type = 0;
	m->ram[GO_ON] = 1;
	is(to_port(m), 6, "the guest has its message");
	is(to_port(m), 9, "after EOM the interrupt of the one that has waited");
	is(message->timer, 1, "its message");
	is(to_port(m), 7, "HLT is over");
}

int main(void)
{
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	struct kvm_cpuid2 *hv;
	struct machine m;

	machine_open(&m, 0, false);
	is(call(m.vcpu, KVM_ENABLE_CAP, &synic), -EINVAL, "a SynIC without a LAPIC");
	machine_close(&m);
	machine_open(&m, 0, true);
	hv = hyperv_leaves(&m);
	leaves(hv);
	not_offered(&m);
	machine_close(&m);

	machine_open(&m, 0, true);
	is(call(m.vcpu, KVM_ENABLE_CAP, &synic), 0, "a SynIC");
	cpuid_set(&m, hv);
	lapic_enable(&m);
	the_time(&m);
	hypercalls(&m);
	processors(&m);
	direct_timer(&m);
	message_timer(&m);
	machine_close(&m);
	free(hv);
	return done_testing();
}
