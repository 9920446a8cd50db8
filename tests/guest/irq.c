// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts that user space injects (no LAPIC in the kernel): delivery, the flag, the
 * shadow of STI, HLT, NMIs, and stacks that the hypervisor has not mapped yet.
 */
#include "guest.h"

#define VECTOR 0x41

static volatile u32 interrupts, nmis;
static ulong last_ip, last_sp;

static void on_interrupt(struct trap_frame *frame)
{
	interrupts++;
	last_ip = frame->ip;
	last_sp = (ulong)frame;
}

static void pause_a_while(void)
{
	for (unsigned int i = 0; i < 50; i++)
		inb(PORT_LATCH);
}

static void delivery(void)
{
	interrupts = 0;
	sti();
	host_call(CALL_INTERRUPT, VECTOR);
	pause_a_while();
	check_eq("an interrupt is delivered once", interrupts, 1);
	cli();
	host_call(CALL_INTERRUPT, VECTOR);
	pause_a_while();
	check_eq("IF = 0 holds it back", interrupts, 1);
	sti();
	pause_a_while();
	cli();
	check_eq("IF = 1 lets it through", interrupts, 2);
}

static void sti_shadow(void)
{
	ulong behind;

	interrupts = 0;
	host_call(CALL_INTERRUPT, VECTOR);
	asm volatile("sti; nop; 1: nop; nop; cli; mov $1b, %0" : "=r"(behind) : : "memory");
	check_eq("pending when STI comes", interrupts, 1);
	check_eq("it waits for the instruction behind STI", last_ip, behind);
	host_call(CALL_INTERRUPT, VECTOR);
	asm volatile("sti; cli; nop; nop" : : : "memory");
	pause_a_while();
	check_eq("STI, CLI gives no chance", interrupts, 1);
	sti();
	pause_a_while();
	cli();
	check_eq("and later it comes", interrupts, 2);
}

static void halt(void)
{
	ulong behind;

	interrupts = 0;
	host_call(CALL_TEST, VECTOR); /* inject at the next HLT */
	asm volatile("sti; hlt; 1: cli; mov $1b, %0" : "=r"(behind) : : "memory");
	check_eq("an interrupt ends HLT", interrupts, 1);
	check_eq("the saved address is behind HLT", last_ip, behind);
}

static u32 nested_nmis, nmi_depth;

static void on_nmi(struct trap_frame *frame)
{
	nmis++;
	if (++nmi_depth > 1)
		nested_nmis++;
	if (nmis == 1) {
		host_call(CALL_NMI, 0);
		pause_a_while();
	}
	nmi_depth--;
}

static void nmi(void)
{
	trap_handler(VEC_NMI, on_nmi);
	nmis = nested_nmis = nmi_depth = 0;
	cli();
	host_call(CALL_NMI, 0);
	pause_a_while();
	check_eq("an NMI comes with IF = 0; the second waits for IRET", nmis, 2);
	check_eq("NMIs do not nest", nested_nmis, 0);
	trap_handler(VEC_NMI, on_interrupt);
}

static void fresh_stacks(void)
{
	ulong stack;

	trap_handler(VECTOR, on_interrupt);
	trap_handler(VEC_BP, on_interrupt);
	trap_handler(0x55, on_interrupt);
	interrupts = 0;

	stack = fresh_stack();
	ON_STACK(stack, "int $0x55");
	check_eq("INT n onto a fresh stack", interrupts, 1);
	check(last_sp > stack - 4096 && last_sp < stack, "it was that stack");

	stack = fresh_stack();
	ON_STACK(stack, "int3");
	check_eq("INT3 onto a fresh stack", interrupts, 2);
	check(last_sp > stack - 4096 && last_sp < stack, "it was that stack");

	stack = fresh_stack();
	cli();
	host_call(CALL_INTERRUPT, VECTOR);
	ON_STACK(stack, "sti; nop; nop; cli");
	pause_a_while();
	check_eq("an interrupt onto a fresh stack", interrupts, 3);
	check(last_sp > stack - 4096 && last_sp < stack, "it was that stack");

	stack = fresh_stack();
	host_call(CALL_TEST + 1, 0); /* with the next port access */
	ON_STACK(stack, "movw %1, %%dx; inb %%dx, %%al; nop", "i"(PORT_LATCH));
	pause_a_while();
	check_eq("an NMI onto a fresh stack", interrupts, 4);
	check(last_sp > stack - 4096 && last_sp < stack, "it was that stack");
	host_call(CALL_NMI, 0);
	pause_a_while();
	check_eq("the next NMI is not blocked", interrupts, 5);
}

static void skip_ud2(struct trap_frame *frame)
{
	on_interrupt(frame);
	frame->ip += 2;
}

static void fresh_exception(void)
{
	ulong stack = fresh_stack();

	trap_handler(VEC_UD, skip_ud2);
	interrupts = 0;
	ON_STACK(stack, "ud2");
	check_eq("an exception onto a fresh stack", interrupts, 1);
	check(last_sp > stack - 4096 && last_sp < stack, "it was that stack");
}

void guest_main(void)
{
	trap_handler(VECTOR, on_interrupt);
	delivery();
	sti_shadow();
	halt();
	nmi();
	fresh_stacks();
	fresh_exception();
}
