// SPDX-License-Identifier: GPL-2.0-or-later
/* ACPI fixed hardware: see acpi_pm.h. One mutex. */
#include <pthread.h>
#include <stdlib.h>

#include "dev/acpi_pm.h"
#include "log.h"

#define STATUS_TIMER 0x0001
#define STATUS_GLOBAL 0x0020
#define STATUS_POWER_BUTTON 0x0100
#define STATUS_WAKE 0x8000
#define STATUS_VALID 0x8731

#define ENABLE_VALID 0x0721

#define CONTROL_SCI_EN 0x0001
#define CONTROL_GLOBAL_RELEASE 0x0004
#define CONTROL_SLEEP_TYPE_SHIFT 10
#define CONTROL_SLEEP_TYPE_MASK 0x1c00
#define CONTROL_SLEEP_ENABLE 0x2000
#define CONTROL_STORED 0x1c02 /* what reads back as written; SCI_EN is the chipset's */

/* TMR_STS is set whenever the top bit of the 32-bit timer changes. */
#define TIMER_HALF (1ULL << 31)

struct acpi_pm {
	struct region region;
	struct irq_line *sci;
	struct timer *timer;
	struct power *power;

	pthread_mutex_t lock; /* everything below */
	uint16_t status;
	uint16_t enable;
	uint16_t control;
	int64_t start_ns;
	uint64_t seen_ticks; /* the timer up to which @status is known */
};

/* Split, so that the product cannot overflow in a machine's lifetime. */
static uint64_t ticks_of(uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_SECOND;
	uint64_t rest = ns % NS_PER_SECOND;

	return seconds * ACPI_PM_TIMER_HZ + rest * ACPI_PM_TIMER_HZ / NS_PER_SECOND;
}

static uint64_t ns_of(uint64_t ticks)
{
	uint64_t seconds = ticks / ACPI_PM_TIMER_HZ;
	uint64_t rest = ticks % ACPI_PM_TIMER_HZ;

	/* rounded up: at that time the tick has certainly come */
	return seconds * NS_PER_SECOND +
	       (rest * NS_PER_SECOND + ACPI_PM_TIMER_HZ - 1) / ACPI_PM_TIMER_HZ;
}

static uint64_t ticks_now(const struct acpi_pm *pm)
{
	return ticks_of(pm->timer->now(pm->timer) - pm->start_ns);
}

static void update(struct acpi_pm *pm)
{
	uint64_t ticks = ticks_now(pm);

	if (ticks / TIMER_HALF != pm->seen_ticks / TIMER_HALF)
		pm->status |= STATUS_TIMER;
	pm->seen_ticks = ticks;

	irq_line_set(pm->sci, (pm->control & CONTROL_SCI_EN) && (pm->status & pm->enable));
	if ((pm->enable & STATUS_TIMER) && !(pm->status & STATUS_TIMER))
		pm->timer->arm(pm->timer,
			       pm->start_ns + ns_of((ticks / TIMER_HALF + 1) * TIMER_HALF));
	else
		pm->timer->arm(pm->timer, 0);
}

static void write_control(struct acpi_pm *pm, uint16_t value)
{
	unsigned int type = (value & CONTROL_SLEEP_TYPE_MASK) >> CONTROL_SLEEP_TYPE_SHIFT;

	pm->control = (pm->control & CONTROL_SCI_EN) | (value & CONTROL_STORED);
	/* firmware, if there were any, would answer the release at once */
	if (value & CONTROL_GLOBAL_RELEASE)
		pm->status |= STATUS_GLOBAL;
	if (!(value & CONTROL_SLEEP_ENABLE))
		return;
	if (type == ACPI_PM_S5_TYPE)
		power_request(pm->power, POWER_OFF, "ACPI S5");
	else
		log_line(LOG_GUEST_ERRORS, "ACPI sleep type %u does not exist", type);
}

static uint32_t read_word(struct acpi_pm *pm, unsigned int offset)
{
	switch (offset) {
	case ACPI_PM_STATUS:
		update(pm);
		return pm->status;
	case ACPI_PM_ENABLE:
		return pm->enable;
	case ACPI_PM_CONTROL:
		return pm->control;
	case ACPI_PM_TIMER:
		return ticks_now(pm);
	case ACPI_PM_TIMER + 2:
		return (uint32_t)ticks_now(pm) >> 16;
	default:
		return 0;
	}
}

static void write_word(struct acpi_pm *pm, unsigned int offset, uint16_t value)
{
	switch (offset) {
	case ACPI_PM_STATUS:
		update(pm);
		pm->status &= ~(value & STATUS_VALID);
		break;
	case ACPI_PM_ENABLE:
		pm->enable = value & ENABLE_VALID;
		break;
	case ACPI_PM_CONTROL:
		write_control(pm, value);
		break;
	default: /* the timer is read only */
		break;
	}
	update(pm);
}

static uint64_t pm_read(void *dev, uint64_t offset, unsigned int size)
{
	struct acpi_pm *pm = dev;
	uint64_t value;

	pthread_mutex_lock(&pm->lock);
	value = read_word(pm, offset & ~1ULL);
	if (offset & 1)
		value >>= 8;
	else if (size == 4 && offset != ACPI_PM_TIMER)
		value |= (uint64_t)read_word(pm, offset + 2) << 16;
	pthread_mutex_unlock(&pm->lock);
	return value;
}

/* A byte is written as the word it lies in; the other byte stays (or clears nothing). */
static void write_byte(struct acpi_pm *pm, uint64_t offset, uint8_t value)
{
	uint64_t word_offset = offset & ~1ULL;
	unsigned int shift = offset & 1 ? 8 : 0;
	uint32_t word = 0;

	if (word_offset != ACPI_PM_STATUS)
		word = read_word(pm, word_offset) & (0xff00U >> shift);
	write_word(pm, word_offset, word | value << shift);
}

static void pm_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct acpi_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	if (size == 1) {
		write_byte(pm, offset, value);
	} else if (!(offset & 1)) {
		write_word(pm, offset, value);
		if (size == 4)
			write_word(pm, offset + 2, value >> 16);
	}
	pthread_mutex_unlock(&pm->lock);
}

static void pm_expired(void *dev)
{
	struct acpi_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	update(pm);
	pthread_mutex_unlock(&pm->lock);
}

void acpi_pm_switch(struct acpi_pm *pm, bool on)
{
	pthread_mutex_lock(&pm->lock);
	pm->control &= ~CONTROL_SCI_EN;
	pm->control |= on ? CONTROL_SCI_EN : 0;
	update(pm);
	pthread_mutex_unlock(&pm->lock);
}

bool acpi_pm_power_button(struct acpi_pm *pm)
{
	bool listens;

	pthread_mutex_lock(&pm->lock);
	listens = (pm->control & CONTROL_SCI_EN) && (pm->enable & STATUS_POWER_BUTTON);
	pm->status |= STATUS_POWER_BUTTON;
	update(pm);
	pthread_mutex_unlock(&pm->lock);
	return listens;
}

void acpi_pm_reset(struct acpi_pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm->status = 0;
	pm->enable = 0;
	pm->control = 0;
	update(pm);
	pthread_mutex_unlock(&pm->lock);
}

struct region *acpi_pm_region(struct acpi_pm *pm)
{
	return &pm->region;
}

struct acpi_pm *acpi_pm_create(struct irq_line *sci, struct timer *timer, struct power *power)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));

	if (!pm)
		return NULL;
	pm->region = (struct region){
		.name = "acpi-pm",
		.read = pm_read,
		.write = pm_write,
		.dev = pm,
		.max_access = 4,
	};
	pm->sci = sci;
	pm->timer = timer;
	pm->power = power;
	pm->start_ns = timer->now(timer);
	timer->expired = pm_expired;
	timer->dev = pm;
	pthread_mutex_init(&pm->lock, NULL);
	return pm;
}

void acpi_pm_destroy(struct acpi_pm *pm)
{
	if (!pm)
		return;
	pthread_mutex_destroy(&pm->lock);
	free(pm);
}
