// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID: what is supported, how tables are checked, looked up and follow registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "cpuid_policy.h"

#define XCR0_ALL 0x2e7 /* x87, SSE, AVX, AVX-512, PKRU */

/* A host CPU that claims every feature there is. */
static void full_cpu(void *ctx, u32 function, u32 index, u32 regs[LEAF_NR_REGS])
{
	for (int i = 0; i < LEAF_NR_REGS; i++)
		regs[i] = 0xffffffff;
	switch (function) {
	case 0:
		regs[LEAF_EAX] = 0x20;
		regs[LEAF_EBX] = 0x68747541;
		regs[LEAF_EDX] = 0x69746e65;
		regs[LEAF_ECX] = 0x444d4163;
		break;
	case 4:
		if (index >= 3)
			regs[LEAF_EAX] = 0;
		break;
	case 0xd:
		regs[LEAF_EAX] = index == 1 ? 0xf : 64;
		regs[LEAF_EBX] = 576 + 64 * (index - 2);
		regs[LEAF_ECX] = index == 6 ? 2 : 0;
		break;
	case 0x80000000u:
		regs[LEAF_EAX] = 0x80000028;
		break;
	case 0x80000008u:
		regs[LEAF_EAX] = 0x30003030;
		break;
	}
}

/* One that has only what long mode needs. */
static void bare_cpu(void *ctx, u32 function, u32 index, u32 regs[LEAF_NR_REGS])
{
	memset(regs, 0, LEAF_NR_REGS * sizeof(regs[0]));
	switch (function) {
	case 0:
		regs[LEAF_EAX] = 1;
		break;
	case 1:
		regs[LEAF_EDX] = 0x078bfbff;
		break;
	case 0x80000000u:
		regs[LEAF_EAX] = 0x80000001;
		break;
	case 0x80000001u:
		regs[LEAF_EDX] = BIT(11) | BIT(20) | BIT(29);
		break;
	}
}

static const struct cpuid_host full_host = {
	.cpuid = full_cpu,
	.xcr0 = XCR0_ALL,
	.spec_ctrl = true,
	.rdtscp = true,
	.tsc_stable = true,
	.tsc_khz = 2000000,
	.apic_bus_khz = 1000000,
	.pv = CPUID_PV_CLOCK | CPUID_PV_CLOCK2 | CPUID_PV_CLOCK_STABLE,
};

static struct guest_cpuid *build(const struct myhv_cpuid_entry *entries, u32 count, int want)
{
	struct guest_cpuid *t = calloc(1, cpuid_table_bytes(count));
	int ret = cpuid_table_build(t, entries, count);

	assert_int_equal(ret, want);
	if (!ret)
		return t;
	free(t);
	return NULL;
}

static struct guest_cpuid *supported(const struct cpuid_host *host)
{
	struct myhv_cpuid_entry entries[CPUID_MAX_ENTRIES];
	u32 count = cpuid_supported_table(host, entries, CPUID_MAX_ENTRIES);

	assert_in_range(count, 8, CPUID_MAX_ENTRIES);
	return build(entries, count, 0);
}

static u32 reg(const struct guest_cpuid *t, u32 function, u32 index, enum leaf_reg reg)
{
	u32 regs[LEAF_NR_REGS];

	cpuid_lookup(t, function, index, regs);
	return regs[reg];
}

static void test_denied_features(void **state)
{
	struct guest_cpuid *t = supported(&full_host);
	u32 ecx1 = reg(t, 1, 0, LEAF_ECX);
	u32 ebx7 = reg(t, 7, 0, LEAF_EBX);

	assert_false(ecx1 & BIT(3));  /* MONITOR */
	assert_false(ecx1 & BIT(5));  /* VMX */
	assert_false(ecx1 & BIT(15)); /* PDCM */
	assert_true(ecx1 & BIT(21));  /* x2APIC */
	assert_true(ecx1 & BIT(24));  /* TSC deadline */
	assert_true(ecx1 & BIT(26));  /* XSAVE */
	assert_true(ecx1 & BIT(31));  /* hypervisor */
	assert_false(ebx7 & (BIT(4) | BIT(11) | BIT(14) | BIT(25)));
	assert_true(ebx7 & BIT(1));
	assert_false(reg(t, 0x80000001u, 0, LEAF_ECX) & BIT(2)); /* SVM */
	assert_int_equal(reg(t, 0xa, 0, LEAF_EAX), 0);
	assert_int_equal(reg(t, 0x8000000au, 0, LEAF_EDX), 0);
	assert_int_equal(reg(t, 0, 0, LEAF_EAX), 0xd);
	assert_int_equal(reg(t, 0x80000000u, 0, LEAF_EAX), 0x80000021);
	assert_int_equal(reg(t, 0x80000008u, 0, LEAF_EAX), 0x3030);
	assert_int_equal(reg(t, 1, 0, LEAF_EBX) >> 24, 0);
	assert_true(t->x2apic && t->tsc_deadline && t->spec_ctrl && t->pred_cmd && t->rdtscp);
	assert_false(t->intel);
	free(t);
}

/* Without XCR0 bits their features go, too; without a switch of MSRs theirs. */
static void test_dependencies(void **state)
{
	struct cpuid_host host = full_host;
	struct guest_cpuid *t;

	host.xcr0 = 3;
	host.spec_ctrl = false;
	host.rdtscp = false;
	host.tsc_stable = false;
	t = supported(&host);
	assert_true(reg(t, 1, 0, LEAF_ECX) & BIT(26));
	assert_false(reg(t, 1, 0, LEAF_ECX) & (BIT(12) | BIT(28) | BIT(29)));
	assert_false(reg(t, 7, 0, LEAF_EBX) & (BIT(5) | BIT(16) | BIT(30)));
	assert_false(reg(t, 7, 0, LEAF_ECX) & (BIT(1) | BIT(3) | BIT(9) | BIT(22)));
	assert_false(reg(t, 7, 0, LEAF_EDX) & (BIT(26) | BIT(27) | BIT(31)));
	assert_false(reg(t, 0x80000001u, 0, LEAF_EDX) & BIT(27));
	assert_false(reg(t, 0x80000007u, 0, LEAF_EDX) & BIT(8));
	assert_false(reg(t, CPUID_PV_FEATURES, 0, LEAF_EAX) & CPUID_PV_CLOCK_STABLE);
	assert_false(t->spec_ctrl || t->pred_cmd || t->rdtscp);
	assert_false(t->cr4_valid & X86_CR4_PKE);
	free(t);

	host.xcr0 = 0;
	t = supported(&host);
	assert_false(reg(t, 1, 0, LEAF_ECX) & BIT(26));
	assert_null(cpuid_find(t, 0xd, 0));
	assert_false(t->cr4_valid & X86_CR4_OSXSAVE);
	free(t);
}

static void test_bare_host(void **state)
{
	struct cpuid_host host = { .cpuid = bare_cpu };
	struct guest_cpuid *t = supported(&host);

	assert_int_equal(reg(t, 0, 0, LEAF_EAX), 7);
	assert_int_equal(reg(t, 1, 0, LEAF_ECX), BIT(21) | BIT(24) | BIT(31));
	assert_int_equal(t->maxphyaddr, 36);
	assert_int_equal(t->efer_valid, EFER_SCE | EFER_NX | EFER_LME | EFER_LMA);
	assert_int_equal(t->cr4_valid & (X86_CR4_SMEP | X86_CR4_PCIDE | X86_CR4_LA57), 0);
	assert_true(t->cr4_valid & X86_CR4_PAE);
	assert_int_equal(reg(t, CPUID_PV_SIGNATURE, 0, LEAF_EBX), 0x4b4d564b);
	free(t);
}

static void test_short_array(void **state)
{
	struct myhv_cpuid_entry entries[3] = { 0 };
	u32 count = cpuid_supported_table(&full_host, entries, 2);

	assert_in_range(count, 20, CPUID_MAX_ENTRIES);
	assert_int_equal(entries[1].function, 1);
	assert_int_equal(entries[2].function, 0);
	assert_int_equal(entries[2].eax, 0);
}

static void test_runtime_bits(void **state)
{
	struct guest_cpuid *t = supported(&full_host);
	struct cpuid_runtime rt = { .xcr0 = 3, .apic_enabled = true, .pv = CPUID_PV_CLOCK };
	const struct cpuid_row *row;
	u32 regs[LEAF_NR_REGS];

	row = cpuid_lookup(t, 1, 0, regs);
	assert_non_null(row);
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_false(regs[LEAF_ECX] & BIT(27));
	assert_true(regs[LEAF_EDX] & BIT(9));
	assert_false(regs[LEAF_ECX] & CPUID_MWAIT);
	rt.mwait = true;
	rt.cr4 = X86_CR4_OSXSAVE | X86_CR4_PKE;
	rt.apic_enabled = false;
	row = cpuid_lookup(t, 1, 0, regs);
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_true(regs[LEAF_ECX] & BIT(27));
	assert_true(regs[LEAF_ECX] & CPUID_MWAIT);
	assert_false(regs[LEAF_EDX] & BIT(9));
	row = cpuid_lookup(t, 7, 0, regs);
	assert_false(regs[LEAF_ECX] & BIT(4));
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_true(regs[LEAF_ECX] & BIT(4));

	row = cpuid_lookup(t, CPUID_PV_FEATURES, 0, regs);
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EAX], CPUID_PV_CLOCK);
	/* a leaf that no register changes */
	assert_null(cpuid_lookup(t, 0x80000002u, 0, regs));
	free(t);
}

static void test_xsave_size(void **state)
{
	struct guest_cpuid *t = supported(&full_host);
	struct cpuid_runtime rt = { .xcr0 = 3 };
	const struct cpuid_row *row;
	u32 regs[LEAF_NR_REGS];

	row = cpuid_lookup(t, 0xd, 0, regs);
	assert_int_equal(regs[LEAF_EAX], XCR0_ALL);
	assert_int_equal(regs[LEAF_ECX], 576 + 64 * 8); /* PKRU is the last */
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EBX], 576);
	rt.xcr0 = 7;
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EBX], 576 + 64);
	rt.xcr0 = XCR0_ALL;
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EBX], 576 + 64 * 8);
	/* compacted: five components in a row */
	row = cpuid_lookup(t, 0xd, 1, regs);
	assert_non_null(row);
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EBX], 576 + 64 * 5);
	assert_int_equal(regs[LEAF_EAX], 7); /* XSAVES is not offered */
	/* never a supervisor component */
	assert_int_equal(reg(t, 0xd, 6, LEAF_ECX), 2);
	assert_int_equal(reg(t, 0xd, 5, LEAF_ECX), 0);
	free(t);
}

/* KVM's leaves may come behind Hyper-V's, whose second leaf is none of theirs. */
static void test_two_hypervisors(void **state)
{
	const struct myhv_cpuid_entry entries[] = {
		{ .function = 0x40000000, .eax = 0x40000005, .ebx = 0x7263694d },
		{ .function = CPUID_HYPERV_INTERFACE, .eax = CPUID_HYPERV_HV1 },
		{ .function = 0x40000100, .eax = 0x40000101, .ebx = 0x4b4d564b,
		  .ecx = 0x564b4d56, .edx = 0x4d },
		{ .function = 0x40000101, .eax = 0xffffffff },
	};
	struct guest_cpuid *t = build(entries, ARRAY_SIZE(entries), 0);
	struct cpuid_runtime rt = { .pv = CPUID_PV_EOI };
	const struct cpuid_row *row;
	u32 regs[LEAF_NR_REGS];

	assert_true(t->hyperv);
	assert_int_equal(t->pv_features, 0x40000101);
	assert_null(cpuid_lookup(t, CPUID_HYPERV_INTERFACE, 0, regs));
	assert_int_equal(regs[LEAF_EAX], CPUID_HYPERV_HV1);
	row = cpuid_lookup(t, 0x40000101, 0, regs);
	assert_non_null(row);
	cpuid_apply_runtime(t, row, &rt, regs);
	assert_int_equal(regs[LEAF_EAX], CPUID_PV_EOI);
	free(t);
	t = build(entries, 2, 0);
	assert_true(t->hyperv);
	assert_int_equal(t->pv_features, 0);
	free(t);
	t = supported(&full_host);
	assert_false(t->hyperv);
	assert_int_equal(t->pv_features, CPUID_PV_FEATURES);
	free(t);
}

static void test_lookup(void **state)
{
	const struct myhv_cpuid_entry entries[] = {
		{ .function = 0x80000001, .eax = 0x81 },
		{ .function = 4, .index = 1, .flags = MYHV_CPUID_INDEXED, .eax = 0x41 },
		{ .function = 0, .eax = 4, .ebx = 0x756e6547 },
		{ .function = 4, .index = 0, .flags = MYHV_CPUID_INDEXED, .eax = 0x40 },
		{ .function = 1, .eax = 0x11 },
		{ .function = 0xb, .index = 0, .flags = MYHV_CPUID_INDEXED, .eax = 1, .edx = 9 },
		{ .function = 0x80000000, .eax = 0x80000001 },
	};
	struct guest_cpuid *t = build(entries, ARRAY_SIZE(entries), 0);
	struct guest_cpuid *amd;
	struct myhv_cpuid_entry other[ARRAY_SIZE(entries)];

	assert_true(t->intel);
	assert_int_equal(reg(t, 1, 0x55, LEAF_EAX), 0x11); /* ECX does not matter */
	assert_int_equal(reg(t, 4, 0, LEAF_EAX), 0x40);
	assert_int_equal(reg(t, 4, 1, LEAF_EAX), 0x41);
	assert_int_equal(reg(t, 4, 2, LEAF_EAX), 0);
	assert_int_equal(reg(t, 2, 0, LEAF_EAX), 0);
	assert_int_equal(reg(t, 0x80000001, 0, LEAF_EAX), 0x81);
	/* Intel: out of range is the highest basic leaf */
	assert_int_equal(reg(t, 0x50, 1, LEAF_EAX), 0x41);
	assert_int_equal(reg(t, 0x80000002, 1, LEAF_EAX), 0x41);
	assert_int_equal(reg(t, 0x40000000, 1, LEAF_EAX), 0);
	free(t);

	memcpy(other, entries, sizeof(entries));
	other[2].ebx = 0x68747541;
	amd = build(other, ARRAY_SIZE(other), 0);
	assert_int_equal(reg(amd, 0x50, 1, LEAF_EAX), 0);
	/* topology beyond the last level: level number and id all the same */
	assert_int_equal(reg(amd, 0xb, 3, LEAF_ECX), 3);
	assert_int_equal(reg(amd, 0xb, 3, LEAF_EDX), 9);
	free(amd);
}

static void test_empty_table(void **state)
{
	struct guest_cpuid *t = build(NULL, 0, 0);

	assert_int_equal(reg(t, 0, 0, LEAF_EAX), 0);
	assert_int_equal(reg(t, 0x80000000, 0, LEAF_EAX), 0);
	assert_null(cpuid_find(t, 1, 0));
	free(t);
}

static void test_full_table(void **state)
{
	struct myhv_cpuid_entry entries[CPUID_MAX_ENTRIES] = { 0 };
	struct guest_cpuid *t;

	/* the same place in the hash for many of them */
	for (u32 i = 0; i < CPUID_MAX_ENTRIES; i++)
		entries[i] = (struct myhv_cpuid_entry){ .function = i * 0x200, .eax = i };
	t = build(entries, CPUID_MAX_ENTRIES, 0);
	for (u32 i = 0; i < CPUID_MAX_ENTRIES; i++)
		assert_int_equal(cpuid_find(t, i * 0x200, 0)->regs[LEAF_EAX], i);
	assert_null(cpuid_find(t, 0x100, 0));
	free(t);
	build(entries, CPUID_MAX_ENTRIES + 1, -EINVAL);
}

static void test_refusals(void **state)
{
	struct myhv_cpuid_entry e[2] = { { .function = 1 }, { .function = 1 } };

	build(e, 2, -EINVAL); /* twice */
	e[0].flags = MYHV_CPUID_INDEXED;
	build(e, 2, -EINVAL); /* with and without an index */
	e[1].flags = MYHV_CPUID_INDEXED;
	build(e, 2, -EINVAL);
	e[1].index = 1;
	free(build(e, 2, 0));
	e[1].flags = 2;
	build(e, 2, -EINVAL);
	e[1].flags = 0;
	e[1].pad = 1;
	build(e, 2, -EINVAL);
	e[0] = (struct myhv_cpuid_entry){ .function = 0x80000008, .eax = 0x3035 };
	build(e, 1, -EINVAL); /* 53 bits */
	e[0].eax = 0x301f;
	build(e, 1, -EINVAL); /* 31 */
	e[0].eax = 0x4030;
	build(e, 1, -EINVAL); /* 64 linear bits */
	e[0].eax = 0x3934;
	free(build(e, 1, 0));
	e[0] = (struct myhv_cpuid_entry){
		.function = 0xd,
		.index = 2,
		.flags = MYHV_CPUID_INDEXED,
		.eax = 0x80000000,
	};
	build(e, 1, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied_features), cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_bare_host),	cmocka_unit_test(test_short_array),
		cmocka_unit_test(test_runtime_bits),	cmocka_unit_test(test_xsave_size),
		cmocka_unit_test(test_lookup),		cmocka_unit_test(test_empty_table),
		cmocka_unit_test(test_full_table),	cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_two_hypervisors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
