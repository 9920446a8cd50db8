/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to guest memory by the hypervisor, on the vCPU's thread (its mm is the VM's). Inside a
 * burst page faults are off, and memory that is not present gives -EAGAIN: the caller
 * answers EXIT_NEEDS_SLEEP and comes again.
 */
#ifndef MYHV_CORE_GUEST_MEM_H
#define MYHV_CORE_GUEST_MEM_H

#include "guest_walk.h"

struct myhv_vcpu;

/*
 * Guest-physical. 0; -EAGAIN as above; -EFAULT: no memory (MMIO) or the host has none.
 * Writes to read-only regions are -EFAULT and mark nothing. Any length, page by page.
 */
int guest_phys_read(struct myhv_vcpu *vcpu, u64 gpa, void *data, unsigned int len);
int guest_phys_write(struct myhv_vcpu *vcpu, u64 gpa, const void *data, unsigned int len);
/* Atomic compare and exchange of 1, 2, 4, 8 bytes, naturally aligned; @old gets what is there. */
int guest_phys_cmpxchg(struct myhv_vcpu *vcpu, u64 gpa, u64 *old, u64 new, unsigned int len);

/** struct guest_walk_fault - the #PF that the guest must get */
struct guest_walk_fault {
	u64 address;
	u32 error_code;
};

/*
 * Linear to guest-physical by the guest's own tables. 0; -EAGAIN; -EFAULT with @fault
 * filled when the guest must get a #PF (nothing is queued here); -ENXIO when a table lies
 * where there is no memory. @access: X86_ACCESS_*; USER is the caller's to say.
 */
int guest_translate(struct myhv_vcpu *vcpu, u64 gva, u32 access, struct guest_walk_result *result,
		    struct guest_walk_fault *fault);

/* The same without a trace: no accessed bits, no fault to report. */
int guest_translate_peek(struct myhv_vcpu *vcpu, u64 gva, u32 access,
			 struct guest_walk_result *result);

/*
 * Instruction bytes at a linear address, with the rights of the CPL: 0, -EAGAIN, -EFAULT with
 * @fault filled, -ENXIO when there is no memory.
 */
int guest_fetch(struct myhv_vcpu *vcpu, u64 linear, void *data, unsigned int len,
		struct guest_walk_fault *fault);

#endif /* MYHV_CORE_GUEST_MEM_H */
