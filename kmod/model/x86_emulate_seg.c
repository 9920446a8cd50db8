// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors, segment registers and far transfers. SDM "Segment Descriptors", "Privilege
 * Level Checking When Accessing Data Segments" and "... When Transferring Program Control
 * Between Code Segments".
 *
 * A transfer through a gate, to a task or to another privilege level is not done here:
 * its operands never lie in device memory.
 */
#include "x86_emulate_priv.h"

static bool has_descriptors(const struct x86_emul *e)
{
	return e->mode != X86_MODE_REAL16 && e->mode != X86_MODE_VM86;
}

static bool is_null(u16 selector)
{
	return !(selector & ~3);
}

static bool is_code(const struct x86_segment *s)
{
	return (s->attrib & (X86_SEG_S | X86_SEG_TYPE_CODE)) == (X86_SEG_S | X86_SEG_TYPE_CODE);
}

/* Of a code segment; of others the bit means "expand down". */
static bool is_conforming(const struct x86_segment *s)
{
	return s->attrib & X86_SEG_TYPE_DOWN;
}

enum x86_emul_result emul_seg_raise(struct x86_emul *e, const struct x86_seg_load *l,
				    unsigned int vector)
{
	return emul_raise(e, vector, (l->selector & ~3u) | l->external);
}

static enum x86_emul_result refuse(struct x86_emul *e, const struct x86_seg_load *l)
{
	return emul_seg_raise(e, l, l->vector);
}

/* ---- descriptors ---- */

/* The CPU reads and writes its own tables with the rights of the supervisor. */
enum x86_emul_result emul_table_write(struct x86_emul *e, u64 linear, const void *buf,
				      unsigned int bytes)
{
	enum x86_emul_result res;
	u8 cpl = e->cpl;

	e->cpl = 0;
	res = emul_write(e, linear, buf, bytes);
	e->cpl = cpl;
	return res;
}

static enum x86_emul_result set_accessed(struct x86_emul *e, struct x86_descriptor *d)
{
	u8 cpl = e->cpl, old = d->raw >> 40, new = old | X86_SEG_TYPE_ACCESSED;
	enum x86_emul_result res;

	d->seg.attrib |= X86_SEG_TYPE_ACCESSED;
	if (old == new)
		return X86_EMUL_OK;
	e->cpl = 0;
	res = emul_cmpxchg(e, d->linear + 5, &old, &new, 1);
	e->cpl = cpl;
	return res;
}

enum x86_emul_result emul_descriptor(struct x86_emul *e, const struct x86_seg_load *l,
				     struct x86_descriptor *d)
{
	const struct x86_segment *table;
	enum x86_emul_result res;
	u64 raw;

	table = e->ops->segment(e, l->selector & 4 ? X86_SEG_LDTR : X86_SEG_GDTR);
	if (((l->selector & 4) && !(table->attrib & X86_SEG_P)) ||
	    (l->selector | 7u) > table->limit)
		return refuse(e, l);
	d->linear = table->base + (l->selector & ~7u);
	if (!e->long_mode)
		d->linear = (u32)d->linear;
	res = emul_read(e, d->linear, &raw, sizeof(raw), X86_ACCESS_IMPLICIT);
	if (res)
		return res;
	d->raw = raw;
	d->seg = (struct x86_segment){
		.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000),
		.limit = (raw & 0xffff) | (raw >> 32 & 0xf0000),
		.selector = l->selector,
		.attrib = (raw >> 40 & 0xff) | (raw >> 44 & 0xf00),
	};
	if (d->seg.attrib & X86_SEG_G)
		d->seg.limit = d->seg.limit << 12 | 0xfff;
	return X86_EMUL_OK;
}

/* ---- data segments ---- */

static enum x86_emul_result check_stack(struct x86_emul *e, const struct x86_seg_load *l,
					const struct x86_segment *s)
{
	const u16 kind = X86_SEG_S | X86_SEG_TYPE_CODE | X86_SEG_TYPE_RW;

	if ((s->attrib & kind) != (X86_SEG_S | X86_SEG_TYPE_RW) || (l->selector & 3) != l->cpl ||
	    x86_seg_dpl(s) != l->cpl)
		return refuse(e, l);
	return s->attrib & X86_SEG_P ? X86_EMUL_OK : emul_seg_raise(e, l, X86_TRAP_SS);
}

static enum x86_emul_result check_data(struct x86_emul *e, const struct x86_seg_load *l,
				       const struct x86_segment *s)
{
	u8 dpl = x86_seg_dpl(s);

	if (!(s->attrib & X86_SEG_S) || (is_code(s) && !(s->attrib & X86_SEG_TYPE_RW)))
		return refuse(e, l);
	if (!(is_code(s) && is_conforming(s)) && ((l->selector & 3) > dpl || l->cpl > dpl))
		return refuse(e, l);
	return s->attrib & X86_SEG_P ? X86_EMUL_OK : emul_seg_raise(e, l, X86_TRAP_NP);
}

/* 64-bit code may run without a stack segment, but not at CPL 3. */
static enum x86_emul_result load_null(struct x86_emul *e, const struct x86_seg_load *l)
{
	struct x86_segment val = { .selector = l->selector };

	if (l->seg == X86_SEG_SS) {
		if (!emul_long64(e) || l->cpl == 3 || (l->selector & 3) != l->cpl)
			return refuse(e, l);
		val.attrib = l->cpl << X86_SEG_DPL_BIT;
	}
	e->ops->set_segment(e, l->seg, &val);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_load_data(struct x86_emul *e, const struct x86_seg_load *l)
{
	enum x86_emul_result res;
	struct x86_descriptor d = { 0 };

	if (is_null(l->selector))
		return load_null(e, l);
	res = emul_descriptor(e, l, &d);
	if (res)
		return res;
	res = l->seg == X86_SEG_SS ? check_stack(e, l, &d.seg) : check_data(e, l, &d.seg);
	if (res)
		return res;
	res = set_accessed(e, &d);
	if (res)
		return res;
	e->ops->set_segment(e, l->seg, &d.seg);
	return X86_EMUL_OK;
}

/* Without descriptors a selector is an address; limit and rights stay. */
static void load_paragraph(struct x86_emul *e, unsigned int seg, u16 selector)
{
	struct x86_segment val = *e->ops->segment(e, seg);

	val.selector = selector;
	val.base = (u32)selector << 4;
	e->ops->set_segment(e, seg, &val);
}

enum x86_emul_result emul_load_segment(struct x86_emul *e, unsigned int seg, u16 selector)
{
	const struct x86_seg_load l = {
		.seg = seg,
		.selector = selector,
		.cpl = e->cpl,
		.vector = X86_TRAP_GP,
	};
	enum x86_emul_result res;

	if (!e->ops->set_segment)
		return X86_EMUL_UNHANDLEABLE;
	if (has_descriptors(e)) {
		res = emul_load_data(e, &l);
		if (res)
			return res;
	} else {
		load_paragraph(e, seg, selector);
	}
	if (seg == X86_SEG_SS)
		e->shadow = X86_SHADOW_MOV_SS;
	return X86_EMUL_OK;
}

/* LDS, LES, LFS, LGS, LSS: offset and selector from memory. */
enum x86_emul_result emul_load_far(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size, seg;
	u64 linear, offset = 0;
	enum x86_emul_result res;
	u16 selector;

	res = emul_linearize(e, e->insn.seg, emul_ea(e), bytes + 2, 0, &linear);
	if (res)
		return res;
	res = emul_read(e, linear, &offset, bytes, 0);
	if (res)
		return res;
	res = emul_read(e, emul_wrap(e, linear + bytes), &selector, 2, 0);
	if (res)
		return res;
	if (e->insn.map == X86_MAP_ONE)
		seg = e->insn.opcode == 0xc4 ? X86_SEG_ES : X86_SEG_DS;
	else
		seg = e->insn.opcode & 7; /* 0F B2, B4, B5 */
	res = emul_load_segment(e, seg, selector);
	if (res)
		return res;
	e->shadow = 0;
	emul_set_reg(e, e->insn.reg, bytes, offset);
	return X86_EMUL_OK;
}

/* ---- code segments ---- */

enum x86_emul_result emul_code_descriptor(struct x86_emul *e, const struct x86_seg_load *l,
					  struct x86_descriptor *d)
{
	return is_null(l->selector) ? refuse(e, l) : emul_descriptor(e, l, d);
}

enum x86_emul_result emul_check_code(struct x86_emul *e, const struct x86_seg_load *l,
				     struct x86_descriptor *d)
{
	const u16 both = X86_SEG_L | X86_SEG_DB;
	u8 dpl = x86_seg_dpl(&d->seg);

	if (!is_code(&d->seg) || (is_conforming(&d->seg) ? dpl > l->cpl : dpl != l->cpl))
		return refuse(e, l);
	if (!is_conforming(&d->seg) && (l->selector & 3) > l->cpl)
		return refuse(e, l);
	if (e->long_mode && (d->seg.attrib & both) == both)
		return refuse(e, l);
	if (!(d->seg.attrib & X86_SEG_P))
		return emul_seg_raise(e, l, X86_TRAP_NP);
	return set_accessed(e, d);
}

/* The new CS of a transfer that stays at its privilege level, and its target in it. */
static enum x86_emul_result find_code(struct x86_emul *e, u16 selector, u64 offset,
				      struct x86_segment *cs)
{
	const struct x86_seg_load l = {
		.seg = X86_SEG_CS,
		.selector = selector,
		.cpl = e->cpl,
		.vector = X86_TRAP_GP,
	};
	enum x86_emul_result res;
	struct x86_descriptor d = { 0 };

	if (!has_descriptors(e)) {
		*cs = *e->ops->segment(e, X86_SEG_CS);
		cs->selector = selector;
		cs->base = (u32)selector << 4;
	} else {
		res = emul_code_descriptor(e, &l, &d);
		if (res)
			return res;
		if (!(d.seg.attrib & X86_SEG_S))
			return X86_EMUL_UNHANDLEABLE; /* a gate, a task, or #GP */
		res = emul_check_code(e, &l, &d);
		if (res)
			return res;
		*cs = d.seg;
		cs->selector = (selector & ~3u) | e->cpl;
	}
	if (e->long_mode && (cs->attrib & X86_SEG_L) ? !emul_is_canonical(e, offset) :
						       offset > cs->limit)
		return emul_raise(e, X86_TRAP_GP, 0);
	return X86_EMUL_OK;
}

static void go_far(struct x86_emul *e, const struct x86_segment *cs, u64 offset)
{
	e->ops->set_segment(e, X86_SEG_CS, cs);
	e->next_rip = offset;
}

static enum x86_emul_result far_pointer(struct x86_emul *e, u16 *selector, u64 *offset)
{
	unsigned int bytes = e->insn.op_size;
	enum x86_emul_result res;
	u64 linear;

	*selector = e->insn.imm2;
	*offset = e->insn.imm & x86_size_mask(bytes);
	if (!(e->insn.flags & X86_INSN_MEM))
		return X86_EMUL_OK;
	res = emul_linearize(e, e->insn.seg, emul_ea(e), bytes + 2, 0, &linear);
	if (res)
		return res;
	*offset = 0;
	res = emul_read(e, linear, offset, bytes, 0);
	if (res)
		return res;
	return emul_read(e, emul_wrap(e, linear + bytes), selector, 2, 0);
}

/* Of JMP and CALL: where the operand says, and that one may go there. */
static enum x86_emul_result find_target(struct x86_emul *e, struct x86_segment *cs, u64 *offset)
{
	enum x86_emul_result res;
	u16 selector;

	if (!e->ops->set_segment)
		return X86_EMUL_UNHANDLEABLE;
	res = far_pointer(e, &selector, offset);
	return res ? res : find_code(e, selector, *offset, cs);
}

enum x86_emul_result emul_jmp_far(struct x86_emul *e)
{
	enum x86_emul_result res;
	struct x86_segment cs;
	u64 offset;

	res = find_target(e, &cs, &offset);
	if (res)
		return res;
	go_far(e, &cs, offset);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_call_far(struct x86_emul *e)
{
	u64 frame[2] = { e->ops->segment(e, X86_SEG_CS)->selector, e->next_rip };
	enum x86_emul_result res;
	struct x86_segment cs;
	u64 offset;

	res = find_target(e, &cs, &offset);
	if (res)
		return res;
	res = emul_push_all(e, frame, ARRAY_SIZE(frame), e->insn.op_size);
	if (res)
		return res;
	go_far(e, &cs, offset);
	return X86_EMUL_OK;
}

enum x86_emul_result emul_ret_far(struct x86_emul *e)
{
	unsigned int bytes = e->insn.op_size;
	u64 frame[2];
	enum x86_emul_result res;
	struct x86_segment cs;

	if (!e->ops->set_segment)
		return X86_EMUL_UNHANDLEABLE;
	res = emul_peek_all(e, frame, ARRAY_SIZE(frame), bytes);
	if (res)
		return res;
	if (has_descriptors(e) && (frame[1] & 3) != e->cpl) {
		if ((frame[1] & 3) < e->cpl)
			return emul_raise(e, X86_TRAP_GP, frame[1] & 0xfffc);
		return X86_EMUL_UNHANDLEABLE;
	}
	res = find_code(e, frame[1], frame[0], &cs);
	if (res)
		return res;
	emul_drop(e, 2 * bytes + e->insn.imm);
	go_far(e, &cs, frame[0]);
	return X86_EMUL_OK;
}
