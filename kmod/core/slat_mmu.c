// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level tables: faults, removal, flushing. No mapping is ever stale, because
 *
 *  (1) a leaf is installed under the read side of slat.lock, after checking there that neither
 *      the regions (slots_seq, slots_busy) nor the process's memory (mem_notifier) changed
 *      since the page was looked up;
 *  (2) whoever changes one of them announces it first, removes under the write side after
 *      that, and flushes before it goes on: an install either sees (1) the announcement
 *      or comes before the removal, which then finds it;
 *  (3) a flush is over only when no vCPU is in guest mode with translations from
 *      before (flush_gen, vm_kick_all_sync()), and whoever finds nothing to remove waits
 *      for the flush of the one that removed it (flushed_gen);
 *  (4) table pages are freed after the flush alone.
 *
 * Pages are not pinned. A page is marked dirty when it is mapped writable: the host cleans
 * a page only after it has taken it from the process's tables, which removes it here.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <asm/io.h>
#include "compat/compat.h"
#include "core/mem_notifier.h"
#include "core/vcpu.h"

/*
 * Changes give others the lock, and the scheduler a chance, after so much: 16,384 small pages,
 * far less than a millisecond. Whoever spins for the lock has preemption off.
 */
#define CHANGE_CHUNK SZ_64M
/* What an entry of level 3 covers */
#define TABLE_SPAN SZ_1G

struct slat_ctx {
	struct slat_cache *cache;   /* where to take tables from, or NULL: the atomic pool */
	struct slat_change *change; /* where removed tables go */
};

static u64 *op_table(void *ctx, u64 hpa)
{
	return __va(hpa);
}

static u64 *op_alloc(void *data, u64 *hpa)
{
	struct slat_ctx *ctx = data;
	struct page *page;

	if (!ctx->cache)
		page = alloc_page(GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT | __GFP_ZERO);
	else
		page = ctx->cache->count ? ctx->cache->page[--ctx->cache->count] : NULL;
	if (!page)
		return NULL;
	*hpa = page_to_phys(page);
	return page_address(page);
}

static void op_unused(void *data, u64 hpa)
{
	struct slat_ctx *ctx = data;
	struct page *page = pfn_to_page(PHYS_PFN(hpa));

	if (ctx->cache)
		ctx->cache->page[ctx->cache->count++] = page;
	else
		__free_page(page);
}

static void op_retired(void *data, u64 hpa)
{
	struct slat_ctx *ctx = data;
	struct page *page = pfn_to_page(PHYS_PFN(hpa));

	/* not through the table itself: the hardware may still read it */
	set_page_private(page, (unsigned long)ctx->change->retired);
	ctx->change->retired = page;
}

static const struct slat_ops slat_kernel_ops = {
	.table = op_table,
	.alloc = op_alloc,
	.unused = op_unused,
	.retired = op_retired,
};

static struct slat_tables tables_of(struct slat_mmu *slat, struct slat_ctx *ctx)
{
	return (struct slat_tables){
		.format = &backend_caps.slat_format,
		.ops = &slat_kernel_ops,
		.ctx = ctx,
		.root = slat->root,
	};
}

static void count_changes(struct slat_mmu *slat, const struct slat_tables *t)
{
	unsigned int i;

	if (t->tables)
		atomic_long_add(t->tables, &slat->table_pages);
	for (i = 0; i < ARRAY_SIZE(t->leaves); i++)
		if (t->leaves[i])
			atomic_long_add(t->leaves[i], &slat->mapped[i]);
}

static void free_retired(struct page *page)
{
	struct page *next;

	for (; page; page = next) {
		next = (struct page *)page_private(page);
		set_page_private(page, 0);
		__free_page(page);
	}
}

/* ---- removal ---- */

void slat_change_begin(struct slat_change *c, struct myhv_vm *vm, bool may_sleep)
{
	*c = (struct slat_change){ .vm = vm, .may_sleep = may_sleep };
}

static void change_chunk(struct slat_change *c, u64 gpa, u64 end,
			 bool (*op)(struct slat_tables *t, u64 gpa, u64 end))
{
	struct slat_mmu *slat = &c->vm->slat;
	struct slat_ctx ctx = { .change = c };
	struct slat_tables t = tables_of(slat, &ctx);

	write_lock(&slat->lock);
	if (op(&t, gpa, end))
		atomic64_inc(&slat->flush_gen);
	write_unlock(&slat->lock);
	count_changes(slat, &t);
}

static void change_range(struct slat_change *c, u64 gpa, u64 end,
			 bool (*op)(struct slat_tables *t, u64 gpa, u64 end))
{
	u64 next;

	end = min(end, slat_limit(&backend_caps.slat_format));
	for (; gpa < end; gpa = next) {
		next = min(end, (gpa | (CHANGE_CHUNK - 1)) + 1);
		change_chunk(c, gpa, next, op);
		if (c->may_sleep)
			cond_resched();
	}
}

void slat_change_unmap(struct slat_change *c, u64 gpa, u64 end)
{
	end = min(end, slat_limit(&backend_caps.slat_format));
	change_range(c, gpa, end, slat_unmap);
	/* The tables that covered several chunks are empty now. */
	for (gpa = ALIGN(gpa, TABLE_SPAN); gpa < end && end - gpa >= TABLE_SPAN; gpa += TABLE_SPAN)
		change_chunk(c, gpa, gpa + TABLE_SPAN, slat_unmap);
}

void slat_change_protect(struct slat_change *c, u64 gpa, u64 end)
{
	change_range(c, gpa, end, slat_write_protect);
}

void slat_change_log(struct slat_change *c, u64 gpa, u64 end)
{
	change_range(c, gpa, end,
		     backend_caps.features & MYHV_CPU_FEATURE_PML ? slat_clear_dirty :
								    slat_write_protect);
}

void slat_change_end(struct slat_change *c)
{
	struct slat_mmu *slat = &c->vm->slat;
	s64 want = atomic64_read(&slat->flush_gen);
	s64 done = atomic64_read(&slat->flushed_gen);

	if (done < want) {
		vm_kick_all_sync(c->vm);
		while (done < want && !atomic64_try_cmpxchg(&slat->flushed_gen, &done, want))
			;
	}
	free_retired(c->retired);
	c->retired = NULL;
}

void slat_slots_block(struct myhv_vm *vm)
{
	struct slat_mmu *slat = &vm->slat;

	lockdep_assert_held(&vm->mem.lock);
	write_lock(&slat->lock);
	slat->slots_busy = true;
	write_unlock(&slat->lock);
}

void slat_slots_unblock(struct myhv_vm *vm)
{
	struct slat_mmu *slat = &vm->slat;

	lockdep_assert_held(&vm->mem.lock);
	write_lock(&slat->lock);
	WRITE_ONCE(slat->slots_seq, slat->slots_seq + 1);
	slat->slots_busy = false;
	write_unlock(&slat->lock);
}

bool slat_young(struct myhv_vm *vm, u64 gpa, u64 end, bool clear)
{
	struct slat_mmu *slat = &vm->slat;
	struct slat_tables t = tables_of(slat, NULL);
	bool young;

	/*
	 * Cleared bits are not flushed from the TLBs: a page in heavy use may look
	 * idle for a while, which costs a fault at worst.
	 */
	read_lock(&slat->lock);
	young = slat_test_accessed(&t, gpa, end, clear);
	read_unlock(&slat->lock);
	return young;
}

/* ---- faults ---- */

static int cache_fill(struct slat_cache *cache)
{
	struct page *page;

	if (cache->count >= SLAT_MAX_LEVELS)
		return 0;
	while (cache->count < SLAT_CACHE_PAGES) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			break;
		cache->page[cache->count++] = page;
	}
	return cache->count >= SLAT_MAX_LEVELS ? 0 : -ENOMEM;
}

void slat_cache_free(struct slat_cache *cache)
{
	while (cache->count)
		__free_page(cache->page[--cache->count]);
}

/* A fault under way: what was looked up, and when. */
struct slat_fault {
	u64 gpa;
	unsigned long hva;
	bool write;	      /* the guest writes */
	bool may_write;	      /* the region lets it */
	bool writable;	      /* ... and so does the host, now */
	struct memslot *slot; /* valid only while slots_seq stands still */
	struct page *page;
	unsigned long slots_seq;
	unsigned long notifier_seq;
};

/* The region of f->gpa. The sequences are read before what they guard. */
static enum slat_fault_result fault_lookup(struct myhv_vm *vm, struct slat_fault *f)
{
	enum slat_fault_result ret = SLAT_FAULT_MMIO;
	int idx;

	f->slots_seq = READ_ONCE(vm->slat.slots_seq);
	f->notifier_seq = mem_notifier_seq(vm->notifier);
	/* pairs with the write side of slat.lock, under which both change */
	smp_rmb();

	idx = srcu_read_lock(&vm->srcu);
	f->slot = memslot_find(vm, f->gpa);
	if (f->slot) {
		f->may_write = !(f->slot->flags & MYHV_MEM_READONLY);
		f->hva = memslot_hva(f->slot, f->gpa & PAGE_MASK);
		/* a read maps a logged page read-only, so that the first write is seen */
		f->writable = f->may_write && (f->write || !f->slot->dirty);
		if (f->may_write || !f->write)
			ret = SLAT_FAULT_DONE;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/* Without sleeping: what the process's tables hold already. */
static bool fault_get_page_fast(struct slat_fault *f)
{
	if (f->writable && get_user_pages_fast_only(f->hva, 1, FOLL_WRITE, &f->page) == 1)
		return true;
	if (f->write)
		return false;
	f->writable = false;
	return get_user_pages_fast_only(f->hva, 1, 0, &f->page) == 1;
}

static enum slat_fault_result fault_get_page_slow(struct slat_fault *f)
{
	unsigned int flags = FOLL_HWPOISON | FOLL_INTERRUPTIBLE | (f->write ? FOLL_WRITE : 0);
	long got;

	might_sleep();
	f->writable = f->write;
	got = get_user_pages_unlocked(f->hva, 1, &f->page, flags);
	if (got == 1)
		return SLAT_FAULT_DONE;
	if (got == 0 || got == -EINTR || got == -EAGAIN || got == -ERESTARTSYS ||
	    fatal_signal_pending(current))
		return SLAT_FAULT_RETRY;
	return SLAT_FAULT_NO_MEMORY;
}

/*
 * Level at which the process maps @hva: 1, 2 or 3; 1 also when it is not mapped writable as
 * asked. Read without locks: IRQs off keeps page tables from being freed under us, as
 * get_user_pages_fast() does it.
 */
static u8 host_map_level(struct mm_struct *mm, unsigned long hva, bool writable)
{
	unsigned long flags;
	u8 level = 1;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (!pgd_present(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (!p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = !writable || pud_write(pud) ? 3 : 1;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_present(pmd) && pmd_leaf(pmd) && (!writable || pmd_write(pmd)))
		level = 2;
out:
	local_irq_restore(flags);
	return level;
}

/*
 * Size of the leaf: as large as the process's mapping, the region and their alignment
 * to each other allow. slat.lock held and the sequences checked: a large mapping cannot be
 * split or moved before we have installed.
 */
static u8 fault_level(const struct slat_fault *f)
{
	u8 level = backend_caps.slat_format.max_page_level;

	if (f->slot->dirty)
		return 1;
	level = min(level, host_map_level(current->mm, f->hva, f->writable));
	for (; level > 1; level--) {
		u64 size = 1ULL << slat_shift(level);
		u64 start = f->gpa & ~(size - 1);

		if (((f->gpa & PAGE_MASK) ^ f->hva) & (size - 1))
			continue;
		if (start >= f->slot->gpa && start + size <= memslot_end(f->slot))
			break;
	}
	return level;
}

static bool fault_must_retry(struct myhv_vm *vm, const struct slat_fault *f)
{
	struct slat_mmu *slat = &vm->slat;

	return slat->slots_busy || slat->slots_seq != f->slots_seq ||
	       mem_notifier_must_retry(vm->notifier, f->notifier_seq, f->hva);
}

static enum slat_install fault_install(struct myhv_vcpu *vcpu, struct slat_fault *f)
{
	struct myhv_vm *vm = vcpu->vm;
	struct slat_ctx ctx = { .cache = &vcpu->slat_cache };
	struct slat_tables t = tables_of(&vm->slat, &ctx);
	u32 rights = SLAT_READ | SLAT_EXEC | (f->writable ? SLAT_WRITE : 0);
	enum slat_install ret = SLAT_PRESENT; /* "try again" costs just that */

	read_lock(&vm->slat.lock);
	if (!fault_must_retry(vm, f)) {
		/* before the guest can write: a harvest in between keeps or finds the bit */
		if (f->writable)
			memslot_mark_dirty(vcpu, f->slot, f->gpa);
		ret = slat_install(&t, f->gpa & PAGE_MASK, fault_level(f), page_to_phys(f->page),
				   rights);
		if (f->writable)
			folio_set_dirty(page_folio(f->page));
	}
	read_unlock(&vm->slat.lock);
	count_changes(&vm->slat, &t);
	return ret;
}

/* Something else is mapped at f->gpa: an upgrade of a large page, or a size that changed. */
static void fault_clear_conflict(struct myhv_vm *vm, const struct slat_fault *f)
{
	struct slat_change c;

	slat_change_begin(&c, vm, false);
	slat_change_unmap(&c, f->gpa & PAGE_MASK, (f->gpa & PAGE_MASK) + PAGE_SIZE);
	slat_change_end(&c);
}

/**
 * slat_fault() - map what the guest touched
 * @vcpu: its thread, with the VM's mm
 * @gpa: address of the fault
 * @access: SLAT_*
 */
enum slat_fault_result slat_fault(struct myhv_vcpu *vcpu, u64 gpa, u32 access)
{
	struct slat_fault f = { .gpa = gpa, .write = access & SLAT_WRITE };
	enum slat_fault_result ret;

	vcpu->l1d_stale = true;
	if (gpa >= slat_limit(&backend_caps.slat_format))
		return SLAT_FAULT_MMIO;
	ret = fault_lookup(vcpu->vm, &f);
	if (ret != SLAT_FAULT_DONE)
		return ret;
	if (!vcpu->in_burst && cache_fill(&vcpu->slat_cache))
		return SLAT_FAULT_NO_MEMORY;

	if (vcpu->in_burst) /* else it was counted when it came from there */
		vcpu->stat.faults++;
	if (!fault_get_page_fast(&f)) {
		if (vcpu->in_burst)
			return SLAT_FAULT_SLEEP;
		ret = fault_get_page_slow(&f);
		if (ret != SLAT_FAULT_DONE)
			return ret;
	}

	switch (fault_install(vcpu, &f)) {
	case SLAT_INSTALLED:
	case SLAT_PRESENT:
		ret = SLAT_FAULT_DONE;
		break;
	case SLAT_NO_TABLE:
		ret = vcpu->in_burst ? SLAT_FAULT_SLEEP : SLAT_FAULT_RETRY;
		break;
	case SLAT_CONFLICT:
		fault_clear_conflict(vcpu->vm, &f);
		ret = SLAT_FAULT_RETRY;
		break;
	}
	/* reclaim asks us who is in use (mn_clear_young()), so nothing is said of it here */
	put_page(f.page);
	return ret;
}

enum slat_fault_result slat_map_page(struct myhv_vcpu *vcpu, u64 gpa, u64 hpa)
{
	struct slat_ctx ctx = { .cache = &vcpu->slat_cache };
	struct slat_mmu *slat = &vcpu->vm->slat;
	struct slat_tables t = tables_of(slat, &ctx);
	struct slat_fault f = { .gpa = gpa };
	enum slat_install ret = SLAT_PRESENT;

	if (fault_lookup(vcpu->vm, &f) != SLAT_FAULT_MMIO)
		return SLAT_FAULT_MMIO;
	if (!vcpu->in_burst && cache_fill(&vcpu->slat_cache))
		return SLAT_FAULT_NO_MEMORY;
	read_lock(&slat->lock);
	if (!slat->slots_busy && slat->slots_seq == f.slots_seq)
		ret = slat_install(&t, gpa, 1, hpa, SLAT_READ | SLAT_WRITE);
	read_unlock(&slat->lock);
	count_changes(slat, &t);
	if (ret == SLAT_CONFLICT)
		fault_clear_conflict(vcpu->vm, &f);
	if (ret == SLAT_NO_TABLE && vcpu->in_burst)
		return SLAT_FAULT_SLEEP;
	return SLAT_FAULT_DONE;
}

/* ---- lifetime ---- */

int slat_mmu_init(struct myhv_vm *vm)
{
	struct slat_mmu *slat = &vm->slat;

	rwlock_init(&slat->lock);
	atomic64_set(&slat->flush_gen, 1);
	slat->root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!slat->root)
		return -ENOMEM;
	slat->root_hpa = __pa(slat->root);
	atomic_long_set(&slat->table_pages, 1);
	return 0;
}

static void destroy_range(struct slat_tables *t, struct slat_change *c, u64 gpa, u64 end, u64 step)
{
	u64 next;

	for (; gpa < end; gpa = next) {
		next = min(end, (gpa | (step - 1)) + 1);
		slat_unmap(t, gpa, next);
		free_retired(c->retired);
		c->retired = NULL;
		cond_resched();
	}
}

/* No vCPU is left, and the notifier is gone. */
void slat_mmu_destroy(struct myhv_vm *vm)
{
	const struct slat_format *format = &backend_caps.slat_format;
	struct slat_change c = { .vm = vm };
	struct slat_ctx ctx = { .change = &c };
	struct slat_tables t = tables_of(&vm->slat, &ctx);
	struct memslots *slots = rcu_dereference_protected(vm->mem.slots, true);
	u64 step = 1ULL << slat_shift(format->levels);
	unsigned int i;

	for (i = 0; i < slots->count; i++)
		destroy_range(&t, &c, slots->slot[i]->gpa,
			      slots->slot[i]->gpa + (slots->slot[i]->nr_pages << PAGE_SHIFT),
			      CHANGE_CHUNK);
	/* what is left: tables, and pages that are in no region */
	destroy_range(&t, &c, 0, slat_limit(format), step);
	free_page((unsigned long)vm->slat.root);
}
