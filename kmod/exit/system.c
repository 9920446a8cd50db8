// SPDX-License-Identifier: GPL-2.0-only
/* Intercepted instructions with little to decide, and the triple fault. */
#include <asm/tsc.h>
#include "exit/exit.h"

/* Nothing to do but go on behind it. */
static enum exit_action skip(struct myhv_vcpu *vcpu)
{
	enum exit_action action;
	u8 length;

	if (!insn_length(vcpu, &length, &action))
		return action;
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}

static enum exit_action refuse(struct myhv_vcpu *vcpu, u8 vector)
{
	if (vector == X86_TRAP_GP)
		inject_gp(vcpu);
	else
		inject_ud(vcpu);
	return RESUME_GUEST;
}

/* The CPU has seen a loop around PAUSE: perhaps another vCPU could end it. */
enum exit_action exit_pause(struct myhv_vcpu *vcpu)
{
	if (vcpu_may_yield(vcpu))
		vcpu_request(vcpu, VCPU_REQ_YIELD);
	return skip(vcpu);
}

/* Guest memory is write-back and coherent: nothing to write back, and nothing may be lost. */
enum exit_action exit_wbinvd(struct myhv_vcpu *vcpu)
{
	return skip(vcpu);
}

enum exit_action exit_rdtsc(struct myhv_vcpu *vcpu, bool is_rdtscp)
{
	u64 cr4 = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr4;
	enum exit_action action;
	u8 length;
	u64 tsc;

	if ((cr4 & X86_CR4_TSD) && vcpu_cpl(vcpu) != 0)
		return refuse(vcpu, X86_TRAP_GP);
	if (!insn_length(vcpu, &length, &action))
		return action;
	tsc = guest_tsc_now(vcpu);
	*vcpu_gpr(vcpu, MYHV_RAX) = (u32)tsc;
	*vcpu_gpr(vcpu, MYHV_RDX) = tsc >> 32;
	if (is_rdtscp)
		*vcpu_gpr(vcpu, MYHV_RCX) = (u32)vcpu->msrs.tsc_aux;
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}

/* CPUID says that there are no counters. */
enum exit_action exit_rdpmc(struct myhv_vcpu *vcpu)
{
	return refuse(vcpu, X86_TRAP_GP);
}

/* A guest that has MONITOR and MWAIT, which we do not offer, only loses time by them. */
enum exit_action exit_monitor(struct myhv_vcpu *vcpu)
{
	if ((READ_ONCE(vcpu->vm->quirks) & MYHV_QUIRK_MWAIT) || cpuid_has_mwait(vcpu))
		return skip(vcpu);
	return refuse(vcpu, X86_TRAP_UD);
}

enum exit_action exit_undefined(struct myhv_vcpu *vcpu)
{
	return refuse(vcpu, X86_TRAP_UD);
}

enum exit_action exit_xsetbv(struct myhv_vcpu *vcpu)
{
	u64 cr4 = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr4;
	enum exit_action action;
	u8 length;

	if (!(cr4 & X86_CR4_OSXSAVE))
		return refuse(vcpu, X86_TRAP_UD);
	if (!insn_length(vcpu, &length, &action))
		return action;
	if (vcpu_cpl(vcpu) != 0 || vcpu_gpr32(vcpu, MYHV_RCX) != 0 ||
	    xcr0_write(vcpu, vcpu_edx_eax(vcpu)))
		return refuse(vcpu, X86_TRAP_GP);
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}

enum exit_action exit_shutdown(struct myhv_vcpu *vcpu)
{
	vcpu->event = (struct event_state){ 0 };
	vcpu->exit->reason = MYHV_EXIT_SHUTDOWN;
	return EXIT_TO_USER;
}
