// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's synthetic interrupt controller and timers of a vCPU. All of it is the vCPU thread's (or
 * vcpu->mutex is held), but for the timers' handler, which sets a bit and asks for synic_work().
 *
 * A timer ends in an interrupt of its own (direct mode), or in a message in the guest's page that
 * a synthetic interrupt announces. A message whose place is taken waits until the guest says EOM.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include "chip/chip_priv.h"
#include "compat/compat.h"
#include "core/guest_mem.h"
#include "exit/hyperv.h"

#define FIRST_VECTOR 16
#define VERSION 1

#define SINT_VECTOR 0xffULL
#define SINT_MASKED BIT_ULL(16)
#define SINT_AUTO_EOI BIT_ULL(17)

#define TIMER_ENABLE BIT_ULL(0)
#define TIMER_PERIODIC BIT_ULL(1)
#define TIMER_AUTO_ENABLE BIT_ULL(3)
#define TIMER_VECTOR(config) ((u8)((config) >> 4))
#define TIMER_DIRECT BIT_ULL(12)
#define TIMER_SINT(config) ((u8)((config) >> 16) & 0xf)
#define TIMER_VALID 0xf1fffULL

#define NS_PER_UNIT 100
/* nobody waits longer, and the product stays in 63 bits */
#define LONGEST_UNITS (S64_MAX / NS_PER_UNIT)
#define SHORTEST_UNITS (CHIP_MIN_PERIOD_NS / NS_PER_UNIT)

#define MESSAGE_BYTES 256
#define MESSAGE_TIMER_EXPIRED 0x80000010u
#define MESSAGE_PENDING BIT(0)

struct hv_timer_message {
	u32 type; /* 0: the place is free */
	u8 payload_bytes;
	u8 flags;
	u8 pad[2];
	u64 sender;
	u32 timer;
	u32 pad2;
	u64 expired_at;
	u64 delivered_at;
} __packed;

/* @timer is armed while @config is enabled and @at, in units of the guest's time, is to come. */
struct synic_timer {
	struct hrtimer timer;
	struct synic *synic;
	u64 config; /* this and @count: its MSRs */
	u64 count;
	u64 at;
};

struct synic {
	struct myhv_vcpu *vcpu;
	u64 control;
	u64 siefp;
	u64 simp;
	u64 sint[HV_NR_SINTS];
	unsigned long expired; /* bits of timers, set by the handler */
	unsigned long waiting; /* bits of timers whose message waits for its place */
	struct synic_timer timers[HV_NR_TIMERS];
};

/* ---- interrupts ---- */

static void post(struct synic *synic, u8 vector)
{
	struct apic_msg msg = {
		.vector = vector,
		.mode = VAPIC_DM_FIXED,
		.shorthand = VAPIC_SH_SELF,
		.assert = true,
	};

	if (synic->vcpu->lapic)
		apic_bus_send(synic->vcpu->vm, &msg, synic->vcpu->lapic);
}

static void sint_raise(struct synic *synic, unsigned int sint)
{
	u64 config = synic->sint[sint];

	if ((synic->control & HV_ENABLE) && !(config & SINT_MASKED))
		post(synic, config & SINT_VECTOR);
}

bool synic_ends_itself(const struct synic *synic, u8 vector)
{
	for (unsigned int i = 0; i < HV_NR_SINTS; i++)
		if ((synic->sint[i] & (SINT_AUTO_EOI | SINT_MASKED | SINT_VECTOR)) ==
		    (SINT_AUTO_EOI | vector))
			return true;
	return false;
}

/* ---- timers ---- */

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct synic_timer *t = container_of(timer, struct synic_timer, timer);
	struct synic *synic = t->synic;

	set_bit(t - synic->timers, &synic->expired);
	vcpu_request(synic->vcpu, VCPU_REQ_STIMER);
	return HRTIMER_NORESTART;
}

static void timer_start(struct synic_timer *t, u64 now)
{
	u64 left = t->at > now ? min_t(u64, t->at - now, LONGEST_UNITS) : 0;

	hrtimer_start(&t->timer, ns_to_ktime(left * NS_PER_UNIT), HRTIMER_MODE_REL_HARD);
}

static void timer_stop(struct synic_timer *t)
{
	struct synic *synic = t->synic;

	hrtimer_cancel(&t->timer);
	clear_bit(t - synic->timers, &synic->expired);
	synic->waiting &= ~BIT(t - synic->timers);
}

static u64 period_of(const struct synic_timer *t)
{
	return max_t(u64, t->count, SHORTEST_UNITS);
}

static void timer_arm(struct synic_timer *t)
{
	u64 now;

	timer_stop(t);
	if (!(t->config & TIMER_ENABLE) || !t->count)
		return;
	now = hyperv_time(t->synic->vcpu);
	t->at = t->config & TIMER_PERIODIC ? now + period_of(t) : t->count;
	timer_start(t, now);
}

/* The next turn of a periodic timer; those that were missed are left out. */
static void timer_again(struct synic_timer *t)
{
	u64 now = hyperv_time(t->synic->vcpu), period = period_of(t);

	if (!(t->config & TIMER_PERIODIC)) {
		t->config &= ~TIMER_ENABLE;
		return;
	}
	t->at += period;
	if (t->at <= now)
		t->at += (div64_u64(now - t->at, period) + 1) * period;
	timer_start(t, now);
}

/* Into the guest's page: true; false: its place is taken. */
static bool message_put(struct synic *synic, const struct synic_timer *t)
{
	struct hv_timer_message message = {
		.type = MESSAGE_TIMER_EXPIRED,
		.payload_bytes = sizeof(message) - offsetof(struct hv_timer_message, timer),
		.timer = t - synic->timers,
		.expired_at = t->at,
		.delivered_at = hyperv_time(synic->vcpu),
	};
	u64 gpa = (synic->simp & PAGE_MASK) + TIMER_SINT(t->config) * MESSAGE_BYTES;
	u8 flags;
	u32 type;

	/* without a page, or with one that is no memory, it is lost */
	if (!(synic->control & HV_ENABLE) || !(synic->simp & HV_ENABLE) ||
	    guest_phys_read(synic->vcpu, gpa, &type, sizeof(type)))
		return true;
	if (type) {
		guest_phys_read(synic->vcpu, gpa + offsetof(struct hv_timer_message, flags),
				&flags, 1);
		flags |= MESSAGE_PENDING;
		guest_phys_write(synic->vcpu, gpa + offsetof(struct hv_timer_message, flags),
				 &flags, 1);
		return false;
	}
	/* the type last: it is what the guest looks at */
	guest_phys_write(synic->vcpu, gpa + 4, (u8 *)&message + 4, sizeof(message) - 4);
	smp_wmb();
	guest_phys_write(synic->vcpu, gpa, &message.type, sizeof(message.type));
	sint_raise(synic, TIMER_SINT(t->config));
	return true;
}

static void timer_finish(struct synic *synic, struct synic_timer *t)
{
	unsigned long bit = BIT(t - synic->timers);

	synic->waiting &= ~bit;
	if (t->config & TIMER_DIRECT) {
		post(synic, TIMER_VECTOR(t->config));
	} else if (!message_put(synic, t)) {
		synic->waiting |= bit;
		return;
	}
	timer_again(t);
}

void synic_work(struct myhv_vcpu *vcpu)
{
	struct synic *synic = vcpu->synic;

	might_sleep();
	for (unsigned int i = 0; synic && i < HV_NR_TIMERS; i++)
		if (test_and_clear_bit(i, &synic->expired) || (synic->waiting & BIT(i)))
			timer_finish(synic, &synic->timers[i]);
}

/* ---- MSRs ---- */

static int timer_config_write(struct synic_timer *t, u64 value)
{
	bool was_on = t->config & TIMER_ENABLE;

	if (value & ~TIMER_VALID)
		return -EINVAL;
	/* a timer with a message needs to know where to */
	if (was_on && !(value & TIMER_DIRECT) && !TIMER_SINT(value))
		value &= ~TIMER_ENABLE;
	t->config = value;
	timer_arm(t);
	return 0;
}

static int timer_count_write(struct synic_timer *t, bool host, u64 value)
{
	t->count = value;
	/* user space restores: the configuration says what it was */
	if (!host && !value)
		t->config &= ~TIMER_ENABLE;
	else if (!host && (t->config & TIMER_AUTO_ENABLE))
		t->config |= TIMER_ENABLE;
	timer_arm(t);
	return 0;
}

static struct synic_timer *timer_of(struct synic *synic, u32 index)
{
	return &synic->timers[(index - HV_MSR_STIMER0) / 2 % HV_NR_TIMERS];
}

static bool is_timer_msr(u32 index)
{
	return index >= HV_MSR_STIMER0 && index <= HV_MSR_STIMER3_COUNT;
}

int synic_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value)
{
	struct synic *synic = vcpu->synic;

	*value = 0;
	if (!synic)
		return 0;
	if (index >= HV_MSR_SINT0 && index <= HV_MSR_SINT15)
		*value = synic->sint[index - HV_MSR_SINT0];
	else if (is_timer_msr(index))
		*value = index % 2 ? timer_of(synic, index)->count :
				     timer_of(synic, index)->config;
	else if (index == HV_MSR_SCONTROL)
		*value = synic->control;
	else if (index == HV_MSR_SVERSION)
		*value = VERSION;
	else if (index == HV_MSR_SIEFP)
		*value = synic->siefp;
	else if (index == HV_MSR_SIMP)
		*value = synic->simp;
	return 0;
}

static int sint_write(struct synic *synic, unsigned int sint, bool host, u64 value)
{
	if ((value & SINT_VECTOR) < FIRST_VECTOR && !host && !(value & SINT_MASKED))
		return -EINVAL;
	synic->sint[sint] = value;
	return 0;
}

int synic_msr_write(struct myhv_vcpu *vcpu, u32 index, bool host, u64 value)
{
	struct synic *synic = vcpu->synic;

	if (!synic) /* user space may restore what was never used */
		return host && (!value || value == SINT_MASKED || index == HV_MSR_SVERSION) ?
			       0 : -EINVAL;
	if (index >= HV_MSR_SINT0 && index <= HV_MSR_SINT15)
		return sint_write(synic, index - HV_MSR_SINT0, host, value);
	if (is_timer_msr(index))
		return index % 2 ? timer_count_write(timer_of(synic, index), host, value) :
				   timer_config_write(timer_of(synic, index), value);
	switch (index) {
	case HV_MSR_SCONTROL:
		synic->control = value;
		return 0;
	case HV_MSR_SVERSION:
		return host ? 0 : -EINVAL;
	case HV_MSR_SIEFP:
		synic->siefp = value;
		return 0;
	case HV_MSR_SIMP:
		synic->simp = value;
		return 0;
	case HV_MSR_EOM:
		if (synic->waiting)
			vcpu_request(vcpu, VCPU_REQ_STIMER);
		return 0;
	}
	return -ENOENT;
}

/* ---- life ---- */

void synic_reset(struct myhv_vcpu *vcpu)
{
	struct synic *synic = vcpu->synic;

	if (!synic)
		return;
	synic->control = synic->siefp = synic->simp = 0;
	for (unsigned int i = 0; i < HV_NR_SINTS; i++)
		synic->sint[i] = SINT_MASKED;
	for (unsigned int i = 0; i < HV_NR_TIMERS; i++) {
		timer_stop(&synic->timers[i]);
		synic->timers[i].config = synic->timers[i].count = 0;
	}
}

int synic_create(struct myhv_vcpu *vcpu)
{
	struct synic *synic;

	if (!vcpu->lapic)
		return -EINVAL;
	if (vcpu->synic)
		return 0;
	/* an interrupt may end itself (AutoEOI), which a CPU that delivers does not know */
	if (lapic_hw_delivery(vcpu) && vcpu->has_run)
		return -EBUSY;
	synic = kzalloc(sizeof(*synic), GFP_KERNEL_ACCOUNT);
	if (!synic)
		return -ENOMEM;
	synic->vcpu = vcpu;
	for (unsigned int i = 0; i < HV_NR_TIMERS; i++) {
		synic->timers[i].synic = synic;
		hrtimer_setup(&synic->timers[i].timer, timer_expired, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_HARD);
	}
	vcpu->synic = synic;
	synic_reset(vcpu);
	lapic_leave_hw(vcpu);
	return 0;
}

void synic_destroy(struct myhv_vcpu *vcpu)
{
	struct synic *synic = vcpu->synic;

	if (!synic)
		return;
	for (unsigned int i = 0; i < HV_NR_TIMERS; i++)
		hrtimer_cancel(&synic->timers[i].timer);
	vcpu->synic = NULL;
	kfree(synic);
}
