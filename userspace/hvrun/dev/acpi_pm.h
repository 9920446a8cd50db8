/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI fixed hardware: PM1a event and control registers and the power management
 * timer, 12 ports; the power button.
 * "ACPI Hardware Specification", sections "PM1 Event Grouping" to "Power Management Timer".
 */
#ifndef HVRUN_ACPI_PM_H
#define HVRUN_ACPI_PM_H

#include <stdbool.h>

#include "bus.h"
#include "irq_line.h"
#include "power.h"
#include "timer.h"

#define ACPI_PM_STATUS 0x0  /* 2 bytes, write 1 to clear */
#define ACPI_PM_ENABLE 0x2  /* 2 bytes */
#define ACPI_PM_CONTROL 0x4 /* 2 bytes */
#define ACPI_PM_TIMER 0x8   /* 4 bytes, read only */
#define ACPI_PM_PORTS 12

#define ACPI_PM_TIMER_HZ 3579545
#define ACPI_PM_S5_TYPE 0 /* SLP_TYP of soft off: the PIIX4's, which firmware knows by heart */

struct acpi_pm;

/**
 * acpi_pm_create() - the fixed registers
 * @sci: system control interrupt, level
 * @timer: a monotonic clock; acpi_pm_create() takes its callback
 * @power: where S5 goes
 */
struct acpi_pm *acpi_pm_create(struct irq_line *sci, struct timer *timer, struct power *power);
void acpi_pm_destroy(struct acpi_pm *pm);
void acpi_pm_reset(struct acpi_pm *pm);

/** acpi_pm_switch() - ACPI mode (SCI_EN) on or off; any thread */
void acpi_pm_switch(struct acpi_pm *pm, bool on);

/** acpi_pm_power_button() - somebody presses it; true: the guest listens. Any thread. */
bool acpi_pm_power_button(struct acpi_pm *pm);
struct region *acpi_pm_region(struct acpi_pm *pm);

#endif /* HVRUN_ACPI_PM_H */
