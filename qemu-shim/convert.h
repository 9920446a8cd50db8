/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State between KVM's structs and ours. Pure: no calls, no memory but the arguments;
 * tests/unit/test_shim_convert.c. set_*() return 0 or -EINVAL where KVM would refuse.
 */
#ifndef SHIM_CONVERT_H
#define SHIM_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "myhv.h"

void regs_to_kvm(const struct myhv_state_general *from, struct kvm_regs *to);
void regs_from_kvm(const struct kvm_regs *from, struct myhv_state_general *to);

/* Fills all but the interrupt bitmap. */
void sregs_to_kvm(const struct myhv_state_segments *seg, const struct myhv_state_control *control,
		  struct kvm_sregs *to);
/* Leaves what struct kvm_sregs does not have (XCR0) as it is. */
void sregs_from_kvm(const struct kvm_sregs *from, struct myhv_state_segments *seg,
		    struct myhv_state_control *control);
/* The interrupt named in the bitmap, or -1. */
int sregs_interrupt(const struct kvm_sregs *sregs);

/* The client has switched on: KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT. */
struct events_abi {
	bool payload;
	bool triple_fault;
};
void events_to_kvm(const struct myhv_state_events *from, struct events_abi abi,
		   struct kvm_vcpu_events *to);
/* @to holds the present events: what @from does not name stays. */
int events_from_kvm(const struct kvm_vcpu_events *from, struct events_abi abi,
		    struct myhv_state_events *to);

void debugregs_to_kvm(const struct myhv_state_debug *from, struct kvm_debugregs *to);
int debugregs_from_kvm(const struct kvm_debugregs *from, struct myhv_state_debug *to);

void cpuid_to_kvm(const struct myhv_cpuid_entry *from, struct kvm_cpuid_entry2 *to);
void cpuid_from_kvm(const struct kvm_cpuid_entry2 *from, struct myhv_cpuid_entry *to);

/* struct kvm_fpu is cut out of the legacy region of an XSAVE image. */
void fpu_to_kvm(const uint8_t *xsave, struct kvm_fpu *to);
void fpu_from_kvm(const struct kvm_fpu *from, uint8_t *xsave);

int debug_from_kvm(const struct kvm_guest_debug *from, struct myhv_debug *to);

void pic_to_kvm(const struct myhv_pic_state *from, struct kvm_pic_state *to);
void pic_from_kvm(const struct kvm_pic_state *from, unsigned int chip, struct myhv_pic_state *to);
void ioapic_to_kvm(const struct myhv_ioapic_state *from, struct kvm_ioapic_state *to);
void ioapic_from_kvm(const struct kvm_ioapic_state *from, struct myhv_ioapic_state *to);
/* @shift_ns: the VM's clock minus CLOCK_MONOTONIC, which KVM tells load times in */
void pit_to_kvm(const struct myhv_pit_state *from, int64_t shift_ns, struct kvm_pit_state2 *to);
int pit_from_kvm(const struct kvm_pit_state2 *from, int64_t shift_ns, struct myhv_pit_state *to);

int route_from_kvm(const struct kvm_irq_routing_entry *from, struct myhv_irq_route *to);
int irqfd_from_kvm(const struct kvm_irqfd *from, struct myhv_irqfd *to);
int ioeventfd_from_kvm(const struct kvm_ioeventfd *from, struct myhv_ioeventfd *to);

#endif /* SHIM_CONVERT_H */
