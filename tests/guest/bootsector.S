/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector for hvrun's firmware tests. It says on COM1 what it does, and waits for the
 * power button, at which it switches off by ACPI, or for a character on COM1: at 'r' it spoils
 * the firmware's copy below 1 MiB, as far as the host bridge lets it, and resets.
 */
#define COM1 0x3f8
#define COM1_LSR 0x3fd
#define LSR_DATA 0x01
#define LSR_EMPTY 0x20
#define APM_CONTROL 0xb2
#define ACPI_ON 0xf1
#define PM_STATUS 0x600
#define PM_ENABLE 0x602
#define PM_CONTROL 0x604
#define POWER_BUTTON 0x100
#define SLEEP_S5 0x2000
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_PAM0 0xcfd
#define RESET_CONTROL 0xcf9

	.code16
	.globl _start
_start:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $_start, %sp
	movw $running, %si
	call print

	movb $ACPI_ON, %al
	outb %al, $APM_CONTROL
	movw $PM_ENABLE, %dx
	movw $POWER_BUTTON, %ax
	outw %ax, %dx
	movw $listening, %si
	call print

wait:	movw $PM_STATUS, %dx
	inw %dx, %ax
	testw $POWER_BUTTON, %ax
	jnz off
	movw $COM1_LSR, %dx
	inb %dx, %al
	testb $LSR_DATA, %al
	jz wait
	movw $COM1, %dx
	inb %dx, %al
	cmpb $'r', %al
	jne wait

	movw $resetting, %si
	call print
	movl $0x80000058, %eax
	movw $CONFIG_ADDRESS, %dx
	outl %eax, %dx
	movw $CONFIG_PAM0, %dx
	movb $0x30, %al
	outb %al, %dx
	movw $0xf000, %ax
	movw %ax, %es
	xorw %di, %di
	movw $0x8000, %cx
	movw $0xf4f4, %ax	/* HLT */
	rep stosw
	movw $RESET_CONTROL, %dx
	movb $0x06, %al
	outb %al, %dx
	hlt

off:	movw $button, %si
	call print
	movw $PM_CONTROL, %dx
	movw $SLEEP_S5, %ax
	outw %ax, %dx
stop:	hlt
	jmp stop

/* si: text */
print:	movw $COM1_LSR, %dx
	inb %dx, %al
	testb $LSR_EMPTY, %al
	jz print
	lodsb
	testb %al, %al
	jz 1f
	movw $COM1, %dx
	outb %al, %dx
	jmp print
1:	ret

running:   .asciz "\r\nbootsector: running\r\n"
listening: .asciz "bootsector: listening\r\n"
resetting: .asciz "bootsector: resetting\r\n"
button:	   .asciz "bootsector: off\r\n"

	.org 510
	.word 0xaa55
