// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports, and the control-register instructions whose operands the hardware does not
 * decode for us. What a control register may hold is the ops' business.
 */
#include "x86_emulate_priv.h"

#define TSS_TYPE_32BIT BIT(3)
#define TSS_IO_MAP_BASE 102u

/*
 * SDM "I/O Permission Bit Map": CPL 0 to IOPL may use all ports; others, and
 * virtual-8086 mode always, ask the bitmap in the TSS.
 */
enum x86_emul_result emul_check_port(struct x86_emul *e, u16 port, unsigned int bytes)
{
	const struct x86_segment *tr;
	enum x86_emul_result res;
	u16 base, bits;
	u32 offset;

	if (e->mode == X86_MODE_REAL16)
		return X86_EMUL_OK;
	if (e->mode != X86_MODE_VM86 && e->cpl <= emul_iopl(e))
		return X86_EMUL_OK;

	tr = e->ops->segment(e, X86_SEG_TR);
	if (!(tr->attrib & X86_SEG_P) || !(tr->attrib & TSS_TYPE_32BIT) ||
	    tr->limit < TSS_IO_MAP_BASE + 1)
		return emul_raise(e, X86_TRAP_GP, 0);
	res = emul_read(e, tr->base + TSS_IO_MAP_BASE, &base, 2, X86_ACCESS_IMPLICIT);
	if (res)
		return res;
	/* Two bytes are always looked at: an access may reach into the second. */
	offset = base + port / 8;
	if (offset + 1 > tr->limit)
		return emul_raise(e, X86_TRAP_GP, 0);
	res = emul_read(e, tr->base + offset, &bits, 2, X86_ACCESS_IMPLICIT);
	if (res)
		return res;
	if (bits >> (port & 7) & (BIT(bytes) - 1))
		return emul_raise(e, X86_TRAP_GP, 0);
	return X86_EMUL_OK;
}

static u16 port_operand(const struct x86_emul *e)
{
	return e->insn.form == X86_FORM_A_I ? (u8)e->insn.imm : (u16)e->regs->gpr[X86_RDX];
}

enum x86_emul_result emul_in(struct x86_emul *e)
{
	unsigned int bytes = min(e->insn.op_size, (u8)4);
	u16 port = port_operand(e);
	enum x86_emul_result res;
	u32 val = 0;

	res = emul_check_port(e, port, bytes);
	if (res)
		return res;
	res = e->ops->io_in(e, port, bytes, 1, &val);
	if (res)
		return res;
	emul_set_reg(e, X86_RAX, bytes, val);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_out(struct x86_emul *e)
{
	unsigned int bytes = min(e->insn.op_size, (u8)4);
	u32 val = e->regs->gpr[X86_RAX] & x86_size_mask(bytes);
	u16 port = port_operand(e);
	enum x86_emul_result res;

	res = emul_check_port(e, port, bytes);
	if (res)
		return res;
	return e->ops->io_out(e, port, bytes, 1, &val);
}

static enum x86_emul_result require_cpl0(struct x86_emul *e)
{
	if (e->mode != X86_MODE_REAL16 && e->cpl)
		return emul_raise(e, X86_TRAP_GP, 0);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_mov_cr_dr(struct x86_emul *e)
{
	const struct x86_emul_ops *ops = e->ops;
	unsigned int nr = e->insn.reg, bytes = e->insn.op_size;
	enum x86_emul_result res, (*get)(struct x86_emul *, unsigned int, u64 *);
	enum x86_emul_result (*set)(struct x86_emul *, unsigned int, u64);
	bool is_cr = e->insn.op == X86_OP_MOV_FROM_CR || e->insn.op == X86_OP_MOV_TO_CR;
	u64 val;

	get = is_cr ? ops->get_cr : ops->get_dr;
	set = is_cr ? ops->set_cr : ops->set_dr;
	if (!get || !set)
		return X86_EMUL_UNHANDLEABLE;
	res = require_cpl0(e);
	if (res)
		return res;

	if (e->insn.op == X86_OP_MOV_TO_CR || e->insn.op == X86_OP_MOV_TO_DR)
		return set(e, nr, emul_get_reg(e, e->insn.rm, bytes));
	res = get(e, nr, &val);
	if (res)
		return res;
	emul_set_reg(e, e->insn.rm, bytes, val);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_clts(struct x86_emul *e)
{
	enum x86_emul_result res = require_cpl0(e);

	if (res)
		return res;
	if (!e->ops->set_cr)
		return X86_EMUL_UNHANDLEABLE;
	return e->ops->set_cr(e, 0, e->cr0 & ~(u64)X86_CR0_TS);
}

enum x86_emul_result emul_smsw(struct x86_emul *e)
{
	if ((e->cr4 & X86_CR4_UMIP) && e->mode != X86_MODE_REAL16 && e->cpl)
		return emul_raise(e, X86_TRAP_GP, 0);
	e->dst.val = e->cr0;
	return X86_EMUL_OK;
}

/* LMSW sets PE, MP, EM and TS; it can set PE but not clear it. */
enum x86_emul_result emul_lmsw(struct x86_emul *e)
{
	const u64 mask = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
	enum x86_emul_result res = require_cpl0(e);

	if (res)
		return res;
	if (!e->ops->set_cr)
		return X86_EMUL_UNHANDLEABLE;
	return e->ops->set_cr(e, 0, (e->cr0 & ~mask) | (e->dst.val & (mask | X86_CR0_PE)));
}

/* Neither limit nor canonical form is checked: a useless address is no fault. */
enum x86_emul_result emul_invlpg(struct x86_emul *e)
{
	enum x86_emul_result res = require_cpl0(e);
	u64 linear = emul_ea(e);
	unsigned int seg = e->insn.seg;

	if (res)
		return res;
	if (!e->ops->invlpg)
		return X86_EMUL_UNHANDLEABLE;
	if (!emul_long64(e) || seg == X86_SEG_FS || seg == X86_SEG_GS)
		linear = emul_wrap(e, linear + e->ops->segment(e, seg)->base);
	return e->ops->invlpg(e, linear);
}
