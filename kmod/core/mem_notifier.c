// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following the host's memory: swap, KSM, THP, migration, munmap, madvise, fork's
 * copy-on-write. One notifier per process serves all its VMs; the kernel counts them.
 *
 * An invalidation first announces its range (@active, under @lock), then removes it from
 * each VM under that VM's slat.lock, and bumps @seq when it is over. A fault compares under
 * slat.lock: see core/slat_mmu.c, rule (1) and (2).
 */
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "core/mem_notifier.h"
#include "core/vm.h"

struct mem_notifier {
	struct mmu_notifier mn;
	struct list_head vms; /* written under @lock, read by SRCU */
	/* written under @lock, read under slat.lock */
	spinlock_t lock;
	unsigned long seq;
	long active;	     /* invalidations under way */
	unsigned long start; /* ... all lie in [start, end) */
	unsigned long end;
};

/* Readers of mem_notifier.vms: a VM stays whole until detach has waited for them. */
DEFINE_STATIC_SRCU(vms_srcu);

/* ---- from host addresses to guest-physical ranges ---- */

/* [*gpa, *end) that @slot maps to [@start, @hva_end); false: nothing. */
static bool slot_overlap(const struct memslot *slot, unsigned long start, unsigned long hva_end,
			 u64 *gpa, u64 *end)
{
	u64 from = max_t(u64, start, slot->hva);
	u64 to = min_t(u64, hva_end, slot->hva + slot->nr_pages * PAGE_SIZE);

	if (from >= to)
		return false;
	*gpa = slot->gpa + (from - slot->hva);
	*end = slot->gpa + (to - slot->hva);
	return true;
}

static void vm_unmap_hva(struct myhv_vm *vm, unsigned long start, unsigned long end, bool may_sleep)
{
	struct slat_change c;
	struct memslots *slots;
	u64 gpa, gpa_end;
	unsigned int i;
	int idx;

	slat_change_begin(&c, vm, may_sleep);
	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->mem.slots, &vm->srcu);
	for (i = 0; i < slots->count; i++)
		if (slot_overlap(slots->slot[i], start, end, &gpa, &gpa_end))
			slat_change_unmap(&c, gpa, gpa_end);
	srcu_read_unlock(&vm->srcu, idx);
	slat_change_end(&c);
}

static bool vm_young_hva(struct myhv_vm *vm, unsigned long start, unsigned long end, bool clear)
{
	struct memslots *slots;
	bool young = false;
	u64 gpa, gpa_end;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->mem.slots, &vm->srcu);
	for (i = 0; i < slots->count; i++)
		if (slot_overlap(slots->slot[i], start, end, &gpa, &gpa_end))
			young |= slat_young(vm, gpa, gpa_end, clear);
	srcu_read_unlock(&vm->srcu, idx);
	/* without accessed bits a mapping is the only sign: it comes back when it is used */
	if (young && clear && !backend_caps.slat_format.ad_bits)
		vm_unmap_hva(vm, start, end, false);
	return young;
}

/* ---- what the kernel calls ---- */

static struct mem_notifier *from_mn(struct mmu_notifier *mn)
{
	return container_of(mn, struct mem_notifier, mn);
}

static void unmap_all_vms(struct mem_notifier *mn, unsigned long start, unsigned long end,
			  bool may_sleep)
{
	struct myhv_vm *vm;
	int idx;

	idx = srcu_read_lock(&vms_srcu);
	list_for_each_entry_srcu(vm, &mn->vms, notifier_link, srcu_read_lock_held(&vms_srcu))
		vm_unmap_hva(vm, start, end, may_sleep);
	srcu_read_unlock(&vms_srcu, idx);
}

static int mn_invalidate_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct mem_notifier *mn = from_mn(sub);

	spin_lock(&mn->lock);
	if (!mn->active++) {
		mn->start = range->start;
		mn->end = range->end;
	} else {
		mn->start = min(mn->start, range->start);
		mn->end = max(mn->end, range->end);
	}
	spin_unlock(&mn->lock);
	unmap_all_vms(mn, range->start, range->end, mmu_notifier_range_blockable(range));
	return 0;
}

static void mn_invalidate_end(struct mmu_notifier *sub, const struct mmu_notifier_range *range)
{
	struct mem_notifier *mn = from_mn(sub);

	spin_lock(&mn->lock);
	WRITE_ONCE(mn->seq, mn->seq + 1);
	/* pairs with smp_rmb() in mem_notifier_must_retry(): not active, then a new @seq */
	smp_wmb();
	WRITE_ONCE(mn->active, mn->active - 1);
	spin_unlock(&mn->lock);
}

static bool mn_young(struct mmu_notifier *sub, unsigned long start, unsigned long end, bool clear)
{
	struct mem_notifier *mn = from_mn(sub);
	struct myhv_vm *vm;
	bool young = false;
	int idx;

	idx = srcu_read_lock(&vms_srcu);
	list_for_each_entry_srcu(vm, &mn->vms, notifier_link, srcu_read_lock_held(&vms_srcu))
		young |= vm_young_hva(vm, start, end, clear);
	srcu_read_unlock(&vms_srcu, idx);
	return young;
}

static mmu_young_t mn_clear_young(struct mmu_notifier *sub, struct mm_struct *mm,
				  unsigned long start, unsigned long end)
{
	return mn_young(sub, start, end, true);
}

static mmu_young_t mn_test_young(struct mmu_notifier *sub, struct mm_struct *mm, unsigned long addr)
{
	return mn_young(sub, addr, addr + PAGE_SIZE, false);
}

/* The process exits; VM descriptors may live on elsewhere. */
static void mn_release(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct mem_notifier *mn = from_mn(sub);
	struct myhv_vm *vm;
	int idx;

	idx = srcu_read_lock(&vms_srcu);
	list_for_each_entry_srcu(vm, &mn->vms, notifier_link, srcu_read_lock_held(&vms_srcu))
		vm_mark_broken(vm);
	srcu_read_unlock(&vms_srcu, idx);
	unmap_all_vms(mn, 0, ULONG_MAX, true);
}

static struct mmu_notifier *mn_alloc(struct mm_struct *mm)
{
	struct mem_notifier *mn = kzalloc(sizeof(*mn), GFP_KERNEL_ACCOUNT);

	if (!mn)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&mn->lock);
	INIT_LIST_HEAD(&mn->vms);
	return &mn->mn;
}

static void mn_free(struct mmu_notifier *sub)
{
	kfree(from_mn(sub));
}

static const struct mmu_notifier_ops mem_notifier_ops = {
	.release = mn_release,
	.clear_flush_young = mn_clear_young,
	.clear_young = mn_clear_young,
	.test_young = mn_test_young,
	.invalidate_range_start = mn_invalidate_start,
	.invalidate_range_end = mn_invalidate_end,
	.alloc_notifier = mn_alloc,
	.free_notifier = mn_free,
};

/* ---- what faults ask ---- */

unsigned long mem_notifier_seq(struct mem_notifier *mn)
{
	return READ_ONCE(mn->seq);
}

bool mem_notifier_must_retry(struct mem_notifier *mn, unsigned long seq, unsigned long hva)
{
	/*
	 * A range that is just being announced may be read half: its removal then
	 * still waits for the lock that our caller holds, and finds what we install.
	 */
	if (READ_ONCE(mn->active) && hva >= READ_ONCE(mn->start) && hva < READ_ONCE(mn->end))
		return true;
	/* pairs with smp_wmb() in mn_invalidate_end() */
	smp_rmb();
	return READ_ONCE(mn->seq) != seq;
}

/* ---- lifetime ---- */

int mem_notifier_attach(struct myhv_vm *vm)
{
	struct mmu_notifier *sub = mmu_notifier_get(&mem_notifier_ops, current->mm);
	struct mem_notifier *mn;

	if (IS_ERR(sub))
		return PTR_ERR(sub);
	mn = from_mn(sub);
	vm->notifier = mn;
	/* the lock orders us against an announcement: it sees us, or our faults see it */
	spin_lock(&mn->lock);
	list_add_rcu(&vm->notifier_link, &mn->vms);
	spin_unlock(&mn->lock);
	return 0;
}

void mem_notifier_detach(struct myhv_vm *vm)
{
	struct mem_notifier *mn = vm->notifier;

	spin_lock(&mn->lock);
	list_del_rcu(&vm->notifier_link);
	spin_unlock(&mn->lock);
	synchronize_srcu_expedited(&vms_srcu);
	mmu_notifier_put(&mn->mn);
}

void mem_notifier_exit(void)
{
	/* mn_free() is called some time after the last put */
	mmu_notifier_synchronize();
}
