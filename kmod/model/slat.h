/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level address translation (EPT, NPT): entry formats as data, and the
 * pure part of the table work. Tables are reached through slat_ops, so that the
 * same code runs in the kernel and in unit tests.
 *
 * Concurrency: faults on several CPUs install entries side by side with cmpxchg
 * (the caller holds the read side of the VM's slat lock); removing anything needs the
 * write side.
 */
#ifndef MYHV_SLAT_H
#define MYHV_SLAT_H

#include "model.h"

#define SLAT_MAX_LEVELS 5

/* Neutral rights of a mapping. */
#define SLAT_READ BIT(0)
#define SLAT_WRITE BIT(1)
#define SLAT_EXEC BIT(2)

/**
 * struct slat_format - how the hardware wants an entry
 * @levels: depth, 4 or 5
 * @max_page_level: largest leaf: 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB
 * @ad_bits: the CPU keeps accessed and dirty bits
 * @table_bits: all bits of an entry that points to a table
 * @leaf_bits: bits that every leaf carries (present/read, user, memory type)
 * @large_bit: set in a leaf above level 1
 * @write_bit: writable
 * @exec_bit: executable when set (EPT), or 0
 * @nx_bit: not executable when set (NPT), or 0
 * @accessed_bit: @dirty_bit: where @ad_bits keeps them
 * @present_mask: an entry is present when any of these is set
 * @address_mask: the frame's address
 */
struct slat_format {
	u8 levels;
	u8 max_page_level;
	bool ad_bits;
	u64 table_bits;
	u64 leaf_bits;
	u64 large_bit;
	u64 write_bit;
	u64 exec_bit;
	u64 nx_bit;
	u64 accessed_bit;
	u64 dirty_bit;
	u64 present_mask;
	u64 address_mask;
};

/**
 * struct slat_ops - how tables are reached and made
 * @table: address of the table at @hpa
 * @alloc: a zeroed table; sets *@hpa. NULL: none to be had
 * @unused: a table that @alloc gave and that was never linked
 * @retired: a table that was linked. The hardware may still walk it until the next
 *	flush: neither change nor reuse it before
 */
struct slat_ops {
	u64 *(*table)(void *ctx, u64 hpa);
	u64 *(*alloc)(void *ctx, u64 *hpa);
	void (*unused)(void *ctx, u64 hpa);
	void (*retired)(void *ctx, u64 hpa);
};

/**
 * struct slat_tables - one operation on a tree of tables; lives on the caller's stack
 * @format: entry format
 * @ops: @ctx: see there
 * @root: the top table
 * @tables: out: tables linked less tables retired
 * @leaves: out: leaves added less leaves removed, by level - 1
 */
struct slat_tables {
	const struct slat_format *format;
	const struct slat_ops *ops;
	void *ctx;
	u64 *root;
	long tables;
	long leaves[3];
};

/* First address that the tables cannot translate. */
static inline u64 slat_limit(const struct slat_format *f)
{
	return 1ULL << (12 + 9 * f->levels);
}

/* log2 of what an entry of @level covers */
static inline unsigned int slat_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

enum slat_install {
	SLAT_INSTALLED, /* the entry was written */
	SLAT_PRESENT,	/* a mapping with these rights was there already */
	SLAT_NO_TABLE,	/* ->alloc() gave nothing; try again */
	SLAT_CONFLICT,	/* something else is mapped there: unmap, flush, try again */
};

/**
 * slat_install() - map the page that holds @gpa
 * @t: tables; others may install at the same time, nobody may remove
 * @gpa: guest-physical address
 * @level: size wished for; where a table stands already it becomes 4 KiB
 * @hpa: host-physical address of @gpa; congruent with @gpa modulo the size
 * @rights: SLAT_*; READ is implied
 *
 * Rights only grow: a leaf with the same address keeps what it has.
 */
enum slat_install slat_install(struct slat_tables *t, u64 gpa, u8 level, u64 hpa, u32 rights);

/**
 * slat_unmap() - remove every leaf that touches [@gpa, @end)
 *
 * A larger page goes as a whole, and tables that the range covers go with
 * their leaves. Alone on the tables. True: flush, before anything of it is reused.
 */
bool slat_unmap(struct slat_tables *t, u64 gpa, u64 end);

/**
 * slat_write_protect() - take the right to write from every page of [@gpa, @end)
 *
 * Large pages are split, so that each 4 KiB page faults on its own; one that cannot
 * be split for lack of a table is removed. Alone on the tables. True: flush.
 */
bool slat_write_protect(struct slat_tables *t, u64 gpa, u64 end);

/**
 * slat_clear_dirty() - forget that pages of [@gpa, @end) were written
 *
 * For a CPU that logs a page when it sets the dirty bit: the pages stay writable. Large ones are
 * split as slat_write_protect() does it. Alone on the tables. True: flush.
 */
bool slat_clear_dirty(struct slat_tables *t, u64 gpa, u64 end);

/**
 * slat_test_accessed() - was a page of [@gpa, @end) accessed since the last clear?
 * @clear: forget it
 *
 * Others may install at the same time. Without accessed bits in the format, whatever is mapped
 * counts as accessed.
 */
bool slat_test_accessed(struct slat_tables *t, u64 gpa, u64 end, bool clear);

#endif /* MYHV_SLAT_H */
