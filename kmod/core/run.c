// SPDX-License-Identifier: GPL-2.0-only
/*
 * THE LOOP: from MYHV_VCPU_RUN to the guest and back. Read vcpu_run() first, then
 * run_burst(). vcpu->mutex is held throughout; nothing here knows the hardware.
 *
 * Other threads reach a running vCPU through vcpu->requests, the LAPIC's IRR and
 * slat.flush_gen. The order that makes it safe: they write first and read
 * vcpu->mode after (core/kick.c), we write vcpu->mode first and read theirs after.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "chip/chip.h"
#include "compat/compat.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "host/host.h"

/* ---- before an entry, where it may sleep ---- */

static int exit_interrupted(struct myhv_vcpu *vcpu)
{
	vcpu->exit->reason = MYHV_EXIT_INTR;
	return -EINTR;
}

/* INIT and SIPI (SDM "MP Initialization Protocol Algorithm"). */
static void take_startup_requests(struct myhv_vcpu *vcpu)
{
	struct vcpu_regs *regs;
	u8 vector;

	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_INIT)) {
		vcpu_reset(vcpu, true);
		WRITE_ONCE(vcpu->mp_state, vcpu->id == vcpu->vm->bsp_id ? MYHV_MP_RUNNABLE :
									  MYHV_MP_INIT_RECEIVED);
	}
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_SIPI) &&
	    vcpu->mp_state == MYHV_MP_INIT_RECEIVED) {
		vector = lapic_sipi_vector(vcpu);
		regs = vcpu_regs_dirty(vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS);
		regs->segments.seg[MYHV_SEG_CS].selector = vector << 8;
		regs->segments.seg[MYHV_SEG_CS].base = vector << 12;
		regs->general.rip = 0;
		WRITE_ONCE(vcpu->mp_state, MYHV_MP_RUNNABLE);
	}
}

/* KVM_HC_KICK_CPU. The kick may come before the HLT that it is to end. */
static void take_unhalt(struct myhv_vcpu *vcpu)
{
	if (vcpu->mp_state == MYHV_MP_HALTED)
		WRITE_ONCE(vcpu->mp_state, MYHV_MP_RUNNABLE);
	else
		vcpu->pv_unhalted = true;
}

/* 0, or -EINTR, or 1: vcpu->exit is filled for user space. */
static int take_requests(struct myhv_vcpu *vcpu)
{
	vcpu_test_and_clear_request(vcpu, VCPU_REQ_EVENT);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_NMI) && vcpu->event.nmi_pending < 2)
		vcpu->event.nmi_pending++;
	take_startup_requests(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_UNHALT))
		take_unhalt(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_CLOCK))
		pvclock_update(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_PV_EOI))
		pv_eoi_sync(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_MSR_FILTER))
		msr_filter_update(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_STIMER))
		synic_work(vcpu);
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_YIELD))
		vcpu_yield(vcpu);
	/* stays until user space takes some */
	if (test_bit(VCPU_REQ_DIRTY_FULL, &vcpu->requests)) {
		vcpu->exit->reason = MYHV_EXIT_DIRTY;
		return 1;
	}
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_TRIPLE_FAULT)) {
		vcpu->exit->reason = MYHV_EXIT_SHUTDOWN;
		return 1;
	}
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_EXIT_EOI)) {
		vcpu->exit->reason = MYHV_EXIT_EOI;
		vcpu->exit->eoi.vector = vcpu->pending_eoi;
		return 1;
	}
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_STEPPED)) {
		debug_stepped(vcpu);
		return 1;
	}
	if (vcpu_test_and_clear_request(vcpu, VCPU_REQ_KICK))
		return exit_interrupted(vcpu);
	return 0;
}

/* Does something end HLT? SDM "HLT—Halt": an interrupt or NMI if it may be taken, INIT. */
static bool halt_is_over(struct myhv_vcpu *vcpu)
{
	bool rflags_if = vcpu->regs.general.rflags & X86_EFLAGS_IF;

	if (event_ends_halt(&vcpu->event, rflags_if))
		return true;
	if (vcpu->event.nmi_pending && !backend->nmi_blocked_get(vcpu))
		return true;
	return rflags_if &&
	       (user_irq_waiting(vcpu) || (vcpu->lapic && lapic_has_wake_event(vcpu)));
}

static bool block_is_over(struct myhv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->run_page->immediate_exit) ||
	       READ_ONCE(vcpu->vm->broken) || signal_pending(current) ||
	       (vcpu->mp_state == MYHV_MP_HALTED && halt_is_over(vcpu));
}

/* Sleep until there is something to look at. */
static void vcpu_block(struct myhv_vcpu *vcpu)
{
	vcpu->stat.halts++;
	lapic_deadline_to_host(vcpu);
	prepare_to_rcuwait(&vcpu->wait);
	WRITE_ONCE(vcpu->mode, VCPU_HALTED);
	for (;;) {
		/* a full barrier: @mode is seen before we look for work */
		set_current_state(TASK_INTERRUPTIBLE);
		if (block_is_over(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
}

/* Without a PIC in the kernel: can user space inject now? */
static bool user_irq_ready(struct myhv_vcpu *vcpu)
{
	return (vcpu->regs.general.rflags & X86_EFLAGS_IF) && !vcpu->user_irq_pending &&
	       !event_any(&vcpu->event) && !backend->shadow_get(vcpu) &&
	       (!vcpu->lapic || lapic_accepts_pic(vcpu));
}

static bool user_irq_window_due(struct myhv_vcpu *vcpu)
{
	return vcpu->user_irqs && READ_ONCE(vcpu->run_page->request_irq_window) &&
	       user_irq_ready(vcpu);
}

/*
 * Do what waits, until the vCPU can enter the guest. 0; a negative errno to return
 * to user space; 1: vcpu->exit is filled.
 */
static int prepare_entry(struct myhv_vcpu *vcpu)
{
	int ret;

	for (;;) {
		if (unlikely(READ_ONCE(vcpu->vm->broken))) {
			vcpu->exit->reason = MYHV_EXIT_SHUTDOWN_VM;
			return -EIO;
		}
		if (unlikely(READ_ONCE(vcpu->requests))) {
			ret = take_requests(vcpu);
			if (ret)
				return ret;
		}
		if (unlikely(READ_ONCE(vcpu->run_page->immediate_exit)))
			return exit_interrupted(vcpu);
		if (unlikely(host_work_pending()) && host_work_do()) {
			vcpu->run_again = !task_sigpending(current);
			return exit_interrupted(vcpu);
		}
		if (unlikely(vcpu->event.triple_fault)) {
			vcpu->event.triple_fault = false;
			vcpu->exit->reason = MYHV_EXIT_SHUTDOWN;
			return 1;
		}
		if (unlikely(user_irq_window_due(vcpu))) {
			vcpu->exit->reason = MYHV_EXIT_IRQ_WINDOW;
			return 1;
		}
		if (likely(vcpu->mp_state == MYHV_MP_RUNNABLE))
			return 0;
		if (vcpu->mp_state == MYHV_MP_HALTED && halt_is_over(vcpu)) {
			WRITE_ONCE(vcpu->mp_state, MYHV_MP_RUNNABLE);
			return 0;
		}
		vcpu_block(vcpu);
	}
}

/* ---- inside a burst ---- */

/* IRQs off, vcpu->mode says VCPU_IN_GUEST: is there work that only vcpu_run() can do? */
static bool burst_must_end(struct myhv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->run_page->immediate_exit) ||
	       vcpu->mp_state != MYHV_MP_RUNNABLE || host_work_pending() ||
	       user_irq_window_due(vcpu);
}

/*
 * Enter the guest again and again, as long as exits can be handled without
 * sleeping and the host does not want the CPU.
 */
static enum exit_action run_burst(struct myhv_vcpu *vcpu)
{
	enum exit_action action = RESUME_GUEST;

	host_fpu_begin(vcpu);
	backend->burst_begin(vcpu);
	vcpu->in_burst = true;
	vcpu->running_cpu = smp_processor_id();

	do {
		local_irq_disable();
		/* pairs with smp_mb() in vcpu_kick() and slat_flush() */
		smp_store_mb(vcpu->mode, VCPU_IN_GUEST);
		if (unlikely(burst_must_end(vcpu)) || unlikely(!inject_for_entry(vcpu))) {
			WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
			local_irq_enable();
			break;
		}
		backend->enter(vcpu);
		WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
		local_irq_enable(); /* the interrupt that ended guest mode is taken here */

		vcpu->stat.exits++;
		if (unlikely(vcpu->pv_eoi_offered))
			pv_eoi_after_exit(vcpu);
		action = backend->handle_exit(vcpu);
	} while (action == RESUME_GUEST && !vcpu->hw_exit_intr && !host_softirq_pending());

	vcpu->in_burst = false;
	vcpu->last_cpu = vcpu->running_cpu;
	backend->burst_end(vcpu);
	host_fpu_end(vcpu);
	return action;
}

/* ---- to and from user space ---- */

/* Register groups that user space has changed in the run area. */
static int take_user_state(struct myhv_vcpu *vcpu)
{
	u32 dirty = READ_ONCE(vcpu->exit->state_dirty);

	if (likely(!dirty))
		return 0;
	if (dirty & ~MYHV_STATE_SYNC)
		return -EINVAL;
	if (!vcpu->state_copy)
		vcpu->state_copy = kvzalloc(sizeof(*vcpu->state_copy), GFP_KERNEL_ACCOUNT);
	if (!vcpu->state_copy)
		return -ENOMEM;
	/* user space may write to the run area at any moment: check what we use */
	memcpy(vcpu->state_copy, vcpu->state, offsetof(struct myhv_vcpu_state, lapic));
	WRITE_ONCE(vcpu->exit->state_dirty, 0);
	return vcpu_state_set(vcpu, dirty, vcpu->state_copy);
}

static void publish_exit(struct myhv_vcpu *vcpu)
{
	struct myhv_exit *exit = vcpu->exit;
	u32 wanted = READ_ONCE(exit->state_wanted) & MYHV_STATE_SYNC;

	exit->rip = vcpu->regs.general.rip;
	exit->flags = vcpu->regs.general.rflags & X86_EFLAGS_IF ? MYHV_EXIT_IF : 0;
	if (vcpu->lapic) {
		exit->cr8 = lapic_cr8_get(vcpu);
		exit->apic_base = lapic_base_get(vcpu);
	} else {
		exit->cr8 = vcpu->regs.control.cr8; /* never the hardware's, so always valid */
		exit->apic_base = vcpu->regs.control.apic_base;
	}
	if (vcpu->user_irqs && user_irq_ready(vcpu))
		exit->flags |= MYHV_EXIT_IRQ_READY;
	if (vcpu->run_again)
		exit->flags |= MYHV_EXIT_AGAIN;
	exit->state_valid = 0;
	if (wanted && !vcpu_state_get(vcpu, wanted, vcpu->state))
		exit->state_valid = wanted;
	vcpu->stat.user_exits++;
}

/* Finish the exit that went to user space last time: the data of an IN, of an MMIO read ... */
static enum exit_action complete_user_exit(struct myhv_vcpu *vcpu)
{
	vcpu_complete_fn complete = vcpu->complete;

	if (!complete)
		return RESUME_GUEST;
	vcpu->complete = NULL;
	return complete(vcpu);
}

/**
 * vcpu_run() - MYHV_VCPU_RUN
 * @vcpu: vcpu->mutex is held
 *
 * Return: 0 with vcpu->exit filled, or a negative errno (see the uapi).
 */
long vcpu_run(struct myhv_vcpu *vcpu)
{
	enum exit_action action;
	long ret;

	ret = take_user_state(vcpu);
	if (ret)
		return ret;
	vcpu->has_run = true;
	vcpu->run_result = 0;
	vcpu->run_again = false;
	rcu_assign_pointer(vcpu->runner, current);

	action = complete_user_exit(vcpu);
	while (action == RESUME_GUEST) {
		ret = prepare_entry(vcpu);
		if (ret) {
			vcpu->run_result = min(ret, 0L);
			break;
		}
		action = run_burst(vcpu);
		if (action == EXIT_TO_USER)
			break;
		cond_resched(); /* a guest that never sleeps is no user mode to RCU */
		if (action == EXIT_NEEDS_SLEEP)
			action = backend->handle_exit(vcpu);
	}
	RCU_INIT_POINTER(vcpu->runner, NULL);
	if (unlikely(vcpu->pv_eoi_offered))
		pv_eoi_sync(vcpu);
	publish_exit(vcpu);
	return vcpu->run_result;
}
