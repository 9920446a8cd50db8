/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and out again. RSP, RIP, RFLAGS, segments and control registers change with
 * the VMCS; the other general registers are ours.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include "compat/compat_asm.h"
#include "host/gpr_asm.h"
#include "vmx/vmx.h"

/* On the stack while the guest runs; what does not fit below RSP at the exit is above. */
#define FRAME_FLAGS 0
#define FRAME_GPR 8
#define FRAME_SPEC 16

	.section .rodata, "a"
	.balign 2
vmx_verw_sel:
	.word __KERNEL_DS

	.section .text, "ax"

/*
 * bool vmx_vmenter(u64 *gpr, u32 flags, u64 *host_rsp, u64 spec_ctrl)
 *
 * IRQs are off; an NMI that arrives outside the guest finds the host's state complete.
 */
SYM_FUNC_START(vmx_vmenter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rcx	/* FRAME_SPEC */
	push	%rdi	/* FRAME_GPR */
	push	%rsi	/* FRAME_FLAGS */

	cmp	%rsp, (%rdx)
	je	.Lhost_rsp_is_right
	mov	%rsp, (%rdx)
	mov	$VMX_HOST_RSP, %eax
	vmwrite	%rsp, %rax
.Lhost_rsp_is_right:

	mov	GPR_RAX(%rdi), %rax
	GPRS_LOAD %rdi
	mov	GPR_RSI(%rdi), %rsi
	mov	GPR_RDI(%rdi), %rdi

	/* After the last load of anything that the guest must not learn. */
	testb	$VMX_ENTER_VERW, FRAME_FLAGS(%rsp)
	jz	.Lbuffers_are_clear
	verw	vmx_verw_sel(%rip)
.Lbuffers_are_clear:
	testb	$VMX_ENTER_LAUNCHED, FRAME_FLAGS(%rsp)
	jz	.Llaunch
	vmresume
	jmp	.Lfailed
.Llaunch:
	vmlaunch
	jbe	.Lfailed

	/* HOST_RIP. RSP is HOST_RSP; the rest of the GPRs are the guest's. */
SYM_INNER_LABEL(vmx_vmexit, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	push	%rax
	mov	FRAME_GPR + 8(%rsp), %rax
	pop	GPR_RAX(%rax)
	GPRS_STORE %rax
	xor	%ebx, %ebx	/* the result */

.Lclean:
	/* No RET before these: the guest has trained the return predictors. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	mov	FRAME_SPEC(%rsp), %rax
	cmp	$-1, %rax
	je	.Lspec_ctrl_is_right
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	wrmsr
.Lspec_ctrl_is_right:
	ALTERNATIVE "", "call vmx_clear_branch_history", MYHV_FEATURE_CLEAR_BHB
	MYHV_UNTRAIN_RET

	GPRS_CLEAR
	mov	%ebx, %eax
	add	$24, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lfailed:
	mov	$1, %ebx
	jmp	.Lclean
SYM_FUNC_END(vmx_vmenter)

/*
 * Drives what the guest has branched out of the branch history, where the CPU cannot be told to
 * ignore it: calls five deep, and five jumps in each (Intel, "Branch History Injection and
 * Intra-mode Branch Target Injection", software sequence). Clobbers RAX and RCX.
 */
SYM_FUNC_START_LOCAL(vmx_clear_branch_history)
	mov	$5, %ecx
	ANNOTATE_INTRA_FUNCTION_CALL
	call	.Ldeeper
	jmp	.Lhistory_is_ours
.Ldeeper:
	ANNOTATE_INTRA_FUNCTION_CALL
	call	.Ljumps
	RET
.Ljumps:
	mov	$5, %eax
.Ljump:
	jmp	.Ljumped
	nop
.Ljumped:
	sub	$1, %eax
	jnz	.Ljump
	sub	$1, %ecx
	jnz	.Ldeeper
	RET
.Lhistory_is_ours:
	lfence
	RET
SYM_FUNC_END(vmx_clear_branch_history)
STACK_FRAME_NON_STANDARD vmx_clear_branch_history

/*
 * void vmx_call_gate(unsigned long handler)
 *
 * The frame of an interrupt, and its handler called: the return address is the frame's RIP, and
 * the handler's IRET comes back here with RSP as it was saved, and with interrupts on: where it
 * returns to a place that has them off, a kernel may leave work undone until the next one (7.2
 * does not program the timer again).
 */
SYM_FUNC_START(vmx_call_gate)
	push	%rbp
	mov	%rsp, %rbp
	and	$~0xf, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	orl	$X86_EFLAGS_IF, (%rsp)
	push	$__KERNEL_CS
	CALL_NOSPEC rdi
	mov	%rbp, %rsp
	pop	%rbp
	RET
SYM_FUNC_END(vmx_call_gate)
