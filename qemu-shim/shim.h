/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmyhv-kvm.so: answers the KVM API by the myhv API, inside of an unmodified program.
 * preload.c catches the program's libc calls, fd_map.c knows which descriptors are ours,
 * translate_*.c hold a table row for each KVM ioctl, run_page.c runs the guest.
 *
 * Every function here returns a negative errno, as the kernel does; preload.c alone knows errno.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "myhv.h"

#define SHIM_PAGE 4096u
#define DEVICE_KVM "/dev/kvm"
#define DEVICE_MYHV "/dev/myhv"

/* What a client maps of a vCPU: kvm_run, port data, the ring of coalesced writes. */
#define RUN_MAP_PAGES 3
#define RUN_DATA_PAGE 1
#define RUN_RING_PAGE 2

#define MAX_SLOTS 32764	/* as MYHV_PROP_MAX_MEM_REGIONS */
#define MAX_CPUID 256
#define DIRTY_RING_MAX_BYTES (65536 * sizeof(struct kvm_dirty_gfn))
#define X2APIC_API (KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
/*
 * What can be switched off: the module's, and what makes no difference here: memory is
 * write-back whatever CR0.CD says.
 */
#define QUIRKS                                                                  \
	(KVM_X86_QUIRK_CD_NW_CLEARED | KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT |      \
	 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)
#define MAX_MSR_LIST 256
#define NR_LIMITS (MYHV_PROP_CPU_FEATURES + 1)
/* the shim's own descriptors: out of the way of programs that count on the lowest number */
#define HIDDEN_FD 700

enum shim_kind { KIND_SYS, KIND_VM, KIND_VCPU, KIND_STATS };
#define NR_KINDS (KIND_STATS + 1)

/**
 * struct object - what a descriptor stands for; several descriptors may share one
 * @refs: descriptors, calls under way, and for a VM its vCPUs; 0: free
 * @kind: never changes, not even when the memory is used again (see fd_map.c)
 */
struct object {
	atomic_uint refs;
	enum shim_kind kind;
	struct object *next_free;
};

/** struct slot - a memory slot of KVM; @bytes is 0 when it is not in use */
struct slot {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t hva;
	uint32_t flags; /* KVM_MEM_* */
};

/**
 * struct vm - a VM
 * @slots: MAX_SLOTS of them, unused from @slots_end on; under shim_lock(), like these:
 * @vcpus: chain of all; @nr_vcpus ever created, @max_vcpu_ids: 0: the module's
 * @dirty_ring_bytes: of each vCPU's ring; 0: the log is read as a bitmap
 * @limits: the system's properties, by number
 * @irqchip: MYHV_IRQCHIP_*
 * @x2apic_api: KVM_X2APIC_API_*
 */
struct vm {
	struct object base;
	struct slot *slots;
	uint32_t slots_end;
	struct vcpu *vcpus;
	uint32_t nr_vcpus;
	uint32_t max_vcpu_ids;
	uint32_t dirty_ring_bytes;
	uint64_t limits[NR_LIMITS];
	atomic_uint irqchip;
	atomic_uint x2apic_api;
	atomic_bool exception_payload;
	atomic_bool triple_fault_event;
	atomic_bool dirty_log_manual;
	atomic_uint nr_mmu_pages; /* of KVM_SET_NR_MMU_PAGES, to be read back */
};

/**
 * struct vcpu - a vCPU and its run area
 * @next: of its VM
 * @dirty: the ring, NULL: none; @dirty_next is the next entry to fill, @dirty_reset the first
 *	that the client has not given back
 */
struct vcpu {
	struct object base;
	struct vm *vm;
	struct vcpu *next;
	struct kvm_dirty_gfn *dirty;
	uint32_t dirty_next;
	uint32_t dirty_reset;
	uint32_t id;
	uint32_t run_bytes;
	uint32_t data_offset;
	uint32_t ring_offset;
	struct kvm_run *run; /* page 0: the client's */
	struct myhv_exit *exit;
	struct myhv_vcpu_state *state;
	uint32_t answer; /* MYHV_EXIT_* of the last exit, if the client answers it in @run */
};

/** struct stats - a file of counters, of a VM or a vCPU; @source_fd is a copy of its descriptor */
struct stats {
	struct object base;
	enum shim_kind of;
	uint32_t vcpu_id;
	int source_fd;
};

/* ---- sys.c ---- */

/* The plain system call; a negative errno on failure. */
long sys_ioctl(int fd, unsigned long request, const void *arg);
void sys_close(int fd);
int sys_prop_get(int fd, uint32_t id, uint64_t *value);
int sys_prop_set(int fd, uint32_t id, uint64_t value);
/* Memory of the client, which may be rubbish: -EFAULT. */
int copy_in(void *to, uint64_t from, size_t bytes);
int copy_out(uint64_t to, const void *from, size_t bytes);
void *pages_alloc_shared(size_t bytes); /* zeroed pages that mremap() can show twice; NULL */

static inline uint64_t pointer_arg(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* ---- one lock for all changes that are not on the way of KVM_RUN; held across fork ---- */
void shim_lock(void);
void shim_unlock(void);

/* ---- translate_*.c: the tables ---- */

/**
 * struct call - an ioctl of KVM
 * @request: its number
 * @name: for the log
 * @fn: carries it out: @fd is the descriptor that the client used
 */
struct call {
	uint32_t request;
	const char *name;
	long (*fn)(struct object *o, int fd, uint64_t arg);
};
#define CALL(request_, fn_) { .request = (uint32_t)(request_), .name = #request_, .fn = (fn_) }

extern const struct call sys_calls[], vm_calls[], irq_calls[], vcpu_calls[];
extern const unsigned int nr_sys_calls, nr_vm_calls, nr_irq_calls, nr_vcpu_calls;

/* NULL: KVM would say ENOTTY */
const struct call *call_find(enum shim_kind kind, uint32_t request);
/* KVM_CHECK_EXTENSION; @vm NULL: asked of the system */
long extension_value(struct vm *vm, int fd, uint64_t cap);
/* KVM_CREATE_IRQCHIP and KVM_CAP_SPLIT_IRQCHIP */
long irqchip_create(struct vm *vm, int fd, uint32_t kind);

/* ---- translate_msr.c ---- */
long msr_feature_list(int fd, uint64_t arg);
long msr_features_get(int fd, uint64_t arg);
long msr_exits_set(int fd, uint64_t reasons);
long msr_filter(int fd, uint64_t arg);

/* ---- device_attr.c: KVM_HAS_, GET_ and SET_DEVICE_ATTR of the system and of a vCPU ---- */
long sys_attr(int fd, uint32_t request, uint64_t arg);
long vcpu_attr(int fd, uint32_t request, uint64_t arg);

/* ---- hyperv.c: KVM_GET_SUPPORTED_HV_CPUID ---- */
long hyperv_cpuid(uint64_t arg);

/* ---- stats.c ---- */
long stats_open(struct object *o, int fd);
void stats_refresh(struct object *o, int fd);
void stats_free(struct stats *stats);

/* ---- dirty_ring.c ---- */
long dirty_ring_enable(struct vm *vm, uint64_t bytes); /* under shim_lock() */
long dirty_ring_create(struct vcpu *vcpu, int fd);
void dirty_ring_destroy(struct vcpu *vcpu);
bool dirty_ring_is_full(const struct vcpu *vcpu);
void dirty_ring_fill(struct vcpu *vcpu, int fd);
long dirty_rings_reset(struct vm *vm, int fd);

/* ---- slots.c: under shim_lock() ---- */
long slot_set(struct vm *vm, int fd, const struct kvm_userspace_memory_region *region);
long slot_dirty_get(struct vm *vm, int fd, const struct kvm_dirty_log *log);
long slot_dirty_clear(struct vm *vm, int fd, const struct kvm_clear_dirty_log *log);

/* ---- run_page.c ---- */
long vcpu_run(struct vcpu *vcpu, int fd);
/* Make the client's map of a vCPU; the address, or a negative errno. */
long run_map(struct vcpu *vcpu, int fd, void *addr, size_t bytes, int prot, int flags);
long dirty_ring_map(struct vcpu *vcpu, void *addr, size_t bytes, int prot, int flags);

#endif /* SHIM_H */
