// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC: the registers as the guest sees them (MMIO and MSR), the timer's
 * arithmetic, and state transfer. Runs on the vCPU's thread, but for
 * vlapic_timer_fire(), which the timer's interrupt handler calls.
 */
#include "vlapic.h"
#include "myhv_x86.h"

#define SLOT(offset) ((offset) >> 4)
#define NR_SLOTS 64
#define MAX_TICK_NS 1000000

/* who may do what */
#define R BIT(0)  /* xAPIC read */
#define W BIT(1)  /* xAPIC write */
#define XR BIT(2) /* x2APIC RDMSR */
#define XW BIT(3) /* x2APIC WRMSR */
#define RX (R | XR)
#define WX (W | XW)

/**
 * struct reg_rule - one register
 * @access: R, W, XR, XW
 * @writable: bits that a write changes
 * @read_only: bits that an x2APIC write may hold without #GP and that stay as they are
 */
struct reg_rule {
	u8 access;
	u32 writable;
	u32 read_only;
};

#define ICR_DEFINED 0xccfffu

/* SDM "Local APIC Register Address Map", "x2APIC Register Address Space" */
static const struct reg_rule rules[NR_SLOTS] = {
	[SLOT(VLAPIC_ID)] = { R | W | XR, 0xff000000 },
	[SLOT(VLAPIC_VERSION)] = { RX },
	[SLOT(VLAPIC_TPR)] = { RX | WX, 0xff },
	[SLOT(VLAPIC_APR)] = { R },
	[SLOT(VLAPIC_PPR)] = { RX },
	[SLOT(VLAPIC_EOI)] = { WX },
	[SLOT(VLAPIC_LDR)] = { R | W | XR, 0xff000000 },
	[SLOT(VLAPIC_DFR)] = { R | W, 0xf0000000 },
	[SLOT(VLAPIC_SVR)] = { RX | WX, 0x3ff },
	[SLOT(VLAPIC_ISR)... SLOT(VLAPIC_ISR) + 7] = { RX },
	[SLOT(VLAPIC_TMR)... SLOT(VLAPIC_TMR) + 7] = { RX },
	[SLOT(VLAPIC_IRR)... SLOT(VLAPIC_IRR) + 7] = { RX },
	[SLOT(VLAPIC_ESR)] = { RX | WX },
	[SLOT(VLAPIC_ICR)] = { RX | WX, ICR_DEFINED, BIT(12) },
	[SLOT(VLAPIC_ICR2)] = { R | W, 0xff000000 },
	[SLOT(VLAPIC_LVTT)] = { RX | WX, 0x300ff, BIT(12) },
	[SLOT(VLAPIC_LVTTHMR)] = { RX | WX, 0x107ff, BIT(12) },
	[SLOT(VLAPIC_LVTPC)] = { RX | WX, 0x107ff, BIT(12) },
	[SLOT(VLAPIC_LVT0)] = { RX | WX, 0x1a7ff, BIT(12) | BIT(14) },
	[SLOT(VLAPIC_LVT1)] = { RX | WX, 0x1a7ff, BIT(12) | BIT(14) },
	[SLOT(VLAPIC_LVTERR)] = { RX | WX, 0x100ff, BIT(12) },
	[SLOT(VLAPIC_TMICT)] = { RX | WX, 0xffffffff },
	[SLOT(VLAPIC_TMCCT)] = { RX },
	[SLOT(VLAPIC_TDCR)] = { RX | WX, 0xb },
	[SLOT(VLAPIC_SELF_IPI)] = { XW, 0xff },
};

static u32 writable_bits(const struct vlapic *v, u32 offset)
{
	u32 bits = rules[SLOT(offset)].writable;

	if (offset == VLAPIC_SVR && v->cfg.eoi_suppression)
		bits |= VLAPIC_SVR_NO_EOI_BROADCAST;
	if (offset == VLAPIC_LVTT && v->cfg.tsc_deadline)
		bits |= BIT(18);
	/* An xAPIC keeps what is written to reserved bits, here as under KVM. */
	if (offset == VLAPIC_ICR && !vlapic_x2apic_mode(v))
		bits = ~(u32)BIT(12);
	return bits;
}

/* ---- timer ------------------------------------------------------------ */

static u32 timer_mode(const struct vlapic *v)
{
	return (v->lvtt >> VLAPIC_LVTT_MODE_SHIFT) & 3;
}

/* SDM "Divide Configuration Register": bits 3, 1, 0 are one number; 7 divides by 1. */
static u64 timer_tick_ns(const struct vlapic *v)
{
	u32 dcr = v->tdcr;
	u32 shift = (((dcr & 3) | (dcr & 8) >> 1) + 1) & 7;
	u32 tick_ns = v->cfg.tick_ns;

	if (!tick_ns || tick_ns > MAX_TICK_NS)
		tick_ns = 1;
	return (u64)tick_ns << shift;
}

/* From the start of the count to zero; never 0. */
static u64 timer_span_ns(const struct vlapic *v)
{
	u64 span = vlapic_reg(v, VLAPIC_TMICT) * timer_tick_ns(v);

	if (timer_mode(v) == VLAPIC_TIMER_PERIODIC)
		span = max(span, (u64)v->cfg.min_period_ns);
	return max(span, (u64)1);
}

static u64 timer_elapsed_ns(const struct vlapic *v, u64 now_ns)
{
	u64 elapsed = now_ns - v->timer_start_ns;

	return (s64)elapsed < 0 ? 0 : elapsed;
}

static u32 timer_count(const struct vlapic *v, u64 now_ns)
{
	u64 elapsed, span, count, tick;

	if (!v->timer_running || timer_mode(v) > VLAPIC_TIMER_PERIODIC)
		return 0;
	span = timer_span_ns(v);
	elapsed = timer_elapsed_ns(v, now_ns);
	if (timer_mode(v) == VLAPIC_TIMER_PERIODIC)
		elapsed %= span;
	else if (elapsed >= span)
		return 0;
	tick = timer_tick_ns(v);
	count = (span - elapsed + tick - 1) / tick;
	/* A stretched period is longer than the count says. */
	return (u32)min(count, (u64)vlapic_reg(v, VLAPIC_TMICT));
}

/* Let the timer have @count ticks to go at @now_ns. */
static void timer_resume(struct vlapic *v, u32 count, u64 now_ns)
{
	u64 done = vlapic_reg(v, VLAPIC_TMICT) - (u64)count;

	v->timer_start_ns = now_ns - done * timer_tick_ns(v);
}

static void timer_start(struct vlapic *v, u32 count, u64 now_ns, struct vlapic_fx *fx)
{
	if (timer_mode(v) == VLAPIC_TIMER_TSC_DEADLINE)
		count = 0; /* ignored; the CPU may have written to the page */
	vlapic_reg_set(v, VLAPIC_TMICT, count);
	if (timer_mode(v) == VLAPIC_TIMER_TSC_DEADLINE)
		return;
	v->timer_start_ns = now_ns;
	v->timer_running = count != 0;
	fx->what |= VLAPIC_FX_TIMER;
}

static void timer_divider_write(struct vlapic *v, u32 value, u64 now_ns, struct vlapic_fx *fx)
{
	u32 count = timer_count(v, now_ns);

	vlapic_reg_set(v, VLAPIC_TDCR, value);
	v->tdcr = value;
	/* An expired one-shot count may have its interrupt still on the way. */
	if (!count)
		return;
	timer_resume(v, count, now_ns);
	fx->what |= VLAPIC_FX_TIMER;
}

static void timer_lvt_write(struct vlapic *v, u32 value, u64 now_ns, struct vlapic_fx *fx)
{
	u32 old_mode = timer_mode(v);
	u32 count = timer_count(v, now_ns);
	u32 mode;

	vlapic_reg_set(v, VLAPIC_LVTT, value);
	WRITE_ONCE(v->lvtt, value);
	mode = timer_mode(v);
	if (mode == old_mode)
		return;
	if ((mode == VLAPIC_TIMER_TSC_DEADLINE) != (old_mode == VLAPIC_TIMER_TSC_DEADLINE)) {
		/* SDM "TSC-Deadline Mode": a switch from or to it disarms. */
		vlapic_reg_set(v, VLAPIC_TMICT, 0);
		v->timer_running = false;
		WRITE_ONCE(v->tsc_deadline, 0);
		fx->what |= VLAPIC_FX_TIMER;
	} else if (count) {
		timer_resume(v, count, now_ns);
		fx->what |= VLAPIC_FX_TIMER;
	} else {
		v->timer_running = false;
	}
}

/**
 * vlapic_timer_next() - when does the timer expire?
 * @v: the LAPIC
 * @now_ns: time
 *
 * To be asked after VLAPIC_FX_TIMER. The timer expires whether LVTT is masked or not.
 */
struct vlapic_deadline vlapic_timer_next(struct vlapic *v, u64 now_ns)
{
	struct vlapic_deadline next = { .kind = VLAPIC_DEADLINE_NONE };
	u64 span, elapsed;

	switch (timer_mode(v)) {
	case VLAPIC_TIMER_TSC_DEADLINE:
		if (v->tsc_deadline) {
			next.kind = VLAPIC_DEADLINE_TSC;
			next.at = v->tsc_deadline;
		}
		return next;
	case VLAPIC_TIMER_ONESHOT:
		if (v->timer_running) {
			next.kind = VLAPIC_DEADLINE_NS;
			next.at = v->timer_start_ns + timer_span_ns(v);
		}
		return next;
	case VLAPIC_TIMER_PERIODIC:
		if (v->timer_running) {
			span = timer_span_ns(v);
			elapsed = timer_elapsed_ns(v, now_ns);
			next.kind = VLAPIC_DEADLINE_NS;
			next.period_ns = span;
			next.at = v->timer_start_ns + (elapsed / span + 1) * span;
		}
		return next;
	default:
		return next;
	}
}

/**
 * vlapic_timer_fire() - the timer that was armed for @armed has expired; any context
 * @v: the LAPIC
 * @armed: what vlapic_timer_next() had answered
 *
 * An expiry that the guest has replaced meanwhile is dropped.
 * Returns true when the vCPU needs a kick.
 */
bool vlapic_timer_fire(struct vlapic *v, const struct vlapic_deadline *armed)
{
	u32 lvt = READ_ONCE(v->lvtt);
	u32 mode = (lvt >> VLAPIC_LVTT_MODE_SHIFT) & 3;
	u64 tsc = armed->at;

	if ((armed->kind == VLAPIC_DEADLINE_TSC) != (mode == VLAPIC_TIMER_TSC_DEADLINE))
		return false;
	/* The deadline MSR reads as zero once it has passed. */
	if (armed->kind == VLAPIC_DEADLINE_TSC &&
	    !__atomic_compare_exchange_n(&v->tsc_deadline, &tsc, 0, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return false;
	if ((lvt & VLAPIC_LVT_MASKED) || !vlapic_hw_enabled(v))
		return false;
	return vlapic_post(v, (u8)lvt);
}

/** vlapic_tsc_deadline_read() - RDMSR IA32_TSC_DEADLINE */
u64 vlapic_tsc_deadline_read(const struct vlapic *v)
{
	if (timer_mode(v) != VLAPIC_TIMER_TSC_DEADLINE)
		return 0;
	return __atomic_load_n(&v->tsc_deadline, __ATOMIC_RELAXED);
}

/** vlapic_tsc_deadline_write() - WRMSR; ignored in the other timer modes */
void vlapic_tsc_deadline_write(struct vlapic *v, u64 value, struct vlapic_fx *fx)
{
	if (timer_mode(v) != VLAPIC_TIMER_TSC_DEADLINE || !vlapic_hw_enabled(v))
		return;
	__atomic_store_n(&v->tsc_deadline, value, __ATOMIC_SEQ_CST);
	fx->what |= VLAPIC_FX_TIMER;
}

/* ---- interrupt command ------------------------------------------------ */

static void self_ipi(struct vlapic *v, u8 vector)
{
	if (vector < 16)
		vlapic_raise_error(v, VLAPIC_ESR_SEND_ILLEGAL_VECTOR);
	else if (vlapic_sw_enabled(v))
		vlapic_accept(v, &(struct apic_msg){ .vector = vector });
}

/* SDM "Interrupt Command Register (ICR)" */
static void icr_send(struct vlapic *v, u32 icr, u32 dest, struct vlapic_fx *fx)
{
	struct apic_msg msg = {
		.dest = dest,
		.vector = (u8)icr,
		.mode = (icr >> 8) & 7,
		.shorthand = (icr >> 18) & 3,
		.logical = icr & BIT(11),
		.level = icr & BIT(15),
		.assert = icr & BIT(14),
	};
	bool fixed = msg.mode == VAPIC_DM_FIXED || msg.mode == VAPIC_DM_LOWEST;

	if (msg.mode == VAPIC_DM_RESERVED || msg.mode == VAPIC_DM_EXTINT)
		return;
	/* Level triggering is for INIT de-assert alone; else it reads as edge. */
	if (msg.mode != VAPIC_DM_INIT) {
		msg.level = false;
		msg.assert = true;
	}
	if (fixed && msg.vector < 16) {
		vlapic_raise_error(v, VLAPIC_ESR_SEND_ILLEGAL_VECTOR);
		return;
	}
	if (msg.shorthand == VAPIC_SH_SELF && fixed) {
		self_ipi(v, msg.vector);
		return;
	}
	/* INIT and SIPI are valid for "others" and for a destination only. */
	if ((msg.mode == VAPIC_DM_INIT || msg.mode == VAPIC_DM_STARTUP) &&
	    (msg.shorthand == VAPIC_SH_SELF || msg.shorthand == VAPIC_SH_ALL))
		return;
	fx->what |= VLAPIC_FX_IPI;
	fx->ipi = msg;
}

/* ---- registers -------------------------------------------------------- */

static void svr_write(struct vlapic *v, u32 value)
{
	u32 lvt;

	vlapic_reg_set(v, VLAPIC_SVR, value);
	if (value & VLAPIC_SVR_ENABLE)
		return;
	/* SDM "Local APIC State After It Has Been Software Disabled" */
	for (lvt = VLAPIC_LVTT; lvt <= VLAPIC_LVTERR; lvt += 0x10)
		vlapic_reg_set(v, lvt, vlapic_reg(v, lvt) | VLAPIC_LVT_MASKED);
	WRITE_ONCE(v->lvtt, v->lvtt | VLAPIC_LVT_MASKED);
}

static u32 reg_read(struct vlapic *v, u32 offset, u64 now_ns)
{
	if (offset == VLAPIC_TMCCT)
		return timer_count(v, now_ns);
	if (offset == VLAPIC_PPR)
		vlapic_set_tpr(v, (u8)vlapic_reg(v, VLAPIC_TPR)); /* perhaps not by us */
	if (v->cfg.hw_delivery && offset >= VLAPIC_IRR && offset < VLAPIC_ESR)
		vlapic_collect(v);
	return vlapic_reg(v, offset);
}

/* @value holds writable bits only; ICR and SELF_IPI of x2APIC come elsewhere. */
static void reg_write(struct vlapic *v, u32 offset, u32 value, u64 now_ns, struct vlapic_fx *fx)
{
	bool is_lvt = offset >= VLAPIC_LVTT && offset <= VLAPIC_LVTERR;

	if (is_lvt && !(vlapic_reg(v, VLAPIC_SVR) & VLAPIC_SVR_ENABLE))
		value |= VLAPIC_LVT_MASKED;

	switch (offset) {
	case VLAPIC_TPR:
		vlapic_set_tpr(v, (u8)value);
		return;
	case VLAPIC_EOI:
		vlapic_eoi(v, fx);
		return;
	case VLAPIC_DFR:
		value |= 0x0fffffff;
		fx->what |= VLAPIC_FX_MAP;
		break;
	case VLAPIC_ID:
	case VLAPIC_LDR:
		fx->what |= VLAPIC_FX_MAP;
		break;
	case VLAPIC_SVR:
		svr_write(v, value);
		return;
	case VLAPIC_ESR:
		/* The register shows the errors up to the last write of it. */
		value = __atomic_exchange_n(&v->esr_pending, 0, __ATOMIC_SEQ_CST);
		break;
	case VLAPIC_ICR:
		vlapic_reg_set(v, VLAPIC_ICR, value);
		icr_send(v, value,
			 vlapic_x2apic_mode(v) ? vlapic_reg(v, VLAPIC_ICR2) :
						 apic_dest8(vlapic_reg(v, VLAPIC_ICR2) >> 24),
			 fx);
		return;
	case VLAPIC_LVTT:
		timer_lvt_write(v, value, now_ns, fx);
		return;
	case VLAPIC_TMICT:
		timer_start(v, value, now_ns, fx);
		return;
	case VLAPIC_TDCR:
		timer_divider_write(v, value, now_ns, fx);
		return;
	case VLAPIC_SELF_IPI:
		self_ipi(v, (u8)value);
		return;
	default:
		break;
	}
	vlapic_reg_set(v, offset, value);
}

static u8 reg_access(u32 offset)
{
	return SLOT(offset) < NR_SLOTS ? rules[SLOT(offset)].access : 0;
}

/**
 * vlapic_mmio_read() - xAPIC register read
 * @v: the LAPIC
 * @offset: byte offset from the APIC base; any value
 * @size: 1, 2, 4 or 8
 * @now_ns: time
 *
 * The SDM allows only aligned 32-bit accesses; narrower ones within a register read
 * their part of it, all else zero. An unknown register is an ESR error.
 */
u64 vlapic_mmio_read(struct vlapic *v, u32 offset, u32 size, u64 now_ns)
{
	u32 shift = (offset & 3) * 8;
	u32 value;

	if ((offset & 0xf) > 3)
		return 0;
	if (!(reg_access(offset) & R)) {
		if (!(reg_access(offset) & W))
			vlapic_raise_error(v, VLAPIC_ESR_ILLEGAL_REGISTER);
		return 0;
	}
	value = reg_read(v, offset & ~0xfu, now_ns) >> shift;
	return size < 4 ? value & ((1u << size * 8) - 1) : value;
}

/**
 * vlapic_mmio_write() - xAPIC register write
 * @v: the LAPIC
 * @offset: byte offset, any value
 * @size: bytes: 1, 2, 4 or 8
 * @value: value
 * @now_ns: time
 * @fx: effects, added to
 *
 * Anything but an aligned 32-bit access is ignored, as are writes to read-only
 * registers. An unknown register is an ESR error.
 */
void vlapic_mmio_write(struct vlapic *v, u32 offset, u32 size, u64 value, u64 now_ns,
		       struct vlapic_fx *fx)
{
	u8 access = reg_access(offset);

	if ((offset & 0xf) || size != 4)
		return;
	if (access & W)
		reg_write(v, offset, (u32)value & writable_bits(v, offset), now_ns, fx);
	else if (!(access & R))
		vlapic_raise_error(v, VLAPIC_ESR_ILLEGAL_REGISTER);
}

/**
 * vlapic_reg_written() - the CPU has let the guest write to the page; with @hw_delivery
 * @v: the LAPIC
 * @offset: of the register
 * @now_ns: time
 * @fx: effects, added to
 */
void vlapic_reg_written(struct vlapic *v, u32 offset, u64 now_ns, struct vlapic_fx *fx)
{
	u32 value = vlapic_reg(v, offset & ~0xfu);

	if (vlapic_x2apic_mode(v))
		vlapic_msr_write(v, VLAPIC_X2APIC_MSR_FIRST + (offset >> 4), value, now_ns, fx);
	else
		vlapic_mmio_write(v, offset & ~0xfu, 4, value, now_ns, fx);
}

/**
 * vlapic_msr_read() - RDMSR of VLAPIC_X2APIC_MSR_FIRST.._LAST
 * @v: the LAPIC
 * @msr: its number
 * @now_ns: time
 * @value: value
 *
 * Returns false for #GP: no x2APIC mode, or no such or no readable register.
 */
bool vlapic_msr_read(struct vlapic *v, u32 msr, u64 now_ns, u64 *value)
{
	u32 offset = (msr - VLAPIC_X2APIC_MSR_FIRST) << 4;

	if (!vlapic_x2apic_mode(v) || !(reg_access(offset) & XR))
		return false;
	*value = reg_read(v, offset, now_ns);
	if (offset == VLAPIC_ICR)
		*value |= (u64)vlapic_reg(v, VLAPIC_ICR2) << 32;
	return true;
}

/** vlapic_msr_write() - WRMSR of the same; false for #GP, reserved bits included */
bool vlapic_msr_write(struct vlapic *v, u32 msr, u64 value, u64 now_ns, struct vlapic_fx *fx)
{
	u32 offset = (msr - VLAPIC_X2APIC_MSR_FIRST) << 4;
	u32 writable;
	u64 allowed;

	if (!vlapic_x2apic_mode(v) || !(reg_access(offset) & XW))
		return false;
	writable = writable_bits(v, offset);
	allowed = writable | rules[SLOT(offset)].read_only;
	if (offset == VLAPIC_ICR)
		allowed |= 0xffffffff00000000ULL;
	if (value & ~allowed)
		return false;
	if (offset == VLAPIC_ICR)
		vlapic_reg_set(v, VLAPIC_ICR2, (u32)(value >> 32));
	reg_write(v, offset, (u32)value & writable, now_ns, fx);
	return true;
}

/* ---- state transfer --------------------------------------------------- */

/** vlapic_get_state() - the register page, with the current count as of @now_ns */
void vlapic_get_state(const struct vlapic *v, u64 now_ns, struct myhv_state_lapic *state)
{
	u32 offset, value;

	for (offset = 0; offset < sizeof(state->regs); offset += 4) {
		value = vlapic_reg(v, offset);
		memcpy(&state->regs[offset], &value, sizeof(value));
	}
	value = timer_count(v, now_ns);
	memcpy(&state->regs[VLAPIC_TMCCT], &value, sizeof(value));
	value = vlapic_ppr(v);
	memcpy(&state->regs[VLAPIC_PPR], &value, sizeof(value));
}

static u32 state_reg(const struct myhv_state_lapic *state, u32 offset)
{
	u32 value;

	memcpy(&value, &state->regs[offset], sizeof(value));
	return value;
}

/**
 * vlapic_set_state() - replace the registers; the vCPU must not run
 * @v: the LAPIC
 * @now_ns: time
 * @state: the state
 * @fx: effects, added to
 *
 * Any content is accepted: bits that do not exist are dropped, ID and LDR of x2APIC
 * follow from the initial ID. IA32_APIC_BASE and the TSC deadline are not
 * in the page. The caller re-arms the timer and rebuilds its map, see @fx.
 */
void vlapic_set_state(struct vlapic *v, u64 now_ns, const struct myhv_state_lapic *state,
		      struct vlapic_fx *fx)
{
	u32 offset, word, value, count;

	vlapic_drop_posted(v);
	for (offset = VLAPIC_ID; offset < sizeof(state->regs); offset += 0x10) {
		if (!(reg_access(offset) & W))
			continue;
		value = state_reg(state, offset) & writable_bits(v, offset);
		if (offset == VLAPIC_DFR)
			value |= 0x0fffffff;
		if (offset != VLAPIC_EOI)
			vlapic_reg_set(v, offset, value);
	}
	vlapic_reg_set(v, VLAPIC_ESR, state_reg(state, VLAPIC_ESR) & 0xff);
	if (vlapic_x2apic_mode(v)) {
		vlapic_reg_set(v, VLAPIC_ICR2, state_reg(state, VLAPIC_ICR2));
		vlapic_enter_mode(v);
	}
	for (word = 0; word < 8; word++) {
		/* vectors below 16 cannot be taken: harmless as requests, and KVM keeps them */
		u32 legal = word ? ~0u : ~0xffffu;

		offset = word * 0x10;
		vlapic_reg_set(v, VLAPIC_ISR + offset,
			       state_reg(state, VLAPIC_ISR + offset) & legal);
		vlapic_reg_set(v, VLAPIC_TMR + offset,
			       state_reg(state, VLAPIC_TMR + offset) & legal);
		vlapic_reg_set(v, VLAPIC_IRR + offset,
			       state_reg(state, VLAPIC_IRR + offset));
	}
	if (v->cfg.hw_delivery) /* of those that are level triggered the end must be seen */
		for (word = 0; word < VLAPIC_NR_WORDS; word++)
			__atomic_fetch_or(&v->watched[word],
					  vlapic_reg(v, VLAPIC_TMR + word * 0x10),
					  __ATOMIC_SEQ_CST);
	vlapic_refresh(v);

	/* A one-shot count of zero is over; a periodic one begins anew. */
	count = min(state_reg(state, VLAPIC_TMCCT), vlapic_reg(v, VLAPIC_TMICT));
	if (!count && timer_mode(v) == VLAPIC_TIMER_PERIODIC)
		count = vlapic_reg(v, VLAPIC_TMICT);
	v->timer_running = count != 0;
	timer_resume(v, count, now_ns);
	fx->what |= VLAPIC_FX_TIMER | VLAPIC_FX_MAP;
}
