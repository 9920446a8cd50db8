// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC: the host's, scaled and shifted. vm->clock.lock guards what the
 * vCPUs of a VM share, so that their TSCs stay in step.
 */
#include <linux/math64.h>
#include <linux/ktime.h>
#include <asm/tsc.h>
#include "chip/chip.h"
#include "exit/exit.h"
#include "exit/pv.h"

/* Two writes that close together mean "the same moment": see guest_tsc_write(). */
#define TSC_SYNC_WINDOW_NS NSEC_PER_SEC

bool tsc_is_steady(void)
{
	/* The kernel knows more than CPUID: command line, cpufreq, idle states, its watchdog. */
	return !check_tsc_unstable();
}

static u64 scaled(struct myhv_vcpu *vcpu, u64 host_tsc)
{
	if (likely(!vcpu->tsc.ratio))
		return host_tsc;
	return mul_u64_u64_shr(host_tsc, vcpu->tsc.ratio, backend_caps.tsc_ratio_frac_bits);
}

u64 guest_tsc(struct myhv_vcpu *vcpu, u64 host_tsc)
{
	return scaled(vcpu, host_tsc) + vcpu->tsc.offset;
}

u64 guest_tsc_now(struct myhv_vcpu *vcpu)
{
	return guest_tsc(vcpu, rdtsc());
}

static void set_offset(struct myhv_vcpu *vcpu, u64 offset)
{
	vcpu->tsc.offset = offset;
	backend->tsc_update(vcpu);
	if (vcpu->lapic)
		lapic_tsc_changed(vcpu);
	if (vcpu->msrs.pv_clock & 1)
		vcpu_request(vcpu, VCPU_REQ_CLOCK);
}

void guest_tsc_init(struct myhv_vcpu *vcpu)
{
	struct vm_clock *clock = &vcpu->vm->clock;

	vcpu->tsc.khz = tsc_khz;
	spin_lock(&clock->lock);
	if (!clock->tsc_valid) {
		clock->tsc_valid = true;
		clock->tsc_offset = -rdtsc();
	}
	vcpu->tsc.offset = clock->tsc_offset;
	spin_unlock(&clock->lock);
	backend->tsc_update(vcpu);
}

/*
 * Monitors and firmware set the TSCs of several CPUs one after the other to one value and
 * mean it to be the same moment. A write whose value fits the last one, by the time that has passed
 * or by being the very same, therefore takes over that one's offset.
 */
static bool fits_last_write(const struct vm_clock *clock, u64 value, u64 now_ns, u32 khz)
{
	u64 passed_ns = now_ns - clock->tsc_write_ns;
	u64 window = mul_u64_u32_div(TSC_SYNC_WINDOW_NS, khz, 1000000);
	u64 expected;

	if (!clock->tsc_written)
		return false;
	if (value == clock->tsc_value && passed_ns < TSC_SYNC_WINDOW_NS)
		return true;
	expected = clock->tsc_value + mul_u64_u32_div(passed_ns, khz, 1000000);
	return value && abs((s64)(value - expected)) < (s64)window;
}

void guest_tsc_write(struct myhv_vcpu *vcpu, u64 value)
{
	struct vm_clock *clock = &vcpu->vm->clock;
	u64 now_ns = ktime_get_boottime_ns();
	u64 offset;

	spin_lock(&clock->lock);
	if (tsc_is_steady() && !vcpu->tsc.ratio &&
	    fits_last_write(clock, value, now_ns, vcpu->tsc.khz)) {
		offset = clock->tsc_offset;
	} else {
		offset = value - scaled(vcpu, rdtsc());
		clock->tsc_written = true;
		clock->tsc_value = value;
		clock->tsc_write_ns = now_ns;
		clock->tsc_offset = offset;
	}
	spin_unlock(&clock->lock);
	set_offset(vcpu, offset);
}

void guest_tsc_shift(struct myhv_vcpu *vcpu, u64 delta)
{
	set_offset(vcpu, vcpu->tsc.offset + delta);
}

/* -EINVAL: the CPU cannot scale to it. The guest's TSC goes on from where it is. */
int guest_tsc_set_khz(struct myhv_vcpu *vcpu, u32 khz)
{
	unsigned int frac = backend_caps.tsc_ratio_frac_bits;
	u64 now = rdtsc();
	u64 value = guest_tsc(vcpu, now);
	u64 ratio = 0;

	if (!khz)
		return -EINVAL;
	/* what the calibration cannot tell apart needs no scaling */
	if (abs((s32)(khz - tsc_khz)) > tsc_khz / 4000) {
		if (!frac || khz / 1000 > tsc_khz)
			return -EINVAL;
		ratio = mul_u64_u32_div(1ULL << frac, khz, tsc_khz);
		if (!ratio || (frac == 32 && ratio >> 40))
			return -EINVAL;
	}
	vcpu->tsc.khz = khz;
	vcpu->tsc.ratio = ratio;
	set_offset(vcpu, value - scaled(vcpu, now));
	return 0;
}
