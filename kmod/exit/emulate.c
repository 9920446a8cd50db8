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
#include "core/guest_mem.h"
#include "exit/emulate.h"
#include "host/host.h"

/* Iterations of a REP before whatever came up gets a look in. */
#define MAX_STEPS 32

/* Why the ops could not finish, see x86_emulate_ctx::stop */
enum emu_stop {
	STOP_NONE,
	STOP_SLEEP,  /* inside a burst, and memory is not present */
	STOP_READ,   /* vcpu->exit holds a read for user space */
	STOP_BUSY,   /* a posted write must go out first */
	STOP_BROKEN, /* not possible */
};

/* Where the last access of a kind went. Good for one emulation: what a TLB could hold as well. */
struct emu_page {
	u64 linear;
	u64 gpa;
	unsigned int access; /* X86_ACCESS_*, or NO_ACCESS: nothing is known */
	bool is_device;	     /* no memory is there, or none that can be written to */
};

#define NO_ACCESS (~0u)

/**
 * struct x86_emulate_ctx - one emulation under way; vCPU thread
 * @emul: the emulator's state
 * @vcpu: back pointer
 * @stop: why an op answered X86_EMUL_IO_PENDING
 * @posted: vcpu->exit holds a write for user space
 * @again: this RIP is to be emulated again, with the log
 * @db_queued: #DB of DR7.GD was queued in place of a fault
 * @tpr_lowered: CR8, without a LAPIC in the kernel
 * @pio_done: vcpu->data holds the input of this step's port access
 * @hint: a second-level fault led here, and
 * @hint_write: it was a write
 * @hint_gpa: it was there
 * @hint_rip: the instruction
 * @rip: where the log belongs
 * @gdtr: in the form of a segment register
 * @page: of the last read, of the last write
 */
struct x86_emulate_ctx {
	struct x86_emul emul;
	struct myhv_vcpu *vcpu;
	enum emu_stop stop;
	bool posted;
	bool again;
	bool db_queued;
	bool tpr_lowered;
	bool pio_done;
	bool hint;
	bool hint_write;
	u64 hint_gpa;
	u64 hint_rip;
	u64 rip;
	struct x86_segment gdtr;
	struct emu_page page[2];
};

static_assert(sizeof(struct x86_regs) == sizeof(struct myhv_state_general));
static_assert(sizeof(struct x86_segment) == sizeof(struct myhv_segment));
static_assert(offsetof(struct x86_segment, attrib) == offsetof(struct myhv_segment, attrib));

static struct x86_emulate_ctx *to_ctx(struct x86_emul *e)
{
	return container_of(e, struct x86_emulate_ctx, emul);
}

static enum x86_emul_result stop(struct x86_emulate_ctx *ctx, enum emu_stop why)
{
	ctx->stop = why;
	return X86_EMUL_IO_PENDING;
}

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

/* ---- memory ---- */

static enum x86_emul_result raise_pf(struct x86_emul *e, const struct guest_walk_fault *fault)
{
	e->fault = (struct x86_fault){
		.vector = X86_TRAP_PF,
		.has_error = true,
		.error = fault->error_code,
		.address = fault->address,
	};
	return X86_EMUL_FAULT;
}

static enum x86_emul_result memory_error(struct x86_emul *e, int ret,
					 const struct guest_walk_fault *fault)
{
	switch (ret) {
	case 0:
		return X86_EMUL_OK;
	case -EAGAIN:
		return stop(to_ctx(e), STOP_SLEEP);
	case -EFAULT:
		return raise_pf(e, fault);
	default:
		return stop(to_ctx(e), STOP_BROKEN);
	}
}

/* Vector registers are in the CPU during a burst; their instructions run after it. */
static bool needs_vectors(const struct x86_emulate_ctx *ctx)
{
	return ctx->vcpu->in_burst && ctx->emul.insn.op == X86_OP_SSE;
}

/* One memory operand and no other access: what faulted is that operand. */
static bool has_one_operand(const struct x86_insn *insn)
{
	switch (insn->op) {
	case X86_OP_ADD ... X86_OP_CMP:
	case X86_OP_TEST:
	case X86_OP_MOV:
	case X86_OP_MOVZX:
	case X86_OP_MOVSX:
	case X86_OP_MOVNTI:
	case X86_OP_STOS:
	case X86_OP_LODS:
	case X86_OP_SCAS:
		return true;
	default:
		return false;
	}
}

/*
 * The CPU has translated the operand, and found it allowed, before it came to the
 * second level: for the same kind of access there is no need to walk again.
 */
static bool use_hint(struct x86_emulate_ctx *ctx, u64 linear, unsigned int access, u64 *gpa)
{
	if (!ctx->hint || ctx->hint_rip != ctx->rip)
		return false;
	if ((access & X86_ACCESS_WRITE) && !ctx->hint_write)
		return false;
	if (offset_in_page(linear) != offset_in_page(ctx->hint_gpa) ||
	    !has_one_operand(&ctx->emul.insn))
		return false;
	*gpa = ctx->hint_gpa;
	return true;
}

static struct emu_page *page_of(struct x86_emulate_ctx *ctx, unsigned int access)
{
	return &ctx->page[!!(access & X86_ACCESS_WRITE)];
}

static void forget_pages(struct x86_emulate_ctx *ctx)
{
	ctx->page[0].access = NO_ACCESS;
	ctx->page[1].access = NO_ACCESS;
}

static enum x86_emul_result translate(struct x86_emul *e, u64 linear, unsigned int access, u64 *gpa)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct emu_page *page = page_of(ctx, access);
	struct guest_walk_result where;
	struct guest_walk_fault fault;
	int ret;

	/* the next element of a string */
	if (page->access == access && page->linear == (linear & PAGE_MASK)) {
		*gpa = page->gpa | offset_in_page(linear);
		return X86_EMUL_OK;
	}
	page->access = NO_ACCESS;
	if (needs_vectors(ctx))
		return stop(ctx, STOP_SLEEP);
	if (!use_hint(ctx, linear, access, gpa)) {
		ret = guest_translate(ctx->vcpu, linear,
				      e->cpl == 3 && !(access & X86_ACCESS_IMPLICIT) ?
					      access | X86_ACCESS_USER :
					      access,
				      &where, &fault);
		if (ret)
			return memory_error(e, ret, &fault);
		*gpa = where.gpa;
	}
	*page = (struct emu_page){
		.linear = linear & PAGE_MASK,
		.gpa = *gpa & PAGE_MASK,
		.access = access,
	};
	return X86_EMUL_OK;
}

static enum x86_emul_result op_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes)
{
	struct guest_walk_fault fault;
	int ret = guest_fetch(to_ctx(e)->vcpu, linear, buf, bytes, &fault);

	if (!ret)
		insn_learn(to_ctx(e)->vcpu, linear);
	return memory_error(e, ret, &fault);
}

/* ---- device memory ---- */

/* The next access of the step was done before: answer from the log. */
static bool replay(struct x86_emulate_ctx *ctx, bool is_write, u64 gpa, unsigned int size,
		   void *data)
{
	struct myhv_vcpu *vcpu = ctx->vcpu;
	struct emu_access *a = &vcpu->emu.log[vcpu->emu.next];

	if (vcpu->emu.next >= vcpu->emu.nr_done)
		return false;
	if (a->gpa != gpa || a->size != size || a->is_write != is_write) {
		/* the guest's page tables or the state changed in between: as if new */
		vcpu->emu.nr_done = vcpu->emu.next;
		return false;
	}
	if (!is_write)
		memcpy(data, a->data, size);
	vcpu->emu.next++;
	return true;
}

static void log_access(struct myhv_vcpu *vcpu, bool is_write, u64 gpa, unsigned int size,
		       const void *data)
{
	struct emu_access *a = &vcpu->emu.log[vcpu->emu.nr_done++];

	a->gpa = gpa;
	a->size = size;
	a->is_write = is_write;
	memcpy(a->data, data, size);
	vcpu->emu.next = vcpu->emu.nr_done;
}

static enum x86_emul_result device(struct x86_emulate_ctx *ctx, bool is_write, u64 gpa,
				   unsigned int size, void *data)
{
	struct myhv_vcpu *vcpu = ctx->vcpu;

	if (replay(ctx, is_write, gpa, size, data))
		return X86_EMUL_OK;
	if (ctx->posted)
		return stop(ctx, STOP_BUSY);
	if (size > 8 || vcpu->emu.nr_done == EMU_LOG_ENTRIES)
		return stop(ctx, STOP_BROKEN);
	if (!mmio_access(vcpu, is_write, gpa, size, data)) {
		if (!is_write)
			return stop(ctx, STOP_READ);
		ctx->posted = true;
	}
	log_access(vcpu, is_write, gpa, size, data);
	return X86_EMUL_OK;
}

/* -EFAULT of guest memory: there is none, or it is read-only. That goes for the page. */
static bool found_device(struct emu_page *page, int ret)
{
	page->is_device = ret == -EFAULT;
	return page->is_device;
}

static enum x86_emul_result op_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
				    unsigned int access)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct emu_page *page = page_of(ctx, access);
	enum x86_emul_result res;
	int ret = -EFAULT;
	u64 gpa;

	res = translate(e, linear, access, &gpa);
	if (res)
		return res;
	if (!page->is_device)
		ret = guest_phys_read(ctx->vcpu, gpa, buf, bytes);
	if (found_device(page, ret))
		return device(ctx, false, gpa, bytes, buf);
	return memory_error(e, ret, NULL);
}

static enum x86_emul_result op_write(struct x86_emul *e, u64 linear, const void *buf,
				     unsigned int bytes)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct emu_page *page = page_of(ctx, X86_ACCESS_WRITE);
	enum x86_emul_result res;
	int ret = -EFAULT;
	u64 gpa;

	res = translate(e, linear, X86_ACCESS_WRITE, &gpa);
	if (res)
		return res;
	if (!page->is_device)
		ret = guest_phys_write(ctx->vcpu, gpa, buf, bytes);
	if (found_device(page, ret))
		return device(ctx, true, gpa, bytes, (void *)buf);
	return memory_error(e, ret, NULL);
}

/*
 * What the CPU does atomically although it is misaligned or 16 bytes wide: only
 * reached by an instruction that touches a device as well, or after a wrong page table.
 */
static int cmpxchg_in_parts(struct myhv_vcpu *vcpu, u64 gpa, void *old, const void *new,
			    unsigned int bytes)
{
	u8 found[16];
	int ret = guest_phys_read(vcpu, gpa, found, bytes);

	if (ret)
		return ret;
	if (memcmp(found, old, bytes)) {
		memcpy(old, found, bytes);
		return 0;
	}
	return guest_phys_write(vcpu, gpa, new, bytes);
}

static enum x86_emul_result op_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				       unsigned int bytes)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	enum x86_emul_result res;
	u64 gpa, old_value = 0, new_value = 0;
	int ret;

	res = translate(e, linear, X86_ACCESS_WRITE, &gpa);
	if (res)
		return res;
	if (bytes > 8 || (gpa & (bytes - 1))) {
		ret = cmpxchg_in_parts(ctx->vcpu, gpa, old, new, bytes);
	} else {
		memcpy(&old_value, old, bytes);
		memcpy(&new_value, new, bytes);
		ret = guest_phys_cmpxchg(ctx->vcpu, gpa, &old_value, new_value, bytes);
		if (!ret)
			memcpy(old, &old_value, bytes);
	}
	if (ret == -EFAULT)
		return device(ctx, true, gpa, bytes, (void *)new);
	return memory_error(e, ret, NULL);
}

static enum x86_emul_result op_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				     unsigned int access, bool *ram)
{
	struct myhv_vcpu *vcpu = to_ctx(e)->vcpu;
	enum x86_emul_result res;
	struct memslot *slot;
	u64 gpa;
	int idx;

	*ram = false;
	res = translate(e, linear, access, &gpa);
	if (res)
		return res;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	slot = memslot_find(vcpu->vm, gpa);
	*ram = slot && !((access & X86_ACCESS_WRITE) && (slot->flags & MYHV_MEM_READONLY));
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return X86_EMUL_OK;
}

/* ---- ports ---- */

static enum x86_emul_result op_io_in(struct x86_emul *e, u16 port, unsigned int bytes,
				     unsigned int count, void *buf)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct myhv_vcpu *vcpu = ctx->vcpu;

	if (ctx->posted)
		return stop(ctx, STOP_BUSY);
	if (!ctx->pio_done) {
		if (!io_string(vcpu, true, port, bytes, count, vcpu->data))
			return stop(ctx, STOP_READ);
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
		return stop(ctx, STOP_BUSY);
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
	forget_pages(ctx);
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

static void op_commit(struct x86_emul *e)
{
	drop_log(to_ctx(e));
}

static const struct x86_emul_ops emul_ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.cmpxchg = op_cmpxchg,
	.probe = op_probe,
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
	if (READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->run_page->immediate_exit) ||
	    signal_pending(current))
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
	forget_pages(ctx);
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
