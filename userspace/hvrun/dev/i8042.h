/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8042 keyboard controller with a keyboard and a PS/2 mouse; a system reset through port
 * 0x64. A20 is remembered and does nothing: the line is always open.
 */
#ifndef HVRUN_I8042_H
#define HVRUN_I8042_H

#include "bus.h"
#include "dev/input.h"
#include "irq_line.h"
#include "power.h"

struct i8042;

/**
 * i8042_create() - the controller and what is plugged in
 * @keyboard_irq: interrupt line; the caller's
 * @mouse_irq: interrupt line; the caller's
 * @power: where a reset goes
 */
struct i8042 *i8042_create(struct irq_line *keyboard_irq, struct irq_line *mouse_irq,
			   struct power *power);
void i8042_destroy(struct i8042 *kbc);
void i8042_reset(struct i8042 *kbc);

/** i8042_region() - 5 ports: data at offset 0, command and status at offset 4 */
struct region *i8042_region(struct i8042 *kbc);

/** i8042_input() - where keys and movements go in */
const struct input_sink *i8042_input(struct i8042 *kbc);

#endif /* HVRUN_I8042_H */
