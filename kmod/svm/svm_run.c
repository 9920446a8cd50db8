// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry and the return from it. The path of every exit: nothing here that could
 * be done once per burst, and nothing there that could be done at a change.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include "compat/compat.h"
#include "host/host.h"
#include "host/host_cpu.h"
#include "introspect/trace.h"
#include "svm/svm.h"

/* ---- TLB ---- */

/*
 * An ASID that this CPU has not used since its last full flush (APM "TLB Control"). Sixteen
 * of them make a generation on some CPUs.
 */
static void assign_asid(struct svm_vcpu *svm, struct svm_cpu *cpu)
{
	struct vmcb_control *c = &svm->vmcb->control;

	if (cpu->next_asid > svm_global.max_asid) {
		cpu->next_asid = 1; /* 0 is the host */
		cpu->asid_generation++;
		cpu->flush_all = true;
	}
	if (cpu->flush_all)
		c->tlb_control = SVM_TLB_FLUSH_ALL;
	cpu->flush_all = false;
	c->asid = cpu->next_asid++;
	svm->asid_generation = cpu->asid_generation;
	svm_touch(svm, SVM_CLEAN_ASID);
}

/*
 * vcpu->mode was set before, so whoever raises flush_gen from now on sends an IPI and this
 * entry ends at once (see slat_flush()).
 */
static void update_tlb(struct svm_vcpu *svm, struct svm_cpu *cpu)
{
	struct myhv_vcpu *vcpu = &svm->vcpu;
	struct vmcb_control *c = &svm->vmcb->control;
	u64 flush_gen = atomic64_read(&vcpu->vm->slat.flush_gen);
	bool stale = svm->asid_generation != cpu->asid_generation;

	c->tlb_control = SVM_TLB_KEEP;
	if (likely(flush_gen == vcpu->slat_gen && !vcpu->tlb_flush && !stale))
		return;
	vcpu->slat_gen = flush_gen;
	vcpu->tlb_flush = false;
	if (!stale && svm_has(MYHV_CPU_FEATURE_FLUSH_BY_ASID))
		c->tlb_control = SVM_TLB_FLUSH_ASID;
	else
		assign_asid(svm, cpu);
}

/* ---- the burst ---- */

void svm_burst_begin(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	int nr = smp_processor_id();

	if (svm->asid_cpu != nr) {
		svm->asid_cpu = nr;
		svm->asid_generation = 0; /* older than any */
		svm->vmcb->control.clean = 0;
	}
	tsc_aux_begin(vcpu);
	if (unlikely(vcpu->tsc.ratio))
		wrmsrq(MSR_AMD64_TSC_RATIO, vcpu->tsc.ratio);
	host_mitigations_switch(vcpu);
}

void svm_burst_end(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	tsc_aux_end(vcpu);
	if (unlikely(vcpu->tsc.ratio))
		wrmsrq(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_ONE);
	/* The host's #DB handler expects DR6 as it left it. */
	if (unlikely(svm->vmcb->save.dr6 != EVENT_DR6_INIT))
		set_debugreg(EVENT_DR6_INIT, 6);
	if (unlikely(svm->vcpu.drs.live))
		svm_debug_live(vcpu, false);
}

/* ---- the entry ---- */

static void before_entry(struct svm_vcpu *svm, struct svm_cpu *cpu)
{
	struct myhv_vcpu *vcpu = &svm->vcpu;
	struct myhv_state_general *general = &vcpu->regs.general;
	struct vmcb_save *s = &svm->vmcb->save;

	if (unlikely(vcpu->regs.dirty & ~MYHV_STATE_GENERAL))
		svm_regs_commit(vcpu, vcpu->regs.dirty);
	vcpu->regs.dirty = 0;
	if (unlikely(svm->step))
		svm_step_program(svm);
	s->rax = general->gpr[MYHV_RAX];
	s->rsp = general->gpr[MYHV_RSP];
	s->rip = general->rip;
	s->rflags = general->rflags | svm->forced_tf;
	update_tlb(svm, cpu);
	svm->vmcb->control.event_inj = 0;
	if (unlikely(vcpu->inject.type != EVENT_NONE))
		svm_event_program(svm);
	tsc_aux_load(vcpu);
	if (unlikely(vcpu->drs.load)) /* VMRUN and VMEXIT move DR6 and DR7 alone */
		guest_drs_load(vcpu);
}

static bool is_host_event(u8 row)
{
	return row == SVM_EXIT_EXCEPTION + X86_TRAP_MC ||
	       (row >= SVM_EXIT_INTR && row <= SVM_EXIT_SMI);
}

/* What must be done or noted with IRQs still off; interrupts themselves come after that. */
static noinline void host_event(struct svm_vcpu *svm)
{
	if (svm->exit_row == SVM_EXIT_EXCEPTION + X86_TRAP_MC)
		host_machine_check();
	else
		svm->vcpu.hw_exit_intr = true;
}

static void take_general(struct myhv_state_general *general, const struct svm_vcpu *svm)
{
	const struct vmcb_save *s = &svm->vmcb->save;

	general->gpr[MYHV_RAX] = s->rax;
	general->gpr[MYHV_RSP] = s->rsp;
	general->rip = s->rip;
	general->rflags = s->rflags & ~svm->forced_tf;
}

/* Neither the TLB may have been flushed nor the VMCB been read: ask for both again. */
static noinline void entry_refused(struct svm_vcpu *svm)
{
	svm->vmcb->control.clean = 0;
	if (svm->vmcb->control.tlb_control == SVM_TLB_FLUSH_ALL)
		__this_cpu_write(svm_cpu.flush_all, true);
	svm->asid_generation = 0;
}

static void after_exit(struct svm_vcpu *svm)
{
	struct myhv_vcpu *vcpu = &svm->vcpu;
	struct vmcb_control *c = &svm->vmcb->control;

	if (unlikely(vcpu->drs.load))
		guest_drs_unload(vcpu);
	host_dr7_restore();
	c->clean = SVM_CLEAN_ALL;
	svm->exit_row = svm_exit_row(c->exit_code);
	/* A guest state that was refused is not written back on every CPU: keep ours. */
	if (likely(svm->exit_row != SVM_ROW_INVALID))
		take_general(&vcpu->regs.general, svm);
	else
		entry_refused(svm);
	vcpu->regs.valid = MYHV_STATE_GENERAL;
	vcpu->hw_exit_intr = false;
	vcpu->in_shadow = c->shadow & 1;
	if (unlikely((c->vintr & SVM_VINTR_TPR_MASK) != svm->v_tpr))
		svm_tpr_seen(svm);
	if (unlikely(is_host_event(svm->exit_row)))
		host_event(svm);
	if (unlikely(c->exit_int_info & SVM_EVENT_VALID) && svm->exit_row != SVM_EXIT_SHUTDOWN)
		svm_event_requeue(svm);
	svm->vcpu.soft.type = EVENT_NONE;
	if (unlikely(svm->nmi_iret))
		svm_nmi_iret_check(svm);
}

void svm_enter(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_cpu *cpu = this_cpu_ptr(&svm_cpu);
	bool spec_ctrl = host_mitigations.spec_ctrl;
	u32 host_pkru = 0;

	lockdep_assert_irqs_disabled();
	if (unlikely(!READ_ONCE(cpu->enabled))) {
		svm->exit_row = SVM_ROW_OFF; /* reboot has taken the CPU from us */
		vcpu->hw_exit_intr = false;
		return;
	}
	if (trace_myhv_entry_enabled())
		trace_myhv_entry(vcpu->vm->id, vcpu->id, vcpu->regs.general.rip);
	before_entry(svm, cpu);
	if (unlikely(vcpu->fpu.swap_pkru))
		host_pkru = host_fpu_pkru_enter(vcpu);
	if (unlikely(spec_ctrl))
		host_spec_ctrl_enter(vcpu->msrs.spec_ctrl);
	svm_vmrun(svm->vmcb_pa, vcpu->regs.general.gpr, cpu->host_vmcb_pa);
	if (unlikely(spec_ctrl))
		host_spec_ctrl_leave(vcpu->msrs.spec_ctrl);
	if (unlikely(vcpu->fpu.swap_pkru))
		host_fpu_pkru_leave(vcpu, host_pkru);
	after_exit(svm);
}
