// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every pair of KVM's calls that reads and writes state: what was read goes back unchanged, what
 * was set is read again, and a bad pointer is EFAULT. Runs on KVM and through the shim.
 */
#include "machine.h"

#define MOST_BYTES 8192
#define PATTERN(i) (0x1122334455667788ull * ((i) + 1))
#define NS_PER_S 1000000000ull
/* How late the reader of a clock may be. */
#define PATIENCE_S 600

enum object { VM, VCPU };

/* @prepare: what GET wants to know; @change: another state; @blur: out with what is no state */
struct pair {
	const char *name;
	enum object object;
	unsigned long get, set;
	size_t bytes;
	void (*prepare)(void *state);
	void (*change)(void *state);
	void (*blur)(void *state);
};

/* ---- a vCPU's ---- */

static void change_regs(void *state)
{
	struct kvm_regs *r = state;
	unsigned long long *word = &r->rax;

	for (int i = 0; i < 16; i++)
		word[i] = PATTERN(i);
	r->rip = 0x1234;
	r->rflags = 0x2 | 0x1 | 0x40 | 0x200;
}

static void change_sregs(void *state)
{
	struct kvm_sregs *s = state;

	s->es.selector = s->fs.selector = 0x1234;
	s->es.base = s->fs.base = 0x12340;
	s->gs.limit = 0x1fff;
	s->gdt = (struct kvm_dtable){ .base = 0x4000, .limit = 0x77 };
	s->idt = (struct kvm_dtable){ .base = 0x5000, .limit = 0x3ff };
	s->ldt.selector = 0x28;
	s->ldt.base = 0x6000;
	s->ldt.limit = 0x67;
	s->ldt.type = 2;
	s->ldt.present = 1;
	s->ldt.unusable = 0;
	s->cr2 = 0x7777000;
	s->cr3 = 0x3000;
	s->cr4 = 0x600;
	s->cr8 = 5;
}

static void change_fpu(void *state)
{
	struct kvm_fpu *f = state;

	for (int i = 0; i < 8; i++)
		memset(f->fpr[i], 0x10 + i, 10);
	for (int i = 0; i < 16; i++)
		memset(f->xmm[i], 0x40 + i, 16);
	f->fcw = 0x27f;
	f->fsw = 0x3800;
	f->ftwx = 0xff;
	f->last_opcode = 0;
}

/* KVM neither tells it nor takes it: XSAVE has it. */
static void blur_fpu(void *state)
{
	((struct kvm_fpu *)state)->mxcsr = 0;
}

static void change_xsave(void *state)
{
	struct kvm_xsave *x = state;
	uint8_t *byte = (uint8_t *)x->region;
	uint64_t features = 3;

	memset(byte + 160, 0x5a, 256);
	memcpy(byte + 24, &(uint32_t){ 0x1f80 }, 4);
	memcpy(byte + 512, &features, 8);
}

/* The legacy area and whether that is in use; of the others, PKRU may always be. */
static void blur_xsave(void *state)
{
	uint8_t *byte = state;
	uint64_t features;

	memcpy(&features, byte + 512, 8);
	features &= 3;
	memcpy(byte + 512, &features, 8);

	memset(byte + 464, 0, 48);
	memset(byte + 520, 0, sizeof(struct kvm_xsave) - 520);
}

static void change_xcrs(void *state)
{
	struct kvm_xcrs *x = state;

	x->nr_xcrs = 1;
	x->xcrs[0] = (struct kvm_xcr){ .xcr = 0, .value = 3 };
}

static void change_debugregs(void *state)
{
	struct kvm_debugregs *d = state;

	for (int i = 0; i < 4; i++)
		d->db[i] = 0x401000 + 0x10 * i;
	d->dr6 = 0xffff4ff2;
	d->dr7 = 0x00010402;
}

static void change_events(void *state)
{
	struct kvm_vcpu_events *e = state;

	e->nmi.pending = 1;
	e->nmi.masked = 1;
	e->interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
}

/* AMD-V has one shadow for both instructions; the flags say what of a state is meant. */
static void blur_events(void *state)
{
	struct kvm_vcpu_events *e = state;

	e->interrupt.shadow = !!e->interrupt.shadow;
	e->flags = 0;
}

static void change_mp_state(void *state)
{
	((struct kvm_mp_state *)state)->mp_state = KVM_MP_STATE_HALTED;
}

static void lapic_put(void *state, size_t offset, uint32_t value)
{
	memcpy(((struct kvm_lapic_state *)state)->regs + offset, &value, 4);
}

static void change_lapic(void *state)
{
	lapic_put(state, 0x80, 0x30);		/* TPR */
	lapic_put(state, 0xd0, 0x02000000);	/* LDR */
	lapic_put(state, 0xf0, 0x1ff);		/* SVR: on */
	lapic_put(state, 0x100 + 0x20, 1 << 5); /* ISR: vector 0x45 */
	lapic_put(state, 0x180 + 0x20, 1 << 5); /* TMR */
	lapic_put(state, 0x200 + 0x30, 1 << 9); /* IRR: vector 0x69 */
	lapic_put(state, 0x310, 0x05000000);	/* ICR's upper half */
	lapic_put(state, 0x320, 0x100ef);	/* LVT of the timer, masked */
	lapic_put(state, 0x350, 0x10700);	/* LINT0, masked */
	lapic_put(state, 0x3e0, 0xb);		/* the timer's divider */
}

/* PPR follows from the rest, on KVM not before the vCPU runs. */
static void blur_lapic(void *state)
{
	lapic_put(state, 0xa0, 0);
}

static const struct kvm_msr_entry msr_changes[] = {
	{ .index = 0x174, .data = 0x10 },		  /* SYSENTER_CS */
	{ .index = 0x175, .data = 0x00001000 },		  /* SYSENTER_ESP */
	{ .index = 0x176, .data = 0x81000000 },		  /* SYSENTER_EIP */
	{ .index = 0x1a0, .data = 0x1 },		  /* MISC_ENABLE */
	{ .index = 0x200, .data = 0x80000006 },		  /* MTRR, base */
	{ .index = 0x201, .data = 0xff80000800 },	  /* and mask */
	{ .index = 0x250, .data = 0x0606060606060606 },	  /* the first 512 KiB */
	{ .index = 0x277, .data = 0x0007010600070106 },	  /* PAT */
	{ .index = 0x2ff, .data = 0xc06 },		  /* MTRR, default type */
	{ .index = 0x3b, .data = 0x1000 },		  /* TSC_ADJUST */
	{ .index = 0x4b564d00, .data = 0x9000 },	  /* KVM's wall clock */
	{ .index = 0x4b564d01, .data = 0xa000 },	  /* its system time, off */
	{ .index = 0x4b564d04, .data = 0 },		  /* paravirtual EOI, off */
	{ .index = 0xc0000081, .data = 0x0023001000000000 },
	{ .index = 0xc0000082, .data = 0xffffffff82000000 },
	{ .index = 0xc0000083, .data = 0xffffffff82001000 },
	{ .index = 0xc0000084, .data = 0x47700 },
	{ .index = 0xc0000102, .data = 0xffff888012345000 },
};
#define NR_MSRS (sizeof(msr_changes) / sizeof(msr_changes[0]))

static void prepare_msrs(void *state)
{
	struct kvm_msrs *msrs = state;

	msrs->nmsrs = NR_MSRS;
	memcpy(msrs->entries, msr_changes, sizeof(msr_changes));
	for (size_t i = 0; i < NR_MSRS; i++)
		msrs->entries[i].data = 0;
}

static void change_msrs(void *state)
{
	memcpy(((struct kvm_msrs *)state)->entries, msr_changes, sizeof(msr_changes));
}

/* ---- a VM's ---- */

static void prepare_pic(void *state)
{
	((struct kvm_irqchip *)state)->chip_id = KVM_IRQCHIP_PIC_MASTER;
}

static void prepare_pic2(void *state)
{
	((struct kvm_irqchip *)state)->chip_id = KVM_IRQCHIP_PIC_SLAVE;
}

static void prepare_ioapic(void *state)
{
	((struct kvm_irqchip *)state)->chip_id = KVM_IRQCHIP_IOAPIC;
}

static void change_pic(void *state)
{
	struct kvm_pic_state *pic = &((struct kvm_irqchip *)state)->chip.pic;

	pic->irq_base = 0x20;
	pic->imr = 0xff;
	pic->irr = 0x10;
	pic->isr = 0x08;
	pic->last_irr = 0x10;
	pic->elcr = 0x10;
	pic->auto_eoi = 1;
}

static void change_ioapic(void *state)
{
	struct kvm_ioapic_state *io = &((struct kvm_irqchip *)state)->chip.ioapic;

	io->ioregsel = 0x1a;
	io->id = 2;
	for (int i = 0; i < 24; i++)
		io->redirtbl[i].bits = 0x0100000000010030ull + i + (i > 15 ? 0xa000 : 0);
}

static void change_pit(void *state)
{
	struct kvm_pit_channel_state *channel = ((struct kvm_pit_state *)state)->channels;

	channel[1].count = 0x1234;
	channel[2].count = 0x4321;
	channel[2].mode = 3;
	channel[2].rw_mode = 3;
	channel[2].gate = 1;
	channel[2].bcd = 0;
}

/* KVM loads the counters when they are set. */
static void blur_pit(void *state)
{
	for (int i = 0; i < 3; i++)
		((struct kvm_pit_state *)state)->channels[i].count_load_time = 0;
}

#define ROW(what, object_, type, ...)                                                         \
	{                                                                                     \
		.name = #what, .object = object_, .get = KVM_GET_##what, .set = KVM_SET_##what, \
		.bytes = sizeof(type), __VA_ARGS__                                            \
	}
#define CHIP(which, prepare_, change_)                                              \
	{                                                                           \
		.name = which, .object = VM, .get = KVM_GET_IRQCHIP,                \
		.set = KVM_SET_IRQCHIP, .bytes = sizeof(struct kvm_irqchip),        \
		.prepare = prepare_, .change = change_                              \
	}
static const struct pair pairs[] = {
	ROW(REGS, VCPU, struct kvm_regs, .change = change_regs),
	ROW(SREGS, VCPU, struct kvm_sregs, .change = change_sregs),
	ROW(FPU, VCPU, struct kvm_fpu, .change = change_fpu, .blur = blur_fpu),
	ROW(XSAVE, VCPU, struct kvm_xsave, .change = change_xsave, .blur = blur_xsave),
	ROW(XCRS, VCPU, struct kvm_xcrs, .change = change_xcrs),
	ROW(DEBUGREGS, VCPU, struct kvm_debugregs, .change = change_debugregs),
	ROW(VCPU_EVENTS, VCPU, struct kvm_vcpu_events, .change = change_events,
	    .blur = blur_events),
	ROW(MP_STATE, VCPU, struct kvm_mp_state, .change = change_mp_state),
	ROW(LAPIC, VCPU, struct kvm_lapic_state, .change = change_lapic, .blur = blur_lapic),
	ROW(MSRS, VCPU, struct { struct kvm_msrs m; struct kvm_msr_entry e[NR_MSRS]; },
	    .prepare = prepare_msrs, .change = change_msrs),
	CHIP("IRQCHIP of the first PIC", prepare_pic, change_pic),
	CHIP("IRQCHIP of the second PIC", prepare_pic2, change_pic),
	CHIP("IRQCHIP of the IOAPIC", prepare_ioapic, change_ioapic),
	ROW(PIT, VM, struct kvm_pit_state, .change = change_pit, .blur = blur_pit),
	ROW(PIT2, VM, struct kvm_pit_state2, .change = change_pit, .blur = blur_pit),
};

/* Calls of MSRs return how many they did. */
static int want(const struct pair *p)
{
	return p->get == KVM_GET_MSRS ? (int)NR_MSRS : 0;
}

static int get(const struct pair *p, int fd, void *state)
{
	memset(state, 0, MOST_BYTES);
	if (p->prepare)
		p->prepare(state);
	return call(fd, p->get, state);
}

static void same(const struct pair *p, const void *got, const void *wanted, const char *what)
{
	static uint8_t a[MOST_BYTES], b[MOST_BYTES];
	size_t at = 0;

	memcpy(a, got, p->bytes);
	memcpy(b, wanted, p->bytes);
	if (p->blur) {
		p->blur(a);
		p->blur(b);
	}
	while (at < p->bytes && a[at] == b[at])
		at++;
	if (!ok(at >= p->bytes, "%s: %s", p->name, what))
		note("byte %zu of %zu: got %#x, want %#x", at, p->bytes, a[at], b[at]);
}

static void round_trip(const struct machine *m, const struct pair *p)
{
	static uint64_t first[MOST_BYTES / 8], second[MOST_BYTES / 8], changed[MOST_BYTES / 8];
	int fd = p->object == VM ? m->vm : m->vcpu;

	if (!is(get(p, fd, first), want(p), "%s: get", p->name))
		return;
	is(call(fd, p->set, first), want(p), "%s: set to what it was", p->name);
	is(get(p, fd, second), want(p), "%s: get again", p->name);
	same(p, second, first, "nothing has changed");
	is(call(fd, p->get, BAD), -EFAULT, "%s: get, a bad pointer", p->name);
	is(call(fd, p->set, BAD), -EFAULT, "%s: set, a bad pointer", p->name);
	if (!p->change)
		return;
	get(p, fd, changed);
	p->change(changed);
	is(call(fd, p->set, changed), want(p), "%s: set to something else", p->name);
	is(get(p, fd, second), want(p), "%s: get that", p->name);
	same(p, second, changed, "is what was set");
	is(call(fd, p->set, first), want(p), "%s: set back", p->name);
	get(p, fd, second);
	same(p, second, first, "is as it was first");
}

/* ---- pairs that are no structs to compare ---- */

static void clock_pair(const struct machine *m)
{
	struct kvm_clock_data now = { .clock = 1000 * NS_PER_S }, got;

	is(call(m->vm, KVM_SET_CLOCK, &now), 0, "CLOCK: set");
	is(call(m->vm, KVM_GET_CLOCK, &got), 0, "CLOCK: get");
	ok(got.clock >= now.clock && got.clock < now.clock + PATIENCE_S * NS_PER_S,
	   "CLOCK: goes on from what was set: %llu", (unsigned long long)got.clock);
	now.clock = 5 * NS_PER_S;
	is(call(m->vm, KVM_SET_CLOCK, &now), 0, "CLOCK: set back");
	call(m->vm, KVM_GET_CLOCK, &got);
	ok(got.clock >= now.clock && got.clock < now.clock + PATIENCE_S * NS_PER_S,
	   "CLOCK: goes back: %llu", (unsigned long long)got.clock);
}

static void tsc_pair(const struct machine *m)
{
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry;
	} tsc = { .msrs.nmsrs = 1, .entry = { .index = 0x10, .data = 1ull << 40 } };
	int khz = value_call(m->vcpu, KVM_GET_TSC_KHZ, 0);

	ok(khz > 0, "TSC_KHZ: %d", khz);
	is(value_call(m->vcpu, KVM_SET_TSC_KHZ, khz), 0, "TSC_KHZ: set");
	is(value_call(m->vcpu, KVM_GET_TSC_KHZ, 0), khz, "TSC_KHZ: the same");
	is(call(m->vcpu, KVM_SET_MSRS, &tsc), 1, "the TSC: set");
	tsc.entry.data = 0;
	is(call(m->vcpu, KVM_GET_MSRS, &tsc), 1, "the TSC: get");
	ok(tsc.entry.data >= 1ull << 40 &&
	   tsc.entry.data < (1ull << 40) + (uint64_t)khz * 1000 * PATIENCE_S,
	   "the TSC: goes on from what was set: %#llx", (unsigned long long)tsc.entry.data);
}

static void cpuid_pair(const struct machine *m, const struct kvm_cpuid2 *set)
{
	struct kvm_cpuid2 *got = calloc(1, sizeof(*got) + 256 * sizeof(got->entries[0]));
	unsigned int differing = 0;

	got->nent = set->nent - 1;
	is(call(m->vcpu, KVM_GET_CPUID2, got), -E2BIG, "CPUID2: no room");
	/* KVM leaves nent alone where there is room */
	got->nent = 256;
	is(call(m->vcpu, KVM_GET_CPUID2, got), 0, "CPUID2: get");
	for (unsigned int i = 0; i < set->nent; i++)
		if (got->entries[i].function != set->entries[i].function ||
		    got->entries[i].index != set->entries[i].index ||
		    got->entries[i].eax != set->entries[i].eax)
			differing++;
	is(differing, 0, "CPUID2: in their order, with what was set");
	is(got->entries[set->nent].function, 0, "CPUID2: and no more");
	free(got);
}

/* PDPTEs that are not those in memory: the shim says that it cannot. */
static void sregs2_pair(const struct machine *m)
{
	struct kvm_sregs2 first, second;

	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	if (value_call(m->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SREGS2) <= 0) {
		is(call(m->vcpu, KVM_GET_SREGS2, &first), -EINVAL, "SREGS2: not without the capability");
		return;
	}
	is(call(m->vcpu, KVM_GET_SREGS2, &first), 0, "SREGS2: get");
	is(call(m->vcpu, KVM_SET_SREGS2, &first), 0, "SREGS2: set");
	is(call(m->vcpu, KVM_GET_SREGS2, &second), 0, "SREGS2: get again");
	ok(memcmp(&first, &second, sizeof(first)) == 0, "SREGS2: nothing has changed");
}

int main(void)
{
	struct kvm_pit_config pit = { 0 };
	struct kvm_cpuid2 *cpuid;
	struct machine m;

	machine_open(&m, 0, true);
	is(call(m.vm, KVM_CREATE_PIT2, &pit), 0, "a PIT");
	supported_cpuid(&m, &cpuid);
	is(call(m.vcpu, KVM_SET_CPUID2, cpuid), 0, "a CPU with all there is");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		round_trip(&m, &pairs[i]);
	sregs2_pair(&m);
	clock_pair(&m);
	tsc_pair(&m);
	cpuid_pair(&m, cpuid);
	free(cpuid);
	machine_close(&m);
	return done_testing();
}
