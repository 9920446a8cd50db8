/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-x: what the files of this folder share. Field and bit names of the VMCS are the
 * kernel's (asm/vmx.h).
 *
 * What is in the VMCS can be touched only in VMX operation, with that VMCS current on this
 * CPU, and any interrupt may bring the end of VMX (reboot). So it is touched only between
 * vmx_open() and vmx_close(), IRQs off; what changes or is asked for in between lives in struct
 * vmx_vcpu, and vmx->dirty tells the next entry what to write.
 */
#ifndef MYHV_VMX_H
#define MYHV_VMX_H

/* ---- shared with vmx_enter.S ---- */

#define VMX_ENTER_LAUNCHED 1 /* VMRESUME, not VMLAUNCH */
#define VMX_ENTER_VERW 2     /* clear the CPU's buffers */
#define VMX_HOST_RSP 0x6c14  /* VMCS field */

#ifndef __ASSEMBLY__

#include <linux/list.h>
#include <linux/percpu.h>
#include <asm/vmx.h>
#include "core/vcpu.h"
#include "vmx_caps.h"
#include "vmx_state.h"

#define VMX_TSC_RATIO_FRAC_BITS 48
#define VMX_PML_ENTRIES 512

/* All of them or none. */
#define VMX_APICV_CONTROLS                                                                \
	((u32)(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | SECONDARY_EXEC_APIC_REGISTER_VIRT | \
	       SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY | SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE))

/* Bits of CR0 that the guest changes without an exit; all others are ours. */
#define VMX_CR0_GUEST_OWNED (X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_WP | X86_CR0_AM)

/* ---- instructions ---- */

void vmx_field_refused(unsigned long field, u64 value);

static __always_inline u64 vmcs_read(unsigned long field)
{
	u64 value;

	/* only fields that every CPU has that we use */
	asm volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
	return value;
}

/* Of MSRs that every CPU has, for each burst: without the call into paravirtual code. */
static __always_inline u64 vmx_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static __always_inline void vmcs_write(unsigned long field, u64 value)
{
	asm goto("vmwrite %1, %0\n\t"
		 "jna %l[refused]"
		 : : "r"(field), "rm"(value) : "cc" : refused);
	return;
refused:
	vmx_field_refused(field, value);
}

/* ---- the exit table's rows: basic exit reasons, exceptions, and some of our own ---- */

#define VMX_NR_REASONS 0x60
#define VMX_ROW_EXCEPTION 0x80 /* + vector */
#define VMX_ROW_PDPTES 0xfb    /* ours: not entered, PDPTEs must be read first */
#define VMX_ROW_OFF 0xfc       /* ours: VMX is not ours to use */
#define VMX_ROW_OTHER 0xfd
#define VMX_ROW_REFUSED 0xfe   /* VMLAUNCH or VMRESUME failed */
#define VMX_ROW_INVALID 0xff   /* entry failed: guest state */

/* EXIT_QUALIFICATION of an EPT violation; SDM "Exit Qualification for EPT Violations" */
#define VMX_EPT_Q_WRITE BIT(1)
#define VMX_EPT_Q_FETCH BIT(2)
#define VMX_EPT_Q_LINEAR_VALID BIT(7)
#define VMX_EPT_Q_FINAL BIT(8)
#define VMX_EPT_Q_NMI_UNBLOCKED BIT(12)

/* ... of a task switch */
#define VMX_TASK_Q_SOURCE_SHIFT 30

/* ... of an I/O instruction */
#define VMX_IO_Q_SIZE 7u /* less one */
#define VMX_IO_Q_IN BIT(3)
#define VMX_IO_Q_STRING BIT(4)
#define VMX_IO_Q_PORT_SHIFT 16

/* ---- per CPU ---- */

/**
 * struct vmx_cpu - VT-x on one CPU; IRQs off
 * @enabled: we may use it
 * @current_vcpu: whose VMCS is current
 * @loaded: vCPUs whose VMCS is active here, by vmx_vcpu::link
 * @vmxon: the VMXON region
 * @efer ... @gs_base: the host's, which do not change while the CPU is up
 */
struct vmx_cpu {
	bool enabled;
	struct vmx_vcpu *current_vcpu;
	struct list_head loaded;
	struct page *vmxon;
	u64 efer;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 syscall_mask;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 gs_base;
};
DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* ---- module-wide, set at load ---- */

/**
 * struct vmx_global
 * @features: MYHV_CPU_FEATURE_*
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @revision: of the VMCS
 * @pin: @proc: @proc2: @exit: @entry: control words that vCPUs start from
 * @window: VMX is on only around each use, see vmx_host.c
 * @vpid: VPIDs are in use
 * @zero_length: software events can be injected with an instruction length of 0
 * @cr4_fixed0: @cr4_fixed1: bits that CR4 must have, may have
 * @pebs: the host may be using PEBS
 * @timer_shift: the preemption timer counts the TSC shifted by that
 * @msr_bitmap: of all vCPUs without a filter
 * @x2apic_bitmap: the same while a LAPIC in x2APIC mode is the CPU's business
 */
struct vmx_global {
	u64 features;
	u64 ept_vpid;
	u32 revision;
	u32 pin;
	u32 proc;
	u32 proc2;
	u32 exit;
	u32 entry;
	bool window;
	bool vpid;
	bool zero_length;
	bool pebs;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u8 timer_shift;
	void *msr_bitmap;
	void *x2apic_bitmap;
};
extern struct vmx_global vmx_global;

/* ---- the vCPU ---- */

/* vmx->dirty: what the next entry must write to the VMCS. */
#define VMX_DIRTY_CONSTANT BIT(0)   /* all that never changes: a new VMCS */
#define VMX_DIRTY_HOST BIT(1)	    /* the host state of this CPU */
#define VMX_DIRTY_PROC BIT(2)
#define VMX_DIRTY_PROC2 BIT(3)
#define VMX_DIRTY_EXCEPTIONS BIT(4)
#define VMX_DIRTY_MSR_BITMAP BIT(5)
#define VMX_DIRTY_TSC BIT(6)
#define VMX_DIRTY_SYSENTER BIT(7)
#define VMX_DIRTY_SHADOW BIT(8)
#define VMX_DIRTY_DR7 BIT(9)
#define VMX_DIRTY_CR4_MASK BIT(10)
#define VMX_DIRTY_PDPTES BIT(11)
#define VMX_DIRTY_PIN BIT(12)
#define VMX_DIRTY_TPR BIT(13)	  /* the threshold */
#define VMX_DIRTY_REQUESTS BIT(14) /* of the LAPIC's page; with APICV */
#define VMX_DIRTY_LAPIC BIT(15)	  /* all of it, and its mode */
#define VMX_DIRTY_ALL 0x7fffu	  /* but for DIRTY_LAPIC, which is for APICV alone */
#define VMX_STALE_PDPTES BIT(16) /* read them before the next entry */

/**
 * struct vmx_exit - facts of the last exit
 * @reason: as the CPU gave it
 * @row: of the exit table
 * @intr: @intr_error: exception or NMI
 * @idt: @idt_error: event whose delivery was cut short
 * @insn_length: 0 when it is not defined for this exit
 * @error: VM-instruction error, when an entry was refused
 */
struct vmx_exit {
	u32 reason;
	u8 row;
	u32 intr;
	u32 intr_error;
	u32 idt;
	u32 idt_error;
	u32 insn_length;
	u32 error;
	u64 qualification;
	u64 gpa;
};

/**
 * struct vmx_vcpu - vCPU thread only, but for the first group
 * @link: @cpu: where the VMCS is active (-1: nowhere); changed on that CPU, IRQs off
 * @launched: VMRESUME can be used
 * @vmcs: the region; @vmcs_pa: its address
 * @tlb_cpu: CPU that may hold translations of ours
 * @flush_ept: @flush_vpid: the next entry flushes
 * @dirty: VMX_DIRTY_*
 * @pin: @proc: @proc2: @entry: @exceptions: control words, wished
 * @timer_on: the preemption timer is among @pin
 * @apicv: the CPU has the LAPIC's page
 * @posted: requests in guest mode, with posted interrupts; host interrupts come acknowledged
 * @host_vector: one of these, to be handled; 0: none
 * @pml: buffer of 512 addresses of pages written; @pml_on: in use
 * @interruptibility: of the guest, as after the exit or wished
 * @rip: @rsp: @rflags: what the VMCS holds
 * @cr0: @cr4: the guest's view of the bits that we own
 * @cr4_owned: bits of CR4 that the guest changes without an exit
 * @cr2: the guest's; @efer: the guest's
 * @pdptes: of PAE paging
 * @msrs: the guest's
 * @syscall_live: the guest's SYSCALL MSRs are in the CPU
 * @kernel_gs_base: the guest's, but within a burst
 * @dr6: the guest's, but while vcpu.drs.live and in the guest
 * @splits_locks: the guest has met the host's detection of split locks: off in its bursts
 * @exit: of the last exit
 * @host: what the VMCS holds, or what burst_end must put back
 */
struct vmx_vcpu {
	struct myhv_vcpu vcpu;
	struct list_head link;
	int cpu;
	bool launched;
	void *vmcs;
	u64 vmcs_pa;
	int tlb_cpu;
	bool flush_ept;
	bool flush_vpid;
	u32 dirty;
	u32 pin;
	u32 proc;
	u32 proc2;
	u32 entry;
	u32 exceptions;
	bool timer_on;
	bool apicv;
	bool pml_on;
	u8 host_vector;
	u64 *pml;
	struct posted_irqs *posted;
	u32 interruptibility;
	u64 rip;
	u64 rsp;
	u64 rflags;
	u64 cr0;
	u64 cr4;
	u64 cr4_owned;
	u64 cr2;
	u64 efer;
	u64 pdptes[4];
	struct {
		u64 star;
		u64 lstar;
		u64 cstar;
		u64 syscall_mask;
		u64 sysenter_cs;
		u64 sysenter_esp;
		u64 sysenter_eip;
		u64 pat;
		u64 debugctl;
	} msrs;
	bool syscall_live;
	u64 kernel_gs_base;
	u64 dr6;
	bool splits_locks;
	struct vmx_exit exit;
	struct {
		u64 rsp;
		u64 cr3;
		u64 cr4;
		u64 fs_base;
		u64 kernel_gs_base;
		u64 debugctl;
		u64 test_ctrl;
		u64 pebs;
		u16 ds, es, fs, gs;
	} host;
};

static inline struct vmx_vcpu *to_vmx(struct myhv_vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

static inline bool vmx_has(u64 feature)
{
	return vmx_global.features & feature;
}

/* Of the vCPU alone: translations are tagged with the EPT pointer too. */
static inline u16 vmx_vpid(const struct vmx_vcpu *vmx)
{
	return vmx_global.vpid ? vmx->vcpu.id + 1 : 0;
}

/*
 * vmx_enter.S: enter and come back. @gpr in ModRM order, RSP in it is not touched. @host_rsp: what
 * HOST_RSP holds. @spec_ctrl: to be written after the exit, before any RET; ~0: nothing. True:
 * the entry instruction failed.
 */
bool vmx_vmenter(u64 *gpr, u32 flags, u64 *host_rsp, u64 spec_ctrl);
extern const char vmx_vmexit[];
/* As if the CPU had taken an interrupt whose gate leads to @handler. IRQs off */
void vmx_call_gate(unsigned long handler);

/* vmx_caps.c */
int vmx_caps_probe(struct backend_caps *caps);

/* vmx_host.c: VMX operation, and which VMCS is where */
int vmx_host_setup(void);
void vmx_host_teardown(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);
/* False: VMX is gone or somebody else's. IRQs off throughout. */
bool vmx_begin_operation(struct vmx_vcpu *vmx);
void vmx_end_window(struct vmx_vcpu *vmx);
/* Then it is not the window's, and VMX has not been taken from us. */
static inline bool vmx_is_current(const struct vmx_vcpu *vmx)
{
	lockdep_assert_irqs_disabled();
	return __this_cpu_read(vmx_cpu.current_vcpu) == vmx;
}
static inline bool vmx_enter_operation(struct vmx_vcpu *vmx)
{
	return likely(vmx_is_current(vmx)) || vmx_begin_operation(vmx);
}
static inline void vmx_leave_operation(struct vmx_vcpu *vmx)
{
	if (unlikely(vmx_global.window))
		vmx_end_window(vmx);
}
/* The same around a look at the VMCS from anywhere on the vCPU's thread. */
bool vmx_open(struct vmx_vcpu *vmx, unsigned long *flags);
void vmx_close(struct vmx_vcpu *vmx, unsigned long flags);
/* [sleep] or burst_begin: no other CPU holds the VMCS any more */
void vmx_vmcs_fetch_here(struct vmx_vcpu *vmx);
void vmx_vmcs_release(struct vmx_vcpu *vmx);
void vmx_host_state_write(struct vmx_vcpu *vmx);
void vmx_host_state_save(struct vmx_vcpu *vmx);
void vmx_host_state_restore(struct vmx_vcpu *vmx);

/* vmx_host_off.c: begin and end of a burst */
void vmx_host_features_off(struct vmx_vcpu *vmx);
void vmx_host_features_on(struct vmx_vcpu *vmx);
bool vmx_host_allows_split_locks(struct vmx_vcpu *vmx);
bool vmx_host_has_pebs(void);

/* vmx_vcpu.c */
struct myhv_vcpu *vmx_vcpu_alloc(struct myhv_vm *vm);
void vmx_vcpu_free(struct myhv_vcpu *vcpu);
void vmx_vcpu_reset(struct myhv_vcpu *vcpu, bool init);
void vmx_cpuid_changed(struct myhv_vcpu *vcpu);
void vmx_fields_flush(struct vmx_vcpu *vmx);
void vmx_controls_init(struct vmx_vcpu *vmx); /* all of them, and VMX_DIRTY_ALL */
void vmx_controls2_update(struct vmx_vcpu *vmx);
void vmx_timer_update(struct vmx_vcpu *vmx);
void vmx_pml_switch(struct vmx_vcpu *vmx);
void vmx_pml_drain(struct vmx_vcpu *vmx);
void vmx_tsc_update(struct myhv_vcpu *vcpu);
void vmx_debug_update(struct myhv_vcpu *vcpu);
void vmx_debug_live(struct myhv_vcpu *vcpu, bool live);

/* vmx_regs.c */
void vmx_regs_fetch(struct myhv_vcpu *vcpu, u32 groups);
void vmx_insn_context(const struct myhv_vcpu *vcpu, struct insn_context *c);
void vmx_regs_commit(struct myhv_vcpu *vcpu, u32 groups);

/* vmx_apic.c: TPR shadow, APIC virtualization, posted interrupts */
int vmx_apic_vm_init(struct myhv_vm *vm);
void vmx_apic_vm_destroy(struct myhv_vm *vm);
int vmx_apic_alloc(struct vmx_vcpu *vmx);
void vmx_apic_free(struct vmx_vcpu *vmx);
u32 vmx_apic_proc(const struct vmx_vcpu *vmx, u32 proc);
u32 vmx_apic_proc2(struct vmx_vcpu *vmx, u32 proc2);
void vmx_apic_constants(struct vmx_vcpu *vmx);
void vmx_apic_flush(struct vmx_vcpu *vmx, u32 dirty);
void vmx_apic_bitmap_init(void *bitmap);
void vmx_tpr_threshold(struct myhv_vcpu *vcpu, u8 class);
void vmx_lapic_changed(struct myhv_vcpu *vcpu);
void vmx_lapic_requested(struct myhv_vcpu *vcpu);
u32 *vmx_posted_requests(struct myhv_vcpu *vcpu);
void vmx_posted_notify(int cpu);
bool vmx_apic_page_fault(struct myhv_vcpu *vcpu, u64 gpa, enum exit_action *action);
enum exit_action vmx_apic_access(struct myhv_vcpu *vcpu);
enum exit_action vmx_apic_write(struct myhv_vcpu *vcpu);
enum exit_action vmx_apic_eoi(struct myhv_vcpu *vcpu);

/* vmx_msr.c */
int vmx_msr_get(struct myhv_vcpu *vcpu, u32 index, u64 *value);
int vmx_msr_set(struct myhv_vcpu *vcpu, u32 index, u64 value);
void vmx_msr_bitmap_init(void *bitmap);
void vmx_msr_filter_changed(struct myhv_vcpu *vcpu); /* vmx_vcpu.c */
void vmx_msr_bitmap_set(void *bitmap, u32 index, bool read, bool write);
void vmx_msrs_load(struct vmx_vcpu *vmx);
void vmx_msrs_unload(struct vmx_vcpu *vmx);
void vmx_msrs_efer_changed(struct vmx_vcpu *vmx);

/* vmx_run.c */
void vmx_burst_begin(struct myhv_vcpu *vcpu);
void vmx_burst_end(struct myhv_vcpu *vcpu);
void vmx_enter(struct myhv_vcpu *vcpu);

/* vmx_event.c */
void vmx_event_program(struct vmx_vcpu *vmx);
void vmx_event_requeue(struct vmx_vcpu *vmx);
bool vmx_is_soft_event(u32 info);
bool vmx_is_fault(u32 info);
u32 vmx_shadow_get(struct myhv_vcpu *vcpu);
void vmx_shadow_set(struct myhv_vcpu *vcpu, u32 shadow);
bool vmx_nmi_blocked_get(struct myhv_vcpu *vcpu);
void vmx_nmi_blocked_set(struct myhv_vcpu *vcpu, bool blocked);
void vmx_irq_window(struct myhv_vcpu *vcpu, bool on);
void vmx_nmi_window(struct myhv_vcpu *vcpu, bool on);

/* vmx_exit.c */
bool vmx_exit_read(struct vmx_vcpu *vmx);
bool vmx_exit_cut_iret(const struct vmx_vcpu *vmx);
enum exit_action vmx_handle_exit(struct myhv_vcpu *vcpu);
void vmx_exit_info(struct myhv_vcpu *vcpu, u64 *reason, u64 info[2]);
const char *vmx_exit_name(u32 code);

/* vmx_report.c */
void vmx_report_failure(struct vmx_vcpu *vmx);

#endif /* __ASSEMBLY__ */
#endif /* MYHV_VMX_H */
