// SPDX-License-Identifier: GPL-2.0-only
/* VT-x as a whole: what all VMs share, and the operations table. */
#include <linux/gfp.h>
#include "vmx/vmx.h"

struct vmx_global vmx_global;

static void vmx_teardown(void)
{
	vmx_host_teardown();
	free_page((unsigned long)vmx_global.msr_bitmap);
	free_page((unsigned long)vmx_global.x2apic_bitmap);
	vmx_global.msr_bitmap = NULL;
	vmx_global.x2apic_bitmap = NULL;
}

static int vmx_setup(void)
{
	int ret = -ENOMEM;

	vmx_global.msr_bitmap = (void *)__get_free_page(GFP_KERNEL);
	vmx_global.x2apic_bitmap = (void *)__get_free_page(GFP_KERNEL);
	if (vmx_global.msr_bitmap && vmx_global.x2apic_bitmap) {
		vmx_msr_bitmap_init(vmx_global.msr_bitmap);
		vmx_apic_bitmap_init(vmx_global.x2apic_bitmap);
		ret = vmx_host_setup();
	}
	if (ret)
		vmx_teardown();
	return ret;
}

const struct myhv_backend vmx_backend = {
	.name = "vmx",
	.id = MYHV_BACKEND_VMX,
	.probe = vmx_caps_probe,
	.setup = vmx_setup,
	.teardown = vmx_teardown,
	.cpu_enable = vmx_cpu_enable,
	.cpu_disable = vmx_cpu_disable,
	.vm_init = vmx_apic_vm_init,
	.vm_destroy = vmx_apic_vm_destroy,
	.vcpu_alloc = vmx_vcpu_alloc,
	.vcpu_free = vmx_vcpu_free,
	.vcpu_reset = vmx_vcpu_reset,
	.cpuid_changed = vmx_cpuid_changed,
	.burst_begin = vmx_burst_begin,
	.burst_end = vmx_burst_end,
	.enter = vmx_enter,
	.handle_exit = vmx_handle_exit,
	.regs_fetch = vmx_regs_fetch,
	.insn_context = vmx_insn_context,
	.regs_commit = vmx_regs_commit,
	.msr_get = vmx_msr_get,
	.msr_set = vmx_msr_set,
	.msr_filter_changed = vmx_msr_filter_changed,
	.shadow_get = vmx_shadow_get,
	.shadow_set = vmx_shadow_set,
	.nmi_blocked_get = vmx_nmi_blocked_get,
	.nmi_blocked_set = vmx_nmi_blocked_set,
	.irq_window = vmx_irq_window,
	.nmi_window = vmx_nmi_window,
	.tpr_threshold = vmx_tpr_threshold,
	.lapic_changed = vmx_lapic_changed,
	.lapic_requested = vmx_lapic_requested,
	.posted_requests = vmx_posted_requests,
	.posted_notify = vmx_posted_notify,
	.tsc_update = vmx_tsc_update,
	.debug_update = vmx_debug_update,
	.debug_live = vmx_debug_live,
	.exit_info = vmx_exit_info,
	.exit_name = vmx_exit_name,
};
