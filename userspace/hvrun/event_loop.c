// SPDX-License-Identifier: GPL-2.0-or-later
/* The main thread's event loop: see event_loop.h. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "event_loop.h"

int event_loop_init(struct event_loop *loop, struct error *err)
{
	memset(loop, 0, sizeof(*loop));
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		return error_set(err, "cannot make an eventfd: %s", strerror(errno));
	return 0;
}

void event_loop_destroy(struct event_loop *loop)
{
	close(loop->wake_fd);
}

int event_loop_add(struct event_loop *loop, struct event_source *source)
{
	if (loop->count == EVENT_LOOP_MAX)
		return -ENOSPC;
	source->loop = loop;
	source->next = loop->sources;
	loop->sources = source;
	loop->count++;
	return 0;
}

void event_loop_remove(struct event_loop *loop, struct event_source *source)
{
	for (struct event_source **at = &loop->sources; *at; at = &(*at)->next) {
		if (*at != source)
			continue;
		*at = source->next;
		loop->count--;
		return;
	}
}

void event_loop_wake(struct event_loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so the loop wakes anyway */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static void drain(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return;
}

static void dispatch(struct event_loop *loop, int fd, short revents)
{
	for (struct event_source *source = loop->sources; source; source = source->next) {
		if (source->fd != fd)
			continue;
		source->ready(source, revents);
		return;
	}
}

void event_loop_wait(struct event_loop *loop)
{
	struct pollfd fds[1 + EVENT_LOOP_MAX] = { { .fd = loop->wake_fd, .events = POLLIN } };
	nfds_t count = 1;

	for (struct event_source *source = loop->sources; source; source = source->next) {
		short events = atomic_load(&source->events);

		/* without events poll still reports POLLHUP, for ever: leave it out */
		if (events)
			fds[count++] = (struct pollfd){ .fd = source->fd, .events = events };
	}

	if (poll(fds, count, -1) < 0)
		return;

	if (fds[0].revents)
		drain(loop->wake_fd);
	for (nfds_t i = 1; i < count; i++)
		if (fds[i].revents)
			dispatch(loop, fds[i].fd, fds[i].revents);
}

void event_source_want(struct event_source *source, short events)
{
	if (atomic_exchange(&source->events, events) != events && source->loop)
		event_loop_wake(source->loop);
}

static struct loop_timer *to_loop_timer(struct timer *timer)
{
	return (struct loop_timer *)((char *)timer - offsetof(struct loop_timer, timer));
}

static int64_t loop_timer_now(struct timer *timer)
{
	struct timespec now;

	clock_gettime(to_loop_timer(timer)->clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static void loop_timer_arm(struct timer *timer, int64_t at_ns)
{
	struct itimerspec spec = {
		.it_value.tv_sec = at_ns / NS_PER_SECOND,
		.it_value.tv_nsec = at_ns % NS_PER_SECOND,
	};

	timerfd_settime(to_loop_timer(timer)->source.fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void loop_timer_ready(struct event_source *source, short revents)
{
	struct loop_timer *timer = source->context;

	drain(source->fd);
	timer->timer.expired(timer->timer.dev);
}

int loop_timer_init(struct loop_timer *timer, struct event_loop *loop, clockid_t clock,
		    struct error *err)
{
	int fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return error_set(err, "cannot make a timer: %s", strerror(errno));

	memset(timer, 0, sizeof(*timer));
	timer->timer.now = loop_timer_now;
	timer->timer.arm = loop_timer_arm;
	timer->clock = clock;
	timer->source.fd = fd;
	timer->source.events = POLLIN;
	timer->source.ready = loop_timer_ready;
	timer->source.context = timer;
	if (event_loop_add(loop, &timer->source) < 0) {
		close(fd);
		return error_set(err, "too many event sources");
	}
	return 0;
}

void loop_timer_destroy(struct loop_timer *timer)
{
	event_loop_remove(timer->source.loop, &timer->source);
	close(timer->source.fd);
}
