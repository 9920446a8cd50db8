/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt message that LAPICs, the IOAPIC and MSI devices exchange: what
 * travels on the APIC bus. Built by the sender, matched and accepted by vlapic.
 */
#ifndef MYHV_APIC_MSG_H
#define MYHV_APIC_MSG_H

#include "model.h"

/* Delivery modes, as the ICR, the redirection table and MSI data encode them. */
enum vapic_dm {
	VAPIC_DM_FIXED = 0,
	VAPIC_DM_LOWEST = 1,
	VAPIC_DM_SMI = 2,
	VAPIC_DM_RESERVED = 3,
	VAPIC_DM_NMI = 4,
	VAPIC_DM_INIT = 5,
	VAPIC_DM_STARTUP = 6,
	VAPIC_DM_EXTINT = 7, /* ExtINT: the vector comes from the 8259A */
};

/* Destination shorthands of the ICR; every other source uses VAPIC_SH_NONE. */
enum apic_shorthand {
	VAPIC_SH_NONE = 0,
	VAPIC_SH_SELF = 1,
	VAPIC_SH_ALL = 2,
	VAPIC_SH_OTHERS = 3,
};

/* apic_msg::dest that every LAPIC matches; senders of 8-bit IDs map 0xff to it. */
#define VAPIC_DEST_BROADCAST 0xffffffffu

/**
 * struct apic_msg - one interrupt message
 * @dest: APIC ID (physical) or message destination address (logical)
 * @vector: interrupt vector, or the start-up page number of a SIPI
 * @mode: enum vapic_dm
 * @shorthand: enum apic_shorthand; other than NONE overrides @dest
 * @logical: @dest is a logical address
 * @level: level triggered (sets the TMR bit at the target)
 * @assert: 0 only for the INIT level de-assert message, which nobody acts upon
 * @redirect: MSI redirection hint: one CPU of @dest, the one with the lowest priority
 * @watched: its sender wants to know of its end, although it is edge triggered
 */
struct apic_msg {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
	bool assert;
	bool redirect;
	bool watched;
};

/** apic_dest8() - widen an 8-bit destination; 0xff stands for every LAPIC */
static inline u32 apic_dest8(u8 dest)
{
	return dest == 0xff ? VAPIC_DEST_BROADCAST : dest;
}

/** apic_msg_one_target() - must exactly one of the matching LAPICs take @msg? */
static inline bool apic_msg_one_target(const struct apic_msg *msg)
{
	return msg->mode == VAPIC_DM_LOWEST || msg->redirect;
}

#define VAPIC_MSI_BASE 0xfee00000u

/**
 * apic_msg_from_msi() - decode a message-signalled interrupt
 * @msg: result
 * @address: bits 31:20 must be 0xfee; bits 63:40 extend the APIC ID to 32 bits
 * @data: vector, delivery mode and trigger mode
 *
 * SDM "Message Signalled Interrupts". A level triggered message is an assertion whatever its level
 * bit says, as with KVM: IOAPICs in user space, QEMU's for one, send it without. Returns false for
 * an address that is no MSI address, or a reserved delivery mode.
 */
static inline bool apic_msg_from_msi(struct apic_msg *msg, u64 address, u32 data)
{
	u32 high = (u32)(address >> 32);
	u32 low = (u32)address;

	if ((low & 0xfff00000u) != VAPIC_MSI_BASE || (high & 0xff))
		return false;
	*msg = (struct apic_msg){
		.dest = high ? (high | ((low >> 12) & 0xff)) : apic_dest8((low >> 12) & 0xff),
		.vector = data & 0xff,
		.mode = (data >> 8) & 7,
		.logical = low & 4,
		.redirect = low & 8,
		.level = data & 0x8000,
		.assert = true,
	};
	return msg->mode != VAPIC_DM_RESERVED && msg->mode != VAPIC_DM_STARTUP;
}

#endif /* MYHV_APIC_MSG_H */
