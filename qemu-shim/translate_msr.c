// SPDX-License-Identifier: GPL-2.0-or-later
/* MSRs as far as they are the system's or a VM's: features, the filter, exits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define MSR_UCODE_REV 0x8b
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_PERF_CAPABILITIES 0x345
#define NO_PROP UINT32_MAX
#define MAX_MSRS 256 /* KVM's limit of a call */

/* ---- features: MSRs that tell what the CPU can do ---- */

/* and the system's property with the value; without one it is 0 */
static const struct feature_msr {
	uint32_t index;
	uint32_t prop;
} features[] = {
	{ MSR_UCODE_REV, MYHV_PROP_UCODE_REV },
	{ MSR_ARCH_CAPABILITIES, MYHV_PROP_ARCH_CAPABILITIES },
	{ MSR_PERF_CAPABILITIES, NO_PROP },
};
#define NR_FEATURES (sizeof(features) / sizeof(features[0]))

long msr_feature_list(int fd, uint64_t arg)
{
	uint32_t indices[NR_FEATURES], room, count = NR_FEATURES;

	for (uint32_t i = 0; i < NR_FEATURES; i++)
		indices[i] = features[i].index;
	if (copy_in(&room, arg, sizeof(room)) || copy_out(arg, &count, sizeof(count)))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	return copy_out(arg + offsetof(struct kvm_msr_list, indices), indices, sizeof(indices));
}

static long feature_get(int fd, uint32_t index, uint64_t *value)
{
	*value = 0;
	for (uint32_t i = 0; i < NR_FEATURES; i++)
		if (features[i].index == index)
			return features[i].prop == NO_PROP ? 0 :
				       sys_prop_get(fd, features[i].prop, value);
	return -ENOENT;
}

/* The number of those that it knows: the first other one ends it. */
long msr_features_get(int fd, uint64_t arg)
{
	struct kvm_msr_entry entries[MAX_MSRS];
	uint64_t at = arg + offsetof(struct kvm_msrs, entries), value;
	struct kvm_msrs list;
	uint32_t n;

	if (copy_in(&list, arg, sizeof(list)))
		return -EFAULT;
	if (list.nmsrs >= MAX_MSRS)
		return -E2BIG;
	if (copy_in(entries, at, list.nmsrs * sizeof(entries[0])))
		return -EFAULT;
	for (n = 0; n < list.nmsrs; n++) {
		if (feature_get(fd, entries[n].index, &value))
			break;
		entries[n].data = value;
	}
	return copy_out(at, entries, n * sizeof(entries[0])) ? -EFAULT : (long)n;
}

/* ---- KVM_CAP_X86_USER_SPACE_MSR ---- */

#define MSR_EXIT_REASONS \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

long msr_exits_set(int fd, uint64_t reasons)
{
	uint64_t exits = 0;

	if (reasons & ~(uint64_t)MSR_EXIT_REASONS)
		return -EINVAL;
	if (reasons & KVM_MSR_EXIT_REASON_UNKNOWN)
		exits |= MYHV_VM_EXIT_MSR;
	if (reasons & KVM_MSR_EXIT_REASON_INVAL)
		exits |= MYHV_VM_EXIT_MSR_INVALID;
	if (reasons & KVM_MSR_EXIT_REASON_FILTER)
		exits |= MYHV_VM_EXIT_MSR_FILTERED;
	return sys_prop_set(fd, MYHV_PROP_VM_EXITS, exits);
}

/* ---- KVM_X86_SET_MSR_FILTER ---- */

#define RANGE_FLAGS (KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)
#define BITMAP_BYTES 0x600u /* KVM's limit of a range */

static int range_from_kvm(const struct kvm_msr_filter_range *from, uint64_t *bits,
			  struct myhv_msr_range *to)
{
	if (from->flags & ~(uint32_t)RANGE_FLAGS || !from->flags || from->nmsrs > BITMAP_BYTES * 8)
		return -EINVAL;
	*to = (struct myhv_msr_range){
		.first = from->base,
		.count = from->nmsrs,
		.flags = (from->flags & KVM_MSR_FILTER_READ ? MYHV_MSR_RANGE_READ : 0) |
			 (from->flags & KVM_MSR_FILTER_WRITE ? MYHV_MSR_RANGE_WRITE : 0),
		.allowed = pointer_arg(bits),
	};
	/* whole words, as KVM does it */
	return copy_in(bits, pointer_arg(from->bitmap), (from->nmsrs + 63) / 64 * 8);
}

long msr_filter(int fd, uint64_t arg)
{
	struct myhv_msr_range ranges[KVM_MSR_FILTER_MAX_RANGES];
	struct myhv_msr_filter to = { .ranges = pointer_arg(ranges) };
	struct kvm_msr_filter from;
	uint8_t (*bits)[BITMAP_BYTES];
	long r = 0;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	if (from.flags & ~(uint32_t)KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	bits = calloc(KVM_MSR_FILTER_MAX_RANGES, sizeof(*bits));
	if (!bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !r; i++)
		if (from.ranges[i].nmsrs) {
			r = range_from_kvm(&from.ranges[i], (uint64_t *)bits[i], &ranges[to.count]);
			to.count++;
		}
	if (from.flags & KVM_MSR_FILTER_DEFAULT_DENY)
		to.flags = MYHV_MSR_FILTER_DENY;
	/* nobody means to deny all of them */
	if (!r && to.flags && !to.count)
		r = -EINVAL;
	if (!r)
		r = sys_ioctl(fd, MYHV_MSR_FILTER, &to);
	free(bits);
	return r;
}
