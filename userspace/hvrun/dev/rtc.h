/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818 real-time clock and its 128 bytes of CMOS memory: an index and a data
 * register (2 ports). The clock is the host's, plus what the guest has set.
 */
#ifndef HVRUN_RTC_H
#define HVRUN_RTC_H

#include <stdbool.h>

#include "bus.h"
#include "irq_line.h"
#include "timer.h"

struct rtc;

/**
 * rtc_create() - a clock that shows UTC
 * @irq: interrupt line; the caller's
 * @timer: counts nanoseconds since 1970; the caller's. rtc_create() takes its callback.
 */
struct rtc *rtc_create(struct irq_line *irq, struct timer *timer);
void rtc_destroy(struct rtc *rtc);

/** rtc_reset() - the RESET pin: interrupts off; time and memory stay */
void rtc_reset(struct rtc *rtc);

/** rtc_set_base() - show another time: @seconds since 1970, or added to the host's */
void rtc_set_base(struct rtc *rtc, bool is_fixed, int64_t seconds);

/** rtc_set_memory() - put a byte into the CMOS memory, as a set-up program does */
void rtc_set_memory(struct rtc *rtc, unsigned int index, uint8_t value);
struct region *rtc_region(struct rtc *rtc);

#endif /* HVRUN_RTC_H */
