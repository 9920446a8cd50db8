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
#include "svm/svm.h"

#define GPR_RCX SVM_GPR(1)
#define GPR_RDX SVM_GPR(2)
#define GPR_RBX SVM_GPR(3)
#define GPR_RBP SVM_GPR(5)
#define GPR_RSI SVM_GPR(6)
#define GPR_RDI SVM_GPR(7)

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

	mov	GPR_RCX(%rsi), %rcx
	mov	GPR_RDX(%rsi), %rdx
	mov	GPR_RBX(%rsi), %rbx
	mov	GPR_RBP(%rsi), %rbp
	mov	GPR_RDI(%rsi), %rdi
	mov	SVM_GPR(8)(%rsi), %r8
	mov	SVM_GPR(9)(%rsi), %r9
	mov	SVM_GPR(10)(%rsi), %r10
	mov	SVM_GPR(11)(%rsi), %r11
	mov	SVM_GPR(12)(%rsi), %r12
	mov	SVM_GPR(13)(%rsi), %r13
	mov	SVM_GPR(14)(%rsi), %r14
	mov	SVM_GPR(15)(%rsi), %r15
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
	mov	%rcx, GPR_RCX(%rax)
	mov	%rdx, GPR_RDX(%rax)
	mov	%rbx, GPR_RBX(%rax)
	mov	%rbp, GPR_RBP(%rax)
	mov	%rsi, GPR_RSI(%rax)
	mov	%rdi, GPR_RDI(%rax)
	mov	%r8, SVM_GPR(8)(%rax)
	mov	%r9, SVM_GPR(9)(%rax)
	mov	%r10, SVM_GPR(10)(%rax)
	mov	%r11, SVM_GPR(11)(%rax)
	mov	%r12, SVM_GPR(12)(%rax)
	mov	%r13, SVM_GPR(13)(%rax)
	mov	%r14, SVM_GPR(14)(%rax)
	mov	%r15, SVM_GPR(15)(%rax)

	/* No RET before these: the guest has trained the return predictors. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	MYHV_UNTRAIN_RET

	/* What the guest left must not steer the host's speculation. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

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
