// SPDX-License-Identifier: GPL-2.0-or-later
/* Plain moves: each must do what the emulator does, and nothing else may be taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "emul_machine.h"
#include "x86_mov.h"

#define DATA 0x8182838485868788ULL

struct insn {
	const char *bytes;
	unsigned int length;
};

#define INSN(s) { s, sizeof(s) - 1 }

/* RBX is the device, RCX 2, RDX the device's page less 8. */
static const struct insn moves[] = {
	INSN("\x88\x03"), INSN("\x88\x2b"), INSN("\x40\x88\x2b"), INSN("\x44\x88\x03"),
	INSN("\x89\x03"), INSN("\x66\x89\x03"), INSN("\x48\x89\x03"), INSN("\x4c\x89\x3b"),
	INSN("\x89\x23"), INSN("\x48\x89\x63\x08"),
	INSN("\x8a\x03"), INSN("\x8a\x3b"), INSN("\x40\x8a\x3b"), INSN("\x44\x8a\x3b"),
	INSN("\x8b\x03"), INSN("\x66\x8b\x03"), INSN("\x48\x8b\x03"), INSN("\x4c\x8b\x3b"),
	INSN("\x8b\x1b"), INSN("\x48\x8b\x1b"), INSN("\x66\x8b\x1b"),
	INSN("\xc6\x03\x7f"), INSN("\xc7\x03\x78\x56\x34\x82"), INSN("\x66\xc7\x03\x34\x82"),
	INSN("\x48\xc7\x03\x78\x56\x34\x82"),
	INSN("\x0f\xb6\x03"), INSN("\x66\x0f\xb6\x03"), INSN("\x48\x0f\xb6\x03"),
	INSN("\x0f\xb7\x03"), INSN("\x48\x0f\xb7\x03"),
	INSN("\x0f\xbe\x03"), INSN("\x66\x0f\xbe\x03"), INSN("\x48\x0f\xbe\x03"),
	INSN("\x0f\xbf\x03"), INSN("\x48\x0f\xbf\x03"), INSN("\x48\x63\x03"), INSN("\x63\x03"),
	INSN("\x8b\x04\xcb"), INSN("\x8b\x44\x4b\x10"), INSN("\x8b\x83\xf0\x00\x00\x00"),
	INSN("\x8b\x42\x08"), INSN("\x67\x8b\x03"), INSN("\x67\x8b\x42\x08"),
	INSN("\x8b\x05\x00\x90\x00\x00"), INSN("\xc7\x05\x00\x90\x00\x00\x01\x02\x03\x04"),
	INSN("\x3e\x8b\x03"), INSN("\x26\x89\x03"),
};

static struct machine m;

static int setup(void **state)
{
	machine_init(&m, X86_MODE_LONG64);
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		m.regs.gpr[i] = 0x1112131415161718ULL * (i + 1);
	m.regs.gpr[X86_RBX] = MACHINE_DEVICE;
	m.regs.gpr[X86_RCX] = 2;
	m.regs.gpr[X86_RDX] = MACHINE_DEVICE - 8;
	m.next_val = DATA;
	return 0;
}

static void test_as_emulated(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		u64 gpr[X86_NR_GPRS], rip;
		struct x86_mov mov;

		setup(state);
		memcpy(gpr, m.regs.gpr, sizeof(gpr));
		rip = m.regs.rip;
		assert_true(x86_mov_plan(&mov, (const u8 *)moves[i].bytes, moves[i].length, gpr,
					 rip));
		assert_int_equal(machine_run(&m, moves[i].bytes, moves[i].length), X86_EMUL_OK);
		assert_int_equal(m.nr_log, 1);
		assert_int_equal(m.log[0].kind, mov.is_store ? ACCESS_WRITE : ACCESS_READ);
		assert_true(m.log[0].address == mov.ea);
		assert_int_equal(m.log[0].bytes, mov.bytes);
		assert_int_equal(mov.length, moves[i].length);
		if (mov.is_store)
			assert_true(m.log[0].val == mov.value);
		else
			x86_mov_load(&mov, gpr, m.log[0].val);
		assert_memory_equal(gpr, m.regs.gpr, sizeof(gpr));
	}
}

/* What a device puts beyond the operand must not reach the register. */
static void test_load_takes_its_bytes(void **state)
{
	u64 gpr[X86_NR_GPRS] = { 0 };
	struct x86_mov mov;

	assert_true(x86_mov_plan(&mov, (const u8 *)"\x0f\xb6\x03", 3, gpr, 0));
	x86_mov_load(&mov, gpr, ~0ULL);
	assert_true(gpr[X86_RAX] == 0xff);
	assert_true(x86_mov_plan(&mov, (const u8 *)"\x8a\x23", 2, gpr, 0));
	x86_mov_load(&mov, gpr, 0xabcd);
	assert_true(gpr[X86_RAX] == 0xcdff);
}

static void test_others_are_refused(void **state)
{
	static const struct insn others[] = {
		INSN("\x8b\xc3"),			  /* no memory */
		INSN("\x01\x03"), INSN("\x0b\x03"),	  /* not a move */
		INSN("\x87\x03"), INSN("\xff\x33"),
		INSN("\x0f\x38\xf0\x03"),		  /* MOVBE */
		INSN("\x8c\x1b"), INSN("\x8e\x1b"),	  /* segment registers */
		INSN("\x64\x8b\x03"), INSN("\x65\x8b\x03"), /* segments with a base */
		INSN("\xa0\x00\xa0\x00\x00\x00\x00\x00\x00"),
		INSN("\xa4"), INSN("\xaa"), INSN("\xf3\xab"),
		INSN("\x0f\x10\x03"), INSN("\x66\x0f\x6e\x03"),
		INSN("\xf0\x89\x03"),			  /* LOCK: #UD */
		INSN("\x8b"), INSN("\x8b\x83\x00\x00\x00"), /* ends too early */
		INSN("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x8b\x03"),
		INSN("\x0f\x0b"),
	};
	u64 gpr[X86_NR_GPRS] = { 0 };
	struct x86_mov mov;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(x86_mov_plan(&mov, (const u8 *)others[i].bytes, others[i].length, gpr,
					  0x1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_as_emulated, setup),
		cmocka_unit_test(test_load_takes_its_bytes),
		cmocka_unit_test(test_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
