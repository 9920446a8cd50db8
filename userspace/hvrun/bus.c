// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address to device. An exit comes through here, so the lookup is a binary search
 * under a read lock and nothing else.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bus.h"
#include "log.h"

void bus_init(struct bus *bus, const char *name)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
	pthread_rwlock_init(&bus->lock, NULL);
}

void bus_destroy(struct bus *bus)
{
	pthread_rwlock_destroy(&bus->lock);
}

/* Index of the first region that ends after @addr; bus->count when there is none. */
static size_t first_ending_after(const struct bus *bus, uint64_t addr)
{
	size_t low = 0, high = bus->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct region *region = bus->regions[middle];

		if (region->base + (region->bytes - 1) < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int attach_locked(struct bus *bus, struct region *region)
{
	uint64_t last = region->base + (region->bytes - 1);
	size_t at = first_ending_after(bus, region->base);

	if (at < bus->count && bus->regions[at]->base <= last)
		return -EEXIST;
	if (bus->count == BUS_MAX_REGIONS)
		return -ENOSPC;

	memmove(&bus->regions[at + 1], &bus->regions[at],
		(bus->count - at) * sizeof(bus->regions[0]));
	bus->regions[at] = region;
	bus->count++;
	return 0;
}

int bus_attach(struct bus *bus, uint64_t base, uint64_t bytes, struct region *region)
{
	int r;

	if (!bytes || base + (bytes - 1) < base)
		return -EINVAL;

	pthread_rwlock_wrlock(&bus->lock);
	region->base = base;
	region->bytes = bytes;
	r = attach_locked(bus, region);
	pthread_rwlock_unlock(&bus->lock);
	return r;
}

void bus_detach(struct bus *bus, struct region *region)
{
	pthread_rwlock_wrlock(&bus->lock);
	for (size_t i = 0; i < bus->count; i++) {
		if (bus->regions[i] != region)
			continue;
		bus->count--;
		memmove(&bus->regions[i], &bus->regions[i + 1],
			(bus->count - i) * sizeof(bus->regions[0]));
		break;
	}
	pthread_rwlock_unlock(&bus->lock);
}

/* One piece of an access: a power of two, in one region or in one gap. */
struct piece {
	struct region *region; /* NULL in a gap */
	uint64_t offset;
	unsigned int size;
};

static struct piece find_piece(struct bus *bus, uint64_t addr, unsigned int size)
{
	struct piece piece = { .size = size };
	uint64_t room = size;

	pthread_rwlock_rdlock(&bus->lock);
	size_t at = first_ending_after(bus, addr);

	if (at < bus->count) {
		struct region *region = bus->regions[at];

		if (region->base <= addr) {
			piece.region = region;
			piece.offset = addr - region->base;
			room = region->bytes - piece.offset;
			if (room > region->max_access)
				room = region->max_access;
		} else {
			room = region->base - addr;
		}
	}
	pthread_rwlock_unlock(&bus->lock);

	while (piece.size & (piece.size - 1))
		piece.size &= piece.size - 1;
	while (piece.size > room)
		piece.size /= 2;
	return piece;
}

static uint64_t ones(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int done = 0; done < size;) {
		struct piece piece = find_piece(bus, addr + done, size - done);
		uint64_t part = ones(piece.size);

		if (piece.region)
			part &= piece.region->read(piece.region->dev, piece.offset, piece.size);
		else
			log_line(LOG_UNIMP, "%s read %#" PRIx64 " size %u: nobody there", bus->name,
				 addr + done, piece.size);
		value |= part << (8 * done);
		done += piece.size;
	}
	return value;
}

void bus_write(struct bus *bus, uint64_t addr, unsigned int size, uint64_t value)
{
	for (unsigned int done = 0; done < size;) {
		struct piece piece = find_piece(bus, addr + done, size - done);
		uint64_t part = (value >> (8 * done)) & ones(piece.size);

		if (piece.region)
			piece.region->write(piece.region->dev, piece.offset, piece.size, part);
		else
			log_line(LOG_UNIMP,
				 "%s write %#" PRIx64 " size %u = %#" PRIx64 ": nobody there",
				 bus->name, addr + done, piece.size, part);
		done += piece.size;
	}
}

/* Does one region take such an access whole? */
static struct piece find_whole(struct bus *bus, uint64_t addr, unsigned int size)
{
	struct piece piece = find_piece(bus, addr, size);

	if (piece.size != size)
		piece.region = NULL;
	return piece;
}

void bus_read_string(struct bus *bus, uint64_t addr, unsigned int size, uint32_t count, void *data)
{
	struct piece piece = find_whole(bus, addr, size);
	uint8_t *to = data;

	if (piece.region && piece.region->read_string) {
		piece.region->read_string(piece.region->dev, piece.offset, size, count, data);
		return;
	}
	for (uint32_t i = 0; i < count; i++, to += size) {
		uint64_t value = bus_read(bus, addr, size);

		memcpy(to, &value, size);
	}
}

void bus_write_string(struct bus *bus, uint64_t addr, unsigned int size, uint32_t count,
		      const void *data)
{
	struct piece piece = find_whole(bus, addr, size);
	const uint8_t *from = data;

	if (piece.region && piece.region->write_string) {
		piece.region->write_string(piece.region->dev, piece.offset, size, count, data);
		return;
	}
	for (uint32_t i = 0; i < count; i++, from += size) {
		uint64_t value = 0;

		memcpy(&value, from, size);
		bus_write(bus, addr, size, value);
	}
}
