// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the exit code to neutral facts: one row an exit, one call into exit/. A
 * handler may be called twice for one exit (EXIT_NEEDS_SLEEP), so it changes nothing itself.
 */
#include "compat/compat.h"
#include "exit/exit.h"
#include "introspect/trace.h"
#include "svm/svm.h"

/* ---- handlers that have facts to tell ---- */

static enum exit_action handle_npf(struct myhv_vcpu *vcpu)
{
	const struct vmcb_control *c = &to_svm(vcpu)->vmcb->control;
	struct slat_violation v = {
		.gpa = c->exit_info2,
		.access = SLAT_READ,
		.in_walk = c->exit_info1 & SVM_NPF_IN_WALK,
	};

	if (c->exit_info1 & PFERR_FETCH)
		v.access = SLAT_EXEC;
	else if (c->exit_info1 & PFERR_WRITE)
		v.access = SLAT_WRITE;
	if (svm_has(MYHV_CPU_FEATURE_DECODE_ASSIST) && !(c->exit_info1 & PFERR_FETCH)) {
		vcpu->insn.nr_bytes = min_t(u8, c->insn_len, INSN_BYTES_MAX);
		memcpy(vcpu->insn.bytes, c->insn_bytes, INSN_BYTES_MAX);
	}
	return exit_slat_violation(vcpu, &v);
}

static enum exit_action handle_ioio(struct myhv_vcpu *vcpu)
{
	const struct vmcb_control *c = &to_svm(vcpu)->vmcb->control;
	u64 info = c->exit_info1;

	if (info & SVM_IOIO_STRING) {
		vcpu->insn.next_rip = 0; /* what the CPU gives ends all repetitions */
		return emulate_current(vcpu);
	}
	vcpu->insn.next_rip = c->exit_info2; /* given by every CPU */
	return exit_io(vcpu, info >> SVM_IOIO_PORT_SHIFT, (info >> SVM_IOIO_SIZE_SHIFT) & 7,
		       info & SVM_IOIO_IN);
}

static enum exit_action handle_msr(struct myhv_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->control.exit_info1 ? exit_wrmsr(vcpu) : exit_rdmsr(vcpu);
}

static enum exit_action handle_db(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 bits = svm->vmcb->save.dr6 ^ EVENT_DR6_INIT;

	bits &= EVENT_DR6_TRAPS | EVENT_DR6_BLD | EVENT_DR6_BD | EVENT_DR6_BS | EVENT_DR6_BT |
		EVENT_DR6_RTM;
	if (svm->nmi_step) {
		bits = svm_step_finish(svm, bits);
		if (!bits)
			return RESUME_GUEST;
	}
	return exit_db(vcpu, bits);
}

static enum exit_action handle_ac(struct myhv_vcpu *vcpu)
{
	inject_exception_error(vcpu, X86_TRAP_AC, 0);
	return RESUME_GUEST;
}

static enum exit_action handle_iret(struct myhv_vcpu *vcpu)
{
	svm_nmi_iret_seen(to_svm(vcpu));
	return RESUME_GUEST;
}

static enum exit_action handle_rdtsc(struct myhv_vcpu *vcpu)
{
	return exit_rdtsc(vcpu, false);
}

/* The host's interrupt, taken already; a machine check, reported already; a window that opened. */
static enum exit_action handle_nothing(struct myhv_vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* Which kind of cut event @info, in the format of EVENTINJ, is. */
static u8 kind_of_cut(u64 info)
{
	switch (info & SVM_EVENT_TYPE_MASK) {
	case SVM_EVENT_INTR: return EVENT_CUT_INTERRUPT;
	case SVM_EVENT_NMI: return EVENT_CUT_NMI;
	default: return EVENT_CUT_EXCEPTION;
	}
}

static enum exit_action handle_task_switch(struct myhv_vcpu *vcpu)
{
	const struct vmcb_control *c = &to_svm(vcpu)->vmcb->control;
	struct task_switch why = {
		.selector = c->exit_info1,
		.source = TASK_SWITCH_CALL,
		.fault = c->exit_info2 & SVM_TASK_RF,
		.has_error = c->exit_info2 & SVM_TASK_HAS_ERROR,
		.error = c->exit_info2,
	};

	if (c->exit_int_info & SVM_EVENT_VALID) {
		why.source = TASK_SWITCH_GATE;
		why.cut = kind_of_cut(c->exit_int_info);
		why.soft = svm_is_soft_event(c->exit_int_info);
	} else if (c->exit_info2 & SVM_TASK_IRET) {
		why.source = TASK_SWITCH_IRET;
	} else if (c->exit_info2 & SVM_TASK_JMP) {
		why.source = TASK_SWITCH_JMP;
	}
	return exit_task_switch(vcpu, &why);
}

/*
 * The VMCB is undefined now (APM "Shutdown Intercept"). The registers are kept for
 * user space to look at, the rest is built anew.
 */
static enum exit_action handle_shutdown(struct myhv_vcpu *vcpu)
{
	const u32 groups = MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL | MYHV_STATE_DEBUG;
	struct svm_vcpu *svm = to_svm(vcpu);

	vcpu_regs_dirty(vcpu, groups);
	svm_control_init(svm);
	svm_irq_window(vcpu, vcpu->irq_window_on);
	return exit_shutdown(vcpu);
}

static enum exit_action handle_invalid(struct myhv_vcpu *vcpu)
{
	pr_warn_ratelimited("myhv: vm %u vcpu %u: the CPU refused the guest state\n",
			    vcpu->vm->id, vcpu->id);
	return exit_failed(vcpu, MYHV_EXIT_FAIL_ENTRY);
}

static enum exit_action handle_other(struct myhv_vcpu *vcpu)
{
	return exit_failed(vcpu, MYHV_EXIT_FAIL_ENTRY);
}

/* ---- the table ---- */

struct exit_row {
	const char *name;
	enum exit_action (*handle)(struct myhv_vcpu *vcpu);
};

#define EXC(v) (SVM_EXIT_EXCEPTION + (v))

/* Rows without a handler are exits that were not asked for. */
static const struct exit_row rows[256] = {
	[SVM_EXIT_CR0_READ] = { "cr0_read", exit_cr_access },
	[SVM_EXIT_CR0_READ + 3] = { "cr3_read", exit_cr_access },
	[SVM_EXIT_CR0_READ + 4] = { "cr4_read", exit_cr_access },
	[SVM_EXIT_CR0_READ + 8] = { "cr8_read", exit_cr_access },
	[SVM_EXIT_CR0_WRITE] = { "cr0_write", exit_cr_access },
	[SVM_EXIT_CR0_WRITE + 3] = { "cr3_write", exit_cr_access },
	[SVM_EXIT_CR0_WRITE + 4] = { "cr4_write", exit_cr_access },
	[SVM_EXIT_CR0_WRITE + 8] = { "cr8_write", exit_cr_access },
	[SVM_EXIT_DR0_READ ... SVM_EXIT_DR0_READ + 7] = { "dr_read", exit_dr_access },
	[SVM_EXIT_DR0_WRITE ... SVM_EXIT_DR0_WRITE + 7] = { "dr_write", exit_dr_access },
	[EXC(X86_TRAP_DB)] = { "db", handle_db },
	[EXC(X86_TRAP_BP)] = { "bp", exit_bp },
	[EXC(X86_TRAP_UD)] = { "ud", exit_ud },
	[EXC(X86_TRAP_AC)] = { "ac", handle_ac },
	[EXC(X86_TRAP_MC)] = { "mc", handle_nothing },
	[SVM_EXIT_INTR] = { "intr", handle_nothing },
	[SVM_EXIT_NMI] = { "nmi", handle_nothing },
	[SVM_EXIT_SMI] = { "smi", handle_nothing },
	[SVM_EXIT_INIT] = { "init", handle_nothing },
	[SVM_EXIT_VINTR] = { "vintr", handle_nothing },
	[SVM_EXIT_CR0_SEL_WRITE] = { "cr0_sel_write", exit_cr_access },
	[SVM_EXIT_RDTSC] = { "rdtsc", handle_rdtsc },
	[SVM_EXIT_RDPMC] = { "rdpmc", exit_rdpmc },
	[SVM_EXIT_CPUID] = { "cpuid", exit_cpuid },
	[SVM_EXIT_IRET] = { "iret", handle_iret },
	[SVM_EXIT_INVD] = { "invd", exit_wbinvd },
	[SVM_EXIT_PAUSE] = { "pause", exit_pause },
	[SVM_EXIT_HLT] = { "hlt", exit_hlt },
	[SVM_EXIT_INVLPG] = { "invlpg", exit_invlpg },
	[SVM_EXIT_INVLPGA] = { "invlpga", exit_undefined },
	[SVM_EXIT_IOIO] = { "ioio", handle_ioio },
	[SVM_EXIT_MSR] = { "msr", handle_msr },
	[SVM_EXIT_TASK_SWITCH] = { "task_switch", handle_task_switch },
	[SVM_EXIT_SHUTDOWN] = { "shutdown", handle_shutdown },
	[SVM_EXIT_VMRUN] = { "vmrun", exit_undefined },
	[SVM_EXIT_VMMCALL] = { "vmmcall", exit_hypercall },
	[SVM_EXIT_VMLOAD] = { "vmload", exit_undefined },
	[SVM_EXIT_VMSAVE] = { "vmsave", exit_undefined },
	[SVM_EXIT_STGI] = { "stgi", exit_undefined },
	[SVM_EXIT_CLGI] = { "clgi", exit_undefined },
	[SVM_EXIT_SKINIT] = { "skinit", exit_undefined },
	[SVM_EXIT_RDTSCP] = { "rdtscp", exit_undefined },
	[SVM_EXIT_WBINVD] = { "wbinvd", exit_wbinvd },
	[SVM_EXIT_MONITOR] = { "monitor", exit_monitor },
	[SVM_EXIT_MWAIT] = { "mwait", exit_monitor },
	[SVM_EXIT_MWAIT_ARMED] = { "mwait_armed", exit_monitor },
	[SVM_EXIT_XSETBV] = { "xsetbv", exit_xsetbv },
	[SVM_EXIT_RDPRU] = { "rdpru", exit_undefined },
	[SVM_ROW_NPF] = { "npf", handle_npf },
	[SVM_ROW_OFF] = { "svm_off", handle_other },
	[SVM_ROW_OTHER] = { "other", handle_other },
	[SVM_ROW_INVALID] = { "invalid", handle_invalid },
};

const char *svm_exit_name(u32 code)
{
	return code < ARRAY_SIZE(rows) ? rows[code].name : NULL;
}

void svm_exit_info(struct myhv_vcpu *vcpu, u64 *reason, u64 info[2])
{
	const struct vmcb_control *c = &to_svm(vcpu)->vmcb->control;

	*reason = c->exit_code;
	info[0] = c->exit_info1;
	info[1] = c->exit_info2;
}

enum exit_action svm_handle_exit(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	const struct vmcb_control *c = &svm->vmcb->control;
	const struct exit_row *row = &rows[svm->exit_row];

	if (likely(vcpu->in_burst)) {
		vcpu->stat.by_reason[svm->exit_row]++;
		if (trace_myhv_exit_enabled())
			trace_myhv_exit(vcpu->vm->id, vcpu->id, vcpu->regs.general.rip,
					c->exit_code, c->exit_info1, c->exit_info2);
	}
	vcpu->insn.nr_bytes = 0;
	vcpu->insn.next_rip = c->next_rip; /* 0 where the CPU does not give it */
	if (unlikely(!row->handle))
		return handle_other(vcpu);
	return row->handle(vcpu);
}
