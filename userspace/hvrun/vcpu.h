/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual CPUs, one thread each. Between vcpus_start() and vcpus_stop() they run or
 * are paused; only while they are paused may others touch their registers.
 */
#ifndef HVRUN_VCPU_H
#define HVRUN_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "bus.h"
#include "cpu_model.h"
#include "guest_ram.h"
#include "libmyhv.h"
#include "power.h"

#define VCPUS_MAX 64

struct vcpus;

/**
 * struct vcpu - one of them
 * @hv: descriptor and run area
 * @group: the machine's vCPUs
 * @thread: valid while @started
 * @tid: its number for top and taskset; 0: not running yet
 */
struct vcpu {
	struct myhv_vcpu hv;
	struct vcpus *group;
	pthread_t thread;
	bool started;
	_Atomic int tid;
};

/**
 * struct vcpus - the machine's vCPUs
 * @pio: I/O ports
 * @mmio: device memory
 * @power: a pending request stops the vCPUs at their next exit
 * @ram: to show instruction bytes when something goes wrong
 * @hold: vCPUs stop before the guest is entered again
 * @dumps: dumps of triple faults so far: a guest may cause them for ever
 * @lock: what follows
 * @changed: @parked, @quit or @hold has changed
 */
struct vcpus {
	struct bus *pio;
	struct bus *mmio;
	struct power *power;
	const struct guest_ram *ram;
	unsigned int count;
	struct vcpu vcpu[VCPUS_MAX];

	_Atomic bool hold;
	_Atomic unsigned int dumps;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int parked;
	bool quit;
};

/** vcpus_create() - make @count vCPUs in @vm, with their CPUID tables */
int vcpus_create(struct vcpus *vcpus, int sys, int vm, unsigned int count,
		 const struct cpu_model *model, struct error *err);

/** vcpus_start() - start the threads, paused */
int vcpus_start(struct vcpus *vcpus, struct error *err);

/** vcpus_pause() - returns when none runs and none has an unfinished access */
void vcpus_pause(struct vcpus *vcpus);
void vcpus_resume(struct vcpus *vcpus);

/** vcpus_stop() - end the threads; -1: one of them is stuck in the kernel */
int vcpus_stop(struct vcpus *vcpus);
void vcpus_destroy(struct vcpus *vcpus);

/** vcpu_dump() - registers and code bytes; vCPU's thread, or paused */
void vcpu_dump(struct vcpu *vcpu, FILE *to);

#endif /* HVRUN_VCPU_H */
