/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of a vCPU by groups, for KVM_RUN and the table of vCPU calls. */
#ifndef SHIM_VCPU_STATE_H
#define SHIM_VCPU_STATE_H

#include "shim.h"

long state_get(int fd, uint32_t groups, struct myhv_vcpu_state *state);
long state_set(int fd, uint32_t groups, const struct myhv_vcpu_state *state);

long vcpu_regs_get(int fd, struct kvm_regs *regs);
long vcpu_regs_set(int fd, const struct kvm_regs *regs);
long vcpu_sregs_get(int fd, struct kvm_sregs *sregs);
long vcpu_sregs_set(int fd, const struct kvm_sregs *sregs);
long vcpu_events_get(struct vcpu *vcpu, int fd, struct kvm_vcpu_events *events);
long vcpu_events_set(struct vcpu *vcpu, int fd, const struct kvm_vcpu_events *events);
long vcpu_cr8_set(int fd, uint64_t cr8);

/* KVM_CAP_SYNC_REGS: registers that travel in kvm_run */
long vcpu_sync_in(struct vcpu *vcpu, int fd);
void vcpu_sync_out(struct vcpu *vcpu, int fd);

#endif /* SHIM_VCPU_STATE_H */
