/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the emulator's frame: emulate.c, and emulate_mem.c with the guest's memory. */
#ifndef MYHV_EXIT_EMULATE_PRIV_H
#define MYHV_EXIT_EMULATE_PRIV_H

#include "core/vcpu.h"
#include "exit/emulate.h"

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

static inline struct x86_emulate_ctx *to_ctx(struct x86_emul *e)
{
	return container_of(e, struct x86_emulate_ctx, emul);
}

static inline enum x86_emul_result emu_stop_here(struct x86_emulate_ctx *ctx, enum emu_stop why)
{
	ctx->stop = why;
	return X86_EMUL_IO_PENDING;
}

/* At the begin of an emulation, and when addresses mean something else. */
static inline void emu_forget_pages(struct x86_emulate_ctx *ctx)
{
	ctx->page[0].access = NO_ACCESS;
	ctx->page[1].access = NO_ACCESS;
}

/* emulate_mem.c: see struct x86_emul_ops */
enum x86_emul_result emu_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes);
enum x86_emul_result emu_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
			      unsigned int access);
enum x86_emul_result emu_write(struct x86_emul *e, u64 linear, const void *buf, unsigned int bytes);
enum x86_emul_result emu_write_run(struct x86_emul *e, u64 linear, const void *buf,
				   unsigned int bytes, unsigned int stride, unsigned int *count);
enum x86_emul_result emu_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				 unsigned int bytes);
enum x86_emul_result emu_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
			       unsigned int access, bool *ram);

#endif /* MYHV_EXIT_EMULATE_PRIV_H */
