// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decoder: lengths and operands of hand-assembled instructions in every mode, what
 * it refuses, and that it never asks for a byte that the instruction does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "x86_decode.h"

#define R16 X86_MODE_REAL16
#define V86 X86_MODE_VM86
#define P16 X86_MODE_PROT16
#define P32 X86_MODE_PROT32
#define L64 X86_MODE_LONG64
#define NONE X86_REG_NONE

struct row {
	enum x86_mode mode;
	const char *bytes;
	u8 length;
	u8 op;
	u8 op_size;
};

static const struct row lengths[] = {
	/* What a hypervisor intercepts. */
	{ L64, "\x0f\xa2", 2, X86_OP_CPUID, 4 },
	{ L64, "\xf4", 1, X86_OP_HLT, 4 },
	{ L64, "\x0f\x32", 2, X86_OP_RDMSR, 4 },
	{ L64, "\x0f\x30", 2, X86_OP_WRMSR, 4 },
	{ L64, "\x0f\x31", 2, X86_OP_RDTSC, 4 },
	{ L64, "\x0f\x01\xf9", 3, X86_OP_RDTSCP, 4 },
	{ L64, "\x0f\x01\xd1", 3, X86_OP_XSETBV, 4 },
	{ L64, "\x0f\x01\xd9", 3, X86_OP_VMMCALL, 4 },
	{ L64, "\x0f\x01\xc1", 3, X86_OP_VMCALL, 4 },
	{ L64, "\x0f\x01\xd8", 3, X86_OP_SVM, 4 },
	{ L64, "\x0f\x01\xc8", 3, X86_OP_MONITOR, 4 },
	{ L64, "\xf3\x90", 2, X86_OP_PAUSE, 4 },
	{ L64, "\x0f\x09", 2, X86_OP_WBINVD, 4 },
	{ L64, "\x0f\x06", 2, X86_OP_CLTS, 4 },
	{ L64, "\xe4\x60", 2, X86_OP_IN, 1 },
	{ L64, "\xe5\x60", 2, X86_OP_IN, 4 },
	{ L64, "\x66\xed", 2, X86_OP_IN, 2 },
	{ R16, "\xed", 1, X86_OP_IN, 2 },
	{ L64, "\xee", 1, X86_OP_OUT, 1 },
	{ L64, "\xf3\x6c", 2, X86_OP_INS, 1 },
	{ L64, "\xf3\x66\x6d", 3, X86_OP_INS, 2 },
	{ L64, "\x0f\x20\xc0", 3, X86_OP_MOV_FROM_CR, 8 },
	{ P32, "\x0f\x22\xd8", 3, X86_OP_MOV_TO_CR, 4 },
	{ R16, "\x0f\x22\xc0", 3, X86_OP_MOV_TO_CR, 4 },
	{ L64, "\x44\x0f\x22\xc0", 4, X86_OP_MOV_TO_CR, 8 },
	{ L64, "\x0f\x23\xf8", 3, X86_OP_MOV_TO_DR, 8 },
	{ L64, "\x0f\x01\x38", 3, X86_OP_INVLPG, 4 },
	{ R16, "\x0f\x01\xf0", 3, X86_OP_LMSW, 2 },
	{ L64, "\x0f\x01\xe0", 3, X86_OP_SMSW, 4 },
	{ L64, "\x0f\x01\x10", 3, X86_OP_DESC_TABLE, 4 },
	{ L64, "\x66\x0f\x38\x82\x08", 5, X86_OP_INVPCID, 2 },
	{ L64, "\xcc", 1, X86_OP_INT3, 4 },
	{ L64, "\xcd\x80", 2, X86_OP_INT, 4 },
	{ L64, "\x0f\xaa", 2, X86_OP_RSM, 4 },
	/* Immediates and displacements of all widths. */
	{ L64, "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, X86_OP_MOV, 8 },
	{ L64, "\xb8\x01\x02\x03\x04", 5, X86_OP_MOV, 4 },
	{ L64, "\x66\xb8\x01\x02", 4, X86_OP_MOV, 2 },
	{ R16, "\xb8\x01\x02", 3, X86_OP_MOV, 2 },
	{ R16, "\x66\xb8\x01\x02\x03\x04", 6, X86_OP_MOV, 4 },
	{ L64, "\xa1\x01\x02\x03\x04\x05\x06\x07\x08", 9, X86_OP_MOV, 4 },
	{ L64, "\x67\xa1\x01\x02\x03\x04", 6, X86_OP_MOV, 4 },
	{ P32, "\xa1\x01\x02\x03\x04", 5, X86_OP_MOV, 4 },
	{ P32, "\x67\xa1\x01\x02", 4, X86_OP_MOV, 4 },
	{ R16, "\xa1\x01\x02", 3, X86_OP_MOV, 2 },
	{ L64, "\xc7\x84\x24\x00\x01\x00\x00\x01\x02\x03\x04", 11, X86_OP_MOV, 4 },
	{ L64, "\x66\xc7\x00\x01\x02", 5, X86_OP_MOV, 2 },
	{ L64, "\xf6\x00\x01", 3, X86_OP_TEST, 1 },
	{ L64, "\xf7\x00\x01\x02\x03\x04", 6, X86_OP_TEST, 4 },
	{ L64, "\xf7\x10", 2, X86_OP_NOT, 4 },
	{ L64, "\xc8\x01\x02\x03", 4, X86_OP_ENTER, 8 },
	{ P32, "\xea\x01\x02\x03\x04\x05\x06", 7, X86_OP_JMP_FAR, 4 },
	{ R16, "\xea\x01\x02\x03\x04", 5, X86_OP_JMP_FAR, 2 },
	{ L64, "\x0f\xba\x20\x03", 4, X86_OP_BT, 4 },
	{ L64, "\x0f\xa4\x00\x03", 4, X86_OP_SHLD, 4 },
	{ L64, "\x69\x00\x01\x02\x03\x04", 6, X86_OP_IMUL, 4 },
	{ L64, "\x6a\xff", 2, X86_OP_PUSH, 8 },
	{ L64, "\x66\x68\x01\x02", 4, X86_OP_PUSH, 2 },
	{ L64, "\xc2\x08\x00", 3, X86_OP_RET, 8 },
	{ L64, "\xe8\x01\x02\x03\x04", 5, X86_OP_CALL, 8 },
	{ R16, "\xe8\x01\x02", 3, X86_OP_CALL, 2 },
	{ L64, "\x0f\x84\x01\x02\x03\x04", 6, X86_OP_JCC, 8 },
	{ P32, "\x66\x0f\x84\x01\x02", 5, X86_OP_JCC, 2 },
	/* One opcode, two meanings. */
	{ L64, "\x90", 1, X86_OP_NOP, 4 },
	{ L64, "\x41\x90", 2, X86_OP_XCHG, 4 },
	{ L64, "\x63\xc8", 2, X86_OP_MOVSX, 4 },
	{ P32, "\x63\xc8", 2, X86_OP_OTHER, 4 },
	{ L64, "\x48\x48\xff\xc0", 4, X86_OP_INC, 8 },
	{ P32, "\x48", 1, X86_OP_DEC, 4 },
	{ L64, "\xf3\x0f\xb8\xc0", 4, X86_OP_POPCNT, 4 },
	{ L64, "\xf3\x0f\xbc\xc0", 4, X86_OP_TZCNT, 4 },
	{ L64, "\x0f\xbc\xc0", 3, X86_OP_BSF, 4 },
	{ L64, "\xf2\x0f\x38\xf0\xc0", 5, X86_OP_CRC32, 4 },
	{ L64, "\x0f\x38\xf0\x00", 4, X86_OP_MOVBE, 4 },
	{ L64, "\x0f\xc7\x08", 3, X86_OP_CMPXCHG8B, 4 },
	{ L64, "\x48\x0f\xc7\x08", 4, X86_OP_CMPXCHG8B, 8 },
	{ L64, "\xc7\xf8\x01\x02\x03\x04", 6, X86_OP_OTHER, 4 },
	{ L64, "\xc6\xf8\x01", 3, X86_OP_OTHER, 1 },
	{ L64, "\x66\x0f\x78\xc0\x01\x02", 6, X86_OP_OTHER, 2 },
	{ L64, "\x0f\x78\xc0", 3, X86_OP_VMX, 4 },
	/* Vectors. */
	{ L64, "\x66\x0f\x6f\x07", 4, X86_OP_SSE, 2 },
	{ L64, "\x0f\x70\xc0\x01", 4, X86_OP_SSE, 4 },
	{ L64, "\x66\x0f\x3a\x0f\xc0\x01", 6, X86_OP_SSE, 2 },
	{ L64, "\xc5\xfe\x6f\x07", 4, X86_OP_SSE, 4 },
	{ L64, "\xc4\xe2\x7d\x2a\x07", 5, X86_OP_SSE, 4 },
	{ L64, "\xc5\xfd\x70\xc0\x01", 5, X86_OP_SSE, 4 },
	{ L64, "\xc4\xe3\x7d\x18\xc0\x01", 6, X86_OP_SSE, 4 },
	{ L64, "\xc5\xf8\x77", 3, X86_OP_OTHER, 4 },
	{ L64, "\x62\xf1\xfe\x48\x6f\x07", 6, X86_OP_SSE, 8 },
	{ L64, "\x62\xf3\x7d\x48\x1f\xc0\x01", 7, X86_OP_SSE, 4 },
	/* LDS, LES and BOUND where VEX and EVEX are elsewhere. */
	{ P32, "\xc5\x07", 2, X86_OP_LOAD_FAR, 4 },
	{ P32, "\xc5\xf8\x77", 3, X86_OP_OTHER, 4 },
	{ P32, "\x62\x07", 2, X86_OP_OTHER, 4 },
	{ R16, "\xc4\x06\x01\x02", 4, X86_OP_LOAD_FAR, 2 },
};

static void test_lengths(void **state)
{
	struct x86_insn insn;
	unsigned int i, n, length;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		const struct row *r = &lengths[i];
		const u8 *bytes = (const u8 *)r->bytes;

		assert_int_equal(x86_decode(&insn, bytes, r->length, r->mode), X86_DECODE_OK);
		assert_int_equal(insn.length, r->length);
		assert_int_equal(insn.op, r->op);
		assert_int_equal(insn.op_size, r->op_size);
		assert_int_equal(x86_insn_length(bytes, r->length, r->mode, &length),
				 X86_DECODE_OK);
		assert_int_equal(length, r->length);
		/* Every byte less is too little, and nothing else. */
		for (n = 0; n < r->length; n++) {
			assert_int_equal(x86_decode(&insn, bytes, n, r->mode), X86_DECODE_MORE);
			assert_int_equal(x86_insn_length(bytes, n, r->mode, &length),
					 X86_DECODE_MORE);
		}
	}
}

struct map_lengths {
	enum x86_mode mode;
	bool two_bytes;
	/* One character for each opcode: the length in decimal, - is undefined. */
	const char *lengths;
};

/*
 * Every opcode of the two large maps, followed by zeros: ModRM [rax] or [bx + si] and
 * immediates of 0. Checked against a disassembler once.
 */
static const struct map_lengths maps[] = {
	{ L64, false,
		  "222225--222225-3222225--222225--"
		  "2222253-2222253-2222253-2222253-"
		  "33333333333333331111111111111111"
		  "---23333562311112222222222222222"
		  "36-32222222222221111111111-11111"
		  "99991111251111112222222255555555"
		  "3331-436413112-12222---122222222"
		  "2222222255-211113133113611111122" },
	{ P32, false,
		  "22222511222225132222251122222511"
		  "22222531222225312222253122222531"
		  "11111111111111111111111111111111"
		  "11223333562311112222222222222222"
		  "36332222222222221111111111711111"
		  "55551111251111112222222255555555"
		  "33312236413112112222221122222222"
		  "22222222557211113133113611111122" },
	{ R16, false,
		  "22222311222223132222231122222311"
		  "22222331222223312222233122222331"
		  "11111111111111111111111111111111"
		  "11223333342311112222222222222222"
		  "34332222222222221111111111511111"
		  "33331111231111112222222233333333"
		  "33312234413112112222221122222222"
		  "22222222335211113133113411111122" },
	{ L64, true,
		  "3333-22222---3243333333333333333"
		  "3333----33333333222222-24-5-----"
		  "33333333333333333333333333333333"
		  "33333333333333334444333233--3333"
		  "66666666666666663333333333333333"
		  "222343--2223433333333333---33333"
		  "3343444-222222223333333333333333"
		  "3333333333333333333333333333333-" },
	{ R16, true,
		  "3333-22222---3243333333333333333"
		  "3333----33333333222222-24-5-----"
		  "33333333333333333333333333333333"
		  "33333333333333334444333233--3333"
		  "44444444444444443333333333333333"
		  "222343--2223433333333333---33333"
		  "3343444-222222223333333333333333"
		  "3333333333333333333333333333333-" },
};

static void test_whole_maps(void **state)
{
	u8 bytes[X86_MAX_INSN_BYTES] = { 0 };
	unsigned int i, opcode;
	struct x86_insn insn;

	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct map_lengths *map = &maps[i];

		assert_int_equal(strlen(map->lengths), 256);
		for (opcode = 0; opcode < 256; opcode++) {
			bytes[0] = map->two_bytes ? 0x0f : opcode;
			bytes[1] = map->two_bytes ? opcode : 0;
			if (map->lengths[opcode] == '-') {
				assert_int_not_equal(x86_decode(&insn, bytes, 15, map->mode),
						     X86_DECODE_OK);
				continue;
			}
			assert_int_equal(x86_decode(&insn, bytes, 15, map->mode),
					 X86_DECODE_OK);
			assert_int_equal(insn.length, map->lengths[opcode] - '0');
		}
	}
}

/* LOCK is for these with a memory operand, by opcode and ModRM.reg (all: 0xff). */
static const struct {
	bool two_bytes;
	u8 opcode;
	u8 regs;
} lockable[] = {
	{ false, 0x00, 0xff }, { false, 0x01, 0xff }, { false, 0x08, 0xff }, { false, 0x09, 0xff },
	{ false, 0x10, 0xff }, { false, 0x11, 0xff }, { false, 0x18, 0xff }, { false, 0x19, 0xff },
	{ false, 0x20, 0xff }, { false, 0x21, 0xff }, { false, 0x28, 0xff }, { false, 0x29, 0xff },
	{ false, 0x30, 0xff }, { false, 0x31, 0xff }, { false, 0x80, 0x7f }, { false, 0x81, 0x7f },
	{ false, 0x82, 0x7f }, { false, 0x83, 0x7f }, { false, 0x86, 0xff }, { false, 0x87, 0xff },
	{ false, 0xf6, 0x0c }, { false, 0xf7, 0x0c }, { false, 0xfe, 0x03 }, { false, 0xff, 0x03 },
	{ true, 0xab, 0xff },  { true, 0xb0, 0xff },  { true, 0xb1, 0xff },  { true, 0xb3, 0xff },
	{ true, 0xba, 0xe0 },  { true, 0xbb, 0xff },  { true, 0xc0, 0xff },  { true, 0xc1, 0xff },
	{ true, 0xc7, 0x02 },
};

static bool may_lock(bool two_bytes, u8 opcode, unsigned int reg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lockable); i++)
		if (lockable[i].two_bytes == two_bytes && lockable[i].opcode == opcode)
			return lockable[i].regs >> reg & 1;
	/* LOCK MOV CR0 is MOV CR8. */
	return two_bytes && (opcode == 0x20 || opcode == 0x22) &&
	       (reg == 0 || (reg >= 2 && reg <= 4));
}

static void test_lock(void **state)
{
	u8 bytes[X86_MAX_INSN_BYTES] = { 0xf0 };
	unsigned int two_bytes, opcode, reg;
	struct x86_insn insn;

	for (two_bytes = 0; two_bytes < 2; two_bytes++) {
		for (opcode = 0; opcode < 256; opcode++) {
			/* Not opcodes: prefixes and escapes. */
			if (!two_bytes && (opcode == 0x0f || (opcode & 0xe7) == 0x26 ||
					   (opcode >= 0x64 && opcode <= 0x67) ||
					   opcode == 0xf0 || opcode == 0xf2 || opcode == 0xf3))
				continue;
			for (reg = 0; reg < 8; reg++) {
				bytes[1] = two_bytes ? 0x0f : opcode;
				bytes[2] = two_bytes ? opcode : reg << 3;
				bytes[3] = two_bytes ? reg << 3 : 0;
				assert_int_equal(x86_decode(&insn, bytes, 15, P32),
						 may_lock(two_bytes, opcode, reg) ?
							 X86_DECODE_OK :
							 X86_DECODE_UD);
			}
		}
	}
}

struct operand_row {
	enum x86_mode mode;
	const char *bytes;
	u8 length;
	u8 seg;
	u8 addr_size;
	u8 reg;
	u8 base;
	u8 index;
	u8 scale;
	s64 disp;
};

static const struct operand_row operands[] = {
	/* SDM "16-Bit Addressing Forms" */
	{ R16, "\x8b\x00", 2, X86_SEG_DS, 2, 0, X86_RBX, X86_RSI, 0, 0 },
	{ R16, "\x8b\x09", 2, X86_SEG_DS, 2, 1, X86_RBX, X86_RDI, 0, 0 },
	{ R16, "\x8b\x42\xfe", 3, X86_SEG_SS, 2, 0, X86_RBP, X86_RSI, 0, -2 },
	{ R16, "\x8b\x83\x00\x80", 4, X86_SEG_SS, 2, 0, X86_RBP, X86_RDI, 0, -0x8000 },
	{ R16, "\x8b\x04", 2, X86_SEG_DS, 2, 0, X86_RSI, NONE, 0, 0 },
	{ R16, "\x8b\x06\x34\x12", 4, X86_SEG_DS, 2, 0, NONE, NONE, 0, 0x1234 },
	{ R16, "\x8b\x46\x00", 3, X86_SEG_SS, 2, 0, X86_RBP, NONE, 0, 0 },
	{ R16, "\x8b\x07", 2, X86_SEG_DS, 2, 0, X86_RBX, NONE, 0, 0 },
	{ R16, "\x67\x8b\x04\x88", 4, X86_SEG_DS, 4, 0, X86_RAX, X86_RCX, 2, 0 },
	{ P32, "\x67\x8b\x07", 3, X86_SEG_DS, 2, 0, X86_RBX, NONE, 0, 0 },
	/* 32 and 64 bits */
	{ P32, "\x8b\x05\x78\x56\x34\x12", 6, X86_SEG_DS, 4, 0, NONE, NONE, 0, 0x12345678 },
	{ P32, "\x8b\x45\x08", 3, X86_SEG_SS, 4, 0, X86_RBP, NONE, 0, 8 },
	{ P32, "\x8b\x44\x24\x04", 4, X86_SEG_SS, 4, 0, X86_RSP, NONE, 0, 4 },
	{ P32, "\x3e\x8b\x04\x24", 4, X86_SEG_DS, 4, 0, X86_RSP, NONE, 0, 0 },
	{ P32, "\x2e\x8b\x00", 3, X86_SEG_CS, 4, 0, X86_RAX, NONE, 0, 0 },
	{ P32, "\x26\x64\x8b\x00", 4, X86_SEG_FS, 4, 0, X86_RAX, NONE, 0, 0 },
	{ L64, "\x2e\x8b\x00", 3, X86_SEG_DS, 8, 0, X86_RAX, NONE, 0, 0 },
	{ L64, "\x65\x3e\x8b\x00", 4, X86_SEG_GS, 8, 0, X86_RAX, NONE, 0, 0 },
	{ L64, "\x45\x8b\x84\xc8\x00\xff\xff\xff", 8, X86_SEG_DS, 8, 8, X86_R8, X86_RCX, 3, -256 },
	{ L64, "\x4f\x8b\x04\xe4", 4, X86_SEG_DS, 8, 8, X86_R12, X86_R12, 3, 0 },
	{ L64, "\x8b\x04\x25\x00\x00\x00\x80", 7, X86_SEG_DS, 8, 0, NONE, NONE, 0, -0x80000000LL },
	{ L64, "\x41\x8b\x45\x00", 4, X86_SEG_DS, 8, 0, X86_R13, NONE, 0, 0 },
	{ L64, "\x43\x8b\x04\x05\x01\x00\x00\x00", 8, X86_SEG_DS, 8, 0, NONE, X86_R8, 0, 1 },
	{ L64, "\x67\x8b\x45\x01", 4, X86_SEG_SS, 4, 0, X86_RBP, NONE, 0, 1 },
	/* VEX extends the registers in the same places. */
	{ L64, "\xc4\x01\x7e\x6f\x04\xd0", 6, X86_SEG_DS, 8, 8, X86_R8, X86_R10, 3, 0 },
	{ P32, "\xc4\xc1\x7e\x6f\x00", 5, X86_SEG_DS, 4, 0, X86_RAX, NONE, 0, 0 },
};

static void test_memory_operands(void **state)
{
	struct x86_insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(operands); i++) {
		const struct operand_row *r = &operands[i];

		assert_int_equal(x86_decode(&insn, (const u8 *)r->bytes, r->length, r->mode),
				 X86_DECODE_OK);
		assert_int_equal(insn.length, r->length);
		assert_true(insn.flags & X86_INSN_MEM);
		assert_int_equal(insn.seg, r->seg);
		assert_int_equal(insn.addr_size, r->addr_size);
		assert_int_equal(insn.reg, r->reg);
		assert_int_equal(insn.base, r->base);
		assert_int_equal(insn.index, r->index);
		assert_int_equal(insn.scale, r->scale);
		assert_true((s64)insn.disp == r->disp);
	}
}

static void test_effective_address(void **state)
{
	u64 gpr[X86_NR_GPRS] = { 0 };
	struct x86_insn insn;

	/* RIP-relative: from the end of the instruction, immediate included. */
	x86_decode(&insn, (const u8 *)"\xc7\x05\xf0\xff\xff\xff\x01\x02\x03\x04", 10, L64);
	assert_true(insn.flags & X86_INSN_RIP_REL);
	assert_int_equal(insn.imm, 0x04030201);
	assert_true(x86_insn_ea(&insn, gpr, 0x1000 + insn.length) == 0x1000 + 10 - 16);
	/* With a 32-bit address it wraps at 4 GiB. */
	x86_decode(&insn, (const u8 *)"\x67\x8b\x05\xf0\xff\xff\xff", 7, L64);
	assert_true(x86_insn_ea(&insn, gpr, 8) == 0xfffffff8);

	gpr[X86_RBX] = 0xaaaa0000fff0;
	gpr[X86_RSI] = 0x20;
	x86_decode(&insn, (const u8 *)"\x8b\x40\x01", 3, R16);
	assert_true(x86_insn_ea(&insn, gpr, 0) == 0x11);
	x86_decode(&insn, (const u8 *)"\x8b\x44\xf3\x01", 4, P32);
	assert_true(x86_insn_ea(&insn, gpr, 0) == 0x100f1);
	x86_decode(&insn, (const u8 *)"\x8b\x44\xf3\x01", 4, L64);
	assert_true(x86_insn_ea(&insn, gpr, 0) == 0xaaaa000100f1);

	x86_decode(&insn, (const u8 *)"\xa1\x88\x77\x66\x55\x44\x33\x22\x11", 9, L64);
	assert_true(x86_insn_ea(&insn, gpr, 0) == 0x1122334455667788);
}

/* What the handlers of control-register exits read. */
static void test_system_operands(void **state)
{
	struct x86_insn insn;

	x86_decode(&insn, (const u8 *)"\x45\x0f\x22\xc1", 4, L64); /* mov cr8, r9 */
	assert_int_equal(insn.reg, 8);
	assert_int_equal(insn.rm, X86_R9);
	x86_decode(&insn, (const u8 *)"\x0f\x20\xdf", 3, L64); /* mov rdi, cr3 */
	assert_int_equal(insn.reg, 3);
	assert_int_equal(insn.rm, X86_RDI);
	/* ModRM.mod is ignored: no displacement follows. */
	assert_int_equal(x86_decode(&insn, (const u8 *)"\x0f\x22\x80", 3, P32), X86_DECODE_OK);
	assert_int_equal(insn.length, 3);
	assert_false(insn.flags & X86_INSN_MEM);
	/* LOCK MOV CR0 is AMD's way to CR8 without REX. */
	assert_int_equal(x86_decode(&insn, (const u8 *)"\xf0\x0f\x20\xc0", 4, P32), X86_DECODE_OK);
	assert_int_equal(insn.reg, 8);
	x86_decode(&insn, (const u8 *)"\x41\x0f\x01\x7d\x10", 5, L64); /* invlpg [r13 + 16] */
	assert_int_equal(insn.op, X86_OP_INVLPG);
	assert_int_equal(insn.base, X86_R13);
	x86_decode(&insn, (const u8 *)"\x0f\xa9", 2, L64);
	assert_int_equal(insn.op, X86_OP_POP_SREG);
	assert_int_equal(insn.reg, X86_SEG_GS);
	x86_decode(&insn, (const u8 *)"\x0e", 1, P32);
	assert_int_equal(insn.reg, X86_SEG_CS);
}

static void test_prefixes(void **state)
{
	struct x86_insn insn;

	/* The last of F2 and F3 counts; REX counts only directly before the opcode. */
	x86_decode(&insn, (const u8 *)"\xf2\xf3\xa4", 3, L64);
	assert_int_equal(insn.flags & (X86_INSN_REP | X86_INSN_REPNE), X86_INSN_REP);
	x86_decode(&insn, (const u8 *)"\xf3\xf2\xa4", 3, L64);
	assert_int_equal(insn.flags & (X86_INSN_REP | X86_INSN_REPNE), X86_INSN_REPNE);
	x86_decode(&insn, (const u8 *)"\x48\x66\x89\xc8", 4, L64);
	assert_int_equal(insn.op_size, 2);
	assert_int_equal(insn.rex, 0);
	x86_decode(&insn, (const u8 *)"\x66\x48\x89\xc8", 4, L64);
	assert_int_equal(insn.op_size, 8);
	/* The mandatory prefix is F2 or F3 rather than 66. */
	x86_decode(&insn, (const u8 *)"\xf3\x66\x0f\x6f\x00", 5, L64);
	assert_int_equal(insn.simd_prefix, 0xf3);
	x86_decode(&insn, (const u8 *)"\xc5\xfa\x6f\x00", 4, L64);
	assert_int_equal(insn.simd_prefix, 0xf3);
	assert_int_equal(insn.vex_len, 0);
}

struct refusal {
	enum x86_mode mode;
	const char *bytes;
	u8 length;
	enum x86_decode_result res;
};

static const struct refusal refusals[] = {
	{ L64, "\x0f\x0b", 2, X86_DECODE_UD },			/* UD2 */
	{ L64, "\x0f\x04", 2, X86_DECODE_UD },
	{ L64, "\x06", 1, X86_DECODE_UD },			/* PUSH ES */
	{ L64, "\x27", 1, X86_DECODE_UD },			/* DAA */
	{ L64, "\x60", 1, X86_DECODE_UD },			/* PUSHA */
	{ L64, "\x82\x00\x00", 3, X86_DECODE_UD },
	{ L64, "\x9a", 1, X86_DECODE_UD },			/* CALL far */
	{ L64, "\xd5", 1, X86_DECODE_UD },			/* AAD */
	{ P32, "\x8d\xc0", 2, X86_DECODE_UD },			/* LEA of a register */
	{ L64, "\x8e\xc8", 2, X86_DECODE_UD },			/* MOV to CS */
	{ L64, "\x8e\xf0", 2, X86_DECODE_UD },			/* segment 6 */
	{ L64, "\x8f\xc8", 2, X86_DECODE_UD },			/* 8F /1 */
	{ L64, "\xfe\xd0", 2, X86_DECODE_UD },			/* FE /2 */
	{ L64, "\xff\xf8", 2, X86_DECODE_UD },			/* FF /7 */
	{ L64, "\xff\xd8", 2, X86_DECODE_UD },			/* CALL far register */
	{ L64, "\x0f\x20\xc8", 3, X86_DECODE_UD },		/* CR1 */
	{ L64, "\x44\x0f\x20\xc8", 4, X86_DECODE_UD },		/* CR9 */
	{ L64, "\x44\x0f\x21\xc0", 4, X86_DECODE_UD },		/* DR8 */
	{ L64, "\x0f\xb8\xc0", 3, X86_DECODE_UD },		/* POPCNT without F3 */
	{ L64, "\x0f\xba\xc0\x01", 4, X86_DECODE_UD },		/* 0F BA /0 */
	{ L64, "\x0f\xc7\xc8", 3, X86_DECODE_UD },		/* CMPXCHG8B of a register */
	{ L64, "\x0f\xc3\xc0", 3, X86_DECODE_UD },		/* MOVNTI to a register */
	{ L64, "\x66\x0f\xc3\x00", 4, X86_DECODE_UD },		/* MOVNTI with a prefix */
	{ L64, "\x0f\x01\xc6", 3, X86_DECODE_UD },
	/* LOCK: on a register, on what does not write, on what may not have it. */
	{ L64, "\xf0\x01\xc8", 3, X86_DECODE_UD },
	{ L64, "\xf0\x39\x08", 3, X86_DECODE_UD },
	{ L64, "\xf0\x03\x08", 3, X86_DECODE_UD },
	{ L64, "\xf0\x89\x08", 3, X86_DECODE_UD },
	{ L64, "\xf0\x0f\xa3\x08", 4, X86_DECODE_UD },
	{ L64, "\xf0\x01\x08", 3, X86_DECODE_OK },
	{ L64, "\xf0\x0f\xab\x08", 4, X86_DECODE_OK },
	/* VEX with a legacy prefix, REX, or a map that does not exist; VEX in real mode. */
	{ L64, "\x66\xc5\xf8\x6f\x00", 5, X86_DECODE_UD },
	{ L64, "\xf3\xc5\xf8\x6f\x00", 5, X86_DECODE_UD },
	{ L64, "\xf0\xc5\xf8\x6f\x00", 5, X86_DECODE_UD },
	{ L64, "\x48\xc5\xf8\x6f\x00", 5, X86_DECODE_UD },
	{ L64, "\xc4\xe4\x7d\x2a\x07", 5, X86_DECODE_UD },
	{ L64, "\x62\xf1\xfa\x48\x6f\x07", 6, X86_DECODE_UD },
	{ R16, "\xc5\xf8\x77", 3, X86_DECODE_UD },
	{ V86, "\xc5\xf8\x77", 3, X86_DECODE_UD },
	{ P16, "\xc5\xf8\x77", 3, X86_DECODE_OK },
	{ P32, "\xc5\xc0\x57\xc0", 4, X86_DECODE_OK },
	/* 15 bytes are the most. */
	{ L64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15, X86_DECODE_OK },
	{ L64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16,
	  X86_DECODE_TOO_LONG },
	{ L64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xb8\x01", 16,
	  X86_DECODE_TOO_LONG },
	{ L64, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66", 14, X86_DECODE_MORE },
};

static void test_refusals(void **state)
{
	unsigned int i, length;
	struct x86_insn insn;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		const u8 *bytes = (const u8 *)r->bytes;

		assert_int_equal(x86_decode(&insn, bytes, r->length, r->mode), r->res);
		assert_int_equal(x86_insn_length(bytes, r->length, r->mode, &length), r->res);
	}
}

/* The short cut and the decoder agree on all one, two and three-byte beginnings. */
static void test_short_cut(void **state)
{
	static const u8 first[] = { 0x0f, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef,
				    0xf3, 0xf4, 0xf5, 0x90 };
	enum x86_decode_result want, got;
	u8 bytes[X86_MAX_INSN_BYTES] = { 0 };
	unsigned int i, j, n, length;
	struct x86_insn insn;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		for (j = 0; j < 0x10000; j++) {
			bytes[0] = first[i];
			bytes[1] = j;
			bytes[2] = j >> 8;
			for (n = 1; n <= sizeof(bytes); n = n < 4 ? n + 1 : n + 11) {
				want = x86_decode(&insn, bytes, n, L64);
				got = x86_insn_length(bytes, n, L64, &length);
				assert_int_equal(got, want);
				if (!got)
					assert_int_equal(length, insn.length);
			}
		}
	}
}

static void test_mode_of(void **state)
{
	const u64 lma = EFER_LMA | EFER_LME, vm = X86_EFLAGS_VM;
	const u16 l = BIT(9), d = BIT(10);

	assert_int_equal(x86_mode_of(0, 0, 0, d), R16);
	assert_int_equal(x86_mode_of(X86_CR0_PE, 0, 0, 0), P16);
	assert_int_equal(x86_mode_of(X86_CR0_PE, 0, 0, d), P32);
	assert_int_equal(x86_mode_of(X86_CR0_PE, 0, vm, d), V86);
	assert_int_equal(x86_mode_of(X86_CR0_PE, lma, 0, l), L64);
	assert_int_equal(x86_mode_of(X86_CR0_PE, lma, 0, d), P32);
	assert_int_equal(x86_mode_of(X86_CR0_PE, lma, vm, 0), P16);
	/* L means nothing before long mode is active. */
	assert_int_equal(x86_mode_of(X86_CR0_PE, EFER_LME, 0, l), P16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_whole_maps),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_memory_operands),
		cmocka_unit_test(test_effective_address),
		cmocka_unit_test(test_system_operands),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_short_cut),
		cmocka_unit_test(test_mode_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
