// SPDX-License-Identifier: GPL-2.0-or-later
/* A device's interrupt wire: see irq_line.h. */
#include "irq_line.h"
#include "libmyhv.h"
#include "log.h"

void irq_line_init(struct irq_line *line, int vm, uint32_t gsi)
{
	*line = (struct irq_line){ .vm = vm, .gsi = gsi };
}

void irq_line_set(struct irq_line *line, bool asserted)
{
	int r;

	if (line->asserted == asserted)
		return;
	line->asserted = asserted;
	line->raised += asserted;
	if (line->vm < 0)
		return;

	r = myhv_irq_line(line->vm, line->gsi, asserted);
	if (r < 0)
		log_line(LOG_GUEST_ERRORS, "GSI %u cannot be driven: error %d", line->gsi, -r);
}
