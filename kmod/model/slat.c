// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking and changing second-level tables (APM "Nested Paging", SDM "The Extended
 * Page Table Mechanism"). Entries change by atomic operations only: the hardware sets
 * accessed and dirty bits, and other CPUs install, while we look.
 */
#include "slat.h"

enum { SLAT_ENTRIES = 512 };

static u64 entry_read(u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

/* False: somebody was faster, *@old is what stands there now. */
static bool entry_replace(u64 *entry, u64 *old, u64 new)
{
	return __atomic_compare_exchange_n(entry, old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static u64 entry_clear(u64 *entry)
{
	return __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
}

static bool is_present(const struct slat_format *f, u64 entry)
{
	return entry & f->present_mask;
}

static bool is_leaf(const struct slat_format *f, u64 entry, u8 level)
{
	return level == 1 || (entry & f->large_bit);
}

static u64 *entry_of(u64 *table, u64 gpa, u8 level)
{
	return &table[(gpa >> slat_shift(level)) & (SLAT_ENTRIES - 1)];
}

static u64 *table_of(const struct slat_tables *t, u64 entry)
{
	return t->ops->table(t->ctx, entry & t->format->address_mask);
}

static u64 leaf_make(const struct slat_format *f, u64 hpa, u8 level, u32 rights)
{
	u64 size = 1ULL << slat_shift(level);
	u64 leaf = (hpa & f->address_mask & ~(size - 1)) | f->leaf_bits;

	if (level > 1)
		leaf |= f->large_bit;
	if (rights & SLAT_WRITE)
		leaf |= f->write_bit;
	leaf |= (rights & SLAT_EXEC) ? f->exec_bit : f->nx_bit;
	/* installed because it is being accessed: spare the hardware the locked update */
	if (f->ad_bits)
		leaf |= f->accessed_bit;
	return leaf;
}

/* Does @have grant all that @want does, at the same address? */
static bool leaf_covers(const struct slat_format *f, u64 have, u64 want)
{
	u64 rights = f->write_bit | f->exec_bit;

	if ((have ^ want) & f->address_mask)
		return false;
	return !(want & ~have & rights) && !(have & ~want & f->nx_bit);
}

/* Does the large leaf @have map @gpa to @hpa? */
static bool large_leaf_covers(const struct slat_format *f, u64 have, u8 level, u64 gpa, u64 hpa,
			      u32 rights)
{
	u64 size = 1ULL << slat_shift(level);

	return !((gpa ^ hpa) & (size - 1) & f->address_mask) &&
	       leaf_covers(f, have, leaf_make(f, hpa, level, rights));
}

/* Put a new table under @entry, which was *@old and not present; *@old becomes what is there. */
static bool link_table(struct slat_tables *t, u64 *entry, u64 *old)
{
	u64 hpa, new;

	if (!t->ops->alloc(t->ctx, &hpa))
		return false;
	new = hpa | t->format->table_bits;
	if (entry_replace(entry, old, new)) {
		t->tables++;
		*old = new;
	} else {
		t->ops->unused(t->ctx, hpa);
	}
	return true;
}

static enum slat_install install_leaf(struct slat_tables *t, u64 *entry, u64 old, u8 level,
				      u64 leaf)
{
	const struct slat_format *f = t->format;
	u64 new;

	do {
		new = leaf;
		if (is_present(f, old)) {
			/* a table was linked, or another page mapped, meanwhile */
			if (!is_leaf(f, old, level) || ((old ^ leaf) & f->address_mask))
				return SLAT_CONFLICT;
			if (leaf_covers(f, old, leaf))
				return SLAT_PRESENT;
			new |= old &(f->write_bit | f->exec_bit | f->accessed_bit | f->dirty_bit);
			if (!(old & f->nx_bit))
				new &= ~f->nx_bit;
		}
	} while (!entry_replace(entry, &old, new));
	if (!is_present(f, old))
		t->leaves[level - 1]++;
	return SLAT_INSTALLED;
}

enum slat_install slat_install(struct slat_tables *t, u64 gpa, u8 level, u64 hpa, u32 rights)
{
	const struct slat_format *f = t->format;
	u64 *table = t->root;
	u8 l;

	for (l = f->levels;; l--) {
		u64 *entry = entry_of(table, gpa, l);
		u64 old = entry_read(entry);

		if (l == level && is_present(f, old) && !is_leaf(f, old, l))
			level = 1;
		if (l == level)
			return install_leaf(t, entry, old, l, leaf_make(f, hpa, l, rights));
		if (!is_present(f, old) && !link_table(t, entry, &old))
			return SLAT_NO_TABLE;
		if (is_leaf(f, old, l))
			return large_leaf_covers(f, old, l, gpa, hpa, rights) ? SLAT_PRESENT :
										SLAT_CONFLICT;
		table = table_of(t, old);
	}
}

/* The table at @hpa and all below it; its entries stay as they are until the flush. */
static void retire_table(struct slat_tables *t, u64 hpa, u8 level)
{
	u64 *table = t->ops->table(t->ctx, hpa);
	unsigned int i;

	for (i = 0; i < SLAT_ENTRIES; i++) {
		u64 val = entry_read(&table[i]);

		if (!is_present(t->format, val))
			continue;
		if (is_leaf(t->format, val, level))
			t->leaves[level - 1]--;
		else
			retire_table(t, val & t->format->address_mask, level - 1);
	}
	t->tables--;
	t->ops->retired(t->ctx, hpa);
}

/*
 * Replace a large leaf by a table of smaller ones with the same rights. No table
 * to be had: the leaf goes, and the next access faults it in again.
 */
static void split_leaf(struct slat_tables *t, u64 *entry, u8 level)
{
	const struct slat_format *f = t->format;
	u64 step = 1ULL << slat_shift(level - 1);
	u64 hpa, old, new, leaf;
	u64 *table;
	unsigned int i;

	table = t->ops->alloc(t->ctx, &hpa);
	old = entry_read(entry);
	do {
		new = 0;
		if (table) {
			leaf = level == 2 ? old & ~f->large_bit : old;
			for (i = 0; i < SLAT_ENTRIES; i++)
				table[i] = leaf + i * step;
			new = hpa | f->table_bits;
		}
	} while (!entry_replace(entry, &old, new));

	t->leaves[level - 1]--;
	if (table) {
		t->tables++;
		t->leaves[level - 2] += SLAT_ENTRIES;
	}
}

enum range_op {
	RANGE_UNMAP,
	RANGE_PROTECT,
	RANGE_CLEAR_DIRTY,
	RANGE_TEST_ACCESSED,
	RANGE_CLEAR_ACCESSED,
};

/* Does @op want each small page on its own? */
static bool wants_small(enum range_op op)
{
	return op == RANGE_PROTECT || op == RANGE_CLEAR_DIRTY;
}

static bool leaf_apply(struct slat_tables *t, u64 *entry, u64 val, u8 level, enum range_op op)
{
	const struct slat_format *f = t->format;

	switch (op) {
	case RANGE_UNMAP:
		entry_clear(entry);
		t->leaves[level - 1]--;
		return true;
	case RANGE_PROTECT:
		if (!(val & f->write_bit))
			return false;
		__atomic_fetch_and(entry, ~f->write_bit, __ATOMIC_ACQ_REL);
		return true;
	case RANGE_CLEAR_DIRTY:
		if (!(val & f->dirty_bit))
			return false;
		__atomic_fetch_and(entry, ~f->dirty_bit, __ATOMIC_ACQ_REL);
		return true;
	case RANGE_TEST_ACCESSED:
		return !f->ad_bits || (val & f->accessed_bit);
	case RANGE_CLEAR_ACCESSED:
		if (!f->ad_bits)
			return true;
		if (!(val & f->accessed_bit))
			return false;
		__atomic_fetch_and(entry, ~f->accessed_bit, __ATOMIC_ACQ_REL);
		return true;
	}
	return false;
}

/* [@gpa, @end) lies below one table of @level. True when @op did (or found) something. */
static bool range_apply(struct slat_tables *t, u64 *table, u8 level, u64 gpa, u64 end,
			enum range_op op)
{
	u64 size = 1ULL << slat_shift(level);
	bool done = false;
	u64 next;

	for (; gpa < end; gpa = next) {
		u64 *entry = entry_of(table, gpa, level);
		u64 val = entry_read(entry);
		u64 start = gpa & ~(size - 1);

		next = start + size;
		if (!is_present(t->format, val))
			continue;
		if (is_leaf(t->format, val, level)) {
			if (!wants_small(op) || level == 1 || !(val & t->format->write_bit)) {
				done |= leaf_apply(t, entry, val, level, op);
				continue;
			}
			split_leaf(t, entry, level);
			done = true;
			val = entry_read(entry);
			if (!is_present(t->format, val))
				continue;
		}
		if (op == RANGE_UNMAP && gpa == start && next <= end) {
			entry_clear(entry);
			retire_table(t, val & t->format->address_mask, level - 1);
			done = true;
			continue;
		}
		done |= range_apply(t, table_of(t, val), level - 1, gpa, min(end, next), op);
	}
	return done;
}

bool slat_unmap(struct slat_tables *t, u64 gpa, u64 end)
{
	return range_apply(t, t->root, t->format->levels, gpa, end, RANGE_UNMAP);
}

bool slat_write_protect(struct slat_tables *t, u64 gpa, u64 end)
{
	return range_apply(t, t->root, t->format->levels, gpa, end, RANGE_PROTECT);
}

bool slat_clear_dirty(struct slat_tables *t, u64 gpa, u64 end)
{
	return range_apply(t, t->root, t->format->levels, gpa, end, RANGE_CLEAR_DIRTY);
}

bool slat_test_accessed(struct slat_tables *t, u64 gpa, u64 end, bool clear)
{
	return range_apply(t, t->root, t->format->levels, gpa, end,
			   clear ? RANGE_CLEAR_ACCESSED : RANGE_TEST_ACCESSED);
}
