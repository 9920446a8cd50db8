// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exceptions by the ten thousand, while a timer of the host's ends guest mode at any boundary:
 * that between the delivery of an exception and its handler's first instruction too.
 */
#include "apic.h"

#define VEC_TIMER 0x60
#define TIMER_NS 100000
#define ROUNDS 100000
/* So many go on between two interrupts, however slow the host is. */
#define BETWEEN 64

static u32 ticks;

static void tick(struct trap_frame *frame)
{
	ticks++;
	lapic_write(LAPIC_EOI, 0);
}

void guest_main(void)
{
	u32 before, wrong = 0, seen = ~0u;

	lapic_enable();
	trap_handler(VEC_TIMER, tick);
	lapic_write(LAPIC_TDCR, 0xb);
	lapic_write(LAPIC_LVTT, VEC_TIMER);

	before = trap_seen.count;
	sti();
	for (u32 i = 0; i < ROUNDS; i++) {
		TRY("ud2");
		wrong += trap_seen.vector != VEC_UD || trap_seen.ip != trap_seen.insn;
		if (i % BETWEEN || seen == ticks)
			continue;
		seen = ticks;
		lapic_write(LAPIC_TMICT, TIMER_NS);
	}
	cli();
	lapic_write(LAPIC_LVTT, LVT_MASKED);

	check_eq("#UD comes from UD2 every time", wrong, 0);
	check_eq("and once each time", trap_seen.count - before - ticks, ROUNDS);
	check(ticks > 0, "with the timer's interrupts between them");
}
