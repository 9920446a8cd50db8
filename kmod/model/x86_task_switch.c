// SPDX-License-Identifier: GPL-2.0-only
/* See x86_task_switch.h. The order of checks and of stores is that of SDM "Task Switching". */
#include "x86_task_switch.h"
#include "x86_emulate_priv.h"

/* Descriptor types; a set bit 1 is "busy", a set bit 3 is "32 bits". */
#define TYPE_LDT 2
#define TSS_BUSY 2
#define TSS_32 8

#define LDT_USABLE (X86_SEG_S | X86_SEG_TYPE | X86_SEG_P)

/* EFLAGS that exist; bit 1 is always set. */
#define EFLAGS_DEFINED 0x3f7fd5u

/* What is saved and loaded, in the order of both kinds of TSS: flags, eight registers. */
#define NR_GPRS 8
#define NR_SEGS 6

/* Offsets in a TSS, whose fields are @word bytes wide; 0: not in this kind. */
struct tss_layout {
	u8 word;
	u8 bytes;
	u8 cr3;
	u8 ip;	 /* then flags, eight general registers */
	u8 segs; /* ES, CS, SS, DS, FS, GS */
	u8 nr_segs;
	u8 ldt;
	u8 trap;
};

static const struct tss_layout layout_16 = {
	.word = 2,
	.bytes = 0x2c,
	.ip = 0x0e,
	.segs = 0x22,
	.nr_segs = 4,
	.ldt = 0x2a,
};

static const struct tss_layout layout_32 = {
	.word = 4,
	.bytes = 0x68,
	.cr3 = 0x1c,
	.ip = 0x20,
	.segs = 0x48,
	.nr_segs = 6,
	.ldt = 0x60,
	.trap = 0x64,
};

/* ES, CS, SS, DS, FS, GS: the order of enum x86_seg as well. */
static_assert(X86_SEG_ES == 0 && X86_SEG_GS == NR_SEGS - 1);

static const struct tss_layout *layout_of(const struct x86_segment *tss)
{
	return tss->attrib & TSS_32 ? &layout_32 : &layout_16;
}

/* ---- fields ---- */

static u32 field(const u8 *image, unsigned int offset, unsigned int bytes)
{
	u32 val = 0;

	memcpy(&val, image + offset, bytes);
	return val;
}

static enum x86_emul_result probe_tss(struct x86_emul *e, const struct x86_segment *tss,
				      unsigned int access)
{
	return emul_probe(e, tss->base, layout_of(tss)->bytes, access | X86_ACCESS_IMPLICIT);
}

static enum x86_emul_result set_busy(struct x86_emul *e, struct x86_descriptor *d, bool busy)
{
	u8 type = d->raw >> 40;

	type = busy ? type | TSS_BUSY : type & ~TSS_BUSY;
	return emul_table_write(e, d->linear + 5, &type, 1);
}

/* ---- before anything changes ---- */

static bool wants_busy(const struct x86_task_switch *ts)
{
	return ts->source == X86_TASK_IRET;
}

static enum x86_emul_result check_new(struct x86_emul *e, const struct x86_task_switch *ts,
				      const struct x86_seg_load *l, struct x86_descriptor *d)
{
	const u16 kind = X86_SEG_S | (X86_SEG_TYPE & ~(TSS_32 | TSS_BUSY));
	enum x86_emul_result res;

	if (l->selector & 4)
		return emul_seg_raise(e, l, l->vector);
	res = emul_descriptor(e, l, d);
	if (res)
		return res;
	if ((d->seg.attrib & kind) != 1 || !(d->seg.attrib & TSS_BUSY) == wants_busy(ts))
		return emul_seg_raise(e, l, l->vector);
	if (!(d->seg.attrib & X86_SEG_P))
		return emul_seg_raise(e, l, X86_TRAP_NP);
	if (d->seg.limit < layout_of(&d->seg)->bytes - 1u)
		return emul_seg_raise(e, l, X86_TRAP_TS);
	return probe_tss(e, &d->seg, X86_ACCESS_WRITE);
}

static enum x86_emul_result check_old(struct x86_emul *e, const struct x86_task_switch *ts,
				      struct x86_descriptor *d)
{
	const struct x86_segment *tr = e->ops->segment(e, X86_SEG_TR);
	const struct x86_seg_load l = {
		.seg = X86_SEG_TR,
		.selector = tr->selector,
		.vector = X86_TRAP_TS,
		.external = ts->external,
	};
	enum x86_emul_result res;

	if (tr->limit < layout_of(tr)->bytes - 1u)
		return emul_seg_raise(e, &l, X86_TRAP_TS);
	res = emul_descriptor(e, &l, d);
	if (res)
		return res;
	d->seg = *tr;
	return probe_tss(e, tr, X86_ACCESS_WRITE);
}

/* ---- the old task's state ---- */

static enum x86_emul_result save(struct x86_emul *e, const struct x86_task_switch *ts,
				 const struct x86_segment *tss)
{
	const struct tss_layout *t = layout_of(tss);
	u32 flags = ts->flags;
	u8 image[4 * (2 + NR_GPRS)], *p = image;
	enum x86_emul_result res;
	u16 selector;
	u32 val;

	if (ts->source == X86_TASK_IRET)
		flags &= ~(u32)X86_EFLAGS_NT;
	for (unsigned int i = 0; i < 2 + NR_GPRS; i++, p += t->word) {
		val = i == 0 ? ts->next_rip : i == 1 ? flags : e->regs->gpr[i - 2];
		memcpy(p, &val, t->word);
	}
	res = emul_table_write(e, tss->base + t->ip, image, p - image);
	for (unsigned int i = 0; i < t->nr_segs && !res; i++) {
		selector = e->ops->segment(e, i)->selector;
		res = emul_table_write(e, tss->base + t->segs + i * t->word, &selector, 2);
	}
	return res;
}

/* ---- the new task's state ---- */

static void load_registers(struct x86_emul *e, const struct x86_task_switch *ts, const u8 *image,
			   const struct tss_layout *t)
{
	u32 flags = field(image, t->ip + t->word, t->word) & EFLAGS_DEFINED;

	if (ts->source == X86_TASK_CALL || ts->source == X86_TASK_GATE)
		flags |= X86_EFLAGS_NT;
	e->regs->rip = field(image, t->ip, t->word);
	e->regs->rflags = flags | X86_EFLAGS_FIXED;
	for (unsigned int i = 0; i < NR_GPRS; i++)
		e->regs->gpr[i] = field(image, t->ip + (2 + i) * t->word, t->word);
}

/*
 * The selectors are there before their descriptors: a fault in between is seen with them.
 * The hidden parts are the old ones until then, but for the privilege level.
 */
static void load_selectors(struct x86_emul *e, const u8 *image, const struct tss_layout *t)
{
	struct x86_segment val;

	for (unsigned int i = 0; i < NR_SEGS; i++) {
		val = *e->ops->segment(e, i);
		val.selector = i < t->nr_segs ? field(image, t->segs + i * t->word, 2) : 0;
		if (i == X86_SEG_SS)
			val.attrib = (val.attrib & ~(3 << X86_SEG_DPL_BIT)) |
				     e->cpl << X86_SEG_DPL_BIT;
		e->ops->set_segment(e, i, &val);
	}
}

static void load_v86_segments(struct x86_emul *e)
{
	struct x86_segment val;

	for (unsigned int i = 0; i < NR_SEGS; i++) {
		val = (struct x86_segment){
			.selector = e->ops->segment(e, i)->selector,
			.limit = 0xffff,
			.attrib = X86_SEG_P | 3 << X86_SEG_DPL_BIT | X86_SEG_S | X86_SEG_TYPE_RW |
				  X86_SEG_TYPE_ACCESSED,
		};
		val.base = (u32)val.selector << 4;
		e->ops->set_segment(e, i, &val);
	}
}

static enum x86_emul_result load_ldt(struct x86_emul *e, const struct x86_task_switch *ts,
				     u16 selector)
{
	const struct x86_seg_load l = {
		.seg = X86_SEG_LDTR,
		.selector = selector,
		.vector = X86_TRAP_TS,
		.external = ts->external,
	};
	struct x86_descriptor d = { .seg = { .selector = selector } };
	enum x86_emul_result res;

	if (selector & ~3) {
		if (selector & 4)
			return emul_seg_raise(e, &l, X86_TRAP_TS);
		res = emul_descriptor(e, &l, &d);
		if (res)
			return res;
		if ((d.seg.attrib & LDT_USABLE) != (X86_SEG_P | TYPE_LDT))
			return emul_seg_raise(e, &l, X86_TRAP_TS);
	}
	e->ops->set_segment(e, X86_SEG_LDTR, &d.seg);
	return X86_EMUL_OK;
}

static enum x86_emul_result load_code(struct x86_emul *e, const struct x86_seg_load *l)
{
	enum x86_emul_result res;
	struct x86_descriptor d;

	res = emul_code_descriptor(e, l, &d);
	if (!res)
		res = emul_check_code(e, l, &d);
	if (!res)
		e->ops->set_segment(e, X86_SEG_CS, &d.seg);
	return res;
}

/* CS decides the privilege level, SS has to fit it. */
static enum x86_emul_result load_segments(struct x86_emul *e, const struct x86_task_switch *ts)
{
	static const u8 order[NR_SEGS] = { X86_SEG_CS, X86_SEG_SS, X86_SEG_ES,
					   X86_SEG_DS, X86_SEG_FS, X86_SEG_GS };
	enum x86_emul_result res = X86_EMUL_OK;

	for (unsigned int i = 0; i < NR_SEGS && !res; i++) {
		struct x86_seg_load l = {
			.seg = order[i],
			.selector = e->ops->segment(e, order[i])->selector,
			.cpl = e->cpl,
			.vector = X86_TRAP_TS,
			.external = ts->external,
		};

		res = l.seg == X86_SEG_CS ? load_code(e, &l) : emul_load_data(e, &l);
	}
	return res;
}

static enum x86_emul_result push_error(struct x86_emul *e, const struct x86_task_switch *ts,
				       unsigned int bytes)
{
	u64 error = ts->error;

	return ts->has_error ? emul_push_all(e, &error, 1, bytes) : X86_EMUL_OK;
}

static enum x86_emul_result load(struct x86_emul *e, struct x86_task_switch *ts, const u8 *image,
				 const struct tss_layout *t)
{
	bool v86;
	enum x86_emul_result res;
	u64 cr0;

	load_registers(e, ts, image, t);
	v86 = e->regs->rflags & X86_EFLAGS_VM;
	e->cpl = v86 ? 3 : field(image, t->segs + X86_SEG_CS * t->word, 2) & 3;
	load_selectors(e, image, t);
	res = (e->ops->get_cr)(e, 0, &cr0);
	if (!res)
		res = (e->ops->set_cr)(e, 0, cr0 | X86_CR0_TS);
	if (!res && t->cr3 && (cr0 & X86_CR0_PG))
		res = (e->ops->set_cr)(e, 3, field(image, t->cr3, 4));
	if (!res)
		res = load_ldt(e, ts, field(image, t->ldt, 2));
	if (res)
		return res;
	if (v86)
		load_v86_segments(e);
	else
		res = load_segments(e, ts);
	if (res)
		return res;
	e->mode = x86_mode_of(cr0, 0, e->regs->rflags, e->ops->segment(e, X86_SEG_CS)->attrib);
	if (e->regs->rip > e->ops->segment(e, X86_SEG_CS)->limit)
		return emul_raise(e, X86_TRAP_GP, 0);
	ts->trap = t->trap && (field(image, t->trap, 2) & 1);
	return push_error(e, ts, t->word);
}

enum x86_emul_result x86_task_switch(struct x86_emul *e, struct x86_task_switch *ts)
{
	const struct x86_seg_load l = {
		.seg = X86_SEG_TR,
		.selector = ts->selector,
		.vector = ts->source == X86_TASK_IRET ? X86_TRAP_TS : X86_TRAP_GP,
		.external = ts->external,
	};
	bool nested = ts->source == X86_TASK_CALL || ts->source == X86_TASK_GATE;
	struct x86_descriptor old = { 0 }, new = { 0 };
	u8 image[sizeof(u32) * 26];
	enum x86_emul_result res;

	ts->committed = false;
	ts->trap = false;
	static_assert(sizeof(image) == 0x68);
	if (e->long_mode)
		return emul_raise(e, X86_TRAP_GP, 0);
	res = check_new(e, ts, &l, &new);
	if (!res)
		res = check_old(e, ts, &old);
	if (!res && !nested)
		res = set_busy(e, &old, false);
	if (!res)
		res = save(e, ts, &old.seg);
	if (!res && nested)
		res = emul_table_write(e, new.seg.base, &old.seg.selector, 2);
	if (!res && ts->source != X86_TASK_IRET)
		res = set_busy(e, &new, true);
	if (!res)
		res = emul_read(e, new.seg.base, image, layout_of(&new.seg)->bytes,
				X86_ACCESS_IMPLICIT);
	if (res)
		return res;
	ts->committed = true;
	new.seg.attrib |= TSS_BUSY;
	e->ops->set_segment(e, X86_SEG_TR, &new.seg);
	return load(e, ts, image, layout_of(&new.seg));
}
