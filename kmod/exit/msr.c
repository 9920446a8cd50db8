// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR, WRMSR and the MSR calls of user space. Which MSRs there are and what they take
 * is model/msr_policy.c's table; here every kind finds its place. vCPU thread, or
 * vcpu->mutex held.
 */
#include <linux/cpufeature.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <asm/tsc.h>
#include "compat/compat.h"
#include "chip/chip.h"
#include "cpuid_policy.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "introspect/trace.h"
#include "msr_policy.h"

u64 msr_ucode_rev(void)
{
	return (u64)boot_cpu_data.microcode
	       << (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ? 32 : 0);
}

u64 msr_arch_capabilities(void)
{
	u64 value = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrq_safe(MSR_IA32_ARCH_CAPABILITIES, &value);
	return value;
}

void msr_reset(struct myhv_vcpu *vcpu, bool init)
{
	if (!init) {
		vcpu->msrs.ucode_rev = msr_ucode_rev();
		vcpu->msrs.arch_capabilities = msr_arch_capabilities();
	}
	msr_policy_reset(&vcpu->msrs, init);
	if (!init) {
		vcpu->msrs.hv_vp_index = vcpu->id;
		synic_reset(vcpu);
	}
}

/* Guests use few MSRs again and again. */
static const struct msr_rule *rule_of(struct myhv_vcpu *vcpu, u32 index)
{
	const struct msr_rule **hint = &vcpu->msr_hints[hash_32(index, ilog2(MSR_HINTS))];

	if (unlikely(!*hint || index < (*hint)->first || index > (*hint)->last))
		*hint = msr_rule_find(index);
	return *hint;
}

static bool is_in_cpuid(struct myhv_vcpu *vcpu, const struct msr_rule *rule)
{
	const struct guest_cpuid *cpuid = vcpu->cpuid;

	switch (rule->need) {
	case MSR_NEEDS_SPEC_CTRL:
		return cpuid->spec_ctrl;
	case MSR_NEEDS_PRED_CMD:
		return cpuid->pred_cmd;
	case MSR_NEEDS_RDTSCP:
		return cpuid->rdtscp;
	case MSR_NEEDS_X2APIC:
		return cpuid->x2apic;
	case MSR_NEEDS_TSC_DEADLINE:
		return cpuid->tsc_deadline;
	case MSR_NEEDS_ARCH_CAPS:
		return cpuid->arch_caps;
	case MSR_NEEDS_HYPERV:
		return cpuid->hyperv;
	default:
		return true;
	}
}

static __always_inline bool is_offered(struct myhv_vcpu *vcpu, const struct msr_rule *rule)
{
	return rule->need == MSR_ALWAYS || is_in_cpuid(vcpu, rule);
}

static bool check_value(struct myhv_vcpu *vcpu, const struct msr_rule *rule, u32 index, u64 value,
			bool host)
{
	struct msr_guest guest = {
		.maxphyaddr = vcpu->cpuid->maxphyaddr,
		/* LA57 as CPUID has it: MSRs take such addresses whatever CR4 says (SDM) */
		.linear_bits = vcpu->cpuid->linear_bits > 48 ? 57 : 48,
		.mce_status_writable = host || (vcpu->msrs.hwcr & BIT(18)),
		.mce_banks = vcpu->msrs.mcg_cap & MCG_CAP_COUNT,
	};

	return msr_value_ok(rule, index, value, &guest);
}

/* What guests write often (the x2APIC, the deadline timer) takes every value here. */
static bool is_value_ok(struct myhv_vcpu *vcpu, const struct msr_rule *rule, u32 index, u64 value,
			bool host)
{
	return rule->check == MSR_ANY || check_value(vcpu, rule, index, value, host);
}

/* Does the VM offer it, or may user space prepare it, and has CPUID a say? */
static bool is_pv_msr_allowed(struct myhv_vcpu *vcpu, u32 index, bool host)
{
	u64 offered = host ? ~0ULL : vcpu->vm->pv_features;

	switch (index) {
	case MSR_PV_WALL_CLOCK_OLD:
	case MSR_PV_SYSTEM_TIME_OLD:
		return (offered & MYHV_PV_CLOCK) && pv_allowed(vcpu, CPUID_PV_CLOCK);
	case MSR_PV_EOI:
		return (offered & MYHV_PV_EOI) && pv_allowed(vcpu, CPUID_PV_EOI);
	default:
		return (offered & MYHV_PV_CLOCK) && pv_allowed(vcpu, CPUID_PV_CLOCK2);
	}
}

/* ---- MSRs whose accesses have effects ---- */

static int special_read(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	switch (index) {
	case MSR_IA32_TSC:
		*value = guest_tsc_now(vcpu);
		break;
	case MSR_IA32_TSC_ADJUST:
		*value = vcpu->msrs.tsc_adjust;
		break;
	case MSR_IA32_APICBASE:
		*value = vcpu->lapic ? lapic_base_get(vcpu) :
				       vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.apic_base;
		break;
	case MSR_IA32_SPEC_CTRL:
		*value = vcpu->msrs.spec_ctrl;
		break;
	case MSR_IA32_UCODE_REV:
		*value = vcpu->msrs.ucode_rev;
		break;
	case MSR_EFER:
		*value = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.efer;
		break;
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		*value = vcpu_regs(vcpu, MYHV_STATE_SEGMENTS)
				 ->segments.seg[index == MSR_FS_BASE ? MYHV_SEG_FS : MYHV_SEG_GS]
				 .base;
		break;
	case MSR_TSC_AUX:
		*value = vcpu->msrs.tsc_aux;
		break;
	case MSR_PV_WALL_CLOCK:
	case MSR_PV_WALL_CLOCK_OLD:
		*value = vcpu->msrs.pv_wall_clock;
		return is_pv_msr_allowed(vcpu, index, true) ? 0 : -EINVAL;
	case MSR_PV_SYSTEM_TIME:
	case MSR_PV_SYSTEM_TIME_OLD:
		*value = vcpu->msrs.pv_clock;
		return is_pv_msr_allowed(vcpu, index, true) ? 0 : -EINVAL;
	case MSR_PV_EOI:
		*value = vcpu->msrs.pv_eoi;
		return is_pv_msr_allowed(vcpu, index, true) ? 0 : -EINVAL;
	default:
		*value = 0;
		break; /* MSR_IA32_PRED_CMD, for user space */
	}
	return 0;
}

static int tsc_adjust_write(struct myhv_vcpu *vcpu, bool host, u64 value)
{
	if (!host)
		guest_tsc_shift(vcpu, value - vcpu->msrs.tsc_adjust);
	vcpu->msrs.tsc_adjust = value;
	return 0;
}

/* SDM "Time-Stamp Counter Adjustment": a write to the TSC moves TSC_ADJUST along. */
static int tsc_write(struct myhv_vcpu *vcpu, bool host, u64 value)
{
	if (!host)
		vcpu->msrs.tsc_adjust += value - guest_tsc_now(vcpu);
	guest_tsc_write(vcpu, value);
	return 0;
}

static int apic_base_write(struct myhv_vcpu *vcpu, bool host, u64 value)
{
	if (vcpu->lapic)
		return lapic_base_set(vcpu, value, host);
	vcpu_regs_dirty(vcpu, MYHV_STATE_CONTROL)->control.apic_base = value;
	return 0;
}

static int special_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value)
{
	switch (index) {
	case MSR_IA32_TSC:
		return tsc_write(vcpu, host, value);
	case MSR_IA32_TSC_ADJUST:
		return tsc_adjust_write(vcpu, host, value);
	case MSR_IA32_APICBASE:
		return apic_base_write(vcpu, host, value);
	case MSR_IA32_SPEC_CTRL:
		/* a bit that CPUID has not may be one that the CPU has not */
		if (value & ~vcpu->cpuid->spec_ctrl_valid)
			return -EINVAL;
		vcpu->msrs.spec_ctrl = value;
		return 0;
	case MSR_IA32_PRED_CMD:
		if (value && boot_cpu_has(X86_FEATURE_IBPB))
			wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
		return 0;
	case MSR_IA32_UCODE_REV:
		/* guests write 0 before they read it (SDM "Microcode Update Signature") */
		if (host)
			vcpu->msrs.ucode_rev = value;
		return 0;
	case MSR_EFER:
		return efer_write(vcpu, value, host);
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		vcpu_regs_dirty(vcpu, MYHV_STATE_SEGMENTS)
			->segments.seg[index == MSR_FS_BASE ? MYHV_SEG_FS : MYHV_SEG_GS]
			.base = value;
		return 0;
	case MSR_TSC_AUX:
		vcpu->msrs.tsc_aux = value;
		return 0;
	case MSR_PV_WALL_CLOCK:
	case MSR_PV_WALL_CLOCK_OLD:
	case MSR_PV_SYSTEM_TIME:
	case MSR_PV_SYSTEM_TIME_OLD:
		if (!is_pv_msr_allowed(vcpu, index, host))
			return -EINVAL;
		return pvclock_msr_write(vcpu, index, value);
	case MSR_PV_EOI:
		if (!is_pv_msr_allowed(vcpu, index, host))
			return -EINVAL;
		return pv_eoi_msr_write(vcpu, value);
	default:
		return -ENOENT;
	}
}

/* ---- by kind ---- */

int msr_read(struct myhv_vcpu *vcpu, u32 index, bool host, u64 *value)
{
	const struct msr_rule *rule = rule_of(vcpu, index);

	if (!rule)
		return -ENOENT;
	if (!host && ((rule->flags & MSR_WRITE_ONLY) || !is_offered(vcpu, rule)))
		return -EINVAL;
	if (index == MSR_PLATFORM_INFO && !host && (vcpu->vm->hidden & MYHV_HIDE_PLATFORM_INFO))
		return -EINVAL;
	switch (rule->kind) {
	case MSR_STORED:
		*value = *msr_stored(&vcpu->msrs, rule, index);
		return 0;
	case MSR_BACKEND:
		return backend->msr_get(vcpu, index, value);
	case MSR_CONST:
	case MSR_IGNORED:
		*value = rule->valid;
		return 0;
	case MSR_LAPIC:
		return vcpu->lapic ? lapic_msr_read(vcpu, index, value) : -ENOENT;
	case MSR_HYPERV:
		return hyperv_msr_read(vcpu, index, value);
	default:
		return special_read(vcpu, index, value);
	}
}

int msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value)
{
	const struct msr_rule *rule = rule_of(vcpu, index);

	if (!rule)
		return -ENOENT;
	if (!host && ((rule->flags & MSR_READ_ONLY) || !is_offered(vcpu, rule)))
		return -EINVAL;
	if (!is_value_ok(vcpu, rule, index, value, host))
		return -EINVAL;
	switch (rule->kind) {
	case MSR_STORED:
		*msr_stored(&vcpu->msrs, rule, index) = value;
		return 0;
	case MSR_BACKEND:
		return backend->msr_set(vcpu, index, value);
	case MSR_CONST:
		return host && value == rule->valid ? 0 : -EINVAL;
	case MSR_IGNORED:
		return 0;
	case MSR_LAPIC:
		return vcpu->lapic ? lapic_msr_write(vcpu, index, value) : -ENOENT;
	case MSR_HYPERV:
		return hyperv_msr_write(vcpu, index, host, value);
	default:
		return special_write(vcpu, index, host, value);
	}
}

int msr_check(struct myhv_vcpu *vcpu, u32 index, u64 value)
{
	const struct msr_rule *rule = msr_rule_find(index);

	if (!rule)
		return -ENOENT;
	return is_value_ok(vcpu, rule, index, value, true) ? 0 : -EINVAL;
}

unsigned int msr_indices(u32 *indices, unsigned int max)
{
	return msr_save_list(indices, max);
}

/* ---- the instructions ---- */

static void put_edx_eax(struct myhv_vcpu *vcpu, u64 value)
{
	*vcpu_gpr(vcpu, MYHV_RAX) = (u32)value;
	*vcpu_gpr(vcpu, MYHV_RDX) = value >> 32;
}

/* User space has answered an MSR exit. */
static enum exit_action complete_msr(struct myhv_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->exit->msr.error)) {
		inject_gp(vcpu);
		return RESUME_GUEST;
	}
	if (vcpu->pending.is_read)
		put_edx_eax(vcpu, READ_ONCE(vcpu->exit->msr.value));
	insn_finish(vcpu, vcpu->pending.length);
	return RESUME_GUEST;
}

static enum exit_action msr_to_user(struct myhv_vcpu *vcpu, u32 cause, bool is_read, u32 index,
				    u64 value, u8 length)
{
	vcpu->exit->reason = is_read ? MYHV_EXIT_MSR_READ : MYHV_EXIT_MSR_WRITE;
	vcpu->exit->msr.index = index;
	vcpu->exit->msr.error = 0;
	vcpu->exit->msr.value = value;
	vcpu->exit->msr.cause = cause;
	vcpu->exit->msr.pad = 0;
	vcpu->pending.is_read = is_read;
	vcpu->pending.length = length;
	vcpu->complete = complete_msr;
	return EXIT_TO_USER;
}

/* The access failed with @err, not 0. */
static enum exit_action msr_failed(struct myhv_vcpu *vcpu, int err, bool is_read, u32 index,
				   u64 value, u8 length)
{
	u32 cause = err == -ENOENT ? MYHV_MSR_UNKNOWN :
		    err == -EACCES ? MYHV_MSR_FILTERED : MYHV_MSR_INVALID;
	static const u64 to_user[] = {
		[MYHV_MSR_UNKNOWN] = MYHV_VM_EXIT_MSR,
		[MYHV_MSR_INVALID] = MYHV_VM_EXIT_MSR_INVALID,
		[MYHV_MSR_FILTERED] = MYHV_VM_EXIT_MSR_FILTERED,
	};

	if (err == -EAGAIN)
		return EXIT_NEEDS_SLEEP;
	if (vcpu->vm->exits_to_user & to_user[cause])
		return msr_to_user(vcpu, cause, is_read, index, value, length);
	if (err == -ENOENT)
		pr_debug_ratelimited("vm %u: unknown %s 0x%x\n", vcpu->vm->id,
				     is_read ? "rdmsr" : "wrmsr", index);
	inject_gp(vcpu);
	return RESUME_GUEST;
}

enum exit_action exit_rdmsr(struct myhv_vcpu *vcpu)
{
	u32 index = vcpu_gpr32(vcpu, MYHV_RCX);
	u64 value = 0;
	enum exit_action action;
	u8 length;
	int err;

	if (!insn_length(vcpu, &length, &action))
		return action;
	err = -EACCES;
	if (likely(!vcpu->msr_filtered) || msr_filter_allows(vcpu->vm, index, false))
		err = msr_read(vcpu, index, false, &value);
	trace_myhv_msr(vcpu->vm->id, vcpu->id, false, index, value, err);
	if (unlikely(err))
		return msr_failed(vcpu, err, true, index, 0, length);
	put_edx_eax(vcpu, value);
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}

enum exit_action exit_wrmsr(struct myhv_vcpu *vcpu)
{
	u32 index = vcpu_gpr32(vcpu, MYHV_RCX);
	u64 value = vcpu_edx_eax(vcpu);
	enum exit_action action;
	u8 length;
	int err;

	if (!insn_length(vcpu, &length, &action))
		return action;
	err = -EACCES;
	if (likely(!vcpu->msr_filtered) || msr_filter_allows(vcpu->vm, index, true))
		err = msr_write(vcpu, index, false, value);
	trace_myhv_msr(vcpu->vm->id, vcpu->id, true, index, value, err);
	if (unlikely(err))
		return msr_failed(vcpu, err, false, index, value, length);
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}
