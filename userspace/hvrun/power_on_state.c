// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshot of a VM before it runs: see power_on_state.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "power_on_state.h"

#define MSR_IA32_TSC 0x10

/*
 * Without the group of common MSRs: the list of all MSRs has them too, and the group
 * has the time-stamp counter, which would come back different on each vCPU.
 */
#define GROUPS (MYHV_STATE_ALL & ~MYHV_STATE_MSRS)

/* The list of MSRs, without the time-stamp counter; to be freed. NULL with @err. */
static uint32_t *list_msrs(int sys, uint32_t *count, struct error *err)
{
	uint32_t *indices, total = 0, kept = 0;
	int r;

	r = myhv_msr_indices(sys, NULL, &total);
	indices = r == 0 || r == -E2BIG ? calloc(total + 1, sizeof(*indices)) : NULL;
	if (indices && total)
		r = myhv_msr_indices(sys, indices, &total);
	if (!indices || r < 0) {
		error_set(err, "cannot ask for the list of MSRs: %s",
			  strerror(r < 0 ? -r : ENOMEM));
		free(indices);
		return NULL;
	}

	for (uint32_t i = 0; i < total; i++)
		if (indices[i] != MSR_IA32_TSC)
			indices[kept++] = indices[i];
	*count = kept;
	return indices;
}

/* MSRs that this CPU does not have stop a read: leave them out and go on. */
static uint32_t read_msrs(struct vcpu *vcpu, const uint32_t *indices, uint32_t count,
			  struct myhv_msr *msrs)
{
	uint32_t wanted = 0, done = 0;

	while (wanted < count) {
		uint32_t rest = count - wanted;
		int r;

		for (uint32_t i = 0; i < rest; i++)
			msrs[done + i] = (struct myhv_msr){ .index = indices[wanted + i] };
		r = myhv_vcpu_msrs_get(&vcpu->hv, msrs + done, rest);
		if (r < 0)
			break;
		done += r;
		wanted += r + 1;
	}
	return done;
}

int power_on_save(struct power_on_state *state, int sys, int vm, struct vcpus *vcpus,
		  struct error *err)
{
	uint32_t count = 0;
	uint32_t *indices = list_msrs(sys, &count, err);
	int r = 0;

	if (!indices)
		return -1;
	state->count = vcpus->count;
	state->cpu = calloc(vcpus->count, sizeof(*state->cpu));
	state->msrs = calloc((size_t)vcpus->count * (count + 1), sizeof(*state->msrs));
	if (!state->cpu || !state->msrs) {
		error_set(err, "out of memory");
		goto fail;
	}

	for (unsigned int i = 0; i < vcpus->count && r == 0; i++) {
		r = myhv_vcpu_state_get(&vcpus->vcpu[i].hv, GROUPS, &state->cpu[i]);
		/* the vCPUs are alike: the first one tells which MSRs there are */
		state->msr_count = read_msrs(&vcpus->vcpu[i], indices, count,
					     state->msrs + (size_t)i * state->msr_count);
	}
	for (uint32_t i = 0; i < POWER_ON_CHIPS && r == 0; i++)
		r = myhv_chip_get(vm, i, &state->chip[i]);
	if (r < 0) {
		error_set(err, "cannot save the state after power-on: %s", strerror(-r));
		goto fail;
	}
	free(indices);
	return 0;

fail:
	free(indices);
	return -1;
}

int power_on_restore(const struct power_on_state *state, int vm, struct vcpus *vcpus,
		     struct error *err)
{
	int r = 0;

	for (uint32_t i = 0; i < POWER_ON_CHIPS && r == 0; i++)
		r = myhv_chip_set(vm, &state->chip[i]);
	for (unsigned int i = 0; i < state->count && r == 0; i++) {
		struct myhv_vcpu *hv = &vcpus->vcpu[i].hv;

		r = myhv_vcpu_state_set(hv, GROUPS, &state->cpu[i]);
		if (r == 0)
			r = myhv_vcpu_msrs_set(hv, state->msrs + (size_t)i * state->msr_count,
					       state->msr_count);
		/* a read-only MSR in the list stops the rest: then the kernel is at fault */
		if (r >= 0)
			r = (uint32_t)r == state->msr_count ? 0 : -EIO;
	}
	if (r < 0)
		return error_set(err, "cannot reset the VM: %s", strerror(-r));
	return 0;
}

void power_on_free(struct power_on_state *state)
{
	free(state->cpu);
	free(state->msrs);
	memset(state, 0, sizeof(*state));
}
