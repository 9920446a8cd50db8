/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that shows pictures which a test knows how to paint itself, a key apart:
 * text, 256 colours through the window, true colour in the frame buffer. Then it switches off.
 */
	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	sti
	cld

	/* 1: text. All 256 characters with attributes that change by row; no cursor */
	movw $0x0003, %ax
	int $0x10
	movb $1, %ah
	movw $0x2000, %cx
	int $0x10
	movw $0xb800, %ax
	movw %ax, %es
	xorw %di, %di
	movw $text, %si
	movb $0x1e, %ah
1:	lodsb
	testb %al, %al
	jz 2f
	stosw
	jmp 1b
2:	movw $160, %di
	xorw %ax, %ax
3:	movb %al, %ah
	shrb $1, %ah
	andb $0x7f, %ah		/* blinking would make pictures differ */
	stosw
	incb %al
	jnz 3b
	call wait_key

	/* 2: 320x200, colour x ^ y */
	movw $0x0013, %ax
	int $0x10
	movw $0xa000, %ax
	movw %ax, %es
	xorw %di, %di
	xorw %dx, %dx		/* y */
4:	xorw %cx, %cx		/* x */
5:	movb %cl, %al
	xorb %dl, %al
	movb %cl, %ah
	incb %ah
	xorb %dl, %ah
	stosw
	addw $2, %cx
	cmpw $320, %cx
	jb 5b
	incw %dx
	cmpw $200, %dx
	jb 4b
	call wait_key

	/* 3: 640x480, 32 bits: blue x, green y, red x ^ y; the frame buffer by its address */
	xorw %ax, %ax
	movw %ax, %es
	movw $0x4f01, %ax
	movw $0x0142, %cx
	movw $0x8000, %di
	int $0x10
	movw $0x4f02, %ax
	movw $0x4142, %bx
	int $0x10
	cmpw $0x004f, %ax
	jne off
	movl 0x8028, %edi
	call unreal
	xorl %edx, %edx
6:	xorl %ecx, %ecx
7:	movl %ecx, %eax
	xorl %edx, %eax
	andl $0xff, %eax
	shll $8, %eax
	movb %dl, %al
	shll $8, %eax
	movb %cl, %al
	movl %eax, %fs:(%edi)
	addl $4, %edi
	incl %ecx
	cmpl $640, %ecx
	jb 7b
	incl %edx
	cmpl $480, %edx
	jb 6b
	call wait_key

off:	movw $0x604, %dx	/* PM1a control: SLP_EN, S5 */
	movw $0x2000, %ax
	outw %ax, %dx
	hlt
	jmp off

wait_key:
	xorb %ah, %ah
	int $0x16
	ret

/* FS reaches all 4 GiB from real mode. */
unreal:
	cli
	lgdtl gdt_pointer
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movw $8, %bx
	movw %bx, %fs
	andb $0xfe, %al
	movl %eax, %cr0
	sti
	ret

text:	.asciz "The quick brown fox jumps over the lazy dog"
	.balign 8
gdt:	.quad 0
	.quad 0x00cf92000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
	.org 510
	.word 0xaa55
