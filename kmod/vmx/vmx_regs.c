// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register groups between the VMCS and the neutral copy. What the guest must not see of the
 * CPU's own needs (CR0.NE, CR4.VMXE and MCE, the absence of CR0.CD) is added and
 * removed here: bits that we own read as the shadows, the guest's own are in the VMCS.
 */
#include "compat/compat.h"
#include "host/host.h"
#include "vmx/vmx.h"

#define CR0_HIDDEN ((u64)(X86_CR0_CD | X86_CR0_NW))

/* Fields of the segments stand in ModRM order, two numbers apart. */
#define SEG_SELECTOR(nr) (GUEST_ES_SELECTOR + 2 * (nr))
#define SEG_LIMIT(nr) (GUEST_ES_LIMIT + 2 * (nr))
#define SEG_AR(nr) (GUEST_ES_AR_BYTES + 2 * (nr))
#define SEG_BASE(nr) (GUEST_ES_BASE + 2 * (nr))
static_assert(SEG_SELECTOR(MYHV_SEG_TR) == GUEST_TR_SELECTOR);
static_assert(SEG_LIMIT(MYHV_SEG_TR) == GUEST_TR_LIMIT);
static_assert(SEG_AR(MYHV_SEG_TR) == GUEST_TR_AR_BYTES);
static_assert(SEG_BASE(MYHV_SEG_TR) == GUEST_TR_BASE);

/* ---- segments ---- */

static void segments_fetch(struct myhv_state_segments *r)
{
	unsigned int nr;

	for (nr = MYHV_SEG_ES; nr <= MYHV_SEG_TR; nr++)
		r->seg[nr] = (struct myhv_segment){
			.base = vmcs_read(SEG_BASE(nr)),
			.limit = vmcs_read(SEG_LIMIT(nr)),
			.selector = vmcs_read(SEG_SELECTOR(nr)),
			.attrib = vmx_segment_attrib(vmcs_read(SEG_AR(nr))),
		};
	r->gdt = (struct myhv_dtable){
		.base = vmcs_read(GUEST_GDTR_BASE), .limit = vmcs_read(GUEST_GDTR_LIMIT),
	};
	r->idt = (struct myhv_dtable){
		.base = vmcs_read(GUEST_IDTR_BASE), .limit = vmcs_read(GUEST_IDTR_LIMIT),
	};
}

static void segments_commit(const struct myhv_state_segments *r)
{
	unsigned int nr;

	for (nr = MYHV_SEG_ES; nr <= MYHV_SEG_TR; nr++) {
		const struct myhv_segment *s = &r->seg[nr];

		vmcs_write(SEG_BASE(nr), s->base);
		vmcs_write(SEG_LIMIT(nr), s->limit);
		vmcs_write(SEG_SELECTOR(nr), s->selector);
		vmcs_write(SEG_AR(nr), vmx_segment_ar(nr, s->attrib, s->limit));
	}
	vmcs_write(GUEST_GDTR_BASE, r->gdt.base);
	vmcs_write(GUEST_GDTR_LIMIT, r->gdt.limit);
	vmcs_write(GUEST_IDTR_BASE, r->idt.base);
	vmcs_write(GUEST_IDTR_LIMIT, r->idt.limit);
}

/* ---- control registers ---- */

static u64 guest_cr0(const struct vmx_vcpu *vmx)
{
	return (vmx->cr0 & ~(u64)VMX_CR0_GUEST_OWNED) |
	       (vmcs_read(GUEST_CR0) & VMX_CR0_GUEST_OWNED);
}

static u64 guest_cr4(const struct vmx_vcpu *vmx)
{
	return (vmx->cr4 & ~vmx->cr4_owned) | (vmcs_read(GUEST_CR4) & vmx->cr4_owned);
}

/* CR8 and the APIC base are not the hardware's: the core keeps them. */
static void control_fetch(struct vmx_vcpu *vmx, struct myhv_state_control *r)
{
	r->cr0 = guest_cr0(vmx);
	r->cr2 = vmx->cr2;
	r->cr3 = vmcs_read(GUEST_CR3);
	r->cr4 = guest_cr4(vmx);
	r->efer = vmx->efer;
	r->xcr0 = vmx->vcpu.fpu.xcr0;
}

static void efer_commit(struct vmx_vcpu *vmx, u64 efer)
{
	if (efer == vmx->efer)
		return;
	if (vcpu_paging_changed(0, 0, efer ^ vmx->efer))
		vmx->vcpu.tlb_flush = true;
	vmx->efer = efer;
	vmx->entry = vmx_global.entry | (efer & EFER_LMA ? VM_ENTRY_IA32E_MODE : 0);
	vmx_msrs_efer_changed(vmx);
}

static void control_commit(struct vmx_vcpu *vmx, const struct myhv_state_control *r)
{
	u64 cr0 = (r->cr0 & ~CR0_HIDDEN) | X86_CR0_NE;
	u64 cr4 = r->cr4 | vmx_global.cr4_fixed0;
	bool paging_changed;

	/* else a machine check is a shutdown, no exit */
	cr4 |= X86_CR4_MCE & vmx_global.cr4_fixed1;
	paging_changed = vcpu_paging_changed(vmcs_read(GUEST_CR0) ^ cr0,
					     vmcs_read(GUEST_CR4) ^ cr4, 0) ||
			 ((vmx->efer ^ r->efer) & EFER_LMA) || vmcs_read(GUEST_CR3) != r->cr3;
	if (paging_changed)
		vmx->vcpu.tlb_flush = true;
	/* SDM "Loading PDPTEs": the CPU does it for the guest's own writes only */
	if ((cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(r->efer & EFER_LMA) && paging_changed)
		vmx->dirty |= VMX_STALE_PDPTES;
	efer_commit(vmx, r->efer);
	vmcs_write(GUEST_IA32_EFER, r->efer);
	vmcs_write(VM_ENTRY_CONTROLS, vmx->entry);
	vmx->cr0 = r->cr0;
	vmx->cr4 = r->cr4;
	vmx->cr2 = r->cr2;
	vmcs_write(GUEST_CR0, cr0);
	vmcs_write(CR0_READ_SHADOW, r->cr0);
	vmcs_write(GUEST_CR3, r->cr3);
	vmcs_write(GUEST_CR4, cr4);
	vmcs_write(CR4_READ_SHADOW, r->cr4);
	host_fpu_pkru_update(&vmx->vcpu, r->cr4);
}

/* ---- debug registers ---- */

static void debug_fetch(struct vmx_vcpu *vmx, struct myhv_state_debug *r)
{
	memcpy(r->dr, vmx->vcpu.drs.dr, sizeof(r->dr));
	r->dr6 = vmx->dr6;
	r->dr7 = vmx->vcpu.drs.dr7;
}

static void debug_commit(struct vmx_vcpu *vmx, const struct myhv_state_debug *r)
{
	memcpy(vmx->vcpu.drs.dr, r->dr, sizeof(vmx->vcpu.drs.dr));
	vmx->dr6 = r->dr6;
	vmx->vcpu.drs.dr7 = r->dr7;
	vmx->dirty |= VMX_DIRTY_DR7;
	vcpu_drs_update(&vmx->vcpu);
}

/* ---- register groups ---- */

/*
 * GENERAL is current after every exit and committed at every entry (vmx_run.c). When VMX is gone
 * (reboot), the VM's last state is lost with it: the copy stays as it was.
 */
void vmx_regs_fetch(struct myhv_vcpu *vcpu, u32 groups)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long flags;

	if (groups & MYHV_STATE_DEBUG)
		debug_fetch(vmx, &vcpu->regs.debug);
	if (!(groups & (MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL)) || !vmx_open(vmx, &flags))
		return;
	if (groups & MYHV_STATE_SEGMENTS)
		segments_fetch(&vcpu->regs.segments);
	if (groups & MYHV_STATE_CONTROL)
		control_fetch(vmx, &vcpu->regs.control);
	vmx_close(vmx, flags);
}

static __always_inline void read_context(const struct vmx_vcpu *vmx, struct insn_context *c)
{
	c->cr0 = guest_cr0(vmx);
	c->cr3 = vmcs_read(GUEST_CR3);
	c->cr4 = guest_cr4(vmx);
	c->efer = vmx->efer;
	c->cs_base = vmcs_read(GUEST_CS_BASE);
	c->cs_attrib = vmx_segment_attrib(vmcs_read(GUEST_CS_AR_BYTES));
	c->cpl = (vmcs_read(GUEST_SS_AR_BYTES) >> VMX_AR_DPL_SHIFT) & 3;
}

void vmx_insn_context(const struct myhv_vcpu *vcpu, struct insn_context *c)
{
	struct vmx_vcpu *vmx = container_of((struct myhv_vcpu *)vcpu, struct vmx_vcpu, vcpu);
	unsigned long flags;
	bool here;

	/* what vmx_open() does, less what a burst has done */
	if (likely(vcpu->in_burst)) {
		local_irq_disable();
		here = vmx_is_current(vmx);
		if (likely(here))
			read_context(vmx, c);
		local_irq_enable();
		if (likely(here))
			return;
	}
	memset(c, 0, sizeof(*c));
	if (!vmx_open(vmx, &flags))
		return;
	read_context(vmx, c);
	vmx_close(vmx, flags);
}

/* In vmx_enter(), with the VMCS current. */
void vmx_regs_commit(struct myhv_vcpu *vcpu, u32 groups)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (groups & MYHV_STATE_SEGMENTS)
		segments_commit(&vcpu->regs.segments);
	if (groups & MYHV_STATE_CONTROL)
		control_commit(vmx, &vcpu->regs.control);
	if (groups & MYHV_STATE_DEBUG)
		debug_commit(vmx, &vcpu->regs.debug);
}
