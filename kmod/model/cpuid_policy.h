/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What CPUID tells the guest: which of the host's features can really be given (the
 * supported table), the table of a vCPU with a fast lookup, and the bits that follow the vCPU's
 * own registers.
 */
#ifndef MYHV_CPUID_POLICY_H
#define MYHV_CPUID_POLICY_H

#include "x86_defs.h"
#include "myhv_x86.h"

#define CPUID_MAX_ENTRIES 256

enum leaf_reg { LEAF_EAX, LEAF_EBX, LEAF_ECX, LEAF_EDX, LEAF_NR_REGS };

#define CPUID_MWAIT BIT(3) /* leaf 1, ECX */

/* MSRs and leaves of KVM's paravirtual interface, which Linux and the BSDs know. */
#define CPUID_PV_SIGNATURE 0x40000000u
#define CPUID_PV_FEATURES 0x40000001u
#define CPUID_PV_STEP 0x100u /* where it may be instead, behind another hypervisor's leaves */
#define CPUID_PV_LAST 0x40000f00u
#define CPUID_HYPERV_INTERFACE 0x40000001u
#define CPUID_HYPERV_HV1 0x31237648u
#define CPUID_PV_TIMING 0x40000010u
#define CPUID_PV_CLOCK BIT(0)
#define CPUID_PV_NOP_IO_DELAY BIT(1)
#define CPUID_PV_SCHED_YIELD BIT(13)
#define CPUID_PV_CLOCK2 BIT(3)
#define CPUID_PV_EOI BIT(6)
#define CPUID_PV_UNHALT BIT(7)
#define CPUID_PV_CLOCK_STABLE BIT(24)

/**
 * struct cpuid_host - what the CPU, the host and the backend offer
 * @cpuid: the CPUID instruction of the host
 * @ctx: handed to @cpuid
 * @xcr0: XCR0 bits that a guest may set; 0: no XSAVE for guests
 * @spec_ctrl: SPEC_CTRL is switched between guest and host
 * @rdtscp: TSC_AUX is switched between guest and host
 * @tsc_stable: the TSC runs at one rate on all CPUs
 * @tsc_khz: that rate
 * @apic_bus_khz: ticks of the LAPIC timer at divider 1
 * @pv: CPUID_PV_* that are implemented
 */
struct cpuid_host {
	void (*cpuid)(void *ctx, u32 function, u32 index, u32 regs[LEAF_NR_REGS]);
	void *ctx;
	u64 xcr0;
	bool spec_ctrl;
	bool rdtscp;
	bool tsc_stable;
	u32 tsc_khz;
	u32 apic_bus_khz;
	u32 pv;
};

/**
 * cpuid_supported_table() - what a guest can be given
 * @host: see struct cpuid_host
 * @entries: room for @max entries
 * @max: see @entries
 *
 * The table describes one CPU with APIC id 0; topology is the monitor's to edit.
 * Return: how many entries there are, also when that is more than @max.
 */
u32 cpuid_supported_table(const struct cpuid_host *host, struct myhv_cpuid_entry *entries, u32 max);

/* cpuid_row::runtime: bits that depend on the vCPU's registers. */
enum cpuid_runtime_kind {
	CPUID_STATIC,
	CPUID_RT_FEATURES,   /* leaf 1: APIC, OSXSAVE */
	CPUID_RT_EXT,	     /* 0x80000001: APIC */
	CPUID_RT_STRUCTURED, /* leaf 7: OSPKE */
	CPUID_RT_XSAVE,	     /* leaf 0xd, 0: size for XCR0 */
	CPUID_RT_XSAVES,     /* leaf 0xd, 1: size for XCR0 | XSS */
	CPUID_RT_PV,	     /* 0x40000001: what the VM offers */
};

/** struct cpuid_row - a leaf, with what a lookup needs beside it */
struct cpuid_row {
	u32 function;
	u32 index;
	u32 regs[LEAF_NR_REGS];
	bool indexed;
	u8 runtime;
};

#define CPUID_HASH_SIZE 512

/**
 * struct guest_cpuid - the CPUID of one vCPU; read only once built
 * @cr4_valid: bits that MOV to CR4 may set
 * @efer_valid: bits that WRMSR of EFER may set
 * @xcr0_valid: bits that XSETBV may set
 * @spec_ctrl_valid: bits that WRMSR of SPEC_CTRL may set
 * @maxphyaddr: width of guest-physical addresses
 * @linear_bits: 48 or 57: what the guest believes in (CR4.LA57 chooses below that)
 * @pages_1g: @x2apic, @tsc_deadline, @spec_ctrl, @pred_cmd, @rdtscp, @arch_caps, @mwait: features
 *	offered
 * @hyperv: it has Hyper-V's leaves
 * @pv_features: the leaf with the CPUID_PV_*; 0: there is none
 * @intel: leaves out of range read as the highest basic one
 * @max_basic: @max_ext: highest leaves
 * @count: rows used
 * @first: hash of function to the number of its first row + 1; 0 ends a chain
 * @rows: sorted by function, then index
 */
struct guest_cpuid {
	u64 cr4_valid;
	u64 efer_valid;
	u64 xcr0_valid;
	u64 spec_ctrl_valid;
	u8 maxphyaddr;
	u8 linear_bits;
	bool pages_1g;
	bool x2apic;
	bool tsc_deadline;
	bool spec_ctrl;
	bool pred_cmd;
	bool rdtscp;
	bool arch_caps;
	bool hyperv;
	bool mwait;
	bool intel;
	u32 pv_features;
	u32 max_basic;
	u32 max_ext;
	u32 count;
	u16 first[CPUID_HASH_SIZE];
	struct cpuid_row rows[];
};

static inline size_t cpuid_table_bytes(u32 count)
{
	return sizeof(struct guest_cpuid) + count * sizeof(struct cpuid_row);
}

/**
 * cpuid_table_build() - check a table and make it ready for lookups
 * @table: cpuid_table_bytes(@count) bytes, zeroed
 * @entries: @count of them, in any order
 * @count: at most CPUID_MAX_ENTRIES
 *
 * Return: 0 or -EINVAL: a leaf twice, unknown flags, padding not zero, an impossible address
 * width or XSAVE component.
 */
int cpuid_table_build(struct guest_cpuid *table, const struct myhv_cpuid_entry *entries, u32 count);

/** cpuid_find() - the row of a leaf as it stands in the table, or NULL */
const struct cpuid_row *cpuid_find(const struct guest_cpuid *table, u32 function, u32 index);

/**
 * struct cpuid_runtime - the vCPU's registers that CPUID shows
 * @cr4: @xcr0: @xss: registers
 * @apic_enabled: IA32_APIC_BASE.EN
 * @mwait: MONITOR and MWAIT
 * @pv: CPUID_PV_* that the VM offers
 */
struct cpuid_runtime {
	u64 cr4;
	u64 xcr0;
	u64 xss;
	bool apic_enabled;
	bool mwait;
	u32 pv;
};

/** cpuid_apply_runtime() - correct @regs, a copy of @row->regs, by the vCPU's registers */
void cpuid_apply_runtime(const struct guest_cpuid *table, const struct cpuid_row *row,
			 const struct cpuid_runtime *runtime, u32 regs[LEAF_NR_REGS]);

/**
 * cpuid_lookup() - what the CPUID instruction answers
 * @table: of the vCPU
 * @function: EAX
 * @index: ECX
 * @regs: out
 *
 * Return: the row, if @regs needs cpuid_apply_runtime() yet, else NULL.
 */
const struct cpuid_row *cpuid_lookup(const struct guest_cpuid *table, u32 function, u32 index,
				     u32 regs[LEAF_NR_REGS]);

#endif /* MYHV_CPUID_POLICY_H */
