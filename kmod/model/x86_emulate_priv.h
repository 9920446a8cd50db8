/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the emulator share.
 *
 * The rule that makes replay work: a handler changes e->regs only after the last op
 * that can fail. Until then results live in e->dst, e->src, e->flags and e->next_rip.
 */
#ifndef MYHV_MODEL_X86_EMULATE_PRIV_H
#define MYHV_MODEL_X86_EMULATE_PRIV_H

#include "x86_emulate.h"

#define EMUL_PAGE_BYTES 4096u

#define EMUL_ARITH_FLAGS                                                                 \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

/* struct x86_operand::kind */
enum {
	OPERAND_NONE,
	OPERAND_REG,
	OPERAND_IMM,
	OPERAND_MEM,
};

/* What the frame around a handler does with the operands. */
#define EXEC_DST_R BIT(0)
#define EXEC_DST_W BIT(1)
#define EXEC_DST_RW (EXEC_DST_R | EXEC_DST_W)
#define EXEC_SRC_R BIT(2)
#define EXEC_SRC_W BIT(3) /* a register; written after the destination */
#define EXEC_RAW BIT(4)	  /* the handler does everything itself */

typedef enum x86_emul_result (*x86_handler)(struct x86_emul *e);

struct x86_exec {
	x86_handler handler;
	u8 access;
};

/* x86_emulate.c: faults, segments, memory, registers, stack. */
enum x86_emul_result emul_raise(struct x86_emul *e, unsigned int vector, u32 error);
enum x86_emul_result emul_linearize(struct x86_emul *e, unsigned int seg, u64 ea,
				    unsigned int bytes, unsigned int access, u64 *linear);
enum x86_emul_result emul_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				unsigned int access);
enum x86_emul_result emul_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
			       unsigned int access);
enum x86_emul_result emul_write(struct x86_emul *e, u64 linear, const void *buf,
				unsigned int bytes);
enum x86_emul_result emul_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				  unsigned int bytes);
enum x86_emul_result emul_read_seg(struct x86_emul *e, unsigned int seg, u64 ea, void *buf,
				   unsigned int bytes);
u64 emul_get_reg(const struct x86_emul *e, unsigned int reg, unsigned int bytes);
void emul_set_reg(struct x86_emul *e, unsigned int reg, unsigned int bytes, u64 val);
/* The ModRM memory operand's offset. */
u64 emul_ea(const struct x86_emul *e);
bool emul_is_canonical(const struct x86_emul *e, u64 linear);
bool emul_condition(const struct x86_emul *e, unsigned int cc);

/* x86_emulate_alu.c */
bool alu_sub_sets_zf(struct x86_emul *e, u64 a, u64 b, unsigned int bytes);
enum x86_emul_result alu_add(struct x86_emul *e);
enum x86_emul_result alu_or(struct x86_emul *e);
enum x86_emul_result alu_adc(struct x86_emul *e);
enum x86_emul_result alu_sbb(struct x86_emul *e);
enum x86_emul_result alu_and(struct x86_emul *e);
enum x86_emul_result alu_sub(struct x86_emul *e);
enum x86_emul_result alu_xor(struct x86_emul *e);
enum x86_emul_result alu_not(struct x86_emul *e);
enum x86_emul_result alu_neg(struct x86_emul *e);
enum x86_emul_result alu_inc(struct x86_emul *e);
enum x86_emul_result alu_dec(struct x86_emul *e);
enum x86_emul_result alu_shift(struct x86_emul *e);
enum x86_emul_result alu_shift_double(struct x86_emul *e);
enum x86_emul_result alu_mul(struct x86_emul *e);
enum x86_emul_result alu_imul(struct x86_emul *e);
enum x86_emul_result alu_div(struct x86_emul *e);
enum x86_emul_result alu_bit_test(struct x86_emul *e);
enum x86_emul_result alu_bit_scan(struct x86_emul *e);
enum x86_emul_result alu_bit_count(struct x86_emul *e);
enum x86_emul_result alu_crc32(struct x86_emul *e);

/* x86_emulate_data.c: moves and exchanges. */
enum x86_emul_result emul_mov(struct x86_emul *e);
enum x86_emul_result emul_movsx(struct x86_emul *e);
enum x86_emul_result emul_bswap(struct x86_emul *e);
enum x86_emul_result emul_lea(struct x86_emul *e);
enum x86_emul_result emul_xlat(struct x86_emul *e);
enum x86_emul_result emul_xchg(struct x86_emul *e);
enum x86_emul_result emul_xadd(struct x86_emul *e);
enum x86_emul_result emul_cmpxchg_insn(struct x86_emul *e);
enum x86_emul_result emul_cmpxchg8b(struct x86_emul *e);
enum x86_emul_result emul_setcc(struct x86_emul *e);
enum x86_emul_result emul_cmovcc(struct x86_emul *e);
enum x86_emul_result emul_cbw(struct x86_emul *e);
enum x86_emul_result emul_cwd(struct x86_emul *e);
enum x86_emul_result emul_nop(struct x86_emul *e);
enum x86_emul_result emul_mov_from_sreg(struct x86_emul *e);
enum x86_emul_result emul_mov_to_sreg(struct x86_emul *e);

/* x86_emulate_flow.c: stack, branches, flags. */
enum x86_emul_result emul_push(struct x86_emul *e);
enum x86_emul_result emul_pop(struct x86_emul *e);
enum x86_emul_result emul_push_sreg(struct x86_emul *e);
enum x86_emul_result emul_pop_sreg(struct x86_emul *e);
enum x86_emul_result emul_pushf(struct x86_emul *e);
enum x86_emul_result emul_popf(struct x86_emul *e);
enum x86_emul_result emul_leave(struct x86_emul *e);
enum x86_emul_result emul_call(struct x86_emul *e);
enum x86_emul_result emul_jmp(struct x86_emul *e);
enum x86_emul_result emul_ret(struct x86_emul *e);
enum x86_emul_result emul_jcc(struct x86_emul *e);
enum x86_emul_result emul_loop(struct x86_emul *e);
enum x86_emul_result emul_flag_insn(struct x86_emul *e);
enum x86_emul_result emul_if_insn(struct x86_emul *e);
enum x86_emul_result emul_pusha(struct x86_emul *e);
enum x86_emul_result emul_popa(struct x86_emul *e);
enum x86_emul_result emul_enter(struct x86_emul *e);
/* Push @count values, the first goes deepest; all or nothing. Nothing that fails may follow. */
enum x86_emul_result emul_push_all(struct x86_emul *e, const u64 *vals, unsigned int count,
				   unsigned int bytes);
/* What @count pops would give, the first from the top; emul_drop() then moves rSP. */
enum x86_emul_result emul_peek_all(struct x86_emul *e, u64 *vals, unsigned int count,
				   unsigned int bytes);
void emul_drop(struct x86_emul *e, u64 bytes);

/* x86_emulate_seg.c: descriptors, segment registers, far transfers. */

/**
 * struct x86_seg_load - a selector on its way into a segment register
 * @seg: which one
 * @selector: the visible part
 * @cpl: privilege level of the code that will use it
 * @vector: of refusals: X86_TRAP_GP, in a task switch X86_TRAP_TS
 * @external: the EXT bit of error codes
 */
struct x86_seg_load {
	u8 seg;
	u16 selector;
	u8 cpl;
	u8 vector;
	bool external;
};

/**
 * struct x86_descriptor - an entry of GDT or LDT
 * @raw: the eight bytes
 * @linear: where it stands
 * @seg: decoded
 */
struct x86_descriptor {
	u64 raw;
	u64 linear;
	struct x86_segment seg;
};

static inline u8 x86_seg_dpl(const struct x86_segment *s)
{
	return s->attrib >> X86_SEG_DPL_BIT & 3;
}

/* An exception that names the selector. */
enum x86_emul_result emul_seg_raise(struct x86_emul *e, const struct x86_seg_load *l,
				    unsigned int vector);
/* Read a descriptor; outside of the table: refused. */
enum x86_emul_result emul_descriptor(struct x86_emul *e, const struct x86_seg_load *l,
				     struct x86_descriptor *d);
enum x86_emul_result emul_table_write(struct x86_emul *e, u64 linear, const void *buf,
				      unsigned int bytes);
/* The same for CS, which cannot be null; then its checks, and the accessed bit. */
enum x86_emul_result emul_code_descriptor(struct x86_emul *e, const struct x86_seg_load *l,
					  struct x86_descriptor *d);
enum x86_emul_result emul_check_code(struct x86_emul *e, const struct x86_seg_load *l,
				     struct x86_descriptor *d);
/* SS, DS, ES, FS, GS where there are descriptors: check and set. */
enum x86_emul_result emul_load_data(struct x86_emul *e, const struct x86_seg_load *l);
/* The same in any mode, as MOV and POP do it. */
enum x86_emul_result emul_load_segment(struct x86_emul *e, unsigned int seg, u16 selector);
enum x86_emul_result emul_load_far(struct x86_emul *e);
enum x86_emul_result emul_jmp_far(struct x86_emul *e);
enum x86_emul_result emul_call_far(struct x86_emul *e);
enum x86_emul_result emul_ret_far(struct x86_emul *e);

/* x86_emulate_system.c: ports and control registers. */
enum x86_emul_result emul_check_port(struct x86_emul *e, u16 port, unsigned int bytes);
enum x86_emul_result emul_in(struct x86_emul *e);
enum x86_emul_result emul_out(struct x86_emul *e);
enum x86_emul_result emul_mov_cr_dr(struct x86_emul *e);
enum x86_emul_result emul_clts(struct x86_emul *e);
enum x86_emul_result emul_smsw(struct x86_emul *e);
enum x86_emul_result emul_lmsw(struct x86_emul *e);
enum x86_emul_result emul_invlpg(struct x86_emul *e);

/* x86_emulate_string.c, x86_emulate_sse.c */
enum x86_emul_result emul_string(struct x86_emul *e);
enum x86_emul_result emul_sse(struct x86_emul *e);

static inline bool emul_long64(const struct x86_emul *e)
{
	return e->mode == X86_MODE_LONG64;
}

/* Linear addresses wrap at 4 GiB outside 64-bit mode. */
static inline u64 emul_wrap(const struct x86_emul *e, u64 linear)
{
	return emul_long64(e) ? linear : linear & 0xffffffff;
}

static inline bool emul_crosses_page(u64 linear, unsigned int bytes)
{
	return (linear & (EMUL_PAGE_BYTES - 1)) + bytes > EMUL_PAGE_BYTES;
}

static inline u64 emul_sign_bit(unsigned int bytes)
{
	return 1ULL << (8 * bytes - 1);
}

static inline s64 emul_sign_extend(u64 val, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (s64)(val << shift) >> shift;
}

/* Replace the low bytes of a register; a 32-bit write clears the upper half. */
static inline u64 emul_merge(u64 old, u64 val, unsigned int bytes)
{
	u64 mask = x86_size_mask(bytes);

	if (bytes == 4)
		return val & mask;
	return (old & ~mask) | (val & mask);
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static inline bool emul_is_high_byte(const struct x86_insn *insn, unsigned int reg,
				     unsigned int bytes)
{
	return bytes == 1 && reg >= 4 && reg < 8 && !(insn->rex & X86_REX_PRESENT);
}

static inline u8 emul_iopl(const struct x86_emul *e)
{
	return e->regs->rflags >> X86_EFLAGS_IOPL_BIT & 3;
}

#endif /* MYHV_MODEL_X86_EMULATE_PRIV_H */
