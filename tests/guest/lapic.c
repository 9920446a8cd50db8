// SPDX-License-Identifier: GPL-2.0-or-later
/* The local APIC: priorities, self IPIs, messages, the timer in its modes, x2APIC. */
#include "apic.h"

static volatile u32 hits[256];
static volatile u32 order;
static bool eoi_by_msr;
static u8 nested_vector;
static bool isr_was_set, irr_was_set;

static void end_of_interrupt(void)
{
	if (eoi_by_msr)
		wrmsr(0x80b, 0);
	else
		lapic_write(LAPIC_EOI, 0);
}

static void on_interrupt(struct trap_frame *frame)
{
	u8 vector = frame->vector;

	hits[vector]++;
	order = order << 8 | vector;
	if (nested_vector && !eoi_by_msr) {
		isr_was_set = lapic_bit(LAPIC_ISR, vector);
		lapic_write(LAPIC_ICR, 0x40000 | nested_vector); /* to itself */
		nested_vector = 0;
		sti();
		pause_a_while();
		cli();
		irr_was_set = lapic_bit(LAPIC_IRR, 0x42);
	}
	end_of_interrupt();
}

static void self_ipis(void)
{
	check_eq("version and number of LVTs", lapic_read(0x30) >> 16 >= 4, 1);
	check_eq("APIC id", lapic_read(LAPIC_ID), 0);

	lapic_write(LAPIC_ICR, 0x40041);
	check(lapic_bit(LAPIC_IRR, 0x41), "a self IPI waits in IRR while IF = 0");
	check_eq("and is not delivered", hits[0x41], 0);
	sti();
	pause_a_while();
	cli();
	check_eq("it comes with IF = 1", hits[0x41], 1);
	check(!lapic_bit(LAPIC_IRR, 0x41) && !lapic_bit(LAPIC_ISR, 0x41), "IRR and ISR are clear");

	lapic_write(LAPIC_ICR2, 0);
	lapic_write(LAPIC_ICR, 0x41); /* physical, to id 0 */
	sti();
	pause_a_while();
	cli();
	check_eq("an IPI to the own id", hits[0x41], 2);

	order = 0;
	lapic_write(LAPIC_ICR, 0x40051);
	lapic_write(LAPIC_ICR, 0x40071);
	lapic_write(LAPIC_ICR, 0x40061);
	sti();
	pause_a_while();
	cli();
	check_eq("the highest priority goes first", order, 0x716151);
}

static void on_nmi(struct trap_frame *frame)
{
}

/*
 * The CPU notes which event it was delivering when a fault on the second level ended guest
 * mode: with another kind of event before it, that the note is about this one can be seen.
 */
static void fresh_stacks(void)
{
	trap_handler(VEC_NMI, on_nmi);
	lapic_write(LAPIC_ICR2, 0);
	for (unsigned int i = 0; i < 4; i++) {
		if (i % 2)
			lapic_write(LAPIC_ICR, 0x400); /* NMI */
		hits[0x49] = 0;
		lapic_write(LAPIC_ICR, 0x40049);
		ON_STACK(fresh_stack(), "sti; nop; nop; cli");
		pause_a_while();
		check_eq("an interrupt onto a fresh stack", hits[0x49], 1);
		check(!lapic_bit(LAPIC_ISR, 0x49), "and its end");
	}
}

static void priorities(void)
{
	hits[0x41] = hits[0x81] = 0;
	lapic_write(LAPIC_TPR, 0x50);
	check_eq("PPR follows TPR", lapic_read(LAPIC_PPR), 0x50);
#ifdef __x86_64__
	check_eq("CR8 is the upper half of TPR", read_cr8(), 5);
#endif
	sti();
	lapic_write(LAPIC_ICR, 0x40041);
	lapic_write(LAPIC_ICR, 0x40081);
	pause_a_while();
	check_eq("TPR holds back what is below", hits[0x41], 0);
	check_eq("and lets through what is above", hits[0x81], 1);
#ifdef __x86_64__
	write_cr8(0);
	pause_a_while();
	check_eq("CR8 lowered: it comes", hits[0x41], 1);
	write_cr8(9);
	check_eq("TPR follows CR8", lapic_read(LAPIC_TPR), 0x90);
	lapic_write(LAPIC_ICR, 0x40041);
	pause_a_while();
	check_eq("CR8 holds back", hits[0x41], 1);
	write_cr8(0);
	pause_a_while();
	check_eq("and lets it in", hits[0x41], 2);
	cli();
	lapic_write(LAPIC_ICR, 0x40041);
	pause_a_while();
	write_cr8(9);
	sti();
	pause_a_while();
	check_eq("CR8 raised while it waited for IF holds back", hits[0x41], 2);
	write_cr8(4);
	pause_a_while();
	check_eq("and its own class too", hits[0x41], 2);
	write_cr8(3);
	pause_a_while();
	check_eq("the class below lets it in", hits[0x41], 3);
	lapic_write(LAPIC_TPR, 0x58);
	write_cr8(5);
	check_eq("CR8 clears the lower half of TPR", lapic_read(LAPIC_TPR), 0x50);
	lapic_write(LAPIC_ICR, 0x40041);
#endif
	lapic_write(LAPIC_TPR, 0);
	pause_a_while();
	cli();
	check_eq("TPR lowered: it comes", hits[0x41], sizeof(ulong) == 8 ? 4 : 1);
}

static void nesting(void)
{
	order = 0;
	nested_vector = 0x91; /* higher: interrupts the handler */
	lapic_write(LAPIC_ICR, 0x40052);
	sti();
	pause_a_while();
	cli();
	check_eq("a higher vector interrupts a handler", order, 0x5291);
	check(isr_was_set, "ISR is set in the handler");
	order = 0;
	nested_vector = 0x42; /* lower: waits for its end */
	lapic_write(LAPIC_ICR, 0x40052);
	sti();
	pause_a_while();
	cli();
	check_eq("a lower one waits", order, 0x5242);
	check(irr_was_set, "in IRR");
}

static void messages(void)
{
	hits[0x43] = 0;
	host_call(CALL_MSI, 0x43);
	check_eq("a message waits while IF = 0", hits[0x43], 0);
	sti();
	pause_a_while();
	check_eq("and is delivered", hits[0x43], 1);
	host_call(CALL_MSI, 0x43);
	pause_a_while();
	cli();
	check_eq("a message with IF = 1", hits[0x43], 2);
	host_call(CALL_TEST, 0x43); /* by another thread, later */
	sti_hlt_cli();
	check_eq("a message ends HLT", hits[0x43], 3);
}

static void timer_one_shot(void)
{
	u32 count;

	hits[0x44] = 0;
	lapic_write(LAPIC_TDCR, 0xb); /* divide by 1 */
	lapic_write(LAPIC_LVTT, 0x44);
	lapic_write(LAPIC_TMICT, 0x7fffffff);
	count = lapic_read(LAPIC_TMCCT);
	busy_wait_ms(1);
	check(lapic_read(LAPIC_TMCCT) < count && count <= 0x7fffffff, "the timer counts down");
	lapic_write(LAPIC_TMICT, 100000);
	sti_hlt_cli();
	check_eq("one shot ends HLT", hits[0x44], 1);
	check_eq("the count stays 0", lapic_read(LAPIC_TMCCT), 0);
	sti();
	busy_wait_ms(5);
	cli();
	check_eq("one shot comes once", hits[0x44], 1);

	lapic_write(LAPIC_LVTT, 0x44 | LVT_MASKED);
	lapic_write(LAPIC_TMICT, 1000);
	sti();
	busy_wait_ms(5);
	cli();
	check_eq("a masked timer is silent", hits[0x44], 1);
}

static void timer_periodic(void)
{
	unsigned int tries;

	hits[0x45] = 0;
	lapic_write(LAPIC_LVTT, 0x45 | LVTT_PERIODIC);
	lapic_write(LAPIC_TMICT, 2000000);
	while (hits[0x45] < 5)
		sti_hlt_cli();
	for (tries = 0; tries < 1000 && !lapic_read(LAPIC_TMCCT); tries++)
		;
	check(tries < 1000, "periodic: the count starts again");
	lapic_write(LAPIC_TMICT, 0);
	hits[0x45] = 0;
	sti();
	busy_wait_ms(10);
	cli();
	check(hits[0x45] <= 1, "an initial count of 0 stops it");
}

/*
 * A deadline is set and taken back. The host may have been away for longer than the deadline:
 * then it has come in between, and that try says nothing.
 */
static void deadline_taken_back(void)
{
	bool late;

	for (unsigned int tries = 0; tries < 50; tries++) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + 3 * tsc_per_ms());
		wrmsr(MSR_TSC_DEADLINE, 0);
		late = lapic_bit(LAPIC_IRR, 0x46);
		hits[0x46] = 0;
		sti();
		busy_wait_ms(8);
		cli();
		if (!late)
			break;
	}
	check_eq("0 disarms it", hits[0x46], 0);
}

static void timer_deadline(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & 1 << 24)) {
		print("no TSC deadline\n");
		return;
	}
	hits[0x46] = 0;
	lapic_write(LAPIC_LVTT, 0x46 | LVTT_DEADLINE);
	asm volatile("mfence");
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 60000 * tsc_per_ms());
	check(rdmsr(MSR_TSC_DEADLINE) != 0, "the deadline can be read");
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 2 * tsc_per_ms());
	sti_hlt_cli();
	check_eq("a deadline ends HLT", hits[0x46], 1);
	check_eq("and is 0 then", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, 1);
	sti();
	pause_a_while();
	cli();
	check_eq("a deadline in the past comes at once", hits[0x46], 2);
	deadline_taken_back();
	lapic_write(LAPIC_LVTT, LVT_MASKED);
}

static void x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & 1 << 21)) {
		print("no x2APIC\n");
		return;
	}
	TRY("rdmsr", "c"(0x802));
	check_trap("x2APIC registers are #GP in xAPIC mode", VEC_GP, 0);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x400);
	eoi_by_msr = true;
	check_eq("x2APIC id", rdmsr(0x802), 0);
	check_eq("SVR is kept", rdmsr(0x80f), 0x1ff);
	hits[0x47] = 0;
	sti();
	wrmsr(0x83f, 0x47);
	pause_a_while();
	check_eq("self IPI register", hits[0x47], 1);
	wrmsr(0x830, 0x40047);
	pause_a_while();
	cli();
	check_eq("64-bit ICR", hits[0x47], 2);
	wrmsr(0x838, 0);
	wrmsr(0x83e, 0xb);
	wrmsr(0x832, 0x48);
	hits[0x48] = 0;
	wrmsr(0x838, 200000);
	sti_hlt_cli();
	check_eq("timer by MSR", hits[0x48], 1);
	TRY("wrmsr", "c"(0x802), "a"(1), "d"(0));
	check_trap("#GP by a write to the id", VEC_GP, 0);
	TRY("rdmsr", "c"(0x80b));
	check_trap("#GP by a read of EOI", VEC_GP, 0);
	TRY("wrmsr", "c"(MSR_APIC_BASE), "a"((u32)(rdmsr(MSR_APIC_BASE) & ~0x800u)), "d"(0));
	check_trap("#GP by x2APIC to invalid mode", VEC_GP, 0);
}

void guest_main(void)
{
	for (unsigned int i = 0x30; i < 0xff; i++)
		trap_handler(i, i == 0x80 ? 0 : on_interrupt);
	lapic_enable();
	self_ipis();
	fresh_stacks();
	priorities();
	nesting();
	messages();
	timer_one_shot();
	timer_periodic();
	timer_deadline();
	x2apic();
}
