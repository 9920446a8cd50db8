// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC: how interrupts get in (posting, acceptance, destination match), to the
 * CPU (priority, acknowledge) and out again (EOI), and the modes of the APIC base.
 * The registers as the guest sees them are in vlapic_regs.c.
 */
#include "vlapic.h"

#define VECTORS_PER_WORD 32
#define FIRST_LEGAL_VECTOR 16

static u32 *vector_word(struct vlapic *v, u32 base, u32 vector)
{
	return &v->regs[base / 4 + vector / VECTORS_PER_WORD * 4];
}

static u32 vector_bit(u32 vector)
{
	return 1u << (vector % VECTORS_PER_WORD);
}

static u32 highest_bit(u32 word)
{
	return 31 - (u32)__builtin_clz(word);
}

/* ---- requests: any CPU ------------------------------------------------ */

/* @to: the word that takes the bit */
static bool post_to(struct vlapic *v, u32 *to, u8 vector)
{
	u32 bit = vector_bit(vector);
	u32 old;

	old = __atomic_fetch_or(to, bit, __ATOMIC_SEQ_CST);
	/* one that waits in the page already is merged with ours */
	if (v->cfg.hw_delivery)
		old |= __atomic_load_n(vector_word(v, VLAPIC_IRR, vector), __ATOMIC_SEQ_CST);
	/*
	 * Always, even for a coalesced vector: who set the bit first may not have
	 * come here yet, and our caller may be the one that the guest waits for.
	 * Pairs with the clearing in vlapic_highest_irr().
	 */
	__atomic_fetch_or(&v->irr_summary, 1u << (vector / VECTORS_PER_WORD), __ATOMIC_SEQ_CST);
	return !(old & bit);
}

static bool post_legal(struct vlapic *v, u8 vector)
{
	return post_to(v, v->cfg.hw_delivery ? &v->posted[vector / VECTORS_PER_WORD] :
					       vector_word(v, VLAPIC_IRR, vector), vector);
}

/**
 * vlapic_raise_error() - note an error and fire the error LVT
 * @v: the LAPIC
 * @esr_bit: VLAPIC_ESR_*
 *
 * A bit that is set already fires nothing, which also ends the recursion when the
 * error LVT itself holds an illegal vector.
 */
void vlapic_raise_error(struct vlapic *v, u32 esr_bit)
{
	u32 old, lvt;

	old = __atomic_fetch_or(&v->esr_pending, esr_bit, __ATOMIC_SEQ_CST);
	if (old & esr_bit)
		return;
	lvt = vlapic_reg(v, VLAPIC_LVTERR);
	if (!(lvt & VLAPIC_LVT_MASKED))
		vlapic_post(v, (u8)lvt);
}

/**
 * vlapic_post() - request an edge-triggered fixed interrupt; any CPU, any context
 * @v: the LAPIC
 * @vector: vector
 *
 * The TMR is left alone: the vector must not be in use for a level-triggered interrupt
 * at the same time (vlapic_accept() keeps the TMR).
 * Returns true when the vector was not pending before: the vCPU needs a kick.
 */
bool vlapic_post(struct vlapic *v, u8 vector)
{
	if (vector < FIRST_LEGAL_VECTOR) {
		vlapic_raise_error(v, VLAPIC_ESR_RECV_ILLEGAL_VECTOR);
		return false;
	}
	return post_legal(v, vector);
}

/* Set or clear @bit of *@word, if it is not like that. */
static void atomic_assign(u32 *word, u32 bit, bool value)
{
	if (!!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit) == value)
		return;
	if (value)
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

/*
 * An interrupt whose end must be seen waits for the vCPU's thread, which tells the CPU so before
 * it can be delivered. All others may go where the CPU finds them.
 */
static enum vlapic_action post_for_hw(struct vlapic *v, u8 vector, bool watched)
{
	u32 word = vector / VECTORS_PER_WORD;

	if (watched)
		__atomic_fetch_or(&v->watched[word], vector_bit(vector), __ATOMIC_SEQ_CST);
	if (watched || !v->pir)
		return post_legal(v, vector) ? VLAPIC_IRQ : VLAPIC_COALESCED;
	return post_to(v, &v->pir[word], vector) ? VLAPIC_POSTED : VLAPIC_COALESCED;
}

static enum vlapic_action accept_fixed(struct vlapic *v, const struct apic_msg *msg)
{
	u8 vector = msg->vector;


	if (!vlapic_sw_enabled(v))
		return VLAPIC_IGNORED;
	if (vector < FIRST_LEGAL_VECTOR) {
		vlapic_raise_error(v, VLAPIC_ESR_RECV_ILLEGAL_VECTOR);
		return VLAPIC_IGNORED;
	}
	/* The TMR first: the EOI reads it after it has seen the IRR bit. */
	atomic_assign(vector_word(v, VLAPIC_TMR, vector), vector_bit(vector), msg->level);
	if (v->cfg.hw_delivery)
		return post_for_hw(v, vector, msg->level || msg->watched);
	return post_legal(v, vector) ? VLAPIC_IRQ : VLAPIC_COALESCED;
}

/**
 * vlapic_accept() - take a message that matched this LAPIC; any CPU, any context
 * @v: the LAPIC
 * @msg: the message
 *
 * The destination is not looked at. Returns what the caller has to do to the vCPU.
 * SDM "Interrupt Acceptance for Fixed Interrupts", "Delivery Mode" of the ICR.
 */
enum vlapic_action vlapic_accept(struct vlapic *v, const struct apic_msg *msg)
{
	if (!vlapic_hw_enabled(v))
		return VLAPIC_IGNORED;

	switch (msg->mode) {
	case VAPIC_DM_FIXED:
	case VAPIC_DM_LOWEST:
		if (msg->level && !msg->assert)
			return VLAPIC_IGNORED;
		return accept_fixed(v, msg);
	case VAPIC_DM_SMI:
		return VLAPIC_SMI;
	case VAPIC_DM_NMI:
		return VLAPIC_NMI;
	case VAPIC_DM_INIT:
		/* INIT level de-assert resynchronized arbitration IDs, long ago. */
		return msg->level && !msg->assert ? VLAPIC_IGNORED : VLAPIC_INIT;
	case VAPIC_DM_STARTUP:
		return VLAPIC_SIPI;
	case VAPIC_DM_EXTINT:
		return VLAPIC_EXTINT;
	default:
		return VLAPIC_IGNORED;
	}
}

/**
 * vlapic_lvt_fire() - a local source fires; any CPU, any context
 * @v: the LAPIC
 * @lvt: VLAPIC_LVT0, _LVT1, _LVTTHMR, _LVTPC or _LVTERR
 *
 * The performance LVT masks itself, as hardware does.
 */
enum vlapic_action vlapic_lvt_fire(struct vlapic *v, u32 lvt)
{
	u32 entry = vlapic_reg(v, lvt);
	struct apic_msg msg = {
		.vector = (u8)entry,
		.mode = lvt == VLAPIC_LVTERR ? VAPIC_DM_FIXED : (entry >> 8) & 7,
		.assert = true,
	};

	if (!vlapic_hw_enabled(v) || (entry & VLAPIC_LVT_MASKED))
		return VLAPIC_IGNORED;
	if (lvt == VLAPIC_LVTPC)
		__atomic_fetch_or(&v->regs[lvt / 4], VLAPIC_LVT_MASKED, __ATOMIC_SEQ_CST);
	/* Only LINT0 and LINT1 know level triggering; and only for fixed mode. */
	if (lvt == VLAPIC_LVT0 || lvt == VLAPIC_LVT1)
		msg.level = msg.mode == VAPIC_DM_FIXED && (entry & BIT(15));
	if (msg.mode == VAPIC_DM_LOWEST || msg.mode == VAPIC_DM_STARTUP)
		return VLAPIC_IGNORED;
	return vlapic_accept(v, &msg);
}

/**
 * vlapic_accepts_pic() - does the 8259A's INTR output reach this CPU?
 * @v: the LAPIC
 *
 * True with the APIC switched off (INTR is then the CPU's own pin) and with LINT0 in
 * ExtINT mode: SDM "Local APIC Status and Location", "Virtual Wire Mode" of the
 * MultiProcessor Specification.
 */
bool vlapic_accepts_pic(const struct vlapic *v)
{
	u32 lvt0 = vlapic_reg(v, VLAPIC_LVT0);

	if (!vlapic_hw_enabled(v))
		return true;
	return !(lvt0 & VLAPIC_LVT_MASKED) && ((lvt0 >> 8) & 7) == VAPIC_DM_EXTINT;
}

static bool match_logical_xapic(u32 ldr, u32 dfr, u32 dest)
{
	u32 logical = ldr >> 24;

	if (dest > 0xff)
		return false;
	switch (dfr >> 28) {
	case 0xf: /* flat: a bit per CPU */
		return logical & dest;
	case 0x0: /* cluster: number in bits 7:4, a bit per CPU in 3:0; 15 is all */
		if ((dest >> 4) != 0xf && (dest >> 4) != (logical >> 4))
			return false;
		return logical & dest & 0xf;
	default:
		return false;
	}
}

/**
 * vlapic_match_dest() - is this LAPIC addressed by @dest? Any CPU, any context
 * @v: the LAPIC
 * @dest: APIC ID, logical address or VAPIC_DEST_BROADCAST
 * @logical: destination mode
 *
 * SDM "Determining IPI Destination", "Logical Destination Mode in x2APIC Mode".
 * A concurrent change of the addressed LAPIC may be seen late, as on hardware.
 */
bool vlapic_match_dest(const struct vlapic *v, u32 dest, bool logical)
{
	u64 base = READ_ONCE(v->base);
	bool x2apic = base & VLAPIC_BASE_EXTD;
	u32 ldr;

	if (!(base & VLAPIC_BASE_EN))
		return false;
	if (dest == VAPIC_DEST_BROADCAST)
		return true;
	if (!logical)
		return dest == (x2apic ? v->id : vlapic_reg(v, VLAPIC_ID) >> 24);
	ldr = vlapic_reg(v, VLAPIC_LDR);
	if (x2apic)
		return (ldr >> 16) == (dest >> 16) && (ldr & dest & 0xffff);
	return match_logical_xapic(ldr, vlapic_reg(v, VLAPIC_DFR), dest);
}

/* ---- priority and acknowledge: the vCPU's thread ---------------------- */

/* The highest bit of eight words of the page, or -1. */
static int highest_of(const struct vlapic *v, u32 base)
{
	int word;
	u32 bits;

	for (word = VLAPIC_NR_WORDS - 1; word >= 0; word--) {
		bits = vlapic_reg(v, base + (u32)word * 0x10);
		if (bits)
			return word * VECTORS_PER_WORD + (int)highest_bit(bits);
	}
	return -1;
}

/** vlapic_highest_isr() - the vector in service, or -1 */
int vlapic_highest_isr(const struct vlapic *v)
{
	u32 word;

	if (v->cfg.hw_delivery)
		return highest_of(v, VLAPIC_ISR);
	if (!v->isr_summary)
		return -1;
	word = highest_bit(v->isr_summary);
	return (int)(word * VECTORS_PER_WORD + highest_bit(v->regs[VLAPIC_ISR / 4 + word * 4]));
}

/** vlapic_ppr() - the processor priority; SDM "Task and Processor Priorities" */
u32 vlapic_ppr(const struct vlapic *v)
{
	u32 tpr = vlapic_reg(v, VLAPIC_TPR);
	int isr = vlapic_highest_isr(v);
	u32 isr_class = isr < 0 ? 0 : (u32)isr & 0xf0;

	return (tpr & 0xf0) >= isr_class ? tpr : isr_class;
}

static void update_ppr(struct vlapic *v)
{
	vlapic_reg_set(v, VLAPIC_PPR, vlapic_ppr(v));
}

/** vlapic_set_tpr() - write the TPR; CR8 n is TPR n << 4 */
void vlapic_set_tpr(struct vlapic *v, u8 tpr)
{
	vlapic_reg_set(v, VLAPIC_TPR, tpr);
	update_ppr(v);
}

/** vlapic_highest_irr() - the highest requested vector whatever its priority, or -1 */
int vlapic_highest_irr(struct vlapic *v)
{
	u32 summary = __atomic_load_n(&v->irr_summary, __ATOMIC_ACQUIRE);

	if (v->cfg.hw_delivery)
		return vlapic_collect(v);
	while (summary) {
		u32 word = highest_bit(summary);
		u32 *irr = &v->regs[VLAPIC_IRR / 4 + word * 4];
		u32 bits = __atomic_load_n(irr, __ATOMIC_ACQUIRE);

		if (!bits) {
			/*
			 * Clear, then look again: pairs with post_legal(), which sets
			 * the IRR bit, then the summary bit. Either we see the former
			 * or the latter comes after our clearing.
			 */
			__atomic_fetch_and(&v->irr_summary, ~(1u << word), __ATOMIC_SEQ_CST);
			bits = __atomic_load_n(irr, __ATOMIC_SEQ_CST);
			if (bits)
				__atomic_fetch_or(&v->irr_summary, 1u << word, __ATOMIC_SEQ_CST);
		}
		if (bits)
			return (int)(word * VECTORS_PER_WORD + highest_bit(bits));
		summary &= ~(1u << word);
	}
	return -1;
}

/**
 * vlapic_collect() - with @hw_delivery: move what was posted to the IRR
 * @v: the LAPIC, whose vCPU is not in guest mode
 *
 * Returns the highest vector that is requested, or -1.
 */
int vlapic_collect(struct vlapic *v)
{
	u32 summary = 0, word, bits;

	/* before the words: pairs with post_to(), which sets it after them */
	if (__atomic_load_n(&v->irr_summary, __ATOMIC_ACQUIRE))
		summary = __atomic_exchange_n(&v->irr_summary, 0, __ATOMIC_SEQ_CST);
	for (word = 0; summary; word++, summary >>= 1) {
		if (!(summary & 1))
			continue;
		bits = __atomic_exchange_n(&v->posted[word], 0, __ATOMIC_SEQ_CST);
		if (v->pir)
			bits |= __atomic_exchange_n(&v->pir[word], 0, __ATOMIC_SEQ_CST);
		vlapic_reg_set(v, VLAPIC_IRR + word * 0x10,
			       vlapic_reg(v, VLAPIC_IRR + word * 0x10) | bits);
	}
	return highest_of(v, VLAPIC_IRR);
}

/**
 * vlapic_held_class() - the class of the highest request, if it is the TPR that holds it back
 * @v: the LAPIC
 *
 * 0: nothing would change with the TPR.
 */
u8 vlapic_held_class(struct vlapic *v)
{
	int irr = vlapic_highest_irr(v);
	u32 class = irr < 0 ? 0 : (u32)irr >> 4;

	return vlapic_reg(v, VLAPIC_TPR) >> 4 >= class ? (u8)class : 0;
}

/** vlapic_pending() - the vector that the CPU may take now, or -1 */
int vlapic_pending(struct vlapic *v)
{
	int irr;

	if ((!vlapic_has_irr(v) && !v->cfg.hw_delivery) || !vlapic_hw_enabled(v))
		return -1;
	irr = vlapic_highest_irr(v);
	/* the guest may have written the TPR without an exit */
	if (irr >= 0)
		update_ppr(v);
	if (irr < 0 || ((u32)irr & 0xf0) <= (vlapic_reg(v, VLAPIC_PPR) & 0xf0))
		return -1;
	return irr;
}

/**
 * vlapic_ack() - interrupt acknowledge: move the vector from IRR to ISR
 * @v: the LAPIC
 *
 * Returns the vector, or -1 when none is deliverable (any more).
 */
int vlapic_ack(struct vlapic *v)
{
	int vector = v->cfg.hw_delivery ? -1 : vlapic_pending(v);
	u32 word;

	if (vector < 0)
		return -1;
	word = (u32)vector / VECTORS_PER_WORD;
	__atomic_fetch_and(vector_word(v, VLAPIC_IRR, vector), ~vector_bit(vector),
			   __ATOMIC_SEQ_CST);
	*vector_word(v, VLAPIC_ISR, vector) |= vector_bit(vector);
	v->isr_summary |= 1u << word;
	update_ppr(v);
	return vector;
}

/**
 * vlapic_eoi_is_silent() - may the interrupt in service be ended without anybody looking?
 * @v: the LAPIC
 *
 * It is the only one, it is edge triggered, and none waits for its end.
 */
bool vlapic_eoi_is_silent(struct vlapic *v)
{
	int vector = vlapic_highest_isr(v);

	if (v->cfg.hw_delivery || vector < 0 || (v->isr_summary & (v->isr_summary - 1)) ||
	    *vector_word(v, VLAPIC_ISR, vector) != vector_bit(vector))
		return false;
	return !(*vector_word(v, VLAPIC_TMR, vector) & vector_bit(vector)) &&
	       vlapic_highest_irr(v) < 0;
}

/**
 * vlapic_eoi_seen() - the CPU has retired @vector; with @hw_delivery
 * @v: the LAPIC
 * @vector: one that is watched
 * @fx: effects, added to
 */
void vlapic_eoi_seen(struct vlapic *v, u8 vector, struct vlapic_fx *fx)
{
	fx->what |= VLAPIC_FX_EOI;
	fx->eoi_vector = vector;
	fx->eoi_broadcast = (__atomic_load_n(vector_word(v, VLAPIC_TMR, vector),
					     __ATOMIC_ACQUIRE) & vector_bit(vector)) &&
			    !(vlapic_reg(v, VLAPIC_SVR) & VLAPIC_SVR_NO_EOI_BROADCAST);
}

/**
 * vlapic_eoi() - end of interrupt: retire the highest vector in service
 * @v: the LAPIC
 * @fx: effects, added to
 *
 * With nothing in service there is no effect. SDM "Signaling Interrupt Servicing
 * Completion".
 */
void vlapic_eoi(struct vlapic *v, struct vlapic_fx *fx)
{
	int vector = vlapic_highest_isr(v);
	u32 *isr, bit;

	if (vector < 0)
		return;
	isr = vector_word(v, VLAPIC_ISR, vector);
	bit = vector_bit(vector);
	*isr &= ~bit;
	if (!*isr)
		v->isr_summary &= ~(1u << ((u32)vector / VECTORS_PER_WORD));
	update_ppr(v);
	vlapic_eoi_seen(v, (u8)vector, fx);
}

/** vlapic_drop_posted() - forget what was posted and not yet taken */
void vlapic_drop_posted(struct vlapic *v)
{
	u32 word;

	for (word = 0; word < VLAPIC_NR_WORDS; word++) {
		__atomic_store_n(&v->posted[word], 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&v->watched[word], 0, __ATOMIC_SEQ_CST);
		if (v->pir)
			__atomic_store_n(&v->pir[word], 0, __ATOMIC_SEQ_CST);
	}
}

/** vlapic_refresh() - recompute what is derived from the page after it was replaced */
void vlapic_refresh(struct vlapic *v)
{
	u32 word;

	v->isr_summary = 0;
	for (word = 0; word < VLAPIC_NR_WORDS; word++)
		if (v->regs[VLAPIC_ISR / 4 + word * 4])
			v->isr_summary |= 1u << word;
	__atomic_store_n(&v->irr_summary, 0xff, __ATOMIC_SEQ_CST);
	WRITE_ONCE(v->lvtt, vlapic_reg(v, VLAPIC_LVTT));
	v->tdcr = vlapic_reg(v, VLAPIC_TDCR);
	update_ppr(v);
}

/**
 * vlapic_leave_hw() - with @hw_delivery: from now on without
 * @v: the LAPIC, whose vCPU is not in guest mode; messages that are on their way now may be lost
 */
void vlapic_leave_hw(struct vlapic *v)
{
	vlapic_collect(v);
	v->cfg.hw_delivery = false;
	v->pir = NULL;
	vlapic_refresh(v);
}

/* ---- creation, reset, modes ------------------------------------------- */

/**
 * vlapic_create() - bind a model to its page and configuration
 * @v: the LAPIC
 * @page: VLAPIC_PAGE_BYTES of zeroed memory that outlive @v
 * @id: initial APIC ID
 * @cfg: what it can do
 *
 * The state is that of vlapic_reset(@v, false).
 */
void vlapic_create(struct vlapic *v, void *page, u32 id, const struct vlapic_config *cfg)
{
	*v = (struct vlapic){ .regs = page, .id = id, .cfg = *cfg };
	vlapic_reset(v, false);
}

static u32 x2apic_ldr(const struct vlapic *v)
{
	return (v->id >> 4) << 16 | 1u << (v->id & 0xf);
}

/** vlapic_enter_mode() - give ID and LDR the values that the mode in @base dictates */
void vlapic_enter_mode(struct vlapic *v)
{
	if (v->base & VLAPIC_BASE_EXTD) {
		vlapic_reg_set(v, VLAPIC_ID, v->id);
		vlapic_reg_set(v, VLAPIC_LDR, x2apic_ldr(v));
	} else {
		vlapic_reg_set(v, VLAPIC_ID, v->id << 24);
		vlapic_reg_set(v, VLAPIC_LDR, 0);
	}
}

/* All but the ID: others look for it meanwhile, and a SIPI that finds nobody is lost. */
static void reset_regs(struct vlapic *v)
{
	static const u16 lvts[] = { VLAPIC_LVTT, VLAPIC_LVTTHMR, VLAPIC_LVTPC,
				    VLAPIC_LVT0, VLAPIC_LVT1,	 VLAPIC_LVTERR };
	u32 offset, i;

	for (offset = 0; offset < VLAPIC_PAGE_BYTES; offset += 4)
		if (offset != VLAPIC_ID)
			vlapic_reg_set(v, offset, 0);
	/* Version 0x14 with six LVT entries; bit 24: EOI broadcast suppression. */
	vlapic_reg_set(v, VLAPIC_VERSION,
		       0x14 | (ARRAY_SIZE(lvts) - 1) << 16 |
			       (v->cfg.eoi_suppression ? 1u << 24 : 0));
	vlapic_reg_set(v, VLAPIC_DFR, 0xffffffff);
	vlapic_reg_set(v, VLAPIC_SVR, 0xff);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		vlapic_reg_set(v, lvts[i], VLAPIC_LVT_MASKED);
	vlapic_drop_posted(v);
	__atomic_store_n(&v->esr_pending, 0, __ATOMIC_RELAXED);
	v->timer_running = false;
	v->timer_start_ns = 0;
	WRITE_ONCE(v->tsc_deadline, 0);
	if (v->base & VLAPIC_BASE_EXTD)
		vlapic_reg_set(v, VLAPIC_LDR, x2apic_ldr(v));
	vlapic_refresh(v);
}

/**
 * vlapic_init() - INIT: all registers as after power-up, but mode, base and ID stay
 * @v: the LAPIC
 *
 * SDM "Local APIC State After an INIT Reset". The caller disarms the timer.
 */
void vlapic_init(struct vlapic *v)
{
	reset_regs(v);
}

/**
 * vlapic_reset() - power-up state; the caller disarms the timer
 * @v: the LAPIC
 * @bsp: the boot processor, whose LINT0 also gets the setting that every BIOS makes:
 *	ExtINT, unmasked, so that 8259A interrupts arrive before the guest knows an APIC
 */
void vlapic_reset(struct vlapic *v, bool bsp)
{
	WRITE_ONCE(v->base, VLAPIC_DEFAULT_BASE | VLAPIC_BASE_EN | (bsp ? VLAPIC_BASE_BSP : 0));
	vlapic_enter_mode(v);
	reset_regs(v);
	if (bsp)
		vlapic_reg_set(v, VLAPIC_LVT0, VAPIC_DM_EXTINT << 8);
}

static bool base_is_possible(const struct vlapic *v, u64 value)
{
	u64 allowed = VLAPIC_BASE_BSP | VLAPIC_BASE_EN |
		      (VLAPIC_BASE_ADDR_MASK & ((1ULL << v->cfg.phys_addr_bits) - 1));

	if (v->cfg.x2apic)
		allowed |= VLAPIC_BASE_EXTD;
	if (value & ~allowed)
		return false;
	return !(value & VLAPIC_BASE_EXTD) || (value & VLAPIC_BASE_EN);
}

static void base_change(struct vlapic *v, u64 value, struct vlapic_fx *fx)
{
	u64 changed = v->base ^ value;

	WRITE_ONCE(v->base, value);
	if (!(changed & (VLAPIC_BASE_EN | VLAPIC_BASE_EXTD)))
		return;
	fx->what |= VLAPIC_FX_MAP;
	if (!(value & VLAPIC_BASE_EN)) {
		/* Registers fall back to power-up values. */
		vlapic_enter_mode(v);
		reset_regs(v);
		fx->what |= VLAPIC_FX_TIMER;
	} else if (changed & VLAPIC_BASE_EXTD) {
		vlapic_enter_mode(v);
	}
}

/**
 * vlapic_base_write() - WRMSR IA32_APIC_BASE by the guest
 * @v: the LAPIC
 * @value: value
 * @fx: effects, added to
 *
 * Returns false for #GP: reserved bits, or a transition that the state diagram of the
 * SDM's "x2APIC State Transitions" does not have.
 */
bool vlapic_base_write(struct vlapic *v, u64 value, struct vlapic_fx *fx)
{
	const u64 mode = VLAPIC_BASE_EN | VLAPIC_BASE_EXTD;

	if (!base_is_possible(v, value))
		return false;
	/* x2APIC is left only by switching off, and entered only from xAPIC. */
	if ((v->base & mode) == mode && (value & mode) == VLAPIC_BASE_EN)
		return false;
	if (!(v->base & mode) && (value & mode) == mode)
		return false;
	base_change(v, value, fx);
	return true;
}

/** vlapic_base_set() - the same for user space, which may go from any mode to any */
bool vlapic_base_set(struct vlapic *v, u64 value, struct vlapic_fx *fx)
{
	if (!base_is_possible(v, value))
		return false;
	base_change(v, value, fx);
	return true;
}
