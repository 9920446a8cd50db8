/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmyhv: a thin client of the myhv API, for monitors, tools and tests.
 *
 * One function per ioctl, no state of its own but struct myhv_vcpu, no output, no
 * exit. Every function returns a negative errno when it fails, and 0 or the
 * documented value when it works; what the errors mean stands in myhv.h.
 */
#ifndef LIBMYHV_H
#define LIBMYHV_H

#include <stddef.h>
#include <stdint.h>

#include "myhv.h"

#define MYHV_DEVICE "/dev/myhv"

/* ---- system ---- */

/**
 * myhv_open() - open the device
 * @path: the device, or NULL for MYHV_DEVICE
 *
 * Return: a system descriptor. -ENOENT: the module is not loaded; -EACCES: no
 * permission; -ENOSYS: the module speaks another version of the API.
 */
int myhv_open(const char *path);

int myhv_prop_get(int fd, uint32_t id, uint64_t *value);
int myhv_prop_set(int fd, uint32_t id, uint64_t value);

/**
 * myhv_cpuid_supported() - what a guest's CPUID may offer
 * @sys: system descriptor
 * @entries: array to fill
 * @count: in: its length; out: entries there are (also with -E2BIG)
 */
int myhv_cpuid_supported(int sys, struct myhv_cpuid_entry *entries, uint32_t *count);

/** myhv_msr_indices() - the MSRs that save and restore must move; as above */
int myhv_msr_indices(int sys, uint32_t *indices, uint32_t *count);

/* ---- VM ---- */

/**
 * myhv_vm_create() - make a VM
 * @sys: system descriptor
 * @irqchip: MYHV_IRQCHIP_*
 * @flags: MYHV_VM_*
 * @name: at most 31 characters, or NULL
 *
 * Return: a VM descriptor; closing it (and its vCPUs') ends the VM.
 */
int myhv_vm_create(int sys, uint32_t irqchip, uint32_t flags, const char *name);

int myhv_mem_update(int vm, const struct myhv_mem_op *ops, uint32_t count);
int myhv_mem_map(int vm, uint64_t gpa, void *hva, uint64_t bytes, uint32_t flags);
int myhv_mem_unmap(int vm, uint64_t gpa, uint64_t bytes);
int myhv_mem_dirty(int vm, uint32_t op, uint64_t gpa, uint64_t bytes, void *bitmap);

/**
 * myhv_irq_line() - drive an interrupt line
 *
 * Return: 1 delivered, 0 it was already pending or is masked.
 */
int myhv_irq_line(int vm, uint32_t gsi, int level);

/** myhv_irq_msi() - send a message; returns the number of vCPUs that took it */
int myhv_irq_msi(int vm, uint64_t address, uint32_t data);
int myhv_irq_routing(int vm, const struct myhv_irq_route *routes, uint32_t count);
int myhv_irqfd(int vm, const struct myhv_irqfd *irqfd);
int myhv_ioeventfd(int vm, const struct myhv_ioeventfd *ioeventfd);
int myhv_coalesce(int vm, const struct myhv_coalesce *zone);
int myhv_chip_get(int vm, uint32_t which, struct myhv_chip *chip);
int myhv_chip_set(int vm, const struct myhv_chip *chip);

/* ---- vCPU ---- */

/**
 * struct myhv_vcpu - an open vCPU and its mapped run area
 * @fd: descriptor
 * @id: APIC id
 * @run_bytes: size of the run area
 * @page: page 0: immediate_exit and request_irq_window
 * @exit: why the last myhv_vcpu_run() returned
 * @state: state groups that ride along; ends before @lapic
 * @data: port I/O data
 * @coalesced: the VM's ring of writes that wait
 */
struct myhv_vcpu {
	int fd;
	uint32_t id;
	size_t run_bytes;
	volatile struct myhv_run_page *page;
	struct myhv_exit *exit;
	struct myhv_vcpu_state *state;
	void *data;
	struct myhv_coalesced_ring *coalesced;
};

/** myhv_vcpu_open() - create vCPU @id in @vm and map its run area */
int myhv_vcpu_open(struct myhv_vcpu *vcpu, int vm, uint32_t id);

/** myhv_vcpu_close() - unmap and close; does nothing on a zeroed or closed one */
void myhv_vcpu_close(struct myhv_vcpu *vcpu);

/** myhv_vcpu_run() - run the guest; 0 with @vcpu->exit filled, -EINTR when kicked */
int myhv_vcpu_run(struct myhv_vcpu *vcpu);

/** myhv_vcpu_kick() - make the running or the next run return -EINTR; any thread */
int myhv_vcpu_kick(struct myhv_vcpu *vcpu);

int myhv_vcpu_state_get(struct myhv_vcpu *vcpu, uint32_t groups, struct myhv_vcpu_state *state);
int myhv_vcpu_state_set(struct myhv_vcpu *vcpu, uint32_t groups,
			const struct myhv_vcpu_state *state);
int myhv_vcpu_cpuid_get(struct myhv_vcpu *vcpu, struct myhv_cpuid_entry *entries, uint32_t *count);
int myhv_vcpu_cpuid_set(struct myhv_vcpu *vcpu, const struct myhv_cpuid_entry *entries,
			uint32_t count);

/** myhv_vcpu_msrs_get() - read MSRs; returns how many from the start were done */
int myhv_vcpu_msrs_get(struct myhv_vcpu *vcpu, struct myhv_msr *msrs, uint32_t count);

/** myhv_vcpu_msrs_set() - write MSRs; returns how many from the start were done */
int myhv_vcpu_msrs_set(struct myhv_vcpu *vcpu, const struct myhv_msr *msrs, uint32_t count);

int myhv_vcpu_interrupt(struct myhv_vcpu *vcpu, uint32_t type, uint32_t vector);
int myhv_vcpu_translate(struct myhv_vcpu *vcpu, struct myhv_translate *translate);
int myhv_vcpu_debug(struct myhv_vcpu *vcpu, const struct myhv_debug *debug);

/** myhv_exit_name() - "IO", "MMIO" ... for messages; never NULL */
const char *myhv_exit_name(uint32_t reason);

#endif /* LIBMYHV_H */
