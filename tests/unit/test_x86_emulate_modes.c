// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator in all modes: what segments allow, how addresses, stacks and branches
 * wrap, and what exists outside 64-bit mode only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "emul_machine.h"

static struct machine m;

#define gpr m.regs.gpr
#define assert_gpr(reg, val) assert_true(gpr[reg] == (val))

#define assert_raises(bytes, vec, err)                                     \
	do {                                                               \
		m.nr_log = 0;                                              \
		assert_int_equal(machine_insn(&m, bytes), X86_EMUL_FAULT); \
		assert_int_equal(m.e.fault.vector, vec);                   \
		assert_int_equal(m.e.fault.error, err);                    \
		assert_int_equal(m.nr_log, 0);                             \
	} while (0)

#define assert_done(bytes)                                                 \
	do {                                                               \
		u64 rip_before = m.regs.rip;                               \
		assert_int_equal(machine_insn(&m, bytes), X86_EMUL_OK);    \
		assert_true(m.regs.rip == rip_before + sizeof(bytes) - 1); \
	} while (0)

static int long64(void **state)
{
	machine_init(&m, X86_MODE_LONG64);
	gpr[X86_RBX] = MACHINE_DEVICE;
	return 0;
}

static int prot32(void **state)
{
	machine_init(&m, X86_MODE_PROT32);
	gpr[X86_RBX] = MACHINE_DATA;
	return 0;
}

static int real16(void **state)
{
	machine_init(&m, X86_MODE_REAL16);
	m.e.cr0 = 0;
	gpr[X86_RBX] = MACHINE_DATA;
	return 0;
}

static void test_code_limit(void **state)
{
	m.seg[X86_SEG_CS].limit = MACHINE_CODE + 1;
	assert_done("\x8b\x03");
	m.regs.rip = MACHINE_CODE;
	assert_raises("\x8b\x43\x00", X86_TRAP_GP, 0);
	m.regs.rip = MACHINE_CODE + 2;
	assert_raises("\x90", X86_TRAP_GP, 0);
	m.regs.rip = MACHINE_CODE;
	assert_raises("\xeb\x00", X86_TRAP_GP, 0);
	m.seg[X86_SEG_CS].base = 0x2000;
	m.seg[X86_SEG_CS].limit = 0xffff;
	assert_done("\x8b\x03");
}

static void test_data_limit(void **state)
{
	m.seg[X86_SEG_DS].limit = MACHINE_DATA + 3;
	assert_done("\x8b\x03");
	gpr[X86_RBX]++;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	assert_done("\x26\x8b\x03");
	gpr[X86_RBP] = MACHINE_DATA;
	m.seg[X86_SEG_SS].limit = MACHINE_DATA + 2;
	assert_raises("\x8b\x45\x00", X86_TRAP_SS, 0);
	/* Expand-down: the valid part lies above the limit. */
	m.seg[X86_SEG_DS].attrib |= X86_SEG_TYPE_DOWN;
	gpr[X86_RBX] = MACHINE_DATA + 4;
	assert_done("\x8b\x03");
	gpr[X86_RBX] = MACHINE_DATA + 3;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	/* Without B it ends at 64 KiB. */
	m.seg[X86_SEG_DS].attrib &= ~X86_SEG_DB;
	gpr[X86_RBX] = 0xfffd;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	gpr[X86_RBX] = 0xfffc;
	assert_done("\x8b\x03");
	/* The offset may not wrap in the middle of an operand. */
	m.seg[X86_SEG_ES].base = 0x5000;
	gpr[X86_RBX] = 0xfffffffe;
	assert_raises("\x26\x8b\x03", X86_TRAP_GP, 0);
	/* But base and offset do. */
	gpr[X86_RBX] = 0xffffff00;
	memcpy(m.ram + 0x4f00, "\x01\x02\x03\x04", 4);
	assert_done("\x26\x8b\x03");
	assert_gpr(X86_RAX, 0x04030201);
}

static void test_segment_types(void **state)
{
	m.seg[X86_SEG_DS].attrib &= ~X86_SEG_TYPE_RW;
	assert_done("\x8b\x03");
	assert_raises("\x89\x03", X86_TRAP_GP, 0);
	assert_raises("\x01\x03", X86_TRAP_GP, 0);
	assert_raises("\x2e\x89\x03", X86_TRAP_GP, 0);
	assert_done("\x2e\x8b\x03");
	m.seg[X86_SEG_CS].attrib &= ~X86_SEG_TYPE_RW;
	assert_raises("\x2e\x8b\x03", X86_TRAP_GP, 0);
	m.seg[X86_SEG_ES].attrib = 0;
	assert_raises("\x26\x8b\x03", X86_TRAP_GP, 0);
	m.seg[X86_SEG_SS].attrib = 0;
	assert_raises("\x50", X86_TRAP_SS, 0);
	/* FS has a base in every mode. */
	gpr[X86_RBX] = 4;
	m.ram[MACHINE_FS_BASE + 4] = 0x5a;
	assert_done("\x64\x8a\x03");
	assert_int_equal(gpr[X86_RAX] & 0xff, 0x5a);
}

static void test_real_mode(void **state)
{
	/* 16-bit addresses wrap, the limit is 64 KiB, types do not matter. */
	m.seg[X86_SEG_DS].attrib = 0;
	gpr[X86_RBX] = 0xfff0;
	gpr[X86_RSI] = MACHINE_DATA + 0x10;
	memcpy(m.ram + MACHINE_DATA, "\x11\x22\x33\x44", 4);
	gpr[X86_RAX] = 0xaaaaaaaaaaaaaaaa;
	assert_done("\x8b\x00"); /* mov ax, [bx + si] */
	assert_gpr(X86_RAX, 0xaaaaaaaaaaaa2211);
	assert_done("\x66\x8b\x00");
	assert_gpr(X86_RAX, 0x44332211);
	gpr[X86_RBX] = 0xffff;
	assert_raises("\x8b\x07", X86_TRAP_GP, 0);
	/* The stack pointer's upper bits stay. */
	gpr[X86_RSP] = 0x12340000;
	assert_done("\x50");
	assert_gpr(X86_RSP, 0x1234fffe);
	assert_int_equal(m.ram[0xfffe], 0x11);
	gpr[X86_RSP] = 0x1;
	assert_raises("\x50", X86_TRAP_SS, 0);
	/* A 16-bit branch wraps. */
	m.regs.rip = 0xfff0;
	assert_int_equal(machine_insn(&m, "\xeb\x20"), X86_EMUL_OK);
	assert_true(m.regs.rip == 0x0012);
}

static void test_real_mode_segments(void **state)
{
	gpr[X86_RAX] = 0x0400;
	assert_done("\x8e\xd8"); /* mov ds, ax */
	assert_int_equal(m.e.shadow, 0);
	assert_int_equal(m.seg[X86_SEG_DS].selector, 0x400);
	assert_true(m.seg[X86_SEG_DS].base == 0x4000);
	assert_done("\x8e\xd0"); /* mov ss, ax */
	assert_int_equal(m.e.shadow, X86_SHADOW_MOV_SS);
	assert_done("\x1e"); /* push ds */
	assert_done("\x07"); /* pop es */
	assert_int_equal(m.seg[X86_SEG_ES].selector, 0x400);
	assert_gpr(X86_RSP, MACHINE_STACK);
	assert_done("\x16"); /* push ss */
	assert_done("\x17"); /* pop ss */
	assert_int_equal(m.e.shadow, X86_SHADOW_MOV_SS);
	gpr[X86_RBX] = 0;
	assert_done("\x8c\x1f"); /* mov [bx], ds */
	assert_int_equal(m.ram[0x4001], 0x04);
	gpr[X86_RCX] = ~0ULL;
	assert_done("\x8c\xd9"); /* mov cx, ds */
	assert_gpr(X86_RCX, 0xffffffffffff0400);
}

static void test_protected_segments_are_refused(void **state)
{
	assert_int_equal(machine_insn(&m, "\x8e\xd8"), X86_EMUL_UNHANDLEABLE);
	gpr[X86_RCX] = ~0ULL;
	assert_done("\x8c\xd9"); /* mov ecx, ds: zero-extended */
	assert_gpr(X86_RCX, 0x10);
}

static void test_32bit_only(void **state)
{
	gpr[X86_RAX] = 0xffffffff;
	assert_done("\x40"); /* inc eax */
	assert_gpr(X86_RAX, 0);
	assert_true(m.regs.rflags & X86_EFLAGS_ZF);
	assert_done("\x66\x48"); /* dec ax */
	assert_gpr(X86_RAX, 0xffff);
	gpr[X86_RBX] = MACHINE_DATA;
	assert_done("\x82\x03\x07"); /* add byte [ebx], 7: an alias of 80 */
	assert_int_equal(m.ram[MACHINE_DATA], 7);
	/* A 16-bit stack segment under 32-bit code. */
	m.seg[X86_SEG_SS].attrib &= ~X86_SEG_DB;
	gpr[X86_RSP] = 0x77770002 + MACHINE_STACK;
	assert_done("\x50");
	assert_gpr(X86_RSP, 0x77770000 + MACHINE_STACK - 2);
	assert_done("\x58");
	assert_int_equal(machine_insn(&m, "\xe8\x10\x00\x00\x00"), X86_EMUL_OK); /* call */
	assert_true(m.regs.rip == MACHINE_CODE + 1 + 2 + 3 + 1 + 1 + 5 + 0x10);
	assert_int_equal(machine_insn(&m, "\xc2\x04\x00"), X86_EMUL_OK); /* ret 4 */
	assert_true(m.regs.rip == MACHINE_CODE + 1 + 2 + 3 + 1 + 1 + 5);
	assert_gpr(X86_RSP, 0x77770006 + MACHINE_STACK);
}

/* In 64-bit mode only FS and GS have a base, and nothing has a limit. */
static void test_long_mode_is_flat(void **state)
{
	const struct x86_segment odd = { .base = 0x100, .limit = 0 };

	m.seg[X86_SEG_DS] = m.seg[X86_SEG_ES] = m.seg[X86_SEG_SS] = odd;
	m.seg[X86_SEG_GS].base = 0x200;
	gpr[X86_RBX] = MACHINE_DATA;
	m.ram[MACHINE_DATA] = 1;
	m.ram[MACHINE_DATA + 0x200] = 2;
	m.ram[MACHINE_DATA + MACHINE_FS_BASE - MACHINE_DATA] = 3;
	assert_done("\x8a\x03");
	assert_int_equal(gpr[X86_RAX] & 0xff, 1);
	assert_done("\x26\x8a\x03");
	assert_int_equal(gpr[X86_RAX] & 0xff, 1);
	assert_done("\x65\x8a\x03");
	assert_int_equal(gpr[X86_RAX] & 0xff, 2);
	gpr[X86_RBX] = 0;
	assert_done("\x64\x8a\x03");
	assert_int_equal(gpr[X86_RAX] & 0xff, 3);
	assert_done("\x50");
	assert_gpr(X86_RSP, MACHINE_STACK - 8);
	assert_int_equal(m.ram[MACHINE_STACK - 8], 3);
}

static void test_pop_to_memory(void **state)
{
	memcpy(m.ram + MACHINE_STACK, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	gpr[X86_RBX] = MACHINE_DATA;
	assert_done("\x8f\x43\x08");
	assert_memory_equal(m.ram + MACHINE_DATA + 8, m.ram + MACHINE_STACK, 8);
	assert_gpr(X86_RSP, MACHINE_STACK + 8);
	/* An address made of rSP sees it after the pop. */
	gpr[X86_RSP] = MACHINE_STACK;
	assert_done("\x8f\x44\x24\x10");
	assert_memory_equal(m.ram + MACHINE_STACK + 0x18, m.ram + MACHINE_STACK, 8);
	assert_done("\x66\x8f\x44\x24\x06");
	assert_memory_equal(m.ram + MACHINE_STACK + 0x10, m.ram + MACHINE_STACK + 8, 2);
	assert_gpr(X86_RSP, MACHINE_STACK + 10);
}

#define TEST(test, setup) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_long_mode_is_flat, long64),
		TEST(test_pop_to_memory, long64),
		TEST(test_code_limit, prot32),
		TEST(test_data_limit, prot32),
		TEST(test_segment_types, prot32),
		TEST(test_real_mode, real16),
		TEST(test_real_mode_segments, real16),
		TEST(test_protected_segments_are_refused, prot32),
		TEST(test_32bit_only, prot32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
