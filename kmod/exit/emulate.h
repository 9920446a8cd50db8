/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the emulator's frame (emulate.c) and the kinds of access: io.c, mmio.c, ctrl_regs.c. */
#ifndef MYHV_EXIT_EMULATE_H
#define MYHV_EXIT_EMULATE_H

#include "exit/exit.h"
#include "model/x86_emulate.h"

/* exit/emulate.c: the same as emulate_current(), for an access that faulted at @gpa. */
enum exit_action emulate_mmio(struct myhv_vcpu *vcpu, u64 gpa, bool is_write);

/* exit/emulate.c: the guest goes on elsewhere: a step that was given up will not come again. */
void emulate_forget(struct myhv_vcpu *vcpu);

/*
 * exit/emulate.c: the emulator set up for the vCPU as it is, for other work than the instruction
 * at RIP, outside a burst; and what follows from its result.
 */
struct x86_emul *emulate_begin(struct myhv_vcpu *vcpu);
enum exit_action emulate_end(struct myhv_vcpu *vcpu, enum x86_emul_result res);

/*
 * exit/insn.c: bytes at RIP into vcpu->insn.bytes, if they can be had at once: how many, or 0;
 * and the mode they are for. insn_learn(): a fetch at @linear, RIP's page, has succeeded.
 */
unsigned int insn_peek(struct myhv_vcpu *vcpu, enum x86_mode *mode);
void insn_learn(struct myhv_vcpu *vcpu, u64 linear);

/*
 * exit/io.c: @count elements of a string instruction at @data (at most a page). false:
 * vcpu->exit is filled, and vcpu->data with what is written.
 */
bool io_string(struct myhv_vcpu *vcpu, bool is_in, u16 port, u8 size, u32 count, void *data);

/*
 * exit/mmio.c: one access to device memory, at most 8 bytes. false: vcpu->exit is filled.
 */
bool mmio_access(struct myhv_vcpu *vcpu, bool is_write, u64 gpa, u8 size, void *data);

/*
 * exit/mmio.c: up to @count writes side by side in one page, from elements @stride apart. Returns
 * how many were done; with *@posted, vcpu->exit has the last one.
 */
unsigned int mmio_write_run(struct myhv_vcpu *vcpu, u64 gpa, u8 size, const void *data,
			    unsigned int stride, unsigned int count, bool *posted);

/*
 * exit/ctrl_regs.c: as the instructions do them. 0, -EINVAL: #GP(0), -ENOENT: no such
 * register, #UD; -EAGAIN: where it may sleep. dr_access_faults: DR7.GD is set, #DB was queued.
 */
int cr_get(struct myhv_vcpu *vcpu, unsigned int nr, u64 *value);
int cr_set(struct myhv_vcpu *vcpu, unsigned int nr, u64 value);
int dr_get(struct myhv_vcpu *vcpu, unsigned int nr, u64 *value);
int dr_set(struct myhv_vcpu *vcpu, unsigned int nr, u64 value);
bool dr_access_faults(struct myhv_vcpu *vcpu);

#endif /* MYHV_EXIT_EMULATE_H */
