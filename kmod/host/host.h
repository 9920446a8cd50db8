/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side: virtualization on and off per CPU, the host's own FPU, MSR
 * and mitigation state.
 */
#ifndef MYHV_HOST_H
#define MYHV_HOST_H

#include <linux/types.h>
#include <asm/special_insns.h>
#include "core/vcpu.h"

/* ---- host/power.c: hardware virtualization on all CPUs ---- */

/* Module load and unload: hotplug, syscore and reboot hooks. */
int host_power_init(void);
void host_power_exit(void);
/*
 * First VM on, last VM off; sleeps. get: -EBUSY when another hypervisor holds a
 * CPU (one pr_err line names it) and then nothing is left switched on.
 */
int host_power_get(void);
void host_power_put(void);

/* ---- host/fpu.c: extended state ---- */

int host_fpu_init(void); /* module load: sizes, supported XCR0 */
u64 host_fpu_xcr0(void); /* what guests may enable; 0: the host has no XSAVE */
u32 host_fpu_bytes(void);
int host_fpu_alloc(struct myhv_vcpu *vcpu); /* [sleep] area in the reset state */
void host_fpu_free(struct myhv_vcpu *vcpu);
void host_fpu_reset(struct myhv_vcpu *vcpu, bool init);
/*
 * [burst] begin disables preemption, saves the host's state, loads the guest's (registers,
 * XCR0, XSS); end is the reverse. IRQs on outside, on after.
 */
void host_fpu_begin(struct myhv_vcpu *vcpu);
void host_fpu_end(struct myhv_vcpu *vcpu);
/* Guest wrote XCR0 or XSS; checked already. Inside a burst the CPU follows at once. */
void host_fpu_set_xcr0(struct myhv_vcpu *vcpu, u64 xcr0);
void host_fpu_set_xss(struct myhv_vcpu *vcpu, u64 xss);
/* Registers of the emulator: XMM/YMM @nr; @bytes 16 or 32. Outside a burst. */
void host_fpu_get_vector(struct myhv_vcpu *vcpu, unsigned int nr, void *data, unsigned int bytes);
void host_fpu_set_vector(struct myhv_vcpu *vcpu, unsigned int nr, const void *data,
			 unsigned int bytes);
/* MMX @nr. get: false if an x87 exception waits; put: all become valid, @val may be NULL. */
bool host_fpu_get_mmx(struct myhv_vcpu *vcpu, unsigned int nr, u64 *val);
void host_fpu_put_mmx(struct myhv_vcpu *vcpu, unsigned int nr, const u64 *val);
/* XSAVE image, checked: -EINVAL on reserved bits (XSTATE_BV, XCOMP_BV, MXCSR). Outside a burst. */
int host_fpu_get_image(struct myhv_vcpu *vcpu, void *image, u32 bytes);
int host_fpu_set_image(struct myhv_vcpu *vcpu, const void *image, u32 bytes);

/*
 * PKRU counts for the host's own accesses to user memory, so the guest's is in the CPU
 * only between these two, IRQs off. Needed while vcpu->fpu.swap_pkru.
 */
static inline u32 host_fpu_pkru_enter(struct myhv_vcpu *vcpu)
{
	u32 host = rdpkru();

	if (host != vcpu->fpu.pkru)
		wrpkru(vcpu->fpu.pkru);
	return host;
}

static inline void host_fpu_pkru_leave(struct myhv_vcpu *vcpu, u32 host)
{
	vcpu->fpu.pkru = rdpkru();
	if (host != vcpu->fpu.pkru)
		wrpkru(host);
}

/* Can the guest see or use PKRU? After a change of its CR4 or XCR0. */
void host_fpu_pkru_update(struct myhv_vcpu *vcpu, u64 cr4);

/* ---- host/mitigations.c ---- */

/* Decided at load from the boot CPU's bug bits. */
struct host_mitigations {
	bool ibpb_on_switch; /* another guest ran last on this CPU */
	bool spec_ctrl;	     /* MSR exists: swap guest and host values */
	bool rsb_fill;	     /* after an exit */
	bool verw;	     /* before an entry */
	bool l1d_flush;	     /* before an entry */
	bool virt_spec_ctrl;
	bool ibpb_to_user;   /* before user space runs: VMSCAPE */
	bool clear_bhb;	     /* after an exit, VT-x */
};
extern struct host_mitigations host_mitigations;
int host_mitigations_init(void);
void host_mitigations_exit(void);
/* [burst] begin: IBPB when another vCPU ran here last, and before user space runs. */
void host_mitigations_switch(struct myhv_vcpu *vcpu);
/* [entry] with host_mitigations.spec_ctrl: the guest's SPEC_CTRL in, the host's back. */
void host_spec_ctrl_enter(u64 guest);
void host_spec_ctrl_leave(u64 guest);
/* What must be written after an exit, before any RET; ~0: nothing. */
u64 host_spec_ctrl_after(u64 guest);
/* [entry] with host_mitigations.l1d_flush: the last thing that may read the host's memory */
void host_l1d_flush(struct myhv_vcpu *vcpu);

#endif /* MYHV_HOST_H */
