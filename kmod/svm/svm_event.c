// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event injection and what delays it: EVENTINJ, EXITINTINFO, the interrupt shadow, the
 * interrupt window (a virtual interrupt that exits instead of being taken), and NMI
 * masking, which SVM leaves to the hypervisor. APM "Event Injection",
 * "Interrupt Shadows", "Virtual Interrupts".
 */
#include "chip/chip.h"
#include "compat/compat.h"
#include "exit/exit.h"
#include "svm/svm.h"

/* ---- injection ---- */

static void block_nmis(struct svm_vcpu *svm, bool blocked)
{
	struct vmcb_control *c = &svm->vmcb->control;

	svm->nmi_blocked = blocked;
	svm->nmi_iret = false;
	if (blocked)
		c->misc1 |= SVM_I1_IRET;
	else
		c->misc1 &= ~SVM_I1_IRET;
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
}

/*
 * The return address of a software event lies behind its instruction. A CPU with NRIPS is
 * told where that is, others push RIP as it stands.
 */
static void skip_soft_insn(struct svm_vcpu *svm, const struct event *ev)
{
	u64 rip = svm->vcpu.regs.general.rip;

	svm->vcpu.soft = *ev;
	svm->vcpu.soft_rip = rip;
	rip += ev->insn_length;
	if (svm_has(MYHV_CPU_FEATURE_NEXT_RIP))
		svm->vmcb->control.next_rip = rip;
	else
		svm->vmcb->save.rip = rip;
}

/* vcpu->inject into EVENTINJ, after the entry's RIP was written to the VMCB. */
void svm_event_program(struct svm_vcpu *svm)
{
	const struct event *ev = &svm->vcpu.inject;
	u64 info = SVM_EVENT_VALID | ev->vector;

	switch (ev->type) {
	case EVENT_NONE: return;
	case EVENT_EXTERNAL_INTERRUPT: info |= SVM_EVENT_INTR; break;
	case EVENT_NMI:
		info |= SVM_EVENT_NMI;
		block_nmis(svm, true);
		break;
	case EVENT_EXCEPTION: info |= SVM_EVENT_EXCEPTION; break;
	case EVENT_SOFT_INTERRUPT: info |= SVM_EVENT_SOFT; break;
	}
	if (ev->has_error)
		info |= SVM_EVENT_HAS_ERROR | (u64)ev->error << 32;
	if (ev->soft || ev->type == EVENT_SOFT_INTERRUPT)
		skip_soft_insn(svm, ev);
	else if (svm_has(MYHV_CPU_FEATURE_NEXT_RIP))
		/*
		 * #BP and #OF that no instruction raised return to it as well. A CPU without
		 * nRIP leaves the field alone: the next exit would take it for its own.
		 */
		svm->vmcb->control.next_rip = svm->vcpu.regs.general.rip;
	svm->vmcb->control.event_inj = info;
}

/* INT n, or an exception of INT3 or INTO. @info: format of EVENTINJ */
bool svm_is_soft_event(u64 info)
{
	u8 vector = info & SVM_EVENT_VECTOR_MASK;

	if ((info & SVM_EVENT_TYPE_MASK) == SVM_EVENT_SOFT)
		return true;
	return (info & SVM_EVENT_TYPE_MASK) == SVM_EVENT_EXCEPTION &&
	       (vector == X86_TRAP_BP || vector == X86_TRAP_OF);
}

/* The exit cut the delivery of an event short. */
void svm_event_requeue(struct svm_vcpu *svm)
{
	u64 info = svm->vmcb->control.exit_int_info;
	struct event cut = {
		.vector = info & SVM_EVENT_VECTOR_MASK,
		.has_error = info & SVM_EVENT_HAS_ERROR,
	};

	if (cut.has_error)
		cut.error = info >> 32;
	switch (info & SVM_EVENT_TYPE_MASK) {
	case SVM_EVENT_INTR: cut.type = EVENT_EXTERNAL_INTERRUPT; break;
	case SVM_EVENT_NMI: cut.type = EVENT_NMI; break;
	case SVM_EVENT_EXCEPTION: cut.type = EVENT_EXCEPTION; break;
	case SVM_EVENT_SOFT: cut.type = EVENT_SOFT_INTERRUPT; break;
	default: return;
	}
	inject_again(&svm->vcpu, &cut, svm_is_soft_event(info));
}

/* ---- single steps by RFLAGS.TF ---- */

/* Somebody may have begun or ceased to want them. */
void svm_step_update(struct svm_vcpu *svm)
{
	svm->step = svm->nmi_window || (svm->vcpu.guest_debug.flags & MYHV_DEBUG_STEP);
	if (!svm->step) {
		svm->nmi_step = false;
		svm->forced_tf = 0;
	}
}

/*
 * Before an entry with svm->step. TF must not end up in the frame of an injected
 * event, so an NMI that waits for one waits for the next exit.
 */
void svm_step_program(struct svm_vcpu *svm)
{
	const struct myhv_vcpu *vcpu = &svm->vcpu;

	svm->nmi_step = svm->nmi_window && vcpu->inject.type == EVENT_NONE &&
			(!svm->nmi_blocked || svm->nmi_iret);
	svm->forced_tf = 0;
	if (svm->nmi_step || (vcpu->guest_debug.flags & MYHV_DEBUG_STEP))
		svm->forced_tf = X86_EFLAGS_TF & ~vcpu->regs.general.rflags;
}

/*
 * A #DB exit while svm->nmi_step. Returns what of @dr6_bits remains for the guest or its
 * debugger.
 */
u64 svm_step_finish(struct svm_vcpu *svm, u64 dr6_bits)
{
	svm->nmi_step = false;
	if (!svm->forced_tf || (svm->vcpu.guest_debug.flags & MYHV_DEBUG_STEP))
		return dr6_bits;
	if (dr6_bits & EVENT_DR6_BS)
		vcpu_regs_dirty(&svm->vcpu, MYHV_STATE_DEBUG)->debug.dr6 &= ~EVENT_DR6_BS;
	return dr6_bits & ~EVENT_DR6_BS;
}

/* ---- NMI masking ---- */

/*
 * IRET exits before it is executed, and NMIs stay masked until it is: that is,
 * until RIP has moved.
 */
void svm_nmi_iret_seen(struct svm_vcpu *svm)
{
	block_nmis(svm, false);
	svm->nmi_blocked = true;
	svm->nmi_iret = true;
	svm->nmi_iret_rip = svm->vcpu.regs.general.rip;
}

/* After an exit, with svm->nmi_iret. */
void svm_nmi_iret_check(struct svm_vcpu *svm)
{
	if (svm->vcpu.regs.general.rip == svm->nmi_iret_rip)
		return;
	svm->nmi_iret = false;
	svm->nmi_blocked = false;
}

bool svm_nmi_blocked_get(struct myhv_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi_blocked;
}

void svm_nmi_blocked_set(struct myhv_vcpu *vcpu, bool blocked)
{
	block_nmis(to_svm(vcpu), blocked);
}

/* ---- shadow and windows ---- */

/* SVM does not tell STI from MOV SS. */
u32 svm_shadow_get(struct myhv_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->control.shadow & 1 ? MYHV_EVENT_SHADOW_STI : 0;
}

void svm_shadow_set(struct myhv_vcpu *vcpu, u32 shadow)
{
	struct vmcb_control *c = &to_svm(vcpu)->vmcb->control;

	c->shadow = shadow ? c->shadow | 1 : c->shadow & ~1ULL;
	vcpu->in_shadow = shadow != 0;
}

/*
 * A virtual interrupt that exits as soon as it would be taken. The task priority does not
 * count: the LAPIC has looked at it.
 */
void svm_irq_window(struct myhv_vcpu *vcpu, bool on)
{
	const u32 request = SVM_VINTR_IRQ | SVM_VINTR_PRIO_MAX | SVM_VINTR_IGN_TPR;
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	if (on) {
		c->vintr |= request;
		c->misc1 |= SVM_I1_VINTR;
	} else {
		c->vintr &= ~request;
		c->misc1 &= ~SVM_I1_VINTR;
	}
	svm_cr_intercepts_update(svm);
	svm_touch(svm, SVM_CLEAN_VINTR | SVM_CLEAN_INTERCEPTS);
}

/*
 * The guest's CR8 is V_TPR, a copy of the upper half of the LAPIC's task priority. Writes exit
 * while a lower priority would let an interrupt in, or would clear a lower half that is not 0; and
 * with V_IRQ set, where QEMU's TCG would abort.
 */
void svm_tpr_threshold(struct myhv_vcpu *vcpu, u8 class)
{
	svm_cr_intercepts_update(to_svm(vcpu));
}

void svm_tpr_changed(struct myhv_vcpu *vcpu, u8 tpr)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	vcpu->hw_tpr = tpr;
	svm->v_tpr = tpr >> 4;
	c->vintr = (c->vintr & ~SVM_VINTR_TPR_MASK) | svm->v_tpr;
	svm_cr_intercepts_update(svm);
	svm_touch(svm, SVM_CLEAN_VINTR);
}

/* The guest has written CR8. Without a LAPIC in the kernel it cannot. */
void svm_tpr_seen(struct svm_vcpu *svm)
{
	struct vmcb_control *c = &svm->vmcb->control;
	u8 cr8 = c->vintr & SVM_VINTR_TPR_MASK;

	if (svm->exit_row == SVM_EXIT_SHUTDOWN || svm->exit_row == SVM_ROW_INVALID)
		return; /* the VMCB is not to be believed */
	svm->vcpu.hw_tpr = cr8 << 4;
	svm->v_tpr = cr8;
	if (svm->vcpu.lapic)
		lapic_cr8_set(&svm->vcpu, cr8);
}

/* There is no such exit: the IRET, or a single step, opens the window. */
void svm_nmi_window(struct myhv_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->nmi_window = on;
	svm_step_update(svm);
}
