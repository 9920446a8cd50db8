// SPDX-License-Identifier: GPL-2.0-only
/* VMCALL and VMMCALL: the hypercalls of KVM that CPUID offers, all others to user space or away. */
#include <linux/mm.h>
#include "core/guest_mem.h"
#include "cpuid_policy.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "model/x86_decode.h"

#define HC_VAPIC_POLL_IRQ 1
#define HC_KICK_CPU 5
#define HC_SCHED_YIELD 11

#define HC_ENOSYS (-1000L)
#define HC_EPERM (-1L)

/* A vCPU waits in HLT for a spinlock that is free now. */
static long kick_cpu(struct myhv_vcpu *vcpu, u64 apic_id)
{
	struct myhv_vcpu *target;

	if (!(vcpu->vm->pv_features & MYHV_PV_UNHALT) || !pv_allowed(vcpu, CPUID_PV_UNHALT))
		return HC_ENOSYS;
	rcu_read_lock();
	target = apic_id < MYHV_MAX_VCPU_ID ? vm_vcpu(vcpu->vm, apic_id) : NULL;
	if (target)
		vcpu_request(target, VCPU_REQ_UNHALT);
	rcu_read_unlock();
	return 0;
}

static void finish(struct myhv_vcpu *vcpu, u64 result, bool is_64bit, u8 length)
{
	*vcpu_gpr(vcpu, MYHV_RAX) = is_64bit ? result : (u32)result;
	insn_finish(vcpu, length);
}

static enum exit_action complete_hypercall(struct myhv_vcpu *vcpu)
{
	finish(vcpu, READ_ONCE(vcpu->exit->hypercall.result), vcpu_cpu_mode(vcpu) == CPU_LONG64,
	       vcpu->pending.length);
	return RESUME_GUEST;
}

static enum exit_action to_user(struct myhv_vcpu *vcpu, u64 nr, bool is_64bit, u8 length)
{
	static const u8 args[] = { MYHV_RBX, MYHV_RCX, MYHV_RDX, MYHV_RSI };
	struct myhv_exit *exit = vcpu->exit;

	exit->reason = MYHV_EXIT_HYPERCALL;
	exit->hypercall.nr = nr;
	for (unsigned int i = 0; i < ARRAY_SIZE(args); i++)
		exit->hypercall.args[i] = *vcpu_gpr(vcpu, args[i]) & (is_64bit ? ~0ULL : U32_MAX);
	exit->hypercall.result = HC_ENOSYS;
	exit->hypercall.is_64bit = is_64bit;
	exit->hypercall.pad = 0;
	vcpu->pending.length = length;
	vcpu->complete = complete_hypercall;
	return EXIT_TO_USER;
}

/* In RAX; a 32-bit guest has input and status in EDX:EAX. */
static enum exit_action exit_hyperv(struct myhv_vcpu *vcpu, bool is_64bit, u8 length)
{
	u64 input = is_64bit ? *vcpu_gpr(vcpu, MYHV_RCX) : vcpu_edx_eax(vcpu);
	u64 status;

	if (vcpu_cpl(vcpu) != 0 || vcpu_cpu_mode(vcpu) == CPU_REAL) {
		inject_ud(vcpu);
		return RESUME_GUEST;
	}
	status = hyperv_hypercall(vcpu, input);
	if (!is_64bit)
		*vcpu_gpr(vcpu, MYHV_RDX) = status >> 32;
	finish(vcpu, status, is_64bit, length);
	return RESUME_GUEST;
}

enum exit_action exit_hypercall(struct myhv_vcpu *vcpu)
{
	unsigned int cpl;
	bool is_64bit = insn_mode(vcpu, &cpl) == X86_MODE_LONG64;
	u64 nr = is_64bit ? *vcpu_gpr(vcpu, MYHV_RAX) : vcpu_gpr32(vcpu, MYHV_RAX);
	enum exit_action action;
	long result;
	u8 length;

	if (!insn_length(vcpu, &length, &action))
		return action;
	if (hyperv_hypercalls(vcpu))
		return exit_hyperv(vcpu, is_64bit, length);
	if (cpl != 0) {
		result = HC_EPERM;
	} else if (nr == HC_VAPIC_POLL_IRQ) {
		result = 0;
	} else if (nr == HC_KICK_CPU) {
		result = kick_cpu(vcpu, is_64bit ? *vcpu_gpr(vcpu, MYHV_RCX) :
						   vcpu_gpr32(vcpu, MYHV_RCX));
	} else if (nr == HC_SCHED_YIELD && pv_allowed(vcpu, CPUID_PV_SCHED_YIELD)) {
		result = 0; /* only a hint to the scheduler */
	} else if (vcpu->vm->exits_to_user & MYHV_VM_EXIT_HYPERCALL) {
		return to_user(vcpu, nr, is_64bit, length);
	} else {
		result = HC_ENOSYS;
	}
	finish(vcpu, result, is_64bit, length);
	return RESUME_GUEST;
}

/*
 * A guest that was built for a CPU of the other vendor has that one's instruction. It is replaced,
 * as KVM does, or done here where the guest itself may not write.
 */
enum exit_action exit_ud(struct myhv_vcpu *vcpu)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 }, vmmcall[] = { 0x0f, 0x01, 0xd9 };
	bool is_svm = backend->id == MYHV_BACKEND_SVM;
	const u8 *own = is_svm ? vmmcall : vmcall;
	u32 access = X86_ACCESS_WRITE | (vcpu_cpl(vcpu) == 3 ? X86_ACCESS_USER : 0);
	struct guest_walk_result where;
	u8 bytes[sizeof(vmcall)];
	u64 linear;
	int ret = -EINVAL;

	if (READ_ONCE(vcpu->vm->quirks) & MYHV_QUIRK_HYPERCALL)
		ret = insn_bytes(vcpu, bytes, sizeof(bytes), &linear);
	/* another vCPU may have been faster */
	if (!ret && !memcmp(bytes, own, sizeof(bytes)))
		return RESUME_GUEST;
	if (!ret && memcmp(bytes, is_svm ? vmcall : vmmcall, sizeof(bytes)))
		ret = -EINVAL;
	if (!ret) {
		ret = offset_in_page(linear) + sizeof(bytes) > PAGE_SIZE ? -EFAULT :
			      guest_translate_peek(vcpu, linear, access, &where);
		if (!ret)
			ret = guest_phys_write(vcpu, where.gpa, own, sizeof(bytes));
		if (ret && ret != -EAGAIN)
			return exit_hypercall(vcpu);
		if (!ret)
			return RESUME_GUEST;
	}
	if (ret == -EAGAIN)
		return vcpu->in_burst ? EXIT_NEEDS_SLEEP : RESUME_GUEST;
	inject_ud(vcpu);
	return RESUME_GUEST;
}
