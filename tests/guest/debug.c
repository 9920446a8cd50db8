// SPDX-License-Identifier: GPL-2.0-or-later
/* Debug exceptions: single step, breakpoints and watchpoints, DR6 and DR7. */
#include "guest.h"

#define DR6_STEP (1UL << 14)
#define DR6_GD (1UL << 13)
#define DR7_GD (1UL << 13)
#define DR7_FIXED 0x400UL

static ulong steps[16];
static unsigned int nr_steps;
static ulong last_dr6;

static void note_step(struct trap_frame *frame)
{
	last_dr6 = read_dr6();
	write_dr6(0xffff0ff0);
	if (nr_steps < ARRAY_SIZE(steps))
		steps[nr_steps] = frame->ip;
	nr_steps++;
	if (nr_steps == 4)
		frame->flags &= ~(ulong)X86_TF;
	frame->flags |= X86_RF;
}

static void single_step(void)
{
	ulong start;

	nr_steps = 0;
	asm volatile("pushf; orl $0x100, (%%" REG_SP "); popf;"
		     "1: nop; nop; mov $1b, %0; nop; nop; nop"
		     : "=r"(start)
		     :
		     : "memory", "cc");
	check_eq("number of steps", nr_steps, 4);
	check_eq("first step is behind the first instruction", steps[0], start + 1);
	check_eq("second step", steps[1], start + 2);
	check_eq("DR6.BS", last_dr6 & (DR6_STEP | 0xf), DR6_STEP);
}

/* Exits in the middle of a stepped run must not lose the trap. */
static void single_step_over_exits(void)
{
	ulong start;

	nr_steps = 0;
	asm volatile("pushf; orl $0x100, (%%" REG_SP "); popf;"
		     "1: xor %%eax, %%eax; cpuid; outb %%al, $0x80; nop; nop; mov $1b, %0"
		     : "=S"(start)
		     :
		     : "memory", "cc", "eax", "ebx", "ecx", "edx");
	check_eq("number of steps over exits", nr_steps, 4);
	check_eq("step behind CPUID", steps[1], start + 4);
	check_eq("step behind OUT", steps[2], start + 6);
	check_eq("step behind NOP", steps[3], start + 7);
}

static u32 watched[2] __attribute__((aligned(8)));

static void watchpoints(void)
{
	nr_steps = 0;
	write_dr0((ulong)&watched[0]);
	write_dr7(DR7_FIXED | 1 | 0xdUL << 16); /* 4 bytes, writes */
	asm volatile("movl $1, %0" : "=m"(watched[1]));
	check_eq("a write beside the watchpoint", nr_steps, 0);
	asm volatile("movl %0, %%edx" : : "m"(watched[0]) : "edx");
	check_eq("a read of a write watchpoint", nr_steps, 0);
	asm volatile("movl $1, %0" : "=m"(watched[0]));
	check_eq("a write to the watchpoint", nr_steps, 1);
	check_eq("DR6.B0", last_dr6 & 0xf, 1);
	write_dr7(DR7_FIXED);
	asm volatile("movl $1, %0" : "=m"(watched[0]));
	check_eq("a write after it was switched off", nr_steps, 1);
}

static void __attribute__((noinline)) target(void)
{
	asm volatile("nop");
}

static void breakpoint(void)
{
	nr_steps = 0;
	write_dr1((ulong)target);
	write_dr7(DR7_FIXED | 4); /* execution, DR1 */
	target();
	check_eq("a breakpoint is hit once", nr_steps, 1);
	check_eq("it is a fault", steps[0], (ulong)target);
	check_eq("DR6.B1", last_dr6 & 0xf, 2);
	write_dr7(DR7_FIXED);
	target();
	check_eq("and not when off", nr_steps, 1);
}

static ulong gd_dr7;

static void note_gd(struct trap_frame *frame)
{
	gd_dr7 = read_dr7(); /* delivery has cleared GD */
	last_dr6 = read_dr6();
	write_dr6(0xffff0ff0);
	write_dr7(DR7_FIXED);
	nr_steps++;
}

static void general_detect(void)
{
	if (is_tcg())
		return;
	nr_steps = 0;
	trap_handler(VEC_DB, note_gd);
	write_dr7(DR7_FIXED | DR7_GD);
	read_dr0();
	check_eq("DR7.GD: access to DR0 traps", nr_steps, 1);
	check_eq("DR6.BD", last_dr6 & DR6_GD, DR6_GD);
	check_eq("DR7.GD is clear in the handler", gd_dr7 & DR7_GD, 0);
	trap_handler(VEC_DB, note_step);
}

static void registers(void)
{
	write_dr2(0x12345678);
	check_eq("DR2 can be read back", read_dr2(), 0x12345678);
	write_dr6(0xffff0ff0);
	check_eq("DR6 at rest", read_dr6() & 0xffff0fff, 0xffff0ff0);
	write_dr7(0);
	check_eq("DR7 bit 10 is fixed", read_dr7(), DR7_FIXED);
	check_eq("DR2 is kept over exits", (inb(PORT_LATCH), read_dr2()), 0x12345678);
#ifdef __x86_64__
	TRY("mov %0, %%dr7", "r"(1UL << 32));
	check_trap("#GP by the upper half of DR7", VEC_GP, 0);
#endif
	write_cr4(read_cr4() | CR4_DE);
	TRY("mov %%dr4, %0", "r"(0UL));
	check_trap("#UD by DR4 with CR4.DE", VEC_UD, 0);
	write_cr4(read_cr4() & ~(ulong)CR4_DE);
}

void guest_main(void)
{
	trap_handler(VEC_DB, note_step);
	single_step();
	single_step_over_exits();
	watchpoints();
	breakpoint();
	general_detect();
	registers();
}
