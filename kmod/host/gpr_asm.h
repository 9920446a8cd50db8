/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's general registers around an entry, for assembly: an array in ModRM order. RSP never
 * is among them, nor is RAX; RSI and RDI are not loaded, since one of them is the array's address.
 */
#ifndef MYHV_GPR_ASM_H
#define MYHV_GPR_ASM_H

#define GPR_RAX 0
#define GPR_RCX (1 * 8)
#define GPR_RDX (2 * 8)
#define GPR_RBX (3 * 8)
#define GPR_RBP (5 * 8)
#define GPR_RSI (6 * 8)
#define GPR_RDI (7 * 8)

.macro GPRS_LOAD from:req
	mov	GPR_RCX(\from), %rcx
	mov	GPR_RDX(\from), %rdx
	mov	GPR_RBX(\from), %rbx
	mov	GPR_RBP(\from), %rbp
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	(\n * 8)(\from), %r\n
	.endr
.endm

.macro GPRS_STORE to:req
	mov	%rcx, GPR_RCX(\to)
	mov	%rdx, GPR_RDX(\to)
	mov	%rbx, GPR_RBX(\to)
	mov	%rbp, GPR_RBP(\to)
	mov	%rsi, GPR_RSI(\to)
	mov	%rdi, GPR_RDI(\to)
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	%r\n, (\n * 8)(\to)
	.endr
.endm

/* What the guest left must not steer the host's speculation. RAX and RBX are the caller's. */
.macro GPRS_CLEAR
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	.irp	reg, %r8d, %r9d, %r10d, %r11d, %r12d, %r13d, %r14d, %r15d
	xor	\reg, \reg
	.endr
.endm

#endif /* MYHV_GPR_ASM_H */
