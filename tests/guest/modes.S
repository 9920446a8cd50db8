/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Through every mode and back: real, big real, protected 16 and 32 bit, PAE, long,
 * compatibility, and down again to real. Each station prints a line.
 */
#include "abi.h"

#define CR0_PE 0x1
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080

	.macro SAY text
	.pushsection .rodata
911:	.asciz "\text\n"
	.popsection
	movl $911b, %esi
	call print
	.endm

	/* \cond: the jump that is taken when the check is good */
	.macro EXPECT cond, text
	\cond 921f
	.pushsection .rodata
912:	.asciz "not ok \text\n"
	.popsection
	movl $912b, %esi
	call print
	incl failures
	jmp 922f
921:	SAY "ok \text"
922:
	.endm

	.section .start, "ax"
	.long GUEST_MAGIC
	.long GUEST_REAL
	.long _load
	.long _start
	.long _end

	.code16
	.globl _start
_start:
	cli
	movw $0x7000, %sp
	SAY "ok real mode"

	/* Far jumps and segment arithmetic of real mode. */
	ljmp $0x0100, $(1f - 0x1000)
1:	movw %cs, %ax
	cmpw $0x0100, %ax
	ljmp $0, $2f
2:	EXPECT je, "far jump in real mode changes CS"
	movw $0x0200, %ax
	movw %ax, %es
	movb $0x5a, %es:0x10
	cmpb $0x5a, 0x2010
	EXPECT je, "segment base is selector times 16"
	/* Beyond 64 KiB from segment FFFF (A20 is on). */
	movw $0xffff, %ax
	movw %ax, %es
	movb $0x77, %es:0x0110
	xorw %ax, %ax
	movw %ax, %es

	/* INT n by the vector table. */
	movl $real_handler, 0x60 * 4
	xorw %dx, %dx
	int $0x60
	cmpw $0x1234, %dx
	EXPECT je, "INT 0x60 in real mode"
	/* Divide error */
	movl $real_divide, 0
	xorw %cx, %cx
	xorw %dx, %dx
	movw $1, %ax
real_fault_at:
	divw %cx
	cmpw $0xdead, %dx
	EXPECT je, "#DE in real mode"

	/* ---- big real mode: protected mode leaves its limits behind ---- */
	lgdtl gdt_pointer
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	movw $SEL_DATA, %bx
	movw %bx, %fs
	andl $~CR0_PE, %eax
	movl %eax, %cr0
	ljmp $0, $3f
3:	movl $0x345678, %ebx
	movl $0xcafe1234, %fs:(%ebx)
	cmpl $0xcafe1234, %fs:(%ebx)
	EXPECT je, "big real mode reaches above 1 MiB"
	movl $0x100100, %ebx
	cmpb $0x77, %fs:(%ebx)
	EXPECT je, "FFFF:0110 is 0x100100"
	/* CPUID and port access, that is exits, in big real mode keep the limits */
	xorl %eax, %eax
	cpuid
	movl $0x345678, %ebx
	cmpl $0xcafe1234, %fs:(%ebx)
	EXPECT je, "big real mode is kept over exits"
	xorw %ax, %ax
	movw %ax, %fs

	/* ---- protected mode, 16 bit ---- */
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmp $SEL_CODE16, $prot16
prot16:
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	SAY "ok protected mode, 16 bit"
	pushw %ax
	movw %sp, %bx
	popw %cx
	cmpw $0x6ffe, %bx
	EXPECT je, "16-bit pushes"

	/* ---- protected mode, 32 bit ---- */
	ljmpl $SEL_CODE32, $prot32
	.code32
prot32:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $0x7000, %esp
	SAY "ok protected mode, 32 bit"

	/* ---- 4 MiB pages without PAE ---- */
	call make_tables
	movl %cr4, %eax
	orl $0x10, %eax
	movl %eax, %cr4
	movl $0x30000, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	movl $0x00805000, %ebx
	movl $0x11223344, (%ebx)
	cmpl $0x11223344, 0x405000
	EXPECT je, "32-bit paging, 4 MiB pages"
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl %cr4, %eax
	andl $~0x10, %eax
	movl %eax, %cr4
	cmpl $0x11223344, 0x405000
	EXPECT je, "paging off again"

	/* ---- PAE ---- */
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $0x31000, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	movl $0x00605000, %ebx
	cmpl $0x11223344, (%ebx)
	EXPECT je, "PAE paging, 2 MiB pages"
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0

	/* ---- long mode ---- */
	movl $0x33000, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	/* compatibility mode until the far jump */
	movl $MSR_EFER, %ecx
	rdmsr
	testl $0x400, %eax
	EXPECT jnz, "EFER.LMA follows CR0.PG"
	SAY "ok compatibility mode, 32 bit"
	ljmpl $SEL_CODE64, $long_mode
	.code64
long_mode:
	movq $0x1122334455667788, %rax
	movq %rax, 0x2000
	cmpl $0x11223344, 0x2004
	EXPECT je, "64-bit mode"
	movq $0x8000000000, %rbx
	cmpl $0x11223344, 0x2004(%rbx)
	EXPECT je, "an address above 4 GiB"
	/* to compatibility mode and back */
	pushq $SEL_CODE32
	pushq $compat
	lretq
	.code32
compat:
	movl $SEL_DATA, %eax
	movl %eax, %ss
	SAY "ok compatibility mode from 64 bit"
	ljmpl $SEL_CODE64, $long_again
	.code64
long_again:
	SAY "ok 64-bit mode again"

	/* ---- and all the way down ---- */
	pushq $SEL_CODE32
	pushq $down
	lretq
	.code32
down:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $MSR_EFER, %ecx
	rdmsr
	testl $0x400, %eax
	EXPECT jz, "EFER.LMA is clear without paging"
	rdmsr
	andl $~0x100, %eax
	wrmsr
	movl %cr4, %eax
	andl $~CR4_PAE, %eax
	movl %eax, %cr4
	ljmpl $SEL_CODE16, $down16
	.code16
down16:
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl %cr0, %eax
	andl $~CR0_PE, %eax
	movl %eax, %cr0
	ljmp $0, $real_again
real_again:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7000, %sp
	xorw %dx, %dx
	int $0x60
	cmpw $0x1234, %dx
	EXPECT je, "INT 0x60 in real mode after long mode"
	movl failures, %eax
	movw $PORT_EXIT, %dx
	outl %eax, %dx
	hlt

real_handler:
	movw $0x1234, %dx
	iretw

	/* The saved IP must be that of the DIV; go on behind it. */
real_divide:
	pushw %bp
	movw %sp, %bp
	cmpw $real_fault_at, 2(%bp)
	jne 1f
	movw $0xdead, %dx
1:	addw $2, 2(%bp)
	popw %bp
	iretw

	/* 4 MiB pages at 0x30000; PAE at 0x31000 and 0x32000; long at 0x33000 to 0x35000 */
	.code32
make_tables:
	movl $0x30000, %edi
	xorl %eax, %eax
	movl $0x6000 / 4, %ecx
	rep stosl
	/* 32 bit: the first 8 MiB one to one, 8 MiB shows 4 MiB */
	movl $0x00000087, 0x30000
	movl $0x00400087, 0x30004
	movl $0x00400087, 0x30008
	/* PAE: 6 MiB shows 4 MiB */
	movl $0x00032001, 0x31000
	movl $0x00000087, 0x32000
	movl $0x00200087, 0x32008
	movl $0x00400087, 0x32010
	movl $0x00400087, 0x32018
	/* long: 512 GiB shows 0 */
	movl $0x00034007, 0x33000
	movl $0x00034007, 0x33008
	movl $0x00032007, 0x34000
	ret

	/*
	 * One routine for all modes: the byte code of "lodsb; test; jz; out; jmp" is the
	 * same, but for the address size of LODSB, and all our addresses are below 64 KiB.
	 */
	.code16
print:
1:	lodsb
	testb %al, %al
	.byte 0x74, 0x04	/* jz 2f */
	outb %al, $PORT_CONSOLE
	.byte 0xeb, 0xf7	/* jmp 1b */
2:	ret

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00af9b000000ffff
	.quad 0x00009b000000ffff
	.quad 0x000093000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
	.balign 4
failures:
	.long 0
	.section .note.GNU-stack, "", @progbits
