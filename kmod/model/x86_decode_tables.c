// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opcode maps (SDM "Opcode Map", APM "Opcode and Operand Encodings"). A row left out
 * is an undefined opcode.
 */
#include "x86_decode_tables.h"

#define OP(op_, form_, imm_, flags_) { X86_OP_##op_, X86_FORM_##form_, imm_, flags_ }
#define GRP(group_, form_, imm_, flags_) \
	{ GROUP_##group_, X86_FORM_##form_, imm_, F_GROUP | (flags_) }
/* A group's column that takes form and immediate from its parent. */
#define COL(op_, flags_) { X86_OP_##op_, X86_FORM_NONE, IMM_NONE, flags_ }

/* The six encodings that all ALU operations have in common. */
#define ALU(base, op_, lock)                                  \
	[(base) + 0] = OP(op_, E_G, IMM_NONE, F_BYTE | lock), \
	[(base) + 1] = OP(op_, E_G, IMM_NONE, lock),          \
	[(base) + 2] = OP(op_, G_E, IMM_NONE, F_BYTE),        \
	[(base) + 3] = OP(op_, G_E, IMM_NONE, 0),             \
	[(base) + 4] = OP(op_, A_I, IMM_B, F_BYTE),           \
	[(base) + 5] = OP(op_, A_I, IMM_Z, 0)

/* A byte opcode and the one behind it for wider operands. */
#define PAIR(base, op_, form_, imm_, flags_)                     \
	[(base) + 0] = OP(op_, form_, imm_, (flags_) | F_BYTE), \
	[(base) + 1] = OP(op_, form_, imm_, flags_)

const struct x86_opcode x86_opcodes_one[256] = {
	ALU(0x00, ADD, F_LOCK),
	[0x06] = OP(PUSH_SREG, NONE, IMM_NONE, F_NO64),
	[0x07] = OP(POP_SREG, NONE, IMM_NONE, F_NO64),
	ALU(0x08, OR, F_LOCK),
	[0x0e] = OP(PUSH_SREG, NONE, IMM_NONE, F_NO64),
	ALU(0x10, ADC, F_LOCK),
	[0x16] = OP(PUSH_SREG, NONE, IMM_NONE, F_NO64),
	[0x17] = OP(POP_SREG, NONE, IMM_NONE, F_NO64),
	ALU(0x18, SBB, F_LOCK),
	[0x1e] = OP(PUSH_SREG, NONE, IMM_NONE, F_NO64),
	[0x1f] = OP(POP_SREG, NONE, IMM_NONE, F_NO64),
	ALU(0x20, AND, F_LOCK),
	[0x27] = OP(OTHER, NONE, IMM_NONE, F_NO64), /* DAA */
	ALU(0x28, SUB, F_LOCK),
	[0x2f] = OP(OTHER, NONE, IMM_NONE, F_NO64), /* DAS */
	ALU(0x30, XOR, F_LOCK),
	[0x37] = OP(OTHER, NONE, IMM_NONE, F_NO64), /* AAA */
	ALU(0x38, CMP, 0),
	[0x3f] = OP(OTHER, NONE, IMM_NONE, F_NO64), /* AAS */

	[0x40 ... 0x47] = OP(INC, O, IMM_NONE, F_NO64),
	[0x48 ... 0x4f] = OP(DEC, O, IMM_NONE, F_NO64),
	[0x50 ... 0x57] = OP(PUSH, O, IMM_NONE, F_D64),
	[0x58 ... 0x5f] = OP(POP, O, IMM_NONE, F_D64),

	[0x60] = OP(PUSHA, NONE, IMM_NONE, F_NO64),
	[0x61] = OP(POPA, NONE, IMM_NONE, F_NO64),
	[0x62] = OP(OTHER, G_E, IMM_NONE, F_NO64 | F_MEM),    /* BOUND */
	[0x63] = OP(MOVSX, G_E32, IMM_NONE, 0),		      /* ARPL outside 64-bit mode */
	[0x68] = OP(PUSH, I, IMM_Z, F_D64),
	[0x69] = OP(IMUL, G_E_I, IMM_Z, 0),
	[0x6a] = OP(PUSH, I, IMM_B, F_D64),
	[0x6b] = OP(IMUL, G_E_I, IMM_B, 0),
	PAIR(0x6c, INS, NONE, IMM_NONE, 0),
	PAIR(0x6e, OUTS, NONE, IMM_NONE, 0),

	[0x70 ... 0x7f] = OP(JCC, I, IMM_B, F_F64),

	[0x80] = GRP(1, E_I, IMM_B, F_BYTE),
	[0x81] = GRP(1, E_I, IMM_Z, 0),
	[0x82] = GRP(1, E_I, IMM_B, F_BYTE | F_NO64),
	[0x83] = GRP(1, E_I, IMM_B, 0),
	PAIR(0x84, TEST, E_G, IMM_NONE, 0),
	PAIR(0x86, XCHG, E_G, IMM_NONE, F_LOCK),
	PAIR(0x88, MOV, E_G, IMM_NONE, 0),
	PAIR(0x8a, MOV, G_E, IMM_NONE, 0),
	[0x8c] = OP(MOV_FROM_SREG, E, IMM_NONE, 0),
	[0x8d] = OP(LEA, G_E, IMM_NONE, F_MEM),
	[0x8e] = OP(MOV_TO_SREG, E, IMM_NONE, 0),
	[0x8f] = GRP(1A, E, IMM_NONE, F_D64),

	[0x90 ... 0x97] = OP(XCHG, O_A, IMM_NONE, 0), /* 90 is NOP or PAUSE: decoder */
	[0x98] = OP(CBW, NONE, IMM_NONE, 0),
	[0x99] = OP(CWD, NONE, IMM_NONE, 0),
	[0x9a] = OP(CALL_FAR, I, IMM_FAR, F_NO64),
	[0x9b] = OP(OTHER, NONE, IMM_NONE, 0), /* FWAIT */
	[0x9c] = OP(PUSHF, NONE, IMM_NONE, F_D64),
	[0x9d] = OP(POPF, NONE, IMM_NONE, F_D64),
	[0x9e] = OP(SAHF, NONE, IMM_NONE, 0),
	[0x9f] = OP(LAHF, NONE, IMM_NONE, 0),

	PAIR(0xa0, MOV, A_MOFFS, IMM_MOFFS, 0),
	PAIR(0xa2, MOV, MOFFS_A, IMM_MOFFS, 0),
	PAIR(0xa4, MOVS, NONE, IMM_NONE, 0),
	PAIR(0xa6, CMPS, NONE, IMM_NONE, 0),
	PAIR(0xa8, TEST, A_I, IMM_Z, 0),
	PAIR(0xaa, STOS, NONE, IMM_NONE, 0),
	PAIR(0xac, LODS, NONE, IMM_NONE, 0),
	PAIR(0xae, SCAS, NONE, IMM_NONE, 0),

	[0xb0 ... 0xb7] = OP(MOV, O_I, IMM_B, F_BYTE),
	[0xb8 ... 0xbf] = OP(MOV, O_I, IMM_V, 0),

	[0xc0] = GRP(2, E_I, IMM_B, F_BYTE),
	[0xc1] = GRP(2, E_I, IMM_B, 0),
	[0xc2] = OP(RET, I, IMM_W, F_F64),
	[0xc3] = OP(RET, NONE, IMM_NONE, F_F64),
	[0xc4 ... 0xc5] = OP(LOAD_FAR, G_E, IMM_NONE, F_NO64 | F_MEM), /* LES, LDS */
	[0xc6] = GRP(11, E_I, IMM_B, F_BYTE),
	[0xc7] = GRP(11, E_I, IMM_Z, 0),
	[0xc8] = OP(ENTER, NONE, IMM_ENTER, F_D64),
	[0xc9] = OP(LEAVE, NONE, IMM_NONE, F_D64),
	[0xca] = OP(RET_FAR, NONE, IMM_W, 0),
	[0xcb] = OP(RET_FAR, NONE, IMM_NONE, 0),
	[0xcc] = OP(INT3, NONE, IMM_NONE, 0),
	[0xcd] = OP(INT, I, IMM_B, 0),
	[0xce] = OP(INTO, NONE, IMM_NONE, F_NO64),
	[0xcf] = OP(IRET, NONE, IMM_NONE, 0),

	[0xd0] = GRP(2, E_1, IMM_NONE, F_BYTE),
	[0xd1] = GRP(2, E_1, IMM_NONE, 0),
	[0xd2] = GRP(2, E_CL, IMM_NONE, F_BYTE),
	[0xd3] = GRP(2, E_CL, IMM_NONE, 0),
	[0xd4 ... 0xd5] = OP(OTHER, NONE, IMM_B, F_NO64), /* AAM, AAD */
	[0xd6] = OP(OTHER, NONE, IMM_NONE, F_NO64),	  /* SALC */
	[0xd7] = OP(XLAT, NONE, IMM_NONE, F_BYTE),
	[0xd8 ... 0xdf] = OP(OTHER, EV, IMM_NONE, 0), /* x87 */

	[0xe0 ... 0xe2] = OP(LOOP, I, IMM_B, F_F64),
	[0xe3] = OP(JCXZ, I, IMM_B, F_F64),
	PAIR(0xe4, IN, A_I, IMM_B, 0),
	PAIR(0xe6, OUT, A_I, IMM_B, 0),
	[0xe8] = OP(CALL, I, IMM_Z, F_F64),
	[0xe9] = OP(JMP, I, IMM_Z, F_F64),
	[0xea] = OP(JMP_FAR, I, IMM_FAR, F_NO64),
	[0xeb] = OP(JMP, I, IMM_B, F_F64),
	PAIR(0xec, IN, A, IMM_NONE, 0),
	PAIR(0xee, OUT, A, IMM_NONE, 0),

	[0xf1] = OP(INT1, NONE, IMM_NONE, 0),
	[0xf4] = OP(HLT, NONE, IMM_NONE, 0),
	[0xf5] = OP(CMC, NONE, IMM_NONE, 0),
	[0xf6] = GRP(3, E, IMM_NONE, F_BYTE),
	[0xf7] = GRP(3, E, IMM_NONE, 0),
	[0xf8] = OP(CLC, NONE, IMM_NONE, 0),
	[0xf9] = OP(STC, NONE, IMM_NONE, 0),
	[0xfa] = OP(CLI, NONE, IMM_NONE, 0),
	[0xfb] = OP(STI, NONE, IMM_NONE, 0),
	[0xfc] = OP(CLD, NONE, IMM_NONE, 0),
	[0xfd] = OP(STD, NONE, IMM_NONE, 0),
	[0xfe] = GRP(4, E, IMM_NONE, F_BYTE),
	[0xff] = GRP(5, E, IMM_NONE, 0),
};

const struct x86_opcode x86_opcodes_0f[256] = {
	[0x00] = GRP(6, E, IMM_NONE, 0),
	[0x01] = GRP(7, E, IMM_NONE, 0),
	[0x02 ... 0x03] = OP(OTHER, G_E16, IMM_NONE, 0), /* LAR, LSL */
	[0x05] = OP(OTHER, NONE, IMM_NONE, 0),		 /* SYSCALL */
	[0x06] = OP(CLTS, NONE, IMM_NONE, 0),
	[0x07] = OP(OTHER, NONE, IMM_NONE, 0), /* SYSRET */
	[0x08] = OP(INVD, NONE, IMM_NONE, 0),
	[0x09] = OP(WBINVD, NONE, IMM_NONE, 0),
	[0x0d] = OP(NOP, E, IMM_NONE, 0),      /* PREFETCH, PREFETCHW */
	[0x0e] = OP(OTHER, NONE, IMM_NONE, 0), /* FEMMS */
	[0x0f] = OP(OTHER, EV, IMM_B, 0),      /* 3DNow! */

	[0x10 ... 0x17] = OP(SSE, EV, IMM_NONE, 0),
	[0x18 ... 0x1f] = OP(NOP, E, IMM_NONE, 0), /* PREFETCHh, ENDBR, hint NOPs */
	[0x20] = OP(MOV_FROM_CR, E, IMM_NONE, F_F64 | F_REG),
	[0x21] = OP(MOV_FROM_DR, E, IMM_NONE, F_F64 | F_REG),
	[0x22] = OP(MOV_TO_CR, E, IMM_NONE, F_F64 | F_REG),
	[0x23] = OP(MOV_TO_DR, E, IMM_NONE, F_F64 | F_REG),
	[0x28 ... 0x2f] = OP(SSE, EV, IMM_NONE, 0),

	[0x30] = OP(WRMSR, NONE, IMM_NONE, 0),
	[0x31] = OP(RDTSC, NONE, IMM_NONE, 0),
	[0x32] = OP(RDMSR, NONE, IMM_NONE, 0),
	[0x33] = OP(RDPMC, NONE, IMM_NONE, 0),
	[0x34 ... 0x35] = OP(OTHER, NONE, IMM_NONE, 0), /* SYSENTER, SYSEXIT */
	[0x37] = OP(OTHER, NONE, IMM_NONE, 0),		/* GETSEC */

	[0x40 ... 0x4f] = OP(CMOVCC, G_E, IMM_NONE, 0),
	[0x50 ... 0x6f] = OP(SSE, EV, IMM_NONE, 0),
	[0x70 ... 0x73] = OP(SSE, EV, IMM_B, 0),
	[0x74 ... 0x76] = OP(SSE, EV, IMM_NONE, 0),
	[0x77] = OP(OTHER, NONE, IMM_NONE, 0),	    /* EMMS, VZEROUPPER */
	[0x78 ... 0x79] = OP(VMX, EV, IMM_NONE, 0), /* VMREAD, VMWRITE, SSE4A */
	[0x7c ... 0x7f] = OP(SSE, EV, IMM_NONE, 0),

	[0x80 ... 0x8f] = OP(JCC, I, IMM_Z, F_F64),
	[0x90 ... 0x9f] = OP(SETCC, E, IMM_NONE, F_BYTE),
	[0xa0] = OP(PUSH_SREG, NONE, IMM_NONE, F_D64),
	[0xa1] = OP(POP_SREG, NONE, IMM_NONE, F_D64),
	[0xa2] = OP(CPUID, NONE, IMM_NONE, 0),
	[0xa3] = OP(BT, E_G, IMM_NONE, 0),
	[0xa4] = OP(SHLD, E_G_I, IMM_B, 0),
	[0xa5] = OP(SHLD, E_G_CL, IMM_NONE, 0),
	[0xa8] = OP(PUSH_SREG, NONE, IMM_NONE, F_D64),
	[0xa9] = OP(POP_SREG, NONE, IMM_NONE, F_D64),
	[0xaa] = OP(RSM, NONE, IMM_NONE, 0),
	[0xab] = OP(BTS, E_G, IMM_NONE, F_LOCK),
	[0xac] = OP(SHRD, E_G_I, IMM_B, 0),
	[0xad] = OP(SHRD, E_G_CL, IMM_NONE, 0),
	[0xae] = GRP(15, E, IMM_NONE, 0),
	[0xaf] = OP(IMUL, G_E, IMM_NONE, 0),

	PAIR(0xb0, CMPXCHG, E_G, IMM_NONE, F_LOCK),
	[0xb2] = OP(LOAD_FAR, G_E, IMM_NONE, F_MEM), /* LSS */
	[0xb3] = OP(BTR, E_G, IMM_NONE, F_LOCK),
	[0xb4 ... 0xb5] = OP(LOAD_FAR, G_E, IMM_NONE, F_MEM), /* LFS, LGS */
	[0xb6] = OP(MOVZX, G_E8, IMM_NONE, 0),
	[0xb7] = OP(MOVZX, G_E16, IMM_NONE, 0),
	[0xb8] = OP(POPCNT, G_E, IMM_NONE, 0), /* with F3 only: decoder */
	[0xba] = GRP(8, E_I, IMM_B, 0),
	[0xbb] = OP(BTC, E_G, IMM_NONE, F_LOCK),
	[0xbc] = OP(BSF, G_E, IMM_NONE, 0), /* F3 makes it TZCNT: decoder */
	[0xbd] = OP(BSR, G_E, IMM_NONE, 0), /* F3 makes it LZCNT: decoder */
	[0xbe] = OP(MOVSX, G_E8, IMM_NONE, 0),
	[0xbf] = OP(MOVSX, G_E16, IMM_NONE, 0),

	PAIR(0xc0, XADD, E_G, IMM_NONE, F_LOCK),
	[0xc2] = OP(SSE, EV, IMM_B, 0),
	[0xc3] = OP(MOVNTI, E_G, IMM_NONE, F_MEM),
	[0xc4 ... 0xc6] = OP(SSE, EV, IMM_B, 0),
	[0xc7] = GRP(9, E, IMM_NONE, 0),
	[0xc8 ... 0xcf] = OP(BSWAP, O, IMM_NONE, 0),
	[0xd0 ... 0xfe] = OP(SSE, EV, IMM_NONE, 0),
};

const struct x86_opcode x86_groups[X86_NR_GROUPS][8] = {
	[GROUP_1] = {
		COL(ADD, F_LOCK), COL(OR, F_LOCK), COL(ADC, F_LOCK), COL(SBB, F_LOCK),
		COL(AND, F_LOCK), COL(SUB, F_LOCK), COL(XOR, F_LOCK), COL(CMP, 0),
	},
	[GROUP_1A] = { COL(POP, 0) },
	[GROUP_2] = {
		COL(ROL, 0), COL(ROR, 0), COL(RCL, 0), COL(RCR, 0),
		COL(SHL, 0), COL(SHR, 0), COL(SHL, 0), COL(SAR, 0),
	},
	[GROUP_3] = {
		OP(TEST, E_I, IMM_Z, 0), OP(TEST, E_I, IMM_Z, 0),
		COL(NOT, F_LOCK), COL(NEG, F_LOCK),
		COL(MUL, 0), COL(IMUL_AX, 0), COL(DIV, 0), COL(IDIV, 0),
	},
	[GROUP_4] = { COL(INC, F_LOCK), COL(DEC, F_LOCK) },
	[GROUP_5] = {
		COL(INC, F_LOCK), COL(DEC, F_LOCK), COL(CALL_IND, F_F64), COL(CALL_FAR, F_MEM),
		COL(JMP_IND, F_F64), COL(JMP_FAR, F_MEM), COL(PUSH, F_D64),
	},
	[GROUP_6] = {
		COL(OTHER, 0), COL(OTHER, 0), COL(OTHER, 0),
		COL(OTHER, 0), COL(OTHER, 0), COL(OTHER, 0),
	},
	[GROUP_7] = {
		COL(DESC_TABLE, 0), COL(DESC_TABLE, 0), COL(DESC_TABLE, 0), COL(DESC_TABLE, 0),
		COL(SMSW, 0), COL(OTHER, 0), COL(LMSW, 0), COL(INVLPG, 0),
	},
	[GROUP_8] = {
		[4] = COL(BT, 0), COL(BTS, F_LOCK), COL(BTR, F_LOCK), COL(BTC, F_LOCK),
	},
	[GROUP_9] = {
		[1] = COL(CMPXCHG8B, F_LOCK | F_MEM),
		[3] = COL(OTHER, F_MEM), COL(OTHER, F_MEM), COL(OTHER, F_MEM),
		COL(OTHER, 0), COL(OTHER, 0),
	},
	[GROUP_11] = { COL(MOV, 0) },
	[GROUP_15] = {
		COL(OTHER, 0), COL(OTHER, 0), COL(OTHER, 0), COL(OTHER, 0),
		COL(OTHER, 0), COL(OTHER, 0), COL(OTHER, 0),
		COL(NOP, 0), /* CLFLUSH, CLFLUSHOPT, SFENCE */
	},
};

const u8 x86_ops_0f01[64] = {
	[0x01] = X86_OP_VMCALL,
	[0x02 ... 0x05] = X86_OP_VMX, /* VMLAUNCH, VMRESUME, VMXOFF, PCONFIG */
	[0x08] = X86_OP_MONITOR,
	[0x09] = X86_OP_MWAIT,
	[0x0a ... 0x0b] = X86_OP_OTHER, /* CLAC, STAC */
	[0x0f] = X86_OP_OTHER,		/* ENCLS */
	[0x10] = X86_OP_OTHER,		/* XGETBV */
	[0x11] = X86_OP_XSETBV,
	[0x14] = X86_OP_VMX,	       /* VMFUNC */
	[0x15 ... 0x17] = X86_OP_OTHER, /* XEND, XTEST, ENCLU */
	[0x18] = X86_OP_SVM,	       /* VMRUN */
	[0x19] = X86_OP_VMMCALL,
	[0x1a ... 0x1f] = X86_OP_SVM, /* VMLOAD, VMSAVE, STGI, CLGI, SKINIT, INVLPGA */
	[0x20 ... 0x27] = X86_OP_SMSW,
	[0x28 ... 0x2f] = X86_OP_OTHER, /* SERIALIZE, RDPKRU, WRPKRU, ... */
	[0x30 ... 0x37] = X86_OP_LMSW,
	[0x38] = X86_OP_OTHER, /* SWAPGS */
	[0x39] = X86_OP_RDTSCP,
	[0x3a ... 0x3b] = X86_OP_OTHER, /* MONITORX, MWAITX */
	[0x3c ... 0x3f] = X86_OP_OTHER, /* CLZERO, RDPRU, INVLPGB, TLBSYNC */
};
