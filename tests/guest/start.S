/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header and entry of the guests in C; GUEST_MODE comes from the Makefile. */
#include "abi.h"

	.section .start, "ax"
	.long GUEST_MAGIC
	.long GUEST_MODE
	.long _load
	.long _start
	.long _end

#if GUEST_MODE == GUEST_LONG
	.code64
#elif GUEST_MODE == GUEST_REAL
	.code16
#else
	.code32
#endif
	.globl _start
_start:
#if GUEST_MODE == GUEST_LONG
	movl $_stack_top, %esp
	xorl %ebp, %ebp
	call traps_init
	call guest_main
	xorl %edi, %edi
	call guest_exit
#elif GUEST_MODE == GUEST_REAL
	movl $0x7000, %esp
	calll guest_main
	pushl $0
	calll guest_exit
#else
	movl $_stack_top, %esp
	xorl %ebp, %ebp
	call traps_init
	call guest_main
	pushl $0
	call guest_exit
#endif

#if GUEST_MODE != GUEST_REAL
	.bss
	.balign 16
	.skip 16384
_stack_top:
#endif
	.section .note.GNU-stack, "", @progbits
