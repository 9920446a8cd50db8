// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports: every size, immediate and DX, strings in both directions and over pages. */
#include "guest.h"

static u8 buffer[3 * 4096] __attribute__((aligned(4096)));

static void sizes(void)
{
	u32 eax;

	outl(PORT_LATCH, 0x44332211);
	check_eq("inb", inb(PORT_LATCH), 0x11);
	check_eq("inb of the fourth", inb(PORT_LATCH + 3), 0x44);
	check_eq("inw", inw(PORT_LATCH + 1), 0x3322);
	check_eq("inl", inl(PORT_LATCH), 0x44332211);
	outb(PORT_LATCH + 1, 0xbb);
	check_eq("outb", inl(PORT_LATCH), 0x4433bb11);
	outw(PORT_LATCH + 2, 0xddcc);
	check_eq("outw", inl(PORT_LATCH), 0xddccbb11);

	asm volatile("inb %%dx, %%al" : "=a"(eax) : "a"(0x12345678), "d"(PORT_LATCH));
	check_eq("inb leaves the rest of EAX", eax, 0x12345611);
	asm volatile("inw %%dx, %%ax" : "=a"(eax) : "a"(0x12345678), "d"(PORT_LATCH));
	check_eq("inw leaves the upper half", eax, 0x1234bb11);
	check_eq("a port without a device reads ones", inl(0x1234), 0xffffffff);
	outl(PORT_ARG, 0x31415926);
	asm volatile("inl %1, %0" : "=a"(eax) : "i"(PORT_ARG));
	check_eq("inl with an immediate port", eax, 0x31415926);
#ifdef __x86_64__
	{
		u64 rax = -1UL;

		asm volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(PORT_LATCH));
		check_eq("inl clears the upper half of RAX", rax, 0xddccbb11);
	}
#endif
}

static void reset_sum(void)
{
	host_call(CALL_SUM_COUNT, 0);
}

static void string_out(void)
{
	ulong si, count;

	for (unsigned int i = 0; i < sizeof(buffer); i++)
		buffer[i] = 1;
	reset_sum();
	si = (ulong)buffer, count = 100;
	asm volatile("rep outsb" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("rep outsb: rSI", si, (ulong)buffer + 100);
	check_eq("rep outsb: rCX", count, 0);
	check_eq("rep outsb: sum", host_call(CALL_SUM, 0), 100);
	check_eq("rep outsb: elements", host_call(CALL_SUM_COUNT, 0), 100);

	si = (ulong)buffer + 4000, count = 2000;
	asm volatile("rep outsw" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("rep outsw over a page: rSI", si, (ulong)buffer + 8000);
	check_eq("rep outsw over a page: sum", host_call(CALL_SUM, 0), 2000 * 0x101);
	check_eq("rep outsw over a page: elements", host_call(CALL_SUM_COUNT, 0), 2000);

	si = (ulong)buffer + 4094, count = 1;
	asm volatile("outsl" : "+S"(si) : "d"(PORT_SUM) : "memory");
	check_eq("outsl across a page: sum", host_call(CALL_SUM, 0), 0x01010101);
	check_eq("outsl across a page: rSI", si, (ulong)buffer + 4098);
	reset_sum();

	si = (ulong)buffer + 6000, count = 3000;
	asm volatile("std; rep outsb; cld" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("backwards: rSI", si, (ulong)buffer + 3000);
	check_eq("backwards: sum", host_call(CALL_SUM, 0), 3000);
	reset_sum();

	si = (ulong)buffer, count = 0;
	asm volatile("rep outsb" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("rCX = 0 does nothing", host_call(CALL_SUM_COUNT, 0), 0);
}

static bool is_count_up(const u8 *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (p[i] != (u8)i)
			return false;
	}
	return true;
}

static void string_in(void)
{
	ulong di, count;

	memset(buffer, 0xee, sizeof(buffer));
	outb(PORT_COUNTER, 0);
	di = (ulong)buffer + 10, count = 200;
	asm volatile("rep insb" : "+D"(di), "+c"(count) : "d"(PORT_COUNTER) : "memory");
	check_eq("rep insb: rDI", di, (ulong)buffer + 210);
	check(is_count_up(buffer + 10, 200), "rep insb: contents");
	check(buffer[9] == 0xee && buffer[210] == 0xee, "rep insb: nothing beside");

	outb(PORT_COUNTER, 0);
	di = (ulong)buffer + 4090, count = 50;
	asm volatile("rep insw" : "+D"(di), "+c"(count) : "d"(PORT_COUNTER) : "memory");
	check(is_count_up(buffer + 4090, 100), "rep insw over a page");

	outb(PORT_COUNTER, 0);
	di = (ulong)buffer + 4095, count = 1200;
	asm volatile("rep insl" : "+D"(di), "+c"(count) : "d"(PORT_COUNTER) : "memory");
	check(is_count_up(buffer + 4095, 4800), "rep insl, unaligned, over two pages");
	check_eq("rep insl: rDI", di, (ulong)buffer + 4095 + 4800);

	outb(PORT_COUNTER, 0);
	di = (ulong)buffer + 4097, count = 4;
	asm volatile("std; rep insb; cld" : "+D"(di), "+c"(count) : "d"(PORT_COUNTER) : "memory");
	check(buffer[4097] == 0 && buffer[4094] == 3, "rep insb backwards over a page");
}

static void overrides(void)
{
	ulong si, di;

	memset(buffer, 0, sizeof(buffer));
	buffer[0x123] = 0x77;
#ifdef __x86_64__
	wrmsr(0xc0000101, (ulong)buffer); /* GS base */
	si = 0x123;
	reset_sum();
	asm volatile("gs outsb" : "+S"(si) : "d"(PORT_SUM) : "memory");
	check_eq("OUTS with a segment prefix", host_call(CALL_SUM, 0), 0x77);
	reset_sum();
	wrmsr(0xc0000101, 0);
	si = (ulong)buffer + 0x123 + 0x500000000;
	{
		ulong count = 0x700000001;

		asm volatile("addr32 rep outsb" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
		check_eq("OUTS with 32-bit addresses", host_call(CALL_SUM, 0), 0x77);
		check_eq("it counts in ECX", count, 0);
		check_eq("and clears the upper half of RSI", si, (ulong)buffer + 0x124);
	}
#else
	gdt[0x60 / 8] = descriptor((ulong)buffer, 0xfffff, 0xc93);
	si = 0x123;
	reset_sum();
	asm volatile("mov %2, %%gs; gs outsb; mov %3, %%gs"
		     : "+S"(si)
		     : "d"(PORT_SUM), "r"(0x60), "r"(0)
		     : "memory");
	check_eq("OUTS with a segment prefix", host_call(CALL_SUM, 0), 0x77);
	/* 16-bit addresses wrap at 64 KiB */
	*(volatile u8 *)0xffff = 0x11;
	*(volatile u8 *)0 = 0x22;
	reset_sum();
	si = 0x5ffff;
	{
		ulong count = 0x30002;

		asm volatile("addr16 rep outsb" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
		check_eq("OUTS with 16-bit addresses wraps", host_call(CALL_SUM, 0), 0x33);
		check_eq("it counts in CX", count, 0x30000);
		check_eq("and keeps the upper half of ESI", si, 0x50001);
	}
#endif
	reset_sum();
	outb(PORT_COUNTER, 0);
	di = (ulong)buffer;
	asm volatile("insb; insb" : "+D"(di) : "d"(PORT_COUNTER) : "memory");
	check_eq("INS without REP", di, (ulong)buffer + 2);
	check(is_count_up(buffer, 2), "its contents");
}

#if GUEST_MODE == GUEST_LONG || GUEST_MODE == GUEST_PAE
/* INS into a page that the guest has not mapped: #PF in the middle, to be restarted. */
static u64 *table;
static ulong fault_cx, fault_cr2;

static void map_it(struct trap_frame *frame)
{
	fault_cx = frame->cx;
	fault_cr2 = read_cr2();
	table[1] = 0x601003;
	invlpg(0x601000);
}

static void restart(void)
{
	ulong di = 0x600ff0, count = 32;

	table = map_window(0x600000);
	table[1] = 0;
	invlpg(0x601000);
	trap_handler(VEC_PF, map_it);
	outb(PORT_COUNTER, 0);
	asm volatile("rep insb" : "+D"(di), "+c"(count) : "d"(PORT_COUNTER) : "memory");
	check_eq("#PF in a string: address", fault_cr2, 0x601000);
	check_eq("#PF in a string: rCX stands where it stopped", fault_cx, 16);
	check(is_count_up((u8 *)0x600ff0, 16), "what came before the fault is there");
	/* KVM loses what it had read ahead, and the SDM lets it */
	if (!host_call(CALL_IS_KVM, 0))
		check(is_count_up((u8 *)0x600ff0, 32), "and it goes on behind the fault");
	table[1] = 0;
	invlpg(0x601000);
	di = 0x600ff0, count = 32;
	reset_sum();
	memset((void *)0x600ff0, 1, 16);
	asm volatile("rep outsb" : "+S"(di), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("OUTS over a #PF", host_call(CALL_SUM_COUNT, 0), 32);
	trap_handler(VEC_PF, 0);
}
#endif

void guest_main(void)
{
	sizes();
	string_out();
	string_in();
	overrides();
#if GUEST_MODE == GUEST_LONG || GUEST_MODE == GUEST_PAE
	restart();
#endif
}
