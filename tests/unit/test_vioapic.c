// SPDX-License-Identifier: GPL-2.0-or-later
/* The IOAPIC model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "myhv_x86.h"
#include "vioapic.h"

static struct vioapic io;
static struct apic_msg sent;
static int nr_sent;
static enum irq_result taken; /* what the LAPICs answer */

static enum irq_result send(struct vioapic *chip, const struct apic_msg *msg)
{
	assert_ptr_equal(chip, &io);
	sent = *msg;
	nr_sent++;
	return taken;
}

static const struct vioapic_ops ops = { .send = send };

static int setup(void **state)
{
	io = (struct vioapic){ .ops = &ops, .version = VIOAPIC_VERSION_82093AA };
	vioapic_reset(&io);
	nr_sent = 0;
	taken = 1;
	return 0;
}

static u32 reg_read(u8 reg)
{
	vioapic_write(&io, VIOAPIC_IOREGSEL, 4, reg);
	return (u32)vioapic_read(&io, VIOAPIC_IOWIN, 4);
}

static void reg_write(u8 reg, u32 value)
{
	vioapic_write(&io, VIOAPIC_IOREGSEL, 4, reg);
	vioapic_write(&io, VIOAPIC_IOWIN, 4, value);
}

static void set_rte(unsigned int pin, u64 rte)
{
	reg_write((u8)(0x11 + 2 * pin), (u32)(rte >> 32));
	reg_write((u8)(0x10 + 2 * pin), (u32)rte);
}

static u64 get_rte(unsigned int pin)
{
	return (u64)reg_read((u8)(0x11 + 2 * pin)) << 32 | reg_read((u8)(0x10 + 2 * pin));
}

static void test_registers(void **state)
{
	assert_int_equal(reg_read(0), 0);
	reg_write(0, 0xffffffff);
	assert_int_equal(reg_read(0), 0x0f000000);
	assert_int_equal(reg_read(2), 0x0f000000);
	assert_int_equal(reg_read(1), 0x00170011);
	reg_write(1, 0);
	assert_int_equal(reg_read(1), 0x00170011);
	for (unsigned int pin = 0; pin < 24; pin++)
		assert_true(get_rte(pin) == 0x10000);
	assert_int_equal(reg_read(0x40), 0xffffffff);
	assert_int_equal(reg_read(0x0f), 0xffffffff);
	assert_int_equal(reg_read(0xff), 0xffffffff);
	reg_write(0x40, 0);
	reg_write(0xff, 0);

	/* read-only and reserved bits */
	set_rte(3, ~0ULL);
	assert_true(get_rte(3) == 0xff0000000001afffULL);

	/* widths and offsets */
	vioapic_write(&io, VIOAPIC_IOREGSEL, 1, 1);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOREGSEL, 4), 1);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOWIN, 1), 0x11);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOWIN + 2, 1), 0x17);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOWIN, 2), 0x0011);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOWIN, 8), 0x00170011);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOWIN + 4, 4), 0);
	assert_int_equal(vioapic_read(&io, 0x20, 4), 0);
	assert_int_equal(vioapic_read(&io, ~0ULL, 8), 0);
	vioapic_write(&io, VIOAPIC_IOREGSEL, 8, 0x12345678);
	assert_int_equal(vioapic_read(&io, VIOAPIC_IOREGSEL, 4), 0x78);
	vioapic_write(&io, VIOAPIC_IOREGSEL, 4, 0x10);
	vioapic_write(&io, VIOAPIC_IOWIN, 2, 0); /* too narrow */
	vioapic_write(&io, VIOAPIC_IOWIN + 4, 4, 0);
	vioapic_write(&io, ~0ULL, 8, 0);
	assert_true(get_rte(0) == 0x10000);
}

static void test_edge(void **state)
{
	set_rte(4, 0x0500000000000831ULL); /* logical 5, vector 0x31 */
	assert_int_equal(vioapic_set_line(&io, 4, true), 1);
	assert_int_equal(nr_sent, 1);
	assert_int_equal(sent.dest, 5);
	assert_int_equal(sent.vector, 0x31);
	assert_int_equal(sent.mode, VAPIC_DM_FIXED);
	assert_true(sent.logical && sent.assert);
	assert_false(sent.level);
	assert_int_equal(vioapic_set_line(&io, 4, true), 0); /* no edge */
	assert_int_equal(vioapic_set_line(&io, 4, false), 0);
	assert_int_equal(nr_sent, 1);
	taken = 0;
	assert_int_equal(vioapic_set_line(&io, 4, true), 0); /* coalesced */
	taken = IRQ_MASKED;
	vioapic_set_line(&io, 4, false);
	assert_int_equal(vioapic_set_line(&io, 4, true), IRQ_MASKED); /* nobody there */
	assert_int_equal(nr_sent, 3);
	assert_true(get_rte(4) == 0x0500000000000831ULL);

	/* physical, and pin 0 with the select register at its first entry */
	taken = 1;
	set_rte(0, 0x0700000000000032ULL);
	vioapic_set_line(&io, 0, true);
	assert_false(sent.logical);
	assert_int_equal(sent.dest, 7);
	assert_int_equal(vioapic_eoi(&io, 0x32, false), 1);
	nr_sent = 3;

	/* an edge on a masked pin is lost */
	taken = 1;
	set_rte(5, 0x10040);
	assert_int_equal(vioapic_set_line(&io, 5, true), IRQ_MASKED);
	set_rte(5, 0x00040);
	assert_int_equal(nr_sent, 3);

	assert_int_equal(vioapic_set_line(&io, 24, true), IRQ_MASKED);
	assert_int_equal(vioapic_set_line(&io, ~0u, true), IRQ_MASKED);
	/* 0xff is everybody */
	set_rte(6, 0xff00000000000041ULL);
	vioapic_set_line(&io, 6, true);
	assert_int_equal(sent.dest, VAPIC_DEST_BROADCAST);
}

static void test_level(void **state)
{
	set_rte(10, 0x8052 | 0x2000); /* the polarity bit has no effect */
	assert_int_equal(vioapic_set_line(&io, 10, true), 1);
	assert_true(sent.level);
	assert_true(get_rte(10) == (0xa052 | VIOAPIC_RTE_REMOTE_IRR));
	assert_int_equal(vioapic_set_line(&io, 10, true), 0);
	assert_int_equal(nr_sent, 1);

	/* EOI of another vector, or of an edge interrupt: nothing */
	assert_int_equal(vioapic_eoi(&io, 0x53, true), 0);
	assert_int_equal(vioapic_eoi(&io, 0x52, false), 0);
	assert_true(get_rte(10) & VIOAPIC_RTE_REMOTE_IRR);

	/* still asserted: again */
	assert_int_equal(vioapic_eoi(&io, 0x52, true), 1 << 10);
	assert_false(get_rte(10) & VIOAPIC_RTE_REMOTE_IRR);
	vioapic_resend(&io, 1 << 10);
	assert_int_equal(nr_sent, 2);
	assert_true(get_rte(10) & VIOAPIC_RTE_REMOTE_IRR);

	/* only the pins that were named */
	vioapic_eoi(&io, 0x52, true);
	vioapic_resend(&io, 1 << 11);
	assert_int_equal(nr_sent, 2);
	assert_int_equal(vioapic_set_line(&io, 10, true), 1);
	nr_sent = 2;

	/* lowered: silence */
	vioapic_set_line(&io, 10, false);
	vioapic_resend(&io, vioapic_eoi(&io, 0x52, true));
	assert_int_equal(nr_sent, 2);

	/* pending while masked: comes with the unmasking */
	set_rte(10, 0x18052);
	assert_int_equal(vioapic_set_line(&io, 10, true), IRQ_LATCHED);
	assert_int_equal(vioapic_set_line(&io, 10, true), IRQ_MASKED);
	assert_int_equal(nr_sent, 2);
	set_rte(10, 0x8052);
	assert_int_equal(nr_sent, 3);
	/* ... and rewriting the entry does not send twice */
	set_rte(10, 0x8052);
	assert_int_equal(nr_sent, 3);
	assert_true(get_rte(10) & VIOAPIC_RTE_REMOTE_IRR);
}

static void test_level_without_taker(void **state)
{
	set_rte(9, 0x8052);
	taken = IRQ_MASKED;
	assert_int_equal(vioapic_set_line(&io, 9, true), IRQ_MASKED);
	assert_false(get_rte(9) & VIOAPIC_RTE_REMOTE_IRR);
	taken = 0; /* pending there already: its EOI will come */
	assert_int_equal(vioapic_set_line(&io, 9, true), 0);
	assert_true(get_rte(9) & VIOAPIC_RTE_REMOTE_IRR);
}

static void test_remote_irr_trick(void **state)
{
	set_rte(9, 0x8052);
	vioapic_set_line(&io, 9, true);
	assert_true(get_rte(9) & VIOAPIC_RTE_REMOTE_IRR);
	reg_write(0x10 + 18, 0x10052); /* masked, edge */
	assert_false(get_rte(9) & VIOAPIC_RTE_REMOTE_IRR);
	reg_write(0x10 + 18, 0x8052);
	assert_int_equal(nr_sent, 2);
}

static void test_shared_vector(void **state)
{
	set_rte(16, 0x8061);
	set_rte(17, 0x8061);
	set_rte(18, 0x0061);  /* edge */
	set_rte(19, 0x18061); /* masked */
	vioapic_set_line(&io, 16, true);
	assert_int_equal(vioapic_eoi(&io, 0x61, true), 1 << 16 | 1 << 17 | 1 << 18 | 1 << 19);
	assert_int_equal(vioapic_eoi(&io, 0x61, false), 1 << 18);
	assert_int_equal(vioapic_pin_vector(&io, 18), 0x61);
	assert_int_equal(vioapic_pin_vector(&io, 19), -1);
	assert_int_equal(vioapic_pin_vector(&io, 24), -1);
}

static void test_other_modes(void **state)
{
	static const struct {
		u32 mode;
		int result;
	} cases[] = {
		{ VAPIC_DM_LOWEST, 1 }, { VAPIC_DM_SMI, 1 },  { VAPIC_DM_RESERVED, IRQ_MASKED },
		{ VAPIC_DM_NMI, 1 },	{ VAPIC_DM_INIT, 1 }, { VAPIC_DM_STARTUP, IRQ_MASKED },
		{ VAPIC_DM_EXTINT, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set_rte(1, cases[i].mode << 8 | 0x8042); /* level, where it applies */
		assert_int_equal(vioapic_set_line(&io, 1, true), cases[i].result);
		if (cases[i].result > 0)
			assert_int_equal(sent.mode, cases[i].mode);
		assert_int_equal(sent.level, cases[i].mode == VAPIC_DM_LOWEST);
		assert_int_equal(!!(get_rte(1) & VIOAPIC_RTE_REMOTE_IRR),
				 cases[i].mode == VAPIC_DM_LOWEST);
		vioapic_set_line(&io, 1, false);
		set_rte(1, 0x10000);
	}
	assert_int_equal(vioapic_pin_vector(&io, 1), -1);
}

static void test_eoi_register(void **state)
{
	set_rte(7, 0x8070);
	vioapic_set_line(&io, 7, true);
	/* the older chip has none */
	assert_int_equal(vioapic_write(&io, VIOAPIC_EOIR, 4, 0x70), 0);
	assert_true(get_rte(7) & VIOAPIC_RTE_REMOTE_IRR);

	io.version = VIOAPIC_VERSION_EOI;
	assert_int_equal(reg_read(1), 0x00170020);
	assert_int_equal(vioapic_write(&io, VIOAPIC_EOIR, 4, 0x71), 0);
	assert_int_equal(vioapic_write(&io, VIOAPIC_EOIR, 4, 0x70), 1 << 7);
	assert_false(get_rte(7) & VIOAPIC_RTE_REMOTE_IRR);
}

static void test_pin_0_level(void **state)
{
	struct myhv_ioapic_state s;

	set_rte(0, 0x8033);
	vioapic_set_line(&io, 0, true);
	assert_int_equal(vioapic_eoi(&io, 0x33, true), 1);
	vioapic_resend(&io, 1);
	assert_int_equal(nr_sent, 2);
	vioapic_get_state(&io, &s);
	s.redirtbl[0] |= 1ULL << 20;
	assert_int_equal(vioapic_set_state(&io, &s), -EINVAL);
	s.redirtbl[0] &= ~(1ULL << 20);
	s.ioregsel = 0xff;
	assert_int_equal(vioapic_set_state(&io, &s), 0);
	/* lowest priority is a vector too, NMI is not */
	set_rte(1, 0x0144);
	assert_int_equal(vioapic_pin_vector(&io, 1), 0x44);
	set_rte(1, 0x0444);
	assert_int_equal(vioapic_pin_vector(&io, 1), -1);
}

static void test_state(void **state)
{
	struct myhv_ioapic_state s, bad;

	set_rte(7, 0x0200000000008070ULL);
	set_rte(8, 0x18071);
	vioapic_set_line(&io, 7, true);
	vioapic_set_line(&io, 8, true);
	reg_write(0, 0x02000000);
	vioapic_get_state(&io, &s);
	assert_int_equal(s.irr, 0x180);
	assert_int_equal(s.id, 0x02000000);
	assert_true(s.redirtbl[7] == (0x0200000000008070ULL | VIOAPIC_RTE_REMOTE_IRR));

	vioapic_reset(&io);
	nr_sent = 0;
	assert_int_equal(vioapic_set_state(&io, &s), 0);
	assert_int_equal(nr_sent, 0); /* in flight, masked */
	assert_int_equal(io.id, 0x02000000);
	assert_int_equal(io.ioregsel, s.ioregsel);
	vioapic_resend(&io, vioapic_eoi(&io, 0x70, true));
	assert_int_equal(nr_sent, 1);

	/* a due one is sent when the state is loaded */
	s.redirtbl[7] &= ~VIOAPIC_RTE_REMOTE_IRR;
	assert_int_equal(vioapic_set_state(&io, &s), 0);
	assert_int_equal(nr_sent, 2);

	bad = s;
	bad.irr = 1 << 24;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	bad = s;
	bad.id = 1;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	bad = s;
	bad.redirtbl[23] = 1ULL << 17;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	bad = s;
	bad.base_address = 0;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	bad = s;
	bad.ioregsel = 0x100;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	bad = s;
	bad.pad = 1;
	assert_int_equal(vioapic_set_state(&io, &bad), -EINVAL);
	assert_int_equal(io.lines, 0x180);
}

static void test_random(void **state)
{
	struct myhv_ioapic_state s;

	srandom(3);
	io.version = VIOAPIC_VERSION_EOI;
	for (int i = 0; i < 500000; i++) {
		u64 offset = random() % 4 ? (u64)(random() % 5) * 0x10 : (u64)random() % 0x110;

		taken = (enum irq_result)(random() % 3 == 0 ? IRQ_MASKED : (int)(random() % 2));
		switch (random() % 4) {
		case 0:
			vioapic_resend(&io, vioapic_write(&io, offset, 1u << random() % 4,
							  (u64)random()));
			break;
		case 1:
			vioapic_read(&io, offset, 1u << random() % 4);
			break;
		case 2:
			vioapic_set_line(&io, (unsigned int)random() % 26, random() % 2);
			break;
		default:
			vioapic_resend(&io, vioapic_eoi(&io, (u8)random(), random() % 2));
		}
	}
	vioapic_get_state(&io, &s);
	assert_int_equal(vioapic_set_state(&io, &s), 0);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_registers),
		T(test_edge),
		T(test_level),
		T(test_level_without_taker),
		T(test_remote_irr_trick),
		T(test_shared_vector),
		T(test_other_modes),
		T(test_eoi_register),
		T(test_pin_0_level),
		T(test_state),
		T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
