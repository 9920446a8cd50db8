// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions. One step is one element, or a batch: for INS and OUTS of elements that
 * lie in one page of RAM, so that a disk sector is one port access; for STOS and MOVS of elements
 * for one page of a device. A step commits rCX, rSI and rDI after its last op; the flags are
 * committed with the instruction, as the manuals ask for it (SDM "REP/REPE/REPZ/REPNE/REPNZ").
 */
#include "x86_emulate_priv.h"

struct string_state {
	unsigned int bytes;
	unsigned int addr_bytes;
	u64 src_ea;
	u64 dst_ea;
	/* Elements of this step, and the most it may have. */
	unsigned int elements;
	unsigned int max_elements;
};

static bool uses_source(unsigned int op)
{
	return op == X86_OP_MOVS || op == X86_OP_CMPS || op == X86_OP_LODS || op == X86_OP_OUTS;
}

static bool uses_destination(unsigned int op)
{
	return op == X86_OP_MOVS || op == X86_OP_CMPS || op == X86_OP_STOS || op == X86_OP_SCAS ||
	       op == X86_OP_INS;
}

/*
 * How many elements from @linear on, which lies @ea into @seg, could be accessed at once: all
 * in the same page, and neither the offset wraps nor the segment ends among them. At least 1.
 */
static unsigned int elements_ahead(struct x86_emul *e, const struct string_state *s,
				   unsigned int seg, u64 ea, u64 linear, unsigned int access)
{
	unsigned int room = EMUL_PAGE_BYTES - (linear & (EMUL_PAGE_BYTES - 1));
	unsigned int n = min(s->max_elements, room / s->bytes), bytes = n * s->bytes;
	const struct x86_fault fault = e->fault;
	u64 same;

	if (n < 2 || ((ea + bytes - 1) & ~x86_size_mask(s->addr_bytes)))
		return 1;
	if (!emul_linearize(e, seg, ea, bytes, access, &same))
		return n;
	e->fault = fault;
	return 1;
}

/* Extend the step as far as it is RAM. */
static enum x86_emul_result extend_batch(struct x86_emul *e, struct string_state *s,
					 unsigned int seg, u64 ea, u64 linear, unsigned int access)
{
	unsigned int n = elements_ahead(e, s, seg, ea, linear, access);
	enum x86_emul_result res;
	bool ram;

	s->elements = 1;
	if (n < 2)
		return X86_EMUL_OK;
	res = e->ops->probe(e, linear, n * s->bytes, access, &ram);
	if (res)
		return res;
	if (ram)
		s->elements = n;
	return X86_EMUL_OK;
}

static enum x86_emul_result step_ins(struct x86_emul *e, struct string_state *s)
{
	u16 port = e->regs->gpr[X86_RDX];
	unsigned int bytes = s->bytes;
	enum x86_emul_result res;
	u64 linear;
	u32 val = 0;

	res = emul_linearize(e, X86_SEG_ES, s->dst_ea, bytes, X86_ACCESS_WRITE, &linear);
	if (res)
		return res;
	res = extend_batch(e, s, X86_SEG_ES, s->dst_ea, linear, X86_ACCESS_WRITE);
	if (res)
		return res;
	if (s->elements > 1) {
		res = e->ops->io_in(e, port, bytes, s->elements, e->io_buf);
		if (res)
			return res;
		return e->ops->write(e, linear, e->io_buf, s->elements * bytes);
	}

	/* What the device has given must find its place: fault before the read. */
	res = emul_probe(e, linear, bytes, X86_ACCESS_WRITE);
	if (res)
		return res;
	res = e->ops->io_in(e, port, bytes, 1, &val);
	if (res)
		return res;
	return emul_write(e, linear, &val, bytes);
}

static enum x86_emul_result step_outs(struct x86_emul *e, struct string_state *s)
{
	u16 port = e->regs->gpr[X86_RDX];
	unsigned int bytes = s->bytes;
	enum x86_emul_result res;
	u64 linear;
	u32 val = 0;

	res = emul_linearize(e, e->insn.seg, s->src_ea, bytes, 0, &linear);
	if (res)
		return res;
	res = extend_batch(e, s, e->insn.seg, s->src_ea, linear, 0);
	if (res)
		return res;
	if (s->elements > 1) {
		res = e->ops->read(e, linear, e->io_buf, s->elements * bytes, 0);
		if (res)
			return res;
		return e->ops->io_out(e, port, bytes, s->elements, e->io_buf);
	}

	res = emul_read(e, linear, &val, bytes, 0);
	if (res)
		return res;
	return e->ops->io_out(e, port, bytes, 1, &val);
}

/* To ES:rDI: @count elements at @buf, or one that is written over and over. */
static enum x86_emul_result store(struct x86_emul *e, struct string_state *s, const void *buf,
				  unsigned int stride, unsigned int count)
{
	enum x86_emul_result res;
	u64 linear;

	res = emul_linearize(e, X86_SEG_ES, s->dst_ea, s->bytes, X86_ACCESS_WRITE, &linear);
	if (res)
		return res;
	s->elements = 1;
	if (count > 1)
		count = min(count,
			    elements_ahead(e, s, X86_SEG_ES, s->dst_ea, linear, X86_ACCESS_WRITE));
	if (count < 2 || !e->ops->write_run)
		return emul_write(e, linear, buf, s->bytes);
	s->elements = count;
	return e->ops->write_run(e, linear, buf, s->bytes, stride, &s->elements);
}

static enum x86_emul_result step_movs(struct x86_emul *e, struct string_state *s)
{
	enum x86_emul_result res;
	unsigned int count;
	u64 linear, one;

	res = emul_linearize(e, e->insn.seg, s->src_ea, s->bytes, 0, &linear);
	if (res)
		return res;
	res = extend_batch(e, s, e->insn.seg, s->src_ea, linear, 0);
	if (res)
		return res;
	count = s->elements;
	if (count > 1)
		res = e->ops->read(e, linear, e->io_buf, count * s->bytes, 0);
	else
		res = emul_read(e, linear, &one, s->bytes, 0);
	if (res)
		return res;
	return store(e, s, count > 1 ? e->io_buf : &one, s->bytes, count);
}

/* One element, or one batch, without touching the registers that count. */
static enum x86_emul_result run_step(struct x86_emul *e, struct string_state *s)
{
	unsigned int bytes = s->bytes;
	enum x86_emul_result res;
	u64 a = 0, b = 0;

	s->elements = 1;
	switch (e->insn.op) {
	case X86_OP_INS:
		return step_ins(e, s);
	case X86_OP_OUTS:
		return step_outs(e, s);
	case X86_OP_STOS:
		a = emul_get_reg(e, X86_RAX, bytes);
		return store(e, s, &a, 0, s->max_elements);
	case X86_OP_SCAS:
		a = emul_get_reg(e, X86_RAX, bytes);
		res = emul_read_seg(e, X86_SEG_ES, s->dst_ea, &b, bytes);
		if (res)
			return res;
		alu_sub_sets_zf(e, a, b, bytes);
		return X86_EMUL_OK;
	case X86_OP_CMPS:
		res = emul_read_seg(e, e->insn.seg, s->src_ea, &a, bytes);
		if (res)
			return res;
		res = emul_read_seg(e, X86_SEG_ES, s->dst_ea, &b, bytes);
		if (res)
			return res;
		alu_sub_sets_zf(e, a, b, bytes);
		return X86_EMUL_OK;
	case X86_OP_LODS:
		res = emul_read_seg(e, e->insn.seg, s->src_ea, &a, bytes);
		if (res)
			return res;
		emul_set_reg(e, X86_RAX, bytes, a);
		return X86_EMUL_OK;
	default:
		return step_movs(e, s);
	}
}

static void advance(struct x86_emul *e, const struct string_state *s, unsigned int reg)
{
	s64 delta = (s64)s->elements * s->bytes;

	if (e->flags & X86_EFLAGS_DF)
		delta = -delta;
	emul_set_reg(e, reg, s->addr_bytes, e->regs->gpr[reg] + delta);
}

/* REPE and REPNE end CMPS and SCAS by ZF. */
static bool comparison_ends(const struct x86_emul *e)
{
	bool zf = e->flags & X86_EFLAGS_ZF;

	if (e->insn.op != X86_OP_CMPS && e->insn.op != X86_OP_SCAS)
		return false;
	return e->insn.flags & X86_INSN_REP ? !zf : zf;
}

static bool is_port_string(const struct x86_emul *e)
{
	return e->insn.op == X86_OP_INS || e->insn.op == X86_OP_OUTS;
}

/* Elements for ports go to user space together: they are one step. */
static unsigned int largest_batch(const struct x86_emul *e, unsigned int bytes, u64 count,
				  unsigned int steps)
{
	if (!e->io_buf || (e->flags & (X86_EFLAGS_DF | X86_EFLAGS_TF)))
		return 1;
	if (!is_port_string(e))
		count = min(count, (u64)steps);
	return min(count, (u64)e->io_buf_bytes / bytes);
}

enum x86_emul_result emul_string(struct x86_emul *e)
{
	bool rep = e->insn.flags & (X86_INSN_REP | X86_INSN_REPNE);
	unsigned int op = e->insn.op, steps = max(e->max_steps, 1u);
	u64 *gpr = e->regs->gpr, count = 1;
	struct string_state s = {
		.bytes = e->insn.op_size,
		.addr_bytes = e->insn.addr_size,
	};
	enum x86_emul_result res;

	if (is_port_string(e)) {
		s.bytes = min(s.bytes, 4u);
		res = emul_check_port(e, gpr[X86_RDX], s.bytes);
		if (res)
			return res;
	}
	if (rep)
		count = emul_get_reg(e, X86_RCX, s.addr_bytes);

	while (count) {
		s.max_elements = largest_batch(e, s.bytes, count, steps);
		s.src_ea = emul_get_reg(e, X86_RSI, s.addr_bytes);
		s.dst_ea = emul_get_reg(e, X86_RDI, s.addr_bytes);
		res = run_step(e, &s);
		if (res)
			return res;

		if (uses_source(op))
			advance(e, &s, X86_RSI);
		if (uses_destination(op))
			advance(e, &s, X86_RDI);
		if (!rep)
			break;
		count -= s.elements;
		emul_set_reg(e, X86_RCX, s.addr_bytes, count);
		if (!count || comparison_ends(e))
			break;
		e->single_step = e->flags & X86_EFLAGS_TF;
		steps -= is_port_string(e) ? 1 : s.elements;
		if (!steps || e->single_step)
			return X86_EMUL_CONTINUE;
		if (e->ops->commit)
			e->ops->commit(e);
	}
	return X86_EMUL_OK;
}
