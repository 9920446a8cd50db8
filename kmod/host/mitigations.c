// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be done against speculative leaks around guest entries, decided once from the
 * boot CPU's bug bits. What has to come before the first RET after an exit is in the
 * backends' assembly, patched by the same bits.
 */
#include <linux/cpu.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include "compat/compat.h"
#include "host/host.h"

struct host_mitigations host_mitigations __ro_after_init;

/* Identity of the vCPU that ran last on this CPU; VM numbers are not used twice. */
static DEFINE_PER_CPU(u64, last_vcpu);

void __init host_mitigations_init(void)
{
	const bool on = !cpu_mitigations_off();

	host_mitigations = (struct host_mitigations) {
		.ibpb_on_switch = on && boot_cpu_has(X86_FEATURE_IBPB) &&
				  boot_cpu_has_bug(X86_BUG_SPECTRE_V2),
		.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL),
		.rsb_fill = boot_cpu_has(X86_FEATURE_RSB_VMEXIT),
	};
}

void host_mitigations_switch(struct myhv_vcpu *vcpu)
{
	u64 self = (u64)(vcpu->vm->id + 1) << 32 | vcpu->id;

	if (__this_cpu_read(last_vcpu) == self)
		return;
	__this_cpu_write(last_vcpu, self);
	if (host_mitigations.ibpb_on_switch)
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

void host_spec_ctrl_enter(u64 guest)
{
	if (guest != this_cpu_read(x86_spec_ctrl_current))
		wrmsrq(MSR_IA32_SPEC_CTRL, guest);
}

void host_spec_ctrl_leave(u64 guest)
{
	u64 host = this_cpu_read(x86_spec_ctrl_current);

	if (guest != host)
		wrmsrq(MSR_IA32_SPEC_CTRL, host);
}
