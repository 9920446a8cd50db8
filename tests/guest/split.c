// SPDX-License-Identifier: GPL-2.0-or-later
/* Level and edge messages to a LAPIC whose IOAPIC is in user space. */
#include "apic.h"

static volatile u32 level_hits, edge_hits, bare_hits;

static void on_interrupt(struct trap_frame *frame)
{
	if (frame->vector == 0x61)
		level_hits++;
	else if (frame->vector == 0x63)
		bare_hits++;
	else
		edge_hits++;
	lapic_write(LAPIC_EOI, 0);
}

void guest_main(void)
{
	trap_handler(0x61, on_interrupt);
	trap_handler(0x62, on_interrupt);
	trap_handler(0x63, on_interrupt);
	lapic_enable();
	host_call(CALL_MSI, 0x61 | 0xc000);
	host_call(CALL_MSI, 0x62);
	/* QEMU's IOAPIC leaves the level bit out */
	host_call(CALL_MSI, 0x63 | 0x8000);
	check(lapic_bit(LAPIC_TMR, 0x61), "TMR is set for a level message");
	check(!lapic_bit(LAPIC_TMR, 0x62), "and not for an edge message");
	check(lapic_bit(LAPIC_TMR, 0x63), "TMR is set for one without its level bit");
	sti();
	pause_a_while();
	cli();
	check_eq("the level interrupt", level_hits, 1);
	check_eq("the edge interrupt", edge_hits, 1);
	check_eq("the level interrupt without its level bit", bare_hits, 1);
}
