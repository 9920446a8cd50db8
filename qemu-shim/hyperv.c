// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The leaves of Hyper-V's interface ("Hypervisor Top Level Functional Specification", "Feature and
 * Interface Discovery"), as far as the module has it. The client chooses among them.
 */
#include <errno.h>
#include <string.h>

#include "shim.h"

#define INTERFACE_HV1 0x31237648 /* "Hv#1" */

/* leaf 3, EAX: MSRs */
#define HAS_TIME_REF_COUNT (1u << 1)
#define HAS_SYNIC (1u << 2)
#define HAS_STIMERS (1u << 3)
#define HAS_APIC (1u << 4)
#define HAS_HYPERCALL (1u << 5)
#define HAS_VP_INDEX (1u << 6)
#define HAS_REFERENCE_TSC (1u << 9)
#define HAS_FREQUENCIES (1u << 11)
/* leaf 3, EDX */
#define HAS_FREQUENCY_MSRS (1u << 8)
#define HAS_DIRECT_STIMERS (1u << 19)
/* leaf 4, EAX: what a guest had better do */
#define BETTER_APIC_BY_MSR (1u << 3)
#define BETTER_RELAXED_TIMING (1u << 5)

#define NEVER_RETRY 0xffffffff /* leaf 4, EBX: tries for a lock before a hypercall */
#define MAX_VPS 64

static const struct kvm_cpuid_entry2 leaves[] = {
	/* the highest leaf, and "myhv Hv     " */
	{ .function = 0x40000000, .eax = 0x40000005, .ebx = 0x7668796d, .ecx = 0x20764820,
	  .edx = 0x20202020 },
	{ .function = 0x40000001, .eax = INTERFACE_HV1 },
	/* version 10.0.14393 */
	{ .function = 0x40000002, .eax = 14393, .ebx = 10 << 16 },
	{ .function = 0x40000003,
	  .eax = HAS_TIME_REF_COUNT | HAS_SYNIC | HAS_STIMERS | HAS_APIC | HAS_HYPERCALL |
		 HAS_VP_INDEX | HAS_REFERENCE_TSC | HAS_FREQUENCIES,
	  .edx = HAS_FREQUENCY_MSRS | HAS_DIRECT_STIMERS },
	{ .function = 0x40000004, .eax = BETTER_APIC_BY_MSR | BETTER_RELAXED_TIMING,
	  .ebx = NEVER_RETRY },
	{ .function = 0x40000005, .eax = MAX_VPS },
};
#define NR_LEAVES (sizeof(leaves) / sizeof(leaves[0]))

long hyperv_cpuid(uint64_t arg)
{
	uint32_t room, count = NR_LEAVES;

	if (copy_in(&room, arg, sizeof(room)))
		return -EFAULT;
	if (room < count)
		return -E2BIG;
	if (copy_out(arg, &count, sizeof(count)))
		return -EFAULT;
	return copy_out(arg + offsetof(struct kvm_cpuid2, entries), leaves, sizeof(leaves));
}
