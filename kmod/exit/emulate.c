// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's frame in the kernel: it gives model/x86_emulate.c the guest's memory,
 * devices and registers, and deals with what cannot be done at once.
 *
 * Device accesses of a step are kept in vcpu->emu.log. When one needs user space, or the
 * step needs sleeping inside a burst, the step is given up and emulated again later, and finds
 * what is done already in the log. A write for user space is posted: it counts as
 * done, and only one may be under way. The log lives for one step at one RIP.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "exit/emulate_priv.h"
#include "host/host.h"

/* Iterations of a REP before whatever came up gets a look in. */
#define MAX_STEPS 128

static_assert(sizeof(struct x86_regs) == sizeof(struct myhv_state_general));
static_assert(sizeof(struct x86_segment) == sizeof(struct myhv_segment));
static_assert(offsetof(struct x86_segment, attrib) == offsetof(struct myhv_segment, attrib));

static void drop_log(struct x86_emulate_ctx *ctx)
{
	ctx->vcpu->emu.nr_done = 0;
	ctx->vcpu->emu.next = 0;
	ctx->pio_done = false;
	ctx->again = false;
}

static enum x86_emul_result raise_gp(struct x86_emul *e)
{
	e->fault = (struct x86_fault){ .vector = X86_TRAP_GP, .has_error = true };
	return X86_EMUL_FAULT;
}

static enum x86_emul_result raise_ud(struct x86_emul *e)
{
	e->fault = (struct x86_fault){ .vector = X86_TRAP_UD };
	return X86_EMUL_FAULT;
}

/* ---- ports ---- */

static enum x86_emul_result op_io_in(struct x86_emul *e, u16 port, unsigned int bytes,
				     unsigned int count, void *buf)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct myhv_vcpu *vcpu = ctx->vcpu;

	if (ctx->posted)
		return emu_stop_here(ctx, STOP_BUSY);
	if (!ctx->pio_done) {
		if (!io_string(vcpu, true, port, bytes, count, vcpu->data))
			return emu_stop_here(ctx, STOP_READ);
		ctx->pio_done = true;
	}
	if (buf != vcpu->data)
		memcpy(buf, vcpu->data, bytes * count);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_io_out(struct x86_emul *e, u16 port, unsigned int bytes,
				      unsigned int count, const void *buf)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);

	if (ctx->posted)
		return emu_stop_here(ctx, STOP_BUSY);
	ctx->posted = !io_string(ctx->vcpu, false, port, bytes, count, (void *)buf);
	return X86_EMUL_OK;
}

/* ---- registers ---- */

static const struct x86_segment *op_segment(struct x86_emul *e, enum x86_seg seg)
{
	struct vcpu_regs *regs = vcpu_regs(to_ctx(e)->vcpu, MYHV_STATE_SEGMENTS);
	struct x86_segment *gdtr = &to_ctx(e)->gdtr;

	if (likely(seg != X86_SEG_GDTR))
		return (const struct x86_segment *)&regs->segments.seg[seg];
	gdtr->base = regs->segments.gdt.base;
	gdtr->limit = regs->segments.gdt.limit;
	return gdtr;
}

static void op_set_segment(struct x86_emul *e, enum x86_seg seg, const struct x86_segment *val)
{
	struct vcpu_regs *regs = vcpu_regs_dirty(to_ctx(e)->vcpu, MYHV_STATE_SEGMENTS);

	memcpy(&regs->segments.seg[seg], val, sizeof(*val));
}

static void op_get_vec(struct x86_emul *e, unsigned int nr, void *buf, unsigned int bytes)
{
	u8 data[32] = { 0 };

	host_fpu_get_vector(to_ctx(e)->vcpu, nr, data, bytes > 16 ? 32 : 16);
	memcpy(buf, data, bytes);
}

static void op_put_vec(struct x86_emul *e, unsigned int nr, const void *buf, unsigned int bytes,
		       bool clear_upper)
{
	u8 data[32] = { 0 };

	memcpy(data, buf, bytes);
	host_fpu_set_vector(to_ctx(e)->vcpu, nr, data, bytes > 16 || clear_upper ? 32 : 16);
}

static enum x86_emul_result op_get_mmx(struct x86_emul *e, unsigned int nr, u64 *val)
{
	if (host_fpu_get_mmx(to_ctx(e)->vcpu, nr, val))
		return X86_EMUL_OK;
	e->fault = (struct x86_fault){ .vector = X86_TRAP_MF };
	return X86_EMUL_FAULT;
}

static void op_put_mmx(struct x86_emul *e, unsigned int nr, const u64 *val)
{
	host_fpu_put_mmx(to_ctx(e)->vcpu, nr, val);
}

static enum x86_emul_result register_result(struct x86_emul *e, int ret)
{
	switch (ret) {
	case 0:
		return X86_EMUL_OK;
	case -EINVAL:
		return raise_gp(e);
	case -EAGAIN:
		return emu_stop_here(to_ctx(e), STOP_SLEEP);
	default:
		return raise_ud(e);
	}
}

static enum x86_emul_result op_get_cr(struct x86_emul *e, unsigned int nr, u64 *val)
{
	return register_result(e, cr_get(to_ctx(e)->vcpu, nr, val));
}

static enum x86_emul_result op_set_cr(struct x86_emul *e, unsigned int nr, u64 val)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	u64 tpr = ctx->vcpu->regs.control.cr8;

	ctx->tpr_lowered = nr == 8 && !ctx->vcpu->lapic && val < tpr;
	emu_forget_pages(ctx);
	return register_result(e, cr_set(ctx->vcpu, nr, val));
}

/* #DB of DR7.GD goes before the access. */
static enum x86_emul_result dr_guard(struct x86_emul *e)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);

	ctx->db_queued = dr_access_faults(ctx->vcpu);
	return ctx->db_queued ? X86_EMUL_FAULT : X86_EMUL_OK;
}

static enum x86_emul_result op_get_dr(struct x86_emul *e, unsigned int nr, u64 *val)
{
	enum x86_emul_result res = dr_guard(e);

	return res ? res : register_result(e, dr_get(to_ctx(e)->vcpu, nr, val));
}

static enum x86_emul_result op_set_dr(struct x86_emul *e, unsigned int nr, u64 val)
{
	enum x86_emul_result res = dr_guard(e);

	return res ? res : register_result(e, dr_set(to_ctx(e)->vcpu, nr, val));
}

static enum x86_emul_result op_invlpg(struct x86_emul *e, u64 linear)
{
	to_ctx(e)->vcpu->tlb_flush = true;
	return X86_EMUL_OK;
}

/* The next element of a string lies elsewhere than the one that led here. */
static void op_commit(struct x86_emul *e)
{
	drop_log(to_ctx(e));
	to_ctx(e)->hint = false;
}

static const struct x86_emul_ops emul_ops = {
	.fetch = emu_fetch,
	.read = emu_read,
	.write = emu_write,
	.write_run = emu_write_run,
	.cmpxchg = emu_cmpxchg,
	.probe = emu_probe,
	.io_in = op_io_in,
	.io_out = op_io_out,
	.segment = op_segment,
	.set_segment = op_set_segment,
	.commit = op_commit,
	.get_vec = op_get_vec,
	.put_vec = op_put_vec,
	.get_mmx = op_get_mmx,
	.put_mmx = op_put_mmx,
	.get_cr = op_get_cr,
	.set_cr = op_set_cr,
	.get_dr = op_get_dr,
	.set_dr = op_set_dr,
	.invlpg = op_invlpg,
};

/* ---- one emulation ---- */

/*
 * Repetitions that go on until somebody must get a look in. Where each needs user space, they
 * never come by prepare_entry(): what waits there ends them after the one under way.
 */
static unsigned int steps_allowed(struct myhv_vcpu *vcpu)
{
	if (unlikely(vcpu->guest_debug.flags & MYHV_DEBUG_STEP) || READ_ONCE(vcpu->requests) ||
	    READ_ONCE(vcpu->run_page->immediate_exit) || signal_pending(current))
		return 1;
	if ((vcpu->regs.general.rflags & X86_EFLAGS_IF) && inject_irq_waiting(vcpu))
		return 1;
	return MAX_STEPS;
}

static void prepare(struct x86_emulate_ctx *ctx)
{
	struct myhv_vcpu *vcpu = ctx->vcpu;
	struct vcpu_regs *r = vcpu_regs(vcpu, MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS);
	struct x86_emul *e = &ctx->emul;
	enum x86_mode mode;

	vcpu->l1d_stale = true;
	e->ops = &emul_ops;
	e->regs = (struct x86_regs *)&r->general;
	e->cr0 = r->control.cr0;
	e->cr4 = r->control.cr4;
	e->cpl = vcpu_cpl(vcpu);
	e->long_mode = r->control.efer & EFER_LMA;
	e->nr_bytes = insn_peek(vcpu, &mode);
	e->mode = mode;
	memcpy(e->bytes, vcpu->insn.bytes, e->nr_bytes);
	e->max_steps = steps_allowed(vcpu);
	e->io_buf = vcpu->data;
	e->io_buf_bytes = PAGE_SIZE;
	e->single_step = false;
	e->shadow = 0;
	ctx->stop = STOP_NONE;
	ctx->posted = false;
	ctx->db_queued = false;
	ctx->tpr_lowered = false;
	emu_forget_pages(ctx);
	if (!ctx->again || ctx->rip != r->general.rip)
		drop_log(ctx);
	ctx->rip = r->general.rip;
	ctx->again = false;
	vcpu->emu.next = 0;
}

static void queue_fault(struct myhv_vcpu *vcpu, const struct x86_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		inject_pf(vcpu, fault->address, fault->error);
	else if (fault->has_error)
		inject_exception_error(vcpu, fault->vector, fault->error);
	else
		inject_exception(vcpu, fault->vector);
}

/* User space has the data of the read that vcpu->exit asks for. */
static enum exit_action complete_mmio_read(struct myhv_vcpu *vcpu)
{
	struct emu_access *a = &vcpu->emu.log[vcpu->emu.nr_done++];

	a->gpa = vcpu->pending.gpa;
	a->size = vcpu->pending.size;
	a->is_write = false;
	memcpy(a->data, vcpu->exit->mmio.data, a->size);
	return emulate_current(vcpu);
}

static enum exit_action complete_port_read(struct myhv_vcpu *vcpu)
{
	vcpu->emu.ctx->pio_done = true;
	return emulate_current(vcpu);
}

/* The step was given up: what now? */
static enum exit_action stopped(struct x86_emulate_ctx *ctx)
{
	struct myhv_vcpu *vcpu = ctx->vcpu;

	ctx->again = true;
	if (ctx->posted) {
		vcpu->complete = emulate_current;
		return EXIT_TO_USER;
	}
	switch (ctx->stop) {
	case STOP_READ:
		if (vcpu->exit->reason == MYHV_EXIT_IO) {
			vcpu->complete = complete_port_read;
			return EXIT_TO_USER;
		}
		vcpu->pending.gpa = vcpu->exit->mmio.gpa;
		vcpu->pending.size = min_t(u32, vcpu->exit->mmio.size, 8);
		vcpu->complete = complete_mmio_read;
		return EXIT_TO_USER;
	case STOP_SLEEP:
		return vcpu->in_burst ? EXIT_NEEDS_SLEEP : RESUME_GUEST;
	default:
		drop_log(ctx);
		return exit_failed(vcpu, MYHV_EXIT_EMULATION);
	}
}

static void finish_step(struct x86_emulate_ctx *ctx, enum x86_emul_result res)
{
	struct myhv_vcpu *vcpu = ctx->vcpu;
	u32 shadow = 0;

	drop_log(ctx);
	ctx->hint = false;
	if (res == X86_EMUL_OK) {
		if (ctx->emul.shadow & X86_SHADOW_STI)
			shadow = MYHV_EVENT_SHADOW_STI;
		if (ctx->emul.shadow & X86_SHADOW_MOV_SS)
			shadow = MYHV_EVENT_SHADOW_MOV_SS;
		backend->shadow_set(vcpu, shadow);
	}
	if (vcpu->guest_debug.flags & MYHV_DEBUG_STEP)
		vcpu_request(vcpu, VCPU_REQ_STEPPED);
	else if (ctx->emul.single_step)
		inject_db(vcpu, EVENT_DR6_BS);
}

static enum exit_action to_user_or_guest(struct x86_emulate_ctx *ctx)
{
	if (ctx->posted)
		return EXIT_TO_USER;
	if (ctx->tpr_lowered) {
		ctx->vcpu->exit->reason = MYHV_EXIT_TPR;
		return EXIT_TO_USER;
	}
	return RESUME_GUEST;
}

enum exit_action emulate_mmio(struct myhv_vcpu *vcpu, u64 gpa, bool is_write)
{
	struct x86_emulate_ctx *ctx = vcpu->emu.ctx;

	ctx->hint = true;
	ctx->hint_write = is_write;
	ctx->hint_gpa = gpa;
	ctx->hint_rip = vcpu->regs.general.rip;
	return emulate_current(vcpu);
}

enum exit_action emulate_current(struct myhv_vcpu *vcpu)
{
	struct x86_emulate_ctx *ctx = vcpu->emu.ctx;
	enum x86_emul_result res;

	prepare(ctx);
	res = x86_emulate(&ctx->emul);
	switch (res) {
	case X86_EMUL_IO_PENDING:
		return stopped(ctx);
	case X86_EMUL_OK:
	case X86_EMUL_CONTINUE:
		finish_step(ctx, res);
		break;
	case X86_EMUL_FAULT:
		drop_log(ctx);
		ctx->hint = false;
		if (!ctx->db_queued)
			queue_fault(vcpu, &ctx->emul.fault);
		break;
	case X86_EMUL_UNHANDLEABLE:
		drop_log(ctx);
		ctx->hint = false;
		return exit_failed(vcpu, MYHV_EXIT_EMULATION);
	}
	return to_user_or_guest(ctx);
}

void emulate_forget(struct myhv_vcpu *vcpu)
{
	vcpu->emu.ctx->again = false;
}

struct x86_emul *emulate_begin(struct myhv_vcpu *vcpu)
{
	vcpu->emu.ctx->again = false;
	prepare(vcpu->emu.ctx);
	return &vcpu->emu.ctx->emul;
}

enum exit_action emulate_end(struct myhv_vcpu *vcpu, enum x86_emul_result res)
{
	drop_log(vcpu->emu.ctx);
	switch (res) {
	case X86_EMUL_OK:
		return RESUME_GUEST;
	case X86_EMUL_FAULT:
		queue_fault(vcpu, &vcpu->emu.ctx->emul.fault);
		return RESUME_GUEST;
	default:
		return exit_failed(vcpu, MYHV_EXIT_EMULATION);
	}
}

int emulate_vcpu_init(struct myhv_vcpu *vcpu)
{
	vcpu->emu.ctx = kzalloc(sizeof(*vcpu->emu.ctx), GFP_KERNEL_ACCOUNT);
	if (!vcpu->emu.ctx)
		return -ENOMEM;
	vcpu->emu.ctx->vcpu = vcpu;
	return 0;
}

void emulate_vcpu_free(struct myhv_vcpu *vcpu)
{
	kfree(vcpu->emu.ctx);
	vcpu->emu.ctx = NULL;
}
