// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's memory: see guest_ram.h. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "guest_ram.h"
#include "libmyhv.h"

#define HUGE_PAGE (2ULL << 20)

/*
 * Reserve with room for alignment, then put the memory inside: guest-physical and host
 * addresses agree in their lower 21 bits, or no huge page could be mapped as one.
 */
static uint8_t *map_aligned(uint64_t bytes)
{
	uint8_t *reserved, *aligned, *ram;
	uint64_t before, total = bytes + HUGE_PAGE;

	reserved = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)reserved % HUGE_PAGE;
	aligned = reserved + before;

	ram = mmap(aligned, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0);
	if (ram == MAP_FAILED) {
		int saved_errno = errno;

		munmap(reserved, total);
		errno = saved_errno;
		return NULL;
	}
	if (before)
		munmap(reserved, before);
	munmap(aligned + bytes, total - before - bytes);
	return ram;
}

int guest_ram_create(struct guest_ram *ram, uint64_t bytes, struct error *err)
{
	uint8_t *host = map_aligned(bytes);

	if (!host)
		return error_set(err,
				 "cannot allocate %" PRIu64 " MiB of guest memory: %s; "
				 "give less with -m",
				 bytes >> 20, strerror(errno));

	/* advice only: kernels without it serve as well */
	madvise(host, bytes, MADV_HUGEPAGE);
	madvise(host, bytes, MADV_DONTDUMP);
	madvise(host, bytes, MADV_DONTFORK);

	ram->host = host;
	ram->bytes = bytes;
	ram->low_bytes = bytes < GUEST_RAM_HOLE ? bytes : GUEST_RAM_HOLE;
	ram->high_bytes = bytes - ram->low_bytes;
	return 0;
}

void guest_ram_destroy(struct guest_ram *ram)
{
	if (ram->host)
		munmap(ram->host, ram->bytes);
	memset(ram, 0, sizeof(*ram));
}

static uint32_t add_map(struct myhv_mem_op *ops, uint32_t count, uint64_t gpa, uint64_t bytes,
			uint8_t *host)
{
	if (!bytes)
		return count;
	ops[count] = (struct myhv_mem_op){
		.op = MYHV_MEM_MAP,
		.gpa = gpa,
		.bytes = bytes,
		.hva = (uintptr_t)host,
	};
	return count + 1;
}

int guest_ram_map(const struct guest_ram *ram, int vm, struct error *err)
{
	struct myhv_mem_op ops[3];
	uint32_t count;
	int r;

	count = add_map(ops, 0, 0, GUEST_RAM_LEGACY, ram->host);
	count = add_map(ops, count, GUEST_RAM_LEGACY_END, ram->low_bytes - GUEST_RAM_LEGACY_END,
			ram->host + GUEST_RAM_LEGACY_END);
	count = add_map(ops, count, GUEST_RAM_HIGH, ram->high_bytes, ram->host + ram->low_bytes);
	r = myhv_mem_update(vm, ops, count);
	if (r < 0)
		return error_set(err, "cannot give the VM its memory: %s", strerror(-r));
	return 0;
}

void *guest_ram_ptr(const struct guest_ram *ram, uint64_t gpa, uint64_t bytes)
{
	if (gpa < ram->low_bytes)
		return bytes <= ram->low_bytes - gpa ? ram->host + gpa : NULL;
	if (gpa < GUEST_RAM_HIGH || gpa - GUEST_RAM_HIGH >= ram->high_bytes)
		return NULL;
	gpa -= GUEST_RAM_HIGH;
	return bytes <= ram->high_bytes - gpa ? ram->host + ram->low_bytes + gpa : NULL;
}
