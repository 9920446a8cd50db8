/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -kernel: hvrun does what firmware would do, and enters the kernel itself. */
#ifndef HVRUN_DIRECT_H
#define HVRUN_DIRECT_H

#include "error.h"

struct machine;

/** direct_boot() - after power-on or a reset: chipset, tables, kernel, registers */
int direct_boot(struct machine *machine, struct error *err);

#endif /* HVRUN_DIRECT_H */
