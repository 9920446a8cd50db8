/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes at RIP, fast. CPUs without next RIP make us read the instruction at nearly
 * every exit, and the guest's page tables with it; most exits come from a few pages.
 */
#ifndef MYHV_CORE_INSN_FETCH_H
#define MYHV_CORE_INSN_FETCH_H

#include <linux/types.h>

struct myhv_vcpu;

/**
 * struct insn_context - what decides how the bytes at CS:RIP are found and read
 */
struct insn_context {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 cs_base;
	u16 cs_attrib;
	u8 cpl;
};

#define INSN_FETCH_PAGES 4
#define INSN_FETCH_LEVELS 5
/* read by insn_fetch_fast(): two words */
#define INSN_FETCH_BYTES 16

/**
 * struct insn_page - a page of code whose translation is known, 4 or 5 levels
 * @linear: its address; 0 with @levels 0: empty
 * @cr3: @mode: it holds under these
 * @slots_seq: and while vm->slat.slots_seq stands still
 * @levels: entries in @step
 * @step: every page-table entry of the walk: where it is, and what it held
 * @code: the page
 *
 * The guest changes its tables without telling us, so each use compares all entries
 * again: as exact as a walk, and a small part of its cost.
 */
struct insn_page {
	u64 linear;
	u64 cr3;
	u64 mode;
	unsigned long slots_seq;
	unsigned int levels;
	struct insn_step {
		u64 __user *hva;
		u64 value;
	} step[INSN_FETCH_LEVELS];
	u8 __user *code;
};

/*
 * INSN_FETCH_BYTES bytes at @linear from a known page. False: not known, changed, not
 * in memory, or too near to the page's end: take the long way, then insn_fetch_learn().
 */
bool insn_fetch_fast(struct myhv_vcpu *vcpu, const struct insn_context *c, u64 linear, u8 *bytes);

/* A fetch at @linear has just succeeded: remember its translation. */
void insn_fetch_learn(struct myhv_vcpu *vcpu, const struct insn_context *c, u64 linear);

#endif /* MYHV_CORE_INSN_FETCH_H */
