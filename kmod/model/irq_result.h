/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of an interrupt request; of several ways to go the highest result counts. */
#ifndef MYHV_IRQ_RESULT_H
#define MYHV_IRQ_RESULT_H

/**
 * enum irq_result - result of driving a line or sending a message
 * @IRQ_MASKED: lost, or there is nobody to take it
 * @IRQ_LATCHED: newly noted, but masked for the moment: comes with the unmasking
 * @IRQ_COALESCED: it was still pending
 * @IRQ_DELIVERED: newly pending
 */
enum irq_result {
	IRQ_MASKED = -2,
	IRQ_LATCHED = -1,
	IRQ_COALESCED = 0,
	IRQ_DELIVERED = 1,
};

#endif /* MYHV_IRQ_RESULT_H */
