/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest-physical address space: regions that map to addresses of the
 * monitor's process. Readers (faults, guest memory access) use SRCU (vm->srcu); writers build a new
 * sorted array under mem.lock.
 */
#ifndef MYHV_CORE_MEMSLOT_H
#define MYHV_CORE_MEMSLOT_H

#include <linux/mutex.h>
#include <linux/types.h>
#include "myhv.h"

struct myhv_vm;

struct memslot {
	u64 gpa;
	u64 nr_pages;
	u64 hva;
	u32 flags;		/* MYHV_MEM_* */
	unsigned long *dirty;	/* bitmap of nr_pages, or NULL; set with set_bit */
};

struct memslots {
	unsigned int count;
	struct memslot *slot[]; /* sorted by gpa, none overlap */
};

struct memslots_state {
	struct mutex lock;
	struct memslots __rcu *slots;
	u64 nr_pages;	/* sum, for sysfs */
};

int memslots_init(struct myhv_vm *vm);
void memslots_destroy(struct myhv_vm *vm);

/* MYHV_MEM_UPDATE with the array already copied in: all or nothing. */
int memslots_update(struct myhv_vm *vm, const struct myhv_mem_op *ops, u32 count);
/* MYHV_MEM_DIRTY */
int memslots_dirty(struct myhv_vm *vm, const struct myhv_mem_dirty *args);

/* The slot with @gpa, or NULL. vm->srcu or mem.lock held. */
struct memslot *memslot_find(struct myhv_vm *vm, u64 gpa);
/* Note a write by ourselves. vm->srcu held. */
static inline u64 memslot_hva(const struct memslot *slot, u64 gpa)
{
	return slot->hva + (gpa - slot->gpa);
}
void memslot_mark_dirty(struct memslot *slot, u64 gpa);

#endif /* MYHV_CORE_MEMSLOT_H */
