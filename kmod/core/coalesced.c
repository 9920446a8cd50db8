// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced writes: to some ranges the guest's writes wait in a ring, in a page that is shared
 * with user space, instead of an exit for each.
 *
 * A range is a device on one of the buses. Writers of the ring hold its lock; the reader, user
 * space, moves @first by itself and may write anything anywhere: the page is not trusted.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "core/coalesced.h"
#include "core/vcpu.h"

struct coalesced_zone {
	struct iodev dev;
	struct list_head link;
	struct iobus *bus;
	u64 addr;
	u64 len;
};

/* -EOPNOTSUPP: the ring is full, or user space has broken it. The write is an exit then. */
static int zone_write(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
		      const void *data)
{
	struct coalesced_zone *zone = container_of(dev, struct coalesced_zone, dev);
	struct coalesced_state *state = &vcpu->vm->coalesced;
	struct myhv_coalesced_ring *ring = page_address(state->page);
	struct myhv_coalesced_write *w;
	int ret = -EOPNOTSUPP;
	u32 last, next;

	spin_lock(&state->lock);
	last = READ_ONCE(ring->last);
	next = last + 1 < MYHV_COALESCED_ENTRIES ? last + 1 : 0;
	/* pairs with user space's release of the entries that it has read */
	if (last < MYHV_COALESCED_ENTRIES && next != smp_load_acquire(&ring->first)) {
		w = &ring->write[last];
		w->addr = zone->addr + offset;
		w->len = len;
		w->is_port = zone->bus == &vcpu->vm->pio_bus;
		memcpy(w->data, data, len);
		smp_store_release(&ring->last, next);
		ret = 0;
	}
	spin_unlock(&state->lock);
	return ret;
}

static const struct iodev_ops zone_ops = {
	.read = iodev_no_read,
	.write = zone_write,
};

static int zone_add(struct myhv_vm *vm, struct iobus *bus, u64 addr, u64 len)
{
	struct coalesced_zone *zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!zone)
		return -ENOMEM;
	zone->dev.ops = &zone_ops;
	zone->bus = bus;
	zone->addr = addr;
	zone->len = len;
	ret = iobus_add(vm, bus, addr, len, &zone->dev);
	if (ret)
		kfree(zone);
	else
		list_add_tail(&zone->link, &vm->coalesced.zones);
	return ret;
}

static void zones_remove(struct myhv_vm *vm, struct iobus *bus, u64 addr, u64 len)
{
	struct coalesced_zone *zone, *next;

	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, link) {
		if (zone->bus != bus || zone->addr < addr || zone->addr + zone->len > addr + len)
			continue;
		iobus_remove(vm, bus, zone->addr, &zone->dev);
		list_del(&zone->link);
		kfree(zone);
	}
}

/**
 * coalesced_set() - MYHV_COALESCE
 * @vm: the VM
 * @args: checked
 *
 * May sleep. Return: 0, -ENOSPC, -ENOMEM.
 */
int coalesced_set(struct myhv_vm *vm, const struct myhv_coalesce *args)
{
	struct iobus *bus = args->flags & MYHV_COALESCE_PIO ? &vm->pio_bus : &vm->mmio_bus;
	int ret = 0;

	mutex_lock(&vm->lock);
	if (args->flags & MYHV_COALESCE_REMOVE)
		zones_remove(vm, bus, args->addr, args->len);
	else
		ret = zone_add(vm, bus, args->addr, args->len);
	mutex_unlock(&vm->lock);
	return ret;
}

int coalesced_init(struct myhv_vm *vm)
{
	BUILD_BUG_ON(sizeof(struct myhv_coalesced_ring) > PAGE_SIZE);
	spin_lock_init(&vm->coalesced.lock);
	INIT_LIST_HEAD(&vm->coalesced.zones);
	vm->coalesced.page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->coalesced.page ? 0 : -ENOMEM;
}

void coalesced_destroy(struct myhv_vm *vm)
{
	struct coalesced_zone *zone, *next;

	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, link)
		kfree(zone);
	put_page(vm->coalesced.page);
}
