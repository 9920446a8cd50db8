// SPDX-License-Identifier: GPL-2.0-or-later
/* The 16550A: registers, FIFOs, and above all when its interrupt is raised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dev/uart.h"

#define DATA 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

/* A back end that takes @limit characters and remembers them. */
static struct {
	struct chardev chardev;
	uint8_t data[64];
	size_t bytes;
	size_t limit;
	unsigned int wanted;
} out;

static struct irq_line irq;
static struct uart *uart;

static size_t out_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	size_t room = out.limit - out.bytes;

	if (bytes > room)
		bytes = room;
	memcpy(out.data + out.bytes, data, bytes);
	out.bytes += bytes;
	return bytes;
}

static void out_input_wanted(struct chardev *chardev)
{
	out.wanted++;
}

static int setup(void **state)
{
	memset(&out, 0, sizeof(out));
	out.limit = sizeof(out.data);
	out.chardev.write = out_write;
	out.chardev.input_wanted = out_input_wanted;
	irq_line_init(&irq, -1, 4);
	uart = uart_create(&irq, &out.chardev);
	return uart ? 0 : -1;
}

static int teardown(void **state)
{
	uart_destroy(uart);
	return 0;
}

static uint8_t in(unsigned int reg)
{
	return uart_region(uart)->read(uart, reg, 1);
}

static void outb(unsigned int reg, uint8_t value)
{
	uart_region(uart)->write(uart, reg, 1, value);
}

static size_t room(void)
{
	return out.chardev.front->room(uart);
}

static void type(const char *text)
{
	out.chardev.front->receive(uart, (const uint8_t *)text, strlen(text));
}

static void test_power_on(void **state)
{
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(IIR), 0x01);
	assert_int_equal(in(IER), 0);
	assert_int_equal(in(MSR) & 0xf0, 0xb0);
	assert_false(irq.asserted);
	outb(SCR, 0x5a);
	assert_int_equal(in(SCR), 0x5a);
	/* only four interrupt enables exist, and five modem outputs */
	outb(IER, 0xf0);
	assert_int_equal(in(IER), 0);
	outb(MCR, 0xff & ~0x10);
	assert_int_equal(in(MCR), 0x0f);
}

static void test_divisor_latch(void **state)
{
	outb(LCR, 0x83);
	outb(DATA, 0x01);
	outb(IER, 0x02);
	assert_int_equal(in(DATA), 0x01);
	assert_int_equal(in(IER), 0x02);
	outb(LCR, 0x03);
	assert_int_equal(in(IER), 0);
	assert_int_equal(out.bytes, 0);
}

static void test_transmit(void **state)
{
	outb(DATA, 'h');
	outb(DATA, 'i');
	assert_int_equal(out.bytes, 2);
	assert_memory_equal(out.data, "hi", 2);
	assert_int_equal(in(LSR), 0x60);
}

static void test_blocked_transmitter(void **state)
{
	out.limit = 1;
	outb(FCR, 0x01);
	outb(MCR, 0x08);
	outb(IER, 0x02);
	in(IIR);
	outb(DATA, 'a');
	assert_int_equal(in(LSR), 0x60);
	in(IIR);
	for (const char *c = "bcdefghijklmnopq"; *c; c++)
		outb(DATA, *c);
	/* nothing went out: not empty, no interrupt */
	assert_int_equal(out.bytes, 1);
	assert_int_equal(in(LSR), 0x00);
	assert_int_equal(in(IIR), 0xc1);
	assert_false(irq.asserted);
	/* the seventeenth is lost, as on hardware */
	outb(DATA, 'r');

	out.limit = sizeof(out.data);
	out.chardev.front->writable(uart);
	assert_int_equal(out.bytes, 17);
	assert_memory_equal(out.data, "abcdefghijklmnopq", 17);
	assert_int_equal(in(LSR), 0x60);
	assert_true(irq.asserted);
	assert_int_equal(in(IIR), 0xc2);
	assert_false(irq.asserted);
}

static void test_thre_interrupt(void **state)
{
	outb(MCR, 0x08);
	/* enabling it with an empty transmitter raises it */
	outb(IER, 0x02);
	assert_true(irq.asserted);
	/* reading IIR clears it, the line falls */
	assert_int_equal(in(IIR), 0x02);
	assert_int_equal(in(IIR), 0x01);
	assert_false(irq.asserted);
	/* writing raises it again, once */
	outb(DATA, 'x');
	assert_true(irq.asserted);
	assert_int_equal(irq.raised, 2);
	outb(IER, 0x00);
	assert_false(irq.asserted);
	outb(IER, 0x02);
	assert_int_equal(in(IIR), 0x02);
	/* setting what is set already does not */
	outb(IER, 0x02);
	assert_int_equal(in(IIR), 0x01);
}

static void test_receive_without_fifo(void **state)
{
	outb(MCR, 0x08);
	outb(IER, 0x01);
	assert_int_equal(room(), 1);
	type("a");
	assert_int_equal(room(), 0);
	assert_true(irq.asserted);
	assert_int_equal(in(IIR), 0x04);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 'a');
	assert_int_equal(out.wanted > 0, 1);
	assert_false(irq.asserted);
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(room(), 1);
	/* one too many */
	type("bc");
	assert_int_equal(in(LSR), 0x63);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 'b');
}

static void test_receive_with_fifo(void **state)
{
	outb(MCR, 0x08);
	outb(FCR, 0x81); /* trigger at 8 */
	outb(IER, 0x01);
	assert_int_equal(in(IIR), 0xc1);
	assert_int_equal(room(), 16);
	type("1234567");
	/* below the trigger: the timeout, which comes at once */
	assert_int_equal(in(IIR), 0xcc);
	assert_true(irq.asserted);
	type("8");
	assert_int_equal(in(IIR), 0xc4);
	assert_int_equal(room(), 8);
	for (char c = '1'; c <= '8'; c++) {
		assert_true(irq.asserted);
		assert_int_equal(in(DATA), c);
	}
	assert_false(irq.asserted);
	assert_int_equal(in(DATA), 0);

	type("xyz");
	outb(FCR, 0x83); /* clear */
	assert_int_equal(in(LSR), 0x60);
	assert_false(irq.asserted);
	assert_int_equal(room(), 16);
	type("x");
	outb(FCR, 0x00); /* switching the FIFOs off clears them */
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(IIR), 0x01);
}

static void test_fifo_wraps(void **state)
{
	outb(FCR, 0x01);
	for (int round = 0; round < 5; round++) {
		type("0123456789");
		for (char c = '0'; c <= '9'; c++)
			assert_int_equal(in(DATA), c);
	}
}

static void test_priorities(void **state)
{
	outb(MCR, 0x08);
	in(MSR);
	outb(IER, 0x0f);
	outb(MCR, 0x18); /* loopback: modem lines change */
	outb(MCR, 0x08);
	outb(FCR, 0x01);
	out.chardev.front->receive_break(uart);
	/* line status, data, transmitter, modem: in this order */
	assert_int_equal(in(IIR), 0xc6);
	assert_int_equal(in(LSR), 0x71);
	assert_int_equal(in(IIR), 0xc4);
	assert_int_equal(in(DATA), 0);
	assert_int_equal(in(IIR), 0xc2);
	assert_int_equal(in(IIR), 0xc0);
	in(MSR);
	assert_int_equal(in(IIR), 0xc1);
	assert_false(irq.asserted);
}

static void test_out2_gates_the_line(void **state)
{
	outb(IER, 0x01);
	type("a");
	assert_int_equal(in(IIR), 0x04);
	assert_false(irq.asserted);
	outb(MCR, 0x08);
	assert_true(irq.asserted);
	outb(MCR, 0x00);
	assert_false(irq.asserted);
}

static void test_loopback(void **state)
{
	outb(MCR, 0x10);
	assert_int_equal(in(MSR) & 0xf0, 0x00);
	/* RTS -> CTS, DTR -> DSR, OUT1 -> RI, OUT2 -> DCD */
	outb(MCR, 0x12);
	assert_int_equal(in(MSR), 0x11);
	outb(MCR, 0x1f);
	assert_int_equal(in(MSR) & 0xf0, 0xf0);
	outb(MCR, 0x1a);
	/* ring: only its end counts */
	assert_int_equal(in(MSR), 0x96);

	outb(DATA, 'L');
	assert_int_equal(out.bytes, 0);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 'L');
	/* nothing comes in from outside meanwhile */
	assert_int_equal(room(), 0);
	outb(MCR, 0x00);
	assert_int_equal(room(), 1);
}

static void test_reset(void **state)
{
	outb(MCR, 0x08);
	outb(FCR, 0x01);
	outb(IER, 0x01);
	type("abc");
	assert_true(irq.asserted);
	uart_reset(uart);
	assert_false(irq.asserted);
	assert_int_equal(in(IIR), 0x01);
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(MCR), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_power_on),
		TEST(test_divisor_latch),
		TEST(test_transmit),
		TEST(test_blocked_transmitter),
		TEST(test_thre_interrupt),
		TEST(test_receive_without_fifo),
		TEST(test_receive_with_fifo),
		TEST(test_fifo_wraps),
		TEST(test_priorities),
		TEST(test_out2_gates_the_line),
		TEST(test_loopback),
		TEST(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
