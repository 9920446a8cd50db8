// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's MSRs and hypercalls for a guest whose CPUID has them: who it is, the hypercall page,
 * the time by an MSR and by a page that the guest computes it from, the LAPIC by MSRs, and the page
 * with the word that ends interrupts without an exit.
 *
 * vm->hyperv is written by vCPU threads, each word by itself; the guest keeps its order.
 */
#include <linux/math64.h>
#include <asm/tsc.h>
#include "chip/chip.h"
#include "core/guest_mem.h"
#include "cpuid_policy.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "exit/pv.h"
#include "vlapic.h"

#define NS_PER_UNIT 100
#define UNITS_PER_MS 10000ULL
#define PAGE_OF(value) ((value) & PAGE_MASK)

#define HC_NOTIFY_LONG_SPIN_WAIT 0x0008
#define HC_STATUS_SUCCESS 0
#define HC_STATUS_INVALID_CODE 2

/* The page behind HV_MSR_REFERENCE_TSC: time = (tsc * scale >> 64) + offset. */
struct hv_tsc_page {
	u32 sequence; /* 0: not valid, use the MSR */
	u32 pad;
	u64 scale;
	s64 offset;
};

/* ---- time ---- */

/* 2^64 * 10 MHz / @khz; 0: too slow a TSC. */
static u64 scale_of(u32 khz)
{
	u64 high, low;
	u32 rest;

	if (khz <= UNITS_PER_MS)
		return 0;
	high = div_u64_rem(UNITS_PER_MS << 32, khz, &rest);
	low = div_u64((u64)rest << 32, khz);
	return high << 32 | low;
}

static bool page_now(struct myhv_vcpu *vcpu, struct hv_tsc_page *page)
{
	u64 tsc, ns;

	page->scale = tsc_is_steady() ? scale_of(vcpu->tsc.khz) : 0;
	if (!page->scale)
		return false;
	pvclock_pair(vcpu->vm, &tsc, &ns);
	page->offset = div_u64(ns, NS_PER_UNIT) -
		       mul_u64_u64_shr(guest_tsc(vcpu, tsc), page->scale, 64);
	return true;
}

u64 hyperv_time(struct myhv_vcpu *vcpu)
{
	struct hv_tsc_page page;

	/* the same as a guest reads from its page, to the unit */
	if (page_now(vcpu, &page))
		return mul_u64_u64_shr(guest_tsc_now(vcpu), page.scale, 64) + page.offset;
	return div_u64(vm_clock_ns(vcpu->vm), NS_PER_UNIT);
}

/* -EAGAIN: needs sleep; a bad address is the guest's own loss. */
static int tsc_page_write(struct myhv_vcpu *vcpu, u64 gpa)
{
	struct hv_tsc_page page = { 0 }, old;
	bool valid = page_now(vcpu, &page);
	int ret;

	ret = guest_phys_read(vcpu, gpa, &old, sizeof(old));
	if (ret)
		return ret;
	ret = guest_phys_write(vcpu, gpa, &page.sequence, sizeof(page.sequence));
	if (ret)
		return ret;
	smp_wmb();
	guest_phys_write(vcpu, gpa + 8, &page.scale, 16);
	smp_wmb();
	/* neither 0 nor all ones, which older guests take for "not valid" */
	if (valid)
		page.sequence = old.sequence >= U32_MAX - 1 ? 1 : old.sequence + 1;
	return guest_phys_write(vcpu, gpa, &page.sequence, sizeof(page.sequence));
}

void hyperv_clock_update(struct myhv_vcpu *vcpu)
{
	u64 page = READ_ONCE(vcpu->vm->hyperv.tsc_page);

	if (page & HV_ENABLE)
		tsc_page_write(vcpu, PAGE_OF(page));
}

/* ---- pages that the guest gives ---- */

static int reference_tsc_write(struct myhv_vcpu *vcpu, u64 value)
{
	if ((value & HV_ENABLE) && tsc_page_write(vcpu, PAGE_OF(value)) == -EAGAIN)
		return -EAGAIN;
	WRITE_ONCE(vcpu->vm->hyperv.tsc_page, value);
	return 0;
}

static int hypercall_write(struct myhv_vcpu *vcpu, u64 value)
{
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9, 0xc3 };
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1, 0xc3 };
	int ret;

	/* only who has said who it is */
	if (!READ_ONCE(vcpu->vm->hyperv.guest_os_id))
		return 0;
	if (value & HV_ENABLE) {
		ret = guest_phys_write(vcpu, PAGE_OF(value),
				       backend->id == MYHV_BACKEND_SVM ? vmmcall : vmcall,
				       sizeof(vmcall));
		if (ret)
			return ret == -EAGAIN ? ret : -EINVAL;
	}
	WRITE_ONCE(vcpu->vm->hyperv.hypercall, value);
	return 0;
}

/* Its first word is what pv_eoi.c calls the PV EOI word. */
static int assist_write(struct myhv_vcpu *vcpu, u64 value)
{
	const u32 none = 0;
	int ret = 0;

	if (value & HV_ENABLE)
		ret = guest_phys_write(vcpu, PAGE_OF(value), &none, sizeof(none));
	if (ret)
		return ret == -EAGAIN ? ret : -EINVAL;
	/* the word is KVM's, unless this page was or is in use */
	if ((value | vcpu->msrs.hv_vp_assist) & HV_ENABLE)
		ret = pv_eoi_msr_write(vcpu, value & HV_ENABLE && vcpu->lapic ?
						     PAGE_OF(value) | PV_EOI_ENABLE : 0);
	if (!ret)
		vcpu->msrs.hv_vp_assist = value;
	return ret;
}

/* ---- the LAPIC ---- */

static int apic_read(struct myhv_vcpu *vcpu, u32 offset, u64 *value)
{
	u32 word = 0;
	int ret;

	if (!vcpu->lapic)
		return -EINVAL;
	if (lapic_base_get(vcpu) & VLAPIC_BASE_EXTD)
		return lapic_msr_read(vcpu, VLAPIC_X2APIC_MSR_FIRST + offset / 16, value);
	ret = lapic_mmio_read(vcpu, PAGE_OF(lapic_base_get(vcpu)) + offset, 4, &word);
	*value = word;
	return ret ? -EINVAL : 0;
}

static int apic_write(struct myhv_vcpu *vcpu, u32 offset, u64 value)
{
	u32 low = value, high = value >> 32;
	u64 base;

	if (!vcpu->lapic)
		return -EINVAL;
	base = lapic_base_get(vcpu);
	if (base & VLAPIC_BASE_EXTD)
		return lapic_msr_write(vcpu, VLAPIC_X2APIC_MSR_FIRST + offset / 16, value);
	if (offset == VLAPIC_ICR)
		lapic_mmio_write(vcpu, PAGE_OF(base) + VLAPIC_ICR2, 4, &high);
	return lapic_mmio_write(vcpu, PAGE_OF(base) + offset, 4, &low) ? -EINVAL : 0;
}

static int apic_icr_read(struct myhv_vcpu *vcpu, u64 *value)
{
	u64 high = 0;
	int ret = apic_read(vcpu, VLAPIC_ICR, value);

	if (!ret && !(lapic_base_get(vcpu) & VLAPIC_BASE_EXTD))
		ret = apic_read(vcpu, VLAPIC_ICR2, &high);
	*value |= high << 32;
	return ret;
}

/* ---- MSRs ---- */

int hyperv_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	switch (index) {
	case HV_MSR_GUEST_OS_ID:
		*value = READ_ONCE(vcpu->vm->hyperv.guest_os_id);
		return 0;
	case HV_MSR_HYPERCALL:
		*value = READ_ONCE(vcpu->vm->hyperv.hypercall);
		return 0;
	case HV_MSR_VP_INDEX:
		*value = vcpu->msrs.hv_vp_index;
		return 0;
	case HV_MSR_TIME_REF_COUNT:
		*value = hyperv_time(vcpu);
		return 0;
	case HV_MSR_REFERENCE_TSC:
		*value = READ_ONCE(vcpu->vm->hyperv.tsc_page);
		return 0;
	case HV_MSR_TSC_FREQUENCY:
		*value = vcpu->tsc.khz * 1000ULL;
		return 0;
	case HV_MSR_APIC_FREQUENCY:
		*value = NSEC_PER_SEC / LAPIC_TICK_NS;
		return 0;
	case HV_MSR_ICR:
		return apic_icr_read(vcpu, value);
	case HV_MSR_TPR:
		return apic_read(vcpu, VLAPIC_TPR, value);
	case HV_MSR_VP_ASSIST:
		*value = vcpu->msrs.hv_vp_assist;
		return 0;
	case HV_MSR_EOI:
		return -EINVAL;
	default:
		return synic_msr_read(vcpu, index, value);
	}
}

static int guest_os_id_write(struct myhv_vcpu *vcpu, u64 value)
{
	struct myhv_vm *vm = vcpu->vm;

	WRITE_ONCE(vm->hyperv.guest_os_id, value);
	if (!value)
		WRITE_ONCE(vm->hyperv.hypercall, vm->hyperv.hypercall & ~HV_ENABLE);
	return 0;
}

int hyperv_msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value)
{
	switch (index) {
	case HV_MSR_GUEST_OS_ID:
		return guest_os_id_write(vcpu, value);
	case HV_MSR_HYPERCALL:
		return hypercall_write(vcpu, value);
	case HV_MSR_VP_INDEX:
		if (!host || value >= MYHV_MAX_VCPU_ID)
			return -EINVAL;
		vcpu->msrs.hv_vp_index = value;
		return 0;
	case HV_MSR_REFERENCE_TSC:
		return reference_tsc_write(vcpu, value);
	case HV_MSR_TIME_REF_COUNT:
	case HV_MSR_TSC_FREQUENCY:
	case HV_MSR_APIC_FREQUENCY:
		return host ? 0 : -EINVAL;
	case HV_MSR_EOI:
		return apic_write(vcpu, VLAPIC_EOI, 0);
	case HV_MSR_ICR:
		return apic_write(vcpu, VLAPIC_ICR, value);
	case HV_MSR_TPR:
		return apic_write(vcpu, VLAPIC_TPR, value & 0xff);
	case HV_MSR_VP_ASSIST:
		return assist_write(vcpu, value);
	default:
		return synic_msr_write(vcpu, index, host, value);
	}
}

/* ---- hypercalls ---- */

bool hyperv_hypercalls(struct myhv_vcpu *vcpu)
{
	return vcpu->cpuid->hyperv && READ_ONCE(vcpu->vm->hyperv.guest_os_id);
}

u64 hyperv_hypercall(struct myhv_vcpu *vcpu, u64 input)
{
	/* whoever waits for a lock gives up its CPU by the scheduler's will alone */
	return (u16)input == HC_NOTIFY_LONG_SPIN_WAIT ? HC_STATUS_SUCCESS : HC_STATUS_INVALID_CODE;
}
