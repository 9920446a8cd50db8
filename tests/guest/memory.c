// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory as the hypervisor gives it: all of it, read-only parts, parts that change
 * under the guest, code that changes itself.
 */
#include "guest.h"

#define READONLY 0x2000000UL /* 32 MiB: mapped read-only by the test */
#define MOVING 0x3000000UL   /* 48 MiB: mapped, changed and removed by the test */

static void all_of_it(void)
{
	bool good = true;

	for (ulong p = 0x400000; p < GUEST_RAM_BYTES; p += 4096)
		write32(p + 8, p ^ 0x5a5a5a5a);
	for (ulong p = 0x400000; p < GUEST_RAM_BYTES; p += 4096)
		good &= read32(p + 8) == (u32)(p ^ 0x5a5a5a5a);
	check(good, "every page keeps its contents");
}

static void self_modifying(void)
{
	static u8 code[] __attribute__((aligned(16))) = { 0xb8, 1, 0, 0, 0, 0xc3 };
	u32 (*volatile fn)(void) = (u32 (*)(void))(ulong)code;
	bool good = true;

	for (unsigned int i = 0; i < 100; i++) {
		*(volatile u32 *)(code + 1) = i;
		good &= fn() == i;
	}
	check(good, "code that is changed runs changed");
}

static void read_only(void)
{
	u32 before = read32(READONLY + 0x10);

	check_eq("read-only memory can be read", before, 0x600dda7a);
	host_call(CALL_TEST, 0); /* expect a write exit at READONLY + 0x10 */
	write32(READONLY + 0x10, 0xbad);
	check_eq("a write to it exits", host_call(CALL_TEST + 1, 0), 0xbad);
	check_eq("and changes nothing", read32(READONLY + 0x10), before);
	/* code runs from it: mov $0x1234, %eax; ret, put there by the test */
	check_eq("code runs from it", ((u32(*)(void))(READONLY + 0x100))(), 0x1234);
	asm volatile("lock; addl $1, %0" : "+m"(*(u32 *)(READONLY + 0x10)));
	check_eq("nor does a read-modify-write", read32(READONLY + 0x10), before);
}

static void changes_below(void)
{
	check_eq("memory that comes later: nothing at first", read32(MOVING), 0xffffffff);
	host_call(CALL_TEST + 2, 0); /* map */
	check_eq("mapped while the guest runs", read32(MOVING), 0x11111111);
	write32(MOVING + 4, 0x22222222);
	host_call(CALL_TEST + 3, 0); /* other memory at the same place */
	check_eq("other memory in its place", read32(MOVING), 0x33333333);
	check_eq("also where the guest had written", read32(MOVING + 4), 0);
	host_call(CALL_TEST + 4, 0); /* mremap'ed, unmapped and mapped anew by the process */
	check_eq("another page below the same mapping", read32(MOVING), 0x44444444);
	host_call(CALL_TEST + 5, 0); /* MADV_DONTNEED */
	check_eq("dropped pages read as zero", read32(MOVING), 0);
	write32(MOVING, 0x55555555);
	check_eq("and can be written", host_call(CALL_TEST + 6, 0), 0x55555555);
	host_call(CALL_TEST + 7, 0); /* a fork, after which the process writes */
	check_eq("after a fork the process's write is seen", read32(MOVING), 0x66666666);
	write32(MOVING, 0x77777777);
	check_eq("and the guest's is seen by the process", host_call(CALL_TEST + 6, 0), 0x77777777);
	host_call(CALL_TEST + 8, 0); /* unmap */
	check_eq("unmapped again", read32(MOVING), 0xffffffff);
}

void guest_main(void)
{
	all_of_it();
	self_modifying();
	read_only();
	changes_below();
}
