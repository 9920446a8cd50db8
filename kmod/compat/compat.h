/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows kernel versions. The rest is written for the newest kernel;
 * what older ones lack or call otherwise is put right here.
 */
#ifndef MYHV_COMPAT_H
#define MYHV_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/thread_info.h>
#include <linux/version.h>
#include <asm/cpufeatures.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>

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

/* CPUID moved out of asm/processor.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/* Kernels that do not know it cannot say that a CPU has it. */
#ifndef X86_BUG_RFDS
#define X86_BUG_RFDS X86_BUG_MDS
#endif

/* MSRs by 64-bit value; the names ended in l before 6.16. */
#ifndef rdmsrq
#define rdmsrq rdmsrl
#define wrmsrq wrmsrl
#define rdmsrq_safe rdmsrl_safe
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define eventfd_signal(ctx) eventfd_signal(ctx, 1)
#endif

/* What MMU notifiers answer about young pages. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
typedef bool mmu_young_t;
#else
typedef int mmu_young_t;
#endif

/* Lets a fault be interrupted by any signal; older kernels wait for a fatal one. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define FOLL_INTERRUPTIBLE 0
#endif

/*
 * A vector whose handler only acknowledges it; for posted interrupts. 0: this kernel has none, as
 * it was built without KVM.
 */
#if IS_ENABLED(CONFIG_KVM)
#define HOST_POSTED_VECTOR POSTED_INTR_VECTOR
#else
#define HOST_POSTED_VECTOR 0
#endif

#endif /* MYHV_COMPAT_H */
