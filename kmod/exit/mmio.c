// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults: memory is mapped and the guest goes on; where there is none, the
 * instruction is emulated and its access lands here: LAPIC, devices in the kernel,
 * user space.
 */
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
	return emulate_mmio(vcpu, v->gpa, v->access & SLAT_WRITE);
}
