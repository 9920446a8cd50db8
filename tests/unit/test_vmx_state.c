// SPDX-License-Identifier: GPL-2.0-or-later
/* Segment attributes of the VMCS, and the checks of VM entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vmx_state.h"

/* Attributes in the API's form */
#define ATTR_P 0x80
#define ATTR_S 0x10
#define ATTR_L 0x200
#define ATTR_DB 0x400
#define ATTR_G 0x800

static void test_ar_of_code_and_data(void **state)
{
	/* 64-bit code, flat data */
	assert_int_equal(vmx_segment_ar(X86_SEG_CS, 0xb | ATTR_S | ATTR_P | ATTR_L | ATTR_G, ~0u),
			 0xa09b);
	assert_int_equal(vmx_segment_ar(X86_SEG_DS, 0x3 | ATTR_S | ATTR_P | ATTR_DB | ATTR_G, ~0u),
			 0xc093);
	/* a load would have set the accessed bit */
	assert_int_equal(vmx_segment_ar(X86_SEG_DS, 0x2 | ATTR_S | ATTR_P, 0xffff), 0x93);
	/* DPL */
	assert_int_equal(vmx_segment_ar(X86_SEG_SS, 0x3 | ATTR_S | 0x60 | ATTR_P, 0xffff), 0xf3);
}

static void test_ar_of_nothing(void **state)
{
	assert_int_equal(vmx_segment_ar(X86_SEG_ES, 0, 0), VMX_AR_UNUSABLE);
	assert_int_equal(vmx_segment_ar(X86_SEG_LDTR, 2, 0), VMX_AR_UNUSABLE | 2);
	/* SS keeps the CPL in its DPL */
	assert_int_equal(vmx_segment_ar(X86_SEG_SS, 0x60, 0), VMX_AR_UNUSABLE | 0x60);
}

static void test_ar_of_tr(void **state)
{
	assert_int_equal(vmx_segment_ar(X86_SEG_TR, 0x9 | ATTR_P, 0x67), 0x8b); /* busy */
	assert_int_equal(vmx_segment_ar(X86_SEG_TR, 0xb | ATTR_P, 0x67), 0x8b);
	/* never unusable: the CPU refuses it as not present, and we can say so */
	assert_int_equal(vmx_segment_ar(X86_SEG_TR, 0xb, 0x67), 0xb);
}

static void test_ar_granularity_follows_the_limit(void **state)
{
	const u16 data = 0x3 | ATTR_S | ATTR_P;

	assert_int_equal(vmx_segment_ar(X86_SEG_DS, data, 0xfffff) & VMX_AR_G, 0);
	assert_int_equal(vmx_segment_ar(X86_SEG_DS, data | ATTR_G, 0xfffff) & VMX_AR_G, VMX_AR_G);
	assert_int_equal(vmx_segment_ar(X86_SEG_DS, data, 0x100fff) & VMX_AR_G, VMX_AR_G);
	assert_int_equal(vmx_segment_ar(X86_SEG_DS, data | ATTR_G, 0x1234) & VMX_AR_G, 0);
}

static void test_attrib_and_back(void **state)
{
	static const u16 attribs[] = { 0x29b, 0xa9b, 0xc93, 0xcfb, 0x93, 0xf3, 0x193 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attribs); i++) {
		u32 limit = attribs[i] & ATTR_G ? ~0u : 0xffff;
		u32 ar = vmx_segment_ar(X86_SEG_CS, attribs[i], limit);

		assert_int_equal(vmx_segment_attrib(ar), attribs[i]);
	}
	assert_int_equal(vmx_segment_attrib(VMX_AR_UNUSABLE | 0xf3), 0x73);
}

static void test_error_codes(void **state)
{
	static const u8 with[] = { 8, 10, 11, 12, 13, 14, 17, 21 };
	unsigned int v, i;

	for (v = 0; v < 32; v++) {
		bool expected = false;

		for (i = 0; i < ARRAY_SIZE(with); i++)
			expected |= v == with[i];
		assert_int_equal(vmx_exception_has_error(v), expected);
	}
}

/* ---- the checks ---- */

static struct vmx_guest_state long_mode_guest(void)
{
	struct vmx_guest_state g = {
		.cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG,
		.cr3 = 0x1000,
		.cr4 = X86_CR4_PAE | X86_CR4_VMXE,
		.cr4_fixed0 = X86_CR4_VMXE,
		.cr4_fixed1 = 0x1767ff,
		.efer = EFER_LME | EFER_LMA,
		.rip = 0xffffffff81000000ULL,
		.rflags = 2,
		.gdtr_limit = 0x7f,
		.idtr_limit = 0xfff,
		.long_mode = true,
		.phys_bits = 40,
		.linear_bits = 48,
	};

	g.seg[X86_SEG_CS] = (struct vmx_segment){ .selector = 0x10, .ar = 0xa09b, .limit = ~0u };
	g.seg[X86_SEG_SS] = (struct vmx_segment){ .selector = 0x18, .ar = 0xc093, .limit = ~0u };
	g.seg[X86_SEG_DS].ar = VMX_AR_UNUSABLE;
	g.seg[X86_SEG_ES].ar = VMX_AR_UNUSABLE;
	g.seg[X86_SEG_FS].ar = VMX_AR_UNUSABLE;
	g.seg[X86_SEG_GS].ar = VMX_AR_UNUSABLE;
	g.seg[X86_SEG_LDTR].ar = VMX_AR_UNUSABLE;
	g.seg[X86_SEG_TR] = (struct vmx_segment){ .selector = 0x40, .ar = 0x8b, .limit = 0x67 };
	return g;
}

static struct vmx_guest_state real_mode_guest(void)
{
	struct vmx_guest_state g = {
		.cr0 = X86_CR0_NE,
		.cr4 = X86_CR4_VMXE,
		.cr4_fixed0 = X86_CR4_VMXE,
		.cr4_fixed1 = 0x1767ff,
		.rip = 0xfff0,
		.rflags = 2,
		.gdtr_limit = 0xffff,
		.idtr_limit = 0xffff,
		.phys_bits = 40,
		.linear_bits = 48,
	};
	unsigned int i;

	for (i = X86_SEG_ES; i <= X86_SEG_GS; i++)
		g.seg[i] = (struct vmx_segment){ .ar = 0x93, .limit = 0xffff };
	g.seg[X86_SEG_CS] = (struct vmx_segment){
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff, .ar = 0x9b,
	};
	g.seg[X86_SEG_LDTR] = (struct vmx_segment){ .ar = 0x82, .limit = 0xffff };
	g.seg[X86_SEG_TR] = (struct vmx_segment){ .ar = 0x8b, .limit = 0xffff };
	return g;
}

static void test_good_states(void **state)
{
	struct vmx_guest_state g = long_mode_guest();

	assert_null(vmx_guest_state_fault(&g));
	g = real_mode_guest();
	assert_null(vmx_guest_state_fault(&g));
	/* a writable data segment in CS is what real mode leaves there */
	g.seg[X86_SEG_CS].ar = 0x93;
	assert_null(vmx_guest_state_fault(&g));
}

#define BREAK(change, text)                                                \
	do {                                                               \
		struct vmx_guest_state g = long_mode_guest();              \
		change;                                                    \
		assert_non_null(vmx_guest_state_fault(&g));                \
		assert_string_equal(vmx_guest_state_fault(&g), text);      \
	} while (0)

static void test_control_registers(void **state)
{
	BREAK(g.cr0 &= ~(u64)X86_CR0_NE, "CR0.NE is clear");
	BREAK(g.cr0 &= ~(u64)X86_CR0_PE, "CR0.PG without PE");
	BREAK(g.cr4 &= ~(u64)X86_CR4_VMXE, "CR4 has bits that the CPU does not allow");
	BREAK(g.cr4 |= BIT_ULL(30), "CR4 has bits that the CPU does not allow");
	BREAK(g.cr4 &= ~(u64)X86_CR4_PAE, "long mode without paging or PAE");
	BREAK(g.cr3 = BIT_ULL(40), "CR3 is wider than physical addresses");
	BREAK(g.efer = 0, "EFER.LMA is not the mode of the entry");
	BREAK(g.efer = EFER_LMA, "EFER.LME is not LMA, with paging");
	BREAK(g.long_mode = false; g.efer = 0; g.cr4 |= X86_CR4_PCIDE; g.rip = 0,
	      "CR4.PCIDE outside long mode");
}

static void test_rip_and_rflags(void **state)
{
	BREAK(g.rip = BIT_ULL(47), "RIP is not canonical");
	BREAK(g.rip = BIT_ULL(32); g.seg[X86_SEG_CS].ar = 0xc09b,
	      "RIP is above 4 GiB outside 64-bit mode");
	BREAK(g.rflags = 0, "RFLAGS has a reserved bit");
	BREAK(g.rflags |= BIT_ULL(15), "RFLAGS has a reserved bit");
	BREAK(g.rflags |= X86_EFLAGS_VM, "RFLAGS.VM outside protected mode");
}

static void test_segments(void **state)
{
	BREAK(g.seg[X86_SEG_CS].ar |= VMX_AR_UNUSABLE, "CS is unusable");
	BREAK(g.seg[X86_SEG_CS].ar = 0xa08b, "CS is no code segment or not present");
	BREAK(g.seg[X86_SEG_CS].ar = 0xa095, "CS has a wrong type");
	BREAK(g.seg[X86_SEG_CS].ar |= 3 << VMX_AR_DPL_SHIFT, "CS.DPL is not SS.DPL");
	BREAK(g.seg[X86_SEG_CS].ar |= VMX_AR_DB, "CS has L and D");
	BREAK(g.seg[X86_SEG_CS].limit = 0x12345678, "CS.G does not fit its limit");
	BREAK(g.seg[X86_SEG_SS].ar = 0xc091, "SS is not possible");
	BREAK(g.seg[X86_SEG_DS].ar = 0x13, "DS is not possible"); /* not present, yet usable */
	BREAK(g.seg[X86_SEG_TR].ar = 0x89, "TR is no busy TSS");
	BREAK(g.seg[X86_SEG_TR].ar = 0x83, "TR is no busy TSS"); /* 16-bit */
	BREAK(g.seg[X86_SEG_TR].selector |= 4, "TR has a wrong selector or limit");
	BREAK(g.seg[X86_SEG_LDTR].ar = 0x83, "LDTR is no LDT");
	BREAK(g.seg[X86_SEG_FS].base = BIT_ULL(47),
	      "the base of FS, GS or TR is not canonical");
	BREAK(g.seg[X86_SEG_SS].base = BIT_ULL(32),
	      "the base of CS, SS, DS or ES is above 4 GiB");
	BREAK(g.idtr_limit = 0x10000, "the limit of GDTR or IDTR is above 64 KiB");
}

static void test_v86(void **state)
{
	struct vmx_guest_state g = real_mode_guest();
	unsigned int i;

	g.cr0 |= X86_CR0_PE;
	g.rflags |= X86_EFLAGS_VM;
	for (i = X86_SEG_ES; i <= X86_SEG_GS; i++)
		g.seg[i] = (struct vmx_segment){
			.selector = 0x100, .base = 0x1000, .limit = 0xffff, .ar = 0xf3,
		};
	assert_null(vmx_guest_state_fault(&g));
	g.seg[X86_SEG_DS].base = 0;
	assert_string_equal(vmx_guest_state_fault(&g),
			    "a segment is not that of virtual-8086 mode");
}

static void test_interruptibility(void **state)
{
	BREAK(g.interruptibility = 3, "blocking by STI and by MOV SS at once");
	BREAK(g.interruptibility = 1, "blocking by STI without RFLAGS.IF");
	BREAK(g.event = VMX_EVENT_VALID | 0x20,
	      "an interrupt is to be injected and cannot be taken");
	BREAK(g.event = VMX_EVENT_VALID | 0x20; g.rflags |= X86_EFLAGS_IF; g.interruptibility = 1,
	      "an interrupt is to be injected and cannot be taken");
	BREAK(g.event = VMX_EVENT_VALID | VMX_EVENT_NMI | 2; g.interruptibility = VMX_BLOCK_NMI,
	      "an NMI is to be injected and cannot be taken");
	BREAK(g.interruptibility = 2; g.rflags |= X86_EFLAGS_TF,
	      "the pending single step is not RFLAGS.TF");
	BREAK(g.interruptibility = 2; g.pending_debug = BIT_ULL(14),
	      "the pending single step is not RFLAGS.TF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ar_of_code_and_data),
		cmocka_unit_test(test_ar_of_nothing),
		cmocka_unit_test(test_ar_of_tr),
		cmocka_unit_test(test_ar_granularity_follows_the_limit),
		cmocka_unit_test(test_attrib_and_back),
		cmocka_unit_test(test_error_codes),
		cmocka_unit_test(test_good_states),
		cmocka_unit_test(test_control_registers),
		cmocka_unit_test(test_rip_and_rflags),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_v86),
		cmocka_unit_test(test_interruptibility),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
