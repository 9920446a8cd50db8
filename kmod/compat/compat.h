/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows kernel versions. The rest is written for the newest kernel;
 * what older ones lack or call otherwise is put right here.
 */
#ifndef MYHV_COMPAT_H
#define MYHV_COMPAT_H

#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/thread_info.h>

/*
 * Work that the kernel does on the way back to user space. The kernel's own helper for guest
 * entries differs from version to version and wants KVM's vCPU in some, so the
 * flags are read here. What needs the real way back (task work, rseq after a
 * preemption) sends the vCPU's thread to user space with EINTR.
 */
#ifdef _TIF_NEED_RESCHED_LAZY
#define HOST_WORK_RESCHED (_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)
#else
#define HOST_WORK_RESCHED _TIF_NEED_RESCHED
#endif
#ifdef _TIF_RSEQ
#define HOST_WORK_USER (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME | _TIF_RSEQ)
#else
#define HOST_WORK_USER (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME)
#endif

static inline bool host_work_pending(void)
{
	return read_thread_flags() & (HOST_WORK_RESCHED | HOST_WORK_USER);
}

/* May sleep. True: go to user space. */
static inline bool host_work_do(void)
{
	if (read_thread_flags() & HOST_WORK_USER)
		return true;
	schedule();
	return false;
}

/*
 * Newer kernels keep softirqs off inside a kernel_fpu section: one that is
 * pending there waits for its end.
 */
static inline bool host_softirq_pending(void)
{
	return softirq_count() && local_softirq_pending();
}

#endif /* MYHV_COMPAT_H */
