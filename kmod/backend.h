/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a hardware backend (SVM, VMX) must be able to do. The neutral core knows
 * the hardware through this table alone; a backend knows the core through core/,
 * exit/ and host/ headers.
 *
 * Words: a "burst" is a stretch of guest entries inside one kernel_fpu section:
 * preemption is off, the guest's extended state is in the CPU, the backend's
 * per-CPU state is loaded. Exits that can be handled without sleeping stay
 * inside it.
 */
#ifndef MYHV_BACKEND_H
#define MYHV_BACKEND_H

#include <linux/types.h>
#include "event.h"
#include "slat.h"

struct insn_context;
struct myhv_vm;
struct myhv_vcpu;

/**
 * enum exit_action - what the run loop does after an exit was handled
 * @RESUME_GUEST: enter again. A guest's own fault was injected and resumes as well.
 * @EXIT_TO_USER: vcpu->exit is filled, MYHV_VCPU_RUN returns vcpu->run_result
 * @VCPU_FAILED: the vCPU cannot go on; vcpu->exit tells why
 * @EXIT_NEEDS_SLEEP: (only inside a burst) nothing was done; end the burst and call the
 *	handler again where it may sleep
 */
enum exit_action {
	RESUME_GUEST,
	EXIT_TO_USER,
	VCPU_FAILED,
	EXIT_NEEDS_SLEEP,
};

/**
 * struct backend_caps - what the CPU offers, filled once by ->probe()
 * @features: MYHV_CPU_FEATURE_* that are used
 * @possible: those that this vendor's CPUs can have
 * @slat_format: entry format and depth of the second-level tables
 * @gpa_bits: width of guest-physical addresses
 * @nr_asids: address space ids, 0 is the host's
 * @tsc_ratio_frac_bits: fraction bits of the TSC ratio, 0 without scaling
 * @keeps_pdptes: with PAE paging, a write to CR0 or CR4 loads the PDPTEs, or faults
 */
struct backend_caps {
	u64 features;
	u64 possible;
	struct slat_format slat_format;
	u8 gpa_bits;
	u8 tsc_ratio_frac_bits;
	bool keeps_pdptes;
	u32 nr_asids;
};

/**
 * struct myhv_backend - the operations table
 *
 * Contexts: [load] module init/exit, may sleep; [cpu] on that CPU, IRQs off;
 * [sleep] vCPU thread, may sleep, no burst; [burst] inside a burst, preemption off, IRQs on;
 * [entry] inside a burst, IRQs off; [any] vCPU thread, burst or not.
 */
struct myhv_backend {
	const char *name; /* "svm", "vmx" */
	u32 id;		  /* MYHV_BACKEND_* */

	/*
	 * [load] Can this CPU be used? 0, or -ENODEV after one pr_err line that names
	 * what is missing and what to do. Fills @caps.
	 */
	int (*probe)(struct backend_caps *caps);
	/* [load] Allocate and free what all VMs share (per-CPU pages, bitmaps). */
	int (*setup)(void);
	void (*teardown)(void);

	/*
	 * [cpu] Switch the hardware on and off on this CPU. enable: -EBUSY when
	 * somebody else has it on. disable must work after a failed enable.
	 */
	int (*cpu_enable)(void);
	void (*cpu_disable)(void);

	/* [sleep] The hardware's part of a VM; struct myhv_vm::arch_vm belongs to it. */
	int (*vm_init)(struct myhv_vm *vm);
	void (*vm_destroy)(struct myhv_vm *vm);

	/*
	 * [sleep] Allocate the backend's vCPU, which embeds struct myhv_vcpu, zeroed but
	 * for the hardware's part. The core fills in the rest and then calls ->vcpu_reset.
	 * vcpu_free takes what vcpu_alloc returned.
	 */
	struct myhv_vcpu *(*vcpu_alloc)(struct myhv_vm *vm);
	void (*vcpu_free)(struct myhv_vcpu *vcpu);
	/*
	 * [sleep] Hardware state as after RESET (@init false) or INIT. The neutral
	 * registers are set by the core and committed as dirty groups.
	 */
	void (*vcpu_reset)(struct myhv_vcpu *vcpu, bool init);
	/* [sleep] CPUID was set: update intercepts that depend on it. */
	void (*cpuid_changed)(struct myhv_vcpu *vcpu);

	/*
	 * [burst] Begin and end of a burst: load what must be in the CPU all along
	 * (MSRs, when @vcpu last ran on another CPU its flush), put the host's back.
	 */
	void (*burst_begin)(struct myhv_vcpu *vcpu);
	void (*burst_end)(struct myhv_vcpu *vcpu);

	/*
	 * [entry] Enter the guest once and come back. Commits dirty register groups,
	 * flushes what vcpu->slat_gen and vcpu->tlb_flush ask for, programs vcpu->inject. On
	 * return: GENERAL is valid, all other groups are not; vcpu->hw_exit_intr says that
	 * a host interrupt ended guest mode (it may have been handled, and IRQs be on);
	 * vcpu->in_shadow is current; an event whose delivery was cut short is back in
	 * vcpu->event.
	 */
	void (*enter)(struct myhv_vcpu *vcpu);
	/*
	 * [burst], and again [sleep] after EXIT_NEEDS_SLEEP: act on the last exit.
	 */
	enum exit_action (*handle_exit)(struct myhv_vcpu *vcpu);

	/*
	 * [any] Copy register groups (GENERAL, SEGMENTS, CONTROL, DEBUG) from the hardware's
	 * structures to vcpu->regs, and from there to the hardware's. In ->enter it is
	 * called for the dirty groups. CR0, CR4, EFER are the guest's view; shadow masks
	 * are the backend's business.
	 */
	void (*regs_fetch)(struct myhv_vcpu *vcpu, u32 groups);
	void (*regs_commit)(struct myhv_vcpu *vcpu, u32 groups);

	/*
	 * [any] What is needed to read the instruction at RIP, without fetching whole groups.
	 * Of the last exit: not when CONTROL or SEGMENTS are dirty.
	 */
	void (*insn_context)(const struct myhv_vcpu *vcpu, struct insn_context *c);

	/*
	 * [any] MSRs that live in the hardware's structures (SYSCALL, SYSENTER, KERNEL_GS_BASE,
	 * PAT, DEBUGCTL, ...). -ENOENT: not one of mine. FS/GS base go through SEGMENTS,
	 * EFER through CONTROL.
	 */
	int (*msr_get)(struct myhv_vcpu *vcpu, u32 index, u64 *value);
	int (*msr_set)(struct myhv_vcpu *vcpu, u32 index, u64 value);
	/* [sleep] vcpu->msr_filtered changed: every MSR access of the guest must exit, or not. */
	void (*msr_filter_changed)(struct myhv_vcpu *vcpu);

	/* [any] 0, MYHV_EVENT_SHADOW_STI or MYHV_EVENT_SHADOW_MOV_SS; set: vcpu->in_shadow too */
	u32 (*shadow_get)(struct myhv_vcpu *vcpu);
	void (*shadow_set)(struct myhv_vcpu *vcpu, u32 shadow);
	/* [any] between delivery of an NMI and its IRET */
	bool (*nmi_blocked_get)(struct myhv_vcpu *vcpu);
	void (*nmi_blocked_set)(struct myhv_vcpu *vcpu, bool blocked);
	/* [entry] Exit as soon as an interrupt (an NMI) can be taken. */
	void (*irq_window)(struct myhv_vcpu *vcpu, bool on);
	void (*nmi_window)(struct myhv_vcpu *vcpu, bool on);

	/*
	 * Where the guest's MOV to CR8 need not exit, and only there. [entry] Exit when the task
	 * priority falls below class @class; 0: never.
	 */
	void (*tpr_threshold)(struct myhv_vcpu *vcpu, u8 class);
	/*
	 * [any] The CPU has a copy of the LAPIC's task priority: here is another one, for
	 * vcpu->hw_tpr too. The way back is lapic_cr8_set().
	 */
	void (*tpr_changed)(struct myhv_vcpu *vcpu, u8 tpr);
	/*
	 * With APICV, and only then: the CPU delivers what the page of vcpu->lapic holds.
	 * [any] Mode, requests or interrupts in service were changed by us: look again.
	 */
	void (*lapic_changed)(struct myhv_vcpu *vcpu);
	/* [entry] There may be a request of a higher priority than before. */
	void (*lapic_requested)(struct myhv_vcpu *vcpu);
	/* With POSTED_INTR: where requests go that need no exit. Never changes. */
	u32 *(*posted_requests)(struct myhv_vcpu *vcpu);
	/* Any context: let @cpu, in guest mode perhaps, take them. */
	void (*posted_notify)(int cpu);

	/* [any] guest TSC = host TSC (scaled by vcpu->tsc.ratio) + vcpu->tsc.offset */
	void (*tsc_update)(struct myhv_vcpu *vcpu);
	/* [any] vcpu->guest_debug or DR7 changed: intercepts of #DB, #BP, DR accesses */
	void (*debug_update)(struct myhv_vcpu *vcpu);
	/*
	 * [burst] Give the debug registers to the guest (vcpu->drs.live), or take them back, which
	 * the backend does itself at the end of the burst.
	 */
	void (*debug_live)(struct myhv_vcpu *vcpu, bool live);
	/*
	 * [any] Describe the failed or unknown exit for user space
	 * (hardware's code and two words of information).
	 */
	void (*exit_info)(struct myhv_vcpu *vcpu, u64 *reason, u64 info[2]);
	/* Name of an exit code for sysfs and tracing; NULL when there is none. */
	const char *(*exit_name)(u32 code);
};

extern const struct myhv_backend svm_backend;
extern const struct myhv_backend vmx_backend;

/* The one in use, chosen at load; never NULL after module init. */
extern const struct myhv_backend *backend;
extern struct backend_caps backend_caps;

#endif /* MYHV_BACKEND_H */
