/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction emulator, for accesses that the hardware cannot complete: device
 * memory, string I/O, and control registers without decode assists.
 *
 * It is pure: state comes in through struct x86_emul, memory and ports through
 * struct x86_emul_ops.
 *
 * Replay. A device in user space cannot answer at once, so an op may answer
 * X86_EMUL_IO_PENDING. Then nothing of the current step (the instruction, or one
 * iteration of a REP) is committed, and the caller emulates again when it has the answer.
 * The same state gives the same ops in the same order, so the caller keeps the completed
 * accesses of the step in a small log and answers from it. ->commit() ends a
 * step: the log is dropped there. A device write may be answered X86_EMUL_OK and sent
 * later, as long as it stays in order.
 *
 * Chunks. No op call crosses a 4 KiB page. Except where ->probe() said RAM, a call
 * moves 1, 2, 4 or 8 bytes (cmpxchg also 16): wider and page-crossing accesses are split,
 * lowest address first. A locked access that crosses a page is not atomic.
 */
#ifndef MYHV_MODEL_X86_EMULATE_H
#define MYHV_MODEL_X86_EMULATE_H

#include "x86_decode.h"

enum x86_emul_result {
	/* Of an op: completed. Of x86_emulate(): the instruction is done, rip behind it. */
	X86_EMUL_OK,
	/*
	 * x86_emulate() only: progress was made and committed, rip is unchanged. Call
	 * again or enter the guest, as the caller likes.
	 */
	X86_EMUL_CONTINUE,
	/* x86_emul::fault is to be injected. */
	X86_EMUL_FAULT,
	/* Waiting for user space: see "Replay". */
	X86_EMUL_IO_PENDING,
	/* Not known, or not possible on this memory. Nothing was changed. */
	X86_EMUL_UNHANDLEABLE,
};

/* struct x86_segment::attrib, the APM's packed form. */
#define X86_SEG_TYPE 0x000f
#define X86_SEG_TYPE_ACCESSED BIT(0)
#define X86_SEG_TYPE_RW BIT(1) /* data: writable, code: readable */
#define X86_SEG_TYPE_DOWN BIT(2) /* data: expands down, code: conforming */
#define X86_SEG_TYPE_CODE BIT(3)
#define X86_SEG_S BIT(4)
#define X86_SEG_DPL_BIT 5
#define X86_SEG_P BIT(7)
#define X86_SEG_L BIT(9)
#define X86_SEG_DB BIT(10)
#define X86_SEG_G BIT(11)

/**
 * struct x86_segment - a segment register; the layout is struct myhv_segment's
 * @base: linear base address
 * @limit: effective limit in bytes minus one
 * @selector: the visible part
 * @attrib: X86_SEG_*; without P the segment is unusable
 */
struct x86_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u16 attrib;
};

/** struct x86_regs - the layout is struct myhv_state_general's */
struct x86_regs {
	u64 gpr[X86_NR_GPRS];
	u64 rip;
	u64 rflags;
};

/**
 * struct x86_fault - an exception to inject
 * @vector: X86_TRAP_*
 * @has_error: @error is pushed
 * @error: error code
 * @address: of #PF: goes to CR2
 */
struct x86_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 address;
};

struct x86_emul;

/**
 * struct x86_emul_ops - how the emulator reaches the guest
 *
 * An op that answers X86_EMUL_FAULT has filled e->fault. USER access is decided by the
 * op from e->cpl, unless @access has X86_ACCESS_IMPLICIT. Optional ones may be NULL;
 * instructions that need them are then UNHANDLEABLE.
 */
struct x86_emul_ops {
	/* Instruction bytes at a linear address; never more than 15. */
	enum x86_emul_result (*fetch)(struct x86_emul *e, u64 linear, void *buf,
				      unsigned int bytes);
	/*
	 * Read. X86_ACCESS_WRITE in @access: the instruction writes the same bytes
	 * afterwards, so a page that is not writable faults now, as a write.
	 */
	enum x86_emul_result (*read)(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
				     unsigned int access);
	enum x86_emul_result (*write)(struct x86_emul *e, u64 linear, const void *buf,
				      unsigned int bytes);
	/*
	 * Optional: the elements of a string, *@count of them inside one page, @stride apart in
	 * @buf (0: all the same). At least the first; *@count becomes how many were
	 * written, and these are final. So many in one call are for a device alone.
	 */
	enum x86_emul_result (*write_run)(struct x86_emul *e, u64 linear, const void *buf,
					  unsigned int bytes, unsigned int stride,
					  unsigned int *count);
	/*
	 * Atomically replace *@old by *@new, @bytes 1, 2, 4, 8 or 16. The memory held
	 * something else: X86_EMUL_OK with *@old set to it. Device memory has no atomic
	 * access: the op writes *@new and leaves *@old.
	 */
	enum x86_emul_result (*cmpxchg)(struct x86_emul *e, u64 linear, void *old, const void *new,
					unsigned int bytes);
	/*
	 * Would an access of these bytes (inside one page) fault? Sets *@ram when it
	 * is memory that read and write may move in calls of any size. Changes nothing the
	 * guest sees but accessed and dirty bits.
	 */
	enum x86_emul_result (*probe)(struct x86_emul *e, u64 linear, unsigned int bytes,
				      unsigned int access, bool *ram);
	/* @count elements of @bytes each (1, 2 or 4), packed in @buf. */
	enum x86_emul_result (*io_in)(struct x86_emul *e, u16 port, unsigned int bytes,
				      unsigned int count, void *buf);
	enum x86_emul_result (*io_out)(struct x86_emul *e, u16 port, unsigned int bytes,
				       unsigned int count, const void *buf);
	/* A segment register, or the GDTR; must stay valid until x86_emulate() returns. */
	const struct x86_segment *(*segment)(struct x86_emul *e, enum x86_seg seg);

	/*
	 * Optional: a step is committed and the next begins, see "Replay". When
	 * x86_emulate() returns anything but X86_EMUL_IO_PENDING the log ends as well.
	 */
	void (*commit)(struct x86_emul *e);
	/* Optional: set a segment register with its hidden part. */
	void (*set_segment)(struct x86_emul *e, enum x86_seg seg, const struct x86_segment *val);
	/*
	 * Optional: the low @bytes (16 or 32) of a vector register. put: with @clear_upper all
	 * higher bytes become zero, else they stay.
	 */
	void (*get_vec)(struct x86_emul *e, unsigned int nr, void *buf, unsigned int bytes);
	void (*put_vec)(struct x86_emul *e, unsigned int nr, const void *buf, unsigned int bytes,
			bool clear_upper);
	/*
	 * Optional: MMX registers. get: FAULT when an x87 exception waits. put marks all of them
	 * valid, as each MMX instruction does, and writes @nr unless @val is NULL.
	 */
	enum x86_emul_result (*get_mmx)(struct x86_emul *e, unsigned int nr, u64 *val);
	void (*put_mmx)(struct x86_emul *e, unsigned int nr, const u64 *val);
	/*
	 * Optional: control and debug registers. May answer FAULT; CPL was checked, the
	 * number was not. For CLTS and LMSW, set_cr gets the whole new CR0.
	 */
	enum x86_emul_result (*get_cr)(struct x86_emul *e, unsigned int nr, u64 *val);
	enum x86_emul_result (*set_cr)(struct x86_emul *e, unsigned int nr, u64 val);
	enum x86_emul_result (*get_dr)(struct x86_emul *e, unsigned int nr, u64 *val);
	enum x86_emul_result (*set_dr)(struct x86_emul *e, unsigned int nr, u64 val);
	enum x86_emul_result (*invlpg)(struct x86_emul *e, u64 linear);
};

/* x86_emul::shadow: the interrupt shadow that the instruction leaves behind. */
#define X86_SHADOW_STI BIT(0)
#define X86_SHADOW_MOV_SS BIT(1)

/* One operand of the instruction being emulated; private to the emulator. */
struct x86_operand {
	u8 kind;
	u8 bytes;
	u8 reg;
	u8 seg;
	u64 ea;
	u64 linear;
	u64 val;
};

/**
 * struct x86_emul - one instruction and the state it works on
 * @ops: how to reach the guest
 * @regs: in and out: general registers, rip, rflags. Changed only where a step commits
 * @cr0: @cr4: in
 * @mode: in: x86_mode_of()
 * @cpl: in
 * @long_mode: in: EFER.LMA
 * @nr_bytes: in: how many of @bytes are known already; 0 to fetch them. Cleared
 * @bytes: in, out: the instruction's bytes
 * @max_steps: in: iterations of a REP before X86_EMUL_CONTINUE; 0 means 1
 * @io_buf: in: buffer for batched string I/O, may be NULL: no batches
 * @io_buf_bytes: in: its size; a batch is never larger
 * @fault: out with X86_EMUL_FAULT
 * @single_step: out with OK and CONTINUE: RFLAGS.TF was set, #DB is due
 * @shadow: out with OK: X86_SHADOW_*
 * @insn: out: what was decoded; valid from the first op after the fetch on
 *
 * The rest is private.
 */
struct x86_emul {
	const struct x86_emul_ops *ops;
	struct x86_regs *regs;
	u64 cr0;
	u64 cr4;
	enum x86_mode mode;
	u8 cpl;
	bool long_mode;
	u8 nr_bytes;
	u8 bytes[X86_MAX_INSN_BYTES];
	unsigned int max_steps;
	void *io_buf;
	unsigned int io_buf_bytes;

	struct x86_fault fault;
	bool single_step;
	u8 shadow;
	struct x86_insn insn;

	u64 next_rip;
	u64 flags;
	struct x86_operand dst;
	struct x86_operand src;
};

/**
 * x86_emulate() - emulate the instruction at CS:rip
 * @e: see struct x86_emul
 *
 * Return: see enum x86_emul_result. Unless it is OK or CONTINUE, @e->regs are as before
 * the current step; with FAULT, earlier iterations of a REP may have been committed.
 */
enum x86_emul_result x86_emulate(struct x86_emul *e);

#endif /* MYHV_MODEL_X86_EMULATE_H */
