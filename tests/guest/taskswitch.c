// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Task switches: by a far jump, a far call and its IRET, by exceptions and INT n through task
 * gates; who is busy, and what is refused. Only 32 bit.
 */
#include "guest.h"

#define SEL_JUMP 0x60
#define SEL_NESTED 0x68
#define SEL_HANDLER 0x70
#define SEL_BAD 0x78

#define TSS_32_FREE 0x089
#define TSS_32_BUSY 0x08b

enum { LINK = 0, CR3 = 7, EIP, EFLAGS, ESP = 14, ES = 18, CS, TRAP_IOMAP = 25 };

struct task {
	u32 tss[32];
	u8 stack[4096];
} __attribute__((aligned(128)));

static struct task jump_task, nested_task, handler_task;
static volatile u32 jumps, calls;
static volatile u32 seen_flags, seen_link;
/* of handle_fault */
volatile u32 faults, seen_error, fault_skip;
volatile bool error_is_pushed;

static void make_task(u16 selector, struct task *t, void (*fn)(void))
{
	t->tss[CR3] = read_cr3();
	t->tss[EIP] = (ulong)fn;
	t->tss[EFLAGS] = X86_AC | 2;
	t->tss[ESP] = (ulong)t->stack + sizeof(t->stack) - 64;
	for (unsigned int i = 0; i < 6; i++)
		t->tss[ES + i] = SEL_DATA;
	t->tss[CS] = SEL_CODE32;
	t->tss[TRAP_IOMAP] = sizeof(t->tss) << 16;
	gdt[selector / 8] = descriptor((ulong)t->tss, sizeof(t->tss) - 1, TSS_32_FREE);
}

static u8 type_of(u16 selector)
{
	return gdt[selector / 8] >> 40 & 0xff;
}

#define CLOBBERS "memory", "eax", "ebx", "ecx", "edx", "esi", "edi", "cc"
/* What a task does with CR0.TS is its own business. */
#define FAR_JUMP(sel) asm volatile("ljmpl %0, $0; clts" : : "i"(sel) : CLOBBERS)
#define FAR_CALL(sel) asm volatile("lcall %0, $0; clts" : : "i"(sel) : CLOBBERS)

static void __attribute__((noreturn)) jumped_to(void)
{
	for (;;) {
		seen_flags = read_flags();
		jumps++;
		FAR_JUMP(SEL_TSS);
	}
}

static void __attribute__((noreturn)) called(void)
{
	for (;;) {
		seen_flags = read_flags();
		seen_link = nested_task.tss[LINK];
		calls++;
		asm volatile("iretl" : : : "memory");
	}
}

/*
 * Enters anew by each turn of its loop, with the error code of an exception on the stack.
 * What it interrupted goes on as many bytes further as @fault_skip says.
 */
void handle_fault(void);
asm("handle_fault:\n"
    "	cmpb $0, error_is_pushed\n"
    "	je 1f\n"
    "	popl seen_error\n"
    "1:	incl faults\n"
    "	movl fault_skip, %eax\n"
    "	addl %eax, tss + 0x20\n"
    "	iretl\n"
    "	jmp handle_fault\n");

static void by_jump(void)
{
	make_task(SEL_JUMP, &jump_task, jumped_to);
	FAR_JUMP(SEL_JUMP);
	check_eq("there and back", jumps, 1);
	check_eq("a task's flags come from its TSS", seen_flags & (X86_AC | X86_NT), X86_AC);
	check_eq("the task that jumped is free", type_of(SEL_JUMP), TSS_32_FREE);
	check_eq("the current one is busy", type_of(SEL_TSS), TSS_32_BUSY);
	FAR_JUMP(SEL_JUMP);
	check_eq("it goes on where it was", jumps, 2);
	check_eq("and had its EIP saved", jump_task.tss[EIP] != (ulong)jumped_to, true);
}

static void by_call(void)
{
	make_task(SEL_NESTED, &nested_task, called);
	FAR_CALL(SEL_NESTED);
	check_eq("a call comes back", calls, 1);
	check_eq("a nested task has NT set", seen_flags & X86_NT, X86_NT);
	check_eq("and knows who called", seen_link & 0xffff, SEL_TSS);
	check_eq("its IRET has freed it", type_of(SEL_NESTED), TSS_32_FREE);
	check_eq("and cleared its NT", nested_task.tss[EFLAGS] & X86_NT, 0);
	check_eq("the caller has none", read_flags() & X86_NT, 0);
	FAR_CALL(SEL_NESTED);
	check_eq("again", calls, 2);
}

static void by_gate(void)
{
	make_task(SEL_HANDLER, &handler_task, handle_fault);
	handler_task.tss[EFLAGS] = 2;
	trap_task_gate(0x90, SEL_HANDLER);
	asm volatile("int $0x90; clts" : : : CLOBBERS);
	check_eq("INT n through a task gate", faults, 1);
	asm volatile("int $0x90; clts" : : : CLOBBERS);
	check_eq("comes back behind it", faults, 2);
}

static void by_fault(void)
{
	trap_task_gate(VEC_UD, SEL_HANDLER);
	fault_skip = 2;
	asm volatile("ud2; clts" : : : CLOBBERS);
	check_eq("a fault through a task gate", faults, 3);
	if (!is_tcg())
		check_eq("has saved RF", tss[EFLAGS] & X86_RF, X86_RF);
	trap_task_gate(VEC_NP, SEL_HANDLER);
	error_is_pushed = true;
	gdt[SEL_BAD / 8] = descriptor(0, 0xfffff, 0xc13);
	asm volatile("movl %0, %%eax; movl %%eax, %%fs; clts" : : "i"(SEL_BAD) : CLOBBERS);
	check_eq("one with an error code", faults, 4);
	check_eq("which is on the task's stack", seen_error, SEL_BAD);
	check_eq("and the stack is where it was", handler_task.tss[ESP],
		 (ulong)handler_task.stack + sizeof(handler_task.stack) - 64);
}

static void refusals(void)
{
	TRY("ljmpl %[sel], $0", [sel] "i"(SEL_TSS));
	check_trap("a busy task cannot be jumped to", VEC_GP, SEL_TSS);
	gdt[SEL_BAD / 8] = descriptor((ulong)jump_task.tss, 0x67, 0x009);
	TRY("ljmpl %[sel], $0", [sel] "i"(SEL_BAD));
	check_trap("an absent task", VEC_NP, SEL_BAD);
	gdt[SEL_BAD / 8] = descriptor((ulong)jump_task.tss, 0x66, TSS_32_FREE);
	TRY("lcall %[sel], $0", [sel] "i"(SEL_BAD));
	check_trap("a TSS that is too short", VEC_TS, SEL_BAD);
	check_eq("the current task is still busy", type_of(SEL_TSS), TSS_32_BUSY);
}

void guest_main(void)
{
	check(true, "before the task switch");
	by_jump();
	by_call();
	refusals();
	by_gate();
	by_fault();
}
