// SPDX-License-Identifier: GPL-2.0-or-later
/* Stop and go on: see run_state.h. */
#include <string.h>

#include "run_state.h"
#include "vcpu.h"

void run_control_init(struct run_control *control, void (*wake)(void *context), void *context)
{
	memset(control, 0, sizeof(*control));
	control->wake = wake;
	control->context = context;
	pthread_mutex_init(&control->lock, NULL);
}

void run_control_destroy(struct run_control *control)
{
	pthread_mutex_destroy(&control->lock);
}

void run_state_listen(struct run_control *control, struct run_listener *listener)
{
	listener->next = control->listeners;
	control->listeners = listener;
}

static void ask(struct run_control *control)
{
	atomic_store(&control->pending, true);
	if (control->wake)
		control->wake(control->context);
}

void run_state_stop(struct run_control *control, enum run_state why)
{
	pthread_mutex_lock(&control->lock);
	if (control->wanted < why)
		control->wanted = why;
	if (control->passed < why)
		control->passed = why;
	pthread_mutex_unlock(&control->lock);
	ask(control);
}

void run_state_cont(struct run_control *control)
{
	pthread_mutex_lock(&control->lock);
	control->wanted = RUN_RUNNING;
	pthread_mutex_unlock(&control->lock);
	ask(control);
}

void run_state_reset(struct run_control *control)
{
	pthread_mutex_lock(&control->lock);
	if (control->wanted == RUN_SHUTDOWN) {
		control->wanted = RUN_PRELAUNCH;
		control->state = RUN_PRELAUNCH;
	}
	pthread_mutex_unlock(&control->lock);
}

enum run_state run_state_get(struct run_control *control)
{
	enum run_state state;

	pthread_mutex_lock(&control->lock);
	state = control->wanted;
	pthread_mutex_unlock(&control->lock);
	return state;
}

static void tell(struct run_control *control, enum run_state state)
{
	for (struct run_listener *at = control->listeners; at; at = at->next)
		at->changed(at->context, state);
}

void run_state_act(struct run_control *control, struct vcpus *vcpus)
{
	enum run_state old, passed, state;

	if (!atomic_exchange(&control->pending, false))
		return;

	pthread_mutex_lock(&control->lock);
	old = control->state;
	state = control->wanted;
	passed = control->passed;
	control->state = state;
	control->passed = RUN_RUNNING;
	pthread_mutex_unlock(&control->lock);

	if (old == RUN_RUNNING && passed == RUN_RUNNING)
		return;
	if (old == RUN_RUNNING)
		vcpus_pause(vcpus);
	if (passed > old)
		tell(control, passed);
	if (state != RUN_RUNNING)
		return;
	tell(control, RUN_RUNNING);
	vcpus_resume(vcpus);
}

const char *run_state_name(enum run_state state)
{
	switch (state) {
	case RUN_PRELAUNCH:
		return "prelaunch";
	case RUN_PAUSED:
		return "paused";
	case RUN_SHUTDOWN:
		return "shutdown";
	case RUN_IO_ERROR:
		return "io-error";
	case RUN_RUNNING:
		break;
	}
	return "running";
}
