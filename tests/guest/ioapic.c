// SPDX-License-Identifier: GPL-2.0-or-later
/* The IOAPIC: edges, levels with remote IRR and EOI, masks. */
#include "apic.h"

static volatile u32 hits[256];
static u32 drop_at; /* lower the level line at this interrupt */
static u32 remote_irr_in_handler;
static bool hold_eoi;

#define PIN 10
#define EDGE_PIN 5

static void on_interrupt(struct trap_frame *frame)
{
	u8 vector = frame->vector;

	hits[vector]++;
	remote_irr_in_handler = ioapic_read(0x10 + 2 * PIN) & IOAPIC_REMOTE_IRR;
	if (drop_at && hits[vector] == drop_at)
		set_line(PIN, 0);
	if (!hold_eoi)
		lapic_write(LAPIC_EOI, 0);
}

static void registers(void)
{
	check_eq("24 pins", ioapic_read(1) >> 16 & 0xff, 23);
	ioapic_set(3, 0x55 | IOAPIC_MASKED);
	check_eq("a redirection entry can be read back", ioapic_read(0x16), 0x55 | IOAPIC_MASKED);
	ioapic_write(0x10 + 6, 0x55 | IOAPIC_MASKED | IOAPIC_REMOTE_IRR | 0x1000);
	check_eq("remote IRR and status are read only", ioapic_read(0x16), 0x55 | IOAPIC_MASKED);
}

static void edges(void)
{
	ioapic_set(EDGE_PIN, 0x51);
	sti();
	set_line(EDGE_PIN, 1);
	pause_a_while();
	check_eq("a rising edge interrupts", hits[0x51], 1);
	set_line(EDGE_PIN, 1);
	pause_a_while();
	check_eq("a high line does not do it again", hits[0x51], 1);
	set_line(EDGE_PIN, 0);
	set_line(EDGE_PIN, 1);
	pause_a_while();
	check_eq("the next edge does", hits[0x51], 2);
	set_line(EDGE_PIN, 0);
	ioapic_set(EDGE_PIN, 0x51 | IOAPIC_MASKED);
	set_line(EDGE_PIN, 1);
	set_line(EDGE_PIN, 0);
	pause_a_while();
	check_eq("nothing under the mask", hits[0x51], 2);
	cli();
}

static void levels(void)
{
	hits[0x52] = 0;
	ioapic_set(PIN, 0x52 | IOAPIC_LEVEL);
	drop_at = 3;
	sti();
	set_line(PIN, 1);
	pause_a_while();
	pause_a_while();
	check_eq("a level comes again after each EOI until it falls", hits[0x52], 3);
	check_eq("remote IRR is set in the handler", remote_irr_in_handler, IOAPIC_REMOTE_IRR);
	check_eq("and clear after the EOI", ioapic_read(0x10 + 2 * PIN) & IOAPIC_REMOTE_IRR, 0);

	/* without an EOI nothing comes again */
	hits[0x52] = drop_at = 0;
	hold_eoi = true;
	set_line(PIN, 1);
	pause_a_while();
	pause_a_while();
	check_eq("no EOI, no second interrupt", hits[0x52], 1);
	check(lapic_bit(LAPIC_TMR, 0x52), "TMR says level");
	cli();
	hold_eoi = false;
	drop_at = 2;
	lapic_write(LAPIC_EOI, 0);
	check(lapic_bit(LAPIC_IRR, 0x52), "the EOI brings it back at once");
	sti();
	pause_a_while();
	check_eq("the second interrupt", hits[0x52], 2);

	/* masked while the line is high, then unmasked */
	ioapic_set(PIN, 0x52 | IOAPIC_LEVEL | IOAPIC_MASKED);
	set_line(PIN, 1);
	pause_a_while();
	check_eq("nothing under the mask", hits[0x52], 2);
	drop_at = 3;
	ioapic_set(PIN, 0x52 | IOAPIC_LEVEL);
	pause_a_while();
	check_eq("a level that is still there comes after the mask", hits[0x52], 3);
	cli();
}

static void logical(void)
{
	hits[0x53] = 0;
	lapic_write(0xe0, 0xffffffff); /* flat */
	lapic_write(0xd0, 0x04000000);
	ioapic_write(0x11 + 2 * EDGE_PIN, 0x04000000);
	ioapic_write(0x10 + 2 * EDGE_PIN, 0x53 | 0x800);
	sti();
	set_line(EDGE_PIN, 1);
	pause_a_while();
	check_eq("logical destination", hits[0x53], 1);
	set_line(EDGE_PIN, 0);
	ioapic_write(0x11 + 2 * EDGE_PIN, 0x08000000);
	set_line(EDGE_PIN, 1);
	pause_a_while();
	check_eq("a logical destination that is nobody's", hits[0x53], 1);
	set_line(EDGE_PIN, 0);
	cli();
}

static void pit_by_ioapic(void)
{
	unsigned int pin = host_call(CALL_TEST + 1, 0);

	hits[0x54] = 0;
	ioapic_set(pin, 0x54);
	outb(0x43, 0x34);
	outb(0x40, 11932 & 0xff);
	outb(0x40, 11932 >> 8);
	while (hits[0x54] < 3)
		sti_hlt_cli();
	check(true, "the PIT ticks by the IOAPIC");
	ioapic_set(pin, 0x54 | IOAPIC_MASKED);
}

void guest_main(void)
{
	trap_handler(0x51, on_interrupt);
	trap_handler(0x52, on_interrupt);
	trap_handler(0x53, on_interrupt);
	trap_handler(0x54, on_interrupt);
	lapic_enable();
	pic_init(0x20, 0x28, 0xff, 0xff);
	registers();
	edges();
	levels();
	logical();
	pit_by_ioapic();
}
