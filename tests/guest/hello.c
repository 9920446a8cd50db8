// SPDX-License-Identifier: GPL-2.0-or-later
/* The smallest guest: code runs, memory and ports work in this mode. */
#include "guest.h"

static u32 counter = 41;

void guest_main(void)
{
	check_eq("initialized data is there", counter, 41);
	counter++;
	check_eq("memory can be written", counter, 42);
	outl(PORT_LATCH, 0x12345678);
	check_eq("a port can be read back", inl(PORT_LATCH), 0x12345678);
#if GUEST_MODE == GUEST_LONG
	check_eq("EFER.LMA is set", rdmsr(MSR_EFER) & EFER_LMA, EFER_LMA);
#elif GUEST_MODE == GUEST_REAL
	check_eq("CR0.PE is clear", read_cr0() & CR0_PE, 0);
#else
	check_eq("CR0.PE is set", read_cr0() & CR0_PE, CR0_PE);
	check_eq("EFER.LMA is clear", rdmsr(MSR_EFER) & EFER_LMA, 0);
	check_eq("CR0.PG and the mode agree", !!(read_cr0() & CR0_PG), GUEST_MODE == GUEST_PAE);
#endif
}
