/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VM's second-level tables in the kernel: page allocation, faults, removal and
 * flushing. The table walking itself is model/slat.c; what the host does with the memory
 * comes in through core/mem_notifier.c. docs/memory.md tells why no mapping is ever stale.
 */
#ifndef MYHV_CORE_SLAT_MMU_H
#define MYHV_CORE_SLAT_MMU_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include "slat.h"

struct myhv_vm;
struct myhv_vcpu;

struct slat_mmu {
	/*
	 * Read side: install leaves and tables, side by side, by cmpxchg. Write side:
	 * remove or narrow. Taken with IRQs on, never from an interrupt.
	 */
	rwlock_t lock;
	u64 *root; /* top table, lives as long as the VM */
	phys_addr_t root_hpa;
	/*
	 * Raised under the write side of @lock whenever something was removed or narrowed; a
	 * vCPU whose slat_gen differs flushes before it enters. @flushed_gen: what every
	 * vCPU is known to have flushed or left guest mode for.
	 */
	atomic64_t flush_gen;
	atomic64_t flushed_gen;
	/*
	 * Regions: written under the write side. While @slots_busy nothing is installed; a
	 * fault that began before @slots_seq moved starts again.
	 */
	unsigned long slots_seq;
	bool slots_busy;
	/* Some region logs writes. Set before the first page of it is protected. */
	bool logging;
	/* statistics */
	atomic_long_t table_pages;
	atomic_long_t mapped[3]; /* leaves of 4 KiB, 2 MiB, 1 GiB */
};

int slat_mmu_init(struct myhv_vm *vm);
void slat_mmu_destroy(struct myhv_vm *vm);

/* Tables that a vCPU's faults may use where nothing can be allocated. */
#define SLAT_CACHE_PAGES 16
struct slat_cache {
	unsigned int count;
	struct page *page[SLAT_CACHE_PAGES];
};
void slat_cache_free(struct slat_cache *cache);

/* What a fault came to. */
enum slat_fault_result {
	SLAT_FAULT_DONE,      /* mapped: enter again */
	SLAT_FAULT_MMIO,      /* no memory there, or a write to read-only memory */
	SLAT_FAULT_NO_MEMORY, /* the host's mapping is bad: EFAULT */
	SLAT_FAULT_RETRY,     /* an invalidation or a signal came between: enter again */
	SLAT_FAULT_SLEEP,     /* inside a burst: cannot be done without sleeping */
};

/*
 * Handle a second-level fault at @gpa; @access SLAT_READ/WRITE/EXEC. vCPU thread, may
 * sleep unless vcpu->in_burst.
 */
enum slat_fault_result slat_fault(struct myhv_vcpu *vcpu, u64 gpa, u32 access);

/*
 * Map one page of ours at @gpa, readable and writable, if no region is there. vCPU thread, may
 * sleep unless vcpu->in_burst. SLAT_FAULT_MMIO: there is one.
 */
enum slat_fault_result slat_map_page(struct myhv_vcpu *vcpu, u64 gpa, u64 hpa);

/*
 * One removal, from its beginning to its end. Between begin and end any number of ranges
 * may be unmapped or write-protected; what was removed may be reused after end only.
 */
struct slat_change {
	struct myhv_vm *vm;
	struct page *retired; /* tables, chained; freed after the flush */
	bool may_sleep;
};
void slat_change_begin(struct slat_change *c, struct myhv_vm *vm, bool may_sleep);
void slat_change_unmap(struct slat_change *c, u64 gpa, u64 end);
void slat_change_protect(struct slat_change *c, u64 gpa, u64 end);
/* Log the next write to each page again: protects, or lets the CPU log it (PML). */
void slat_change_log(struct slat_change *c, u64 gpa, u64 end);
void slat_change_end(struct slat_change *c);

/*
 * While the regions change: faults wait (they enter and fault again) between block and
 * unblock, and those under way start again. mem.lock held.
 */
void slat_slots_block(struct myhv_vm *vm);
void slat_slots_unblock(struct myhv_vm *vm);
/* Accessed bits of [@gpa, @end), see slat_test_accessed(). Does not sleep. */
bool slat_young(struct myhv_vm *vm, u64 gpa, u64 end, bool clear);

#endif /* MYHV_CORE_SLAT_MMU_H */
