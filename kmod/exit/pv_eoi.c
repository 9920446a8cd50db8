// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM-compatible paravirtual EOI: a word in guest memory whose bit 0 says that the interrupt
 * in service may be ended by clearing that bit, without an exit. The vCPU's thread.
 *
 * The offer stands while the guest runs. It is looked at after every exit, taken back when
 * the guest must not end the interrupt unseen any more, and never outlives MYHV_VCPU_RUN:
 * the state that user space saves knows nothing of it.
 */
#include "chip/chip.h"
#include "core/guest_mem.h"
#include "exit/exit.h"
#include "exit/pv.h"

#define OFFER 1

static u64 word_gpa(struct myhv_vcpu *vcpu)
{
	return vcpu->msrs.pv_eoi & ~PV_EOI_ENABLE;
}

int pv_eoi_msr_write(struct myhv_vcpu *vcpu, u64 value)
{
	if ((value & PV_EOI_RESERVED) || (value && !vcpu->lapic))
		return -EINVAL;
	/* an offer at the old place must not be forgotten there */
	if (vcpu->pv_eoi_offered && vcpu->in_burst)
		return -EAGAIN;
	pv_eoi_sync(vcpu);
	vcpu->msrs.pv_eoi = value;
	return 0;
}

void pv_eoi_offer(struct myhv_vcpu *vcpu)
{
	const u8 offer = OFFER;

	if (!lapic_eoi_is_silent(vcpu))
		return;
	/* memory that is not there now: the guest will write to its LAPIC as ever */
	vcpu->pv_eoi_offered = !guest_phys_write(vcpu, word_gpa(vcpu), &offer, 1);
}

/* 0: taken back; -EAGAIN: needs sleep. */
static int withdraw(struct myhv_vcpu *vcpu)
{
	const u8 none = 0;
	int ret = guest_phys_write(vcpu, word_gpa(vcpu), &none, 1);

	if (ret == -EAGAIN)
		return ret;
	vcpu->pv_eoi_offered = false;
	return 0;
}

/* Has the guest ended its interrupt? 0, or -EAGAIN. */
static int collect(struct myhv_vcpu *vcpu)
{
	u8 word;
	int ret = guest_phys_read(vcpu, word_gpa(vcpu), &word, 1);

	if (ret == -EAGAIN)
		return ret;
	if (!ret && (word & OFFER))
		return 0;
	vcpu->pv_eoi_offered = false;
	if (!ret)
		lapic_eoi(vcpu);
	return 0;
}

void pv_eoi_after_exit(struct myhv_vcpu *vcpu)
{
	if (collect(vcpu))
		vcpu_request(vcpu, VCPU_REQ_PV_EOI);
}

bool pv_eoi_before_entry(struct myhv_vcpu *vcpu)
{
	if (lapic_eoi_is_silent(vcpu) || !withdraw(vcpu))
		return true;
	vcpu_request(vcpu, VCPU_REQ_PV_EOI);
	return false;
}

void pv_eoi_sync(struct myhv_vcpu *vcpu)
{
	if (vcpu->pv_eoi_offered)
		collect(vcpu);
	if (vcpu->pv_eoi_offered)
		withdraw(vcpu);
	vcpu->pv_eoi_offered = false;
}
