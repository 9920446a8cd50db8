// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports, strings and interrupts in real mode, with segments. */
#include "guest.h"

static u8 buffer[64];

static u16 segment_of(void *p)
{
	return (u32)p >> 4;
}

static void strings(void)
{
	u16 seg = segment_of(buffer);
	u32 si = (u32)buffer & 15, di = si, count = 16;

	for (unsigned int i = 0; i < sizeof(buffer); i++)
		buffer[i] = 3;
	host_call(CALL_SUM_COUNT, 0);
	asm volatile("pushl %%ds; mov %w3, %%ds; rep outsb; popl %%ds"
		     : "+S"(si), "+c"(count)
		     : "d"(PORT_SUM), "r"(seg)
		     : "memory");
	check_eq("rep outsb from another segment", host_call(CALL_SUM, 0), 48);
	check_eq("its elements", host_call(CALL_SUM_COUNT, 0), 16);
	count = 8;
	outb(PORT_COUNTER, 0);
	asm volatile("pushl %%es; mov %w3, %%es; rep insb; popl %%es"
		     : "+D"(di), "+c"(count)
		     : "d"(PORT_COUNTER), "r"(seg)
		     : "memory");
	check_eq("rep insb to another segment", buffer[7], 7);
	check_eq("and not beyond", buffer[8], 3);
}

/* SI runs over the end of its segment: it wraps to 0. */
static void wrapping(void)
{
	u32 si = 0xfffe, count = 4;

	*(volatile u8 *)0xfffe = 1;
	*(volatile u8 *)0xffff = 2;
	host_call(CALL_SUM_COUNT, 0);
	/* with DS = 0 the bytes after FFFF are those of the vector table */
	asm volatile("rep outsb" : "+S"(si), "+c"(count) : "d"(PORT_SUM) : "memory");
	check_eq("SI wraps at 64 KiB", si & 0xffff, 2);
	check_eq("and the rest of ESI stays", si >> 16, 0);
	check_eq("four elements", host_call(CALL_SUM_COUNT, 0), 4);
}

static void text_memory(void)
{
	u16 value, seg = 0xb800;

	/* nothing is there: reads give ones, writes vanish */
	asm volatile("pushl %%es; mov %w1, %%es; movw $0x1234, %%es:0; movw %%es:0, %w0; popl %%es"
		     : "=r"(value)
		     : "r"(seg)
		     : "memory");
	check(value == 0x1234 || value == 0xffff, "memory at B800:0 answers");
}

void guest_main(void)
{
	strings();
	wrapping();
	text_memory();
}
