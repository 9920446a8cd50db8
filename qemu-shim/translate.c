// SPDX-License-Identifier: GPL-2.0-or-later
/* From an ioctl's number to its row. KVM_RUN does not come here. */
#include "shim.h"

static const struct call *find(const struct call *calls, unsigned int count, uint32_t request)
{
	for (unsigned int i = 0; i < count; i++)
		if (calls[i].request == request)
			return &calls[i];
	return NULL;
}

const struct call *call_find(enum shim_kind kind, uint32_t request)
{
	const struct call *call;

	switch (kind) {
	case KIND_SYS:
		return find(sys_calls, nr_sys_calls, request);
	case KIND_VM:
		call = find(vm_calls, nr_vm_calls, request);
		return call ? call : find(irq_calls, nr_irq_calls, request);
	case KIND_VCPU:
		return find(vcpu_calls, nr_vcpu_calls, request);
	case KIND_STATS:
		break;
	}
	return NULL;
}
