// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest page walk: every paging mode, every right, reserved bits, accessed and
 * dirty bits, and the exact error code of each refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "guest_walk.h"

#define P BIT_ULL(0)
#define W BIT_ULL(1)
#define U BIT_ULL(2)
#define A BIT_ULL(5)
#define D BIT_ULL(6)
#define PS BIT_ULL(7)
#define G BIT_ULL(8)
#define NX BIT_ULL(63)

/* Guest memory is these pages, at gpa 0; anything above is not there. */
#define NR_PAGES 8
static u8 memory[NR_PAGES * 4096];
#define ROOT 0x1000ULL
#define TABLE4 0x2000ULL
#define TABLE3 0x3000ULL
#define TABLE2 0x4000ULL
#define TABLE1 0x5000ULL

static unsigned int nr_cmpxchg;
/* So many cmpxchg find the entry changed. */
static unsigned int nr_races;
static bool read_only;

static bool read_pte(void *ctx, u64 gpa, unsigned int bytes, u64 *pte)
{
	assert_ptr_equal(ctx, memory);
	assert_true(bytes == 4 || bytes == 8);
	assert_int_equal(gpa % bytes, 0);
	if (gpa + bytes > sizeof(memory))
		return false;
	*pte = 0;
	memcpy(pte, memory + gpa, bytes);
	return true;
}

static int cmpxchg_pte(void *ctx, u64 gpa, unsigned int bytes, u64 old, u64 new)
{
	u64 now;

	nr_cmpxchg++;
	if (read_only || !read_pte(ctx, gpa, bytes, &now))
		return -1;
	if (nr_races) {
		nr_races--;
		return 0;
	}
	if (now != old)
		return 0;
	memcpy(memory + gpa, &new, bytes);
	return 1;
}

static const struct guest_walk_ops ops = { .read_pte = read_pte, .cmpxchg_pte = cmpxchg_pte };

static struct guest_paging paging;
static struct guest_walk_result result;
static u32 error;

static void put(u64 table, unsigned int index, unsigned int bytes, u64 pte)
{
	memcpy(memory + table + index * bytes, &pte, bytes);
}

static u64 get(u64 table, unsigned int index, unsigned int bytes)
{
	u64 pte = 0;

	memcpy(&pte, memory + table + index * bytes, bytes);
	return pte;
}

static enum guest_walk_status walk(u64 gva, unsigned int access)
{
	error = 0xdead;
	return guest_walk(&paging, &ops, memory, gva, access, false, &result, &error);
}

static enum guest_walk_status walk_ac(u64 gva, unsigned int access)
{
	return guest_walk(&paging, &ops, memory, gva, access, true, &result, &error);
}

#define assert_fault(gva, access, code)                                  \
	do {                                                             \
		assert_int_equal(walk(gva, access), GUEST_WALK_FAULT);  \
		assert_int_equal(error, code);                          \
	} while (0)

#define assert_maps(gva, access, to)                                  \
	do {                                                          \
		assert_int_equal(walk(gva, access), GUEST_WALK_OK);  \
		assert_true(result.gpa == (to));                     \
	} while (0)

static int reset(void **state)
{
	memset(memory, 0, sizeof(memory));
	paging = (struct guest_paging){
		.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP,
		.cr3 = ROOT,
		.maxphyaddr = 40,
		.pages_1g = true,
	};
	nr_cmpxchg = 0;
	nr_races = 0;
	read_only = false;
	return 0;
}

/* 4 levels; GVA 0x8080604000 + n pages uses index 1, 2, 3 and 4 + n. */
#define GVA4 ((1ULL << 39) | (2ULL << 30) | (3ULL << 21) | (4ULL << 12))

static int reset_long(void **state)
{
	reset(state);
	paging.cr4 = X86_CR4_PAE;
	paging.efer = EFER_LME | EFER_LMA | EFER_NX;
	put(ROOT, 1, 8, TABLE3 | P | W | U);
	put(TABLE3, 2, 8, TABLE2 | P | W | U);
	put(TABLE2, 3, 8, TABLE1 | P | W | U);
	put(TABLE1, 4, 8, 0x123456000 | P | W | U);
	return 0;
}

static void test_paging_off(void **state)
{
	paging.cr0 = X86_CR0_PE;
	assert_maps(0x123456789, X86_ACCESS_WRITE | X86_ACCESS_USER, 0x23456789);
	assert_int_equal(result.page_shift, 12);
	assert_int_equal(result.rights, GUEST_WALK_WRITE | GUEST_WALK_USER | GUEST_WALK_EXEC);
}

static void test_32bit(void **state)
{
	put(ROOT, 0x301, 4, TABLE1 | P | W | U);
	put(TABLE1, 0x3ff, 4, 0xfedcb000 | P | W | G);
	assert_maps(0xc07ff123, 0, 0xfedcb123);
	/* Linear addresses are 32 bits wide. */
	assert_maps(0xffffffffc07ff123, 0, 0xfedcb123);
	assert_int_equal(result.page_shift, 12);
	/* G counts only with CR4.PGE, NX does not exist. */
	assert_int_equal(result.rights, GUEST_WALK_WRITE | GUEST_WALK_EXEC);
	paging.cr4 = X86_CR4_PGE;
	paging.efer = EFER_NX;
	assert_maps(0xc07ff123, X86_ACCESS_FETCH, 0xfedcb123);
	assert_int_equal(result.rights, GUEST_WALK_WRITE | GUEST_WALK_EXEC | GUEST_WALK_GLOBAL);

	assert_fault(0xc07ff123, X86_ACCESS_USER, PFERR_PRESENT | PFERR_USER);
	assert_fault(0xc07fe000, X86_ACCESS_WRITE, PFERR_WRITE);
	assert_fault(0x00400000, X86_ACCESS_USER, PFERR_USER);
	/* A fetch is marked as such only where it can be told from a read. */
	assert_fault(0x00400000, X86_ACCESS_FETCH, 0);
	paging.cr4 = X86_CR4_SMEP;
	assert_fault(0x00400000, X86_ACCESS_FETCH, PFERR_FETCH);
}

static void test_pse(void **state)
{
	/* PSE-36: bits 20:13 are address bits 39:32. */
	put(ROOT, 1, 4, 0x00c00000 | (0x12ULL << 13) | PS | P | W);
	paging.cr4 = X86_CR4_PSE;
	assert_maps(0x00456789, 0, 0x1200c56789);
	assert_int_equal(result.page_shift, 22);
	/* Bit 21 is reserved, and what lies above the address width. */
	put(ROOT, 1, 4, 0x00c00000 | BIT_ULL(21) | PS | P | W);
	assert_fault(0x00456789, 0, PFERR_PRESENT | PFERR_RSVD);
	put(ROOT, 1, 4, 0x00c00000 | (0x12ULL << 13) | PS | P | W);
	paging.maxphyaddr = 36;
	assert_fault(0x00456789, 0, PFERR_PRESENT | PFERR_RSVD);
	put(ROOT, 1, 4, 0x00c00000 | (0x2ULL << 13) | PS | P | W);
	assert_maps(0x00456789, 0, 0x200c56789);
	paging.maxphyaddr = 32;
	assert_fault(0x00456789, 0, PFERR_PRESENT | PFERR_RSVD);
	/* Without CR4.PSE the bit means nothing. */
	paging.cr4 = 0;
	put(ROOT, 1, 4, TABLE1 | PS | P | W);
	put(TABLE1, 0x56, 4, 0x77000 | P);
	assert_maps(0x00456789, 0, 0x77789);
}

static void test_pae(void **state)
{
	paging.cr4 = X86_CR4_PAE;
	paging.cr3 = ROOT | 0x20 | 0x1f;
	put(ROOT + 0x20, 3, 8, TABLE2 | P);
	put(TABLE2, 1, 8, TABLE1 | P | W | U);
	put(TABLE1, 2, 8, 0xab12345000 | P | W | U);
	put(TABLE2, 5, 8, 0x600000 | PS | P | W | U);
	assert_maps(0xc0202abc, X86_ACCESS_WRITE | X86_ACCESS_USER, 0xab12345abc);
	assert_maps(0xc0b12345, 0, 0x712345);
	assert_int_equal(result.page_shift, 21);

	/* The top entries carry neither rights nor accessed bits; most bits are reserved. */
	paging.set_accessed = true;
	assert_maps(0xc0202abc, X86_ACCESS_WRITE, 0xab12345abc);
	assert_true(get(ROOT + 0x20, 3, 8) == (TABLE2 | P));
	assert_true(get(TABLE2, 1, 8) == (TABLE1 | P | W | U | A));
	assert_true(get(TABLE1, 2, 8) == (0xab12345000 | P | W | U | A | D));
	put(ROOT + 0x20, 3, 8, TABLE2 | P | W);
	assert_fault(0xc0202abc, 0, PFERR_PRESENT | PFERR_RSVD);
	put(ROOT + 0x20, 3, 8, TABLE2 | P | BIT_ULL(63));
	assert_fault(0xc0202abc, 0, PFERR_PRESENT | PFERR_RSVD);

	put(ROOT + 0x20, 3, 8, TABLE2 | P);
	put(TABLE1, 2, 8, 0x5000 | P | NX);
	assert_fault(0xc0202abc, 0, PFERR_PRESENT | PFERR_RSVD);
	paging.efer = EFER_NX;
	assert_maps(0xc0202abc, 0, 0x5abc);
	assert_fault(0xc0202abc, X86_ACCESS_FETCH, PFERR_PRESENT | PFERR_FETCH);
	/* In PAE entries bits 62:52 are reserved, even if long mode ignores them. */
	put(TABLE1, 2, 8, 0x5000 | P | BIT_ULL(52));
	assert_fault(0xc0202abc, 0, PFERR_PRESENT | PFERR_RSVD);
}

static void test_long(void **state)
{
	assert_maps(GVA4 | 0xfff, X86_ACCESS_WRITE | X86_ACCESS_USER, 0x123456fff);
	assert_int_equal(result.rights, GUEST_WALK_WRITE | GUEST_WALK_USER | GUEST_WALK_EXEC);
	assert_fault(GVA4 + 0x1000, 0, 0);
	assert_fault(GVA4 + 0x1000, X86_ACCESS_WRITE | X86_ACCESS_USER, PFERR_WRITE | PFERR_USER);
	assert_fault(GVA4 + 0x1000, X86_ACCESS_FETCH, PFERR_FETCH);
	/* Bits 62:52 belong to software. */
	put(TABLE1, 4, 8, 0x123456000 | P | GENMASK_ULL(62, 52));
	assert_maps(GVA4, 0, 0x123456000);
	/* CR3's low bits are flags or a PCID. */
	paging.cr3 |= 0xfff;
	assert_maps(GVA4, 0, 0x123456000);
}

static void test_long_large(void **state)
{
	put(TABLE2, 3, 8, 0x40000000 | PS | P | W | U);
	assert_maps(GVA4 | 5, 0, 0x40004005);
	assert_int_equal(result.page_shift, 21);
	put(TABLE2, 3, 8, 0x40000000 | BIT_ULL(13) | PS | P | W | U);
	assert_fault(GVA4, 0, PFERR_PRESENT | PFERR_RSVD);
	/* Bit 12 of a large leaf is PAT. */
	put(TABLE2, 3, 8, 0x40000000 | BIT_ULL(12) | PS | P | W | U);
	assert_maps(GVA4 | 5, 0, 0x40004005);

	put(TABLE3, 2, 8, 0x4000000000 | PS | P | W | U);
	assert_maps(GVA4 | 5, 0, 0x4000604005);
	assert_int_equal(result.page_shift, 30);
	put(TABLE3, 2, 8, 0x4000000000 | BIT_ULL(29) | PS | P | W | U);
	assert_fault(GVA4, 0, PFERR_PRESENT | PFERR_RSVD);
	put(TABLE3, 2, 8, 0x4000000000 | PS | P | W | U);
	paging.pages_1g = false;
	assert_fault(GVA4, 0, PFERR_PRESENT | PFERR_RSVD);

	put(ROOT, 1, 8, TABLE3 | PS | P | W | U);
	assert_fault(GVA4, 0, PFERR_PRESENT | PFERR_RSVD);
}

static void test_la57(void **state)
{
	paging.cr4 |= X86_CR4_LA57;
	put(ROOT, 1, 8, 0);
	put(ROOT, 7, 8, TABLE4 | P | W | U);
	put(TABLE4, 1, 8, TABLE3 | P | W | U);
	assert_maps((7ULL << 48) | GVA4 | 1, 0, 0x123456001);
	assert_fault(GVA4, 0, 0);
	put(ROOT, 7, 8, TABLE4 | PS | P | W | U);
	assert_fault((7ULL << 48) | GVA4, 0, PFERR_PRESENT | PFERR_RSVD);
}

static void test_reserved(void **state)
{
	const u32 rsvd = PFERR_PRESENT | PFERR_RSVD;

	put(TABLE1, 4, 8, BIT_ULL(40) | P | W | U);
	assert_fault(GVA4, X86_ACCESS_WRITE | X86_ACCESS_USER, rsvd | PFERR_WRITE | PFERR_USER);
	/* A non-present entry may hold anything. */
	put(TABLE1, 4, 8, BIT_ULL(40) | W | U);
	assert_fault(GVA4, 0, 0);
	paging.maxphyaddr = 52;
	put(TABLE1, 4, 8, BIT_ULL(51) | P);
	assert_maps(GVA4, 0, BIT_ULL(51));
	put(TABLE1, 4, 8, 0x1000 | NX | P);
	paging.efer &= ~EFER_NX;
	assert_fault(GVA4, 0, rsvd);
	assert_fault(GVA4, X86_ACCESS_FETCH, rsvd);
	/* Rights of levels above do not matter for it: it is found first. */
	put(TABLE1, 4, 8, 0x1000 | NX | P);
	put(TABLE2, 3, 8, TABLE1 | P);
	assert_fault(GVA4, X86_ACCESS_USER, rsvd | PFERR_USER);
}

static void test_rights_are_anded(void **state)
{
	const u64 tables[4] = { ROOT, TABLE3, TABLE2, TABLE1 };
	unsigned int i;
	u64 pte;

	for (i = 0; i < 4; i++) {
		pte = get(tables[i], i + 1, 8);
		put(tables[i], i + 1, 8, pte & ~W);
		assert_fault(GVA4, X86_ACCESS_WRITE, PFERR_PRESENT | PFERR_WRITE);
		assert_maps(GVA4, 0, 0x123456000);
		assert_int_equal(result.rights, GUEST_WALK_USER | GUEST_WALK_EXEC);
		put(tables[i], i + 1, 8, pte & ~U);
		assert_fault(GVA4, X86_ACCESS_USER, PFERR_PRESENT | PFERR_USER);
		assert_maps(GVA4, 0, 0x123456000);
		put(tables[i], i + 1, 8, pte | NX);
		assert_fault(GVA4, X86_ACCESS_FETCH | X86_ACCESS_USER,
			     PFERR_PRESENT | PFERR_FETCH | PFERR_USER);
		assert_maps(GVA4, 0, 0x123456000);
		put(tables[i], i + 1, 8, pte);
	}
}

static void test_write_protect(void **state)
{
	put(TABLE1, 4, 8, 0x1000 | P | U);
	assert_fault(GVA4, X86_ACCESS_WRITE, PFERR_PRESENT | PFERR_WRITE);
	paging.cr0 &= ~X86_CR0_WP;
	assert_maps(GVA4, X86_ACCESS_WRITE, 0x1000);
	assert_fault(GVA4, X86_ACCESS_WRITE | X86_ACCESS_USER,
		     PFERR_PRESENT | PFERR_WRITE | PFERR_USER);
}

static void test_smep_smap(void **state)
{
	paging.cr4 |= X86_CR4_SMEP;
	assert_fault(GVA4, X86_ACCESS_FETCH, PFERR_PRESENT | PFERR_FETCH);
	assert_maps(GVA4, X86_ACCESS_FETCH | X86_ACCESS_USER, 0x123456000);
	assert_maps(GVA4, 0, 0x123456000);

	paging.cr4 = X86_CR4_PAE | X86_CR4_SMAP;
	assert_maps(GVA4, X86_ACCESS_FETCH, 0x123456000);
	assert_fault(GVA4, 0, PFERR_PRESENT);
	assert_fault(GVA4, X86_ACCESS_WRITE, PFERR_PRESENT | PFERR_WRITE);
	assert_int_equal(walk_ac(GVA4, X86_ACCESS_WRITE), GUEST_WALK_OK);
	/* AC does not lift it for the CPU's own accesses, which are never the user's. */
	assert_int_equal(walk_ac(GVA4, X86_ACCESS_IMPLICIT | X86_ACCESS_USER), GUEST_WALK_FAULT);
	assert_int_equal(error, PFERR_PRESENT);
	assert_maps(GVA4, X86_ACCESS_USER, 0x123456000);

	/* Supervisor pages are not touched by either. */
	paging.cr4 |= X86_CR4_SMEP;
	put(TABLE1, 4, 8, 0x1000 | P | W);
	assert_maps(GVA4, X86_ACCESS_WRITE, 0x1000);
	assert_maps(GVA4, X86_ACCESS_FETCH, 0x1000);
	assert_maps(GVA4, X86_ACCESS_IMPLICIT | X86_ACCESS_USER, 0x1000);
}

static void test_protection_keys(void **state)
{
	const u32 pk = PFERR_PRESENT | PFERR_PK;

	put(TABLE1, 4, 8, 0x1000 | P | W | U | (5ULL << 59));
	paging.pkru = ~(3u << 10);
	paging.cr4 |= X86_CR4_PKE;
	assert_maps(GVA4, X86_ACCESS_WRITE | X86_ACCESS_USER, 0x1000);
	paging.pkru = 1u << 10; /* access disabled */
	assert_fault(GVA4, X86_ACCESS_USER, pk | PFERR_USER);
	assert_fault(GVA4, 0, pk);
	assert_maps(GVA4, X86_ACCESS_FETCH | X86_ACCESS_USER, 0x1000);
	paging.pkru = 2u << 10; /* write disabled */
	assert_maps(GVA4, X86_ACCESS_USER, 0x1000);
	assert_fault(GVA4, X86_ACCESS_WRITE, pk | PFERR_WRITE);
	paging.cr0 &= ~X86_CR0_WP;
	assert_maps(GVA4, X86_ACCESS_WRITE, 0x1000);
	assert_fault(GVA4, X86_ACCESS_WRITE | X86_ACCESS_USER, pk | PFERR_WRITE | PFERR_USER);
	/* Keys do not guard supervisor pages, and need CR4.PKE. */
	put(TABLE1, 4, 8, 0x1000 | P | W | (5ULL << 59));
	paging.pkru = 1u << 10;
	assert_maps(GVA4, 0, 0x1000);
	put(TABLE1, 4, 8, 0x1000 | P | W | U | (5ULL << 59));
	paging.cr4 &= ~X86_CR4_PKE;
	assert_maps(GVA4, X86_ACCESS_USER, 0x1000);
}

static void test_accessed_and_dirty(void **state)
{
	/* Looking leaves no trace. */
	assert_maps(GVA4, X86_ACCESS_WRITE, 0x123456000);
	assert_int_equal(nr_cmpxchg, 0);

	paging.set_accessed = true;
	assert_maps(GVA4, 0, 0x123456000);
	assert_true(get(ROOT, 1, 8) == (TABLE3 | P | W | U | A));
	assert_true(get(TABLE3, 2, 8) == (TABLE2 | P | W | U | A));
	assert_true(get(TABLE2, 3, 8) == (TABLE1 | P | W | U | A));
	assert_true(get(TABLE1, 4, 8) == (0x123456000 | P | W | U | A));
	assert_int_equal(nr_cmpxchg, 4);
	/* What is set is not written again. */
	assert_maps(GVA4, 0, 0x123456000);
	assert_int_equal(nr_cmpxchg, 4);
	assert_maps(GVA4, X86_ACCESS_WRITE, 0x123456000);
	assert_int_equal(nr_cmpxchg, 5);
	assert_true(get(TABLE1, 4, 8) == (0x123456000 | P | W | U | A | D));
	assert_true(get(TABLE2, 3, 8) == (TABLE1 | P | W | U | A));

	/* A refused access sets nothing. */
	reset_long(state);
	paging.set_accessed = true;
	put(TABLE1, 4, 8, 0x1000 | P);
	assert_fault(GVA4, X86_ACCESS_USER, PFERR_PRESENT | PFERR_USER);
	assert_int_equal(nr_cmpxchg, 0);
}

static void test_races(void **state)
{
	paging.set_accessed = true;
	nr_races = 3;
	assert_maps(GVA4, 0, 0x123456000);
	assert_int_equal(nr_cmpxchg, 3 + 4);
	assert_true(get(TABLE1, 4, 8) & A);

	/* Somebody who never stops cannot hold us for ever. */
	reset_long(state);
	paging.set_accessed = true;
	nr_races = 1000000;
	assert_maps(GVA4, 0, 0x123456000);
	assert_true(nr_cmpxchg < 100);
}

static void test_no_table(void **state)
{
	put(TABLE2, 3, 8, 0x80000000 | P | W | U);
	assert_int_equal(walk(GVA4, 0), GUEST_WALK_NO_TABLE);
	assert_true(result.gpa == 0x80000020);
	paging.cr3 = 0x7fff0000;
	assert_int_equal(walk(GVA4, 0), GUEST_WALK_NO_TABLE);
	assert_true(result.gpa == 0x7fff0008);

	reset_long(state);
	paging.set_accessed = true;
	read_only = true;
	assert_int_equal(walk(GVA4, 0), GUEST_WALK_NO_TABLE);
	assert_true(result.gpa == ROOT + 8);
}

static void test_pdptes(void **state)
{
	static const uint64_t bad[] = {
		1ULL << 1, 1ULL << 2, 1ULL << 5, 1ULL << 8, 1ULL << 40, 1ULL << 51, 1ULL << 52,
		1ULL << 63,
	};
	static const uint64_t good[] = {
		0, 1ULL << 3, 1ULL << 4, 1ULL << 9, 1ULL << 12, 1ULL << 39,
	};
	uint64_t pdptes[4] = { P, 0, 0, 0 };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pdptes[3] = P | bad[i];
		assert_false(guest_pdptes_possible(pdptes, 40));
		pdptes[3] = bad[i]; /* not present: all the rest is free */
		assert_true(guest_pdptes_possible(pdptes, 40));
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		pdptes[3] = P | good[i];
		assert_true(guest_pdptes_possible(pdptes, 40));
	}
	pdptes[3] = P | 1ULL << 51;
	assert_true(guest_pdptes_possible(pdptes, 52));
}

#define LEGACY(test) cmocka_unit_test_setup(test, reset)
#define LONG(test) cmocka_unit_test_setup(test, reset_long)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEGACY(test_paging_off),
		LEGACY(test_32bit),
		LEGACY(test_pse),
		LEGACY(test_pae),
		LONG(test_long),
		LONG(test_long_large),
		LONG(test_la57),
		LONG(test_reserved),
		LONG(test_rights_are_anded),
		LONG(test_write_protect),
		LONG(test_smep_smap),
		LONG(test_protection_keys),
		LONG(test_accessed_and_dirty),
		LONG(test_races),
		LONG(test_no_table),
		LONG(test_pdptes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
