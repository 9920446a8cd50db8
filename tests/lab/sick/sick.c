// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that harms the kernel it is loaded into, in the way that `how` names. The
 * lab's self test loads it to prove that a sick L1 does not go unnoticed.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

static char *how = "";
module_param(how, charp, 0);
MODULE_PARM_DESC(how, "oops, warn, atomic, lockup, hung, stuck or dead");

static int sick_hang(void *unused)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	return 0;
}

/* Nothing on this CPU will ever run again, no interrupt and no watchdog. */
static void sick_stop(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init sick_init(void)
{
	int *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	if (!strcmp(how, "oops")) {
		*nowhere = 1;
	} else if (!strcmp(how, "warn")) {
		WARN_ON(1);
	} else if (!strcmp(how, "atomic")) {
		preempt_disable();
		schedule_timeout_interruptible(1);
		preempt_enable();
	} else if (!strcmp(how, "lockup")) {
		preempt_disable();
		for (;;)
			cpu_relax();
	} else if (!strcmp(how, "hung")) {
		if (IS_ERR(kthread_run(sick_hang, NULL, "sick")))
			return -ENOMEM;
	} else if (!strcmp(how, "stuck")) {
		smp_call_function_single(num_online_cpus() - 1, sick_stop, NULL, 0);
	} else if (!strcmp(how, "dead")) {
		on_each_cpu(sick_stop, NULL, 0);
	}
	return 0;
}

static void __exit sick_exit(void)
{
}

module_init(sick_init);
module_exit(sick_exit);
MODULE_DESCRIPTION("Harms the kernel on purpose");
MODULE_LICENSE("GPL");
