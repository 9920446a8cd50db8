// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MC146818 real-time clock: see rtc.h. Motorola's data sheet "MC146818A" gives the
 * registers.
 *
 * There is no ticking: the time is computed when the guest reads it, and the flags of
 * register C from the time that has passed since they were last computed. A timer is
 * armed only while an interrupt is enabled. One mutex for everything.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dev/rtc.h"

#define CMOS_BYTES 128

#define REG_SECONDS 0x00
#define REG_SECONDS_ALARM 0x01
#define REG_MINUTES 0x02
#define REG_MINUTES_ALARM 0x03
#define REG_HOURS 0x04
#define REG_HOURS_ALARM 0x05
#define REG_WEEKDAY 0x06
#define REG_DAY 0x07
#define REG_MONTH 0x08
#define REG_YEAR 0x09
#define REG_A 0x0a
#define REG_B 0x0b
#define REG_C 0x0c
#define REG_D 0x0d
#define REG_CENTURY 0x32

#define A_UIP 0x80
#define A_DIVIDER 0x70
#define A_DIVIDER_RUNS 0x20
#define A_RATE 0x0f
#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_BINARY 0x04
#define B_24H 0x02
#define C_IRQF 0x80
#define C_PF 0x40
#define C_AF 0x20
#define C_UF 0x10
#define D_VALID 0x80

#define HOUR_PM 0x80
#define ALARM_ANY 0xc0 /* an alarm byte with both bits set matches everything */

/* An update takes 1984 us and is announced 244 us before. */
#define UIP_NS ((1984 + 244) * 1000LL)
#define SECONDS_PER_DAY 86400
#define SECONDS_MIN -2208988800LL /* 1900 */
#define SECONDS_MAX 7258118400LL  /* 2200 */

struct rtc {
	struct region region;
	struct irq_line *irq;
	struct timer *timer;

	pthread_mutex_t lock; /* everything below */
	uint8_t index;
	uint8_t cmos[CMOS_BYTES]; /* the time's bytes are valid while it is being set */
	int64_t offset_ns;	  /* guest time minus the host's */
	int64_t flags_ns;	  /* guest time up to which register C is known */
};

static int64_t guest_ns(const struct rtc *rtc)
{
	return rtc->timer->now(rtc->timer) + rtc->offset_ns;
}

static bool clock_is_stopped(const struct rtc *rtc)
{
	return (rtc->cmos[REG_B] & B_SET) || (rtc->cmos[REG_A] & A_DIVIDER) != A_DIVIDER_RUNS;
}

static uint8_t encode(const struct rtc *rtc, unsigned int value)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return value;
	return (value / 10 % 10) << 4 | value % 10;
}

static unsigned int decode(const struct rtc *rtc, uint8_t byte)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return byte;
	return (byte >> 4) * 10 + (byte & 0x0f);
}

static uint8_t encode_hour(const struct rtc *rtc, unsigned int hour)
{
	if (rtc->cmos[REG_B] & B_24H)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int decode_hour(const struct rtc *rtc, uint8_t byte)
{
	unsigned int hour;

	if (rtc->cmos[REG_B] & B_24H)
		return decode(rtc, byte);
	hour = decode(rtc, byte & ~HOUR_PM) % 12;
	return byte & HOUR_PM ? hour + 12 : hour;
}

/* Floor division: the guest may set a time before 1970. */
static int64_t seconds_of(int64_t ns)
{
	int64_t seconds = ns / NS_PER_SECOND;

	return ns % NS_PER_SECOND < 0 ? seconds - 1 : seconds;
}

/* Write the present time into the bytes that show it. */
static void store_time(struct rtc *rtc)
{
	time_t seconds = seconds_of(guest_ns(rtc));
	unsigned int year;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	year = tm.tm_year + 1900;
	rtc->cmos[REG_SECONDS] = encode(rtc, tm.tm_sec);
	rtc->cmos[REG_MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[REG_HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[REG_WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[REG_DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[REG_MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[REG_YEAR] = encode(rtc, year % 100);
	rtc->cmos[REG_CENTURY] = encode(rtc, year / 100);
}

/* Take the time from those bytes: the guest has set it. */
static void load_time(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[REG_SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[REG_MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[REG_HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[REG_DAY]),
		.tm_mon = decode(rtc, rtc->cmos[REG_MONTH]) - 1,
		.tm_year = decode(rtc, rtc->cmos[REG_CENTURY]) * 100 +
			   decode(rtc, rtc->cmos[REG_YEAR]) - 1900,
	};

	int64_t seconds = timegm(&tm);

	/* rubbish in the bytes must not overflow the nanoseconds */
	if (seconds < SECONDS_MIN)
		seconds = SECONDS_MIN;
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	rtc->offset_ns = seconds * NS_PER_SECOND - rtc->timer->now(rtc->timer);
	rtc->flags_ns = guest_ns(rtc);
}

static int64_t period_ns(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[REG_A] & A_RATE;

	if (!rate || (rtc->cmos[REG_A] & A_DIVIDER) != A_DIVIDER_RUNS)
		return 0;
	/* rates 1 and 2 mean 8 and 9 with the 32 kHz crystal */
	if (rate <= 2)
		rate += 7;
	return (NS_PER_SECOND << (rate - 1)) / 32768;
}

static bool alarm_byte_matches(const struct rtc *rtc, unsigned int reg, uint8_t now)
{
	uint8_t byte = rtc->cmos[reg];

	return (byte & ALARM_ANY) == ALARM_ANY || byte == now;
}

static bool alarm_matches(const struct rtc *rtc, int64_t seconds)
{
	int64_t of_day = ((seconds % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;

	return alarm_byte_matches(rtc, REG_SECONDS_ALARM, encode(rtc, of_day % 60)) &&
	       alarm_byte_matches(rtc, REG_MINUTES_ALARM, encode(rtc, of_day / 60 % 60)) &&
	       alarm_byte_matches(rtc, REG_HOURS_ALARM, encode_hour(rtc, of_day / 3600));
}

/*
 * The first second after @from, at most @last, that the alarm matches; 0: none. It
 * steps over minutes that cannot match, so that a day costs some 1,500 steps at most.
 */
static int64_t next_alarm(const struct rtc *rtc, int64_t from, int64_t last)
{
	int64_t second = from + 1;

	while (second <= last) {
		int64_t of_day = ((second % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;

		if (alarm_matches(rtc, second))
			return second;
		if (alarm_byte_matches(rtc, REG_MINUTES_ALARM, encode(rtc, of_day / 60 % 60)) &&
		    alarm_byte_matches(rtc, REG_HOURS_ALARM, encode_hour(rtc, of_day / 3600)))
			second++;
		else
			second += 60 - of_day % 60;
	}
	return 0;
}

/* Bring register C up to the present. */
static void update_flags(struct rtc *rtc)
{
	int64_t now = guest_ns(rtc);
	int64_t then = rtc->flags_ns;
	int64_t period = period_ns(rtc);
	int64_t now_s = seconds_of(now);
	int64_t then_s = seconds_of(then);

	/* the host's clock may be set back */
	rtc->flags_ns = now;
	if (now <= then)
		return;

	if (period && now / period != then / period)
		rtc->cmos[REG_C] |= C_PF;
	if (clock_is_stopped(rtc) || now_s == then_s)
		return;
	rtc->cmos[REG_C] |= C_UF;
	if (now_s - then_s > SECONDS_PER_DAY)
		then_s = now_s - SECONDS_PER_DAY;
	if (next_alarm(rtc, then_s, now_s))
		rtc->cmos[REG_C] |= C_AF;
}

/* PIE, AIE and UIE stand at the same bits as PF, AF and UF. */
static void update_irq(struct rtc *rtc)
{
	if (rtc->cmos[REG_B] & rtc->cmos[REG_C] & (C_PF | C_AF | C_UF))
		rtc->cmos[REG_C] |= C_IRQF;
	else
		rtc->cmos[REG_C] &= ~C_IRQF;
	irq_line_set(rtc->irq, rtc->cmos[REG_C] & C_IRQF);
}

static void earlier(int64_t *at, int64_t candidate)
{
	if (!*at || candidate < *at)
		*at = candidate;
}

/* Wake up for the next flag that is enabled and not set yet. */
static void update_timer(struct rtc *rtc)
{
	uint8_t wanted = rtc->cmos[REG_B] & ~rtc->cmos[REG_C];
	int64_t now = rtc->flags_ns;
	int64_t now_s = seconds_of(now);
	int64_t period = period_ns(rtc);
	int64_t at = 0;

	if ((wanted & B_PIE) && period)
		earlier(&at, (now / period + 1) * period);
	if ((wanted & B_UIE) && !clock_is_stopped(rtc))
		earlier(&at, (now_s + 1) * NS_PER_SECOND);
	if ((wanted & B_AIE) && !clock_is_stopped(rtc)) {
		int64_t alarm = next_alarm(rtc, now_s, now_s + SECONDS_PER_DAY);

		if (alarm)
			earlier(&at, alarm * NS_PER_SECOND);
	}
	if (at)
		at = at - rtc->offset_ns > 0 ? at - rtc->offset_ns : 1;
	rtc->timer->arm(rtc->timer, at);
}

static void update_all(struct rtc *rtc)
{
	update_flags(rtc);
	update_irq(rtc);
	update_timer(rtc);
}

static bool is_time_register(uint8_t index)
{
	switch (index) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_WEEKDAY:
	case REG_DAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY:
		return true;
	default:
		return false;
	}
}

static bool update_in_progress(const struct rtc *rtc)
{
	int64_t now = guest_ns(rtc);

	return !clock_is_stopped(rtc) && (seconds_of(now) + 1) * NS_PER_SECOND - now <= UIP_NS;
}

static uint8_t read_cmos(struct rtc *rtc, uint8_t index)
{
	uint8_t value;

	if (is_time_register(index) && !clock_is_stopped(rtc))
		store_time(rtc);

	switch (index) {
	case REG_A:
		return rtc->cmos[REG_A] | (update_in_progress(rtc) ? A_UIP : 0);
	case REG_C:
		update_flags(rtc);
		update_irq(rtc);
		value = rtc->cmos[REG_C];
		rtc->cmos[REG_C] = 0;
		update_irq(rtc);
		update_timer(rtc);
		return value;
	case REG_D:
		return D_VALID;
	default:
		return rtc->cmos[index];
	}
}

static void write_control(struct rtc *rtc, uint8_t index, uint8_t value)
{
	bool was_stopped = clock_is_stopped(rtc);

	update_flags(rtc);
	if (!was_stopped)
		store_time(rtc);
	rtc->cmos[index] = index == REG_A ? value & ~A_UIP : value;
	/* SET switches the update interrupt off */
	if (index == REG_B && (value & B_SET))
		rtc->cmos[REG_B] &= ~B_UIE;
	if (was_stopped && !clock_is_stopped(rtc))
		load_time(rtc);
	update_all(rtc);
}

static void write_cmos(struct rtc *rtc, uint8_t index, uint8_t value)
{
	switch (index) {
	case REG_A:
	case REG_B:
		write_control(rtc, index, value);
		break;
	case REG_C:
	case REG_D:
		break;
	case REG_SECONDS_ALARM:
	case REG_MINUTES_ALARM:
	case REG_HOURS_ALARM:
		update_flags(rtc);
		rtc->cmos[index] = value;
		update_all(rtc);
		break;
	default:
		if (is_time_register(index) && !clock_is_stopped(rtc)) {
			/* set while running: takes effect at once, as QEMU and most chips do */
			store_time(rtc);
			rtc->cmos[index] = value;
			load_time(rtc);
			update_all(rtc);
		} else {
			rtc->cmos[index] = value;
		}
	}
}

static uint64_t rtc_read(void *dev, uint64_t offset, unsigned int size)
{
	struct rtc *rtc = dev;
	uint8_t value = 0xff; /* the index register cannot be read back */

	pthread_mutex_lock(&rtc->lock);
	if (offset == 1)
		value = read_cmos(rtc, rtc->index);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct rtc *rtc = dev;

	pthread_mutex_lock(&rtc->lock);
	if (offset == 0)
		rtc->index = value & (CMOS_BYTES - 1); /* bit 7 masks NMIs */
	else
		write_cmos(rtc, rtc->index, value);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_expired(void *dev)
{
	struct rtc *rtc = dev;

	pthread_mutex_lock(&rtc->lock);
	update_all(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

void rtc_reset(struct rtc *rtc)
{
	pthread_mutex_lock(&rtc->lock);
	rtc->cmos[REG_B] &= ~(B_PIE | B_AIE | B_UIE);
	rtc->cmos[REG_C] = 0;
	update_all(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

void rtc_set_base(struct rtc *rtc, bool is_fixed, int64_t seconds)
{
	pthread_mutex_lock(&rtc->lock);
	rtc->offset_ns = seconds * NS_PER_SECOND;
	if (is_fixed)
		rtc->offset_ns -= rtc->timer->now(rtc->timer);
	rtc->flags_ns = guest_ns(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

void rtc_set_memory(struct rtc *rtc, unsigned int index, uint8_t value)
{
	pthread_mutex_lock(&rtc->lock);
	rtc->cmos[index % CMOS_BYTES] = value;
	pthread_mutex_unlock(&rtc->lock);
}

struct region *rtc_region(struct rtc *rtc)
{
	return &rtc->region;
}

struct rtc *rtc_create(struct irq_line *irq, struct timer *timer)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return NULL;
	rtc->region = (struct region){
		.name = "rtc",
		.read = rtc_read,
		.write = rtc_write,
		.dev = rtc,
		.max_access = 1,
	};
	rtc->irq = irq;
	rtc->timer = timer;
	timer->expired = rtc_expired;
	timer->dev = rtc;
	rtc->cmos[REG_A] = A_DIVIDER_RUNS | 0x06; /* 1024 Hz */
	rtc->cmos[REG_B] = B_24H;
	rtc->flags_ns = guest_ns(rtc);
	pthread_mutex_init(&rtc->lock, NULL);
	return rtc;
}

void rtc_destroy(struct rtc *rtc)
{
	if (!rtc)
		return;
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}
