// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack, near branches, and instructions that change flags.
 */
#include "x86_emulate_priv.h"

/* What POPF may change at any privilege. */
#define POPF_FLAGS                                                                          \
	(EMUL_ARITH_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC | \
	 X86_EFLAGS_ID)

/* The bits of rSP that count; the others stay. */
static u64 stack_mask(struct x86_emul *e)
{
	if (emul_long64(e))
		return ~0ULL;
	return e->ops->segment(e, X86_SEG_SS)->attrib & X86_SEG_DB ? 0xffffffff : 0xffff;
}

static void set_stack_pointer(struct x86_emul *e, u64 sp)
{
	u64 mask = stack_mask(e);

	e->regs->gpr[X86_RSP] = (e->regs->gpr[X86_RSP] & ~mask) | (sp & mask);
}

static enum x86_emul_result write_stack(struct x86_emul *e, u64 sp, u64 val, unsigned int bytes)
{
	enum x86_emul_result res;
	u64 linear;

	res = emul_linearize(e, X86_SEG_SS, sp & stack_mask(e), bytes, X86_ACCESS_WRITE, &linear);
	return res ? res : emul_write(e, linear, &val, bytes);
}

/* Push and move rSP. Nothing that fails may follow. */
static enum x86_emul_result push_value(struct x86_emul *e, u64 val, unsigned int bytes)
{
	u64 sp = e->regs->gpr[X86_RSP] - bytes;
	enum x86_emul_result res = write_stack(e, sp, val, bytes);

	if (!res)
		set_stack_pointer(e, sp);
	return res;
}

/* Read what a pop from @sp gives; the caller moves rSP. */
static enum x86_emul_result read_stack(struct x86_emul *e, u64 sp, u64 *val, unsigned int bytes)
{
	*val = 0;
	return emul_read_seg(e, X86_SEG_SS, sp & stack_mask(e), val, bytes);
}

/* Would @count pushes of @bytes each fault, the topmost of which ends at @sp? */
static enum x86_emul_result probe_pushes(struct x86_emul *e, u64 sp, unsigned int count,
					 unsigned int bytes)
{
	enum x86_emul_result res;
	u64 linear;

	while (count--) {
		sp -= bytes;
		res = emul_linearize(e, X86_SEG_SS, sp & stack_mask(e), bytes, X86_ACCESS_WRITE,
				     &linear);
		if (!res)
			res = emul_probe(e, linear, bytes, X86_ACCESS_WRITE);
		if (res)
			return res;
	}
	return X86_EMUL_OK;
}

enum x86_emul_result emul_push_all(struct x86_emul *e, const u64 *vals, unsigned int count,
				   unsigned int bytes)
{
	u64 sp = e->regs->gpr[X86_RSP];
	enum x86_emul_result res;

	res = probe_pushes(e, sp, count, bytes);
	for (unsigned int i = 0; i < count && !res; i++) {
		sp -= bytes;
		res = write_stack(e, sp, vals[i], bytes);
	}
	if (!res)
		set_stack_pointer(e, sp);
	return res;
}

enum x86_emul_result emul_peek_all(struct x86_emul *e, u64 *vals, unsigned int count,
				   unsigned int bytes)
{
	u64 sp = e->regs->gpr[X86_RSP];
	enum x86_emul_result res;

	for (unsigned int i = 0; i < count; i++, sp += bytes) {
		res = read_stack(e, sp, &vals[i], bytes);
		if (res)
			return res;
	}
	return X86_EMUL_OK;
}

void emul_drop(struct x86_emul *e, u64 bytes)
{
	set_stack_pointer(e, e->regs->gpr[X86_RSP] + bytes);
}

/* Set the address of the next instruction, after the checks of a near branch. */
static enum x86_emul_result branch_to(struct x86_emul *e, u64 target)
{
	target &= x86_size_mask(e->insn.op_size);
	if (emul_long64(e)) {
		if (!emul_is_canonical(e, target))
			return emul_raise(e, X86_TRAP_GP, 0);
	} else if (target > e->ops->segment(e, X86_SEG_CS)->limit) {
		return emul_raise(e, X86_TRAP_GP, 0);
	}
	e->next_rip = target;
	return X86_EMUL_OK;
}

enum x86_emul_result emul_push(struct x86_emul *e)
{
	return push_value(e, e->dst.val, e->insn.op_size);
}

enum x86_emul_result emul_pop(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 sp = e->regs->gpr[X86_RSP], val, ea, linear;
	enum x86_emul_result res;

	res = read_stack(e, sp, &val, bytes);
	if (res)
		return res;
	if (!(e->insn.flags & X86_INSN_MEM)) {
		set_stack_pointer(e, sp + bytes);
		emul_set_reg(e, e->insn.rm, bytes, val);
		return X86_EMUL_OK;
	}

	/* An address based on rSP uses it as it is after the pop. */
	ea = emul_ea(e);
	if (e->insn.base == X86_RSP)
		ea = (ea + bytes) & x86_size_mask(e->insn.addr_size);
	res = emul_linearize(e, e->insn.seg, ea, bytes, X86_ACCESS_WRITE, &linear);
	if (res)
		return res;
	res = emul_write(e, linear, &val, bytes);
	if (res)
		return res;
	set_stack_pointer(e, sp + bytes);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_push_sreg(struct x86_emul *e)
{
	return push_value(e, e->ops->segment(e, e->insn.reg)->selector, e->insn.op_size);
}

enum x86_emul_result emul_pop_sreg(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 sp = e->regs->gpr[X86_RSP], val;
	enum x86_emul_result res;

	res = read_stack(e, sp, &val, bytes);
	if (res)
		return res;
	res = emul_load_segment(e, e->insn.reg, val);
	if (res)
		return res;
	set_stack_pointer(e, sp + bytes);
	return X86_EMUL_OK;
}

/* In virtual-8086 mode the flags belong to the monitor unless IOPL is 3. */
static bool flags_are_trapped(const struct x86_emul *e)
{
	return e->mode == X86_MODE_VM86 && emul_iopl(e) < 3;
}

enum x86_emul_result emul_pushf(struct x86_emul *e)
{
	u64 image = e->flags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_RF);

	if (flags_are_trapped(e))
		return emul_raise(e, X86_TRAP_GP, 0);
	return push_value(e, image, e->insn.op_size);
}

enum x86_emul_result emul_popf(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 sp = e->regs->gpr[X86_RSP], image, change = POPF_FLAGS;
	enum x86_emul_result res;

	if (flags_are_trapped(e))
		return emul_raise(e, X86_TRAP_GP, 0);
	res = read_stack(e, sp, &image, bytes);
	if (res)
		return res;
	if (e->mode == X86_MODE_REAL16 || e->cpl == 0)
		change |= X86_EFLAGS_IOPL;
	if (e->mode == X86_MODE_REAL16 || e->cpl <= emul_iopl(e))
		change |= X86_EFLAGS_IF;
	change &= x86_size_mask(bytes);
	e->flags = (e->flags & ~change) | (image & change);
	set_stack_pointer(e, sp + bytes);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_leave(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 sp = e->regs->gpr[X86_RBP], val;
	enum x86_emul_result res;

	res = read_stack(e, sp, &val, bytes);
	if (res)
		return res;
	set_stack_pointer(e, sp + bytes);
	emul_set_reg(e, X86_RBP, bytes, val);
	return X86_EMUL_OK;
}

/* In the order of their numbers; rSP as it was before, and not loaded on the way back. */
enum x86_emul_result emul_pusha(struct x86_emul *e)
{
	return emul_push_all(e, e->regs->gpr, 8, e->insn.op_size);
}

enum x86_emul_result emul_popa(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	enum x86_emul_result res;
	u64 vals[8];

	res = emul_peek_all(e, vals, ARRAY_SIZE(vals), bytes);
	if (res)
		return res;
	for (unsigned int i = 0; i < ARRAY_SIZE(vals); i++)
		if (X86_RDI - i != X86_RSP)
			emul_set_reg(e, X86_RDI - i, bytes, vals[i]);
	emul_drop(e, ARRAY_SIZE(vals) * bytes);
	return X86_EMUL_OK;
}

/* SDM "ENTER—Make Stack Frame for Procedure Parameters": frame pointers of the outer levels. */
enum x86_emul_result emul_enter(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size, levels = e->insn.imm2 & 31;
	u64 bp = e->regs->gpr[X86_RBP], sp = e->regs->gpr[X86_RSP] - bytes, frame = sp, val;
	enum x86_emul_result res = write_stack(e, sp, bp, bytes);

	for (unsigned int i = 1; i < levels && !res; i++) {
		bp -= bytes;
		sp -= bytes;
		res = read_stack(e, bp, &val, bytes);
		if (!res)
			res = write_stack(e, sp, val, bytes);
	}
	if (levels && !res) {
		sp -= bytes;
		res = write_stack(e, sp, frame, bytes);
	}
	sp -= e->insn.imm;
	/* nothing is written to the new top, but it must be possible */
	if (!res)
		res = probe_pushes(e, sp + bytes, 1, bytes);
	if (res)
		return res;
	set_stack_pointer(e, sp);
	emul_set_reg(e, X86_RBP, bytes, frame);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_jmp(struct x86_emul *e)
{
	u64 target = e->dst.val;

	if (e->insn.op == X86_OP_JMP)
		target += e->next_rip;
	return branch_to(e, target);
}

enum x86_emul_result emul_call(struct x86_emul *e)
{
	u64 return_to = e->next_rip, target = e->dst.val;
	enum x86_emul_result res;

	if (e->insn.op == X86_OP_CALL)
		target += e->next_rip;
	res = branch_to(e, target);
	if (res)
		return res;
	return push_value(e, return_to, e->insn.op_size);
}

enum x86_emul_result emul_ret(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 sp = e->regs->gpr[X86_RSP], target;
	enum x86_emul_result res;

	res = read_stack(e, sp, &target, bytes);
	if (res)
		return res;
	res = branch_to(e, target);
	if (res)
		return res;
	set_stack_pointer(e, sp + bytes + e->insn.imm);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_jcc(struct x86_emul *e)
{
	if (!emul_condition(e, e->insn.opcode))
		return X86_EMUL_OK;
	return branch_to(e, e->next_rip + e->insn.imm);
}

/* LOOPNE, LOOPE, LOOP and JCXZ; the counter's width is the address size. */
enum x86_emul_result emul_loop(struct x86_emul *e)
{
	unsigned int bytes = e->insn.addr_size;
	u64 count = emul_get_reg(e, X86_RCX, bytes);
	bool taken, zf = e->flags & X86_EFLAGS_ZF;
	enum x86_emul_result res;

	if (e->insn.op == X86_OP_JCXZ) {
		taken = !count;
	} else {
		count--;
		taken = count & x86_size_mask(bytes);
		if (e->insn.opcode == 0xe0)
			taken = taken && !zf;
		else if (e->insn.opcode == 0xe1)
			taken = taken && zf;
	}
	if (taken) {
		res = branch_to(e, e->next_rip + e->insn.imm);
		if (res)
			return res;
	}
	if (e->insn.op == X86_OP_LOOP)
		emul_set_reg(e, X86_RCX, bytes, count);
	return X86_EMUL_OK;
}

/* Flag instructions that are never refused. */
enum x86_emul_result emul_flag_insn(struct x86_emul *e)
{
	const u64 ah_flags = EMUL_ARITH_FLAGS & ~X86_EFLAGS_OF;
	u64 *rax = &e->regs->gpr[X86_RAX];

	switch (e->insn.op) {
	case X86_OP_LAHF:
		*rax = (*rax & ~0xff00ULL) | ((e->flags & ah_flags) | X86_EFLAGS_FIXED) << 8;
		break;
	case X86_OP_SAHF:
		e->flags = (e->flags & ~ah_flags) | (*rax >> 8 & ah_flags);
		break;
	case X86_OP_CMC:
		e->flags ^= X86_EFLAGS_CF;
		break;
	case X86_OP_CLC:
		e->flags &= ~(u64)X86_EFLAGS_CF;
		break;
	case X86_OP_STC:
		e->flags |= X86_EFLAGS_CF;
		break;
	case X86_OP_CLD:
		e->flags &= ~(u64)X86_EFLAGS_DF;
		break;
	case X86_OP_STD:
		e->flags |= X86_EFLAGS_DF;
		break;
	}
	return X86_EMUL_OK;
}

/* CLI and STI. With VME or PVI they would touch VIF; that is left to the hardware. */
enum x86_emul_result emul_if_insn(struct x86_emul *e)
{
	if (e->mode != X86_MODE_REAL16 && e->cpl > emul_iopl(e)) {
		if (e->cr4 & (X86_CR4_VME | X86_CR4_PVI))
			return X86_EMUL_UNHANDLEABLE;
		return emul_raise(e, X86_TRAP_GP, 0);
	}
	if (e->insn.op == X86_OP_CLI) {
		e->flags &= ~(u64)X86_EFLAGS_IF;
		return X86_EMUL_OK;
	}
	if (!(e->flags & X86_EFLAGS_IF))
		e->shadow = X86_SHADOW_STI;
	e->flags |= X86_EFLAGS_IF;
	return X86_EMUL_OK;
}
