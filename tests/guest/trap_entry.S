/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 256 entries of the IDT: push vector and error code, then trap_dispatch(frame). */
	.altmacro
	.macro ENTRY_STUB n
	.balign 16
	/* 8, 10-14, 17, 21, 29, 30 push an error code themselves */
	.if !((\n == 8) || (\n >= 10 && \n <= 14) || (\n == 17) || (\n == 21) || \
	      (\n == 29) || (\n == 30))
#ifdef __x86_64__
	pushq $0
#else
	pushl $0
#endif
	.endif
#ifdef __x86_64__
	pushq $\n
#else
	pushl $\n
#endif
	jmp trap_common
	.endm

	.text
	.globl trap_stubs
	.balign 16
trap_stubs:
	.set i, 0
	.rept 256
	ENTRY_STUB %i
	.set i, i + 1
	.endr

	.globl user_end_entry
#ifdef __x86_64__
trap_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	movq %rsp, %rbx
	andq $-16, %rsp
	call trap_dispatch
	movq %rbx, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

	/* void enter_user(ip, flags, stack): comes back through user_end_entry */
	.globl enter_user
enter_user:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, user_saved_sp
	pushq $0x3b
	pushq %rdx
	pushq %rsi
	pushq $0x43
	pushq %rdi
	iretq
user_end_entry:
	movq user_saved_sp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
	.bss
	.balign 8
user_saved_sp:
	.quad 0
#else
trap_common:
	pushl %eax
	pushl %ecx
	pushl %edx
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	cld
	movl %ds, %ebx	/* ring 3 cannot keep ours */
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %esp, %eax
	pushl %eax
	call trap_dispatch
	addl $4, %esp
	movl %ebx, %ds
	movl %ebx, %es
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	popl %edx
	popl %ecx
	popl %eax
	addl $8, %esp
	iretl

	/* void enter_user(ip, flags, stack): comes back through user_end_entry */
	.globl enter_user
enter_user:
	movl 4(%esp), %eax
	movl 8(%esp), %ecx
	movl 12(%esp), %edx
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl %esp, user_saved_sp
	pushl $0x3b
	pushl %edx
	pushl %ecx
	pushl $0x33
	pushl %eax
	movl $0x3b, %eax
	movl %eax, %ds
	movl %eax, %es
	iretl
user_end_entry:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl user_saved_sp, %esp
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret
	.bss
	.balign 4
user_saved_sp:
	.long 0
#endif
	.section .note.GNU-stack, "", @progbits
