// SPDX-License-Identifier: GPL-2.0-only
/* HLT. With a LAPIC in the kernel the run loop waits for what ends it. */
#include "exit/exit.h"

enum exit_action exit_hlt(struct myhv_vcpu *vcpu)
{
	enum exit_action action;
	u8 length;

	if (!insn_length(vcpu, &length, &action))
		return action;
	insn_finish(vcpu, length);
	if (!vcpu->lapic || (vcpu->vm->exits_to_user & MYHV_VM_EXIT_HLT)) {
		vcpu->exit->reason = MYHV_EXIT_HLT;
		return EXIT_TO_USER;
	}
	if (vcpu->pv_unhalted)
		vcpu->pv_unhalted = false;
	else
		WRITE_ONCE(vcpu->mp_state, MYHV_MP_HALTED);
	return RESUME_GUEST;
}
