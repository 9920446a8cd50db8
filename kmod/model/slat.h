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

#endif /* MYHV_SLAT_H */
