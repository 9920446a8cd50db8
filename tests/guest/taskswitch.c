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

#if GUEST_MODE == GUEST_PAE
/* A copy of the GDT lies at HERE; with the other task's page tables another one does. */
#define HERE 0x400000
#define THERE 0x600000
#define OTHER_TABLES 0x610000
#define OTHER_DIRECTORY 0x611000
#define DATA_HERE 0x620000
#define DATA_THERE 0x621000

/* in the same page: the last that was read before CR3 is loaded */
#define TASK_OFFSET 0x800

static volatile u32 seen_data;

static void __attribute__((noreturn)) with_other_tables(void)
{
	for (;;) {
		asm volatile("movl %%es:0, %0" : "=r"(seen_data));
		FAR_JUMP(SEL_TSS);
	}
}

static void load_gdt(const void *table)
{
	struct __attribute__((packed)) {
		u16 limit;
		u32 base;
	} gdtr = { 127, (ulong)table };

	asm volatile("lgdtl %0" : : "m"(gdtr) : "memory");
}

/* Segments of the new task come from the GDT that its page tables show. */
static void by_other_tables(void)
{
	u64 *here = (u64 *)HERE, *there = (u64 *)THERE;
	u64 *tables = (u64 *)OTHER_TABLES, *directory = (u64 *)OTHER_DIRECTORY;
	u64 *old_tables = (u64 *)read_cr3();
	struct task *task = (struct task *)(HERE + TASK_OFFSET);

	make_task(SEL_JUMP, task, with_other_tables);
	task->tss[CR3] = OTHER_TABLES;
	task->tss[ES] = SEL_BAD;
	task->tss[ESP] = (ulong)jump_task.stack + sizeof(jump_task.stack) - 64;
	memcpy((u8 *)THERE + TASK_OFFSET, task, sizeof(task->tss));
	memcpy(here, gdt, 128);
	memcpy(there, gdt, 128);
	here[SEL_BAD / 8] = descriptor(DATA_HERE, 0xfffff, 0xc93);
	there[SEL_BAD / 8] = descriptor(DATA_THERE, 0xfffff, 0xc93);
	there[SEL_TSS / 8] = there[SEL_TSS / 8] & ~(2ULL << 40);
	there[SEL_JUMP / 8] |= 2ULL << 40;
	*(u32 *)DATA_HERE = 1;
	*(u32 *)DATA_THERE = 2;
	memcpy(tables, old_tables, 32);
	memcpy(directory, (void *)((ulong)old_tables[0] & ~0xfffUL), 4096);
	tables[0] = OTHER_DIRECTORY | 1;
	directory[HERE >> 21] = THERE | (directory[HERE >> 21] & 0xfff);
	load_gdt(here);
	FAR_JUMP(SEL_JUMP);
	load_gdt(gdt);
	check_eq("a segment by the new task's page tables", seen_data, 2);
}
#else
static void by_other_tables(void)
{
}
#endif

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
	tss[CR3] = read_cr3(); /* a switch does not save it */
	by_jump();
	by_call();
	by_other_tables();
	refusals();
	by_gate();
	by_fault();
}
