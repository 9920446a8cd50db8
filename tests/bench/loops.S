/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's loops: the same bytes run on myhv and on KVM. Each takes its samples by
 * RDTSC and ends by a write to BENCH_PORT_END. Long mode, flat, interrupts off; bodies may use
 * RAX, RBX, RCX, RDX, RSI and R8 to R11.
 */
#include "bench.h"

	.section .rodata
	.globl	bench_image, bench_image_end, bench_handler
	.balign	16
bench_image:

/* The handler of BENCH_VECTOR: no more than the EOI, by x2APIC. */
bench_handler:
	push	%rax
	push	%rcx
	push	%rdx
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

.macro READ_TSC
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
.endm

.macro ENTRY name
	.globl	bench_\name
	.balign	16
bench_\name:
.endm

.macro BEGIN
	mov	$BENCH_SAMPLES, %edi
	mov	$BENCH_NR_SAMPLES + 1, %r12d
10:	mov	BENCH_COUNT, %r15d
	nopl	BENCH_MARK_BEGIN(%rax)
	READ_TSC
	mov	%rax, %r14
20:
.endm

.macro END
	dec	%r15d
	jnz	20b
	READ_TSC
	nopl	BENCH_MARK_END(%rax)
	sub	%r14, %rax
	mov	%rax, (%rdi)
	add	$8, %rdi
	dec	%r12d
	jnz	10b
	movl	$1, BENCH_DONE
	mov	$BENCH_PORT_END, %edx
	out	%al, %dx
	hlt
.endm

/* The x2APIC with its software switch on. */
.macro X2APIC_ON
	mov	$0x1b, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$0x80f, %ecx
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
.endm

ENTRY empty
	BEGIN
	END

ENTRY cpuid
	BEGIN
	xor	%eax, %eax
	cpuid
	END

ENTRY msr_read	/* APIC_BASE */
	mov	$0x1b, %ecx
	BEGIN
	rdmsr
	END

ENTRY msr_write	/* MISC_ENABLE, as it is */
	mov	$0x1a0, %ecx
	rdmsr
	mov	%eax, %r8d
	mov	%edx, %r9d
	BEGIN
	mov	%r8d, %eax
	mov	%r9d, %edx
	mov	$0x1a0, %ecx
	wrmsr
	END

ENTRY hypercall	/* KVM_HC_VAPIC_POLL_IRQ, which does nothing */
	BEGIN
	mov	$1, %eax
	vmmcall
	END

ENTRY port_kernel	/* the PIT's gate and speaker */
	BEGIN
	in	$0x61, %al
	END

ENTRY port_write
	BEGIN
	out	%al, $BENCH_PORT
	END

ENTRY port_read
	BEGIN
	in	$BENCH_PORT, %al
	END

ENTRY mmio_write
	mov	$BENCH_NOTHING, %esi
	BEGIN
	mov	%eax, (%rsi)
	END

ENTRY mmio_read
	mov	$BENCH_NOTHING, %esi
	BEGIN
	mov	(%rsi), %eax
	END

ENTRY mmio_ioapic
	mov	$0xfec00000, %esi
	BEGIN
	mov	(%rsi), %eax
	END

ENTRY eoi_mmio
	mov	$0xfee000b0, %esi
	BEGIN
	movl	$0, (%rsi)
	END

ENTRY eoi_x2apic
	X2APIC_ON
	BEGIN
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	END

ENTRY cr8_write
	BEGIN
	xor	%eax, %eax
	mov	%rax, %cr8
	END

ENTRY cr8_read
	BEGIN
	mov	%cr8, %rax
	END

ENTRY self_ipi
	X2APIC_ON
	sti
	BEGIN
	mov	$0x83f, %ecx
	mov	$BENCH_VECTOR, %eax
	xor	%edx, %edx
	wrmsr
	END

ENTRY hlt_timer	/* one shot, divided by 1 */
	X2APIC_ON
	mov	$0x832, %ecx
	mov	$BENCH_VECTOR, %eax
	wrmsr
	mov	$0x83e, %ecx
	mov	$0xb, %eax
	wrmsr
	BEGIN
	mov	$0x838, %ecx
	mov	$BENCH_SLEEP, %eax
	xor	%edx, %edx
	wrmsr
	sti
	hlt
	cli
	END

ENTRY fault_4k
	mov	$BENCH_REGION, %esi
	BEGIN
	movb	$1, (%rsi)
	add	$0x1000, %rsi
	END

ENTRY fault_2m
	mov	$BENCH_REGION, %esi
	BEGIN
	movb	$1, (%rsi)
	add	$0x200000, %rsi
	END

bench_image_end:
	.section .note.GNU-stack, "", @progbits
