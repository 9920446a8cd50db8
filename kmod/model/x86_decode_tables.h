/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opcode tables, private to the decoder. One row says what an opcode means, where
 * its operands are, which immediate follows, and what is peculiar about it.
 */
#ifndef MYHV_MODEL_X86_DECODE_TABLES_H
#define MYHV_MODEL_X86_DECODE_TABLES_H

#include "x86_decode.h"

enum x86_imm {
	IMM_NONE,
	IMM_B,	   /* byte, sign-extended */
	IMM_W,	   /* word, zero-extended */
	IMM_Z,	   /* word or doubleword by operand size, sign-extended; byte for F_BYTE */
	IMM_V,	   /* as wide as the operand, up to 8 bytes */
	IMM_MOFFS, /* as wide as an address */
	IMM_FAR,   /* IMM_Z, then a selector */
	IMM_ENTER, /* word, then a byte */
};

#define F_BYTE BIT(0)  /* byte operands */
#define F_LOCK BIT(1)  /* LOCK is allowed with a memory destination */
#define F_NO64 BIT(2)  /* undefined in 64-bit mode */
#define F_D64 BIT(3)   /* 64-bit operands by default in 64-bit mode */
#define F_F64 BIT(4)   /* 64-bit operands always in 64-bit mode */
#define F_MEM BIT(5)   /* undefined with a register operand */
#define F_REG BIT(6)   /* ModRM.mod is ignored: always a register */
#define F_GROUP BIT(7) /* op is a row of x86_groups; ModRM.reg selects the column */

struct x86_opcode {
	u8 op;
	u8 form;
	u8 imm;
	u8 flags;
};

enum x86_group {
	GROUP_1,  /* 80-83: ALU */
	GROUP_1A, /* 8F: POP */
	GROUP_2,  /* C0, C1, D0-D3: shifts */
	GROUP_3,  /* F6, F7 */
	GROUP_4,  /* FE */
	GROUP_5,  /* FF */
	GROUP_6,  /* 0F 00 */
	GROUP_7,  /* 0F 01 with a memory operand */
	GROUP_8,  /* 0F BA: BTx */
	GROUP_9,  /* 0F C7 */
	GROUP_11, /* C6, C7: MOV */
	GROUP_15, /* 0F AE */
	X86_NR_GROUPS,
};

extern const struct x86_opcode x86_opcodes_one[256];
extern const struct x86_opcode x86_opcodes_0f[256];
/* Columns may override the parent's form and immediate; flags add up. */
extern const struct x86_opcode x86_groups[X86_NR_GROUPS][8];
/* 0F 01 with ModRM C0 to FF: the whole byte is the opcode. */
extern const u8 x86_ops_0f01[64];

#endif /* MYHV_MODEL_X86_DECODE_TABLES_H */
