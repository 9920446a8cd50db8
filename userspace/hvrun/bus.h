/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address space (I/O ports, or MMIO) and the devices in it.
 *
 * A device sees offsets into its region and never learns where it is mapped.
 * Accesses are cut so that each call lies in one region and is not wider than the
 * device takes, as a real bus does it with a narrow device.
 */
#ifndef HVRUN_BUS_H
#define HVRUN_BUS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct region - what a device shows on a bus
 * @name: for messages
 * @read: return @size bytes at @offset, little-endian, zero-extended
 * @write: take the low @size bytes of @value
 * @read_string: @count accesses of @size bytes at the same @offset, one after the other, into
 *	@data; NULL: @read does it. For data ports: a REP INS is one call.
 * @write_string: likewise, from @data
 * @dev: passed to all
 * @max_access: widest access that the device takes: 1, 2, 4 or 8
 * @base: set by bus_attach()
 * @bytes: set by bus_attach()
 *
 * Called by any vCPU thread, several at once: the device has its own mutex. A region
 * outlives the bus it was attached to: a call may still arrive after bus_detach().
 */
struct region {
	const char *name;
	uint64_t (*read)(void *dev, uint64_t offset, unsigned int size);
	void (*write)(void *dev, uint64_t offset, unsigned int size, uint64_t value);
	void (*read_string)(void *dev, uint64_t offset, unsigned int size, uint32_t count,
			    void *data);
	void (*write_string)(void *dev, uint64_t offset, unsigned int size, uint32_t count,
			     const void *data);
	void *dev;
	unsigned int max_access;
	uint64_t base;
	uint64_t bytes;
};

#define BUS_MAX_REGIONS 64

/**
 * struct bus - an address space
 * @name: "port" or "mmio", for messages
 * @lock: writers change @regions; readers look up. Not held while a device is called.
 * @count: regions in use
 * @regions: sorted by base, never overlapping
 */
struct bus {
	const char *name;
	pthread_rwlock_t lock;
	size_t count;
	struct region *regions[BUS_MAX_REGIONS];
};

void bus_init(struct bus *bus, const char *name);
void bus_destroy(struct bus *bus);

/**
 * bus_attach() - show @region at [@base, @base + @bytes)
 *
 * Return: 0, -EEXIST it overlaps another one, -EINVAL empty or past the end of the
 * address space, -ENOSPC.
 */
int bus_attach(struct bus *bus, uint64_t base, uint64_t bytes, struct region *region);
void bus_detach(struct bus *bus, struct region *region);

/** bus_read() - @size bytes (1..8) at @addr; bytes that nobody answers are 0xff */
uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned int size);

/** bus_write() - the low @size bytes of @value; bytes that nobody takes are dropped */
void bus_write(struct bus *bus, uint64_t addr, unsigned int size, uint64_t value);

/** bus_read_string() - @count reads of @size bytes at @addr, into @data */
void bus_read_string(struct bus *bus, uint64_t addr, unsigned int size, uint32_t count, void *data);
void bus_write_string(struct bus *bus, uint64_t addr, unsigned int size, uint32_t count,
		      const void *data);

#endif /* HVRUN_BUS_H */
