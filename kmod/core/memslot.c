// SPDX-License-Identifier: GPL-2.0-only
/*
 * The regions of a VM. A change builds a whole new array (mem.lock), then
 *
 *	blocks faults -> removes and flushes what goes -> publishes -> lets faults go on,
 *
 * so that no vCPU sees old and new side by side, and the notifiers find every region that may
 * still be mapped in the published array. Memslots never change once published: a
 * new one takes over the dirty log of the one that it replaces.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include "core/vcpu.h"

/* ---- one memslot ---- */

static struct dirty_log *dirty_log_alloc(u64 nr_pages)
{
	struct dirty_log *log;

	log = kvzalloc(struct_size(log, bits, BITS_TO_LONGS(nr_pages)), GFP_KERNEL_ACCOUNT);
	if (log)
		refcount_set(&log->users, 1);
	return log;
}

static void memslot_free(struct memslot *slot)
{
	if (slot->dirty && refcount_dec_and_test(&slot->dirty->users))
		kvfree(slot->dirty);
	kfree(slot);
}

void memslot_mark_dirty(struct myhv_vcpu *vcpu, struct memslot *slot, u64 gpa)
{
	u64 page = (gpa - slot->gpa) >> PAGE_SHIFT;

	/* most writes find the bit set: spare them the locked access */
	if (slot->dirty && !test_bit(page, slot->dirty->bits) &&
	    !test_and_set_bit(page, slot->dirty->bits) && unlikely(vcpu->dirty.pages))
		dirty_list_add(vcpu, gpa & PAGE_MASK);
}

/* Index of the first region that ends above @gpa; count when there is none. */
static unsigned int memslots_search(const struct memslots *slots, u64 gpa)
{
	unsigned int lo = 0, hi = slots->count;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (memslot_end(slots->slot[mid]) <= gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct memslot *memslots_find(const struct memslots *slots, u64 gpa)
{
	unsigned int i = memslots_search(slots, gpa);

	return i < slots->count && slots->slot[i]->gpa <= gpa ? slots->slot[i] : NULL;
}

static struct memslots *memslots_current(struct myhv_vm *vm)
{
	return rcu_dereference_protected(vm->mem.slots, lockdep_is_held(&vm->mem.lock));
}

struct memslot *memslot_find(struct myhv_vm *vm, u64 gpa)
{
	return memslots_find(srcu_dereference_check(vm->mem.slots, &vm->srcu,
						    lockdep_is_held(&vm->mem.lock)),
			     gpa);
}

/* ---- a change being built ---- */

struct memslots_edit {
	struct memslots *new;
	unsigned int max;
	struct memslot *created; /* all that were made, whether or not they survive */
};

static int edit_insert(struct memslots_edit *e, struct memslot *slot)
{
	unsigned int i = memslots_search(e->new, slot->gpa);

	if (i < e->new->count && e->new->slot[i]->gpa < memslot_end(slot))
		return -EEXIST;
	if (e->new->count == e->max)
		return -ENOSPC;
	memmove(&e->new->slot[i + 1], &e->new->slot[i],
		(e->new->count - i) * sizeof(e->new->slot[0]));
	e->new->slot[i] = slot;
	e->new->count++;
	return 0;
}

static void edit_remove(struct memslots_edit *e, unsigned int i)
{
	e->new->count--;
	memmove(&e->new->slot[i], &e->new->slot[i + 1],
		(e->new->count - i) * sizeof(e->new->slot[0]));
}

/* A memslot like @old (or empty) with @flags; MYHV_MEM_LOG_DIRTY asks for a log. */
static struct memslot *edit_create(struct memslots_edit *e, const struct memslot *like, u32 flags)
{
	struct memslot *slot = kmemdup(like, sizeof(*like), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->flags = flags & MYHV_MEM_READONLY;
	if (!(flags & MYHV_MEM_LOG_DIRTY)) {
		slot->dirty = NULL;
	} else if (slot->dirty) {
		refcount_inc(&slot->dirty->users);
	} else {
		slot->dirty = dirty_log_alloc(slot->nr_pages);
		if (!slot->dirty) {
			kfree(slot);
			return NULL;
		}
	}
	slot->created = e->created;
	e->created = slot;
	return slot;
}

/* The place of exactly this region, or -ENOENT. */
static int edit_find(struct memslots_edit *e, u64 gpa, u64 bytes)
{
	unsigned int i = memslots_search(e->new, gpa);

	if (i < e->new->count && e->new->slot[i]->gpa == gpa &&
	    e->new->slot[i]->nr_pages == bytes >> PAGE_SHIFT)
		return i;
	return -ENOENT;
}

static int edit_map(struct memslots_edit *e, const struct myhv_mem_op *op)
{
	struct memslot like = {
		.gpa = op->gpa,
		.nr_pages = op->bytes >> PAGE_SHIFT,
		.hva = op->hva,
	};
	struct memslot *slot = edit_create(e, &like, op->flags);

	return slot ? edit_insert(e, slot) : -ENOMEM;
}

static int edit_replace(struct memslots_edit *e, int i, u64 new_gpa, u32 flags)
{
	struct memslot like = *e->new->slot[i];
	struct memslot *slot;

	like.gpa = new_gpa;
	slot = edit_create(e, &like, flags);
	if (!slot)
		return -ENOMEM;
	edit_remove(e, i);
	return edit_insert(e, slot);
}

static int edit_apply(struct memslots_edit *e, const struct myhv_mem_op *op)
{
	const struct memslot *slot;
	int i;

	if (op->op == MYHV_MEM_MAP)
		return edit_map(e, op);

	i = edit_find(e, op->gpa, op->bytes);
	if (i < 0)
		return i;
	slot = e->new->slot[i];
	switch (op->op) {
	case MYHV_MEM_UNMAP:
		edit_remove(e, i);
		return 0;
	case MYHV_MEM_PROTECT:
		return edit_replace(e, i, slot->gpa, op->flags);
	case MYHV_MEM_MOVE:
		return edit_replace(e, i, op->new_gpa,
				    slot->flags | (slot->dirty ? MYHV_MEM_LOG_DIRTY : 0));
	}
	return -EINVAL;
}

/* ---- putting it in force ---- */

/* What the tables hold of @old: keep it, narrow it or remove it. */
static void change_old_slot(struct slat_change *c, const struct memslot *old,
			    const struct memslots *new)
{
	const struct memslot *now = memslots_find(new, old->gpa);

	if (now == old)
		return;
	/* after logging: what was mapped by small pages may come back by large ones */
	if (!now || now->gpa != old->gpa || now->nr_pages != old->nr_pages ||
	    now->hva != old->hva || (old->dirty && !now->dirty))
		slat_change_unmap(c, old->gpa, memslot_end(old));
	else if ((now->flags & ~old->flags & MYHV_MEM_READONLY) || (now->dirty && !old->dirty))
		slat_change_protect(c, old->gpa, memslot_end(old));
}

/* Two arrays: both start with the same @first slots, and end with the same @last of them. */
struct memslots_diff {
	unsigned int first;
	unsigned int last;
};

static struct memslots_diff memslots_compare(const struct memslots *a, const struct memslots *b)
{
	unsigned int most = min(a->count, b->count);
	struct memslots_diff d = { 0 };

	while (d.first < most && a->slot[d.first] == b->slot[d.first])
		d.first++;
	while (d.last < most - d.first &&
	       a->slot[a->count - 1 - d.last] == b->slot[b->count - 1 - d.last])
		d.last++;
	return d;
}

/* Count in or out what only one of the arrays has. */
static void count_slots(struct myhv_vm *vm, struct memslots *slots, const struct memslots_diff *d,
			bool in)
{
	for (unsigned int i = d->first; i < slots->count - d->last; i++) {
		struct memslot *slot = slots->slot[i];
		u64 pages = in ? slot->nr_pages : -slot->nr_pages;

		slot->in_use = in;
		WRITE_ONCE(vm->mem.nr_pages, vm->mem.nr_pages + pages);
		if (slot->dirty)
			vm->mem.nr_logging += in ? 1 : -1;
	}
}

static void memslots_commit(struct myhv_vm *vm, struct memslots_edit *e)
{
	struct memslots *old = memslots_current(vm);
	const struct memslots_diff d = memslots_compare(old, e->new);
	struct memslot *slot, *next;
	struct slat_change c;
	unsigned int i;

	for (slot = e->created; slot; slot = slot->created)
		slot->in_use = false;
	count_slots(vm, old, &d, false);
	count_slots(vm, e->new, &d, true);

	WRITE_ONCE(vm->slat.logging, vm->mem.nr_logging != 0);
	slat_slots_block(vm);
	slat_change_begin(&c, vm, true);
	for (i = d.first; i < old->count - d.last; i++)
		change_old_slot(&c, old->slot[i], e->new);
	/* a page of ours may be there (slat_map_page()), which a new region must not find */
	if (memslots_find(e->new, APIC_DEFAULT_PHYS_BASE) &&
	    !memslots_find(old, APIC_DEFAULT_PHYS_BASE))
		slat_change_unmap(&c, APIC_DEFAULT_PHYS_BASE, APIC_DEFAULT_PHYS_BASE + PAGE_SIZE);
	slat_change_end(&c);
	rcu_assign_pointer(vm->mem.slots, e->new);
	slat_slots_unblock(vm);

	/* accesses through the process's addresses (core/guest_mem.c) end here */
	synchronize_srcu_expedited(&vm->srcu);
	for (i = d.first; i < old->count - d.last; i++)
		if (!old->slot[i]->in_use)
			memslot_free(old->slot[i]);
	kvfree(old);
	for (slot = e->created; slot; slot = next) {
		next = slot->created;
		slot->created = NULL;
		if (!slot->in_use)
			memslot_free(slot);
	}
}

static int edit_begin(struct memslots_edit *e, struct myhv_vm *vm, unsigned int more)
{
	const struct memslots *old = memslots_current(vm);

	e->created = NULL;
	e->max = min(old->count + more, (unsigned int)MYHV_MAX_MEM_REGIONS);
	e->new = kvmalloc(struct_size(e->new, slot, e->max), GFP_KERNEL_ACCOUNT);
	if (!e->new)
		return -ENOMEM;
	e->new->count = old->count;
	memcpy(e->new->slot, old->slot, old->count * sizeof(old->slot[0]));
	return 0;
}

static void edit_abort(struct memslots_edit *e)
{
	struct memslot *slot, *next;

	for (slot = e->created; slot; slot = next) {
		next = slot->created;
		memslot_free(slot);
	}
	kvfree(e->new);
}

/**
 * memslots_update() - MYHV_MEM_UPDATE
 * @vm: the caller's process owns it
 * @ops: checked, but for what depends on the regions that exist
 * @count: at least one
 */
int memslots_update(struct myhv_vm *vm, const struct myhv_mem_op *ops, u32 count)
{
	struct memslots_edit e;
	u32 i;
	int ret;

	mutex_lock(&vm->mem.lock);
	ret = edit_begin(&e, vm, count);
	if (ret)
		goto unlock;
	for (i = 0; i < count && !ret; i++)
		ret = edit_apply(&e, &ops[i]);
	if (ret)
		edit_abort(&e);
	else
		memslots_commit(vm, &e);
unlock:
	mutex_unlock(&vm->mem.lock);
	return ret;
}

int memslot_set_logging(struct myhv_vm *vm, u64 gpa, bool on)
{
	struct memslots_edit e;
	struct memslot *slot;
	unsigned int i;
	int ret;

	lockdep_assert_held(&vm->mem.lock);
	slot = memslot_find(vm, gpa);
	if (!slot)
		return -ENOENT;
	if (!!slot->dirty == on)
		return 0;
	ret = edit_begin(&e, vm, 0);
	if (ret)
		return ret;
	i = memslots_search(e.new, gpa);
	ret = edit_replace(&e, i, slot->gpa, slot->flags | (on ? MYHV_MEM_LOG_DIRTY : 0));
	if (ret)
		edit_abort(&e);
	else
		memslots_commit(vm, &e);
	return ret;
}

int memslots_init(struct myhv_vm *vm)
{
	struct memslots *slots = kvzalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);

	mutex_init(&vm->mem.lock);
	if (!slots)
		return -ENOMEM;
	RCU_INIT_POINTER(vm->mem.slots, slots);
	return 0;
}

/* Nobody uses the VM any more. */
void memslots_destroy(struct myhv_vm *vm)
{
	struct memslots *slots = rcu_dereference_protected(vm->mem.slots, true);
	unsigned int i;

	for (i = 0; i < slots->count; i++)
		memslot_free(slots->slot[i]);
	kvfree(slots);
}
