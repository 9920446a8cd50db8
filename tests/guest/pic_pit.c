// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8259 pair and the 8254: ticks, masks, edges and levels, read-back, port 0x61. */
#include "apic.h"

static volatile u32 hits[16];
static u32 lines_to_drop;

static void on_pic(struct trap_frame *frame)
{
	unsigned int irq = frame->vector - 0x20;

	hits[irq]++;
	if (lines_to_drop & 1u << irq && hits[irq] == 3) {
		lines_to_drop &= ~(1u << irq);
		set_line(irq, 0);
	}
	if (irq >= 8)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void pit_set(u8 channel, u8 mode, u16 count)
{
	outb(0x43, channel << 6 | 0x30 | mode << 1);
	outb(0x40 + channel, count);
	outb(0x40 + channel, count >> 8);
}

static u16 pit_count(u8 channel)
{
	u16 low;

	outb(0x43, channel << 6);
	low = inb(0x40 + channel);
	return low | inb(0x40 + channel) << 8;
}

/*
 * The host may be away for as long as it likes, at any time. What is about time is tried again:
 * a timer that is wrong is so each time.
 */
#define TRIES 20

static bool ten_ticks_take_100_ms(void)
{
	u64 start, cycles;

	hits[0] = 0;
	while (hits[0] < 1)
		sti_hlt_cli();
	start = rdtsc();
	while (hits[0] < 11)
		sti_hlt_cli();
	cycles = rdtsc() - start;
	return cycles > 80 * tsc_per_ms() && cycles < 500 * tsc_per_ms();
}

static void ticks(void)
{
	unsigned int tries = 0;

	pic_init(0x20, 0x28, 0xfe, 0xff);
	pit_set(0, 2, 11932); /* 100 Hz */
	while (!ten_ticks_take_100_ms() && ++tries < TRIES)
		;
	check(tries < TRIES, "10 ticks of the PIT at 100 Hz take about 100 ms");
	/* masked in the PIC */
	outb(0x21, 0xff);
	sti();
	pause_a_while();
	hits[0] = 0;
	busy_wait_ms(30);
	check_eq("no ticks under the mask", hits[0], 0);
	cli();
	outb(0x21, 0xfe);
	sti();
	for (unsigned int tries = 0; tries < TRIES && !hits[0]; tries++)
		busy_wait_ms(30);
	cli();
	check(hits[0] >= 1, "ticks again without the mask");
}

static void one_shot(void)
{
	pit_set(0, 0, 0xffff); /* stop the ticks: the last one is in 55 ms */
	sti();
	busy_wait_ms(200);
	cli();
	hits[0] = 0;
	pit_set(0, 0, 5966); /* 5 ms, once */
	sti();
	for (unsigned int tries = 0; tries < TRIES && !hits[0]; tries++)
		busy_wait_ms(30);
	busy_wait_ms(30);
	cli();
	check_eq("mode 0 interrupts once", hits[0], 1);
}

static bool counts_down(void)
{
	u16 a, b;

	pit_set(2, 0, 0xffff);
	outb(0x61, (inb(0x61) & ~2) | 1);
	a = pit_count(2);
	busy_wait_ms(5);
	b = pit_count(2);
	return b < a && a - b > 2000;
}

static bool output_is_low_at_first(void)
{
	pit_set(2, 0, 0xffff); /* 55 ms */
	return !(inb(0x61) & 0x20);
}

static void counting(void)
{
	unsigned int tries = 0;
	u8 status;

	while (!counts_down() && ++tries < TRIES)
		;
	check(tries < TRIES, "channel 2 counts down");
	outb(0x61, inb(0x61) & ~3);
	outb(0x43, 0xe8); /* read back: status of channel 2 */
	status = inb(0x42);
	check_eq("status of channel 2: mode 0, both bytes", status & 0x3f, 0x30);

	/* mode 0: output goes up when the count is over */
	outb(0x61, (inb(0x61) & ~2) | 1);
	for (tries = 0; tries < TRIES && !output_is_low_at_first(); tries++)
		;
	check(tries < TRIES, "output of channel 2 is low at first");
	busy_wait_ms(200);
	check_eq("and high in the end", inb(0x61) & 0x20, 0x20);
}

static void edges(void)
{
	outb(0x21, 0xff & ~(1 << 5));
	hits[5] = 0;
	sti();
	set_line(5, 1);
	pause_a_while();
	check_eq("a rising edge interrupts", hits[5], 1);
	pause_a_while();
	check_eq("a high line does not do it again", hits[5], 1);
	set_line(5, 0);
	set_line(5, 1);
	pause_a_while();
	check_eq("the next edge does", hits[5], 2);
	set_line(5, 0);

	outb(0x21, 0xff);
	set_line(5, 1);
	pause_a_while();
	check_eq("nothing under the mask", hits[5], 2);
	outb(0x20, 0x0a);
	check_eq("but IRR shows it", inb(0x20) & 0x20, 0x20);
	outb(0x21, 0xff & ~(1 << 5));
	pause_a_while();
	check_eq("and it comes when the mask is lifted", hits[5], 3);
	set_line(5, 0);
	cli();
}

static void levels(void)
{
	outb(0x4d1, 1 << (10 - 8));
	outb(0x21, 0xff & ~(1 << 2));
	outb(0xa1, 0xff & ~(1 << (10 - 8)));
	hits[10] = 0;
	lines_to_drop = 1 << 10; /* at the third interrupt */
	sti();
	set_line(10, 1);
	pause_a_while();
	pause_a_while();
	check_eq("a level comes again after EOI, through the slave", hits[10], 3);
	cli();
	outb(0x4d1, 0);
	outb(0xa1, 0xff);
}

static void registers(void)
{
	outb(0x21, 0x5a);
	check_eq("IMR can be read back", inb(0x21), 0x5a);
	outb(0x4d0, 0x20);
	check_eq("ELCR can be read back", inb(0x4d0), 0x20);
	outb(0x4d0, 0);
	outb(0x21, 0xff);
}

void guest_main(void)
{
	for (unsigned int i = 0; i < 16; i++)
		trap_handler(0x20 + i, on_pic);
	lapic_enable();
	lapic_write(LAPIC_LVT0, 0x700); /* the PIC's INTR line */
	ticks();
	one_shot();
	counting();
	edges();
	levels();
	registers();
}
