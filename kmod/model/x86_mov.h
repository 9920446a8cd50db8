/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moves that drivers make: one access of 1, 2, 4 or 8 bytes between memory and a
 * general register or an immediate, in 64-bit mode. Where the hardware has told the address,
 * these need no emulator: planned from the bytes, done by the caller.
 */
#ifndef MYHV_MODEL_X86_MOV_H
#define MYHV_MODEL_X86_MOV_H

#include "x86_decode.h"

/**
 * struct x86_mov - a planned move
 * @ea: address of the memory operand; linear, since its segment has base 0
 * @value: a store's data
 * @is_store: to memory
 * @bytes: of memory
 * @length: of the instruction
 * @reg: of a load: destination
 * @reg_bytes: how many bytes of it; 4 clears the upper half
 * @high_byte: @reg stands for its bits 15 to 8
 * @sign: the value is sign-extended to @reg_bytes
 */
struct x86_mov {
	u64 ea;
	u64 value;
	bool is_store;
	u8 bytes;
	u8 length;
	u8 reg;
	u8 reg_bytes;
	bool high_byte;
	bool sign;
};

/**
 * x86_mov_plan() - is it such a move, and which one?
 * @mov: filled if it is
 * @bytes: the instruction's bytes
 * @nr_bytes: how many of them are known
 * @gpr: the 16 general registers
 * @rip: address of the instruction
 *
 * For 64-bit mode only. MOV, MOVZX and MOVSX with a ModRM operand in a segment without a
 * base, that is no FS and no GS.
 *
 * Return: false for everything else, and for bytes that end too early: the emulator's.
 */
bool x86_mov_plan(struct x86_mov *mov, const u8 *bytes, unsigned int nr_bytes, const u64 *gpr,
		  u64 rip);

/**
 * x86_mov_load() - the end of a load
 * @mov: as planned
 * @gpr: the 16 general registers; @mov->reg changes
 * @data: what memory holds, in the low @mov->bytes bytes
 */
void x86_mov_load(const struct x86_mov *mov, u64 *gpr, u64 data);

#endif /* MYHV_MODEL_X86_MOV_H */
