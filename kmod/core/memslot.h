/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest-physical address space: regions that map to addresses of the
 * monitor's process. Readers (faults, guest memory access) use SRCU (vm->srcu); writers build a new
 * sorted array under mem.lock.
 */
#ifndef MYHV_CORE_MEMSLOT_H
#define MYHV_CORE_MEMSLOT_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include "myhv.h"

struct myhv_vm;
struct myhv_vcpu;

/* Dirty bits of a region, one per page. It outlives the memslot that a change replaces. */
struct dirty_log {
	refcount_t users;
	unsigned long bits[];
};

/**
 * struct memslot - one region; immutable but for the bits of @dirty
 * @gpa: @hva: @nr_pages: what is mapped where
 * @flags: MYHV_MEM_READONLY
 * @dirty: NULL when writes are not logged
 * @in_use: @created: belong to the writer: part of the new array; chain of new ones
 */
struct memslot {
	u64 gpa;
	u64 nr_pages;
	u64 hva;
	u32 flags;
	bool in_use;
	struct dirty_log *dirty;
	struct memslot *created;
};

struct memslots {
	unsigned int count;
	struct memslot *slot[]; /* sorted by gpa, none overlap */
};

struct memslots_state {
	struct mutex lock;
	struct memslots __rcu *slots;
	u64 nr_pages;		 /* sum, for sysfs; READ_ONCE */
	unsigned int nr_logging; /* slots with a dirty log */
};

int memslots_init(struct myhv_vm *vm);
void memslots_destroy(struct myhv_vm *vm);

/* MYHV_MEM_UPDATE with the array already copied in and checked: all or nothing. */
int memslots_update(struct myhv_vm *vm, const struct myhv_mem_op *ops, u32 count);
/* MYHV_MEM_DIRTY, checked; core/dirty_log.c */
int memslots_dirty(struct myhv_vm *vm, const struct myhv_mem_dirty *args);

/* The slot with @gpa, or NULL. vm->srcu or mem.lock held. */
struct memslot *memslot_find(struct myhv_vm *vm, u64 gpa);

static inline u64 memslot_end(const struct memslot *slot)
{
	return slot->gpa + slot->nr_pages * 4096;
}

static inline u64 memslot_hva(const struct memslot *slot, u64 gpa)
{
	return slot->hva + (gpa - slot->gpa);
}

/* Note a write of the guest, or by ourselves. vm->srcu or vm->slat.lock held. vCPU thread */
void memslot_mark_dirty(struct myhv_vcpu *vcpu, struct memslot *slot, u64 gpa);

/*
 * core/dirty_log.c: the list of one vCPU; vcpu->mutex held. What a single exit may add to it,
 * beyond the limit that is looked at before every entry.
 */
#define DIRTY_LIST_MORE (64 + 512) /* what a CPU notes before it exits (PML) */
#define DIRTY_LIST_MAX 65536
void dirty_list_add(struct myhv_vcpu *vcpu, u64 gpa);
int dirty_list_take(struct myhv_vcpu *vcpu, struct myhv_dirty_list *args);

/* For core/dirty_log.c, mem.lock held: start or stop logging the region at @gpa. */
int memslot_set_logging(struct myhv_vm *vm, u64 gpa, bool on);

#endif /* MYHV_CORE_MEMSLOT_H */
