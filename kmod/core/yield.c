// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that spins waits for another one: with more vCPUs than host CPUs, perhaps for one that
 * was preempted with a lock held. It gives its CPU to a vCPU of the same VM that wants to run,
 * to each in turn. Which one it waits for nobody knows.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include "core/vcpu.h"

/* Has a thread that is neither asleep in HLT, in guest mode, nor in user space. */
static struct task_struct *waiting_thread(struct myhv_vcpu *vcpu)
{
	struct task_struct *task;

	if (READ_ONCE(vcpu->mode) != VCPU_OUTSIDE)
		return NULL;
	rcu_read_lock();
	task = rcu_dereference(vcpu->runner);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/* True: somebody has run, or there is no use in trying. */
static bool yield_among(struct myhv_vcpu *self, unsigned long first, unsigned long last)
{
	struct myhv_vm *vm = self->vm;
	struct task_struct *task;
	struct myhv_vcpu *vcpu;
	unsigned long id;
	int ret;

	xa_for_each_range(&vm->vcpus, id, vcpu, first, last) {
		if (vcpu == self)
			continue;
		task = waiting_thread(vcpu);
		if (!task)
			continue;
		/* 0: it has a CPU; -ESRCH: nobody waits, there or here */
		ret = yield_to(task, true);
		put_task_struct(task);
		if (ret > 0)
			WRITE_ONCE(vm->last_yielded_to, id);
		if (ret)
			return true;
	}
	return false;
}

/* Inside a burst, whose end costs something. */
bool vcpu_may_yield(struct myhv_vcpu *self)
{
	struct myhv_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&self->vm->vcpus, id, vcpu)
		if (vcpu != self && READ_ONCE(vcpu->mode) == VCPU_OUTSIDE &&
		    rcu_access_pointer(vcpu->runner))
			return true;
	return false;
}

void vcpu_yield(struct myhv_vcpu *vcpu)
{
	unsigned long last = READ_ONCE(vcpu->vm->last_yielded_to);

	if (!yield_among(vcpu, last + 1, ULONG_MAX))
		yield_among(vcpu, 0, last);
}
