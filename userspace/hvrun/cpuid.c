// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID of one vCPU: see cpuid.h. SDM "CPUID—CPU Identification", APM "CPUID Instruction". */
#include <stdbool.h>
#include <string.h>

#include "cpuid.h"

#define LEVEL_END 0
#define LEVEL_THREAD 1
#define LEVEL_CORE 2

/* Bits that hold the numbers 0 .. @cpus - 1. */
static unsigned int id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (1U << bits < cpus)
		bits++;
	return bits;
}

static void set_field(uint32_t *reg, unsigned int low, unsigned int width, uint32_t value)
{
	uint32_t mask = ((1U << width) - 1) << low;

	*reg = (*reg & ~mask) | (value << low & mask);
}

static void set_flag(uint32_t *reg, unsigned int bit, bool on)
{
	set_field(reg, bit, 1, on);
}

static void edit(struct myhv_cpuid_entry *entry, uint32_t apic_id, unsigned int cpus)
{
	switch (entry->function) {
	case 0x1:
		set_field(&entry->ebx, 24, 8, apic_id);
		set_field(&entry->ebx, 16, 8, cpus);
		set_flag(&entry->edx, 28, cpus > 1); /* HTT */
		break;
	case 0x4:
	case 0x8000001d:
		if (!(entry->eax & 0x1f))
			break; /* the end of the list */
		/* levels 1 and 2 belong to a core, level 3 to the socket */
		set_field(&entry->eax, 14, 12,
			  (entry->eax >> 5 & 7) < 3 ? 0 : (1U << id_bits(cpus)) - 1);
		if (entry->function == 0x4)
			set_field(&entry->eax, 26, 6, (1U << id_bits(cpus)) - 1);
		break;
	case 0x80000001:
		set_flag(&entry->ecx, 1, cpus > 1); /* CmpLegacy */
		break;
	case 0x80000008:
		set_field(&entry->ecx, 0, 8, cpus - 1);
		set_field(&entry->ecx, 12, 4, id_bits(cpus));
		break;
	case 0x8000001e:
		entry->eax = apic_id;
		entry->ebx = apic_id & 0xff; /* core id, one thread per core */
		entry->ecx = 0;		     /* node 0 of 1 */
		break;
	default:
		break;
	}
}

static bool is_topology_leaf(uint32_t function)
{
	return function == 0xb || function == 0x1f;
}

static uint32_t drop_topology_leaves(struct myhv_cpuid_entry *entries, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!is_topology_leaf(entries[i].function))
			entries[kept++] = entries[i];
	return kept;
}

static uint32_t max_basic_leaf(const struct myhv_cpuid_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (entries[i].function == 0)
			return entries[i].eax;
	return 0;
}

static uint32_t add_topology_leaf(struct myhv_cpuid_entry *entries, uint32_t count,
				  uint32_t function, uint32_t apic_id, unsigned int cpus)
{
	const struct {
		unsigned int type, shift, processors;
	} levels[] = {
		{ LEVEL_THREAD, 0, 1 },
		{ LEVEL_CORE, id_bits(cpus), cpus },
		{ LEVEL_END, 0, 0 },
	};

	if (count + 3 > CPUID_MAX_ENTRIES)
		return count;
	for (uint32_t i = 0; i < 3; i++)
		entries[count++] = (struct myhv_cpuid_entry){
			.function = function,
			.index = i,
			.flags = MYHV_CPUID_INDEXED,
			.eax = levels[i].shift,
			.ebx = levels[i].processors,
			.ecx = levels[i].type << 8 | i,
			.edx = apic_id,
		};
	return count;
}

uint32_t cpuid_for_vcpu(struct myhv_cpuid_entry *entries, uint32_t count, uint32_t apic_id,
			unsigned int cpus)
{
	uint32_t max_basic = max_basic_leaf(entries, count);

	count = drop_topology_leaves(entries, count);
	for (uint32_t i = 0; i < count; i++)
		edit(&entries[i], apic_id, cpus);
	if (max_basic >= 0xb)
		count = add_topology_leaf(entries, count, 0xb, apic_id, cpus);
	if (max_basic >= 0x1f)
		count = add_topology_leaf(entries, count, 0x1f, apic_id, cpus);
	return count;
}
