// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPU does of the LAPIC: the task priority alone (TPR shadow), or registers and
 * delivery (SDM "APIC Virtualization and Virtual Interrupts"), also of interrupts that are posted
 * while the guest runs. The register page of the model is the virtual-APIC page.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/apicdef.h>
#include "chip/chip.h"
#include "compat/compat.h"
#include "exit/emulate.h"
#include "exit/exit.h"
#include "vmx/vmx.h"

#define STATUS_RVI 0xffu /* of GUEST_INTR_STATUS: highest request; above it, in service */
#define STATUS_SVI_SHIFT 8

#define ACCESS_OFFSET 0xfffu
#define ACCESS_TYPE_SHIFT 12
#define ACCESS_READ 0
#define ACCESS_WRITE 1

/* SDM "Posted-Interrupt Processing": a descriptor. The CPU does not look at the rest. */
struct posted_irqs {
	u32 requests[8];
	u32 control[8];
} __aligned(64);

/* ---- lifetime ---- */

/* An access to this page of the guest is an access to the LAPIC; its content is nobody's. */
int vmx_apic_vm_init(struct myhv_vm *vm)
{
	vm->arch_vm.vmx.apic_access = NULL;
	if (!vmx_has(MYHV_CPU_FEATURE_APICV))
		return 0;
	vm->arch_vm.vmx.apic_access = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->arch_vm.vmx.apic_access ? 0 : -ENOMEM;
}

void vmx_apic_vm_destroy(struct myhv_vm *vm)
{
	if (vm->arch_vm.vmx.apic_access)
		__free_page(vm->arch_vm.vmx.apic_access);
	vm->arch_vm.vmx.apic_access = NULL;
}

int vmx_apic_alloc(struct vmx_vcpu *vmx)
{
	if (!vmx_has(MYHV_CPU_FEATURE_POSTED_INTR))
		return 0;
	vmx->posted = kzalloc(sizeof(*vmx->posted), GFP_KERNEL_ACCOUNT);
	return vmx->posted ? 0 : -ENOMEM;
}

void vmx_apic_free(struct vmx_vcpu *vmx)
{
	kfree(vmx->posted);
}

/* ---- controls ---- */

u32 vmx_apic_proc(const struct vmx_vcpu *vmx, u32 proc)
{
	if (!vmx_has(MYHV_CPU_FEATURE_TPR_SHADOW) || !vmx->vcpu.lapic)
		return proc & ~(u32)CPU_BASED_TPR_SHADOW;
	proc &= ~(u32)(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING);
	return proc | CPU_BASED_TPR_SHADOW;
}

/*
 * A LAPIC in memory is the CPU's business only where nearly every guest leaves it. Where the page
 * is mapped for other vCPUs, accesses exit for one that delivers itself.
 */
u32 vmx_apic_proc2(struct vmx_vcpu *vmx, u32 proc2)
{
	bool has_page = vmx_has(MYHV_CPU_FEATURE_APICV) && vmx->vcpu.lapic;
	u64 base;

	vmx->apicv = has_page && lapic_hw_delivery(&vmx->vcpu);
	if (!has_page)
		return proc2 & ~VMX_APICV_CONTROLS;
	if (!vmx->apicv)
		proc2 &= ~(VMX_APICV_CONTROLS & ~(u32)SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES);
	base = lapic_base_get(&vmx->vcpu);
	if (!(base & X2APIC_ENABLE))
		proc2 &= ~(u32)SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	if ((base & X2APIC_ENABLE) || !(base & XAPIC_ENABLE) ||
	    (base & PAGE_MASK) != APIC_DEFAULT_PHYS_BASE)
		proc2 &= ~(u32)SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	return proc2;
}

void vmx_apic_constants(struct vmx_vcpu *vmx)
{
	if (!vmx->vcpu.lapic || !vmx_has(MYHV_CPU_FEATURE_TPR_SHADOW))
		return;
	vmcs_write(VIRTUAL_APIC_PAGE_ADDR, lapic_page_pa(&vmx->vcpu));
	if (!vmx_has(MYHV_CPU_FEATURE_APICV))
		return;
	vmcs_write(APIC_ACCESS_ADDR, page_to_phys(vmx->vcpu.vm->arch_vm.vmx.apic_access));
	if (vmx->posted) {
		vmcs_write(POSTED_INTR_DESC_ADDR, __pa(vmx->posted));
		vmcs_write(POSTED_INTR_NV, HOST_POSTED_VECTOR);
	}
}

/*
 * In x2APIC mode these do not exit. Reads come from the page as it is: not the ICR, which is
 * in two parts there, and not the count of the timer. SDM "Virtualizing MSR-Based APIC Accesses".
 */
void vmx_apic_bitmap_init(void *bitmap)
{
	static const struct {
		u16 first, last;
	} reads[] = {
		{ 0x802, 0x803 }, { 0x808, 0x808 }, { 0x80a, 0x80a }, { 0x80d, 0x80d },
		{ 0x80f, 0x828 }, { 0x832, 0x838 }, { 0x83e, 0x83e },
	};
	static const u16 writes[] = { 0x808, 0x80b, 0x83f };
	unsigned int i, msr;

	vmx_msr_bitmap_init(bitmap);
	for (i = 0; i < ARRAY_SIZE(reads); i++)
		for (msr = reads[i].first; msr <= reads[i].last; msr++)
			vmx_msr_bitmap_set(bitmap, msr, false, true);
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		vmx_msr_bitmap_set(bitmap, writes[i], writes[i] != 0x808, false);
}

/* ---- before an entry, with the VMCS current ---- */

static void write_status(int request, int service)
{
	vmcs_write(GUEST_INTR_STATUS,
		   max(request, 0) | (u32)max(service, 0) << STATUS_SVI_SHIFT);
}

/* An interrupt whose end is watched does not reach the CPU before this was written. */
static void write_watched(struct vmx_vcpu *vmx)
{
	const u32 *watched = lapic_watched(&vmx->vcpu);
	unsigned int i;

	for (i = 0; i < 4; i++)
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i,
			   READ_ONCE(watched[2 * i]) | (u64)READ_ONCE(watched[2 * i + 1]) << 32);
}

void vmx_apic_flush(struct vmx_vcpu *vmx, u32 dirty)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	int request;
	u16 status;

	if (!vmx->apicv)
		return;
	request = lapic_collect(vcpu);
	write_watched(vmx);
	if (dirty & VMX_DIRTY_LAPIC) {
		write_status(request, lapic_in_service(vcpu));
		return;
	}
	status = vmcs_read(GUEST_INTR_STATUS);
	if (request > (int)(status & STATUS_RVI))
		write_status(request, status >> STATUS_SVI_SHIFT);
}

/* ---- for the core ---- */

void vmx_tpr_threshold(struct myhv_vcpu *vcpu, u8 class)
{
	to_vmx(vcpu)->dirty |= VMX_DIRTY_TPR;
}

void vmx_lapic_changed(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool apicv = vmx->apicv;

	vmx_controls2_update(vmx);
	if (apicv != vmx->apicv)
		vmx_controls_init(vmx);
	vmx->dirty |= VMX_DIRTY_LAPIC | VMX_DIRTY_MSR_BITMAP;
}

void vmx_lapic_requested(struct myhv_vcpu *vcpu)
{
	to_vmx(vcpu)->dirty |= VMX_DIRTY_REQUESTS;
}

u32 *vmx_posted_requests(struct myhv_vcpu *vcpu)
{
	return to_vmx(vcpu)->posted->requests;
}

/*
 * The kernel's handler of this vector does nothing; in guest mode the CPU takes it for
 * itself. One that comes too late finds the requests collected, or about to be. Preemption is off.
 */
void vmx_posted_notify(int cpu)
{
	if (cpu != smp_processor_id() && cpu_online(cpu))
		apic->send_IPI(cpu, HOST_POSTED_VECTOR);
}

/* ---- exits ---- */

/* The guest's first access to its LAPIC in memory: let the CPU see to the next ones. */
bool vmx_apic_page_fault(struct myhv_vcpu *vcpu, u64 gpa, enum exit_action *action)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!(vmx->proc2 & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
	    (gpa & PAGE_MASK) != APIC_DEFAULT_PHYS_BASE)
		return false;
	switch (slat_map_page(vcpu, APIC_DEFAULT_PHYS_BASE,
			      page_to_phys(vcpu->vm->arch_vm.vmx.apic_access))) {
	case SLAT_FAULT_DONE:
		*action = RESUME_GUEST;
		return true;
	case SLAT_FAULT_SLEEP:
		*action = EXIT_NEEDS_SLEEP;
		return true;
	default:
		return false;
	}
}

/* One that the CPU leaves to us: nothing was done. */
enum exit_action vmx_apic_access(struct myhv_vcpu *vcpu)
{
	u64 q = to_vmx(vcpu)->exit.qualification;
	unsigned int type = q >> ACCESS_TYPE_SHIFT & 0xf;

	if (type != ACCESS_READ && type != ACCESS_WRITE)
		return exit_failed(vcpu, MYHV_EXIT_EMULATION);
	return emulate_mmio(vcpu, (lapic_base_get(vcpu) & PAGE_MASK) | (q & ACCESS_OFFSET),
			    type == ACCESS_WRITE);
}

/* The page was written; RIP stands behind the instruction. */
enum exit_action vmx_apic_write(struct myhv_vcpu *vcpu)
{
	lapic_reg_written(vcpu, to_vmx(vcpu)->exit.qualification & ACCESS_OFFSET);
	return RESUME_GUEST;
}

/* The end of an interrupt that is watched; the CPU has retired it. */
enum exit_action vmx_apic_eoi(struct myhv_vcpu *vcpu)
{
	lapic_eoi_seen(vcpu, to_vmx(vcpu)->exit.qualification);
	return RESUME_GUEST;
}
