/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine. Lifetime: the VM descriptor, each vCPU descriptor and each
 * other long-lived user holds a reference; the last one destroys it. A VM belongs to the
 * process (mm) that created it.
 *
 * Lock order: docs/locking.md.
 */
#ifndef MYHV_CORE_VM_H
#define MYHV_CORE_VM_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "myhv.h"
#include "backend.h"
#include "core/coalesced.h"
#include "core/iobus.h"
#include "core/memslot.h"
#include "core/slat_mmu.h"

#define MYHV_MAX_VCPUS 64
#define MYHV_MAX_VCPU_ID 256
#define MYHV_MAX_MEM_REGIONS 32764 /* as many as KVM has for user space */
#define MYHV_MAX_MEM_OPS 4096	   /* of one call */
#define MYHV_MAX_IRQ_ROUTES 1024

struct irq_route_state;
struct eventfd_state;
struct chip_ioapic;
struct chip_pic;
struct chip_pit;
struct mem_notifier;
struct msr_filter;

/**
 * struct vm_clock - what the vCPUs of a VM share of their clocks; exit/tsc.c, exit/pvclock.c
 * @lock: guards the rest; a leaf, any context but interrupts
 * @tsc_valid: @tsc_offset is set
 * @tsc_written: a TSC was written: @tsc_value at @tsc_write_ns (host's boottime)
 * @tsc_offset: of the last write, for vCPUs that are to be in step with it
 * @pair_valid: @pair_tsc (host's TSC) is the moment when the VM's clock was @pair_ns
 */
struct vm_clock {
	spinlock_t lock;
	bool tsc_valid;
	bool tsc_written;
	bool pair_valid;
	u64 tsc_offset;
	u64 tsc_value;
	u64 tsc_write_ns;
	u64 pair_tsc;
	u64 pair_ns;
};

/**
 * struct myhv_vm - one virtual machine
 */
struct myhv_vm {
	/* identity: set at creation, never changed */
	u32 id;
	u32 irqchip; /* MYHV_IRQCHIP_*; may be given until the first vCPU: vm_irqchip_set() */
	u32 flags;   /* MYHV_VM_* */
	char name[32];
	pid_t pid;
	struct mm_struct *mm; /* mmgrab()ed: compare only, users hold it alive */
	ktime_t created;
	refcount_t users;

	/* the vCPUs: written under @lock, read by RCU or @lock; index is the APIC id */
	struct mutex lock;
	struct xarray vcpus;
	u32 nr_vcpus;
	u32 last_yielded_to; /* id of a vCPU, core/yield.c */
	u32 bsp_id;
	bool broken; /* WRITE_ONCE: runs fail with EIO from now on */

	/* properties; written under @lock before or while vCPUs run */
	u64 exits_to_user; /* MYHV_VM_EXIT_* */
	u64 pv_features;   /* MYHV_PV_* */
	u64 hidden;	   /* MYHV_HIDE_* */
	u64 quirks;	   /* MYHV_QUIRK_* */
	bool sees_ud;	   /* its vCPUs intercept #UD */
	struct msr_filter __rcu *msr_filter; /* exit/msr_filter.c; read by RCU */

	/* memory: core/memslot.c, core/slat_mmu.c */
	struct memslots_state mem;
	struct slat_mmu slat;
	struct mem_notifier *notifier;
	struct list_head notifier_link;

	/* I/O ranges: writers under @lock, readers under @srcu */
	struct srcu_struct srcu;
	struct iobus pio_bus;
	struct iobus mmio_bus;
	struct coalesced_state coalesced;

	/* interrupt chips; NULL when this VM has none; given under @lock, never taken away */
	struct chip_ioapic *ioapic;
	struct chip_pic *pic;
	struct chip_pit *pit;
	struct irq_route_state *irq;
	struct eventfd_state *eventfds;

	/* paravirtual clock: guest ns = host boottime ns + clock_offset_ns */
	s64 clock_offset_ns;
	struct vm_clock clock;

	/* exit/hyperv.c: MSRs that the vCPUs share, each word by itself */
	struct {
		u64 guest_os_id;
		u64 hypercall;
		u64 tsc_page;
	} hyperv;

	/* introspection */
	struct vm_introspect *introspect;
	struct list_head link; /* of the VM list, under its lock */

	/* belongs to the backend */
	union {
		struct {
			struct page *apic_access;
		} vmx;
		u64 reserve[8];
	} arch_vm;
};

/* core/vm.c */
struct myhv_vm *vm_create(const struct myhv_vm_create *args);
void vm_get(struct myhv_vm *vm);
void vm_put(struct myhv_vm *vm); /* may sleep; the last one destroys */
/* Chips after creation; vm->lock held. */
int vm_irqchip_set(struct myhv_vm *vm, u32 irqchip);
int vm_pit_add(struct myhv_vm *vm);
/* Call fn for every VM, the VM list's mutex held. */
int vm_for_each(int (*fn)(struct myhv_vm *vm, void *arg), void *arg);

/* Nothing runs this VM any more; user space learns it by EIO. Any context. */
void vm_mark_broken(struct myhv_vm *vm);

/* RCU or vm->lock held */
static inline struct myhv_vcpu *vm_vcpu(struct myhv_vm *vm, u32 id)
{
	return xa_load(&vm->vcpus, id);
}

/* Nanoseconds of the VM's paravirtual clock. Any context. */
u64 vm_clock_ns(struct myhv_vm *vm);

#endif /* MYHV_CORE_VM_H */
