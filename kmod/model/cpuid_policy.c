// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID table of a vCPU: checks, derived facts, lookup, runtime bits. What the host can
 * offer is cpuid_supported.c's business.
 */
#include "cpuid_policy.h"

#define XCR0_FP 1ULL

static u32 hash(u32 function)
{
	/* basic, hypervisor and extended leaves fall into ranges of their own */
	return (function + (function >> 24)) & (CPUID_HASH_SIZE - 1);
}

/* The first row of @function, or NULL. */
static const struct cpuid_row *first_row(const struct guest_cpuid *t, u32 function)
{
	const struct cpuid_row *row;
	u32 slot = hash(function);

	while (t->first[slot]) {
		row = &t->rows[t->first[slot] - 1];
		if (row->function == function)
			return row;
		slot = (slot + 1) & (CPUID_HASH_SIZE - 1);
	}
	return NULL;
}

const struct cpuid_row *cpuid_find(const struct guest_cpuid *t, u32 function, u32 index)
{
	const struct cpuid_row *row = first_row(t, function);

	if (!row || !row->indexed)
		return row;
	for (; row < &t->rows[t->count] && row->function == function; row++) {
		if (row->index == index)
			return row;
	}
	return NULL;
}

/*
 * A leaf that the table does not have. Intel CPUs answer leaves beyond the last one with
 * the data of the highest basic leaf, AMD's with zeros; the topology leaves name their
 * subleaf and the APIC id whatever it is (SDM "CPUID", leaves 0BH and 1FH).
 */
static const struct cpuid_row *lookup_missing(const struct guest_cpuid *t, u32 function, u32 index,
					      u32 regs[LEAF_NR_REGS])
{
	const struct cpuid_row *row;

	memset(regs, 0, LEAF_NR_REGS * sizeof(regs[0]));
	if (t->intel && ((function < CPUID_PV_SIGNATURE && function > t->max_basic) ||
			 (function >= 0x80000000u && function > t->max_ext)))
		function = t->max_basic;
	row = cpuid_find(t, function, index);
	if (row) {
		memcpy(regs, row->regs, sizeof(row->regs));
		return row->runtime ? row : NULL;
	}
	if (function == 0xb || function == 0x1f) {
		row = cpuid_find(t, function, 0);
		if (row) {
			regs[LEAF_ECX] = index & 0xff;
			regs[LEAF_EDX] = row->regs[LEAF_EDX];
		}
	}
	return NULL;
}

const struct cpuid_row *cpuid_lookup(const struct guest_cpuid *t, u32 function, u32 index,
				     u32 regs[LEAF_NR_REGS])
{
	const struct cpuid_row *row = cpuid_find(t, function, index);

	if (unlikely(!row))
		return lookup_missing(t, function, index, regs);
	memcpy(regs, row->regs, sizeof(row->regs));
	return unlikely(row->runtime) ? row : NULL;
}

/* Bytes of the XSAVE area for the components in @mask. SDM "XSAVE-Managed State". */
static u32 xsave_bytes(const struct guest_cpuid *t, u64 mask, bool compacted)
{
	const struct cpuid_row *row;
	u32 bytes = 512 + 64, size, offset;

	for (u32 i = 2; i < 63; i++) {
		if (!(mask & BIT_ULL(i)))
			continue;
		row = cpuid_find(t, 0xd, i);
		if (!row)
			continue;
		size = row->regs[LEAF_EAX];
		offset = row->regs[LEAF_EBX];
		if (compacted) {
			offset = bytes;
			if (row->regs[LEAF_ECX] & BIT(1))
				offset = (offset + 63) & ~63u;
		}
		bytes = max(bytes, offset + size);
	}
	return bytes;
}

static void set_bit_if(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

void cpuid_apply_runtime(const struct guest_cpuid *t, const struct cpuid_row *row,
			 const struct cpuid_runtime *rt, u32 regs[LEAF_NR_REGS])
{
	switch (row->runtime) {
	case CPUID_RT_FEATURES:
		set_bit_if(&regs[LEAF_ECX], BIT(27), rt->cr4 & X86_CR4_OSXSAVE);
		set_bit_if(&regs[LEAF_ECX], CPUID_MWAIT, rt->mwait);
		fallthrough;
	case CPUID_RT_EXT:
		if (!rt->apic_enabled)
			regs[LEAF_EDX] &= ~(u32)BIT(9);
		break;
	case CPUID_RT_STRUCTURED:
		set_bit_if(&regs[LEAF_ECX], BIT(4), rt->cr4 & X86_CR4_PKE);
		break;
	case CPUID_RT_XSAVE:
		regs[LEAF_EBX] = xsave_bytes(t, rt->xcr0, false);
		break;
	case CPUID_RT_XSAVES:
		regs[LEAF_EBX] = xsave_bytes(t, rt->xcr0 | rt->xss, true);
		break;
	case CPUID_RT_PV:
		regs[LEAF_EAX] &= rt->pv;
		break;
	default:
		break;
	}
}

static u8 runtime_of(const struct cpuid_row *row)
{
	u32 index = row->indexed ? row->index : 0;

	switch (row->function) {
	case 0x1:
		return CPUID_RT_FEATURES;
	case 0x7:
		return index == 0 ? CPUID_RT_STRUCTURED : CPUID_STATIC;
	case 0xd:
		if (index == 0)
			return CPUID_RT_XSAVE;
		/* without XSAVEC and XSAVES the size is reserved */
		if (index == 1 && (row->regs[LEAF_EAX] & (BIT(1) | BIT(3))))
			return CPUID_RT_XSAVES;
		return CPUID_STATIC;
	case 0x80000001u:
		return CPUID_RT_EXT;
	default:
		return CPUID_STATIC;
	}
}

/* ---- building ---- */

static bool row_before(const struct cpuid_row *a, const struct cpuid_row *b)
{
	return a->function < b->function || (a->function == b->function && a->index < b->index);
}

static void insert_sorted(struct guest_cpuid *t, const struct cpuid_row *row)
{
	u32 i = t->count++;

	for (; i > 0 && row_before(row, &t->rows[i - 1]); i--)
		t->rows[i] = t->rows[i - 1];
	t->rows[i] = *row;
}

static int check_neighbours(const struct guest_cpuid *t)
{
	const struct cpuid_row *a, *b;

	for (u32 i = 1; i < t->count; i++) {
		a = &t->rows[i - 1];
		b = &t->rows[i];
		if (a->function != b->function)
			continue;
		if (!a->indexed || !b->indexed || a->index == b->index)
			return -EINVAL;
	}
	return 0;
}

static void fill_hash(struct guest_cpuid *t)
{
	u32 slot;

	for (u32 i = 0; i < t->count; i++) {
		if (i && t->rows[i].function == t->rows[i - 1].function)
			continue;
		slot = hash(t->rows[i].function);
		while (t->first[slot])
			slot = (slot + 1) & (CPUID_HASH_SIZE - 1);
		t->first[slot] = i + 1;
	}
}

static u32 reg_of(const struct guest_cpuid *t, u32 function, u32 index, enum leaf_reg reg)
{
	const struct cpuid_row *row = cpuid_find(t, function, index);

	return row ? row->regs[reg] : 0;
}

static int check_widths(struct guest_cpuid *t)
{
	u32 eax = reg_of(t, 0x80000008u, 0, LEAF_EAX);
	u8 phys = eax & 0xff, linear = (eax >> 8) & 0xff;

	/* SDM: without the leaf 36 bits if PAE exists, else 32 */
	t->maxphyaddr = phys ? phys : 36;
	t->linear_bits = linear ? linear : 32;
	if (t->maxphyaddr < 32 || t->maxphyaddr > 52)
		return -EINVAL;
	if (linear && linear != 32 && linear != 48 && linear != 57)
		return -EINVAL;
	return 0;
}

/* Components must lie in the area that the host has for them. */
static int check_xsave(const struct guest_cpuid *t)
{
	const struct cpuid_row *row;

	for (u32 i = 2; i < 63; i++) {
		row = cpuid_find(t, 0xd, i);
		if (row && row->indexed &&
		    (row->regs[LEAF_EAX] > 0x10000 || row->regs[LEAF_EBX] > 0x10000))
			return -EINVAL;
	}
	return 0;
}

/* A feature bit and what it lets the guest set in a control register. */
struct control_bit {
	u32 function;
	u8 reg;
	u8 bit;
	u64 control;
};

static u64 control_bits(const struct guest_cpuid *t, const struct control_bit *bits, size_t count)
{
	u64 valid = 0;

	for (size_t i = 0; i < count; i++) {
		if (reg_of(t, bits[i].function, 0, bits[i].reg) & BIT(bits[i].bit))
			valid |= bits[i].control;
	}
	return valid;
}

static u64 cr4_valid(const struct guest_cpuid *t)
{
	static const struct control_bit bits[] = {
		{ 0x1, LEAF_EDX, 1, X86_CR4_VME | X86_CR4_PVI },
		{ 0x1, LEAF_EDX, 2, X86_CR4_DE },
		{ 0x1, LEAF_EDX, 4, X86_CR4_TSD },
		{ 0x1, LEAF_EDX, 3, X86_CR4_PSE },
		{ 0x1, LEAF_EDX, 6, X86_CR4_PAE },
		{ 0x1, LEAF_EDX, 7, X86_CR4_MCE },
		{ 0x1, LEAF_EDX, 13, X86_CR4_PGE },
		{ 0x1, LEAF_EDX, 24, X86_CR4_OSFXSR },
		{ 0x1, LEAF_EDX, 25, X86_CR4_OSXMMEXCPT },
		{ 0x1, LEAF_ECX, 17, X86_CR4_PCIDE },
		{ 0x1, LEAF_ECX, 26, X86_CR4_OSXSAVE },
		{ 0x7, LEAF_EBX, 0, X86_CR4_FSGSBASE },
		{ 0x7, LEAF_EBX, 7, X86_CR4_SMEP },
		{ 0x7, LEAF_EBX, 20, X86_CR4_SMAP },
		{ 0x7, LEAF_ECX, 2, X86_CR4_UMIP },
		{ 0x7, LEAF_ECX, 3, X86_CR4_PKE },
		{ 0x7, LEAF_ECX, 16, X86_CR4_LA57 },
	};

	/* CR4.PCE exists whether or not there are counters */
	return control_bits(t, bits, ARRAY_SIZE(bits)) | X86_CR4_PCE;
}

/* SPEC_CTRL: IBRS, STIBP, SSBD, each by Intel's bit and by AMD's. */
static u64 spec_ctrl_valid(const struct guest_cpuid *t)
{
	static const struct control_bit bits[] = {
		{ 0x7, LEAF_EDX, 26, BIT(0) },	      { 0x80000008u, LEAF_EBX, 14, BIT(0) },
		{ 0x7, LEAF_EDX, 27, BIT(1) },	      { 0x80000008u, LEAF_EBX, 15, BIT(1) },
		{ 0x7, LEAF_EDX, 31, BIT(2) },	      { 0x80000008u, LEAF_EBX, 24, BIT(2) },
	};

	return control_bits(t, bits, ARRAY_SIZE(bits));
}

static u64 efer_valid(const struct guest_cpuid *t)
{
	static const struct control_bit bits[] = {
		{ 0x80000001u, LEAF_EDX, 11, EFER_SCE },
		{ 0x80000001u, LEAF_EDX, 20, EFER_NX },
		{ 0x80000001u, LEAF_EDX, 25, EFER_FFXSR },
		{ 0x80000001u, LEAF_EDX, 29, EFER_LME | EFER_LMA },
	};

	return control_bits(t, bits, ARRAY_SIZE(bits));
}

static bool has_intel_rules(const struct guest_cpuid *t)
{
	/* "Auth"enticAMD and "Hygo"nGenuine answer zeros */
	u32 vendor = reg_of(t, 0, 0, LEAF_EBX);

	return vendor != 0x68747541 && vendor != 0x6f677948;
}

/* KVM's leaves are the first ones, or come after Hyper-V's. */
static void find_hypervisors(struct guest_cpuid *t)
{
	const struct cpuid_row *row;
	u32 i, base;

	t->hyperv = reg_of(t, CPUID_HYPERV_INTERFACE, 0, LEAF_EAX) == CPUID_HYPERV_HV1;
	for (base = CPUID_PV_SIGNATURE; base <= CPUID_PV_LAST; base += CPUID_PV_STEP) {
		row = cpuid_find(t, base, 0);
		/* "KVMKVMKVM" */
		if (row && row->regs[LEAF_EBX] == 0x4b4d564b && row->regs[LEAF_EDX] == 0x4d)
			break;
	}
	for (i = 0; base <= CPUID_PV_LAST && i < t->count; i++)
		if (t->rows[i].function == base + 1) {
			t->rows[i].runtime = CPUID_RT_PV;
			t->pv_features = base + 1;
		}
}

static void derive(struct guest_cpuid *t)
{
	u32 edx7 = reg_of(t, 0x7, 0, LEAF_EDX);
	u32 ebx_ext8 = reg_of(t, 0x80000008u, 0, LEAF_EBX);
	u32 ecx1 = reg_of(t, 0x1, 0, LEAF_ECX);
	u32 edx_ext1 = reg_of(t, 0x80000001u, 0, LEAF_EDX);

	t->cr4_valid = cr4_valid(t);
	t->efer_valid = efer_valid(t);
	t->xcr0_valid = XCR0_FP | reg_of(t, 0xd, 0, LEAF_EAX) |
			(u64)reg_of(t, 0xd, 0, LEAF_EDX) << 32;
	t->spec_ctrl_valid = spec_ctrl_valid(t);
	t->pages_1g = edx_ext1 & BIT(26);
	t->rdtscp = (edx_ext1 & BIT(27)) || (reg_of(t, 0x7, 0, LEAF_ECX) & BIT(22));
	t->x2apic = ecx1 & BIT(21);
	t->tsc_deadline = ecx1 & BIT(24);
	t->spec_ctrl = t->spec_ctrl_valid;
	t->pred_cmd = (edx7 & BIT(26)) || (ebx_ext8 & BIT(12));
	t->arch_caps = edx7 & BIT(29);
	t->mwait = reg_of(t, 0x1, 0, LEAF_ECX) & CPUID_MWAIT;
	find_hypervisors(t);
	t->intel = has_intel_rules(t);
	t->max_basic = reg_of(t, 0, 0, LEAF_EAX);
	t->max_ext = reg_of(t, 0x80000000u, 0, LEAF_EAX);
}

int cpuid_table_build(struct guest_cpuid *t, const struct myhv_cpuid_entry *entries, u32 count)
{
	struct cpuid_row row;

	if (count > CPUID_MAX_ENTRIES)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		if ((entries[i].flags & ~MYHV_CPUID_INDEXED) || entries[i].pad)
			return -EINVAL;
		row = (struct cpuid_row){
			.function = entries[i].function,
			.index = entries[i].index,
			.regs = { entries[i].eax, entries[i].ebx, entries[i].ecx, entries[i].edx },
			.indexed = entries[i].flags & MYHV_CPUID_INDEXED,
		};
		row.runtime = runtime_of(&row);
		insert_sorted(t, &row);
	}
	if (check_neighbours(t))
		return -EINVAL;
	fill_hash(t);
	if (check_widths(t) || check_xsave(t))
		return -EINVAL;
	derive(t);
	return 0;
}
