// SPDX-License-Identifier: GPL-2.0-only
#include "x86_emulate_priv.h"
#include "x86_mov.h"

static bool plan_store(struct x86_mov *mov, const struct x86_insn *insn, const u64 *gpr)
{
	mov->is_store = true;
	mov->bytes = insn->op_size;
	if (insn->form == X86_FORM_E_I)
		mov->value = insn->imm;
	else if (emul_is_high_byte(insn, insn->reg, mov->bytes))
		mov->value = gpr[insn->reg - 4] >> 8;
	else
		mov->value = gpr[insn->reg];
	mov->value &= x86_size_mask(mov->bytes);
	return true;
}

static bool plan_load(struct x86_mov *mov, const struct x86_insn *insn, unsigned int bytes)
{
	mov->is_store = false;
	mov->bytes = bytes;
	mov->reg_bytes = insn->op_size;
	mov->high_byte = emul_is_high_byte(insn, insn->reg, insn->op_size);
	mov->reg = mov->high_byte ? insn->reg - 4 : insn->reg;
	mov->sign = insn->op == X86_OP_MOVSX;
	return true;
}

bool x86_mov_plan(struct x86_mov *mov, const u8 *bytes, unsigned int nr_bytes, const u64 *gpr,
		  u64 rip)
{
	struct x86_insn insn;

	if (x86_decode(&insn, bytes, nr_bytes, X86_MODE_LONG64) != X86_DECODE_OK)
		return false;
	if (insn.op != X86_OP_MOV && insn.op != X86_OP_MOVZX && insn.op != X86_OP_MOVSX)
		return false;
	if (!(insn.flags & X86_INSN_MEM) || insn.seg >= X86_SEG_FS)
		return false;
	mov->length = insn.length;
	mov->ea = x86_insn_ea(&insn, gpr, rip + insn.length);
	switch (insn.form) {
	case X86_FORM_E_G:
	case X86_FORM_E_I:
		return plan_store(mov, &insn, gpr);
	case X86_FORM_G_E:
		return plan_load(mov, &insn, insn.op_size);
	case X86_FORM_G_E8:
		return plan_load(mov, &insn, 1);
	case X86_FORM_G_E16:
		return plan_load(mov, &insn, 2);
	case X86_FORM_G_E32:
		return plan_load(mov, &insn, 4);
	default:
		return false;
	}
}

void x86_mov_load(const struct x86_mov *mov, u64 *gpr, u64 data)
{
	u64 *reg = &gpr[mov->reg];

	data &= x86_size_mask(mov->bytes);
	if (mov->sign)
		data = emul_sign_extend(data, mov->bytes);
	if (mov->high_byte)
		*reg = (*reg & ~0xff00ULL) | data << 8;
	else
		*reg = emul_merge(*reg, data, mov->reg_bytes);
}
