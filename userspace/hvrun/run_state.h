/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the guest run, and if not, why: stopped by the user (-S, the monitor's stop and
 * cont) or by a disk error that the user wants to mend first.
 *
 * Any thread asks; the main thread acts between two events, with run_state_act().
 */
#ifndef HVRUN_RUN_STATE_H
#define HVRUN_RUN_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct vcpus;

/* A heavier reason replaces a lighter one. */
enum run_state {
	RUN_RUNNING,
	RUN_PRELAUNCH, /* -S: the guest has not begun */
	RUN_PAUSED,    /* by the user */
	RUN_SHUTDOWN,  /* the guest switched off, with -no-shutdown */
	RUN_IO_ERROR,  /* by a disk: werror=stop, rerror=stop, no space left */
};

/**
 * struct run_listener - somebody who wants to know
 * @changed: main thread. The vCPUs are paused: they have just stopped, or are about to go on
 *	with @state RUN_RUNNING. Every stop is told, even when it was over before anybody looked.
 * @context: passed to @changed
 */
struct run_listener {
	void (*changed)(void *context, enum run_state state);
	void *context;
	struct run_listener *next;
};

/**
 * struct run_control - of a machine
 * @wake: makes the main thread call run_state_act(); any thread may call it
 * @context: passed to @wake
 * @listeners: main thread's
 * @pending: run_state_act() has something to do
 * @lock: what follows
 * @state: what holds now; only the main thread changes it
 * @wanted: what shall hold
 * @passed: the heaviest that was wanted since run_state_act() looked
 */
struct run_control {
	void (*wake)(void *context);
	void *context;
	struct run_listener *listeners;

	_Atomic bool pending;
	pthread_mutex_t lock;
	enum run_state state;
	enum run_state wanted;
	enum run_state passed;
};

void run_control_init(struct run_control *control, void (*wake)(void *context), void *context);
void run_control_destroy(struct run_control *control);

/** run_state_listen() - main thread; @listener stays the caller's */
void run_state_listen(struct run_control *control, struct run_listener *listener);

/** run_state_stop() - the guest shall stop for @why (not RUN_RUNNING); any thread */
void run_state_stop(struct run_control *control, enum run_state why);

/** run_state_cont() - the guest shall go on, whatever stopped it; any thread */
void run_state_cont(struct run_control *control);

/** run_state_reset() - the machine was reset: what had switched off has now not begun */
void run_state_reset(struct run_control *control);

/** run_state_get() - why the guest stands still, or will in a moment; any thread */
enum run_state run_state_get(struct run_control *control);

/** run_state_act() - main thread: do what was asked for */
void run_state_act(struct run_control *control, struct vcpus *vcpus);

/** run_is_on() - main thread: the vCPUs may run, as far as this goes */
static inline bool run_is_on(const struct run_control *control)
{
	return control->state == RUN_RUNNING;
}

/** run_state_name() - as QMP's query-status says it; never NULL */
const char *run_state_name(enum run_state state);

#endif /* HVRUN_RUN_STATE_H */
