// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any bytes as an instruction in any state, with memory and ports that
 * answer, fault, or need user space as the input says. The emulator must never crash or
 * run on for ever, must keep its promises about the ops, and must leave the registers alone
 * when a step is not finished.
 */
#include <stdlib.h>
#include "x86_emulate.h"

#define MAX_CALLS 64
#define MAX_STEPS 16
#define IO_BUF_BYTES 256

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct fuzz {
	struct x86_emul e;
	struct x86_regs regs;
	struct x86_segment seg[X86_NR_SEGS];
	u8 io_buf[IO_BUF_BYTES];
	const u8 *input;
	size_t left;
	/* What the last failed op answered. */
	enum x86_emul_result answered;
	bool probed_ram;
	u8 last;
	/* Registers at the last commit. */
	struct x86_regs committed;
};

static void take(struct fuzz *f, void *buf, size_t bytes)
{
	size_t n = min(bytes, f->left);

	memset(buf, 0, bytes);
	if (n)
		memcpy(buf, f->input, n);
	f->input += n;
	f->left -= n;
}

static u8 take_u8(struct fuzz *f)
{
	u8 val;

	take(f, &val, 1);
	return val;
}

static struct fuzz *to_fuzz(struct x86_emul *e)
{
	return container_of(e, struct fuzz, e);
}

/* One op in eight fails, so that most instructions get somewhere. */
static enum x86_emul_result answer(struct fuzz *f)
{
	f->answered = X86_EMUL_OK;
	switch (take_u8(f) & 0x1f) {
	case 0x1d:
		f->answered = X86_EMUL_IO_PENDING;
		break;
	case 0x1e:
		f->e.fault = (struct x86_fault){ .vector = X86_TRAP_PF, .has_error = true };
		f->answered = X86_EMUL_FAULT;
		break;
	case 0x1f:
		f->answered = X86_EMUL_UNHANDLEABLE;
		break;
	}
	return f->answered;
}

static void check_access(struct fuzz *f, u64 linear, unsigned int bytes, unsigned int access)
{
	bool single = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;

	require((linear & 4095) + bytes <= 4096);
	require(single || (f->probed_ram && bytes <= IO_BUF_BYTES));
	if (f->e.mode != X86_MODE_LONG64 && !(access & X86_ACCESS_IMPLICIT))
		require(linear <= 0xffffffff);
	/* The instruction that is under way is a valid one. */
	require(f->e.insn.length >= 1 && f->e.insn.length <= X86_MAX_INSN_BYTES);
}

static enum x86_emul_result op_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes)
{
	require(bytes >= 1 && bytes <= X86_MAX_INSN_BYTES);
	require((linear & 4095) + bytes <= 4096);
	take(to_fuzz(e), buf, bytes);
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
				    unsigned int access)
{
	require(!(access & ~(X86_ACCESS_WRITE | X86_ACCESS_IMPLICIT)));
	check_access(to_fuzz(e), linear, bytes, access);
	take(to_fuzz(e), buf, bytes);
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_write(struct x86_emul *e, u64 linear, const void *buf,
				     unsigned int bytes)
{
	static volatile u8 sink;
	unsigned int i;

	check_access(to_fuzz(e), linear, bytes, X86_ACCESS_WRITE);
	for (i = 0; i < bytes; i++)
		sink = ((const u8 *)buf)[i];
	(void)sink;
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				       unsigned int bytes)
{
	/* the accessed bit of a descriptor: its table may lie anywhere in long mode */
	unsigned int table = e->long_mode && bytes == 1 ? X86_ACCESS_IMPLICIT : 0;

	(void)new;
	if (bytes == 16)
		require((linear & 15) == 0);
	else
		check_access(to_fuzz(e), linear, bytes, X86_ACCESS_WRITE | table);
	if (take_u8(to_fuzz(e)) & 1)
		take(to_fuzz(e), old, bytes);
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				     unsigned int access, bool *ram)
{
	require(bytes && (linear & 4095) + bytes <= 4096);
	*ram = take_u8(to_fuzz(e)) & 1;
	to_fuzz(e)->probed_ram = *ram;
	(void)access;
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_io_in(struct x86_emul *e, u16 port, unsigned int bytes,
				     unsigned int count, void *buf)
{
	require(bytes == 1 || bytes == 2 || bytes == 4);
	require(count == 1 || (count > 1 && buf == to_fuzz(e)->io_buf));
	require(count == 1 || count * bytes <= IO_BUF_BYTES);
	(void)port;
	take(to_fuzz(e), buf, bytes * count);
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_write_run(struct x86_emul *e, u64 linear, const void *buf,
					 unsigned int bytes, unsigned int stride,
					 unsigned int *count)
{
	unsigned int most = *count;
	const u8 *p = buf;

	require(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
	require(stride == 0 || stride == bytes);
	require(most > 1 && (linear & 0xfff) + most * bytes <= 0x1000);
	*count = 1 + take_u8(to_fuzz(e)) % most;
	to_fuzz(e)->last = p[(*count - 1) * stride + bytes - 1]; /* all can be read */
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_io_out(struct x86_emul *e, u16 port, unsigned int bytes,
				      unsigned int count, const void *buf)
{
	require(bytes == 1 || bytes == 2 || bytes == 4);
	require(count == 1 || (count > 1 && buf == to_fuzz(e)->io_buf));
	require(count == 1 || count * bytes <= IO_BUF_BYTES);
	(void)port;
	return answer(to_fuzz(e));
}

static const struct x86_segment *op_segment(struct x86_emul *e, enum x86_seg seg)
{
	require(seg < X86_NR_SEGS);
	return &to_fuzz(e)->seg[seg];
}

static void op_set_segment(struct x86_emul *e, enum x86_seg seg, const struct x86_segment *val)
{
	require(seg <= X86_SEG_GS);
	to_fuzz(e)->seg[seg] = *val;
}

static void op_commit(struct x86_emul *e)
{
	to_fuzz(e)->committed = to_fuzz(e)->regs;
	to_fuzz(e)->probed_ram = false;
}

static void op_get_vec(struct x86_emul *e, unsigned int nr, void *buf, unsigned int bytes)
{
	require(nr < 16 && (bytes == 16 || bytes == 32));
	take(to_fuzz(e), buf, bytes);
}

static void op_put_vec(struct x86_emul *e, unsigned int nr, const void *buf, unsigned int bytes,
		       bool clear_upper)
{
	(void)e;
	(void)buf;
	(void)clear_upper;
	require(nr < 16 && (bytes == 16 || bytes == 32));
}

static enum x86_emul_result op_get_mmx(struct x86_emul *e, unsigned int nr, u64 *val)
{
	require(nr < 8);
	take(to_fuzz(e), val, sizeof(*val));
	return answer(to_fuzz(e));
}

static void op_put_mmx(struct x86_emul *e, unsigned int nr, const u64 *val)
{
	(void)e;
	(void)val;
	require(nr < 8);
}

static enum x86_emul_result op_get_reg(struct x86_emul *e, unsigned int nr, u64 *val)
{
	require(nr <= 8);
	take(to_fuzz(e), val, sizeof(*val));
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_set_reg(struct x86_emul *e, unsigned int nr, u64 val)
{
	(void)val;
	require(nr <= 8);
	return answer(to_fuzz(e));
}

static enum x86_emul_result op_invlpg(struct x86_emul *e, u64 linear)
{
	(void)linear;
	return answer(to_fuzz(e));
}

static const struct x86_emul_ops ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.write_run = op_write_run,
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
	.get_cr = op_get_reg,
	.set_cr = op_set_reg,
	.get_dr = op_get_reg,
	.set_dr = op_set_reg,
	.invlpg = op_invlpg,
};

/* The decoder alone: consistent with itself for every number of bytes it may get. */
static void fuzz_decode(const u8 *bytes, size_t size, enum x86_mode mode)
{
	unsigned int n, nr_bytes = min(size, (size_t)X86_MAX_INSN_BYTES + 1), length;
	enum x86_decode_result res, whole, quick;
	struct x86_insn insn, shorter;

	whole = x86_decode(&insn, bytes, nr_bytes, mode);
	require(whole <= X86_DECODE_TOO_LONG);
	quick = x86_insn_length(bytes, nr_bytes, mode, &length);
	require(quick == whole);
	if (whole == X86_DECODE_OK) {
		require(insn.length >= 1 && insn.length <= nr_bytes);
		require(insn.length <= X86_MAX_INSN_BYTES && length == insn.length);
		require(insn.op > X86_OP_UD && insn.op < X86_NR_OPS);
		require(insn.reg < 16 && insn.rm < 16);
		require(insn.base <= X86_REG_NONE && insn.index <= X86_REG_NONE);
		require(insn.seg <= X86_SEG_GS);
	}
	for (n = 0; n < nr_bytes; n++) {
		res = x86_decode(&shorter, bytes, n, mode);
		if (whole == X86_DECODE_OK)
			require(res == (n < insn.length ? X86_DECODE_MORE : X86_DECODE_OK));
		else
			require(res == X86_DECODE_MORE || res == whole);
	}
}

static void check_step(struct fuzz *f, enum x86_emul_result res)
{
	bool same = !memcmp(&f->regs, &f->committed, sizeof(f->regs));

	require(res <= X86_EMUL_UNHANDLEABLE);
	if (res == X86_EMUL_OK)
		return;
	require(f->regs.rip == f->committed.rip);
	require(f->regs.rflags == f->committed.rflags);
	if (res != X86_EMUL_CONTINUE)
		require(same);
	if (res == X86_EMUL_IO_PENDING)
		require(f->answered == X86_EMUL_IO_PENDING);
	if (res == X86_EMUL_FAULT)
		require(f->e.fault.vector < 32);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct fuzz f;
	enum x86_emul_result res;
	unsigned int i;
	u8 flags;

	memset(&f, 0, sizeof(f));
	f.input = data;
	f.left = size;
	flags = take_u8(&f);
	f.e.mode = flags % (X86_MODE_LONG64 + 1);
	fuzz_decode(f.input, f.left, f.e.mode);

	/* The instruction comes first in the input; mutations of it are cheap to find. */
	f.e.nr_bytes = min(f.left, (size_t)take_u8(&f) % (X86_MAX_INSN_BYTES + 1));
	take(&f, f.e.bytes, f.e.nr_bytes);
	f.e.ops = &ops;
	f.e.regs = &f.regs;
	f.e.cpl = flags & 0x20 ? 3 : 0;
	f.e.long_mode = f.e.mode == X86_MODE_LONG64 ||
			(f.e.mode >= X86_MODE_PROT16 && (flags & 0x10));
	f.e.max_steps = MAX_STEPS;
	if (flags & 0x40) {
		f.e.io_buf = f.io_buf;
		f.e.io_buf_bytes = sizeof(f.io_buf);
	}
	f.e.cr0 = take_u8(&f) | (flags & 0x80 ? X86_CR0_AM : 0);
	f.e.cr4 = take_u8(&f) << 8 | X86_CR4_OSXSAVE;
	take(&f, f.seg, sizeof(f.seg));
	take(&f, &f.regs, sizeof(f.regs));

	for (i = 0; i < MAX_CALLS; i++) {
		f.committed = f.regs;
		f.answered = X86_EMUL_OK;
		f.probed_ram = false;
		res = x86_emulate(&f.e);
		check_step(&f, res);
		if (res != X86_EMUL_CONTINUE && res != X86_EMUL_IO_PENDING)
			break;
	}
	return 0;
}
