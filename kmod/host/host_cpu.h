/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's own state around a guest entry, as far as both backends keep it by hand. */
#ifndef MYHV_HOST_CPU_H
#define MYHV_HOST_CPU_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/segment.h>
#include "compat/compat.h"
#include "core/vcpu.h"

/* DR0 to DR3; [entry] */
static inline void host_drs_read(u64 dr[4])
{
	get_debugreg(dr[0], 0);
	get_debugreg(dr[1], 1);
	get_debugreg(dr[2], 2);
	get_debugreg(dr[3], 3);
}

static inline void host_drs_write(const u64 dr[4])
{
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/* [entry] The guest's, or its debugger's; and the host's again. With vcpu->drs.load */
static inline void guest_drs_load(struct myhv_vcpu *vcpu)
{
	host_drs_read(vcpu->drs.host);
	host_drs_write(debugger_has_drs(vcpu) ? vcpu->guest_debug.dr : vcpu->drs.dr);
}

static inline void guest_drs_unload(struct myhv_vcpu *vcpu)
{
	if (vcpu->drs.live)
		host_drs_read(vcpu->drs.dr);
	host_drs_write(vcpu->drs.host);
}

/* [entry] An exit switches the host's breakpoints off. */
static inline void host_dr7_restore(void)
{
	unsigned long dr7 = __this_cpu_read(cpu_dr7);

	if (unlikely(dr7))
		set_debugreg(dr7, 7);
}

/*
 * MSR_TSC_AUX, which RDTSCP and RDPID read without an exit: [cpu] the host's value, which does not
 * change while the CPU is up; [burst] begin and end; [entry] the guest's, if it differs.
 */
DECLARE_PER_CPU(u64, host_tsc_aux);

static inline bool host_has_tsc_aux(void)
{
	return boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
}

static inline void host_tsc_aux_read(void)
{
	if (host_has_tsc_aux())
		rdmsrq(MSR_TSC_AUX, *this_cpu_ptr(&host_tsc_aux));
}

static inline void tsc_aux_begin(struct myhv_vcpu *vcpu)
{
	vcpu->tsc_aux = __this_cpu_read(host_tsc_aux);
}

static inline void tsc_aux_end(struct myhv_vcpu *vcpu)
{
	if (unlikely(vcpu->tsc_aux != __this_cpu_read(host_tsc_aux)))
		wrmsrq(MSR_TSC_AUX, __this_cpu_read(host_tsc_aux));
}

static inline void tsc_aux_load(struct myhv_vcpu *vcpu)
{
	if (likely(vcpu->msrs.tsc_aux == vcpu->tsc_aux) || !host_has_tsc_aux())
		return;
	vcpu->tsc_aux = vcpu->msrs.tsc_aux;
	wrmsrq(MSR_TSC_AUX, vcpu->tsc_aux);
}

/*
 * [entry] A machine check ended guest mode: as if it had hit the vCPU's thread in user mode,
 * which is what it can kill.
 */
static inline void host_machine_check(void)
{
	struct pt_regs regs = {
		.cs = __USER_CS,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
}

#endif /* MYHV_HOST_CPU_H */
