/* SPDX-License-Identifier: GPL-2.0-only */
/* What the interrupt routing needs of core/eventfd.c; chip/chip.h has the rest. */
#ifndef MYHV_CORE_EVENTFD_H
#define MYHV_CORE_EVENTFD_H

#include <linux/types.h>

struct myhv_vm;

/* The guest ended the interrupt of @gsi: lower and signal its resample irqfds. */
void irqfd_resample(struct myhv_vm *vm, u32 gsi);

#endif /* MYHV_CORE_EVENTFD_H */
