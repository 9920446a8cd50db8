// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Task switches: what is saved, what is loaded, who is busy; and every check with its
 * exception, in the old task before the switch is committed, in the new one after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "emul_machine.h"
#include "x86_task_switch.h"

#define GDT_AT MACHINE_TSS
#define OLD_TSS (MACHINE_TSS + 0x1000)
#define NEW_TSS (MACHINE_TSS + 0x2000)

enum {
	SEL_CODE = 0x08,
	SEL_DATA = 0x10,
	SEL_OLD = 0x18,
	SEL_NEW = 0x20,
	SEL_LDT = 0x28,
	SEL_USER_CODE = 0x30,
	SEL_USER_DATA = 0x38,
	SEL_ABSENT = 0x40,
	SEL_END = 0x48,
};

/* Offsets in a TSS of 32 bits. */
enum {
	TSS_LINK = 0x00,
	TSS_CR3 = 0x1c,
	TSS_EIP = 0x20,
	TSS_FLAGS = 0x24,
	TSS_EAX = 0x28,
	TSS_ESP = 0x38,
	TSS_EDI = 0x44,
	TSS_ES = 0x48,
	TSS_CS = 0x4c,
	TSS_SS = 0x50,
	TSS_DS = 0x54,
	TSS_LDT = 0x60,
	TSS_TRAP = 0x64,
};

static struct machine m;
static struct x86_task_switch ts;

static u32 get(u32 tss, unsigned int offset, unsigned int bytes)
{
	u32 val = 0;

	memcpy(&val, m.ram + tss + offset, bytes);
	return val;
}

static void put(u32 tss, unsigned int offset, u32 val, unsigned int bytes)
{
	memcpy(m.ram + tss + offset, &val, bytes);
}

static void put_descriptor(u16 selector, u32 base, u32 limit, u16 attrib)
{
	u64 raw = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attrib & 0xff) << 40 |
		  (u64)(limit >> 16 & 0xf) << 48 | (u64)(attrib >> 8) << 52 |
		  (u64)(base >> 24) << 56;

	memcpy(m.ram + GDT_AT + selector, &raw, 8);
}

static u8 type_of(u16 selector)
{
	return m.ram[GDT_AT + selector + 5] & 0x1f;
}

static void fill_new(void)
{
	put(NEW_TSS, TSS_CR3, 0x7000, 4);
	put(NEW_TSS, TSS_EIP, 0x2222, 4);
	put(NEW_TSS, TSS_FLAGS, 0xffc00203, 4);
	for (unsigned int i = 0; i < 8; i++)
		put(NEW_TSS, TSS_EAX + 4 * i, 0xa0000000 + i, 4);
	put(NEW_TSS, TSS_ESP, MACHINE_STACK, 4);
	for (unsigned int i = 0; i < 6; i++)
		put(NEW_TSS, TSS_ES + 4 * i, SEL_DATA, 4);
	put(NEW_TSS, TSS_CS, SEL_CODE, 4);
	put(NEW_TSS, TSS_LDT, SEL_LDT, 4);
}

static int by_jmp(void **state)
{
	machine_init(&m, X86_MODE_PROT32);
	m.seg[X86_SEG_GDTR] = (struct x86_segment){ .base = GDT_AT, .limit = SEL_END - 1 };
	put_descriptor(SEL_CODE, 0, 0xfffff, 0xc9a);
	put_descriptor(SEL_DATA, 0, 0xfffff, 0xc92);
	put_descriptor(SEL_OLD, OLD_TSS, 0x67, 0x08b);
	put_descriptor(SEL_NEW, NEW_TSS, 0x67, 0x089);
	put_descriptor(SEL_LDT, GDT_AT, 0x17, 0x082);
	put_descriptor(SEL_USER_CODE, 0, 0xfffff, 0xcfa);
	put_descriptor(SEL_USER_DATA, 0, 0xfffff, 0xcf2);
	put_descriptor(SEL_ABSENT, 0, 0xfffff, 0xc12);
	m.seg[X86_SEG_TR] = (struct x86_segment){
		.base = OLD_TSS, .limit = 0x67, .selector = SEL_OLD, .attrib = X86_SEG_P | 0xb };
	for (unsigned int i = 0; i < 8; i++)
		m.regs.gpr[i] = 0xb0000000 + i;
	m.regs.rflags = 0x202;
	m.e.cr0 = X86_CR0_PE | X86_CR0_PG;
	m.cr[0] = m.e.cr0;
	fill_new();
	ts = (struct x86_task_switch){
		.selector = SEL_NEW,
		.source = X86_TASK_JMP,
		.next_rip = 0x1111,
		.flags = 0x10202,
	};
	return 0;
}

static void assert_switched(void)
{
	assert_int_equal(x86_task_switch(&m.e, &ts), X86_EMUL_OK);
	assert_true(ts.committed);
	assert_int_equal(m.seg[X86_SEG_TR].selector, ts.selector);
}

static void assert_fault_at(bool committed, unsigned int vector, u32 error)
{
	assert_int_equal(x86_task_switch(&m.e, &ts), X86_EMUL_FAULT);
	assert_int_equal(ts.committed, committed);
	assert_int_equal(m.e.fault.vector, vector);
	assert_int_equal(m.e.fault.error, error);
}

/* Nothing of the old task, of its TSS and of the descriptors has changed. */
static void assert_refused(unsigned int vector, u32 error)
{
	const struct x86_regs regs = m.regs;
	static u8 ram[MACHINE_RAM_BYTES];
	struct x86_segment seg[X86_NR_SEGS];

	memcpy(ram, m.ram, sizeof(ram));
	memcpy(seg, m.seg, sizeof(seg));
	assert_fault_at(false, vector, error);
	assert_memory_equal(m.ram, ram, sizeof(ram));
	assert_memory_equal(m.seg, seg, sizeof(seg));
	assert_memory_equal(&m.regs, &regs, sizeof(regs));
}

/* ---- the switch ---- */

static void test_old_task_is_saved(void **state)
{
	m.seg[X86_SEG_ES].selector = 0x55;
	put(OLD_TSS, TSS_ES + 2, 0xeeee, 2);
	put(OLD_TSS, TSS_CR3, 0x12345678, 4);
	assert_switched();
	assert_int_equal(get(OLD_TSS, TSS_EIP, 4), 0x1111);
	assert_int_equal(get(OLD_TSS, TSS_FLAGS, 4), 0x10202);
	assert_int_equal(get(OLD_TSS, TSS_EAX, 4), 0xb0000000);
	assert_int_equal(get(OLD_TSS, TSS_EDI, 4), 0xb0000007);
	assert_int_equal(get(OLD_TSS, TSS_ES, 2), 0x55);
	/* what is not the CPU's to write */
	assert_int_equal(get(OLD_TSS, TSS_ES + 2, 2), 0xeeee);
	assert_int_equal(get(OLD_TSS, TSS_CR3, 4), 0x12345678);
	assert_int_equal(get(OLD_TSS, TSS_LINK, 4), 0);
}

static void test_new_task_is_loaded(void **state)
{
	assert_switched();
	assert_true(m.regs.rip == 0x2222);
	assert_true(m.regs.rflags == 0x203); /* undefined bits are dropped */
	assert_true(m.regs.gpr[X86_RAX] == 0xa0000000);
	assert_true(m.regs.gpr[X86_RSP] == MACHINE_STACK);
	assert_true(m.regs.gpr[X86_RDI] == 0xa0000007);
	assert_int_equal(m.seg[X86_SEG_CS].selector, SEL_CODE);
	assert_int_equal(m.seg[X86_SEG_CS].attrib, 0xc9b);
	assert_int_equal(m.seg[X86_SEG_GS].selector, SEL_DATA);
	assert_int_equal(m.seg[X86_SEG_LDTR].selector, SEL_LDT);
	assert_true(m.seg[X86_SEG_LDTR].base == GDT_AT);
	assert_true(m.seg[X86_SEG_TR].base == NEW_TSS);
	assert_int_equal(m.seg[X86_SEG_TR].attrib, X86_SEG_P | 0xb);
	assert_true(m.cr[3] == 0x7000);
	assert_true(m.cr[0] & X86_CR0_TS);
	assert_false(ts.trap);
	assert_int_equal(m.e.cpl, 0);
}

static void test_without_paging(void **state)
{
	m.cr[0] = X86_CR0_PE;
	m.cr[3] = 0x55000;
	assert_switched();
	assert_true(m.cr[3] == 0x55000);
}

static void test_jmp_frees_the_old_task(void **state)
{
	assert_switched();
	assert_int_equal(type_of(SEL_OLD), 0x9);
	assert_int_equal(type_of(SEL_NEW), 0xb);
	assert_int_equal(get(NEW_TSS, TSS_LINK, 2), 0);
	assert_false(m.regs.rflags & X86_EFLAGS_NT);
}

static void test_call_nests(void **state)
{
	ts.source = X86_TASK_CALL;
	assert_switched();
	assert_int_equal(type_of(SEL_OLD), 0xb);
	assert_int_equal(type_of(SEL_NEW), 0xb);
	assert_int_equal(get(NEW_TSS, TSS_LINK, 2), SEL_OLD);
	assert_true(m.regs.rflags & X86_EFLAGS_NT);
}

static void test_iret_unnests(void **state)
{
	ts.source = X86_TASK_IRET;
	ts.flags |= X86_EFLAGS_NT;
	assert_refused(X86_TRAP_TS, SEL_NEW);
	put_descriptor(SEL_NEW, NEW_TSS, 0x67, 0x08b);
	assert_switched();
	assert_int_equal(type_of(SEL_OLD), 0x9);
	assert_int_equal(type_of(SEL_NEW), 0xb);
	assert_false(get(OLD_TSS, TSS_FLAGS, 4) & X86_EFLAGS_NT);
}

static void test_gate_pushes_the_error(void **state)
{
	ts.source = X86_TASK_GATE;
	ts.external = true;
	ts.has_error = true;
	ts.error = 0x1234;
	assert_switched();
	assert_true(m.regs.gpr[X86_RSP] == MACHINE_STACK - 4);
	assert_int_equal(get(MACHINE_STACK - 4, 0, 4), 0x1234);
	assert_true(m.regs.rflags & X86_EFLAGS_NT);
}

static void test_debug_trap(void **state)
{
	put(NEW_TSS, TSS_TRAP, 1, 2);
	assert_switched();
	assert_true(ts.trap);
}

static void test_user_task(void **state)
{
	for (unsigned int i = 0; i < 6; i++)
		put(NEW_TSS, TSS_ES + 4 * i, SEL_USER_DATA | 3, 4);
	put(NEW_TSS, TSS_CS, SEL_USER_CODE | 3, 4);
	assert_switched();
	assert_int_equal(m.e.cpl, 3);
	assert_int_equal(m.seg[X86_SEG_SS].attrib, 0xcf3);
}

static void test_v86_task(void **state)
{
	put(NEW_TSS, TSS_FLAGS, X86_EFLAGS_VM | 0x202, 4);
	put(NEW_TSS, TSS_CS, 0x1234, 4);
	put(NEW_TSS, TSS_DS, 0xffff, 4);
	assert_switched();
	assert_int_equal(m.e.cpl, 3);
	assert_true(m.seg[X86_SEG_CS].base == 0x12340);
	assert_int_equal(m.seg[X86_SEG_CS].limit, 0xffff);
	assert_int_equal(m.seg[X86_SEG_SS].attrib, 0xf3);
	assert_int_equal(m.e.mode, X86_MODE_VM86);
}

static void test_null_segments(void **state)
{
	put(NEW_TSS, TSS_DS, 0, 4);
	put(NEW_TSS, TSS_LDT, 0, 4);
	assert_switched();
	assert_int_equal(m.seg[X86_SEG_DS].attrib, 0);
	assert_int_equal(m.seg[X86_SEG_LDTR].attrib, 0);
}

/* From 32 bits to 16 bits and back. */
static void test_16bit_task(void **state)
{
	put_descriptor(SEL_NEW, NEW_TSS, 0x2b, 0x081);
	memset(m.ram + NEW_TSS, 0, 0x68);
	put(NEW_TSS, 0x0e, 0x2222, 2);
	put(NEW_TSS, 0x10, 0x0202, 2);
	put(NEW_TSS, 0x12, 0xaaaa, 2);
	put(NEW_TSS, 0x20, 0xdddd, 2);
	put(NEW_TSS, 0x22, SEL_DATA, 2);
	put(NEW_TSS, 0x24, SEL_CODE, 2);
	put(NEW_TSS, 0x26, SEL_DATA, 2);
	put(NEW_TSS, 0x28, SEL_DATA, 2);
	m.cr[3] = 0x55000;
	assert_switched();
	assert_true(m.regs.rip == 0x2222);
	assert_true(m.regs.gpr[X86_RAX] == 0xaaaa);
	assert_true(m.regs.gpr[X86_RDI] == 0xdddd);
	assert_int_equal(m.seg[X86_SEG_FS].attrib, 0);
	assert_true(m.cr[3] == 0x55000);
	assert_int_equal(type_of(SEL_NEW), 3);

	m.regs.gpr[X86_RAX] = 0x12345678;
	ts.selector = SEL_OLD;
	ts.next_rip = 0x3333;
	put(OLD_TSS, TSS_LDT, 0, 4);
	put(OLD_TSS, TSS_CS, SEL_CODE, 4);
	for (unsigned int i = 0; i < 6; i++)
		put(OLD_TSS, TSS_ES + 4 * i, i == X86_SEG_CS ? SEL_CODE : SEL_DATA, 4);
	assert_switched();
	assert_int_equal(get(NEW_TSS, 0x0e, 2), 0x3333);
	assert_int_equal(get(NEW_TSS, 0x12, 2), 0x5678);
	assert_int_equal(get(NEW_TSS, 0x22, 2), SEL_DATA);
	assert_int_equal(get(NEW_TSS, 0x2c, 4), 0);
	assert_true(m.regs.gpr[X86_RAX] == 0xb0000000);
}

/* ---- refused in the old task ---- */

static void test_bad_tss(void **state)
{
	ts.selector = SEL_NEW | 4;
	assert_refused(X86_TRAP_GP, SEL_NEW | 4);
	ts.selector = SEL_END;
	assert_refused(X86_TRAP_GP, SEL_END);
	ts.selector = SEL_DATA;
	assert_refused(X86_TRAP_GP, SEL_DATA);
	ts.selector = SEL_LDT;
	assert_refused(X86_TRAP_GP, SEL_LDT);
	ts.selector = SEL_OLD; /* busy */
	assert_refused(X86_TRAP_GP, SEL_OLD);
	ts.selector = SEL_NEW;
	put_descriptor(SEL_NEW, NEW_TSS, 0x67, 0x009);
	assert_refused(X86_TRAP_NP, SEL_NEW);
	put_descriptor(SEL_NEW, NEW_TSS, 0x66, 0x089);
	assert_refused(X86_TRAP_TS, SEL_NEW);
	put_descriptor(SEL_NEW, NEW_TSS, 0x2a, 0x081);
	assert_refused(X86_TRAP_TS, SEL_NEW);
	ts.source = X86_TASK_GATE;
	ts.external = true;
	assert_refused(X86_TRAP_TS, SEL_NEW | 1);
	put_descriptor(SEL_NEW, MACHINE_HOLE, 0x67, 0x089);
	assert_refused(X86_TRAP_PF, PFERR_WRITE);
}

static void test_bad_old_tss(void **state)
{
	m.seg[X86_SEG_TR].limit = 0x5e;
	assert_refused(X86_TRAP_TS, SEL_OLD);
	m.seg[X86_SEG_TR].limit = 0x67;
	m.seg[X86_SEG_TR].base = MACHINE_READ_ONLY - 8;
	assert_refused(X86_TRAP_PF, PFERR_WRITE | PFERR_PRESENT);
}

static void test_long_mode_has_none(void **state)
{
	m.e.long_mode = true;
	assert_refused(X86_TRAP_GP, 0);
}

/* ---- faults of the new task ---- */

static void set_and_fault(unsigned int offset, u16 selector, unsigned int vector, u32 error)
{
	by_jmp(NULL);
	put(NEW_TSS, offset, selector, 2);
	assert_fault_at(true, vector, error);
	assert_true(m.regs.rip == 0x2222);
	assert_int_equal(m.seg[X86_SEG_TR].selector, SEL_NEW);
}

static void test_bad_segments(void **state)
{
	set_and_fault(TSS_LDT, SEL_DATA, X86_TRAP_TS, SEL_DATA);
	set_and_fault(TSS_LDT, SEL_LDT | 4, X86_TRAP_TS, SEL_LDT | 4);
	set_and_fault(TSS_CS, 0, X86_TRAP_TS, 0);
	set_and_fault(TSS_CS, SEL_DATA, X86_TRAP_TS, SEL_DATA);
	set_and_fault(TSS_CS, SEL_USER_CODE, X86_TRAP_TS, SEL_USER_CODE);
	set_and_fault(TSS_SS, 0, X86_TRAP_TS, 0);
	set_and_fault(TSS_SS, SEL_DATA | 3, X86_TRAP_TS, SEL_DATA);
	set_and_fault(TSS_SS, SEL_CODE, X86_TRAP_TS, SEL_CODE);
	set_and_fault(TSS_SS, SEL_ABSENT, X86_TRAP_SS, SEL_ABSENT);
	set_and_fault(TSS_DS, SEL_ABSENT, X86_TRAP_NP, SEL_ABSENT);
	set_and_fault(TSS_DS, SEL_END, X86_TRAP_TS, SEL_END);
	/* the selectors are there already, with what was behind them before */
	assert_int_equal(m.seg[X86_SEG_DS].selector, SEL_END);
	assert_int_equal(m.seg[X86_SEG_SS].selector, SEL_DATA);
}

static void test_bad_ip(void **state)
{
	put_descriptor(SEL_CODE, 0, 0x2221, 0x49a);
	assert_fault_at(true, X86_TRAP_GP, 0);
}

static void test_bad_stack(void **state)
{
	ts.source = X86_TASK_GATE;
	ts.external = true;
	ts.has_error = true;
	put(NEW_TSS, TSS_ESP, MACHINE_HOLE + 8, 4);
	assert_fault_at(true, X86_TRAP_PF, PFERR_WRITE);
}

#define TEST(test) cmocka_unit_test_setup(test, by_jmp)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_old_task_is_saved),
		TEST(test_new_task_is_loaded),
		TEST(test_without_paging),
		TEST(test_jmp_frees_the_old_task),
		TEST(test_call_nests),
		TEST(test_iret_unnests),
		TEST(test_gate_pushes_the_error),
		TEST(test_debug_trap),
		TEST(test_user_task),
		TEST(test_v86_task),
		TEST(test_null_segments),
		TEST(test_16bit_task),
		TEST(test_bad_tss),
		TEST(test_bad_old_tss),
		TEST(test_long_mode_has_none),
		TEST(test_bad_segments),
		TEST(test_bad_ip),
		TEST(test_bad_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
