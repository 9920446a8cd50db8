// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event injection and what delays it: the VM-entry interruption information, IDT-vectoring
 * information, blocking by STI, MOV SS and NMI, and the windows. SDM "VM-Entry Event Injection",
 * "Information for VM Exits That Occur During Event Delivery".
 */
#include "compat/compat.h"
#include "exit/exit.h"
#include "vmx/vmx.h"

#define SHADOW (VMX_BLOCK_STI | VMX_BLOCK_MOV_SS)

/* ---- injection ---- */

/*
 * The CPU skips the instruction of a software event. Where it cannot skip nothing, RIP is
 * set one byte back instead.
 */
static void skip_soft_insn(struct vmx_vcpu *vmx, const struct event *ev)
{
	u8 length = ev->insn_length;

	vmx->vcpu.soft = *ev;
	vmx->vcpu.soft_rip = vmx->vcpu.regs.general.rip;
	if (!length && !vmx_global.zero_length) {
		length = 1;
		vmx->rip = vmx->vcpu.soft_rip - 1;
		vmcs_write(GUEST_RIP, vmx->rip);
	}
	vmcs_write(VM_ENTRY_INSTRUCTION_LEN, length);
}

static u32 exception_info(struct vmx_vcpu *vmx, const struct event *ev)
{
	if (ev->soft)
		return VMX_EVENT_SOFT_EXCEPTION;
	/* never in real mode, and else as the vector says: the CPU refuses anything else */
	if (!(vmx->cr0 & X86_CR0_PE) || !vmx_exception_has_error(ev->vector))
		return VMX_EVENT_EXCEPTION;
	vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, ev->error);
	return VMX_EVENT_EXCEPTION | VMX_EVENT_HAS_ERROR;
}

/* Delivery ends a shadow; and with one, some entries are refused. */
static void end_shadow(struct vmx_vcpu *vmx)
{
	if (!(vmx->interruptibility & SHADOW))
		return;
	vmx->interruptibility &= ~SHADOW;
	vmx->dirty |= VMX_DIRTY_SHADOW;
}

/* vcpu->inject into the VMCS, after the entry's RIP was written. */
void vmx_event_program(struct vmx_vcpu *vmx)
{
	const struct event *ev = &vmx->vcpu.inject;
	u32 info = VMX_EVENT_VALID | ev->vector;

	switch (ev->type) {
	case EVENT_NONE: return;
	case EVENT_EXTERNAL_INTERRUPT: info |= VMX_EVENT_INTR; break;
	case EVENT_NMI: info |= VMX_EVENT_NMI; break;
	case EVENT_EXCEPTION: info |= exception_info(vmx, ev); break;
	case EVENT_SOFT_INTERRUPT: info |= VMX_EVENT_SOFT_INTR; break;
	}
	if (ev->soft || ev->type == EVENT_SOFT_INTERRUPT)
		skip_soft_insn(vmx, ev);
	end_shadow(vmx);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* INT n, INT3, INTO or INT1. @info: as the CPU reports events */
bool vmx_is_soft_event(u32 info)
{
	return (info & VMX_EVENT_TYPE) >= VMX_EVENT_SOFT_INTR;
}

/* Does its frame have RFLAGS.RF set? SDM "Resume Flag" */
bool vmx_is_fault(u32 info)
{
	const u32 others = BIT(X86_TRAP_DB) | BIT(X86_TRAP_DF) | BIT(X86_TRAP_MC);

	return (info & VMX_EVENT_VALID) && (info & VMX_EVENT_TYPE) == VMX_EVENT_EXCEPTION &&
	       !(others & BIT(info & 31));
}

/* The exit cut the delivery of an event short. */
void vmx_event_requeue(struct vmx_vcpu *vmx)
{
	u32 info = vmx->exit.idt;
	struct event cut = {
		.vector = info & VMX_EVENT_VECTOR,
		.has_error = info & VMX_EVENT_HAS_ERROR,
	};

	if (cut.has_error)
		cut.error = vmx->exit.idt_error;
	switch (info & VMX_EVENT_TYPE) {
	case VMX_EVENT_INTR:
		cut.type = EVENT_EXTERNAL_INTERRUPT;
		break;
	case VMX_EVENT_NMI:
		cut.type = EVENT_NMI;
		/* else it could not be injected again */
		vmx->interruptibility &= ~(u32)VMX_BLOCK_NMI;
		vmx->dirty |= VMX_DIRTY_SHADOW;
		break;
	case VMX_EVENT_EXCEPTION:
		cut.type = EVENT_EXCEPTION;
		break;
	case VMX_EVENT_SOFT_INTR:
		cut.type = EVENT_SOFT_INTERRUPT;
		break;
	case VMX_EVENT_SOFT_EXCEPTION:
		cut.type = EVENT_EXCEPTION;
		break;
	default:
		return;
	}
	inject_again(&vmx->vcpu, &cut, vmx_is_soft_event(info));
}

/* ---- shadow, NMI masking, windows ---- */

u32 vmx_shadow_get(struct myhv_vcpu *vcpu)
{
	u32 blocked = to_vmx(vcpu)->interruptibility;

	return (blocked & VMX_BLOCK_STI ? MYHV_EVENT_SHADOW_STI : 0) |
	       (blocked & VMX_BLOCK_MOV_SS ? MYHV_EVENT_SHADOW_MOV_SS : 0);
}

static void set_blocked(struct vmx_vcpu *vmx, u32 mask, u32 value)
{
	vmx->interruptibility = (vmx->interruptibility & ~mask) | value;
	vmx->dirty |= VMX_DIRTY_SHADOW;
}

/* One of the two at most, and STI's only with RFLAGS.IF: the CPU refuses anything else. */
void vmx_shadow_set(struct myhv_vcpu *vcpu, u32 shadow)
{
	u32 value = 0;

	if (shadow & MYHV_EVENT_SHADOW_MOV_SS)
		value = VMX_BLOCK_MOV_SS;
	else if (shadow & MYHV_EVENT_SHADOW_STI)
		value = VMX_BLOCK_STI;
	set_blocked(to_vmx(vcpu), SHADOW, value);
	vcpu->in_shadow = value != 0;
}

bool vmx_nmi_blocked_get(struct myhv_vcpu *vcpu)
{
	return to_vmx(vcpu)->interruptibility & VMX_BLOCK_NMI;
}

void vmx_nmi_blocked_set(struct myhv_vcpu *vcpu, bool blocked)
{
	set_blocked(to_vmx(vcpu), VMX_BLOCK_NMI, blocked ? VMX_BLOCK_NMI : 0);
}

static void set_proc(struct vmx_vcpu *vmx, u32 bit, bool on)
{
	vmx->proc = on ? vmx->proc | bit : vmx->proc & ~bit;
	vmx->dirty |= VMX_DIRTY_PROC;
}

void vmx_irq_window(struct myhv_vcpu *vcpu, bool on)
{
	set_proc(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING, on);
}

void vmx_nmi_window(struct myhv_vcpu *vcpu, bool on)
{
	set_proc(to_vmx(vcpu), CPU_BASED_NMI_WINDOW_EXITING, on);
}
