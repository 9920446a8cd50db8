/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and out again. Everything between CLGI and STGI runs with all
 * interrupts, NMIs and machine checks held back, since GS, TR and the GPRs are not
 * the host's for a part of it.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include "compat/compat_asm.h"
#include "host/gpr_asm.h"

	.section .text, "ax"

/*
 * void svm_vmrun(u64 vmcb_pa, u64 *gpr, u64 host_vmcb_pa)
 *
 * IRQs are off. VMRUN moves RAX, RSP, RIP and RFLAGS through the VMCB; the other
 * GPRs are ours. @gpr is in ModRM order; RAX and RSP in it are not touched.
 */
SYM_FUNC_START(svm_vmrun)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rsi	/* 8(%rsp): gpr */
	push	%rdx	/* 0(%rsp): host_vmcb_pa */

	clgi
	/*
	 * Per entry and not once per burst: an IPI between two entries may load a new
	 * LDT, and VMLOAD would bring back the old one.
	 */
	mov	%rdx, %rax
	vmsave	%rax
	mov	%rdi, %rax

	GPRS_LOAD %rsi
	mov	GPR_RDI(%rsi), %rdi
	mov	GPR_RSI(%rsi), %rsi

	/*
	 * With V_INTR_MASKING it is the host's IF at VMRUN that lets physical
	 * interrupts end guest mode. GIF is still clear: none is taken here.
	 */
	sti
	vmload	%rax
	vmrun	%rax
	vmsave	%rax
	cli

	mov	(%rsp), %rax
	vmload	%rax
	mov	8(%rsp), %rax
	GPRS_STORE %rax

	/* No RET before these: the guest has trained the return predictors. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	MYHV_UNTRAIN_RET

	GPRS_CLEAR
	xor	%ebx, %ebx

	stgi	/* an NMI that ended guest mode is taken here */

	pop	%rdx
	pop	%rsi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_vmrun)
