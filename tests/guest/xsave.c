// SPDX-License-Identifier: GPL-2.0-or-later
/* The vector registers are the guest's own over exits of every kind. */
#include "guest.h"

static u8 vectors[16][32] __attribute__((aligned(32)));
static u8 seen[16][32] __attribute__((aligned(32)));
static u8 area[4096] __attribute__((aligned(64)));
static bool has_avx;

static void fill(u8 seed)
{
	for (unsigned int i = 0; i < 16; i++) {
		for (unsigned int j = 0; j < 32; j++)
			vectors[i][j] = seed + i * 32 + j * 7;
	}
}

#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) \
		 op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD_SSE(n) "movaps " #n "*32(%0), %%xmm" #n ";"
#define STORE_SSE(n) "movaps %%xmm" #n ", " #n "*32(%0);"
#define LOAD_AVX(n) "vmovaps " #n "*32(%0), %%ymm" #n ";"
#define STORE_AVX(n) "vmovaps %%ymm" #n ", " #n "*32(%0);"

static void load(void)
{
	if (has_avx)
		asm volatile(EACH(LOAD_AVX) : : "r"(vectors) : "memory");
	else
		asm volatile(EACH(LOAD_SSE) : : "r"(vectors) : "memory");
}

static bool still_there(void)
{
	if (has_avx)
		asm volatile(EACH(STORE_AVX) : : "r"(seen) : "memory");
	else
		asm volatile(EACH(STORE_SSE) : : "r"(seen) : "memory");
	for (unsigned int i = 0; i < 16; i++) {
		if (memcmp(seen[i], vectors[i], has_avx ? 32 : 16))
			return false;
	}
	return true;
}

static void enable(void)
{
	u32 r[4];

	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	cpuid(1, 0, r);
	if (!(r[2] & 1 << 26)) {
		print("no XSAVE\n");
		return;
	}
	TRY("xgetbv", "c"(0));
	check_trap("#UD by XGETBV without CR4.OSXSAVE", VEC_UD, 0);
	write_cr4(read_cr4() | CR4_OSXSAVE);
	cpuid(1, 0, r);
	check(r[2] & 1 << 27, "CPUID shows CR4.OSXSAVE");
	TRY("xsetbv", "c"(0), "a"(0), "d"(0));
	check_trap("#GP by XCR0 without x87", VEC_GP, 0);
	TRY("xsetbv", "c"(0), "a"(5), "d"(0));
	check_trap("#GP by XCR0 with AVX and without SSE", VEC_GP, 0);
	TRY("xsetbv", "c"(0), "a"(3), "d"(0x40000000));
	check_trap("#GP by an unknown bit of XCR0", VEC_GP, 0);
	TRY("xsetbv", "c"(1), "a"(3), "d"(0));
	check_trap("#GP by XCR1", VEC_GP, 0);
	has_avx = r[2] & 1 << 28;
	asm volatile("xsetbv" : : "c"(0), "a"(has_avx ? 7 : 3), "d"(0));
	asm volatile("xgetbv" : "=a"(r[0]) : "c"(0) : "edx");
	check_eq("XCR0 can be read back", r[0], has_avx ? 7 : 3);
	cpuid(0xd, 0, r);
	check_eq("CPUID gives the size for XCR0", r[1], has_avx ? 832 : 576);
	print(has_avx ? "with AVX\n" : "without AVX\n");
}

static void over_exits(void)
{
	u32 r[4];

	fill(1);
	load();
	cpuid(0, 0, r);
	check(still_there(), "vector registers over an exit in the kernel");
	fill(2);
	load();
	inb(PORT_LATCH);
	check(still_there(), "over an exit to user space");
	fill(3);
	load();
	host_call(CALL_TEST, 0); /* the host uses its own vector registers */
	check(still_there(), "while the host uses its own");
	fill(4);
	load();
	host_call(CALL_SLEEP, 30);
	check(still_there(), "while others run");
	fill(5);
	load();
	for (u64 end = rdtsc() + 100000000; rdtsc() < end;)
		asm volatile("pause");
	check(still_there(), "over the host's interrupts");
}

static void control_words(void)
{
	u16 fcw = 0x27f, fcw_seen;
	u32 mxcsr = 0x3f80, mxcsr_seen;
	long double pi, pi_seen;

	asm volatile("fninit; fldcw %0; ldmxcsr %1; fldpi" : : "m"(fcw), "m"(mxcsr));
	inb(PORT_LATCH);
	asm volatile("fnstcw %0; stmxcsr %1; fstpt %2"
		     : "=m"(fcw_seen), "=m"(mxcsr_seen), "=m"(pi_seen));
	asm volatile("fldpi; fstpt %0" : "=m"(pi));
	check_eq("x87 control word", fcw_seen, 0x27f);
	check_eq("MXCSR", mxcsr_seen, 0x3f80);
	check(!memcmp(&pi, &pi_seen, 10), "x87 stack");
}

static void save_and_restore(void)
{
	fill(6);
	load();
	if (read_cr4() & CR4_OSXSAVE) {
		asm volatile("xsave64 (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
		fill(7);
		load();
		inb(PORT_LATCH);
		asm volatile("xrstor64 (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
		fill(6);
		check(still_there(), "XSAVE and XRSTOR");
	}
}

#define XCR0_PKRU 0x200

/*
 * PKRU by XRSTOR alone, with CR4.PKE clear from the start: it denies all, and must do so in the
 * guest only.
 */
static void protection_keys(void)
{
	u32 r[4], xcr0, *pkru;

	cpuid(7, 0, r);
	if (!(read_cr4() & CR4_OSXSAVE) || !(r[2] & 1 << 3))
		return;
	asm volatile("xgetbv" : "=a"(xcr0) : "c"(0) : "edx");
	TRY("xsetbv", "c"(0), "a"(xcr0 | XCR0_PKRU), "d"(0));
	check_no_trap("XCR0 with PKRU");
	cpuid(0xd, 9, r);
	pkru = (u32 *)(area + r[1]);
	memset(area, 0, sizeof(area));
	*pkru = 0xffffffff;
	*(u64 *)(area + 512) = XCR0_PKRU;
	asm volatile("xrstor (%0)" : : "r"(area), "a"(XCR0_PKRU), "d"(0) : "memory");
	inb(PORT_LATCH);
	cpuid(0, 0, r);
	*pkru = 0;
	asm volatile("xsave (%0)" : : "r"(area), "a"(XCR0_PKRU), "d"(0) : "memory");
	check_eq("PKRU over exits", *pkru, 0xffffffff);
	asm volatile("xsetbv" : : "c"(0), "a"(xcr0), "d"(0));
}

void guest_main(void)
{
	enable();
	over_exits();
	control_words();
	save_and_restore();
	protection_keys();
}
