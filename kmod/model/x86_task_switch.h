/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The task switch by hardware, 32-bit and 16-bit TSS: JMP, CALL, IRET and gates in the
 * IDT. SDM "Task Switching", APM "Task Management". It works on the emulator's state and ops.
 */
#ifndef MYHV_MODEL_X86_TASK_SWITCH_H
#define MYHV_MODEL_X86_TASK_SWITCH_H

#include "x86_emulate.h"

enum x86_task_source {
	X86_TASK_CALL,
	X86_TASK_IRET,
	X86_TASK_JMP,
	X86_TASK_GATE, /* an event through a task gate in the IDT */
};

/**
 * struct x86_task_switch - a task switch that the CPU has begun and not carried out
 * @selector: of the new task's TSS
 * @source: enum x86_task_source
 * @external: of a gate: the event was no INT n, INT3 or INTO
 * @has_error: @error is pushed on the new task's stack
 * @error: error code
 * @next_rip: where the old task goes on
 * @flags: RFLAGS that the old task goes on with
 * @committed: out: the new task is the current one; a fault is its fault
 * @trap: out with X86_EMUL_OK: the TSS asks for a debug trap
 */
struct x86_task_switch {
	u16 selector;
	u8 source;
	bool external;
	bool has_error;
	u32 error;
	u64 next_rip;
	u64 flags;

	bool committed;
	bool trap;
};

/**
 * x86_task_switch() - carry it out
 * @e: the old task's state: ops (set_segment, get_cr and set_cr are needed), regs, cr0, cr4, mode,
 *	cpl, long_mode. On return the new task's, as far as it was @ts->committed
 * @ts: what and why
 *
 * The checks of privileges have been made by the CPU. The local breakpoints in DR7 are the
 * caller's to switch off.
 *
 * Return: X86_EMUL_OK; X86_EMUL_FAULT with @e->fault; or what an op answered: then memory
 * may have changed and a new attempt is not possible.
 */
enum x86_emul_result x86_task_switch(struct x86_emul *e, struct x86_task_switch *ts);

#endif /* MYHV_MODEL_X86_TASK_SWITCH_H */
