/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's alarm clock, as the device sees it. The event loop gives real ones
 * (event_loop.h), unit tests fire theirs by hand.
 */
#ifndef HVRUN_TIMER_H
#define HVRUN_TIMER_H

#include <stdint.h>

#define NS_PER_SECOND 1000000000LL

/**
 * struct timer - an alarm at a time of a clock
 * @now: time of the clock in nanoseconds
 * @arm: expire once at @at_ns, replacing what was set; 0 switches it off
 * @expired: the device's; called without locks by the event loop. It may come late, and
 *	once more after the timer was changed: the device looks at the time itself.
 * @dev: passed to @expired
 */
struct timer {
	int64_t (*now)(struct timer *timer);
	void (*arm)(struct timer *timer, int64_t at_ns);
	void (*expired)(void *dev);
	void *dev;
};

#endif /* HVRUN_TIMER_H */
