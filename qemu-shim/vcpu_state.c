// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers of a vCPU by groups. */
#include <errno.h>

#include "convert.h"
#include "vcpu_state.h"

long state_get(int fd, uint32_t groups, struct myhv_vcpu_state *state)
{
	struct myhv_state_io io = { .groups = groups, .state = pointer_arg(state) };

	return sys_ioctl(fd, MYHV_VCPU_STATE_GET, &io);
}

long state_set(int fd, uint32_t groups, const struct myhv_vcpu_state *state)
{
	struct myhv_state_io io = { .groups = groups, .state = pointer_arg(state) };

	return sys_ioctl(fd, MYHV_VCPU_STATE_SET, &io);
}

long vcpu_regs_get(int fd, struct kvm_regs *regs)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_GENERAL, &s);

	if (r == 0)
		regs_to_kvm(&s.general, regs);
	return r;
}

long vcpu_regs_set(int fd, const struct kvm_regs *regs)
{
	struct myhv_vcpu_state s;

	regs_from_kvm(regs, &s.general);
	return state_set(fd, MYHV_STATE_GENERAL, &s);
}

#define SREGS_GROUPS (MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL)

long vcpu_sregs_get(int fd, struct kvm_sregs *sregs)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, SREGS_GROUPS | MYHV_STATE_EVENTS, &s);
	uint8_t vector = s.events.intr_vector;

	if (r)
		return r;
	sregs_to_kvm(&s.segments, &s.control, sregs);
	if ((s.events.flags & MYHV_EVENT_INTERRUPT) &&
	    !(s.events.flags & MYHV_EVENT_INTERRUPT_SOFT))
		sregs->interrupt_bitmap[vector / 64] |= 1ull << (vector % 64);
	return 0;
}

static long queue_interrupt(int fd, uint8_t vector)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_EVENTS, &s);

	if (r)
		return r;
	s.events.flags &= ~(MYHV_EVENT_INTERRUPT_SOFT | MYHV_EVENT_NMI |
			    MYHV_EVENT_EXCEPTION_INJECTED);
	s.events.flags |= MYHV_EVENT_INTERRUPT;
	s.events.intr_vector = vector;
	return state_set(fd, MYHV_STATE_EVENTS, &s);
}

long vcpu_sregs_set(int fd, const struct kvm_sregs *sregs)
{
	struct myhv_vcpu_state s;
	int vector = sregs_interrupt(sregs);
	long r = state_get(fd, MYHV_STATE_CONTROL, &s);

	if (r)
		return r;
	sregs_from_kvm(sregs, &s.segments, &s.control);
	r = state_set(fd, SREGS_GROUPS, &s);
	return r || vector < 0 ? r : queue_interrupt(fd, vector);
}

static struct events_abi abi_of(struct vm *vm)
{
	return (struct events_abi){ .payload = vm->exception_payload,
				    .triple_fault = vm->triple_fault_event };
}

long vcpu_events_get(struct vcpu *vcpu, int fd, struct kvm_vcpu_events *events)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_EVENTS, &s);

	if (r == 0)
		events_to_kvm(&s.events, abi_of(vcpu->vm), events);
	return r;
}

long vcpu_events_set(struct vcpu *vcpu, int fd, const struct kvm_vcpu_events *events)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_EVENTS, &s);

	if (r == 0)
		r = events_from_kvm(events, abi_of(vcpu->vm), &s.events);
	return r ? r : state_set(fd, MYHV_STATE_EVENTS, &s);
}

long vcpu_cr8_set(int fd, uint64_t cr8)
{
	struct myhv_vcpu_state s;
	long r = state_get(fd, MYHV_STATE_CONTROL, &s);

	if (r)
		return r;
	s.control.cr8 = cr8;
	return state_set(fd, MYHV_STATE_CONTROL, &s);
}

/* ---- KVM_CAP_SYNC_REGS ---- */

long vcpu_sync_in(struct vcpu *vcpu, int fd)
{
	struct kvm_run *run = vcpu->run;
	uint64_t dirty = run->kvm_dirty_regs;
	long r = 0;

	if ((dirty | run->kvm_valid_regs) & ~KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (dirty & KVM_SYNC_X86_REGS)
		r = vcpu_regs_set(fd, &run->s.regs.regs);
	if (!r && (dirty & KVM_SYNC_X86_SREGS))
		r = vcpu_sregs_set(fd, &run->s.regs.sregs);
	if (!r && (dirty & KVM_SYNC_X86_EVENTS))
		r = vcpu_events_set(vcpu, fd, &run->s.regs.events);
	if (!r)
		run->kvm_dirty_regs = 0;
	return r;
}

void vcpu_sync_out(struct vcpu *vcpu, int fd)
{
	struct kvm_run *run = vcpu->run;

	if (run->kvm_valid_regs & KVM_SYNC_X86_REGS)
		vcpu_regs_get(fd, &run->s.regs.regs);
	if (run->kvm_valid_regs & KVM_SYNC_X86_SREGS)
		vcpu_sregs_get(fd, &run->s.regs.sregs);
	if (run->kvm_valid_regs & KVM_SYNC_X86_EVENTS)
		vcpu_events_get(vcpu, fd, &run->s.regs.events);
}
