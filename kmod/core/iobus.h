/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel devices on the port and memory buses of a VM: a sorted array of ranges,
 * replaced as a whole (SRCU), so that a lookup is a binary search without locks.
 */
#ifndef MYHV_CORE_IOBUS_H
#define MYHV_CORE_IOBUS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/types.h>

struct myhv_vm;
struct myhv_vcpu;
struct iodev;

/**
 * struct iodev_ops - a device in the kernel
 * @read: @write: @offset from the range's start, @len 1..8. 0: done; -EOPNOTSUPP: not mine,
 *	try the next range or user space. vCPU thread, burst or not: must not sleep.
 *	@vcpu is the one that accesses.
 */
struct iodev_ops {
	int (*read)(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data);
	int (*write)(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
		     const void *data);
};

/**
 * struct iodev - embedded in the device
 * @ops: see there
 */
struct iodev {
	const struct iodev_ops *ops;
};

/* For devices that are only written to: -EOPNOTSUPP. */
int iodev_no_read(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data);

struct iobus_range {
	u64 base;
	u64 len; /* 0: any access that starts at @base matches (ioeventfd) */
	struct iodev *dev;
	s64 order; /* of registration */
	u64 reach; /* last address of this and all ranges before it in the table */
	bool alone; /* no other range has an address of it */
};

struct iobus_table {
	unsigned int count;
	struct iobus_range range[];
};

/**
 * struct iobus - one bus of a VM
 * @table: the ranges, sorted by base
 * @next_order: of registration
 * @granule_shift: set once; addresses are told apart in granules of this size
 * @granules: a bit, chosen by hash, for each granule that some range touches. Most accesses
 *	that are for user space are known by it without a look at @table
 */
struct iobus {
	struct iobus_table __rcu *table;
	s64 next_order;
	u8 granule_shift;
	u64 granules;
};

#define IOBUS_PIO_GRANULE 2
#define IOBUS_MMIO_GRANULE 12

/* vm->lock held. Ranges may share an address: they are tried in order of registration. */
int iobus_add(struct myhv_vm *vm, struct iobus *bus, u64 base, u64 len, struct iodev *dev);
/* After return nobody uses @dev through this range any more. vm->lock held; sleeps. */
void iobus_remove(struct myhv_vm *vm, struct iobus *bus, u64 base, struct iodev *dev);
void iobus_free(struct iobus *bus);

static inline u64 iobus_granule_bit(u64 granule)
{
	return BIT_ULL(hash_64(granule, 6));
}

static __always_inline bool iobus_may_take(const struct iobus *bus, u64 addr)
{
	return READ_ONCE(bus->granules) & iobus_granule_bit(addr >> bus->granule_shift);
}

int iobus_access(struct myhv_vcpu *vcpu, struct iobus *bus, u64 addr, int len, void *in,
		 const void *out);

/* vCPU thread. -EOPNOTSUPP: nobody took it. */
static __always_inline int iobus_read(struct myhv_vcpu *vcpu, struct iobus *bus, u64 addr, int len,
				      void *data)
{
	return iobus_may_take(bus, addr) ? iobus_access(vcpu, bus, addr, len, data, NULL) :
					   -EOPNOTSUPP;
}

static __always_inline int iobus_write(struct myhv_vcpu *vcpu, struct iobus *bus, u64 addr,
				       int len, const void *data)
{
	return iobus_may_take(bus, addr) ? iobus_access(vcpu, bus, addr, len, NULL, data) :
					   -EOPNOTSUPP;
}

#endif /* MYHV_CORE_IOBUS_H */
