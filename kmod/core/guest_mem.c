// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory through the addresses of the monitor's process, which is current's.
 * Inside a burst page faults are off: memory that the process's tables do not hold
 * gives -EAGAIN. vm->srcu keeps the region, and whoever removes it waiting, for one access.
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "cpuid_policy.h"
#include "core/guest_mem.h"
#include "core/vcpu.h"

enum access { ACCESS_READ, ACCESS_WRITE };

/* One access inside a page: @op works on the user address. */
static int copy_user(struct myhv_vcpu *vcpu, enum access access, void __user *hva, void *data,
		     unsigned int len)
{
	unsigned long left;

	if (vcpu->in_burst) {
		pagefault_disable();
		left = access == ACCESS_WRITE ? __copy_to_user_inatomic(hva, data, len) :
						__copy_from_user_inatomic(data, hva, len);
		pagefault_enable();
		return left ? -EAGAIN : 0;
	}
	/* the range was checked when the region was made */
	left = access == ACCESS_WRITE ? __copy_to_user(hva, data, len) :
					__copy_from_user(data, hva, len);
	return left ? -EFAULT : 0;
}

static bool slot_allows(const struct memslot *slot, enum access access)
{
	return slot && (access == ACCESS_READ || !(slot->flags & MYHV_MEM_READONLY));
}

static int access_page(struct myhv_vcpu *vcpu, enum access access, u64 gpa, void *data,
		       unsigned int len)
{
	struct myhv_vm *vm = vcpu->vm;
	struct memslot *slot;
	int idx, ret = -EFAULT;

	idx = srcu_read_lock(&vm->srcu);
	slot = memslot_find(vm, gpa);
	if (slot_allows(slot, access)) {
		ret = copy_user(vcpu, access, u64_to_user_ptr(memslot_hva(slot, gpa)), data, len);
		if (access == ACCESS_WRITE)
			memslot_mark_dirty(vcpu, slot, gpa);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

static int access_range(struct myhv_vcpu *vcpu, enum access access, u64 gpa, void *data,
			unsigned int len)
{
	unsigned int chunk;
	int ret;

	for (; len; len -= chunk, gpa += chunk, data += chunk) {
		chunk = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(gpa));
		ret = access_page(vcpu, access, gpa, data, chunk);
		if (ret)
			return ret;
	}
	return 0;
}

int guest_phys_read(struct myhv_vcpu *vcpu, u64 gpa, void *data, unsigned int len)
{
	return access_range(vcpu, ACCESS_READ, gpa, data, len);
}

int guest_phys_write(struct myhv_vcpu *vcpu, u64 gpa, const void *data, unsigned int len)
{
	return access_range(vcpu, ACCESS_WRITE, gpa, (void *)data, len);
}

/* 0: replaced; 1: it held something else, now in *@old; -EFAULT */
static int user_cmpxchg(void __user *hva, u64 *old, u64 new, unsigned int len)
{
	u8 *old8 = (u8 *)old;
	u16 *old16 = (u16 *)old;
	u32 *old32 = (u32 *)old;

	switch (len) {
	case 1:
		return __try_cmpxchg_user((u8 __user *)hva, old8, (u8) new, fault8);
	case 2:
		return __try_cmpxchg_user((u16 __user *)hva, old16, (u16) new, fault16);
	case 4:
		return __try_cmpxchg_user((u32 __user *)hva, old32, (u32) new, fault32);
	case 8:
		return __try_cmpxchg_user((u64 __user *)hva, old, new, fault64);
	}
	return -EFAULT;
}

static int cmpxchg_page(struct myhv_vcpu *vcpu, void __user *hva, u64 *old, u64 new,
			unsigned int len)
{
	int ret;

	if (!vcpu->in_burst)
		return user_cmpxchg(hva, old, new, len);
	pagefault_disable();
	ret = user_cmpxchg(hva, old, new, len);
	pagefault_enable();
	return ret < 0 ? -EAGAIN : ret;
}

int guest_phys_cmpxchg(struct myhv_vcpu *vcpu, u64 gpa, u64 *old, u64 new, unsigned int len)
{
	struct myhv_vm *vm = vcpu->vm;
	struct memslot *slot;
	int idx, ret = -EFAULT;

	if (gpa & (len - 1))
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slot = memslot_find(vm, gpa);
	if (slot_allows(slot, ACCESS_WRITE)) {
		ret = cmpxchg_page(vcpu, u64_to_user_ptr(memslot_hva(slot, gpa)), old, new, len);
		if (!ret)
			memslot_mark_dirty(vcpu, slot, gpa);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return min(ret, 0);
}

/* ---- linear addresses ---- */

/* What a walk's ops know; @again: memory that needs sleeping, not a hole. */
struct walk_ctx {
	struct myhv_vcpu *vcpu;
	bool again;
};

static bool walk_read_pte(void *data, u64 gpa, unsigned int bytes, u64 *pte)
{
	struct walk_ctx *ctx = data;
	int ret;

	*pte = 0;
	ret = guest_phys_read(ctx->vcpu, gpa, pte, bytes);
	ctx->again |= ret == -EAGAIN;
	return !ret;
}

static int walk_cmpxchg_pte(void *data, u64 gpa, unsigned int bytes, u64 old, u64 new)
{
	struct walk_ctx *ctx = data;
	u64 found = old;
	int ret;

	ret = guest_phys_cmpxchg(ctx->vcpu, gpa, &found, new, bytes);
	ctx->again |= ret == -EAGAIN;
	return ret ? ret : found == old;
}

static const struct guest_walk_ops walk_ops = {
	.read_pte = walk_read_pte,
	.cmpxchg_pte = walk_cmpxchg_pte,
};

static int translate(struct myhv_vcpu *vcpu, u64 gva, u32 access, bool trace,
		     struct guest_walk_result *result, struct guest_walk_fault *fault)
{
	const struct vcpu_regs *regs = vcpu_regs(vcpu, MYHV_STATE_CONTROL | MYHV_STATE_GENERAL);
	struct guest_paging paging = {
		.cr0 = regs->control.cr0,
		.cr3 = regs->control.cr3,
		.cr4 = regs->control.cr4,
		.efer = regs->control.efer,
		.maxphyaddr = vcpu->cpuid->maxphyaddr,
		.pages_1g = vcpu->cpuid->pages_1g,
		.pkru = vcpu->fpu.pkru,
		.set_accessed = trace,
	};
	struct walk_ctx ctx = { .vcpu = vcpu };

	switch (guest_walk(&paging, &walk_ops, &ctx, gva, access,
			   regs->general.rflags & X86_EFLAGS_AC, result, &fault->error_code)) {
	case GUEST_WALK_OK:
		return 0;
	case GUEST_WALK_FAULT:
		fault->address = gva;
		return -EFAULT;
	case GUEST_WALK_NO_TABLE:
		return ctx.again ? -EAGAIN : -ENXIO;
	}
	return -ENXIO;
}

int guest_translate(struct myhv_vcpu *vcpu, u64 gva, u32 access, struct guest_walk_result *result,
		    struct guest_walk_fault *fault)
{
	return translate(vcpu, gva, access, true, result, fault);
}

int guest_translate_peek(struct myhv_vcpu *vcpu, u64 gva, u32 access,
			 struct guest_walk_result *result)
{
	struct guest_walk_fault fault;

	return translate(vcpu, gva, access, false, result, &fault);
}

int guest_fetch(struct myhv_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		struct guest_walk_fault *fault)
{
	u32 access = X86_ACCESS_FETCH | (vcpu_cpl(vcpu) == 3 ? X86_ACCESS_USER : 0);
	struct guest_walk_result where;
	unsigned int chunk;
	int ret;

	for (; len; len -= chunk, linear += chunk, data += chunk) {
		chunk = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(linear));
		ret = guest_translate(vcpu, linear, access, &where, fault);
		if (ret)
			return ret;
		ret = guest_phys_read(vcpu, where.gpa, data, chunk);
		if (ret)
			return ret == -EFAULT ? -ENXIO : ret;
	}
	return 0;
}
