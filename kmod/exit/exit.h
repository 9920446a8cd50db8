/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decisions about exits, without hardware: a backend turns its exit code into
 * the neutral facts below and calls one of these. Every handler runs on the vCPU's
 * thread, first inside a burst; one that cannot finish there without sleeping has changed
 * nothing and answers EXIT_NEEDS_SLEEP.
 *
 * RIP: a handler that completes the instruction moves it with vcpu_skip_insn().
 * One that answers EXIT_TO_USER leaves the rest to vcpu->complete, called at the next run.
 */
#ifndef MYHV_EXIT_H
#define MYHV_EXIT_H

#include "core/vcpu.h"

/* ---- exit/insn.c: the instruction at RIP ---- */

/*
 * Length of the instruction that exited: from vcpu->insn.next_rip when the hardware
 * gave it, else fetched and decoded. Fills @insn when not NULL (then always decodes).
 * True with *@length; else *@action is to be returned (EXIT_NEEDS_SLEEP, or RESUME_GUEST after a
 * fault was queued).
 */
struct x86_insn;
bool insn_decode_current(struct myhv_vcpu *vcpu, struct x86_insn *insn, enum exit_action *action);

/* @bytes: 0 when @action is to be returned. By value: no local of a handler has an address. */
struct insn_extent {
	u32 bytes;
	enum exit_action action;
};
struct insn_extent insn_length_decode(struct myhv_vcpu *vcpu);
static __always_inline bool insn_length(struct myhv_vcpu *vcpu, u8 *length,
					enum exit_action *action)
{
	struct insn_extent e;

	if (unlikely(!vcpu->insn.next_rip)) {
		e = insn_length_decode(vcpu);
		*length = e.bytes;
		*action = e.action;
		return e.bytes;
	}
	*length = vcpu->insn.next_rip - vcpu->regs.general.rip;
	return true;
}
/* The mode that the instruction is executed in, and by which privilege level. */
enum x86_mode;
enum x86_mode insn_mode(struct myhv_vcpu *vcpu, unsigned int *cpl);
/* The first @len bytes at RIP and where they are; 0, -EAGAIN, or else they cannot be had. */
int insn_bytes(struct myhv_vcpu *vcpu, void *bytes, unsigned int len, u64 *linear);
/* RIP += length (with the mode's wrap), interrupt shadow and RF cleared, TF -> #DB queued. */
void insn_finish(struct myhv_vcpu *vcpu, u8 length);

/* ---- exit/inject.c: faults for the guest ---- */
void inject_exception(struct myhv_vcpu *vcpu, u8 vector);
void inject_exception_error(struct myhv_vcpu *vcpu, u8 vector, u32 error);
void inject_gp(struct myhv_vcpu *vcpu); /* #GP(0) */
void inject_ud(struct myhv_vcpu *vcpu);
void inject_pf(struct myhv_vcpu *vcpu, u64 cr2, u32 error);
void inject_db(struct myhv_vcpu *vcpu, u64 dr6_bits);

/*
 * [entry] The exit cut the delivery of @cut short. @soft: it is INT n, INT3, INTO or INT1: one that
 * the guest executed is executed again, as RIP still points at it; one that we injected
 * (vcpu->soft) waits, and RIP is what it was.
 */
void inject_again(struct myhv_vcpu *vcpu, const struct event *cut, bool soft);

/* MYHV_VCPU_MCE: 0 or -EINVAL; vcpu->mutex held */
int inject_mce(struct myhv_vcpu *vcpu, const struct myhv_mce *mce);

/* Does an interrupt controller, or user space, have an interrupt for the vCPU? */
bool inject_irq_waiting(struct myhv_vcpu *vcpu);

/*
 * [entry] Look at vcpu->event and the interrupt controllers, fill vcpu->inject and ask
 * for windows. false: do not enter (triple fault): end the burst and look again.
 */
bool inject_for_entry(struct myhv_vcpu *vcpu);
/* Has user space injected an interrupt that reaches the CPU? */
bool user_irq_waiting(struct myhv_vcpu *vcpu);

/* ---- exit/io.c ---- */

/* IN and OUT, @size 1, 2 or 4. INS and OUTS, with REP or without: emulate_current() */
enum exit_action exit_io(struct myhv_vcpu *vcpu, u16 port, u8 size, bool is_in);

/* ---- exit/mmio.c: second-level faults ---- */

/**
 * struct slat_violation - a second-level fault
 * @gpa: guest-physical address
 * @access: SLAT_READ | SLAT_WRITE | SLAT_EXEC
 * @in_walk: while the CPU walked the guest's own tables
 */
struct slat_violation {
	u64 gpa;
	u32 access;
	bool in_walk;
};
enum exit_action exit_slat_violation(struct myhv_vcpu *vcpu, const struct slat_violation *v);

/* ---- exit/emulate.c: run the emulator on the instruction at RIP ---- */
enum exit_action emulate_current(struct myhv_vcpu *vcpu);
int emulate_vcpu_init(struct myhv_vcpu *vcpu); /* allocates vcpu->emu.ctx */
void emulate_vcpu_free(struct myhv_vcpu *vcpu);

/* ---- exit/cpuid.c, exit/msr.c, exit/hlt.c, exit/hypercall.c ---- */
enum exit_action exit_cpuid(struct myhv_vcpu *vcpu);
enum exit_action exit_rdmsr(struct myhv_vcpu *vcpu);
enum exit_action exit_wrmsr(struct myhv_vcpu *vcpu);
enum exit_action exit_hlt(struct myhv_vcpu *vcpu);
enum exit_action exit_pause(struct myhv_vcpu *vcpu);
enum exit_action exit_hypercall(struct myhv_vcpu *vcpu);
enum exit_action exit_ud(struct myhv_vcpu *vcpu); /* #UD: perhaps the other vendor's hypercall */
enum exit_action exit_xsetbv(struct myhv_vcpu *vcpu);
enum exit_action exit_wbinvd(struct myhv_vcpu *vcpu); /* and INVD, CLFLUSH-like: skip */
enum exit_action exit_rdtsc(struct myhv_vcpu *vcpu, bool is_rdtscp);
enum exit_action exit_rdpmc(struct myhv_vcpu *vcpu);
enum exit_action exit_monitor(struct myhv_vcpu *vcpu);	 /* MONITOR, MWAIT */
enum exit_action exit_undefined(struct myhv_vcpu *vcpu); /* VMX/SVM instructions: #UD */
enum exit_action exit_shutdown(struct myhv_vcpu *vcpu);	 /* triple fault */

/* ---- exit/task_switch.c ---- */

/**
 * struct task_switch - a task switch that the CPU leaves to us
 * @selector: of the new task's TSS
 * @source: TASK_SWITCH_*
 * @cut: of a gate: EVENT_CUT_*: which kind of event led through it
 * @soft: of a gate: it was INT n, INT3 or INTO
 * @fault: of a gate: an exception did whose frame would have RF set
 * @has_error: of a gate: @error goes on the new task's stack
 * @error: error code
 */
struct task_switch {
	u16 selector;
	enum { TASK_SWITCH_CALL, TASK_SWITCH_IRET, TASK_SWITCH_JMP, TASK_SWITCH_GATE } source;
	u8 cut;
	bool soft;
	bool fault;
	bool has_error;
	u32 error;
};
enum exit_action exit_task_switch(struct myhv_vcpu *vcpu, const struct task_switch *why);

/*
 * exit/cpuid.c, for core/: the vCPU's table. init gives what is supported, with the vCPU's
 * own APIC id. set: -EINVAL an entry twice or impossible, -ENOMEM; vcpu->mutex held. get and
 * supported return how many entries there are and fill in up to @max; @live: with the bits that
 * follow the vCPU's registers, vcpu->mutex held.
 */
int cpuid_vcpu_init(struct myhv_vcpu *vcpu);
void cpuid_vcpu_free(struct myhv_vcpu *vcpu);
int cpuid_set(struct myhv_vcpu *vcpu, const struct myhv_cpuid_entry *entries, u32 count);
u32 cpuid_get(struct myhv_vcpu *vcpu, bool live, struct myhv_cpuid_entry *entries, u32 max);
u32 cpuid_supported(struct myhv_cpuid_entry *entries, u32 max);

/*
 * exit/msr_filter.c. set: arguments are checked but for what it copies in; -EINVAL, -EFAULT,
 * -ENOMEM; sleeps until nobody uses the old filter. update: vm->lock held, or the vCPU's thread.
 */
#define MSR_FILTER_RANGES 16
int msr_filter_set(struct myhv_vm *vm, const struct myhv_msr_filter *args);
void msr_filter_destroy(struct myhv_vm *vm);
void msr_filter_update(struct myhv_vcpu *vcpu);
bool msr_filter_allows(struct myhv_vm *vm, u32 index, bool is_write);

/* exit/cpuid.c: MYHV_PROP_VCPU_PV_STRICT leaves the vCPU one of these CPUID_PV_*. */
bool pv_allowed(struct myhv_vcpu *vcpu, u32 features);
/* Does its CPUID offer MONITOR and MWAIT now? */
bool cpuid_has_mwait(struct myhv_vcpu *vcpu);

/* vcpu->msrs as after RESET or INIT; from vcpu_reset() */
void msr_reset(struct myhv_vcpu *vcpu, bool init);
/* what it gives to MSRs that come from the host */
u64 msr_ucode_rev(void);
u64 msr_arch_capabilities(void);

/* Could msr_write(host) refuse @value? For checks before any change: 0 or -EINVAL, -ENOENT. */
int msr_check(struct myhv_vcpu *vcpu, u32 index, u64 value);

/*
 * MSR access by number for guest (@host false: policy of RDMSR and WRMSR) and user space
 * (@host true: may restore read-only state). 0; -EINVAL: #GP; -ENOENT: unknown; -EAGAIN: needs
 * sleeping, inside a burst only.
 */
int msr_read(struct myhv_vcpu *vcpu, u32 index, bool host, u64 *value);
int msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value);
/* MYHV_MSR_INDICES */
unsigned int msr_indices(u32 *indices, unsigned int max);

/* ---- exit/ctrl_regs.c: control and debug registers ---- */

/* Checked writes, as MOV to CRn does them: 0, -EINVAL: #GP(0), -EAGAIN: see guest_phys_read(). */
int cr0_write(struct myhv_vcpu *vcpu, u64 value);
int cr3_write(struct myhv_vcpu *vcpu, u64 value);
int cr4_write(struct myhv_vcpu *vcpu, u64 value);
int cr8_write(struct myhv_vcpu *vcpu, u64 value);
int efer_write(struct myhv_vcpu *vcpu, u64 value, bool host);
int xcr0_write(struct myhv_vcpu *vcpu, u64 value);
int dr_write(struct myhv_vcpu *vcpu, unsigned int nr, u64 value);
/* May these be loaded, with PAE paging? */
bool pdptes_possible(struct myhv_vcpu *vcpu, const u64 pdptes[4]);
/* Is the set possible for SET? Pure checks; 0 or -EINVAL. */
int control_check(struct myhv_vcpu *vcpu, const struct myhv_state_control *c);
/*
 * An intercepted MOV CR, MOV DR, LMSW, SMSW, CLTS, INVLPG: decoded here, since not
 * every CPU hands over the operands.
 */
enum exit_action exit_cr_access(struct myhv_vcpu *vcpu);
enum exit_action exit_dr_access(struct myhv_vcpu *vcpu); /* perhaps the last in this burst */
enum exit_action exit_invlpg(struct myhv_vcpu *vcpu);

/* ---- exit/debug.c ---- */
enum exit_action exit_db(struct myhv_vcpu *vcpu, u64 dr6_bits);
enum exit_action exit_bp(struct myhv_vcpu *vcpu);
void debug_stepped(struct myhv_vcpu *vcpu); /* VCPU_REQ_STEPPED: fills vcpu->exit */
int guest_debug_set(struct myhv_vcpu *vcpu, const struct myhv_debug *debug);

/* ---- exit/pvclock.c: KVM-compatible paravirtual clock ---- */
int pvclock_msr_write(struct myhv_vcpu *vcpu, u32 index, u64 value);
/* vm->clock_offset_ns was changed, or the host's TSC jumped. Any context. */
void pvclock_restart(struct myhv_vm *vm);
/* VCPU_REQ_CLOCK; vCPU thread, may sleep (outside a burst) */
void pvclock_update(struct myhv_vcpu *vcpu);
/* The next write says that the vCPU was stopped. -EINVAL: it has no clock. vcpu->mutex held */
int pvclock_tell_stopped(struct myhv_vcpu *vcpu);

/* ---- exit/pv_eoi.c: KVM-compatible end of interrupt without an exit ---- */
int pv_eoi_msr_write(struct myhv_vcpu *vcpu, u64 value);
/* [entry] An interrupt of the LAPIC is about to be injected, and the guest has enabled it. */
void pv_eoi_offer(struct myhv_vcpu *vcpu);
/* While vcpu->pv_eoi_offered. [burst] */
void pv_eoi_after_exit(struct myhv_vcpu *vcpu);
/* [entry] false: do not enter: end the burst and look again. */
bool pv_eoi_before_entry(struct myhv_vcpu *vcpu);
/* [sleep] No offer is left. */
void pv_eoi_sync(struct myhv_vcpu *vcpu);

/* ---- exit/tsc.c ---- */
void guest_tsc_init(struct myhv_vcpu *vcpu); /* at creation: in step with the VM's others */
u64 guest_tsc_now(struct myhv_vcpu *vcpu);
u64 guest_tsc(struct myhv_vcpu *vcpu, u64 host_tsc);
void guest_tsc_write(struct myhv_vcpu *vcpu, u64 value); /* keeps vCPUs in step */
void guest_tsc_shift(struct myhv_vcpu *vcpu, u64 delta); /* of this vCPU alone */
int guest_tsc_set_khz(struct myhv_vcpu *vcpu, u32 khz);

/* Fill vcpu->exit and answer EXIT_TO_USER or VCPU_FAILED. */
enum exit_action exit_failed(struct myhv_vcpu *vcpu,
			     u32 reason); /* MYHV_EXIT_FAIL_ENTRY, _EMULATION */

#endif /* MYHV_EXIT_H */
