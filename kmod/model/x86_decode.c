// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: prefixes, opcode maps, ModRM and SIB, immediates. The tables say what
 * an opcode is; this file knows the grammar and the few opcodes whose meaning depends
 * on a prefix.
 */
#include "x86_decode_tables.h"

/* The bytes left to read; insn->length is the position. */
struct cursor {
	const u8 *bytes;
	unsigned int end;
};

/*
 * The next @n bytes, 1 to 4 or 8, as a little-endian number. On failure the caller
 * returns out_of_bytes(), which tells a long instruction from missing bytes.
 */
static inline bool take(struct x86_insn *insn, const struct cursor *cur, unsigned int n, u64 *val)
{
	const u8 *p = cur->bytes + insn->length;

	if (insn->length + n > cur->end)
		return false;
	insn->length += n;
	switch (n) {
	case 1:
		*val = p[0];
		break;
	case 2:
		*val = p[0] | p[1] << 8;
		break;
	case 3:
		*val = p[0] | p[1] << 8 | p[2] << 16;
		break;
	case 4:
		*val = p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
		break;
	default:
		memcpy(val, p, sizeof(*val));
		break;
	}
	return true;
}

static inline bool take_u8(struct x86_insn *insn, const struct cursor *cur, u8 *val)
{
	if (insn->length >= cur->end)
		return false;
	*val = cur->bytes[insn->length++];
	return true;
}

static enum x86_decode_result out_of_bytes(const struct cursor *cur)
{
	return cur->end == X86_MAX_INSN_BYTES ? X86_DECODE_TOO_LONG : X86_DECODE_MORE;
}

static u64 sign_extend(u64 val, unsigned int bytes)
{
	switch (bytes) {
	case 1:
		return (s64)(s8)val;
	case 2:
		return (s64)(s16)val;
	case 4:
		return (s64)(s32)val;
	default:
		return val;
	}
}

static inline bool is_long64(const struct x86_insn *insn)
{
	return insn->mode == X86_MODE_LONG64;
}

/* Legacy prefixes and REX up to the first opcode byte, which is left in insn->opcode. */
static enum x86_decode_result decode_prefixes(struct x86_insn *insn, const struct cursor *cur)
{
	u8 byte, seg = X86_SEG_DS;
	bool override = false;

	for (;;) {
		if (!take_u8(insn, cur, &byte))
			return out_of_bytes(cur);
		switch (byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			/* ES, CS, SS and DS overrides mean nothing in 64-bit mode. */
			if (!is_long64(insn)) {
				seg = (byte >> 3) & 3;
				override = true;
			}
			break;
		case 0x64:
		case 0x65:
			seg = byte - 0x64 + X86_SEG_FS;
			override = true;
			break;
		case 0x66:
			insn->flags |= X86_INSN_OPSIZE;
			break;
		case 0x67:
			insn->flags |= X86_INSN_ADDRSIZE;
			break;
		case 0xf0:
			insn->flags |= X86_INSN_LOCK;
			break;
		case 0xf2:
			insn->flags &= ~X86_INSN_REP;
			insn->flags |= X86_INSN_REPNE;
			insn->simd_prefix = byte;
			break;
		case 0xf3:
			insn->flags &= ~X86_INSN_REPNE;
			insn->flags |= X86_INSN_REP;
			insn->simd_prefix = byte;
			break;
		default:
			if (is_long64(insn) && (byte & 0xf0) == 0x40) {
				insn->rex = X86_REX_PRESENT | (byte & 0xf);
				continue;
			}
			insn->opcode = byte;
			insn->seg = seg;
			if (override)
				insn->flags |= X86_INSN_SEG_OVERRIDE;
			if (!insn->simd_prefix && (insn->flags & X86_INSN_OPSIZE))
				insn->simd_prefix = 0x66;
			return X86_DECODE_OK;
		}
		/* REX counts only directly before the opcode. */
		insn->rex = 0;
	}
}

static enum x86_decode_result decode_sib(struct x86_insn *insn, const struct cursor *cur,
					 unsigned int mod)
{
	u8 sib;

	if (!take_u8(insn, cur, &sib))
		return out_of_bytes(cur);
	insn->scale = sib >> 6;
	insn->index = ((sib >> 3) & 7) | (insn->rex & X86_REX_X ? 8 : 0);
	if (insn->index == X86_RSP)
		insn->index = X86_REG_NONE;
	insn->base = (sib & 7) | (insn->rex & X86_REX_B ? 8 : 0);
	if ((sib & 7) == X86_RBP && mod == 0)
		insn->base = X86_REG_NONE;
	return X86_DECODE_OK;
}

/* Base and index of the 16-bit ModRM.rm encodings, SDM "16-Bit Addressing Forms". */
static const u8 base16[8] = {
	X86_RBX, X86_RBX, X86_RBP, X86_RBP, X86_RSI, X86_RDI, X86_RBP, X86_RBX,
};
static const u8 index16[8] = {
	X86_RSI, X86_RDI, X86_RSI, X86_RDI, X86_REG_NONE, X86_REG_NONE, X86_REG_NONE, X86_REG_NONE,
};

/* The memory operand that insn->modrm announces. */
static enum x86_decode_result decode_memory(struct x86_insn *insn, const struct cursor *cur)
{
	unsigned int mod = insn->modrm >> 6, rm = insn->modrm & 7, disp_bytes;
	enum x86_decode_result res;

	insn->flags |= X86_INSN_MEM;
	disp_bytes = mod == 1;
	if (insn->addr_size == 2) {
		insn->base = base16[rm];
		insn->index = index16[rm];
		if (mod == 2 || (mod == 0 && rm == 6))
			disp_bytes = 2;
		if (mod == 0 && rm == 6)
			insn->base = X86_REG_NONE;
	} else {
		insn->base = rm | (insn->rex & X86_REX_B ? 8 : 0);
		if (rm == X86_RSP) {
			res = decode_sib(insn, cur, mod);
			if (res)
				return res;
		} else if (rm == X86_RBP && mod == 0) {
			insn->base = X86_REG_NONE;
			if (is_long64(insn))
				insn->flags |= X86_INSN_RIP_REL;
		}
		if (mod == 2 || (mod == 0 && insn->base == X86_REG_NONE))
			disp_bytes = 4;
	}

	if (disp_bytes) {
		if (!take(insn, cur, disp_bytes, &insn->disp))
			return out_of_bytes(cur);
		insn->disp = sign_extend(insn->disp, disp_bytes);
	}
	if (!(insn->flags & X86_INSN_SEG_OVERRIDE) &&
	    (insn->base == X86_RSP || insn->base == X86_RBP))
		insn->seg = X86_SEG_SS;
	return X86_DECODE_OK;
}

static enum x86_decode_result decode_modrm(struct x86_insn *insn, const struct cursor *cur)
{
	if (!take_u8(insn, cur, &insn->modrm))
		return out_of_bytes(cur);
	insn->flags |= X86_INSN_MODRM;
	insn->reg = ((insn->modrm >> 3) & 7) | (insn->rex & X86_REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (insn->rex & X86_REX_B ? 8 : 0);
	return X86_DECODE_OK;
}

static enum x86_decode_result decode_imm(struct x86_insn *insn, const struct cursor *cur,
					 enum x86_imm kind)
{
	unsigned int bytes = 0, bytes2 = 0;
	u64 imm2 = 0;

	switch (kind) {
	case IMM_NONE:
		return X86_DECODE_OK;
	case IMM_B:
		bytes = 1;
		break;
	case IMM_W:
		bytes = 2;
		break;
	case IMM_Z:
		bytes = min(insn->op_size, (u8)4);
		break;
	case IMM_V:
		bytes = insn->op_size;
		break;
	case IMM_MOFFS:
		if (!take(insn, cur, insn->addr_size, &insn->disp))
			return out_of_bytes(cur);
		return X86_DECODE_OK;
	case IMM_FAR:
		bytes = insn->op_size;
		bytes2 = 2;
		break;
	case IMM_ENTER:
		bytes = 2;
		bytes2 = 1;
		break;
	}

	if (!take(insn, cur, bytes, &insn->imm))
		return out_of_bytes(cur);
	if (kind != IMM_W && kind != IMM_ENTER)
		insn->imm = sign_extend(insn->imm, bytes);
	insn->imm_size = bytes;
	if (bytes2 && !take(insn, cur, bytes2, &imm2))
		return out_of_bytes(cur);
	insn->imm2 = imm2;
	return X86_DECODE_OK;
}

static void set_op_size(struct x86_insn *insn, unsigned int flags)
{
	bool opsize = insn->flags & X86_INSN_OPSIZE;

	if (flags & F_BYTE) {
		insn->op_size = 1;
		insn->flags |= X86_INSN_BYTE;
	} else if (flags & F_REG) { /* MOV CR, DR */
		insn->op_size = is_long64(insn) ? 8 : 4;
	} else if (is_long64(insn)) {
		if ((insn->rex & X86_REX_W) || (flags & F_F64))
			insn->op_size = 8;
		else if (opsize)
			insn->op_size = 2;
		else
			insn->op_size = flags & F_D64 ? 8 : 4;
	} else {
		insn->op_size = (insn->mode == X86_MODE_PROT32) != opsize ? 4 : 2;
	}
}

static void set_addr_size(struct x86_insn *insn)
{
	bool addrsize = insn->flags & X86_INSN_ADDRSIZE;

	if (is_long64(insn))
		insn->addr_size = addrsize ? 4 : 8;
	else
		insn->addr_size = (insn->mode == X86_MODE_PROT32) != addrsize ? 4 : 2;
}

/* 0F 38: nearly all are vector operations; these are not. */
static struct x86_opcode opcode_0f38(const struct x86_insn *insn)
{
	static const struct x86_opcode undefined = { X86_OP_UD, X86_FORM_NONE, IMM_NONE, 0 };
	static const struct x86_opcode vector = { X86_OP_SSE, X86_FORM_EV, IMM_NONE, 0 };
	static const struct x86_opcode invpcid = { X86_OP_INVPCID, X86_FORM_G_E, IMM_NONE, F_MEM };
	static const struct x86_opcode vmx = { X86_OP_VMX, X86_FORM_G_E, IMM_NONE, F_MEM };
	static const struct x86_opcode crc32[2] = {
		{ X86_OP_CRC32, X86_FORM_G_E8, IMM_NONE, 0 },
		{ X86_OP_CRC32, X86_FORM_G_E, IMM_NONE, 0 },
	};
	static const struct x86_opcode movbe[2] = {
		{ X86_OP_MOVBE, X86_FORM_G_E, IMM_NONE, F_MEM },
		{ X86_OP_MOVBE, X86_FORM_E_G, IMM_NONE, F_MEM },
	};

	switch (insn->opcode) {
	case 0x80: /* INVEPT */
	case 0x81: /* INVVPID */
		return vmx;
	case 0x82:
		return invpcid;
	case 0xf0:
	case 0xf1:
		if (insn->simd_prefix == 0xf2)
			return crc32[insn->opcode & 1];
		if (insn->simd_prefix == 0xf3)
			return undefined;
		return movbe[insn->opcode & 1];
	default:
		return vector;
	}
}

static bool vex_0f_has_imm8(u8 opcode)
{
	return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
	       (opcode >= 0xc4 && opcode <= 0xc6);
}

/* What a VEX or EVEX opcode is; insn->map is EVEX's map 5 or 6 too. */
static struct x86_opcode opcode_vex(const struct x86_insn *insn)
{
	struct x86_opcode entry = { X86_OP_SSE, X86_FORM_EV, IMM_NONE, 0 };

	if (insn->map == X86_MAP_0F3A || (insn->map == X86_MAP_0F && vex_0f_has_imm8(insn->opcode)))
		entry.imm = IMM_B;
	if (insn->map == X86_MAP_0F && insn->opcode == 0x77 && (insn->flags & X86_INSN_VEX))
		entry = (struct x86_opcode){ X86_OP_OTHER, X86_FORM_NONE, IMM_NONE, 0 };
	return entry;
}

/*
 * C4, C5 and 62 begin VEX and EVEX instructions: always in 64-bit mode; in
 * protected mode when what follows is no memory ModRM of LDS, LES or BOUND; never in
 * real and virtual-8086 mode.
 */
static bool is_vex_or_evex(const struct x86_insn *insn, const struct cursor *cur)
{
	if (insn->opcode != 0xc4 && insn->opcode != 0xc5 && insn->opcode != 0x62)
		return false;
	if (is_long64(insn))
		return true;
	if (insn->mode == X86_MODE_REAL16 || insn->mode == X86_MODE_VM86)
		return false;
	return insn->length < cur->end && cur->bytes[insn->length] >= 0xc0;
}

static enum x86_decode_result decode_vex(struct x86_insn *insn, const struct cursor *cur)
{
	static const u8 simd_prefix[4] = { 0, 0x66, 0xf3, 0xf2 };
	unsigned int map = X86_MAP_0F, inverted;
	u8 lead = insn->opcode;
	u64 p;

	if (insn->rex || insn->simd_prefix || (insn->flags & X86_INSN_LOCK))
		return X86_DECODE_UD;
	if (!take(insn, cur, lead == 0xc5 ? 1 : lead == 0xc4 ? 2 : 3, &p))
		return out_of_bytes(cur);

	inverted = ~p >> 5 & 7;
	if (lead == 0xc5) {
		insn->rex = inverted & X86_REX_R;
	} else {
		insn->rex = inverted;
		map = p & (lead == 0xc4 ? 0x1f : 7);
		p >>= 8;
		if (p & 0x80)
			insn->rex |= X86_REX_W;
	}
	insn->vex_reg = ~p >> 3 & 0xf;
	insn->simd_prefix = simd_prefix[p & 3];
	if (lead == 0x62) {
		if (!(p & BIT(2)) || map == 0 || map == 4 || map == 7)
			return X86_DECODE_UD;
		insn->flags |= X86_INSN_EVEX;
		insn->vex_len = p >> 13 & 3;
	} else {
		if (map == 0 || map > X86_MAP_0F3A)
			return X86_DECODE_UD;
		insn->flags |= X86_INSN_VEX;
		insn->vex_len = p >> 2 & 1;
	}
	if (!is_long64(insn)) {
		insn->rex &= X86_REX_W;
		insn->vex_reg &= 7;
	}
	insn->map = map;
	if (!take_u8(insn, cur, &insn->opcode))
		return out_of_bytes(cur);
	return X86_DECODE_OK;
}

/* From the first opcode byte to the table row. */
static enum x86_decode_result decode_opcode(struct x86_insn *insn, const struct cursor *cur,
					    struct x86_opcode *entry)
{
	enum x86_decode_result res;

	/*
	 * Outside 64-bit mode the byte behind decides between LDS and VEX; when it is
	 * missing, either way goes on to ask for more.
	 */
	if (is_vex_or_evex(insn, cur)) {
		res = decode_vex(insn, cur);
		if (!res)
			*entry = opcode_vex(insn);
		return res;
	}
	if (insn->opcode != 0x0f) {
		*entry = x86_opcodes_one[insn->opcode];
		return X86_DECODE_OK;
	}

	if (!take_u8(insn, cur, &insn->opcode))
		return out_of_bytes(cur);
	if (insn->opcode != 0x38 && insn->opcode != 0x3a) {
		insn->map = X86_MAP_0F;
		*entry = x86_opcodes_0f[insn->opcode];
		return X86_DECODE_OK;
	}

	insn->map = insn->opcode == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
	if (!take_u8(insn, cur, &insn->opcode))
		return out_of_bytes(cur);
	if (insn->map == X86_MAP_0F38)
		*entry = opcode_0f38(insn);
	else
		*entry = (struct x86_opcode){ X86_OP_SSE, X86_FORM_EV, IMM_B, 0 };
	return X86_DECODE_OK;
}

/* ModRM.reg, and for 0F 01 the whole byte, selects among several operations. */
static void select_group(const struct x86_insn *insn, struct x86_opcode *entry)
{
	unsigned int group = entry->op;
	const struct x86_opcode *col = &x86_groups[group][insn->modrm >> 3 & 7];

	entry->flags = (entry->flags & ~F_GROUP) | col->flags;
	entry->op = col->op;
	if (col->form)
		entry->form = col->form;
	if (col->imm)
		entry->imm = col->imm;
	if (group == GROUP_7 && insn->modrm >= 0xc0)
		entry->op = x86_ops_0f01[insn->modrm & 0x3f];
}

/* Opcodes whose meaning depends on a prefix, the mode or a register number. */
static void resolve_special_0f(struct x86_insn *insn, struct x86_opcode *entry)
{
	bool f3 = insn->simd_prefix == 0xf3;

	switch (insn->opcode) {
	case 0x20:
	case 0x22:
		/* AMD: LOCK reaches CR8 outside 64-bit mode (APM "CR8 (Task Priority)"). */
		if ((insn->flags & X86_INSN_LOCK) && insn->reg == 0)
			insn->reg = 8;
		insn->flags &= ~X86_INSN_LOCK;
		if (insn->reg == 1 || (insn->reg > 4 && insn->reg != 8))
			entry->op = X86_OP_UD;
		break;
	case 0x21:
	case 0x23:
		if (insn->reg > 7)
			entry->op = X86_OP_UD;
		break;
	case 0x78: /* SSE4A EXTRQ and INSERTQ have two byte immediates */
		if (insn->simd_prefix == 0x66 || insn->simd_prefix == 0xf2)
			*entry = (struct x86_opcode){ X86_OP_OTHER, X86_FORM_EV, IMM_W, 0 };
		break;
	case 0xa0:
	case 0xa1:
	case 0xa8:
	case 0xa9:
		insn->reg = insn->opcode >> 3 & 7;
		break;
	case 0xb8:
		if (!f3)
			entry->op = X86_OP_UD;
		break;
	case 0xbc:
		if (f3)
			entry->op = X86_OP_TZCNT;
		break;
	case 0xbd:
		if (f3)
			entry->op = X86_OP_LZCNT;
		break;
	case 0xc3: /* MOVNTI */
		if (insn->simd_prefix)
			entry->op = X86_OP_UD;
		break;
	}
}

static void resolve_special_one(struct x86_insn *insn, struct x86_opcode *entry)
{
	switch (insn->opcode) {
	case 0x06:
	case 0x07:
	case 0x0e:
	case 0x16:
	case 0x17:
	case 0x1e:
	case 0x1f:
		insn->reg = insn->opcode >> 3;
		break;
	case 0x63:
		if (!is_long64(insn))
			*entry = (struct x86_opcode){ X86_OP_OTHER, X86_FORM_E_G, IMM_NONE, 0 };
		break;
	case 0x8c:
	case 0x8e:
		insn->reg &= 7;
		if (insn->reg > X86_SEG_GS || (insn->opcode == 0x8e && insn->reg == X86_SEG_CS))
			entry->op = X86_OP_UD;
		break;
	case 0xc6:
	case 0xc7:
		if (insn->modrm == 0xf8) { /* XABORT, XBEGIN */
			entry->op = X86_OP_OTHER;
			entry->form = X86_FORM_EV;
		}
		break;
	case 0x90:
		if (insn->rex & X86_REX_B)
			break;
		entry->op = insn->simd_prefix == 0xf3 ? X86_OP_PAUSE : X86_OP_NOP;
		entry->form = X86_FORM_NONE;
		break;
	}
}

enum x86_decode_result x86_decode(struct x86_insn *insn, const u8 *bytes, unsigned int nr_bytes,
				  enum x86_mode mode)
{
	const struct cursor cur = {
		.bytes = bytes,
		.end = min(nr_bytes, (unsigned int)X86_MAX_INSN_BYTES),
	};
	struct x86_opcode entry;
	enum x86_decode_result res;

	memset(insn, 0, sizeof(*insn));
	insn->mode = mode;
	insn->base = X86_REG_NONE;
	insn->index = X86_REG_NONE;

	res = decode_prefixes(insn, &cur);
	if (res)
		return res;
	res = decode_opcode(insn, &cur, &entry);
	if (res)
		return res;
	if (!(entry.flags & F_GROUP) && entry.op == X86_OP_UD)
		return X86_DECODE_UD;
	if ((entry.flags & F_NO64) && is_long64(insn))
		return X86_DECODE_UD;

	set_addr_size(insn);
	if (entry.form >= X86_FORM_MODRM) {
		res = decode_modrm(insn, &cur);
		if (res)
			return res;
		if (entry.flags & F_GROUP)
			select_group(insn, &entry);
	} else {
		insn->rm = (insn->opcode & 7) | (insn->rex & X86_REX_B ? 8 : 0);
	}
	if (insn->map == X86_MAP_ONE)
		resolve_special_one(insn, &entry);
	else if (insn->map == X86_MAP_0F && !(insn->flags & (X86_INSN_VEX | X86_INSN_EVEX)))
		resolve_special_0f(insn, &entry);
	if (entry.op == X86_OP_UD)
		return X86_DECODE_UD;

	set_op_size(insn, entry.flags);
	insn->op = entry.op;
	insn->form = entry.form;
	if ((insn->flags & X86_INSN_MODRM) && insn->modrm < 0xc0 && !(entry.flags & F_REG)) {
		res = decode_memory(insn, &cur);
		if (res)
			return res;
	} else if (entry.flags & F_MEM) {
		return X86_DECODE_UD;
	}
	if ((insn->flags & X86_INSN_LOCK) &&
	    !((entry.flags & F_LOCK) && (insn->flags & X86_INSN_MEM)))
		return X86_DECODE_UD;
	return decode_imm(insn, &cur, entry.imm);
}

/*
 * The intercepted instructions that a guest executes all the time, as compilers and
 * people write them. 0: not one of them, or bytes are missing.
 */
static unsigned int common_length(const u8 *bytes, unsigned int nr_bytes)
{
	const unsigned int valid_crs = BIT(0) | BIT(2) | BIT(3) | BIT(4);

	if (!nr_bytes)
		return 0;
	switch (bytes[0]) {
	case 0xf4:	    /* HLT */
	case 0xec ... 0xef: /* IN, OUT with DX */
		return 1;
	case 0xe4 ... 0xe7: /* IN, OUT with an immediate port */
		return nr_bytes >= 2 ? 2 : 0;
	case 0xf3:
		return nr_bytes >= 2 && bytes[1] == 0x90 ? 2 : 0; /* PAUSE */
	case 0x0f:
		break;
	default:
		return 0;
	}

	if (nr_bytes < 2)
		return 0;
	switch (bytes[1]) {
	case 0x06:	    /* CLTS */
	case 0x08:	    /* INVD */
	case 0x09:	    /* WBINVD */
	case 0x30 ... 0x33: /* WRMSR, RDTSC, RDMSR, RDPMC */
	case 0xa2:	    /* CPUID */
		return 2;
	case 0x01: /* VMCALL to TLBSYNC, all without an operand */
		return nr_bytes >= 3 && bytes[2] >= 0xc0 && x86_ops_0f01[bytes[2] & 0x3f] ? 3 : 0;
	case 0x20: /* MOV CR */
	case 0x22:
		return nr_bytes >= 3 && (valid_crs & BIT(bytes[2] >> 3 & 7)) ? 3 : 0;
	case 0x21: /* MOV DR */
	case 0x23:
		return nr_bytes >= 3 ? 3 : 0;
	default:
		return 0;
	}
}

enum x86_decode_result x86_insn_length(const u8 *bytes, unsigned int nr_bytes, enum x86_mode mode,
				       unsigned int *length)
{
	enum x86_decode_result res;
	struct x86_insn insn;

	*length = common_length(bytes, nr_bytes);
	if (*length)
		return X86_DECODE_OK;
	res = x86_decode(&insn, bytes, nr_bytes, mode);
	*length = insn.length;
	return res;
}

u64 x86_insn_ea(const struct x86_insn *insn, const u64 *gpr, u64 next_rip)
{
	u64 ea = insn->disp;

	if (insn->flags & X86_INSN_RIP_REL)
		ea += next_rip;
	if (insn->base < X86_NR_GPRS)
		ea += gpr[insn->base];
	if (insn->index < X86_NR_GPRS)
		ea += gpr[insn->index] << insn->scale;
	return ea & x86_size_mask(insn->addr_size);
}
