// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that live in the hardware, and the MSR bitmap. FS and GS bases are in the VMCS and the
 * guest's own. The SYSCALL MSRs change places with the host's once per burst, and only
 * for a guest that has SYSCALL on; KERNEL_GS_BASE always, since SWAPGS changes it unseen.
 * Preemption is off in a burst, and no interrupt looks at any of them.
 */
#include <linux/gfp.h>
#include <asm/msr.h>
#include "compat/compat.h"
#include "host/host_cpu.h"
#include "vmx/vmx.h"

/* Four bitmaps of 8192 bits: reads and writes of low and of high MSRs (SDM "MSR-Bitmap Address"). */
#define BITMAP_BITS 0x2000
#define BITMAP_HIGH_FIRST 0xc0000000
#define BITMAP_WRITES (2 * BITMAP_BITS)

static u64 *msr_field(struct vmx_vcpu *vmx, u32 index)
{
	switch (index) {
	case MSR_STAR: return &vmx->msrs.star;
	case MSR_LSTAR: return &vmx->msrs.lstar;
	case MSR_CSTAR: return &vmx->msrs.cstar;
	case MSR_SYSCALL_MASK: return &vmx->msrs.syscall_mask;
	case MSR_KERNEL_GS_BASE: return &vmx->kernel_gs_base;
	case MSR_IA32_SYSENTER_CS: return &vmx->msrs.sysenter_cs;
	case MSR_IA32_SYSENTER_ESP: return &vmx->msrs.sysenter_esp;
	case MSR_IA32_SYSENTER_EIP: return &vmx->msrs.sysenter_eip;
	/* kept only: guest memory is write-back whatever it says */
	case MSR_IA32_CR_PAT: return &vmx->msrs.pat;
	/* kept only: no branch records, no single steps by branch */
	case MSR_IA32_DEBUGCTLMSR: return &vmx->msrs.debugctl;
	default: return NULL;
	}
}

int vmx_msr_get(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 *field = msr_field(vmx, index);

	if (!field)
		return -ENOENT;
	if (index == MSR_KERNEL_GS_BASE && vcpu->in_burst)
		rdmsrq(MSR_KERNEL_GS_BASE, *field);
	*value = *field;
	return 0;
}

int vmx_msr_set(struct myhv_vcpu *vcpu, u32 index, u64 value)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 *field = msr_field(vmx, index);

	if (!field)
		return -ENOENT;
	*field = value;
	switch (index) {
	case MSR_KERNEL_GS_BASE:
		if (vcpu->in_burst)
			wrmsrq(MSR_KERNEL_GS_BASE, value);
		break;
	case MSR_STAR:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_SYSCALL_MASK:
		if (vmx->syscall_live)
			wrmsrq(index, value);
		break;
	case MSR_IA32_SYSENTER_CS:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		vmx->dirty |= VMX_DIRTY_SYSENTER;
		break;
	}
	return 0;
}

/* ---- the bitmap ---- */

/* -1: always intercepted */
static int bitmap_bit(u32 index)
{
	if (index < BITMAP_BITS)
		return index;
	if (index - BITMAP_HIGH_FIRST < BITMAP_BITS)
		return BITMAP_BITS + (index - BITMAP_HIGH_FIRST);
	return -1;
}

/* @read, @write: exit on it. For a @bitmap that nothing uses concurrently. */
void vmx_msr_bitmap_set(void *bitmap, u32 index, bool read, bool write)
{
	int bit = bitmap_bit(index);

	if (bit < 0)
		return;
	__assign_bit(bit, bitmap, read);
	__assign_bit(bit + BITMAP_WRITES, bitmap, write);
}

void vmx_msr_bitmap_init(void *bitmap)
{
	memset(bitmap, 0xff, PAGE_SIZE);
	vmx_msr_bitmap_set(bitmap, MSR_FS_BASE, false, false);
	vmx_msr_bitmap_set(bitmap, MSR_GS_BASE, false, false);
	vmx_msr_bitmap_set(bitmap, MSR_KERNEL_GS_BASE, false, false);
}

/* ---- the burst ---- */

static void swap_msr(u32 index, u64 from, u64 to)
{
	if (from != to)
		wrmsrq(index, to);
}

static void syscall_load(struct vmx_vcpu *vmx, const struct vmx_cpu *host)
{
	swap_msr(MSR_STAR, host->star, vmx->msrs.star);
	swap_msr(MSR_LSTAR, host->lstar, vmx->msrs.lstar);
	swap_msr(MSR_CSTAR, host->cstar, vmx->msrs.cstar);
	swap_msr(MSR_SYSCALL_MASK, host->syscall_mask, vmx->msrs.syscall_mask);
	vmx->syscall_live = true;
}

static void syscall_unload(struct vmx_vcpu *vmx, const struct vmx_cpu *host)
{
	swap_msr(MSR_STAR, vmx->msrs.star, host->star);
	swap_msr(MSR_LSTAR, vmx->msrs.lstar, host->lstar);
	swap_msr(MSR_CSTAR, vmx->msrs.cstar, host->cstar);
	swap_msr(MSR_SYSCALL_MASK, vmx->msrs.syscall_mask, host->syscall_mask);
	vmx->syscall_live = false;
}

/* In vmx_enter(), so within a burst. */
void vmx_msrs_efer_changed(struct vmx_vcpu *vmx)
{
	bool want = vmx->efer & EFER_SCE;

	if (want && !vmx->syscall_live)
		syscall_load(vmx, this_cpu_ptr(&vmx_cpu));
	else if (!want && vmx->syscall_live)
		syscall_unload(vmx, this_cpu_ptr(&vmx_cpu));
}

void vmx_msrs_load(struct vmx_vcpu *vmx)
{
	const struct vmx_cpu *host = this_cpu_ptr(&vmx_cpu);

	tsc_aux_begin(&vmx->vcpu);
	vmx->host.kernel_gs_base = vmx_rdmsr(MSR_KERNEL_GS_BASE);
	swap_msr(MSR_KERNEL_GS_BASE, vmx->host.kernel_gs_base, vmx->kernel_gs_base);
	if (vmx->efer & EFER_SCE)
		syscall_load(vmx, host);
}

void vmx_msrs_unload(struct vmx_vcpu *vmx)
{
	const struct vmx_cpu *host = this_cpu_ptr(&vmx_cpu);

	vmx->kernel_gs_base = vmx_rdmsr(MSR_KERNEL_GS_BASE);
	swap_msr(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base, vmx->host.kernel_gs_base);
	if (vmx->syscall_live)
		syscall_unload(vmx, host);
	tsc_aux_end(&vmx->vcpu);
}
