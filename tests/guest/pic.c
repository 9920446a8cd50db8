// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8259 pair in the modes beside the usual one: poll, rotation, automatic EOI, nesting. */
#include "apic.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define ICW4_8086 0x01
#define ICW4_AUTO_EOI 0x02
#define ICW4_FULLY_NESTED 0x10
#define EOI 0x20
#define EOI_SPECIFIC 0x60
#define EOI_ROTATE 0xa0
#define AUTO_EOI_ROTATE 0x80
#define AUTO_EOI_STAY 0x00
#define SET_LOWEST 0xc0
#define READ_IRR 0x0a
#define READ_ISR 0x0b
#define POLL 0x0c
#define SPECIAL_MASK 0x68
#define NO_SPECIAL_MASK 0x48

static volatile u32 order;		/* the lines that came, 4 bits each */
static volatile u8 eoi;			/* what a handler writes to both chips; 0: nothing */
static volatile u8 outer, inner;	/* in the handler of @outer @inner is raised; 0: none */
static volatile bool came_inside;
static bool is_fully_nested, special_mask;

static void init_chip(u16 port, u8 base, u8 icw3, u8 icw4)
{
	outb(port, 0x11);
	outb(port + 1, base);
	outb(port + 1, icw3);
	outb(port + 1, icw4);
	outb(port + 1, 0);
}

static void init(u8 icw4_master, u8 icw4_slave)
{
	init_chip(MASTER, 0x20, 4, ICW4_8086 | icw4_master);
	init_chip(SLAVE, 0x28, 2, ICW4_8086 | icw4_slave);
	outb(MASTER + 1, 0x01); /* no PIT */
	order = 0;
	eoi = EOI;
	outer = inner = 0;
	came_inside = false;
	is_fully_nested = icw4_master & ICW4_FULLY_NESTED;
}

static u8 read_isr(u16 port)
{
	outb(port, READ_ISR);
	return inb(port);
}

static u8 poll(u16 port)
{
	outb(port, POLL);
	return inb(port);
}

static void pulse(u32 line)
{
	set_line(line, 1);
	set_line(line, 0);
}

static void raise_inner(u8 irq)
{
	u32 before = order;

	if (special_mask) {
		outb(MASTER + 1, 0x01 | 1 << irq);
		outb(MASTER, SPECIAL_MASK);
	}
	outer = 0;
	pulse(inner);
	sti();
	pause_a_while();
	cli();
	came_inside = order != before;
	if (special_mask) {
		outb(MASTER, NO_SPECIAL_MASK);
		outb(MASTER + 1, 0x01);
	}
}

static void on_pic(struct trap_frame *frame)
{
	u8 irq = frame->vector - 0x20;

	order = order << 4 | irq;
	if (outer && irq == outer)
		raise_inner(irq);
	if (!eoi)
		return;
	if (irq >= 8)
		outb(SLAVE, eoi);
	/* The slave may have more in service: then the master's line 2 is not over. */
	if (irq >= 8 && is_fully_nested && read_isr(SLAVE))
		return;
	outb(MASTER, eoi);
}

/* A line comes up while IF is clear, and all that waits is served. */
static void serve(u32 line)
{
	pulse(line);
	sti();
	pause_a_while();
	cli();
}

/* Two lines come up while IF is clear. Returns the order in which they are served. */
static u32 both(u32 a, u32 b)
{
	order = 0;
	pulse(a);
	serve(b);
	return order;
}

static void polled(void)
{
	init(0, 0);
	check_eq("poll: nothing waits", poll(MASTER) & 0x80, 0);
	set_line(6, 1);
	set_line(5, 1);
	check_eq("poll: the higher one of two", poll(MASTER), 0x85);
	check_eq("it is in service", read_isr(MASTER), 0x20);
	check_eq("the lower one waits for its end", poll(MASTER) & 0x80, 0);
	outb(MASTER, EOI);
	check_eq("then it is found", poll(MASTER), 0x86);
	outb(MASTER, EOI);
	check_eq("and nothing after it", poll(MASTER) & 0x80, 0);
	set_line(5, 0);
	set_line(6, 0);
	pulse(10);
	check_eq("poll of the master: the slave", poll(MASTER), 0x82);
	check_eq("poll of the slave: its line", poll(SLAVE), 0x82);
	outb(SLAVE, EOI);
	outb(MASTER, EOI);
	outb(MASTER, POLL);
	check_eq("poll is for one read, of either port", inb(MASTER + 1) & 0x80, 0);
	check_eq("the next one is of IMR", inb(MASTER + 1), 0x01);
	sti();
	pause_a_while();
	cli();
	check_eq("no interrupt for what was polled", order, 0);
}

static void rotated(void)
{
	init(0, 0);
	check_eq("fixed priorities", both(6, 3), 0x36);
	outb(MASTER, SET_LOWEST | 4);
	check_eq("line 4 lowest: 5 to 7 go before 3", both(3, 6), 0x63);
	check_eq("and 3 before 4", both(4, 3), 0x34);
	outb(MASTER, SET_LOWEST | 7);
	eoi = EOI_ROTATE;
	check_eq("EOI with rotation, the first time", both(6, 3), 0x36);
	check_eq("now 7 is the highest, 6 the lowest", both(6, 7), 0x76);
	eoi = EOI_SPECIFIC | 3;
	outb(MASTER, SET_LOWEST | 7);
	order = 0;
	outer = 3;
	inner = 1;
	serve(3);
	check_eq("a specific EOI ends its line alone", read_isr(MASTER), 0x02);
	outb(MASTER, EOI_SPECIFIC | 1);
	check_eq("so does the other", read_isr(MASTER), 0);
}

static void auto_eoi(void)
{
	init(ICW4_AUTO_EOI, 0);
	eoi = 0;
	check_eq("automatic EOI: both without any", both(6, 3), 0x36);
	check_eq("nothing is in service", read_isr(MASTER), 0);
	outb(MASTER, AUTO_EOI_ROTATE);
	both(3, 3);
	check_eq("with rotation 3 is the lowest", both(3, 6), 0x63);
	outb(MASTER, AUTO_EOI_STAY);
	outb(MASTER, SET_LOWEST | 7);
	both(3, 3);
	check_eq("without it nothing changes", both(6, 3), 0x36);
}

static void nested(void)
{
	struct {
		const char *name;
		u8 icw4, outer, inner;
		bool inside;
	} cases[] = {
		{ "a higher line interrupts a handler", 0, 6, 3, true },
		{ "a lower one waits", 0, 3, 6, false },
		{ "the slave's higher line waits for the master", 0, 10, 9, false },
		{ "special fully nested: it does not", ICW4_FULLY_NESTED, 10, 9, true },
		{ "but the slave's lower line waits", ICW4_FULLY_NESTED, 9, 10, false },
		{ "the slave interrupts the master's line 3", 0, 3, 12, true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		init(cases[i].icw4, 0);
		outer = cases[i].outer;
		inner = cases[i].inner;
		serve(outer);
		check_eq(cases[i].name, came_inside, cases[i].inside);
		check_eq("both were served in the end", order, cases[i].outer << 4 | cases[i].inner);
		check_eq("and are over", read_isr(MASTER) | read_isr(SLAVE), 0);
	}
	init(0, 0);
	special_mask = true;
	outer = 3;
	inner = 6;
	serve(3);
	special_mask = false;
	check(came_inside, "special mask: a lower line interrupts a handler that masks its own");
	check_eq("nothing is in service after it", read_isr(MASTER), 0);
}

void guest_main(void)
{
	for (unsigned int i = 0; i < 16; i++)
		trap_handler(0x20 + i, on_pic);
	lapic_enable();
	lapic_write(LAPIC_LVT0, 0x700); /* the PIC's INTR line */
	polled();
	rotated();
	auto_eoi();
	nested();
	outb(MASTER + 1, 0xff);
	outb(SLAVE + 1, 0xff);
}
