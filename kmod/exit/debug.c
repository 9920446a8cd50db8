// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debugging the guest from outside: #DB and #BP that belong to the debugger exit, the
 * others go to the guest.
 */
#include "exit/exit.h"

#define DEBUG_FLAGS (MYHV_DEBUG_ENABLE | MYHV_DEBUG_STEP | MYHV_DEBUG_SW_BP | MYHV_DEBUG_HW_BP)
#define DR7_LOW_RESERVED 0xd800ULL
#define DR7_GD BIT_ULL(13)

static u64 dr7_in_force(struct myhv_vcpu *vcpu)
{
	if (vcpu->guest_debug.flags & MYHV_DEBUG_HW_BP)
		return vcpu->guest_debug.dr[7];
	return vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug.dr7;
}

static void fill_exit(struct myhv_vcpu *vcpu, u8 vector, u64 dr6_bits)
{
	struct vcpu_regs *r = vcpu_regs(vcpu, MYHV_STATE_SEGMENTS);
	struct myhv_exit *exit = vcpu->exit;

	exit->reason = MYHV_EXIT_DEBUG;
	exit->debug.rip = r->general.rip;
	if (vcpu_cpu_mode(vcpu) != CPU_LONG64)
		exit->debug.rip = (u32)(r->segments.seg[MYHV_SEG_CS].base + r->general.rip);
	exit->debug.dr6 = event_dr6(EVENT_DR6_INIT, dr6_bits);
	exit->debug.dr7 = dr7_in_force(vcpu);
	exit->debug.vector = vector;
	exit->debug.pad = 0;
}

static bool is_debuggers(struct myhv_vcpu *vcpu, u64 dr6_bits)
{
	u32 flags = vcpu->guest_debug.flags;

	if ((flags & MYHV_DEBUG_STEP) && (dr6_bits & EVENT_DR6_BS))
		return true;
	return (flags & MYHV_DEBUG_HW_BP) && (dr6_bits & (EVENT_DR6_TRAPS | EVENT_DR6_BD));
}

enum exit_action exit_db(struct myhv_vcpu *vcpu, u64 dr6_bits)
{
	if (is_debuggers(vcpu, dr6_bits)) {
		fill_exit(vcpu, X86_TRAP_DB, dr6_bits);
		return EXIT_TO_USER;
	}
	inject_db(vcpu, dr6_bits);
	return RESUME_GUEST;
}

enum exit_action exit_bp(struct myhv_vcpu *vcpu)
{
	enum exit_action action;
	u8 length;

	if (vcpu->guest_debug.flags & MYHV_DEBUG_SW_BP) {
		fill_exit(vcpu, X86_TRAP_BP, 0);
		return EXIT_TO_USER;
	}
	if (!insn_length(vcpu, &length, &action))
		return action;
	event_queue_soft(&vcpu->event, X86_TRAP_BP, length);
	return RESUME_GUEST;
}

/* VCPU_REQ_STEPPED: an instruction that we completed ourselves was the step. */
void debug_stepped(struct myhv_vcpu *vcpu)
{
	fill_exit(vcpu, X86_TRAP_DB, EVENT_DR6_BS);
}

int guest_debug_set(struct myhv_vcpu *vcpu, const struct myhv_debug *debug)
{
	bool hw = debug->flags & MYHV_DEBUG_HW_BP;

	if ((debug->flags & ~DEBUG_FLAGS) || debug->pad)
		return -EINVAL;
	if (debug->flags && !(debug->flags & MYHV_DEBUG_ENABLE))
		return -EINVAL;
	if (debug->dr[4] || debug->dr[5] || debug->dr[6])
		return -EINVAL;
	if (hw && (debug->dr[7] & (DR7_LOW_RESERVED | DR7_GD | ~0xffffffffULL)))
		return -EINVAL;
	vcpu->guest_debug.flags = debug->flags;
	memset(vcpu->guest_debug.dr, 0, sizeof(vcpu->guest_debug.dr));
	if (hw) {
		memcpy(vcpu->guest_debug.dr, debug->dr, 4 * sizeof(debug->dr[0]));
		vcpu->guest_debug.dr[7] = debug->dr[7] | BIT(10);
	}
	clear_bit(VCPU_REQ_STEPPED, &vcpu->requests);
	backend->debug_update(vcpu);
	return 0;
}
