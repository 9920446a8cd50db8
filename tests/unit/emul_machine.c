// SPDX-License-Identifier: GPL-2.0-or-later
/* See emul_machine.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "emul_machine.h"

static struct machine *to_machine(struct x86_emul *e)
{
	return container_of(e, struct machine, e);
}

static bool is_device(u64 linear)
{
	return linear >> 12 == MACHINE_DEVICE >> 12;
}

static enum x86_emul_result page_fault(struct x86_emul *e, u64 linear, u32 error)
{
	e->fault = (struct x86_fault){
		.vector = X86_TRAP_PF,
		.has_error = true,
		.error = error | (e->cpl == 3 ? PFERR_USER : 0),
		.address = linear,
	};
	return X86_EMUL_FAULT;
}

static enum x86_emul_result check_page(struct x86_emul *e, u64 linear, unsigned int bytes,
				       unsigned int access)
{
	u32 error = access & X86_ACCESS_WRITE ? PFERR_WRITE : 0;

	assert_true(bytes > 0);
	assert_true((linear & 4095) + bytes <= 4096);
	if (linear >= MACHINE_RAM_BYTES || linear >> 12 == MACHINE_HOLE >> 12)
		return page_fault(e, linear, error);
	if (linear >> 12 == MACHINE_READ_ONLY >> 12 && (access & X86_ACCESS_WRITE))
		return page_fault(e, linear, error | PFERR_PRESENT);
	return X86_EMUL_OK;
}

static void write_down(struct machine *m, enum access_kind kind, u64 address, unsigned int bytes,
		       unsigned int count, u64 val)
{
	assert_true(m->nr_log < MACHINE_MAX_LOG);
	m->log[m->nr_log++] = (struct access){ kind, address, bytes, count, val };
}

/*
 * A device or port access, answered from the replay log where user space has done it.
 * The same access must come at the same place again.
 */
static enum x86_emul_result device_access(struct machine *m, enum access_kind kind, u64 address,
					  unsigned int bytes, unsigned int count, u64 *val)
{
	bool is_read = kind == ACCESS_READ || kind == ACCESS_IN;
	struct access *a;

	if (m->replay_pos < m->nr_replay) {
		a = &m->replay[m->replay_pos++];
		assert_int_equal(a->kind, kind);
		assert_true(a->address == address);
		assert_int_equal(a->bytes, bytes);
		assert_int_equal(a->count, count);
		if (is_read)
			*val = a->val;
		else
			assert_true(a->val == *val);
		return X86_EMUL_OK;
	}
	if (is_read) {
		*val = m->next_val & x86_size_mask(bytes);
		m->next_val += count;
	}
	write_down(m, kind, address, bytes, count, *val);
	if (!m->late)
		return X86_EMUL_OK;
	assert_true(m->nr_replay < ARRAY_SIZE(m->replay));
	m->replay[m->nr_replay++] = m->log[m->nr_log - 1];
	return X86_EMUL_IO_PENDING;
}

static enum x86_emul_result op_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes)
{
	struct machine *m = to_machine(e);
	enum x86_emul_result res = check_page(e, linear, bytes, X86_ACCESS_FETCH);

	m->nr_fetches++;
	if (!res)
		memcpy(buf, m->ram + linear, bytes);
	return res;
}

static enum x86_emul_result op_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
				    unsigned int access)
{
	struct machine *m = to_machine(e);
	enum x86_emul_result res = check_page(e, linear, bytes, access);
	u64 val = 0;

	if (res)
		return res;
	if (is_device(linear)) {
		assert_true(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
		res = device_access(m, ACCESS_READ, linear, bytes, 1, &val);
		memcpy(buf, &val, bytes);
		return res;
	}
	memcpy(buf, m->ram + linear, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_write(struct x86_emul *e, u64 linear, const void *buf,
				     unsigned int bytes)
{
	struct machine *m = to_machine(e);
	enum x86_emul_result res = check_page(e, linear, bytes, X86_ACCESS_WRITE);
	u64 val = 0;

	if (res)
		return res;
	if (is_device(linear)) {
		assert_true(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
		memcpy(&val, buf, bytes);
		return device_access(m, ACCESS_WRITE, linear, bytes, 1, &val);
	}
	memcpy(m->ram + linear, buf, bytes);
	return X86_EMUL_OK;
}

/* As many as @run_limit to a device, where it answers at once. */
static enum x86_emul_result op_write_run(struct x86_emul *e, u64 linear, const void *buf,
					 unsigned int bytes, unsigned int stride,
					 unsigned int *count)
{
	struct machine *m = to_machine(e);
	enum x86_emul_result res = op_write(e, linear, buf, bytes);
	unsigned int most = is_device(linear) && !m->late ? min(*count, m->run_limit) : 1;
	unsigned int i;

	assert_true(*count > 1 && (linear & 0xfff) + *count * bytes <= 0x1000);
	for (i = 1; !res && i < most; i++)
		res = op_write(e, linear + i * bytes, (const u8 *)buf + i * stride, bytes);
	*count = i;
	return res;
}

static enum x86_emul_result op_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				       unsigned int bytes)
{
	struct machine *m = to_machine(e);
	enum x86_emul_result res = check_page(e, linear, bytes, X86_ACCESS_WRITE);
	u64 val = 0;

	if (res)
		return res;
	memcpy(&val, new, min(bytes, 8u));
	if (is_device(linear))
		return device_access(m, ACCESS_CMPXCHG, linear, bytes, 1, &val);
	write_down(m, ACCESS_CMPXCHG, linear, bytes, 1, val);
	if (m->nr_races) {
		m->nr_races--;
		m->ram[linear]++;
	}
	if (memcmp(m->ram + linear, old, bytes))
		memcpy(old, m->ram + linear, bytes);
	else
		memcpy(m->ram + linear, new, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				     unsigned int access, bool *ram)
{
	*ram = !is_device(linear);
	return check_page(e, linear, bytes, access);
}

static enum x86_emul_result op_io_in(struct x86_emul *e, u16 port, unsigned int bytes,
				     unsigned int count, void *buf)
{
	enum x86_emul_result res;
	unsigned int i;
	u64 val = 0;

	assert_true(bytes == 1 || bytes == 2 || bytes == 4);
	assert_true(count == 1 || bytes * count <= MACHINE_IO_BUF_BYTES);
	res = device_access(to_machine(e), ACCESS_IN, port, bytes, count, &val);
	if (res)
		return res;
	for (i = 0; i < count; i++, val++)
		memcpy((u8 *)buf + i * bytes, &val, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_io_out(struct x86_emul *e, u16 port, unsigned int bytes,
				      unsigned int count, const void *buf)
{
	u64 val = 0;

	assert_true(count == 1 || bytes * count <= MACHINE_IO_BUF_BYTES);
	memcpy(&val, buf, bytes);
	return device_access(to_machine(e), ACCESS_OUT, port, bytes, count, &val);
}

static const struct x86_segment *op_segment(struct x86_emul *e, enum x86_seg seg)
{
	return &to_machine(e)->seg[seg];
}

static void op_set_segment(struct x86_emul *e, enum x86_seg seg, const struct x86_segment *val)
{
	to_machine(e)->seg[seg] = *val;
}

static void op_commit(struct x86_emul *e)
{
	struct machine *m = to_machine(e);

	m->nr_commits++;
	m->nr_replay = 0;
	m->replay_pos = 0;
}

static void op_get_vec(struct x86_emul *e, unsigned int nr, void *buf, unsigned int bytes)
{
	assert_true(bytes == 16 || bytes == 32);
	memcpy(buf, to_machine(e)->vec[nr], bytes);
}

static void op_put_vec(struct x86_emul *e, unsigned int nr, const void *buf, unsigned int bytes,
		       bool clear_upper)
{
	u8 *vec = to_machine(e)->vec[nr];

	assert_true(bytes == 16 || bytes == 32);
	memcpy(vec, buf, bytes);
	if (clear_upper)
		memset(vec + bytes, 0, 32 - bytes);
}

static enum x86_emul_result op_get_mmx(struct x86_emul *e, unsigned int nr, u64 *val)
{
	if (to_machine(e)->x87_waits) {
		e->fault = (struct x86_fault){ .vector = X86_TRAP_MF };
		return X86_EMUL_FAULT;
	}
	*val = to_machine(e)->mmx[nr];
	return X86_EMUL_OK;
}

static void op_put_mmx(struct x86_emul *e, unsigned int nr, const u64 *val)
{
	to_machine(e)->nr_mmx++;
	if (val)
		to_machine(e)->mmx[nr] = *val;
}

static enum x86_emul_result op_get_cr(struct x86_emul *e, unsigned int nr, u64 *val)
{
	*val = to_machine(e)->cr[nr];
	return X86_EMUL_OK;
}

/* CR4 takes nothing: a way to see a fault from an op. */
static enum x86_emul_result op_set_cr(struct x86_emul *e, unsigned int nr, u64 val)
{
	if (nr == 4) {
		e->fault = (struct x86_fault){ .vector = X86_TRAP_GP, .has_error = true };
		return X86_EMUL_FAULT;
	}
	to_machine(e)->cr[nr] = val;
	return X86_EMUL_OK;
}

static enum x86_emul_result op_invlpg(struct x86_emul *e, u64 linear)
{
	to_machine(e)->invlpg_address = linear;
	return X86_EMUL_OK;
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
	.get_cr = op_get_cr,
	.set_cr = op_set_cr,
	.get_dr = op_get_cr,
	.set_dr = op_set_cr,
	.invlpg = op_invlpg,
};

void machine_init(struct machine *m, enum x86_mode mode)
{
	bool real = mode == X86_MODE_REAL16 || mode == X86_MODE_VM86;
	const struct x86_segment flat = {
		.limit = real ? 0xffff : 0xffffffff,
		.selector = real ? 0 : 0x10,
		.attrib = X86_SEG_P | X86_SEG_S | X86_SEG_TYPE_RW |
			  (mode == X86_MODE_PROT32 ? X86_SEG_DB : 0),
	};
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->e.ops = &ops;
	m->e.regs = &m->regs;
	m->e.cr0 = X86_CR0_PE;
	m->e.cr4 = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	m->e.mode = mode;
	m->e.long_mode = mode == X86_MODE_LONG64;
	m->e.max_steps = 100;
	m->run_limit = 1000;
	for (i = 0; i < X86_NR_SEGS; i++)
		m->seg[i] = flat;
	m->seg[X86_SEG_CS].attrib |= X86_SEG_TYPE_CODE;
	m->seg[X86_SEG_FS].base = MACHINE_FS_BASE;
	m->seg[X86_SEG_TR] = (struct x86_segment){ .base = MACHINE_TSS,
						   .limit = 0x1fff,
						   .attrib = X86_SEG_P | 0xb };
	m->regs.rip = MACHINE_CODE;
	m->regs.rflags = X86_EFLAGS_FIXED;
	m->regs.gpr[X86_RSP] = MACHINE_STACK;
	m->next_val = 0x1122334455667788;
}

enum x86_emul_result machine_again(struct machine *m)
{
	const struct x86_regs before = m->regs;
	enum x86_emul_result res;
	bool rep;

	m->replay_pos = 0;
	res = x86_emulate(&m->e);
	rep = m->e.insn.flags & (X86_INSN_REP | X86_INSN_REPNE);
	/* The rule that replay rests on. */
	if (res != X86_EMUL_OK && !rep)
		assert_memory_equal(&m->regs, &before, sizeof(before));
	if (res != X86_EMUL_OK)
		assert_true(m->regs.rip == before.rip);
	if (res != X86_EMUL_IO_PENDING)
		m->nr_replay = 0;
	return res;
}

enum x86_emul_result machine_run(struct machine *m, const char *bytes, unsigned int length)
{
	u64 at = m->regs.rip;

	if (m->e.mode != X86_MODE_LONG64)
		at += m->seg[X86_SEG_CS].base;
	assert_true(at + length <= MACHINE_RAM_BYTES);
	memcpy(m->ram + at, bytes, length);
	return machine_again(m);
}

enum x86_emul_result machine_finish(struct machine *m, const char *bytes, unsigned int length)
{
	enum x86_emul_result res = machine_run(m, bytes, length);

	while (res == X86_EMUL_IO_PENDING)
		res = machine_again(m);
	return res;
}
