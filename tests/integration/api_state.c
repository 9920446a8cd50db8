// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Register groups: what was set comes back, what is impossible is refused and changes
 * nothing, and a group that is not named is not touched.
 */
#include "api.h"

static struct myhv_vcpu_state s, t;
static struct mini m;

static int get(uint32_t groups)
{
	memset(&t, 0, sizeof(t));
	return myhv_vcpu_state_get(&m.vcpu, groups, &t);
}

static int set(uint32_t groups)
{
	return myhv_vcpu_state_set(&m.vcpu, groups, &s);
}

static void load(uint32_t groups)
{
	memset(&s, 0, sizeof(s));
	myhv_vcpu_state_get(&m.vcpu, groups, &s);
}

static void calls(void)
{
	struct myhv_state_io io = { .groups = MYHV_STATE_GENERAL, .state = (uintptr_t)&s };

	is(get(0), 0, "no group: nothing to do");
	is(get(MYHV_STATE_ALL & ~MYHV_STATE_LAPIC), 0, "all groups but the LAPIC");
	is(get(1U << 20), -EINVAL, "unknown group");
	io.flags = 1;
	is(ioc(m.vcpu.fd, MYHV_VCPU_STATE_GET, &io), -EINVAL, "flags must be 0");
	io.flags = 0;
	check_sizes("STATE_GET", m.vcpu.fd, MYHV_VCPU_STATE_GET, &io, sizeof(io), 0, true);
	io.state = (uintptr_t)BAD_POINTER;
	is(ioc(m.vcpu.fd, MYHV_VCPU_STATE_GET, &io), -EFAULT, "bad pointer to get");
	is(ioc(m.vcpu.fd, MYHV_VCPU_STATE_SET, &io), -EFAULT, "bad pointer to set");
}

static void reset_state(void)
{
	struct mini fresh = { .vm = vm_open(MYHV_IRQCHIP_FULL) };
	struct myhv_vcpu second;

	is(myhv_vcpu_open(&fresh.vcpu, fresh.vm, 0), 0, "boot processor");
	is(myhv_vcpu_open(&second, fresh.vm, 1), 0, "a second one");
	is(myhv_vcpu_state_get(&fresh.vcpu, MYHV_STATE_ALL, &t), 0, "its state after RESET");
	is(t.general.rip, 0xfff0, "RIP");
	is(t.general.rflags, 2, "RFLAGS");
	is(t.segments.seg[MYHV_SEG_CS].selector, 0xf000, "CS");
	is(t.segments.seg[MYHV_SEG_CS].base, 0xffff0000, "CS base");
	is(t.segments.seg[MYHV_SEG_CS].limit, 0xffff, "CS limit");
	is(t.segments.seg[MYHV_SEG_DS].base, 0, "DS base");
	is(t.segments.idt.limit, 0xffff, "IDT limit");
	is(t.control.cr0, 0x60000010, "CR0");
	is(t.control.cr4, 0, "CR4");
	is(t.control.efer, 0, "EFER");
	is(t.control.apic_base, 0xfee00900, "APIC base: boot processor, enabled");
	is(t.control.xcr0, 1, "XCR0");
	is(t.debug.dr6 & 0xffff0ff0, 0xffff0ff0, "DR6");
	is(t.debug.dr7, 0x400, "DR7");
	is(t.msrs.pat, 0x0007040600070406, "PAT");
	is(t.mp.state, MYHV_MP_RUNNABLE, "it runs");
	is(*(uint16_t *)t.xsave, 0x40, "x87 control word: RESET is not FNINIT");
	is(*(uint32_t *)(t.xsave + 24), 0x1f80, "MXCSR");
	is(myhv_vcpu_state_get(&second, MYHV_STATE_MP | MYHV_STATE_CONTROL, &t), 0, "the second");
	is(t.mp.state, MYHV_MP_UNINITIALIZED, "waits for INIT");
	is(t.control.apic_base, 0xfee00800, "is no boot processor");
	myhv_vcpu_close(&second);
	myhv_vcpu_close(&fresh.vcpu);
	close(fresh.vm);
}

static void general(void)
{
	load(MYHV_STATE_GENERAL);
	for (int i = 0; i < 16; i++)
		s.general.gpr[i] = 0x1111111111111111ULL * i + 5;
	s.general.rip = 0x1234;
	s.general.rflags = 0x246;
	is(set(MYHV_STATE_GENERAL), 0, "GENERAL");
	get(MYHV_STATE_GENERAL);
	ok(!memcmp(&s.general, &t.general, sizeof(s.general)), "comes back");
	s.general.rflags = 0;
	is(set(MYHV_STATE_GENERAL), 0, "RFLAGS without its fixed bit");
	get(MYHV_STATE_GENERAL);
	is(t.general.rflags, 2, "has it again");
}

static void segments(void)
{
	load(MYHV_STATE_SEGMENTS);
	for (int i = 0; i <= MYHV_SEG_GS; i++) {
		s.segments.seg[i].base = 0x10000 * (i + 1);
		s.segments.seg[i].selector = 0x1000 * (i + 1);
		s.segments.seg[i].limit = 0xffff;
	}
	s.segments.gdt.base = 0x3000;
	s.segments.gdt.limit = 0x7f;
	s.segments.idt.base = 0x4000;
	s.segments.idt.limit = 0x3ff;
	is(set(MYHV_STATE_SEGMENTS), 0, "SEGMENTS");
	get(MYHV_STATE_SEGMENTS);
	ok(!memcmp(&s.segments, &t.segments, sizeof(s.segments)), "comes back");
	s.segments.gdt.pad[0] = 1;
	is(set(MYHV_STATE_SEGMENTS), -EINVAL, "padding must be 0");
	s.segments.gdt.pad[0] = 0;
	s.segments.gdt.base = 0x9000;
	s.segments.seg[MYHV_SEG_DS].attrib |= 0x8000;
	is(set(MYHV_STATE_SEGMENTS), -EINVAL, "unknown attribute");
	get(MYHV_STATE_SEGMENTS);
	is(t.segments.gdt.base, 0x3000, "a refusal changes nothing");
}

/* What guests may have in XCR0; nothing on a CPU without XSAVE. */
static uint64_t xcr0_offered(void)
{
	uint64_t xcr0 = 0;
	int sys = sys_open();

	myhv_prop_get(sys, MYHV_PROP_XCR0, &xcr0);
	close(sys);
	return xcr0;
}

/* Each is refused, and nothing of it sticks. */
static void impossible_control(const char *name, uint64_t cr0, uint64_t cr4, uint64_t efer)
{
	load(MYHV_STATE_CONTROL);
	t = s;
	s.control.cr0 = cr0;
	s.control.cr4 = cr4;
	s.control.efer = efer;
	s.control.cr2 = 0x77;
	is(set(MYHV_STATE_CONTROL), -EINVAL, "%s", name);
	get(MYHV_STATE_CONTROL);
	ok(t.control.cr2 != 0x77 && t.control.cr0 != cr0, "and nothing of it sticks");
}

static void control(void)
{
	impossible_control("PG without PE", 0x80000010, 0, 0);
	impossible_control("NW without CD", 0x20000011, 0, 0);
	impossible_control("upper half of CR0", 0x100000011, 0, 0);
	impossible_control("LMA without PAE", 0x80000011, 0, 0x500);
	impossible_control("LMA without LME", 0x80000011, 0x20, 0x400);
	impossible_control("LMA without paging", 0x11, 0x20, 0x500);
	impossible_control("LME and paging without LMA", 0x80000011, 0x20, 0x100);
	impossible_control("reserved bit of CR4", 0x11, 1ULL << 31, 0);
	impossible_control("reserved bit of EFER", 0x11, 0, 1ULL << 30);

	load(MYHV_STATE_CONTROL);
	s.control.cr2 = 0x123456789;
	s.control.cr3 = 0x5000;
	s.control.cr8 = 9;
	is(set(MYHV_STATE_CONTROL), 0, "CR2, CR3, CR8");
	get(MYHV_STATE_CONTROL);
	is(t.control.cr2, 0x123456789, "CR2 comes back");
	is(t.control.cr3, 0x5000, "CR3 comes back");
	is(t.control.cr8, 9, "CR8 comes back");
	s.control.cr8 = 16;
	is(set(MYHV_STATE_CONTROL), -EINVAL, "CR8 beyond 15");
	s.control.cr8 = 0;
	s.control.xcr0 = 2;
	is(set(MYHV_STATE_CONTROL), -EINVAL, "XCR0 without x87");
	s.control.xcr0 = 5;
	is(set(MYHV_STATE_CONTROL), -EINVAL, "XCR0 with AVX and without SSE");
	s.control.xcr0 = 1ULL << 40;
	is(set(MYHV_STATE_CONTROL), -EINVAL, "XCR0 with an unknown bit");
	s.control.xcr0 = 3;
	if (xcr0_offered()) {
		is(set(MYHV_STATE_CONTROL), 0, "XCR0 with SSE");
		get(MYHV_STATE_CONTROL);
		is(t.control.xcr0, 3, "comes back");
	} else {
		is(set(MYHV_STATE_CONTROL), -EINVAL, "XCR0 with SSE, without XSAVE");
	}
}

static void debug(void)
{
	load(MYHV_STATE_DEBUG);
	for (int i = 0; i < 4; i++)
		s.debug.dr[i] = 0x1000 * i + 1;
	s.debug.dr7 = 0x401;
	is(set(MYHV_STATE_DEBUG), 0, "DEBUG");
	get(MYHV_STATE_DEBUG);
	ok(!memcmp(s.debug.dr, t.debug.dr, sizeof(s.debug.dr)), "DR0 to DR3 come back");
	is(t.debug.dr7, 0x401, "DR7 comes back");
	s.debug.dr7 = 1ULL << 32;
	is(set(MYHV_STATE_DEBUG), -EINVAL, "upper half of DR7");
	s.debug.dr7 = 0x400;
	s.debug.dr6 = 1ULL << 32;
	is(set(MYHV_STATE_DEBUG), -EINVAL, "upper half of DR6");
	s.debug.dr6 = 0xffff0ff0;
	is(set(MYHV_STATE_DEBUG), 0, "all off");
}

static void msrs(void)
{
	load(MYHV_STATE_MSRS);
	s.msrs.star = 0x0023001000000000;
	s.msrs.lstar = 0xffffffff81000000;
	s.msrs.cstar = 0x1000;
	s.msrs.syscall_mask = 0x700;
	s.msrs.kernel_gs_base = 0xffff888000000000;
	s.msrs.sysenter_cs = 0x10;
	s.msrs.sysenter_esp = 0x2000;
	s.msrs.sysenter_eip = 0x3000;
	s.msrs.pat = 0x0007010600070106;
	s.msrs.tsc = 0x123456789abcdef;
	is(set(MYHV_STATE_MSRS), 0, "MSRS");
	get(MYHV_STATE_MSRS);
	ok(t.msrs.tsc >= s.msrs.tsc && t.msrs.tsc < s.msrs.tsc + 60000000000, "the TSC runs on");
	t.msrs.tsc = s.msrs.tsc;
	ok(!memcmp(&s.msrs, &t.msrs, sizeof(s.msrs)), "the others come back");
	s.msrs.pat = 2;
	is(set(MYHV_STATE_MSRS), -EINVAL, "reserved PAT type");
	s.msrs.pat = 0x0007040600070406;
	s.msrs.lstar = 0x8000000000000000;
	is(set(MYHV_STATE_MSRS), -EINVAL, "LSTAR not canonical");
	get(MYHV_STATE_MSRS);
	is(t.msrs.pat, 0x0007010600070106, "a refusal changes nothing");
}

static void events(void)
{
	load(MYHV_STATE_EVENTS);
	is(s.events.flags, 0, "nothing on its way");
	s.events.flags = MYHV_EVENT_NMI_PENDING | MYHV_EVENT_NMI_BLOCKED | MYHV_EVENT_SHADOW_STI;
	is(set(MYHV_STATE_EVENTS), 0, "NMI pending and blocked, shadow");
	get(MYHV_STATE_EVENTS);
	is(t.events.flags & (MYHV_EVENT_NMI_PENDING | MYHV_EVENT_NMI_BLOCKED),
	   MYHV_EVENT_NMI_PENDING | MYHV_EVENT_NMI_BLOCKED, "come back");
	ok(t.events.flags & (MYHV_EVENT_SHADOW_STI | MYHV_EVENT_SHADOW_MOV_SS), "so does the shadow");
	s.events.flags = MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_ERROR |
			 MYHV_EVENT_EXCEPTION_PAYLOAD;
	s.events.exc_vector = 14;
	s.events.exc_error = 2;
	s.events.exc_payload = 0x4444;
	is(set(MYHV_STATE_EVENTS), 0, "a page fault to be delivered");
	get(MYHV_STATE_EVENTS);
	is(t.events.exc_vector, 14, "vector comes back");
	is(t.events.exc_error, 2, "error code comes back");
	is(t.events.exc_payload, 0x4444, "CR2 comes back");
	s.events.flags = MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_ERROR | MYHV_EVENT_NMI |
			 MYHV_EVENT_EXCEPTION_INJECTED | MYHV_EVENT_INTERRUPT;
	s.events.intr_vector = 0x44;
	is(set(MYHV_STATE_EVENTS), 0, "exception, NMI and interrupt, all cut short");
	get(MYHV_STATE_EVENTS);
	is(t.events.flags & MYHV_EVENT_VALID_FLAGS, s.events.flags, "all come back");
	is(t.events.exc_vector, 14, "with the exception's vector");
	is(t.events.intr_vector, 0x44, "and the interrupt's");
	s.events.flags = MYHV_EVENT_INTERRUPT | MYHV_EVENT_INTERRUPT_SOFT;
	s.events.insn_length = 2;
	is(set(MYHV_STATE_EVENTS), 0, "INT n, cut short");
	get(MYHV_STATE_EVENTS);
	is(t.events.flags, s.events.flags, "comes back");
	is(t.events.insn_length, 2, "with its length");
	s.events.flags |= MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_INJECTED;
	is(set(MYHV_STATE_EVENTS), -EINVAL, "INT n and an exception, both cut short");
	s.events.intr_vector = s.events.insn_length = 0;
	s.events.flags = MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_ERROR |
			 MYHV_EVENT_EXCEPTION_PAYLOAD;
	s.events.exc_vector = 32;
	is(set(MYHV_STATE_EVENTS), -EINVAL, "an exception above 31");
	s.events.exc_vector = 14;
	s.events.flags = 1U << 30;
	is(set(MYHV_STATE_EVENTS), -EINVAL, "unknown flag");
	s.events.flags = 0;
	s.events.exc_vector = s.events.exc_error = s.events.exc_payload = 0;
	s.events.pad = 1;
	is(set(MYHV_STATE_EVENTS), -EINVAL, "padding must be 0");
	s.events.pad = 0;
	is(set(MYHV_STATE_EVENTS), 0, "nothing again");
}

static void mp(void)
{
	load(MYHV_STATE_MP);
	is(s.mp.state, MYHV_MP_RUNNABLE, "runnable");
	s.mp.state = 99;
	is(set(MYHV_STATE_MP), -EINVAL, "unknown state");
	s.mp.state = MYHV_MP_RUNNABLE;
	s.mp.pad = 1;
	is(set(MYHV_STATE_MP), -EINVAL, "padding must be 0");
}

static void xsave(void)
{
	load(MYHV_STATE_XSAVE);
	*(uint64_t *)(s.xsave + 512) = 3;
	*(uint32_t *)(s.xsave + 24) = 0x1f80;
	for (int i = 0; i < 256; i++)
		s.xsave[160 + i] = i;
	is(set(MYHV_STATE_XSAVE), 0, "XSAVE");
	get(MYHV_STATE_XSAVE);
	ok(!memcmp(s.xsave + 160, t.xsave + 160, 256), "XMM registers come back");
	*(uint32_t *)(s.xsave + 24) = 0xffff0000;
	is(set(MYHV_STATE_XSAVE), -EINVAL, "reserved bits of MXCSR");
	*(uint32_t *)(s.xsave + 24) = 0x1f80;
	*(uint64_t *)(s.xsave + 512) = 1ULL << 50;
	is(set(MYHV_STATE_XSAVE), -EINVAL, "a component that is not there");
	*(uint64_t *)(s.xsave + 512) = 3;
	*(uint64_t *)(s.xsave + 520) = 1ULL << 63;
	is(set(MYHV_STATE_XSAVE), -EINVAL, "the compacted format");
	*(uint64_t *)(s.xsave + 520) = 0;
	*(uint64_t *)(s.xsave + 528) = 1;
	is(set(MYHV_STATE_XSAVE), -EINVAL, "reserved part of the header");
	*(uint64_t *)(s.xsave + 528) = 0;
	get(MYHV_STATE_XSAVE);
	ok(!memcmp(s.xsave + 160, t.xsave + 160, 256), "a refusal changes nothing");
}

/* One bad group among good ones: nothing of any. */
static void atomicity(void)
{
	load(MYHV_STATE_GENERAL | MYHV_STATE_CONTROL | MYHV_STATE_MP);
	s.general.gpr[3] = 0xabcdef;
	s.control.cr2 = 0xabcdef;
	s.mp.state = 99;
	is(set(MYHV_STATE_GENERAL | MYHV_STATE_CONTROL | MYHV_STATE_MP), -EINVAL,
	   "good groups with a bad one");
	get(MYHV_STATE_GENERAL | MYHV_STATE_CONTROL);
	ok(t.general.gpr[3] != 0xabcdef && t.control.cr2 != 0xabcdef, "none was set");
	is(set(MYHV_STATE_GENERAL), 0, "one of the good ones alone");
	get(MYHV_STATE_GENERAL | MYHV_STATE_CONTROL);
	is(t.general.gpr[3], 0xabcdef, "was set");
	ok(t.control.cr2 != 0xabcdef, "the other was not");
}

static void lapic(void)
{
	struct mini full;

	is(get(MYHV_STATE_LAPIC), -ENXIO, "no LAPIC in the kernel");
	MINI_OPEN(&full, MYHV_IRQCHIP_FULL, 0xf4);
	is(myhv_vcpu_state_get(&full.vcpu, MYHV_STATE_LAPIC, &s), 0, "LAPIC");
	is(*(uint32_t *)(s.lapic.regs + 0x20), 0, "id");
	is(*(uint32_t *)(s.lapic.regs + 0xf0) & 0x1ff, 0xff, "SVR after RESET");
	*(uint32_t *)(s.lapic.regs + 0xf0) = 0x1ff;
	*(uint32_t *)(s.lapic.regs + 0x80) = 0x30;
	*(uint32_t *)(s.lapic.regs + 0x200 + 0x10 * 2) = 1 << 5; /* IRR: vector 69 */
	is(myhv_vcpu_state_set(&full.vcpu, MYHV_STATE_LAPIC, &s), 0, "set");
	memset(&t, 0, sizeof(t));
	is(myhv_vcpu_state_get(&full.vcpu, MYHV_STATE_LAPIC | MYHV_STATE_CONTROL, &t), 0, "get");
	is(*(uint32_t *)(t.lapic.regs + 0xf0), 0x1ff, "SVR comes back");
	is(*(uint32_t *)(t.lapic.regs + 0x80), 0x30, "TPR comes back");
	is(t.control.cr8, 3, "and is CR8");
	is(*(uint32_t *)(t.lapic.regs + 0x220), 1 << 5, "IRR comes back");
	mini_close(&full);
}

static void translate(void)
{
	struct myhv_translate tr = { .gva = 0x1234, .access = MYHV_ACCESS_READ };

	mini_restart(&m, "\xf4", 1);
	is(myhv_vcpu_translate(&m.vcpu, &tr), 0, "translate without paging");
	is(tr.gpa, 0x1234, "is one to one");
	is(tr.valid, 1, "and valid");
	tr.access = 1U << 10;
	is(myhv_vcpu_translate(&m.vcpu, &tr), -EINVAL, "unknown access");
	/* 32-bit paging: page 0 one to one, read-only for the supervisor; nothing else */
	((uint32_t *)(m.ram + 0x5000))[0] = 0x6003;
	((uint32_t *)(m.ram + 0x6000))[1] = 0x3001;
	load(MYHV_STATE_CONTROL);
	s.control.cr0 = 0x80010011;
	s.control.cr3 = 0x5000;
	is(set(MYHV_STATE_CONTROL), 0, "paging on");
	tr = (struct myhv_translate){ .gva = 0x1234, .access = MYHV_ACCESS_READ };
	is(myhv_vcpu_translate(&m.vcpu, &tr), 0, "translate");
	is(tr.valid, 1, "a mapped page");
	is(tr.gpa, 0x3234, "where it is");
	ok(!(tr.rights & MYHV_ACCESS_WRITE) && (tr.rights & MYHV_ACCESS_READ), "read-only");
	is(tr.user, 0, "not for user mode");
	tr.gva = 0x5000;
	is(myhv_vcpu_translate(&m.vcpu, &tr), 0, "translate");
	is(tr.valid, 0, "a page that is not mapped");
	is(((uint32_t *)(m.ram + 0x6000))[1], 0x3001, "looking leaves no trace");
}

int main(void)
{
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	calls();
	reset_state();
	general();
	segments();
	control();
	debug();
	msrs();
	events();
	mp();
	xsave();
	atomicity();
	lapic();
	translate();
	mini_close(&m);
	return done_testing();
}
