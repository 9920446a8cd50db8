// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack, near branches, and instructions that change flags or segment registers.
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

/* Push and move rSP. Nothing that fails may follow. */
static enum x86_emul_result push_value(struct x86_emul *e, u64 val, unsigned int bytes)
{
	u64 sp = (e->regs->gpr[X86_RSP] - bytes) & stack_mask(e), linear;
	enum x86_emul_result res;

	res = emul_linearize(e, X86_SEG_SS, sp, bytes, X86_ACCESS_WRITE, &linear);
	if (res)
		return res;
	res = emul_write(e, linear, &val, bytes);
	if (res)
		return res;
	set_stack_pointer(e, sp);
	return X86_EMUL_OK;
}

/* Read what a pop from @sp gives; the caller moves rSP. */
static enum x86_emul_result read_stack(struct x86_emul *e, u64 sp, u64 *val, unsigned int bytes)
{
	*val = 0;
	return emul_read_seg(e, X86_SEG_SS, sp & stack_mask(e), val, bytes);
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

/*
 * Load a segment register. Protected mode would need the descriptor tables; nobody
 * keeps selectors in device memory, so only the modes without descriptors are here.
 */
enum x86_emul_result emul_load_segment(struct x86_emul *e, unsigned int seg, u16 selector)
{
	struct x86_segment val;

	if ((e->mode != X86_MODE_REAL16 && e->mode != X86_MODE_VM86) || !e->ops->set_segment)
		return X86_EMUL_UNHANDLEABLE;
	val = *e->ops->segment(e, seg);
	val.selector = selector;
	val.base = (u32)selector << 4;
	e->ops->set_segment(e, seg, &val);
	if (seg == X86_SEG_SS)
		e->shadow = X86_SHADOW_MOV_SS;
	return X86_EMUL_OK;
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
