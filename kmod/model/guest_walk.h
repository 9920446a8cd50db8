/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walk the guest's own page tables: guest-virtual (linear) to guest-physical, with
 * every right and reserved bit checked as the CPU does it, and the exact page-fault
 * error code (SDM "Paging", APM "Page Translation and Protection").
 */
#ifndef MYHV_MODEL_GUEST_WALK_H
#define MYHV_MODEL_GUEST_WALK_H

#include "x86_defs.h"

/**
 * struct guest_paging - what a translation depends on
 * @cr0: @cr3: @cr4: @efer: control registers
 * @maxphyaddr: guest-physical address width; bits above are reserved in entries
 * @pkru: protection-key rights, used when CR4.PKE
 * @pages_1g: CPUID says that 1 GiB pages exist
 * @set_accessed: set accessed and dirty bits; false for looking without a trace
 */
struct guest_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u8 maxphyaddr;
	u32 pkru;
	bool pages_1g;
	bool set_accessed;
};

/**
 * struct guest_walk_ops - access to page-table entries in guest memory
 * @read_pte: read an entry of 4 or 8 bytes; false when nothing is there
 * @cmpxchg_pte: replace @old by @new; 1 done, 0 the entry had changed, negative when
 *	nothing is there or it cannot be written
 */
struct guest_walk_ops {
	bool (*read_pte)(void *ctx, u64 gpa, unsigned int bytes, u64 *pte);
	int (*cmpxchg_pte)(void *ctx, u64 gpa, unsigned int bytes, u64 old, u64 new);
};

/* struct guest_walk_result::rights: what the tables allow, before CR0.WP and the like. */
#define GUEST_WALK_WRITE BIT(0)
#define GUEST_WALK_USER BIT(1)
#define GUEST_WALK_EXEC BIT(2)
#define GUEST_WALK_GLOBAL BIT(3)

/**
 * struct guest_walk_result - a translation
 * @gpa: guest-physical address of the byte
 * @page_shift: log2 of the page size: 12, 21, 22 or 30. Without paging it is 12
 * @rights: GUEST_WALK_*, ANDed over all levels
 */
struct guest_walk_result {
	u64 gpa;
	u8 page_shift;
	u8 rights;
};

enum guest_walk_status {
	GUEST_WALK_OK,
	/* Inject #PF with *error_code and the address in CR2. */
	GUEST_WALK_FAULT,
	/* A page-table entry lies where there is no memory; *@gpa says where. */
	GUEST_WALK_NO_TABLE,
};

/**
 * guest_walk() - translate one address
 * @paging: control registers and features
 * @ops: access to guest memory
 * @ctx: handed to @ops
 * @gva: linear address; the caller has checked that it is canonical. Without
 *	long mode only its low 32 bits are used
 * @access: X86_ACCESS_*; a caller at CPL 3 says USER
 * @ac: RFLAGS.AC, which lifts SMAP for explicit accesses
 * @result: filled on GUEST_WALK_OK; gpa also on GUEST_WALK_NO_TABLE
 * @error_code: filled on GUEST_WALK_FAULT: PFERR_*
 *
 * An accessed or dirty bit that cannot be set because the table is gone is NO_TABLE.
 * An entry that changes while its bits are set restarts the walk.
 */
enum guest_walk_status guest_walk(const struct guest_paging *paging,
				  const struct guest_walk_ops *ops, void *ctx, u64 gva,
				  unsigned int access, bool ac, struct guest_walk_result *result,
				  u32 *error_code);

/**
 * guest_pdptes_possible() - may the four top entries of PAE paging be loaded?
 * @pdptes: as they are in memory
 * @maxphyaddr: as in struct guest_paging
 *
 * SDM "PDPTE Registers": a load of entries with reserved bits is #GP(0), or a refused VM entry.
 */
bool guest_pdptes_possible(const u64 pdptes[4], u8 maxphyaddr);

#endif /* MYHV_MODEL_GUEST_WALK_H */
