// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator against the CPU itself: random instructions run natively and in the
 * emulator from the same state; registers, memory, flags and faults must agree.
 *
 * EMULATE_SEED and EMULATE_ROUNDS in the environment override seed and length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <cpuid.h>
#include "native_exec.h"
#include "x86_emulate.h"

#define DEFAULT_SEED 1
#define DEFAULT_ROUNDS 40000

#define ARITH_FLAGS                                                                      \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

static u64 rng_state;

static u64 rnd(void)
{
	/* xorshift64* */
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return rng_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int rnd_below(unsigned int n)
{
	return (rnd() >> 32) % n;
}

static bool one_in(unsigned int n)
{
	return rnd_below(n) == 0;
}

/* Numbers near the edges of all operand sizes are where carries live. */
static u64 rnd_value(void)
{
	static const u64 edges[] = { 0,
				     1,
				     0x7f,
				     0x80,
				     0xff,
				     0x7fff,
				     0x8000,
				     0xffff,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     0x7fffffffffffffff,
				     0x8000000000000000,
				     0xffffffffffffffff };

	switch (rnd_below(3)) {
	case 0:
		return edges[rnd_below(ARRAY_SIZE(edges))] + rnd_below(3) - 1;
	case 1:
		return rnd() >> rnd_below(64);
	default:
		return rnd();
	}
}

/* ---- one test case --------------------------------------------------------------- */

struct test_case {
	enum x86_mode mode; /* LONG64 or PROT32 */
	u8 bytes[X86_MAX_INSN_BYTES];
	unsigned int length;
	struct x86_insn insn;
	struct native_state before;
	u8 data[NATIVE_DATA_BYTES];
};

static u64 fs_base;
static bool has_lzcnt, has_bmi1, has_sse42;

/* ---- the emulator's view ----------------------------------------------------------- */

struct machine {
	struct x86_emul e;
	struct x86_regs regs;
	u8 data[NATIVE_DATA_BYTES];
	u8 vec[16][32];
	u64 mmx[8];
	struct x86_segment seg;
	const struct test_case *tc;
};

static struct machine *to_machine(struct x86_emul *e)
{
	return container_of(e, struct machine, e);
}

static u8 *find_data(struct x86_emul *e, u64 linear, unsigned int bytes, u32 error)
{
	u64 offset = linear - (u64)native_data;

	assert_true((linear & 4095) + bytes <= 4096);
	if (offset < NATIVE_DATA_BYTES && offset + bytes <= NATIVE_DATA_BYTES)
		return to_machine(e)->data + offset;
	e->fault.vector = X86_TRAP_PF;
	e->fault.has_error = true;
	e->fault.error = error | PFERR_USER;
	e->fault.address = linear;
	return NULL;
}

static enum x86_emul_result op_fetch(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes)
{
	const struct test_case *tc = to_machine(e)->tc;
	u64 offset = linear - (u64)native_code - NATIVE_INSN_OFFSET;

	memset(buf, 0xcc, bytes);
	if (offset < tc->length)
		memcpy(buf, tc->bytes + offset, min((u64)bytes, tc->length - offset));
	return X86_EMUL_OK;
}

static enum x86_emul_result op_read(struct x86_emul *e, u64 linear, void *buf, unsigned int bytes,
				    unsigned int access)
{
	u8 *p = find_data(e, linear, bytes, access & X86_ACCESS_WRITE ? PFERR_WRITE : 0);

	if (!p)
		return X86_EMUL_FAULT;
	memcpy(buf, p, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_write(struct x86_emul *e, u64 linear, const void *buf,
				     unsigned int bytes)
{
	u8 *p = find_data(e, linear, bytes, PFERR_WRITE);

	if (!p)
		return X86_EMUL_FAULT;
	memcpy(p, buf, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_cmpxchg(struct x86_emul *e, u64 linear, void *old, const void *new,
				       unsigned int bytes)
{
	u8 *p = find_data(e, linear, bytes, PFERR_WRITE);

	if (!p)
		return X86_EMUL_FAULT;
	if (memcmp(p, old, bytes))
		memcpy(old, p, bytes);
	else
		memcpy(p, new, bytes);
	return X86_EMUL_OK;
}

static enum x86_emul_result op_probe(struct x86_emul *e, u64 linear, unsigned int bytes,
				     unsigned int access, bool *ram)
{
	*ram = true;
	return find_data(e, linear, bytes, access & X86_ACCESS_WRITE ? PFERR_WRITE : 0) ?
		       X86_EMUL_OK :
		       X86_EMUL_FAULT;
}

static const struct x86_segment *op_segment(struct x86_emul *e, enum x86_seg seg)
{
	struct machine *m = to_machine(e);

	m->seg = (struct x86_segment){
		.base = seg == X86_SEG_FS ? fs_base : 0,
		.limit = 0xffffffff,
		.attrib = X86_SEG_P | X86_SEG_S | X86_SEG_DB | X86_SEG_TYPE_RW |
			  (seg == X86_SEG_CS ? X86_SEG_TYPE_CODE : 0),
	};
	return &m->seg;
}

static void op_get_vec(struct x86_emul *e, unsigned int nr, void *buf, unsigned int bytes)
{
	memcpy(buf, to_machine(e)->vec[nr], bytes);
}

static void op_put_vec(struct x86_emul *e, unsigned int nr, const void *buf, unsigned int bytes,
		       bool clear_upper)
{
	u8 *vec = to_machine(e)->vec[nr];

	memcpy(vec, buf, bytes);
	if (clear_upper)
		memset(vec + bytes, 0, 32 - bytes);
}

static enum x86_emul_result op_get_mmx(struct x86_emul *e, unsigned int nr, u64 *val)
{
	*val = to_machine(e)->mmx[nr];
	return X86_EMUL_OK;
}

static void op_put_mmx(struct x86_emul *e, unsigned int nr, const u64 *val)
{
	if (val)
		to_machine(e)->mmx[nr] = *val;
}

static const struct x86_emul_ops ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.cmpxchg = op_cmpxchg,
	.probe = op_probe,
	.segment = op_segment,
	.get_vec = op_get_vec,
	.put_vec = op_put_vec,
	.get_mmx = op_get_mmx,
	.put_mmx = op_put_mmx,
};

static enum x86_emul_result emulate(const struct test_case *tc, struct machine *m)
{
	*m = (struct machine){ .e = { .ops = &ops,
				      .regs = &m->regs,
				      .cr0 = X86_CR0_PE | X86_CR0_PG,
				      .cr4 = X86_CR4_OSFXSR | X86_CR4_OSXSAVE,
				      .mode = tc->mode,
				      .cpl = 3,
				      .max_steps = 1000 } };
	m->tc = tc;
	memcpy(m->regs.gpr, tc->before.gpr, sizeof(m->regs.gpr));
	m->regs.rip = (u64)native_code + NATIVE_INSN_OFFSET;
	m->regs.rflags = tc->before.rflags;
	memcpy(m->data, tc->data, sizeof(m->data));
	memcpy(m->vec, tc->before.vec, sizeof(m->vec));
	memcpy(m->mmx, tc->before.mmx, sizeof(m->mmx));
	return x86_emulate(&m->e);
}

/* ---- generating -------------------------------------------------------------------- */

/* Instructions that user space may run anywhere and whose result is defined. */
static bool is_testable(const struct x86_insn *insn)
{
	switch (insn->op) {
	case X86_OP_ADD ... X86_OP_POPCNT:
	case X86_OP_CRC32 ... X86_OP_CMPXCHG8B:
	case X86_OP_SETCC ... X86_OP_POP:
	case X86_OP_PUSHF ... X86_OP_STD:
	case X86_OP_NOP:
	case X86_OP_MOVS ... X86_OP_SCAS:
	case X86_OP_SSE:
		break;
	case X86_OP_BSWAP:
		return insn->op_size > 2;
	default:
		return false;
	}
	/* The selectors of FS and GS are null. */
	if (insn->mode == X86_MODE_PROT32 && (insn->seg == X86_SEG_FS || insn->seg == X86_SEG_GS))
		return false;
	/* One feature bit stands for its whole generation. */
	if ((insn->op == X86_OP_POPCNT || insn->op == X86_OP_CRC32 || insn->op == X86_OP_MOVBE ||
	     insn->op == X86_OP_CMPXCHG8B) &&
	    !has_sse42)
		return false;
	/* Vendors differ in the upper half of a destination that is not written. */
	if (insn->op == X86_OP_CMPXCHG && !(insn->flags & X86_INSN_MEM) && insn->op_size == 4)
		return false;
	if (insn->op == X86_OP_LZCNT && !has_lzcnt)
		return false;
	if (insn->op == X86_OP_TZCNT && !has_bmi1)
		return false;
	/* Vendors differ in what 66 does to a near branch. */
	if (insn->op >= X86_OP_CALL && insn->op <= X86_OP_JCXZ && (insn->flags & X86_INSN_OPSIZE))
		return false;
	/* MOVSXD to a word reads 16 or 32 bits, by vendor. */
	if (insn->op == X86_OP_MOVSX && insn->form == X86_FORM_G_E32 && insn->op_size == 2)
		return false;
	/* REP before LOOP is undefined, and one vendor's CPUs do act on it. */
	if (insn->op == X86_OP_LOOP && insn->simd_prefix & 0x80)
		return false;
	/* PREFETCH of a register is a NOP here and undefined there; CLFLUSH checks its address. */
	if (insn->op == X86_OP_NOP && (insn->opcode == 0x0d || insn->opcode == 0xae))
		return false;
	return true;
}

/* Opcode and ModRM with random prefixes; false when it is not one that we test. */
static bool random_insn(struct test_case *tc)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x64 };
	bool is_long = tc->mode == X86_MODE_LONG64;
	unsigned int n = 0, i;

	for (i = 0; i < sizeof(tc->bytes); i++)
		tc->bytes[i] = rnd();
	while (one_in(3) && n < 3)
		tc->bytes[n++] = prefixes[rnd_below(ARRAY_SIZE(prefixes))];
	if (is_long && native_has_avx() && one_in(30)) {
		tc->bytes[n++] = 0xc5;
		tc->bytes[n] |= one_in(2) ? 0x78 : 0;
	} else {
		if (is_long && one_in(2))
			tc->bytes[n++] = 0x40 | rnd_below(16);
		if (one_in(3))
			tc->bytes[n++] = 0x0f;
		if (one_in(40)) {
			tc->bytes[n++] = 0x38;
			tc->bytes[n] = 0xf0 | rnd_below(2);
		}
	}
	if (x86_decode(&tc->insn, tc->bytes, sizeof(tc->bytes), tc->mode))
		return false;
	if (!is_testable(&tc->insn))
		return false;
	tc->length = tc->insn.length;
	return true;
}

static void patch_imm(struct test_case *tc, u64 imm)
{
	memcpy(tc->bytes + tc->length - tc->insn.imm_size, &imm, tc->insn.imm_size);
	tc->insn.imm = imm;
}

/* The displacement stands directly before the immediate. */
static void patch_disp32(struct test_case *tc, u32 disp)
{
	memcpy(tc->bytes + tc->length - tc->insn.imm_size - 4, &disp, 4);
}

/* An address in or near the data, now and then one that is not even canonical. */
static u64 random_target(const struct test_case *tc)
{
	if (tc->mode == X86_MODE_LONG64 && one_in(60))
		return 0x0001000000000000 | rnd() >> 16;
	if (one_in(20))
		return (u64)native_data + NATIVE_DATA_BYTES - rnd_below(32);
	if (one_in(20))
		return (u64)native_data + 4096 - rnd_below(32);
	if (one_in(30))
		return (u64)native_data - rnd_below(32);
	return ((u64)native_data + rnd_below(NATIVE_DATA_BYTES - 64)) & ~(one_in(2) ? 31ULL : 0ULL);
}

static unsigned int disp_offset_of_rip(const struct test_case *tc)
{
	return NATIVE_INSN_OFFSET + tc->length;
}

/*
 * Choose registers, or the displacement, so that the memory operand lands at the target.
 * False when this form cannot reach it.
 */
static bool aim_memory_operand(struct test_case *tc, u64 target)
{
	const struct x86_insn *insn = &tc->insn;
	u64 next_rip = (u64)native_code + disp_offset_of_rip(tc), *gpr = tc->before.gpr, ea;

	if (insn->seg == X86_SEG_FS)
		target -= fs_base;
	if (insn->addr_size == 2 || (insn->addr_size == 4 && target >> 32))
		return false;
	if (insn->form == X86_FORM_A_MOFFS || insn->form == X86_FORM_MOFFS_A) {
		memcpy(tc->bytes + tc->length - insn->addr_size, &target, insn->addr_size);
		return true;
	}
	if (insn->base == X86_REG_NONE) {
		if (insn->index != X86_REG_NONE)
			gpr[insn->index] = rnd_below(16);
		ea = x86_insn_ea(insn, gpr, next_rip) - insn->disp;
		target -= ea;
		if ((u64)(s64)(s32)target != target)
			return false;
		patch_disp32(tc, target);
		return true;
	}
	if (insn->index == insn->base)
		return false;
	gpr[insn->base] += target - x86_insn_ea(insn, gpr, next_rip);
	return insn->addr_size == 8 || !((x86_insn_ea(insn, gpr, next_rip) ^ target) & 0xffffffff);
}

/* Bits of a bit-string instruction's register that keep it inside the data. */
static bool limit_bit_offset(struct test_case *tc)
{
	u64 *gpr = tc->before.gpr, mask = x86_size_mask(tc->insn.op_size);
	const struct x86_insn *insn = &tc->insn;

	if (insn->op < X86_OP_BT || insn->op > X86_OP_BTC || insn->form != X86_FORM_E_G)
		return true;
	if (insn->reg == insn->base || insn->reg == insn->index)
		return false;
	gpr[insn->reg] = (gpr[insn->reg] & ~mask) | ((rnd_below(0x4000) - 0x2000ULL) & mask);
	return true;
}

static bool uses_stack(const struct x86_insn *insn)
{
	return (insn->op >= X86_OP_PUSH && insn->op <= X86_OP_CALL_IND) || insn->op == X86_OP_RET;
}

static u64 taken_address(void)
{
	return (u64)native_code + NATIVE_TAKEN_OFFSET;
}

/* Numbers without a meaning in all registers and in memory. */
static void random_numbers(struct test_case *tc)
{
	unsigned int i;
	u64 val;

	for (i = 0; i < X86_NR_GPRS; i++)
		tc->before.gpr[i] = rnd_value();
	for (i = 0; i < sizeof(tc->data); i += 8) {
		val = rnd_value();
		memcpy(tc->data + i, &val, 8);
	}
	for (i = 0; i < sizeof(tc->before.vec); i++)
		((u8 *)tc->before.vec)[i] = rnd();
	for (i = 0; i < 8; i++)
		tc->before.mmx[i] = rnd();
	if (!native_has_avx())
		for (i = 0; i < 16; i++)
			memset(tc->before.vec[i] + 16, 0, 16);
	tc->before.rflags = (rnd() & (ARITH_FLAGS | X86_EFLAGS_DF)) | X86_EFLAGS_IF |
			    X86_EFLAGS_FIXED;
}

static bool aim_string(struct test_case *tc)
{
	u64 *gpr = tc->before.gpr;

	/* Which of two faults comes first is not defined: at most one operand is bad. */
	gpr[X86_RSI] = gpr[X86_RDI] = (u64)native_data + 256 + rnd_below(4096);
	gpr[one_in(2) ? X86_RSI : X86_RDI] = random_target(tc);
	gpr[X86_RSI] -= tc->insn.seg == X86_SEG_FS ? fs_base : 0;
	gpr[X86_RCX] = rnd_below(24);
	return tc->insn.addr_size == 8 || !((gpr[X86_RSI] | gpr[X86_RDI]) >> 32);
}

/* Make equality, and quotients that fit, likely. */
static void favour_success(struct test_case *tc)
{
	u64 *gpr = tc->before.gpr;

	if (!one_in(2))
		return;
	switch (tc->insn.op) {
	case X86_OP_CMPXCHG:
	case X86_OP_CMPXCHG8B:
		memset(tc->data, rnd(), sizeof(tc->data));
		memcpy(&gpr[X86_RAX], tc->data, 8);
		memcpy(&gpr[X86_RDX], tc->data, 8);
		break;
	case X86_OP_DIV:
	case X86_OP_IDIV:
		gpr[X86_RDX] = (s64)gpr[X86_RDX] >> (40 + rnd_below(24));
		break;
	}
}

/* The stack lies in the data; what is popped must be harmless. */
static bool aim_stack(struct test_case *tc)
{
	u64 stack = random_target(tc), offset = stack - (u64)native_data;
	const u64 taken = taken_address();
	const struct x86_insn *insn = &tc->insn;

	tc->before.gpr[insn->op == X86_OP_LEAVE ? X86_RBP : X86_RSP] = stack;
	if (insn->op == X86_OP_ENTER) {
		tc->before.gpr[X86_RBP] = (u64)native_data + 256 +
					  rnd_below(NATIVE_DATA_BYTES - 256);
		tc->bytes[tc->length - 2] = 0; /* fewer than 256 bytes */
	}
	/* What PUSHA has stored and POPA has loaded before they fault is not defined. */
	if (insn->op == X86_OP_PUSHA)
		return offset >= 32;
	if (insn->op == X86_OP_POPA)
		return offset <= NATIVE_DATA_BYTES - 32 || offset >= NATIVE_DATA_BYTES;
	if (offset <= NATIVE_DATA_BYTES - 8) {
		if (insn->op == X86_OP_RET) {
			memcpy(tc->data + offset, &taken, 8);
		} else if (insn->op == X86_OP_POPF) {
			/* Neither TF, NT nor AC. */
			tc->data[offset + 1] &= 0x8c;
			tc->data[offset + 2] = 0;
		}
		return true;
	}
	/* Half of it at the end of the data would still be popped. */
	return offset >= NATIVE_DATA_BYTES || (insn->op != X86_OP_POPF && insn->op_size == 8);
}

static bool aim_memory(struct test_case *tc)
{
	u64 target = random_target(tc), offset = target - (u64)native_data;
	const struct x86_insn *insn = &tc->insn;
	const u64 taken = taken_address();

	if (insn->op == X86_OP_LEA || insn->op == X86_OP_NOP)
		return true;
	if (uses_stack(insn) && (insn->base == X86_RSP || insn->base == X86_RBP))
		return false;
	if (!aim_memory_operand(tc, target) || !limit_bit_offset(tc))
		return false;
	if (insn->op == X86_OP_CALL_IND || insn->op == X86_OP_JMP_IND) {
		if (offset > NATIVE_DATA_BYTES - 8)
			return false;
		memcpy(tc->data + offset, &taken, 8);
	}
	return true;
}

static bool aim_branch(struct test_case *tc)
{
	const struct x86_insn *insn = &tc->insn;
	u64 *gpr = tc->before.gpr;

	switch (insn->op) {
	case X86_OP_LOOP:
	case X86_OP_JCXZ:
		gpr[X86_RCX] = (gpr[X86_RCX] & 0xffffffff00000000) | rnd_below(3);
		fallthrough;
	case X86_OP_CALL:
	case X86_OP_JMP:
	case X86_OP_JCC:
		patch_imm(tc, NATIVE_TAKEN_OFFSET - disp_offset_of_rip(tc));
		return true;
	case X86_OP_CALL_IND:
	case X86_OP_JMP_IND:
		if (insn->flags & X86_INSN_MEM)
			return true;
		gpr[insn->rm] = taken_address();
		return insn->rm != X86_RSP;
	default:
		return true;
	}
}

/* Everything an instruction needs beside its bytes. False when it cannot be had. */
static bool random_state_64(struct test_case *tc)
{
	const struct x86_insn *insn = &tc->insn;
	u64 *gpr = tc->before.gpr;

	random_numbers(tc);
	if (insn->op >= X86_OP_MOVS && insn->op <= X86_OP_SCAS)
		return aim_string(tc);
	if (insn->op == X86_OP_XLAT) {
		gpr[X86_RBX] = random_target(tc) - (insn->seg == X86_SEG_FS ? fs_base : 0);
		return insn->addr_size == 8 || !((gpr[X86_RBX] + 255) >> 32);
	}
	favour_success(tc);
	if (uses_stack(insn) && !aim_stack(tc))
		return false;
	if (((insn->flags & X86_INSN_MEM) || insn->form == X86_FORM_A_MOFFS ||
	     insn->form == X86_FORM_MOFFS_A) &&
	    !aim_memory(tc))
		return false;
	return aim_branch(tc);
}

static bool random_state(struct test_case *tc)
{
	const struct x86_insn *insn = &tc->insn;
	bool implicit = insn->op == X86_OP_XLAT ||
			(insn->op >= X86_OP_MOVS && insn->op <= X86_OP_SCAS);
	unsigned int i;

	if (implicit && insn->addr_size == 2)
		return false;
	if (!random_state_64(tc))
		return false;
	if (tc->mode == X86_MODE_LONG64)
		return true;
	for (i = 0; i < X86_NR_GPRS; i++)
		tc->before.gpr[i] = (u32)tc->before.gpr[i];
	return true;
}

/* ---- comparing ------------------------------------------------------------------------ */

/* Flags that the manuals of both vendors define. */
static u64 defined_flags(const struct test_case *tc)
{
	const struct x86_insn *insn = &tc->insn;
	unsigned int count, bits = 8 * insn->op_size;
	u64 flags = ARITH_FLAGS | X86_EFLAGS_DF;

	switch (insn->op) {
	case X86_OP_AND:
	case X86_OP_OR:
	case X86_OP_XOR:
	case X86_OP_TEST:
		return flags & ~X86_EFLAGS_AF;
	case X86_OP_ROL ... X86_OP_SAR:
	case X86_OP_SHLD:
	case X86_OP_SHRD:
		count = insn->form == X86_FORM_E_1 ? 1 :
			insn->form == X86_FORM_E_CL || insn->form == X86_FORM_E_G_CL ?
						     tc->before.gpr[X86_RCX] :
						     insn->imm;
		count &= bits == 64 ? 63 : 31;
		if (!count)
			return flags;
		if (insn->op >= X86_OP_SHL)
			flags &= ~X86_EFLAGS_AF;
		if (count != 1)
			flags &= ~X86_EFLAGS_OF;
		if ((insn->op == X86_OP_SHL || insn->op == X86_OP_SHR) && count >= bits)
			flags &= ~X86_EFLAGS_CF;
		if ((insn->op == X86_OP_SHLD || insn->op == X86_OP_SHRD) && count > bits)
			return X86_EFLAGS_DF;
		return flags;
	case X86_OP_MUL:
	case X86_OP_IMUL_AX:
	case X86_OP_IMUL:
		return X86_EFLAGS_CF | X86_EFLAGS_OF | X86_EFLAGS_DF;
	case X86_OP_DIV:
	case X86_OP_IDIV:
		return X86_EFLAGS_DF;
	case X86_OP_BT ... X86_OP_BTC:
		return X86_EFLAGS_CF | X86_EFLAGS_DF;
	case X86_OP_BSF:
	case X86_OP_BSR:
		return X86_EFLAGS_ZF | X86_EFLAGS_DF;
	case X86_OP_TZCNT:
	case X86_OP_LZCNT:
		return X86_EFLAGS_CF | X86_EFLAGS_ZF | X86_EFLAGS_DF;
	}
	return flags;
}

static bool result_is_undefined(const struct test_case *tc, u64 native_flags)
{
	const struct x86_insn *insn = &tc->insn;
	u64 count = insn->form == X86_FORM_E_G_CL ? tc->before.gpr[X86_RCX] : insn->imm;

	/* Without a bit to find, vendors differ in the upper half of the destination. */
	if (insn->op == X86_OP_BSF || insn->op == X86_OP_BSR)
		return insn->op_size == 4 && (native_flags & X86_EFLAGS_ZF);
	return (insn->op == X86_OP_SHLD || insn->op == X86_OP_SHRD) && insn->op_size == 2 &&
	       (count & 31) > 16;
}

static void report(const struct test_case *tc, const char *what, u64 native, u64 emulated)
{
	unsigned int i;

	fprintf(stderr, "op %u form %u, bytes", tc->insn.op, tc->insn.form);
	for (i = 0; i < tc->length; i++)
		fprintf(stderr, " %02x", tc->bytes[i]);
	fprintf(stderr, ": %s: native %#llx, emulated %#llx\n", what, (unsigned long long)native,
		(unsigned long long)emulated);
}

/* What the emulator does not do is not compared, but counted. */
static unsigned int unhandled;

static bool compare(const struct test_case *tc)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};
	struct native_state native = tc->before;
	struct native_fault fault;
	static struct machine m;
	enum x86_emul_result res;
	u64 flags, rip, gpr_mask = ~0ULL;
	unsigned int i, gprs = X86_NR_GPRS;
	bool same = true;

	res = emulate(tc, &m);
	if (res == X86_EMUL_UNHANDLEABLE) {
		unhandled++;
		return true;
	}
	memcpy(native_data, tc->data, NATIVE_DATA_BYTES);
	native_run(tc->bytes, tc->length, tc->mode == X86_MODE_PROT32, &native, &fault);
	if (result_is_undefined(tc, native.rflags))
		return true;

	if ((fault.vector >= 0) != (res == X86_EMUL_FAULT)) {
		report(tc, "result", fault.vector, res == X86_EMUL_FAULT ? m.e.fault.vector : -1);
		return false;
	}
	if (fault.vector >= 0) {
		const u32 error_mask = PFERR_WRITE | PFERR_USER;

		/* A misaligned and non-canonical vector on the stack: either may come first. */
		if (tc->insn.op == X86_OP_SSE && fault.vector == X86_TRAP_GP &&
		    m.e.fault.vector == X86_TRAP_SS)
			fault.vector = X86_TRAP_SS;
		if (fault.vector != m.e.fault.vector) {
			report(tc, "vector", fault.vector, m.e.fault.vector);
			same = false;
		} else if (fault.vector == X86_TRAP_PF) {
			if (fault.address != m.e.fault.address)
				report(tc, "cr2", fault.address, m.e.fault.address), same = false;
			if ((fault.error ^ m.e.fault.error) & error_mask)
				report(tc, "error", fault.error, m.e.fault.error), same = false;
		}
	} else {
		rip = native.taken ? (u64)native_code + NATIVE_TAKEN_OFFSET :
				     (u64)native_code + NATIVE_INSN_OFFSET + tc->length;
		if (rip != m.regs.rip)
			report(tc, "rip", rip, m.regs.rip), same = false;
		flags = defined_flags(tc);
		if ((native.rflags ^ m.regs.rflags) & flags)
			report(tc, "rflags", native.rflags, m.regs.rflags), same = false;
	}

	if (tc->mode == X86_MODE_PROT32) {
		gprs = 8;
		gpr_mask = 0xffffffff;
	}
	for (i = 0; i < gprs; i++)
		if ((native.gpr[i] ^ m.regs.gpr[i]) & gpr_mask)
			report(tc, names[i], native.gpr[i], m.regs.gpr[i]), same = false;
	for (i = 0; i < NATIVE_DATA_BYTES; i++)
		if (native_data[i] != m.data[i]) {
			report(tc, "memory", native_data[i], m.data[i]);
			same = false;
			break;
		}
	for (i = 0; i < sizeof(m.vec); i++)
		if (((u8 *)native.vec)[i] != ((u8 *)m.vec)[i]) {
			fprintf(stderr, "byte %u: ", i);
			report(tc, "vector register", ((u8 *)native.vec)[i], ((u8 *)m.vec)[i]);
			same = false;
			break;
		}
	for (i = 0; i < 8; i++)
		if (native.mmx[i] != m.mmx[i])
			report(tc, "MMX register", native.mmx[i], m.mmx[i]), same = false;
	return same;
}

/* ---- the tests -------------------------------------------------------------------------- */

static u64 env_number(const char *name, u64 otherwise)
{
	const char *val = getenv(name);

	return val ? strtoull(val, NULL, 0) : otherwise;
}

static bool ready;
static unsigned int tested[X86_NR_OPS];

static void run_random(enum x86_mode mode)
{
	u64 rounds = env_number("EMULATE_ROUNDS", DEFAULT_ROUNDS), i;
	unsigned int different = 0;
	static struct test_case tc;

	if (!ready)
		skip();
	native_catch_faults();
	unhandled = 0;
	tc.mode = mode;
	rng_state = env_number("EMULATE_SEED", DEFAULT_SEED) * 0x9e3779b97f4a7c15ULL | 1;
	for (i = 0; i < rounds; i++) {
		while (!random_insn(&tc) || !random_state(&tc))
			;
		tested[tc.insn.op]++;
		if (!compare(&tc) && ++different == 20)
			break;
	}
	assert_int_equal(different, 0);
	/* Mostly register moves of vectors, which never reach the emulator. */
	assert_true(unhandled < rounds / 4);
}

static void test_random_64bit(void **state)
{
	run_random(X86_MODE_LONG64);
}

static void test_random_32bit(void **state)
{
	run_random(X86_MODE_PROT32);
}

/* The generator must not lose an operation without anybody noticing. */
static void test_coverage(void **state)
{
	unsigned int op;

	if (!ready)
		skip();
	for (op = X86_OP_ADD; op <= X86_OP_SCAS; op++) {
		struct x86_insn insn = { .op = op, .op_size = 4 };

		if (is_testable(&insn) && !tested[op])
			fail_msg("operation %u was never generated", op);
	}
}

/* The comparison itself must be able to fail. */
static void test_differences_are_seen(void **state)
{
	static struct test_case tc = {
		.mode = X86_MODE_LONG64,
		.bytes = { 0x48, 0x01, 0xc8 }, /* add rax, rcx */
		.length = 3,
		.before = { .gpr = { 5, 7 }, .rflags = 0x202 },
	};
	struct native_fault fault;
	struct native_state native;

	if (!ready)
		skip();
	native_catch_faults();
	x86_decode(&tc.insn, tc.bytes, tc.length, X86_MODE_LONG64);
	assert_true(compare(&tc));
	native = tc.before;
	native_run(tc.bytes, tc.length, false, &native, &fault);
	assert_int_equal(native.gpr[X86_RAX], 12);
	assert_int_equal(fault.vector, -1);

	native = tc.before;
	native_run((const u8 *)"\x0f\x0b", 2, false, &native, &fault);
	assert_int_equal(fault.vector, X86_TRAP_UD);
}

static int setup(void **state)
{
	unsigned int eax, ebx, ecx, edx;

	ready = native_init();
	__asm__("mov %%fs:0, %0" : "=r"(fs_base));
	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		has_sse42 = (ecx & BIT(20)) && (ecx & BIT(22));
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx))
		has_lzcnt = ecx & BIT(5);
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		has_bmi1 = ebx & BIT(3);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences_are_seen),
		cmocka_unit_test(test_random_64bit),
		cmocka_unit_test(test_random_32bit),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
