// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for the guest: handlers queue faults here, and inject_for_entry() picks what
 * the next entry delivers. The rules are model/event.c's.
 */
#include "chip/chip.h"
#include "exit/exit.h"
#include "exit/pv.h"
#include "introspect/trace.h"
#include "mce.h"

/* DR7.GD: the next access to a debug register raises #DB. */
#define DR7_GD BIT_ULL(13)

void inject_exception(struct myhv_vcpu *vcpu, u8 vector)
{
	event_queue_exception(&vcpu->event, vector, false, 0, false, 0);
}

void inject_exception_error(struct myhv_vcpu *vcpu, u8 vector, u32 error)
{
	event_queue_exception(&vcpu->event, vector, true, error, false, 0);
}

void inject_gp(struct myhv_vcpu *vcpu)
{
	inject_exception_error(vcpu, X86_TRAP_GP, 0);
}

void inject_ud(struct myhv_vcpu *vcpu)
{
	inject_exception(vcpu, X86_TRAP_UD);
}

void inject_pf(struct myhv_vcpu *vcpu, u64 cr2, u32 error)
{
	event_queue_exception(&vcpu->event, X86_TRAP_PF, true, error, true, cr2);
}

void inject_db(struct myhv_vcpu *vcpu, u64 dr6_bits)
{
	event_queue_exception(&vcpu->event, X86_TRAP_DB, false, 0, true, dr6_bits);
}

void inject_again(struct myhv_vcpu *vcpu, const struct event *cut, bool soft)
{
	if (soft) {
		if (vcpu->soft.type != cut->type || vcpu->soft.vector != cut->vector)
			return;
		cut = &vcpu->soft;
		vcpu->regs.general.rip = vcpu->soft_rip;
	}
	event_requeue(&vcpu->event, cut);
}

int inject_mce(struct myhv_vcpu *vcpu, const struct myhv_mce *mce)
{
	u64 cr4 = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr4;

	switch (mce_report(&vcpu->msrs, mce, cr4 & X86_CR4_MCE)) {
	case MCE_LOGGED:
		return 0;
	case MCE_RAISE:
		inject_exception(vcpu, X86_TRAP_MC);
		return 0;
	case MCE_SHUTDOWN:
		vcpu->event.triple_fault = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static __always_inline bool from_user(struct myhv_vcpu *vcpu)
{
	return unlikely(vcpu->user_irq_pending) && (!vcpu->lapic || lapic_accepts_pic(vcpu));
}

bool user_irq_waiting(struct myhv_vcpu *vcpu)
{
	return from_user(vcpu);
}

static __always_inline bool irq_waiting(struct myhv_vcpu *vcpu)
{
	return from_user(vcpu) || (vcpu->lapic && lapic_irq_pending(vcpu));
}

bool inject_irq_waiting(struct myhv_vcpu *vcpu)
{
	return irq_waiting(vcpu);
}

/* The vector of the interrupt to inject, or -1: it has gone away. */
static int irq_ack(struct myhv_vcpu *vcpu)
{
	/* like ExtINT from a PIC in the kernel: before what the LAPIC has */
	if (!user_irq_waiting(vcpu))
		return vcpu->lapic ? lapic_irq_ack(vcpu) : -1;
	vcpu->user_irq_pending = false;
	return vcpu->user_irq_vector;
}

/*
 * Side effects of the exception itself. Injection by the hardware has none of them (APM "Event
 * Injection", SDM "VM-Entry Event Injection").
 */
static void write_payload(struct myhv_vcpu *vcpu, const struct event_decision *d)
{
	struct vcpu_regs *regs;

	if (d->inject.vector != X86_TRAP_DB) {
		vcpu_regs_dirty(vcpu, MYHV_STATE_CONTROL)->control.cr2 = d->payload;
		return;
	}
	regs = vcpu_regs_dirty(vcpu, MYHV_STATE_DEBUG);
	regs->debug.dr6 = event_dr6(regs->debug.dr6, d->payload);
	if (regs->debug.dr7 & DR7_GD) {
		regs->debug.dr7 &= ~DR7_GD;
		backend->debug_update(vcpu);
	}
}

/* With TPR_SHADOW: exit when the guest lets in what its task priority holds back. */
static __always_inline void set_tpr_threshold(struct myhv_vcpu *vcpu)
{
	if (likely(vcpu->irr_held == vcpu->tpr_threshold) || !backend->tpr_threshold)
		return;
	vcpu->tpr_threshold = vcpu->irr_held;
	backend->tpr_threshold(vcpu, vcpu->irr_held);
}

static __always_inline void set_windows(struct myhv_vcpu *vcpu, bool irq, bool nmi)
{
	if (irq != vcpu->irq_window_on) {
		vcpu->irq_window_on = irq;
		backend->irq_window(vcpu, irq);
	}
	if (nmi != vcpu->nmi_window_on) {
		vcpu->nmi_window_on = nmi;
		backend->nmi_window(vcpu, nmi);
	}
}

/* Without a PIC in the kernel, user space may want to know when it can inject. */
static bool user_window_wanted(struct myhv_vcpu *vcpu)
{
	return vcpu->user_irqs && READ_ONCE(vcpu->run_page->request_irq_window) &&
	       (!vcpu->lapic || lapic_accepts_pic(vcpu));
}

static noinline bool inject_chosen(struct myhv_vcpu *vcpu, bool irq)
{
	struct event_facts facts = {
		.rflags_if = vcpu->regs.general.rflags & X86_EFLAGS_IF,
		.shadow = backend->shadow_get(vcpu) != 0,
		.nmi_blocked = vcpu->event.nmi_pending && backend->nmi_blocked_get(vcpu),
		.irq_waiting = irq,
	};
	struct event_decision d = event_decide(&vcpu->event, &facts);
	int vector;

	if (d.triple_fault)
		return false;
	if (d.inject.type == EVENT_EXTERNAL_INTERRUPT && !d.took_reinject) {
		vector = irq_ack(vcpu);
		if (vector < 0)
			d.inject.type = EVENT_NONE;
		else
			d.inject.vector = vector;
		if (unlikely(vcpu->msrs.pv_eoi & PV_EOI_ENABLE) && vector >= 0)
			pv_eoi_offer(vcpu);
		/* another one of higher priority may have come behind it */
		d.irq_window = d.irq_window || inject_irq_waiting(vcpu);
	}
	if (d.has_payload)
		write_payload(vcpu, &d);
	if (d.fault)
		vcpu->regs.general.rflags |= X86_EFLAGS_RF;
	vcpu->inject = d.inject;
	set_windows(vcpu, d.irq_window || user_window_wanted(vcpu), d.nmi_window);
	set_tpr_threshold(vcpu);
	if (d.inject.type != EVENT_NONE) {
		vcpu->stat.injections++;
		trace_myhv_inject(vcpu->vm->id, vcpu->id, d.inject.type, d.inject.vector,
				  d.inject.has_error, d.inject.error, d.took_reinject);
	}
	return true;
}

bool inject_for_entry(struct myhv_vcpu *vcpu)
{
	bool irq;

	lockdep_assert_irqs_disabled();
	if (unlikely(vcpu->pv_eoi_offered) && !pv_eoi_before_entry(vcpu))
		return false;
	irq = irq_waiting(vcpu);
	if (unlikely(event_any(&vcpu->event) || irq))
		return inject_chosen(vcpu, irq);
	vcpu->inject.type = EVENT_NONE;
	set_windows(vcpu, user_window_wanted(vcpu), false);
	set_tpr_threshold(vcpu);
	return true;
}
