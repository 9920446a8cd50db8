/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction decoder: length, operands and meaning of one x86 instruction in
 * every mode. It reads bytes and nothing else; the caller fetches them. It never
 * looks at CPUID: what the CPU would refuse has raised #UD before any exit.
 */
#ifndef MYHV_MODEL_X86_DECODE_H
#define MYHV_MODEL_X86_DECODE_H

#include "x86_defs.h"

/* SDM "Instruction Format": a longer one raises #GP. */
#define X86_MAX_INSN_BYTES 15

/* Where an instruction runs; compatibility mode counts as protected mode. */
enum x86_mode {
	X86_MODE_REAL16,
	X86_MODE_VM86,
	X86_MODE_PROT16,
	X86_MODE_PROT32,
	X86_MODE_LONG64,
};

enum x86_decode_result {
	X86_DECODE_OK,
	/* The bytes end inside the instruction: fetch more, decode again. */
	X86_DECODE_MORE,
	/* Undefined opcode, or a prefix that the opcode forbids: #UD. */
	X86_DECODE_UD,
	/* Longer than 15 bytes: #GP(0). */
	X86_DECODE_TOO_LONG,
};

enum x86_opcode_map {
	X86_MAP_ONE,
	X86_MAP_0F,
	X86_MAP_0F38,
	X86_MAP_0F3A,
};

/*
 * What an instruction does. X86_OP_OTHER has a known length but no meaning here:
 * it touches no memory, or nobody points it at a device.
 */
enum x86_op {
	X86_OP_UD,
	X86_OP_OTHER,
	/* In the order of ModRM.reg of opcodes 80-83, C0/D0 and F6, as groups use them. */
	X86_OP_ADD, X86_OP_OR, X86_OP_ADC, X86_OP_SBB,
	X86_OP_AND, X86_OP_SUB, X86_OP_XOR, X86_OP_CMP,
	X86_OP_ROL, X86_OP_ROR, X86_OP_RCL, X86_OP_RCR,
	X86_OP_SHL, X86_OP_SHR, X86_OP_SAR,
	X86_OP_TEST, X86_OP_NOT, X86_OP_NEG, X86_OP_INC, X86_OP_DEC,
	X86_OP_MUL, X86_OP_IMUL_AX, X86_OP_DIV, X86_OP_IDIV, X86_OP_IMUL,
	X86_OP_SHLD, X86_OP_SHRD,
	X86_OP_BT, X86_OP_BTS, X86_OP_BTR, X86_OP_BTC,
	X86_OP_BSF, X86_OP_BSR, X86_OP_TZCNT, X86_OP_LZCNT, X86_OP_POPCNT,
	X86_OP_BSWAP, X86_OP_CRC32,
	X86_OP_MOV, X86_OP_MOVZX, X86_OP_MOVSX, X86_OP_MOVBE, X86_OP_MOVNTI,
	X86_OP_LEA, X86_OP_XLAT,
	X86_OP_XCHG, X86_OP_XADD, X86_OP_CMPXCHG, X86_OP_CMPXCHG8B,
	X86_OP_SETCC, X86_OP_CMOVCC, X86_OP_CBW, X86_OP_CWD,
	X86_OP_PUSH, X86_OP_POP, X86_OP_PUSHF, X86_OP_POPF,
	X86_OP_PUSHA, X86_OP_POPA, X86_OP_ENTER, X86_OP_LEAVE,
	X86_OP_CALL, X86_OP_CALL_IND, X86_OP_JMP, X86_OP_JMP_IND, X86_OP_RET,
	X86_OP_JCC, X86_OP_LOOP, X86_OP_JCXZ,
	X86_OP_LAHF, X86_OP_SAHF, X86_OP_CMC, X86_OP_CLC, X86_OP_STC,
	X86_OP_CLD, X86_OP_STD, X86_OP_CLI, X86_OP_STI, X86_OP_NOP,
	X86_OP_MOV_FROM_SREG, X86_OP_MOV_TO_SREG, X86_OP_PUSH_SREG, X86_OP_POP_SREG,
	X86_OP_LOAD_FAR, X86_OP_CALL_FAR, X86_OP_JMP_FAR, X86_OP_RET_FAR,
	/* Strings. */
	X86_OP_MOVS, X86_OP_CMPS, X86_OP_STOS, X86_OP_LODS, X86_OP_SCAS,
	X86_OP_INS, X86_OP_OUTS,
	/* Ports. */
	X86_OP_IN, X86_OP_OUT,
	/* System instructions that a hypervisor intercepts. */
	X86_OP_CPUID, X86_OP_HLT, X86_OP_RDMSR, X86_OP_WRMSR, X86_OP_RDTSC, X86_OP_RDTSCP,
	X86_OP_RDPMC, X86_OP_PAUSE, X86_OP_INVD, X86_OP_WBINVD, X86_OP_XSETBV,
	X86_OP_MONITOR, X86_OP_MWAIT, X86_OP_VMCALL, X86_OP_VMMCALL, X86_OP_SVM, X86_OP_VMX,
	X86_OP_INT, X86_OP_INT3, X86_OP_INT1, X86_OP_INTO, X86_OP_IRET, X86_OP_RSM,
	X86_OP_MOV_FROM_CR, X86_OP_MOV_TO_CR, X86_OP_MOV_FROM_DR, X86_OP_MOV_TO_DR,
	X86_OP_CLTS, X86_OP_SMSW, X86_OP_LMSW, X86_OP_INVLPG, X86_OP_INVPCID,
	X86_OP_DESC_TABLE,
	/* SSE and AVX: x86_emulate_sse.c tells the moves apart. */
	X86_OP_SSE,
	X86_NR_OPS,
};

/* Where the operands are, before sizes; "E" is ModRM.rm, "G" is ModRM.reg. */
enum x86_form {
	X86_FORM_NONE,
	X86_FORM_A,		/* rAX */
	X86_FORM_A_I,		/* rAX, immediate */
	X86_FORM_A_MOFFS,	/* rAX, [moffs] */
	X86_FORM_MOFFS_A,	/* [moffs], rAX */
	X86_FORM_O,		/* register in the opcode */
	X86_FORM_O_I,		/* register in the opcode, immediate */
	X86_FORM_O_A,		/* register in the opcode, rAX */
	X86_FORM_I,		/* immediate or branch displacement */
	/* From here on a ModRM byte follows the opcode. */
	X86_FORM_MODRM,
	X86_FORM_E = X86_FORM_MODRM,
	X86_FORM_E_G,
	X86_FORM_G_E,
	X86_FORM_G_E8,		/* source is a byte */
	X86_FORM_G_E16,		/* source is a word */
	X86_FORM_G_E32,		/* source is a doubleword */
	X86_FORM_G_E_I,
	X86_FORM_E_I,
	X86_FORM_E_1,
	X86_FORM_E_CL,
	X86_FORM_E_G_I,
	X86_FORM_E_G_CL,
	X86_FORM_EV,		/* vector operand: ModRM only tells the length */
};

/* insn->flags */
#define X86_INSN_OPSIZE BIT(0)		/* prefix 66 */
#define X86_INSN_ADDRSIZE BIT(1)	/* prefix 67 */
#define X86_INSN_LOCK BIT(2)
#define X86_INSN_REP BIT(3)		/* F3, the last of F2 and F3 */
#define X86_INSN_REPNE BIT(4)		/* F2, the last of F2 and F3 */
#define X86_INSN_MODRM BIT(5)
#define X86_INSN_MEM BIT(6)		/* ModRM names memory; moffs and strings do not count */
#define X86_INSN_RIP_REL BIT(7)
#define X86_INSN_VEX BIT(8)
#define X86_INSN_EVEX BIT(9)
#define X86_INSN_SEG_OVERRIDE BIT(10)
#define X86_INSN_BYTE BIT(11)		/* the opcode works on bytes; op_size is 1 */

/* insn->base, insn->index: no such register. */
#define X86_REG_NONE X86_NR_GPRS

#define X86_REX_B BIT(0)
#define X86_REX_X BIT(1)
#define X86_REX_R BIT(2)
#define X86_REX_W BIT(3)
#define X86_REX_PRESENT BIT(6)

/**
 * struct x86_insn - one decoded instruction
 * @length: bytes, 1 to 15
 * @map: enum x86_opcode_map
 * @opcode: last opcode byte
 * @op: enum x86_op
 * @form: enum x86_form
 * @mode: enum x86_mode it was decoded for
 * @op_size: operand size in bytes: 1, 2, 4 or 8
 * @addr_size: address size in bytes: 2, 4 or 8
 * @seg: enum x86_seg of the memory operand, overrides applied. For string
 *	instructions the source segment
 * @rex: REX byte, or VEX bits in the same places; 0 without either. X86_REX_PRESENT
 *	is set only by a real REX, which is what renames AH..BH
 * @modrm: the byte itself
 * @reg: ModRM.reg with REX.R; the CR, DR or segment number where that is meant
 * @rm: ModRM.rm with REX.B where it names a register, opcode register with REX.B
 *	for the X86_FORM_O forms
 * @base: base register of the memory operand or X86_REG_NONE
 * @index: index register of the memory operand or X86_REG_NONE
 * @scale: left shift of the index
 * @simd_prefix: 0, 0x66, 0xf3 or 0xf2: mandatory prefix, legacy or VEX
 * @vex_len: vector length: 0 is 128, 1 is 256, 2 is 512 bits
 * @vex_reg: VEX.vvvv, not inverted any more
 * @imm_size: bytes of the immediate in the encoding
 * @flags: X86_INSN_*
 * @imm2: selector of a far pointer, nesting level of ENTER
 * @disp: displacement, sign-extended; the whole offset for moffs
 * @imm: immediate, sign-extended as the operand size wants
 */
struct x86_insn {
	u8 length;
	u8 map;
	u8 opcode;
	u8 op;
	u8 form;
	u8 mode;
	u8 op_size;
	u8 addr_size;
	u8 seg;
	u8 rex;
	u8 modrm;
	u8 reg;
	u8 rm;
	u8 base;
	u8 index;
	u8 scale;
	u8 simd_prefix;
	u8 vex_len;
	u8 vex_reg;
	u8 imm_size;
	u16 flags;
	u16 imm2;
	u64 disp;
	u64 imm;
};

/**
 * x86_decode() - decode one instruction
 * @insn: filled on X86_DECODE_OK, undefined otherwise
 * @bytes: its bytes
 * @nr_bytes: how many of them are known; more than 15 are not looked at
 * @mode: where it runs
 *
 * X86_DECODE_MORE comes only if the instruction really goes on behind the bytes, so
 * fetching them up to a page boundary first never causes a fault that the CPU
 * would not have seen.
 *
 * A 66 prefix on a near branch in 64-bit mode is ignored, as Intel CPUs do.
 */
enum x86_decode_result x86_decode(struct x86_insn *insn, const u8 *bytes,
				  unsigned int nr_bytes, enum x86_mode mode);

/**
 * x86_insn_length() - length of an instruction that made the guest exit
 * @bytes: its bytes
 * @nr_bytes: how many of them are known
 * @mode: where it runs
 * @length: out: 1 to 15
 *
 * The same answer as x86_decode(), but the usual intercepted instructions without
 * prefixes (CPUID, IN, OUT, HLT, RDMSR ...) take a few dozen host instructions.
 */
enum x86_decode_result x86_insn_length(const u8 *bytes, unsigned int nr_bytes,
				       enum x86_mode mode, unsigned int *length);

/**
 * x86_insn_ea() - effective address of the ModRM memory operand (or of moffs)
 * @insn: decoded instruction
 * @gpr: the 16 general registers
 * @next_rip: address of the next instruction, for RIP-relative operands
 *
 * Return: the offset inside insn->seg, truncated to the address size.
 */
u64 x86_insn_ea(const struct x86_insn *insn, const u64 *gpr, u64 next_rip);

/* All ones in the low @bytes bytes; @bytes is 1, 2, 4 or 8. */
static inline u64 x86_size_mask(unsigned int bytes)
{
	return ~0ULL >> (64 - 8 * bytes);
}

/**
 * x86_mode_of() - the mode that the control registers and CS select
 * @cr0: CR0
 * @efer: EFER
 * @rflags: RFLAGS
 * @cs_attrib: CS attributes, packed as in a VMCB: L is bit 9, D is bit 10
 */
static inline enum x86_mode x86_mode_of(u64 cr0, u64 efer, u64 rflags, u16 cs_attrib)
{
	if (!(cr0 & X86_CR0_PE))
		return X86_MODE_REAL16;
	if ((efer & EFER_LMA) && (cs_attrib & BIT(9)))
		return X86_MODE_LONG64;
	if ((rflags & X86_EFLAGS_VM) && !(efer & EFER_LMA))
		return X86_MODE_VM86;
	return cs_attrib & BIT(10) ? X86_MODE_PROT32 : X86_MODE_PROT16;
}

#endif /* MYHV_MODEL_X86_DECODE_H */
