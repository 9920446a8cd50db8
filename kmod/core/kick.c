// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling a vCPU that there is work. The protocol (vcpu->mode, core/run.c):
 *
 *	other thread			vCPU thread, IRQs off
 *	------------			---------------------
 *	write: request, IRR, flush_gen	write: mode = VCPU_IN_GUEST
 *	full barrier			full barrier (smp_store_mb)
 *	read: mode			read: requests, IRR, flush_gen
 *	IN_GUEST: IPI			enter only if there was nothing
 *
 * One of the two always sees the other's write. The IPI is sent with IRQs off over
 * there, so it arrives in guest mode (and ends it) or right after. Going to sleep is the same
 * with VCPU_HALTED, set_current_state() and rcuwait_wake_up().
 */
#include <linux/cpumask.h>
#include <linux/rcuwait.h>
#include <linux/smp.h>
#include <asm/smp.h>
#include "core/kick.h"
#include "core/vcpu.h"

/* CPUs to interrupt; in use with preemption off, by one caller per CPU. */
static DEFINE_PER_CPU(cpumask_var_t, kick_mask);

/*
 * The reschedule interrupt does nothing but end guest mode; unlike a function call it
 * may be sent from any context, and nothing is left behind that a dying vCPU must wait
 * for. Preemption off keeps the CPU from going offline between the check and the send.
 */
static void interrupt_cpu(int cpu)
{
	if (cpu != smp_processor_id() && cpu_online(cpu))
		(smp_ops.smp_send_reschedule)(cpu); /* a macro has that name too */
}

/* @interrupt: what to do to a CPU in guest mode */
static void kick(struct myhv_vcpu *vcpu, void (*interrupt)(int cpu))
{
	/* pairs with smp_store_mb() in run_burst() and set_current_state() in vcpu_block() */
	smp_mb();
	switch (READ_ONCE(vcpu->mode)) {
	case VCPU_OUTSIDE:
		break;
	case VCPU_IN_GUEST:
		preempt_disable();
		interrupt(READ_ONCE(vcpu->running_cpu));
		preempt_enable();
		break;
	case VCPU_HALTED:
		rcuwait_wake_up(&vcpu->wait);
		break;
	}
}

/**
 * vcpu_kick() - let the vCPU notice what was posted before
 * @vcpu: alive as long as its VM
 *
 * Any context, hard interrupts too.
 */
void vcpu_kick(struct myhv_vcpu *vcpu)
{
	kick(vcpu, interrupt_cpu);
}

void vcpu_kick_posted(struct myhv_vcpu *vcpu)
{
	kick(vcpu, backend->posted_notify);
}

void vcpu_request(struct myhv_vcpu *vcpu, unsigned int req)
{
	/* what comes with the request is visible first; pairs in vcpu_test_and_clear_request() */
	smp_mb__before_atomic();
	set_bit(req, &vcpu->requests);
	vcpu_kick(vcpu);
}

static void kick_ack(void *unused)
{
}

/**
 * vm_kick_all_sync() - every vCPU notices what was written before
 * @vm: the VM
 *
 * On return each vCPU that was in guest mode has left it; at its next entry it sees
 * the caller's writes. May be called with spinlocks held, IRQs on.
 */
void vm_kick_all_sync(struct myhv_vm *vm)
{
	struct myhv_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long id;

	lockdep_assert_irqs_enabled();
	preempt_disable();
	mask = this_cpu_cpumask_var_ptr(kick_mask);
	cpumask_clear(mask);
	/* pairs with smp_store_mb() in run_burst() */
	smp_mb();
	xa_for_each(&vm->vcpus, id, vcpu)
		if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST)
			cpumask_set_cpu(READ_ONCE(vcpu->running_cpu), mask);
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, kick_ack, NULL, true);
	preempt_enable();
}

int kick_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(per_cpu_ptr(&kick_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			kick_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void kick_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(kick_mask, cpu));
}
