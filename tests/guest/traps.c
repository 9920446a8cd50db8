// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptor tables, traps and page tables of the 32-bit and 64-bit guests. */
#include "guest.h"

struct gate {
#ifdef __x86_64__
	u16 offset_low, selector, attrib, offset_mid;
	u32 offset_high, pad;
#else
	u16 offset_low, selector, attrib, offset_high;
#endif
};

struct __attribute__((packed)) table_pointer {
	u16 limit;
	ulong base;
};

u64 gdt[16] __attribute__((aligned(16)));
u32 tss[32] __attribute__((aligned(128)));
struct trap_seen trap_seen;
ulong trap_resume;

static struct gate idt[256] __attribute__((aligned(16)));
static trap_handler_fn handlers[256];
static u8 stacks[4][4096] __attribute__((aligned(16)));
static u8 user_stack[4096] __attribute__((aligned(16)));

extern u8 trap_stubs[], user_end_entry[];
void trap_dispatch(struct trap_frame *frame);
void enter_user(ulong ip, ulong flags, ulong stack);

u64 descriptor(u32 base, u32 limit, u16 attrib)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attrib & 0xff) << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)(attrib >> 8 & 0xf) << 52 |
	       (u64)(base >> 24) << 56;
}

void gdt_reload(void)
{
	struct table_pointer p = { sizeof(gdt) - 1, (ulong)gdt };

	asm volatile("lgdt %0" : : "m"(p));
#ifdef __x86_64__
	asm volatile("pushq %0; pushq $1f; lretq; 1:" : : "i"(SEL_CODE64) : "memory");
#else
	asm volatile("ljmpl %0, $1f; 1:" : : "i"(SEL_CODE32) : "memory");
#endif
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %0, %%fs; mov %0, %%gs"
		     :
		     : "r"(SEL_DATA)
		     : "memory");
}

static void gdt_init(void)
{
	gdt[SEL_CODE32 / 8] = descriptor(0, 0xfffff, 0xc9b);
	gdt[SEL_DATA / 8] = descriptor(0, 0xfffff, 0xc93);
	gdt[SEL_CODE64 / 8] = descriptor(0, 0xfffff, 0xa9b);
	gdt[SEL_CODE16 / 8] = descriptor(0, 0xffff, 0x09b);
	gdt[SEL_DATA16 / 8] = descriptor(0, 0xffff, 0x093);
	gdt[SEL_USER32 / 8] = descriptor(0, 0xfffff, 0xcfb);
	gdt[SEL_USER_DATA / 8] = descriptor(0, 0xfffff, 0xcf3);
	gdt[SEL_USER64 / 8] = descriptor(0, 0xfffff, 0xafb);
	gdt[SEL_TSS / 8] = descriptor((ulong)tss, sizeof(tss) - 1, 0x089);
	gdt[SEL_TSS / 8 + 1] = 0; /* the images are loaded below 4 GiB */
	gdt_reload();
}

static void tss_init(void)
{
	ulong kernel_stack = (ulong)stacks[0] + sizeof(stacks[0]);

#ifdef __x86_64__
	tss[1] = kernel_stack; /* RSP0 */
	for (unsigned int i = 1; i <= 3; i++)
		tss[9 + 2 * (i - 1)] = (ulong)stacks[i] + sizeof(stacks[i]); /* IST1.. */
#else
	tss[1] = kernel_stack; /* ESP0, SS0 */
	tss[2] = SEL_DATA;
#endif
	tss[25] = sizeof(tss) << 16; /* no I/O bitmap */
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

static void gate_set(u8 vector, ulong target)
{
	struct gate *g = &idt[vector];

	g->offset_low = target;
	g->attrib = 0x8e00;
#ifdef __x86_64__
	g->selector = SEL_CODE64;
	g->offset_mid = target >> 16;
	g->offset_high = target >> 32;
#else
	g->selector = SEL_CODE32;
	g->offset_high = target >> 16;
#endif
}

static void end_user(struct trap_frame *frame)
{
	frame->ip = (ulong)user_end_entry;
	frame->flags = 2;
#ifdef __x86_64__
	frame->cs = SEL_CODE64;
	frame->ss = SEL_DATA;
#else
	frame->cs = SEL_CODE32;
#endif
}

void traps_init(void)
{
	struct table_pointer p = { sizeof(idt) - 1, (ulong)idt };

	gdt_init();
	tss_init();
	for (unsigned int i = 0; i < 256; i++)
		gate_set(i, (ulong)trap_stubs + 16 * i);
	asm volatile("lidt %0" : : "m"(p));
	trap_allow_user(0x80);
	trap_handler(0x80, end_user);
	/* Bochs loses the stack pointer if a handler's page is filled in while it delivers */
	for (unsigned int i = 0; i < 256; i++)
		(void)*(volatile u8 *)(trap_stubs + 16 * i);
}

void trap_handler(u8 vector, trap_handler_fn fn)
{
	handlers[vector] = fn;
}

void trap_use_ist(u8 vector, unsigned int ist)
{
	idt[vector].attrib = (idt[vector].attrib & ~7u) | ist;
}

void trap_allow_user(u8 vector)
{
	idt[vector].attrib |= 0x6000;
}

void trap_task_gate(u8 vector, u16 tss_selector)
{
	idt[vector].selector = tss_selector;
	idt[vector].attrib = 0x8500;
}

void trap_mark_absent(u8 vector)
{
	idt[vector].attrib &= ~0x8000u;
}

static void trap_fatal(struct trap_frame *frame)
{
	print("not ok unexpected trap ");
	print_hex(frame->vector);
	print(" error ");
	print_hex(frame->error);
	print(" at ");
	print_hex(frame->ip);
	print(" cr2 ");
	print_hex(read_cr2());
	print("\n");
	guest_exit(0x100 + frame->vector);
}

/* Called by trap_entry.S. */
void trap_dispatch(struct trap_frame *frame)
{
	u8 vector = frame->vector;

	trap_seen.count++;
	if (handlers[vector]) {
		handlers[vector](frame);
		return;
	}
	if (!trap_resume)
		trap_fatal(frame);
	trap_seen.vector = vector;
	trap_seen.error = frame->error;
	trap_seen.ip = frame->ip;
	trap_seen.flags = frame->flags;
	if (vector == VEC_PF)
		trap_seen.cr2 = read_cr2();
	frame->ip = trap_resume;
	frame->flags &= ~(ulong)(X86_TF | X86_AC);
	trap_resume = 0;
}

void check_trap(const char *name, u32 vector, ulong error)
{
	if (trap_seen.vector == vector && trap_seen.error == error &&
	    trap_seen.ip == trap_seen.insn) {
		check(true, name);
		return;
	}
	check(false, name);
	print("# vector ");
	print_hex(trap_seen.vector);
	print(" error ");
	print_hex(trap_seen.error);
	print(" at +");
	print_hex(trap_seen.ip - trap_seen.insn);
	print("\n");
}

void check_no_trap(const char *name)
{
	check_eq(name, trap_seen.vector, NO_TRAP);
}

void run_user(void (*fn)(void), ulong flags)
{
	enter_user((ulong)fn, flags, (ulong)user_stack + sizeof(user_stack) - 64);
}

u64 *map_window(ulong address)
{
	static u64 tables[4][512] __attribute__((aligned(4096)));
	static unsigned int used;
	u64 *directory, *table = tables[used++];
	ulong base = address & ~0x1fffffUL;

#ifdef __x86_64__
	u64 *pml4 = (u64 *)(read_cr3() & ~0xfffUL);
	u64 *pdpt = (u64 *)(pml4[address >> 39 & 511] & ~0xfffUL);
#else
	u64 *pdpt = (u64 *)(read_cr3() & ~0x1fUL);
#endif
	directory = (u64 *)(ulong)(pdpt[address >> 30 & (sizeof(ulong) == 8 ? 511 : 3)] &
				   0xfffffffffffff000);
	for (unsigned int i = 0; i < 512; i++)
		table[i] = (base + i * 4096UL) | 7;
	directory[address >> 21 & 511] = (ulong)table | 7;
	write_cr3(read_cr3());
	return table;
}
