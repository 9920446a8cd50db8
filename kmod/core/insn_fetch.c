// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations of code pages, remembered with all the page-table entries that made them and
 * checked against these at each use. vCPU thread; in a burst or not.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "cpuid_policy.h"
#include "core/guest_mem.h"
#include "core/insn_fetch.h"
#include "core/vcpu.h"

#define MODE_USER BIT_ULL(0)

/* Everything but CR3 that a walk for a fetch depends on. Zero: no long mode, not for us. */
static u64 mode_of(const struct insn_context *c)
{
	if (!(c->efer & EFER_LMA))
		return 0;
	return (c->cr4 & (X86_CR4_LA57 | X86_CR4_SMEP)) | (c->efer & (EFER_LMA | EFER_NX)) |
	       (c->cpl == 3 ? MODE_USER : 0);
}

static struct insn_page *page_of(struct myhv_vcpu *vcpu, u64 linear)
{
	return &vcpu->insn_pages[(linear >> PAGE_SHIFT) % INSN_FETCH_PAGES];
}

/* Page faults off. */
static bool read_checked(const struct insn_page *p, unsigned int offset, u64 *bytes)
{
	const u64 __user *code = (const u64 __user *)(p->code + offset);
	const struct insn_step *step, *end = p->step + p->levels;
	u64 value;

	/* the regions were checked to be user memory when they were made */
	if (!user_read_access_begin(p->code, PAGE_SIZE))
		return false;
	/* by pointer: with an index, UBSAN's check would be a call with user access open */
	for (step = p->step; step < end; step++) {
		unsafe_get_user(value, step->hva, out);
		if (unlikely(value != step->value))
			goto out;
	}
	unsafe_get_user(bytes[0], code, out);
	unsafe_get_user(bytes[1], code + 1, out);
	user_read_access_end();
	return true;
out:
	user_read_access_end();
	return false;
}

bool insn_fetch_fast(struct myhv_vcpu *vcpu, const struct insn_context *c, u64 linear, u8 *bytes)
{
	const struct insn_page *p = page_of(vcpu, linear);
	unsigned int offset = offset_in_page(linear);
	bool ok;

	if (p->linear != linear - offset || p->cr3 != c->cr3 || p->mode != mode_of(c) ||
	    !p->levels || offset > PAGE_SIZE - INSN_FETCH_BYTES)
		return false;
	pagefault_disable();
	ok = read_checked(p, offset, (u64 *)bytes);
	pagefault_enable();
	/*
	 * After the reads: an update of the regions that has returned by now has
	 * changed slots_seq before. Pairs with the write side of slat.lock.
	 */
	smp_rmb();
	return ok && READ_ONCE(vcpu->vm->slat.slots_seq) == p->slots_seq;
}

/* ---- learning ---- */

struct learn_ctx {
	struct myhv_vcpu *vcpu;
	struct insn_page *page;
};

static u8 __user *hva_of(struct myhv_vcpu *vcpu, u64 gpa)
{
	struct memslot *slot = memslot_find(vcpu->vm, gpa);

	return slot ? u64_to_user_ptr(memslot_hva(slot, gpa)) : NULL;
}

static bool learn_read_pte(void *data, u64 gpa, unsigned int bytes, u64 *pte)
{
	struct learn_ctx *ctx = data;
	struct insn_page *p = ctx->page;
	u8 __user *hva = hva_of(ctx->vcpu, gpa);

	*pte = 0;
	if (!hva || bytes != sizeof(u64) || p->levels == INSN_FETCH_LEVELS ||
	    guest_phys_read(ctx->vcpu, gpa, pte, bytes))
		return false;
	p->step[p->levels].hva = (u64 __user *)hva;
	p->step[p->levels].value = *pte;
	p->levels++;
	return true;
}

/* Accessed bits are set already; if not, this page is not remembered. */
static int learn_cmpxchg_pte(void *data, u64 gpa, unsigned int bytes, u64 old, u64 new)
{
	return -EFAULT;
}

static const struct guest_walk_ops learn_ops = {
	.read_pte = learn_read_pte,
	.cmpxchg_pte = learn_cmpxchg_pte,
};

static bool learn(struct myhv_vcpu *vcpu, struct insn_page *p, const struct insn_context *c)
{
	const struct guest_paging paging = {
		.cr0 = c->cr0,
		.cr3 = c->cr3,
		.cr4 = c->cr4,
		.efer = c->efer,
		.maxphyaddr = vcpu->cpuid->maxphyaddr,
		.pages_1g = vcpu->cpuid->pages_1g,
		.set_accessed = true,
	};
	struct learn_ctx ctx = { .vcpu = vcpu, .page = p };
	struct guest_walk_result where;
	u32 error;

	if (guest_walk(&paging, &learn_ops, &ctx, p->linear,
		       X86_ACCESS_FETCH | (c->cpl == 3 ? X86_ACCESS_USER : 0), false, &where,
		       &error) != GUEST_WALK_OK)
		return false;
	p->code = hva_of(vcpu, where.gpa);
	return p->code != NULL;
}

void insn_fetch_learn(struct myhv_vcpu *vcpu, const struct insn_context *c, u64 linear)
{
	struct insn_page *p = page_of(vcpu, linear);
	int idx;

	p->levels = 0;
	p->mode = mode_of(c);
	if (!p->mode)
		return;
	p->linear = linear & PAGE_MASK;
	p->cr3 = c->cr3;
	p->slots_seq = READ_ONCE(vcpu->vm->slat.slots_seq);
	smp_rmb(); /* the regions are looked up after it */
	idx = srcu_read_lock(&vcpu->vm->srcu);
	if (!learn(vcpu, p, c))
		p->levels = 0;
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}
