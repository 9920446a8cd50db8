// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator's frame: device memory and replay, chunks, faults, locked accesses, flags
 * and shadows. What instructions compute is test_emulate_native.c's.
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

static void assert_access(unsigned int i, enum access_kind kind, u64 address, unsigned int bytes,
			  u64 val)
{
	assert_true(i < m.nr_log);
	assert_int_equal(m.log[i].kind, kind);
	assert_true(m.log[i].address == address);
	assert_int_equal(m.log[i].bytes, bytes);
	assert_true(m.log[i].val == val);
}

static int long64(void **state)
{
	machine_init(&m, X86_MODE_LONG64);
	gpr[X86_RBX] = MACHINE_DEVICE;
	return 0;
}

/* ---- device memory ------------------------------------------------------------------- */

static void test_device_read(void **state)
{
	assert_done("\x8b\x43\x10"); /* mov eax, [rbx + 16] */
	assert_gpr(X86_RAX, 0x55667788);
	assert_int_equal(m.nr_log, 1);
	assert_access(0, ACCESS_READ, MACHINE_DEVICE + 16, 4, 0x55667788);
	assert_done("\x8a\x23"); /* mov ah, [rbx] */
	assert_gpr(X86_RAX, 0x55668988);
	assert_done("\x48\x0f\xb6\x03"); /* movzx rax, byte [rbx] */
	assert_gpr(X86_RAX, 0x8a);
	assert_done("\x48\x63\x03"); /* movsxd rax, dword [rbx] */
	assert_gpr(X86_RAX, 0x5566778b);
	assert_int_equal(m.nr_log, 4);
}

static void test_device_write(void **state)
{
	gpr[X86_RCX] = 0xaabbccdd99887766;
	assert_done("\x89\x0b");
	assert_access(0, ACCESS_WRITE, MACHINE_DEVICE, 4, 0x99887766);
	assert_done("\xc7\x43\x04\xff\xff\xff\xff"); /* mov dword [rbx + 4], -1 */
	assert_access(1, ACCESS_WRITE, MACHINE_DEVICE + 4, 4, 0xffffffff);
	assert_done("\x48\xc7\x43\x08\xff\xff\xff\xff");
	assert_access(2, ACCESS_WRITE, MACHINE_DEVICE + 8, 8, ~0ULL);
	assert_done("\x88\x2b"); /* mov [rbx], ch */
	assert_access(3, ACCESS_WRITE, MACHINE_DEVICE, 1, 0x77);
	assert_done("\x0f\xc3\x0b"); /* movnti */
	assert_access(4, ACCESS_WRITE, MACHINE_DEVICE, 4, 0x99887766);
	assert_done("\x0f\x38\xf1\x0b"); /* movbe */
	assert_access(5, ACCESS_WRITE, MACHINE_DEVICE, 4, 0x66778899);
	gpr[X86_RAX] = 0x55;
	assert_done("\xa2\x01\xa0\x00\x00\x00\x00\x00\x00"); /* mov [moffs], al */
	assert_access(6, ACCESS_WRITE, MACHINE_DEVICE + 1, 1, 0x55);
	assert_int_equal(m.nr_log, 7);
}

/* Read, then write: each is asked for once, and nothing is committed before both are done. */
static void test_replay(void **state)
{
	m.late = true;
	gpr[X86_RAX] = 1;
	assert_int_equal(machine_insn(&m, "\x01\x03"), X86_EMUL_IO_PENDING); /* add [rbx], eax */
	assert_int_equal(m.nr_log, 1);
	assert_access(0, ACCESS_READ, MACHINE_DEVICE, 4, 0x55667788);
	assert_int_equal(machine_again(&m), X86_EMUL_IO_PENDING);
	assert_int_equal(m.nr_log, 2);
	assert_access(1, ACCESS_WRITE, MACHINE_DEVICE, 4, 0x55667789);
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 2);
	assert_true(m.regs.rip == MACHINE_CODE + 2);

	/* PUSH of device memory: the stack moves once. */
	assert_int_equal(machine_finish(&m, "\xff\x33", 2), X86_EMUL_OK);
	assert_gpr(X86_RSP, MACHINE_STACK - 8);
	/* XADD: the register is not touched before the write is done. */
	assert_int_equal(machine_finish(&m, "\x0f\xc1\x03", 3), X86_EMUL_OK);
	assert_gpr(X86_RAX, 0x5566778a);
	assert_int_equal(m.nr_log, 5);
	/* Without the write of a comparison. */
	assert_int_equal(machine_finish(&m, "\x3b\x03", 2), X86_EMUL_OK);
	assert_int_equal(m.nr_log, 6);
}

static void test_device_locked(void **state)
{
	gpr[X86_RAX] = 5;
	assert_done("\xf0\x01\x03"); /* lock add [rbx], eax */
	assert_access(0, ACCESS_READ, MACHINE_DEVICE, 4, 0x55667788);
	assert_access(1, ACCESS_CMPXCHG, MACHINE_DEVICE, 4, 0x5566778d);
	assert_done("\x87\x03"); /* xchg [rbx], eax */
	assert_access(2, ACCESS_READ, MACHINE_DEVICE, 4, 0x55667789);
	assert_access(3, ACCESS_CMPXCHG, MACHINE_DEVICE, 4, 5);
	assert_gpr(X86_RAX, 0x55667789);
}

static void test_device_vector(void **state)
{
	unsigned int i;

	m.late = true;
	memset(m.vec[1], 0xee, 32);
	assert_int_equal(machine_finish(&m, "\x0f\x10\x0b", 3), X86_EMUL_OK); /* movups xmm1 */
	assert_int_equal(m.nr_log, 2);
	assert_access(0, ACCESS_READ, MACHINE_DEVICE, 8, 0x1122334455667788);
	assert_access(1, ACCESS_READ, MACHINE_DEVICE + 8, 8, 0x1122334455667789);
	assert_int_equal(m.vec[1][8], 0x89);
	assert_int_equal(m.vec[1][16], 0xee);

	assert_int_equal(machine_finish(&m, "\xc5\xfe\x7f\x0b", 4), X86_EMUL_OK); /* vmovdqu ymm1 */
	assert_int_equal(m.nr_log, 6);
	for (i = 2; i < 6; i++)
		assert_int_equal(m.log[i].bytes, 8);
	assert_access(5, ACCESS_WRITE, MACHINE_DEVICE + 24, 8, 0xeeeeeeeeeeeeeeee);

	assert_int_equal(machine_finish(&m, "\xc5\xf8\x10\x0b", 4), X86_EMUL_OK); /* vmovups xmm1 */
	assert_int_equal(m.vec[1][16], 0);
	m.nr_log = 0;
	assert_int_equal(machine_finish(&m, "\x66\x0f\x38\x2a\x13", 5), X86_EMUL_OK); /* movntdqa */
	assert_int_equal(m.nr_log, 2);
	assert_memory_equal(m.vec[2], &m.log[0].val, 8);
}

static void test_device_mmx(void **state)
{
	m.late = true;
	assert_int_equal(machine_finish(&m, "\x0f\x6f\x0b", 3), X86_EMUL_OK); /* movq mm1, [rbx] */
	assert_access(0, ACCESS_READ, MACHINE_DEVICE, 8, 0x1122334455667788);
	assert_int_equal(m.mmx[1], 0x1122334455667788);
	assert_int_equal(machine_finish(&m, "\x0f\x6e\x0b", 3), X86_EMUL_OK); /* movd mm1, [rbx] */
	assert_access(1, ACCESS_READ, MACHINE_DEVICE, 4, 0x55667789);
	assert_int_equal(m.mmx[1], 0x55667789);
	m.mmx[7] = 0xa1a2a3a4a5a6a7a8;
	assert_int_equal(machine_finish(&m, "\x0f\x7f\x3b", 3), X86_EMUL_OK); /* movq [rbx], mm7 */
	assert_access(2, ACCESS_WRITE, MACHINE_DEVICE, 8, 0xa1a2a3a4a5a6a7a8);
	assert_int_equal(machine_finish(&m, "\x0f\x7e\x3b", 3), X86_EMUL_OK); /* movd [rbx], mm7 */
	assert_access(3, ACCESS_WRITE, MACHINE_DEVICE, 4, 0xa5a6a7a8);
	assert_int_equal(machine_finish(&m, "\x0f\xe7\x3b", 3), X86_EMUL_OK); /* movntq */
	assert_access(4, ACCESS_WRITE, MACHINE_DEVICE, 8, 0xa1a2a3a4a5a6a7a8);
	assert_int_equal(m.nr_mmx, 5);

	/* nothing is read when an x87 exception waits, or the registers are another task's */
	m.x87_waits = true;
	assert_int_equal(machine_finish(&m, "\x0f\x6f\x0b", 3), X86_EMUL_FAULT);
	assert_int_equal(m.e.fault.vector, X86_TRAP_MF);
	m.e.cr0 |= X86_CR0_TS;
	assert_int_equal(machine_finish(&m, "\x0f\x6f\x0b", 3), X86_EMUL_FAULT);
	assert_int_equal(m.e.fault.vector, X86_TRAP_NM);
	assert_int_equal(m.nr_log, 5);
}

static void test_prefetch_is_nothing(void **state)
{
	gpr[X86_RBX] = MACHINE_HOLE;
	assert_done("\x0f\x18\x0b"); /* prefetcht0 */
	assert_done("\x0f\x0d\x0b"); /* prefetchw */
	assert_done("\x0f\xae\x3b"); /* clflush */
	assert_done("\x0f\x1f\x03"); /* nop [rbx] */
	assert_int_equal(m.nr_log, 0);
}

/* ---- chunks and faults -------------------------------------------------------------- */

static void test_unaligned_is_split_at_pages(void **state)
{
	/* The last 3 bytes of the device page, and RAM behind it. */
	gpr[X86_RBX] = MACHINE_DEVICE + 4096 - 3;
	m.ram[MACHINE_DEVICE + 4096] = 0xab;
	assert_done("\x8b\x03");
	assert_int_equal(m.nr_log, 2);
	assert_access(0, ACCESS_READ, MACHINE_DEVICE + 4093, 2, 0x7788);
	assert_access(1, ACCESS_READ, MACHINE_DEVICE + 4095, 1, 0x89);
	assert_gpr(X86_RAX, 0xab897788);
	/* Inside a page an unaligned access stays one. */
	gpr[X86_RBX] = MACHINE_DEVICE + 1;
	assert_done("\x8b\x03");
	assert_access(2, ACCESS_READ, MACHINE_DEVICE + 1, 4, 0x5566778a);
}

static void test_split_write_is_all_or_nothing(void **state)
{
	gpr[X86_RBX] = MACHINE_READ_ONLY - 2;
	gpr[X86_RAX] = 0xffffffff;
	m.e.cpl = 3;
	assert_raises("\x89\x03", X86_TRAP_PF, PFERR_PRESENT | PFERR_WRITE | PFERR_USER);
	assert_true(m.e.fault.address == MACHINE_READ_ONLY);
	assert_int_equal(m.ram[MACHINE_READ_ONLY - 2], 0);
	/* Also of a device that would have seen the first half. */
	gpr[X86_RBX] = MACHINE_HOLE + 4096 - 2;
	assert_raises("\x89\x03", X86_TRAP_PF, PFERR_WRITE | PFERR_USER);
	assert_true(m.e.fault.address == MACHINE_HOLE + 4096 - 2);
}

static void test_page_faults(void **state)
{
	gpr[X86_RBX] = MACHINE_HOLE + 8;
	assert_raises("\x8b\x03", X86_TRAP_PF, 0);
	assert_true(m.e.fault.address == MACHINE_HOLE + 8);
	assert_true(m.e.fault.has_error);
	assert_raises("\x89\x03", X86_TRAP_PF, PFERR_WRITE);
	/* A read-modify-write faults as a write. */
	gpr[X86_RBX] = MACHINE_READ_ONLY;
	assert_raises("\x01\x03", X86_TRAP_PF, PFERR_PRESENT | PFERR_WRITE);
	assert_raises("\xf0\x01\x03", X86_TRAP_PF, PFERR_PRESENT | PFERR_WRITE);
	assert_raises("\x0f\xc7\x0b", X86_TRAP_PF, PFERR_PRESENT | PFERR_WRITE);
	assert_done("\x3b\x03");
	assert_done("\x0f\xa3\x03"); /* bt */
	/* POP into it: the stack pointer stays. */
	assert_raises("\x8f\x03", X86_TRAP_PF, PFERR_PRESENT | PFERR_WRITE);
	assert_gpr(X86_RSP, MACHINE_STACK);
}

static void test_canonical(void **state)
{
	gpr[X86_RBX] = 0x0000800000000000;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	gpr[X86_RBP] = 0x0000800000000000;
	assert_raises("\x8b\x45\x00", X86_TRAP_SS, 0);
	/* The last byte counts too. */
	gpr[X86_RBX] = 0x00007ffffffffffe;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	assert_raises("\x66\x8b\x03", X86_TRAP_PF, 0);
	m.e.cr4 |= X86_CR4_LA57;
	gpr[X86_RBX] = 0x0000800000000000;
	assert_raises("\x8b\x03", X86_TRAP_PF, 0);
	gpr[X86_RSP] = 0x8000000000000000;
	assert_raises("\x50", X86_TRAP_SS, 0);
	/* Branches there fault on the branch. */
	gpr[X86_RBX] = 0x8000000000000000;
	assert_raises("\xff\xe3", X86_TRAP_GP, 0);
	assert_raises("\xff\xd3", X86_TRAP_GP, 0);
}

static void test_alignment_check(void **state)
{
	gpr[X86_RBX] = MACHINE_DATA + 1;
	m.e.cpl = 3;
	m.e.cr0 |= X86_CR0_AM;
	assert_done("\x8b\x03");
	m.regs.rflags |= X86_EFLAGS_AC;
	assert_raises("\x8b\x03", X86_TRAP_AC, 0);
	assert_raises("\x48\x8b\x03", X86_TRAP_AC, 0);
	assert_done("\x8a\x03");
	m.e.cpl = 0;
	assert_done("\x8b\x03");
	/* These insist whatever the flags say. */
	assert_raises("\x0f\x28\x03", X86_TRAP_GP, 0);	   /* movaps */
	assert_raises("\x48\x0f\xc7\x0b", X86_TRAP_GP, 0); /* cmpxchg16b */
	assert_done("\x0f\x10\x03");
	gpr[X86_RBX] = MACHINE_DATA + 16;
	assert_done("\x0f\x28\x03");
	assert_raises("\xc5\xfd\x6f\x03", X86_TRAP_GP, 0); /* vmovdqa ymm */
}

static void test_vector_state(void **state)
{
	m.e.cr0 |= X86_CR0_TS;
	assert_raises("\x0f\x10\x03", X86_TRAP_NM, 0);
	m.e.cr0 |= X86_CR0_EM;
	assert_raises("\x0f\x10\x03", X86_TRAP_UD, 0);
	m.e.cr0 &= ~(u64)(X86_CR0_EM | X86_CR0_TS);
	m.e.cr4 = X86_CR4_OSFXSR;
	assert_raises("\xc5\xfe\x6f\x03", X86_TRAP_UD, 0);
	m.e.cr4 = X86_CR4_OSXSAVE;
	assert_raises("\x0f\x10\x03", X86_TRAP_UD, 0);
	assert_done("\xc5\xfe\x6f\x03");
	assert_raises("\xc5\xee\x6f\x03", X86_TRAP_UD, 0); /* VEX.vvvv in use */
}

/* Branches in the upper half keep all bits of the address. */
static void test_branches_above_4g(void **state)
{
	static const struct {
		const char *bytes;
		u8 length;
		u64 to;
	} rows[] = {
		{ "\xeb\x10", 2, 0x12 },	       /* jmp */
		{ "\xe9\x00\x01\x00\x00", 5, 0x105 },  /* jmp */
		{ "\x74\xf0", 2, -0x0e },	       /* je, taken */
		{ "\x75\xf0", 2, 2 },		       /* jne, not taken */
		{ "\x0f\x84\xf6\xff\xff\xff", 6, -4 }, /* je */
		{ "\xe2\x10", 2, 0x12 },	       /* loop, with rcx 2 */
		{ "\x67\xe3\x10", 3, 3 },	       /* jecxz, not taken */
		{ "\xe8\x00\x01\x00\x00", 5, 0x105 },  /* call */
		{ "\xff\xe0", 2, 0x100 },	       /* jmp rax */
		{ "\xff\xd0", 2, 0x100 },	       /* call rax */
		{ "\xc3", 1, 0x200 },		       /* ret */
	};
	const u64 rip = 0xffffffff81000000;
	unsigned int i;
	u64 back;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m.regs.rip = rip;
		m.regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_ZF;
		gpr[X86_RAX] = rip + 0x100;
		gpr[X86_RCX] = 2;
		gpr[X86_RSP] = MACHINE_STACK;
		back = rip + 0x200;
		memcpy(m.ram + MACHINE_STACK, &back, 8);
		memcpy(m.e.bytes, rows[i].bytes, rows[i].length);
		m.e.nr_bytes = rows[i].length;
		assert_int_equal(machine_again(&m), X86_EMUL_OK);
		assert_true(m.regs.rip == rip + rows[i].to);
	}
}

/* The largest quotients that fit, and one more. */
static void test_division_limits(void **state)
{
	gpr[X86_RCX] = 3;
	gpr[X86_RAX] = 3 * 0x7f + 2;
	assert_done("\xf6\xf9"); /* idiv cl */
	assert_gpr(X86_RAX, 0x27f);
	gpr[X86_RAX] = 3 * 0x80;
	assert_raises("\xf6\xf9", X86_TRAP_DE, 0);
	gpr[X86_RAX] = (u16)(-3 * 0x80 - 2);
	assert_done("\xf6\xf9");
	assert_gpr(X86_RAX, 0xfe80);
	gpr[X86_RAX] = (u16)(-3 * 0x81);
	assert_raises("\xf6\xf9", X86_TRAP_DE, 0);
	gpr[X86_RAX] = 3 * 0xff;
	assert_done("\xf6\xf1"); /* div cl */
	assert_gpr(X86_RAX, 0xff);
	gpr[X86_RAX] = 3 * 0x100;
	assert_raises("\xf6\xf1", X86_TRAP_DE, 0);

	/* -2^127 / 2^63 is -2^64: too large; / -2^63 is 2^64 as well. */
	gpr[X86_RAX] = 0;
	gpr[X86_RDX] = 0x8000000000000000;
	gpr[X86_RCX] = 0x4000000000000000;
	assert_raises("\x48\xf7\xf9", X86_TRAP_DE, 0);
	gpr[X86_RDX] = 0xe000000000000000;
	assert_done("\x48\xf7\xf9");
	assert_gpr(X86_RAX, 0x8000000000000000);
	assert_gpr(X86_RDX, 0);
	gpr[X86_RCX] = 0;
	assert_raises("\x48\xf7\xf9", X86_TRAP_DE, 0);
	assert_raises("\x48\xf7\xf1", X86_TRAP_DE, 0);
}

/* ---- fetching ----------------------------------------------------------------------- */

static void test_fetch(void **state)
{
	/* At the end of a page the next one is touched only when needed. */
	m.regs.rip = MACHINE_HOLE - 2;
	assert_done("\x8b\x03");
	assert_int_equal(m.nr_fetches, 1);
	m.regs.rip = MACHINE_HOLE - 2;
	assert_raises("\x8b\x43", X86_TRAP_PF, 0);
	assert_true(m.e.fault.address == MACHINE_HOLE);
	/* An instruction over two pages. */
	m.nr_fetches = 0;
	m.nr_log = 0;
	m.regs.rip = MACHINE_DATA - 2;
	assert_done("\x8b\x83\x08\x00\x00\x00");
	assert_int_equal(m.nr_fetches, 2);
	assert_access(0, ACCESS_READ, MACHINE_DEVICE + 8, 4, 0x55667789);

	/* Bytes that are known are not fetched. */
	m.nr_fetches = 0;
	memcpy(m.e.bytes, "\x8b\x43\x10", 3);
	m.e.nr_bytes = 3;
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_int_equal(m.nr_fetches, 0);
	/* Known only in part: the rest is fetched from behind them. */
	m.regs.rip = MACHINE_CODE;
	memcpy(m.ram + MACHINE_CODE, "\x00\x00\x20", 3);
	memcpy(m.e.bytes, "\x8b\x43", 2);
	m.e.nr_bytes = 2;
	assert_int_equal(machine_again(&m), X86_EMUL_OK);
	assert_true(m.log[m.nr_log - 1].address == MACHINE_DEVICE + 0x20);

	m.nr_log = 0;
	m.regs.rip = 0x800000000000;
	assert_int_equal(machine_again(&m), X86_EMUL_FAULT);
	assert_int_equal(m.e.fault.vector, X86_TRAP_GP);
}

static void test_bad_instructions(void **state)
{
	assert_raises("\x0f\x0b", X86_TRAP_UD, 0);
	assert_false(m.e.fault.has_error);
	assert_raises("\xf0\x89\x03", X86_TRAP_UD, 0);
	assert_raises("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90",
		      X86_TRAP_GP, 0);
	/* Known, but not ours to do. */
	assert_int_equal(machine_insn(&m, "\x0f\xa2"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(machine_insn(&m, "\xd9\x03"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(machine_insn(&m, "\x0f\x6b\x03"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(machine_insn(&m, "\x0f\x58\x03"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(machine_insn(&m, "\x66\x0f\x38\x2b\x03"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(machine_insn(&m, "\x62\xf1\xfe\x48\x6f\x03"), X86_EMUL_UNHANDLEABLE);
	assert_int_equal(m.nr_log, 0);
}

/* ---- locked accesses ----------------------------------------------------------------- */

static int ram64(void **state)
{
	machine_init(&m, X86_MODE_LONG64);
	gpr[X86_RBX] = MACHINE_DATA;
	return 0;
}

static void test_lock_retries(void **state)
{
	m.nr_races = 3;
	gpr[X86_RAX] = 0x10;
	assert_done("\xf0\x01\x03"); /* lock add [rbx], eax */
	/* Three others added one each. */
	assert_int_equal(m.ram[MACHINE_DATA], 0x13);
	assert_int_equal(m.nr_log, 4);

	m.nr_log = 0;
	m.nr_races = 2;
	assert_done("\xf0\x0f\xc1\x03"); /* lock xadd [rbx], eax */
	assert_int_equal(m.ram[MACHINE_DATA], 0x13 + 2 + 0x10);
	assert_gpr(X86_RAX, 0x13 + 2);
	assert_int_equal(m.nr_log, 3);

	m.nr_log = 0;
	m.nr_races = 1;
	gpr[X86_RAX] = 0x25;
	gpr[X86_RCX] = 0x77;
	assert_done("\xf0\x0f\xb1\x0b"); /* lock cmpxchg [rbx], ecx: no longer equal */
	assert_gpr(X86_RAX, 0x26);
	assert_false(m.regs.rflags & X86_EFLAGS_ZF);
	assert_int_equal(m.ram[MACHINE_DATA], 0x26);
	assert_done("\xf0\x0f\xb1\x0b");
	assert_true(m.regs.rflags & X86_EFLAGS_ZF);
	assert_int_equal(m.ram[MACHINE_DATA], 0x77);
	assert_gpr(X86_RAX, 0x26);
}

static void test_lock_gives_up(void **state)
{
	m.nr_races = 1000000;
	gpr[X86_RAX] = 1;
	m.regs.rflags |= X86_EFLAGS_TF;
	/* Nothing is done, as machine_again() checks; the guest tries again. */
	assert_int_equal(machine_insn(&m, "\xf0\x01\x03"), X86_EMUL_CONTINUE);
	assert_false(m.e.single_step);
}

static void test_cmpxchg16b(void **state)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		m.ram[MACHINE_DATA + i] = i;
	gpr[X86_RAX] = 0x0706050403020100;
	gpr[X86_RDX] = 0x0f0e0d0c0b0a0908;
	gpr[X86_RBX] = 0x1111111111111111;
	gpr[X86_RCX] = 0x2222222222222222;
	gpr[X86_RSI] = MACHINE_DATA;
	assert_done("\xf0\x48\x0f\xc7\x0e");
	assert_true(m.regs.rflags & X86_EFLAGS_ZF);
	assert_int_equal(m.ram[MACHINE_DATA + 15], 0x22);
	m.nr_races = 0;
	assert_done("\xf0\x48\x0f\xc7\x0e");
	assert_false(m.regs.rflags & X86_EFLAGS_ZF);
	assert_gpr(X86_RAX, 0x1111111111111111);
	assert_gpr(X86_RDX, 0x2222222222222222);
	/* Equal when read, changed before the exchange. */
	m.nr_races = 1;
	assert_done("\xf0\x48\x0f\xc7\x0e");
	assert_false(m.regs.rflags & X86_EFLAGS_ZF);
	assert_gpr(X86_RAX, 0x1111111111111112);
	assert_int_equal(m.ram[MACHINE_DATA], 0x12);
}

/* ---- flags and shadows -------------------------------------------------------------- */

static void test_single_step(void **state)
{
	m.regs.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	assert_done("\x8b\x03");
	assert_true(m.e.single_step);
	assert_false(m.regs.rflags & X86_EFLAGS_RF);
	m.regs.rflags &= ~(u64)X86_EFLAGS_TF;
	assert_done("\x8b\x03");
	assert_false(m.e.single_step);
}

static void test_interrupt_flag(void **state)
{
	assert_done("\xfb"); /* sti */
	assert_int_equal(m.e.shadow, X86_SHADOW_STI);
	assert_done("\xfb");
	assert_int_equal(m.e.shadow, 0);
	assert_true(m.regs.rflags & X86_EFLAGS_IF);
	assert_done("\xfa");
	assert_false(m.regs.rflags & X86_EFLAGS_IF);
	m.e.cpl = 3;
	assert_raises("\xfb", X86_TRAP_GP, 0);
	assert_raises("\xfa", X86_TRAP_GP, 0);
	m.e.cr4 |= X86_CR4_PVI;
	assert_int_equal(machine_insn(&m, "\xfa"), X86_EMUL_UNHANDLEABLE);
	m.regs.rflags |= X86_EFLAGS_IOPL;
	assert_done("\xfb");
}

static void test_popf(void **state)
{
	const u64 all = X86_EFLAGS_IOPL | X86_EFLAGS_IF | X86_EFLAGS_CF | X86_EFLAGS_NT |
			X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_VIP;

	memcpy(m.ram + MACHINE_STACK, &all, 8);
	assert_done("\x9d");
	assert_true(m.regs.rflags == (X86_EFLAGS_FIXED | X86_EFLAGS_IOPL | X86_EFLAGS_IF |
				      X86_EFLAGS_CF | X86_EFLAGS_NT));
	assert_done("\x9c"); /* pushf */
	assert_int_equal(m.ram[MACHINE_STACK + 1] & 0x40, 0x40);

	/* CPL 3 with IOPL 0 keeps both, without a fault. */
	m.regs.rflags = X86_EFLAGS_FIXED;
	m.e.cpl = 3;
	assert_done("\x9d");
	assert_true(m.regs.rflags == (X86_EFLAGS_FIXED | X86_EFLAGS_CF | X86_EFLAGS_NT));
	/* IOPL 3: IF, but not IOPL. */
	gpr[X86_RSP] = MACHINE_STACK;
	m.regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IOPL;
	memset(m.ram + MACHINE_STACK, 0, 8);
	m.ram[MACHINE_STACK + 1] = 0x02;
	assert_done("\x9d");
	assert_true(m.regs.rflags == (X86_EFLAGS_FIXED | X86_EFLAGS_IOPL | X86_EFLAGS_IF));
}

static void test_vm86_flags(void **state)
{
	machine_init(&m, X86_MODE_VM86);
	m.e.cpl = 3;
	m.regs.rflags |= X86_EFLAGS_VM;
	assert_raises("\x9c", X86_TRAP_GP, 0);
	assert_raises("\x9d", X86_TRAP_GP, 0);
	assert_raises("\xfa", X86_TRAP_GP, 0);
	m.regs.rflags |= X86_EFLAGS_IOPL;
	assert_done("\x9c");
	assert_done("\xfa");
}

/* ---- control registers -------------------------------------------------------------- */

static void test_control_registers(void **state)
{
	m.cr[3] = 0x123456789000;
	assert_done("\x0f\x20\xd8"); /* mov rax, cr3 */
	assert_gpr(X86_RAX, 0x123456789000);
	gpr[X86_R9] = 0xf;
	assert_done("\x45\x0f\x22\xc1"); /* mov cr8, r9 */
	assert_int_equal(m.cr[8], 0xf);
	assert_raises("\x0f\x22\xe0", X86_TRAP_GP, 0);
	assert_done("\x0f\x23\xf8"); /* mov dr7, rax */
	assert_true(m.cr[7] == 0x123456789000);

	m.e.cr0 = X86_CR0_PE | X86_CR0_TS | X86_CR0_NE;
	assert_done("\x0f\x06");
	assert_true(m.cr[0] == (X86_CR0_PE | X86_CR0_NE));
	gpr[X86_RAX] = 0xfff0;
	assert_done("\x0f\x01\xf0"); /* lmsw ax: PE cannot be cleared */
	assert_true(m.cr[0] == (X86_CR0_PE | X86_CR0_NE));
	m.e.cr0 = X86_CR0_NE | 0x80000000;
	gpr[X86_RAX] = ~0ULL;
	assert_done("\x0f\x01\xf0");
	assert_true(m.cr[0] == (X86_CR0_NE | 0x8000000f));
	assert_done("\x48\x0f\x01\xe0"); /* smsw rax */
	assert_gpr(X86_RAX, X86_CR0_NE | 0x80000000);
	gpr[X86_RBX] = MACHINE_DATA;
	memset(m.ram + MACHINE_DATA, 0xff, 8);
	assert_done("\x0f\x01\x23"); /* smsw [rbx]: always a word */
	assert_int_equal(m.ram[MACHINE_DATA + 1], 0);
	assert_int_equal(m.ram[MACHINE_DATA + 2], 0xff);

	gpr[X86_RBX] = 0x8000000000000000;
	assert_done("\x0f\x01\x3b"); /* invlpg: not canonical is no fault */
	assert_true(m.invlpg_address == 0x8000000000000000);
	gpr[X86_RBX] = 8;
	assert_done("\x64\x0f\x01\x3b");
	assert_true(m.invlpg_address == MACHINE_FS_BASE + 8);

	m.e.mode = X86_MODE_PROT32;
	m.seg[X86_SEG_DS].base = 0xfffff000;
	gpr[X86_RBX] = 0x3000;
	assert_done("\x0f\x01\x3b");
	assert_true(m.invlpg_address == 0x2000);

	m.e.mode = X86_MODE_LONG64;
	m.e.cpl = 3;
	assert_raises("\x0f\x20\xd8", X86_TRAP_GP, 0);
	assert_raises("\x0f\x06", X86_TRAP_GP, 0);
	assert_raises("\x0f\x01\xf0", X86_TRAP_GP, 0);
	assert_raises("\x0f\x01\x3b", X86_TRAP_GP, 0);
	assert_done("\x0f\x01\xe0");
	m.e.cr4 |= X86_CR4_UMIP;
	assert_raises("\x0f\x01\xe0", X86_TRAP_GP, 0);
}

#define TEST(test, setup) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_device_read, long64),
		TEST(test_device_write, long64),
		TEST(test_replay, long64),
		TEST(test_device_locked, long64),
		TEST(test_device_vector, long64),
		TEST(test_device_mmx, long64),
		TEST(test_prefetch_is_nothing, long64),
		TEST(test_unaligned_is_split_at_pages, long64),
		TEST(test_split_write_is_all_or_nothing, long64),
		TEST(test_page_faults, long64),
		TEST(test_canonical, long64),
		TEST(test_alignment_check, long64),
		TEST(test_vector_state, long64),
		TEST(test_branches_above_4g, long64),
		TEST(test_division_limits, long64),
		TEST(test_fetch, long64),
		TEST(test_bad_instructions, long64),
		TEST(test_lock_retries, ram64),
		TEST(test_lock_gives_up, ram64),
		TEST(test_cmpxchg16b, ram64),
		TEST(test_single_step, long64),
		TEST(test_interrupt_flag, long64),
		TEST(test_popf, long64),
		TEST(test_vm86_flags, NULL),
		TEST(test_control_registers, long64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
