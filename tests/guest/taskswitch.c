// SPDX-License-Identifier: GPL-2.0-or-later
/* A task switch by a far jump to a TSS. Only 32 bit. */
#include "guest.h"

#define NEW_TSS 0x60
static u32 new_tss[32] __attribute__((aligned(128)));
static u8 stack[4096] __attribute__((aligned(16)));
static volatile bool arrived;

static void __attribute__((noreturn)) other_task(void)
{
	check_eq("a task's flags come from its TSS", read_flags() & X86_AC, X86_AC);
	arrived = true;
	asm volatile("ljmpl %0, $0" : : "i"(SEL_TSS));
	__builtin_unreachable();
}

void guest_main(void)
{
	new_tss[7] = read_cr3();
	new_tss[8] = (ulong)other_task;
	new_tss[9] = X86_AC | 2;
	new_tss[14] = (ulong)stack + sizeof(stack) - 64;
	new_tss[18] = new_tss[20] = new_tss[21] = new_tss[22] = new_tss[23] = SEL_DATA;
	new_tss[19] = SEL_CODE32;
	new_tss[25] = sizeof(new_tss) << 16;
	gdt[NEW_TSS / 8] = descriptor((ulong)new_tss, sizeof(new_tss) - 1, 0x089);
	check(true, "before the task switch");
	asm volatile("ljmpl %0, $0" : : "i"(NEW_TSS) : "memory", "eax", "ebx", "ecx", "edx", "esi", "edi");
	check(arrived, "there and back");
}
