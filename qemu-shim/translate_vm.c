// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls on a VM: memory, vCPUs, clock. Interrupts are in translate_irq.c. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "convert.h"
#include "fd_map.h"
#include "shim.h"

#define MIN_MMU_PAGES 64 /* KVM's */
#define NS_PER_S 1000000000ll

static struct vm *vm_of(struct object *o)
{
	return (struct vm *)o;
}

static long vm_check_extension(struct object *o, int fd, uint64_t arg)
{
	return extension_value(vm_of(o), fd, arg);
}

/* ---- vCPUs ---- */

static int run_area_map(struct vcpu *vcpu, int fd, const struct myhv_vcpu_create *create)
{
	char *area = (char *)syscall(SYS_mmap, NULL, create->run_bytes, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);

	if (area == MAP_FAILED)
		return -errno;
	vcpu->run_bytes = create->run_bytes;
	vcpu->data_offset = create->data_offset;
	vcpu->ring_offset = create->coalesced_offset;
	vcpu->run = (void *)area;
	vcpu->exit = (void *)(area + create->exit_offset);
	vcpu->state = (void *)(area + create->state_offset);
	return 0;
}

static long vm_create_vcpu(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_create create = { .id = arg };
	struct vcpu *vcpu;
	long vcpu_fd;
	int r;

	if (arg >> 32 || (vm_of(o)->max_vcpu_ids && arg >= vm_of(o)->max_vcpu_ids))
		return -EINVAL;
	vcpu = (struct vcpu *)object_new(KIND_VCPU);
	if (!vcpu)
		return -ENOMEM;
	object_get(o);
	vcpu->vm = vm_of(o);
	vcpu->id = arg;
	vcpu_link(vcpu);
	vcpu_fd = sys_ioctl(fd, MYHV_VCPU_CREATE, &create);
	if (vcpu_fd < 0) {
		object_put(&vcpu->base);
		return vcpu_fd == -E2BIG ? -EINVAL : vcpu_fd;
	}
	r = run_area_map(vcpu, vcpu_fd, &create);
	if (r == 0)
		r = dirty_ring_create(vcpu, vcpu_fd);
	if (r == 0)
		r = fd_assign(vcpu_fd, &vcpu->base);
	object_put(&vcpu->base);
	if (r) {
		sys_close(vcpu_fd);
		return r;
	}
	shim_lock();
	vm_of(o)->nr_vcpus++;
	shim_unlock();
	return vcpu_fd;
}

static long vm_set_boot_cpu_id(struct object *o, int fd, uint64_t arg)
{
	return sys_prop_set(fd, MYHV_PROP_VM_BSP_ID, arg);
}

/* ---- memory ---- */

static long vm_set_region(struct object *o, int fd, uint64_t arg)
{
	struct kvm_userspace_memory_region region;
	long r;

	if (copy_in(&region, arg, sizeof(region)))
		return -EFAULT;
	shim_lock();
	r = slot_set(vm_of(o), fd, &region);
	shim_unlock();
	return r;
}

static long vm_get_dirty_log(struct object *o, int fd, uint64_t arg)
{
	struct kvm_dirty_log log;
	long r;

	if (copy_in(&log, arg, sizeof(log)))
		return -EFAULT;
	shim_lock();
	r = slot_dirty_get(vm_of(o), fd, &log);
	shim_unlock();
	return r;
}

static long vm_clear_dirty_log(struct object *o, int fd, uint64_t arg)
{
	struct kvm_clear_dirty_log log;
	long r;

	if (copy_in(&log, arg, sizeof(log)))
		return -EFAULT;
	shim_lock();
	r = slot_dirty_clear(vm_of(o), fd, &log);
	shim_unlock();
	return r;
}

/* Intel CPUs without unrestricted guest need these pages; ours do not. */
static long vm_set_tss_addr(struct object *o, int fd, uint64_t arg)
{
	return arg > 0xffffffffu - 3 * SHIM_PAGE ? -EINVAL : 0;
}

static long vm_set_identity_map_addr(struct object *o, int fd, uint64_t arg)
{
	uint64_t address;
	long r = copy_in(&address, arg, sizeof(address));

	if (r)
		return r;
	return vm_of(o)->nr_vcpus ? -EINVAL : 0;
}

/* How many tables KVM may keep for shadow paging. There is none here: the number is kept. */
static long vm_set_nr_mmu_pages(struct object *o, int fd, uint64_t arg)
{
	if ((uint32_t)arg < MIN_MMU_PAGES)
		return -EINVAL;
	vm_of(o)->nr_mmu_pages = arg;
	return 0;
}

static long vm_get_nr_mmu_pages(struct object *o, int fd, uint64_t arg)
{
	return vm_of(o)->nr_mmu_pages;
}

static long coalesce(int fd, uint64_t arg, uint32_t flags)
{
	struct kvm_coalesced_mmio_zone zone;
	struct myhv_coalesce to;

	if (copy_in(&zone, arg, sizeof(zone)))
		return -EFAULT;
	if (zone.pio > 1)
		return -EINVAL;
	/* KVM takes zones that no write can lie in */
	if (!zone.size || zone.addr + zone.size <= zone.addr)
		return 0;
	to = (struct myhv_coalesce){
		.addr = zone.addr,
		.len = zone.size,
		.flags = flags | (zone.pio ? MYHV_COALESCE_PIO : 0),
	};
	return sys_ioctl(fd, MYHV_COALESCE, &to);
}

static long vm_coalesce(struct object *o, int fd, uint64_t arg)
{
	return coalesce(fd, arg, 0);
}

static long vm_uncoalesce(struct object *o, int fd, uint64_t arg)
{
	return coalesce(fd, arg, MYHV_COALESCE_REMOVE);
}

/* ---- the paravirtual clock ---- */

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static long vm_get_clock(struct object *o, int fd, uint64_t arg)
{
	struct kvm_clock_data data = {
		.flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC,
	};
	uint64_t ns, before, after, best = UINT64_MAX;
	int64_t realtime;
	long r;

	/* three clocks in one moment: the narrowest of a few tries */
	for (int i = 0; i < 3; i++) {
		before = __builtin_ia32_rdtsc();
		r = sys_prop_get(fd, MYHV_PROP_VM_CLOCK_NS, &ns);
		realtime = clock_ns(CLOCK_REALTIME);
		after = __builtin_ia32_rdtsc();
		if (r)
			return r;
		if (after - before >= best)
			continue;
		best = after - before;
		data.clock = ns;
		data.realtime = realtime;
		data.host_tsc = before + best / 2;
	}
	return copy_out(arg, &data, sizeof(data));
}

static long vm_set_clock(struct object *o, int fd, uint64_t arg)
{
	struct kvm_clock_data data;
	int64_t passed;

	if (copy_in(&data, arg, sizeof(data)))
		return -EFAULT;
	/* the others are for the answer of KVM_GET_CLOCK, and may come back */
	if (data.flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	if (data.flags & KVM_CLOCK_REALTIME) {
		passed = clock_ns(CLOCK_REALTIME) - (int64_t)data.realtime;
		if (passed > 0)
			data.clock += passed;
	}
	return sys_prop_set(fd, MYHV_PROP_VM_CLOCK_NS, data.clock);
}

static long vm_get_tsc_khz(struct object *o, int fd, uint64_t arg)
{
	return vm_of(o)->limits[MYHV_PROP_TSC_KHZ];
}

/* ---- capabilities to switch on ---- */

static long cap_split_irqchip(struct vm *vm, int fd, const struct kvm_enable_cap *cap)
{
	if (cap->args[0] > 24)
		return -EINVAL;
	return irqchip_create(vm, fd, MYHV_IRQCHIP_SPLIT);
}

static long cap_flag(atomic_bool *flag, uint64_t value)
{
	*flag = value;
	return 0;
}

static long cap_bits(atomic_uint *to, uint64_t value, uint64_t known)
{
	if (value & ~known)
		return -EINVAL;
	*to |= value;
	return 0;
}

static long cap_max_vcpu_id(struct vm *vm, uint64_t ids)
{
	long r = -EINVAL;

	shim_lock();
	if (ids && ids <= vm->limits[MYHV_PROP_MAX_VCPU_ID] &&
	    (!vm->max_vcpu_ids || vm->max_vcpu_ids == ids)) {
		vm->max_vcpu_ids = ids;
		r = 0;
	}
	shim_unlock();
	return r;
}

static long cap_dirty_ring(struct vm *vm, uint64_t bytes)
{
	long r;

	shim_lock();
	r = dirty_ring_enable(vm, bytes);
	shim_unlock();
	return r;
}

static long quirks_off(int fd, uint64_t off)
{
	return sys_prop_set(fd, MYHV_PROP_VM_QUIRKS,
			    (off & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS ? 0 : MYHV_QUIRK_MWAIT) |
			    (off & KVM_X86_QUIRK_FIX_HYPERCALL_INSN ? 0 : MYHV_QUIRK_HYPERCALL) |
			    (off & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT ? MYHV_QUIRK_MWAIT_BY_MSR :
									0));
}

static long vm_cap_set(struct vm *vm, int fd, const struct kvm_enable_cap *cap)
{
	switch (cap->cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		return cap_split_irqchip(vm, fd, cap);
	case KVM_CAP_EXCEPTION_PAYLOAD:
		return cap_flag(&vm->exception_payload, cap->args[0]);
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		return cap_flag(&vm->triple_fault_event, cap->args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		if (cap->args[0] & ~KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
			return -EINVAL;
		return cap_flag(&vm->dirty_log_manual, cap->args[0]);
	case KVM_CAP_X2APIC_API:
		return cap_bits(&vm->x2apic_api, cap->args[0], X2APIC_API);
	case KVM_CAP_DISABLE_QUIRKS2:
		return cap->args[0] & ~(uint64_t)QUIRKS ? -EINVAL : quirks_off(fd, cap->args[0]);
	case KVM_CAP_DISABLE_QUIRKS: /* the older one takes what it does not know */
		return quirks_off(fd, cap->args[0]);
	case KVM_CAP_MAX_VCPU_ID:
		return cap_max_vcpu_id(vm, cap->args[0]);
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return cap_dirty_ring(vm, cap->args[0]);
	case KVM_CAP_MSR_PLATFORM_INFO:
		return sys_prop_set(fd, MYHV_PROP_VM_HIDDEN,
				    cap->args[0] ? 0 : MYHV_HIDE_PLATFORM_INFO);
	case KVM_CAP_X86_USER_SPACE_MSR:
		return msr_exits_set(fd, cap->args[0]);
	}
	return -EINVAL;
}

static long vm_enable_cap(struct object *o, int fd, uint64_t arg)
{
	struct kvm_enable_cap cap;

	if (copy_in(&cap, arg, sizeof(cap)))
		return -EFAULT;
	return cap.flags ? -EINVAL : vm_cap_set(vm_of(o), fd, &cap);
}

static long vm_msr_filter(struct object *o, int fd, uint64_t arg)
{
	return msr_filter(fd, arg);
}

static long vm_reset_dirty_rings(struct object *o, int fd, uint64_t arg)
{
	return dirty_rings_reset(vm_of(o), fd);
}

static long vm_stats(struct object *o, int fd, uint64_t arg)
{
	return stats_open(o, fd);
}

const struct call vm_calls[] = {
	CALL(KVM_X86_SET_MSR_FILTER, vm_msr_filter),
	CALL(KVM_RESET_DIRTY_RINGS, vm_reset_dirty_rings),
	CALL(KVM_GET_STATS_FD, vm_stats),
	CALL(KVM_CHECK_EXTENSION, vm_check_extension),
	CALL(KVM_ENABLE_CAP, vm_enable_cap),
	CALL(KVM_CREATE_VCPU, vm_create_vcpu),
	CALL(KVM_SET_BOOT_CPU_ID, vm_set_boot_cpu_id),
	CALL(KVM_SET_USER_MEMORY_REGION, vm_set_region),
	CALL(KVM_GET_DIRTY_LOG, vm_get_dirty_log),
	CALL(KVM_CLEAR_DIRTY_LOG, vm_clear_dirty_log),
	CALL(KVM_SET_TSS_ADDR, vm_set_tss_addr),
	CALL(KVM_SET_IDENTITY_MAP_ADDR, vm_set_identity_map_addr),
	CALL(KVM_SET_NR_MMU_PAGES, vm_set_nr_mmu_pages),
	CALL(KVM_GET_NR_MMU_PAGES, vm_get_nr_mmu_pages),
	CALL(KVM_REGISTER_COALESCED_MMIO, vm_coalesce),
	CALL(KVM_UNREGISTER_COALESCED_MMIO, vm_uncoalesce),
	CALL(KVM_GET_CLOCK, vm_get_clock),
	CALL(KVM_SET_CLOCK, vm_set_clock),
	CALL(KVM_GET_TSC_KHZ, vm_get_tsc_khz),
};
const unsigned int nr_vm_calls = sizeof(vm_calls) / sizeof(vm_calls[0]);
