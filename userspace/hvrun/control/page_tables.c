// SPDX-License-Identifier: GPL-2.0-or-later
/* Ranges that page tables map: see page_tables.h. SDM "Paging". */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "control/page_tables.h"

#define CR0_PG 0x80000000ULL
#define CR4_PAE 0x20
#define CR4_PSE 0x10
#define CR4_LA57 0x1000
#define EFER_LMA 0x400

#define ENTRY_PRESENT 0x01
#define ENTRY_WRITE 0x02
#define ENTRY_USER 0x04
#define ENTRY_LARGE 0x80
#define ENTRY_ADDRESS 0x000ffffffffff000ULL
#define RIGHTS (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER)

#define MOST_ENTRIES (4U << 20)
#define MOST_RANGES 20000

/**
 * struct walk - on the way through the tables
 * @entry_bytes: 4 or 8
 * @index_bits: of an address for each level
 * @large_levels: levels from the lowest on that may map large pages: a mask
 * @entries, @ranges: seen and printed so far
 * @start, @end, @rights: the range that grows; @rights 0: none
 */
struct walk {
	const struct guest_ram *ram;
	FILE *to;
	unsigned int entry_bytes;
	unsigned int index_bits;
	unsigned int large_levels;
	bool is_64bit;
	unsigned int entries;
	unsigned int ranges;
	uint64_t start;
	uint64_t end;
	unsigned int rights;
};

static void finish_range(struct walk *walk)
{
	if (walk->rights && walk->ranges++ < MOST_RANGES)
		fprintf(walk->to, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %c%c%c\n",
			walk->start, walk->end, walk->end - walk->start,
			walk->rights & ENTRY_USER ? 'u' : '-', 'r',
			walk->rights & ENTRY_WRITE ? 'w' : '-');
	walk->rights = 0;
}

static void add_page(struct walk *walk, uint64_t address, uint64_t bytes, unsigned int rights)
{
	if (walk->rights == rights && walk->end == address) {
		walk->end += bytes;
		return;
	}
	finish_range(walk);
	walk->start = address;
	walk->end = address + bytes;
	walk->rights = rights;
}

static uint64_t entry_at(const struct walk *walk, const uint8_t *table, unsigned int index)
{
	uint64_t entry = 0;

	memcpy(&entry, table + (size_t)index * walk->entry_bytes, walk->entry_bytes);
	return entry;
}

static uint64_t canonical(const struct walk *walk, uint64_t address, unsigned int bits)
{
	return walk->is_64bit ? (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) :
				address;
}

/* Level 0 has the pages. @address_bits: what this table's entries leave to those below. */
static void walk_table(struct walk *walk, uint64_t gpa, unsigned int level, unsigned int count,
		       uint64_t base, unsigned int rights, unsigned int bits)
{
	const uint8_t *table = guest_ram_ptr(walk->ram, gpa, (uint64_t)count * walk->entry_bytes);
	unsigned int shift = 12 + level * walk->index_bits;

	for (unsigned int i = 0; table && i < count; i++) {
		uint64_t entry = entry_at(walk, table, i);
		uint64_t address = canonical(walk, base | (uint64_t)i << shift, bits);
		unsigned int mine = entry & rights;

		if (walk->entries++ >= MOST_ENTRIES || walk->ranges >= MOST_RANGES)
			return;
		if (!(entry & ENTRY_PRESENT))
			continue;
		if (level == 0 || ((walk->large_levels >> level & 1) && (entry & ENTRY_LARGE)))
			add_page(walk, address, 1ULL << shift, mine);
		else
			walk_table(walk, entry & ENTRY_ADDRESS, level - 1, 1U << walk->index_bits,
				   address, mine, bits);
	}
}

void page_tables_print(const struct guest_ram *ram, const struct myhv_state_control *control,
		       FILE *to)
{
	struct walk walk = { .ram = ram, .to = to, .entry_bytes = 8, .index_bits = 9 };

	if (!(control->cr0 & CR0_PG)) {
		fprintf(to, "PG disabled\n");
		return;
	}
	if (control->efer & EFER_LMA) {
		bool five = control->cr4 & CR4_LA57;

		walk.is_64bit = true;
		walk.large_levels = 1 << 1 | 1 << 2;
		walk_table(&walk, control->cr3 & ENTRY_ADDRESS, five ? 4 : 3, 512, 0, RIGHTS,
			   five ? 57 : 48);
	} else if (control->cr4 & CR4_PAE) {
		uint64_t table = control->cr3 & 0xffffffe0;

		/* the four entries above have no rights of their own */
		walk.large_levels = 1 << 1;
		for (unsigned int i = 0; i < 4; i++) {
			const uint8_t *entry = guest_ram_ptr(ram, table + i * 8, 8);
			uint64_t next = entry ? entry_at(&walk, entry, 0) : 0;

			if (next & ENTRY_PRESENT)
				walk_table(&walk, next & ENTRY_ADDRESS, 1, 512, (uint64_t)i << 30,
					   RIGHTS, 32);
		}
	} else {
		walk.entry_bytes = 4;
		walk.index_bits = 10;
		walk.large_levels = control->cr4 & CR4_PSE ? 1 << 1 : 0;
		walk_table(&walk, control->cr3 & 0xfffff000, 1, 1024, 0, RIGHTS, 32);
	}
	finish_range(&walk);
	if (walk.entries >= MOST_ENTRIES || walk.ranges >= MOST_RANGES)
		fprintf(to, "... and more\n");
}
