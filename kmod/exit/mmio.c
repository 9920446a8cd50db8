// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults: memory is mapped and the guest goes on; where there is none, the
 * instruction is done here if it is a plain move, and emulated if not. Either way its access
 * lands here: LAPIC, devices in the kernel, user space.
 */
#include <linux/mm.h>
#include "chip/chip.h"
#include "exit/emulate.h"
#include "introspect/trace.h"

static int device_access(struct myhv_vcpu *vcpu, bool is_write, u64 gpa, u8 size, void *data)
{
	struct iobus *bus = &vcpu->vm->mmio_bus;
	int ret = -EOPNOTSUPP;

	if (vcpu->lapic)
		ret = is_write ? lapic_mmio_write(vcpu, gpa, size, data) :
				 lapic_mmio_read(vcpu, gpa, size, data);
	if (ret == -EOPNOTSUPP)
		ret = is_write ? iobus_write(vcpu, bus, gpa, size, data) :
				 iobus_read(vcpu, bus, gpa, size, data);
	return ret;
}

bool mmio_access(struct myhv_vcpu *vcpu, bool is_write, u64 gpa, u8 size, void *data)
{
	bool done = !device_access(vcpu, is_write, gpa, size, data);
	struct myhv_exit *exit = vcpu->exit;
	u64 value = 0;

	if (is_write || done)
		memcpy(&value, data, size);
	trace_myhv_mmio(vcpu->vm->id, vcpu->id, is_write, gpa, size, value, done);
	if (done)
		return true;
	exit->reason = MYHV_EXIT_MMIO;
	exit->mmio.gpa = gpa;
	exit->mmio.size = size;
	exit->mmio.is_write = is_write;
	memcpy(exit->mmio.data, &value, sizeof(value));
	return false;
}

unsigned int mmio_write_run(struct myhv_vcpu *vcpu, u64 gpa, u8 size, const void *data,
			    unsigned int stride, unsigned int count, bool *posted)
{
	struct iobus *bus = &vcpu->vm->mmio_bus;
	bool each = trace_myhv_mmio_enabled() || lapic_is_at(vcpu, gpa);
	unsigned int i;

	for (i = 0; i < count && !*posted; i++, gpa += size, data += stride)
		if (each || iobus_write(vcpu, bus, gpa, size, data))
			*posted = !mmio_access(vcpu, true, gpa, size, (void *)data);
	return i;
}

/* ---- the moves that drivers make ---- */

static u64 *gprs(struct myhv_vcpu *vcpu)
{
	return vcpu->regs.general.gpr;
}

/* User space has answered; unless it has sent the vCPU elsewhere, the load ends. */
static enum exit_action complete_load(struct myhv_vcpu *vcpu)
{
	const struct x86_mov *mov = &vcpu->pending.mov;
	u64 data;

	if (vcpu->regs.general.rip != vcpu->pending.rip)
		return RESUME_GUEST;
	memcpy(&data, vcpu->exit->mmio.data, sizeof(data));
	x86_mov_load(mov, gprs(vcpu), data);
	insn_finish(vcpu, mov->length);
	return RESUME_GUEST;
}

static enum exit_action load(struct myhv_vcpu *vcpu, u64 gpa)
{
	const struct x86_mov *mov = &vcpu->pending.mov;
	u64 data = 0;

	if (!mmio_access(vcpu, false, gpa, mov->bytes, &data)) {
		vcpu->pending.rip = vcpu->regs.general.rip;
		vcpu->complete = complete_load;
		return EXIT_TO_USER;
	}
	x86_mov_load(mov, gprs(vcpu), data);
	insn_finish(vcpu, mov->length);
	return RESUME_GUEST;
}

static enum exit_action store(struct myhv_vcpu *vcpu, u64 gpa)
{
	struct x86_mov *mov = &vcpu->pending.mov;
	bool done = mmio_access(vcpu, true, gpa, mov->bytes, &mov->value);

	insn_finish(vcpu, mov->length);
	return done ? RESUME_GUEST : EXIT_TO_USER;
}

/*
 * A plain move whose operand is what faulted at @gpa, all of it: the CPU has found the access
 * allowed and translated it. false: the emulator's.
 */
static bool move(struct myhv_vcpu *vcpu, u64 gpa, bool is_write, enum exit_action *action)
{
	struct x86_mov *mov = &vcpu->pending.mov;
	enum x86_mode mode;
	unsigned int have = insn_peek(vcpu, &mode);

	if (!have || mode != X86_MODE_LONG64 ||
	    !x86_mov_plan(mov, vcpu->insn.bytes, have, gprs(vcpu), vcpu->regs.general.rip))
		return false;
	if (mov->is_store != is_write || offset_in_page(mov->ea) != offset_in_page(gpa) ||
	    offset_in_page(gpa) + mov->bytes > PAGE_SIZE)
		return false;
	emulate_forget(vcpu);
	*action = is_write ? store(vcpu, gpa) : load(vcpu, gpa);
	return true;
}

static enum exit_action memory_fault(struct myhv_vcpu *vcpu, const struct slat_violation *v)
{
	struct myhv_exit *exit = vcpu->exit;

	exit->reason = MYHV_EXIT_MEMORY_FAULT;
	exit->memory_fault.gpa = v->gpa & PAGE_MASK;
	exit->memory_fault.bytes = PAGE_SIZE;
	exit->memory_fault.access = (v->access & SLAT_READ ? MYHV_ACCESS_READ : 0) |
				    (v->access & SLAT_WRITE ? MYHV_ACCESS_WRITE : 0) |
				    (v->access & SLAT_EXEC ? MYHV_ACCESS_FETCH : 0);
	exit->memory_fault.error = -EFAULT;
	vcpu->run_result = -EFAULT;
	return EXIT_TO_USER;
}

enum exit_action exit_slat_violation(struct myhv_vcpu *vcpu, const struct slat_violation *v)
{
	enum slat_fault_result result = slat_fault(vcpu, v->gpa, v->access);
	enum exit_action action;

	trace_myhv_fault(vcpu->vm->id, vcpu->id, v->gpa, v->access, result);
	switch (result) {
	case SLAT_FAULT_DONE:
	case SLAT_FAULT_RETRY:
		return RESUME_GUEST;
	case SLAT_FAULT_SLEEP:
		return EXIT_NEEDS_SLEEP;
	case SLAT_FAULT_NO_MEMORY:
		return memory_fault(vcpu, v);
	case SLAT_FAULT_MMIO:
		break;
	}
	/* Page tables or code in device memory: there is no instruction to emulate. */
	if (v->in_walk || (v->access & SLAT_EXEC))
		return exit_failed(vcpu, MYHV_EXIT_EMULATION);
	if (move(vcpu, v->gpa, v->access & SLAT_WRITE, &action))
		return action;
	return emulate_mmio(vcpu, v->gpa, v->access & SLAT_WRITE);
}
