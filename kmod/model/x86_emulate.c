// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's frame: fetch and decode, find the operands, call the handler of the
 * operation, write back, commit. Also the ways to memory and registers that the
 * handlers share. All checks that the CPU makes before an access are made here.
 */
#include "x86_emulate_priv.h"

/* The number of times a locked access is tried before other vCPUs get a chance. */
#define MAX_LOCKED_TRIES 64

enum x86_emul_result emul_raise(struct x86_emul *e, unsigned int vector, u32 error)
{
	const u32 with_error = BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |
			       BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |
			       BIT(X86_TRAP_AC);

	e->fault.vector = vector;
	e->fault.has_error = with_error >> vector & 1;
	e->fault.error = error;
	e->fault.address = 0;
	return X86_EMUL_FAULT;
}

bool emul_is_canonical(const struct x86_emul *e, u64 linear)
{
	unsigned int unused = e->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

/* A segment's limit covers @bytes at @ea. SDM "Limit Checking". */
static bool within_limit(const struct x86_segment *s, u64 ea, unsigned int bytes)
{
	u64 last = ea + bytes - 1;

	if ((s->attrib & (X86_SEG_TYPE_CODE | X86_SEG_TYPE_DOWN)) == X86_SEG_TYPE_DOWN)
		return ea > s->limit && last <= (s->attrib & X86_SEG_DB ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

/* SDM "Type Checking": readable and writable as the access wants it. */
static bool type_allows(const struct x86_emul *e, const struct x86_segment *s, unsigned int access)
{
	if (e->mode == X86_MODE_REAL16 || e->mode == X86_MODE_VM86)
		return true;
	if (!(s->attrib & X86_SEG_P))
		return false;
	if (access & X86_ACCESS_WRITE)
		return (s->attrib & (X86_SEG_TYPE_CODE | X86_SEG_TYPE_RW)) == X86_SEG_TYPE_RW;
	return !(s->attrib & X86_SEG_TYPE_CODE) || (s->attrib & X86_SEG_TYPE_RW);
}

/* Alignment that RFLAGS.AC asks for; wider operands check their own. */
static bool breaks_alignment(const struct x86_emul *e, u64 linear, unsigned int bytes)
{
	return e->cpl == 3 && (e->cr0 & X86_CR0_AM) && (e->regs->rflags & X86_EFLAGS_AC) &&
	       bytes <= 8 && (linear & (bytes - 1));
}

/*
 * Segment and offset to linear address, with the checks of segmentation. @bytes may be
 * a whole batch; alignment is then the caller's.
 */
enum x86_emul_result emul_linearize(struct x86_emul *e, unsigned int seg, u64 ea,
				    unsigned int bytes, unsigned int access, u64 *linear)
{
	unsigned int vector = seg == X86_SEG_SS ? X86_TRAP_SS : X86_TRAP_GP;
	const struct x86_segment *s;

	if (emul_long64(e)) {
		if (seg == X86_SEG_FS || seg == X86_SEG_GS)
			ea += e->ops->segment(e, seg)->base;
		if (!emul_is_canonical(e, ea) || !emul_is_canonical(e, ea + bytes - 1))
			return emul_raise(e, vector, 0);
		*linear = ea;
	} else {
		s = e->ops->segment(e, seg);
		if (!type_allows(e, s, access) || !within_limit(s, ea, bytes))
			return emul_raise(e, vector, 0);
		*linear = emul_wrap(e, s->base + ea);
	}
	if (breaks_alignment(e, *linear, bytes))
		return emul_raise(e, X86_TRAP_AC, 0);
	return X86_EMUL_OK;
}

/*
 * The next piece of an access: at most 8 bytes, a power of two, inside one page.
 */
static unsigned int chunk_bytes(u64 linear, unsigned int bytes)
{
	unsigned int room = EMUL_PAGE_BYTES - (linear & (EMUL_PAGE_BYTES - 1)), chunk = 8;

	while (chunk > bytes || chunk > room)
		chunk >>= 1;
	return chunk;
}

/*
 * Behind the first part of a split access. The CPU's own structures may lie above 4 GiB
 * in compatibility mode, where the program's addresses wrap.
 */
static u64 next_linear(const struct x86_emul *e, u64 linear, unsigned int bytes,
		       unsigned int access)
{
	return access & X86_ACCESS_IMPLICIT ? linear + bytes : emul_wrap(e, linear + bytes);
}

/* Would an access fault anywhere? Needed before the first part of a split write. */
enum x86_emul_result emul_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				unsigned int access)
{
	unsigned int first = EMUL_PAGE_BYTES - (linear & (EMUL_PAGE_BYTES - 1));
	enum x86_emul_result res;
	bool ram;

	if (first >= bytes)
		return e->ops->probe(e, linear, bytes, access, &ram);
	res = e->ops->probe(e, linear, first, access, &ram);
	if (res)
		return res;
	return e->ops->probe(e, next_linear(e, linear, first, access), bytes - first, access,
			     &ram);
}

enum x86_emul_result emul_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
			       unsigned int access)
{
	enum x86_emul_result res;
	unsigned int chunk;
	u8 *p = buf;

	for (; bytes; bytes -= chunk, p += chunk) {
		chunk = chunk_bytes(linear, bytes);
		res = e->ops->read(e, linear, p, chunk, access);
		if (res)
			return res;
		linear = next_linear(e, linear, chunk, access);
	}
	return X86_EMUL_OK;
}

enum x86_emul_result emul_write(struct x86_emul *e, u64 linear, const void *buf, unsigned int bytes)
{
	enum x86_emul_result res;
	unsigned int chunk;
	const u8 *p = buf;

	/* A store that faults in its second page must not have changed the first. */
	if (emul_crosses_page(linear, bytes)) {
		res = emul_probe(e, linear, bytes, X86_ACCESS_WRITE);
		if (res)
			return res;
	}
	for (; bytes; bytes -= chunk, p += chunk) {
		chunk = chunk_bytes(linear, bytes);
		res = e->ops->write(e, linear, p, chunk);
		if (res)
			return res;
		linear = next_linear(e, linear, chunk, 0);
	}
	return X86_EMUL_OK;
}

enum x86_emul_result emul_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				  unsigned int bytes)
{
	if (emul_crosses_page(linear, bytes))
		return emul_write(e, linear, new, bytes);
	/* in parentheses: the kernel has a macro of this name */
	return (e->ops->cmpxchg)(e, linear, old, new, bytes);
}

enum x86_emul_result emul_read_seg(struct x86_emul *e, unsigned int seg, u64 ea, void *buf,
				   unsigned int bytes)
{
	enum x86_emul_result res;
	u64 linear;

	res = emul_linearize(e, seg, ea, bytes, 0, &linear);
	if (res)
		return res;
	return emul_read(e, linear, buf, bytes, 0);
}

u64 emul_get_reg(const struct x86_emul *e, unsigned int reg, unsigned int bytes)
{
	if (emul_is_high_byte(&e->insn, reg, bytes))
		return e->regs->gpr[reg - 4] >> 8 & 0xff;
	return e->regs->gpr[reg] & x86_size_mask(bytes);
}

void emul_set_reg(struct x86_emul *e, unsigned int reg, unsigned int bytes, u64 val)
{
	u64 *gpr = e->regs->gpr;

	if (emul_is_high_byte(&e->insn, reg, bytes))
		gpr[reg - 4] = (gpr[reg - 4] & ~0xff00ULL) | (val & 0xff) << 8;
	else
		gpr[reg] = emul_merge(gpr[reg], val, bytes);
}

u64 emul_ea(const struct x86_emul *e)
{
	return x86_insn_ea(&e->insn, e->regs->gpr, e->next_rip);
}

/* SDM "EFLAGS Condition Codes": the low bit of @cc inverts. */
bool emul_condition(const struct x86_emul *e, unsigned int cc)
{
	u64 flags = e->flags;
	bool sf_ne_of = !!(flags & X86_EFLAGS_SF) != !!(flags & X86_EFLAGS_OF);
	bool met;

	switch (cc >> 1 & 7) {
	case 0:
		met = flags & X86_EFLAGS_OF;
		break;
	case 1:
		met = flags & X86_EFLAGS_CF;
		break;
	case 2:
		met = flags & X86_EFLAGS_ZF;
		break;
	case 3:
		met = flags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		met = flags & X86_EFLAGS_SF;
		break;
	case 5:
		met = flags & X86_EFLAGS_PF;
		break;
	case 6:
		met = sf_ne_of;
		break;
	default:
		met = sf_ne_of || (flags & X86_EFLAGS_ZF);
		break;
	}
	return met != (cc & 1);
}

/* In the order of enum x86_op. An operation that is missing is UNHANDLEABLE. */
static const struct x86_exec exec_table[X86_NR_OPS] = {
	[X86_OP_ADD] = { alu_add, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_OR] = { alu_or, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_ADC] = { alu_adc, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_SBB] = { alu_sbb, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_AND] = { alu_and, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_SUB] = { alu_sub, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_XOR] = { alu_xor, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_CMP] = { alu_sub, EXEC_DST_R | EXEC_SRC_R },
	[X86_OP_ROL ... X86_OP_SAR] = { alu_shift, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_TEST] = { alu_and, EXEC_DST_R | EXEC_SRC_R },
	[X86_OP_NOT] = { alu_not, EXEC_DST_RW },
	[X86_OP_NEG] = { alu_neg, EXEC_DST_RW },
	[X86_OP_INC] = { alu_inc, EXEC_DST_RW },
	[X86_OP_DEC] = { alu_dec, EXEC_DST_RW },
	[X86_OP_MUL] = { alu_mul, EXEC_DST_R },
	[X86_OP_IMUL_AX] = { alu_mul, EXEC_DST_R },
	[X86_OP_DIV] = { alu_div, EXEC_DST_R },
	[X86_OP_IDIV] = { alu_div, EXEC_DST_R },
	[X86_OP_IMUL] = { alu_imul, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_SHLD] = { alu_shift_double, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_SHRD] = { alu_shift_double, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_BT] = { alu_bit_test, EXEC_DST_R | EXEC_SRC_R },
	[X86_OP_BTS ... X86_OP_BTC] = { alu_bit_test, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_BSF] = { alu_bit_scan, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_BSR] = { alu_bit_scan, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_TZCNT] = { alu_bit_count, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_LZCNT] = { alu_bit_count, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_POPCNT] = { alu_bit_count, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_CRC32] = { alu_crc32, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_BSWAP] = { emul_bswap, EXEC_DST_RW },

	[X86_OP_MOV] = { emul_mov, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_MOVZX] = { emul_mov, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_MOVSX] = { emul_movsx, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_MOVBE] = { emul_bswap, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_MOVNTI] = { emul_mov, EXEC_DST_W | EXEC_SRC_R },
	[X86_OP_LEA] = { emul_lea, EXEC_RAW },
	[X86_OP_XLAT] = { emul_xlat, EXEC_RAW },
	[X86_OP_XCHG] = { emul_xchg, EXEC_DST_RW | EXEC_SRC_R | EXEC_SRC_W },
	[X86_OP_XADD] = { emul_xadd, EXEC_DST_RW | EXEC_SRC_R | EXEC_SRC_W },
	[X86_OP_CMPXCHG] = { emul_cmpxchg_insn, EXEC_DST_RW | EXEC_SRC_R | EXEC_SRC_W },
	[X86_OP_CMPXCHG8B] = { emul_cmpxchg8b, EXEC_RAW },
	[X86_OP_SETCC] = { emul_setcc, EXEC_DST_W },
	[X86_OP_CMOVCC] = { emul_cmovcc, EXEC_DST_RW | EXEC_SRC_R },
	[X86_OP_CBW] = { emul_cbw, EXEC_RAW },
	[X86_OP_CWD] = { emul_cwd, EXEC_RAW },
	[X86_OP_NOP] = { emul_nop, EXEC_RAW },
	[X86_OP_PAUSE] = { emul_nop, EXEC_RAW },
	[X86_OP_MOV_FROM_SREG] = { emul_mov_from_sreg, EXEC_DST_W },
	[X86_OP_MOV_TO_SREG] = { emul_mov_to_sreg, EXEC_DST_R },
	[X86_OP_LOAD_FAR] = { emul_load_far, EXEC_RAW },

	[X86_OP_PUSH] = { emul_push, EXEC_DST_R },
	[X86_OP_POP] = { emul_pop, EXEC_RAW },
	[X86_OP_PUSH_SREG] = { emul_push_sreg, EXEC_RAW },
	[X86_OP_POP_SREG] = { emul_pop_sreg, EXEC_RAW },
	[X86_OP_PUSHF] = { emul_pushf, EXEC_RAW },
	[X86_OP_POPF] = { emul_popf, EXEC_RAW },
	[X86_OP_PUSHA] = { emul_pusha, EXEC_RAW },
	[X86_OP_POPA] = { emul_popa, EXEC_RAW },
	[X86_OP_ENTER] = { emul_enter, EXEC_RAW },
	[X86_OP_LEAVE] = { emul_leave, EXEC_RAW },
	[X86_OP_CALL] = { emul_call, EXEC_DST_R },
	[X86_OP_CALL_IND] = { emul_call, EXEC_DST_R },
	[X86_OP_JMP] = { emul_jmp, EXEC_DST_R },
	[X86_OP_JMP_IND] = { emul_jmp, EXEC_DST_R },
	[X86_OP_RET] = { emul_ret, EXEC_RAW },
	[X86_OP_CALL_FAR] = { emul_call_far, EXEC_RAW },
	[X86_OP_JMP_FAR] = { emul_jmp_far, EXEC_RAW },
	[X86_OP_RET_FAR] = { emul_ret_far, EXEC_RAW },
	[X86_OP_JCC] = { emul_jcc, EXEC_RAW },
	[X86_OP_LOOP] = { emul_loop, EXEC_RAW },
	[X86_OP_JCXZ] = { emul_loop, EXEC_RAW },
	[X86_OP_LAHF ... X86_OP_STD] = { emul_flag_insn, EXEC_RAW },
	[X86_OP_CLI] = { emul_if_insn, EXEC_RAW },
	[X86_OP_STI] = { emul_if_insn, EXEC_RAW },

	[X86_OP_MOVS ... X86_OP_OUTS] = { emul_string, EXEC_RAW },
	[X86_OP_IN] = { emul_in, EXEC_RAW },
	[X86_OP_OUT] = { emul_out, EXEC_RAW },
	[X86_OP_MOV_FROM_CR ... X86_OP_MOV_TO_DR] = { emul_mov_cr_dr, EXEC_RAW },
	[X86_OP_CLTS] = { emul_clts, EXEC_RAW },
	[X86_OP_SMSW] = { emul_smsw, EXEC_DST_W },
	[X86_OP_LMSW] = { emul_lmsw, EXEC_DST_R },
	[X86_OP_INVLPG] = { emul_invlpg, EXEC_RAW },
	[X86_OP_SSE] = { emul_sse, EXEC_RAW },
};

static void operand_reg(struct x86_operand *op, unsigned int reg, unsigned int bytes)
{
	op->kind = OPERAND_REG;
	op->reg = reg;
	op->bytes = bytes;
}

static void operand_imm(struct x86_operand *op, u64 val, unsigned int bytes)
{
	op->kind = OPERAND_IMM;
	op->val = val;
	op->bytes = bytes;
}

static void operand_mem(struct x86_emul *e, struct x86_operand *op, u64 ea, unsigned int bytes)
{
	op->kind = OPERAND_MEM;
	op->seg = e->insn.seg;
	op->ea = ea;
	op->bytes = bytes;
}

static void operand_rm(struct x86_emul *e, struct x86_operand *op, unsigned int bytes)
{
	if (e->insn.flags & X86_INSN_MEM)
		operand_mem(e, op, emul_ea(e), bytes);
	else
		operand_reg(op, e->insn.rm, bytes);
}

/* Where the operands are, by the form of the encoding. */
static void find_operands(struct x86_emul *e)
{
	const struct x86_insn *insn = &e->insn;
	unsigned int bytes = insn->op_size, src_bytes = bytes;

	e->dst.kind = OPERAND_NONE;
	e->src.kind = OPERAND_NONE;
	switch (insn->form) {
	case X86_FORM_A_I:
		operand_imm(&e->src, insn->imm, bytes);
		fallthrough;
	case X86_FORM_A:
		operand_reg(&e->dst, X86_RAX, bytes);
		break;
	case X86_FORM_A_MOFFS:
		operand_reg(&e->dst, X86_RAX, bytes);
		operand_mem(e, &e->src, emul_ea(e), bytes);
		break;
	case X86_FORM_MOFFS_A:
		operand_mem(e, &e->dst, emul_ea(e), bytes);
		operand_reg(&e->src, X86_RAX, bytes);
		break;
	case X86_FORM_O_I:
		operand_imm(&e->src, insn->imm, bytes);
		operand_reg(&e->dst, insn->rm, bytes);
		break;
	case X86_FORM_O_A:
		operand_reg(&e->src, X86_RAX, bytes);
		operand_reg(&e->dst, insn->rm, bytes);
		break;
	case X86_FORM_O:
		operand_reg(&e->dst, insn->rm, bytes);
		break;
	case X86_FORM_I:
		operand_imm(&e->dst, insn->imm, bytes);
		break;
	case X86_FORM_E:
		operand_rm(e, &e->dst, bytes);
		break;
	case X86_FORM_E_G:
	case X86_FORM_E_G_I:
	case X86_FORM_E_G_CL:
		operand_rm(e, &e->dst, bytes);
		operand_reg(&e->src, insn->reg, bytes);
		break;
	case X86_FORM_G_E8:
		src_bytes = 1;
		goto reg_rm;
	case X86_FORM_G_E16:
		src_bytes = 2;
		goto reg_rm;
	case X86_FORM_G_E32:
		src_bytes = min(bytes, 4u);
		goto reg_rm;
	case X86_FORM_G_E:
	case X86_FORM_G_E_I:
reg_rm:
		operand_reg(&e->dst, insn->reg, bytes);
		operand_rm(e, &e->src, src_bytes);
		break;
	case X86_FORM_E_I:
		operand_rm(e, &e->dst, bytes);
		operand_imm(&e->src, insn->imm, bytes);
		break;
	case X86_FORM_E_1:
		operand_rm(e, &e->dst, bytes);
		operand_imm(&e->src, 1, 1);
		break;
	case X86_FORM_E_CL:
		operand_rm(e, &e->dst, bytes);
		operand_imm(&e->src, e->regs->gpr[X86_RCX] & 0xff, 1);
		break;
	}
}

/* Operations whose operands differ from what the encoding's form says. */
static void adjust_operands(struct x86_emul *e)
{
	struct x86_operand *dst = &e->dst;
	s64 offset;

	switch (e->insn.op) {
	case X86_OP_BT ... X86_OP_BTC:
		/* With the bit number in a register, memory is one long string of bits. */
		if (dst->kind != OPERAND_MEM || e->insn.form != X86_FORM_E_G)
			break;
		offset = emul_sign_extend(emul_get_reg(e, e->src.reg, dst->bytes), dst->bytes);
		offset >>= 3;
		dst->ea += offset & ~(s64)(dst->bytes - 1);
		dst->ea &= x86_size_mask(e->insn.addr_size);
		break;
	case X86_OP_CRC32:
		dst->bytes = max(dst->bytes, (u8)4);
		break;
	case X86_OP_MOV_FROM_SREG:
	case X86_OP_SMSW:
		if (dst->kind == OPERAND_MEM)
			dst->bytes = 2;
		break;
	case X86_OP_MOV_TO_SREG:
	case X86_OP_LMSW:
		dst->bytes = 2;
		break;
	}
}

/* Check a memory operand's segment, and load the value when it is wanted. */
static enum x86_emul_result load_operand(struct x86_emul *e, struct x86_operand *op, bool read,
					 bool write)
{
	unsigned int access = write ? X86_ACCESS_WRITE : 0;
	enum x86_emul_result res;

	switch (op->kind) {
	case OPERAND_REG:
		op->val = emul_get_reg(e, op->reg, op->bytes);
		return X86_EMUL_OK;
	case OPERAND_MEM:
		res = emul_linearize(e, op->seg, op->ea, op->bytes, access, &op->linear);
		if (res || !read)
			return res;
		op->val = 0;
		return emul_read(e, op->linear, &op->val, op->bytes, access);
	default:
		return X86_EMUL_OK;
	}
}

static enum x86_emul_result store_operand(struct x86_emul *e, struct x86_operand *op)
{
	switch (op->kind) {
	case OPERAND_REG:
		emul_set_reg(e, op->reg, op->bytes, op->val);
		return X86_EMUL_OK;
	case OPERAND_MEM:
		return emul_write(e, op->linear, &op->val, op->bytes);
	default:
		return X86_EMUL_OK;
	}
}

/* A read-modify-write that other CPUs must see as one: compute until nobody interfered. */
static enum x86_emul_result run_locked(struct x86_emul *e, const struct x86_exec *exec)
{
	struct x86_operand dst = e->dst, src = e->src;
	u64 flags = e->flags, old;
	enum x86_emul_result res;
	unsigned int tries;

	for (tries = 0; tries < MAX_LOCKED_TRIES; tries++) {
		res = exec->handler(e);
		if (res)
			return res;
		old = dst.val;
		res = emul_cmpxchg(e, dst.linear, &old, &e->dst.val, dst.bytes);
		if (res || old == dst.val)
			return res;
		dst.val = old;
		e->dst = dst;
		e->src = src;
		e->flags = flags;
	}
	return X86_EMUL_CONTINUE;
}

/* XCHG with memory is locked without a prefix. */
static bool is_locked(const struct x86_emul *e)
{
	return e->dst.kind == OPERAND_MEM &&
	       ((e->insn.flags & X86_INSN_LOCK) || e->insn.op == X86_OP_XCHG);
}

static enum x86_emul_result run_insn(struct x86_emul *e, const struct x86_exec *exec)
{
	enum x86_emul_result res;

	if (exec->access & EXEC_RAW)
		return exec->handler(e);

	find_operands(e);
	adjust_operands(e);
	/* XCHG reg, mem comes as E_G as well, so only the source of G_E forms reads memory. */
	res = load_operand(e, &e->src, exec->access & EXEC_SRC_R, false);
	if (res)
		return res;
	res = load_operand(e, &e->dst, exec->access & EXEC_DST_R, exec->access & EXEC_DST_W);
	if (res)
		return res;

	if (is_locked(e) && (exec->access & EXEC_DST_W)) {
		res = run_locked(e, exec);
		if (res)
			return res;
	} else {
		res = exec->handler(e);
		if (res)
			return res;
		if (exec->access & EXEC_DST_W) {
			res = store_operand(e, &e->dst);
			if (res)
				return res;
		}
	}
	if (exec->access & EXEC_SRC_W)
		return store_operand(e, &e->src);
	return X86_EMUL_OK;
}

/* How many bytes behind @done may still be fetched in one go: page and CS limit. */
static enum x86_emul_result fetch_more(struct x86_emul *e, unsigned int done, unsigned int *got)
{
	unsigned int bytes = X86_MAX_INSN_BYTES - done, room;
	u64 rip = e->regs->rip + done, linear;
	enum x86_emul_result res;

	if (emul_long64(e)) {
		linear = rip;
		if (!emul_is_canonical(e, linear))
			return emul_raise(e, X86_TRAP_GP, 0);
	} else {
		const struct x86_segment *cs = e->ops->segment(e, X86_SEG_CS);

		rip &= 0xffffffff;
		if (rip > cs->limit)
			return emul_raise(e, X86_TRAP_GP, 0);
		bytes = min(bytes, (unsigned int)min(cs->limit - rip + 1, 15ULL));
		linear = emul_wrap(e, cs->base + rip);
	}
	room = EMUL_PAGE_BYTES - (linear & (EMUL_PAGE_BYTES - 1));
	bytes = min(bytes, room);
	res = e->ops->fetch(e, linear, e->bytes + done, bytes);
	*got = bytes;
	return res;
}

static enum x86_emul_result fetch_and_decode(struct x86_emul *e)
{
	unsigned int have = min(e->nr_bytes, (u8)X86_MAX_INSN_BYTES), got;
	enum x86_decode_result decoded = X86_DECODE_MORE;
	enum x86_emul_result res;

	e->nr_bytes = 0;
	for (;;) {
		if (have)
			decoded = x86_decode(&e->insn, e->bytes, have, e->mode);
		if (decoded != X86_DECODE_MORE)
			break;
		res = fetch_more(e, have, &got);
		if (res)
			return res;
		have += got;
	}
	if (decoded == X86_DECODE_UD)
		return emul_raise(e, X86_TRAP_UD, 0);
	if (decoded == X86_DECODE_TOO_LONG)
		return emul_raise(e, X86_TRAP_GP, 0);
	return X86_EMUL_OK;
}

enum x86_emul_result x86_emulate(struct x86_emul *e)
{
	u64 old_flags = e->regs->rflags;
	const struct x86_exec *exec;
	enum x86_emul_result res;

	e->single_step = false;
	e->shadow = 0;
	res = fetch_and_decode(e);
	if (res)
		return res;
	exec = &exec_table[e->insn.op];
	if (!exec->handler)
		return X86_EMUL_UNHANDLEABLE;

	e->flags = old_flags;
	e->next_rip = emul_wrap(e, e->regs->rip + e->insn.length);
	res = run_insn(e, exec);
	if (res)
		return res;

	e->regs->rip = e->next_rip;
	e->regs->rflags = e->flags & ~(u64)X86_EFLAGS_RF;
	/* MOV SS holds the single-step trap off until the next instruction. */
	e->single_step = (old_flags & X86_EFLAGS_TF) && !(e->shadow & X86_SHADOW_MOV_SS);
	return X86_EMUL_OK;
}
