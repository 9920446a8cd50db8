// SPDX-License-Identifier: GPL-2.0-or-later
/* The paravirtual clock, as KVM's: it runs, in step with the host's time. */
#include "guest.h"

struct clock_page {
	u32 version, pad;
	u64 tsc, system_time;
	u32 mul;
	signed char shift;
	u8 flags, pad2[2];
} __attribute__((packed));

static struct clock_page page __attribute__((aligned(64)));

static u64 clock_ns(void)
{
	volatile struct clock_page *p = &page;
	u64 delta, ns;
	u32 version;

	do {
		version = p->version;
		asm volatile("" : : : "memory");
		delta = rdtsc() - p->tsc;
		delta = p->shift >= 0 ? delta << p->shift : delta >> -p->shift;
		ns = p->system_time + (u64)(((unsigned __int128)delta * p->mul) >> 32);
		asm volatile("" : : : "memory");
	} while (version & 1 || version != p->version);
	return ns;
}

void guest_main(void)
{
	u32 r[4], wall[3] __attribute__((aligned(4))) = { 0 };
	u64 start, ns, last;
	bool monotonic = true;

	cpuid(0x40000001, 0, r);
	check(r[0] & 1 << 3, "CPUID offers the clock");
	wrmsr(0x4b564d01, (ulong)&page | 1);
	check_eq("the clock's MSR can be read back", rdmsr(0x4b564d01), (ulong)&page | 1);
	check(page.version != 0 && !(page.version & 1), "the page has been written");
	check(page.mul != 0, "it has a frequency");
	start = clock_ns();
	host_call(CALL_TEST, 0); /* note the time, sleep 50 ms */
	ns = clock_ns() - start;
	check(ns > 45000000, "50 ms are not less");
	check(ns < 60000000000, "nor much more");
	host_call(CALL_TEST + 1, ns / 1000); /* compared with what the host measured */
	last = clock_ns();
	for (unsigned int i = 0; i < 1000; i++) {
		ns = clock_ns();
		if (ns < last)
			monotonic = false;
		if (i % 10 == 0)
			inb(PORT_LATCH);
		last = ns;
	}
	check(monotonic, "it never goes back");
	wrmsr(0x4b564d00, (ulong)wall);
	check(wall[0] && !(wall[0] & 1), "the wall clock has been written");
	check(wall[1] > 900000000, "with a time of our days");
}
