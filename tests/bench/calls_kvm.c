// SPDX-License-Identifier: GPL-2.0-or-later
/* calls.h on KVM. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "calls.h"

#define CPUID_ENTRIES 128
#define GSI 5
/* hv_kvm.c counts its slots from 0. */
#define LOGGED_SLOT 31

static int call(int fd, unsigned long request, const void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

int calls_tsc_khz(struct hv *hv, uint64_t *khz)
{
	int r = call(hv_vcpu_fd(hv), KVM_GET_TSC_KHZ, NULL);

	*khz = r < 0 ? 0 : r;
	return r < 0 ? r : 0;
}

int calls_vcpu_add(struct hv *hv)
{
	struct kvm_cpuid2 *list =
		calloc(1, sizeof(*list) + CPUID_ENTRIES * sizeof(list->entries[0]));
	int fd = ioctl(hv_vm_fd(hv), KVM_CREATE_VCPU, 1);
	int r = fd < 0 ? -errno : 0;

	if (r == 0) {
		list->nent = CPUID_ENTRIES;
		r = call(hv_vcpu_fd(hv), KVM_GET_CPUID2, list);
	}
	if (r == 0)
		r = call(fd, KVM_SET_CPUID2, list);
	free(list);
	return r < 0 ? r : fd;
}

void calls_vcpu_remove(int fd)
{
	close(fd);
}

int calls_irqfd(struct hv *hv, int eventfd, uint64_t address, uint32_t data)
{
	struct kvm_irqfd irqfd = { .fd = eventfd, .gsi = GSI };
	struct kvm_irq_routing *table = calloc(1, sizeof(*table) + sizeof(table->entries[0]));
	int r;

	table->nr = 1;
	table->entries[0].gsi = GSI;
	table->entries[0].type = KVM_IRQ_ROUTING_MSI;
	table->entries[0].u.msi.address_lo = address;
	table->entries[0].u.msi.address_hi = address >> 32;
	table->entries[0].u.msi.data = data;
	r = call(hv_vm_fd(hv), KVM_SET_GSI_ROUTING, table);
	free(table);
	return r < 0 ? r : call(hv_vm_fd(hv), KVM_IRQFD, &irqfd);
}

int calls_ioeventfd(struct hv *hv, int eventfd, uint16_t port)
{
	struct kvm_ioeventfd io = {
		.addr = port,
		.len = 1,
		.fd = eventfd,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	return call(hv_vm_fd(hv), KVM_IOEVENTFD, &io);
}

int calls_map_logged(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes)
{
	struct kvm_userspace_memory_region m = {
		.slot = LOGGED_SLOT,
		.flags = KVM_MEM_LOG_DIRTY_PAGES,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)hva,
	};

	return call(hv_vm_fd(hv), KVM_SET_USER_MEMORY_REGION, &m);
}

int calls_harvest(struct hv *hv, uint64_t gpa, uint64_t bytes, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = LOGGED_SLOT, .dirty_bitmap = bitmap };

	return call(hv_vm_fd(hv), KVM_GET_DIRTY_LOG, &log);
}
