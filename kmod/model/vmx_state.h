/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest state as the VMCS wants it: segment attributes, and the checks that a VM entry makes,
 * to say in words what was wrong with a state that the CPU has refused.
 */
#ifndef MYHV_VMX_STATE_H
#define MYHV_VMX_STATE_H

#include "x86_defs.h"

/* Access rights of a segment in the VMCS; bits 7:0 are the descriptor's. */
#define VMX_AR_TYPE 0xfu
#define VMX_AR_S BIT(4)
#define VMX_AR_DPL_SHIFT 5
#define VMX_AR_P BIT(7)
#define VMX_AR_L BIT(13)
#define VMX_AR_DB BIT(14)
#define VMX_AR_G BIT(15)
#define VMX_AR_UNUSABLE BIT(16)

/**
 * struct vmx_segment - a segment in the form of the VMCS
 */
struct vmx_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/**
 * vmx_segment_ar() - access rights for the VMCS
 * @nr: X86_SEG_*
 * @attrib: attributes as the API has them (APM's packed form)
 * @limit: in bytes
 *
 * What a load of the register would have set is set: the accessed bit of code and data, busy
 * in TR. G follows the limit where only one value is possible.
 */
u32 vmx_segment_ar(unsigned int nr, u16 attrib, u32 limit);

/** vmx_segment_attrib() - and back */
u16 vmx_segment_attrib(u32 ar);

/* Interruptibility state */
#define VMX_BLOCK_STI BIT(0)
#define VMX_BLOCK_MOV_SS BIT(1)
#define VMX_BLOCK_SMI BIT(2)
#define VMX_BLOCK_NMI BIT(3)

/* Event to inject, and reports of events */
#define VMX_EVENT_VECTOR 0xffu
#define VMX_EVENT_TYPE (7u << 8)
#define VMX_EVENT_INTR (0u << 8)
#define VMX_EVENT_NMI (2u << 8)
#define VMX_EVENT_EXCEPTION (3u << 8)
#define VMX_EVENT_SOFT_INTR (4u << 8)
#define VMX_EVENT_PRIV_EXCEPTION (5u << 8)
#define VMX_EVENT_SOFT_EXCEPTION (6u << 8)
#define VMX_EVENT_HAS_ERROR BIT(11)
#define VMX_EVENT_NMI_UNBLOCKED BIT(12)
#define VMX_EVENT_VALID BIT(31)

/**
 * vmx_exception_has_error() - does the CPU push an error code with @vector in protected mode?
 *
 * An entry is refused that injects a hardware exception otherwise (SDM "VM-Entry Control Fields").
 */
static inline bool vmx_exception_has_error(u8 vector)
{
	return vector == X86_TRAP_DF || (vector >= X86_TRAP_TS && vector <= X86_TRAP_PF) ||
	       vector == X86_TRAP_AC || vector == X86_TRAP_CP;
}

/**
 * struct vmx_guest_state - what the checks look at
 * @cr4_fixed0: bits that CR4 must have; @cr4_fixed1: bits that it may have
 * @long_mode: the entry control "IA-32e mode guest"
 * @phys_bits: width of physical addresses
 * @linear_bits: 48 or 57
 * @event: the event to inject
 */
struct vmx_guest_state {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 efer;
	u64 rip;
	u64 rflags;
	u64 gdtr_base;
	u64 idtr_base;
	u32 gdtr_limit;
	u32 idtr_limit;
	u32 interruptibility;
	u32 event;
	u64 pending_debug;
	struct vmx_segment seg[X86_NR_SEGS];
	bool long_mode;
	u8 phys_bits;
	u8 linear_bits;
};

/**
 * vmx_guest_state_fault() - the first check that fails, in words; NULL: none that we know
 *
 * SDM "Checks on the Guest State Area", for an unrestricted guest.
 */
const char *vmx_guest_state_fault(const struct vmx_guest_state *g);

#endif /* MYHV_VMX_STATE_H */
