// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches by hardware, which no CPU does in guest mode. The switch itself is
 * model/x86_task_switch.c's; here are the event that led to it and what lies outside of a TSS.
 */
#include "exit/emulate.h"
#include "model/x86_task_switch.h"

/* DR7.L0 to L3 and LE: of a task, while G0 to G3 and GE outlive it. */
#define DR7_LOCAL 0x155ULL

static const u8 model_source[] = {
	[TASK_SWITCH_CALL] = X86_TASK_CALL,
	[TASK_SWITCH_IRET] = X86_TASK_IRET,
	[TASK_SWITCH_JMP] = X86_TASK_JMP,
	[TASK_SWITCH_GATE] = X86_TASK_GATE,
};

/* Bytes between RIP and where the old task goes on. */
static bool old_task_skips(struct myhv_vcpu *vcpu, const struct task_switch *why, u8 *length,
			   enum exit_action *action)
{
	struct insn_extent e;

	*length = 0;
	if (why->source == TASK_SWITCH_GATE && !why->soft)
		return true;
	if (why->source == TASK_SWITCH_GATE && (vcpu->event.cut & EVENT_CUT_EXCEPTION)) {
		*length = vcpu->event.cut_exception.insn_length;
		return true;
	}
	e = insn_length_decode(vcpu);
	*length = e.bytes;
	*action = e.action;
	return e.bytes;
}

/* The new task is the current one. */
static void committed(struct myhv_vcpu *vcpu, const struct task_switch *why,
		      const struct x86_task_switch *ts)
{
	u64 dr7 = vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug.dr7;

	vcpu->event.cut &= ~why->cut;
	if (dr7 & DR7_LOCAL)
		dr_write(vcpu, 7, dr7 & ~DR7_LOCAL);
	if (vcpu->in_shadow)
		backend->shadow_set(vcpu, 0);
	if (vcpu->guest_debug.flags & MYHV_DEBUG_STEP)
		vcpu_request(vcpu, VCPU_REQ_STEPPED);
	if (ts->trap)
		inject_db(vcpu, EVENT_DR6_BT);
}

enum exit_action exit_task_switch(struct myhv_vcpu *vcpu, const struct task_switch *why)
{
	struct x86_task_switch ts = {
		.selector = why->selector,
		.source = model_source[why->source],
		.external = why->source == TASK_SWITCH_GATE && !why->soft,
		.has_error = why->source == TASK_SWITCH_GATE && why->has_error,
		.error = why->error,
		.flags = vcpu->regs.general.rflags,
	};
	enum x86_emul_result res;
	enum exit_action action;
	struct x86_emul *e;
	u8 length;

	/* it stores and then reads: there is no second attempt */
	if (vcpu->in_burst)
		return EXIT_NEEDS_SLEEP;
	if (!old_task_skips(vcpu, why, &length, &action))
		return action;
	ts.next_rip = vcpu->regs.general.rip + length;
	if (why->fault)
		ts.flags |= X86_EFLAGS_RF;

	e = emulate_begin(vcpu);
	res = x86_task_switch(e, &ts);
	if (ts.committed)
		committed(vcpu, why, &ts);
	return emulate_end(vcpu, res);
}
