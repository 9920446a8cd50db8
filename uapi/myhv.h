/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The myhv API: /dev/myhv -> VM file descriptor -> vCPU file descriptor.
 *
 * Rules that hold for every call:
 *  - Argument structs may grow at their end. The size is part of the ioctl number;
 *    the kernel accepts that of an older version (the missing tail counts as zero; shorter
 *    than the first version is EINVAL) and a longer one whose unknown tail is zero (else E2BIG).
 *  - Padding and unknown flag bits must be zero, else EINVAL.
 *  - Pointers travel as __u64; an unreadable one is EFAULT.
 *  - An unknown ioctl is ENOTTY, a process other than the one that created
 *    the VM (after fork, or by descriptor passing) gets EIO for everything but close.
 *  - A call that fails has changed nothing, unless its description says otherwise.
 */
#ifndef _UAPI_MYHV_H
#define _UAPI_MYHV_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "myhv_x86.h"

#define MYHV_API_VERSION 1
#define MYHV_IOC_MAGIC 0xB6

/* ------------------------------------------------------------------ */
/* Properties                                                          */

/* of the system (descriptor of /dev/myhv); read only */
#define MYHV_PROP_API_VERSION 0x0000
#define MYHV_PROP_BACKEND 0x0001	/* MYHV_BACKEND_* */
#define MYHV_PROP_MAX_VCPUS 0x0002	/* vCPUs of a VM */
#define MYHV_PROP_MAX_VCPU_ID 0x0003	/* highest APIC id + 1 */
#define MYHV_PROP_MAX_MEM_REGIONS 0x0004
#define MYHV_PROP_GPA_BITS 0x0005	/* width of guest-physical addresses */
#define MYHV_PROP_SLAT_LEVELS 0x0006	/* depth of EPT or NPT */
#define MYHV_PROP_RUN_AREA_BYTES 0x0007 /* size to mmap of a vCPU descriptor */
#define MYHV_PROP_XSAVE_BYTES 0x0008	/* of struct myhv_vcpu_state::xsave in use */
#define MYHV_PROP_XCR0 0x0009		/* XCR0 bits that a guest may set; 0: no XSAVE */
#define MYHV_PROP_TSC_KHZ 0x000a	/* frequency that guests see */
#define MYHV_PROP_IRQ_ROUTES 0x000b	/* most entries of a routing table */
#define MYHV_PROP_CPU_FEATURES 0x000c	/* MYHV_CPU_FEATURE_* in use */
#define MYHV_PROP_MCG_CAP 0x000d	/* the most that IA32_MCG_CAP can be set to */
#define MYHV_PROP_UCODE_REV 0x000e	/* IA32_BIOS_SIGN_ID that vCPUs start with */
#define MYHV_PROP_ARCH_CAPABILITIES 0x000f /* IA32_ARCH_CAPABILITIES that vCPUs start with */

#define MYHV_BACKEND_SVM 1
#define MYHV_BACKEND_VMX 2

/* of a VM */
#define MYHV_PROP_VM_ID 0x1000    /* its number under /sys/class/misc/myhv/vms; read only */
#define MYHV_PROP_VM_CLOCK_NS 0x1001	   /* the VM's paravirtual clock */
#define MYHV_PROP_VM_PIT_REINJECT 0x1002   /* 1: missed PIT ticks are delivered late (default) */
#define MYHV_PROP_VM_BSP_ID 0x1003	   /* id of the boot processor; until the first vCPU */
#define MYHV_PROP_VM_EXITS 0x1004	   /* MYHV_VM_EXIT_*: what goes to user space */
#define MYHV_PROP_VM_PV 0x1005		   /* MYHV_PV_*: paravirtual features offered */
#define MYHV_PROP_VM_IRQCHIP 0x1006	   /* MYHV_IRQCHIP_*; set: once, until the first vCPU */
#define MYHV_PROP_VM_PIT 0x1007		   /* 1: 8254 in the kernel; set to 1: at any time */
#define MYHV_PROP_VM_HIDDEN 0x1008	   /* MYHV_HIDE_*: what guests are not shown */
#define MYHV_PROP_VM_VCPUS 0x1009	   /* how many there are; read only */
#define MYHV_PROP_VM_QUIRKS 0x100a	   /* MYHV_QUIRK_*; HYPERCALL: before the first vCPU */

#define MYHV_VM_EXIT_HLT (1ULL << 0)	   /* HLT exits even with a LAPIC in the kernel */
#define MYHV_VM_EXIT_MSR (1ULL << 1)	   /* unknown MSRs exit instead of #GP */
#define MYHV_VM_EXIT_HYPERCALL (1ULL << 2) /* unknown hypercalls exit instead of -ENOSYS */
#define MYHV_VM_EXIT_MSR_INVALID (1ULL << 3)  /* bad accesses of known MSRs exit */
#define MYHV_VM_EXIT_MSR_FILTERED (1ULL << 4) /* what MYHV_MSR_FILTER denies exits */

#define MYHV_HIDE_PLATFORM_INFO (1ULL << 0) /* reading MSR_PLATFORM_INFO raises #GP */

/* what KVM does */
#define MYHV_QUIRK_MWAIT (1ULL << 0)	 /* MONITOR and MWAIT do nothing, instead of #UD */
#define MYHV_QUIRK_HYPERCALL (1ULL << 1) /* the other vendor's VMCALL or VMMCALL is replaced */
#define MYHV_QUIRK_MWAIT_BY_MSR (1ULL << 2) /* CPUID has MWAIT if IA32_MISC_ENABLE has (as CPUs) */

#define MYHV_PV_CLOCK (1ULL << 0)
#define MYHV_PV_EOI (1ULL << 1)
#define MYHV_PV_UNHALT (1ULL << 2)

/* of a vCPU */
#define MYHV_PROP_VCPU_ID 0x2000	  /* its APIC id; read only */
#define MYHV_PROP_VCPU_TSC_KHZ 0x2001	  /* set: EINVAL when the CPU cannot scale to it */
#define MYHV_PROP_VCPU_TSC_OFFSET 0x2002
#define MYHV_PROP_VCPU_EXITS 0x2003	  /* exits so far; read only */
#define MYHV_PROP_VCPU_PV_STRICT 0x2004	  /* 1: only paravirtual features of its CPUID work */
#define MYHV_PROP_VCPU_CLOCK_STOPPED 0x2005 /* set to 1: its clock page says that it was stopped */
#define MYHV_PROP_VCPU_SYNIC 0x200a	  /* set to 1: Hyper-V's SynIC and timers; needs a LAPIC;
					   * EBUSY after the first run on some CPUs */
#define MYHV_PROP_VCPU_USER_EXITS 0x2006  /* exits to user space so far; read only, like these: */
#define MYHV_PROP_VCPU_HALTS 0x2007	  /* times it slept in HLT */
#define MYHV_PROP_VCPU_INJECTIONS 0x2008  /* events delivered */
#define MYHV_PROP_VCPU_FAULTS 0x2009	  /* second-level page faults */

/**
 * struct myhv_prop - MYHV_PROP_GET, MYHV_PROP_SET (any descriptor)
 * @id: MYHV_PROP_*, of the descriptor's kind
 * @flags: 0
 * @value: in for SET, out for GET
 *
 * Errors: ENOENT unknown property; EPERM it is read only; EINVAL value out of range;
 * EBUSY too late in the object's life.
 */
struct myhv_prop {
	__u32 id;
	__u32 flags;
	__u64 value;
};
#define MYHV_PROP_GET _IOWR(MYHV_IOC_MAGIC, 0x00, struct myhv_prop)
#define MYHV_PROP_SET _IOW(MYHV_IOC_MAGIC, 0x01, struct myhv_prop)

/* ------------------------------------------------------------------ */
/* System: /dev/myhv                                                   */

#define MYHV_IRQCHIP_NONE 0  /* user space injects by MYHV_VCPU_INTERRUPT */
#define MYHV_IRQCHIP_SPLIT 1 /* LAPICs in the kernel */
#define MYHV_IRQCHIP_FULL 2  /* LAPICs, IOAPIC and PIC pair in the kernel */
#define MYHV_VM_PIT (1U << 0) /* flag: 8254 in the kernel (with MYHV_IRQCHIP_FULL) */

/**
 * struct myhv_vm_create - MYHV_VM_CREATE (system)
 * @flags: MYHV_VM_*
 * @irqchip: MYHV_IRQCHIP_*
 * @name: shown in sysfs; NUL-terminated, printable, no '/'; may be empty
 *
 * Returns a VM descriptor (close-on-exec). Errors: EBUSY another hypervisor holds
 * the CPU's virtualization (the kernel log names it); EINVAL; EMFILE; ENOMEM.
 */
struct myhv_vm_create {
	__u32 flags;
	__u32 irqchip;
	char name[32];
};
#define MYHV_VM_CREATE _IOW(MYHV_IOC_MAGIC, 0x02, struct myhv_vm_create)

/**
 * struct myhv_cpuid_list - MYHV_CPUID_SUPPORTED (system), MYHV_VCPU_CPUID_SET/GET (vCPU)
 * @count: entries at @entries; on return the number there are
 * @flags: 0, or for GET MYHV_CPUID_LIVE
 * @entries: user pointer to struct myhv_cpuid_entry[@count]
 *
 * SUPPORTED gives what the CPU and myhv can do together; a monitor edits it
 * and sets it on each vCPU before its first run. Errors: E2BIG the array is too small
 * (@count is updated) or, when setting, longer than 256 entries; EINVAL an entry
 * twice or an impossible width; EBUSY the vCPU ran already.
 */
struct myhv_cpuid_list {
	__u32 count;
	__u32 flags;
	__u64 entries;
};
#define MYHV_CPUID_LIVE (1U << 0) /* as the guest reads them now: OSXSAVE, XSAVE size ... */
#define MYHV_CPUID_SUPPORTED _IOWR(MYHV_IOC_MAGIC, 0x03, struct myhv_cpuid_list)

/**
 * struct myhv_msr_list - MYHV_MSR_INDICES (system)
 * @count: as in struct myhv_cpuid_list
 * @flags: 0
 * @indices: user pointer to __u32[@count]: every MSR that save and restore must move
 */
struct myhv_msr_list {
	__u32 count;
	__u32 flags;
	__u64 indices;
};
#define MYHV_MSR_INDICES _IOWR(MYHV_IOC_MAGIC, 0x04, struct myhv_msr_list)

/* ------------------------------------------------------------------ */
/* VM                                                                  */

/**
 * struct myhv_vcpu_create - MYHV_VCPU_CREATE (VM)
 * @id: APIC id, below MYHV_PROP_MAX_VCPU_ID
 * @flags: 0
 * @run_bytes: out: size to mmap from the vCPU descriptor at offset 0
 * @exit_offset: out: of struct myhv_exit in it
 * @state_offset: out: of struct myhv_vcpu_state (up to @lapic) in it
 * @data_offset: out: of the port I/O data in it
 * @coalesced_offset: out: of struct myhv_coalesced_ring, a page that all vCPUs of the VM share
 * @pad: 0
 *
 * Returns a vCPU descriptor (close-on-exec). The boot processor starts at
 * F000:FFF0 as after RESET, the others wait for INIT and SIPI when the LAPIC
 * is in the kernel. Errors: EEXIST the id is taken; EINVAL; EMFILE; ENOMEM; E2BIG too many.
 */
struct myhv_vcpu_create {
	__u32 id;
	__u32 flags;
	__u32 run_bytes;
	__u32 exit_offset;
	__u32 state_offset;
	__u32 data_offset;
	__u32 coalesced_offset;
	__u32 pad;
};
#define MYHV_VCPU_CREATE _IOWR(MYHV_IOC_MAGIC, 0x10, struct myhv_vcpu_create)

#define MYHV_MEM_MAP 0
#define MYHV_MEM_UNMAP 1   /* @gpa and @bytes must name a whole region */
#define MYHV_MEM_PROTECT 2 /* change @flags of a whole region */
#define MYHV_MEM_MOVE 3	   /* a whole region to @new_gpa */

#define MYHV_MEM_READONLY (1U << 0)  /* guest writes exit as MMIO */
#define MYHV_MEM_LOG_DIRTY (1U << 1) /* as MYHV_DIRTY_START over the region */

/**
 * struct myhv_mem_op - one change of the guest-physical address space
 * @op: MYHV_MEM_*
 * @flags: MYHV_MEM_READONLY, MYHV_MEM_LOG_DIRTY (MAP, PROTECT); else 0
 * @gpa: guest-physical address, multiple of 4096
 * @bytes: size, multiple of 4096, not 0
 * @hva: address in the calling process, multiple of 4096 (MAP); need not be mapped yet
 * @new_gpa: target of MOVE, else 0
 */
struct myhv_mem_op {
	__u32 op;
	__u32 flags;
	__u64 gpa;
	__u64 bytes;
	__u64 hva;
	__u64 new_gpa;
};

/**
 * struct myhv_mem_update - MYHV_MEM_UPDATE (VM): all of @ops or none, in order
 * @count: entries at @ops, 1..4096
 * @flags: 0
 * @ops: user pointer to struct myhv_mem_op[@count]
 *
 * No vCPU ever sees a state in between. When the call returns, no vCPU uses a removed
 * mapping any more. Errors: EEXIST overlap; ENOENT no such region; EINVAL; ENOSPC
 * too many regions; ENOMEM.
 */
struct myhv_mem_update {
	__u32 count;
	__u32 flags;
	__u64 ops;
};
#define MYHV_MEM_UPDATE _IOW(MYHV_IOC_MAGIC, 0x11, struct myhv_mem_update)

#define MYHV_DIRTY_START 0
#define MYHV_DIRTY_STOP 1
#define MYHV_DIRTY_HARVEST 2 /* read and clear: the pages are watched again */
#define MYHV_DIRTY_READ 3    /* read only */
#define MYHV_DIRTY_CLEAR 4   /* clear the pages whose bits are set at @bitmap */

/**
 * struct myhv_mem_dirty - MYHV_MEM_DIRTY (VM): dirty page tracking by range
 * @op: MYHV_DIRTY_*
 * @flags: 0
 * @gpa: start, multiple of 4096; for READ, HARVEST and CLEAR a multiple of 64 pages from
 *	the region's start
 * @bytes: size; the range lies in one region. START and STOP act on the whole region; for
 *	the others it is a multiple of 64 pages or ends with the region
 * @bitmap: user pointer to a bit per page, 64-bit little-endian words
 *
 * Writes by MYHV itself (paravirtual clock, emulated stores) count too. Errors: ENOENT no
 * region, or one that is not tracked; EINVAL; ENOMEM; EFAULT (pages harvested are then
 * marked again).
 */
struct myhv_mem_dirty {
	__u32 op;
	__u32 flags;
	__u64 gpa;
	__u64 bytes;
	__u64 bitmap;
};
#define MYHV_MEM_DIRTY _IOW(MYHV_IOC_MAGIC, 0x12, struct myhv_mem_dirty)

/**
 * struct myhv_irq_line - MYHV_IRQ_LINE (VM): drive an input of the interrupt routing
 * @gsi: global system interrupt, 0..MYHV_PROP_IRQ_ROUTES-1
 * @status: out, in the place of @gsi: 1 delivered, 0 it was already pending, -1 masked
 * @level: not 0: asserted
 *
 * The layout is that of KVM's struct kvm_irq_level. Errors: ENXIO no interrupt controller in the
 * kernel; EINVAL.
 */
struct myhv_irq_line {
	union {
		__u32 gsi;
		__s32 status;
	};
	__u32 level;
};
#define MYHV_IRQ_LINE _IOWR(MYHV_IOC_MAGIC, 0x13, struct myhv_irq_line)

/**
 * struct myhv_msi - MYHV_IRQ_MSI (VM): a message-signalled interrupt
 * @address: as the device would write it; bits 63:40 extend the APIC id (x2APIC)
 * @data: as the device would write it
 * @flags: 0
 *
 * Returns the number of vCPUs that took it. Errors: ENXIO; EINVAL.
 */
struct myhv_msi {
	__u64 address;
	__u32 data;
	__u32 flags;
};
#define MYHV_IRQ_MSI _IOW(MYHV_IOC_MAGIC, 0x14, struct myhv_msi)

#define MYHV_ROUTE_IRQCHIP 1
#define MYHV_ROUTE_MSI 2
#define MYHV_CHIP_PIC_MASTER 0
#define MYHV_CHIP_PIC_SLAVE 1
#define MYHV_CHIP_IOAPIC 2
#define MYHV_CHIP_PIT 3

/**
 * struct myhv_irq_route - where a GSI goes; several entries may share a GSI
 * @gsi: input
 * @type: MYHV_ROUTE_*
 * @chip: MYHV_CHIP_PIC_MASTER..MYHV_CHIP_IOAPIC (IRQCHIP)
 * @pin: input of the chip (IRQCHIP)
 * @msi: the message (MSI)
 */
struct myhv_irq_route {
	__u32 gsi;
	__u32 type;
	__u32 chip;
	__u32 pin;
	struct myhv_msi msi;
};

/**
 * struct myhv_irq_routing - MYHV_IRQ_ROUTING (VM): replace the routing table
 * @count: entries at @routes
 * @flags: 0
 * @routes: user pointer to struct myhv_irq_route[@count]
 *
 * With MYHV_IRQCHIP_FULL the table starts with GSI 0..15 to the PICs and the IOAPIC
 * (GSI 0 to IOAPIC pin 2) and 16..23 to the IOAPIC. Errors: ENXIO; E2BIG; EINVAL; ENOMEM.
 */
struct myhv_irq_routing {
	__u32 count;
	__u32 flags;
	__u64 routes;
};
#define MYHV_IRQ_ROUTING _IOW(MYHV_IOC_MAGIC, 0x15, struct myhv_irq_routing)

#define MYHV_IRQFD_DEASSIGN (1U << 0)
#define MYHV_IRQFD_RESAMPLE (1U << 1)

/**
 * struct myhv_irqfd - MYHV_IRQFD (VM): an eventfd that raises a GSI
 * @fd: eventfd
 * @gsi: the GSI
 * @flags: MYHV_IRQFD_*
 * @resample_fd: with RESAMPLE, signalled when the guest ends the level interrupt
 *
 * Errors: EBADF, EBUSY the pair is assigned already, ENOENT it is not, EINVAL, ENXIO, ENOMEM.
 */
struct myhv_irqfd {
	__s32 fd;
	__u32 gsi;
	__u32 flags;
	__s32 resample_fd;
};
#define MYHV_IRQFD _IOW(MYHV_IOC_MAGIC, 0x16, struct myhv_irqfd)

#define MYHV_IOEVENTFD_DEASSIGN (1U << 0)
#define MYHV_IOEVENTFD_PIO (1U << 1)
#define MYHV_IOEVENTFD_DATAMATCH (1U << 2)

/**
 * struct myhv_ioeventfd - MYHV_IOEVENTFD (VM): a guest write that signals an eventfd
 * @addr: port or guest-physical address
 * @datamatch: value to match, with DATAMATCH
 * @len: 1, 2, 4, 8, or 0 for any length
 * @fd: eventfd
 * @flags: MYHV_IOEVENTFD_*
 *
 * Errors: EBADF, EEXIST, ENOENT, EINVAL, ENOMEM, ENOSPC.
 */
struct myhv_ioeventfd {
	__u64 addr;
	__u64 datamatch;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 pad;
};
#define MYHV_IOEVENTFD _IOW(MYHV_IOC_MAGIC, 0x17, struct myhv_ioeventfd)

/**
 * struct myhv_chip - MYHV_CHIP_GET, MYHV_CHIP_SET (VM): state of an interrupt chip
 * @chip: MYHV_CHIP_*
 * @flags: 0
 * @pic: for the two 8259
 * @ioapic: for the IOAPIC
 * @pit: for the 8254
 *
 * Errors: ENXIO the VM has no such chip; EINVAL impossible state.
 */
struct myhv_chip {
	__u32 chip;
	__u32 flags;
	union {
		struct myhv_pic_state pic;
		struct myhv_ioapic_state ioapic;
		struct myhv_pit_state pit;
		__u8 reserve[512];
	};
};
#define MYHV_CHIP_GET _IOWR(MYHV_IOC_MAGIC, 0x18, struct myhv_chip)
#define MYHV_CHIP_SET _IOW(MYHV_IOC_MAGIC, 0x19, struct myhv_chip)

#define MYHV_MSR_RANGE_READ (1U << 0)
#define MYHV_MSR_RANGE_WRITE (1U << 1)

/**
 * struct myhv_msr_range - a run of MSRs and which of them the guest may access
 * @first: number of the first one
 * @count: 1..12288
 * @flags: accesses that the range decides about: MYHV_MSR_RANGE_*, at least one
 * @pad: 0
 * @allowed: user pointer to a bit per MSR, 64-bit little-endian words; 1: as without a filter
 */
struct myhv_msr_range {
	__u32 first;
	__u32 count;
	__u32 flags;
	__u32 pad;
	__u64 allowed;
};

#define MYHV_MSR_FILTER_DENY (1U << 0) /* what is in no range is denied */

/**
 * struct myhv_msr_filter - MYHV_MSR_FILTER (VM): deny guests some MSRs
 * @flags: MYHV_MSR_FILTER_*
 * @count: entries at @ranges, at most 16; the first that fits decides. 0, and no flags: no filter
 * @ranges: user pointer to struct myhv_msr_range[@count]
 *
 * A denied access raises #GP, or exits with MYHV_VM_EXIT_MSR_FILTERED. The x2APIC's MSRs
 * are never denied, nor is user space. When the call returns, no vCPU uses the old filter any
 * more. While there is one, every MSR access of the guest is an exit. Errors: EINVAL; ENOMEM.
 */
struct myhv_msr_filter {
	__u32 flags;
	__u32 count;
	__u64 ranges;
};
#define MYHV_MSR_FILTER _IOW(MYHV_IOC_MAGIC, 0x1a, struct myhv_msr_filter)

#define MYHV_COALESCE_PIO (1U << 0)
#define MYHV_COALESCE_REMOVE (1U << 1)

/**
 * struct myhv_coalesce - MYHV_COALESCE (VM): writes to a range wait in a ring
 * @addr: first port or guest-physical address
 * @len: bytes, at least 1
 * @flags: MYHV_COALESCE_*; REMOVE: forget all ranges of the kind that lie inside of this one
 * @pad: 0
 *
 * A guest's write that lies inside of the range goes into the VM's ring, and the guest goes
 * on. User space looks at the ring at each exit, before it serves that one, and at its own pace
 * besides. With a full ring, writes exit as others do. Devices in the kernel that had the
 * address before go first. Errors: EINVAL; ENOSPC; ENOMEM. To remove nothing is no error.
 */
struct myhv_coalesce {
	__u64 addr;
	__u64 len;
	__u32 flags;
	__u32 pad;
};
#define MYHV_COALESCE _IOW(MYHV_IOC_MAGIC, 0x1b, struct myhv_coalesce)

/**
 * struct myhv_coalesced_write - one write that waits
 * @addr: port or guest-physical address
 * @len: bytes, 1 to 8
 * @is_port: 1: to a port
 * @data: the value, little endian
 */
struct myhv_coalesced_write {
	__u64 addr;
	__u32 len;
	__u32 is_port;
	__u8 data[8];
};

#define MYHV_COALESCED_ENTRIES 170

/**
 * struct myhv_coalesced_ring - the VM's ring, in the run area of each of its vCPUs
 * @first: the oldest write; user space moves it on (modulo MYHV_COALESCED_ENTRIES), with release
 * @last: where the kernel puts the next; read it with acquire. Equal to @first: there is none
 * @write: the writes
 *
 * Several threads of user space take turns by a lock of their own. The layout is KVM's.
 */
struct myhv_coalesced_ring {
	__u32 first;
	__u32 last;
	struct myhv_coalesced_write write[MYHV_COALESCED_ENTRIES];
};

/* ------------------------------------------------------------------ */
/* vCPU                                                                */

/**
 * struct myhv_run_page - page 0 of the run area; belongs to user space
 * @request_irq_window: exit with MYHV_EXIT_IRQ_WINDOW as soon as the guest can
 *	take an interrupt of MYHV_VCPU_INTERRUPT (when the PIC is not in the kernel)
 * @immediate_exit: the next or the running MYHV_VCPU_RUN returns EINTR before it
 *	enters the guest. May be set by a signal handler or another thread.
 *
 * The kernel reads these two bytes and never writes the page.
 */
struct myhv_run_page {
	__u8 request_irq_window;
	__u8 immediate_exit;
};

/* struct myhv_exit::reason */
#define MYHV_EXIT_NONE 0
#define MYHV_EXIT_IO 1		 /* port access not handled in the kernel */
#define MYHV_EXIT_MMIO 2	 /* access to no memory, or write to read-only memory */
#define MYHV_EXIT_HLT 3
#define MYHV_EXIT_SHUTDOWN 4	 /* triple fault */
#define MYHV_EXIT_IRQ_WINDOW 5
#define MYHV_EXIT_INTR 6	 /* with EINTR: see MYHV_VCPU_RUN */
#define MYHV_EXIT_DEBUG 7
#define MYHV_EXIT_MSR_READ 8
#define MYHV_EXIT_MSR_WRITE 9
#define MYHV_EXIT_HYPERCALL 10
#define MYHV_EXIT_EOI 11	 /* split irqchip: the guest ended a level interrupt */
#define MYHV_EXIT_TPR 12	 /* no LAPIC in the kernel: CR8 was lowered */
#define MYHV_EXIT_MEMORY_FAULT 13 /* with EFAULT: the host has no memory there */
#define MYHV_EXIT_EMULATION 14	 /* an instruction that the emulator does not know */
#define MYHV_EXIT_FAIL_ENTRY 15	 /* the CPU refused the guest state */
#define MYHV_EXIT_SHUTDOWN_VM 16 /* the VM is broken and cannot be entered */
#define MYHV_EXIT_DIRTY 17	 /* MYHV_VCPU_DIRTY_LIST is full, and the limit stays */

/* struct myhv_exit::flags */
#define MYHV_EXIT_IF (1U << 0)		  /* RFLAGS.IF */
#define MYHV_EXIT_IRQ_READY (1U << 1)	  /* MYHV_VCPU_INTERRUPT would be taken now */
#define MYHV_EXIT_AGAIN (1U << 2)	  /* EINTR for the host's own sake: just run again */

/**
 * struct myhv_exit - why MYHV_VCPU_RUN returned; at @exit_offset of the run area
 *
 * @reason: MYHV_EXIT_*
 * @flags: MYHV_EXIT_IF, MYHV_EXIT_IRQ_READY, MYHV_EXIT_AGAIN
 * @state_wanted: in: groups (MYHV_STATE_SYNC) to copy to the run area at each return
 * @state_valid: out: groups that were copied
 * @state_dirty: in: groups to take from the run area at the next run; cleared by it
 * @rip: of the instruction that exited
 * @cr8: task priority
 * @apic_base: MSR_IA32_APICBASE
 * @io: MYHV_EXIT_IO
 * @mmio: MYHV_EXIT_MMIO
 * @debug: MYHV_EXIT_DEBUG
 * @msr: MYHV_EXIT_MSR_READ, MYHV_EXIT_MSR_WRITE
 * @hypercall: MYHV_EXIT_HYPERCALL
 * @eoi: MYHV_EXIT_EOI
 * @memory_fault: MYHV_EXIT_MEMORY_FAULT
 * @emulation: MYHV_EXIT_EMULATION
 * @fail_entry: MYHV_EXIT_FAIL_ENTRY
 *
 * I/O and MMIO: a read is finished at the next run with the data that user space has
 * left (@io: at @data_offset, @size * @count bytes; @mmio: in @mmio.data).
 */
struct myhv_exit {
	__u32 reason;
	__u32 flags;
	__u32 state_wanted;
	__u32 state_valid;
	__u32 state_dirty;
	__u32 pad;
	__u64 rip;
	__u64 cr8;
	__u64 apic_base;
	union {
		struct {
			__u16 port;
			__u8 size; /* 1, 2, 4 */
			__u8 is_write;
			__u32 count; /* > 1: a string instruction */
		} io;
		struct {
			__u64 gpa;
			__u8 data[8];
			__u32 size; /* 1..8 */
			__u32 is_write;
		} mmio;
		struct {
			__u64 rip; /* linear address */
			__u64 dr6;
			__u64 dr7;
			__u32 vector; /* #DB or #BP */
			__u32 pad;
		} debug;
		struct {
			__u32 index;
			__u32 error; /* in: not 0 injects #GP */
			__u64 value;
			__u32 cause; /* MYHV_MSR_* */
			__u32 pad;
		} msr;
		struct {
			__u64 nr;
			__u64 args[4];
			__u64 result; /* in */
			__u32 is_64bit;
			__u32 pad;
		} hypercall;
		struct {
			__u32 vector;
			__u32 pad;
		} eoi;
		struct {
			__u64 gpa;
			__u64 bytes;
			__u32 access; /* MYHV_ACCESS_* */
			__s32 error;  /* negative errno */
		} memory_fault;
		struct {
			__u32 length; /* bytes known */
			__u32 pad;
			__u8 insn[16];
		} emulation;
		struct {
			__u64 hw_reason; /* exit code or VM-instruction error */
			__u64 info[2];
			__u32 host_cpu;
			__u32 pad;
		} fail_entry;
		__u8 reserve[256];
	};
};
/* myhv_exit::msr.cause: why there is no answer in the kernel */
#define MYHV_MSR_UNKNOWN 1
#define MYHV_MSR_INVALID 2
#define MYHV_MSR_FILTERED 3

#define MYHV_ACCESS_READ (1U << 0)
#define MYHV_ACCESS_WRITE (1U << 1)
#define MYHV_ACCESS_FETCH (1U << 2)

/**
 * MYHV_VCPU_RUN (vCPU): run the guest until something needs user space; no argument
 *
 * Returns 0 with struct myhv_exit filled. Errors: EINTR signal, kick, immediate_exit, or
 * work that the host does on a thread's way to user space (@reason MYHV_EXIT_INTR; the last,
 * which may come at any time, with MYHV_EXIT_AGAIN in @flags); EFAULT (@reason
 * MYHV_EXIT_MEMORY_FAULT); EINVAL rubbish in @state_dirty or in the groups there; EIO the VM is
 * broken or belongs to another process.
 */
#define MYHV_VCPU_RUN _IO(MYHV_IOC_MAGIC, 0x20)

/**
 * MYHV_VCPU_KICK (vCPU): make MYHV_VCPU_RUN return EINTR; no argument
 *
 * Any thread may call it.
 * A kick is never lost: without a run under way, the next one returns at once.
 */
#define MYHV_VCPU_KICK _IO(MYHV_IOC_MAGIC, 0x21)

/**
 * struct myhv_state_io - MYHV_VCPU_STATE_GET, MYHV_VCPU_STATE_SET (vCPU)
 * @groups: MYHV_STATE_*
 * @flags: 0
 * @state: user pointer to struct myhv_vcpu_state; only the named groups are touched
 *
 * SET checks every group first and changes nothing when one is impossible (EINVAL).
 */
struct myhv_state_io {
	__u32 groups;
	__u32 flags;
	__u64 state;
};
#define MYHV_VCPU_STATE_GET _IOW(MYHV_IOC_MAGIC, 0x22, struct myhv_state_io)
#define MYHV_VCPU_STATE_SET _IOW(MYHV_IOC_MAGIC, 0x23, struct myhv_state_io)

#define MYHV_VCPU_CPUID_SET _IOW(MYHV_IOC_MAGIC, 0x24, struct myhv_cpuid_list)
#define MYHV_VCPU_CPUID_GET _IOWR(MYHV_IOC_MAGIC, 0x25, struct myhv_cpuid_list)

/**
 * struct myhv_msrs - MYHV_VCPU_MSRS_GET, MYHV_VCPU_MSRS_SET (vCPU)
 * @count: entries at @msrs, at most 1024
 * @flags: 0
 * @msrs: user pointer to struct myhv_msr[@count]
 *
 * Returns the number done: the entry after it was refused (unknown, or a bad value).
 */
struct myhv_msrs {
	__u32 count;
	__u32 flags;
	__u64 msrs;
};
#define MYHV_VCPU_MSRS_GET _IOW(MYHV_IOC_MAGIC, 0x26, struct myhv_msrs)
#define MYHV_VCPU_MSRS_SET _IOW(MYHV_IOC_MAGIC, 0x27, struct myhv_msrs)

/**
 * struct myhv_interrupt - MYHV_VCPU_INTERRUPT (vCPU): an external interrupt
 * @vector: 0..255 of the interrupt; ignored for the others
 * @type: MYHV_INTERRUPT_*
 *
 * EXTERNAL is for VMs without a PIC in the kernel (else ENXIO); with MYHV_IRQCHIP_SPLIT it
 * reaches the CPU as a PIC's request does, through LINT0 in ExtINT mode. EBUSY when one is
 * still waiting. There is no system management mode: SMI is EINVAL.
 */
struct myhv_interrupt {
	__u32 vector;
	__u32 type;
};
#define MYHV_INTERRUPT_EXTERNAL 0
#define MYHV_INTERRUPT_NMI 1
#define MYHV_INTERRUPT_SMI 2
#define MYHV_VCPU_INTERRUPT _IOW(MYHV_IOC_MAGIC, 0x28, struct myhv_interrupt)

/**
 * struct myhv_translate - MYHV_VCPU_TRANSLATE (vCPU): walk the guest's page tables
 * @gva: linear address
 * @gpa: out
 * @access: MYHV_ACCESS_* to check for
 * @valid: out: 1 when @gva is mapped for @access
 * @rights: out: MYHV_ACCESS_* that the mapping allows the supervisor
 * @user: out: 1 when user mode may access it
 */
struct myhv_translate {
	__u64 gva;
	__u64 gpa;
	__u32 access;
	__u32 valid;
	__u32 rights;
	__u32 user;
};
#define MYHV_VCPU_TRANSLATE _IOWR(MYHV_IOC_MAGIC, 0x29, struct myhv_translate)

#define MYHV_DEBUG_ENABLE (1U << 0)
#define MYHV_DEBUG_STEP (1U << 1)
#define MYHV_DEBUG_SW_BP (1U << 2) /* #BP exits */
#define MYHV_DEBUG_HW_BP (1U << 3) /* @dr replaces the guest's DR0-3 and DR7 */

/**
 * struct myhv_debug - MYHV_VCPU_DEBUG (vCPU): debug the guest from outside
 * @flags: MYHV_DEBUG_*
 * @pad: 0
 * @dr: DR0..DR3, 0, 0, 0, DR7
 */
struct myhv_debug {
	__u32 flags;
	__u32 pad;
	__u64 dr[8];
};
#define MYHV_VCPU_DEBUG _IOW(MYHV_IOC_MAGIC, 0x2a, struct myhv_debug)

/**
 * struct myhv_mce - MYHV_VCPU_MCE (vCPU): report a machine check to the guest
 * @status: IA32_MCi_STATUS; bit 63 (VAL) is set
 * @addr: IA32_MCi_ADDR
 * @misc: IA32_MCi_MISC
 * @mcg_status: IA32_MCG_STATUS
 * @bank: below the number in IA32_MCG_CAP
 * @pad: 0
 *
 * The error goes to its bank as far as what stands there may be overwritten. An uncorrected
 * one (bit 61) that the guest has not switched off raises #MC; it shuts the vCPU down if the
 * guest cannot take it (CR4.MCE is clear, or the last one is not finished). The MSRs of the banks,
 * and IA32_MCG_CAP, are set by MYHV_VCPU_MSRS_SET. Errors: EINVAL.
 */
struct myhv_mce {
	__u64 status;
	__u64 addr;
	__u64 misc;
	__u64 mcg_status;
	__u8 bank;
	__u8 pad[7];
};
#define MYHV_VCPU_MCE _IOW(MYHV_IOC_MAGIC, 0x2b, struct myhv_mce)

/**
 * struct myhv_sigmask - MYHV_VCPU_SIGMASK (vCPU): signals blocked during MYHV_VCPU_RUN
 * @enable: 1: @mask replaces the thread's mask during each run; 0: the thread's own stays
 * @pad: 0
 * @mask: bit n blocks signal n + 1
 *
 * Like ppoll(): a signal that the thread blocks and @mask does not ends the run with EINTR,
 * and stays pending. Errors: EINVAL.
 */
struct myhv_sigmask {
	__u32 enable;
	__u32 pad;
	__u64 mask;
};
#define MYHV_VCPU_SIGMASK _IOW(MYHV_IOC_MAGIC, 0x2c, struct myhv_sigmask)

/**
 * struct myhv_dirty_list - MYHV_VCPU_DIRTY_LIST (vCPU): take the pages that it has made dirty
 * @count: room at @pages; out: how many there are now
 * @limit: exit with MYHV_EXIT_DIRTY as soon as so many are on the list, at most 65536; 0: no list
 * @pages: user pointer to __u64[@count], guest-physical addresses, oldest first
 *
 * A page comes on the list of the vCPU whose run has set its bit in the dirty log, and not again
 * until that bit is cleared. A run may add a few more than @limit: room for 64 more takes all.
 * What is taken leaves the list; without a list nothing is kept. The first limit of a list is the
 * highest that it can have. Errors: EINVAL; ENOMEM; EFAULT; in all cases the list is as before.
 */
struct myhv_dirty_list {
	__u32 count;
	__u32 limit;
	__u64 pages;
};
#define MYHV_VCPU_DIRTY_LIST _IOWR(MYHV_IOC_MAGIC, 0x2d, struct myhv_dirty_list)

#endif /* _UAPI_MYHV_H */
