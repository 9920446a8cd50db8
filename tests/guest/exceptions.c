// SPDX-License-Identifier: GPL-2.0-or-later
/* Every exception that software can cause: vector, error code and saved address. */
#include "guest.h"

#define TEST_SEL 0x60 /* a free slot of the GDT */

static void check_behind(const char *name, u32 vector)
{
	check(trap_seen.vector == vector && trap_seen.ip == trap_seen.after, name);
}

static void divide(void)
{
	u32 zero = 0;

	TRY("divl %0", "m"(zero));
	check_trap("#DE by DIV", VEC_DE, 0);
}

static void software_interrupts(void)
{
	TRY("int3");
	check_behind("#BP by INT3 is a trap", VEC_BP);
	TRY("int $4");
	check_behind("INT 4", VEC_OF);
	TRY("int $0x55");
	check_behind("INT 0x55", 0x55);
#ifndef __x86_64__
	{
		static const u32 bounds[2] = { 1, 4 };

		TRY("pushl $0x802; popfl; into");
		check_behind("#OF by INTO is a trap", VEC_OF);
		TRY("bound %%edx, %0", "m"(bounds), "d"(5));
		check_trap("#BR by BOUND", VEC_BR, 0);
	}
#endif
}

static void undefined(void)
{
	TRY("ud2");
	check_trap("#UD by UD2", VEC_UD, 0);
	TRY(".byte 0xf0, 0x90");
	check_trap("#UD by LOCK NOP", VEC_UD, 0);
	TRY("vmrun", "a"(0x1000));
	check_trap("#UD by VMRUN", VEC_UD, 0);
	TRY("vmload", "a"(0x1000));
	check_trap("#UD by VMLOAD", VEC_UD, 0);
	TRY("stgi");
	check_trap("#UD by STGI", VEC_UD, 0);
	TRY("rsm");
	check_trap("#UD by RSM outside of SMM", VEC_UD, 0);
}

static void general_protection(void)
{
	TRY("mov %0, %%fs", "r"(0x7f8));
	check_trap("#GP by a selector beyond the GDT", VEC_GP, 0x7f8);
	TRY("mov %0, %%fs", "r"(SEL_TSS));
	check_trap("#GP by loading a system segment", VEC_GP, SEL_TSS);
	TRY("rdmsr", "c"(0x12345678));
	check_trap("#GP by RDMSR of no MSR", VEC_GP, 0);
	TRY("wrmsr", "c"(0x12345678), "a"(0), "d"(0));
	check_trap("#GP by WRMSR of no MSR", VEC_GP, 0);
	TRY("mov %0, %%cr0", "r"((ulong)CR0_PG));
	check_trap("#GP by CR0 with PG and without PE", VEC_GP, 0);
	TRY("mov %0, %%cr4", "r"(read_cr4() | 1UL << 31));
	check_trap("#GP by a reserved bit of CR4", VEC_GP, 0);
	if (!is_tcg()) {
		TRY("mov %0, %%cr0", "r"((read_cr0() & ~0x40000000UL) | 0x20000000UL));
		check_trap("#GP by CR0 with NW and without CD", VEC_GP, 0);
	}
#ifdef __x86_64__
	TRY("mov (%0), %%rdx", "r"(0x8000000000000000UL));
	check_trap("#GP by a non-canonical address", VEC_GP, 0);
	if (!is_tcg()) { /* there CR8 is the CPU's, and TCG lets the bit through */
		TRY("mov %0, %%cr8", "r"(0x10UL));
		check_trap("#GP by a reserved bit of CR8", VEC_GP, 0);
	}
	TRY("mov %0, %%cr0", "r"(read_cr0() & ~(ulong)CR0_PG & ~1UL));
	check_trap("#GP by leaving long mode from 64-bit code", VEC_GP, 0);
	TRY("mov %0, %%cr4", "r"(read_cr4() & ~(ulong)CR4_PAE));
	check_trap("#GP by clearing CR4.PAE in long mode", VEC_GP, 0);
	TRY("wrmsr", "c"(MSR_EFER), "a"(0x400), "d"(0));
	check_trap("#GP by clearing EFER.LME under paging", VEC_GP, 0);
#else
	if (is_tcg())
		return;
	gdt[TEST_SEL / 8] = descriptor(0, 0xfff, 0x493);
	asm volatile("mov %0, %%fs" : : "r"(TEST_SEL));
	TRY("movb %%fs:0x1000, %%dl", "d"(0));
	check_trap("#GP by a segment's limit", VEC_GP, 0);
#endif
}

static void segments(void)
{
	gdt[TEST_SEL / 8] = descriptor(0, 0xfffff, 0xc13);
	TRY("mov %0, %%fs", "r"(TEST_SEL));
	check_trap("#NP by an absent data segment", VEC_NP, TEST_SEL);
	TRY("mov %0, %%ss", "r"(TEST_SEL));
	check_trap("#SS by an absent stack segment", VEC_SS, TEST_SEL);
	trap_mark_absent(0x91);
	TRY("int $0x91");
	check_trap("#NP by an absent gate", VEC_NP, 0x91 << 3 | 2);
	TRY("ltr %w0", "r"(SEL_DATA));
	check_trap("#GP by LTR of a data segment", VEC_GP, SEL_DATA);
}

/* IRET with NT set returns to the task in the TSS's link field: there is none. */
static void nested_task(void)
{
#ifdef __x86_64__
	TRY("pushfq; orq $0x4000, (%%rsp); popfq; iretq");
	write_flags(2);
	check_eq("#GP by IRET with NT in long mode", trap_seen.vector, VEC_GP);
#else
	TRY("pushfl; orl $0x4000, (%%esp); popfl; iretl");
	write_flags(2);
	check_eq("#TS by IRET to no task", trap_seen.vector, VEC_TS);
#endif
}

static void not_available(void)
{
	write_cr0(read_cr0() | CR0_TS);
	TRY("fninit");
	check_trap("#NM by x87 with CR0.TS", VEC_NM, 0);
	TRY("clts");
	check_no_trap("CLTS");
	check_eq("CLTS clears CR0.TS", read_cr0() & CR0_TS, 0);
	TRY("fninit");
	check_no_trap("x87 after CLTS");
	write_cr0(read_cr0() | CR0_EM);
	TRY("fninit");
	check_trap("#NM by x87 with CR0.EM", VEC_NM, 0);
	write_cr0(read_cr0() & ~(ulong)CR0_EM);
}

static void x87_fault(void)
{
	u16 control = 0x37b; /* division by zero is not masked */

	write_cr0(read_cr0() | CR0_NE);
	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(control));
	TRY("fwait");
	check_trap("#MF by FWAIT after a division by 0", VEC_MF, 0);
	asm volatile("fninit");
}

static void sse_fault(void)
{
	u32 mxcsr = 0x1d80; /* division by zero is not masked */
	u32 standard = 0x1f80, one = 0x3f800000;

	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	asm volatile("ldmxcsr %0; xorps %%xmm1, %%xmm1; movss %1, %%xmm0" : : "m"(mxcsr), "m"(one));
	if (!is_tcg()) {
		TRY("divss %%xmm1, %%xmm0");
		check_trap("#XM by DIVSS by 0", VEC_XM, 0);
	}
	asm volatile("ldmxcsr %0" : : "m"(standard));
	write_cr4(read_cr4() & ~(ulong)CR4_OSFXSR);
	TRY("xorps %%xmm0, %%xmm0");
	check_trap("#UD by SSE without CR4.OSFXSR", VEC_UD, 0);
}

static u32 unaligned[2];

static void user_unaligned(void)
{
	asm volatile("movl %0, %%edx; int $0x80" : : "m"(*(u32 *)((u8 *)unaligned + 1)) : "edx");
}

static void user_privileged(void)
{
	asm volatile("hlt; int $0x80");
}

static void user_port(void)
{
	asm volatile("outb %%al, $0xe9; int $0x80" : : "a"(0));
}

static u32 user_vector;
static ulong user_error, user_cs;

static void catch_user(struct trap_frame *frame)
{
	user_vector = frame->vector;
	user_error = frame->error;
	user_cs = frame->cs;
	/* go on with the INT 0x80 behind it */
	frame->flags &= ~(ulong)X86_AC;
	if (frame->vector == VEC_GP)
		frame->ip += *(u8 *)frame->ip == 0xe6 ? 2 : 1;
}

static void from_user_mode(void)
{
	trap_handler(VEC_AC, catch_user);
	trap_handler(VEC_GP, catch_user);

	write_cr0(read_cr0() | CR0_AM);
	if (!is_tcg()) {
		user_vector = NO_TRAP;
		run_user(user_unaligned, X86_AC | 2);
		check_eq("#AC in ring 3", user_vector, VEC_AC);
		check_eq("#AC error code", user_error, 0);
	}
	user_vector = NO_TRAP;
	run_user(user_privileged, 2);
	check_eq("#GP by HLT in ring 3", user_vector, VEC_GP);
	check_eq("it saves CS of ring 3", user_cs & 3, 3);
	user_vector = NO_TRAP;
	run_user(user_port, 2);
	check_eq("#GP by OUT in ring 3 without permission", user_vector, VEC_GP);

	trap_handler(VEC_AC, 0);
	trap_handler(VEC_GP, 0);
}

void guest_main(void)
{
	divide();
	software_interrupts();
	undefined();
	general_protection();
	segments();
	nested_task();
	not_available();
	x87_fault();
	sse_fault();
	from_user_mode();
}
