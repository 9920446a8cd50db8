/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A serial port. 8 registers; FIFOs of 16 characters.
 *
 * Characters take no time: the transmitter is empty as soon as the back end has taken
 * what was written, and the receiver's "character timeout" comes at once. An
 * interrupt reaches the line only with OUT2 set, as a PC is wired.
 */
#ifndef HVRUN_UART_H
#define HVRUN_UART_H

#include "backend/chardev.h"
#include "bus.h"
#include "irq_line.h"

struct uart;

/** uart_create() - @irq and @chardev stay the caller's; NULL: out of memory */
struct uart *uart_create(struct irq_line *irq, struct chardev *chardev);
void uart_destroy(struct uart *uart);
void uart_reset(struct uart *uart);
struct region *uart_region(struct uart *uart);

#endif /* HVRUN_UART_H */
