// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers between KVM's structs and ours; chips are in convert_irq.c. */
#include <errno.h>
#include <string.h>

#include "convert.h"

/* ---- general registers ---- */

void regs_to_kvm(const struct myhv_state_general *from, struct kvm_regs *to)
{
	*to = (struct kvm_regs){
		.rax = from->gpr[MYHV_RAX],
		.rbx = from->gpr[MYHV_RBX],
		.rcx = from->gpr[MYHV_RCX],
		.rdx = from->gpr[MYHV_RDX],
		.rsi = from->gpr[MYHV_RSI],
		.rdi = from->gpr[MYHV_RDI],
		.rsp = from->gpr[MYHV_RSP],
		.rbp = from->gpr[MYHV_RBP],
		.r8 = from->gpr[MYHV_R8],
		.r9 = from->gpr[MYHV_R9],
		.r10 = from->gpr[MYHV_R10],
		.r11 = from->gpr[MYHV_R11],
		.r12 = from->gpr[MYHV_R12],
		.r13 = from->gpr[MYHV_R13],
		.r14 = from->gpr[MYHV_R14],
		.r15 = from->gpr[MYHV_R15],
		.rip = from->rip,
		.rflags = from->rflags,
	};
}

void regs_from_kvm(const struct kvm_regs *from, struct myhv_state_general *to)
{
	*to = (struct myhv_state_general){
		.gpr = {
			[MYHV_RAX] = from->rax,
			[MYHV_RBX] = from->rbx,
			[MYHV_RCX] = from->rcx,
			[MYHV_RDX] = from->rdx,
			[MYHV_RSI] = from->rsi,
			[MYHV_RDI] = from->rdi,
			[MYHV_RSP] = from->rsp,
			[MYHV_RBP] = from->rbp,
			[MYHV_R8] = from->r8,
			[MYHV_R9] = from->r9,
			[MYHV_R10] = from->r10,
			[MYHV_R11] = from->r11,
			[MYHV_R12] = from->r12,
			[MYHV_R13] = from->r13,
			[MYHV_R14] = from->r14,
			[MYHV_R15] = from->r15,
		},
		.rip = from->rip,
		/* KVM_SET_REGS ignores undefined bits, the module refuses them */
		.rflags = from->rflags & 0x3f7fd7,
	};
}

/* ---- segments and control registers ---- */

static void segment_to_kvm(const struct myhv_segment *from, struct kvm_segment *to)
{
	uint16_t attrib = from->attrib;

	*to = (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = attrib & MYHV_SEG_TYPE_MASK,
		.present = !!(attrib & MYHV_SEG_P),
		.dpl = (attrib & MYHV_SEG_DPL_MASK) >> MYHV_SEG_DPL_SHIFT,
		.db = !!(attrib & MYHV_SEG_DB),
		.s = !!(attrib & MYHV_SEG_S),
		.l = !!(attrib & MYHV_SEG_L),
		.g = !!(attrib & MYHV_SEG_G),
		.avl = !!(attrib & MYHV_SEG_AVL),
		.unusable = !(attrib & MYHV_SEG_P),
	};
}

static void segment_from_kvm(const struct kvm_segment *from, struct myhv_segment *to)
{
	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->attrib = (from->type & MYHV_SEG_TYPE_MASK) | (from->s & 1 ? MYHV_SEG_S : 0) |
		     (from->dpl & 3) << MYHV_SEG_DPL_SHIFT |
		     ((from->present & 1) && !from->unusable ? MYHV_SEG_P : 0) |
		     (from->avl & 1 ? MYHV_SEG_AVL : 0) | (from->l & 1 ? MYHV_SEG_L : 0) |
		     (from->db & 1 ? MYHV_SEG_DB : 0) | (from->g & 1 ? MYHV_SEG_G : 0);
}

/* Where struct kvm_sregs has a segment register, by our number. */
static struct kvm_segment *kvm_segment(struct kvm_sregs *s, unsigned int nr)
{
	struct kvm_segment *const order[8] = {
		[MYHV_SEG_ES] = &s->es, [MYHV_SEG_CS] = &s->cs,	  [MYHV_SEG_SS] = &s->ss,
		[MYHV_SEG_DS] = &s->ds, [MYHV_SEG_FS] = &s->fs,	  [MYHV_SEG_GS] = &s->gs,
		[MYHV_SEG_TR] = &s->tr, [MYHV_SEG_LDTR] = &s->ldt,
	};

	return order[nr];
}

void sregs_to_kvm(const struct myhv_state_segments *seg, const struct myhv_state_control *control,
		  struct kvm_sregs *to)
{
	*to = (struct kvm_sregs){
		.gdt = { .base = seg->gdt.base, .limit = seg->gdt.limit },
		.idt = { .base = seg->idt.base, .limit = seg->idt.limit },
		.cr0 = control->cr0,
		.cr2 = control->cr2,
		.cr3 = control->cr3,
		.cr4 = control->cr4,
		.cr8 = control->cr8,
		.efer = control->efer,
		.apic_base = control->apic_base,
	};
	for (unsigned int i = MYHV_SEG_ES; i <= MYHV_SEG_TR; i++)
		segment_to_kvm(&seg->seg[i], kvm_segment(to, i));
}

void sregs_from_kvm(const struct kvm_sregs *from, struct myhv_state_segments *seg,
		    struct myhv_state_control *control)
{
	memset(seg, 0, sizeof(*seg));
	for (unsigned int i = MYHV_SEG_ES; i <= MYHV_SEG_TR; i++)
		segment_from_kvm(kvm_segment((struct kvm_sregs *)from, i), &seg->seg[i]);
	seg->gdt.base = from->gdt.base;
	seg->gdt.limit = from->gdt.limit;
	seg->idt.base = from->idt.base;
	seg->idt.limit = from->idt.limit;
	control->cr0 = from->cr0;
	control->cr2 = from->cr2;
	control->cr3 = from->cr3;
	control->cr4 = from->cr4;
	control->cr8 = from->cr8;
	control->efer = from->efer;
	control->apic_base = from->apic_base;
}

int sregs_interrupt(const struct kvm_sregs *sregs)
{
	for (unsigned int i = 0; i < 4; i++)
		if (sregs->interrupt_bitmap[i])
			return i * 64 + __builtin_ctzll(sregs->interrupt_bitmap[i]);
	return -1;
}

/* ---- events ---- */

static bool is_soft_exception(uint8_t vector)
{
	return vector == 3 || vector == 4;
}

void events_to_kvm(const struct myhv_state_events *from, struct events_abi abi,
		   struct kvm_vcpu_events *to)
{
	uint32_t flags = from->flags;
	bool exception = flags & MYHV_EVENT_EXCEPTION;
	bool injected = flags & MYHV_EVENT_EXCEPTION_INJECTED;
	bool soft = flags & MYHV_EVENT_INTERRUPT_SOFT;

	memset(to, 0, sizeof(*to));
	to->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
		    KVM_VCPUEVENT_VALID_SMM;
	/*
	 * A soft exception's instruction runs again, so KVM does not report it. Without the
	 * payload extension it does not tell pending from injected either.
	 */
	if (exception && !(injected && is_soft_exception(from->exc_vector))) {
		to->exception.injected = injected || !abi.payload;
		to->exception.pending = !injected || !abi.payload;
		to->exception.nr = from->exc_vector;
		to->exception.has_error_code = !!(flags & MYHV_EVENT_EXCEPTION_ERROR);
		to->exception.error_code = from->exc_error;
	}
	if (abi.payload) {
		to->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
		to->exception_has_payload = !!(flags & MYHV_EVENT_EXCEPTION_PAYLOAD);
		to->exception_payload = from->exc_payload;
	} else {
		to->exception.pending = 0;
	}
	to->interrupt.injected = (flags & MYHV_EVENT_INTERRUPT) && !soft;
	to->interrupt.nr = from->intr_vector;
	to->interrupt.shadow =
		(flags & MYHV_EVENT_SHADOW_STI ? KVM_X86_SHADOW_INT_STI : 0) |
		(flags & MYHV_EVENT_SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
	to->nmi.injected = !!(flags & MYHV_EVENT_NMI);
	to->nmi.pending = !!(flags & MYHV_EVENT_NMI_PENDING);
	to->nmi.masked = !!(flags & MYHV_EVENT_NMI_BLOCKED);
	to->sipi_vector = from->sipi_vector;
	if (abi.triple_fault) {
		to->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
		to->triple_fault.pending = !!(flags & MYHV_EVENT_TRIPLE_FAULT);
	}
}

#define EVENT_FLAGS                                                                      \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |             \
	 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_PAYLOAD | \
	 KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

static int events_check(const struct kvm_vcpu_events *from, struct events_abi abi)
{
	bool payload = from->flags & KVM_VCPUEVENT_VALID_PAYLOAD;

	if (from->flags & ~EVENT_FLAGS)
		return -EINVAL;
	if (payload && !abi.payload)
		return -EINVAL;
	if ((from->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !abi.triple_fault)
		return -EINVAL;
	if (payload && from->exception.pending && from->exception.injected)
		return -EINVAL;
	if ((from->exception.injected || (payload && from->exception.pending)) &&
	    (from->exception.nr > 31 || from->exception.nr == 2))
		return -EINVAL;
	/* there is no SMM */
	if ((from->flags & KVM_VCPUEVENT_VALID_SMM) && (from->smi.smm || from->smi.pending))
		return -EINVAL;
	return 0;
}

static uint32_t exception_from_kvm(const struct kvm_vcpu_events *from, struct myhv_state_events *to)
{
	bool payload = from->flags & KVM_VCPUEVENT_VALID_PAYLOAD;
	bool pending = payload && from->exception.pending;
	uint32_t flags = 0;

	to->exc_vector = 0;
	to->exc_error = 0;
	to->exc_payload = 0;
	if (!from->exception.injected && !pending)
		return 0;
	to->exc_vector = from->exception.nr;
	flags |= MYHV_EVENT_EXCEPTION;
	if (!pending)
		flags |= MYHV_EVENT_EXCEPTION_INJECTED;
	if (from->exception.has_error_code) {
		flags |= MYHV_EVENT_EXCEPTION_ERROR;
		to->exc_error = from->exception.error_code;
	}
	if (pending && from->exception_has_payload) {
		flags |= MYHV_EVENT_EXCEPTION_PAYLOAD;
		to->exc_payload = from->exception_payload;
	}
	return flags;
}

/* KVM may report both; the module keeps one. */
static uint32_t shadow_from_kvm(uint8_t shadow)
{
	if (shadow & KVM_X86_SHADOW_INT_STI)
		return MYHV_EVENT_SHADOW_STI;
	return shadow & KVM_X86_SHADOW_INT_MOV_SS ? MYHV_EVENT_SHADOW_MOV_SS : 0;
}

static uint32_t flag_if(uint32_t flag, bool on)
{
	return on ? flag : 0;
}

int events_from_kvm(const struct kvm_vcpu_events *from, struct events_abi abi,
		    struct myhv_state_events *to)
{
	uint32_t kept = 0, flags;
	int r = events_check(from, abi);

	if (r)
		return r;
	if (!(from->flags & KVM_VCPUEVENT_VALID_NMI_PENDING))
		kept |= MYHV_EVENT_NMI_PENDING;
	if (!(from->flags & KVM_VCPUEVENT_VALID_SHADOW))
		kept |= MYHV_EVENT_SHADOW_STI | MYHV_EVENT_SHADOW_MOV_SS;
	if (!(from->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT))
		kept |= MYHV_EVENT_TRIPLE_FAULT;

	flags = to->flags & kept;
	flags |= exception_from_kvm(from, to);
	/* the module takes one event that was cut short, KVM several: the first one wins */
	if (!(flags & MYHV_EVENT_EXCEPTION_INJECTED)) {
		flags |= flag_if(MYHV_EVENT_INTERRUPT, from->interrupt.injected);
		flags |= flag_if(MYHV_EVENT_INTERRUPT_SOFT,
				 from->interrupt.injected && from->interrupt.soft);
		flags |= flag_if(MYHV_EVENT_NMI, from->nmi.injected && !from->interrupt.injected);
	}
	flags |= flag_if(MYHV_EVENT_NMI_BLOCKED, from->nmi.masked);
	if (!(kept & MYHV_EVENT_NMI_PENDING))
		flags |= flag_if(MYHV_EVENT_NMI_PENDING, from->nmi.pending);
	if (!(kept & MYHV_EVENT_SHADOW_STI))
		flags |= shadow_from_kvm(from->interrupt.shadow);
	if (!(kept & MYHV_EVENT_TRIPLE_FAULT))
		flags |= flag_if(MYHV_EVENT_TRIPLE_FAULT, from->triple_fault.pending);
	to->flags = flags;
	to->intr_vector = flags & MYHV_EVENT_INTERRUPT ? from->interrupt.nr : 0;
	to->insn_length = 0;
	if (from->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		to->sipi_vector = from->sipi_vector;
	return 0;
}

/* ---- debug registers ---- */

void debugregs_to_kvm(const struct myhv_state_debug *from, struct kvm_debugregs *to)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->db, from->dr, sizeof(to->db));
	to->dr6 = from->dr6;
	to->dr7 = from->dr7;
}

int debugregs_from_kvm(const struct kvm_debugregs *from, struct myhv_state_debug *to)
{
	if (from->flags || from->dr6 >> 32 || from->dr7 >> 32)
		return -EINVAL;
	memcpy(to->dr, from->db, sizeof(to->dr));
	to->dr6 = from->dr6;
	to->dr7 = from->dr7;
	return 0;
}

int debug_from_kvm(const struct kvm_guest_debug *from, struct myhv_debug *to)
{
	static const struct {
		uint32_t kvm, ours;
	} flags[] = {
		{ KVM_GUESTDBG_ENABLE, MYHV_DEBUG_ENABLE },
		{ KVM_GUESTDBG_SINGLESTEP, MYHV_DEBUG_STEP },
		{ KVM_GUESTDBG_USE_SW_BP, MYHV_DEBUG_SW_BP },
		{ KVM_GUESTDBG_USE_HW_BP, MYHV_DEBUG_HW_BP },
	};
	uint32_t left = from->control;

	memset(to, 0, sizeof(*to));
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (from->control & flags[i].kvm)
			to->flags |= flags[i].ours;
		left &= ~flags[i].kvm;
	}
	if (left)
		return -EINVAL;
	if (!(from->control & KVM_GUESTDBG_ENABLE))
		to->flags = 0;
	if (to->flags & MYHV_DEBUG_HW_BP) {
		memcpy(to->dr, from->arch.debugreg, 4 * sizeof(to->dr[0]));
		to->dr[7] = from->arch.debugreg[7];
	}
	return 0;
}

/* ---- CPUID ---- */

void cpuid_to_kvm(const struct myhv_cpuid_entry *from, struct kvm_cpuid_entry2 *to)
{
	*to = (struct kvm_cpuid_entry2){
		.function = from->function,
		.index = from->index,
		.flags = from->flags & MYHV_CPUID_INDEXED ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = from->eax,
		.ebx = from->ebx,
		.ecx = from->ecx,
		.edx = from->edx,
	};
}

void cpuid_from_kvm(const struct kvm_cpuid_entry2 *from, struct myhv_cpuid_entry *to)
{
	bool indexed = from->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

	*to = (struct myhv_cpuid_entry){
		.function = from->function,
		.index = indexed ? from->index : 0,
		.flags = indexed ? MYHV_CPUID_INDEXED : 0,
		.eax = from->eax,
		.ebx = from->ebx,
		.ecx = from->ecx,
		.edx = from->edx,
	};
}

/* ---- the FPU: SDM "Layout of the 64-bit Mode FXSAVE Map" ---- */

#define FX_FCW 0
#define FX_FSW 2
#define FX_FTW 4
#define FX_FOP 6
#define FX_IP 8
#define FX_DP 16
#define FX_MXCSR 24
#define FX_ST 32
#define FX_XMM 160
#define XSTATE_BV 512
#define XSTATE_X87_SSE 3

void fpu_to_kvm(const uint8_t *xsave, struct kvm_fpu *to)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->fpr, xsave + FX_ST, sizeof(to->fpr));
	memcpy(&to->fcw, xsave + FX_FCW, sizeof(to->fcw));
	memcpy(&to->fsw, xsave + FX_FSW, sizeof(to->fsw));
	to->ftwx = xsave[FX_FTW];
	memcpy(&to->last_opcode, xsave + FX_FOP, sizeof(to->last_opcode));
	memcpy(&to->last_ip, xsave + FX_IP, sizeof(to->last_ip));
	memcpy(&to->last_dp, xsave + FX_DP, sizeof(to->last_dp));
	memcpy(to->xmm, xsave + FX_XMM, sizeof(to->xmm));
	memcpy(&to->mxcsr, xsave + FX_MXCSR, sizeof(to->mxcsr));
}

void fpu_from_kvm(const struct kvm_fpu *from, uint8_t *xsave)
{
	uint64_t bv;

	memcpy(xsave + FX_ST, from->fpr, sizeof(from->fpr));
	memcpy(xsave + FX_FCW, &from->fcw, sizeof(from->fcw));
	memcpy(xsave + FX_FSW, &from->fsw, sizeof(from->fsw));
	xsave[FX_FTW] = from->ftwx;
	memcpy(xsave + FX_FOP, &from->last_opcode, sizeof(from->last_opcode));
	memcpy(xsave + FX_IP, &from->last_ip, sizeof(from->last_ip));
	memcpy(xsave + FX_DP, &from->last_dp, sizeof(from->last_dp));
	memcpy(xsave + FX_XMM, from->xmm, sizeof(from->xmm));
	memcpy(&bv, xsave + XSTATE_BV, sizeof(bv));
	bv |= XSTATE_X87_SSE;
	memcpy(xsave + XSTATE_BV, &bv, sizeof(bv));
}
