// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the exit reason to neutral facts: one row an exit, one call into exit/. A
 * handler may be called twice for one exit (EXIT_NEEDS_SLEEP), so it changes nothing itself.
 */
#include "chip/chip.h"
#include "compat/compat.h"
#include "core/guest_mem.h"
#include "exit/exit.h"
#include "introspect/trace.h"
#include "vmx/vmx.h"

#define PDPTE_TABLE GENMASK_ULL(31, 5)
#define EXIT_REASON_GETSEC 11

/* ---- handlers that have facts to tell ---- */

static enum exit_action handle_ept_violation(struct myhv_vcpu *vcpu)
{
	enum exit_action action;
	const struct vmx_exit *e = &to_vmx(vcpu)->exit;
	const u64 linear = VMX_EPT_Q_LINEAR_VALID | VMX_EPT_Q_FINAL;
	struct slat_violation v = {
		.gpa = e->gpa,
		.access = SLAT_READ,
		.in_walk = (e->qualification & linear) == VMX_EPT_Q_LINEAR_VALID,
	};

	if (vmx_apic_page_fault(vcpu, v.gpa, &action))
		return action;
	if (e->qualification & VMX_EPT_Q_FETCH)
		v.access = SLAT_EXEC;
	else if (e->qualification & VMX_EPT_Q_WRITE)
		v.access = SLAT_WRITE;
	return exit_slat_violation(vcpu, &v);
}

static enum exit_action handle_io(struct myhv_vcpu *vcpu)
{
	u64 q = to_vmx(vcpu)->exit.qualification;

	if (q & VMX_IO_Q_STRING)
		return emulate_current(vcpu);
	return exit_io(vcpu, q >> VMX_IO_Q_PORT_SHIFT, (q & VMX_IO_Q_SIZE) + 1, q & VMX_IO_Q_IN);
}

/* DR6 is not changed by the exit: the qualification has what it would have become. */
static enum exit_action handle_db(struct myhv_vcpu *vcpu)
{
	const struct vmx_exit *e = &to_vmx(vcpu)->exit;
	u64 bits = e->qualification & (EVENT_DR6_TRAPS | EVENT_DR6_BLD | EVENT_DR6_BD |
				       EVENT_DR6_BS | EVENT_DR6_BT | EVENT_DR6_RTM);
	enum exit_action action;
	u8 length;

	if ((e->intr & VMX_EVENT_TYPE) != VMX_EVENT_PRIV_EXCEPTION)
		return exit_db(vcpu, bits);
	/* INT1: a trap, which leaves DR6 alone */
	if (!insn_length(vcpu, &length, &action))
		return action;
	insn_finish(vcpu, length);
	inject_exception(vcpu, X86_TRAP_DB);
	return RESUME_GUEST;
}

/* #AC is the guest's if it checks alignment; else it may be the host that looks for split locks. */
static enum exit_action handle_ac(struct myhv_vcpu *vcpu)
{
	bool checked = (vcpu->regs.general.rflags & X86_EFLAGS_AC) && vcpu_cpl(vcpu) == 3 &&
		       (vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr0 & X86_CR0_AM);

	if (!checked && vmx_host_allows_split_locks(to_vmx(vcpu)))
		return RESUME_GUEST;
	inject_exception_error(vcpu, X86_TRAP_AC, to_vmx(vcpu)->exit.intr_error);
	return RESUME_GUEST;
}

/* The debugger's single step. */
static enum exit_action handle_mtf(struct myhv_vcpu *vcpu)
{
	if (!(vcpu->guest_debug.flags & MYHV_DEBUG_STEP))
		return RESUME_GUEST;
	return exit_db(vcpu, EVENT_DR6_BS);
}

/* The guest's timer is due. */
static enum exit_action handle_timer(struct myhv_vcpu *vcpu)
{
	lapic_deadline(vcpu);
	return RESUME_GUEST;
}

static enum exit_action handle_rdtsc(struct myhv_vcpu *vcpu)
{
	return exit_rdtsc(vcpu, false);
}

/* The host's interrupt, taken already; a machine check, reported already; a window that opened. */
static enum exit_action handle_nothing(struct myhv_vcpu *vcpu)
{
	return RESUME_GUEST;
}

/* Which kind of cut event @info is. */
static u8 kind_of_cut(u32 info)
{
	if (!(info & VMX_EVENT_VALID))
		return 0;
	switch (info & VMX_EVENT_TYPE) {
	case VMX_EVENT_INTR: return EVENT_CUT_INTERRUPT;
	case VMX_EVENT_NMI: return EVENT_CUT_NMI;
	default: return EVENT_CUT_EXCEPTION;
	}
}

/* SDM "Exit Qualification for Task Switches"; what it lacks, the event itself tells. */
static enum exit_action handle_task_switch(struct myhv_vcpu *vcpu)
{
	static const u8 source[] = {
		TASK_SWITCH_CALL, TASK_SWITCH_IRET, TASK_SWITCH_JMP, TASK_SWITCH_GATE,
	};
	const struct vmx_exit *e = &to_vmx(vcpu)->exit;
	struct task_switch why = {
		.selector = e->qualification,
		.source = source[(e->qualification >> VMX_TASK_Q_SOURCE_SHIFT) & 3],
		.cut = kind_of_cut(e->idt),
		.soft = vmx_is_soft_event(e->idt),
		.fault = vmx_is_fault(e->idt),
		.has_error = e->idt & VMX_EVENT_HAS_ERROR,
		.error = e->idt_error,
	};

	return exit_task_switch(vcpu, &why);
}

/*
 * PAE paging was switched on or changed by us: what the CPU loads at a MOV to CR3. Memory that
 * is not there reads as entries that are not present. So do entries that the CPU would refuse:
 * the guest's own writes were checked (exit/ctrl_regs.c), but not user space's, and another
 * vCPU may have changed the entries since.
 */
static enum exit_action handle_pdptes(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 cr3 = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr3;
	u64 pdptes[4] = { 0 };
	int ret = guest_phys_read(vcpu, cr3 & PDPTE_TABLE, pdptes, sizeof(pdptes));

	if (ret == -EAGAIN)
		return vcpu->in_burst ? EXIT_NEEDS_SLEEP : RESUME_GUEST;
	if (ret || !pdptes_possible(vcpu, pdptes))
		memset(pdptes, 0, sizeof(pdptes));
	memcpy(vmx->pdptes, pdptes, sizeof(pdptes));
	vmx->dirty = (vmx->dirty & ~(u32)VMX_STALE_PDPTES) | VMX_DIRTY_PDPTES;
	return RESUME_GUEST;
}

static enum exit_action handle_other(struct myhv_vcpu *vcpu)
{
	return exit_failed(vcpu, MYHV_EXIT_FAIL_ENTRY);
}

/* ---- the table ---- */

/* Facts that are defined for an exit, and read for it. */
#define HAS_QUALIFICATION BIT(0)
#define HAS_LENGTH BIT(1)
#define HAS_GPA BIT(2)
/* Not the exit of an instruction: of the host's, or perhaps one that cuts a delivery short. */
#define IS_EVENT BIT(3)

struct exit_row {
	const char *name;
	enum exit_action (*handle)(struct myhv_vcpu *vcpu);
	u8 facts;
};

#define EXC(v) (VMX_ROW_EXCEPTION + (v))
#define INSN(name, handle) { name, handle, HAS_LENGTH }
#define INSN_Q(name, handle) { name, handle, HAS_LENGTH | HAS_QUALIFICATION }

/* Rows without a handler are exits that were not asked for. */
static const struct exit_row rows[256] = {
	[EXIT_REASON_EXTERNAL_INTERRUPT] = { "intr", handle_nothing, IS_EVENT },
	[EXIT_REASON_TRIPLE_FAULT] = { "triple_fault", exit_shutdown, IS_EVENT },
	[EXIT_REASON_INIT_SIGNAL] = { "init", NULL, IS_EVENT },
	[EXIT_REASON_SIPI_SIGNAL] = { "sipi", NULL, IS_EVENT },
	[EXIT_REASON_INTERRUPT_WINDOW] = { "irq_window", handle_nothing, IS_EVENT },
	[EXIT_REASON_NMI_WINDOW] = { "nmi_window", handle_nothing, IS_EVENT },
	[EXIT_REASON_TASK_SWITCH] = { "task_switch", handle_task_switch,
				      HAS_QUALIFICATION | IS_EVENT },
	[EXIT_REASON_CPUID] = INSN("cpuid", exit_cpuid),
	[EXIT_REASON_GETSEC] = INSN("getsec", exit_undefined),
	[EXIT_REASON_HLT] = INSN("hlt", exit_hlt),
	[EXIT_REASON_INVD] = INSN("invd", exit_wbinvd),
	[EXIT_REASON_INVLPG] = INSN_Q("invlpg", exit_invlpg),
	[EXIT_REASON_RDPMC] = INSN("rdpmc", exit_rdpmc),
	[EXIT_REASON_RDTSC] = INSN("rdtsc", handle_rdtsc),
	[EXIT_REASON_VMCALL] = INSN("vmcall", exit_hypercall),
	[EXIT_REASON_VMCLEAR ... EXIT_REASON_VMON] = INSN("vmx_insn", exit_undefined),
	[EXIT_REASON_CR_ACCESS] = INSN_Q("cr_access", exit_cr_access),
	[EXIT_REASON_DR_ACCESS] = INSN_Q("dr_access", exit_dr_access),
	[EXIT_REASON_IO_INSTRUCTION] = INSN_Q("io", handle_io),
	[EXIT_REASON_MSR_READ] = INSN("rdmsr", exit_rdmsr),
	[EXIT_REASON_MSR_WRITE] = INSN("wrmsr", exit_wrmsr),
	[EXIT_REASON_MWAIT_INSTRUCTION] = INSN("mwait", exit_monitor),
	[EXIT_REASON_MONITOR_TRAP_FLAG] = { "monitor_trap", handle_mtf, IS_EVENT },
	[EXIT_REASON_MONITOR_INSTRUCTION] = INSN("monitor", exit_monitor),
	[EXIT_REASON_PAUSE_INSTRUCTION] = INSN("pause", exit_pause),
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = { "tpr_below", handle_nothing },
	[EXIT_REASON_APIC_ACCESS] = { "apic_access", vmx_apic_access,
				      HAS_QUALIFICATION | IS_EVENT },
	[EXIT_REASON_EOI_INDUCED] = { "eoi_induced", vmx_apic_eoi, HAS_QUALIFICATION },
	[EXIT_REASON_PREEMPTION_TIMER] = { "preemption_timer", handle_timer, IS_EVENT },
	[EXIT_REASON_APIC_WRITE] = { "apic_write", vmx_apic_write, HAS_QUALIFICATION },
	[EXIT_REASON_PML_FULL] = { "pml_full", handle_nothing, HAS_QUALIFICATION | IS_EVENT },
	[EXIT_REASON_EPT_VIOLATION] = { "ept_violation", handle_ept_violation,
					HAS_QUALIFICATION | HAS_GPA | IS_EVENT },
	[EXIT_REASON_EPT_MISCONFIG] = { "ept_misconfig", handle_other, HAS_GPA | IS_EVENT },
	[EXIT_REASON_INVEPT] = INSN("invept", exit_undefined),
	[EXIT_REASON_RDTSCP] = INSN("rdtscp", exit_undefined),
	[EXIT_REASON_INVVPID] = INSN("invvpid", exit_undefined),
	[EXIT_REASON_WBINVD] = INSN("wbinvd", exit_wbinvd),
	[EXIT_REASON_XSETBV] = INSN("xsetbv", exit_xsetbv),
	[EXIT_REASON_INVPCID] = INSN("invpcid", exit_undefined),
	[EXIT_REASON_VMFUNC] = INSN("vmfunc", exit_undefined),
	[EXC(X86_TRAP_DB)] = { "db", handle_db, HAS_LENGTH | HAS_QUALIFICATION | IS_EVENT },
	[EXC(X86_TRAP_NMI)] = { "nmi", handle_nothing, IS_EVENT },
	[EXC(X86_TRAP_BP)] = { "bp", exit_bp, HAS_LENGTH | IS_EVENT },
	[EXC(X86_TRAP_UD)] = { "ud", exit_ud, IS_EVENT },
	[EXC(X86_TRAP_AC)] = { "ac", handle_ac, IS_EVENT },
	[EXC(X86_TRAP_MC)] = { "mc", handle_nothing, IS_EVENT },
	[VMX_ROW_PDPTES] = { "pdptes", handle_pdptes },
	[VMX_ROW_OFF] = { "vmx_off", handle_other },
	[VMX_ROW_OTHER] = { "other", handle_other, HAS_QUALIFICATION | IS_EVENT },
	[VMX_ROW_REFUSED] = { "refused", handle_other },
	[VMX_ROW_INVALID] = { "invalid", handle_other, HAS_QUALIFICATION | IS_EVENT },
};

const char *vmx_exit_name(u32 code)
{
	return code < ARRAY_SIZE(rows) ? rows[code].name : NULL;
}

/* ---- what the CPU tells ---- */

static u8 exit_row_of(struct vmx_exit *e)
{
	u16 reason = e->reason;

	if (unlikely(e->reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return VMX_ROW_INVALID;
	if (likely(reason != EXIT_REASON_EXCEPTION_NMI))
		return reason < VMX_NR_REASONS ? reason : VMX_ROW_OTHER;
	e->intr = vmcs_read(VM_EXIT_INTR_INFO);
	if (e->intr & VMX_EVENT_HAS_ERROR)
		e->intr_error = vmcs_read(VM_EXIT_INTR_ERROR_CODE);
	return VMX_ROW_EXCEPTION + (e->intr & 31);
}

/*
 * An IRET ends the blocking of NMIs before it faults: then it must be blocked again, unless
 * an event was being delivered. SDM "Information for VM Exits Due to Vectored Events".
 */
bool vmx_exit_cut_iret(const struct vmx_vcpu *vmx)
{
	const struct vmx_exit *e = &vmx->exit;

	if (e->idt & VMX_EVENT_VALID)
		return false;
	if (e->row >= VMX_ROW_EXCEPTION && e->row < VMX_ROW_EXCEPTION + 32)
		return e->intr & VMX_EVENT_NMI_UNBLOCKED;
	return (e->row == EXIT_REASON_EPT_VIOLATION || e->row == EXIT_REASON_PML_FULL) &&
	       (e->qualification & VMX_EPT_Q_NMI_UNBLOCKED);
}

/*
 * With the VMCS current, right after the exit: all that the handlers will ask for. True: there
 * is more to it than an instruction.
 */
bool vmx_exit_read(struct vmx_vcpu *vmx)
{
	struct vmx_exit *e = &vmx->exit;
	u8 facts;

	e->idt = 0;
	if (unlikely(e->row == VMX_ROW_REFUSED)) {
		e->reason = 0;
		e->error = vmcs_read(VM_INSTRUCTION_ERROR);
		return true;
	}
	e->reason = vmcs_read(VM_EXIT_REASON);
	e->row = exit_row_of(e);
	facts = rows[e->row].facts;
	e->insn_length = facts & HAS_LENGTH ? vmcs_read(VM_EXIT_INSTRUCTION_LEN) : 0;
	if (facts & HAS_QUALIFICATION)
		e->qualification = vmcs_read(EXIT_QUALIFICATION);
	if (!(facts & IS_EVENT))
		return false;
	e->gpa = facts & HAS_GPA ? vmcs_read(GUEST_PHYSICAL_ADDRESS) : 0;
	if (unlikely(e->row == VMX_ROW_INVALID))
		return true;
	e->idt = vmcs_read(IDT_VECTORING_INFO_FIELD);
	if (unlikely(e->idt & VMX_EVENT_HAS_ERROR))
		e->idt_error = vmcs_read(IDT_VECTORING_ERROR_CODE);
	return true;
}

void vmx_exit_info(struct myhv_vcpu *vcpu, u64 *reason, u64 info[2])
{
	const struct vmx_exit *e = &to_vmx(vcpu)->exit;

	*reason = e->reason;
	info[0] = e->row == VMX_ROW_REFUSED ? e->error : e->qualification;
	info[1] = e->gpa;
}

enum exit_action vmx_handle_exit(struct myhv_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct vmx_exit *e = &vmx->exit;
	const struct exit_row *row = &rows[e->row];

	if (likely(vcpu->in_burst)) {
		vcpu->stat.by_reason[e->row]++;
		if (trace_myhv_exit_enabled())
			trace_myhv_exit(vcpu->vm->id, vcpu->id, vcpu->regs.general.rip,
					e->reason,
					row->facts & HAS_QUALIFICATION ? e->qualification : 0,
					row->facts & HAS_GPA ? e->gpa : 0);
	}
	vcpu->insn.nr_bytes = 0;
	vcpu->insn.next_rip = e->insn_length ? vmx->rip + e->insn_length : 0;
	if (unlikely(!row->handle))
		return handle_other(vcpu);
	return row->handle(vcpu);
}
