// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_CAP_COALESCED_MMIO and _PIO: writes to these ranges wait in a ring, which the client
 * empties at its next exit. We are the producer and move @last, the client moves @first.
 */
#include <errno.h>
#include <string.h>

#include "shim.h"

/* for KVM_COALESCED_MMIO_MAX */
#define PAGE_SIZE SHIM_PAGE

static void ring_lock(struct vm *vm)
{
	while (atomic_flag_test_and_set_explicit(&vm->ring_lock, memory_order_acquire))
		__builtin_ia32_pause();
}

static void ring_unlock(struct vm *vm)
{
	atomic_flag_clear_explicit(&vm->ring_lock, memory_order_release);
}

int zone_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	unsigned int n;
	int r = -ENOSPC;

	if (zone->pio > 1)
		return -EINVAL;
	ring_lock(vm);
	n = vm->nr_zones;
	if (n < MAX_ZONES) {
		vm->zone[n] = (struct zone){ zone->addr, zone->size, zone->pio };
		vm->nr_zones = n + 1;
		r = 0;
	}
	ring_unlock(vm);
	return r;
}

/* All that lie in @zone; that there are none is no error to KVM. */
int zone_remove(struct vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	unsigned int kept = 0;

	if (zone->pio > 1)
		return -EINVAL;
	ring_lock(vm);
	for (unsigned int i = 0; i < vm->nr_zones; i++) {
		const struct zone *z = &vm->zone[i];
		bool inside = z->pio == !!zone->pio && z->addr >= zone->addr &&
			      z->addr + z->bytes <= zone->addr + zone->size;

		if (!inside)
			vm->zone[kept++] = *z;
	}
	vm->nr_zones = kept;
	ring_unlock(vm);
	return 0;
}

static bool in_zone(const struct vm *vm, uint64_t addr, uint32_t bytes, bool pio)
{
	for (unsigned int i = 0; i < vm->nr_zones; i++) {
		const struct zone *z = &vm->zone[i];

		if (z->pio == pio && addr >= z->addr && bytes <= z->bytes &&
		    addr - z->addr <= z->bytes - bytes)
			return true;
	}
	return false;
}

static bool ring_put(struct vm *vm, uint64_t addr, uint32_t bytes, bool pio, const void *data)
{
	struct kvm_coalesced_mmio_ring *ring = vm->ring;
	uint32_t last = ring->last, next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	struct kvm_coalesced_mmio *entry;

	/* the client shares the page and may have written rubbish */
	if (last >= KVM_COALESCED_MMIO_MAX ||
	    next == __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE))
		return false;
	entry = &ring->coalesced_mmio[last];
	entry->phys_addr = addr;
	entry->len = bytes;
	entry->pio = pio;
	memcpy(entry->data, data, bytes);
	__atomic_store_n(&ring->last, next, __ATOMIC_RELEASE);
	return true;
}

bool write_coalesced(struct vm *vm, const struct myhv_exit *exit, const void *port_data)
{
	bool pio = exit->reason == MYHV_EXIT_IO, done;
	uint64_t addr = pio ? exit->io.port : exit->mmio.gpa;
	uint32_t bytes = pio ? exit->io.size : exit->mmio.size;

	if (pio && exit->io.count != 1)
		return false;
	ring_lock(vm);
	done = in_zone(vm, addr, bytes, pio) &&
	       ring_put(vm, addr, bytes, pio, pio ? port_data : exit->mmio.data);
	ring_unlock(vm);
	return done;
}
