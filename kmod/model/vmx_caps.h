/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VMX CPU can do, worked out from its capability MSRs (SDM appendix "VMX Capability
 * Reporting Facility"): control words, the EPT pointer and the format of EPT entries.
 */
#ifndef MYHV_VMX_CAPS_H
#define MYHV_VMX_CAPS_H

#include "slat.h"

/**
 * struct vmx_ctl - a word of VM-execution, VM-exit or VM-entry controls
 * @value: the bits to use: all of required, what there is of optional, what must be set
 * @missing: bits of required that the CPU does not allow; 0: usable
 * @settable: bits that may be set later
 * @clearable: bits that may be cleared later
 */
struct vmx_ctl {
	u32 value;
	u32 missing;
	u32 settable;
	u32 clearable;
};

/**
 * vmx_ctl_adjust() - choose a control word
 * @cap: capability MSR: bits that must be 1 in the low half, bits that may be 1 in the high one
 * @required: bits that we cannot do without
 * @optional: bits that are used when there
 */
struct vmx_ctl vmx_ctl_adjust(u64 cap, u32 required, u32 optional);

/* IA32_VMX_EPT_VPID_CAP */
#define VMX_CAP_EPT_4_LEVELS BIT_ULL(6)
#define VMX_CAP_EPT_5_LEVELS BIT_ULL(7)
#define VMX_CAP_EPT_WB BIT_ULL(14)
#define VMX_CAP_EPT_2M BIT_ULL(16)
#define VMX_CAP_EPT_1G BIT_ULL(17)
#define VMX_CAP_INVEPT BIT_ULL(20)
#define VMX_CAP_EPT_AD BIT_ULL(21)
#define VMX_CAP_INVEPT_SINGLE BIT_ULL(25)
#define VMX_CAP_INVEPT_ALL BIT_ULL(26)
#define VMX_CAP_INVVPID BIT_ULL(32)
#define VMX_CAP_INVVPID_SINGLE BIT_ULL(41)
#define VMX_CAP_INVVPID_ALL BIT_ULL(42)

/* An EPT entry; SDM "EPT Translation Mechanism". */
#define EPT_READ BIT_ULL(0)
#define EPT_WRITE BIT_ULL(1)
#define EPT_EXEC BIT_ULL(2)
#define EPT_TYPE_WB (6ULL << 3)
#define EPT_IGNORE_PAT BIT_ULL(6)
#define EPT_LARGE BIT_ULL(7)
#define EPT_ACCESSED BIT_ULL(8)
#define EPT_DIRTY BIT_ULL(9)

/**
 * vmx_ept_missing() - what of EPT we need and the CPU lacks, in words; NULL: nothing
 * @cap: IA32_VMX_EPT_VPID_CAP
 */
const char *vmx_ept_missing(u64 cap);

/**
 * vmx_ept_format() - format of the entries
 * @cap: IA32_VMX_EPT_VPID_CAP
 * @phys_bits: width of physical addresses; above 48, five levels are used if there
 */
struct slat_format vmx_ept_format(u64 cap, u8 phys_bits);

/** vmx_eptp() - the EPT pointer for a top table at @root */
u64 vmx_eptp(const struct slat_format *format, u64 root);

/** vmx_has_vpid_flush() - can a VPID be flushed on its own, or all of them? */
static inline bool vmx_has_vpid_flush(u64 cap)
{
	return (cap & VMX_CAP_INVVPID) && (cap & (VMX_CAP_INVVPID_SINGLE | VMX_CAP_INVVPID_ALL));
}

#endif /* MYHV_VMX_CAPS_H */
