// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LAPIC of a vCPU: its model, the host timer behind the guest's, and the effects
 * of register writes. All of it runs on the vCPU's thread (or under vcpu->mutex), but for
 * the timer's handler and lapic_has_wake_event(). There is no lock, see vlapic.h.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/tsc.h>
#include "chip/chip_priv.h"
#include "compat/compat.h"
#include "exit/exit.h"
#include "exit/hyperv.h"

/* A TSC deadline further away is looked at again then; also keeps the product below in 64 bits. */
#define DEADLINE_MAX_S 1800
/* The two clocks are not the same: the guest must not see its deadline come early. */
#define DEADLINE_EARLY_NS 1000

/* ---- timer ---- */

static bool has(u64 feature)
{
	return backend_caps.features & feature;
}

static u64 deadline_left_ns(struct chip_lapic *lapic)
{
	struct myhv_vcpu *vcpu = lapic->vcpu;
	u32 khz = vcpu->tsc.khz ?: tsc_khz;
	u64 now = guest_tsc(vcpu, rdtsc());

	if (lapic->armed.at <= now || !khz)
		return 0;
	return min(lapic->armed.at - now, (u64)khz * 1000 * DEADLINE_MAX_S) * 1000000 / khz;
}

static void timer_fire(struct chip_lapic *lapic)
{
	if (vlapic_timer_fire(&lapic->model, &lapic->armed))
		vcpu_kick(lapic->vcpu);
}

/* Hard interrupt. */
static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct chip_lapic *lapic = container_of(timer, struct chip_lapic, timer);
	u64 left_ns;

	if (lapic->armed.kind == VLAPIC_DEADLINE_TSC) {
		left_ns = deadline_left_ns(lapic);
		if (left_ns > DEADLINE_EARLY_NS) {
			hrtimer_forward_now(timer, ns_to_ktime(left_ns));
			return HRTIMER_RESTART;
		}
	}
	timer_fire(lapic);
	if (!lapic->armed.period_ns)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(lapic->armed.period_ns));
	return HRTIMER_RESTART;
}

/* Let the host's timer see to what is armed. */
static void timer_start(struct chip_lapic *lapic, u64 now_ns)
{
	u64 at_ns = lapic->armed.at;

	if (lapic->armed.kind == VLAPIC_DEADLINE_TSC)
		at_ns = now_ns + deadline_left_ns(lapic);
	if (at_ns <= now_ns && !lapic->armed.period_ns)
		timer_fire(lapic);
	else
		hrtimer_start(&lapic->timer, ns_to_ktime(min(at_ns, (u64)KTIME_MAX)),
			      HRTIMER_MODE_ABS_HARD);
}

static void timer_arm(struct chip_lapic *lapic)
{
	u64 now_ns = ktime_get_ns();

	hrtimer_cancel(&lapic->timer);
	lapic->vcpu->deadline_tsc = 0;
	lapic->armed = vlapic_timer_next(&lapic->model, now_ns);
	if (lapic->armed.kind == VLAPIC_DEADLINE_NONE)
		return;
	/* in guest mode the CPU counts, in HLT the host must: lapic_deadline_to_host() */
	if (lapic->armed.kind == VLAPIC_DEADLINE_TSC && has(MYHV_CPU_FEATURE_PREEMPTION_TIMER))
		lapic->vcpu->deadline_tsc = lapic->armed.at;
	else
		timer_start(lapic, now_ns);
}

void lapic_deadline(struct myhv_vcpu *vcpu)
{
	if (!vcpu->deadline_tsc || guest_tsc_now(vcpu) < vcpu->deadline_tsc)
		return;
	vcpu->deadline_tsc = 0;
	timer_fire(vcpu->lapic);
}

void lapic_deadline_to_host(struct myhv_vcpu *vcpu)
{
	if (!vcpu->deadline_tsc)
		return;
	vcpu->deadline_tsc = 0;
	timer_start(vcpu->lapic, ktime_get_ns());
}

void lapic_tsc_changed(struct myhv_vcpu *vcpu)
{
	if (vcpu->lapic && vcpu->lapic->armed.kind == VLAPIC_DEADLINE_TSC)
		timer_arm(vcpu->lapic);
}

/* ---- effects ---- */

static void apply_eoi(struct chip_lapic *lapic, const struct vlapic_fx *fx)
{
	struct myhv_vcpu *vcpu = lapic->vcpu;

	if (vcpu->vm->ioapic) {
		ioapic_eoi(vcpu->vm->ioapic, fx->eoi_vector, fx->eoi_broadcast);
	} else if (fx->eoi_broadcast) {
		vcpu->pending_eoi = fx->eoi_vector;
		vcpu_request(vcpu, VCPU_REQ_EXIT_EOI);
	}
}

/* The page of a CPU that delivers from it was changed by us. */
static void page_changed(struct chip_lapic *lapic)
{
	if (lapic->model.cfg.hw_delivery)
		backend->lapic_changed(lapic->vcpu);
}

/* After whatever may have written the TPR. */
static void tpr_written(struct chip_lapic *lapic)
{
	u8 tpr = vlapic_tpr(&lapic->model);

	if (unlikely(tpr != lapic->vcpu->hw_tpr) && backend->tpr_changed)
		backend->tpr_changed(lapic->vcpu, tpr);
}

static void apply(struct chip_lapic *lapic, const struct vlapic_fx *fx)
{
	tpr_written(lapic);
	if (likely(!fx->what))
		return;
	if (fx->what & VLAPIC_FX_EOI) {
		page_changed(lapic);
		apply_eoi(lapic, fx);
	}
	if (fx->what & VLAPIC_FX_IPI)
		apic_bus_send(lapic->vcpu->vm, &fx->ipi, lapic);
	if (fx->what & VLAPIC_FX_TIMER)
		timer_arm(lapic);
}

/* ---- life ---- */

int lapic_create(struct myhv_vcpu *vcpu)
{
	struct vlapic_config config = {
		.phys_addr_bits = backend_caps.gpa_bits,
		.x2apic = true,
		.tsc_deadline = true,
		/* our own IOAPIC is the version without an EOI register */
		.eoi_suppression = vcpu->vm->irqchip == MYHV_IRQCHIP_SPLIT,
		.tick_ns = LAPIC_TICK_NS,
		.min_period_ns = CHIP_MIN_PERIOD_NS,
		.hw_delivery = has(MYHV_CPU_FEATURE_APICV),
	};
	struct chip_lapic *lapic;
	void *page;

	lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);
	page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic || !page) {
		free_page((unsigned long)page);
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = vcpu;
	hrtimer_setup(&lapic->timer, timer_expired, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	vlapic_create(&lapic->model, page, vcpu->id, &config);
	if (has(MYHV_CPU_FEATURE_POSTED_INTR))
		lapic->model.pir = backend->posted_requests(vcpu);
	vlapic_reset(&lapic->model, vcpu->id == vcpu->vm->bsp_id);
	vcpu->lapic = lapic;
	return 0;
}

void lapic_destroy(struct myhv_vcpu *vcpu)
{
	struct chip_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return;
	hrtimer_cancel(&lapic->timer);
	vcpu->lapic = NULL;
	free_page((unsigned long)lapic->model.regs);
	kfree(lapic);
}

void lapic_reset(struct myhv_vcpu *vcpu, bool init)
{
	struct chip_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return;
	hrtimer_cancel(&lapic->timer);
	vcpu->deadline_tsc = 0;
	lapic->armed = (struct vlapic_deadline){ .kind = VLAPIC_DEADLINE_NONE };
	WRITE_ONCE(lapic->extint, false);
	if (init)
		vlapic_init(&lapic->model);
	else
		vlapic_reset(&lapic->model, vcpu->id == vcpu->vm->bsp_id);
	tpr_written(lapic);
	page_changed(lapic);
}

bool lapic_hw_delivery(struct myhv_vcpu *vcpu)
{
	return vcpu->lapic->model.cfg.hw_delivery;
}

void lapic_leave_hw(struct myhv_vcpu *vcpu)
{
	if (!lapic_hw_delivery(vcpu))
		return;
	vlapic_leave_hw(&vcpu->lapic->model);
	backend->lapic_changed(vcpu);
}

/* ---- interrupts for the CPU ---- */

/* After every look at the IRR, but for the backend's own: what was in the inbox is no more. */
static void requests_collected(struct chip_lapic *lapic)
{
	if (lapic->model.cfg.hw_delivery)
		backend->lapic_requested(lapic->vcpu);
}

static bool pic_irq_pending(struct chip_lapic *lapic)
{
	return pic_output(lapic->vcpu->vm) &&
	       (READ_ONCE(lapic->extint) || vlapic_accepts_pic(&lapic->model));
}

/* Somebody has a request: is it for now? */
static noinline bool request_is_due(struct chip_lapic *lapic)
{
	struct myhv_vcpu *vcpu = lapic->vcpu;

	if (vlapic_has_irr(&lapic->model)) {
		if (lapic->model.cfg.hw_delivery)
			backend->lapic_requested(vcpu);
		else if (vlapic_pending(&lapic->model) >= 0)
			return true;
		else
			vcpu->irr_held = vlapic_held_class(&lapic->model);
	}
	return pic_irq_pending(lapic);
}

bool lapic_irq_pending(struct myhv_vcpu *vcpu)
{
	struct chip_lapic *lapic = vcpu->lapic;

	vcpu->irr_held = 0;
	if (likely(!vlapic_has_irr(&lapic->model) && !pic_output(vcpu->vm)))
		return false;
	return request_is_due(lapic);
}

bool lapic_accepts_pic(struct myhv_vcpu *vcpu)
{
	return vlapic_accepts_pic(&vcpu->lapic->model);
}

int lapic_irq_ack(struct myhv_vcpu *vcpu)
{
	struct chip_lapic *lapic = vcpu->lapic;
	int vector;

	/* ExtINT has no vector of its own that a priority could be taken from. */
	if (unlikely(pic_irq_pending(lapic))) {
		WRITE_ONCE(lapic->extint, false);
		vector = pic_ack(vcpu->vm);
		if (vector >= 0)
			return vector;
	}
	vector = vlapic_ack(&lapic->model);
	if (unlikely(vcpu->synic) && vector >= 0 && synic_ends_itself(vcpu->synic, vector))
		lapic_eoi(vcpu);
	return vector;
}

void lapic_eoi(struct myhv_vcpu *vcpu)
{
	struct vlapic_fx fx = { 0 };

	vlapic_eoi(&vcpu->lapic->model, &fx);
	apply(vcpu->lapic, &fx);
}

u64 lapic_page_pa(struct myhv_vcpu *vcpu)
{
	return __pa(vcpu->lapic->model.regs);
}

int lapic_collect(struct myhv_vcpu *vcpu)
{
	return vlapic_collect(&vcpu->lapic->model);
}

int lapic_in_service(struct myhv_vcpu *vcpu)
{
	return vlapic_highest_isr(&vcpu->lapic->model);
}

const u32 *lapic_watched(struct myhv_vcpu *vcpu)
{
	return vcpu->lapic->model.watched;
}

void lapic_eoi_seen(struct myhv_vcpu *vcpu, u8 vector)
{
	struct vlapic_fx fx = { 0 };

	vlapic_eoi_seen(&vcpu->lapic->model, vector, &fx);
	apply_eoi(vcpu->lapic, &fx);
}

void lapic_reg_written(struct myhv_vcpu *vcpu, u32 offset)
{
	struct vlapic_fx fx = { 0 };

	vlapic_reg_written(&vcpu->lapic->model, offset, ktime_get_ns(), &fx);
	apply(vcpu->lapic, &fx);
}

bool lapic_eoi_is_silent(struct myhv_vcpu *vcpu)
{
	return vlapic_eoi_is_silent(&vcpu->lapic->model);
}

bool lapic_has_wake_event(struct myhv_vcpu *vcpu)
{
	struct chip_lapic *lapic = vcpu->lapic;
	bool pending = lapic_irq_pending(vcpu);

	if (lapic->model.cfg.hw_delivery)
		pending |= vlapic_pending(&lapic->model) >= 0;
	requests_collected(lapic);
	return pending;
}

u8 lapic_sipi_vector(struct myhv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->lapic->sipi_vector);
}

/* ---- registers ---- */

u64 lapic_cr8_get(struct myhv_vcpu *vcpu)
{
	return vlapic_cr8(&vcpu->lapic->model);
}

void lapic_cr8_set(struct myhv_vcpu *vcpu, u64 cr8)
{
	vlapic_set_tpr(&vcpu->lapic->model, (u8)(cr8 << 4));
	tpr_written(vcpu->lapic);
}

u64 lapic_base_get(struct myhv_vcpu *vcpu)
{
	return vcpu->lapic->model.base;
}

int lapic_base_set(struct myhv_vcpu *vcpu, u64 value, bool host)
{
	struct chip_lapic *lapic = vcpu->lapic;
	struct vlapic_fx fx = { 0 };
	bool ok;

	ok = host ? vlapic_base_set(&lapic->model, value, &fx) :
		    vlapic_base_write(&lapic->model, value, &fx);
	apply(lapic, &fx);
	page_changed(lapic);
	return ok ? 0 : -EINVAL;
}

int lapic_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	struct vlapic *model = &vcpu->lapic->model;
	bool ok;

	if (index == MSR_IA32_TSC_DEADLINE) {
		*value = vlapic_tsc_deadline_read(model);
		return 0;
	}
	ok = vlapic_msr_read(model, index, ktime_get_ns(), value);
	requests_collected(vcpu->lapic);
	return ok ? 0 : -EINVAL;
}

int lapic_msr_write(struct myhv_vcpu *vcpu, u32 index, u64 value)
{
	struct chip_lapic *lapic = vcpu->lapic;
	struct vlapic_fx fx = { 0 };
	bool ok = true;

	if (index == MSR_IA32_TSC_DEADLINE)
		vlapic_tsc_deadline_write(&lapic->model, value, &fx);
	else
		ok = vlapic_msr_write(&lapic->model, index, value, ktime_get_ns(), &fx);
	apply(lapic, &fx);
	return ok ? 0 : -EINVAL;
}

/* The offset in the register page, or -EOPNOTSUPP. */
static int mmio_offset(struct chip_lapic *lapic, u64 gpa)
{
	u64 base = lapic->model.base;

	if (!(base & VLAPIC_BASE_EN) || (base & VLAPIC_BASE_EXTD) ||
	    (gpa ^ base) & VLAPIC_BASE_ADDR_MASK)
		return -EOPNOTSUPP;
	return gpa & ~VLAPIC_BASE_ADDR_MASK;
}

bool lapic_is_at(struct myhv_vcpu *vcpu, u64 gpa)
{
	return vcpu->lapic && mmio_offset(vcpu->lapic, gpa) >= 0;
}

int lapic_mmio_read(struct myhv_vcpu *vcpu, u64 gpa, int len, void *data)
{
	int offset = mmio_offset(vcpu->lapic, gpa);
	u64 value;

	if (offset < 0)
		return offset;
	value = vlapic_mmio_read(&vcpu->lapic->model, offset, len, ktime_get_ns());
	requests_collected(vcpu->lapic);
	memcpy(data, &value, len);
	return 0;
}

int lapic_mmio_write(struct myhv_vcpu *vcpu, u64 gpa, int len, const void *data)
{
	struct chip_lapic *lapic = vcpu->lapic;
	int offset = mmio_offset(lapic, gpa);
	struct vlapic_fx fx = { 0 };
	u64 value = 0;

	if (offset < 0)
		return offset;
	memcpy(&value, data, len);
	vlapic_mmio_write(&lapic->model, offset, len, value, ktime_get_ns(), &fx);
	apply(lapic, &fx);
	return 0;
}

int lapic_state_get(struct myhv_vcpu *vcpu, struct myhv_state_lapic *state)
{
	if (!vcpu->lapic)
		return -ENXIO;
	vlapic_highest_irr(&vcpu->lapic->model);
	requests_collected(vcpu->lapic);
	vlapic_get_state(&vcpu->lapic->model, ktime_get_ns(), state);
	return 0;
}

int lapic_state_set(struct myhv_vcpu *vcpu, const struct myhv_state_lapic *state)
{
	struct vlapic_fx fx = { 0 };

	if (!vcpu->lapic)
		return -ENXIO;
	/* what the old state had accepted goes with it, as its IRR does */
	clear_bit(VCPU_REQ_INIT, &vcpu->requests);
	clear_bit(VCPU_REQ_SIPI, &vcpu->requests);
	WRITE_ONCE(vcpu->lapic->extint, false);
	vlapic_set_state(&vcpu->lapic->model, ktime_get_ns(), state, &fx);
	apply(vcpu->lapic, &fx);
	page_changed(vcpu->lapic);
	return 0;
}
