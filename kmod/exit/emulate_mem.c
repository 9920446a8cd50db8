// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory and devices for the emulator: translation, and where there is no memory,
 * accesses of a step that are kept in vcpu->emu.log (emulate.c tells why).
 */
#include <linux/mm.h>
#include "core/guest_mem.h"
#include "exit/emulate_priv.h"

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
		return emu_stop_here(to_ctx(e), STOP_SLEEP);
	case -EFAULT:
		return raise_pf(e, fault);
	default:
		return emu_stop_here(to_ctx(e), STOP_BROKEN);
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

/* @page: of the kind of access that it is for; what is read to be written back is a read. */
static enum x86_emul_result translate(struct x86_emul *e, struct emu_page *page, u64 linear,
				      unsigned int access, u64 *gpa)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
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
		return emu_stop_here(ctx, STOP_SLEEP);
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

enum x86_emul_result emu_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes)
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
		return emu_stop_here(ctx, STOP_BUSY);
	if (size > 8 || vcpu->emu.nr_done == EMU_LOG_ENTRIES)
		return emu_stop_here(ctx, STOP_BROKEN);
	if (!mmio_access(vcpu, is_write, gpa, size, data)) {
		if (!is_write)
			return emu_stop_here(ctx, STOP_READ);
		ctx->posted = true;
	}
	log_access(vcpu, is_write, gpa, size, data);
	return X86_EMUL_OK;
}

static enum x86_emul_result access_linear(struct x86_emul *e, bool is_write, u64 linear, void *buf,
					  unsigned int bytes, unsigned int access)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct emu_page *page = &ctx->page[is_write];
	enum x86_emul_result res;
	int ret = -EFAULT;
	u64 gpa;

	res = translate(e, page, linear, access, &gpa);
	if (res)
		return res;
	if (!page->is_device)
		ret = is_write ? guest_phys_write(ctx->vcpu, gpa, buf, bytes) :
				 guest_phys_read(ctx->vcpu, gpa, buf, bytes);
	/* there is no memory, or it is read-only; that goes for the page */
	page->is_device = ret == -EFAULT;
	if (page->is_device)
		return device(ctx, is_write, gpa, bytes, buf);
	return memory_error(e, ret, NULL);
}

enum x86_emul_result emu_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
			      unsigned int access)
{
	return access_linear(e, false, linear, buf, bytes, access);
}

enum x86_emul_result emu_write(struct x86_emul *e, u64 linear, const void *buf, unsigned int bytes)
{
	return access_linear(e, true, linear, (void *)buf, bytes, X86_ACCESS_WRITE);
}

/* The first may be in the log, as any access; to memory it is the only one. */
enum x86_emul_result emu_write_run(struct x86_emul *e, u64 linear, const void *buf,
				   unsigned int bytes, unsigned int stride, unsigned int *count)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct emu_page *page = &ctx->page[true];
	enum x86_emul_result res = emu_write(e, linear, buf, bytes);
	unsigned int more = page->is_device ? *count - 1 : 0;
	u64 gpa = page->gpa | offset_in_page(linear);

	if (res)
		return res;
	*count = 1 + mmio_write_run(ctx->vcpu, gpa + bytes, bytes, buf + stride, stride, more,
				    &ctx->posted);
	return X86_EMUL_OK;
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

enum x86_emul_result emu_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				 unsigned int bytes)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	enum x86_emul_result res;
	u64 gpa, old_value = 0, new_value = 0;
	int ret;

	res = translate(e, &ctx->page[true], linear, X86_ACCESS_WRITE, &gpa);
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

enum x86_emul_result emu_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
			       unsigned int access, bool *ram)
{
	struct x86_emulate_ctx *ctx = to_ctx(e);
	struct myhv_vcpu *vcpu = ctx->vcpu;
	enum x86_emul_result res;
	struct memslot *slot;
	u64 gpa;
	int idx;

	*ram = false;
	res = translate(e, &ctx->page[!!(access & X86_ACCESS_WRITE)], linear, access, &gpa);
	if (res)
		return res;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	slot = memslot_find(vcpu->vm, gpa);
	*ram = slot && !((access & X86_ACCESS_WRITE) && (slot->flags & MYHV_MEM_READONLY));
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return X86_EMUL_OK;
}
