/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pure model of one local APIC, xAPIC and x2APIC.
 *
 * The architectural state is the register page itself, laid out as the SDM's "Local
 * APIC Register Address Map", so that it can serve as the virtual-APIC page: with
 * @hw_delivery the CPU changes it in guest mode (TPR, PPR, IRR, ISR, and what the guest writes),
 * and nobody else does then. Requests wait in an inbox, @posted or @pir, until the vCPU's thread
 * moves them to the IRR (vlapic_collect()), or the CPU does it with those of @pir. Nothing
 * that is worked out from the page is kept in this case, and what a write of the guest
 * may have changed already (LVTT, TDCR) is kept beside it.
 *
 * Who may call what:
 *  - any CPU, any context, no lock: vlapic_post(), vlapic_accept(),
 *    vlapic_lvt_fire(), vlapic_timer_fire(), vlapic_match_dest(), vlapic_has_irr().
 *    Posting is: set the IRR bit, set its bit in @irr_summary, then kick the vCPU.
 *    With @hw_delivery "the IRR bit" is the inbox's.
 *  - everything else: only the vCPU's own thread, or whoever has stopped the vCPU.
 */
#ifndef MYHV_VLAPIC_H
#define MYHV_VLAPIC_H

#include "model.h"
#include "x86_defs.h"
#include "apic_msg.h"

struct myhv_state_lapic;

#define VLAPIC_PAGE_BYTES 4096
#define VLAPIC_NR_WORDS 8 /* of 32 vectors each; in the page 16 bytes apart */
#define VLAPIC_DEFAULT_BASE 0xfee00000u

/* Byte offsets in the register page; x2APIC MSR = 0x800 + offset / 16. */
#define VLAPIC_ID 0x020
#define VLAPIC_VERSION 0x030
#define VLAPIC_TPR 0x080
#define VLAPIC_APR 0x090
#define VLAPIC_PPR 0x0a0
#define VLAPIC_EOI 0x0b0
#define VLAPIC_LDR 0x0d0
#define VLAPIC_DFR 0x0e0
#define VLAPIC_SVR 0x0f0
#define VLAPIC_ISR 0x100
#define VLAPIC_TMR 0x180
#define VLAPIC_IRR 0x200
#define VLAPIC_ESR 0x280
#define VLAPIC_ICR 0x300
#define VLAPIC_ICR2 0x310
#define VLAPIC_LVTT 0x320
#define VLAPIC_LVTTHMR 0x330
#define VLAPIC_LVTPC 0x340
#define VLAPIC_LVT0 0x350
#define VLAPIC_LVT1 0x360
#define VLAPIC_LVTERR 0x370
#define VLAPIC_TMICT 0x380
#define VLAPIC_TMCCT 0x390
#define VLAPIC_TDCR 0x3e0
#define VLAPIC_SELF_IPI 0x3f0

#define VLAPIC_X2APIC_MSR_FIRST 0x800
#define VLAPIC_X2APIC_MSR_LAST 0x8ff

/* IA32_APIC_BASE */
#define VLAPIC_BASE_BSP BIT_ULL(8)
#define VLAPIC_BASE_EXTD BIT_ULL(10)
#define VLAPIC_BASE_EN BIT_ULL(11)
#define VLAPIC_BASE_ADDR_MASK (~0xfffULL)

#define VLAPIC_SVR_ENABLE BIT(8)
#define VLAPIC_SVR_NO_EOI_BROADCAST BIT(12)

#define VLAPIC_LVT_MASKED BIT(16)
#define VLAPIC_LVTT_MODE_SHIFT 17
#define VLAPIC_TIMER_ONESHOT 0
#define VLAPIC_TIMER_PERIODIC 1
#define VLAPIC_TIMER_TSC_DEADLINE 2

#define VLAPIC_ESR_REDIRECTABLE_IPI BIT(4)
#define VLAPIC_ESR_SEND_ILLEGAL_VECTOR BIT(5)
#define VLAPIC_ESR_RECV_ILLEGAL_VECTOR BIT(6)
#define VLAPIC_ESR_ILLEGAL_REGISTER BIT(7)

/**
 * struct vlapic_config - what the virtual CPU's LAPIC can do; fixed at creation
 * @phys_addr_bits: MAXPHYADDR of the guest, for the legality of IA32_APIC_BASE
 * @x2apic: CPUID offers x2APIC
 * @tsc_deadline: CPUID offers the TSC-deadline timer
 * @eoi_suppression: SVR bit 12 works (the IOAPIC has an EOI register)
 * @tick_ns: length of a timer tick at divider 1
 * @min_period_ns: shortest period of the periodic timer; shorter ones are stretched
 * @hw_delivery: the CPU delivers interrupts from the register page (virtual-interrupt delivery)
 */
struct vlapic_config {
	u8 phys_addr_bits;
	bool x2apic;
	bool tsc_deadline;
	bool eoi_suppression;
	u32 tick_ns;
	u32 min_period_ns;
	bool hw_delivery;
};

/**
 * struct vlapic - one local APIC
 * @regs: the register page; IRR and TMR words and @esr_pending only by atomics
 * @irr_summary: bit n set: IRR word n, or the inbox's, may have bits (a hint that is never too
 *	small; with @hw_delivery it is about the inbox alone)
 * @posted: the inbox
 * @pir: another, which the CPU may empty in guest mode (posted interrupts), or NULL
 * @watched: bits of vectors whose end must be seen: level triggered, or somebody counts them
 * @esr_pending: errors since the last write to ESR
 * @isr_summary: bit n set: ISR word n has bits
 * @id: the initial APIC ID, all 32 bits
 * @base: IA32_APIC_BASE; read from other CPUs by vlapic_match_dest()
 * @cfg: see struct vlapic_config
 * @timer_start_ns: when the running count was started
 * @timer_running: the count has been started and, one-shot, not yet seen to be over
 * @tsc_deadline: IA32_TSC_DEADLINE, 0 when disarmed
 * @lvtt: @tdcr: the timer's registers as they are in force
 */
struct vlapic {
	u32 *regs;
	u32 irr_summary;
	u32 posted[VLAPIC_NR_WORDS];
	u32 *pir;
	u32 watched[VLAPIC_NR_WORDS];
	u32 esr_pending;
	u32 isr_summary;
	u32 id;
	u64 base;
	struct vlapic_config cfg;
	u64 timer_start_ns;
	bool timer_running;
	u64 tsc_deadline;
	u32 lvtt;
	u32 tdcr;
};

/* vlapic_fx::what: effects that the caller must carry out. */
#define VLAPIC_FX_IPI BIT(0)   /* send @ipi */
#define VLAPIC_FX_EOI BIT(1)   /* @eoi_vector was ended */
#define VLAPIC_FX_TIMER BIT(2) /* disarm, then arm as vlapic_timer_next() says */
#define VLAPIC_FX_MAP BIT(3)   /* mode, ID or logical address changed */

/**
 * struct vlapic_fx - effects of a register write
 * @what: VLAPIC_FX_*; zeroed by the caller, added to by the model
 * @eoi_vector: with VLAPIC_FX_EOI
 * @eoi_broadcast: the interrupt was level triggered and SVR allows to tell the IOAPICs
 * @ipi: with VLAPIC_FX_IPI
 */
struct vlapic_fx {
	u32 what;
	u8 eoi_vector;
	bool eoi_broadcast;
	struct apic_msg ipi;
};

/** enum vlapic_action - what accepting a message asks of the target vCPU */
enum vlapic_action {
	VLAPIC_IGNORED,	  /* masked, disabled or no such thing */
	VLAPIC_COALESCED, /* the vector was pending already */
	VLAPIC_IRQ,	  /* a new IRR bit: kick */
	VLAPIC_POSTED,	  /* a new bit of @pir: the CPU can take it without an exit */
	VLAPIC_NMI,
	VLAPIC_SMI,
	VLAPIC_INIT,
	VLAPIC_SIPI,   /* start-up page in the message's vector */
	VLAPIC_EXTINT, /* the PIC's INTR line */
};

enum vlapic_deadline_kind {
	VLAPIC_DEADLINE_NONE,
	VLAPIC_DEADLINE_NS,  /* @at and @period_ns on the clock that @now_ns comes from */
	VLAPIC_DEADLINE_TSC, /* @at is a guest TSC value */
};

/**
 * struct vlapic_deadline - when vlapic_timer_fire() is due
 * @kind: the clock of @at
 * @at: first expiry, possibly in the past
 * @period_ns: distance of the following ones, 0 for a single shot
 */
struct vlapic_deadline {
	enum vlapic_deadline_kind kind;
	u64 at;
	u64 period_ns;
};

/* ---- any CPU ---------------------------------------------------------- */

/**
 * vlapic_has_irr() - may an interrupt be requested? One load; never wrongly false
 * @v: the LAPIC
 *
 * Ordering against a sleeping or entering vCPU is the kick's business: the poster
 * sets the bits and then kicks; the vCPU announces itself and then looks.
 */
static inline bool vlapic_has_irr(const struct vlapic *v)
{
	return __atomic_load_n(&v->irr_summary, __ATOMIC_ACQUIRE) != 0;
}

static inline u32 vlapic_reg(const struct vlapic *v, u32 offset)
{
	return __atomic_load_n(&v->regs[offset / 4], __ATOMIC_RELAXED);
}

static inline bool vlapic_x2apic_mode(const struct vlapic *v)
{
	return READ_ONCE(v->base) & VLAPIC_BASE_EXTD;
}

/** vlapic_hw_enabled() - IA32_APIC_BASE.EN */
static inline bool vlapic_hw_enabled(const struct vlapic *v)
{
	return READ_ONCE(v->base) & VLAPIC_BASE_EN;
}

/** vlapic_sw_enabled() - SVR bit 8 as well: fixed interrupts are accepted */
static inline bool vlapic_sw_enabled(const struct vlapic *v)
{
	return vlapic_hw_enabled(v) && (vlapic_reg(v, VLAPIC_SVR) & VLAPIC_SVR_ENABLE);
}

/** vlapic_priority() - processor priority, for lowest-priority arbitration */
static inline u8 vlapic_priority(const struct vlapic *v)
{
	return (u8)vlapic_reg(v, VLAPIC_PPR);
}

bool vlapic_post(struct vlapic *v, u8 vector);
enum vlapic_action vlapic_accept(struct vlapic *v, const struct apic_msg *msg);
enum vlapic_action vlapic_lvt_fire(struct vlapic *v, u32 lvt);
bool vlapic_timer_fire(struct vlapic *v, const struct vlapic_deadline *armed);
bool vlapic_match_dest(const struct vlapic *v, u32 dest, bool logical);
bool vlapic_accepts_pic(const struct vlapic *v);

/* ---- the vCPU's own thread -------------------------------------------- */

void vlapic_create(struct vlapic *v, void *page, u32 id, const struct vlapic_config *cfg);
void vlapic_reset(struct vlapic *v, bool bsp);
void vlapic_init(struct vlapic *v);

u64 vlapic_mmio_read(struct vlapic *v, u32 offset, u32 size, u64 now_ns);
void vlapic_mmio_write(struct vlapic *v, u32 offset, u32 size, u64 value, u64 now_ns,
		       struct vlapic_fx *fx);
bool vlapic_msr_read(struct vlapic *v, u32 msr, u64 now_ns, u64 *value);
bool vlapic_msr_write(struct vlapic *v, u32 msr, u64 value, u64 now_ns, struct vlapic_fx *fx);

bool vlapic_base_write(struct vlapic *v, u64 value, struct vlapic_fx *fx);
bool vlapic_base_set(struct vlapic *v, u64 value, struct vlapic_fx *fx);
u64 vlapic_tsc_deadline_read(const struct vlapic *v);
void vlapic_tsc_deadline_write(struct vlapic *v, u64 value, struct vlapic_fx *fx);

void vlapic_set_tpr(struct vlapic *v, u8 tpr);
void vlapic_eoi(struct vlapic *v, struct vlapic_fx *fx);
void vlapic_eoi_seen(struct vlapic *v, u8 vector, struct vlapic_fx *fx);
void vlapic_reg_written(struct vlapic *v, u32 offset, u64 now_ns, struct vlapic_fx *fx);
bool vlapic_eoi_is_silent(struct vlapic *v);
int vlapic_highest_irr(struct vlapic *v);
int vlapic_collect(struct vlapic *v);
void vlapic_leave_hw(struct vlapic *v);
int vlapic_highest_isr(const struct vlapic *v);
u8 vlapic_held_class(struct vlapic *v);
u32 vlapic_ppr(const struct vlapic *v);
int vlapic_pending(struct vlapic *v);
int vlapic_ack(struct vlapic *v);
struct vlapic_deadline vlapic_timer_next(struct vlapic *v, u64 now_ns);

void vlapic_get_state(const struct vlapic *v, u64 now_ns, struct myhv_state_lapic *state);
void vlapic_set_state(struct vlapic *v, u64 now_ns, const struct myhv_state_lapic *state,
		      struct vlapic_fx *fx);

/** vlapic_tpr() - the task priority */
static inline u8 vlapic_tpr(const struct vlapic *v)
{
	return (u8)vlapic_reg(v, VLAPIC_TPR);
}

/** vlapic_cr8() - the task priority as CR8 shows it */
static inline u8 vlapic_cr8(const struct vlapic *v)
{
	return vlapic_tpr(v) >> 4;
}

/* ---- between vlapic.c and vlapic_regs.c --------------------------------- */

static inline void vlapic_reg_set(struct vlapic *v, u32 offset, u32 value)
{
	__atomic_store_n(&v->regs[offset / 4], value, __ATOMIC_RELAXED);
}

void vlapic_raise_error(struct vlapic *v, u32 esr_bit);
void vlapic_refresh(struct vlapic *v);
void vlapic_drop_posted(struct vlapic *v);
void vlapic_enter_mode(struct vlapic *v);

#endif /* MYHV_VLAPIC_H */
