/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Hyper-V interface, as far as Windows looks for it ("Hypervisor Top Level Functional
 * Specification"): exit/hyperv.c has what a VM shares, chip/synic.c what a vCPU has for itself.
 */
#ifndef MYHV_EXIT_HYPERV_H
#define MYHV_EXIT_HYPERV_H

#include "core/vcpu.h"

#define HV_MSR_GUEST_OS_ID 0x40000000u
#define HV_MSR_HYPERCALL 0x40000001u
#define HV_MSR_VP_INDEX 0x40000002u
#define HV_MSR_TIME_REF_COUNT 0x40000020u
#define HV_MSR_REFERENCE_TSC 0x40000021u
#define HV_MSR_TSC_FREQUENCY 0x40000022u
#define HV_MSR_APIC_FREQUENCY 0x40000023u
#define HV_MSR_EOI 0x40000070u
#define HV_MSR_ICR 0x40000071u
#define HV_MSR_TPR 0x40000072u
#define HV_MSR_VP_ASSIST 0x40000073u
#define HV_MSR_SCONTROL 0x40000080u
#define HV_MSR_SVERSION 0x40000081u
#define HV_MSR_SIEFP 0x40000082u
#define HV_MSR_SIMP 0x40000083u
#define HV_MSR_EOM 0x40000084u
#define HV_MSR_SINT0 0x40000090u
#define HV_MSR_SINT15 0x4000009fu
#define HV_MSR_STIMER0 0x400000b0u
#define HV_MSR_STIMER3_COUNT 0x400000b7u

#define HV_ENABLE BIT_ULL(0) /* of a page that an MSR gives; of SCONTROL */
#define HV_NR_SINTS 16
#define HV_NR_TIMERS 4

/* ---- exit/hyperv.c; vCPU thread or vcpu->mutex held ---- */

/* -EINVAL: #GP; -ENOENT: no such MSR; -EAGAIN: needs sleep. */
int hyperv_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value);
int hyperv_msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value);
/* Is a hypercall of this guest one of Hyper-V's? */
bool hyperv_hypercalls(struct myhv_vcpu *vcpu);
/* The status that it gets in RAX. */
u64 hyperv_hypercall(struct myhv_vcpu *vcpu, u64 input);
/* The VM's clock was set: the page with it is to be written again. May sleep. */
void hyperv_clock_update(struct myhv_vcpu *vcpu);
/* Time of the guest in units of 100 ns. Any context. */
u64 hyperv_time(struct myhv_vcpu *vcpu);

/* ---- exit/pvclock.c: a host TSC and the VM's clock at that moment, the same for all vCPUs ---- */
void pvclock_pair(struct myhv_vm *vm, u64 *tsc, u64 *ns);

/* ---- chip/synic.c ---- */

int synic_create(struct myhv_vcpu *vcpu); /* 0 as well when it has one; -EINVAL: no LAPIC */
void synic_destroy(struct myhv_vcpu *vcpu);
void synic_reset(struct myhv_vcpu *vcpu);
int synic_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value);
int synic_msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value);
/* VCPU_REQ_STIMER: timers have expired, or a message waits for its place. May sleep. */
void synic_work(struct myhv_vcpu *vcpu);
/* Is this one ended by its delivery? [entry] */
bool synic_ends_itself(const struct synic *synic, u8 vector);

#endif /* MYHV_EXIT_HYPERV_H */
