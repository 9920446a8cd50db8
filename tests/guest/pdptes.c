// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The four top entries of PAE paging. Intel's CPUs load them at writes to CR0, CR3 and CR4, and
 * refuse reserved bits there (SDM "PDPTE Registers"); under nested paging AMD's read them when
 * they are needed.
 */
#include "guest.h"

#define CR0_CD 0x40000000u
#define CR0_NW 0x20000000u
#define INTEL 0x756e6547u /* "Genu" */

static bool loads_entries(void)
{
	u32 r[4];

	cpuid(0, 0, r);
	return r[1] == INTEL;
}

static void expect(const char *name, bool refused)
{
	if (refused)
		check_trap(name, VEC_GP, 0);
	else
		check_no_trap(name);
}

static void try_cr4(const char *name, bool refused)
{
	ulong cr4 = read_cr4();

	TRY("mov %0, %%cr4", "r"(cr4 ^ CR4_PGE));
	expect(name, refused);
	check_eq("CR4 then", read_cr4(), refused ? cr4 : cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

void guest_main(void)
{
	static const u8 reserved[] = { 1, 2, 5, 6, 7, 8, 51, 63 };
	u64 *entry = (u64 *)(read_cr3() & ~31ul) + 3; /* nothing is used there */
	ulong cr0 = read_cr0();
	bool loads = loads_entries();
	u64 good = *entry;
	unsigned int i;

	try_cr4("CR4: good entries", false);
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		*entry = good | 1 | 1ULL << reserved[i];
		TRY("mov %0, %%cr4", "r"(read_cr4() ^ CR4_PGE));
		expect("CR4: a reserved bit", loads);
		*entry = good;
		write_cr4(read_cr4());
	}
	*entry = ~1ULL;
	try_cr4("CR4: an entry that is not present may hold anything", false);

	*entry = good | 3;
	try_cr4("CR4 with a bad entry", loads);
	TRY("mov %0, %%cr3", "r"(read_cr3()));
	expect("CR3 with a bad entry", loads);
	TRY("mov %0, %%cr0", "r"((cr0 ^ CR0_CD) & ~(ulong)CR0_NW));
	expect("CR0.CD with a bad entry", loads);
	*entry = good;
	write_cr0(cr0);

	write_cr0(cr0 & ~(ulong)CR0_PG);
	*entry = good | 3;
	TRY("mov %0, %%cr0", "r"(cr0));
	expect("CR0.PG with a bad entry", loads);
	check_eq("CR0 then", read_cr0(), loads ? cr0 & ~(ulong)CR0_PG : cr0);
	*entry = good;
	write_cr0(cr0);
	check_eq("CR0.PG with good entries", read_cr0(), cr0);
	guest_exit(0);
}
