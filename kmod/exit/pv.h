/* SPDX-License-Identifier: GPL-2.0-only */
/* The paravirtual interface: what the parts of exit/ share about it. */
#ifndef MYHV_EXIT_PV_H
#define MYHV_EXIT_PV_H

#include <linux/types.h>

/* CPUID_PV_* that work; the VM's MYHV_PV_* choose among them. */
#define PV_IMPLEMENTED                                                               \
	(CPUID_PV_CLOCK | CPUID_PV_CLOCK2 | CPUID_PV_NOP_IO_DELAY | CPUID_PV_EOI | \
	 CPUID_PV_UNHALT | CPUID_PV_CLOCK_STABLE)

/* MSR_PV_EOI: a multiple of 4, and this. */
#define PV_EOI_ENABLE BIT_ULL(0)
#define PV_EOI_RESERVED BIT_ULL(1)

/* The LAPIC timer counts nanoseconds at divider 1. */
#define PV_APIC_BUS_KHZ 1000000

/* The host's TSC runs at one rate, in step on all CPUs. */
bool tsc_is_steady(void);

#endif /* MYHV_EXIT_PV_H */
