/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * x86 register and interrupt-controller state of the myhv API.
 *
 * Registers come in groups; a call names the groups that it moves by a mask of
 * MYHV_STATE_* bits and touches no other field. All structs have the same layout for
 * 32-bit and 64-bit programs; padding is explicit, must be zero when set and
 * reads as zero.
 */
#ifndef _UAPI_MYHV_X86_H
#define _UAPI_MYHV_X86_H

#include <linux/types.h>

/* Indices into struct myhv_state_general::gpr, as ModRM encodes them. */
#define MYHV_RAX 0
#define MYHV_RCX 1
#define MYHV_RDX 2
#define MYHV_RBX 3
#define MYHV_RSP 4
#define MYHV_RBP 5
#define MYHV_RSI 6
#define MYHV_RDI 7
#define MYHV_R8 8
#define MYHV_R9 9
#define MYHV_R10 10
#define MYHV_R11 11
#define MYHV_R12 12
#define MYHV_R13 13
#define MYHV_R14 14
#define MYHV_R15 15

/* Indices into struct myhv_state_segments::seg, as ModRM encodes them. */
#define MYHV_SEG_ES 0
#define MYHV_SEG_CS 1
#define MYHV_SEG_SS 2
#define MYHV_SEG_DS 3
#define MYHV_SEG_FS 4
#define MYHV_SEG_GS 5
#define MYHV_SEG_LDTR 6
#define MYHV_SEG_TR 7

/* struct myhv_segment::attrib: the packed descriptor attributes of the APM. */
#define MYHV_SEG_TYPE_MASK 0x000f
#define MYHV_SEG_S 0x0010
#define MYHV_SEG_DPL_SHIFT 5
#define MYHV_SEG_DPL_MASK 0x0060
#define MYHV_SEG_P 0x0080
#define MYHV_SEG_AVL 0x0100
#define MYHV_SEG_L 0x0200
#define MYHV_SEG_DB 0x0400
#define MYHV_SEG_G 0x0800

/**
 * struct myhv_segment - a segment register with its hidden part
 * @base: linear base address
 * @limit: effective limit in bytes minus one (already scaled when G is set)
 * @selector: the visible part
 * @attrib: MYHV_SEG_* attributes; a segment without P is unusable
 *
 * APM "Segment Registers", "VMCB State Save Area" (the attribute format).
 */
struct myhv_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u16 attrib;
};

/** struct myhv_dtable - GDTR or IDTR */
struct myhv_dtable {
	__u64 base;
	__u16 limit;
	__u16 pad[3];
};

/** struct myhv_state_general - MYHV_STATE_GENERAL */
struct myhv_state_general {
	__u64 gpr[16];
	__u64 rip;
	__u64 rflags;
};

/** struct myhv_state_segments - MYHV_STATE_SEGMENTS */
struct myhv_state_segments {
	struct myhv_segment seg[8];
	struct myhv_dtable gdt;
	struct myhv_dtable idt;
};

/**
 * struct myhv_state_control - MYHV_STATE_CONTROL
 *
 * @cr8 is the task priority, bits 7:4 of the APIC's TPR. @apic_base is
 * MSR_IA32_APICBASE. Setting an impossible combination (PG without PE, LMA without PAE,
 * reserved bits ...) is EINVAL and changes nothing.
 */
struct myhv_state_control {
	__u64 cr0;
	__u64 cr2;
	__u64 cr3;
	__u64 cr4;
	__u64 cr8;
	__u64 efer;
	__u64 apic_base;
	__u64 xcr0;
};

/** struct myhv_state_debug - MYHV_STATE_DEBUG */
struct myhv_state_debug {
	__u64 dr[4];
	__u64 dr6;
	__u64 dr7;
};

/**
 * struct myhv_state_msrs - MYHV_STATE_MSRS: the MSRs that every switch of context needs
 *
 * All others, and these too, are reachable by number: MYHV_VCPU_MSRS.
 */
struct myhv_state_msrs {
	__u64 star;
	__u64 lstar;
	__u64 cstar;
	__u64 syscall_mask;
	__u64 kernel_gs_base;
	__u64 sysenter_cs;
	__u64 sysenter_esp;
	__u64 sysenter_eip;
	__u64 pat;
	__u64 tsc;
	__u64 tsc_aux;
	__u64 tsc_adjust;
	__u64 tsc_deadline;
	__u64 misc_enable;
	__u64 spec_ctrl;
	__u64 xss;
};

/* struct myhv_state_events::flags */
#define MYHV_EVENT_EXCEPTION (1U << 0)	      /* @exc_* is to be delivered */
#define MYHV_EVENT_EXCEPTION_ERROR (1U << 1)  /* it pushes @exc_error */
#define MYHV_EVENT_EXCEPTION_PAYLOAD (1U << 2) /* @exc_payload: CR2 or DR6 not yet written */
#define MYHV_EVENT_INTERRUPT (1U << 3)	      /* @intr_vector was interrupted in its delivery */
#define MYHV_EVENT_INTERRUPT_SOFT (1U << 4)   /* ... and is an INT n of @insn_length bytes */
#define MYHV_EVENT_NMI (1U << 5)	      /* an NMI was interrupted in its delivery */
#define MYHV_EVENT_NMI_PENDING (1U << 6)
#define MYHV_EVENT_NMI_BLOCKED (1U << 7)      /* between NMI delivery and IRET */
#define MYHV_EVENT_SMI_PENDING (1U << 8)
#define MYHV_EVENT_SHADOW_STI (1U << 9)	      /* interrupt shadow of STI */
#define MYHV_EVENT_SHADOW_MOV_SS (1U << 10)   /* ... of MOV SS or POP SS */
#define MYHV_EVENT_TRIPLE_FAULT (1U << 11)
#define MYHV_EVENT_EXCEPTION_INJECTED (1U << 12) /* the exception was interrupted in its delivery */
#define MYHV_EVENT_VALID_FLAGS 0x1fffU

/**
 * struct myhv_state_events - MYHV_STATE_EVENTS: what is on its way to the guest
 * @flags: MYHV_EVENT_*
 * @exc_vector: vector of the exception, 0..31
 * @intr_vector: vector of the interrupt
 * @insn_length: for soft interrupts and #BP/#OF, bytes to skip; else 0
 * @sipi_vector: start-up vector of a received SIPI not yet acted on
 * @exc_error: error code
 * @exc_payload: new CR2 (for #PF) or DR6 bits (for #DB)
 *
 * Of those that were interrupted in their delivery there may be one of each: an exception or an
 * INT n (not both), an NMI and an interrupt. They are delivered again in that order.
 */
struct myhv_state_events {
	__u32 flags;
	__u8 exc_vector;
	__u8 intr_vector;
	__u8 insn_length;
	__u8 sipi_vector;
	__u32 exc_error;
	__u32 pad;
	__u64 exc_payload;
};

/* struct myhv_state_mp::state */
#define MYHV_MP_RUNNABLE 0
#define MYHV_MP_UNINITIALIZED 1 /* an application processor before its first INIT */
#define MYHV_MP_INIT_RECEIVED 2 /* waits for a SIPI */
#define MYHV_MP_HALTED 3

/** struct myhv_state_mp - MYHV_STATE_MP */
struct myhv_state_mp {
	__u32 state;
	__u32 pad;
};

/** struct myhv_state_lapic - MYHV_STATE_LAPIC: the first KiB of the register page */
struct myhv_state_lapic {
	__u8 regs[1024];
};

#define MYHV_STATE_GENERAL (1U << 0)
#define MYHV_STATE_SEGMENTS (1U << 1)
#define MYHV_STATE_CONTROL (1U << 2)
#define MYHV_STATE_DEBUG (1U << 3)
#define MYHV_STATE_MSRS (1U << 4)
#define MYHV_STATE_EVENTS (1U << 5)
#define MYHV_STATE_MP (1U << 6)
#define MYHV_STATE_LAPIC (1U << 7)
#define MYHV_STATE_XSAVE (1U << 8)
#define MYHV_STATE_ALL 0x1ffU
/* the groups that may ride in the run area */
#define MYHV_STATE_SYNC 0x07fU

/**
 * struct myhv_vcpu_state - all groups; the run area holds it up to @lapic
 *
 * @xsave is an XSAVE image in the standard (not compacted) format of
 * MYHV_PROP_XSAVE_BYTES bytes; 4096 bytes hold everything up to AVX-512 and PKRU.
 */
struct myhv_vcpu_state {
	struct myhv_state_general general;
	struct myhv_state_segments segments;
	struct myhv_state_control control;
	struct myhv_state_debug debug;
	struct myhv_state_msrs msrs;
	struct myhv_state_events events;
	struct myhv_state_mp mp;
	struct myhv_state_lapic lapic;
	__u8 xsave[4096];
};

/** struct myhv_msr - one model-specific register */
struct myhv_msr {
	__u32 index;
	__u32 pad;
	__u64 value;
};

/* struct myhv_cpuid_entry::flags */
#define MYHV_CPUID_INDEXED (1U << 0) /* @index (ECX) is significant */

/** struct myhv_cpuid_entry - what the guest's CPUID returns for one leaf */
struct myhv_cpuid_entry {
	__u32 function;
	__u32 index;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 pad;
};

/** struct myhv_pic_state - one 8259A (PIC pair: two of these) */
struct myhv_pic_state {
	__u8 last_irr; /* line levels as last seen, for edge detection */
	__u8 irr;
	__u8 imr;
	__u8 isr;
	__u8 priority_add;
	__u8 irq_base;
	__u8 read_reg_select;
	__u8 poll;
	__u8 special_mask;
	__u8 init_state;
	__u8 auto_eoi;
	__u8 rotate_on_auto_eoi;
	__u8 special_fully_nested_mode;
	__u8 init4; /* ICW1 bits 0 (ICW4 follows) and 1 (no ICW3) */
	__u8 elcr;
	__u8 elcr_mask;
};

/** struct myhv_ioapic_state - 82093AA, 24 pins */
struct myhv_ioapic_state {
	__u64 base_address;
	__u32 ioregsel;
	__u32 id;
	__u32 irr; /* bit per pin: asserted */
	__u32 pad;
	__u64 redirtbl[24];
};

/** struct myhv_pit_channel_state - a counter of the 8254 */
struct myhv_pit_channel_state {
	__u32 count; /* 1..0x10000 */
	__u16 latched_count;
	__u8 count_latched;
	__u8 status_latched;
	__u8 status;
	__u8 read_state;
	__u8 write_state;
	__u8 write_latch;
	__u8 rw_mode;
	__u8 mode;
	__u8 bcd;
	__u8 gate;
	__s64 count_load_time_ns; /* on the VM's clock */
	__u32 cycle_count; /* counted down from now, until the reload; 0: as @count */
	__u32 held_ticks;  /* gate low: ticks counted before */
	__u8 stopped;	   /* no count written or no trigger since the control word */
	__u8 written;	   /* a count was written since the control word */
	__u8 pad[6];
};

/** struct myhv_pit_state - 8254 and port 0x61 */
struct myhv_pit_state {
	struct myhv_pit_channel_state channel[3];
	__u32 flags; /* MYHV_PIT_* */
	__u32 pad;
};
#define MYHV_PIT_SPEAKER_DATA_ON (1U << 0)
#define MYHV_PIT_HPET_LEGACY (1U << 1)

/* MYHV_PROP_CPU_FEATURES; docs/interrupts.md and docs/exit-path.md tell what they are for */
#define MYHV_CPU_FEATURE_NEXT_RIP (1ULL << 0)
#define MYHV_CPU_FEATURE_DECODE_ASSIST (1ULL << 1)
#define MYHV_CPU_FEATURE_FLUSH_BY_ASID (1ULL << 2)
#define MYHV_CPU_FEATURE_CLEAN_BITS (1ULL << 3)
#define MYHV_CPU_FEATURE_TSC_SCALING (1ULL << 4)
#define MYHV_CPU_FEATURE_PAUSE_FILTER (1ULL << 5)
#define MYHV_CPU_FEATURE_VNMI (1ULL << 6)
#define MYHV_CPU_FEATURE_1G_PAGES (1ULL << 7)
#define MYHV_CPU_FEATURE_SLAT_AD (1ULL << 8)
#define MYHV_CPU_FEATURE_TPR_SHADOW (1ULL << 9)
#define MYHV_CPU_FEATURE_APICV (1ULL << 10)
#define MYHV_CPU_FEATURE_POSTED_INTR (1ULL << 11)
#define MYHV_CPU_FEATURE_PML (1ULL << 12)
#define MYHV_CPU_FEATURE_PREEMPTION_TIMER (1ULL << 13)

#endif /* _UAPI_MYHV_X86_H */
