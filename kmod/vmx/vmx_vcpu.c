// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a vCPU's VMCS: creation, reset, and the fields that are not registers: controls,
 * bitmaps, time. They are kept in struct vmx_vcpu and written by the next entry.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include "compat/compat.h"
#include "core/memslot.h"
#include "cpuid_policy.h"
#include "exit/exit.h"
#include "vmx/vmx.h"

#define PLE_GAP_TICKS 128
#define PLE_WINDOW_TICKS 4096

/* What the guest may change in CR4 without us: nothing depends on it. */
#define CR4_OWNABLE                                                                   \
	((u64)(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PGE | X86_CR4_PCE |  \
	       X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT))

#define CPUID_7_EBX_INVPCID BIT(10)

/* ---- control words ---- */

static bool cpuid_has_invpcid(struct myhv_vcpu *vcpu)
{
	const struct cpuid_row *row = vcpu->cpuid ? cpuid_find(vcpu->cpuid, 7, 0) : NULL;

	return row && (row->regs[LEAF_EBX] & CPUID_7_EBX_INVPCID);
}

static u32 secondary_controls(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	u32 proc2 = vmx_global.proc2;

	/* what CPUID does not offer is #UD */
	if (!vcpu->cpuid || !vcpu->cpuid->rdtscp)
		proc2 &= ~(u32)SECONDARY_EXEC_ENABLE_RDTSCP;
	if (!cpuid_has_invpcid(vcpu))
		proc2 &= ~(u32)SECONDARY_EXEC_ENABLE_INVPCID;
	if (!vcpu->tsc.ratio)
		proc2 &= ~(u32)SECONDARY_EXEC_TSC_SCALING;
	if (!vmx->pml_on)
		proc2 &= ~(u32)SECONDARY_EXEC_ENABLE_PML;
	return vmx_apic_proc2(vmx, proc2);
}

static u32 primary_controls(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	u32 proc = vmx_apic_proc(vmx, vmx_global.proc);

	if (vmx->vcpu.drs.live)
		proc &= ~(u32)CPU_BASED_MOV_DR_EXITING;
	if (vcpu->irq_window_on)
		proc |= CPU_BASED_INTR_WINDOW_EXITING;
	if (vcpu->nmi_window_on)
		proc |= CPU_BASED_NMI_WINDOW_EXITING;
	if (vcpu->guest_debug.flags & MYHV_DEBUG_STEP)
		proc |= CPU_BASED_MONITOR_TRAP_FLAG;
	if (vcpu->msr_filtered) /* without a bitmap all of them exit */
		proc &= ~(u32)CPU_BASED_USE_MSR_BITMAPS;
	return proc;
}

static u32 pin_controls(struct vmx_vcpu *vmx)
{
	u32 pin = vmx_global.pin;

	if (!vmx->apicv)
		pin &= ~(u32)PIN_BASED_POSTED_INTR;
	if (!vmx->timer_on)
		pin &= ~(u32)PIN_BASED_VMX_PREEMPTION_TIMER;
	return pin;
}

void vmx_controls2_update(struct vmx_vcpu *vmx)
{
	vmx->proc2 = secondary_controls(vmx);
	vmx->dirty |= VMX_DIRTY_PROC2;
}

void vmx_controls_init(struct vmx_vcpu *vmx)
{
	vmx->proc = primary_controls(vmx);
	vmx->proc2 = secondary_controls(vmx);
	vmx->pin = pin_controls(vmx);
	vmx->exceptions = vcpu_exceptions_seen(&vmx->vcpu);
	vmx->dirty = VMX_DIRTY_ALL;
}

/* What no entry changes, and what is zero in every VMCS of ours. */
static void write_constants(struct vmx_vcpu *vmx)
{
	static const unsigned long zero[] = {
		PAGE_FAULT_ERROR_CODE_MASK, PAGE_FAULT_ERROR_CODE_MATCH, CR3_TARGET_COUNT,
		VM_EXIT_MSR_STORE_COUNT, VM_EXIT_MSR_LOAD_COUNT, VM_ENTRY_MSR_LOAD_COUNT,
		VM_ENTRY_INTR_INFO_FIELD, GUEST_IA32_DEBUGCTL, GUEST_ACTIVITY_STATE,
		GUEST_PENDING_DBG_EXCEPTIONS,
	};
	unsigned int i;

	vmcs_write(VM_EXIT_CONTROLS, vmx->apicv ? vmx_global.exit :
						  vmx_global.exit & ~VM_EXIT_ACK_INTR_ON_EXIT);
	vmcs_write(VM_ENTRY_CONTROLS, vmx->entry);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(EPT_POINTER, vmx_eptp(&backend_caps.slat_format, vmx->vcpu.vm->slat.root_hpa));
	vmcs_write(CR0_GUEST_HOST_MASK, ~(u64)VMX_CR0_GUEST_OWNED);
	if (vmx_global.vpid)
		vmcs_write(VIRTUAL_PROCESSOR_ID, vmx_vpid(vmx));
	if (vmx_has(MYHV_CPU_FEATURE_PAUSE_FILTER)) {
		vmcs_write(PLE_GAP, PLE_GAP_TICKS);
		vmcs_write(PLE_WINDOW, PLE_WINDOW_TICKS);
	}
	if (vmx->pml)
		vmcs_write(PML_ADDRESS, __pa(vmx->pml));
	vmx_apic_constants(vmx);
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		vmcs_write(zero[i], 0);
}

/* The guest's timer is due at vcpu->deadline_tsc: exit then, or a little earlier. */
static void write_timer(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	s64 left = vcpu->deadline_tsc - guest_tsc_now(vcpu);
	u64 ticks = clamp_t(s64, left, 0, S64_MAX >> 32);

	if (unlikely(vcpu->tsc.ratio)) /* guest ticks into the host's */
		ticks = mul_u64_u64_div_u64(ticks, 1ULL << VMX_TSC_RATIO_FRAC_BITS,
					    vcpu->tsc.ratio);
	ticks = (ticks >> vmx_global.timer_shift) + (left > 0);
	vmcs_write(VMX_PREEMPTION_TIMER_VALUE, min_t(u64, ticks, U32_MAX));
}

/* Before an entry, if the guest's timer is or was the CPU's. */
void vmx_timer_update(struct vmx_vcpu *vmx)
{
	bool on = vmx->vcpu.deadline_tsc;

	if (on != vmx->timer_on) {
		vmx->timer_on = on;
		vmx->pin = pin_controls(vmx);
		vmx->dirty |= VMX_DIRTY_PIN;
	}
	if (on)
		write_timer(vmx);
}

/* ---- pages written ---- */

/* Before an entry, if the VM logs and this vCPU does not, or the other way round. */
void vmx_pml_switch(struct vmx_vcpu *vmx)
{
	vmx->pml_on = !vmx->pml_on;
	if (vmx->pml_on)
		vmcs_write(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
	vmx_controls2_update(vmx);
}

/*
 * After an exit, still in guest mode for others: who has made us leave it finds all bits set. The
 * CPU fills the buffer downwards, and the index is below the last entry written.
 */
void vmx_pml_drain(struct vmx_vcpu *vmx)
{
	struct myhv_vm *vm = vmx->vcpu.vm;
	u16 i = vmcs_read(GUEST_PML_INDEX);
	struct memslot *slot;
	int idx;

	if (likely(i == VMX_PML_ENTRIES - 1))
		return;
	idx = srcu_read_lock(&vm->srcu);
	for (i++; i < VMX_PML_ENTRIES; i++) {
		slot = memslot_find(vm, vmx->pml[i]);
		if (slot)
			memslot_mark_dirty(&vmx->vcpu, slot, vmx->pml[i]);
	}
	srcu_read_unlock(&vm->srcu, idx);
	vmcs_write(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
}

static void write_sysenter(struct vmx_vcpu *vmx)
{
	vmcs_write(GUEST_SYSENTER_CS, vmx->msrs.sysenter_cs);
	vmcs_write(GUEST_SYSENTER_ESP, vmx->msrs.sysenter_esp);
	vmcs_write(GUEST_SYSENTER_EIP, vmx->msrs.sysenter_eip);
}

static void write_tsc(struct vmx_vcpu *vmx)
{
	vmcs_write(TSC_OFFSET, vmx->vcpu.tsc.offset);
	if (vmx->vcpu.tsc.ratio)
		vmcs_write(TSC_MULTIPLIER, vmx->vcpu.tsc.ratio);
}

static void write_pdptes(struct vmx_vcpu *vmx)
{
	vmcs_write(GUEST_PDPTR0, vmx->pdptes[0]);
	vmcs_write(GUEST_PDPTR1, vmx->pdptes[1]);
	vmcs_write(GUEST_PDPTR2, vmx->pdptes[2]);
	vmcs_write(GUEST_PDPTR3, vmx->pdptes[3]);
}

/*
 * A pending single step must be there in a shadow exactly when RFLAGS.TF is set (SDM "Checks on
 * Guest Non-Register State").
 */
static void write_shadow(struct vmx_vcpu *vmx)
{
	const u32 shadow = VMX_BLOCK_STI | VMX_BLOCK_MOV_SS;
	u64 rflags = vmx->vcpu.regs.general.rflags;
	bool step;

	if (!(rflags & X86_EFLAGS_IF))
		vmx->interruptibility &= ~(u32)VMX_BLOCK_STI; /* impossible, and refused */
	step = (vmx->interruptibility & shadow) && (rflags & X86_EFLAGS_TF);
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, vmx->interruptibility);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, step ? EVENT_DR6_BS : 0);
}

static void *msr_bitmap_of(const struct vmx_vcpu *vmx)
{
	return vmx->proc2 & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE ? vmx_global.x2apic_bitmap :
								    vmx_global.msr_bitmap;
}

/* In vmx_enter(): vmx->dirty into the VMCS. */
void vmx_fields_flush(struct vmx_vcpu *vmx)
{
	u32 dirty = vmx->dirty;

	vmx->dirty = 0;
	if (dirty & VMX_DIRTY_CONSTANT)
		write_constants(vmx);
	if (dirty & VMX_DIRTY_HOST)
		vmx_host_state_write(vmx);
	if (dirty & VMX_DIRTY_PIN)
		vmcs_write(PIN_BASED_VM_EXEC_CONTROL, vmx->pin);
	if (dirty & VMX_DIRTY_PROC)
		vmcs_write(CPU_BASED_VM_EXEC_CONTROL, vmx->proc);
	if (dirty & VMX_DIRTY_PROC2)
		vmcs_write(SECONDARY_VM_EXEC_CONTROL, vmx->proc2);
	if (dirty & VMX_DIRTY_EXCEPTIONS)
		vmcs_write(EXCEPTION_BITMAP, vmx->exceptions);
	if (dirty & VMX_DIRTY_MSR_BITMAP)
		vmcs_write(MSR_BITMAP, __pa(msr_bitmap_of(vmx)));
	if (dirty & VMX_DIRTY_TSC)
		write_tsc(vmx);
	if (dirty & VMX_DIRTY_SYSENTER)
		write_sysenter(vmx);
	if (dirty & VMX_DIRTY_DR7)
		vmcs_write(GUEST_DR7, vcpu_dr7(&vmx->vcpu));
	if (dirty & VMX_DIRTY_CR4_MASK)
		vmcs_write(CR4_GUEST_HOST_MASK, ~vmx->cr4_owned);
	if (dirty & VMX_DIRTY_PDPTES)
		write_pdptes(vmx);
	if (dirty & VMX_DIRTY_SHADOW)
		write_shadow(vmx);
	if (dirty & VMX_DIRTY_TPR)
		vmcs_write(TPR_THRESHOLD, vmx->vcpu.tpr_threshold);
	if (dirty & (VMX_DIRTY_REQUESTS | VMX_DIRTY_LAPIC))
		vmx_apic_flush(vmx, dirty);
}

/* ---- lifetime ---- */

static void free_vcpu_pages(struct vmx_vcpu *vmx)
{
	vmx_apic_free(vmx);
	free_page((unsigned long)vmx->pml);
	free_page((unsigned long)vmx->vmcs);
	kfree(vmx);
}

struct myhv_vcpu *vmx_vcpu_alloc(struct myhv_vm *vm)
{
	struct vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return NULL;
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (vmx_has(MYHV_CPU_FEATURE_PML))
		vmx->pml = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs || (vmx_has(MYHV_CPU_FEATURE_PML) && !vmx->pml) || vmx_apic_alloc(vmx)) {
		free_vcpu_pages(vmx);
		return NULL;
	}
	*(u32 *)vmx->vmcs = vmx_global.revision;
	vmx->vmcs_pa = __pa(vmx->vmcs);
	vmx->cpu = -1;
	vmx->tlb_cpu = -1;
	vmx->entry = vmx_global.entry;
	vmx->vcpu.vm = vm;
	vmx_controls_init(vmx);
	return &vmx->vcpu;
}

void vmx_vcpu_free(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_vmcs_release(vmx);
	free_vcpu_pages(vmx);
}

void vmx_vcpu_reset(struct myhv_vcpu *vcpu, bool init)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->interruptibility = 0;
	vmx->vcpu.soft.type = EVENT_NONE;
	vmx->vcpu.drs.live = false;
	if (!init) {
		memset(&vmx->msrs, 0, sizeof(vmx->msrs));
		vmx->msrs.pat = MSR_PAT_RESET;
		vmx->kernel_gs_base = 0;
	}
	vmx_controls_init(vmx);
	vmx_cpuid_changed(vcpu);
	vmx_debug_update(vcpu);
}

void vmx_cpuid_changed(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 owned = vcpu->cpuid->cr4_valid & CR4_OWNABLE;

	if (owned != vmx->cr4_owned) {
		/* the shadow must be right for bits that become ours */
		vcpu_regs_dirty(vcpu, MYHV_STATE_CONTROL);
		vmx->cr4_owned = owned;
		vmx->dirty |= VMX_DIRTY_CR4_MASK;
	}
	vmx_controls2_update(vmx);
}

/* ---- time ---- */

void vmx_tsc_update(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_controls2_update(vmx);
	vmx->dirty |= VMX_DIRTY_TSC;
}

void vmx_msr_filter_changed(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->proc = primary_controls(vmx);
	vmx->dirty |= VMX_DIRTY_PROC;
}

/* ---- debugging ---- */

void vmx_debug_live(struct myhv_vcpu *vcpu, bool live)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->vcpu.drs.live = live;
	vmx->proc = primary_controls(vmx);
	vmx->dirty |= VMX_DIRTY_PROC;
	vcpu_drs_update(&vmx->vcpu);
}

void vmx_debug_update(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (debugger_has_drs(vcpu))
		vcpu->drs.live = false;
	vmx->proc = primary_controls(vmx);
	vmx->exceptions = vcpu_exceptions_seen(&vmx->vcpu);
	vmx->dirty |= VMX_DIRTY_PROC | VMX_DIRTY_EXCEPTIONS | VMX_DIRTY_DR7;
	vcpu_drs_update(&vmx->vcpu);
}
