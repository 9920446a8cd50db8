// SPDX-License-Identifier: GPL-2.0-or-later
/* Second-level tables: installing, rights, sizes, removal, splitting, accessed bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "slat.h"

#define K4 0x1000ULL
#define M2 0x200000ULL
#define G1 0x40000000ULL

#define NPT_P BIT_ULL(0)
#define NPT_W BIT_ULL(1)
#define NPT_U BIT_ULL(2)
#define NPT_A BIT_ULL(5)
#define NPT_D BIT_ULL(6)
#define NPT_PS BIT_ULL(7)
#define NPT_NX BIT_ULL(63)
#define ADDR GENMASK_ULL(51, 12)

static struct slat_format npt_format(u8 levels)
{
	return (struct slat_format){
		.levels = levels,
		.max_page_level = 3,
		.ad_bits = true,
		.table_bits = NPT_P | NPT_W | NPT_U | NPT_A,
		.leaf_bits = NPT_P | NPT_U,
		.large_bit = NPT_PS,
		.write_bit = NPT_W,
		.nx_bit = NPT_NX,
		.accessed_bit = NPT_A,
		.dirty_bit = NPT_D,
		.present_mask = NPT_P,
		.address_mask = ADDR,
	};
}

/* EPT without accessed and dirty bits */
static const struct slat_format ept_format = {
	.levels = 4,
	.max_page_level = 3,
	.table_bits = 7,
	.leaf_bits = 1 | 6 << 3,
	.large_bit = BIT_ULL(7),
	.write_bit = 2,
	.exec_bit = 4,
	.present_mask = 7,
	.address_mask = ADDR,
};

/* Tables live in this arena; "physical" addresses are page numbers in it, from 1. */
#define ARENA_PAGES 4096
struct world {
	struct slat_format format;
	struct slat_tables t;
	u64 (*page)[512];
	unsigned int used;
	unsigned int alloc_limit;
	unsigned int nr_retired;
	unsigned int nr_unused;
	/* a faster CPU: what it links when we allocate */
	u64 *race_entry;
	u64 race_value;
};

static u64 *op_table(void *ctx, u64 hpa)
{
	struct world *w = ctx;

	assert_true(hpa && hpa / K4 < w->used + 1);
	return w->page[hpa / K4 - 1];
}

static u64 *op_alloc(void *ctx, u64 *hpa)
{
	struct world *w = ctx;

	if (w->race_entry) {
		*w->race_entry = w->race_value;
		w->race_entry = NULL;
	}
	if (w->used >= w->alloc_limit)
		return NULL;
	*hpa = ++w->used * K4;
	return w->page[w->used - 1];
}

static void op_unused(void *ctx, u64 hpa)
{
	((struct world *)ctx)->nr_unused++;
}

static void op_retired(void *ctx, u64 hpa)
{
	((struct world *)ctx)->nr_retired++;
}

static const struct slat_ops ops = {
	.table = op_table,
	.alloc = op_alloc,
	.unused = op_unused,
	.retired = op_retired,
};

static struct world *world_new(struct slat_format format)
{
	struct world *w = calloc(1, sizeof(*w));

	w->page = calloc(ARENA_PAGES, 4096);
	w->format = format;
	w->used = 1;
	w->alloc_limit = ARENA_PAGES;
	w->t = (struct slat_tables){
		.format = &w->format, .ops = &ops, .ctx = w, .root = w->page[0]
	};
	return w;
}

static void world_free(struct world *w)
{
	free(w->page);
	free(w);
}

/* An independent walk, as the hardware does it: the entry that maps @gpa, or 0. */
static u64 walk(struct world *w, u64 gpa, unsigned int *level)
{
	u64 hpa = K4;
	int l;

	for (l = w->format.levels; l; l--) {
		u64 e = w->page[hpa / K4 - 1][gpa >> (12 + 9 * (l - 1)) & 511];

		*level = l;
		if (!(e & w->format.present_mask))
			return 0;
		if (l == 1 || (e & w->format.large_bit))
			return e;
		hpa = e & w->format.address_mask;
	}
	return 0;
}

static u64 *walk_entry(struct world *w, u64 gpa, int level)
{
	u64 hpa = K4;
	int l;

	for (l = w->format.levels; l > level; l--)
		hpa = w->page[hpa / K4 - 1][gpa >> (12 + 9 * (l - 1)) & 511] & ADDR;
	return &w->page[hpa / K4 - 1][gpa >> (12 + 9 * (level - 1)) & 511];
}

static void assert_leaf(struct world *w, u64 gpa, unsigned int level, u64 entry)
{
	unsigned int found;

	assert_int_equal(walk(w, gpa, &found), entry);
	assert_int_equal(found, level);
}

static void test_install_4k(void **state)
{
	struct world *w = world_new(npt_format(4));
	unsigned int level;

	assert_int_equal(slat_install(&w->t, 0x5000, 1, 0x123000, SLAT_READ | SLAT_EXEC),
			 SLAT_INSTALLED);
	assert_leaf(w, 0x5000, 1, 0x123000 | NPT_P | NPT_U | NPT_A);
	assert_int_equal(walk(w, 0x6000, &level), 0);
	assert_int_equal(level, 1);
	assert_int_equal(walk(w, 0x5000 + M2, &level), 0);
	assert_int_equal(level, 2);
	assert_int_equal(w->t.leaves[0], 1);
	assert_int_equal(w->t.tables, 3);

	/* not executable, writable; the neighbour in the same table */
	assert_int_equal(slat_install(&w->t, 0x6000, 1, 0x124000, SLAT_WRITE), SLAT_INSTALLED);
	assert_leaf(w, 0x6000, 1, 0x124000 | NPT_P | NPT_W | NPT_U | NPT_A | NPT_NX);
	assert_int_equal(w->t.tables, 3);
	world_free(w);
}

static void test_five_levels(void **state)
{
	struct world *w = world_new(npt_format(5));
	u64 gpa = 0x1ffULL << 48 | 0x1000;

	assert_int_equal(slat_limit(&w->format), 1ULL << 57);
	assert_int_equal(slat_install(&w->t, gpa, 1, 0x7000, SLAT_EXEC), SLAT_INSTALLED);
	assert_leaf(w, gpa, 1, 0x7000 | NPT_P | NPT_U | NPT_A);
	assert_int_equal(w->t.tables, 4);
	assert_true(slat_unmap(&w->t, 0, slat_limit(&w->format)));
	assert_int_equal(w->nr_retired, 4);
	assert_int_equal(w->t.tables, 0);
	assert_int_equal(w->t.leaves[0], 0);
	world_free(w);
}

static void test_rights_grow(void **state)
{
	struct world *w = world_new(npt_format(4));

	slat_install(&w->t, 0, 1, 0x8000, SLAT_EXEC);
	assert_int_equal(slat_install(&w->t, 0, 1, 0x8000, SLAT_EXEC), SLAT_PRESENT);
	*walk_entry(w, 0, 1) |= NPT_D;
	assert_int_equal(slat_install(&w->t, 0, 1, 0x8000, SLAT_WRITE), SLAT_INSTALLED);
	/* keeps the right to execute and the dirty bit */
	assert_leaf(w, 0, 1, 0x8000 | NPT_P | NPT_W | NPT_U | NPT_A | NPT_D);
	assert_int_equal(slat_install(&w->t, 0, 1, 0x8000, SLAT_EXEC), SLAT_PRESENT);
	assert_int_equal(w->t.leaves[0], 1);

	/* another page at the same place is refused and changes nothing */
	assert_int_equal(slat_install(&w->t, 0, 1, 0x9000, SLAT_EXEC), SLAT_CONFLICT);
	assert_leaf(w, 0, 1, 0x8000 | NPT_P | NPT_W | NPT_U | NPT_A | NPT_D);
	world_free(w);
}

static void test_large_pages(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 bits = NPT_P | NPT_U | NPT_A | NPT_PS;

	/* any address inside: the leaf is aligned */
	assert_int_equal(slat_install(&w->t, M2 + 0x5000, 2, 8 * M2 + 0x5000, SLAT_EXEC),
			 SLAT_INSTALLED);
	assert_leaf(w, M2, 2, 8 * M2 | bits);
	assert_leaf(w, 2 * M2 - 1, 2, 8 * M2 | bits);
	assert_int_equal(slat_install(&w->t, 5 * G1 + 0x1000, 3, 7 * G1 + 0x1000, SLAT_EXEC),
			 SLAT_INSTALLED);
	assert_leaf(w, 5 * G1 + 123 * M2, 3, 7 * G1 | bits);
	assert_int_equal(w->t.leaves[1], 1);
	assert_int_equal(w->t.leaves[2], 1);

	/* a small page inside: present when the large one grants just it, else a conflict */
	assert_int_equal(slat_install(&w->t, M2 + 0x7000, 1, 8 * M2 + 0x7000, SLAT_EXEC),
			 SLAT_PRESENT);
	assert_int_equal(slat_install(&w->t, M2 + 0x7000, 1, 8 * M2 + 0x7000, SLAT_WRITE),
			 SLAT_CONFLICT);
	assert_int_equal(slat_install(&w->t, M2 + 0x7000, 1, 8 * M2 + 0x9000, SLAT_EXEC),
			 SLAT_CONFLICT);
	assert_int_equal(slat_install(&w->t, M2 + 0x7000, 1, 9 * M2 + 0x7000, SLAT_EXEC),
			 SLAT_CONFLICT);
	assert_leaf(w, M2, 2, 8 * M2 | bits);
	world_free(w);
}

static void test_table_in_the_way(void **state)
{
	struct world *w = world_new(npt_format(4));

	slat_install(&w->t, 0x1000, 1, M2 + 0x1000, SLAT_EXEC);
	assert_int_equal(slat_install(&w->t, 0x2000, 2, M2 + 0x2000, SLAT_EXEC), SLAT_INSTALLED);
	assert_leaf(w, 0x2000, 1, (M2 + 0x2000) | NPT_P | NPT_U | NPT_A);
	assert_int_equal(w->t.leaves[0], 2);
	assert_int_equal(w->t.leaves[1], 0);
	world_free(w);
}

static void test_no_table(void **state)
{
	struct world *w = world_new(npt_format(4));
	unsigned int level;

	w->alloc_limit = w->used + 2;
	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_EXEC), SLAT_NO_TABLE);
	assert_int_equal(walk(w, 0x1000, &level), 0);
	w->alloc_limit++;
	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_EXEC), SLAT_INSTALLED);
	assert_int_equal(w->t.tables, 3);
	world_free(w);
}

/* Another CPU links a table between our look and our cmpxchg: ours is handed back. */
static void test_race_for_table(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 theirs;

	op_alloc(w, &theirs);
	w->race_entry = &w->page[0][0];
	w->race_value = theirs | w->format.table_bits;
	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_EXEC), SLAT_INSTALLED);
	assert_int_equal(w->nr_unused, 1);
	assert_int_equal(w->page[0][0] & ADDR, theirs);
	assert_leaf(w, 0x1000, 1, 0x9000 | NPT_P | NPT_U | NPT_A);
	assert_int_equal(w->t.tables, 2);
	world_free(w);
}

static void test_unmap(void **state)
{
	struct world *w = world_new(npt_format(4));
	unsigned int level;
	u64 i;

	for (i = 0; i < 8; i++)
		slat_install(&w->t, i * K4, 1, 0x100000 + i * K4, SLAT_WRITE);
	/* nothing there: no flush is due */
	assert_false(slat_unmap(&w->t, 8 * K4, M2));
	assert_false(slat_unmap(&w->t, M2, 5 * G1));

	assert_true(slat_unmap(&w->t, 2 * K4, 4 * K4));
	assert_int_not_equal(walk(w, K4, &level), 0);
	assert_int_equal(walk(w, 2 * K4, &level), 0);
	assert_int_equal(walk(w, 3 * K4, &level), 0);
	assert_int_not_equal(walk(w, 4 * K4, &level), 0);
	assert_int_equal(w->t.leaves[0], 6);
	assert_int_equal(w->nr_retired, 0);

	/* a whole table goes with its leaves; they stay readable until the flush */
	u64 *leaf = walk_entry(w, K4, 1);
	assert_true(slat_unmap(&w->t, 0, M2));
	assert_int_equal(w->nr_retired, 1);
	assert_int_equal(w->t.leaves[0], 0);
	assert_int_not_equal(*leaf, 0);
	assert_int_equal(walk(w, K4, &level), 0);
	assert_int_equal(level, 2);

	/* now a large page fits; a small removal takes all of it */
	assert_int_equal(slat_install(&w->t, 0, 2, M2, SLAT_EXEC), SLAT_INSTALLED);
	assert_true(slat_unmap(&w->t, 0x5000, 0x6000));
	assert_int_equal(walk(w, 0, &level), 0);
	assert_int_equal(w->t.leaves[1], 0);
	world_free(w);
}

static void test_write_protect(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 rw = NPT_P | NPT_U | NPT_W | NPT_A;

	slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_WRITE | SLAT_EXEC);
	slat_install(&w->t, 0x2000, 1, 0xa000, SLAT_WRITE | SLAT_EXEC);
	slat_install(&w->t, 0x3000, 1, 0xb000, SLAT_EXEC);
	assert_true(slat_write_protect(&w->t, 0x2000, 0x4000));
	assert_leaf(w, 0x1000, 1, 0x9000 | rw);
	assert_leaf(w, 0x2000, 1, 0xa000 | (rw & ~NPT_W));
	/* read-only already: nothing to flush */
	assert_false(slat_write_protect(&w->t, 0x2000, 0x4000));
	world_free(w);
}

static u64 *leaf_of(struct world *w, u64 gpa)
{
	u64 hpa = K4;

	for (int l = w->format.levels;; l--) {
		u64 *e = &w->page[hpa / K4 - 1][gpa >> (12 + 9 * (l - 1)) & 511];

		if (l == 1 || (*e & w->format.large_bit))
			return e;
		hpa = *e & w->format.address_mask;
	}
}

static void test_clear_dirty(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 rw = NPT_P | NPT_U | NPT_W | NPT_A;

	slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_WRITE | SLAT_EXEC);
	slat_install(&w->t, 0x2000, 1, 0xa000, SLAT_WRITE | SLAT_EXEC);
	/* nobody has written yet: nothing to flush */
	assert_false(slat_clear_dirty(&w->t, 0x1000, 0x3000));
	*leaf_of(w, 0x1000) |= NPT_D;
	*leaf_of(w, 0x2000) |= NPT_D;
	assert_true(slat_clear_dirty(&w->t, 0x2000, 0x3000));
	assert_leaf(w, 0x1000, 1, 0x9000 | rw | NPT_D);
	assert_leaf(w, 0x2000, 1, 0xa000 | rw);

	/* a large page: its parts, each with what the whole had */
	slat_install(&w->t, 4 * M2, 2, 8 * M2, SLAT_WRITE | SLAT_EXEC);
	*leaf_of(w, 4 * M2) |= NPT_D;
	assert_true(slat_clear_dirty(&w->t, 4 * M2, 4 * M2 + K4));
	assert_leaf(w, 4 * M2, 1, 8 * M2 | rw);
	assert_leaf(w, 4 * M2 + K4, 1, (8 * M2 + K4) | rw | NPT_D);
	world_free(w);
}

static void test_split(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 rw = NPT_P | NPT_U | NPT_W | NPT_A;

	slat_install(&w->t, 3 * G1, 3, 8 * G1, SLAT_WRITE | SLAT_EXEC);
	assert_true(slat_write_protect(&w->t, 3 * G1 + M2 + 0x1000, 3 * G1 + M2 + 0x2000));
	assert_leaf(w, 3 * G1, 2, 8 * G1 | rw | NPT_PS);
	assert_leaf(w, 3 * G1 + 511 * M2, 2, (8 * G1 + 511 * M2) | rw | NPT_PS);
	assert_leaf(w, 3 * G1 + M2, 1, (8 * G1 + M2) | rw);
	assert_leaf(w, 3 * G1 + M2 + 0x1000, 1, (8 * G1 + M2 + 0x1000) | (rw & ~NPT_W));
	assert_leaf(w, 3 * G1 + 2 * M2 - K4, 1, (8 * G1 + 2 * M2 - K4) | rw);
	assert_int_equal(w->t.leaves[0], 512);
	assert_int_equal(w->t.leaves[1], 511);
	assert_int_equal(w->t.leaves[2], 0);
	assert_int_equal(w->t.tables, 1 + 2);
	world_free(w);
}

static void test_split_without_table(void **state)
{
	struct world *w = world_new(npt_format(4));
	unsigned int level;

	slat_install(&w->t, 0, 2, M2, SLAT_WRITE);
	w->alloc_limit = w->used;
	assert_true(slat_write_protect(&w->t, 0x1000, 0x2000));
	assert_int_equal(walk(w, 0x1000, &level), 0);
	assert_int_equal(walk(w, 0, &level), 0);
	assert_int_equal(w->t.leaves[1], 0);
	world_free(w);
}

static void test_accessed(void **state)
{
	struct world *w = world_new(npt_format(4));

	slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_EXEC);
	slat_install(&w->t, M2, 2, 4 * M2, SLAT_EXEC);
	assert_true(slat_test_accessed(&w->t, 0x1000, 0x2000, false));
	assert_false(slat_test_accessed(&w->t, 0x2000, M2, false));
	assert_true(slat_test_accessed(&w->t, 0, 2 * M2, true));
	assert_false(slat_test_accessed(&w->t, 0, 2 * M2, false));
	assert_leaf(w, 0x1000, 1, 0x9000 | NPT_P | NPT_U);
	*walk_entry(w, M2, 2) |= NPT_A;
	assert_true(slat_test_accessed(&w->t, M2 + 0x5000, M2 + 0x6000, true));
	assert_false(slat_test_accessed(&w->t, 0, 2 * M2, false));
	world_free(w);
}

static void test_ept(void **state)
{
	struct world *w = world_new(ept_format);

	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_READ), SLAT_INSTALLED);
	assert_leaf(w, 0x1000, 1, 0x9000 | 1 | 6 << 3);
	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_EXEC), SLAT_INSTALLED);
	assert_leaf(w, 0x1000, 1, 0x9000 | 5 | 6 << 3);
	assert_int_equal(slat_install(&w->t, 0x1000, 1, 0x9000, SLAT_READ), SLAT_PRESENT);
	/* no accessed bits: what is mapped counts as used, and clearing changes nothing */
	assert_true(slat_test_accessed(&w->t, 0, M2, true));
	assert_true(slat_test_accessed(&w->t, 0, M2, false));
	assert_false(slat_test_accessed(&w->t, M2, G1, false));
	assert_leaf(w, 0x1000, 1, 0x9000 | 5 | 6 << 3);
	world_free(w);
}

/* Random operations against a flat array of what should be mapped. */
#define MODEL_PAGES 2048 /* four 2 MiB tables */
static void test_against_model(void **state)
{
	struct world *w = world_new(npt_format(4));
	u64 mapped[MODEL_PAGES] = { 0 }; /* 0 or hpa | W */
	unsigned int i, n, level;
	long leaves = 0;

	srandom(1);
	for (n = 0; n < 20000; n++) {
		unsigned int from = random() % MODEL_PAGES;
		unsigned int to = from + 1 + random() % (random() % 8 ? 8 : 700);
		u64 gpa = from * K4;

		to = to > MODEL_PAGES ? MODEL_PAGES : to;
		if (w->used > ARENA_PAGES - 16)
			break;
		switch (random() % 4) {
		case 0:
		case 1: {
			u32 rights = random() % 2 ? SLAT_WRITE : 0;
			enum slat_install ret = slat_install(&w->t, gpa, 1, G1 + gpa, rights);

			if (!mapped[from])
				leaves++;
			assert_int_equal(ret, mapped[from] && (!rights || mapped[from] & NPT_W) ?
						      SLAT_PRESENT :
						      SLAT_INSTALLED);
			mapped[from] |= (G1 + gpa) | (rights ? NPT_W : 0);
			break;
		}
		case 2:
			slat_unmap(&w->t, gpa, to * K4);
			for (i = from; i < to; i++) {
				leaves -= !!mapped[i];
				mapped[i] = 0;
			}
			break;
		case 3:
			slat_write_protect(&w->t, gpa, to * K4);
			for (i = from; i < to; i++)
				mapped[i] &= ~NPT_W;
			break;
		}
		assert_int_equal(w->t.leaves[0], leaves);
	}
	assert_true(n > 2000);
	for (i = 0; i < MODEL_PAGES; i++)
		assert_int_equal(walk(w, i * K4, &level) & (ADDR | NPT_W), mapped[i]);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_install_4k),
		cmocka_unit_test(test_five_levels),
		cmocka_unit_test(test_rights_grow),
		cmocka_unit_test(test_large_pages),
		cmocka_unit_test(test_table_in_the_way),
		cmocka_unit_test(test_no_table),
		cmocka_unit_test(test_race_for_table),
		cmocka_unit_test(test_unmap),
		cmocka_unit_test(test_write_protect),
		cmocka_unit_test(test_clear_dirty),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_without_table),
		cmocka_unit_test(test_accessed),
		cmocka_unit_test(test_ept),
		cmocka_unit_test(test_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
