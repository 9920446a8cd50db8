// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Strings and ports: batches, replay in the middle of a REP, faults that must come before
 * a device is asked, and the I/O permission bitmap.
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
#define assert_result(bytes, res) assert_int_equal(machine_insn(&m, bytes), res)
#define assert_faults(bytes, vec)                                          \
	do {                                                               \
		assert_int_equal(machine_insn(&m, bytes), X86_EMUL_FAULT); \
		assert_int_equal(m.e.fault.vector, vec);                   \
	} while (0)

static void assert_access(unsigned int i, enum access_kind kind, u64 address, unsigned int bytes,
			  unsigned int count)
{
	assert_true(i < m.nr_log);
	assert_int_equal(m.log[i].kind, kind);
	assert_true(m.log[i].address == address);
	assert_int_equal(m.log[i].bytes, bytes);
	assert_int_equal(m.log[i].count, count);
}

static int long64(void **state)
{
	machine_init(&m, X86_MODE_LONG64);
	gpr[X86_RSI] = MACHINE_DATA;
	gpr[X86_RDI] = MACHINE_DEVICE;
	gpr[X86_RDX] = 0x1f0;
	gpr[X86_RAX] = 0x1122334455667788;
	return 0;
}

static int batches(void **state)
{
	long64(state);
	m.e.io_buf = m.io_buf;
	m.e.io_buf_bytes = sizeof(m.io_buf);
	gpr[X86_RDI] = MACHINE_DATA;
	return 0;
}

/* ---- strings --------------------------------------------------------------------------- */

static void test_stos(void **state)
{
	assert_result("\xab", X86_EMUL_OK);
	assert_access(0, ACCESS_WRITE, MACHINE_DEVICE, 4, 1);
	assert_gpr(X86_RDI, MACHINE_DEVICE + 4);
	gpr[X86_RCX] = 3;
	assert_result("\xf3\x48\xab", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 4);
	assert_access(3, ACCESS_WRITE, MACHINE_DEVICE + 4 + 16, 8, 1);
	assert_gpr(X86_RCX, 0);
	assert_gpr(X86_RDI, MACHINE_DEVICE + 4 + 24);
	/* One step ends with the instruction, two go before. */
	assert_int_equal(m.nr_commits, 2);
	/* F2 means the same as F3 here. */
	gpr[X86_RCX] = 2;
	assert_result("\xf2\xaa", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 6);
	/* Nothing at all is done for a count of 0. */
	gpr[X86_RDI] = MACHINE_HOLE;
	assert_result("\xf3\xaa", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 6);
}

static void test_backwards(void **state)
{
	m.regs.rflags |= X86_EFLAGS_DF;
	gpr[X86_RCX] = 2;
	gpr[X86_RDI] = MACHINE_DEVICE + 8;
	assert_result("\xf3\x66\xab", X86_EMUL_OK);
	assert_access(0, ACCESS_WRITE, MACHINE_DEVICE + 8, 2, 1);
	assert_access(1, ACCESS_WRITE, MACHINE_DEVICE + 6, 2, 1);
	assert_gpr(X86_RDI, MACHINE_DEVICE + 4);
}

static void test_interruptible(void **state)
{
	m.e.max_steps = 2;
	gpr[X86_RCX] = 5;
	assert_result("\xf3\xab", X86_EMUL_CONTINUE);
	assert_gpr(X86_RCX, 3);
	assert_gpr(X86_RDI, MACHINE_DEVICE + 8);
	assert_int_equal(machine_again(&m), X86_EMUL_CONTINUE);
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_gpr(X86_RCX, 0);
	assert_true(m.regs.rip == MACHINE_CODE + 2);
	/* 0 means one. */
	m.e.max_steps = 0;
	gpr[X86_RCX] = 2;
	assert_result("\xf3\xab", X86_EMUL_CONTINUE);
	assert_gpr(X86_RCX, 1);
	/* A trap comes after each iteration. */
	m.e.max_steps = 100;
	m.regs.rip = MACHINE_CODE;
	m.regs.rflags |= X86_EFLAGS_TF;
	gpr[X86_RCX] = 2;
	assert_result("\xf3\xab", X86_EMUL_CONTINUE);
	assert_true(m.e.single_step);
	assert_gpr(X86_RCX, 1);
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_true(m.e.single_step);
}

/* Device to RAM with late answers: each element is read once, and committed at once. */
static void test_late_movs(void **state)
{
	unsigned int i;

	m.late = true;
	gpr[X86_RSI] = MACHINE_DEVICE;
	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 3;
	assert_result("\xf3\xa5", X86_EMUL_IO_PENDING);
	assert_gpr(X86_RCX, 3);
	for (i = 1; i < 3; i++) {
		assert_int_equal(machine_again(&m), X86_EMUL_IO_PENDING);
		assert_gpr(X86_RCX, 3 - i);
		assert_gpr(X86_RSI, MACHINE_DEVICE + 4 * i);
		assert_gpr(X86_RDI, MACHINE_DATA + 4 * i);
		assert_int_equal(m.nr_commits, i);
	}
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 3);
	assert_int_equal(m.ram[MACHINE_DATA], 0x88);
	assert_int_equal(m.ram[MACHINE_DATA + 4], 0x89);
	assert_int_equal(m.ram[MACHINE_DATA + 8], 0x8a);

	/* Device to device: read, write, and so on. */
	gpr[X86_RSI] = MACHINE_DEVICE;
	gpr[X86_RDI] = MACHINE_DEVICE + 0x100;
	gpr[X86_RCX] = 2;
	m.nr_log = 0;
	assert_int_equal(machine_finish(&m, "\xf3\xa4", 2), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 4);
	assert_access(2, ACCESS_READ, MACHINE_DEVICE + 1, 1, 1);
	assert_access(3, ACCESS_WRITE, MACHINE_DEVICE + 0x101, 1, 1);
}

static void test_store_batches(void **state)
{
	unsigned int i;

	gpr[X86_RDI] = MACHINE_DEVICE + 0x10;
	gpr[X86_RCX] = 20;
	assert_result("\xf3\x66\xab", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 20);
	assert_int_equal(m.nr_commits, 0);
	for (i = 0; i < 20; i++) {
		assert_access(i, ACCESS_WRITE, MACHINE_DEVICE + 0x10 + 2 * i, 2, 1);
		assert_true(m.log[i].val == 0x7788);
	}
	assert_gpr(X86_RCX, 0);
	assert_gpr(X86_RDI, MACHINE_DEVICE + 0x10 + 40);

	/* the device takes seven at a time */
	m.run_limit = 7;
	m.nr_log = 0;
	gpr[X86_RDI] = MACHINE_DEVICE;
	gpr[X86_RCX] = 20;
	assert_result("\xf3\xaa", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 20);
	assert_int_equal(m.nr_commits, 2);
	assert_access(19, ACCESS_WRITE, MACHINE_DEVICE + 19, 1, 1);

	/* steps are elements */
	m.e.max_steps = 12;
	gpr[X86_RCX] = 20;
	assert_result("\xf3\xaa", X86_EMUL_CONTINUE);
	assert_gpr(X86_RCX, 8);
	m.e.max_steps = 100;

	/* from memory; the rest of its page is not enough for all */
	m.nr_log = 0;
	m.run_limit = 1000;
	for (i = 0; i < 16; i++)
		m.ram[MACHINE_DATA + 0xffc - 4 + i] = i;
	gpr[X86_RSI] = MACHINE_DATA + 0xffc - 4;
	gpr[X86_RDI] = MACHINE_DEVICE;
	gpr[X86_RCX] = 4;
	assert_result("\xf3\xa5", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 4);
	assert_true(m.log[1].val == 0x07060504);
	assert_true(m.log[3].val == 0x0f0e0d0c);
	assert_gpr(X86_RSI, MACHINE_DATA + 0xffc - 4 + 16);

	/* memory that overlaps itself: one after the other */
	memcpy(m.ram + MACHINE_DATA, "abcdefgh", 8);
	gpr[X86_RSI] = MACHINE_DATA;
	gpr[X86_RDI] = MACHINE_DATA + 1;
	gpr[X86_RCX] = 7;
	assert_result("\xf3\xa4", X86_EMUL_OK);
	assert_memory_equal(m.ram + MACHINE_DATA, "aaaaaaaa", 8);

	/* a late device takes each by itself, and once */
	m.late = true;
	m.nr_log = 0;
	gpr[X86_RDI] = MACHINE_DEVICE;
	gpr[X86_RCX] = 3;
	assert_int_equal(machine_finish(&m, "\xf3\xaa", 2), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 3);
	m.late = false;

	/* a trap after each */
	m.regs.rip = MACHINE_CODE;
	m.regs.rflags |= X86_EFLAGS_TF;
	gpr[X86_RCX] = 3;
	assert_result("\xf3\xaa", X86_EMUL_CONTINUE);
	assert_gpr(X86_RCX, 2);
}

static void test_fault_in_the_middle(void **state)
{
	gpr[X86_RSI] = MACHINE_HOLE - 8;
	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 5;
	assert_faults("\xf3\xa5", X86_TRAP_PF);
	assert_true(m.e.fault.address == MACHINE_HOLE);
	assert_gpr(X86_RCX, 3);
	assert_gpr(X86_RSI, MACHINE_HOLE);
	assert_gpr(X86_RDI, MACHINE_DATA + 8);
	assert_true(m.regs.rip == MACHINE_CODE);
}

static void test_comparisons(void **state)
{
	memcpy(m.ram + MACHINE_DATA, "abcdef", 6);
	memcpy(m.ram + MACHINE_DATA + 0x100, "abcxef", 6);
	gpr[X86_RDI] = MACHINE_DATA + 0x100;
	gpr[X86_RCX] = 6;
	assert_result("\xf3\xa6", X86_EMUL_OK); /* repe cmpsb */
	assert_gpr(X86_RCX, 2);
	assert_gpr(X86_RSI, MACHINE_DATA + 4);
	assert_false(m.regs.rflags & X86_EFLAGS_ZF);
	assert_true(m.regs.rflags & X86_EFLAGS_CF); /* 'd' < 'x' */

	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 6;
	gpr[X86_RAX] = 'c';
	assert_result("\xf2\xae", X86_EMUL_OK); /* repne scasb */
	assert_gpr(X86_RCX, 3);
	assert_true(m.regs.rflags & X86_EFLAGS_ZF);
	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 2;
	assert_result("\xf2\xae", X86_EMUL_OK);
	assert_gpr(X86_RCX, 0);
	assert_false(m.regs.rflags & X86_EFLAGS_ZF);

	/* After a fault the flags are those before the instruction. */
	gpr[X86_RDI] = MACHINE_HOLE - 1;
	gpr[X86_RCX] = 2;
	m.ram[MACHINE_HOLE - 1] = 'x';
	m.regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_ZF;
	assert_faults("\xf2\xae", X86_TRAP_PF);
	assert_gpr(X86_RCX, 1);
	assert_true(m.regs.rflags == (X86_EFLAGS_FIXED | X86_EFLAGS_ZF));
}

static void test_lods_and_address_size(void **state)
{
	gpr[X86_RSI] = 0xaaaa00000000 | MACHINE_DEVICE;
	gpr[X86_RCX] = 0xbbbb00000002;
	assert_result("\xf3\x67\xad", X86_EMUL_OK); /* rep lodsd, 32-bit addresses */
	assert_gpr(X86_RAX, 0x55667789);
	assert_gpr(X86_RSI, MACHINE_DEVICE + 8);
	assert_gpr(X86_RCX, 0);
	/* An override moves the source but never the destination. */
	gpr[X86_RSI] = 0x10;
	gpr[X86_RDI] = MACHINE_DATA;
	m.ram[MACHINE_FS_BASE + 0x10] = 0x5c;
	assert_result("\x64\xa4", X86_EMUL_OK);
	assert_int_equal(m.ram[MACHINE_DATA], 0x5c);

	machine_init(&m, X86_MODE_REAL16);
	gpr[X86_RDI] = 0x1234ffff;
	gpr[X86_RCX] = 0x12340002;
	gpr[X86_RAX] = 0x77;
	assert_result("\xf3\xaa", X86_EMUL_OK); /* 16-bit offsets wrap */
	assert_gpr(X86_RDI, 0x12340001);
	assert_gpr(X86_RCX, 0x12340000);
	assert_int_equal(m.ram[0xffff], 0x77);
	assert_int_equal(m.ram[0], 0x77);
}

/* ---- ports ----------------------------------------------------------------------------- */

static void test_in_out(void **state)
{
	gpr[X86_RAX] = ~0ULL;
	assert_result("\xe4\xfe", X86_EMUL_OK); /* in al, 0xfe */
	assert_access(0, ACCESS_IN, 0xfe, 1, 1);
	assert_gpr(X86_RAX, 0xffffffffffffff88);
	assert_result("\x66\xed", X86_EMUL_OK); /* in ax, dx */
	assert_access(1, ACCESS_IN, 0x1f0, 2, 1);
	assert_gpr(X86_RAX, 0xffffffffffff7789);
	assert_result("\x48\xed", X86_EMUL_OK); /* REX.W changes nothing */
	assert_access(2, ACCESS_IN, 0x1f0, 4, 1);
	assert_gpr(X86_RAX, 0x5566778a);
	gpr[X86_RDX] = 0xffff0cf8;
	assert_result("\xef", X86_EMUL_OK);
	assert_access(3, ACCESS_OUT, 0xcf8, 4, 1);
	assert_true(m.log[3].val == 0x5566778a);
	assert_result("\xe6\x80", X86_EMUL_OK);
	assert_access(4, ACCESS_OUT, 0x80, 1, 1);
	assert_true(m.log[4].val == 0x8a);

	m.late = true;
	assert_result("\xec", X86_EMUL_IO_PENDING);
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_gpr(X86_RAX, 0x5566778b);
	assert_int_equal(m.nr_log, 6);
}

static void test_ins_sector(void **state)
{
	/* 256 words, all in one page: one access, and again after user space answered. */
	m.late = true;
	gpr[X86_RCX] = 256;
	assert_result("\xf3\x66\x6d", X86_EMUL_IO_PENDING);
	assert_gpr(X86_RCX, 256);
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 1);
	assert_access(0, ACCESS_IN, 0x1f0, 2, 256);
	assert_gpr(X86_RCX, 0);
	assert_gpr(X86_RDI, MACHINE_DATA + 512);
	assert_int_equal(m.ram[MACHINE_DATA], 0x88);
	assert_int_equal(m.ram[MACHINE_DATA + 510], 0x87);
	assert_int_equal(m.ram[MACHINE_DATA + 511], 0x78);
	assert_int_equal(m.ram[MACHINE_DATA + 512], 0);
}

static void test_ins_batches_end_at_pages(void **state)
{
	/* 3 words, one over the boundary, then the rest in two buffers full. */
	gpr[X86_RDI] = MACHINE_DATA + 4096 - 7;
	gpr[X86_RCX] = 4 + 600;
	assert_result("\xf3\x66\x6d", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 4);
	assert_access(0, ACCESS_IN, 0x1f0, 2, 3);
	assert_access(1, ACCESS_IN, 0x1f0, 2, 1);
	assert_access(2, ACCESS_IN, 0x1f0, 2, MACHINE_IO_BUF_BYTES / 2);
	assert_access(3, ACCESS_IN, 0x1f0, 2, 600 - MACHINE_IO_BUF_BYTES / 2);
	assert_gpr(X86_RDI, MACHINE_DATA + 4096 + 1 + 1200);
}

static void test_ins_one_by_one(void **state)
{
	/* Backwards, to a device, without a buffer, without REP. */
	m.regs.rflags |= X86_EFLAGS_DF;
	gpr[X86_RCX] = 2;
	assert_result("\xf3\x6c", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 2);
	assert_gpr(X86_RDI, MACHINE_DATA - 2);

	long64(state);
	m.e.io_buf = m.io_buf;
	m.e.io_buf_bytes = sizeof(m.io_buf);
	gpr[X86_RCX] = 2;
	assert_result("\xf3\x6c", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 4);
	assert_access(2, ACCESS_IN, 0x1f0, 1, 1);
	assert_access(3, ACCESS_WRITE, MACHINE_DEVICE + 1, 1, 1);

	long64(state);
	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 3;
	assert_result("\xf3\x6d", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 3);

	batches(state);
	gpr[X86_RCX] = 100;
	assert_result("\x6d", X86_EMUL_OK);
	assert_access(0, ACCESS_IN, 0x1f0, 4, 1);
	assert_gpr(X86_RCX, 100);
	assert_gpr(X86_RDI, MACHINE_DATA + 4);
}

/* What a device has handed over cannot be put back: faults come first. */
static void test_ins_faults_before_input(void **state)
{
	gpr[X86_RCX] = 4;
	gpr[X86_RDI] = MACHINE_READ_ONLY;
	assert_faults("\xf3\x6d", X86_TRAP_PF);
	assert_int_equal(m.nr_log, 0);
	gpr[X86_RDI] = MACHINE_READ_ONLY - 2;
	assert_faults("\xf3\x6d", X86_TRAP_PF);
	assert_true(m.e.fault.address == MACHINE_READ_ONLY);
	assert_int_equal(m.nr_log, 0);
	gpr[X86_RDI] = 0x8000000000000000;
	assert_faults("\x6d", X86_TRAP_GP);
	assert_int_equal(m.nr_log, 0);

	/* A 16-bit offset wraps in the middle of a page: nothing may go behind it. */
	machine_init(&m, X86_MODE_REAL16);
	m.e.io_buf = m.io_buf;
	m.e.io_buf_bytes = sizeof(m.io_buf);
	m.seg[X86_SEG_ES].base = MACHINE_DATA + 0x100 - 0x10000 + 0x1000;
	m.seg[X86_SEG_ES].limit = 0xffffffff;
	gpr[X86_RDI] = 0xfffe;
	gpr[X86_RCX] = 2;
	assert_result("\xf3\x6d", X86_EMUL_FAULT);
	assert_gpr(X86_RDI, 0);
	assert_gpr(X86_RCX, 1);

	/* The segment's end cuts a batch into single elements, the fault is exact. */
	machine_init(&m, X86_MODE_PROT32);
	m.e.io_buf = m.io_buf;
	m.e.io_buf_bytes = sizeof(m.io_buf);
	m.seg[X86_SEG_ES].limit = MACHINE_DATA + 7;
	gpr[X86_RDI] = MACHINE_DATA;
	gpr[X86_RCX] = 4;
	assert_faults("\xf3\x6d", X86_TRAP_GP);
	assert_gpr(X86_RCX, 2);
	assert_int_equal(m.nr_log, 2);
}

static void test_outs(void **state)
{
	memcpy(m.ram + MACHINE_DATA, "\x11\x22\x33\x44", 4);
	gpr[X86_RCX] = 200;
	assert_result("\xf3\x6f", X86_EMUL_OK);
	assert_int_equal(m.nr_log, 1);
	assert_access(0, ACCESS_OUT, 0x1f0, 4, 200);
	assert_true(m.log[0].val == 0x44332211);
	assert_gpr(X86_RSI, MACHINE_DATA + 800);

	gpr[X86_RSI] = MACHINE_HOLE;
	gpr[X86_RCX] = 2;
	assert_faults("\xf3\x6f", X86_TRAP_PF);
	assert_int_equal(m.nr_log, 1);

	/* The source may be overridden. */
	gpr[X86_RSI] = 0x20;
	m.ram[MACHINE_FS_BASE + 0x20] = 0x99;
	assert_result("\x64\x6e", X86_EMUL_OK);
	assert_access(1, ACCESS_OUT, 0x1f0, 1, 1);
	assert_true(m.log[1].val == 0x99);
}

static void test_permission_bitmap(void **state)
{
	static const u8 base[2] = { 0x68, 0 };
	u8 *bitmap = m.ram + MACHINE_TSS + 0x68;

	m.e.cpl = 3;
	memcpy(m.ram + MACHINE_TSS + 102, base, 2);
	memset(bitmap, 0xff, 0x1000);
	assert_faults("\xec", X86_TRAP_GP);
	assert_true(m.e.fault.has_error);
	assert_faults("\xf3\x6c", X86_TRAP_GP);
	/* Ports 0x1f0 to 0x1f3. */
	bitmap[0x1f0 / 8] = 0xf0;
	assert_result("\xed", X86_EMUL_OK);
	gpr[X86_RDX] = 0x1f1;
	assert_faults("\xed", X86_TRAP_GP);
	assert_result("\x66\xed", X86_EMUL_OK);
	assert_faults("\xe4\x00", X86_TRAP_GP);
	/* Over a byte of the bitmap. */
	gpr[X86_RDX] = 0x1ee;
	assert_faults("\xed", X86_TRAP_GP);
	bitmap[0x1e8 / 8] = 0x3f;
	assert_result("\xed", X86_EMUL_OK);
	/* The byte behind must be inside the limit as well. */
	m.seg[X86_SEG_TR].limit = 0x68 + 0x1ee / 8;
	assert_faults("\xec", X86_TRAP_GP);
	m.seg[X86_SEG_TR].limit++;
	assert_result("\xec", X86_EMUL_OK);
	/* The two bytes may lie in two pages. */
	m.seg[X86_SEG_TR].base = MACHINE_TSS + 4096 - 0x68 - 0x1ee / 8 - 1;
	memcpy(m.ram + m.seg[X86_SEG_TR].base + 102, base, 2);
	memset(m.ram + MACHINE_TSS + 4096 - 1, 0x3f, 1);
	memset(m.ram + MACHINE_TSS + 4096, 0xf0, 1);
	assert_result("\xed", X86_EMUL_OK);
	memset(m.ram + MACHINE_TSS + 4096, 0xf1, 1);
	assert_faults("\xed", X86_TRAP_GP);
	/* No bitmap, no 32-bit TSS, no TSS. */
	m.seg[X86_SEG_TR].limit = 102;
	assert_faults("\xec", X86_TRAP_GP);
	m.seg[X86_SEG_TR].limit = 0x68;
	assert_faults("\xec", X86_TRAP_GP);
	m.seg[X86_SEG_TR].limit = 0xffff;
	m.seg[X86_SEG_TR].attrib = X86_SEG_P | 0x3;
	assert_faults("\xec", X86_TRAP_GP);
	m.seg[X86_SEG_TR].attrib = 0;
	assert_faults("\xec", X86_TRAP_GP);

	/* IOPL 3 needs none of it, but in virtual-8086 mode it does not count. */
	m.regs.rflags |= X86_EFLAGS_IOPL;
	assert_result("\xec", X86_EMUL_OK);
	machine_init(&m, X86_MODE_VM86);
	m.e.cpl = 3;
	m.regs.rflags |= X86_EFLAGS_IOPL | X86_EFLAGS_VM;
	memcpy(m.ram + MACHINE_TSS + 102, base, 2);
	assert_result("\xec", X86_EMUL_OK);
	bitmap[0] = 1;
	assert_faults("\xec", X86_TRAP_GP);
}

#define TEST(test, setup) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stos, long64),
		TEST(test_store_batches, batches),
		TEST(test_backwards, long64),
		TEST(test_interruptible, long64),
		TEST(test_late_movs, long64),
		TEST(test_fault_in_the_middle, long64),
		TEST(test_comparisons, long64),
		TEST(test_lods_and_address_size, long64),
		TEST(test_in_out, long64),
		TEST(test_ins_sector, batches),
		TEST(test_ins_batches_end_at_pages, batches),
		TEST(test_ins_one_by_one, batches),
		TEST(test_ins_faults_before_input, batches),
		TEST(test_outs, batches),
		TEST(test_permission_bitmap, long64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
