// SPDX-License-Identifier: GPL-2.0-only
/* The 8259A pair; see vpic.h. */
#include "vpic.h"

#define MASTER 0
#define SLAVE 1
#define CASCADE_LINE 2
#define NOTHING 8 /* lowest priority + 1 */

/* Lines 0, 1, 2, 8 and 13 are edge triggered whatever ELCR is told. */
static const u8 elcr_masks[2] = { 0xf8, 0xde };

/* chip->init_state: the next initialization command word at the odd port */
enum { INIT_DONE, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };
/* chip->init4 */
#define ICW1_IC4 BIT(0)
#define ICW1_SNGL BIT(1)

/* Priority of the best line in @lines: 0 (best)..7, or NOTHING. */
static unsigned int best_priority(const struct myhv_pic_state *c, u8 lines)
{
	unsigned int prio;

	for (prio = 0; prio < NOTHING; prio++)
		if (lines & (1u << ((prio + c->priority_add) & 7)))
			break;
	return prio;
}

/* The line that the chip asks service for, or -1. */
static int requested_line(const struct vpic *p, unsigned int chip)
{
	const struct myhv_pic_state *c = &p->chip[chip];
	unsigned int prio = best_priority(c, c->irr & ~c->imr);
	u8 in_service = c->isr;

	if (prio == NOTHING)
		return -1;
	if (c->special_mask)
		in_service &= ~c->imr;
	/* The slave's higher lines may interrupt its lower ones. */
	if (chip == MASTER && c->special_fully_nested_mode)
		in_service &= ~(1u << CASCADE_LINE);
	if (prio >= best_priority(c, in_service))
		return -1;
	return (prio + c->priority_add) & 7;
}

/* The slave's output is the master's line 2; to be called after every change. */
static void update_cascade(struct vpic *p)
{
	struct myhv_pic_state *master = &p->chip[MASTER];
	const u8 bit = 1u << CASCADE_LINE;

	if (requested_line(p, SLAVE) >= 0)
		master->irr |= bit;
	else
		master->irr &= ~bit;
}

static void end_of_interrupt(struct vpic *p, unsigned int chip, unsigned int line)
{
	u8 bit = 1u << line;

	if (!(p->chip[chip].isr & bit))
		return;
	p->chip[chip].isr &= ~bit;
	p->ended |= 1u << (chip * 8 + line);
}

static void acknowledge(struct vpic *p, unsigned int chip, unsigned int line)
{
	struct myhv_pic_state *c = &p->chip[chip];
	u8 bit = 1u << line;

	c->isr |= bit;
	if (!(c->elcr & bit))
		c->irr &= ~bit;
	if (!c->auto_eoi)
		return;
	if (c->rotate_on_auto_eoi)
		c->priority_add = (line + 1) & 7;
	end_of_interrupt(p, chip, line);
}

static void chip_reset(struct vpic *p, unsigned int chip)
{
	p->chip[chip] = (struct myhv_pic_state){ .elcr_mask = elcr_masks[chip] };
}

/** vpic_reset() - power-up state; all lines low */
void vpic_reset(struct vpic *p)
{
	chip_reset(p, MASTER);
	chip_reset(p, SLAVE);
	p->ended = 0;
}

enum irq_result vpic_set_line(struct vpic *p, unsigned int line, bool level)
{
	struct myhv_pic_state *c;
	bool was_requested;
	u8 bit;

	if (line >= VPIC_NR_LINES || line == CASCADE_LINE)
		return IRQ_COALESCED;
	c = &p->chip[line / 8];
	bit = 1u << (line & 7);
	was_requested = c->irr & bit;

	if (level && ((c->elcr & bit) || !(c->last_irr & bit)))
		c->irr |= bit;
	if (!level && (c->elcr & bit))
		c->irr &= ~bit;
	if (level)
		c->last_irr |= bit;
	else
		c->last_irr &= ~bit;
	update_cascade(p);

	if (!was_requested && (c->irr & bit))
		return c->imr & bit ? IRQ_LATCHED : IRQ_DELIVERED;
	return c->imr & bit ? IRQ_MASKED : IRQ_COALESCED;
}

bool vpic_output(const struct vpic *p)
{
	return requested_line(p, MASTER) >= 0;
}

u8 vpic_ack(struct vpic *p)
{
	int line = requested_line(p, MASTER);
	u8 vector;

	if (line < 0)
		return p->chip[MASTER].irq_base + 7;

	acknowledge(p, MASTER, (unsigned int)line);
	vector = p->chip[MASTER].irq_base + line;
	if (line == CASCADE_LINE) {
		line = requested_line(p, SLAVE);
		if (line >= 0)
			acknowledge(p, SLAVE, (unsigned int)line);
		vector = p->chip[SLAVE].irq_base + (line < 0 ? 7 : line);
	}
	update_cascade(p);
	return vector;
}

/* ---- command words ---------------------------------------------------- */

static void icw1(struct vpic *p, unsigned int chip, u8 value)
{
	struct myhv_pic_state *c = &p->chip[chip];

	/*
	 * Vector base and rotation mode survive until they are written. The edge
	 * detector is reset: a line that is high has to fall and rise again, so
	 * last_irr stays.
	 */
	c->irr &= c->elcr;
	c->imr = 0;
	c->isr = 0;
	c->priority_add = 0;
	c->special_mask = 0;
	c->read_reg_select = 0;
	c->poll = 0;
	c->rotate_on_auto_eoi = 0;
	if (!(value & ICW1_IC4)) {
		c->auto_eoi = 0;
		c->special_fully_nested_mode = 0;
	}
	c->init4 = value & (ICW1_IC4 | ICW1_SNGL);
	c->init_state = EXPECT_ICW2;
}

static void ocw2(struct vpic *p, unsigned int chip, u8 value)
{
	struct myhv_pic_state *c = &p->chip[chip];
	unsigned int line = value & 7;
	unsigned int prio;

	switch (value >> 5) {
	case 0: /* rotate in automatic EOI mode: off, on */
	case 4:
		c->rotate_on_auto_eoi = value >> 7;
		break;
	case 1: /* non-specific EOI, with rotation */
	case 5:
		/* Lines masked in special mask mode are not ended by it. */
		prio = best_priority(c, c->special_mask ? c->isr & ~c->imr : c->isr);
		if (prio == NOTHING)
			break;
		line = (prio + c->priority_add) & 7;
		end_of_interrupt(p, chip, line);
		if (value & 0x80)
			c->priority_add = (line + 1) & 7;
		break;
	case 3: /* specific EOI */
		end_of_interrupt(p, chip, line);
		break;
	case 6: /* set priority */
		c->priority_add = (line + 1) & 7;
		break;
	case 7: /* specific EOI with rotation */
		end_of_interrupt(p, chip, line);
		c->priority_add = (line + 1) & 7;
		break;
	default: /* no operation */
		break;
	}
}

static void ocw3(struct myhv_pic_state *c, u8 value)
{
	c->poll = (value >> 2) & 1;
	if (value & 0x02)
		c->read_reg_select = value & 1;
	if (value & 0x40)
		c->special_mask = (value >> 5) & 1;
}

static void write_odd(struct myhv_pic_state *c, u8 value)
{
	switch (c->init_state) {
	case EXPECT_ICW2:
		c->irq_base = value & 0xf8;
		if (!(c->init4 & ICW1_SNGL))
			c->init_state = EXPECT_ICW3;
		else
			c->init_state = c->init4 & ICW1_IC4 ? EXPECT_ICW4 : INIT_DONE;
		break;
	case EXPECT_ICW3: /* the wiring of the cascade is fixed */
		c->init_state = c->init4 & ICW1_IC4 ? EXPECT_ICW4 : INIT_DONE;
		break;
	case EXPECT_ICW4:
		c->special_fully_nested_mode = (value >> 4) & 1;
		c->auto_eoi = (value >> 1) & 1;
		c->init_state = INIT_DONE;
		break;
	default:
		c->imr = value;
		break;
	}
}

static void elcr_write(struct myhv_pic_state *c, u8 value)
{
	c->elcr = value & c->elcr_mask;
	/* A line that is high now is a request in level mode. */
	c->irr |= c->last_irr & c->elcr;
}

void vpic_write(struct vpic *p, u16 port, u8 value)
{
	unsigned int chip = port == VPIC_SLAVE_PORT || port == VPIC_SLAVE_PORT + 1;

	switch (port) {
	case VPIC_MASTER_PORT:
	case VPIC_SLAVE_PORT:
		if (value & 0x10)
			icw1(p, chip, value);
		else if (value & 0x08)
			ocw3(&p->chip[chip], value);
		else
			ocw2(p, chip, value);
		break;
	case VPIC_MASTER_PORT + 1:
	case VPIC_SLAVE_PORT + 1:
		write_odd(&p->chip[chip], value);
		break;
	case VPIC_ELCR_PORT:
	case VPIC_ELCR_PORT + 1:
		elcr_write(&p->chip[port - VPIC_ELCR_PORT], value);
		break;
	default:
		return;
	}
	update_cascade(p);
}

/* The poll command makes the next read an acknowledge cycle of this chip alone. */
static u8 poll_read(struct vpic *p, unsigned int chip)
{
	int line = requested_line(p, chip);

	p->chip[chip].poll = 0;
	if (line < 0)
		return 7;
	acknowledge(p, chip, (unsigned int)line);
	update_cascade(p);
	return 0x80 | (u8)line;
}

u8 vpic_read(struct vpic *p, u16 port)
{
	unsigned int chip = port == VPIC_SLAVE_PORT || port == VPIC_SLAVE_PORT + 1;
	const struct myhv_pic_state *c = &p->chip[chip];

	switch (port) {
	case VPIC_MASTER_PORT:
	case VPIC_SLAVE_PORT:
		if (c->poll)
			return poll_read(p, chip);
		return c->read_reg_select ? c->isr : c->irr;
	case VPIC_MASTER_PORT + 1:
	case VPIC_SLAVE_PORT + 1:
		return c->poll ? poll_read(p, chip) : c->imr;
	case VPIC_ELCR_PORT:
	case VPIC_ELCR_PORT + 1:
		return p->chip[port - VPIC_ELCR_PORT].elcr;
	default:
		return 0xff;
	}
}

/* ---- state transfer --------------------------------------------------- */

void vpic_get_state(const struct vpic *p, unsigned int chip, struct myhv_pic_state *state)
{
	*state = p->chip[chip & 1];
}

int vpic_set_state(struct vpic *p, unsigned int chip, const struct myhv_pic_state *state)
{
	const struct myhv_pic_state *s = state;
	u8 flags = s->read_reg_select | s->poll | s->special_mask | s->auto_eoi |
		   s->rotate_on_auto_eoi | s->special_fully_nested_mode;

	if (chip > SLAVE || flags > 1 || s->priority_add > 7 || s->init_state > EXPECT_ICW4 ||
	    s->init4 > (ICW1_IC4 | ICW1_SNGL))
		return -EINVAL;
	if (s->elcr & ~elcr_masks[chip])
		return -EINVAL;
	p->chip[chip] = *s;
	p->chip[chip].irq_base &= 0xf8;
	p->chip[chip].elcr_mask = elcr_masks[chip];
	return 0;
}
