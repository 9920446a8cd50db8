// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry and the return from it. The path of every exit: nothing here that could
 * be done once per burst, and nothing there that could be done at a change.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include "compat/compat.h"
#include "host/host.h"
#include "host/host_cpu.h"
#include "introspect/trace.h"
#include "vmx/vmx.h"

/* ---- TLB ---- */

#define INVEPT_SINGLE 1
#define INVEPT_ALL 2
#define INVVPID_SINGLE 1
#define INVVPID_ALL 2

struct inv_descriptor {
	u64 id;
	u64 address;
};

static void invept(u64 eptp)
{
	struct inv_descriptor d = { .id = eptp };
	u64 type = vmx_global.ept_vpid & VMX_CAP_INVEPT_SINGLE ? INVEPT_SINGLE : INVEPT_ALL;

	asm volatile("invept %0, %1" : : "m"(d), "r"(type) : "memory", "cc");
}

static void invvpid(u16 vpid)
{
	struct inv_descriptor d = { .id = vpid };
	u64 type = vmx_global.ept_vpid & VMX_CAP_INVVPID_SINGLE ? INVVPID_SINGLE : INVVPID_ALL;

	asm volatile("invvpid %0, %1" : : "m"(d), "r"(type) : "memory", "cc");
}

static noinline void flush_tlb(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;

	if (vmx->flush_ept)
		invept(vmx_eptp(&backend_caps.slat_format, vcpu->vm->slat.root_hpa));
	/* without VPIDs every entry flushes */
	if ((vmx->flush_vpid || vcpu->tlb_flush) && vmx_global.vpid)
		invvpid(vmx_vpid(vmx));
	vmx->flush_ept = false;
	vmx->flush_vpid = false;
	vcpu->tlb_flush = false;
}

/*
 * vcpu->mode was set before, so whoever raises flush_gen from now on sends an IPI and this
 * entry ends at once (see slat_change_end()).
 */
static void update_tlb(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	u64 flush_gen = atomic64_read(&vcpu->vm->slat.flush_gen);

	if (unlikely(flush_gen != vcpu->slat_gen)) {
		vcpu->slat_gen = flush_gen;
		vmx->flush_ept = true;
	}
	if (unlikely(vmx->flush_ept | vmx->flush_vpid | vcpu->tlb_flush))
		flush_tlb(vmx);
}

/* ---- debug registers ---- */

/* The VMCS has DR7 alone. */
static noinline void load_guest_drs(struct vmx_vcpu *vmx)
{
	guest_drs_load(&vmx->vcpu);
	if (vmx->vcpu.drs.live)
		set_debugreg(vmx->dr6, 6);
}

static noinline void unload_guest_drs(struct vmx_vcpu *vmx)
{
	if (vmx->vcpu.drs.live) {
		get_debugreg(vmx->dr6, 6);
		vmx->vcpu.drs.dr7 = vmcs_read(GUEST_DR7);
		/* the host's #DB handler expects DR6 as it left it */
		set_debugreg(EVENT_DR6_INIT, 6);
	}
	guest_drs_unload(&vmx->vcpu);
}

/* A VM exit switches the host's breakpoints and branch tracing off. */
static void restore_host_debug(struct vmx_vcpu *vmx)
{
	host_dr7_restore();
	if (unlikely(vmx->host.debugctl))
		wrmsrq(MSR_IA32_DEBUGCTLMSR, vmx->host.debugctl);
}

/* ---- the burst ---- */

void vmx_burst_begin(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int cpu = smp_processor_id();

	vmx_vmcs_fetch_here(vmx);
	if (unlikely(vmx->tlb_cpu != cpu)) {
		vmx->tlb_cpu = cpu;
		vmx->flush_ept = true;
		vmx->flush_vpid = true;
		vmx->dirty |= VMX_DIRTY_HOST;
	}
	vmx_host_state_save(vmx);
	host_mitigations_switch(vcpu);
	vmx_host_features_off(vmx);
	vmx_msrs_load(vmx);
	vcpu->l1d_stale = true;
}

void vmx_burst_end(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(vmx->vcpu.drs.live))
		vmx_debug_live(vcpu, false);
	vmx_msrs_unload(vmx); /* reads the guest's KERNEL_GS_BASE, which loading GS changes */
	vmx_host_features_on(vmx);
	vmx_host_state_restore(vmx);
}

/* ---- the entry ---- */

static void write_if_changed(unsigned long field, u64 *cached, u64 value)
{
	if (*cached == value)
		return;
	*cached = value;
	vmcs_write(field, value);
}

static void write_general(struct vmx_vcpu *vmx)
{
	const struct myhv_state_general *general = &vmx->vcpu.regs.general;

	write_if_changed(GUEST_RSP, &vmx->rsp, general->gpr[MYHV_RSP]);
	write_if_changed(GUEST_RIP, &vmx->rip, general->rip);
	if (vmx->rflags == general->rflags)
		return;
	vmx->rflags = general->rflags;
	vmcs_write(GUEST_RFLAGS, vmx->rflags);
	if (unlikely(vmx->vcpu.in_shadow))
		vmx->dirty |= VMX_DIRTY_SHADOW; /* IF and TF count there */
}

/* False: not yet, see VMX_ROW_PDPTES. */
static bool before_entry(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;

	if (unlikely(vcpu->regs.dirty & ~MYHV_STATE_GENERAL))
		vmx_regs_commit(vcpu, vcpu->regs.dirty);
	vcpu->regs.dirty = 0;
	write_general(vmx);
	if (unlikely(vmx->dirty & VMX_STALE_PDPTES))
		return false;
	if (unlikely(vcpu->inject.type != EVENT_NONE))
		vmx_event_program(vmx);
	if (unlikely(vcpu->deadline_tsc) || unlikely(vmx->timer_on))
		vmx_timer_update(vmx);
	if (unlikely(READ_ONCE(vcpu->vm->slat.logging) != vmx->pml_on) && vmx->pml)
		vmx_pml_switch(vmx);
	if (unlikely(vmx->dirty))
		vmx_fields_flush(vmx);
	/* TLB-flush interrupts may have changed both within the burst */
	write_if_changed(HOST_CR3, &vmx->host.cr3, __read_cr3());
	write_if_changed(HOST_CR4, &vmx->host.cr4, native_read_cr4());
	update_tlb(vmx);
	tsc_aux_load(vcpu);
	if (unlikely(vmx->vcpu.drs.load))
		load_guest_drs(vmx);
	if (native_read_cr2() != vmx->cr2)
		native_write_cr2(vmx->cr2);
	return true;
}

/* What must be done or noted with IRQs still off; interrupts themselves come after that. */
static noinline void host_event(struct vmx_vcpu *vmx)
{
	switch (vmx->exit.row) {
	case VMX_ROW_EXCEPTION + X86_TRAP_NMI:
		/* NMIs are blocked since the exit, until the handler's IRET */
		asm volatile("int $2" : : : "memory");
		vmx->vcpu.hw_exit_intr = true;
		break;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		vmx->vcpu.hw_exit_intr = true;
		/* the CPU posts interrupts only if it also acknowledges the host's */
		if (vmx->posted && vmx->apicv)
			vmx->host_vector = vmcs_read(VM_EXIT_INTR_INFO);
		break;
	default:
		host_machine_check();
		break;
	}
}

static bool is_host_event(const struct vmx_vcpu *vmx)
{
	return vmx->exit.row == EXIT_REASON_EXTERNAL_INTERRUPT ||
	       vmx->exit.row == VMX_ROW_EXCEPTION + X86_TRAP_NMI ||
	       vmx->exit.row == VMX_ROW_EXCEPTION + X86_TRAP_MC ||
	       (u16)vmx->exit.reason == EXIT_REASON_MCE_DURING_VMENTRY;
}

static void take_general(struct vmx_vcpu *vmx)
{
	struct myhv_state_general *general = &vmx->vcpu.regs.general;

	vmx->rsp = vmcs_read(GUEST_RSP);
	vmx->rip = vmcs_read(GUEST_RIP);
	vmx->rflags = vmcs_read(GUEST_RFLAGS);
	general->gpr[MYHV_RSP] = vmx->rsp;
	general->rip = vmx->rip;
	general->rflags = vmx->rflags;
}

/* Refused, or more than an instruction that exits: see vmx_exit_read(). */
static noinline void after_event(struct vmx_vcpu *vmx)
{
	if (unlikely(vmx->exit.row >= VMX_ROW_REFUSED)) {
		vmx_report_failure(vmx);
		vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0); /* a failed entry leaves it valid */
	} else if (unlikely(vmx_exit_cut_iret(vmx))) {
		vmx_nmi_blocked_set(&vmx->vcpu, true);
	}
	if (unlikely(vmx->exit.idt & VMX_EVENT_VALID))
		vmx_event_requeue(vmx);
	if (is_host_event(vmx))
		host_event(vmx);
}

static void after_exit(struct vmx_vcpu *vmx)
{
	struct myhv_vcpu *vcpu = &vmx->vcpu;
	bool event;

	vmx->cr2 = native_read_cr2();
	if (unlikely(vmx->vcpu.drs.load))
		unload_guest_drs(vmx);
	restore_host_debug(vmx);
	event = vmx_exit_read(vmx);
	vcpu->regs.valid = MYHV_STATE_GENERAL;
	vcpu->hw_exit_intr = false;
	if (likely(vmx->exit.row < VMX_ROW_REFUSED)) {
		take_general(vmx);
		vmx->interruptibility = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
		vmx->launched = true;
	}
	if (unlikely(vmx->pml_on))
		vmx_pml_drain(vmx);
	vcpu->in_shadow = vmx->interruptibility & (VMX_BLOCK_STI | VMX_BLOCK_MOV_SS);
	if (unlikely(event))
		after_event(vmx);
	vmx->vcpu.soft.type = EVENT_NONE;
}

static void no_entry(struct vmx_vcpu *vmx, u8 row)
{
	vmx->exit = (struct vmx_exit){ .row = row };
	vmx->vcpu.hw_exit_intr = false;
}

/* Nothing was entered: the event that was to be injected waits for the next time. */
static noinline void pdptes_first(struct vmx_vcpu *vmx)
{
	if (vmx->vcpu.inject.type != EVENT_NONE)
		event_requeue(&vmx->vcpu.event, &vmx->vcpu.inject);
	no_entry(vmx, VMX_ROW_PDPTES);
}

/* One that was acknowledged must be handled before any other can come. IRQs are on then. */
static noinline void take_host_interrupt(struct vmx_vcpu *vmx)
{
	struct desc_ptr idt;

	store_idt(&idt);
	vmx_call_gate(gate_offset((gate_desc *)idt.address + vmx->host_vector));
	vmx->host_vector = 0;
}

void vmx_enter(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool spec_ctrl = host_mitigations.spec_ctrl;
	u64 host_spec_ctrl = ~0ULL;
	u32 host_pkru = 0;
	u32 flags;

	lockdep_assert_irqs_disabled();
	if (unlikely(!vmx_enter_operation(vmx))) {
		no_entry(vmx, VMX_ROW_OFF);
		return;
	}
	if (trace_myhv_entry_enabled())
		trace_myhv_entry(vcpu->vm->id, vcpu->id, vcpu->regs.general.rip);
	if (unlikely(!before_entry(vmx))) {
		pdptes_first(vmx);
		vmx_leave_operation(vmx);
		return;
	}
	flags = (vmx->launched ? VMX_ENTER_LAUNCHED : 0) |
		(host_mitigations.verw ? VMX_ENTER_VERW : 0);
	if (unlikely(vcpu->fpu.swap_pkru))
		host_pkru = host_fpu_pkru_enter(vcpu);
	if (unlikely(spec_ctrl)) {
		host_spec_ctrl = host_spec_ctrl_after(vcpu->msrs.spec_ctrl);
		host_spec_ctrl_enter(vcpu->msrs.spec_ctrl);
	}
	if (unlikely(host_mitigations.l1d_flush))
		host_l1d_flush(vcpu);
	vmx->exit.row = vmx_vmenter(vcpu->regs.general.gpr, flags, &vmx->host.rsp,
				    host_spec_ctrl) ? VMX_ROW_REFUSED : 0;
	if (unlikely(vcpu->fpu.swap_pkru))
		host_fpu_pkru_leave(vcpu, host_pkru);
	after_exit(vmx);
	vmx_leave_operation(vmx);
	if (unlikely(vmx->host_vector))
		take_host_interrupt(vmx);
}
