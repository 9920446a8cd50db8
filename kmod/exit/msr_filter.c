// SPDX-License-Identifier: GPL-2.0-only
/*
 * MYHV_MSR_FILTER: which MSRs the guest of a VM may access. The filter is replaced as a whole,
 * under vm->lock, and read by RCU. While there is one, the hardware lets no access pass by itself.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core/vcpu.h"
#include "exit/exit.h"

#define MAX_RANGE_MSRS 12288

#define X2APIC_MSRS 0x800u
#define NR_X2APIC_MSRS 0x100u

struct msr_filter {
	bool deny; /* what is in no range */
	u32 count;
	struct msr_filter_range {
		u32 first;
		u32 count;
		u32 flags;
		unsigned long *allowed;
	} ranges[MSR_FILTER_RANGES];
};

static void filter_free(struct msr_filter *filter)
{
	if (!filter)
		return;
	for (u32 i = 0; i < filter->count; i++)
		kfree(filter->ranges[i].allowed);
	kfree(filter);
}

static int range_copy(struct msr_filter_range *to, const struct myhv_msr_range *from)
{
	size_t bytes = BITS_TO_LONGS(from->count) * sizeof(long);

	if (!from->count || from->count > MAX_RANGE_MSRS || from->pad || !from->flags ||
	    from->flags & ~(MYHV_MSR_RANGE_READ | MYHV_MSR_RANGE_WRITE))
		return -EINVAL;
	to->first = from->first;
	to->count = from->count;
	to->flags = from->flags;
	to->allowed = kmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!to->allowed)
		return -ENOMEM;
	return copy_from_user(to->allowed, u64_to_user_ptr(from->allowed), bytes) ? -EFAULT : 0;
}

static struct msr_filter *filter_copy(const struct myhv_msr_filter *args)
{
	struct msr_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	const struct myhv_msr_range __user *ranges = u64_to_user_ptr(args->ranges);
	struct myhv_msr_range range;
	int ret = filter ? 0 : -ENOMEM;

	if (filter)
		filter->deny = args->flags & MYHV_MSR_FILTER_DENY;
	for (u32 i = 0; i < args->count && !ret; i++) {
		if (copy_from_user(&range, &ranges[i], sizeof(range))) {
			ret = -EFAULT;
			break;
		}
		filter->count++;
		ret = range_copy(&filter->ranges[i], &range);
	}
	if (!ret)
		return filter;
	filter_free(filter);
	return ERR_PTR(ret);
}

/* vm->lock held, or the vCPU's thread, which is told when it changes. */
void msr_filter_update(struct myhv_vcpu *vcpu)
{
	vcpu->msr_filtered = rcu_access_pointer(vcpu->vm->msr_filter);
	backend->msr_filter_changed(vcpu);
}

int msr_filter_set(struct myhv_vm *vm, const struct myhv_msr_filter *args)
{
	struct msr_filter *filter = NULL;
	struct myhv_vcpu *vcpu;
	unsigned long id;

	if (args->count || args->flags)
		filter = filter_copy(args);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	mutex_lock(&vm->lock);
	filter = rcu_replace_pointer(vm->msr_filter, filter, lockdep_is_held(&vm->lock));
	xa_for_each(&vm->vcpus, id, vcpu)
		vcpu_request(vcpu, VCPU_REQ_MSR_FILTER);
	mutex_unlock(&vm->lock);
	/* out of the guest with what was let through before; then out of the old filter */
	vm_kick_all_sync(vm);
	synchronize_rcu();
	filter_free(filter);
	return 0;
}

/* Nobody runs any more. */
void msr_filter_destroy(struct myhv_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->msr_filter, true));
}

static bool filter_allows(const struct msr_filter *filter, u32 index, u32 access)
{
	const struct msr_filter_range *range;

	for (u32 i = 0; i < filter->count; i++) {
		range = &filter->ranges[i];
		if (index - range->first < range->count && (range->flags & access))
			return test_bit(index - range->first, range->allowed);
	}
	return !filter->deny;
}

bool msr_filter_allows(struct myhv_vm *vm, u32 index, bool is_write)
{
	const struct msr_filter *filter;
	bool allowed;

	if (index - X2APIC_MSRS < NR_X2APIC_MSRS)
		return true;
	rcu_read_lock();
	filter = rcu_dereference(vm->msr_filter);
	allowed = !filter || filter_allows(filter, index, is_write ? MYHV_MSR_RANGE_WRITE :
								     MYHV_MSR_RANGE_READ);
	rcu_read_unlock();
	return allowed;
}
