// SPDX-License-Identifier: GPL-2.0-only
/* An exit that nobody can handle: tell user space all that is known. */
#include <linux/mm.h>
#include "core/guest_mem.h"
#include "exit/exit.h"

/* The instruction's bytes, as far as they are known or can be read at once. */
static void describe_insn(struct myhv_vcpu *vcpu, struct myhv_exit *exit)
{
	struct vcpu_regs *r = vcpu_regs(vcpu, MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS);
	u64 linear = r->general.rip + r->segments.seg[MYHV_SEG_CS].base;
	struct guest_walk_fault fault;
	unsigned int length = vcpu->insn.nr_bytes;

	if (vcpu_cpu_mode(vcpu) == CPU_LONG64)
		linear = r->general.rip;
	if (!length) {
		length = min_t(u64, INSN_BYTES_MAX, PAGE_SIZE - offset_in_page(linear));
		if (guest_fetch(vcpu, linear, vcpu->insn.bytes, length, &fault))
			length = 0;
	}
	memset(&exit->emulation, 0, sizeof(exit->emulation));
	exit->emulation.length = length;
	memcpy(exit->emulation.insn, vcpu->insn.bytes, length);
	vcpu->insn.nr_bytes = 0;
}

enum exit_action exit_failed(struct myhv_vcpu *vcpu, u32 reason)
{
	struct myhv_exit *exit = vcpu->exit;
	u64 hw_reason, info[2];

	exit->reason = reason;
	if (reason == MYHV_EXIT_EMULATION) {
		describe_insn(vcpu, exit);
		return EXIT_TO_USER;
	}
	backend->exit_info(vcpu, &hw_reason, info);
	exit->fail_entry.hw_reason = hw_reason;
	exit->fail_entry.info[0] = info[0];
	exit->fail_entry.info[1] = info[1];
	exit->fail_entry.host_cpu = vcpu->running_cpu;
	exit->fail_entry.pad = 0;
	return VCPU_FAILED;
}
