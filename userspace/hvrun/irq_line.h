/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's interrupt wire. The device says "asserted" or "not" as often as it
 * likes; only changes reach the kernel.
 */
#ifndef HVRUN_IRQ_LINE_H
#define HVRUN_IRQ_LINE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct irq_line - one wire
 * @vm: VM descriptor, or -1: connected to nothing, as in unit tests
 * @gsi: where it goes
 * @asserted: its level
 * @raised: how often it went from low to high
 *
 * The owner serializes calls (its device mutex).
 */
struct irq_line {
	int vm;
	uint32_t gsi;
	bool asserted;
	unsigned int raised;
};

void irq_line_init(struct irq_line *line, int vm, uint32_t gsi);
void irq_line_set(struct irq_line *line, bool asserted);

#endif /* HVRUN_IRQ_LINE_H */
