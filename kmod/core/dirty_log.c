// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking by write protection. A bit is set before the guest can write
 * through its tables, and after a write of our own was done; a harvest takes the bits first and
 * write-protects the pages after: a write in between is in the data that user space reads, or in
 * the next harvest, or both. mem.lock held throughout.
 *
 * Where the CPU logs (PML), only the first write to a page faults. A harvest clears the dirty
 * bits in the tables instead, and vCPUs empty their buffers before they have left guest mode;
 * all of them are made to leave it before the bits are taken.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core/vcpu.h"

/* A range of a region's log: whole words, the last one may reach beyond the region. */
struct dirty_range {
	u64 gpa;
	unsigned long nr_bits;
	size_t bytes; /* of the bitmap */
	unsigned long *log;
	void __user *user;
	unsigned long *bits; /* our copy */
};

/* The next write to each page of r->bits is logged again. */
static void rearm_pages(struct myhv_vm *vm, const struct dirty_range *r)
{
	unsigned long start, end;
	struct slat_change c;

	slat_change_begin(&c, vm, true);
	for_each_set_bitrange(start, end, r->bits, r->nr_bits)
		slat_change_log(&c, r->gpa + start * PAGE_SIZE, r->gpa + end * PAGE_SIZE);
	slat_change_end(&c);
}

static int dirty_read(struct dirty_range *r)
{
	memcpy(r->bits, r->log, r->bytes);
	return copy_to_user(r->user, r->bits, r->bytes) ? -EFAULT : 0;
}

static int dirty_harvest(struct myhv_vm *vm, struct dirty_range *r)
{
	unsigned long i, bit;

	for (i = 0; i < r->bytes / sizeof(long); i++)
		r->bits[i] = READ_ONCE(r->log[i]) ? xchg(&r->log[i], 0) : 0;
	rearm_pages(vm, r);
	if (!copy_to_user(r->user, r->bits, r->bytes))
		return 0;
	for_each_set_bit(bit, r->bits, r->nr_bits)
		set_bit(bit, r->log);
	return -EFAULT;
}

static int dirty_clear(struct myhv_vm *vm, struct dirty_range *r)
{
	unsigned long bit;

	if (copy_from_user(r->bits, r->user, r->bytes))
		return -EFAULT;
	for_each_set_bit(bit, r->bits, r->nr_bits)
		if (!test_and_clear_bit(bit, r->log))
			__clear_bit(bit, r->bits);
	rearm_pages(vm, r);
	return 0;
}

static int dirty_move(struct myhv_vm *vm, struct memslot *slot, const struct myhv_mem_dirty *args)
{
	u64 first = (args->gpa - slot->gpa) >> PAGE_SHIFT;
	struct dirty_range r = {
		.gpa = args->gpa,
		.nr_bits = args->bytes >> PAGE_SHIFT,
		.user = u64_to_user_ptr(args->bitmap),
	};
	int ret;

	if (!slot->dirty)
		return -ENOENT;
	if (first % BITS_PER_LONG ||
	    (r.nr_bits % BITS_PER_LONG && args->gpa + args->bytes != memslot_end(slot)))
		return -EINVAL;
	r.log = &slot->dirty->bits[first / BITS_PER_LONG];
	r.bytes = BITS_TO_LONGS(r.nr_bits) * sizeof(long);
	r.bits = kvmalloc(r.bytes, GFP_KERNEL_ACCOUNT);
	if (!r.bits)
		return -ENOMEM;

	if (backend_caps.features & MYHV_CPU_FEATURE_PML)
		vm_kick_all_sync(vm);
	if (args->op == MYHV_DIRTY_READ)
		ret = dirty_read(&r);
	else if (args->op == MYHV_DIRTY_HARVEST)
		ret = dirty_harvest(vm, &r);
	else
		ret = dirty_clear(vm, &r);
	kvfree(r.bits);
	return ret;
}

/**
 * memslots_dirty() - MYHV_MEM_DIRTY
 * @vm: the caller's process owns it
 * @args: checked, but for what depends on the regions that exist
 */
int memslots_dirty(struct myhv_vm *vm, const struct myhv_mem_dirty *args)
{
	struct memslot *slot;
	int ret;

	mutex_lock(&vm->mem.lock);
	slot = memslot_find(vm, args->gpa);
	if (!slot || args->bytes > memslot_end(slot) - args->gpa)
		ret = -ENOENT;
	else if (args->op == MYHV_DIRTY_START)
		ret = memslot_set_logging(vm, args->gpa, true);
	else if (args->op == MYHV_DIRTY_STOP)
		ret = slot->dirty ? memslot_set_logging(vm, args->gpa, false) : -ENOENT;
	else
		ret = dirty_move(vm, slot, args);
	mutex_unlock(&vm->mem.lock);
	return ret;
}

/* ---- the list of one vCPU ---- */

void dirty_list_add(struct myhv_vcpu *vcpu, u64 gpa)
{
	/* the limit ends the run at the next entry, and no exit adds more than the rest holds */
	if (vcpu->dirty.count < vcpu->dirty.room + DIRTY_LIST_MORE)
		vcpu->dirty.pages[vcpu->dirty.count++] = gpa;
	if (vcpu->dirty.count >= vcpu->dirty.limit)
		set_bit(VCPU_REQ_DIRTY_FULL, &vcpu->requests);
}

static int dirty_list_resize(struct myhv_vcpu *vcpu, u32 limit)
{
	if (!limit || !vcpu->dirty.pages) {
		kvfree(vcpu->dirty.pages);
		vcpu->dirty.pages = NULL;
		vcpu->dirty.count = 0;
		vcpu->dirty.room = 0;
	}
	if (limit && !vcpu->dirty.pages) {
		vcpu->dirty.pages = kvcalloc(limit + DIRTY_LIST_MORE, sizeof(u64),
					     GFP_KERNEL_ACCOUNT);
		if (!vcpu->dirty.pages)
			return -ENOMEM;
		vcpu->dirty.room = limit;
	}
	if (limit > vcpu->dirty.room)
		return -EINVAL;
	vcpu->dirty.limit = limit;
	return 0;
}

int dirty_list_take(struct myhv_vcpu *vcpu, struct myhv_dirty_list *args)
{
	u32 taken = min(args->count, vcpu->dirty.count);
	u64 *pages = vcpu->dirty.pages;
	int ret;

	if (copy_to_user(u64_to_user_ptr(args->pages), pages, taken * sizeof(*pages)))
		return -EFAULT;
	ret = dirty_list_resize(vcpu, args->limit);
	if (ret)
		return ret;
	args->count = taken;
	if (taken && args->limit) {
		vcpu->dirty.count -= taken;
		memmove(pages, pages + taken, vcpu->dirty.count * sizeof(*pages));
	}
	clear_bit(VCPU_REQ_DIRTY_FULL, &vcpu->requests);
	if (vcpu->dirty.count && vcpu->dirty.count >= vcpu->dirty.limit)
		set_bit(VCPU_REQ_DIRTY_FULL, &vcpu->requests);
	return 0;
}
