/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware's first steps: from the reset vector at FFFFFFF0, out of read-only memory,
 * down to F000:xxxx. The registers must be what "Processor State After Reset" says.
 */
#include "abi.h"

	.macro SAY text
	.pushsection .rodata
911:	.asciz "\text\n"
	.popsection
	movw $911b, %si
	call print
	.endm

	.macro EXPECT cond, text
	\cond 921f
	.pushsection .rodata
912:	.asciz "not ok \text\n"
	.popsection
	movw $912b, %si
	call print
	incl %ebp
	jmp 922f
921:	SAY "ok \text"
922:
	.endm

	.text 0
	.code16
	.long GUEST_MAGIC
	.long GUEST_RESET
	.long 0
	.long 0
	.long 0

start:
	/* the first code here still runs with CS base FFFF0000 */
	movl %edx, %edi		/* signature */
	movl %cr0, %ecx
	movw %ds, %bx
	movl %esp, %edx
	ljmp $0xf000, $low
low:
	xorl %ebp, %ebp
	xorw %ax, %ax
	movw %ax, %ss
	movw $0x7000, %sp
	cld
	andl $0xfffffeff, %edi
	testl %edi, %edi
	EXPECT jnz, "EDX has the processor's signature"
	cmpl $0x60000010, %ecx
	EXPECT je, "CR0 after RESET"
	testw %bx, %bx
	EXPECT jz, "DS after RESET"
	testl %edx, %edx
	EXPECT jz, "ESP after RESET"
	movw %cs, %ax
	cmpw $0xf000, %ax
	EXPECT je, "CS after a far jump"
	/* a write to read-only memory goes nowhere */
	movw %cs, %ax
	movw %ax, %ds
	movl probe, %eax
	notl %eax
	movl %eax, probe
	notl %eax
	cmpl %eax, probe
	EXPECT je, "read-only memory keeps its contents"
	movl %ebp, %eax
	movw $PORT_EXIT, %dx
	outl %eax, %dx
	hlt

print:
	movb %cs:(%si), %al
	incw %si
	testb %al, %al
	jz 1f
	outb %al, $PORT_CONSOLE
	jmp print
1:	ret

	.balign 4
probe:
	.long 0x12345678

	.section .vector, "ax"
	jmp start
	.section .note.GNU-stack, "", @progbits
