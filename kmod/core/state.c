// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register groups between user space and the vCPU. vcpu->mutex is held. SET checks all
 * groups against each other first, then changes; the two steps that may still refuse
 * (the XSAVE image, the APIC base) come before all others.
 */
#include "chip/chip.h"
#include "cpuid_policy.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "host/host.h"

#define RFLAGS_FIXED BIT_ULL(1)
#define RFLAGS_DEFINED 0x3f7fd7ULL /* CF to ID, without the reserved ones */
#define SEG_ATTRIB_DEFINED 0x0fff

/* struct myhv_state_msrs is in this order. */
static const u32 group_msrs[] = {
	MSR_STAR,
	MSR_LSTAR,
	MSR_CSTAR,
	MSR_SYSCALL_MASK,
	MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_IA32_CR_PAT,
	MSR_IA32_TSC,
	MSR_TSC_AUX,
	MSR_IA32_TSC_ADJUST,
	MSR_IA32_TSC_DEADLINE,
	MSR_IA32_MISC_ENABLE,
	MSR_IA32_SPEC_CTRL,
	MSR_IA32_XSS,
};
static_assert(sizeof(struct myhv_state_msrs) == ARRAY_SIZE(group_msrs) * sizeof(u64));

/* ---- predicates ---- */

enum cpu_mode vcpu_cpu_mode(struct myhv_vcpu *vcpu)
{
	struct vcpu_regs *r = vcpu_regs(vcpu, MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS);
	u16 cs = r->segments.seg[MYHV_SEG_CS].attrib;

	if (!(r->control.cr0 & X86_CR0_PE))
		return CPU_REAL;
	if ((r->control.efer & EFER_LMA) && (cs & MYHV_SEG_L))
		return CPU_LONG64;
	if ((r->general.rflags & X86_EFLAGS_VM) && !(r->control.efer & EFER_LMA))
		return CPU_V86;
	return cs & MYHV_SEG_DB ? CPU_PROT32 : CPU_PROT16;
}

/* The DPL of SS is the CPL in every mode (SDM "Checks on Guest Segment Registers"). */
u8 vcpu_cpl(struct myhv_vcpu *vcpu)
{
	struct vcpu_regs *r = vcpu_regs(vcpu, MYHV_STATE_SEGMENTS);

	return (r->segments.seg[MYHV_SEG_SS].attrib & MYHV_SEG_DPL_MASK) >> MYHV_SEG_DPL_SHIFT;
}

/* ---- get ---- */

static void get_control(struct myhv_vcpu *vcpu, struct myhv_state_control *c)
{
	*c = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control;
	c->xcr0 = vcpu->fpu.xcr0;
	if (vcpu->lapic) {
		c->cr8 = lapic_cr8_get(vcpu);
		c->apic_base = lapic_base_get(vcpu);
	}
}

static void get_msrs(struct myhv_vcpu *vcpu, struct myhv_state_msrs *msrs)
{
	u64 *value = (u64 *)msrs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(group_msrs); i++) {
		if (msr_read(vcpu, group_msrs[i], true, &value[i]))
			value[i] = 0;
	}
}

static void get_cut_exception(const struct event *cut, struct myhv_state_events *e)
{
	if (cut->type == EVENT_SOFT_INTERRUPT) {
		e->flags |= MYHV_EVENT_INTERRUPT | MYHV_EVENT_INTERRUPT_SOFT;
		e->intr_vector = cut->vector;
		e->insn_length = cut->insn_length;
		return;
	}
	e->flags |= MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_INJECTED;
	if (cut->has_error)
		e->flags |= MYHV_EVENT_EXCEPTION_ERROR;
	e->exc_vector = cut->vector;
	e->exc_error = cut->error;
	e->insn_length = cut->soft ? cut->insn_length : 0;
}

static void get_cut_events(const struct myhv_vcpu *vcpu, struct myhv_state_events *e)
{
	const struct event_state *ev = &vcpu->event;

	if (ev->cut & EVENT_CUT_NMI)
		e->flags |= MYHV_EVENT_NMI;
	if (ev->cut & EVENT_CUT_INTERRUPT) {
		e->flags |= MYHV_EVENT_INTERRUPT;
		e->intr_vector = ev->cut_vector;
	} else if (vcpu->user_irq_pending) {
		/* taken from user space, and not yet by the guest */
		e->flags |= MYHV_EVENT_INTERRUPT;
		e->intr_vector = vcpu->user_irq_vector;
	}
	/* no room for an INT n beside an interrupt: RIP is at it, it is executed again */
	if ((ev->cut & EVENT_CUT_EXCEPTION) && (ev->cut_exception.type == EVENT_EXCEPTION ||
						!(e->flags & MYHV_EVENT_INTERRUPT)))
		get_cut_exception(&ev->cut_exception, e);
}

static void get_events(struct myhv_vcpu *vcpu, struct myhv_state_events *e)
{
	const struct event_state *ev = &vcpu->event;

	*e = (struct myhv_state_events){ 0 };
	get_cut_events(vcpu, e);
	if (ev->exception_pending) {
		e->flags |= MYHV_EVENT_EXCEPTION;
		e->flags |= ev->exception.has_error ? MYHV_EVENT_EXCEPTION_ERROR : 0;
		e->flags |= ev->has_payload ? MYHV_EVENT_EXCEPTION_PAYLOAD : 0;
		e->exc_vector = ev->exception.vector;
		e->exc_error = ev->exception.error;
		e->exc_payload = ev->has_payload ? ev->payload : 0;
		e->insn_length = ev->exception.soft ? ev->exception.insn_length : 0;
	}
	if (ev->nmi_pending || test_bit(VCPU_REQ_NMI, &vcpu->requests))
		e->flags |= MYHV_EVENT_NMI_PENDING;
	if (backend->nmi_blocked_get(vcpu))
		e->flags |= MYHV_EVENT_NMI_BLOCKED;
	if (ev->triple_fault)
		e->flags |= MYHV_EVENT_TRIPLE_FAULT;
	e->flags |= backend->shadow_get(vcpu);
	if (vcpu->lapic && test_bit(VCPU_REQ_SIPI, &vcpu->requests))
		e->sipi_vector = lapic_sipi_vector(vcpu);
}

int vcpu_state_get(struct myhv_vcpu *vcpu, u32 groups, struct myhv_vcpu_state *state)
{
	int ret;

	if (groups & ~MYHV_STATE_ALL)
		return -EINVAL;
	if (groups & MYHV_STATE_GENERAL)
		state->general = vcpu_regs(vcpu, MYHV_STATE_GENERAL)->general;
	if (groups & MYHV_STATE_SEGMENTS)
		state->segments = vcpu_regs(vcpu, MYHV_STATE_SEGMENTS)->segments;
	if (groups & MYHV_STATE_CONTROL)
		get_control(vcpu, &state->control);
	if (groups & MYHV_STATE_DEBUG)
		state->debug = vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug;
	if (groups & MYHV_STATE_MSRS)
		get_msrs(vcpu, &state->msrs);
	if (groups & MYHV_STATE_EVENTS)
		get_events(vcpu, &state->events);
	if (groups & MYHV_STATE_MP)
		state->mp = (struct myhv_state_mp){ .state = vcpu->mp_state };
	if (groups & MYHV_STATE_LAPIC) {
		ret = lapic_state_get(vcpu, &state->lapic);
		if (ret)
			return ret;
	}
	if (groups & MYHV_STATE_XSAVE)
		return host_fpu_get_image(vcpu, state->xsave, sizeof(state->xsave));
	return 0;
}

/* ---- checks ---- */

static bool is_canonical(struct myhv_vcpu *vcpu, u64 address)
{
	return linear_is_canonical(address, vcpu->cpuid->linear_bits > 48 ? 57 : 48);
}

static bool general_ok(struct myhv_vcpu *vcpu, const struct myhv_state_general *g, u64 efer)
{
	if (g->rflags & ~RFLAGS_DEFINED)
		return false;
	if (!(efer & EFER_LMA))
		return true;
	return !(g->rflags & X86_EFLAGS_VM) && is_canonical(vcpu, g->rip);
}

static bool dtable_ok(struct myhv_vcpu *vcpu, const struct myhv_dtable *t)
{
	return is_canonical(vcpu, t->base) && !(t->pad[0] | t->pad[1] | t->pad[2]);
}

static bool segments_ok(struct myhv_vcpu *vcpu, const struct myhv_state_segments *s)
{
	const struct myhv_segment *seg;
	int i;

	for (i = MYHV_SEG_ES; i <= MYHV_SEG_TR; i++) {
		seg = &s->seg[i];
		if (seg->attrib & ~SEG_ATTRIB_DEFINED)
			return false;
		/* only FS, GS, LDTR and TR have a base beyond 4 GiB */
		if (i < MYHV_SEG_FS ? seg->base >> 32 != 0 : !is_canonical(vcpu, seg->base))
			return false;
	}
	return dtable_ok(vcpu, &s->gdt) && dtable_ok(vcpu, &s->idt);
}

static bool debug_ok(const struct myhv_state_debug *d)
{
	return !(d->dr6 >> 32) && !(d->dr7 >> 32);
}

/* Zero stands for "this vCPU has no such MSR", as GET gives it. */
static bool msrs_ok(struct myhv_vcpu *vcpu, const struct myhv_state_msrs *msrs)
{
	const u64 *value = (const u64 *)msrs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(group_msrs); i++) {
		if (value[i] && msr_check(vcpu, group_msrs[i], value[i]))
			return false;
	}
	return vcpu->lapic || !msrs->tsc_deadline;
}

static bool events_ok(const struct myhv_state_events *e)
{
	const u32 exception = MYHV_EVENT_EXCEPTION_ERROR | MYHV_EVENT_EXCEPTION_PAYLOAD |
			      MYHV_EVENT_EXCEPTION_INJECTED;
	const u32 one_place = MYHV_EVENT_EXCEPTION_INJECTED | MYHV_EVENT_INTERRUPT_SOFT;
	const u32 shadows = MYHV_EVENT_SHADOW_STI | MYHV_EVENT_SHADOW_MOV_SS;

	if ((e->flags & ~MYHV_EVENT_VALID_FLAGS) || e->pad || e->insn_length > INSN_BYTES_MAX)
		return false;
	/* there is no SMM */
	if (e->flags & MYHV_EVENT_SMI_PENDING)
		return false;
	if (!(e->flags & MYHV_EVENT_EXCEPTION) && (e->flags & exception))
		return false;
	if ((e->flags & MYHV_EVENT_EXCEPTION) &&
	    (e->exc_vector > 31 || e->exc_vector == X86_TRAP_NMI))
		return false;
	if ((e->flags & MYHV_EVENT_INTERRUPT_SOFT) && !(e->flags & MYHV_EVENT_INTERRUPT))
		return false;
	return (e->flags & one_place) != one_place && (e->flags & shadows) != shadows;
}

static bool mp_ok(struct myhv_vcpu *vcpu, const struct myhv_state_mp *mp)
{
	if (mp->pad || mp->state > MYHV_MP_HALTED)
		return false;
	return vcpu->lapic || mp->state == MYHV_MP_RUNNABLE || mp->state == MYHV_MP_HALTED;
}

static int check(struct myhv_vcpu *vcpu, u32 groups, const struct myhv_vcpu_state *state)
{
	u64 efer = groups & MYHV_STATE_CONTROL ? state->control.efer :
						 vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.efer;

	if (groups & ~MYHV_STATE_ALL)
		return -EINVAL;
	if ((groups & MYHV_STATE_LAPIC) && !vcpu->lapic)
		return -ENXIO;
	if ((groups & MYHV_STATE_GENERAL) && !general_ok(vcpu, &state->general, efer))
		return -EINVAL;
	if ((groups & MYHV_STATE_SEGMENTS) && !segments_ok(vcpu, &state->segments))
		return -EINVAL;
	if ((groups & MYHV_STATE_CONTROL) && control_check(vcpu, &state->control))
		return -EINVAL;
	if ((groups & MYHV_STATE_DEBUG) && !debug_ok(&state->debug))
		return -EINVAL;
	if ((groups & MYHV_STATE_MSRS) && !msrs_ok(vcpu, &state->msrs))
		return -EINVAL;
	if ((groups & MYHV_STATE_EVENTS) && !events_ok(&state->events))
		return -EINVAL;
	if ((groups & MYHV_STATE_MP) && !mp_ok(vcpu, &state->mp))
		return -EINVAL;
	return 0;
}

/* ---- set ---- */

static void set_general(struct myhv_vcpu *vcpu, const struct myhv_state_general *g)
{
	/* elsewhere than at the instruction that exited: it will not be finished */
	if (g->rip != vcpu->regs.general.rip)
		vcpu->complete = NULL;
	vcpu_regs_dirty(vcpu, MYHV_STATE_GENERAL)->general = *g;
	vcpu->regs.general.rflags |= RFLAGS_FIXED;
}

static void set_control(struct myhv_vcpu *vcpu, const struct myhv_state_control *c)
{
	struct myhv_state_control *own = &vcpu_regs_dirty(vcpu, MYHV_STATE_CONTROL)->control;

	*own = *c;
	own->cr0 |= X86_CR0_ET;
	if (vcpu->lapic)
		lapic_cr8_set(vcpu, c->cr8);
	if (c->xcr0 != vcpu->fpu.xcr0)
		host_fpu_set_xcr0(vcpu, c->xcr0);
	vcpu->tlb_flush = true;
}

static void set_msrs(struct myhv_vcpu *vcpu, const struct myhv_state_msrs *msrs)
{
	const u64 *value = (const u64 *)msrs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(group_msrs); i++)
		msr_write(vcpu, group_msrs[i], true, value[i]);
}

static void set_exception(struct event_state *ev, const struct myhv_state_events *e)
{
	struct event event = {
		.type = EVENT_EXCEPTION,
		.vector = e->exc_vector,
		.has_error = e->flags & MYHV_EVENT_EXCEPTION_ERROR,
		.error = e->flags & MYHV_EVENT_EXCEPTION_ERROR ? e->exc_error : 0,
		.soft = e->insn_length &&
			(e->exc_vector == X86_TRAP_BP || e->exc_vector == X86_TRAP_OF),
		.insn_length = e->insn_length,
	};

	if (e->flags & MYHV_EVENT_EXCEPTION_INJECTED) {
		event_requeue(ev, &event);
		return;
	}
	ev->exception = event;
	ev->exception_pending = true;
	ev->has_payload = e->flags & MYHV_EVENT_EXCEPTION_PAYLOAD;
	ev->payload = e->exc_payload;
}

static void set_cut_interrupt(struct event_state *ev, const struct myhv_state_events *e)
{
	bool soft = e->flags & MYHV_EVENT_INTERRUPT_SOFT;
	struct event event = {
		.type = soft ? EVENT_SOFT_INTERRUPT : EVENT_EXTERNAL_INTERRUPT,
		.vector = e->intr_vector,
		.insn_length = soft ? e->insn_length : 0,
	};

	event_requeue(ev, &event);
}

static void set_events(struct myhv_vcpu *vcpu, const struct myhv_state_events *e)
{
	static const struct event nmi = { .type = EVENT_NMI, .vector = X86_TRAP_NMI };
	struct event_state *ev = &vcpu->event;

	*ev = (struct event_state){
		.nmi_pending = e->flags & MYHV_EVENT_NMI_PENDING ? 1 : 0,
		.triple_fault = e->flags & MYHV_EVENT_TRIPLE_FAULT,
	};
	clear_bit(VCPU_REQ_NMI, &vcpu->requests);
	vcpu->user_irq_pending = false;
	if (e->flags & MYHV_EVENT_EXCEPTION)
		set_exception(ev, e);
	if (e->flags & MYHV_EVENT_INTERRUPT)
		set_cut_interrupt(ev, e);
	if (e->flags & MYHV_EVENT_NMI)
		event_requeue(ev, &nmi);
	backend->nmi_blocked_set(vcpu, e->flags & MYHV_EVENT_NMI_BLOCKED);
	backend->shadow_set(vcpu, e->flags & (MYHV_EVENT_SHADOW_STI | MYHV_EVENT_SHADOW_MOV_SS));
}

static void set_debug(struct myhv_vcpu *vcpu, const struct myhv_state_debug *d)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		dr_write(vcpu, i, d->dr[i]);
	dr_write(vcpu, 6, d->dr6);
	dr_write(vcpu, 7, d->dr7);
}

/* What the other parts must look at themselves. Undone when the second refuses. */
static int set_refusable(struct myhv_vcpu *vcpu, u32 groups, const struct myhv_vcpu_state *state)
{
	u64 old_base = vcpu->lapic ? lapic_base_get(vcpu) : 0;
	bool base = (groups & MYHV_STATE_CONTROL) && vcpu->lapic &&
		    state->control.apic_base != old_base;
	int ret;

	if (base) {
		ret = lapic_base_set(vcpu, state->control.apic_base, true);
		if (ret)
			return ret;
	}
	if (!(groups & MYHV_STATE_XSAVE))
		return 0;
	ret = host_fpu_set_image(vcpu, state->xsave, sizeof(state->xsave));
	if (ret && base)
		lapic_base_set(vcpu, old_base, true);
	return ret;
}

int vcpu_state_set(struct myhv_vcpu *vcpu, u32 groups, const struct myhv_vcpu_state *state)
{
	int ret;

	ret = check(vcpu, groups, state);
	if (!ret)
		ret = set_refusable(vcpu, groups, state);
	if (ret)
		return ret;
	if (groups & MYHV_STATE_GENERAL)
		set_general(vcpu, &state->general);
	if (groups & MYHV_STATE_SEGMENTS)
		vcpu_regs_dirty(vcpu, MYHV_STATE_SEGMENTS)->segments = state->segments;
	if (groups & MYHV_STATE_CONTROL)
		set_control(vcpu, &state->control);
	if (groups & MYHV_STATE_DEBUG)
		set_debug(vcpu, &state->debug);
	if (groups & MYHV_STATE_LAPIC)
		lapic_state_set(vcpu, &state->lapic);
	if (groups & MYHV_STATE_MSRS)
		set_msrs(vcpu, &state->msrs);
	if (groups & MYHV_STATE_EVENTS)
		set_events(vcpu, &state->events);
	if (groups & MYHV_STATE_MP)
		WRITE_ONCE(vcpu->mp_state, state->mp.state);
	return 0;
}
