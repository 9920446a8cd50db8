/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main thread: waits for descriptors and timers and calls their owners.
 * poll(2), because standard input may be a file, which epoll refuses.
 */
#ifndef HVRUN_EVENT_LOOP_H
#define HVRUN_EVENT_LOOP_H

#include <stdatomic.h>
#include <time.h>

#include "error.h"
#include "timer.h"

struct event_loop;

/**
 * struct event_source - a descriptor that somebody waits for
 * @fd: the descriptor
 * @events: POLLIN, POLLOUT or 0 to rest; change it with event_source_want()
 * @ready: called by the main thread; may remove its own source
 * @context: for @ready
 */
struct event_source {
	int fd;
	_Atomic short events;
	void (*ready)(struct event_source *source, short revents);
	void *context;
	struct event_loop *loop;
	struct event_source *next;
};

#define EVENT_LOOP_MAX 32

/**
 * struct event_loop - main thread's, but for @wake_fd
 * @sources: list of sources
 * @count: how many
 * @wake_fd: eventfd that makes poll return
 */
struct event_loop {
	struct event_source *sources;
	unsigned int count;
	int wake_fd;
};

int event_loop_init(struct event_loop *loop, struct error *err);
void event_loop_destroy(struct event_loop *loop);

/** event_loop_add() - main thread only; the source stays the caller's */
int event_loop_add(struct event_loop *loop, struct event_source *source);
void event_loop_remove(struct event_loop *loop, struct event_source *source);

/** event_loop_wake() - make event_loop_wait() return; any thread */
void event_loop_wake(struct event_loop *loop);

/** event_loop_wait() - wait once for something, and call whom it concerns */
void event_loop_wait(struct event_loop *loop);

/** event_source_want() - change what is waited for; any thread */
void event_source_want(struct event_source *source, short events);

/** struct loop_timer - a timer that expires in the event loop */
struct loop_timer {
	struct timer timer;
	struct event_source source;
	clockid_t clock;
};

/** loop_timer_init() - @clock is CLOCK_MONOTONIC or CLOCK_REALTIME */
int loop_timer_init(struct loop_timer *timer, struct event_loop *loop, clockid_t clock,
		    struct error *err);
void loop_timer_destroy(struct loop_timer *timer);

#endif /* HVRUN_EVENT_LOOP_H */
