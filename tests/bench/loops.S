/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's loops: the same bytes run on myhv and on KVM. Each takes its samples by
 * RDTSC and ends by a write to BENCH_PORT_END. Long mode, flat, interrupts off; bodies may use
 * RAX, RBX, RCX, RDX, RSI and R8 to R11.
 */
#include "bench.h"
#include "../guest/abi.h"

	.section .rodata
	.globl	bench_image, bench_image_end, bench_handler, bench_answer
	.balign	16
bench_image:

.macro X2APIC_WRITE msr, low, high
	mov	$\msr, %ecx
	mov	$\low, %eax
	mov	$\high, %edx
	wrmsr
.endm

.macro HANDLER name
	.balign	16
\name:
	push	%rax
	push	%rcx
	push	%rdx
.endm

.macro HANDLER_END
	X2APIC_WRITE 0x80b, 0, 0
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
.endm

/* BENCH_VECTOR: counted, and the EOI by x2APIC. */
HANDLER bench_handler
	incq	BENCH_TAKEN
HANDLER_END

/* BENCH_VECTOR_ASK, on the second processor: BENCH_VECTOR goes to the first. */
HANDLER bench_answer
	X2APIC_WRITE 0x830, 0x4000 | BENCH_VECTOR, 0
HANDLER_END

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
	X2APIC_WRITE 0x80f, 0x1ff, 0
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

ENTRY hypercall_intel
	BEGIN
	mov	$1, %eax
	vmcall
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

ENTRY ioeventfd
	BEGIN
	out	%al, $BENCH_PORT_EVENTFD
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

ENTRY mmio_string /* RDI is the samples' */
	BEGIN
	mov	%rdi, %r8
	mov	$0xfec00000, %edi
	mov	$32, %ecx
	xor	%eax, %eax
	rep stosl
	mov	%r8, %rdi
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

ENTRY tpr_mmio
	mov	$0xfee00080, %esi
	BEGIN
	movl	$0, (%rsi)
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

/* To the second processor and back; both sleep in between. */
ENTRY ipi
	X2APIC_ON
	X2APIC_WRITE 0x830, 0x4500, 1
	X2APIC_WRITE 0x830, 0x4600 | BENCH_TRAMPOLINE >> 12, 1
30:	pause
	cmpq	$0, BENCH_READY
	je	30b
	BEGIN
	X2APIC_WRITE 0x830, 0x4000 | BENCH_VECTOR_ASK, 1
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

/* Comes to user space again and again, with interrupts on. */
ENTRY park
	X2APIC_ON
	sti
30:	out	%al, $BENCH_PORT
	jmp	30b

/* Writes to every page, comes to user space, and starts again. */
ENTRY dirty
30:	mov	$BENCH_REGION, %esi
	mov	$BENCH_LOGGED_PAGES, %ecx
31:	incb	(%rsi)
	add	$0x1000, %rsi
	dec	%ecx
	jnz	31b
	out	%al, $BENCH_PORT
	jmp	30b

/* Writes to every page from R8 on, comes to user space, and starts again. */
ENTRY fill
30:	mov	%r8, %rsi
	mov	$BENCH_FILL_PAGES, %ecx
31:	movb	$1, (%rsi)
	add	$0x1000, %rsi
	dec	%ecx
	jnz	31b
	out	%al, $BENCH_PORT
	jmp	30b

/* The second processor, in long mode. */
second_idt:
	.word	0xfff
	.quad	BENCH_IDT
second:
	mov	$BENCH_STACK_SECOND, %esp
	lidt	second_idt(%rip)
	X2APIC_ON
	movq	$1, BENCH_READY
30:	sti
	hlt
	cli
	cmpq	$0, BENCH_DONE
	je	30b
	mov	$BENCH_PORT_END, %edx
	out	%al, %dx
	hlt
bench_image_end:

/* Where its SIPI lets it start; the tables are the first processor's. */
	.globl	bench_trampoline, bench_trampoline_end
	.code16
bench_trampoline:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	BENCH_TRAMPOLINE + (30f - bench_trampoline)
	mov	$0x20, %eax	/* PAE */
	mov	%eax, %cr4
	mov	$GUEST_PAGE_TABLES, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax	/* LME */
	wrmsr
	mov	$0x80000011, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE64, $BENCH_CODE + (second - bench_image)
30:	.word	0x7f
	.long	GUEST_GDT
bench_trampoline_end:
	.section .note.GNU-stack, "", @progbits
