// SPDX-License-Identifier: GPL-2.0-or-later
/* See victim.h. */
#include <time.h>

#include "victim.h"

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void victim_vcpu_open(struct victim *v, struct myhv_vcpu *vcpu, uint32_t id)
{
	struct myhv_cpuid_entry entries[256];
	uint32_t count = 256;
	int sys = sys_open();

	if (myhv_vcpu_open(vcpu, v->vm, id))
		bail_out("no vCPU %u", id);
	myhv_cpuid_supported(sys, entries, &count);
	close(sys);
	myhv_vcpu_cpuid_set(vcpu, entries, count);
}

void victim_open(struct victim *v, uint32_t mode, const void *code, size_t bytes, int irqchip)
{
	uint32_t entry = mode == GUEST_REAL ? GUEST_REAL_LOAD : VICTIM_CODE;
	int r;

	memset(v, 0, sizeof(*v));
	v->vm = vm_open(irqchip);
	v->ram = map_anonymous(GUEST_RAM_BYTES);
	if (myhv_mem_map(v->vm, 0, v->ram, GUEST_RAM_BYTES, 0))
		bail_out("no memory");
	victim_vcpu_open(v, &v->vcpu, 0);
	memcpy(v->ram + entry, code, bytes);
	v->groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;
	myhv_vcpu_state_get(&v->vcpu, v->groups, &v->state);
	guest_initial_state(v->ram, mode, entry, &v->state, &v->groups);
	r = myhv_vcpu_state_set(&v->vcpu, v->groups, &v->state);
	if (r < 0)
		bail_out("initial state: %s", strerror(-r));
}

void victim_close(struct victim *v)
{
	myhv_vcpu_close(&v->vcpu);
	close(v->vm);
	munmap(v->ram, GUEST_RAM_BYTES);
}
