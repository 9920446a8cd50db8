/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD-V: the VMCB and what the files of this folder share.
 *
 * APM volume 2, appendix "Layout of VMCB": the control area in the first KiB, the
 * state save area behind it.
 */
#ifndef MYHV_SVM_H
#define MYHV_SVM_H

#include <linux/percpu.h>
#include "core/vcpu.h"

/* CPUID 8000_000A EDX */
#define SVM_CPUID_NP BIT(0)
#define SVM_CPUID_NRIPS BIT(3)
#define SVM_CPUID_TSC_RATE_MSR BIT(4)
#define SVM_CPUID_VMCB_CLEAN BIT(5)
#define SVM_CPUID_FLUSH_BY_ASID BIT(6)
#define SVM_CPUID_DECODE_ASSISTS BIT(7)
#define SVM_CPUID_PAUSE_FILTER BIT(10)
#define SVM_CPUID_PAUSE_THRESHOLD BIT(12)

#define SVM_VM_CR_LOCK BIT_ULL(3)
#define SVM_VM_CR_SVMDIS BIT_ULL(4)

#define SVM_TSC_RATIO_FRAC_BITS 32
#define SVM_TSC_RATIO_ONE BIT_ULL(SVM_TSC_RATIO_FRAC_BITS)

/* ---- the VMCB ---- */

struct vmcb_control {
	u16 cr_read;
	u16 cr_write;
	u16 dr_read;
	u16 dr_write;
	u32 exceptions;
	u32 misc1; /* SVM_I1_* */
	u32 misc2; /* SVM_I2_* */
	u32 misc3;
	u8 reserved_018[0x3c - 0x18];
	u16 pause_threshold;
	u16 pause_count;
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control; /* SVM_TLB_* */
	u8 reserved_05d[3];
	u32 vintr; /* SVM_VINTR_* */
	u8 vintr_vector;
	u8 reserved_065[3];
	u64 shadow; /* bit 0: interrupt shadow */
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info; /* format of event_inj */
	u64 nested_ctl;
	u8 reserved_098[0x10];
	u64 event_inj; /* SVM_EVENT_* */
	u64 nested_cr3;
	u64 lbr_ctl;
	u32 clean; /* SVM_CLEAN_* */
	u32 reserved_0c4;
	u64 next_rip;
	u8 insn_len;
	u8 insn_bytes[15];
	u8 reserved_0e0[0x400 - 0xe0];
} __packed;

struct vmcb_segment {
	u16 selector;
	u16 attrib;
	u32 limit;
	u64 base;
};

struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_0a0[0xcb - 0xa0];
	u8 cpl;
	u32 reserved_0cc;
	u64 efer;
	u8 reserved_0d8[0x148 - 0xd8];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 reserved_180[0x1d8 - 0x180];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst_addr;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 reserved_248[0x268 - 0x248];
	u64 g_pat;
	u64 debugctl;
	u64 br_from;
	u64 br_to;
	u64 last_exc_from;
	u64 last_exc_to;
	u8 reserved_298[0xc00 - 0x298];
} __packed;

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
} __aligned(4096);

static_assert(offsetof(struct vmcb_control, iopm_pa) == 0x40);
static_assert(offsetof(struct vmcb_control, vintr) == 0x60);
static_assert(offsetof(struct vmcb_control, exit_code) == 0x70);
static_assert(offsetof(struct vmcb_control, event_inj) == 0xa8);
static_assert(offsetof(struct vmcb_control, clean) == 0xc0);
static_assert(sizeof(struct vmcb_control) == 0x400);
static_assert(offsetof(struct vmcb_save, efer) == 0xd0);
static_assert(offsetof(struct vmcb_save, cr4) == 0x148);
static_assert(offsetof(struct vmcb_save, rsp) == 0x1d8);
static_assert(offsetof(struct vmcb_save, rax) == 0x1f8);
static_assert(offsetof(struct vmcb_save, cr2) == 0x240);
static_assert(offsetof(struct vmcb_save, g_pat) == 0x268);
static_assert(sizeof(struct vmcb) == 4096);

/* Intercepts of the word at 0Ch */
#define SVM_I1_INTR BIT(0)
#define SVM_I1_NMI BIT(1)
#define SVM_I1_SMI BIT(2)
#define SVM_I1_INIT BIT(3)
#define SVM_I1_VINTR BIT(4)
#define SVM_I1_CR0_SEL BIT(5)
#define SVM_I1_RDPMC BIT(15)
#define SVM_I1_CPUID BIT(18)
#define SVM_I1_IRET BIT(20)
#define SVM_I1_INVD BIT(22)
#define SVM_I1_PAUSE BIT(23)
#define SVM_I1_HLT BIT(24)
#define SVM_I1_INVLPGA BIT(26)
#define SVM_I1_IOIO BIT(27)
#define SVM_I1_MSR BIT(28)
#define SVM_I1_TASK_SWITCH BIT(29)
#define SVM_I1_SHUTDOWN BIT(31)

/* ... and of the one at 10h */
#define SVM_I2_VMRUN BIT(0)
#define SVM_I2_VMMCALL BIT(1)
#define SVM_I2_VMLOAD BIT(2)
#define SVM_I2_VMSAVE BIT(3)
#define SVM_I2_STGI BIT(4)
#define SVM_I2_CLGI BIT(5)
#define SVM_I2_SKINIT BIT(6)
#define SVM_I2_RDTSCP BIT(7)
#define SVM_I2_WBINVD BIT(9)
#define SVM_I2_MONITOR BIT(10)
#define SVM_I2_MWAIT BIT(11)
#define SVM_I2_XSETBV BIT(13)
#define SVM_I2_RDPRU BIT(14)

#define SVM_VINTR_TPR_MASK 0xfu
#define SVM_VINTR_IRQ BIT(8)
#define SVM_VINTR_PRIO_MAX (0xfu << 16)
#define SVM_VINTR_IGN_TPR BIT(20)
#define SVM_VINTR_MASKING BIT(24)

#define SVM_TLB_KEEP 0
#define SVM_TLB_FLUSH_ALL 1  /* every ASID, the host's too */
#define SVM_TLB_FLUSH_ASID 3 /* with FlushByASID */

#define SVM_NESTED_NP BIT_ULL(0)

#define SVM_EVENT_VECTOR_MASK 0xffu
#define SVM_EVENT_TYPE_SHIFT 8
#define SVM_EVENT_TYPE_MASK 0x700u
#define SVM_EVENT_INTR (0u << SVM_EVENT_TYPE_SHIFT)
#define SVM_EVENT_NMI (2u << SVM_EVENT_TYPE_SHIFT)
#define SVM_EVENT_EXCEPTION (3u << SVM_EVENT_TYPE_SHIFT)
#define SVM_EVENT_SOFT (4u << SVM_EVENT_TYPE_SHIFT)
#define SVM_EVENT_HAS_ERROR BIT(11)
#define SVM_EVENT_VALID BIT(31)

/* What the CPU may keep from the last entry; a bit is cleared when memory changed. */
#define SVM_CLEAN_INTERCEPTS BIT(0)
#define SVM_CLEAN_PERM_MAPS BIT(1)
#define SVM_CLEAN_ASID BIT(2)
#define SVM_CLEAN_VINTR BIT(3)
#define SVM_CLEAN_NP BIT(4) /* nested CR3, G_PAT */
#define SVM_CLEAN_CR BIT(5)
#define SVM_CLEAN_DR BIT(6)
#define SVM_CLEAN_DT BIT(7)
#define SVM_CLEAN_SEG BIT(8)
#define SVM_CLEAN_CR2 BIT(9)
#define SVM_CLEAN_LBR BIT(10)
#define SVM_CLEAN_ALL 0x7ffu

/* Exit codes; APM appendix "SVM Intercept Exit Codes" */
#define SVM_EXIT_CR0_READ 0x00
#define SVM_EXIT_CR0_WRITE 0x10
#define SVM_EXIT_DR0_READ 0x20
#define SVM_EXIT_DR0_WRITE 0x30
#define SVM_EXIT_EXCEPTION 0x40
#define SVM_EXIT_INTR 0x60
#define SVM_EXIT_NMI 0x61
#define SVM_EXIT_SMI 0x62
#define SVM_EXIT_INIT 0x63
#define SVM_EXIT_VINTR 0x64
#define SVM_EXIT_CR0_SEL_WRITE 0x65
#define SVM_EXIT_RDTSC 0x6e
#define SVM_EXIT_RDPMC 0x6f
#define SVM_EXIT_CPUID 0x72
#define SVM_EXIT_IRET 0x74
#define SVM_EXIT_INVD 0x76
#define SVM_EXIT_PAUSE 0x77
#define SVM_EXIT_HLT 0x78
#define SVM_EXIT_INVLPG 0x79
#define SVM_EXIT_INVLPGA 0x7a
#define SVM_EXIT_IOIO 0x7b
#define SVM_EXIT_MSR 0x7c
#define SVM_EXIT_TASK_SWITCH 0x7d
#define SVM_EXIT_SHUTDOWN 0x7f
#define SVM_EXIT_VMRUN 0x80
#define SVM_EXIT_VMMCALL 0x81
#define SVM_EXIT_VMLOAD 0x82
#define SVM_EXIT_VMSAVE 0x83
#define SVM_EXIT_STGI 0x84
#define SVM_EXIT_CLGI 0x85
#define SVM_EXIT_SKINIT 0x86
#define SVM_EXIT_RDTSCP 0x87
#define SVM_EXIT_WBINVD 0x89
#define SVM_EXIT_MONITOR 0x8a
#define SVM_EXIT_MWAIT 0x8b
#define SVM_EXIT_MWAIT_ARMED 0x8c
#define SVM_EXIT_XSETBV 0x8d
#define SVM_EXIT_RDPRU 0x8e
#define SVM_EXIT_NPF 0x400
#define SVM_EXIT_INVALID 0xffffffffu /* the upper half differs between CPUs */

/*
 * Rows of the exit table beyond the architectural codes, which all fit below
 * them but for nested page faults and the failures.
 */
#define SVM_ROW_NPF 0xf0
#define SVM_ROW_OFF 0xfd /* ours: virtualization was switched off under the VM */
#define SVM_ROW_OTHER 0xfe
#define SVM_ROW_INVALID 0xff

/* EXITINFO1 of IOIO */
#define SVM_IOIO_IN BIT(0)
#define SVM_IOIO_STRING BIT(2)
#define SVM_IOIO_SIZE_SHIFT 4 /* three bits, one of which is set */
#define SVM_IOIO_PORT_SHIFT 16

/* EXITINFO2 of a task switch; the low half is an error code */
#define SVM_TASK_IRET BIT_ULL(36)
#define SVM_TASK_JMP BIT_ULL(38)
#define SVM_TASK_HAS_ERROR BIT_ULL(44)
#define SVM_TASK_RF BIT_ULL(48)

/* EXITINFO1 of a nested page fault, beside the PFERR_* bits */
#define SVM_NPF_IN_WALK BIT_ULL(33)

#define SVM_MSRPM_BYTES 8192
#define SVM_MSRPM_ORDER 1
#define SVM_IOPM_BYTES 12288
#define SVM_IOPM_ORDER 2

/* ---- per CPU ---- */

/**
 * struct svm_cpu - AMD-V on one CPU
 * @enabled: we switched it on; IRQs off to change, and to rely on across an entry
 * @asid_generation: raised when the ASIDs are used up and the TLB is flushed
 * @next_asid: the next one of this generation
 * @flush_all: the first entry of the generation flushes every ASID
 * @host_vmcb_pa: where VMSAVE puts the host's FS, GS, TR, LDTR and SYSCALL state
 * @hsave: @host_vmcb: the pages
 */
struct svm_cpu {
	bool enabled;
	bool flush_all;
	u32 next_asid;
	u64 asid_generation;
	u64 host_vmcb_pa;
	struct page *hsave;
	struct page *host_vmcb;
};
DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/* ---- module-wide, set at load ---- */

/**
 * struct svm_global
 * @cpuid: CPUID 8000_000A EDX
 * @features: MYHV_CPU_FEATURE_*
 * @max_asid: the highest
 * @iopm: all ones: every port exits; as a (shorter) MSR permission map: every MSR
 * @msrpm: the MSR permission map of all vCPUs without a filter
 */
struct svm_global {
	u32 cpuid;
	u32 max_asid;
	u64 features;
	void *iopm;
	void *msrpm;
	u64 iopm_pa;
	u64 msrpm_pa;
};
extern struct svm_global svm_global;

/* ---- the vCPU ---- */

/**
 * struct svm_vcpu - vCPU thread only
 * @vcpu: the neutral one
 * @vmcb: its page; @vmcb_pa its address
 * @asid_cpu: CPU that @vmcb's ASID was given on, -1: none
 * @asid_generation: of that CPU at that time
 * @exit_row: of the exit table, for the last exit
 * @v_tpr: as it was in the VMCB at the last entry: @vcpu.hw_tpr's upper half
 * @cr0_hidden: CR0 bits of the guest's view that the CPU must not see (CD, NW)
 * @cr4_mce: the guest's CR4.MCE; the CPU's is always set
 * @nmi_blocked: between NMI and the end of its IRET
 * @nmi_window: an exit is wanted when an NMI can be taken
 * @nmi_iret: the IRET was seen at @nmi_iret_rip and has not completed
 * @nmi_step: single-stepping is for the NMI window
 * @step: somebody may want single steps: look at it before every entry
 * @forced_tf: RFLAGS.TF, when it is set by us and not by the guest
 */
struct svm_vcpu {
	struct myhv_vcpu vcpu;
	struct vmcb *vmcb;
	u64 vmcb_pa;
	int asid_cpu;
	u64 asid_generation;
	u8 exit_row;
	u8 v_tpr;
	u64 cr0_hidden;
	u64 cr4_mce;
	bool nmi_blocked;
	bool nmi_window;
	bool nmi_iret;
	bool nmi_step;
	bool step;
	u64 nmi_iret_rip;
	u64 forced_tf;
};

static inline struct svm_vcpu *to_svm(struct myhv_vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

static inline bool svm_has(u64 feature)
{
	return svm_global.features & feature;
}

/* Memory of the VMCB behind these clean bits changed. */
static inline void svm_touch(struct svm_vcpu *svm, u32 clean_bits)
{
	svm->vmcb->control.clean &= ~clean_bits;
}

/* svm_enter.S: all interrupts are off around it; see there */
void svm_vmrun(u64 vmcb_pa, u64 *gpr, u64 host_vmcb_pa);

/* svm_vcpu.c */
struct myhv_vcpu *svm_vcpu_alloc(struct myhv_vm *vm);
void svm_vcpu_free(struct myhv_vcpu *vcpu);
void svm_vcpu_reset(struct myhv_vcpu *vcpu, bool init);
void svm_cpuid_changed(struct myhv_vcpu *vcpu);
void svm_regs_fetch(struct myhv_vcpu *vcpu, u32 groups);
void svm_insn_context(const struct myhv_vcpu *vcpu, struct insn_context *c);
void svm_regs_commit(struct myhv_vcpu *vcpu, u32 groups);
int svm_msr_get(struct myhv_vcpu *vcpu, u32 index, u64 *value);
int svm_msr_set(struct myhv_vcpu *vcpu, u32 index, u64 value);
void svm_msr_filter_changed(struct myhv_vcpu *vcpu);
void svm_tsc_update(struct myhv_vcpu *vcpu);
void svm_debug_update(struct myhv_vcpu *vcpu);
void svm_debug_live(struct myhv_vcpu *vcpu, bool live);
void svm_control_init(struct svm_vcpu *svm);
void svm_cr_intercepts_update(struct svm_vcpu *svm);
void svm_msrpm_set(void *msrpm, u32 index, bool read, bool write);

/* svm_run.c */
void svm_burst_begin(struct myhv_vcpu *vcpu);
void svm_burst_end(struct myhv_vcpu *vcpu);
void svm_enter(struct myhv_vcpu *vcpu);

/* svm_event.c */
void svm_event_program(struct svm_vcpu *svm);
void svm_event_requeue(struct svm_vcpu *svm);
void svm_step_update(struct svm_vcpu *svm);
void svm_step_program(struct svm_vcpu *svm);
u64 svm_step_finish(struct svm_vcpu *svm, u64 dr6_bits);
void svm_nmi_iret_check(struct svm_vcpu *svm);
void svm_nmi_iret_seen(struct svm_vcpu *svm);
u32 svm_shadow_get(struct myhv_vcpu *vcpu);
void svm_shadow_set(struct myhv_vcpu *vcpu, u32 shadow);
bool svm_nmi_blocked_get(struct myhv_vcpu *vcpu);
void svm_nmi_blocked_set(struct myhv_vcpu *vcpu, bool blocked);
void svm_irq_window(struct myhv_vcpu *vcpu, bool on);
void svm_tpr_threshold(struct myhv_vcpu *vcpu, u8 class);
void svm_tpr_changed(struct myhv_vcpu *vcpu, u8 tpr);
void svm_tpr_seen(struct svm_vcpu *svm);
void svm_nmi_window(struct myhv_vcpu *vcpu, bool on);

/* Row of the exit table. The architectural codes that we know of end far below our own rows. */
static inline u8 svm_exit_row(u32 code)
{
	if (likely(code < SVM_ROW_NPF))
		return code;
	if (code == SVM_EXIT_NPF)
		return SVM_ROW_NPF;
	return code == SVM_EXIT_INVALID ? SVM_ROW_INVALID : SVM_ROW_OTHER;
}

bool svm_is_soft_event(u64 info);

/* svm_exit.c */
enum exit_action svm_handle_exit(struct myhv_vcpu *vcpu);
void svm_exit_info(struct myhv_vcpu *vcpu, u64 *reason, u64 info[2]);
const char *svm_exit_name(u32 code);

#endif /* MYHV_SVM_H */
