// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest can be given, leaf by leaf. A feature bit passes only when the
 * hypervisor does its part for it; bits that nobody listed here stay away, so a new CPU brings no
 * surprise.
 */
#include "cpuid_policy.h"

#define F(n) ((u32)BIT(n))

/* XCR0 components. */
#define XCR0_AVX (BIT_ULL(2))
#define XCR0_AVX512 (BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(7))
#define XCR0_PKRU (BIT_ULL(9))

struct feature_word {
	u32 function;
	u32 index;
	u8 reg;
	u32 pass; /* given when the host has it */
	u32 set;  /* given always: emulated here */
};

/* clang-format off */
static const struct feature_word feature_words[] = {
	{ 0x1, 0, LEAF_ECX,
	  F(0) /* SSE3 */ | F(1) /* PCLMULQDQ */ | F(9) /* SSSE3 */ | F(12) /* FMA */ |
	  F(13) /* CX16 */ | F(17) /* PCID */ | F(19) | F(20) /* SSE4 */ | F(22) /* MOVBE */ |
	  F(23) /* POPCNT */ | F(25) /* AES */ | F(26) /* XSAVE */ | F(28) /* AVX */ |
	  F(29) /* F16C */ | F(30) /* RDRAND */,
	  /* not MONITOR (would need exits), VMX, PDCM (no perfmon), OSXSAVE (runtime) */
	  F(21) /* x2APIC */ | F(24) /* TSC deadline */ | F(31) /* hypervisor */ },
	{ 0x1, 0, LEAF_EDX,
	  0x000003ff /* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC */ | F(11) /* SEP */ |
	  F(12) /* MTRR */ | F(13) /* PGE */ | F(14) /* MCA */ | F(15) /* CMOV */ |
	  F(16) /* PAT */ | F(17) /* PSE36 */ | F(19) /* CLFLUSH */ | F(23) /* MMX */ |
	  F(24) /* FXSR */ | F(25) | F(26) /* SSE, SSE2 */ | F(27) /* self snoop */, 0 },
	  /* not DS, ACPI, TM, PBE: no such MSRs; HTT is topology */
	{ 0x6, 0, LEAF_EAX, 0, F(2) /* ARAT: the LAPIC timer never stops */ },
	{ 0x7, 0, LEAF_EBX,
	  F(0) /* FSGSBASE */ | F(3) /* BMI1 */ | F(5) /* AVX2 */ | F(6) | F(7) /* SMEP */ |
	  F(8) /* BMI2 */ | F(9) /* ERMS */ | F(10) /* INVPCID */ | F(13) | F(16) /* AVX512F */ |
	  F(17) | F(18) /* RDSEED */ | F(19) /* ADX */ | F(20) /* SMAP */ | F(21) |
	  F(23) /* CLFLUSHOPT */ | F(24) /* CLWB */ | F(26) | F(27) | F(28) | F(29) /* SHA */ |
	  F(30) | F(31),
	  /* not HLE, RTM (aborts of a guest can be observed), MPX, PT */
	  F(1) /* TSC_ADJUST */ },
	{ 0x7, 0, LEAF_ECX,
	  F(1) | F(2) /* UMIP */ | F(3) /* PKU */ | F(6) | F(8) /* GFNI */ | F(9) /* VAES */ |
	  F(10) | F(11) | F(12) | F(14) | F(16) /* LA57 */ | F(22) /* RDPID */ |
	  F(25) /* CLDEMOTE */ | F(27) | F(28) /* MOVDIR */, 0 },
	  /* not WAITPKG, shadow stacks, ENQCMD: MSRs that are not switched */
	{ 0x7, 0, LEAF_EDX,
	  F(2) | F(3) | F(4) /* FSRM */ | F(8) | F(10) /* MD_CLEAR */ | F(14) /* SERIALIZE */ |
	  F(23) | F(26) | F(27) | F(31) /* SPEC_CTRL */ | F(29) /* ARCH_CAPABILITIES */, 0 },
	{ 0x7, 1, LEAF_EAX, F(4) | F(5) | F(10) | F(11) | F(12) | F(23), 0 },
	{ 0x7, 1, LEAF_EDX, F(4) | F(5) | F(14), 0 },
	{ 0xd, 1, LEAF_EAX, F(0) /* XSAVEOPT */ | F(1) /* XSAVEC */ | F(2) /* XGETBV 1 */, 0 },
	  /* not XSAVES: no supervisor state is switched */
	{ 0x80000001, 0, LEAF_ECX,
	  F(0) /* LAHF */ | F(4) /* CR8 */ | F(5) /* LZCNT */ | F(6) /* SSE4A */ | F(7) | F(8) |
	  F(11) /* XOP */ | F(16) /* FMA4 */ | F(21) /* TBM */, 0 },
	  /* not SVM, extended APIC space, IBS, SKINIT, OSVW, TOPOEXT, counters, MWAITX */
	{ 0x80000001, 0, LEAF_EDX,
	  0x0183f3ff /* as leaf 1 */ | F(11) /* SYSCALL */ | F(20) /* NX */ | F(22) |
	  F(25) /* FFXSR */ | F(26) /* 1 GiB pages */ | F(27) /* RDTSCP */ | F(29) /* LM */ |
	  F(30) | F(31), 0 },
	{ 0x80000007, 0, LEAF_EDX, F(8) /* invariant TSC */, 0 },
	{ 0x80000008, 0, LEAF_EBX,
	  F(0) /* CLZERO */ | F(2) | F(9) /* WBNOINVD */ | F(12) /* IBPB */ | F(14) | F(15) |
	  F(17) | F(24) /* SPEC_CTRL */ | F(26) | F(29), 0 },
	{ 0x80000021, 0, LEAF_EAX, F(0) | F(2) /* LFENCE serializes */ | F(6), 0 },
};
/* clang-format on */

/* Bits that need something more than the CPU. */
struct dependency {
	u32 function;
	u8 reg;
	u32 bits;
};

static const struct dependency needs_xsave[] = {
	{ 0x1, LEAF_ECX, F(26) },
	{ 0xd, LEAF_EAX, ~0u },
};

static const struct dependency needs_avx[] = {
	{ 0x1, LEAF_ECX, F(12) | F(28) | F(29) },
	{ 0x7, LEAF_EBX, F(5) },
	{ 0x7, LEAF_ECX, F(9) | F(10) },
	{ 0x80000001, LEAF_ECX, F(11) | F(16) },
};

static const struct dependency needs_avx512[] = {
	{ 0x7, LEAF_EBX, F(16) | F(17) | F(21) | F(26) | F(27) | F(28) | F(30) | F(31) },
	{ 0x7, LEAF_ECX, F(1) | F(6) | F(11) | F(12) | F(14) },
	{ 0x7, LEAF_EDX, F(2) | F(3) | F(8) | F(23) },
};

static const struct dependency needs_pkru[] = { { 0x7, LEAF_ECX, F(3) } };

static const struct dependency needs_spec_ctrl[] = {
	{ 0x7, LEAF_EDX, F(26) | F(27) | F(31) },
	{ 0x80000008, LEAF_EBX, F(12) | F(14) | F(15) | F(17) | F(24) },
};

static const struct dependency needs_rdtscp[] = {
	{ 0x7, LEAF_ECX, F(22) },
	{ 0x80000001, LEAF_EDX, F(27) },
};

static const struct dependency needs_stable_tsc[] = { { 0x80000007, LEAF_EDX, F(8) } };

static u32 denied(const struct dependency *deps, size_t count, u32 function, u32 reg)
{
	u32 bits = 0;

	for (size_t i = 0; i < count; i++) {
		if (deps[i].function == function && deps[i].reg == reg)
			bits |= deps[i].bits;
	}
	return bits;
}
#define DENIED(deps, function, reg) denied(deps, ARRAY_SIZE(deps), function, reg)

static u32 denied_bits(const struct cpuid_host *host, u32 function, u32 reg)
{
	u32 bits = 0;

	if (!host->xcr0)
		bits |= DENIED(needs_xsave, function, reg);
	if (!(host->xcr0 & XCR0_AVX))
		bits |= DENIED(needs_avx, function, reg);
	if ((host->xcr0 & XCR0_AVX512) != XCR0_AVX512)
		bits |= DENIED(needs_avx512, function, reg);
	if (!(host->xcr0 & XCR0_PKRU))
		bits |= DENIED(needs_pkru, function, reg);
	if (!host->spec_ctrl)
		bits |= DENIED(needs_spec_ctrl, function, reg);
	if (!host->rdtscp)
		bits |= DENIED(needs_rdtscp, function, reg);
	if (!host->tsc_stable)
		bits |= DENIED(needs_stable_tsc, function, reg);
	return bits;
}

struct builder {
	const struct cpuid_host *host;
	struct myhv_cpuid_entry *entries;
	u32 max;
	u32 count;
};

static void put(struct builder *b, u32 function, u32 index, bool indexed,
		const u32 regs[LEAF_NR_REGS])
{
	if (b->count < b->max)
		b->entries[b->count] = (struct myhv_cpuid_entry){
			.function = function,
			.index = index,
			.flags = indexed ? MYHV_CPUID_INDEXED : 0,
			.eax = regs[LEAF_EAX],
			.ebx = regs[LEAF_EBX],
			.ecx = regs[LEAF_ECX],
			.edx = regs[LEAF_EDX],
		};
	b->count++;
}

static void raw(struct builder *b, u32 function, u32 index, u32 regs[LEAF_NR_REGS])
{
	b->host->cpuid(b->host->ctx, function, index, regs);
}

/* The feature word @reg of a leaf, as far as it may be given. */
static u32 allowed(const struct cpuid_host *host, u32 function, u32 index, u32 reg, u32 value)
{
	for (size_t i = 0; i < ARRAY_SIZE(feature_words); i++) {
		const struct feature_word *w = &feature_words[i];

		if (w->function == function && w->index == index && w->reg == reg)
			return ((value & w->pass) | w->set) & ~denied_bits(host, function, reg);
	}
	return 0;
}

/* A leaf as the host has it. */
static void put_raw(struct builder *b, u32 function)
{
	u32 regs[LEAF_NR_REGS];

	raw(b, function, 0, regs);
	put(b, function, 0, false, regs);
}

/* A leaf made of feature words, but for the registers in @keep (bits: 1 << LEAF_EAX ...). */
static void put_features(struct builder *b, u32 function, u32 index, bool indexed, u32 keep)
{
	u32 regs[LEAF_NR_REGS];

	raw(b, function, index, regs);
	for (u32 reg = 0; reg < LEAF_NR_REGS; reg++) {
		if (!(keep & BIT(reg)))
			regs[reg] = allowed(b->host, function, index, reg, regs[reg]);
	}
	put(b, function, index, indexed, regs);
}

static void put_leaf1(struct builder *b)
{
	u32 regs[LEAF_NR_REGS];

	raw(b, 1, 0, regs);
	/* brand index and CLFLUSH size are the host's; one logical CPU, APIC id 0 */
	regs[LEAF_EBX] = (regs[LEAF_EBX] & 0xffff) | 1u << 16;
	regs[LEAF_ECX] = allowed(b->host, 1, 0, LEAF_ECX, regs[LEAF_ECX]);
	regs[LEAF_EDX] = allowed(b->host, 1, 0, LEAF_EDX, regs[LEAF_EDX]);
	put(b, 1, 0, false, regs);
}

/* Deterministic cache parameters; the sharing fields are topology. */
static void put_caches(struct builder *b)
{
	u32 regs[LEAF_NR_REGS];

	for (u32 i = 0; i < 8; i++) {
		raw(b, 4, i, regs);
		if (!(regs[LEAF_EAX] & 0x1f))
			break;
		regs[LEAF_EAX] &= 0x3fff;
		put(b, 4, i, true, regs);
	}
}

static void put_structured(struct builder *b)
{
	u32 regs[LEAF_NR_REGS];
	u32 last;

	raw(b, 7, 0, regs);
	last = min(regs[LEAF_EAX], 1u);
	for (u32 reg = LEAF_EBX; reg < LEAF_NR_REGS; reg++)
		regs[reg] = allowed(b->host, 7, 0, reg, regs[reg]);
	regs[LEAF_EAX] = last;
	put(b, 7, 0, true, regs);
	if (last)
		put_features(b, 7, 1, true, 0);
}

/* One thread in one core in one package; monitors with more CPUs edit it. */
static void put_topology(struct builder *b)
{
	static const u32 thread[LEAF_NR_REGS] = { 0, 1, 0x100, 0 };
	static const u32 core[LEAF_NR_REGS] = { 0, 1, 0x201, 0 };

	put(b, 0xb, 0, true, thread);
	put(b, 0xb, 1, true, core);
}

static void put_xsave(struct builder *b)
{
	u64 xcr0 = b->host->xcr0;
	u32 regs[LEAF_NR_REGS];
	u32 bytes = 512 + 64;

	for (u32 i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		raw(b, 0xd, i, regs);
		bytes = max(bytes, regs[LEAF_EAX] + regs[LEAF_EBX]);
	}
	regs[LEAF_EAX] = (u32)xcr0;
	regs[LEAF_EBX] = bytes;
	regs[LEAF_ECX] = bytes;
	regs[LEAF_EDX] = (u32)(xcr0 >> 32);
	put(b, 0xd, 0, true, regs);
	put_features(b, 0xd, 1, true, 0);
	for (u32 i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		raw(b, 0xd, i, regs);
		regs[LEAF_ECX] &= BIT(1); /* alignment; never a supervisor component */
		regs[LEAF_EDX] = 0;
		put(b, 0xd, i, true, regs);
	}
}

static void put_basic(struct builder *b)
{
	static const u32 zeros[LEAF_NR_REGS];
	u32 regs[LEAF_NR_REGS];
	u32 last;

	raw(b, 0, 0, regs);
	/* 7 always: TSC_ADJUST; 0xd: XSAVE and the topology leaf below it */
	last = max(min(regs[LEAF_EAX], 0xdu), 7u);
	regs[LEAF_EAX] = last;
	put(b, 0, 0, false, regs);
	put_leaf1(b);
	put_raw(b, 2);
	put_caches(b);
	put_features(b, 6, 0, false, 0);
	put_structured(b);
	if (last >= 0xa)
		put(b, 0xa, 0, false, zeros); /* no performance counters */
	if (last >= 0xb)
		put_topology(b);
	if (last >= 0xd && b->host->xcr0)
		put_xsave(b);
}

static void put_paravirtual(struct builder *b)
{
	u32 signature[LEAF_NR_REGS] = { CPUID_PV_FEATURES, 0x4b4d564b, 0x564b4d56, 0x4d };
	u32 features[LEAF_NR_REGS] = { b->host->pv, 0, 0, 0 };
	u32 timing[LEAF_NR_REGS] = { b->host->tsc_khz, b->host->apic_bus_khz, 0, 0 };

	if (b->host->tsc_khz)
		signature[LEAF_EAX] = CPUID_PV_TIMING;
	if (!b->host->tsc_stable)
		features[LEAF_EAX] &= ~CPUID_PV_CLOCK_STABLE;
	put(b, CPUID_PV_SIGNATURE, 0, false, signature);
	put(b, CPUID_PV_FEATURES, 0, false, features);
	if (b->host->tsc_khz)
		put(b, CPUID_PV_TIMING, 0, false, timing);
}

static void put_extended(struct builder *b)
{
	u32 regs[LEAF_NR_REGS];
	u32 last;

	raw(b, 0x80000000u, 0, regs);
	last = min(regs[LEAF_EAX], 0x80000021u);
	if (last < 0x80000001u)
		return;
	regs[LEAF_EAX] = last;
	put(b, 0x80000000u, 0, false, regs);
	put_features(b, 0x80000001u, 0, false, BIT(LEAF_EAX) | BIT(LEAF_EBX));
	for (u32 leaf = 0x80000002u; leaf <= min(last, 0x80000006u); leaf++)
		put_raw(b, leaf); /* brand string, caches */
	if (last >= 0x80000007u)
		put_features(b, 0x80000007u, 0, false, 0);
	if (last >= 0x80000008u) {
		raw(b, 0x80000008u, 0, regs);
		regs[LEAF_EAX] &= 0xffff; /* the same width for guests of the guest */
		regs[LEAF_EBX] = allowed(b->host, 0x80000008u, 0, LEAF_EBX, regs[LEAF_EBX]);
		regs[LEAF_ECX] = 0; /* one core */
		regs[LEAF_EDX] = 0;
		put(b, 0x80000008u, 0, false, regs);
	}
	if (last >= 0x80000019u)
		put_raw(b, 0x80000019u); /* TLBs of 1 GiB pages */
	if (last >= 0x80000021u)
		put_features(b, 0x80000021u, 0, false, 0);
}

u32 cpuid_supported_table(const struct cpuid_host *host, struct myhv_cpuid_entry *entries, u32 max)
{
	struct builder b = { .host = host, .entries = entries, .max = max };

	put_basic(&b);
	put_paravirtual(&b);
	put_extended(&b);
	return b.count;
}
