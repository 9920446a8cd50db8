// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMX, SSE and AVX moves between vector registers and memory: what compilers and memcpy
 * variants use on device memory. Register-to-register forms never get here.
 */
#include "x86_emulate_priv.h"

/* How a move treats the vector register. */
enum vec_kind {
	VEC_FULL,   /* all 16 or 32 bytes */
	VEC_SCALAR, /* the low bytes; a load clears the rest */
	VEC_LOW,    /* the low 8 bytes; a load keeps or merges the others */
	VEC_HIGH,   /* bytes 8 to 15; likewise */
};

struct vec_move {
	u8 kind;
	u8 bytes; /* of VEC_SCALAR: 4 or 8, 0 is by REX.W */
	bool store;
	bool aligned;
};

static bool find_move_0f(const struct x86_insn *insn, struct vec_move *m)
{
	u8 prefix = insn->simd_prefix;
	bool packed = prefix == 0 || prefix == 0x66;

	switch (insn->opcode) {
	case 0x10: /* MOVUPS, MOVUPD, MOVSS, MOVSD */
	case 0x11:
		*m = (struct vec_move){ .kind = packed ? VEC_FULL : VEC_SCALAR,
					.bytes = prefix == 0xf3 ? 4 : 8,
					.store = insn->opcode == 0x11 };
		return true;
	case 0x12: /* MOVLPS, MOVLPD */
	case 0x13:
		*m = (struct vec_move){ .kind = VEC_LOW, .store = insn->opcode == 0x13 };
		return packed;
	case 0x16: /* MOVHPS, MOVHPD */
	case 0x17:
		*m = (struct vec_move){ .kind = VEC_HIGH, .store = insn->opcode == 0x17 };
		return packed;
	case 0x28: /* MOVAPS, MOVAPD */
	case 0x29:
		*m = (struct vec_move){ .aligned = true, .store = insn->opcode == 0x29 };
		return packed;
	case 0x2b: /* MOVNTPS, MOVNTPD */
		*m = (struct vec_move){ .aligned = true, .store = true };
		return packed;
	case 0x6e: /* MOVD, MOVQ */
		*m = (struct vec_move){ .kind = VEC_SCALAR };
		return prefix == 0x66;
	case 0x7e:
		*m = (struct vec_move){ .kind = VEC_SCALAR,
					.bytes = prefix == 0xf3 ? 8 : 0,
					.store = prefix == 0x66 };
		return prefix == 0x66 || prefix == 0xf3;
	case 0x6f: /* MOVDQA, MOVDQU */
	case 0x7f:
		*m = (struct vec_move){ .aligned = prefix == 0x66, .store = insn->opcode == 0x7f };
		return prefix == 0x66 || prefix == 0xf3;
	case 0xd6: /* MOVQ */
		*m = (struct vec_move){ .kind = VEC_SCALAR, .bytes = 8, .store = true };
		return prefix == 0x66;
	case 0xe7: /* MOVNTDQ */
		*m = (struct vec_move){ .aligned = true, .store = true };
		return prefix == 0x66;
	case 0xf0: /* LDDQU */
		*m = (struct vec_move){ .store = false };
		return prefix == 0xf2;
	}
	return false;
}

static bool find_move(const struct x86_insn *insn, struct vec_move *m)
{
	if (insn->map == X86_MAP_0F)
		return find_move_0f(insn, m);
	if (insn->map == X86_MAP_0F38 && insn->opcode == 0x2a && insn->simd_prefix == 0x66) {
		*m = (struct vec_move){ .aligned = true }; /* MOVNTDQA */
		return true;
	}
	return false;
}

/* SDM "System Programming for Instruction Set Extensions": is the state usable? */
static enum x86_emul_result check_state(struct x86_emul *e)
{
	if (e->insn.flags & X86_INSN_VEX) {
		if (!(e->cr4 & X86_CR4_OSXSAVE))
			return emul_raise(e, X86_TRAP_UD, 0);
	} else if ((e->cr0 & X86_CR0_EM) || !(e->cr4 & X86_CR4_OSFXSR)) {
		return emul_raise(e, X86_TRAP_UD, 0);
	}
	if (e->cr0 & X86_CR0_TS)
		return emul_raise(e, X86_TRAP_NM, 0);
	return X86_EMUL_OK;
}

/*
 * VEX.vvvv must be unused but for the loads that merge; 256 bits are for full moves, and
 * MOVSS and MOVSD ignore the length.
 */
static bool vex_encoding_is_valid(const struct x86_insn *insn, const struct vec_move *m)
{
	bool half = m->kind == VEC_LOW || m->kind == VEC_HIGH;
	bool scalar = insn->opcode == 0x10 || insn->opcode == 0x11;

	if (insn->vex_reg && (m->store || !half))
		return false;
	return !insn->vex_len || m->kind == VEC_FULL || scalar;
}

static void load_vec(struct x86_emul *e, const struct vec_move *m, const u8 *mem,
		     unsigned int bytes)
{
	bool vex = e->insn.flags & X86_INSN_VEX;
	unsigned int vec_bytes = max(bytes, 16u);
	u8 vec[32] = { 0 };

	/* The untouched half: of the register itself, or of the third operand of VEX. */
	if (m->kind == VEC_LOW || m->kind == VEC_HIGH)
		e->ops->get_vec(e, vex ? e->insn.vex_reg : e->insn.reg, vec, 16);
	memcpy(m->kind == VEC_HIGH ? vec + 8 : vec, mem, bytes);
	e->ops->put_vec(e, e->insn.reg, vec, vec_bytes, vex);
}

static bool find_mmx_move(const struct x86_insn *insn, struct vec_move *m)
{
	if (insn->map != X86_MAP_0F || insn->simd_prefix || (insn->flags & X86_INSN_VEX))
		return false;
	switch (insn->opcode) {
	case 0x6e: /* MOVD, MOVQ */
	case 0x7e:
		*m = (struct vec_move){ .store = insn->opcode == 0x7e };
		return true;
	case 0x6f: /* MOVQ */
	case 0x7f:
	case 0xe7: /* MOVNTQ */
		*m = (struct vec_move){ .bytes = 8, .store = insn->opcode != 0x6f };
		return true;
	}
	return false;
}

/* SDM "Programming with Intel MMX Technology": #UD, #NM and #MF go before the access. */
static enum x86_emul_result emul_mmx(struct x86_emul *e, const struct vec_move *m)
{
	const struct x86_insn *insn = &e->insn;
	unsigned int bytes = m->bytes ? m->bytes : insn->rex & X86_REX_W ? 8 : 4;
	unsigned int nr = insn->reg & 7;
	enum x86_emul_result res;
	u64 linear, val;

	if (e->cr0 & X86_CR0_EM)
		return emul_raise(e, X86_TRAP_UD, 0);
	if (e->cr0 & X86_CR0_TS)
		return emul_raise(e, X86_TRAP_NM, 0);
	res = e->ops->get_mmx(e, nr, &val);
	if (!res)
		res = emul_linearize(e, insn->seg, emul_ea(e), bytes,
				     m->store ? X86_ACCESS_WRITE : 0, &linear);
	if (res)
		return res;
	if (m->store) {
		res = emul_write(e, linear, &val, bytes);
	} else {
		val = 0;
		res = emul_read(e, linear, &val, bytes, 0);
	}
	if (!res)
		e->ops->put_mmx(e, nr, m->store ? NULL : &val);
	return res;
}

enum x86_emul_result emul_sse(struct x86_emul *e)
{
	const struct x86_insn *insn = &e->insn;
	bool vex = insn->flags & X86_INSN_VEX;
	enum x86_emul_result res;
	unsigned int bytes;
	struct vec_move m;
	u8 buf[32];
	u64 linear;

	if ((insn->flags & X86_INSN_MEM) && e->ops->get_mmx && e->ops->put_mmx &&
	    find_mmx_move(insn, &m))
		return emul_mmx(e, &m);
	if (!(insn->flags & X86_INSN_MEM) || (insn->flags & X86_INSN_EVEX) || !e->ops->get_vec ||
	    !e->ops->put_vec || !find_move(insn, &m))
		return X86_EMUL_UNHANDLEABLE;
	res = check_state(e);
	if (res)
		return res;
	if (vex && !vex_encoding_is_valid(insn, &m))
		return emul_raise(e, X86_TRAP_UD, 0);

	if (m.kind == VEC_FULL)
		bytes = vex && insn->vex_len ? 32 : 16;
	else if (m.kind == VEC_SCALAR)
		bytes = m.bytes ? m.bytes : insn->rex & X86_REX_W ? 8 : 4;
	else
		bytes = 8;
	res = emul_linearize(e, insn->seg, emul_ea(e), bytes, m.store ? X86_ACCESS_WRITE : 0,
			     &linear);
	if (res)
		return res;
	if (m.aligned && (linear & (bytes - 1)))
		return emul_raise(e, X86_TRAP_GP, 0);

	if (m.store) {
		u8 vec[32];

		e->ops->get_vec(e, insn->reg, vec, max(bytes, 16u));
		return emul_write(e, linear, m.kind == VEC_HIGH ? vec + 8 : vec, bytes);
	}
	res = emul_read(e, linear, buf, bytes, 0);
	if (res)
		return res;
	load_vec(e, &m, buf, bytes);
	return X86_EMUL_OK;
}
