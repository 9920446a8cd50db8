// SPDX-License-Identifier: GPL-2.0-or-later
/* The MSR table and its value checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "msr_policy.h"

static const struct msr_guest guest = { .maxphyaddr = 40, .linear_bits = 48, .mce_banks = 10 };

static bool ok(u32 index, u64 value)
{
	const struct msr_rule *rule = msr_rule_find(index);

	assert_non_null(rule);
	return msr_value_ok(rule, index, value, &guest);
}

/* Binary search relies on the order; every rule must be found by both its ends. */
static void test_table_is_sorted(void **state)
{
	const struct msr_rule *rule, *last = NULL;
	unsigned int rules = 0;

	for (u64 index = 0; index <= 0xffffffff; index++) {
		/* only these regions have rules */
		if (index == 0x1000)
			index = 0x40000000;
		else if (index == 0x40000200)
			index = 0x4b564d00;
		else if (index == 0x4b564e00)
			index = 0xc0000000;
		else if (index == 0xc0012000)
			break;
		rule = msr_rule_find(index);
		if (!rule)
			continue;
		assert_in_range(index, rule->first, rule->last);
		if (rule != last) {
			assert_int_equal(index, rule->first);
			assert_true(!last || rule == last + 1);
			rules++;
		}
		last = rule;
	}
	assert_in_range(rules, 60, 110);
}

static void test_unknown(void **state)
{
	static const u32 unknown[] = {
		0x2,	    0x1c,	0x4b564d02, 0x4b564d03, 0x40000003,
		0xc0000104, 0xc0010117, 0xc001011f, 0xc0011020, 0xffffffff,
	};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(msr_rule_find(unknown[i]));
}

/* Every stored MSR has a place of its own inside the struct. */
static void test_storage_is_disjoint(void **state)
{
	static struct vcpu_msrs msrs;
	const struct msr_rule *rule;
	u64 *place;

	memset(&msrs, 0, sizeof(msrs));
	for (u32 index = 0; index < 0x1000; index++) {
		rule = msr_rule_find(index);
		if (!rule || rule->kind != MSR_STORED)
			continue;
		place = msr_stored(&msrs, rule, index);
		assert_true((char *)place >= (char *)&msrs &&
			    (char *)(place + 1) <= (char *)(&msrs + 1));
		assert_int_equal(*place, 0);
		*place = index;
	}
	assert_int_equal(msrs.mtrr_fixed[0], 0x250);
	assert_int_equal(msrs.mtrr_fixed[2], 0x259);
	assert_int_equal(msrs.mtrr_fixed[10], 0x26f);
	assert_int_equal(msrs.mtrr_var[15], 0x20f);
	assert_int_equal(msrs.mce_banks[0], 0x400);
	assert_int_equal(msrs.mce_banks[127], 0x47f);
}

static void test_canonical(void **state)
{
	assert_true(ok(MSR_LSTAR, 0x00007fffffffffff));
	assert_true(ok(MSR_LSTAR, 0xffff800000000000));
	assert_false(ok(MSR_LSTAR, 0x0000800000000000));
	assert_false(ok(MSR_KERNEL_GS_BASE, 0x8000000000000000));
	assert_true(linear_is_canonical(0x00ffffffffffffff, 57));
	assert_false(linear_is_canonical(0x0100000000000000, 57));
}

static void test_memory_types(void **state)
{
	assert_true(ok(MSR_IA32_CR_PAT, 0x0007040600070406));
	assert_false(ok(MSR_IA32_CR_PAT, 0x0007040600070403));
	assert_false(ok(MSR_IA32_CR_PAT, 0x0207040600070406));
	/* UC- is for the PAT alone */
	assert_false(ok(MSR_MTRRfix64K_00000, 7));
	assert_true(ok(MSR_MTRRfix4K_F8000, 0x0606060606060606));
	assert_true(ok(MSR_MTRRdefType, 0xc06));
	assert_false(ok(MSR_MTRRdefType, 0x1c06));
	assert_false(ok(MSR_MTRRdefType, 0xc02));
	/* PHYSBASE, PHYSMASK */
	assert_true(ok(0x200, 0x80000006));
	assert_false(ok(0x200, 0x80000106));
	assert_false(ok(0x200, 0x80000002));
	assert_false(ok(0x200, BIT_ULL(40)));
	assert_true(ok(0x201, 0xff80000800));
	assert_false(ok(0x201, 0xff80000400));
	assert_false(ok(0x201, 0x1ff80000800));
}

/* Linux on Intel writes 0 there without asking CPUID. */
static void test_misc_features(void **state)
{
	assert_true(ok(0x140, 0));
	assert_false(ok(0x140, 1));
	assert_int_equal(msr_rule_find(0x140)->kind, MSR_IGNORED);
}

static void test_machine_check(void **state)
{
	struct msr_guest writable = guest;

	assert_true(ok(MSR_IA32_MCG_CTL, ~0ULL));
	assert_false(ok(MSR_IA32_MCG_CTL, 1));
	assert_true(ok(0x400, ~0ULL));
	assert_true(ok(0x410, ~0ULL & ~BIT_ULL(10)));
	assert_false(ok(0x400, 1));
	assert_true(ok(0x401, 0));
	assert_false(ok(0x401, 1));
	assert_true(ok(0x402, 0x1234));
	assert_true(ok(0x427, 0));
	assert_false(ok(0x428, 0)); /* the eleventh of ten banks */
	assert_true(ok(MSR_IA32_MCG_CAP, 32 | BIT(8) | BIT(24)));
	assert_false(ok(MSR_IA32_MCG_CAP, 33));
	assert_false(ok(MSR_IA32_MCG_CAP, 10 | BIT(9)));
	writable.mce_status_writable = true;
	assert_true(msr_value_ok(msr_rule_find(0x401), 0x401, 1, &writable));
}

static void test_masks(void **state)
{
	assert_true(ok(MSR_IA32_SPEC_CTRL, 7));
	assert_false(ok(MSR_IA32_SPEC_CTRL, 8));
	assert_false(ok(MSR_IA32_PRED_CMD, 2));
	assert_true(ok(MSR_TSC_AUX, 0xffffffff));
	assert_false(ok(MSR_TSC_AUX, BIT_ULL(32)));
	assert_false(ok(MSR_IA32_XSS, 1));
	assert_true(ok(MSR_K7_HWCR, BIT(18) | BIT(24)));
	assert_false(ok(MSR_K7_HWCR, BIT(0)));
}

static void test_save_list(void **state)
{
	u32 list[256], small[4] = { 0 };
	unsigned int count = msr_save_list(list, ARRAY_SIZE(list));
	bool efer = false, banks = false;

	assert_in_range(count, 60, ARRAY_SIZE(list));
	for (unsigned int i = 0; i < count; i++) {
		assert_non_null(msr_rule_find(list[i]));
		assert_true(i == 0 || list[i] > list[i - 1]);
		efer |= list[i] == MSR_EFER;
		banks |= list[i] == 0x427;
		/* ours to tell, not to restore */
		assert_int_not_equal(list[i], MSR_VM_CR);
		assert_int_not_equal(list[i], MSR_IA32_PRED_CMD);
	}
	assert_true(efer && banks);
	assert_int_equal(msr_save_list(small, 2), count);
	assert_int_equal(small[1], list[1]);
	assert_int_equal(small[2], 0);
}

static void test_reset(void **state)
{
	struct vcpu_msrs msrs;

	memset(&msrs, 0xff, sizeof(msrs));
	msrs.ucode_rev = 0x1234;
	msr_policy_reset(&msrs, false);
	assert_int_equal(msrs.ucode_rev, 0x1234);
	assert_int_equal(msrs.mcg_cap & 0xff, MSR_MCE_BANKS);
	assert_int_equal(msrs.tsc_adjust, 0);
	assert_int_equal(msrs.pv_clock, 0);
	msrs.mtrr_def_type = 0xc06;
	msrs.spec_ctrl = 1;
	msr_policy_reset(&msrs, true);
	assert_int_equal(msrs.mtrr_def_type, 0xc06);
	assert_int_equal(msrs.spec_ctrl, 0);
}

static void test_efer(void **state)
{
	const u64 valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	u64 value;

	value = EFER_SCE | EFER_NX;
	assert_int_equal(msr_efer_check(&value, 0, 0, valid), 0);
	assert_int_equal(value, EFER_SCE | EFER_NX);
	value = EFER_SVME;
	assert_int_equal(msr_efer_check(&value, 0, 0, valid), -EINVAL);
	/* LME cannot change while paging is on */
	value = 0;
	assert_int_equal(msr_efer_check(&value, EFER_LME | EFER_LMA, X86_CR0_PG, valid), -EINVAL);
	value = EFER_LME;
	assert_int_equal(msr_efer_check(&value, EFER_LME | EFER_LMA, X86_CR0_PG, valid), 0);
	assert_int_equal(value, EFER_LME | EFER_LMA);
	/* LMA is not the guest's to set */
	value = EFER_LME | EFER_LMA;
	assert_int_equal(msr_efer_check(&value, 0, 0, valid), 0);
	assert_int_equal(value, EFER_LME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sorted),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_storage_is_disjoint),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_memory_types),
		cmocka_unit_test(test_misc_features),
		cmocka_unit_test(test_machine_check),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_save_list),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_efer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
