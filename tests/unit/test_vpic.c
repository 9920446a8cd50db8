// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8259A pair model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vpic.h"

static struct vpic pic;

static void init_chip(u16 port, u8 base, u8 icw4)
{
	vpic_write(&pic, port, 0x11);
	vpic_write(&pic, port + 1, base);
	vpic_write(&pic, port + 1, port == 0x20 ? 4 : 2);
	vpic_write(&pic, port + 1, icw4);
}

static int setup(void **state)
{
	vpic_reset(&pic);
	init_chip(0x20, 0x20, 1);
	init_chip(0xa0, 0x28, 1);
	return 0;
}

static void pulse(unsigned int line)
{
	vpic_set_line(&pic, line, true);
	vpic_set_line(&pic, line, false);
}

static u8 isr(u16 port)
{
	vpic_write(&pic, port, 0x0b);
	return vpic_read(&pic, port);
}

static u8 irr(u16 port)
{
	vpic_write(&pic, port, 0x0a);
	return vpic_read(&pic, port);
}

static void test_edge(void **state)
{
	assert_false(vpic_output(&pic));
	assert_int_equal(vpic_set_line(&pic, 1, true), 1);
	assert_int_equal(vpic_set_line(&pic, 1, true), 0);
	assert_true(vpic_output(&pic));
	assert_int_equal(irr(0x20), 2);
	assert_int_equal(vpic_ack(&pic), 0x21);
	assert_int_equal(irr(0x20), 0);
	assert_int_equal(isr(0x20), 2);
	assert_false(vpic_output(&pic));

	/* still high: no new edge after the EOI */
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(vpic_take_ended(&pic), 1 << 1);
	assert_int_equal(vpic_take_ended(&pic), 0);
	assert_false(vpic_output(&pic));
	assert_int_equal(vpic_set_line(&pic, 1, false), 0);
	assert_int_equal(vpic_set_line(&pic, 1, true), 1);
	assert_true(vpic_output(&pic));

	/* a pulse is kept */
	vpic_ack(&pic);
	vpic_write(&pic, 0x20, 0x20);
	pulse(4);
	assert_int_equal(vpic_ack(&pic), 0x24);
	/* out of range, and the cascade input */
	assert_int_equal(vpic_set_line(&pic, 16, true), 0);
	assert_int_equal(vpic_set_line(&pic, 2, true), 0);
	assert_false(vpic_output(&pic));
}

static void test_level(void **state)
{
	vpic_write(&pic, 0x4d0, 0xff);
	vpic_write(&pic, 0x4d1, 0xff);
	assert_int_equal(vpic_read(&pic, 0x4d0), 0xf8);
	assert_int_equal(vpic_read(&pic, 0x4d1), 0xde);

	vpic_set_line(&pic, 5, true);
	assert_int_equal(vpic_ack(&pic), 0x25);
	vpic_write(&pic, 0x20, 0x20);
	assert_true(vpic_output(&pic)); /* still asserted */
	vpic_set_line(&pic, 5, false);
	assert_false(vpic_output(&pic)); /* no memory */

	vpic_set_line(&pic, 11, true);
	assert_int_equal(vpic_ack(&pic), 0x2b);
	vpic_write(&pic, 0xa0, 0x20);
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(vpic_take_ended(&pic), 1 << 11 | 1 << 5 | 1 << 2);
	assert_true(vpic_output(&pic));
	vpic_set_line(&pic, 11, false);
	assert_false(vpic_output(&pic));

	/* a line that is high becomes a request when it turns level */
	vpic_write(&pic, 0x4d0, 0);
	vpic_set_line(&pic, 6, true);
	vpic_ack(&pic);
	vpic_write(&pic, 0x20, 0x20);
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x4d0, 0x40);
	assert_true(vpic_output(&pic));
}

static void test_mask(void **state)
{
	vpic_write(&pic, 0x21, 0x02);
	assert_int_equal(vpic_read(&pic, 0x21), 2);
	assert_int_equal(vpic_set_line(&pic, 1, true), IRQ_LATCHED);
	assert_int_equal(vpic_set_line(&pic, 1, true), IRQ_MASKED);
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x21, 0);
	assert_true(vpic_output(&pic));
	assert_int_equal(vpic_ack(&pic), 0x21);
}

static void test_priority_and_nesting(void **state)
{
	pulse(5);
	pulse(3);
	assert_int_equal(vpic_ack(&pic), 0x23);
	assert_false(vpic_output(&pic));
	pulse(4);
	assert_false(vpic_output(&pic));
	pulse(1);
	assert_int_equal(vpic_ack(&pic), 0x21);
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(isr(0x20), 8); /* the highest one was ended */
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(vpic_ack(&pic), 0x24);
	vpic_write(&pic, 0x20, 0x64); /* specific EOI */
	assert_int_equal(isr(0x20), 0);
	vpic_write(&pic, 0x20, 0x64); /* nothing there */
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(vpic_ack(&pic), 0x25);
}

static void test_cascade(void **state)
{
	assert_int_equal(vpic_set_line(&pic, 8, true), 1);
	assert_true(vpic_output(&pic));
	assert_int_equal(irr(0x20), 4);
	assert_int_equal(vpic_ack(&pic), 0x28);
	assert_int_equal(isr(0x20), 4);
	assert_int_equal(isr(0xa0), 1);
	assert_int_equal(irr(0x20), 0);

	/* 12 is lower than 8; 1 on the master is higher than 2 */
	pulse(12);
	assert_false(vpic_output(&pic));
	pulse(1);
	assert_int_equal(vpic_ack(&pic), 0x21);
	vpic_write(&pic, 0x20, 0x20);
	vpic_write(&pic, 0xa0, 0x20);
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(vpic_ack(&pic), 0x2c);
}

static void test_special_fully_nested(void **state)
{
	init_chip(0x20, 0x20, 0x11);
	pulse(12);
	assert_int_equal(vpic_ack(&pic), 0x2c);
	pulse(9); /* higher on the slave, while the master serves the slave */
	assert_true(vpic_output(&pic));
	assert_int_equal(vpic_ack(&pic), 0x29);

	setup(NULL);
	pulse(12);
	assert_int_equal(vpic_ack(&pic), 0x2c);
	pulse(9);
	assert_false(vpic_output(&pic));
}

static void test_spurious(void **state)
{
	struct myhv_pic_state master;

	assert_int_equal(vpic_ack(&pic), 0x27);
	assert_int_equal(isr(0x20), 0);

	/* a level line that falls before the acknowledge */
	vpic_write(&pic, 0x4d0, 0x20);
	vpic_set_line(&pic, 5, true);
	vpic_set_line(&pic, 5, false);
	assert_int_equal(vpic_ack(&pic), 0x27);

	/* the slave has nothing when the master asks it */
	vpic_get_state(&pic, 0, &master);
	master.irr |= 4;
	assert_int_equal(vpic_set_state(&pic, 0, &master), 0);
	assert_int_equal(vpic_ack(&pic), 0x2f);
	assert_int_equal(isr(0xa0), 0);
	assert_int_equal(isr(0x20), 4);
}

static void test_auto_eoi(void **state)
{
	init_chip(0x20, 0x20, 3);
	pulse(3);
	assert_int_equal(vpic_ack(&pic), 0x23);
	assert_int_equal(isr(0x20), 0);
	assert_int_equal(vpic_take_ended(&pic), 1 << 3);
	pulse(5);
	assert_int_equal(vpic_ack(&pic), 0x25);

	/* with rotation: 3 is the lowest after its turn */
	vpic_write(&pic, 0x20, 0x80);
	pulse(3);
	vpic_ack(&pic);
	pulse(3);
	pulse(4);
	assert_int_equal(vpic_ack(&pic), 0x24);
	vpic_write(&pic, 0x20, 0x00); /* rotation off */
	assert_int_equal(vpic_ack(&pic), 0x23);
	pulse(3);
	pulse(4);
	assert_int_equal(vpic_ack(&pic), 0x23); /* order is still 5..4, 3 before 4 */
}

static void test_rotation(void **state)
{
	pulse(0);
	vpic_ack(&pic);
	vpic_write(&pic, 0x20, 0xa0); /* rotate on non-specific EOI */
	pulse(0);
	pulse(1);
	assert_int_equal(vpic_ack(&pic), 0x21);
	vpic_write(&pic, 0x20, 0xe1); /* rotate on specific EOI: 1 is lowest */
	assert_int_equal(isr(0x20), 0);
	pulse(1);
	assert_int_equal(vpic_ack(&pic), 0x20);
	vpic_write(&pic, 0x20, 0x20);
	vpic_write(&pic, 0x20, 0xc4); /* set priority: 5 is highest */
	pulse(5);
	assert_int_equal(vpic_ack(&pic), 0x25);
	vpic_write(&pic, 0x20, 0x40); /* no operation */
	assert_int_equal(isr(0x20), 0x20);
}

static void test_special_mask(void **state)
{
	pulse(3);
	vpic_ack(&pic);
	pulse(5);
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x21, 0x08);
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x20, 0x68); /* special mask mode */
	assert_true(vpic_output(&pic));
	assert_int_equal(vpic_ack(&pic), 0x25);
	/* the non-specific EOI does not see the masked one */
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(isr(0x20), 0x08);
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(isr(0x20), 0x08);
	vpic_write(&pic, 0x20, 0x48); /* off */
	vpic_write(&pic, 0x20, 0x20);
	assert_int_equal(isr(0x20), 0);
}

static void test_poll(void **state)
{
	vpic_write(&pic, 0x20, 0x0c);
	assert_int_equal(vpic_read(&pic, 0x20), 7);
	pulse(6);
	vpic_write(&pic, 0x20, 0x0c);
	assert_int_equal(vpic_read(&pic, 0x20), 0x86);
	assert_int_equal(isr(0x20), 0x40);
	vpic_write(&pic, 0x20, 0x20);
	pulse(6);
	vpic_write(&pic, 0x20, 0x0c);
	assert_int_equal(vpic_read(&pic, 0x21), 0x86); /* either port */
	assert_int_equal(vpic_read(&pic, 0x21), 0);    /* once */

	pulse(14);
	vpic_write(&pic, 0xa0, 0x0c);
	assert_int_equal(vpic_read(&pic, 0xa0), 0x86);
	assert_false(vpic_output(&pic));
}

static void test_initialization(void **state)
{
	/* an edge does not survive ICW1, a line that is high makes no new one */
	vpic_set_line(&pic, 1, true);
	vpic_write(&pic, 0x21, 0xff);
	vpic_write(&pic, 0x20, 0x11);
	assert_false(vpic_output(&pic));
	vpic_write(&pic, 0x21, 0x57); /* low bits of the base do not count */
	vpic_write(&pic, 0x21, 4);
	vpic_write(&pic, 0x21, 1);
	assert_int_equal(vpic_read(&pic, 0x21), 0);
	assert_int_equal(vpic_set_line(&pic, 1, true), 0);
	assert_false(vpic_output(&pic));
	vpic_set_line(&pic, 1, false);
	vpic_set_line(&pic, 1, true);
	assert_int_equal(vpic_ack(&pic), 0x51);

	/* without ICW4, and single: the byte after ICW2 is a mask */
	vpic_write(&pic, 0x20, 0x10);
	vpic_write(&pic, 0x21, 0x40);
	vpic_write(&pic, 0x21, 4);
	vpic_write(&pic, 0x21, 0xaa);
	assert_int_equal(vpic_read(&pic, 0x21), 0xaa);
	vpic_write(&pic, 0x20, 0x12);
	vpic_write(&pic, 0x21, 0x40);
	vpic_write(&pic, 0x21, 0xbb);
	assert_int_equal(vpic_read(&pic, 0x21), 0xbb);
	vpic_write(&pic, 0x20, 0x13);
	vpic_write(&pic, 0x21, 0x40);
	vpic_write(&pic, 0x21, 0x03);
	vpic_write(&pic, 0x21, 0xcc);
	assert_int_equal(vpic_read(&pic, 0x21), 0xcc);

	/* other ports */
	vpic_write(&pic, 0x22, 0x11);
	assert_int_equal(vpic_read(&pic, 0x22), 0xff);
	assert_int_equal(vpic_read(&pic, 0x21), 0xcc);
}

static void test_icw1_clears(void **state)
{
	struct myhv_pic_state s;

	init_chip(0x20, 0x20, 0x13); /* special fully nested, automatic EOI */
	vpic_write(&pic, 0x20, 0x80);
	vpic_write(&pic, 0x20, 0xc3);
	vpic_write(&pic, 0x20, 0x6f); /* special mask, poll, read ISR */
	pic.chip[0].isr = 0x10;
	vpic_write(&pic, 0x20, 0x11);
	vpic_get_state(&pic, 0, &s);
	assert_int_equal(s.isr | s.imr | s.poll | s.special_mask | s.read_reg_select, 0);
	assert_int_equal(s.priority_add | s.rotate_on_auto_eoi, 0);
	assert_int_equal(s.auto_eoi & s.special_fully_nested_mode, 1);
	vpic_write(&pic, 0x20, 0x10); /* no ICW4: its functions are off */
	vpic_get_state(&pic, 0, &s);
	assert_int_equal(s.auto_eoi | s.special_fully_nested_mode, 0);

	/* a register is selected only with the bit that says so */
	setup(NULL);
	pulse(1);
	vpic_write(&pic, 0x20, 0x0b);
	vpic_write(&pic, 0x20, 0x08);
	assert_int_equal(vpic_read(&pic, 0x20), 0);
	/* the slave's mask is not the master's */
	vpic_write(&pic, 0xa1, 0x5a);
	assert_int_equal(vpic_read(&pic, 0xa1), 0x5a);
	assert_int_equal(vpic_read(&pic, 0x21), 0);
	/* line 0 counts as output too; an EOI of nothing tells nobody */
	vpic_set_line(&pic, 1, false);
	vpic_ack(&pic);
	vpic_write(&pic, 0x20, 0x20);
	vpic_take_ended(&pic);
	pulse(0);
	assert_true(vpic_output(&pic));
	vpic_write(&pic, 0x20, 0x65);
	assert_int_equal(vpic_take_ended(&pic), 0);
	vpic_ack(&pic);
	vpic_write(&pic, 0x20, 0x0c);
	assert_int_equal(vpic_read(&pic, 0x20), 7);
	vpic_write(&pic, 0x20, 0x20);
	pulse(0);
	vpic_write(&pic, 0x20, 0x0c);
	assert_int_equal(vpic_read(&pic, 0x20), 0x80);
}

static void test_rotation_amount(void **state)
{
	static const u8 commands[] = { 0xa0, 0xe0, 0xc0 }; /* each makes 3 the lowest */

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		setup(NULL);
		pulse(3);
		vpic_ack(&pic);
		vpic_write(&pic, 0x20, commands[i] | (commands[i] == 0xa0 ? 0 : 3));
		assert_int_equal(pic.chip[0].priority_add, 4);
	}
}

static void test_state(void **state)
{
	static const size_t flags[] = {
		offsetof(struct myhv_pic_state, read_reg_select),
		offsetof(struct myhv_pic_state, poll),
		offsetof(struct myhv_pic_state, special_mask),
		offsetof(struct myhv_pic_state, auto_eoi),
		offsetof(struct myhv_pic_state, rotate_on_auto_eoi),
		offsetof(struct myhv_pic_state, special_fully_nested_mode),
	};
	struct myhv_pic_state s, bad;

	pulse(9);
	vpic_get_state(&pic, 1, &s);
	assert_int_equal(s.irr, 2);
	assert_int_equal(s.irq_base, 0x28);
	assert_int_equal(s.elcr_mask, 0xde);
	vpic_reset(&pic);
	assert_int_equal(vpic_set_state(&pic, 1, &s), 0);
	assert_int_equal(vpic_read(&pic, 0xa0), 2);
	assert_int_equal(vpic_set_state(&pic, 2, &s), -EINVAL);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		bad = s;
		((u8 *)&bad)[flags[i]] = 2;
		assert_int_equal(vpic_set_state(&pic, 1, &bad), -EINVAL);
	}
	bad = s;
	bad.priority_add = 8;
	assert_int_equal(vpic_set_state(&pic, 1, &bad), -EINVAL);
	bad = s;
	bad.init_state = 4;
	assert_int_equal(vpic_set_state(&pic, 1, &bad), -EINVAL);
	bad = s;
	bad.init4 = 4;
	assert_int_equal(vpic_set_state(&pic, 1, &bad), -EINVAL);
	bad = s;
	bad.elcr = 0x01;
	assert_int_equal(vpic_set_state(&pic, 1, &bad), -EINVAL);
	vpic_get_state(&pic, 1, &bad);
	assert_memory_equal(&bad, &s, sizeof(s));
}

static void test_random(void **state)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x22 };

	srandom(2);
	for (int i = 0; i < 500000; i++) {
		u16 port = ports[(size_t)random() % ARRAY_SIZE(ports)];

		switch (random() % 4) {
		case 0:
			vpic_write(&pic, port, (u8)random());
			break;
		case 1:
			vpic_read(&pic, port);
			break;
		case 2:
			vpic_set_line(&pic, (unsigned int)random() % 20, random() % 2);
			break;
		default:
			if (vpic_output(&pic))
				vpic_ack(&pic);
		}
		for (unsigned int chip = 0; chip < 2; chip++)
			assert_int_equal(vpic_set_state(&pic, chip, &pic.chip[chip]), 0);
	}
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_edge),	     T(test_level),
		T(test_mask),	     T(test_priority_and_nesting),
		T(test_cascade),     T(test_special_fully_nested),
		T(test_spurious),    T(test_auto_eoi),
		T(test_rotation),    T(test_special_mask),
		T(test_poll),	     T(test_initialization),
		T(test_icw1_clears), T(test_rotation_amount),
		T(test_state),	     T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
