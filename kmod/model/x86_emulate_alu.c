// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on e->dst.val and e->src.val, with the flags. Flags that the manuals
 * call undefined get the value that current CPUs give where it is simple, and
 * stay or become zero elsewhere. Nothing here touches memory.
 */
#include "x86_emulate_priv.h"

static u64 parity_flag(u64 val)
{
	unsigned int nibble = (val ^ val >> 4) & 0xf;

	/* 0x6996: bit n is set when n has an odd number of ones. */
	return 0x6996 >> nibble & 1 ? 0 : X86_EFLAGS_PF;
}

static u64 result_flags(u64 res, unsigned int bytes)
{
	u64 flags = parity_flag(res);

	if (!(res & x86_size_mask(bytes)))
		flags |= X86_EFLAGS_ZF;
	if (res & emul_sign_bit(bytes))
		flags |= X86_EFLAGS_SF;
	return flags;
}

static void set_flags(struct x86_emul *e, u64 which, u64 flags)
{
	e->flags = (e->flags & ~which) | (flags & which);
}

static u64 flag_if(bool condition, u64 flag)
{
	return condition ? flag : 0;
}

/* All arithmetic flags of a + b + carry. */
static u64 add_values(u64 a, u64 b, bool carry, unsigned int bytes, u64 *flags)
{
	u64 mask = x86_size_mask(bytes), res;

	a &= mask;
	b &= mask;
	res = (a + b + carry) & mask;
	*flags = result_flags(res, bytes);
	*flags |= flag_if(res < a || (carry && res == a), X86_EFLAGS_CF);
	*flags |= flag_if(~(a ^ b) & (a ^ res) & emul_sign_bit(bytes), X86_EFLAGS_OF);
	*flags |= (a ^ b ^ res) & X86_EFLAGS_AF;
	return res;
}

/* All arithmetic flags of a - b - borrow. */
static u64 sub_values(u64 a, u64 b, bool borrow, unsigned int bytes, u64 *flags)
{
	u64 mask = x86_size_mask(bytes), res;

	a &= mask;
	b &= mask;
	res = (a - b - borrow) & mask;
	*flags = result_flags(res, bytes);
	*flags |= flag_if(a < b || (borrow && a == b), X86_EFLAGS_CF);
	*flags |= flag_if((a ^ b) & (a ^ res) & emul_sign_bit(bytes), X86_EFLAGS_OF);
	*flags |= (a ^ b ^ res) & X86_EFLAGS_AF;
	return res;
}

/* Compare as CMP does; true when equal. */
bool alu_sub_sets_zf(struct x86_emul *e, u64 a, u64 b, unsigned int bytes)
{
	u64 flags;

	sub_values(a, b, false, bytes, &flags);
	set_flags(e, EMUL_ARITH_FLAGS, flags);
	return flags & X86_EFLAGS_ZF;
}

static enum x86_emul_result do_add(struct x86_emul *e, u64 b, bool carry, u64 which)
{
	u64 flags;

	e->dst.val = add_values(e->dst.val, b, carry, e->dst.bytes, &flags);
	set_flags(e, which, flags);
	return X86_EMUL_OK;
}

static enum x86_emul_result do_sub(struct x86_emul *e, u64 b, bool borrow, u64 which)
{
	u64 flags;

	e->dst.val = sub_values(e->dst.val, b, borrow, e->dst.bytes, &flags);
	set_flags(e, which, flags);
	return X86_EMUL_OK;
}

static enum x86_emul_result do_logic(struct x86_emul *e, u64 res)
{
	e->dst.val = res;
	set_flags(e, EMUL_ARITH_FLAGS, result_flags(res, e->dst.bytes));
	return X86_EMUL_OK;
}

enum x86_emul_result alu_add(struct x86_emul *e)
{
	return do_add(e, e->src.val, false, EMUL_ARITH_FLAGS);
}

enum x86_emul_result alu_adc(struct x86_emul *e)
{
	return do_add(e, e->src.val, e->flags & X86_EFLAGS_CF, EMUL_ARITH_FLAGS);
}

enum x86_emul_result alu_sub(struct x86_emul *e)
{
	return do_sub(e, e->src.val, false, EMUL_ARITH_FLAGS);
}

enum x86_emul_result alu_sbb(struct x86_emul *e)
{
	return do_sub(e, e->src.val, e->flags & X86_EFLAGS_CF, EMUL_ARITH_FLAGS);
}

enum x86_emul_result alu_inc(struct x86_emul *e)
{
	return do_add(e, 1, false, EMUL_ARITH_FLAGS & ~X86_EFLAGS_CF);
}

enum x86_emul_result alu_dec(struct x86_emul *e)
{
	return do_sub(e, 1, false, EMUL_ARITH_FLAGS & ~X86_EFLAGS_CF);
}

enum x86_emul_result alu_neg(struct x86_emul *e)
{
	u64 val = e->dst.val;

	e->dst.val = 0;
	return do_sub(e, val, false, EMUL_ARITH_FLAGS);
}

enum x86_emul_result alu_or(struct x86_emul *e)
{
	return do_logic(e, e->dst.val | e->src.val);
}

enum x86_emul_result alu_and(struct x86_emul *e)
{
	return do_logic(e, e->dst.val & e->src.val);
}

enum x86_emul_result alu_xor(struct x86_emul *e)
{
	return do_logic(e, e->dst.val ^ e->src.val);
}

enum x86_emul_result alu_not(struct x86_emul *e)
{
	e->dst.val = ~e->dst.val;
	return X86_EMUL_OK;
}

/* SHL, SHR, SAR of a value that is zero-extended; @count is not 0. CF is the last bit out. */
static u64 shift_value(unsigned int op, u64 val, unsigned int count, unsigned int bytes, bool *cf)
{
	unsigned int bits = 8 * bytes;
	s64 sval = emul_sign_extend(val, bytes);

	switch (op) {
	case X86_OP_SHL:
		*cf = count <= bits && (val >> (bits - count) & 1);
		return count < bits ? val << count : 0;
	case X86_OP_SHR:
		*cf = count <= bits && (val >> (count - 1) & 1);
		return count < bits ? val >> count : 0;
	default:
		*cf = sval >> (count - 1) & 1;
		return sval >> count;
	}
}

static u64 rotate_value(unsigned int op, u64 val, unsigned int count, unsigned int bytes, bool *cf)
{
	unsigned int bits = 8 * bytes;
	u64 sign = emul_sign_bit(bytes);
	bool out;

	switch (op) {
	case X86_OP_ROL:
		count %= bits;
		if (count)
			val = val << count | val >> (bits - count);
		*cf = val & 1;
		return val;
	case X86_OP_ROR:
		count %= bits;
		if (count)
			val = val >> count | val << (bits - count);
		*cf = val & sign;
		return val;
	case X86_OP_RCL:
		while (count--) {
			out = val & sign;
			val = val << 1 | *cf;
			*cf = out;
		}
		return val;
	default:
		while (count--) {
			out = val & 1;
			val = (val & x86_size_mask(bytes)) >> 1 | (*cf ? sign : 0);
			*cf = out;
		}
		return val;
	}
}

enum x86_emul_result alu_shift(struct x86_emul *e)
{
	unsigned int bytes = e->dst.bytes, op = e->insn.op;
	unsigned int count = e->src.val & (bytes == 8 ? 63 : 31);
	u64 old = e->dst.val & x86_size_mask(bytes), sign = emul_sign_bit(bytes), res;
	bool cf = e->flags & X86_EFLAGS_CF, of;

	if (!count)
		return X86_EMUL_OK;
	if (op >= X86_OP_SHL)
		res = shift_value(op, old, count, bytes, &cf);
	else
		res = rotate_value(op, old, count, bytes, &cf);

	/* Leftwards: CF and the new sign differ. Rightwards: the two top bits differ. */
	switch (op) {
	case X86_OP_SHL:
	case X86_OP_ROL:
	case X86_OP_RCL:
		of = !!(res & sign) != cf;
		break;
	case X86_OP_SHR:
		of = old & sign;
		break;
	case X86_OP_SAR:
		of = false;
		break;
	default:
		of = !!(res & sign) != !!(res & sign >> 1);
		break;
	}
	set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_OF,
		  flag_if(cf, X86_EFLAGS_CF) | flag_if(of, X86_EFLAGS_OF));
	if (op >= X86_OP_SHL)
		set_flags(e, X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_PF | X86_EFLAGS_AF,
			  result_flags(res, bytes));
	e->dst.val = res;
	return X86_EMUL_OK;
}

enum x86_emul_result alu_shift_double(struct x86_emul *e)
{
	unsigned int bytes = e->dst.bytes, bits = 8 * bytes, count;
	u64 mask = x86_size_mask(bytes), sign = emul_sign_bit(bytes);
	u64 old = e->dst.val & mask, src = e->src.val & mask, res;
	bool cf;

	/* The third operand is CL or an immediate. */
	count = e->insn.form == X86_FORM_E_G_CL ? e->regs->gpr[X86_RCX] : e->insn.imm;
	count &= bytes == 8 ? 63 : 31;
	if (!count)
		return X86_EMUL_OK;
	/* Undefined for words: reduced, so that no shift below is out of range. */
	if (count > bits)
		count -= bits;

	if (e->insn.op == X86_OP_SHLD) {
		res = count < bits ? old << count | src >> (bits - count) : src;
		cf = old >> (bits - count) & 1;
	} else {
		res = count < bits ? old >> count | src << (bits - count) : src;
		cf = old >> (count - 1) & 1;
	}
	res &= mask;
	set_flags(e, EMUL_ARITH_FLAGS,
		  result_flags(res, bytes) | flag_if(cf, X86_EFLAGS_CF) |
			  flag_if((old ^ res) & sign, X86_EFLAGS_OF));
	e->dst.val = res;
	return X86_EMUL_OK;
}

/* The 128-bit product; the high half of a signed one is corrected from the unsigned. */
static void multiply(u64 a, u64 b, bool is_signed, u64 *lo, u64 *hi)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	*lo = product;
	*hi = product >> 64;
	if (is_signed) {
		if ((s64)a < 0)
			*hi -= b;
		if ((s64)b < 0)
			*hi -= a;
	}
}

/* Multiply at operand size: *@lo and *@hi are the halves. True when @hi matters. */
static bool multiply_sized(u64 a, u64 b, unsigned int bytes, bool is_signed, u64 *lo, u64 *hi)
{
	u64 mask = x86_size_mask(bytes);

	if (is_signed) {
		a = emul_sign_extend(a, bytes);
		b = emul_sign_extend(b, bytes);
	} else {
		a &= mask;
		b &= mask;
	}
	multiply(a, b, is_signed, lo, hi);
	if (bytes < 8) {
		*hi = *lo >> (8 * bytes) & mask;
		*lo &= mask;
	}
	if (is_signed)
		return *hi != (*lo & emul_sign_bit(bytes) ? mask : 0);
	return *hi != 0;
}

static void set_multiply_flags(struct x86_emul *e, u64 lo, unsigned int bytes, bool overflow)
{
	set_flags(e, EMUL_ARITH_FLAGS,
		  result_flags(lo, bytes) | flag_if(overflow, X86_EFLAGS_CF | X86_EFLAGS_OF));
}

/* MUL and one-operand IMUL: rDX:rAX, or AX for bytes. */
enum x86_emul_result alu_mul(struct x86_emul *e)
{
	unsigned int bytes = e->dst.bytes;
	u64 *gpr = e->regs->gpr, lo, hi;
	bool overflow;

	overflow = multiply_sized(gpr[X86_RAX], e->dst.val, bytes, e->insn.op == X86_OP_IMUL_AX,
				  &lo, &hi);
	set_multiply_flags(e, lo, bytes, overflow);
	if (bytes == 1) {
		gpr[X86_RAX] = emul_merge(gpr[X86_RAX], hi << 8 | lo, 2);
	} else {
		gpr[X86_RAX] = emul_merge(gpr[X86_RAX], lo, bytes);
		gpr[X86_RDX] = emul_merge(gpr[X86_RDX], hi, bytes);
	}
	return X86_EMUL_OK;
}

/* IMUL with two and three operands. */
enum x86_emul_result alu_imul(struct x86_emul *e)
{
	u64 other = e->insn.form == X86_FORM_G_E_I ? e->insn.imm : e->dst.val;
	u64 lo, hi;
	bool overflow;

	overflow = multiply_sized(e->src.val, other, e->dst.bytes, true, &lo, &hi);
	set_multiply_flags(e, lo, e->dst.bytes, overflow);
	e->dst.val = lo;
	return X86_EMUL_OK;
}

/* @hi:@lo by @divisor, bit by bit; @hi < @divisor. The kernel has no 128-bit division. */
static u64 divide_128(u64 hi, u64 lo, u64 divisor, u64 *remainder)
{
	unsigned int i;

	if (!hi) {
		*remainder = lo % divisor;
		return lo / divisor;
	}
	for (i = 0; i < 64; i++) {
		bool carry = hi >> 63;

		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		if (carry || hi >= divisor) {
			hi -= divisor;
			lo |= 1;
		}
	}
	*remainder = hi;
	return lo;
}

/* DIV and IDIV; the dividend is AX, or rDX:rAX. */
enum x86_emul_result alu_div(struct x86_emul *e)
{
	bool is_signed = e->insn.op == X86_OP_IDIV, neg_dividend, neg_divisor;
	unsigned int bytes = e->dst.bytes, bits = 8 * bytes;
	u64 mask = x86_size_mask(bytes), sign = emul_sign_bit(bytes);
	u64 *gpr = e->regs->gpr, lo, hi, divisor, quotient, remainder, limit;

	divisor = e->dst.val & mask;
	lo = gpr[X86_RAX] & mask;
	hi = (bytes == 1 ? gpr[X86_RAX] >> 8 : gpr[X86_RDX]) & mask;
	neg_dividend = is_signed && (hi & sign);
	neg_divisor = is_signed && (divisor & sign);
	if (neg_divisor)
		divisor = -divisor & mask;
	if (neg_dividend) {
		lo = -lo & mask;
		hi = (~hi + (lo == 0)) & mask;
	}
	/* This also refuses a divisor of 0. */
	if (hi >= divisor)
		return emul_raise(e, X86_TRAP_DE, 0);

	if (bytes < 8) {
		u64 dividend = hi << bits | lo;

		quotient = dividend / divisor;
		remainder = dividend % divisor;
	} else {
		quotient = divide_128(hi, lo, divisor, &remainder);
	}

	limit = !is_signed ? mask : neg_dividend != neg_divisor ? sign : sign - 1;
	if (quotient > limit)
		return emul_raise(e, X86_TRAP_DE, 0);
	if (neg_dividend != neg_divisor)
		quotient = -quotient & mask;
	if (neg_dividend)
		remainder = -remainder & mask;

	if (bytes == 1) {
		gpr[X86_RAX] = emul_merge(gpr[X86_RAX], remainder << 8 | quotient, 2);
	} else {
		gpr[X86_RAX] = emul_merge(gpr[X86_RAX], quotient, bytes);
		gpr[X86_RDX] = emul_merge(gpr[X86_RDX], remainder, bytes);
	}
	return X86_EMUL_OK;
}

/* BT, BTS, BTR, BTC: the operand's address already covers the bit. */
enum x86_emul_result alu_bit_test(struct x86_emul *e)
{
	u64 bit = 1ULL << (e->src.val & (8 * e->dst.bytes - 1));

	set_flags(e, X86_EFLAGS_CF, flag_if(e->dst.val & bit, X86_EFLAGS_CF));
	switch (e->insn.op) {
	case X86_OP_BTS:
		e->dst.val |= bit;
		break;
	case X86_OP_BTR:
		e->dst.val &= ~bit;
		break;
	case X86_OP_BTC:
		e->dst.val ^= bit;
		break;
	}
	return X86_EMUL_OK;
}

static unsigned int lowest_bit(u64 val)
{
	return __builtin_ctzll(val);
}

static unsigned int highest_bit(u64 val)
{
	return 63 - __builtin_clzll(val);
}

/* BSF and BSR: without a set bit the destination stays as it is. */
enum x86_emul_result alu_bit_scan(struct x86_emul *e)
{
	u64 src = e->src.val & x86_size_mask(e->dst.bytes);

	set_flags(e, X86_EFLAGS_ZF, flag_if(!src, X86_EFLAGS_ZF));
	if (!src)
		e->dst.kind = OPERAND_NONE;
	else if (e->insn.op == X86_OP_BSF)
		e->dst.val = lowest_bit(src);
	else
		e->dst.val = highest_bit(src);
	return X86_EMUL_OK;
}

/* TZCNT, LZCNT, POPCNT. */
enum x86_emul_result alu_bit_count(struct x86_emul *e)
{
	unsigned int bits = 8 * e->dst.bytes;
	u64 src = e->src.val & x86_size_mask(e->dst.bytes), val;

	if (e->insn.op == X86_OP_POPCNT) {
		for (e->dst.val = 0, val = src; val; val &= val - 1)
			e->dst.val++;
		set_flags(e, EMUL_ARITH_FLAGS, flag_if(!src, X86_EFLAGS_ZF));
		return X86_EMUL_OK;
	}

	if (!src)
		e->dst.val = bits;
	else if (e->insn.op == X86_OP_TZCNT)
		e->dst.val = lowest_bit(src);
	else
		e->dst.val = bits - 1 - highest_bit(src);
	set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_ZF,
		  flag_if(!src, X86_EFLAGS_CF) | flag_if(!e->dst.val, X86_EFLAGS_ZF));
	return X86_EMUL_OK;
}

/* CRC-32C, reflected polynomial; the accumulator is 32 bits wide whatever the source. */
enum x86_emul_result alu_crc32(struct x86_emul *e)
{
	u64 src = e->src.val;
	u32 crc = e->dst.val;
	unsigned int i;

	for (i = 0; i < 8u * e->src.bytes; i++, src >>= 1)
		crc = crc >> 1 ^ ((crc ^ src) & 1 ? 0x82f63b78 : 0);
	e->dst.val = crc;
	return X86_EMUL_OK;
}
