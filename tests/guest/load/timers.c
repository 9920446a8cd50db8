// SPDX-License-Identifier: GPL-2.0-or-later
/* Timers are never early, and the clocks agree with each other. */
#include <fcntl.h>
#include <linux/rtc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define PM_TIMER_PORT 0x608
#define PM_TIMER_HZ 3579545
#define TIMERFD_PERIOD_NS 10000000ULL

static _Atomic uint64_t latest_ns;

/* CLOCK_MONOTONIC as all processors see it: what one has read lies behind the others. */
static uint64_t checked_now(void)
{
	uint64_t before = atomic_load(&latest_ns);
	uint64_t now = now_ns();

	if (now < before)
		fail("the clock went back by %lu ns between processors", before - now);
	while (before < now && !atomic_compare_exchange_weak(&latest_ns, &before, now))
		;
	return now;
}

/* Sleeps of 0.1 to 5 ms on one processor. */
void *sleeper_run(void *worker)
{
	struct worker *w = worker;
	uint64_t seed = 12345 + w->cpu, until, woken;
	struct timespec ts;

	pin_to(w->cpu);
	while (!load_over()) {
		until = checked_now() + 100000 + next_random(&seed) % 4900000;
		ts.tv_sec = until / NS_PER_S;
		ts.tv_nsec = until % NS_PER_S;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		woken = checked_now();
		if (woken < until)
			fail("a sleep on processor %d ended %lu ns early", w->cpu, until - woken);
		note_worst(w, woken - until);
		step(w);
	}
	return NULL;
}

/* A periodic timer has expired as often as there were periods: none lost, none invented. */
void *timerfd_run(void *worker)
{
	struct worker *w = worker;
	uint64_t start = now_ns() + TIMERFD_PERIOD_NS, total = 0, count, before, after;
	struct itimerspec spec = {
		.it_value = { start / NS_PER_S, start % NS_PER_S },
		.it_interval = { 0, TIMERFD_PERIOD_NS },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		fail("no timerfd");
	while (!load_over()) {
		before = now_ns();
		if (read(fd, &count, sizeof(count)) != sizeof(count))
			fail("cannot read a timerfd");
		after = now_ns();
		total += count;
		before = before < start ? 1 : (before - start) / TIMERFD_PERIOD_NS + 1;
		after = after < start ? 0 : (after - start) / TIMERFD_PERIOD_NS + 1;
		if (total < before || total > after)
			fail("a timerfd has expired %lu times, it should be %lu to %lu", total,
			     before, after);
		note_worst(w, now_ns() - (start + (total - 1) * TIMERFD_PERIOD_NS));
		step(w);
	}
	close(fd);
	return NULL;
}

/* ---- CLOCK_MONOTONIC against two other clocks ---- */

static struct {
	uint64_t ns, ticks, unsure_ns;
} pm;
static struct {
	uint64_t ns, seconds, unsure_ns;
} rtc;

static uint64_t rtc_seconds(int fd)
{
	struct rtc_time t;
	struct tm tm = { 0 };

	if (ioctl(fd, RTC_RD_TIME, &t) < 0)
		fail("cannot read the battery clock");
	tm.tm_sec = t.tm_sec;
	tm.tm_min = t.tm_min;
	tm.tm_hour = t.tm_hour;
	tm.tm_mday = t.tm_mday;
	tm.tm_mon = t.tm_mon;
	tm.tm_year = t.tm_year;
	return timegm(&tm);
}

/* Waits until the battery clock steps to its next second. */
static uint64_t rtc_edge(struct worker *w, int fd, uint64_t *seconds)
{
	uint64_t asked = now_ns(), first = rtc_seconds(fd), before;

	do {
		sleep_ns(2000000);
		before = asked;
		asked = now_ns();
		*seconds = rtc_seconds(fd);
		step(w);
	} while (*seconds == first);
	/* the step came after the last question but one, and before now */
	rtc.unsure_ns += (now_ns() - before) / 2;
	return before + (now_ns() - before) / 2;
}

/*
 * Reads the PM timer; returns the middle of the time that took, and half of it in *unsure_ns:
 * the device is a program on the host, which may have to wait for its memory from a disk.
 */
static uint64_t pm_read(uint32_t *tick, uint64_t *unsure_ns)
{
	uint64_t before = now_ns();

	*tick = inl(PM_TIMER_PORT);
	*unsure_ns = (now_ns() - before) / 2;
	return before + *unsure_ns;
}

void *clock_run(void *worker)
{
	struct worker *w = worker;
	int fd = open("/dev/rtc0", O_RDONLY);
	uint64_t edge, seconds, first_edge, first_second, pm_start, unsure, first_unsure;
	uint32_t last, tick;

	if (ioperm(PM_TIMER_PORT, 4, 1) < 0)
		fail("no access to the PM timer");
	first_edge = fd >= 0 ? rtc_edge(w, fd, &first_second) : 0;
	pm_start = pm_read(&last, &first_unsure);
	/* 32 bits, as the FADT says: 20 minutes until it comes round */
	do {
		sleep_ns(500000000);
		pm.ns = pm_read(&tick, &unsure) - pm_start;
		pm.unsure_ns = first_unsure + unsure;
		pm.ticks += (uint32_t)(tick - last);
		last = tick;
		step(w);
	} while (!load_over());
	if (fd >= 0) {
		edge = rtc_edge(w, fd, &seconds);
		rtc.ns = edge - first_edge;
		rtc.seconds = seconds - first_second;
		close(fd);
	}
	return NULL;
}

static void report_one(const char *name, uint64_t ns, uint64_t reference_ns, uint64_t unsure_ns)
{
	int64_t off = (int64_t)(ns - reference_ns);

	if (!reference_ns)
		return;
	printf("LOAD clock: %.3f s by CLOCK_MONOTONIC, %+.3f ms against the %s (%+.0f ppm), "
	       "measured to %.3f ms\n",
	       ns / 1e9, off / 1e6, name, off * 1e6 / reference_ns, unsure_ns / 1e6);
	if (llabs(off) > NS_PER_S / 4 + (int64_t)unsure_ns)
		fail("the clock drifts against the %s", name);
}

void clock_report(void)
{
	report_one("PM timer", pm.ns,
		   pm.ticks / PM_TIMER_HZ * NS_PER_S +
			   pm.ticks % PM_TIMER_HZ * NS_PER_S / PM_TIMER_HZ, pm.unsure_ns);
	report_one("battery clock", rtc.ns, rtc.seconds * NS_PER_S, rtc.unsure_ns);
}
