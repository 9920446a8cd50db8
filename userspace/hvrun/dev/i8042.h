/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8042 keyboard controller without a keyboard: enough for a system reset through
 * port 0x64 and for a driver that looks whether anything is plugged in.
 */
#ifndef HVRUN_I8042_H
#define HVRUN_I8042_H

#include "bus.h"
#include "power.h"

struct i8042;

struct i8042 *i8042_create(struct power *power);
void i8042_destroy(struct i8042 *kbc);
void i8042_reset(struct i8042 *kbc);

/** i8042_region() - 5 ports: data at offset 0, command and status at offset 4 */
struct region *i8042_region(struct i8042 *kbc);

#endif /* HVRUN_I8042_H */
