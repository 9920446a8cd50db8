// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features of the host's CPU that would be felt in the guest, and are off from a burst's begin
 * to its end. Preemption is off there; an interrupt that switches one on, between two entries,
 * has its way until the end of the burst, a tick away at most.
 */
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include "compat/compat.h"
#include "vmx/vmx.h"

/* Its records go to an address of the host by whatever paging is in force. */
static void pebs_off(struct vmx_vcpu *vmx)
{
	rdmsrq(MSR_IA32_PEBS_ENABLE, vmx->host.pebs);
	if (unlikely(vmx->host.pebs))
		wrmsrq(MSR_IA32_PEBS_ENABLE, 0);
}

/* Not if somebody has changed it since: perf knows better what is wanted. */
static void pebs_on(struct vmx_vcpu *vmx)
{
	u64 now;

	rdmsrq(MSR_IA32_PEBS_ENABLE, now);
	if (!now)
		wrmsrq(MSR_IA32_PEBS_ENABLE, vmx->host.pebs);
}

/**
 * vmx_host_allows_split_locks() - a split lock of the guest was an #AC of the host's making
 * @vmx: in a burst
 *
 * The guest's CPU has no such thing. From now on the detection is off in its bursts.
 *
 * Return: false: that cannot have been the reason.
 */
bool vmx_host_allows_split_locks(struct vmx_vcpu *vmx)
{
	u64 value;

	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT))
		return false;
	rdmsrq(MSR_TEST_CTRL, value);
	if (!(value & MSR_TEST_CTRL_SPLIT_LOCK_DETECT))
		return false;
	vmx->splits_locks = true;
	vmx->host.test_ctrl = value;
	wrmsrq(MSR_TEST_CTRL, value & ~(u64)MSR_TEST_CTRL_SPLIT_LOCK_DETECT);
	return true;
}

void vmx_host_features_off(struct vmx_vcpu *vmx)
{
	if (vmx_global.pebs)
		pebs_off(vmx);
	if (unlikely(vmx->splits_locks))
		vmx_host_allows_split_locks(vmx);
}

void vmx_host_features_on(struct vmx_vcpu *vmx)
{
	if (unlikely(vmx->host.pebs))
		pebs_on(vmx);
	if (unlikely(vmx->host.test_ctrl)) {
		wrmsrq(MSR_TEST_CTRL, vmx->host.test_ctrl);
		vmx->host.test_ctrl = 0;
	}
}

bool vmx_host_has_pebs(void)
{
	u64 value;

	return boot_cpu_has(X86_FEATURE_PEBS) && !rdmsrq_safe(MSR_IA32_PEBS_ENABLE, &value);
}
