// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KVM-compatible paravirtual clock: a page of guest memory per vCPU that tells how to turn
 * the guest's TSC into nanoseconds, and a wall clock. The guest reads it without any exit.
 *
 * All vCPUs of a VM use one pair (host TSC, VM clock), taken when the first page is
 * written: read on any vCPU, the clock goes on at one rate and never backwards. The host's
 * adjustments of its own clock (NTP) do not reach it, as with CLOCK_MONOTONIC_RAW.
 */
#include <linux/ktime.h>
#include <asm/tsc.h>
#include "core/guest_mem.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "exit/pv.h"

#define PV_CLOCK_ENABLE BIT_ULL(0)
#define PV_CLOCK_TSC_STABLE BIT(0)
#define PV_CLOCK_GUEST_STOPPED BIT(1) /* the guest clears it */

/* Layout of the guest's page (the kernel's pvclock-abi). */
struct pv_time_info {
	u32 version; /* odd while it is written */
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags;
	u8 pad[2];
} __packed;
static_assert(sizeof(struct pv_time_info) == 32);

struct pv_wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
} __packed;

/*
 * ns = ((ticks shifted left by @shift) * @mul) >> 32; @mul has its top bit set, which keeps
 * the error below 1e-9.
 */
static void tsc_scale(u32 khz, s8 *shift, u32 *mul)
{
	u64 hz = (u64)khz * 1000;
	s8 s = 0;

	for (; hz <= NSEC_PER_SEC; s++)
		hz <<= 1;
	for (; hz > 2 * NSEC_PER_SEC; s--)
		hz >>= 1;
	*shift = s;
	*mul = div_u64((u64)NSEC_PER_SEC << 32, (u32)hz);
}

/* A host TSC value and the VM's clock at that very moment. */
static void take_pair(struct myhv_vm *vm, u64 *tsc, u64 *ns)
{
	u64 before, after, best = U64_MAX;
	unsigned long flags;
	u64 now;

	/* the narrowest of a few tries: an SMI or the host's host may come between */
	for (int i = 0; i < 3; i++) {
		local_irq_save(flags);
		before = rdtsc_ordered();
		now = vm_clock_ns(vm);
		after = rdtsc_ordered();
		local_irq_restore(flags);
		if (after - before >= best)
			continue;
		best = after - before;
		*tsc = before + best / 2;
		*ns = now;
	}
}

void pvclock_pair(struct myhv_vm *vm, u64 *tsc, u64 *ns)
{
	struct vm_clock *clock = &vm->clock;

	spin_lock(&clock->lock);
	if (!clock->pair_valid || !tsc_is_steady()) {
		take_pair(vm, &clock->pair_tsc, &clock->pair_ns);
		clock->pair_valid = true;
	}
	*tsc = clock->pair_tsc;
	*ns = clock->pair_ns;
	spin_unlock(&clock->lock);
}

void pvclock_restart(struct myhv_vm *vm)
{
	struct myhv_vcpu *vcpu;
	unsigned long id;

	WRITE_ONCE(vm->clock.pair_valid, false);
	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu) {
		if ((READ_ONCE(vcpu->msrs.pv_clock) & PV_CLOCK_ENABLE) ||
		    (READ_ONCE(vm->hyperv.tsc_page) & HV_ENABLE))
			vcpu_request(vcpu, VCPU_REQ_CLOCK);
	}
	rcu_read_unlock();
}

int pvclock_tell_stopped(struct myhv_vcpu *vcpu)
{
	if (!(vcpu->msrs.pv_clock & PV_CLOCK_ENABLE))
		return -EINVAL;
	vcpu->clock_stopped = true;
	vcpu_request(vcpu, VCPU_REQ_CLOCK);
	return 0;
}

void pvclock_update(struct myhv_vcpu *vcpu)
{
	u64 gpa = vcpu->msrs.pv_clock & ~PV_CLOCK_ENABLE;
	struct pv_time_info info = { 0 }, old;
	u64 tsc, ns;

	might_sleep();
	hyperv_clock_update(vcpu);
	if (!(vcpu->msrs.pv_clock & PV_CLOCK_ENABLE))
		return;
	pvclock_pair(vcpu->vm, &tsc, &ns);
	info.tsc_timestamp = guest_tsc(vcpu, tsc);
	info.system_time = ns;
	tsc_scale(vcpu->tsc.khz, &info.tsc_shift, &info.tsc_to_system_mul);
	info.flags = tsc_is_steady() ? PV_CLOCK_TSC_STABLE : 0;

	/* A guest that gave a bad address gets no clock; the vCPU itself is not in the guest. */
	if (guest_phys_read(vcpu, gpa, &old, sizeof(old)))
		return;
	info.flags |= old.flags & PV_CLOCK_GUEST_STOPPED;
	if (vcpu->clock_stopped)
		info.flags |= PV_CLOCK_GUEST_STOPPED;
	vcpu->clock_stopped = false;
	info.version = (old.version | 1) + 2;
	if (guest_phys_write(vcpu, gpa, &info.version, sizeof(info.version)))
		return;
	smp_wmb();
	guest_phys_write(vcpu, gpa + 4, (u8 *)&info + 4, sizeof(info) - 4);
	smp_wmb();
	info.version++;
	guest_phys_write(vcpu, gpa, &info.version, sizeof(info.version));
}

/* The wall clock at the VM clock's zero; the guest adds its system time. */
static void write_wall_clock(struct myhv_vcpu *vcpu, u64 gpa)
{
	struct pv_wall_clock wall = { 0 };
	u64 boot_ns = ktime_get_real_ns() - vm_clock_ns(vcpu->vm);
	u32 version, nsec;

	if (guest_phys_read(vcpu, gpa, &version, sizeof(version)))
		return;
	wall.version = (version | 1) + 2;
	if (guest_phys_write(vcpu, gpa, &wall.version, sizeof(wall.version)))
		return;
	smp_wmb();
	wall.sec = div_u64_rem(boot_ns, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	guest_phys_write(vcpu, gpa + 4, (u8 *)&wall + 4, sizeof(wall) - 4);
	smp_wmb();
	wall.version++;
	guest_phys_write(vcpu, gpa, &wall.version, sizeof(wall.version));
}

/*
 * The pages are written where it may sleep. The wall clock is asked for by the write
 * and read right after it, so the vCPU leaves its burst for both before it goes on.
 */
int pvclock_msr_write(struct myhv_vcpu *vcpu, u32 index, u64 value)
{
	if (index == MSR_PV_WALL_CLOCK || index == MSR_PV_WALL_CLOCK_OLD) {
		if (value & 3)
			return -EINVAL;
		if (vcpu->in_burst)
			return -EAGAIN;
		vcpu->msrs.pv_wall_clock = value;
		write_wall_clock(vcpu, value);
		return 0;
	}
	/* 32-byte structures need not be aligned to their size, but to 4 bytes */
	if (value & 2)
		return -EINVAL;
	vcpu->msrs.pv_clock = value;
	if (value & PV_CLOCK_ENABLE)
		vcpu_request(vcpu, VCPU_REQ_CLOCK);
	return 0;
}
