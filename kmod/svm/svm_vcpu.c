// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB as a home of registers: creation, reset, and moving register groups and
 * MSRs between it and the neutral copy. What the guest must not see of the CPU's
 * own needs (EFER.SVME, CR4.MCE, the absence of CR0.CD) is added and removed here.
 */
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "cpuid_policy.h"
#include "host/host.h"
#include "svm/svm.h"

#define CR0_HIDDEN ((u64)(X86_CR0_CD | X86_CR0_NW))

#define PAUSE_COUNT 3000
#define PAUSE_THRESHOLD 128

/* ---- the control area ---- */

/*
 * CR0 and CR4 reads exit only while the CPU's value differs from the guest's view. For CR8 see
 * svm_tpr_threshold(); without a LAPIC in the kernel it is user space's.
 */
void svm_cr_intercepts_update(struct svm_vcpu *svm)
{
	struct vmcb_control *c = &svm->vmcb->control;
	struct myhv_vcpu *vcpu = &svm->vcpu;
	u16 read = vcpu->lapic ? 0 : BIT(8);
	u16 write = BIT(4);

	if (!vcpu->lapic || vcpu->tpr_threshold || (vcpu->hw_tpr & 0xf) ||
	    (c->vintr & SVM_VINTR_IRQ))
		write |= BIT(8);
	if (svm->cr0_hidden) {
		read |= BIT(0);
		write |= BIT(0);
	}
	if (!svm->cr4_mce)
		read |= BIT(4);
	if (c->cr_read == read && c->cr_write == write)
		return;
	c->cr_read = read;
	c->cr_write = write;
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
}

static u64 msrpm_of(const struct myhv_vcpu *vcpu)
{
	BUILD_BUG_ON(SVM_MSRPM_BYTES > SVM_IOPM_BYTES);
	return vcpu->msr_filtered ? svm_global.iopm_pa : svm_global.msrpm_pa;
}

/*
 * Fill the control area from what @svm knows; also after SHUTDOWN, which leaves the VMCB
 * undefined. A window that was asked for must be asked for again.
 */
void svm_control_init(struct svm_vcpu *svm)
{
	struct vmcb_control *c = &svm->vmcb->control;

	memset(c, 0, sizeof(*c));
	c->dr_read = svm->vcpu.drs.live ? 0 : 0xffff;
	c->dr_write = c->dr_read;
	c->exceptions = vcpu_exceptions_seen(&svm->vcpu);
	c->misc1 = SVM_I1_INTR | SVM_I1_NMI | SVM_I1_SMI | SVM_I1_INIT | SVM_I1_CR0_SEL |
		   SVM_I1_RDPMC | SVM_I1_CPUID | SVM_I1_INVD | SVM_I1_HLT | SVM_I1_INVLPGA |
		   SVM_I1_IOIO | SVM_I1_MSR | SVM_I1_TASK_SWITCH | SVM_I1_SHUTDOWN;
	c->misc2 = SVM_I2_VMRUN | SVM_I2_VMMCALL | SVM_I2_VMLOAD | SVM_I2_VMSAVE | SVM_I2_STGI |
		   SVM_I2_CLGI | SVM_I2_SKINIT | SVM_I2_WBINVD | SVM_I2_MONITOR |
		   SVM_I2_MWAIT | SVM_I2_XSETBV | SVM_I2_RDPRU;
	if (svm_has(MYHV_CPU_FEATURE_PAUSE_FILTER)) {
		c->misc1 |= SVM_I1_PAUSE;
		c->pause_count = PAUSE_COUNT;
		if (svm_global.cpuid & SVM_CPUID_PAUSE_THRESHOLD)
			c->pause_threshold = PAUSE_THRESHOLD;
	}
	if (svm->nmi_blocked && !svm->nmi_iret)
		c->misc1 |= SVM_I1_IRET;
	c->iopm_pa = svm_global.iopm_pa;
	c->msrpm_pa = msrpm_of(&svm->vcpu);
	c->tsc_offset = svm->vcpu.tsc.offset;
	c->vintr = SVM_VINTR_MASKING | svm->v_tpr;
	c->nested_ctl = SVM_NESTED_NP;
	c->nested_cr3 = __sme_set(svm->vcpu.vm->slat.root_hpa);
	svm_cr_intercepts_update(svm);
	svm_cpuid_changed(&svm->vcpu);
	svm->asid_cpu = -1;
}

/* ---- lifetime ---- */

struct myhv_vcpu *svm_vcpu_alloc(struct myhv_vm *vm)
{
	struct svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);

	if (!svm)
		return NULL;
	svm->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb) {
		kfree(svm);
		return NULL;
	}
	svm->vmcb_pa = __sme_set(__pa(svm->vmcb));
	svm->vcpu.vm = vm;
	svm_control_init(svm);
	return &svm->vcpu;
}

void svm_vcpu_free(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	free_page((unsigned long)svm->vmcb);
	kfree(svm);
}

static void reset_msrs(struct vmcb_save *s)
{
	s->star = 0;
	s->lstar = 0;
	s->cstar = 0;
	s->sfmask = 0;
	s->kernel_gs_base = 0;
	s->sysenter_cs = 0;
	s->sysenter_esp = 0;
	s->sysenter_eip = 0;
	s->debugctl = 0;
	s->g_pat = MSR_PAT_RESET;
}

void svm_vcpu_reset(struct myhv_vcpu *vcpu, bool init)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->nmi_blocked = false;
	svm->nmi_iret = false;
	svm->vcpu.soft.type = EVENT_NONE;
	svm->vcpu.drs.live = false;
	if (!init)
		reset_msrs(&svm->vmcb->save);
	svm_control_init(svm);
	svm_irq_window(vcpu, vcpu->irq_window_on);
	svm_debug_update(vcpu);
}

/* RDTSCP has no enable bit: what CPUID does not offer must exit to be refused. */
void svm_cpuid_changed(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	if (vcpu->cpuid && vcpu->cpuid->rdtscp)
		c->misc2 &= ~SVM_I2_RDTSCP;
	else
		c->misc2 |= SVM_I2_RDTSCP;
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
}

/* ---- segments ---- */

static void segment_fetch(struct myhv_segment *to, const struct vmcb_segment *from)
{
	*to = (struct myhv_segment) {
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.attrib = from->attrib & 0xfff,
	};
}

static void segment_commit(struct vmcb_segment *to, const struct myhv_segment *from)
{
	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->attrib = from->attrib;
}

static void segments_fetch(struct svm_vcpu *svm, struct myhv_state_segments *r)
{
	const struct vmcb_save *s = &svm->vmcb->save;

	segment_fetch(&r->seg[MYHV_SEG_ES], &s->es);
	segment_fetch(&r->seg[MYHV_SEG_CS], &s->cs);
	segment_fetch(&r->seg[MYHV_SEG_SS], &s->ss);
	segment_fetch(&r->seg[MYHV_SEG_DS], &s->ds);
	segment_fetch(&r->seg[MYHV_SEG_FS], &s->fs);
	segment_fetch(&r->seg[MYHV_SEG_GS], &s->gs);
	segment_fetch(&r->seg[MYHV_SEG_LDTR], &s->ldtr);
	segment_fetch(&r->seg[MYHV_SEG_TR], &s->tr);
	/* The CPL has a field of its own; SS.DPL is not reliable on every CPU. */
	r->seg[MYHV_SEG_SS].attrib &= ~MYHV_SEG_DPL_MASK;
	r->seg[MYHV_SEG_SS].attrib |= s->cpl << MYHV_SEG_DPL_SHIFT;
	r->gdt = (struct myhv_dtable) { .base = s->gdtr.base, .limit = s->gdtr.limit };
	r->idt = (struct myhv_dtable) { .base = s->idtr.base, .limit = s->idtr.limit };
}

static void segments_commit(struct svm_vcpu *svm, const struct myhv_state_segments *r)
{
	struct vmcb_save *s = &svm->vmcb->save;

	segment_commit(&s->es, &r->seg[MYHV_SEG_ES]);
	segment_commit(&s->cs, &r->seg[MYHV_SEG_CS]);
	segment_commit(&s->ss, &r->seg[MYHV_SEG_SS]);
	segment_commit(&s->ds, &r->seg[MYHV_SEG_DS]);
	segment_commit(&s->fs, &r->seg[MYHV_SEG_FS]);
	segment_commit(&s->gs, &r->seg[MYHV_SEG_GS]);
	segment_commit(&s->ldtr, &r->seg[MYHV_SEG_LDTR]);
	segment_commit(&s->tr, &r->seg[MYHV_SEG_TR]);
	s->cpl = (r->seg[MYHV_SEG_SS].attrib & MYHV_SEG_DPL_MASK) >> MYHV_SEG_DPL_SHIFT;
	s->gdtr.base = r->gdt.base;
	s->gdtr.limit = r->gdt.limit;
	s->idtr.base = r->idt.base;
	s->idtr.limit = r->idt.limit;
	svm_touch(svm, SVM_CLEAN_SEG | SVM_CLEAN_DT);
}

/* ---- control registers ---- */

/* CR8 and the APIC base are not the hardware's: the core keeps them. */
static void control_fetch(struct svm_vcpu *svm, struct myhv_state_control *r)
{
	const struct vmcb_save *s = &svm->vmcb->save;

	r->cr0 = s->cr0 | svm->cr0_hidden;
	r->cr2 = s->cr2;
	r->cr3 = s->cr3;
	r->cr4 = (s->cr4 & ~(u64)X86_CR4_MCE) | svm->cr4_mce;
	r->efer = s->efer & ~EFER_SVME;
	r->xcr0 = svm->vcpu.fpu.xcr0;
}

static void control_commit(struct svm_vcpu *svm, const struct myhv_state_control *r)
{
	struct vmcb_save *s = &svm->vmcb->save;
	u64 cr0 = r->cr0 & ~CR0_HIDDEN;
	u64 cr4 = r->cr4 | X86_CR4_MCE; /* else a machine check is a shutdown, no exit */
	u64 efer = r->efer | EFER_SVME;

	if (vcpu_paging_changed(s->cr0 ^ cr0, s->cr4 ^ cr4, s->efer ^ efer) || s->cr3 != r->cr3)
		svm->vcpu.tlb_flush = true;
	s->cr0 = cr0;
	s->cr2 = r->cr2;
	s->cr3 = r->cr3;
	s->cr4 = cr4;
	s->efer = efer;
	svm->cr0_hidden = r->cr0 & CR0_HIDDEN;
	svm->cr4_mce = r->cr4 & X86_CR4_MCE;
	svm_cr_intercepts_update(svm);
	host_fpu_pkru_update(&svm->vcpu, r->cr4);
	svm_touch(svm, SVM_CLEAN_CR | SVM_CLEAN_CR2);
}

/* ---- debug registers ---- */

static void debug_fetch(struct svm_vcpu *svm, struct myhv_state_debug *r)
{
	const struct vmcb_save *s = &svm->vmcb->save;

	memcpy(r->dr, svm->vcpu.drs.dr, sizeof(r->dr));
	r->dr6 = s->dr6;
	r->dr7 = svm->vcpu.drs.live ? s->dr7 : svm->vcpu.drs.dr7;
}

static void debug_commit(struct svm_vcpu *svm, const struct myhv_state_debug *r)
{
	struct vmcb_save *s = &svm->vmcb->save;

	memcpy(svm->vcpu.drs.dr, r->dr, sizeof(svm->vcpu.drs.dr));
	s->dr6 = r->dr6;
	svm->vcpu.drs.dr7 = r->dr7;
	s->dr7 = vcpu_dr7(&svm->vcpu);
	vcpu_drs_update(&svm->vcpu);
	svm_touch(svm, SVM_CLEAN_DR);
}

void svm_debug_live(struct myhv_vcpu *vcpu, bool live)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	if (svm->vcpu.drs.live)
		svm->vcpu.drs.dr7 = svm->vmcb->save.dr7;
	svm->vcpu.drs.live = live;
	c->dr_read = live ? 0 : 0xffff;
	c->dr_write = c->dr_read;
	vcpu_drs_update(vcpu);
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
}

void svm_debug_update(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	c->exceptions = vcpu_exceptions_seen(&svm->vcpu);
	svm_step_update(svm);
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
	if (debugger_has_drs(vcpu) && vcpu->drs.live)
		svm_debug_live(vcpu, false);
	vcpu_regs_dirty(vcpu, MYHV_STATE_DEBUG); /* DR7 in the VMCB follows at the entry */
}

/* ---- register groups ---- */

/* GENERAL is current after every exit and committed at every entry (svm_run.c). */
void svm_regs_fetch(struct myhv_vcpu *vcpu, u32 groups)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (groups & MYHV_STATE_SEGMENTS)
		segments_fetch(svm, &vcpu->regs.segments);
	if (groups & MYHV_STATE_CONTROL)
		control_fetch(svm, &vcpu->regs.control);
	if (groups & MYHV_STATE_DEBUG)
		debug_fetch(svm, &vcpu->regs.debug);
}

void svm_insn_context(const struct myhv_vcpu *vcpu, struct insn_context *c)
{
	const struct vmcb_save *s = &container_of(vcpu, struct svm_vcpu, vcpu)->vmcb->save;

	c->cr0 = s->cr0;
	c->cr3 = s->cr3;
	c->cr4 = s->cr4;
	c->efer = s->efer;
	c->cs_base = s->cs.base;
	c->cs_attrib = s->cs.attrib;
	c->cpl = s->cpl;
}

void svm_regs_commit(struct myhv_vcpu *vcpu, u32 groups)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (groups & MYHV_STATE_SEGMENTS)
		segments_commit(svm, &vcpu->regs.segments);
	if (groups & MYHV_STATE_CONTROL)
		control_commit(svm, &vcpu->regs.control);
	if (groups & MYHV_STATE_DEBUG)
		debug_commit(svm, &vcpu->regs.debug);
}

/* ---- MSRs ---- */

static u64 *msr_field(struct vmcb_save *s, u32 index)
{
	switch (index) {
	case MSR_STAR: return &s->star;
	case MSR_LSTAR: return &s->lstar;
	case MSR_CSTAR: return &s->cstar;
	case MSR_SYSCALL_MASK: return &s->sfmask;
	case MSR_KERNEL_GS_BASE: return &s->kernel_gs_base;
	case MSR_IA32_SYSENTER_CS: return &s->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP: return &s->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP: return &s->sysenter_eip;
	case MSR_IA32_CR_PAT: return &s->g_pat;
	/* kept only: without LBR virtualization the CPU does not load it */
	case MSR_IA32_DEBUGCTLMSR: return &s->debugctl;
	default: return NULL;
	}
}

int svm_msr_get(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	const u64 *field = msr_field(&to_svm(vcpu)->vmcb->save, index);

	if (!field)
		return -ENOENT;
	*value = *field;
	return 0;
}

int svm_msr_set(struct myhv_vcpu *vcpu, u32 index, u64 value)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 *field = msr_field(&svm->vmcb->save, index);

	if (!field)
		return -ENOENT;
	*field = value;
	if (index == MSR_IA32_CR_PAT)
		svm_touch(svm, SVM_CLEAN_NP);
	return 0;
}

/* Two bits an MSR: read, write (APM "MSR Intercepts"). -1: always intercepted. */
static int msrpm_bit(u32 index)
{
	static const u32 base[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(base); i++)
		if (index - base[i] < 0x2000)
			return i * 0x800 * 8 + (index - base[i]) * 2;
	return -1;
}

/* @read, @write: exit on it. For @msrpm that nothing uses concurrently. */
void svm_msrpm_set(void *msrpm, u32 index, bool read, bool write)
{
	int bit = msrpm_bit(index);

	if (bit < 0)
		return;
	__assign_bit(bit, msrpm, read);
	__assign_bit(bit + 1, msrpm, write);
}

void svm_msr_filter_changed(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->control.msrpm_pa = msrpm_of(vcpu);
	svm_touch(svm, SVM_CLEAN_PERM_MAPS);
}

/* ---- time ---- */

void svm_tsc_update(struct myhv_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->control.tsc_offset = vcpu->tsc.offset;
	svm_touch(svm, SVM_CLEAN_INTERCEPTS);
}
