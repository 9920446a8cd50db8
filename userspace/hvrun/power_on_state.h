/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a VM as it was made, to go back to at a reset: the kernel knows what a
 * CPU and its chips look like after power-on, so hvrun asks once instead of knowing
 * it a second time.
 */
#ifndef HVRUN_POWER_ON_STATE_H
#define HVRUN_POWER_ON_STATE_H

#include "error.h"
#include "vcpu.h"

#define POWER_ON_CHIPS 4 /* MYHV_CHIP_PIC_MASTER .. MYHV_CHIP_PIT */

/**
 * struct power_on_state - a snapshot
 * @cpu: registers of each vCPU, @count of them
 * @msrs: @msr_count MSRs of each vCPU, in one array
 * @chip: interrupt controllers and timer
 */
struct power_on_state {
	unsigned int count;
	struct myhv_vcpu_state *cpu;
	uint32_t msr_count;
	struct myhv_msr *msrs;
	struct myhv_chip chip[POWER_ON_CHIPS];
};

/** power_on_save() - before any vCPU has run */
int power_on_save(struct power_on_state *state, int sys, int vm, struct vcpus *vcpus,
		  struct error *err);

/** power_on_restore() - the vCPUs are paused. The time-stamp counters keep running. */
int power_on_restore(const struct power_on_state *state, int vm, struct vcpus *vcpus,
		     struct error *err);
void power_on_free(struct power_on_state *state);

#endif /* HVRUN_POWER_ON_STATE_H */
