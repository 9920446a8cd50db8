/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU. Only the thread inside MYHV_VCPU_RUN (it holds @mutex) touches
 * the registers and the event state; other threads post work through @requests, the LAPIC's
 * IRR and vcpu_kick().
 */
#ifndef MYHV_CORE_VCPU_H
#define MYHV_CORE_VCPU_H

#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/signal_types.h>
#include "myhv.h"
#include "backend.h"
#include "event.h"
#include "msr_policy.h"
#include "x86_mov.h"
#include "core/insn_fetch.h"
#include "core/vm.h"

struct chip_lapic;
struct guest_cpuid;
struct synic;

/* The run area, a page each: user space's, exit record, state, port I/O data, the VM's ring. */
#define VCPU_RUN_PAGES 5

#define MSR_HINTS 8

/* vcpu->mode: who must be told, and how, that there is work. */
enum vcpu_mode {
	VCPU_OUTSIDE,	/* user space, or handling an exit: will look before entry */
	VCPU_IN_GUEST,	/* from "IRQs off, looked at requests" to after the exit: send an IPI */
	VCPU_HALTED,	/* blocked in HLT or wait-for-SIPI: wake it */
};

/* vcpu->requests: bits, set by any thread, then vcpu_kick(). */
#define VCPU_REQ_KICK 0		/* return EINTR to user space */
#define VCPU_REQ_NMI 1		/* deliver an NMI */
#define VCPU_REQ_EVENT 2	/* look at the interrupt controllers again */
#define VCPU_REQ_CLOCK 3	/* write the paravirtual clock page again */
#define VCPU_REQ_INIT 4		/* LAPIC received INIT */
#define VCPU_REQ_SIPI 5		/* ... SIPI, vector in lapic */
#define VCPU_REQ_TRIPLE_FAULT 6
#define VCPU_REQ_EXIT_EOI 7	/* split irqchip: report an EOI, vector in @pending_eoi */
#define VCPU_REQ_DEAD 8		/* the VM is broken */
#define VCPU_REQ_UNHALT 9	/* KVM_HC_KICK_CPU: end the HLT under way, or the next one */
#define VCPU_REQ_STEPPED 10	/* the debugger's single step is over */
#define VCPU_REQ_PV_EOI 11	/* the guest's PV EOI word was not in memory */
#define VCPU_REQ_MSR_FILTER 12	/* look at vm->msr_filter again */
#define VCPU_REQ_DIRTY_FULL 13	/* @dirty has reached its limit */
#define VCPU_REQ_STIMER 14	/* synic_work() */
#define VCPU_REQ_YIELD 15	/* its guest spins: vcpu_yield() */

/**
 * struct vcpu_regs - the neutral copy of the registers
 * @valid: groups whose copy here is current
 * @dirty: groups changed here, committed to the hardware at the next entry
 *
 * Use vcpu_regs() before reading a group and vcpu_regs_dirty() before changing one.
 */
struct vcpu_regs {
	u32 valid;
	u32 dirty;
	struct myhv_state_general general;
	struct myhv_state_segments segments;
	struct myhv_state_control control;
	struct myhv_state_debug debug;
};

enum { INSN_BYTES_MAX = 15 };

/* What is left to do of an exit that went to user space; exit/io.c, exit/mmio.c, ... */
typedef enum exit_action (*vcpu_complete_fn)(struct myhv_vcpu *vcpu);

/* Device accesses of the instruction under emulation that are done; exit/emulate.c. */
#define EMU_LOG_ENTRIES 16
struct emu_access {
	u64 gpa;
	u8 size;
	bool is_write;
	u8 data[8];
};

struct myhv_vcpu {
	/* identity: never changed */
	struct myhv_vm *vm;
	u32 id; /* APIC id */
	struct page *run_pages[VCPU_RUN_PAGES];
	struct myhv_run_page *run_page; /* page 0: read with READ_ONCE, never written */
	struct myhv_exit *exit;		/* page 1 */
	struct myhv_vcpu_state *state;	/* page 2 */
	void *data;			/* page 3: port I/O */
	struct vcpu_introspect *introspect;
	struct myhv_vcpu_state *state_copy; /* of @state, which user space may change
					     * under us; NULL until core/run.c needs it */

	/* one thread at a time: MYHV_VCPU_RUN and the state ioctls */
	struct mutex mutex;

	/* any thread */
	unsigned long requests;
	enum vcpu_mode mode;
	int running_cpu; /* valid while @mode is VCPU_IN_GUEST */
	struct rcuwait wait;
	struct task_struct __rcu *runner; /* in MYHV_VCPU_RUN */

	/* vCPU thread: architectural state */
	struct vcpu_regs regs;
	struct vcpu_msrs msrs;
	struct event_state event;
	u32 mp_state; /* MYHV_MP_*; written by the vCPU thread, read by others */
	struct {
		u64 offset;
		u64 ratio; /* 0: not scaled */
		u32 khz;
	} tsc;
	struct {
		u32 flags; /* MYHV_DEBUG_* */
		u64 dr[8];
	} guest_debug;
	bool has_sigmask;
	sigset_t sigmask; /* blocked while it runs, if @has_sigmask */
	struct guest_cpuid *cpuid; /* model/cpuid_policy.h */
	struct chip_lapic *lapic;  /* NULL without a LAPIC in the kernel */
	struct synic *synic;	   /* NULL until it is asked for; chip/synic.c */
	u8 pending_eoi;
	bool has_run;
	bool pv_eoi_offered;	/* exit/pv_eoi.c */
	bool pv_unhalted;	/* kicked before its HLT, see VCPU_REQ_UNHALT */
	bool pv_strict;		/* MYHV_PROP_VCPU_PV_STRICT */
	bool clock_stopped;	/* to be told by the next write of the clock page */
	bool msr_filtered;	/* vm->msr_filter is not NULL: every MSR access exits */
	bool user_irqs;	       /* no PIC in the kernel: user space may inject; never changed */
	bool user_irq_pending; /* MYHV_VCPU_INTERRUPT waits */
	u8 user_irq_vector;

	/* vCPU thread: pages it has made dirty, for MYHV_VCPU_DIRTY_LIST; core/dirty_log.c */
	struct {
		u64 *pages; /* @room and DIRTY_LIST_MORE of them; NULL: no list */
		u32 room;
		u32 count;
		u32 limit;
	} dirty;

	/* vCPU thread: extended state, host/fpu.c */
	struct {
		void *guest;	 /* XSAVE area, 64-byte aligned, standard format */
		u32 bytes;
		u64 xcr0;
		u64 xss;
		u32 pkru;
		bool swap_pkru;	 /* the guest can see PKRU */
	} fpu;

	/* vCPU thread: the burst and the exit under way */
	struct slat_cache slat_cache; /* tables for faults inside a burst */
	bool in_burst;
	bool hw_exit_intr;	/* the last exit was a host interrupt (or NMI) */
	bool in_shadow;		/* backend->shadow_get() would not say 0 */
	int last_cpu;		/* where the last burst ran, -1: nowhere */
	u64 slat_gen;		/* vm->slat.flush_gen last flushed for */
	bool tlb_flush;		/* flush the guest's linear translations at entry */
	bool l1d_stale;		/* memory that is not the guest's may have been read */
	struct event inject;	/* for the next entry; type EVENT_NONE: nothing */
	struct event soft;	/* INT n, INT3 or INTO under injection; EVENT_NONE: none */
	u64 soft_rip;		/* RIP before it */
	u64 tsc_aux;		/* what MSR_TSC_AUX holds in this burst */
	struct {
		u64 dr[4];	/* the guest's DR0 to DR3 */
		u64 dr7;	/* and DR7, but while @live */
		u64 host[4];	/* the host's, while the guest's are in the CPU */
		bool live;	/* the guest owns them: its accesses do not exit */
		bool load;	/* they must be in the CPU while the guest runs */
	} drs;
	bool irq_window_on;	/* what backend->irq_window was told last */
	bool nmi_window_on;
	u8 hw_tpr;		/* the CPU's copy of the task priority, see backend->tpr_changed */
	u8 irr_held;		/* class of a request that the task priority holds back, or 0 */
	u8 tpr_threshold;	/* what backend->tpr_threshold was told last */
	u64 deadline_tsc;	/* with PREEMPTION_TIMER: guest TSC when the LAPIC's timer is due,
				 * 0: the host's timer sees to it */
	u32 port_data;		/* what a device takes of an OUT, or gives for an IN */
	const struct msr_rule *msr_hints[MSR_HINTS]; /* found last, by hash of the index */
	u16 iobus_hint[2];	/* range that was accessed last: of pio_bus, of mmio_bus */
	long run_result;	/* of MYHV_VCPU_RUN with EXIT_TO_USER */
	bool run_again;		/* MYHV_EXIT_AGAIN */
	vcpu_complete_fn complete;
	struct {
		u8 bytes[INSN_FETCH_BYTES] __aligned(8);
		u8 nr_bytes;	/* given by the hardware, 0: none */
		u64 next_rip;	/* given by the hardware, 0: not known */
	} insn;
	struct insn_page insn_pages[INSN_FETCH_PAGES];
	struct {
		u64 gpa;
		u8 size;
		u8 length;	/* of the instruction */
		bool is_read;
		u64 rip;
		struct x86_mov mov; /* exit/mmio.c */
	} pending;		/* what vcpu->complete must know; user space owns vcpu->exit */
	struct {
		struct emu_access log[EMU_LOG_ENTRIES];
		u8 nr_done;	/* accesses in @log that are complete */
		u8 next;	/* replay position */
		struct x86_emulate_ctx *ctx; /* exit/emulate.c */
	} emu;

	/* statistics: written by the vCPU thread, read any time */
	struct {
		u64 exits;
		u64 user_exits;
		u64 halts;
		u64 injections;
		u64 faults;
		u64 by_reason[256]; /* index: the backend's exit_name() code */
	} stat;
};

/* ---- registers: vCPU thread ---- */

/* Make the neutral copy of @groups current. */
static inline struct vcpu_regs *vcpu_regs(struct myhv_vcpu *vcpu, u32 groups)
{
	u32 missing = groups & ~vcpu->regs.valid;

	if (missing) {
		backend->regs_fetch(vcpu, missing);
		vcpu->regs.valid |= missing;
	}
	return &vcpu->regs;
}

/* The same, and announce that @groups will be changed. */
static inline struct vcpu_regs *vcpu_regs_dirty(struct myhv_vcpu *vcpu, u32 groups)
{
	vcpu_regs(vcpu, groups);
	vcpu->regs.dirty |= groups;
	return &vcpu->regs;
}

/*
 * RIP and the GPRs are always valid after an exit and always committed at entry:
 * no bookkeeping for them.
 */
static inline u64 *vcpu_gpr(struct myhv_vcpu *vcpu, unsigned int nr)
{
	return &vcpu->regs.general.gpr[nr];
}

/* 32-bit halves, zero-extended on write as the CPU does it. */
static inline u32 vcpu_gpr32(struct myhv_vcpu *vcpu, unsigned int nr)
{
	return (u32)vcpu->regs.general.gpr[nr];
}

static inline u64 vcpu_edx_eax(struct myhv_vcpu *vcpu)
{
	return (u64)vcpu_gpr32(vcpu, MYHV_RDX) << 32 | vcpu_gpr32(vcpu, MYHV_RAX);
}

/* ---- for the backends ---- */

static inline bool debugger_has_drs(const struct myhv_vcpu *vcpu)
{
	return vcpu->guest_debug.flags & MYHV_DEBUG_HW_BP;
}

/* DR7 that is in force, but while the guest owns it. */
static inline u64 vcpu_dr7(const struct myhv_vcpu *vcpu)
{
	return debugger_has_drs(vcpu) ? vcpu->guest_debug.dr[7] : vcpu->drs.dr7;
}

/* Must DR0 to DR3 be in the CPU? Bits 7:0 of DR7 enable the four breakpoints. */
static inline void vcpu_drs_update(struct myhv_vcpu *vcpu)
{
	vcpu->drs.load = vcpu->drs.live || (vcpu_dr7(vcpu) & 0xff);
}

/*
 * Exceptions that must exit. #DB and #AC are always seen: a guest can make their delivery raise
 * them again, and that loop takes no interrupts. #MC is the host's.
 */
static inline u32 vcpu_exceptions_seen(const struct myhv_vcpu *vcpu)
{
	return BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC) |
	       (vcpu->guest_debug.flags & MYHV_DEBUG_SW_BP ? BIT(X86_TRAP_BP) : 0) |
	       (vcpu->vm->sees_ud ? BIT(X86_TRAP_UD) : 0);
}

/*
 * Does a change by us of these bits of CR0, CR4 and EFER drop translations, as the guest's own
 * write would? SDM "Operations that Invalidate TLBs and Paging-Structure Caches".
 */
static inline bool vcpu_paging_changed(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE)) ||
	       (cr4 & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_SMEP | X86_CR4_SMAP |
		       X86_CR4_PCIDE | X86_CR4_PKE | X86_CR4_LA57)) ||
	       (efer & (EFER_NX | EFER_LME));
}

#define MSR_PAT_RESET 0x0007040600070406ULL

/* ---- core/vcpu.c ---- */
int vcpu_create(struct myhv_vm *vm, u32 id); /* returns a descriptor */
void vcpu_destroy(struct myhv_vcpu *vcpu);
/* Registers as after RESET or INIT (SDM "Processor State After Reset"). */
void vcpu_reset(struct myhv_vcpu *vcpu, bool init);

/* ---- core/kick.c: any context, any thread ---- */

/* Let the vCPU notice requests or a new interrupt: IPI, wake up, or nothing. */
void vcpu_kick(struct myhv_vcpu *vcpu);
/* The same for a request that the CPU can take in guest mode (backend->posted_requests). */
void vcpu_kick_posted(struct myhv_vcpu *vcpu);
/* set_bit() + vcpu_kick() */
void vcpu_request(struct myhv_vcpu *vcpu, unsigned int req);
/* On return no vCPU of @vm runs guest code with what was in force before. IRQs on. */
void vm_kick_all_sync(struct myhv_vm *vm);

static inline bool vcpu_test_and_clear_request(struct myhv_vcpu *vcpu, unsigned int req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* pairs with smp_mb__before_atomic() in vcpu_request(): see what came with it */
	smp_mb__after_atomic();
	return true;
}

/* ---- core/yield.c: vCPU thread ---- */
/* [burst] Is there a vCPU that vcpu_yield() might help? */
bool vcpu_may_yield(struct myhv_vcpu *vcpu);
/* [sleep] Lets another vCPU of the VM run, if one waits for a CPU. */
void vcpu_yield(struct myhv_vcpu *vcpu);

/* ---- core/run.c ---- */
long vcpu_run(struct myhv_vcpu *vcpu); /* vcpu->mutex held */

/* ---- core/state.c: register groups for user space; vcpu->mutex held ---- */
/* Copy groups to and from kernel memory; set checks all before it changes any. */
int vcpu_state_get(struct myhv_vcpu *vcpu, u32 groups, struct myhv_vcpu_state *state);
int vcpu_state_set(struct myhv_vcpu *vcpu, u32 groups, const struct myhv_vcpu_state *state);

/* ---- guest mode predicates; vCPU thread ---- */
enum cpu_mode { CPU_REAL, CPU_V86, CPU_PROT16, CPU_PROT32, CPU_LONG64 };
enum cpu_mode vcpu_cpu_mode(struct myhv_vcpu *vcpu);
u8 vcpu_cpl(struct myhv_vcpu *vcpu);

#endif /* MYHV_CORE_VCPU_H */
