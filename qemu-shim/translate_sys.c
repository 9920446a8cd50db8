// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls on /dev/kvm, and what KVM_CHECK_EXTENSION answers. */
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <asm/kvm_para.h>

#include "convert.h"
#include "fd_map.h"
#include "shim.h"

#define MCG_CTL_P (1ull << 8)
#define MCG_SER_P (1ull << 24)
#define MCE_BANKS 32
#define PV_FEATURES (MYHV_PV_CLOCK | MYHV_PV_EOI | MYHV_PV_UNHALT)
#define GUEST_DEBUG_FLAGS                                                                    \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |            \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)
#define CPUID_PV_TIMING 0x40000010u
#define CPUID_EXT_FEATURES 0x80000001u
#define ECX_CMP_LEGACY (1u << 1)

/* ---- extensions ---- */

enum cap_from { FROM_VALUE, FROM_PROP };

/* A capability: a number, or a property of the system. One that is not here is 0: absent. */
static const struct cap {
	uint32_t cap;
	enum cap_from from;
	uint32_t value;
} caps[] = {
	{ KVM_CAP_IRQCHIP, FROM_VALUE, 1 },
	{ KVM_CAP_HLT, FROM_VALUE, 1 },
	{ KVM_CAP_USER_MEMORY, FROM_VALUE, 1 },
	{ KVM_CAP_SET_TSS_ADDR, FROM_VALUE, 1 },
	{ KVM_CAP_EXT_CPUID, FROM_VALUE, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, FROM_VALUE, 1 },
	{ KVM_CAP_CLOCKSOURCE, FROM_VALUE, 1 },
	{ KVM_CAP_NR_VCPUS, FROM_PROP, MYHV_PROP_MAX_VCPUS },
	{ KVM_CAP_NR_MEMSLOTS, FROM_PROP, MYHV_PROP_MAX_MEM_REGIONS },
	{ KVM_CAP_PIT, FROM_VALUE, 1 },
	{ KVM_CAP_NOP_IO_DELAY, FROM_VALUE, 1 },
	{ KVM_CAP_MP_STATE, FROM_VALUE, 1 },
	{ KVM_CAP_COALESCED_MMIO, FROM_VALUE, RUN_RING_PAGE },
	{ KVM_CAP_SYNC_MMU, FROM_VALUE, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, FROM_VALUE, 1 },
	{ KVM_CAP_USER_NMI, FROM_VALUE, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, FROM_VALUE, 1 },
	{ KVM_CAP_REINJECT_CONTROL, FROM_VALUE, 1 },
	{ KVM_CAP_IRQ_ROUTING, FROM_PROP, MYHV_PROP_IRQ_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, FROM_VALUE, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, FROM_VALUE, 1 },
	{ KVM_CAP_MCE, FROM_VALUE, MCE_BANKS },
	{ KVM_CAP_IRQFD, FROM_VALUE, 1 },
	{ KVM_CAP_PIT2, FROM_VALUE, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, FROM_VALUE, 1 },
	{ KVM_CAP_PIT_STATE2, FROM_VALUE, 1 },
	{ KVM_CAP_IOEVENTFD, FROM_VALUE, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, FROM_VALUE, 1 },
	{ KVM_CAP_ADJUST_CLOCK, FROM_VALUE,
	  KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_INTERNAL_ERROR_DATA, FROM_VALUE, 1 },
	{ KVM_CAP_VCPU_EVENTS, FROM_VALUE, 1 },
	{ KVM_CAP_DEBUGREGS, FROM_VALUE, 1 },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, FROM_VALUE, 1 },
	{ KVM_CAP_ENABLE_CAP, FROM_VALUE, 1 },
	{ KVM_CAP_XSAVE, FROM_VALUE, 1 },
	{ KVM_CAP_XCRS, FROM_VALUE, 1 },
	{ KVM_CAP_GET_TSC_KHZ, FROM_VALUE, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, FROM_VALUE, 1 },
	{ KVM_CAP_MAX_VCPUS, FROM_PROP, MYHV_PROP_MAX_VCPUS },
	{ KVM_CAP_SIGNAL_MSI, FROM_VALUE, 1 },
	{ KVM_CAP_READONLY_MEM, FROM_VALUE, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, FROM_VALUE, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, FROM_VALUE, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, FROM_VALUE, 1 },
	{ KVM_CAP_SYNC_REGS, FROM_VALUE, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_CHECK_EXTENSION_VM, FROM_VALUE, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, FROM_VALUE, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, FROM_VALUE, 1 },
	{ KVM_CAP_MAX_VCPU_ID, FROM_PROP, MYHV_PROP_MAX_VCPU_ID },
	{ KVM_CAP_SPLIT_IRQCHIP, FROM_VALUE, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, FROM_VALUE, 1 },
	{ KVM_CAP_COALESCED_PIO, FROM_VALUE, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, FROM_VALUE, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, FROM_VALUE, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, FROM_VALUE, 1 },
	{ KVM_CAP_XSAVE2, FROM_VALUE, sizeof(struct kvm_xsave) },
	{ KVM_CAP_KVMCLOCK_CTRL, FROM_VALUE, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, FROM_VALUE, 1 },
	{ KVM_CAP_SYS_ATTRIBUTES, FROM_VALUE, 1 },
	{ KVM_CAP_X2APIC_API, FROM_VALUE, X2APIC_API },
	{ KVM_CAP_GET_MSR_FEATURES, FROM_VALUE, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, FROM_VALUE, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, FROM_VALUE, 1 },
	{ KVM_CAP_X86_MSR_FILTER, FROM_VALUE, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, FROM_VALUE, 1 },
	{ KVM_CAP_DIRTY_LOG_RING, FROM_VALUE, DIRTY_RING_MAX_BYTES },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, FROM_VALUE, DIRTY_RING_MAX_BYTES },
	{ KVM_CAP_SET_GUEST_DEBUG2, FROM_VALUE, GUEST_DEBUG_FLAGS },
	{ KVM_CAP_BINARY_STATS_FD, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_VAPIC, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_SPIN, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_TIME, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_SYNIC, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_SYNIC2, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_VP_INDEX, FROM_VALUE, 1 },
	{ KVM_CAP_HYPERV_CPUID, FROM_VALUE, 1 },
	{ KVM_CAP_SYS_HYPERV_CPUID, FROM_VALUE, 1 },
	{ KVM_CAP_DISABLE_QUIRKS, FROM_VALUE, 1 },
	{ KVM_CAP_DISABLE_QUIRKS2, FROM_VALUE, QUIRKS },
};

long extension_value(struct vm *vm, int fd, uint64_t cap)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (caps[i].cap != cap)
			continue;
		if (caps[i].from == FROM_VALUE)
			return caps[i].value;
		/* properties of the system can be asked of its descriptor alone */
		if (vm)
			return vm->limits[caps[i].value];
		return sys_prop_get(fd, caps[i].value, &value) ? 0 : (long)value;
	}
	return 0;
}

static long sys_check_extension(struct object *o, int fd, uint64_t arg)
{
	return extension_value(NULL, fd, arg);
}

/* ---- the system ---- */

static long sys_api_version(struct object *o, int fd, uint64_t arg)
{
	return arg ? -EINVAL : KVM_API_VERSION;
}

static long sys_vcpu_mmap_size(struct object *o, int fd, uint64_t arg)
{
	return arg ? -EINVAL : (long)(RUN_MAP_PAGES * SHIM_PAGE);
}

static int vm_init(struct vm *vm, int sys_fd)
{
	uint64_t value;

	vm->slots = calloc(MAX_SLOTS, sizeof(*vm->slots));
	if (!vm->slots)
		return -ENOMEM;
	for (unsigned int i = 0; i < NR_LIMITS; i++)
		vm->limits[i] = sys_prop_get(sys_fd, i, &value) ? 0 : value;
	return 0;
}

static long sys_create_vm(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vm_create create = { .irqchip = MYHV_IRQCHIP_NONE, .name = "kvm" };
	struct vm *vm;
	long vm_fd;
	int r;

	if (arg) /* the machine type; x86 has one */
		return -EINVAL;
	vm = (struct vm *)object_new(KIND_VM);
	if (!vm)
		return -ENOMEM;
	r = vm_init(vm, fd);
	vm_fd = r ? r : sys_ioctl(fd, MYHV_VM_CREATE, &create);
	if (vm_fd >= 0)
		r = fd_assign(vm_fd, &vm->base);
	/* KVM has all of them; CPUID tells the guest which it may use */
	if (vm_fd >= 0 && !r)
		r = sys_prop_set(vm_fd, MYHV_PROP_VM_PV, PV_FEATURES);
	if (vm_fd >= 0 && !r)
		r = sys_prop_set(vm_fd, MYHV_PROP_VM_QUIRKS,
				 MYHV_QUIRK_MWAIT | MYHV_QUIRK_HYPERCALL);
	object_put(&vm->base);
	if (vm_fd >= 0 && r) {
		fd_clear(vm_fd);
		sys_close(vm_fd);
		return r;
	}
	return vm_fd;
}

/* ---- lists ---- */

/* What a client's list says it has room for, and what there is. */
static long list_count(uint64_t arg, uint32_t count)
{
	uint32_t room;

	if (copy_in(&room, arg, sizeof(room)) || copy_out(arg, &count, sizeof(count)))
		return -EFAULT;
	return room < count ? -E2BIG : 0;
}

/*
 * Bits about topology that KVM passes on: the module leaves topology to its clients, and QEMU
 * warns of what its CPU models have and the list does not.
 */
static void add_topology_bits(struct kvm_cpuid_entry2 *e)
{
	unsigned int eax, ebx, ecx, edx;

	if (e->function == CPUID_EXT_FEATURES && __get_cpuid(e->function, &eax, &ebx, &ecx, &edx))
		e->ecx |= ecx & ECX_CMP_LEGACY;
}

/*
 * KVM's own leaves end with the features, and clients rely on it. The leaf of frequencies
 * beyond them is for clients to add.
 */
static uint32_t drop_pv_timing(struct myhv_cpuid_entry *entries, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (entries[i].function == CPUID_PV_TIMING)
			continue;
		entries[kept] = entries[i];
		if (entries[kept].function == KVM_CPUID_SIGNATURE)
			entries[kept].eax = KVM_CPUID_FEATURES;
		kept++;
	}
	return kept;
}

static long sys_supported_cpuid(struct object *o, int fd, uint64_t arg)
{
	struct myhv_cpuid_entry ours[MAX_CPUID];
	struct kvm_cpuid_entry2 entries[MAX_CPUID];
	struct myhv_cpuid_list list = { .count = MAX_CPUID, .entries = pointer_arg(ours) };
	uint32_t room;
	long r;

	if (copy_in(&room, arg, sizeof(room)))
		return -EFAULT;
	r = sys_ioctl(fd, MYHV_CPUID_SUPPORTED, &list);
	if (r)
		return r;
	list.count = drop_pv_timing(ours, list.count);
	/* KVM leaves the count alone when the list is too short */
	if (room < list.count)
		return -E2BIG;
	for (uint32_t i = 0; i < list.count; i++) {
		cpuid_to_kvm(&ours[i], &entries[i]);
		add_topology_bits(&entries[i]);
	}
	if (copy_out(arg, &list.count, sizeof(list.count)))
		return -EFAULT;
	return copy_out(arg + offsetof(struct kvm_cpuid2, entries), entries,
			list.count * sizeof(entries[0]));
}

/* Nothing is emulated that the CPU does not have. */
static long sys_emulated_cpuid(struct object *o, int fd, uint64_t arg)
{
	uint32_t room, none = 0;

	if (copy_in(&room, arg, sizeof(room)))
		return -EFAULT;
	return room ? copy_out(arg, &none, sizeof(none)) : -E2BIG;
}

static long sys_msr_index_list(struct object *o, int fd, uint64_t arg)
{
	uint32_t indices[MAX_MSR_LIST];
	struct myhv_msr_list list = { .count = MAX_MSR_LIST, .indices = pointer_arg(indices) };
	long r;

	r = sys_ioctl(fd, MYHV_MSR_INDICES, &list);
	if (r)
		return r;
	r = list_count(arg, list.count);
	if (r)
		return r;
	return copy_out(arg + offsetof(struct kvm_msr_list, indices), indices,
			list.count * sizeof(indices[0]));
}

static long sys_mce_cap(struct object *o, int fd, uint64_t arg)
{
	uint64_t cap = MCG_CTL_P | MCG_SER_P | MCE_BANKS;

	return copy_out(arg, &cap, sizeof(cap));
}

static long sys_msr_features(struct object *o, int fd, uint64_t arg)
{
	return msr_feature_list(fd, arg);
}

static long sys_get_msrs(struct object *o, int fd, uint64_t arg)
{
	return msr_features_get(fd, arg);
}

static long sys_has_attr(struct object *o, int fd, uint64_t arg)
{
	return sys_attr(fd, KVM_HAS_DEVICE_ATTR, arg);
}

static long sys_get_attr(struct object *o, int fd, uint64_t arg)
{
	return sys_attr(fd, KVM_GET_DEVICE_ATTR, arg);
}

static long sys_hv_cpuid(struct object *o, int fd, uint64_t arg)
{
	return hyperv_cpuid(arg);
}

const struct call sys_calls[] = {
	CALL(KVM_GET_SUPPORTED_HV_CPUID, sys_hv_cpuid),
	CALL(KVM_GET_MSR_FEATURE_INDEX_LIST, sys_msr_features),
	CALL(KVM_GET_MSRS, sys_get_msrs),
	CALL(KVM_HAS_DEVICE_ATTR, sys_has_attr),
	CALL(KVM_GET_DEVICE_ATTR, sys_get_attr),
	CALL(KVM_GET_API_VERSION, sys_api_version),
	CALL(KVM_CREATE_VM, sys_create_vm),
	CALL(KVM_CHECK_EXTENSION, sys_check_extension),
	CALL(KVM_GET_VCPU_MMAP_SIZE, sys_vcpu_mmap_size),
	CALL(KVM_GET_SUPPORTED_CPUID, sys_supported_cpuid),
	CALL(KVM_GET_EMULATED_CPUID, sys_emulated_cpuid),
	CALL(KVM_GET_MSR_INDEX_LIST, sys_msr_index_list),
	CALL(KVM_X86_GET_MCE_CAP_SUPPORTED, sys_mce_cap),
};
const unsigned int nr_sys_calls = sizeof(sys_calls) / sizeof(sys_calls[0]);
