// SPDX-License-Identifier: GPL-2.0-or-later
/* libmyhv: the system descriptor and properties. */
#include <fcntl.h>
#include <unistd.h>

#include "call.h"
#include "libmyhv.h"

int myhv_open(const char *path)
{
	uint64_t version;
	int fd, r;

	fd = open(path ? path : MYHV_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	r = myhv_prop_get(fd, MYHV_PROP_API_VERSION, &version);
	if (r == 0 && version != MYHV_API_VERSION)
		r = -ENOSYS;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int myhv_prop_get(int fd, uint32_t id, uint64_t *value)
{
	struct myhv_prop prop = { .id = id };
	int r = call(fd, MYHV_PROP_GET, &prop);

	if (r == 0)
		*value = prop.value;
	return r;
}

int myhv_prop_set(int fd, uint32_t id, uint64_t value)
{
	struct myhv_prop prop = { .id = id, .value = value };

	return call(fd, MYHV_PROP_SET, &prop);
}

int myhv_cpuid_supported(int sys, struct myhv_cpuid_entry *entries, uint32_t *count)
{
	struct myhv_cpuid_list list = { .count = *count, .entries = pointer_arg(entries) };
	int r = call(sys, MYHV_CPUID_SUPPORTED, &list);

	if (r == 0 || r == -E2BIG)
		*count = list.count;
	return r;
}

int myhv_msr_indices(int sys, uint32_t *indices, uint32_t *count)
{
	struct myhv_msr_list list = { .count = *count, .indices = pointer_arg(indices) };
	int r = call(sys, MYHV_MSR_INDICES, &list);

	if (r == 0 || r == -E2BIG)
		*count = list.count;
	return r;
}
