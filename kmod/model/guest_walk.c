// SPDX-License-Identifier: GPL-2.0-only
/*
 * One walk serves all paging modes: a shape says how many levels there are and how
 * wide an entry is, the rest is the entry format, which they nearly share.
 */
#include "guest_walk.h"

#define PTE_PRESENT BIT_ULL(0)
#define PTE_WRITE BIT_ULL(1)
#define PTE_USER BIT_ULL(2)
#define PTE_ACCESSED BIT_ULL(5)
#define PTE_DIRTY BIT_ULL(6)
#define PTE_LARGE BIT_ULL(7)
#define PTE_GLOBAL BIT_ULL(8)
#define PTE_NX BIT_ULL(63)
#define PTE_ADDRESS GENMASK_ULL(51, 12)

#define PTE_PKEY_SHIFT 59

#define MAX_LEVELS 5

/*
 * Another CPU may rewrite an entry again and again while we want to set its accessed
 * bit. After so many tries the translation stands as it was read, like one from a TLB.
 */
#define MAX_RESTARTS 16

enum paging_kind {
	PAGING_32BIT,
	PAGING_PAE,
	PAGING_LONG,
};

/* One walk: the shape of the tables, and the entries that were used. */
struct walk {
	enum paging_kind kind;
	unsigned int levels;
	unsigned int entry_bytes;
	unsigned int index_bits;
	bool nx;
	/* By level, 1 is the lowest. */
	struct {
		u64 gpa;
		u64 pte;
	} entry[MAX_LEVELS + 1];
	unsigned int leaf_level;
};

static void walk_shape(const struct guest_paging *paging, struct walk *walk)
{
	if (paging->efer & EFER_LMA) {
		walk->kind = PAGING_LONG;
		walk->levels = paging->cr4 & X86_CR4_LA57 ? 5 : 4;
	} else if (paging->cr4 & X86_CR4_PAE) {
		walk->kind = PAGING_PAE;
		walk->levels = 3;
	} else {
		walk->kind = PAGING_32BIT;
		walk->levels = 2;
	}
	walk->entry_bytes = walk->kind == PAGING_32BIT ? 4 : 8;
	walk->index_bits = walk->kind == PAGING_32BIT ? 10 : 9;
	walk->nx = walk->kind != PAGING_32BIT && (paging->efer & EFER_NX);
}

static unsigned int level_shift(const struct walk *walk, unsigned int level)
{
	return 12 + walk->index_bits * (level - 1);
}

static u64 root_table(const struct guest_paging *paging, const struct walk *walk)
{
	switch (walk->kind) {
	case PAGING_32BIT:
		return paging->cr3 & 0xfffff000;
	case PAGING_PAE:
		return paging->cr3 & 0xffffffe0;
	default:
		return paging->cr3 & PTE_ADDRESS;
	}
}

static bool is_leaf(const struct guest_paging *paging, const struct walk *walk, unsigned int level,
		    u64 pte)
{
	if (level == 1)
		return true;
	if (!(pte & PTE_LARGE))
		return false;
	switch (walk->kind) {
	case PAGING_32BIT:
		return paging->cr4 & X86_CR4_PSE;
	case PAGING_PAE:
		return level == 2;
	default:
		return level == 2 || (level == 3 && paging->pages_1g);
	}
}

/* Bits that must be zero in a present entry: SDM "Paging", the tables of entry formats. */
static u64 reserved_bits(const struct guest_paging *paging, const struct walk *walk,
			 unsigned int level, bool leaf)
{
	unsigned int width = min(paging->maxphyaddr, (u8)52);
	u64 rsvd;

	if (walk->kind == PAGING_32BIT) {
		if (!leaf || level == 1)
			return 0;
		/* PSE-36: bits 20:13 of a 4 MiB entry are address bits 39:32. */
		width = min(width, 40u);
		return GENMASK_ULL(21, 13) & ~(width > 32 ? GENMASK_ULL(width - 20, 13) : 0);
	}

	rsvd = width < 52 ? GENMASK_ULL(51, width) : 0;
	if (walk->kind == PAGING_PAE) {
		rsvd |= GENMASK_ULL(62, 52);
		/* bit 5 is reserved as well, but QEMU's TCG sets it as an accessed bit */
		if (level == 3)
			return rsvd | PTE_NX | GENMASK_ULL(8, 6) | GENMASK_ULL(2, 1);
	}
	if (!walk->nx)
		rsvd |= PTE_NX;
	if (level > 1 && leaf)
		rsvd |= GENMASK_ULL(level_shift(walk, level) - 1, 13);
	else if (level > 2)
		rsvd |= PTE_LARGE;
	return rsvd;
}

static u64 leaf_frame(const struct walk *walk, u64 pte)
{
	unsigned int shift = level_shift(walk, walk->leaf_level);
	u64 frame;

	if (walk->kind == PAGING_32BIT && walk->leaf_level == 2)
		frame = (pte & GENMASK_ULL(31, 22)) | (pte & GENMASK_ULL(20, 13)) << 19;
	else
		frame = pte & PTE_ADDRESS;
	return frame & ~(BIT_ULL(shift) - 1);
}

/*
 * SDM "Access Rights" and "Protection Keys": the error bits that this access to a
 * page with these rights raises beside PFERR_PRESENT; 0 when it is allowed.
 */
static u32 access_violation(const struct guest_paging *paging, const struct walk *walk,
			    unsigned int rights, unsigned int access, bool ac)
{
	bool user = (access & X86_ACCESS_USER) && !(access & X86_ACCESS_IMPLICIT);
	bool fetch = access & X86_ACCESS_FETCH;
	bool write = access & X86_ACCESS_WRITE;
	bool wp = user || (paging->cr0 & X86_CR0_WP);
	u32 violation = 0;

	if (write && wp && !(rights & GUEST_WALK_WRITE))
		violation = PFERR_PRESENT;
	if (fetch && !(rights & GUEST_WALK_EXEC))
		violation = PFERR_PRESENT;
	if (!(rights & GUEST_WALK_USER))
		return user ? PFERR_PRESENT : violation;

	if (!user && fetch && (paging->cr4 & X86_CR4_SMEP))
		violation = PFERR_PRESENT;
	if (!user && !fetch && (paging->cr4 & X86_CR4_SMAP) &&
	    (!ac || (access & X86_ACCESS_IMPLICIT)))
		violation = PFERR_PRESENT;

	if (walk->kind == PAGING_LONG && (paging->cr4 & X86_CR4_PKE) && !fetch) {
		u64 pte = walk->entry[walk->leaf_level].pte;
		u32 key_rights = paging->pkru >> (2 * (pte >> PTE_PKEY_SHIFT & 0xf));

		if ((key_rights & BIT(0)) || (write && wp && (key_rights & BIT(1))))
			violation = PFERR_PRESENT | PFERR_PK;
	}
	return violation;
}

/* Down to the leaf. GUEST_WALK_FAULT leaves PFERR_PRESENT and PFERR_RSVD in *@error. */
static enum guest_walk_status find_leaf(const struct guest_paging *paging,
					const struct guest_walk_ops *ops, void *ctx, u64 gva,
					struct walk *walk, unsigned int *rights,
					struct guest_walk_result *result, u32 *error)
{
	u64 table = root_table(paging, walk), pte;
	unsigned int level;
	bool leaf;

	*rights = GUEST_WALK_WRITE | GUEST_WALK_USER | GUEST_WALK_EXEC;
	for (level = walk->levels;; level--) {
		u64 index = gva >> level_shift(walk, level) & (BIT_ULL(walk->index_bits) - 1);
		u64 gpa = table + index * walk->entry_bytes;

		result->gpa = gpa;
		if (!ops->read_pte(ctx, gpa, walk->entry_bytes, &pte))
			return GUEST_WALK_NO_TABLE;
		walk->entry[level].gpa = gpa;
		walk->entry[level].pte = pte;
		*error = 0;
		if (!(pte & PTE_PRESENT))
			return GUEST_WALK_FAULT;
		leaf = is_leaf(paging, walk, level, pte);
		*error = PFERR_PRESENT | PFERR_RSVD;
		if (pte & reserved_bits(paging, walk, level, leaf))
			return GUEST_WALK_FAULT;

		/* The four top entries of PAE carry no rights. */
		if (!(walk->kind == PAGING_PAE && level == 3)) {
			if (!(pte & PTE_WRITE))
				*rights &= ~GUEST_WALK_WRITE;
			if (!(pte & PTE_USER))
				*rights &= ~GUEST_WALK_USER;
			if (walk->nx && (pte & PTE_NX))
				*rights &= ~GUEST_WALK_EXEC;
		}
		if (leaf)
			break;
		table = pte & PTE_ADDRESS;
	}

	walk->leaf_level = level;
	if ((pte & PTE_GLOBAL) && (paging->cr4 & X86_CR4_PGE))
		*rights |= GUEST_WALK_GLOBAL;
	return GUEST_WALK_OK;
}

enum mark_status {
	MARK_DONE,
	MARK_CHANGED,
	MARK_NO_TABLE,
};

/* Set the accessed bits of all entries that were used, and dirty in the leaf. */
static enum mark_status mark_entries(const struct guest_walk_ops *ops, void *ctx, struct walk *walk,
				     bool write, struct guest_walk_result *result)
{
	unsigned int level;

	for (level = walk->levels; level >= walk->leaf_level; level--) {
		u64 old = walk->entry[level].pte, new = old | PTE_ACCESSED;
		int done;

		/* In the top entries of PAE these bits are reserved. */
		if (walk->kind == PAGING_PAE && level == 3)
			continue;
		if (write && level == walk->leaf_level)
			new |= PTE_DIRTY;
		if (new == old)
			continue;
		done = ops->cmpxchg_pte(ctx, walk->entry[level].gpa, walk->entry_bytes, old, new);
		if (done < 0) {
			result->gpa = walk->entry[level].gpa;
			return MARK_NO_TABLE;
		}
		if (!done)
			return MARK_CHANGED;
	}
	return MARK_DONE;
}

enum guest_walk_status guest_walk(const struct guest_paging *paging,
				  const struct guest_walk_ops *ops, void *ctx, u64 gva,
				  unsigned int access, bool ac, struct guest_walk_result *result,
				  u32 *error_code)
{
	unsigned int restarts, shift, rights = 0;
	enum guest_walk_status status;
	struct walk walk;
	u32 error = 0;

	if (!(paging->efer & EFER_LMA))
		gva &= 0xffffffff;
	if (!(paging->cr0 & X86_CR0_PG)) {
		result->gpa = gva;
		result->page_shift = 12;
		result->rights = GUEST_WALK_WRITE | GUEST_WALK_USER | GUEST_WALK_EXEC;
		return GUEST_WALK_OK;
	}

	walk_shape(paging, &walk);
	for (restarts = 0; restarts < MAX_RESTARTS; restarts++) {
		enum mark_status mark;

		status = find_leaf(paging, ops, ctx, gva, &walk, &rights, result, &error);
		if (status == GUEST_WALK_NO_TABLE)
			return status;
		if (status == GUEST_WALK_OK)
			error = access_violation(paging, &walk, rights, access, ac);
		if (error || status == GUEST_WALK_FAULT) {
			if (access & X86_ACCESS_WRITE)
				error |= PFERR_WRITE;
			if ((access & X86_ACCESS_USER) && !(access & X86_ACCESS_IMPLICIT))
				error |= PFERR_USER;
			if ((access & X86_ACCESS_FETCH) &&
			    (walk.nx || (paging->cr4 & X86_CR4_SMEP)))
				error |= PFERR_FETCH;
			*error_code = error;
			return GUEST_WALK_FAULT;
		}

		if (!paging->set_accessed)
			break;
		mark = mark_entries(ops, ctx, &walk, access & X86_ACCESS_WRITE, result);
		if (mark == MARK_NO_TABLE)
			return GUEST_WALK_NO_TABLE;
		if (mark == MARK_DONE)
			break;
	}

	shift = level_shift(&walk, walk.leaf_level);
	result->gpa = leaf_frame(&walk, walk.entry[walk.leaf_level].pte) |
		      (gva & (BIT_ULL(shift) - 1));
	result->page_shift = shift;
	result->rights = rights;
	return GUEST_WALK_OK;
}

bool guest_pdptes_possible(const u64 pdptes[4], u8 maxphyaddr)
{
	u64 reserved = GENMASK_ULL(63, 52) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);
	unsigned int i;

	if (maxphyaddr < 52)
		reserved |= GENMASK_ULL(51, maxphyaddr);
	for (i = 0; i < 4; i++)
		if ((pdptes[i] & PTE_PRESENT) && (pdptes[i] & reserved))
			return false;
	return true;
}
