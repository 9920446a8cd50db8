/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which MSRs a guest has, where each is kept, and which values it takes. One table; who
 * carries out an access is exit/msr.c.
 */
#ifndef MYHV_MSR_POLICY_H
#define MYHV_MSR_POLICY_H

#include "x86_defs.h"

#define MSR_MCE_BANKS 10
#define MSR_MCE_BANKS_MAX 32

/* MCG_CAP: number of banks; MCG_CTL exists; software may recover from some errors. */
#define MCG_CAP_COUNT 0xffULL
#define MCG_CAP_CTL_P BIT_ULL(8)
#define MCG_CAP_SER_P BIT_ULL(24)
/* The most that user space may set. */
#define MCG_CAP_MOST (MSR_MCE_BANKS_MAX | MCG_CAP_CTL_P | MCG_CAP_SER_P)

/* KVM's paravirtual MSRs. */
#define MSR_PV_WALL_CLOCK_OLD 0x00000011u
#define MSR_PV_SYSTEM_TIME_OLD 0x00000012u
#define MSR_PV_WALL_CLOCK 0x4b564d00u
#define MSR_PV_SYSTEM_TIME 0x4b564d01u
#define MSR_PV_EOI 0x4b564d04u

#define MISC_ENABLE_MWAIT BIT_ULL(18) /* IA32_MISC_ENABLE: CPUID has MONITOR and MWAIT */

/** struct vcpu_msrs - MSRs that neither the backend nor the LAPIC keeps */
struct vcpu_msrs {
	u64 tsc_adjust;
	u64 tsc_aux;
	u64 misc_enable;
	u64 spec_ctrl;
	u64 xss;
	u64 mcg_cap;
	u64 mcg_status;
	u64 mcg_ctl;
	u64 mce_banks[MSR_MCE_BANKS_MAX * 4]; /* CTL, STATUS, ADDR, MISC of each */
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
	u64 hwcr;
	u64 ucode_rev;
	u64 platform_info;
	u64 arch_capabilities;
	/* paravirtual clock, PV EOI: KVM-compatible */
	u64 pv_clock; /* address | 1 */
	u64 pv_wall_clock;
	u64 pv_eoi;
	/* Hyper-V */
	u64 hv_vp_index;
	u64 hv_vp_assist;
};

enum msr_kind {
	MSR_STORED,  /* in struct vcpu_msrs at @offset; nothing else happens */
	MSR_BACKEND, /* in the hardware's structures */
	MSR_CONST,   /* reads as @valid; the guest cannot write it */
	MSR_IGNORED, /* reads as @valid; writes are dropped */
	MSR_LAPIC,   /* x2APIC registers and the TSC deadline */
	MSR_HYPERV,  /* exit/hyperv.c */
	MSR_SPECIAL, /* an access has effects: exit/msr.c knows it by number */
};

enum msr_check {
	MSR_ANY,       /* every value */
	MSR_MASK,      /* only bits of @valid */
	MSR_CANONICAL, /* a canonical address */
	MSR_PAT,       /* memory types in each byte */
	MSR_MTRR_FIXED,
	MSR_MTRR_BASE,
	MSR_MTRR_DEFTYPE,
	MSR_ALL_OR_NONE, /* 0 or all ones: MCG_CTL */
	MSR_MCE_BANK,
	MSR_MCE_CAP,
};

/* Offered only if the guest's CPUID says so. */
enum msr_need {
	MSR_ALWAYS,
	MSR_NEEDS_SPEC_CTRL,
	MSR_NEEDS_PRED_CMD,
	MSR_NEEDS_RDTSCP,
	MSR_NEEDS_X2APIC,
	MSR_NEEDS_TSC_DEADLINE,
	MSR_NEEDS_ARCH_CAPS,
	MSR_NEEDS_HYPERV,
};

#define MSR_READ_ONLY BIT(0)  /* guest writes raise #GP; user space may restore it */
#define MSR_WRITE_ONLY BIT(1) /* guest reads raise #GP */
#define MSR_SAVE BIT(2)	      /* in MYHV_MSR_INDICES */

/**
 * struct msr_rule - one MSR or a run of them
 * @first: @last: numbers
 * @kind: enum msr_kind
 * @check: enum msr_check for writes
 * @need: enum msr_need
 * @flags: MSR_READ_ONLY ...
 * @offset: in struct vcpu_msrs, of @first
 * @valid: bits for MSR_MASK, value of MSR_CONST and MSR_IGNORED
 */
struct msr_rule {
	u32 first;
	u32 last;
	u8 kind;
	u8 check;
	u8 need;
	u8 flags;
	u16 offset;
	u64 valid;
};

/** msr_rule_find() - the rule for @index, or NULL: unknown */
const struct msr_rule *msr_rule_find(u32 index);

/**
 * struct msr_guest - what validity depends on
 * @maxphyaddr: width of guest-physical addresses
 * @linear_bits: 48 or 57, as CR4.LA57 says
 * @mce_status_writable: HWCR.McStatusWrEn
 * @mce_banks: number of banks in MCG_CAP
 */
struct msr_guest {
	u8 maxphyaddr;
	u8 linear_bits;
	bool mce_status_writable;
	u8 mce_banks;
};

/** msr_value_ok() - may @value be written to @index (of @rule)? */
bool msr_value_ok(const struct msr_rule *rule, u32 index, u64 value, const struct msr_guest *g);

/** msr_stored() - where @index (of @rule, of kind MSR_STORED) is kept */
static inline u64 *msr_stored(struct vcpu_msrs *msrs, const struct msr_rule *rule, u32 index)
{
	return (u64 *)((char *)msrs + rule->offset) + (index - rule->first);
}

/** msr_save_list() - the MSRs that save and restore must move; returns how many there are */
unsigned int msr_save_list(u32 *indices, unsigned int max);

/** msr_policy_reset() - as after RESET; with @init as after INIT, which keeps most */
void msr_policy_reset(struct vcpu_msrs *msrs, bool init);

/** msr_efer_check() - a write of EFER: the value it gets in *@value, or -EINVAL for #GP */
int msr_efer_check(u64 *value, u64 old, u64 cr0, u64 efer_valid);

/** linear_is_canonical() - is @address one with @bits implemented bits? */
static inline bool linear_is_canonical(u64 address, u8 bits)
{
	return (u64)((s64)(address << (64 - bits)) >> (64 - bits)) == address;
}

#endif /* MYHV_MSR_POLICY_H */
