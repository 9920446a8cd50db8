/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run one instruction on the CPU that runs the test, with a register file of one's
 * choice, and see what it did. x86-64 user space only; 32-bit instructions run in
 * compatibility mode, where the upper halves of registers are undefined afterwards.
 */
#ifndef TESTS_NATIVE_EXEC_H
#define TESTS_NATIVE_EXEC_H

#include "x86_defs.h"

#define NATIVE_DATA_BYTES 8192
/* Where, behind the start of the code page, the instruction and a taken branch land. */
#define NATIVE_INSN_OFFSET 256
#define NATIVE_TAKEN_OFFSET 320

struct native_state {
	u64 gpr[X86_NR_GPRS];
	u64 rflags;
	/* Did the instruction end at the landing pad of branches? */
	u64 taken;
	u8 vec[16][32];
	u64 mmx[8];
};

struct native_fault {
	/* -1: none */
	int vector;
	u64 address;
	u32 error;
};

/* The code page, and two pages of data between inaccessible ones; all below 2 GiB. */
extern u8 *native_code;
extern u8 *native_data;

/* False when the machine does not let us: then the tests are skipped. */
bool native_init(void);
bool native_has_avx(void);
/* At the start of each test: cmocka installs handlers of its own before it. */
void native_catch_faults(void);
/* Runs @insn at native_code + NATIVE_INSN_OFFSET. */
void native_run(const u8 *insn, unsigned int length, bool is_32bit, struct native_state *state,
		struct native_fault *fault);

#endif /* TESTS_NATIVE_EXEC_H */
