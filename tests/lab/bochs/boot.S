/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot sector of Bochs' L1. Bochs has put the decompressed kernel, its boot_params
 * and page tables into memory (labkit/directboot.py has the addresses): enter long mode
 * and jump to the kernel by Linux's 64-bit boot protocol. That spares the emulated CPU
 * GRUB and the kernel's decompressor.
 *
 * A second pass means that L1 asked for a reset, which is the end of it here.
 */
#include "layout.h"

#define CR0_PG_PE	0x80000001
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define PORT_SHUTDOWN	0x8900

	.code16
	.globl	_start
_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movb	$0xff, %al
	outb	%al, $0x21		/* both PICs masked, as the protocol wants */
	outb	%al, $0xa1
	inb	$0x92, %al		/* A20 on, without touching its reset bit */
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	lgdtl	gdtr
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$ADDR_PML4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	$CR0_PG_PE, %eax
	movl	%eax, %cr0
	ljmpl	$BOOT_CS, $long_mode

	.code64
long_mode:
	movl	$BOOT_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	incl	ADDR_BOOTS
	cmpl	$1, ADDR_BOOTS
	jne	shut_down
	movl	$ADDR_STACK, %esp
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	xorl	%ebx, %ebx
	movl	$ADDR_BOOT_PARAMS, %esi
	jmp	*ADDR_ENTRY

shut_down:
	movl	$word, %esi
	movl	$(word_end - word), %ecx
	movl	$PORT_SHUTDOWN, %edx
	rep outsb
1:	hlt
	jmp	1b

word:	.ascii	"Shutdown"
word_end:

	.balign	8
gdt:	.quad	0
	.quad	0
	.quad	0x00af9a000000ffff	/* BOOT_CS: 64-bit code */
	.quad	0x00cf92000000ffff	/* BOOT_DS */
gdtr:	.word	. - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55
