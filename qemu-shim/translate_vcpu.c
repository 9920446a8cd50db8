// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls on a vCPU, but for KVM_RUN's work, which is run_page.c's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "log.h"
#include "shim.h"
#include "vcpu_state.h"

#define MSR_IA32_MCG_CAP 0x179
#define MAX_MSRS 256 /* KVM's limit of a call */
#define APIC_BASE_EXTD (1ull << 10)
#define APIC_ID 0x20

static struct vcpu *vcpu_of(struct object *o)
{
	return (struct vcpu *)o;
}

static long vcpu_run_call(struct object *o, int fd, uint64_t arg)
{
	return arg ? -EINVAL : vcpu_run(vcpu_of(o), fd);
}

/* ---- registers ---- */

static long vcpu_get_regs(struct object *o, int fd, uint64_t arg)
{
	struct kvm_regs regs;
	long r = vcpu_regs_get(fd, &regs);

	return r ? r : copy_out(arg, &regs, sizeof(regs));
}

static long vcpu_set_regs(struct object *o, int fd, uint64_t arg)
{
	struct kvm_regs regs;

	return copy_in(&regs, arg, sizeof(regs)) ? -EFAULT : vcpu_regs_set(fd, &regs);
}

static long vcpu_get_sregs(struct object *o, int fd, uint64_t arg)
{
	struct kvm_sregs sregs;
	long r = vcpu_sregs_get(fd, &sregs);

	return r ? r : copy_out(arg, &sregs, sizeof(sregs));
}

static long vcpu_set_sregs(struct object *o, int fd, uint64_t arg)
{
	struct kvm_sregs sregs;

	return copy_in(&sregs, arg, sizeof(sregs)) ? -EFAULT : vcpu_sregs_set(fd, &sregs);
}

static long vcpu_get_events(struct object *o, int fd, uint64_t arg)
{
	struct kvm_vcpu_events events;
	long r = vcpu_events_get(vcpu_of(o), fd, &events);

	return r ? r : copy_out(arg, &events, sizeof(events));
}

static long vcpu_set_events(struct object *o, int fd, uint64_t arg)
{
	struct kvm_vcpu_events events;

	if (copy_in(&events, arg, sizeof(events)))
		return -EFAULT;
	return vcpu_events_set(vcpu_of(o), fd, &events);
}

static long vcpu_get_debugregs(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_debugregs debug;
	long r = state_get(fd, MYHV_STATE_DEBUG, &s);

	if (r)
		return r;
	debugregs_to_kvm(&s.debug, &debug);
	return copy_out(arg, &debug, sizeof(debug));
}

static long vcpu_set_debugregs(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_debugregs debug;

	if (copy_in(&debug, arg, sizeof(debug)))
		return -EFAULT;
	if (debugregs_from_kvm(&debug, &s.debug))
		return -EINVAL;
	return state_set(fd, MYHV_STATE_DEBUG, &s);
}

static long vcpu_get_mp_state(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_mp_state mp;
	long r = state_get(fd, MYHV_STATE_MP, &s);

	if (r)
		return r;
	mp.mp_state = s.mp.state; /* KVM_MP_STATE_RUNNABLE to _HALTED have our numbers */
	return copy_out(arg, &mp, sizeof(mp));
}

static long vcpu_set_mp_state(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s = { .mp = { 0 } };
	struct kvm_mp_state mp;

	if (copy_in(&mp, arg, sizeof(mp)))
		return -EFAULT;
	if (vcpu_of(o)->vm->irqchip == MYHV_IRQCHIP_NONE && mp.mp_state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;
	s.mp.state = mp.mp_state;
	return state_set(fd, MYHV_STATE_MP, &s);
}

/* ---- blocks that the module reads and writes where the client has them ---- */

static long group_at(int fd, unsigned long request, uint32_t group, uint64_t arg, size_t offset)
{
	struct myhv_state_io io = { .groups = group, .state = arg - offset };

	return sys_ioctl(fd, request, &io);
}

static bool wide_ids(const struct vcpu *vcpu)
{
	return vcpu->vm->x2apic_api & KVM_X2APIC_API_USE_32BIT_IDS;
}

/* How the client sees the ID of an x2APIC, which cannot be set; 0: it is no x2APIC. */
static long x2apic_id(struct vcpu *vcpu, int fd, uint32_t *id)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_CONTROL, &s);

	if (r || !(s.control.apic_base & APIC_BASE_EXTD))
		return r;
	*id = wide_ids(vcpu) ? vcpu->id : vcpu->id << 24;
	return 1;
}

static long vcpu_get_lapic(struct object *o, int fd, uint64_t arg)
{
	uint32_t id;
	long r = group_at(fd, MYHV_VCPU_STATE_GET, MYHV_STATE_LAPIC, arg,
			  offsetof(struct myhv_vcpu_state, lapic));

	if (!r)
		r = x2apic_id(vcpu_of(o), fd, &id);
	if (r == 1)
		r = copy_out(arg + APIC_ID, &id, sizeof(id));
	return r == -ENXIO ? -EINVAL : r;
}

static long vcpu_set_lapic(struct object *o, int fd, uint64_t arg)
{
	uint32_t id, wanted;
	long r = copy_in(&wanted, arg + APIC_ID, sizeof(wanted));

	if (!r)
		r = x2apic_id(vcpu_of(o), fd, &id);
	if (r == 1) /* the old format is not looked at */
		r = id == wanted || !wide_ids(vcpu_of(o)) ? 0 : -EINVAL;
	if (!r)
		r = group_at(fd, MYHV_VCPU_STATE_SET, MYHV_STATE_LAPIC, arg,
			     offsetof(struct myhv_vcpu_state, lapic));
	return r == -ENXIO ? -EINVAL : r;
}

static long vcpu_get_xsave(struct object *o, int fd, uint64_t arg)
{
	return group_at(fd, MYHV_VCPU_STATE_GET, MYHV_STATE_XSAVE, arg,
			offsetof(struct myhv_vcpu_state, xsave));
}

static long vcpu_set_xsave(struct object *o, int fd, uint64_t arg)
{
	return group_at(fd, MYHV_VCPU_STATE_SET, MYHV_STATE_XSAVE, arg,
			offsetof(struct myhv_vcpu_state, xsave));
}

static long vcpu_get_fpu(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_fpu fpu;
	long r = state_get(fd, MYHV_STATE_XSAVE, &s);

	if (r)
		return r;
	fpu_to_kvm(s.xsave, &fpu);
	return copy_out(arg, &fpu, sizeof(fpu));
}

static long vcpu_set_fpu(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_fpu fpu;
	long r = copy_in(&fpu, arg, sizeof(fpu));

	if (!r)
		r = state_get(fd, MYHV_STATE_XSAVE, &s);
	if (r)
		return r;
	fpu_from_kvm(&fpu, s.xsave);
	return state_set(fd, MYHV_STATE_XSAVE, &s);
}

static long vcpu_get_xcrs(struct object *o, int fd, uint64_t arg)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_CONTROL, &s);

	if (r)
		return r;
	xcrs.xcrs[0].value = s.control.xcr0;
	return copy_out(arg, &xcrs, sizeof(xcrs));
}

static long vcpu_set_xcrs(struct object *o, int fd, uint64_t arg)
{
	struct myhv_vcpu_state s;
	struct kvm_xcrs xcrs;
	long r;

	if (copy_in(&xcrs, arg, sizeof(xcrs)))
		return -EFAULT;
	if (xcrs.nr_xcrs > KVM_MAX_XCRS || xcrs.flags)
		return -EINVAL;
	for (uint32_t i = 0; i < xcrs.nr_xcrs; i++) {
		if (xcrs.xcrs[i].xcr)
			continue;
		r = state_get(fd, MYHV_STATE_CONTROL, &s);
		if (r)
			return r;
		s.control.xcr0 = xcrs.xcrs[i].value;
		return state_set(fd, MYHV_STATE_CONTROL, &s);
	}
	return 0;
}

/* ---- MSRs: the entries have the same layout ---- */

_Static_assert(sizeof(struct kvm_msr_entry) == sizeof(struct myhv_msr) &&
	       offsetof(struct kvm_msr_entry, data) == offsetof(struct myhv_msr, value),
	       "entries go to the module as they are");

static long msrs_call(int fd, unsigned long request, uint64_t arg)
{
	struct myhv_msrs msrs = { .msrs = arg + offsetof(struct kvm_msrs, entries) };
	struct kvm_msrs list;

	if (copy_in(&list, arg, sizeof(list)))
		return -EFAULT;
	if (list.nmsrs >= MAX_MSRS)
		return -E2BIG;
	msrs.count = list.nmsrs;
	return sys_ioctl(fd, request, &msrs);
}

static long vcpu_get_msrs(struct object *o, int fd, uint64_t arg)
{
	return msrs_call(fd, MYHV_VCPU_MSRS_GET, arg);
}

static long vcpu_set_msrs(struct object *o, int fd, uint64_t arg)
{
	return msrs_call(fd, MYHV_VCPU_MSRS_SET, arg);
}

static long vcpu_setup_mce(struct object *o, int fd, uint64_t arg)
{
	struct myhv_msr msr = { .index = MSR_IA32_MCG_CAP };
	struct myhv_msrs msrs = { .count = 1, .msrs = pointer_arg(&msr) };
	long r;

	if (copy_in(&msr.value, arg, sizeof(msr.value)))
		return -EFAULT;
	r = sys_ioctl(fd, MYHV_VCPU_MSRS_SET, &msrs);
	return r < 0 ? r : r == 1 ? 0 : -EINVAL;
}

static long vcpu_set_mce(struct object *o, int fd, uint64_t arg)
{
	struct kvm_x86_mce from;
	struct myhv_mce mce;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	mce = (struct myhv_mce){
		.status = from.status,
		.addr = from.addr,
		.misc = from.misc,
		.mcg_status = from.mcg_status,
		.bank = from.bank,
	};
	return sys_ioctl(fd, MYHV_VCPU_MCE, &mce);
}

/* ---- CPUID ---- */

/* @flags: MYHV_CPUID_LIVE for what KVM gives back: its table follows CR4 and XCR0. */
static long cpuid_get(int fd, uint32_t flags, struct myhv_cpuid_entry *entries, uint32_t *count)
{
	struct myhv_cpuid_list list = {
		.count = MAX_CPUID,
		.flags = flags,
		.entries = pointer_arg(entries),
	};
	long r = sys_ioctl(fd, MYHV_VCPU_CPUID_GET, &list);

	*count = list.count;
	return r;
}

static bool same_entry(const struct myhv_cpuid_entry *list, uint32_t count,
		       const struct myhv_cpuid_entry *e)
{
	for (uint32_t i = 0; i < count; i++)
		if (!memcmp(&list[i], e, sizeof(*e)))
			return true;
	return false;
}

/*
 * A vCPU that has run takes no other table, but may be given its own again, as it was set or as
 * it was read.
 */
static long cpuid_compare(int fd, const struct myhv_cpuid_entry *entries, uint32_t count)
{
	struct myhv_cpuid_entry present[MAX_CPUID], live[MAX_CPUID];
	uint32_t nr;
	long r = cpuid_get(fd, 0, present, &nr);

	if (r == 0)
		r = cpuid_get(fd, MYHV_CPUID_LIVE, live, &nr);
	if (r)
		return r;
	for (uint32_t i = 0; i < count; i++)
		if (!same_entry(present, nr, &entries[i]) && !same_entry(live, nr, &entries[i]))
			return -EINVAL;
	return nr == count ? 0 : -EINVAL;
}

static long cpuid_set(int fd, const struct myhv_cpuid_entry *entries, uint32_t count)
{
	struct myhv_cpuid_list list = { .count = count, .entries = pointer_arg(entries) };
	long r = sys_ioctl(fd, MYHV_VCPU_CPUID_SET, &list);

	return r == -EBUSY ? cpuid_compare(fd, entries, count) : r;
}

static long vcpu_set_cpuid2(struct object *o, int fd, uint64_t arg)
{
	struct kvm_cpuid_entry2 from[MAX_CPUID];
	struct myhv_cpuid_entry entries[MAX_CPUID];
	struct kvm_cpuid2 list;

	if (copy_in(&list, arg, sizeof(list)))
		return -EFAULT;
	if (list.nent > MAX_CPUID)
		return -E2BIG;
	if (copy_in(from, arg + offsetof(struct kvm_cpuid2, entries),
		    list.nent * sizeof(from[0])))
		return -EFAULT;
	for (uint32_t i = 0; i < list.nent; i++)
		cpuid_from_kvm(&from[i], &entries[i]);
	return cpuid_set(fd, entries, list.nent);
}

static long vcpu_set_cpuid(struct object *o, int fd, uint64_t arg)
{
	struct kvm_cpuid_entry from[MAX_CPUID];
	struct myhv_cpuid_entry entries[MAX_CPUID];
	struct kvm_cpuid list;

	if (copy_in(&list, arg, sizeof(list)))
		return -EFAULT;
	if (list.nent > MAX_CPUID)
		return -E2BIG;
	if (copy_in(from, arg + offsetof(struct kvm_cpuid, entries), list.nent * sizeof(from[0])))
		return -EFAULT;
	for (uint32_t i = 0; i < list.nent; i++)
		entries[i] = (struct myhv_cpuid_entry){
			.function = from[i].function,
			.eax = from[i].eax,
			.ebx = from[i].ebx,
			.ecx = from[i].ecx,
			.edx = from[i].edx,
		};
	return cpuid_set(fd, entries, list.nent);
}

static long vcpu_get_cpuid2(struct object *o, int fd, uint64_t arg)
{
	struct myhv_cpuid_entry ours[MAX_CPUID];
	struct kvm_cpuid_entry2 entries[MAX_CPUID];
	struct kvm_cpuid2 list;
	uint32_t count;
	long r;

	if (copy_in(&list, arg, sizeof(list)))
		return -EFAULT;
	r = cpuid_get(fd, MYHV_CPUID_LIVE, ours, &count);
	if (r)
		return r;
	for (uint32_t i = 0; i < count; i++)
		cpuid_to_kvm(&ours[i], &entries[i]);
	r = list.nent < count ? -E2BIG : 0;
	list.nent = count;
	if (copy_out(arg, &list, sizeof(list)))
		return -EFAULT;
	return r ? r : copy_out(arg + offsetof(struct kvm_cpuid2, entries), entries,
				count * sizeof(entries[0]));
}

/* ---- events from outside ---- */

static long vcpu_interrupt(struct object *o, int fd, uint64_t arg)
{
	struct myhv_interrupt irq = { .type = MYHV_INTERRUPT_EXTERNAL };
	struct kvm_interrupt from;
	long r;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	if (from.irq > 255)
		return -EINVAL;
	irq.vector = from.irq;
	r = sys_ioctl(fd, MYHV_VCPU_INTERRUPT, &irq);
	return r == -EBUSY ? -EEXIST : r;
}

static long vcpu_nmi(struct object *o, int fd, uint64_t arg)
{
	struct myhv_interrupt irq = { .type = MYHV_INTERRUPT_NMI };

	return sys_ioctl(fd, MYHV_VCPU_INTERRUPT, &irq);
}

static long vcpu_translate(struct object *o, int fd, uint64_t arg)
{
	struct myhv_translate ours = { .access = MYHV_ACCESS_READ };
	struct kvm_translation tr;
	long r;

	if (copy_in(&tr, arg, sizeof(tr)))
		return -EFAULT;
	ours.gva = tr.linear_address;
	r = sys_ioctl(fd, MYHV_VCPU_TRANSLATE, &ours);
	if (r)
		return r;
	tr.physical_address = ours.valid ? ours.gpa : ~0ull;
	tr.valid = ours.valid;
	/* KVM does not look at the rights either */
	tr.writeable = 1;
	tr.usermode = 0;
	return copy_out(arg, &tr, sizeof(tr));
}

static long queue_debug_exception(struct vcpu *vcpu, int fd, uint8_t vector)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_EVENTS, &s);

	if (r)
		return r;
	if (s.events.flags & MYHV_EVENT_EXCEPTION)
		return -EBUSY;
	s.events.flags |= MYHV_EVENT_EXCEPTION;
	s.events.exc_vector = vector;
	return state_set(fd, MYHV_STATE_EVENTS, &s);
}

static long vcpu_set_guest_debug(struct object *o, int fd, uint64_t arg)
{
	const uint32_t inject = KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP;
	struct kvm_guest_debug from;
	struct myhv_debug debug;
	uint32_t wanted;
	long r;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	log_line("debug: control %#x dr0 %#llx dr7 %#llx", from.control, from.arch.debugreg[0],
		 from.arch.debugreg[7]);
	wanted = from.control & inject;
	from.control &= ~inject;
	if (debug_from_kvm(&from, &debug))
		return -EINVAL;
	if (wanted) {
		r = queue_debug_exception(vcpu_of(o), fd, wanted & KVM_GUESTDBG_INJECT_DB ? 1 : 3);
		if (r)
			return r;
	}
	return sys_ioctl(fd, MYHV_VCPU_DEBUG, &debug);
}

/* Clients without KVM_CAP_IMMEDIATE_EXIT have their kicks let through by it. */
static long vcpu_set_signal_mask(struct object *o, int fd, uint64_t arg)
{
	struct myhv_sigmask mask = { .enable = arg != 0 };
	struct kvm_signal_mask from;

	if (arg) {
		if (copy_in(&from, arg, sizeof(from)))
			return -EFAULT;
		if (from.len != sizeof(mask.mask))
			return -EINVAL;
		if (copy_in(&mask.mask, arg + offsetof(struct kvm_signal_mask, sigset),
			    sizeof(mask.mask)))
			return -EFAULT;
	}
	return sys_ioctl(fd, MYHV_VCPU_SIGMASK, &mask);
}

/* ---- the TSC ---- */

static long vcpu_get_tsc_khz(struct object *o, int fd, uint64_t arg)
{
	uint64_t khz;
	long r = sys_prop_get(fd, MYHV_PROP_VCPU_TSC_KHZ, &khz);

	return r ? r : (long)khz;
}

static long vcpu_set_tsc_khz(struct object *o, int fd, uint64_t arg)
{
	/* 0 is the host's frequency */
	uint64_t khz = arg ? arg : vcpu_of(o)->vm->limits[MYHV_PROP_TSC_KHZ];

	return sys_prop_set(fd, MYHV_PROP_VCPU_TSC_KHZ, khz);
}

static long vcpu_kvmclock_ctrl(struct object *o, int fd, uint64_t arg)
{
	return sys_prop_set(fd, MYHV_PROP_VCPU_CLOCK_STOPPED, 1);
}

/* ---- attributes, capabilities, counters ---- */

static long vcpu_has_attr(struct object *o, int fd, uint64_t arg)
{
	return vcpu_attr(fd, KVM_HAS_DEVICE_ATTR, arg);
}

static long vcpu_get_attr(struct object *o, int fd, uint64_t arg)
{
	return vcpu_attr(fd, KVM_GET_DEVICE_ATTR, arg);
}

static long vcpu_set_attr(struct object *o, int fd, uint64_t arg)
{
	return vcpu_attr(fd, KVM_SET_DEVICE_ATTR, arg);
}

static long vcpu_enable_cap(struct object *o, int fd, uint64_t arg)
{
	struct kvm_enable_cap cap;

	if (copy_in(&cap, arg, sizeof(cap)))
		return -EFAULT;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
		return sys_prop_set(fd, MYHV_PROP_VCPU_PV_STRICT, !!cap.args[0]);
	case KVM_CAP_HYPERV_SYNIC:
	case KVM_CAP_HYPERV_SYNIC2: /* the pages are the guest's to clear in both cases */
		return sys_prop_set(fd, MYHV_PROP_VCPU_SYNIC, 1);
	}
	return -EINVAL;
}

static long vcpu_hv_cpuid(struct object *o, int fd, uint64_t arg)
{
	return hyperv_cpuid(arg);
}

static long vcpu_stats(struct object *o, int fd, uint64_t arg)
{
	return stats_open(o, fd);
}

/* ---- accepted, and without effect ---- */

/* The client's copy of the TPR for 32-bit Windows: our TPR accesses need no help. */
static long vcpu_set_vapic_addr(struct object *o, int fd, uint64_t arg)
{
	struct kvm_vapic_addr address;

	if (vcpu_of(o)->vm->irqchip == MYHV_IRQCHIP_NONE)
		return -EINVAL;
	return copy_in(&address, arg, sizeof(address));
}

static long vcpu_tpr_access_reporting(struct object *o, int fd, uint64_t arg)
{
	struct kvm_tpr_access_ctl control;

	if (copy_in(&control, arg, sizeof(control)))
		return -EFAULT;
	return control.flags ? -EINVAL : copy_out(arg, &control, sizeof(control));
}

const struct call vcpu_calls[] = {
	CALL(KVM_RUN, vcpu_run_call),
	CALL(KVM_GET_REGS, vcpu_get_regs),
	CALL(KVM_SET_REGS, vcpu_set_regs),
	CALL(KVM_GET_SREGS, vcpu_get_sregs),
	CALL(KVM_SET_SREGS, vcpu_set_sregs),
	CALL(KVM_GET_VCPU_EVENTS, vcpu_get_events),
	CALL(KVM_SET_VCPU_EVENTS, vcpu_set_events),
	CALL(KVM_GET_DEBUGREGS, vcpu_get_debugregs),
	CALL(KVM_SET_DEBUGREGS, vcpu_set_debugregs),
	CALL(KVM_GET_MP_STATE, vcpu_get_mp_state),
	CALL(KVM_SET_MP_STATE, vcpu_set_mp_state),
	CALL(KVM_GET_LAPIC, vcpu_get_lapic),
	CALL(KVM_SET_LAPIC, vcpu_set_lapic),
	CALL(KVM_GET_XSAVE, vcpu_get_xsave),
	CALL(KVM_GET_XSAVE2, vcpu_get_xsave),
	CALL(KVM_SET_XSAVE, vcpu_set_xsave),
	CALL(KVM_GET_FPU, vcpu_get_fpu),
	CALL(KVM_SET_FPU, vcpu_set_fpu),
	CALL(KVM_GET_XCRS, vcpu_get_xcrs),
	CALL(KVM_SET_XCRS, vcpu_set_xcrs),
	CALL(KVM_GET_MSRS, vcpu_get_msrs),
	CALL(KVM_SET_MSRS, vcpu_set_msrs),
	CALL(KVM_X86_SETUP_MCE, vcpu_setup_mce),
	CALL(KVM_X86_SET_MCE, vcpu_set_mce),
	CALL(KVM_SET_CPUID2, vcpu_set_cpuid2),
	CALL(KVM_SET_CPUID, vcpu_set_cpuid),
	CALL(KVM_GET_CPUID2, vcpu_get_cpuid2),
	CALL(KVM_INTERRUPT, vcpu_interrupt),
	CALL(KVM_NMI, vcpu_nmi),
	CALL(KVM_SET_SIGNAL_MASK, vcpu_set_signal_mask),
	CALL(KVM_TRANSLATE, vcpu_translate),
	CALL(KVM_SET_GUEST_DEBUG, vcpu_set_guest_debug),
	CALL(KVM_GET_TSC_KHZ, vcpu_get_tsc_khz),
	CALL(KVM_SET_TSC_KHZ, vcpu_set_tsc_khz),
	CALL(KVM_KVMCLOCK_CTRL, vcpu_kvmclock_ctrl),
	CALL(KVM_HAS_DEVICE_ATTR, vcpu_has_attr),
	CALL(KVM_GET_DEVICE_ATTR, vcpu_get_attr),
	CALL(KVM_SET_DEVICE_ATTR, vcpu_set_attr),
	CALL(KVM_ENABLE_CAP, vcpu_enable_cap),
	CALL(KVM_GET_STATS_FD, vcpu_stats),
	CALL(KVM_GET_SUPPORTED_HV_CPUID, vcpu_hv_cpuid),
	CALL(KVM_SET_VAPIC_ADDR, vcpu_set_vapic_addr),
	CALL(KVM_TPR_ACCESS_REPORTING, vcpu_tpr_access_reporting),
};
const unsigned int nr_vcpu_calls = sizeof(vcpu_calls) / sizeof(vcpu_calls[0]);
