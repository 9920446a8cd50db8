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

/* Descriptors of the tests, in the GDT at MACHINE_TSS. */
enum {
	SEL_CODE = 0x08,
	SEL_DATA = 0x10,
	SEL_READ_ONLY = 0x18,
	SEL_USER_DATA = 0x20,
	SEL_ABSENT = 0x28,
	SEL_EXEC_ONLY = 0x30,
	SEL_CONFORMING = 0x38,
	SEL_GATE = 0x40,
	SEL_USER_CODE = 0x48,
	SEL_ABSENT_CODE = 0x50,
	SEL_CODE64 = 0x58,
	SEL_END = 0x60,
};

#define GDT_AT MACHINE_TSS

static u64 descriptor(u32 base, u32 limit, u16 attrib)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attrib & 0xff) << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)(attrib >> 8) << 52 | (u64)(base >> 24) << 56;
}

static void put_gdt(void)
{
	const u64 gdt[] = {
		[SEL_CODE / 8] = descriptor(0, 0xfffff, 0xc9a),
		[SEL_DATA / 8] = descriptor(0x1000, 0x4fff, 0x492),
		[SEL_READ_ONLY / 8] = descriptor(0, 0xfffff, 0xc91),
		[SEL_USER_DATA / 8] = descriptor(0, 0xfffff, 0xcf3),
		[SEL_ABSENT / 8] = descriptor(0, 0xfffff, 0xc13),
		[SEL_EXEC_ONLY / 8] = descriptor(0, 0xfffff, 0xc99),
		[SEL_CONFORMING / 8] = descriptor(0, 0xfffff, 0xc9f),
		[SEL_GATE / 8] = descriptor(SEL_CODE << 0, 0x1000, 0x08c),
		[SEL_USER_CODE / 8] = descriptor(0, 0xfffff, 0xcfb),
		[SEL_ABSENT_CODE / 8] = descriptor(0, 0xfffff, 0xc1b),
		[SEL_CODE64 / 8] = descriptor(0, 0, 0xa9b),
	};

	memcpy(m.ram + GDT_AT, gdt, sizeof(gdt));
	m.seg[X86_SEG_GDTR] = (struct x86_segment){ .base = GDT_AT, .limit = SEL_END - 1 };
	m.seg[X86_SEG_CS].selector = SEL_CODE;
}

static enum x86_emul_result load_ds(u16 selector)
{
	gpr[X86_RAX] = selector;
	return machine_insn(&m, "\x8e\xd8"); /* mov ds, ax */
}

static enum x86_emul_result load_ss(u16 selector)
{
	gpr[X86_RAX] = selector;
	return machine_insn(&m, "\x8e\xd0"); /* mov ss, ax */
}

#define assert_refused(call, vec, err)                       \
	do {                                                 \
		assert_int_equal(call, X86_EMUL_FAULT);      \
		assert_int_equal(m.e.fault.vector, vec);     \
		assert_int_equal(m.e.fault.error, err);      \
	} while (0)

static void test_protected_data_segments(void **state)
{
	put_gdt();
	gpr[X86_RCX] = ~0ULL;
	m.seg[X86_SEG_DS].selector = 0x10;
	assert_done("\x8c\xd9"); /* mov ecx, ds: zero-extended */
	assert_gpr(X86_RCX, 0x10);

	assert_int_equal(load_ds(SEL_DATA), X86_EMUL_OK);
	assert_true(m.seg[X86_SEG_DS].base == 0x1000);
	assert_int_equal(m.seg[X86_SEG_DS].limit, 0x4fff);
	assert_int_equal(m.seg[X86_SEG_DS].selector, SEL_DATA);
	assert_int_equal(m.seg[X86_SEG_DS].attrib, 0x493);
	/* the accessed bit */
	assert_int_equal(m.ram[GDT_AT + SEL_DATA + 5], 0x93);
	assert_int_equal(load_ds(SEL_USER_DATA | 3), X86_EMUL_OK);
	assert_int_equal(m.seg[X86_SEG_DS].limit, 0xffffffff);
	assert_int_equal(load_ds(SEL_READ_ONLY), X86_EMUL_OK);
	assert_int_equal(load_ds(SEL_CONFORMING | 3), X86_EMUL_OK);
	assert_refused(load_ds(SEL_DATA | 1), X86_TRAP_GP, SEL_DATA);
	assert_refused(load_ds(SEL_ABSENT), X86_TRAP_NP, SEL_ABSENT);
	assert_refused(load_ds(SEL_EXEC_ONLY), X86_TRAP_GP, SEL_EXEC_ONLY);
	assert_refused(load_ds(SEL_GATE), X86_TRAP_GP, SEL_GATE);
	assert_refused(load_ds(SEL_END), X86_TRAP_GP, SEL_END);
	assert_refused(load_ds(SEL_DATA | 4), X86_TRAP_GP, SEL_DATA | 4);
	assert_int_equal(m.seg[X86_SEG_DS].selector, SEL_CONFORMING | 3);
	/* null: usable for nothing */
	assert_int_equal(load_ds(3), X86_EMUL_OK);
	assert_int_equal(m.seg[X86_SEG_DS].attrib, 0);
	gpr[X86_RBX] = MACHINE_DATA;
	assert_raises("\x8b\x03", X86_TRAP_GP, 0);
	/* a table in a page that is not there */
	m.seg[X86_SEG_GDTR].base = MACHINE_HOLE;
	assert_refused(load_ds(SEL_DATA), X86_TRAP_PF, 0);
}

static void test_local_descriptors(void **state)
{
	put_gdt();
	m.seg[X86_SEG_LDTR] = m.seg[X86_SEG_GDTR];
	m.seg[X86_SEG_LDTR].attrib = X86_SEG_P | 2;
	m.seg[X86_SEG_GDTR].limit = 0;
	assert_int_equal(load_ds(SEL_DATA | 4), X86_EMUL_OK);
	assert_int_equal(m.seg[X86_SEG_DS].selector, SEL_DATA | 4);
	m.seg[X86_SEG_LDTR].attrib = 0;
	assert_refused(load_ds(SEL_DATA | 4), X86_TRAP_GP, SEL_DATA | 4);
}

static void test_protected_stack_segment(void **state)
{
	put_gdt();
	assert_int_equal(load_ss(SEL_DATA), X86_EMUL_OK);
	assert_int_equal(m.e.shadow, X86_SHADOW_MOV_SS);
	assert_refused(load_ss(0), X86_TRAP_GP, 0);
	assert_refused(load_ss(SEL_READ_ONLY), X86_TRAP_GP, SEL_READ_ONLY);
	assert_refused(load_ss(SEL_USER_DATA), X86_TRAP_GP, SEL_USER_DATA);
	assert_refused(load_ss(SEL_DATA | 3), X86_TRAP_GP, SEL_DATA);
	assert_refused(load_ss(SEL_ABSENT), X86_TRAP_SS, SEL_ABSENT);
	m.e.cpl = 3;
	assert_int_equal(load_ss(SEL_USER_DATA | 3), X86_EMUL_OK);
	assert_refused(load_ss(SEL_DATA | 3), X86_TRAP_GP, SEL_DATA);
}

static void test_null_stack_segment(void **state)
{
	put_gdt();
	assert_int_equal(load_ss(0), X86_EMUL_OK);
	assert_refused(load_ss(3), X86_TRAP_GP, 0);
	m.e.cpl = 3;
	assert_refused(load_ss(3), X86_TRAP_GP, 0);
}

/* Far pointers in memory, m16:32. */
static void put_far(u32 offset, u16 selector)
{
	memcpy(m.ram + MACHINE_DATA, &offset, 4);
	memcpy(m.ram + MACHINE_DATA + 4, &selector, 2);
	m.regs.rip = MACHINE_CODE;
}

static void test_load_far(void **state)
{
	put_gdt();
	put_far(0x12345678, SEL_DATA);
	assert_done("\xc4\x03"); /* les eax, [ebx] */
	assert_gpr(X86_RAX, 0x12345678);
	assert_int_equal(m.seg[X86_SEG_ES].selector, SEL_DATA);
	assert_done("\x0f\xb2\x23"); /* lss esp, [ebx] */
	assert_gpr(X86_RSP, 0x12345678);
	assert_int_equal(m.e.shadow, 0);
	assert_done("\x0f\xb4\x0b"); /* lfs ecx, [ebx] */
	assert_int_equal(m.seg[X86_SEG_FS].selector, SEL_DATA);
	put_far(1, SEL_ABSENT);
	gpr[X86_RAX] = 0;
	assert_raises("\xc5\x03", X86_TRAP_NP, SEL_ABSENT); /* lds eax, [ebx] */
	assert_gpr(X86_RAX, 0);
}

#define JMP_FAR "\xff\x2b"
#define CALL_FAR "\xff\x1b"

static void test_far_jumps(void **state)
{
	put_gdt();
	put_far(0x2000, SEL_CODE);
	assert_int_equal(machine_insn(&m, JMP_FAR), X86_EMUL_OK);
	assert_true(m.regs.rip == 0x2000);
	assert_int_equal(m.seg[X86_SEG_CS].selector, SEL_CODE);
	assert_int_equal(m.seg[X86_SEG_CS].attrib, 0xc9b);
	put_far(0x2000, SEL_CONFORMING);
	assert_int_equal(machine_insn(&m, JMP_FAR), X86_EMUL_OK);
	put_far(0x2000, 0);
	assert_raises(JMP_FAR, X86_TRAP_GP, 0);
	put_far(0x2000, SEL_DATA);
	assert_raises(JMP_FAR, X86_TRAP_GP, SEL_DATA);
	put_far(0x2000, SEL_USER_CODE);
	assert_raises(JMP_FAR, X86_TRAP_GP, SEL_USER_CODE);
	put_far(0x2000, SEL_CODE | 3);
	assert_raises(JMP_FAR, X86_TRAP_GP, SEL_CODE);
	put_far(0x2000, SEL_ABSENT_CODE);
	assert_raises(JMP_FAR, X86_TRAP_NP, SEL_ABSENT_CODE);
	put_far(0x2000, SEL_END);
	assert_raises(JMP_FAR, X86_TRAP_GP, SEL_END);
	put_far(0x2000, SEL_GATE);
	assert_int_equal(machine_insn(&m, JMP_FAR), X86_EMUL_UNHANDLEABLE);
	/* into 64-bit code, where there is long mode; its limit does not count */
	put_far(0x2000, SEL_CODE64);
	assert_raises(JMP_FAR, X86_TRAP_GP, 0);
	m.e.long_mode = true;
	put_far(0x2000, SEL_CODE64);
	assert_int_equal(machine_insn(&m, JMP_FAR), X86_EMUL_OK);
	assert_int_equal(m.seg[X86_SEG_CS].attrib & X86_SEG_L, X86_SEG_L);
}

static void test_far_calls(void **state)
{
	u32 frame[2];

	put_gdt();
	put_far(0x2000, SEL_CODE);
	assert_int_equal(machine_insn(&m, CALL_FAR), X86_EMUL_OK);
	assert_true(m.regs.rip == 0x2000);
	assert_gpr(X86_RSP, MACHINE_STACK - 8);
	memcpy(frame, m.ram + MACHINE_STACK - 8, 8);
	assert_int_equal(frame[0], MACHINE_CODE + 2);
	assert_int_equal(frame[1], SEL_CODE);
	assert_int_equal(machine_insn(&m, "\xca\x04\x00"), X86_EMUL_OK); /* retf 4 */
	assert_true(m.regs.rip == MACHINE_CODE + 2);
	assert_gpr(X86_RSP, MACHINE_STACK + 4);
	assert_int_equal(m.seg[X86_SEG_CS].selector, SEL_CODE);
	/* outwards is left to the CPU, inwards is not possible */
	frame[1] = SEL_USER_CODE | 3;
	gpr[X86_RSP] = MACHINE_STACK - 8;
	memcpy(m.ram + MACHINE_STACK - 8, frame, 8);
	assert_int_equal(machine_insn(&m, "\xcb"), X86_EMUL_UNHANDLEABLE);
	m.e.cpl = 3;
	frame[1] = SEL_CODE;
	memcpy(m.ram + MACHINE_STACK - 8, frame, 8);
	assert_raises("\xcb", X86_TRAP_GP, SEL_CODE);
	m.e.cpl = 0;
	/* the second push faults: nothing has moved */
	put_far(0x2000, SEL_CODE);
	gpr[X86_RSP] = MACHINE_HOLE + 0x1004;
	assert_raises(CALL_FAR, X86_TRAP_PF, PFERR_WRITE);
	assert_int_equal(m.ram[MACHINE_HOLE + 0x1000], 0);
}

static void test_real_far(void **state)
{
	put_far(0x10, 0);
	m.ram[MACHINE_DATA + 2] = 0x00;
	m.ram[MACHINE_DATA + 3] = 0x02;
	gpr[X86_RBX] = MACHINE_DATA;
	assert_int_equal(machine_insn(&m, "\xff\x1f"), X86_EMUL_OK); /* call far [bx] */
	assert_true(m.regs.rip == 0x10);
	assert_true(m.seg[X86_SEG_CS].base == 0x2000);
	assert_int_equal(machine_insn(&m, "\xcb"), X86_EMUL_OK);
	assert_true(m.regs.rip == MACHINE_CODE + 2);
	assert_true(m.seg[X86_SEG_CS].base == 0);
}

/* A frame in device memory: every push by itself, from the top down. */
static void test_push_all_to_device(void **state)
{
	for (unsigned int i = 0; i < 8; i++)
		gpr[i] = 0x100 + i;
	gpr[X86_RSP] = MACHINE_DEVICE + 0x100;
	assert_done("\x60");
	assert_int_equal(m.nr_log, 8);
	assert_true(m.log[0].address == MACHINE_DEVICE + 0xfc);
	assert_true(m.log[0].val == 0x100);
	assert_true(m.log[4].val == MACHINE_DEVICE + 0x100);
	assert_true(m.log[7].address == MACHINE_DEVICE + 0xe0);
	assert_true(m.log[7].val == 0x107);
	assert_gpr(X86_RSP, MACHINE_DEVICE + 0xe0);
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
		TEST(test_protected_data_segments, prot32),
		TEST(test_local_descriptors, prot32),
		TEST(test_protected_stack_segment, prot32),
		TEST(test_null_stack_segment, long64),
		TEST(test_load_far, prot32),
		TEST(test_far_jumps, prot32),
		TEST(test_far_calls, prot32),
		TEST(test_real_far, real16),
		TEST(test_push_all_to_device, prot32),
		TEST(test_32bit_only, prot32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
