// SPDX-License-Identifier: GPL-2.0-or-later
/* The keyboard controller with its keyboard and mouse, as firmware and drivers use them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>

#include "dev/i8042.h"
#include "dev/ps2.h"

static struct irq_line keyboard_irq, mouse_irq;
static struct power power;
static struct i8042 *kbc;
static const struct input_sink *input;

static int set_up(void **state)
{
	power = (struct power){ .request = POWER_NONE };
	irq_line_init(&keyboard_irq, -1, 1);
	irq_line_init(&mouse_irq, -1, 12);
	kbc = i8042_create(&keyboard_irq, &mouse_irq, &power);
	input = i8042_input(kbc);
	return 0;
}

static int tear_down(void **state)
{
	i8042_destroy(kbc);
	return 0;
}

static uint8_t status(void)
{
	return i8042_region(kbc)->read(kbc, 4, 1);
}

static uint8_t data(void)
{
	return i8042_region(kbc)->read(kbc, 0, 1);
}

static void command(uint8_t value)
{
	i8042_region(kbc)->write(kbc, 4, 1, value);
}

static void send(uint8_t value)
{
	i8042_region(kbc)->write(kbc, 0, 1, value);
}

static void send_mouse(uint8_t value)
{
	command(0xd4);
	send(value);
}

/* These bytes come, in this order, from the keyboard (or the mouse), and then no more. */
static void expect(bool mouse, const uint8_t *bytes, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(status() & 0x21, mouse ? 0x21 : 0x01);
		assert_int_equal(data(), bytes[i]);
	}
	assert_int_equal(status() & 0x01, 0);
}

#define EXPECT(...) \
	expect(false, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define EXPECT_MOUSE(...) \
	expect(true, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void test_controller(void **state)
{
	assert_int_equal(status() & 1, 0);
	command(0xaa);
	EXPECT(0x55);
	command(0xab);
	EXPECT(0x00);
	command(0xa9);
	EXPECT(0x00);
	command(0x60);
	send(0x47);
	command(0x20);
	EXPECT(0x47);
	command(0x65);
	send(0x99);
	command(0x25);
	EXPECT(0x99);
	command(0xa7);
	command(0xad);
	command(0x20);
	EXPECT(0x77);
	command(0xd0);
	EXPECT(0x03);
	command(0xdd);
	command(0xd0);
	EXPECT(0x01);
	command(0xd2);
	send(0x42);
	EXPECT(0x42);
	/* a driver's test of the mouse's line and interrupt, which are off at that time */
	command(0x60);
	send(0x36);
	command(0xd3);
	send(0x5a);
	assert_true(mouse_irq.asserted);
	EXPECT_MOUSE(0x5a);
	/* two answers at once wait for each other */
	command(0xaa);
	command(0xab);
	EXPECT(0x55, 0x00);
}

static void test_resets(void **state)
{
	command(0xff); /* pulse nothing */
	assert_int_equal(power_pending(&power), POWER_NONE);
	command(0xfe);
	assert_int_equal(power_take(&power), POWER_RESET);
	command(0xd1);
	send(0x03);
	assert_int_equal(power_pending(&power), POWER_NONE);
	command(0xd1);
	send(0x02);
	assert_int_equal(power_take(&power), POWER_RESET);
}

static void test_keyboard_commands(void **state)
{
	send(0xff);
	EXPECT(0xfa, 0xaa);
	send(0xf2);
	EXPECT(0xfa, 0xab, 0x83);
	send(0xee);
	EXPECT(0xee);
	send(0xed);
	EXPECT(0xfa);
	send(0x05);
	EXPECT(0xfa);
	assert_int_equal(input->leds(input->dev), INPUT_LED_SCROLL | INPUT_LED_CAPS);
	send(0xf0);
	send(0x00);
	EXPECT(0xfa, 0xfa, 0x02);
	send(0xf0);
	send(0x03);
	EXPECT(0xfa, 0xfe);
	send(0x12);
	EXPECT(0xfe);
	/* a command in place of an argument */
	send(0xed);
	send(0xf2);
	EXPECT(0xfa, 0xfa, 0xab, 0x83);
	/* disabled: keys are not reported */
	send(0xf5);
	EXPECT(0xfa);
	input->key(input->dev, KEY_A, true);
	assert_int_equal(status() & 1, 0);
	send(0xf4);
	EXPECT(0xfa);
	input->key(input->dev, KEY_A, true);
	EXPECT(0x1c);
}

static void test_keys(void **state)
{
	static const struct {
		unsigned int code;
		uint8_t set1[3], set2[4];
	} keys[] = {
		{ KEY_ESC, { 0x01, 0x81 }, { 0x76, 0xf0, 0x76 } },
		{ KEY_A, { 0x1e, 0x9e }, { 0x1c, 0xf0, 0x1c } },
		{ KEY_ENTER, { 0x1c, 0x9c }, { 0x5a, 0xf0, 0x5a } },
		{ KEY_F7, { 0x41, 0xc1 }, { 0x83, 0xf0, 0x83 } },
		{ KEY_F12, { 0x58, 0xd8 }, { 0x07, 0xf0, 0x07 } },
		{ KEY_102ND, { 0x56, 0xd6 }, { 0x61, 0xf0, 0x61 } },
		{ KEY_KPPLUS, { 0x4e, 0xce }, { 0x79, 0xf0, 0x79 } },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		input->key(input->dev, keys[i].code, true);
		input->key(input->dev, keys[i].code, false);
		expect(false, keys[i].set2, 3);
	}
	command(0x60);
	send(0x45); /* translation, keyboard interrupt */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		input->key(input->dev, keys[i].code, true);
		input->key(input->dev, keys[i].code, false);
		expect(false, keys[i].set1, 2);
	}
	input->key(input->dev, KEY_UP, true);
	input->key(input->dev, KEY_UP, false);
	EXPECT(0xe0, 0x48, 0xe0, 0xc8);
	input->key(input->dev, KEY_PAUSE, true);
	input->key(input->dev, KEY_PAUSE, false);
	EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
	/* answers pass the translation as they are */
	send(0xf2);
	EXPECT(0xfa, 0xab, 0x41);
	/* no such key */
	input->key(input->dev, KEY_BATTERY, true);
	input->key(input->dev, 0, true);
	input->key(input->dev, 100000, true);
	assert_int_equal(status() & 1, 0);
	/* the keyboard's own set 1, without translation */
	command(0x60);
	send(0x05);
	send(0xf0);
	send(0x01);
	EXPECT(0xfa, 0xfa);
	input->key(input->dev, KEY_RIGHTCTRL, true);
	input->key(input->dev, KEY_RIGHTCTRL, false);
	EXPECT(0xe0, 0x1d, 0xe0, 0x9d);
	input->key(input->dev, KEY_PAUSE, true);
	EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
}

static void test_interrupts(void **state)
{
	input->key(input->dev, KEY_A, true);
	input->key(input->dev, KEY_A, false);
	assert_int_equal(keyboard_irq.raised, 1);
	data();
	assert_int_equal(keyboard_irq.raised, 2);
	data();
	data();
	assert_int_equal(keyboard_irq.raised, 3);
	assert_false(keyboard_irq.asserted);
	/* switched off in the command byte; on again with a byte waiting */
	command(0x60);
	send(0x00);
	input->key(input->dev, KEY_A, true);
	assert_false(keyboard_irq.asserted);
	command(0x60);
	send(0x01);
	assert_true(keyboard_irq.asserted);
	assert_int_equal(mouse_irq.raised, 0);
	/* a line that is switched off holds the bytes back */
	data();
	command(0xad);
	input->key(input->dev, KEY_B, true);
	assert_int_equal(status() & 1, 0);
	command(0xae);
	EXPECT(0x32);
}

static void test_keyboard_overrun(void **state)
{
	unsigned int bytes = 0;

	assert_int_equal(input->room(input->dev), 8);
	for (int i = 0; i < 1000; i++)
		input->key(input->dev, KEY_UP, i % 2);
	assert_int_equal(input->room(input->dev), 0);
	while (status() & 1) {
		data();
		bytes++;
	}
	assert_in_range(bytes, 48, PS2_QUEUE_BYTES + 1);
	input->key(input->dev, KEY_A, true);
	EXPECT(0x1c);
}

static void test_mouse(void **state)
{
	send_mouse(0xff);
	EXPECT_MOUSE(0xfa, 0xaa, 0x00);
	send_mouse(0xf2);
	EXPECT_MOUSE(0xfa, 0x00);
	/* not enabled: nothing by itself; the wheel is not for those who do not know it */
	input->mouse(input->dev, 5, 3, 1, INPUT_BUTTON_LEFT);
	assert_int_equal(status() & 1, 0);
	send_mouse(0xf4);
	EXPECT_MOUSE(0xfa, 0x09 | 0x20, 5, (uint8_t)-3);
	assert_true(mouse_irq.raised >= 3);
	input->mouse(input->dev, 0, 0, 0, INPUT_BUTTON_LEFT);
	assert_int_equal(status() & 1, 0);
	input->mouse(input->dev, -1, -2, 0, INPUT_BUTTON_RIGHT | INPUT_BUTTON_MIDDLE);
	EXPECT_MOUSE(0x0e | 0x10, 0xff, 2);
	/* far: in several packets */
	input->mouse(input->dev, 200, 0, 0, 0);
	EXPECT_MOUSE(0x08, 127, 0, 0x08, 73, 0);
	send_mouse(0xe9);
	EXPECT_MOUSE(0xfa, 0x20, 2, 100);
	send_mouse(0xeb);
	EXPECT_MOUSE(0xfa, 0x08, 0, 0);
	send_mouse(0x77);
	EXPECT_MOUSE(0xfe);
	/* wrap mode */
	send_mouse(0xee);
	send_mouse(0xf2);
	EXPECT_MOUSE(0xfa, 0xf2);
	send_mouse(0xec);
	EXPECT_MOUSE(0xfa);
	/* remote mode: only when asked */
	send_mouse(0xf0);
	EXPECT_MOUSE(0xfa);
	input->mouse(input->dev, 1, 0, 0, 0);
	assert_int_equal(status() & 1, 0);
	send_mouse(0xeb);
	EXPECT_MOUSE(0xfa, 0x08, 1, 0);
}

static void rates(uint8_t a, uint8_t b, uint8_t c)
{
	const uint8_t rate[] = { a, b, c };

	for (int i = 0; i < 3; i++) {
		send_mouse(0xf3);
		EXPECT_MOUSE(0xfa);
		send_mouse(rate[i]);
		EXPECT_MOUSE(0xfa);
	}
}

static void test_wheel(void **state)
{
	rates(200, 100, 80);
	send_mouse(0xf2);
	EXPECT_MOUSE(0xfa, 0x03);
	send_mouse(0xf4);
	EXPECT_MOUSE(0xfa);
	input->mouse(input->dev, 0, 0, -2, 0);
	EXPECT_MOUSE(0x08, 0, 0, 0xfe);
	rates(200, 200, 80);
	send_mouse(0xf2);
	EXPECT_MOUSE(0xfa, 0x04);
	send_mouse(0xf4);
	EXPECT_MOUSE(0xfa);
	input->mouse(input->dev, 0, 0, -2, 0);
	EXPECT_MOUSE(0x08, 0, 0, 0x0e);
	send_mouse(0xff);
	EXPECT_MOUSE(0xfa, 0xaa, 0x00);
}

static void test_reset(void **state)
{
	input->key(input->dev, KEY_A, true);
	send_mouse(0xf4);
	i8042_reset(kbc);
	assert_false(keyboard_irq.asserted);
	assert_int_equal(status() & 1, 0);
	input->mouse(input->dev, 1, 1, 0, 0);
	assert_int_equal(status() & 1, 0);
}

static void test_random(void **state)
{
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		switch (random() % 6) {
		case 0:
			command(random());
			break;
		case 1:
		case 2:
			send(random());
			break;
		case 3:
			data();
			break;
		case 4:
			input->key(input->dev, random() % 300, random() % 2);
			break;
		case 5:
			input->mouse(input->dev, random(), -random(), random(), random());
			break;
		}
		power_take(&power);
	}
	/* and it is fit afterwards */
	i8042_reset(kbc);
	command(0xaa);
	EXPECT(0x55);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_controller), TEST(test_resets),     TEST(test_keyboard_commands),
		TEST(test_keys),       TEST(test_interrupts), TEST(test_keyboard_overrun),
		TEST(test_mouse),      TEST(test_wheel),      TEST(test_reset),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
