/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUID table of one vCPU: what the host and the module can do together, with the
 * topology of this machine: one socket, one thread per core.
 */
#ifndef HVRUN_CPUID_H
#define HVRUN_CPUID_H

#include <stdint.h>

#include "myhv_x86.h"

#define CPUID_MAX_ENTRIES 256

/**
 * cpuid_for_vcpu() - put identity and topology into a table
 * @entries: in: what is supported; out: what to set; room for CPUID_MAX_ENTRIES
 * @count: entries in use
 * @apic_id: of this vCPU
 * @cpus: vCPUs of the machine
 *
 * Return: the new count.
 */
uint32_t cpuid_for_vcpu(struct myhv_cpuid_entry *entries, uint32_t count, uint32_t apic_id,
			unsigned int cpus);

#endif /* HVRUN_CPUID_H */
