/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LAPIC, IOAPIC, PIC and PIT as the guests program them. */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "guest.h"

#define LAPIC 0xfee00000UL
#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_PPR 0xa0
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_ISR 0x100
#define LAPIC_TMR 0x180
#define LAPIC_IRR 0x200
#define LAPIC_ICR 0x300
#define LAPIC_ICR2 0x310
#define LAPIC_LVTT 0x320
#define LAPIC_LVT0 0x350
#define LAPIC_TMICT 0x380
#define LAPIC_TMCCT 0x390
#define LAPIC_TDCR 0x3e0
#define LVT_MASKED 0x10000
#define LVTT_PERIODIC 0x20000
#define LVTT_DEADLINE 0x40000
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0

#define IOAPIC 0xfec00000UL

static inline u32 lapic_read(u32 reg)
{
	return read32(LAPIC + reg);
}

static inline void lapic_write(u32 reg, u32 v)
{
	write32(LAPIC + reg, v);
}

static inline void lapic_enable(void)
{
	lapic_write(LAPIC_SVR, 0x1ff);
	lapic_write(LAPIC_TPR, 0);
}

/* Is @vector's bit set in the register array at @base? */
static inline bool lapic_bit(u32 base, u8 vector)
{
	return lapic_read(base + (vector >> 5) * 0x10) >> (vector & 31) & 1;
}

static inline u32 ioapic_read(u32 reg)
{
	write32(IOAPIC, reg);
	return read32(IOAPIC + 0x10);
}

static inline void ioapic_write(u32 reg, u32 v)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, v);
}

#define IOAPIC_LEVEL 0x8000
#define IOAPIC_REMOTE_IRR 0x4000
#define IOAPIC_MASKED 0x10000

static inline void ioapic_set(unsigned int pin, u32 low)
{
	ioapic_write(0x10 + 2 * pin, low | IOAPIC_MASKED);
	ioapic_write(0x11 + 2 * pin, 0);
	ioapic_write(0x10 + 2 * pin, low);
}

static inline void pic_init(u8 base_master, u8 base_slave, u8 mask_master, u8 mask_slave)
{
	outb(0x20, 0x11);
	outb(0x21, base_master);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, base_slave);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, mask_master);
	outb(0xa1, mask_slave);
}

static inline void set_line(u32 gsi, u32 level)
{
	host_call(CALL_IRQ_LINE, gsi | level << 16);
}

/* Something that exits, long enough for a kick to arrive. */
static inline void pause_a_while(void)
{
	for (unsigned int i = 0; i < 20; i++)
		inb(PORT_LATCH);
}

static inline u64 tsc_per_ms(void)
{
	static u64 value;
	u64 start;
	u32 us;

	if (!value) {
		start = rdtsc();
		us = host_call(CALL_SLEEP, 20);
		value = (ulong)(rdtsc() - start) / (us / 1000);
	}
	return value;
}

static inline void busy_wait_ms(u32 ms)
{
	u64 end = rdtsc() + ms * tsc_per_ms();

	while (rdtsc() < end)
		asm volatile("pause");
}

#endif /* GUEST_APIC_H */
