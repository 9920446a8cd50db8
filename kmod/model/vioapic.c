// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC; see vioapic.h. Intel's data sheet "82093AA I/O Advanced PIC". */
#include "vioapic.h"
#include "myhv_x86.h"

#define REG_ID 0x00
#define REG_VERSION 0x01
#define REG_ARBITRATION 0x02
#define REG_RTE0 0x10

#define ID_MASK 0x0f000000u
/* destination, mask, trigger, polarity, destination mode, delivery mode, vector */
#define RTE_WRITABLE (0xff00000000000000ULL | 0x1afff)
#define RTE_READ_ONLY (VIOAPIC_RTE_PENDING | VIOAPIC_RTE_REMOTE_IRR)

static u32 pin_bit(unsigned int pin)
{
	return 1u << pin;
}

/* SMI, NMI, INIT and ExtINT are edge triggered by nature, whatever the entry says. */
static bool rte_is_level(u64 rte)
{
	u64 mode = (rte >> 8) & 7;

	return (rte & VIOAPIC_RTE_LEVEL) && (mode == VAPIC_DM_FIXED || mode == VAPIC_DM_LOWEST);
}

/** vioapic_reset() - power-up state: all entries masked, all lines low */
void vioapic_reset(struct vioapic *io)
{
	unsigned int pin;

	io->ioregsel = 0;
	io->id = 0;
	io->lines = 0;
	for (pin = 0; pin < VIOAPIC_NR_PINS; pin++)
		io->rte[pin] = VIOAPIC_RTE_MASKED;
}

/* Send the message of an unmasked entry; the caller has checked that it is due. */
static enum irq_result send(struct vioapic *io, unsigned int pin)
{
	u64 rte = io->rte[pin];
	struct apic_msg msg = {
		.dest = apic_dest8((u8)(rte >> 56)),
		.vector = (u8)rte,
		.mode = (rte >> 8) & 7,
		.logical = rte & VIOAPIC_RTE_LOGICAL,
		.level = rte_is_level(rte),
		.assert = true,
	};
	enum irq_result taken;

	if (msg.mode == VAPIC_DM_RESERVED || msg.mode == VAPIC_DM_STARTUP)
		return IRQ_MASKED;
	taken = io->ops->send(io, &msg);
	/* Without a taker there will be no EOI: the line is tried again later. */
	if (msg.level && taken >= IRQ_COALESCED)
		io->rte[pin] |= VIOAPIC_RTE_REMOTE_IRR;
	return taken;
}

static bool level_is_due(const struct vioapic *io, unsigned int pin)
{
	u64 rte = io->rte[pin];

	return (io->lines & pin_bit(pin)) && rte_is_level(rte) &&
	       !(rte & (VIOAPIC_RTE_MASKED | VIOAPIC_RTE_REMOTE_IRR));
}

enum irq_result vioapic_set_line(struct vioapic *io, unsigned int pin, bool level)
{
	bool was_asserted;
	u64 rte;

	if (pin >= VIOAPIC_NR_PINS)
		return IRQ_MASKED;
	was_asserted = io->lines & pin_bit(pin);
	rte = io->rte[pin];
	if (!level) {
		io->lines &= ~pin_bit(pin);
		return IRQ_COALESCED;
	}
	io->lines |= pin_bit(pin);
	if (rte & VIOAPIC_RTE_MASKED)
		return rte_is_level(rte) && !was_asserted ? IRQ_LATCHED : IRQ_MASKED;
	if (rte_is_level(rte))
		return level_is_due(io, pin) ? send(io, pin) : IRQ_COALESCED;
	return was_asserted ? IRQ_COALESCED : send(io, pin);
}

static u32 end_level_pins(struct vioapic *io, u8 vector)
{
	u32 pins = 0;
	unsigned int pin;

	for (pin = 0; pin < VIOAPIC_NR_PINS; pin++) {
		if ((u8)io->rte[pin] != vector || !(io->rte[pin] & VIOAPIC_RTE_LEVEL))
			continue;
		io->rte[pin] &= ~VIOAPIC_RTE_REMOTE_IRR;
		pins |= pin_bit(pin);
	}
	return pins;
}

u32 vioapic_eoi(struct vioapic *io, u8 vector, bool level)
{
	u32 pins = level ? end_level_pins(io, vector) : 0;
	unsigned int pin;

	for (pin = 0; pin < VIOAPIC_NR_PINS; pin++)
		if (vioapic_pin_vector(io, pin) == vector && !(io->rte[pin] & VIOAPIC_RTE_LEVEL))
			pins |= pin_bit(pin);
	return pins;
}

void vioapic_resend(struct vioapic *io, u32 pins)
{
	unsigned int pin;

	for (pin = 0; pin < VIOAPIC_NR_PINS; pin++)
		if ((pins & pin_bit(pin)) && level_is_due(io, pin))
			send(io, pin);
}

int vioapic_pin_vector(const struct vioapic *io, unsigned int pin)
{
	u64 rte = pin < VIOAPIC_NR_PINS ? io->rte[pin] : VIOAPIC_RTE_MASKED;
	u64 mode = (rte >> 8) & 7;

	if ((rte & VIOAPIC_RTE_MASKED) || (mode != VAPIC_DM_FIXED && mode != VAPIC_DM_LOWEST))
		return -1;
	return (u8)rte;
}

/* ---- registers -------------------------------------------------------- */

static bool has_eoi_register(const struct vioapic *io)
{
	return io->version >= VIOAPIC_VERSION_EOI;
}

static u32 indirect_read(const struct vioapic *io)
{
	unsigned int index = io->ioregsel - REG_RTE0;

	switch (io->ioregsel) {
	case REG_ID:
	case REG_ARBITRATION:
		return io->id;
	case REG_VERSION:
		return (VIOAPIC_NR_PINS - 1) << 16 | io->version;
	default:
		/* Registers that do not exist read as ones. */
		if (io->ioregsel < REG_RTE0 || index >= 2 * VIOAPIC_NR_PINS)
			return 0xffffffff;
		return (u32)(io->rte[index / 2] >> (index % 2 * 32));
	}
}

static void rte_write(struct vioapic *io, unsigned int pin, bool high, u32 value)
{
	unsigned int shift = high ? 32 : 0;
	u64 half = 0xffffffffULL << shift;
	u64 change = half & RTE_WRITABLE;
	u64 *rte = &io->rte[pin];

	*rte = (*rte & ~change) | (((u64)value << shift) & change);
	/*
	 * Guests clear a stuck remote IRR of the older chip by switching to edge and
	 * back, masked.
	 */
	if (!(*rte & VIOAPIC_RTE_LEVEL))
		*rte &= ~VIOAPIC_RTE_REMOTE_IRR;
	if (level_is_due(io, pin))
		send(io, pin);
}

static void indirect_write(struct vioapic *io, u32 value)
{
	unsigned int index = io->ioregsel - REG_RTE0;

	if (io->ioregsel == REG_ID)
		io->id = value & ID_MASK;
	else if (io->ioregsel >= REG_RTE0 && index < 2 * VIOAPIC_NR_PINS)
		rte_write(io, index / 2, index % 2, value);
}

/**
 * vioapic_read() - memory-mapped read
 * @io: the IOAPIC
 * @offset: byte offset, any value
 * @size: bytes: 1, 2, 4 or 8
 *
 * Accesses are decoded by bits 7:4 of the offset; the bytes behind the 32-bit register
 * read as zero.
 */
u64 vioapic_read(struct vioapic *io, u64 offset, unsigned int size)
{
	unsigned int shift = (unsigned int)(offset & 0xf) * 8;
	u64 value;

	switch (offset & ~0xfULL) {
	case VIOAPIC_IOREGSEL:
		value = io->ioregsel;
		break;
	case VIOAPIC_IOWIN:
		value = indirect_read(io);
		break;
	default:
		return 0;
	}
	value = shift < 32 ? value >> shift : 0;
	return size < 4 ? value & ((1u << size * 8) - 1) : value;
}

u32 vioapic_write(struct vioapic *io, u64 offset, unsigned int size, u64 value)
{
	/* The select register has eight bits; the others want a whole dword. */
	if (offset == VIOAPIC_IOREGSEL)
		io->ioregsel = (u8)value;
	else if (size < 4)
		return 0;
	else if (offset == VIOAPIC_IOWIN)
		indirect_write(io, (u32)value);
	else if (offset == VIOAPIC_EOIR && has_eoi_register(io))
		return end_level_pins(io, (u8)value);
	return 0;
}

/* ---- state transfer --------------------------------------------------- */

/** vioapic_get_state() - registers and lines */
void vioapic_get_state(const struct vioapic *io, struct myhv_ioapic_state *state)
{
	*state = (struct myhv_ioapic_state){
		.base_address = VIOAPIC_DEFAULT_BASE,
		.ioregsel = io->ioregsel,
		.id = io->id,
		.irr = io->lines,
	};
	memcpy(state->redirtbl, io->rte, sizeof(io->rte));
}

int vioapic_set_state(struct vioapic *io, const struct myhv_ioapic_state *state)
{
	unsigned int pin;

	if (state->base_address != VIOAPIC_DEFAULT_BASE || state->ioregsel > 0xff ||
	    (state->id & ~ID_MASK) || (state->irr >> VIOAPIC_NR_PINS) || state->pad)
		return -EINVAL;
	for (pin = 0; pin < VIOAPIC_NR_PINS; pin++)
		if (state->redirtbl[pin] & ~(RTE_WRITABLE | RTE_READ_ONLY))
			return -EINVAL;

	io->ioregsel = state->ioregsel;
	io->id = state->id;
	io->lines = state->irr;
	memcpy(io->rte, state->redirtbl, sizeof(io->rte));
	/* What is due was either in flight before or is sent now: never lost. */
	vioapic_resend(io, pin_bit(VIOAPIC_NR_PINS) - 1);
	return 0;
}
