// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves, conversions and exchanges. A handler that is not EXEC_RAW finds its operands
 * loaded and leaves the results in them.
 */
#include "x86_emulate_priv.h"

enum x86_emul_result emul_mov(struct x86_emul *e)
{
	e->dst.val = e->src.val;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_movsx(struct x86_emul *e)
{
	e->dst.val = emul_sign_extend(e->src.val, e->src.bytes);
	return X86_EMUL_OK;
}

/* BSWAP and MOVBE. BSWAP of a word is undefined and gives 0. */
enum x86_emul_result emul_bswap(struct x86_emul *e)
{
	bool bswap = e->insn.op == X86_OP_BSWAP;
	u64 val = bswap ? e->dst.val : e->src.val;

	switch (e->dst.bytes) {
	case 2:
		e->dst.val = bswap ? 0 : __builtin_bswap16(val);
		break;
	case 4:
		e->dst.val = __builtin_bswap32(val);
		break;
	default:
		e->dst.val = __builtin_bswap64(val);
		break;
	}
	return X86_EMUL_OK;
}

enum x86_emul_result emul_lea(struct x86_emul *e)
{
	emul_set_reg(e, e->insn.reg, e->insn.op_size, emul_ea(e));
	return X86_EMUL_OK;
}

enum x86_emul_result emul_xlat(struct x86_emul *e)
{
	const u64 *gpr = e->regs->gpr;
	enum x86_emul_result res;
	u64 ea;
	u8 val;

	ea = (gpr[X86_RBX] + (gpr[X86_RAX] & 0xff)) & x86_size_mask(e->insn.addr_size);
	res = emul_read_seg(e, e->insn.seg, ea, &val, 1);
	if (res)
		return res;
	emul_set_reg(e, X86_RAX, 1, val);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_xchg(struct x86_emul *e)
{
	u64 val = e->dst.val;

	e->dst.val = e->src.val;
	e->src.val = val;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_xadd(struct x86_emul *e)
{
	u64 old = e->dst.val;

	alu_add(e);
	e->src.val = old;
	/* XADD of a register with itself: the sum wins. */
	if (e->dst.kind == OPERAND_REG && e->dst.reg == e->src.reg)
		e->src.kind = OPERAND_NONE;
	return X86_EMUL_OK;
}

/*
 * The destination is written either way, as on the bus. The source becomes what
 * else is written: rAX after a mismatch, nothing after a match.
 */
enum x86_emul_result emul_cmpxchg_insn(struct x86_emul *e)
{
	u64 acc = emul_get_reg(e, X86_RAX, e->dst.bytes);

	if (alu_sub_sets_zf(e, acc, e->dst.val, e->dst.bytes)) {
		e->dst.val = e->src.val;
		e->src.kind = OPERAND_NONE;
		return X86_EMUL_OK;
	}
	e->src.val = e->dst.val;
	e->src.reg = X86_RAX;
	if (e->dst.kind == OPERAND_REG)
		e->dst.kind = OPERAND_NONE;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_cmpxchg8b(struct x86_emul *e)
{
	unsigned int half = e->insn.op_size == 8 ? 8 : 4;
	u64 *gpr = e->regs->gpr, linear;
	u64 expect[2], new[2], found[2] = { 0, 0 };
	enum x86_emul_result res;
	u8 old_image[16], new_image[16], found_image[16];
	bool equal;

	res = emul_linearize(e, e->insn.seg, emul_ea(e), 2 * half, X86_ACCESS_WRITE, &linear);
	if (res)
		return res;
	if (half == 8 && (linear & 15))
		return emul_raise(e, X86_TRAP_GP, 0);
	res = emul_read(e, linear, found_image, 2 * half, X86_ACCESS_WRITE);
	if (res)
		return res;

	expect[0] = gpr[X86_RAX] & x86_size_mask(half);
	expect[1] = gpr[X86_RDX] & x86_size_mask(half);
	new[0] = gpr[X86_RBX];
	new[1] = gpr[X86_RCX];
	memcpy(old_image, &expect[0], half);
	memcpy(old_image + half, &expect[1], half);
	memcpy(new_image, &new[0], half);
	memcpy(new_image + half, &new[1], half);

	equal = !memcmp(found_image, old_image, 2 * half);
	res = emul_cmpxchg(e, linear, found_image, equal ? new_image : found_image, 2 * half);
	if (res)
		return res;
	/* Somebody was faster: what is there now decides. */
	equal = equal && !memcmp(found_image, old_image, 2 * half);

	e->flags &= ~(u64)X86_EFLAGS_ZF;
	if (equal) {
		e->flags |= X86_EFLAGS_ZF;
		return X86_EMUL_OK;
	}
	memcpy(&found[0], found_image, half);
	memcpy(&found[1], found_image + half, half);
	gpr[X86_RAX] = emul_merge(gpr[X86_RAX], found[0], half);
	gpr[X86_RDX] = emul_merge(gpr[X86_RDX], found[1], half);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_setcc(struct x86_emul *e)
{
	e->dst.val = emul_condition(e, e->insn.opcode);
	return X86_EMUL_OK;
}

/* The source is read whatever the condition, and a 32-bit destination is extended. */
enum x86_emul_result emul_cmovcc(struct x86_emul *e)
{
	if (emul_condition(e, e->insn.opcode))
		e->dst.val = e->src.val;
	return X86_EMUL_OK;
}

/* CBW, CWDE, CDQE. */
enum x86_emul_result emul_cbw(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;

	emul_set_reg(e, X86_RAX, bytes, emul_sign_extend(e->regs->gpr[X86_RAX], bytes / 2));
	return X86_EMUL_OK;
}

/* CWD, CDQ, CQO. */
enum x86_emul_result emul_cwd(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;

	emul_set_reg(e, X86_RDX, bytes, emul_sign_extend(e->regs->gpr[X86_RAX], bytes) >> 63);
	return X86_EMUL_OK;
}

/* NOP, PAUSE, prefetches and cache-line flushes: nothing to do for device memory. */
enum x86_emul_result emul_nop(struct x86_emul *e)
{
	(void)e;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_mov_from_sreg(struct x86_emul *e)
{
	e->dst.val = e->ops->segment(e, e->insn.reg)->selector;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_mov_to_sreg(struct x86_emul *e)
{
	return emul_load_segment(e, e->insn.reg, e->dst.val);
}
