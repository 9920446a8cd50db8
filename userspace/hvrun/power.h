/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a device, a vCPU or the user asks for the end of the present state of
 * affairs. Nothing happens at once: the request is noted, the vCPUs stop at their
 * next exit, the main thread acts.
 */
#ifndef HVRUN_POWER_H
#define HVRUN_POWER_H

#include <stdatomic.h>

/* In order of weight: a heavier request replaces a lighter one. */
enum power_request {
	POWER_NONE,
	POWER_RESET,	   /* asked for: keyboard controller, 0xcf9, ACPI */
	POWER_RESET_CRASH, /* triple fault */
	POWER_OFF,	   /* ACPI S5 */
	POWER_QUIT,	   /* the user */
	POWER_BROKEN,	   /* hvrun or the kernel cannot go on with this VM */
};

/**
 * struct power - the request box
 * @request: enum power_request
 * @wake: called after a request was noted, by any thread; may be NULL
 * @context: passed to @wake
 */
struct power {
	_Atomic int request;
	void (*wake)(void *context);
	void *context;
};

/** power_request() - note @request; @who is for the log ("keyboard controller") */
void power_request(struct power *power, enum power_request request, const char *who);

static inline enum power_request power_pending(struct power *power)
{
	return atomic_load_explicit(&power->request, memory_order_acquire);
}

/** power_take() - the request, which is then no longer pending */
static inline enum power_request power_take(struct power *power)
{
	return atomic_exchange(&power->request, POWER_NONE);
}

#endif /* HVRUN_POWER_H */
