// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16550A serial port: see uart.h. National's data sheet "PC16550D Universal
 * Asynchronous Receiver/Transmitter with FIFOs" gives the registers.
 *
 * One mutex for everything; the back end is called with it held and never blocks.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dev/uart.h"

#define REG_DATA 0 /* RBR, THR; DLL with DLAB */
#define REG_IER 1  /* DLM with DLAB */
#define REG_IIR 2  /* FCR when written */
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5
#define REG_MSR 6
#define REG_SCR 7

#define IER_RDI 0x01
#define IER_THRI 0x02
#define IER_RLSI 0x04
#define IER_MSI 0x08
#define IER_MASK 0x0f

#define IIR_NONE 0x01
#define IIR_MSI 0x00
#define IIR_THRI 0x02
#define IIR_RDI 0x04
#define IIR_RLSI 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04

#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_BI 0x10
#define LSR_ERRORS 0x1e
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_DCTS 0x01
#define MSR_DDSR 0x02
#define MSR_TERI 0x04
#define MSR_DDCD 0x08
#define MSR_DELTAS 0x0f
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define FIFO_SIZE 16

struct fifo {
	uint8_t data[FIFO_SIZE];
	unsigned int start;
	unsigned int count;
};

struct uart {
	struct region region;
	struct irq_line *irq;
	struct chardev *chardev;

	pthread_mutex_t lock; /* everything below */
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	uint8_t divisor[2];
	uint8_t line_errors; /* LSR bits that a read clears */
	uint8_t msr_deltas;
	bool thre_interrupt; /* THRE became true and nobody has looked */
	struct fifo rx;
	struct fifo tx; /* waits for the back end */
};

static void fifo_put(struct fifo *fifo, uint8_t c)
{
	fifo->data[(fifo->start + fifo->count++) % FIFO_SIZE] = c;
}

static uint8_t fifo_get(struct fifo *fifo)
{
	uint8_t c = fifo->data[fifo->start];

	fifo->start = (fifo->start + 1) % FIFO_SIZE;
	fifo->count--;
	return c;
}

static void fifo_clear(struct fifo *fifo)
{
	fifo->start = 0;
	fifo->count = 0;
}

static bool fifos_on(const struct uart *uart)
{
	return uart->fcr & FCR_ENABLE;
}

static unsigned int fifo_capacity(const struct uart *uart)
{
	return fifos_on(uart) ? FIFO_SIZE : 1;
}

static unsigned int rx_trigger(const struct uart *uart)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return fifos_on(uart) ? levels[uart->fcr >> 6] : 1;
}

static uint8_t line_status(const struct uart *uart)
{
	uint8_t lsr = uart->line_errors;

	if (uart->rx.count)
		lsr |= LSR_DR;
	if (!uart->tx.count)
		lsr |= LSR_THRE | LSR_TEMT;
	return lsr;
}

/* In loopback the modem outputs are the modem inputs; else a modem is always ready. */
static uint8_t modem_lines(uint8_t mcr)
{
	uint8_t msr = 0;

	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (mcr & MCR_RTS)
		msr |= MSR_CTS;
	if (mcr & MCR_DTR)
		msr |= MSR_DSR;
	if (mcr & MCR_OUT1)
		msr |= MSR_RI;
	if (mcr & MCR_OUT2)
		msr |= MSR_DCD;
	return msr;
}

/* The most urgent interrupt that is enabled and pending. */
static uint8_t interrupt_id(const struct uart *uart)
{
	if ((uart->ier & IER_RLSI) && uart->line_errors)
		return IIR_RLSI;
	if ((uart->ier & IER_RDI) && uart->rx.count)
		return uart->rx.count >= rx_trigger(uart) ? IIR_RDI : IIR_TIMEOUT;
	if ((uart->ier & IER_THRI) && uart->thre_interrupt)
		return IIR_THRI;
	if ((uart->ier & IER_MSI) && uart->msr_deltas)
		return IIR_MSI;
	return IIR_NONE;
}

static void update_irq(struct uart *uart)
{
	irq_line_set(uart->irq, (uart->mcr & MCR_OUT2) && interrupt_id(uart) != IIR_NONE);
}

static void rx_put(struct uart *uart, uint8_t c)
{
	if (uart->rx.count >= fifo_capacity(uart)) {
		uart->line_errors |= LSR_OE;
		return;
	}
	fifo_put(&uart->rx, c);
}

/* Hand over what the back end takes; THRE when all is gone. */
static void tx_flush(struct uart *uart)
{
	while (uart->tx.count) {
		uint8_t c = uart->tx.data[uart->tx.start];

		if (!uart->chardev->write(uart->chardev, &c, 1))
			return;
		fifo_get(&uart->tx);
	}
	uart->thre_interrupt = true;
}

static void write_data(struct uart *uart, uint8_t c)
{
	uart->thre_interrupt = false;
	if (uart->mcr & MCR_LOOP) {
		rx_put(uart, c);
		uart->thre_interrupt = true;
		return;
	}
	/* a guest that ignores THRE overwrites, as hardware does */
	if (uart->tx.count < fifo_capacity(uart))
		fifo_put(&uart->tx, c);
	tx_flush(uart);
}

static void write_ier(struct uart *uart, uint8_t value)
{
	uint8_t turned_on = value & ~uart->ier;

	uart->ier = value & IER_MASK;
	/* switching it on with an empty transmitter raises it at once */
	if ((turned_on & IER_THRI) && !uart->tx.count)
		uart->thre_interrupt = true;
}

static void write_fcr(struct uart *uart, uint8_t value)
{
	bool toggled = (value ^ uart->fcr) & FCR_ENABLE;

	if (toggled || (value & FCR_CLEAR_RX)) {
		fifo_clear(&uart->rx);
		uart->line_errors &= ~LSR_BI;
	}
	if (toggled || (value & FCR_CLEAR_TX)) {
		fifo_clear(&uart->tx);
		uart->thre_interrupt = true;
	}
	uart->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | 0xc0) : 0;
	uart->chardev->input_wanted(uart->chardev);
}

static void write_mcr(struct uart *uart, uint8_t value)
{
	uint8_t before = modem_lines(uart->mcr);
	uint8_t after;

	uart->mcr = value & MCR_MASK;
	after = modem_lines(uart->mcr);
	uart->msr_deltas |= ((before ^ after) >> 4) & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
	if ((before & MSR_RI) && !(after & MSR_RI))
		uart->msr_deltas |= MSR_TERI;
	uart->chardev->input_wanted(uart->chardev);
}

static uint8_t read_data(struct uart *uart)
{
	uint8_t c = uart->rx.count ? fifo_get(&uart->rx) : 0;

	uart->chardev->input_wanted(uart->chardev);
	return c;
}

static uint8_t read_iir(struct uart *uart)
{
	uint8_t id = interrupt_id(uart);

	if (id == IIR_THRI)
		uart->thre_interrupt = false;
	return id | (fifos_on(uart) ? IIR_FIFOS : 0);
}

static uint8_t read_register(struct uart *uart, unsigned int offset)
{
	uint8_t value;

	switch (offset) {
	case REG_DATA:
		return uart->lcr & LCR_DLAB ? uart->divisor[0] : read_data(uart);
	case REG_IER:
		return uart->lcr & LCR_DLAB ? uart->divisor[1] : uart->ier;
	case REG_IIR:
		return read_iir(uart);
	case REG_LCR:
		return uart->lcr;
	case REG_MCR:
		return uart->mcr;
	case REG_LSR:
		value = line_status(uart);
		uart->line_errors = 0;
		return value;
	case REG_MSR:
		value = modem_lines(uart->mcr) | uart->msr_deltas;
		uart->msr_deltas = 0;
		return value;
	default:
		return uart->scr;
	}
}

static void write_register(struct uart *uart, unsigned int offset, uint8_t value)
{
	switch (offset) {
	case REG_DATA:
		if (uart->lcr & LCR_DLAB)
			uart->divisor[0] = value;
		else
			write_data(uart, value);
		break;
	case REG_IER:
		if (uart->lcr & LCR_DLAB)
			uart->divisor[1] = value;
		else
			write_ier(uart, value);
		break;
	case REG_IIR:
		write_fcr(uart, value);
		break;
	case REG_LCR:
		uart->lcr = value;
		break;
	case REG_MCR:
		write_mcr(uart, value);
		break;
	case REG_SCR:
		uart->scr = value;
		break;
	default: /* LSR and MSR are read only */
		break;
	}
}

static uint64_t uart_read(void *dev, uint64_t offset, unsigned int size)
{
	struct uart *uart = dev;
	uint8_t value;

	pthread_mutex_lock(&uart->lock);
	value = read_register(uart, offset);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
	return value;
}

static void uart_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct uart *uart = dev;

	pthread_mutex_lock(&uart->lock);
	write_register(uart, offset, value);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

static size_t front_room(void *dev)
{
	struct uart *uart = dev;
	size_t room = 0;

	pthread_mutex_lock(&uart->lock);
	/* in loopback the receiver is cut off from the line */
	if (!(uart->mcr & MCR_LOOP) && uart->rx.count < fifo_capacity(uart))
		room = fifo_capacity(uart) - uart->rx.count;
	pthread_mutex_unlock(&uart->lock);
	return room;
}

static void front_receive(void *dev, const uint8_t *data, size_t bytes)
{
	struct uart *uart = dev;

	pthread_mutex_lock(&uart->lock);
	for (size_t i = 0; i < bytes; i++)
		rx_put(uart, data[i]);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

static void front_receive_break(void *dev)
{
	struct uart *uart = dev;

	pthread_mutex_lock(&uart->lock);
	rx_put(uart, 0);
	uart->line_errors |= LSR_BI;
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

static void front_writable(void *dev)
{
	struct uart *uart = dev;

	pthread_mutex_lock(&uart->lock);
	tx_flush(uart);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

static const struct chardev_front uart_front = {
	.room = front_room,
	.receive = front_receive,
	.receive_break = front_receive_break,
	.writable = front_writable,
};

void uart_reset(struct uart *uart)
{
	pthread_mutex_lock(&uart->lock);
	uart->ier = 0;
	uart->fcr = 0;
	uart->lcr = 0;
	uart->mcr = 0;
	uart->line_errors = 0;
	uart->msr_deltas = 0;
	uart->thre_interrupt = false;
	/* what was sent is still on the wire; what was not read is lost */
	fifo_clear(&uart->rx);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

struct region *uart_region(struct uart *uart)
{
	return &uart->region;
}

struct uart *uart_create(struct irq_line *irq, struct chardev *chardev)
{
	struct uart *uart = calloc(1, sizeof(*uart));

	if (!uart)
		return NULL;
	uart->region = (struct region){
		.name = "uart",
		.read = uart_read,
		.write = uart_write,
		.dev = uart,
		.max_access = 1,
	};
	uart->irq = irq;
	uart->chardev = chardev;
	uart->divisor[0] = 12; /* 9600 baud */
	pthread_mutex_init(&uart->lock, NULL);
	chardev_connect(chardev, &uart_front, uart);
	return uart;
}

void uart_destroy(struct uart *uart)
{
	if (!uart)
		return;
	pthread_mutex_destroy(&uart->lock);
	free(uart);
}
