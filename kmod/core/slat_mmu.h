/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VM's second-level tables in the kernel: page allocation, faults, and
 * following the host's memory by MMU notifiers (swap, KSM, THP, munmap). The table
 * walking itself is model/slat.c.
 *
 * Faults install under the read side of @lock after checking @notifier_seq, notifiers and
 * slot changes remove under the write side and flush before they return.
 */
#ifndef MYHV_CORE_SLAT_MMU_H
#define MYHV_CORE_SLAT_MMU_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include "slat.h"

struct myhv_vm;
struct myhv_vcpu;

struct slat_mmu {
	rwlock_t lock;
	u64 *root;		/* top table, lives as long as the VM */
	phys_addr_t root_hpa;
	/*
	 * Raised under the write side of @lock whenever something was removed or
	 * narrowed; a vCPU flushes when its slat_gen differs.
	 */
	atomic64_t flush_gen;
	/* invalidation under way: [start, end) of hva; a fault there retries */
	unsigned long notifier_seq;
	long notifier_count;
	unsigned long notifier_start;
	unsigned long notifier_end;
	/* statistics, atomic */
	atomic_long_t table_pages;
	atomic_long_t mapped[3]; /* leaves of 4 KiB, 2 MiB, 1 GiB */
};

int slat_mmu_init(struct myhv_vm *vm);
void slat_mmu_destroy(struct myhv_vm *vm);

/* What a fault came to. */
enum slat_fault_result {
	SLAT_FAULT_DONE,     /* mapped: enter again */
	SLAT_FAULT_MMIO,     /* no memory there, or a write to read-only memory */
	SLAT_FAULT_NO_MEMORY, /* the host's mapping is bad: EFAULT */
	SLAT_FAULT_RETRY,    /* an invalidation or a signal came between: enter again */
	SLAT_FAULT_SLEEP,    /* inside a burst: cannot be done without sleeping */
};

/*
 * Handle a second-level fault at @gpa; @access SLAT_READ/WRITE/EXEC. vCPU thread, may
 * sleep unless vcpu->in_burst.
 */
enum slat_fault_result slat_fault(struct myhv_vcpu *vcpu, u64 gpa, u32 access);

/* Remove or write-protect the leaves of a guest-physical range, flush. mem.lock held; sleeps. */
void slat_unmap_range(struct myhv_vm *vm, u64 gpa, u64 nr_pages);
void slat_write_protect_range(struct myhv_vm *vm, u64 gpa, u64 nr_pages);
/* Raise flush_gen and make every vCPU take notice before it returns. IRQs on. */
void slat_flush(struct myhv_vm *vm);

/* Follow the process's memory. core/mem_notifier.c */
int mem_notifier_attach(struct myhv_vm *vm);
void mem_notifier_detach(struct myhv_vm *vm);

#endif /* MYHV_CORE_SLAT_MMU_H */
