// SPDX-License-Identifier: GPL-2.0-or-later
/* RAM or ROM below 1 MiB: see pam.h. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "dev/pam.h"
#include "libmyhv.h"
#include "log.h"

#define LARGE_GPA 0xf0000ULL /* the last segment, PAM0's upper half */
#define LARGE_BYTES 0x10000ULL
#define SMALL_BYTES 0x4000ULL
#define ATTRIBUTES (PAM_READ_RAM | PAM_WRITE_RAM)

struct pam_segment pam_segment(unsigned int index)
{
	if (index == PAM_SEGMENTS - 1)
		return (struct pam_segment){ LARGE_GPA, LARGE_BYTES };
	return (struct pam_segment){ PAM_GPA + index * SMALL_BYTES, SMALL_BYTES };
}

/* PAM0 has one segment, in its upper half; the others have two, the lower one first. */
static uint8_t state_of(const uint8_t registers[PAM_REGISTERS], unsigned int index)
{
	if (index == PAM_SEGMENTS - 1)
		return registers[0] >> 4 & ATTRIBUTES;
	return registers[1 + index / 2] >> (index % 2 * 4) & ATTRIBUTES;
}

/* What backs a segment in @state; NULL: nothing. */
static uint8_t *backing(const struct pam *pam, unsigned int index, uint8_t state)
{
	struct pam_segment segment = pam_segment(index);

	if (state & PAM_READ_RAM)
		return guest_ram_ptr(pam->ram, segment.gpa, segment.bytes);
	if (pam->rom && segment.gpa >= pam->rom_gpa)
		return pam->rom + (segment.gpa - pam->rom_gpa);
	return NULL;
}

static uint32_t map_flags(uint8_t state)
{
	return state == ATTRIBUTES ? 0 : MYHV_MEM_READONLY;
}

/* What has to change for a segment; returns the number of operations. */
static uint32_t plan(const struct pam *pam, unsigned int index, uint8_t to, struct myhv_mem_op *ops)
{
	struct pam_segment segment = pam_segment(index);
	uint8_t from = pam->state[index];
	uint8_t *old = pam->mapped ? backing(pam, index, from) : NULL;
	uint8_t *new = backing(pam, index, to);
	uint32_t count = 0;

	if (old == new &&map_flags(from) == map_flags(to))
		return 0;
	if (old)
		ops[count++] = (struct myhv_mem_op){
			.op = MYHV_MEM_UNMAP,
			.gpa = segment.gpa,
			.bytes = segment.bytes,
		};
	if (new)
		ops[count++] = (struct myhv_mem_op){
			.op = MYHV_MEM_MAP,
			.flags = map_flags(to),
			.gpa = segment.gpa,
			.bytes = segment.bytes,
			.hva = (uintptr_t) new,
		};
	return count;
}

int pam_set(struct pam *pam, const uint8_t registers[PAM_REGISTERS])
{
	struct myhv_mem_op ops[2 * PAM_SEGMENTS];
	uint32_t count = 0;
	int r = 0;

	for (unsigned int i = 0; i < PAM_SEGMENTS; i++)
		count += plan(pam, i, state_of(registers, i), ops + count);
	if (count && pam->vm >= 0)
		r = myhv_mem_update(pam->vm, ops, count);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < PAM_SEGMENTS; i++)
		pam->state[i] = state_of(registers, i);
	pam->mapped = true;
	return 0;
}

/* ---- accesses that exit ---- */

static unsigned int segment_at(uint64_t offset)
{
	uint64_t index = offset / SMALL_BYTES;

	return index < PAM_SEGMENTS - 1 ? index : PAM_SEGMENTS - 1;
}

/* From a segment with neither RAM nor ROM; or from one that was remapped a moment ago. */
static uint64_t pam_read(void *dev, uint64_t offset, unsigned int size)
{
	struct pam *pam = dev;
	unsigned int index = segment_at(offset);
	const uint8_t *from = backing(pam, index, pam->state[index]);
	uint64_t value = ~0ULL;

	if (from)
		memcpy(&value, from + (PAM_GPA + offset - pam_segment(index).gpa), size);
	return value;
}

static void pam_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pam *pam = dev;

	if (pam->state[segment_at(offset)] & PAM_WRITE_RAM)
		memcpy(guest_ram_ptr(pam->ram, PAM_GPA + offset, size), &value, size);
	else
		log_line(LOG_GUEST_ERRORS, "write to ROM at %#llx",
			 (unsigned long long)(PAM_GPA + offset));
}

void pam_init(struct pam *pam, const struct guest_ram *ram, int vm, uint8_t *rom,
	      uint64_t rom_bytes)
{
	memset(pam, 0, sizeof(*pam));
	pam->vm = vm;
	pam->ram = ram;
	pam->rom = rom;
	pam->rom_gpa = PAM_GPA + PAM_BYTES - rom_bytes;
	pam->region = (struct region){
		.name = "pam",
		.read = pam_read,
		.write = pam_write,
		.dev = pam,
		.max_access = 8,
	};
}
