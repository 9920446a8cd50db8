// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port and memory ranges of devices in the kernel. Writers hold vm->lock and replace the
 * table as a whole; accesses read it under vm->srcu, so that removing a range waits for
 * those that use its device.
 */
#include <linux/slab.h>
#include "core/iobus.h"
#include "core/vcpu.h"

/* More than any board has, ioeventfds included. */
#define IOBUS_MAX_RANGES 1024

static struct iobus_table *table_locked(struct myhv_vm *vm, struct iobus *bus)
{
	return rcu_dereference_protected(bus->table, lockdep_is_held(&vm->lock));
}

static struct iobus_table *table_alloc(unsigned int count)
{
	struct iobus_table *table = kvzalloc(struct_size(table, range, count), GFP_KERNEL_ACCOUNT);

	if (table)
		table->count = count;
	return table;
}

static u64 range_last(const struct iobus_range *r)
{
	return r->base + max(r->len, 1ULL) - 1;
}

static u64 range_granules(const struct iobus *bus, const struct iobus_range *r)
{
	u64 first = r->base >> bus->granule_shift;
	u64 last = range_last(r) >> bus->granule_shift;
	u64 bits = 0;

	if (last - first >= 64)
		return U64_MAX;
	while (first <= last)
		bits |= iobus_granule_bit(first++);
	return bits;
}

/* Fill what follows from bases and lengths. */
static void table_finish(struct iobus_table *table)
{
	u64 reach = 0;
	unsigned int i;

	for (i = 0; i < table->count; i++) {
		struct iobus_range *r = &table->range[i];

		r->alone = (!i || reach < r->base) &&
			   (i + 1 == table->count || r[1].base > range_last(r));
		reach = max(reach, range_last(r));
		r->reach = reach;
	}
}

/* A bit too many is slow, one too few is wrong: new ones are set before the table is. */
static void table_replace(struct myhv_vm *vm, struct iobus *bus, struct iobus_table *table)
{
	struct iobus_table *old = table_locked(vm, bus);
	u64 granules = 0;
	unsigned int i;

	if (table)
		table_finish(table);
	for (i = 0; table && i < table->count; i++)
		granules |= range_granules(bus, &table->range[i]);
	WRITE_ONCE(bus->granules, bus->granules | granules);
	rcu_assign_pointer(bus->table, table);
	WRITE_ONCE(bus->granules, granules);
	if (!old)
		return;
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
}

int iobus_add(struct myhv_vm *vm, struct iobus *bus, u64 base, u64 len, struct iodev *dev)
{
	struct iobus_table *old = table_locked(vm, bus);
	unsigned int count = old ? old->count : 0;
	struct iobus_table *new;
	unsigned int i = 0;

	if (count >= IOBUS_MAX_RANGES)
		return -ENOSPC;
	if (base + len < base)
		return -EINVAL;
	new = table_alloc(count + 1);
	if (!new)
		return -ENOMEM;

	while (i < count && old->range[i].base <= base)
		i++;
	if (count) {
		memcpy(new->range, old->range, i * sizeof(new->range[0]));
		memcpy(new->range + i + 1, old->range + i, (count - i) * sizeof(new->range[0]));
	}
	new->range[i] = (struct iobus_range){
		.base = base,
		.len = len,
		.dev = dev,
		.order = bus->next_order++,
	};
	table_replace(vm, bus, new);
	return 0;
}

void iobus_remove(struct myhv_vm *vm, struct iobus *bus, u64 base, struct iodev *dev)
{
	struct iobus_table *old = table_locked(vm, bus);
	struct iobus_table *new = NULL;
	unsigned int i;

	for (i = 0; old && i < old->count; i++)
		if (old->range[i].base == base && old->range[i].dev == dev)
			break;
	if (!old || i == old->count)
		return;
	if (old->count > 1) {
		/* a removal cannot be refused */
		new = kvmalloc(struct_size(new, range, old->count - 1),
			       GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
		new->count = old->count - 1;
		memcpy(new->range, old->range, i * sizeof(new->range[0]));
		memcpy(new->range + i, old->range + i + 1,
		       (new->count - i) * sizeof(new->range[0]));
	}
	table_replace(vm, bus, new);
}

void iobus_free(struct iobus *bus)
{
	kvfree(rcu_dereference_protected(bus->table, true));
	RCU_INIT_POINTER(bus->table, NULL);
}

static bool range_takes(const struct iobus_range *r, u64 addr, int len)
{
	if (!r->len)
		return addr == r->base;
	return addr >= r->base && addr - r->base < r->len && r->len - (addr - r->base) >= len;
}

/*
 * The range that takes the access and was registered first after the one with number
 * @tried (-1 for the first of all).
 */
static const struct iobus_range *table_next(const struct iobus_table *table, u64 addr, int len,
					    s64 tried)
{
	const struct iobus_range *best = NULL;
	unsigned int lo = 0, hi = table->count;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (table->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* those below may still reach up to @addr */
	while (lo-- && table->range[lo].reach >= addr) {
		const struct iobus_range *r = &table->range[lo];

		if (r->order > tried && range_takes(r, addr, len) &&
		    (!best || r->order < best->order))
			best = r;
	}
	return best;
}

/* The range that served this vCPU last, if it takes the access as well and nobody else could. */
static const struct iobus_range *table_hinted(const struct iobus_table *table, unsigned int hint,
					      u64 addr, int len)
{
	const struct iobus_range *r = &table->range[hint];

	return hint < table->count && r->alone && range_takes(r, addr, len) ? r : NULL;
}

/* Either @in or @out is NULL. */
int iobus_access(struct myhv_vcpu *vcpu, struct iobus *bus, u64 addr, int len, void *in,
		 const void *out)
{
	u16 *hint = &vcpu->iobus_hint[bus == &vcpu->vm->mmio_bus];
	const struct iobus_range *r = NULL;
	struct iobus_table *table;
	int ret = -EOPNOTSUPP;
	int idx;

	idx = srcu_read_lock(&vcpu->vm->srcu);
	table = srcu_dereference(bus->table, &vcpu->vm->srcu);
	if (likely(table)) {
		r = table_hinted(table, *hint, addr, len);
		if (!r) {
			r = table_next(table, addr, len, -1);
			*hint = r ? r - table->range : 0;
		}
	}
	while (r) {
		ret = in ? r->dev->ops->read(r->dev, vcpu, addr - r->base, len, in) :
			   r->dev->ops->write(r->dev, vcpu, addr - r->base, len, out);
		if (ret != -EOPNOTSUPP)
			break;
		r = table_next(table, addr, len, r->order);
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return ret;
}

int iodev_no_read(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data)
{
	return -EOPNOTSUPP;
}
