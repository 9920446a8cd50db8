/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small machine for the emulator's tests: 64 KiB of RAM at linear address 0, some
 * pages of it special, a device page that may answer late, and ports. Every op is
 * written down, so that a test can check what was asked, in which order.
 */
#ifndef TESTS_EMUL_MACHINE_H
#define TESTS_EMUL_MACHINE_H

#include "x86_emulate.h"

#define MACHINE_RAM_BYTES 0x10000u
/* Inside RAM. */
#define MACHINE_CODE 0x1000u
#define MACHINE_STACK 0x3000u /* top */
#define MACHINE_DATA 0x4000u
#define MACHINE_READ_ONLY 0x8000u
#define MACHINE_HOLE 0x9000u /* not present */
#define MACHINE_DEVICE 0xa000u
#define MACHINE_TSS 0xb000u
/* Segment that starts elsewhere. */
#define MACHINE_FS_BASE 0x5000u

#define MACHINE_IO_BUF_BYTES 1024u

enum access_kind {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_CMPXCHG,
	ACCESS_IN,
	ACCESS_OUT,
};

struct access {
	enum access_kind kind;
	u64 address;
	unsigned int bytes;
	unsigned int count;
	u64 val;
};

#define MACHINE_MAX_LOG 128

struct machine {
	struct x86_emul e;
	struct x86_regs regs;
	struct x86_segment seg[X86_NR_SEGS];
	u8 ram[MACHINE_RAM_BYTES];
	u8 vec[16][32];
	u64 mmx[8];
	unsigned int nr_mmx; /* instructions that have used them */
	bool x87_waits;      /* with an exception */
	u8 io_buf[MACHINE_IO_BUF_BYTES];

	/* What the ops saw, in order. RAM accesses are not written down. */
	struct access log[MACHINE_MAX_LOG];
	unsigned int nr_log;
	unsigned int nr_commits;
	unsigned int nr_fetches;

	/* The device and the ports answer from next_val on, each read one more. */
	u64 next_val;
	/* They need user space: the first asking is IO_PENDING. */
	bool late;
	unsigned int run_limit; /* elements that a device takes in one call */
	/* Completed accesses of this step, for replay. */
	struct access replay[8];
	unsigned int nr_replay;
	unsigned int replay_pos;

	/* So many cmpxchg find that somebody was faster. */
	unsigned int nr_races;
	u64 cr[16];
	u64 invlpg_address;
};

/* 64-bit mode at CPL 0 with flat segments. */
void machine_init(struct machine *m, enum x86_mode mode);
/* Puts @bytes at rip and emulates. */
enum x86_emul_result machine_run(struct machine *m, const char *bytes, unsigned int length);
/* The same instruction once more, as after user space has answered. */
enum x86_emul_result machine_again(struct machine *m);
/* machine_run() until everything late is there. */
enum x86_emul_result machine_finish(struct machine *m, const char *bytes, unsigned int length);

#define machine_insn(m, bytes) machine_run(m, bytes, sizeof(bytes) - 1)

#endif /* TESTS_EMUL_MACHINE_H */
