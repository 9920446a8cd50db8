/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pure model of the PC's pair of 8259A interrupt controllers, with the edge/level
 * control registers (ELCR) of the PIIX. Intel's data sheet "8259A Programmable Interrupt
 * Controller" has the command words.
 *
 * Not there, as in the PIIX: 8080 vectors, buffered mode, ICW1's level bit (ELCR decides).
 */
#ifndef MYHV_VPIC_H
#define MYHV_VPIC_H

#include "irq_result.h"
#include "model.h"
#include "myhv_x86.h"

#define VPIC_MASTER_PORT 0x20
#define VPIC_SLAVE_PORT 0xa0
#define VPIC_ELCR_PORT 0x4d0
#define VPIC_NR_LINES 16

/**
 * struct vpic - the pair
 * @chip: master and slave; the state of the uapi is the state of the model
 * @ended: bit per line: ended since the last vpic_take_ended()
 */
struct vpic {
	struct myhv_pic_state chip[2];
	u32 ended;
};

void vpic_reset(struct vpic *p);

/**
 * vpic_set_line() - drive an input
 * @p: the chip
 * @line: 0..15; 2 is the cascade and ignored
 * @level: the new level
 *
 * An edge is latched until acknowledged even if the line falls before: sources that
 * pulse would lose interrupts otherwise (the chip raises a spurious one then).
 * Returns IRQ_COALESCED also when @level is low. A masked edge that is latched is
 * IRQ_LATCHED: guests mask a line while they handle it.
 */
enum irq_result vpic_set_line(struct vpic *p, unsigned int line, bool level);

/** vpic_output() - the INTR line to the CPU */
bool vpic_output(const struct vpic *p);

/**
 * vpic_ack() - interrupt acknowledge cycle: returns the vector
 * @p: the chip
 *
 * With nothing requested it is the spurious IRQ 7, or 15 when only the slave has
 * nothing, without an in-service bit in the chip that found nothing.
 */
u8 vpic_ack(struct vpic *p);

/** vpic_take_ended() - lines whose in-service bit was cleared since the last call */
static inline u32 vpic_take_ended(struct vpic *p)
{
	u32 ended = p->ended;

	p->ended = 0;
	return ended;
}

/**
 * vpic_write() - byte write; @port is one of 20, 21, A0, A1, 4D0, 4D1 (hex)
 * @p: the pair
 * @port: port; others are ignored
 * @value: byte
 */
void vpic_write(struct vpic *p, u16 port, u8 value);

/** vpic_read() - byte read, of the same ports; others read 0xff */
u8 vpic_read(struct vpic *p, u16 port);

/** vpic_get_state() - one chip, 0 master or 1 slave */
void vpic_get_state(const struct vpic *p, unsigned int chip, struct myhv_pic_state *state);

/**
 * vpic_set_state() - replace one chip's state
 * @p: the chip
 * @chip: 0 master, 1 slave
 * @state: the state
 *
 * Returns -EINVAL and changes nothing for a value that no chip can have.
 */
int vpic_set_state(struct vpic *p, unsigned int chip, const struct myhv_pic_state *state);

#endif /* MYHV_VPIC_H */
