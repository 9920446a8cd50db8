// SPDX-License-Identifier: GPL-2.0-only
/*
 * An entry that the CPU has refused: the VMCS by name into the kernel's log, and the check that
 * failed if we know it. It is our mistake, or user space has set a state that the
 * CPU does not take; user space gets an exit, the log some lines, not more than a few a minute.
 */
#include <linux/ratelimit.h>
#include "compat/compat.h"
#include "vmx/vmx.h"

struct field_name {
	u32 field;
	const char *name;
};

#define F(field, name) { field, name }
#define SEGMENT_FIELDS(s, name)                                                    \
	F(GUEST_##s##_SELECTOR, name), F(GUEST_##s##_AR_BYTES, name ".access"),    \
		F(GUEST_##s##_LIMIT, name ".limit"), F(GUEST_##s##_BASE, name ".base")

static const struct field_name fields[] = {
	F(GUEST_CR0, "cr0"),
	F(CR0_READ_SHADOW, "cr0_shadow"),
	F(GUEST_CR3, "cr3"),
	F(GUEST_CR4, "cr4"),
	F(CR4_READ_SHADOW, "cr4_shadow"),
	F(GUEST_IA32_EFER, "efer"),
	F(GUEST_PDPTR0, "pdpte0"),
	F(GUEST_PDPTR1, "pdpte1"),
	F(GUEST_PDPTR2, "pdpte2"),
	F(GUEST_PDPTR3, "pdpte3"),
	F(GUEST_RIP, "rip"),
	F(GUEST_RSP, "rsp"),
	F(GUEST_RFLAGS, "rflags"),
	F(GUEST_DR7, "dr7"),
	SEGMENT_FIELDS(CS, "cs"),
	SEGMENT_FIELDS(SS, "ss"),
	SEGMENT_FIELDS(DS, "ds"),
	SEGMENT_FIELDS(ES, "es"),
	SEGMENT_FIELDS(FS, "fs"),
	SEGMENT_FIELDS(GS, "gs"),
	SEGMENT_FIELDS(LDTR, "ldtr"),
	SEGMENT_FIELDS(TR, "tr"),
	F(GUEST_GDTR_BASE, "gdtr.base"),
	F(GUEST_GDTR_LIMIT, "gdtr.limit"),
	F(GUEST_IDTR_BASE, "idtr.base"),
	F(GUEST_IDTR_LIMIT, "idtr.limit"),
	F(GUEST_INTERRUPTIBILITY_INFO, "interruptibility"),
	F(GUEST_ACTIVITY_STATE, "activity"),
	F(GUEST_PENDING_DBG_EXCEPTIONS, "pending_debug"),
	F(PIN_BASED_VM_EXEC_CONTROL, "pin_controls"),
	F(CPU_BASED_VM_EXEC_CONTROL, "proc_controls"),
	F(SECONDARY_VM_EXEC_CONTROL, "proc2_controls"),
	F(VM_ENTRY_CONTROLS, "entry_controls"),
	F(VM_EXIT_CONTROLS, "exit_controls"),
	F(EXCEPTION_BITMAP, "exceptions"),
	F(VM_ENTRY_INTR_INFO_FIELD, "inject"),
	F(VM_ENTRY_EXCEPTION_ERROR_CODE, "inject_error"),
	F(VM_ENTRY_INSTRUCTION_LEN, "inject_length"),
	F(EPT_POINTER, "ept_pointer"),
	F(HOST_CR0, "host_cr0"),
	F(HOST_CR3, "host_cr3"),
	F(HOST_CR4, "host_cr4"),
	F(HOST_IA32_EFER, "host_efer"),
	F(HOST_TR_BASE, "host_tr.base"),
	F(HOST_GDTR_BASE, "host_gdtr.base"),
	F(HOST_IDTR_BASE, "host_idtr.base"),
	F(HOST_GS_BASE, "host_gs.base"),
	F(HOST_RSP, "host_rsp"),
	F(HOST_RIP, "host_rip"),
};

static void dump_fields(const struct vmx_vcpu *vmx)
{
	char line[96];
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		len += scnprintf(line + len, sizeof(line) - len, " %s=%llx", fields[i].name,
				 vmcs_read(fields[i].field));
		if (len < sizeof(line) - 36 && i + 1 < ARRAY_SIZE(fields))
			continue;
		pr_warn("myhv: vm %u vcpu %u:%s\n", vmx->vcpu.vm->id, vmx->vcpu.id, line);
		len = 0;
	}
}

static const char *guest_state_fault(void)
{
	struct vmx_guest_state g = {
		.cr0 = vmcs_read(GUEST_CR0),
		.cr3 = vmcs_read(GUEST_CR3),
		.cr4 = vmcs_read(GUEST_CR4),
		.cr4_fixed0 = vmx_global.cr4_fixed0,
		.cr4_fixed1 = vmx_global.cr4_fixed1,
		.efer = vmcs_read(GUEST_IA32_EFER),
		.rip = vmcs_read(GUEST_RIP),
		.rflags = vmcs_read(GUEST_RFLAGS),
		.gdtr_base = vmcs_read(GUEST_GDTR_BASE),
		.idtr_base = vmcs_read(GUEST_IDTR_BASE),
		.gdtr_limit = vmcs_read(GUEST_GDTR_LIMIT),
		.idtr_limit = vmcs_read(GUEST_IDTR_LIMIT),
		.interruptibility = vmcs_read(GUEST_INTERRUPTIBILITY_INFO),
		.event = vmcs_read(VM_ENTRY_INTR_INFO_FIELD),
		.pending_debug = vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS),
		.long_mode = vmcs_read(VM_ENTRY_CONTROLS) & VM_ENTRY_IA32E_MODE,
		.phys_bits = boot_cpu_data.x86_phys_bits,
		.linear_bits = boot_cpu_has(X86_FEATURE_LA57) ? 57 : 48,
	};
	unsigned int nr;

	for (nr = X86_SEG_ES; nr <= X86_SEG_TR; nr++)
		g.seg[nr] = (struct vmx_segment){
			.base = vmcs_read(GUEST_ES_BASE + 2 * nr),
			.limit = vmcs_read(GUEST_ES_LIMIT + 2 * nr),
			.ar = vmcs_read(GUEST_ES_AR_BYTES + 2 * nr),
			.selector = vmcs_read(GUEST_ES_SELECTOR + 2 * nr),
		};
	return vmx_guest_state_fault(&g);
}

/* With the VMCS current, IRQs off. */
void vmx_report_failure(struct vmx_vcpu *vmx)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 2);
	const struct vmx_exit *e = &vmx->exit;
	const char *why = NULL;

	ratelimit_set_flags(&limit, RATELIMIT_MSG_ON_RELEASE);
	if (!__ratelimit(&limit))
		return;
	if ((u16)e->reason == EXIT_REASON_INVALID_STATE)
		why = guest_state_fault();
	if (e->row == VMX_ROW_REFUSED)
		pr_warn("myhv: vm %u vcpu %u: the CPU refused to enter: VM-instruction error %u\n",
			vmx->vcpu.vm->id, vmx->vcpu.id, e->error);
	else
		pr_warn("myhv: vm %u vcpu %u: the CPU refused the guest state: reason %u, %s\n",
			vmx->vcpu.vm->id, vmx->vcpu.id, (u16)e->reason,
			why ? why : "no known check fails");
	dump_fields(vmx);
}

/* VMWRITE failed: a field that this CPU does not have. */
void vmx_field_refused(unsigned long field, u64 value)
{
	pr_warn_ratelimited("myhv: the VMCS of this CPU has no field 0x%lx (value 0x%llx)\n",
			    field, value);
}
