/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pure model of an IOAPIC: the 82093AA with 24 pins (version 0x11), or the later one
 * with an EOI register (version 0x20).
 *
 * Lines carry logical levels: 1 is "asserted", whatever the polarity bit of the
 * redirection entry says; that bit is kept for the guest and has no effect.
 *
 * Messages go out through one callback, since a level entry may only remember "sent"
 * (remote IRR) when a LAPIC took the message.
 */
#ifndef MYHV_VIOAPIC_H
#define MYHV_VIOAPIC_H

#include "model.h"
#include "apic_msg.h"
#include "irq_result.h"

struct myhv_ioapic_state;
struct vioapic;

#define VIOAPIC_NR_PINS 24
#define VIOAPIC_DEFAULT_BASE 0xfec00000u
#define VIOAPIC_WINDOW_BYTES 0x100
#define VIOAPIC_VERSION_82093AA 0x11
#define VIOAPIC_VERSION_EOI 0x20

/* memory-mapped registers */
#define VIOAPIC_IOREGSEL 0x00
#define VIOAPIC_IOWIN 0x10
#define VIOAPIC_EOIR 0x40

/* redirection entry */
#define VIOAPIC_RTE_LOGICAL BIT_ULL(11)
#define VIOAPIC_RTE_PENDING BIT_ULL(12)
#define VIOAPIC_RTE_LOW_ACTIVE BIT_ULL(13)
#define VIOAPIC_RTE_REMOTE_IRR BIT_ULL(14)
#define VIOAPIC_RTE_LEVEL BIT_ULL(15)
#define VIOAPIC_RTE_MASKED BIT_ULL(16)

/**
 * struct vioapic_ops - the way out
 * @send: deliver @msg: IRQ_DELIVERED, IRQ_COALESCED or, when no LAPIC takes it, IRQ_MASKED
 */
struct vioapic_ops {
	enum irq_result (*send)(struct vioapic *io, const struct apic_msg *msg);
};

/**
 * struct vioapic - one IOAPIC
 * @ops: see struct vioapic_ops
 * @version: VIOAPIC_VERSION_*
 * @ioregsel: selected register
 * @id: APIC ID, bits 27:24
 * @lines: pins that are asserted
 * @rte: the redirection table
 */
struct vioapic {
	const struct vioapic_ops *ops;
	u32 version;
	u32 ioregsel;
	u32 id;
	u32 lines;
	u64 rte[VIOAPIC_NR_PINS];
};

void vioapic_reset(struct vioapic *io);

/**
 * vioapic_set_line() - drive a pin
 * @io: the IOAPIC
 * @pin: its number
 * @level: the new level
 *
 * An edge on a masked pin is lost, as the data sheet says; a level is not (IRQ_LATCHED).
 */
enum irq_result vioapic_set_line(struct vioapic *io, unsigned int pin, bool level);

/**
 * vioapic_eoi() - a LAPIC ended @vector
 * @io: the IOAPIC
 * @vector: vector
 * @level: the LAPIC broadcast it as a level interrupt; edge pins only show in the result
 *
 * Clears remote IRR of the level pins with this vector. Returns these pins, and
 * the edge pins with this vector: the caller tells who wants to know (resampling may lower
 * the lines), then calls vioapic_resend().
 */
u32 vioapic_eoi(struct vioapic *io, u8 vector, bool level);

/** vioapic_resend() - send again for level pins of @pins that are still asserted */
void vioapic_resend(struct vioapic *io, u32 pins);

/** vioapic_pin_vector() - the vector of an unmasked pin with a vector, or -1 */
int vioapic_pin_vector(const struct vioapic *io, unsigned int pin);

u64 vioapic_read(struct vioapic *io, u64 offset, unsigned int size);

/**
 * vioapic_write() - memory-mapped write; aligned 32-bit, others: the low dword or byte
 * @io: the IOAPIC
 * @offset: byte offset, any value
 * @size: bytes: 1, 2, 4 or 8
 * @value: value
 *
 * Returns the pins that the EOI register ended, to be handled as vioapic_eoi()'s result.
 */
u32 vioapic_write(struct vioapic *io, u64 offset, unsigned int size, u64 value);

void vioapic_get_state(const struct vioapic *io, struct myhv_ioapic_state *state);
/* -EINVAL and no change for reserved bits; level lines in @state->irr are asserted. */
int vioapic_set_state(struct vioapic *io, const struct myhv_ioapic_state *state);

#endif /* MYHV_VIOAPIC_H */
