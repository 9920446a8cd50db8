/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes that wait for user space in a ring: core/coalesced.c. */
#ifndef MYHV_CORE_COALESCED_H
#define MYHV_CORE_COALESCED_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct myhv_coalesce;
struct myhv_vm;
struct page;

/**
 * struct coalesced_state - the ring of a VM
 * @page: struct myhv_coalesced_ring; also of each vCPU's run area
 * @lock: whoever adds to the ring; a vCPU's thread, innermost
 * @zones: the ranges, under vm->lock
 */
struct coalesced_state {
	struct page *page;
	spinlock_t lock;
	struct list_head zones;
};

int coalesced_init(struct myhv_vm *vm);
/* No vCPU runs any more, the buses are freed. */
void coalesced_destroy(struct myhv_vm *vm);
int coalesced_set(struct myhv_vm *vm, const struct myhv_coalesce *args);

#endif /* MYHV_CORE_COALESCED_H */
