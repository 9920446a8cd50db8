// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes: the system has one, a vCPU has one. Each is a number of 64 bits. */
#include <errno.h>
#include <stddef.h>

#include "shim.h"

static const struct attr {
	uint32_t group;
	uint64_t attr;
	uint32_t prop;
} sys_attrs[] = {
	{ 0, KVM_X86_XCOMP_GUEST_SUPP, MYHV_PROP_XCR0 },
}, vcpu_attrs[] = {
	{ KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, MYHV_PROP_VCPU_TSC_OFFSET },
};

static long attr_call(const struct attr *attr, int fd, uint32_t request, uint64_t address)
{
	uint64_t value;
	long r;

	switch (request) {
	case KVM_HAS_DEVICE_ATTR:
		return 0;
	case KVM_GET_DEVICE_ATTR:
		r = sys_prop_get(fd, attr->prop, &value);
		return r ? r : copy_out(address, &value, sizeof(value));
	default:
		r = copy_in(&value, address, sizeof(value));
		return r ? r : sys_prop_set(fd, attr->prop, value);
	}
}

static long attr_find(const struct attr *attrs, uint32_t count, int fd, uint32_t request,
		      uint64_t arg)
{
	struct kvm_device_attr wanted;

	if (copy_in(&wanted, arg, sizeof(wanted)))
		return -EFAULT;
	if (wanted.flags)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		if (attrs[i].group == wanted.group && attrs[i].attr == wanted.attr)
			return attr_call(&attrs[i], fd, request, wanted.addr);
	return -ENXIO;
}

long sys_attr(int fd, uint32_t request, uint64_t arg)
{
	return attr_find(sys_attrs, sizeof(sys_attrs) / sizeof(sys_attrs[0]), fd, request, arg);
}

long vcpu_attr(int fd, uint32_t request, uint64_t arg)
{
	return attr_find(vcpu_attrs, sizeof(vcpu_attrs) / sizeof(vcpu_attrs[0]), fd, request, arg);
}
