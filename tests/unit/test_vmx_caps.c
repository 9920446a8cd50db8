// SPDX-License-Identifier: GPL-2.0-or-later
/* VMX capability MSRs: control words, EPT formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmx_caps.h"

/* must be 1, may be 1 */
#define CAP(must, may) ((u64)(may) << 32 | (must))

static void test_ctl_takes_what_there_is(void **state)
{
	struct vmx_ctl c = vmx_ctl_adjust(CAP(0x16, 0xff), 0x01, 0x120);

	assert_int_equal(c.value, 0x16 | 0x01 | 0x20); /* 0x100 is not allowed */
	assert_int_equal(c.missing, 0);
	assert_int_equal(c.settable, 0xff);
	assert_int_equal(c.clearable, ~0x16u);
}

static void test_ctl_names_what_is_missing(void **state)
{
	struct vmx_ctl c = vmx_ctl_adjust(CAP(0, 0x0f), 0x91, 0);

	assert_int_equal(c.missing, 0x90);
	assert_int_equal(c.value, 0x01);
}

static void test_ctl_of_an_msr_that_is_not_there(void **state)
{
	struct vmx_ctl c = vmx_ctl_adjust(0, 0x80000000u, 0x7fffffff);

	assert_int_equal(c.value, 0);
	assert_int_equal(c.missing, 0x80000000u);
}

#define HASWELL                                                                            \
	(VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_WB | VMX_CAP_EPT_2M | VMX_CAP_EPT_1G |         \
	 VMX_CAP_INVEPT | VMX_CAP_EPT_AD | VMX_CAP_INVEPT_SINGLE | VMX_CAP_INVEPT_ALL |    \
	 VMX_CAP_INVVPID | VMX_CAP_INVVPID_SINGLE | VMX_CAP_INVVPID_ALL)

static void test_ept_missing(void **state)
{
	assert_null(vmx_ept_missing(HASWELL));
	assert_non_null(vmx_ept_missing(0));
	assert_string_equal(vmx_ept_missing(HASWELL & ~VMX_CAP_EPT_WB), "write-back EPT tables");
	assert_string_equal(vmx_ept_missing(HASWELL & ~VMX_CAP_INVEPT), "INVEPT");
	assert_string_equal(
		vmx_ept_missing(HASWELL & ~(VMX_CAP_INVEPT_SINGLE | VMX_CAP_INVEPT_ALL)), "INVEPT");
	assert_null(vmx_ept_missing(HASWELL & ~VMX_CAP_INVEPT_SINGLE));
	assert_string_equal(vmx_ept_missing(HASWELL & ~VMX_CAP_EPT_4_LEVELS),
			    "EPT of four or five levels");
}

static void test_ept_format(void **state)
{
	struct slat_format f = vmx_ept_format(HASWELL, 46);

	assert_int_equal(f.levels, 4);
	assert_int_equal(f.max_page_level, 3);
	assert_true(f.ad_bits);
	/* readable, write-back, whatever the PAT says; neither writable nor executable */
	assert_int_equal(f.leaf_bits, 0x71);
	assert_int_equal(f.table_bits, 7);
	assert_int_equal(f.write_bit, 2);
	assert_int_equal(f.exec_bit, 4);
	assert_int_equal(f.nx_bit, 0);
	assert_int_equal(f.present_mask, 7);
	assert_int_equal(f.address_mask, 0x000ffffffffff000ULL);
}

static void test_ept_format_of_lesser_cpus(void **state)
{
	struct slat_format f = vmx_ept_format(HASWELL & ~(VMX_CAP_EPT_AD | VMX_CAP_EPT_1G), 40);

	assert_false(f.ad_bits);
	assert_int_equal(f.max_page_level, 2);
	f = vmx_ept_format(HASWELL & ~VMX_CAP_EPT_2M, 40);
	assert_int_equal(f.max_page_level, 1); /* 1 GiB without 2 MiB is nothing */
}

static void test_ept_levels(void **state)
{
	u64 both = HASWELL | VMX_CAP_EPT_5_LEVELS;

	assert_int_equal(vmx_ept_format(both, 48).levels, 4);
	assert_int_equal(vmx_ept_format(both, 52).levels, 5);
	assert_int_equal(vmx_ept_format(HASWELL, 52).levels, 4);
	assert_int_equal(vmx_ept_format(both & ~VMX_CAP_EPT_4_LEVELS, 46).levels, 5);
}

static void test_eptp(void **state)
{
	struct slat_format f = vmx_ept_format(HASWELL, 46);

	assert_int_equal(vmx_eptp(&f, 0x12345000), 0x1234505e);
	f.ad_bits = false;
	assert_int_equal(vmx_eptp(&f, 0x12345000), 0x1234501e);
	f.levels = 5;
	assert_int_equal(vmx_eptp(&f, 0x12345000), 0x12345026);
}

static void test_vpid_flush(void **state)
{
	assert_true(vmx_has_vpid_flush(HASWELL));
	assert_true(vmx_has_vpid_flush(HASWELL & ~VMX_CAP_INVVPID_SINGLE));
	assert_false(vmx_has_vpid_flush(HASWELL & ~VMX_CAP_INVVPID));
	assert_false(vmx_has_vpid_flush(HASWELL &
					~(VMX_CAP_INVVPID_SINGLE | VMX_CAP_INVVPID_ALL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ctl_takes_what_there_is),
		cmocka_unit_test(test_ctl_names_what_is_missing),
		cmocka_unit_test(test_ctl_of_an_msr_that_is_not_there),
		cmocka_unit_test(test_ept_missing),
		cmocka_unit_test(test_ept_format),
		cmocka_unit_test(test_ept_format_of_lesser_cpus),
		cmocka_unit_test(test_ept_levels),
		cmocka_unit_test(test_eptp),
		cmocka_unit_test(test_vpid_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
