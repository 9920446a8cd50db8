/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board's devices: made in one order, reset together. */
#ifndef HVRUN_BOARD_H
#define HVRUN_BOARD_H

#include "machine.h"

/** board_create() - make the devices and plug them in; the VM and its memory exist */
int board_create(struct machine *machine, struct error *err);

/** board_reset() - all of them as after power-on; the vCPUs are paused */
void board_reset(struct machine *machine);

/** board_destroy() - of a board that was created, or in part */
void board_destroy(struct machine *machine);

#endif /* HVRUN_BOARD_H */
