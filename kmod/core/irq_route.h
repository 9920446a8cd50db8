/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt routing: a GSI leads to pins of the chips in the kernel or to an MSI. A
 * level line may have several drivers; a pin is asserted as long as one of them asserts
 * it. Everything here may be called from any context, hard interrupts included.
 */
#ifndef MYHV_CORE_IRQ_ROUTE_H
#define MYHV_CORE_IRQ_ROUTE_H

#include <linux/types.h>
#include "irq_result.h"

struct myhv_vm;

/* Who drives a line; a bit per source is kept for every pin. */
enum irq_source {
	IRQ_SOURCE_USER,     /* MYHV_IRQ_LINE and plain irqfds */
	IRQ_SOURCE_RESAMPLE, /* irqfds with resample */
	IRQ_SOURCE_PIT,
};

/* The highest result of all routes of the GSI. */
enum irq_result irq_set(struct myhv_vm *vm, u32 gsi, enum irq_source source, bool level);

/*
 * The guest has ended the interrupt of a pin: lower resampled lines, tell their
 * owners and the PIT. No chip's lock may be held.
 */
void irq_acked(struct myhv_vm *vm, u32 chip, u32 pin);

#endif /* MYHV_CORE_IRQ_ROUTE_H */
