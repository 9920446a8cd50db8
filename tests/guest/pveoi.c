// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's paravirtual EOI: an edge interrupt alone in service is ended by clearing a bit in
 * memory; every other one at the LAPIC.
 */
#include "apic.h"

#define MSR_PV_EOI 0x4b564d04
#define CPUID_PV_EOI (1 << 6)

static volatile u32 word __attribute__((aligned(4)));
static volatile u32 hits, offers;
static volatile u8 nested_vector, lower_at;
static bool never; /* a CPU that ends interrupts without an exit needs no offers */

static void end_of_interrupt(void)
{
	bool offered;

	asm volatile("btrl $0, %0; setc %1" : "+m"(word), "=q"(offered) : : "memory", "cc");
	if (offered)
		offers++;
	else
		lapic_write(LAPIC_EOI, 0);
}

static void on_interrupt(struct trap_frame *frame)
{
	u8 vector = nested_vector;

	hits++;
	if (vector) {
		nested_vector = 0;
		lapic_write(LAPIC_ICR, 0x40000 | vector);
		sti();
		pause_a_while();
		cli();
	}
	if (lower_at && hits == lower_at)
		set_line(5, 0);
	end_of_interrupt();
}

static void run(void)
{
	hits = offers = 0;
	sti();
	pause_a_while();
	cli();
}

/*
 * What ends MYHV_VCPU_RUN, be it the host's scheduler, takes an offer back, and the interrupt is
 * ended at the LAPIC: correct, but not what is to be seen here. So such a turn is tried again.
 */
static void until_offered(void (*turn)(void), u32 wanted)
{
	if (never) {
		turn();
		return;
	}
	for (unsigned int i = 0; i < 20; i++) {
		turn();
		if (offers == wanted)
			return;
	}
}

static void one(void)
{
	lapic_write(LAPIC_ICR, 0x40041);
	run();
}

static void alone(void)
{
	until_offered(one, 1);
	check_eq("an interrupt alone", hits, 1);
	check_eq("is ended in memory", offers, !never);
	check(!lapic_bit(LAPIC_ISR, 0x41), "and the LAPIC knows");
	check_eq("PPR as well", lapic_read(LAPIC_PPR), 0);
	check_eq("nothing is offered after it", word, 0);
	until_offered(one, 1);
	check_eq("again", hits * 16 + offers, 0x10 + !never);
}

static void two(void)
{
	lapic_write(LAPIC_ICR, 0x40041);
	lapic_write(LAPIC_ICR, 0x40051);
	run();
}

/* With one more that comes in its handler and has to wait. */
static void one_and_a_lower(void)
{
	nested_vector = 0x31;
	one();
}

static void together(void)
{
	until_offered(two, 1);
	check_eq("two at a time", hits, 2);
	check_eq("only the last one is ended in memory", offers, !never);
	/* a higher one while an offer stands */
	nested_vector = 0x71;
	one();
	check_eq("one in another", hits, 2);
	check_eq("the offer was taken back", offers, 0);
	check(!lapic_bit(LAPIC_ISR, 0x41) && !lapic_bit(LAPIC_ISR, 0x71), "both have ended");
	/* a lower one waits for the end */
	until_offered(one_and_a_lower, 1);
	check_eq("a lower one waits", hits, 2);
	check_eq("for an EOI that is seen", offers, !never);
}

static void level(void)
{
	lower_at = 2;
	ioapic_set(5, IOAPIC_LEVEL | 0x61);
	set_line(5, 1);
	run();
	check_eq("a level comes until it falls", hits, 2);
	check_eq("and is never ended in memory", offers, 0);
	lower_at = 0;
	ioapic_set(5, IOAPIC_MASKED);
}

/* The interrupt is ended in memory just before the next HLT. */
static void three_naps(void)
{
	hits = offers = 0;
	for (unsigned int i = 0; i < 3; i++) {
		lapic_write(LAPIC_LVTT, 0x41);
		lapic_write(LAPIC_TMICT, 2000000);
		sti_hlt_cli();
	}
}

static void halted(void)
{
	lapic_write(LAPIC_TDCR, 0xb);
	until_offered(three_naps, 3);
	check_eq("three turns of timer and HLT", hits, 3);
	check_eq("all without an EOI", offers, never ? 0 : 3);
}

void guest_main(void)
{
	u32 choice = host_call(CALL_TEST, 0);
	bool wanted = choice != 0;
	u32 r[4];

	never = choice == 2;
	lapic_enable();
	pic_init(0x20, 0x28, 0xff, 0xff);
	for (unsigned int v = 0x30; v < 0x80; v++)
		trap_handler(v, on_interrupt);
	cpuid(0x40000001, 0, r);
	check_eq("CPUID says so", !!(r[0] & CPUID_PV_EOI), wanted);
	if (!wanted) {
		TRY("wrmsr", "c"(MSR_PV_EOI), "a"((u32)(ulong)&word | 1), "d"(0));
		check_trap("what is not offered is not there", VEC_GP, 0);
		return;
	}
	TRY("wrmsr", "c"(MSR_PV_EOI), "a"((u32)(ulong)&word | 3), "d"(0));
	check_trap("bit 1 is reserved", VEC_GP, 0);
	wrmsr(MSR_PV_EOI, (ulong)&word | 1);
	check_eq("the MSR reads back", rdmsr(MSR_PV_EOI), (ulong)&word | 1);
	alone();
	together();
	level();
	halted();
	wrmsr(MSR_PV_EOI, 0);
	one();
	check_eq("switched off: nothing is offered", hits * 16 + offers, 0x10);
	/* where no memory is */
	wrmsr(MSR_PV_EOI, GUEST_HOLE | 1);
	one();
	check_eq("a bad address: the same", hits * 16 + offers, 0x10);
}
