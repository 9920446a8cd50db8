// SPDX-License-Identifier: GPL-2.0-or-later
/* calls.h on myhv. */
#include <unistd.h>

#include "calls.h"
#include "libmyhv.h"

#define CPUID_ENTRIES 256
#define GSI 5

static struct myhv_vcpu second;

int calls_tsc_khz(struct hv *hv, uint64_t *khz)
{
	return myhv_prop_get(hv_vcpu_fd(hv), MYHV_PROP_VCPU_TSC_KHZ, khz);
}

int calls_vcpu_add(struct hv *hv)
{
	struct myhv_cpuid_entry entries[CPUID_ENTRIES];
	uint32_t count = CPUID_ENTRIES;
	int r, sys = myhv_open(NULL);

	if (sys < 0)
		return sys;
	r = myhv_cpuid_supported(sys, entries, &count);
	close(sys);
	if (r == 0)
		r = myhv_vcpu_open(&second, hv_vm_fd(hv), 1);
	if (r == 0)
		r = myhv_vcpu_cpuid_set(&second, entries, count);
	return r < 0 ? r : second.fd;
}

void calls_vcpu_remove(int fd)
{
	myhv_vcpu_close(&second);
}

int calls_irqfd(struct hv *hv, int eventfd, uint64_t address, uint32_t data)
{
	const struct myhv_irq_route route = {
		.gsi = GSI,
		.type = MYHV_ROUTE_MSI,
		.msi = { .address = address, .data = data },
	};
	const struct myhv_irqfd irqfd = { .fd = eventfd, .gsi = GSI, .resample_fd = -1 };
	int r = myhv_irq_routing(hv_vm_fd(hv), &route, 1);

	return r < 0 ? r : myhv_irqfd(hv_vm_fd(hv), &irqfd);
}

int calls_ioeventfd(struct hv *hv, int eventfd, uint16_t port)
{
	const struct myhv_ioeventfd io = {
		.addr = port,
		.len = 1,
		.fd = eventfd,
		.flags = MYHV_IOEVENTFD_PIO,
	};

	return myhv_ioeventfd(hv_vm_fd(hv), &io);
}

int calls_map_logged(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes)
{
	return myhv_mem_map(hv_vm_fd(hv), gpa, hva, bytes, MYHV_MEM_LOG_DIRTY);
}

int calls_harvest(struct hv *hv, uint64_t gpa, uint64_t bytes, void *bitmap)
{
	return myhv_mem_dirty(hv_vm_fd(hv), MYHV_DIRTY_HARVEST, gpa, bytes, bitmap);
}
