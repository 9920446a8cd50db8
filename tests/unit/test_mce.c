// SPDX-License-Identifier: GPL-2.0-or-later
/* Machine checks: what a bank keeps, and when the guest is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mce.h"

#define VAL BIT_ULL(63)
#define OVER BIT_ULL(62)
#define UC BIT_ULL(61)
#define MCIP BIT_ULL(2)

static struct vcpu_msrs msrs;

static int reset(void **state)
{
	memset(&msrs, 0, sizeof(msrs));
	msr_policy_reset(&msrs, false);
	return 0;
}

static enum mce_result report(u8 bank, u64 status, bool enabled)
{
	const struct myhv_mce mce = {
		.status = status,
		.addr = 0x1000 + status % 256,
		.misc = 0x2000 + status % 256,
		.mcg_status = MCIP | 1,
		.bank = bank,
	};

	return mce_report(&msrs, &mce, enabled);
}

static void test_refused(void **state)
{
	assert_int_equal(report(MSR_MCE_BANKS, VAL, true), MCE_INVALID);
	assert_int_equal(report(0, UC, true), MCE_INVALID);
	msrs.mcg_cap &= ~0xffULL;
	assert_int_equal(report(0, VAL, true), MCE_INVALID);
}

static void test_corrected(void **state)
{
	/* CR4.MCE is for #MC alone */
	assert_int_equal(report(3, VAL | 1, false), MCE_LOGGED);
	assert_true(msrs.mce_banks[13] == (VAL | 1));
	assert_true(msrs.mce_banks[14] == 0x1001);
	assert_true(msrs.mce_banks[15] == 0x2001);
	assert_int_equal(msrs.mcg_status, 0);
	assert_int_equal(report(3, VAL | 2, false), MCE_LOGGED);
	assert_true(msrs.mce_banks[13] == (VAL | OVER | 2));
	assert_true(msrs.mce_banks[9] == 0);
}

static void test_uncorrected(void **state)
{
	assert_int_equal(report(9, VAL | UC | 1, true), MCE_RAISE);
	assert_true(msrs.mce_banks[37] == (VAL | UC | 1));
	assert_true(msrs.mce_banks[38] == 0x1001);
	assert_int_equal(msrs.mcg_status, MCIP | 1);
	/* a corrected one does not push it out */
	assert_int_equal(report(9, VAL | 2, true), MCE_LOGGED);
	assert_true(msrs.mce_banks[37] == (VAL | UC | OVER | 1));
	assert_true(msrs.mce_banks[38] == 0x1001);
	/* a second one before the first is dealt with */
	assert_int_equal(report(1, VAL | UC, true), MCE_SHUTDOWN);
	assert_true(msrs.mce_banks[5] == 0);
	msrs.mcg_status = 0;
	assert_int_equal(report(9, VAL | UC | 3, true), MCE_RAISE);
	assert_true(msrs.mce_banks[37] == (VAL | UC | OVER | 3));
}

static void test_switched_off(void **state)
{
	assert_int_equal(report(0, VAL | UC, false), MCE_SHUTDOWN);
	msrs.mce_banks[0] = 0;
	assert_int_equal(report(0, VAL | UC, true), MCE_LOGGED);
	assert_true(msrs.mce_banks[1] == 0);
	msrs.mcg_ctl = 0;
	assert_int_equal(report(1, VAL | UC, true), MCE_LOGGED);
	assert_true(msrs.mce_banks[5] == 0);
	/* there is no such register */
	msrs.mcg_cap &= ~MCG_CAP_CTL_P;
	assert_int_equal(report(1, VAL | UC, true), MCE_RAISE);
}

#define TEST(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_corrected),
		TEST(test_uncorrected),
		TEST(test_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
