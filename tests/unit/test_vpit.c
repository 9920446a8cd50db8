// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8254 model: modes, access, port 0x61, interrupts and lost ticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "myhv_x86.h"
#include "vpit.h"

#define MS 1000000ULL
#define START 5000000 /* ticks: tests begin here, not at zero */

static struct vpit pit;

/* nanoseconds at which @tick has just begun */
static u64 at(u64 tick)
{
	return tick / VPIT_HZ * 1000000000ULL +
	       (tick % VPIT_HZ * 1000000000ULL + VPIT_HZ - 1) / VPIT_HZ;
}

static int setup(void **state)
{
	pit = (struct vpit){ .reinject = true, .min_period_ns = 200000 };
	vpit_reset(&pit, at(START));
	return 0;
}

/* control word for both bytes, then the count, at START */
static void program(unsigned int channel, unsigned int mode, u16 count)
{
	vpit_write(&pit, 0x43, (u8)(channel << 6 | 0x30 | mode << 1), at(START));
	vpit_write(&pit, (u16)(0x40 + channel), (u8)count, at(START));
	vpit_write(&pit, (u16)(0x40 + channel), count >> 8, at(START));
}

static void gate2(bool on, u64 tick)
{
	vpit_write(&pit, 0x61, on, at(tick));
}

static bool out(unsigned int channel, u64 tick)
{
	return vpit_out(&pit, channel, at(START + tick));
}

/* the live count, read byte by byte */
static u16 count(unsigned int channel, u64 tick)
{
	u64 now = at(START + tick);
	u16 low = vpit_read(&pit, (u16)(0x40 + channel), now);

	return low | vpit_read(&pit, (u16)(0x40 + channel), now) << 8;
}

static void test_reset(void **state)
{
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
	assert_int_equal(vpit_expire(&pit, at(START + 1000000)), 0);
	assert_int_equal(vpit_read(&pit, 0x43, 0), 0xff);
	assert_int_equal(vpit_read(&pit, 0x44, 0), 0xff);
	/* a count without a control word goes nowhere */
	assert_true(vpit_write(&pit, 0x40, 5, at(START)));
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
	assert_false(vpit_write(&pit, 0x44, 5, at(START)));
	assert_false(pit.channel[2].gate);
	assert_true(pit.channel[0].gate && pit.channel[1].gate);
}

static void test_mode0(void **state)
{
	vpit_write(&pit, 0x43, 0x30, at(START));
	assert_false(out(0, 0));
	assert_false(out(0, 100000));
	program(0, 0, 100);
	assert_false(out(0, 99));
	assert_true(out(0, 100));
	assert_true(out(0, 1000000));
	assert_int_equal(count(0, 0), 100);
	assert_int_equal(count(0, 99), 1);
	assert_int_equal(count(0, 100), 0);
	assert_int_equal(count(0, 101), 0xffff);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 100));
	assert_int_equal(vpit_expire(&pit, at(START + 99)), 0);
	assert_int_equal(vpit_expire(&pit, at(START + 100)), 1);
	assert_int_equal(vpit_expire(&pit, at(START + 100000)), 0);
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);

	/* the first byte of a new count stops, the second starts */
	vpit_write(&pit, 0x40, 50, at(START + 200000));
	assert_false(vpit_out(&pit, 0, at(START + 300000)));
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
	vpit_write(&pit, 0x40, 0, at(START + 300000));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 300050));
}

static void test_mode0_gate(void **state)
{
	gate2(true, START);
	program(2, 0, 100);
	gate2(false, START + 30);
	assert_int_equal(count(2, 1000), 70);
	assert_false(out(2, 1000));
	gate2(true, START + 1000);
	assert_int_equal(count(2, 1010), 60);
	assert_false(out(2, 1069));
	assert_true(out(2, 1070));
	/* held past the end: output stays, count too */
	gate2(false, START + 1080);
	assert_true(out(2, 5000));
	assert_int_equal(count(2, 5000), 0xfff6);
	gate2(true, START + 5000);
	assert_true(out(2, 5001));
	assert_int_equal(count(2, 5001), 0xfff5);
}

static void test_mode1(void **state)
{
	program(2, 1, 100);
	assert_true(out(2, 500));
	gate2(true, START + 1000);
	assert_false(out(2, 1000));
	assert_false(out(2, 1099));
	assert_true(out(2, 1100));
	/* retriggered: begins anew; the gate's level does not matter */
	gate2(false, START + 2000);
	gate2(true, START + 2010);
	gate2(false, START + 2050);
	assert_false(out(2, 2109));
	assert_int_equal(count(2, 2060), 50);
	/* a new count waits for the next trigger */
	vpit_write(&pit, 0x42, 10, at(START + 2060));
	vpit_write(&pit, 0x42, 0, at(START + 2060));
	assert_true(out(2, 2110));
	assert_false(out(2, 2109));
	gate2(true, START + 3000);
	assert_false(out(2, 3009));
	assert_true(out(2, 3010));
	/* channel 0 has no such gate */
	program(0, 1, 100);
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
}

static void test_mode2(void **state)
{
	program(0, 2, 1000);
	assert_true(out(0, 0));
	assert_true(out(0, 998));
	assert_false(out(0, 999));
	assert_true(out(0, 1000));
	assert_false(out(0, 1999));
	assert_int_equal(count(0, 0), 1000);
	assert_int_equal(count(0, 999), 1);
	assert_int_equal(count(0, 1000), 1000);
	assert_int_equal(count(0, 7500), 500);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1000));
	assert_int_equal(vpit_expire(&pit, at(START + 1001)), 1);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 2000));
	assert_int_equal(vpit_expire(&pit, at(START + 5999)), 4);
	assert_int_equal(vpit_expire(&pit, at(START + 5999)), 0);
	assert_int_equal(vpit_expire(&pit, at(START + 5000)), 0); /* clock went back */

	/* a new count is taken at the end of the cycle */
	vpit_write(&pit, 0x40, (u8)2000, at(START + 6500));
	vpit_write(&pit, 0x40, 2000 >> 8, at(START + 6500));
	assert_int_equal(count(0, 6600), 400);
	assert_int_equal(count(0, 7000), 2000);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 7000));
	assert_int_equal(vpit_expire(&pit, at(START + 7100)), 1);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 9000));

	/* zero is the highest count */
	program(0, 2, 0);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 0x10000));
	assert_int_equal(count(0, 1), 0xffff);
	assert_int_equal(count(0, 0), 0);
}

static void test_mode2_gate(void **state)
{
	gate2(true, START);
	program(2, 2, 100);
	gate2(false, START + 130);
	assert_true(out(2, 199)); /* would be low */
	assert_int_equal(count(2, 500), 70);
	gate2(true, START + 1000);
	assert_int_equal(count(2, 1000), 100); /* begins anew */
	assert_false(out(2, 1099));
	/* a count written while held is loaded by the gate */
	gate2(false, START + 1100);
	vpit_write(&pit, 0x42, 50, at(START + 1200));
	vpit_write(&pit, 0x42, 0, at(START + 1200));
	gate2(true, START + 2000);
	assert_int_equal(count(2, 2000), 50);
	assert_false(out(2, 2049));
}

static void test_mode3(void **state)
{
	program(0, 3, 100);
	assert_true(out(0, 0));
	assert_true(out(0, 49));
	assert_false(out(0, 50));
	assert_false(out(0, 99));
	assert_true(out(0, 100));
	assert_int_equal(count(0, 10), 80);
	assert_int_equal(count(0, 60), 80);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START) + 200000); /* slowed down */
	program(0, 3, 1001); /* odd: one tick longer high */
	assert_true(out(0, 500));
	assert_false(out(0, 501));
	assert_false(out(0, 1000));
	assert_true(out(0, 1001));
	assert_int_equal(count(0, 0), 1000);
	assert_int_equal(count(0, 501), 1000);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1001));
	assert_int_equal(vpit_expire(&pit, at(START + 10010)), 10);
	/* bit 2 of the mode is ignored */
	program(0, 7, 1000);
	assert_int_equal(pit.channel[0].mode, 3);
	program(0, 6, 1000);
	assert_int_equal(pit.channel[0].mode, 2);
}

static void test_mode4(void **state)
{
	program(0, 4, 1000);
	assert_true(out(0, 999));
	assert_false(out(0, 1000));
	assert_true(out(0, 1001));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1001));
	/* a new count restarts at once, as a clock event device does it */
	vpit_write(&pit, 0x40, 0xd0, at(START + 500));
	vpit_write(&pit, 0x40, 0x07, at(START + 500));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 2501));
	assert_int_equal(vpit_expire(&pit, at(START + 2501)), 1);
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
	assert_int_equal(vpit_expire(&pit, at(START + 2501 + 0x20000)), 0);

	gate2(true, START);
	program(2, 4, 100);
	gate2(false, START + 40);
	assert_true(out(2, 100));
	gate2(true, START + 200);
	assert_false(out(2, 260));
}

static void test_mode5(void **state)
{
	program(2, 5, 100);
	assert_true(out(2, 100));
	gate2(true, START + 1000);
	assert_true(out(2, 1099));
	assert_false(out(2, 1100));
	assert_true(out(2, 1101));
	gate2(false, START + 1500);
	gate2(true, START + 1550);
	assert_false(out(2, 1650));
}

static void test_bcd(void **state)
{
	vpit_write(&pit, 0x43, 0x35, at(START)); /* channel 0, mode 2, BCD */
	vpit_write(&pit, 0x40, 0x34, at(START));
	vpit_write(&pit, 0x40, 0x12, at(START));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1234));
	assert_int_equal(count(0, 1), 0x1233);
	assert_int_equal(count(0, 235), 0x0999);
	vpit_write(&pit, 0x43, 0x31, at(START)); /* mode 0: wraps to 9999 */
	vpit_write(&pit, 0x40, 0x10, at(START));
	vpit_write(&pit, 0x40, 0x00, at(START));
	assert_int_equal(count(0, 10), 0);
	assert_int_equal(count(0, 11), 0x9999);
	vpit_write(&pit, 0x43, 0x35, at(START));
	vpit_write(&pit, 0x40, 0, at(START));
	vpit_write(&pit, 0x40, 0, at(START));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 10000));
	assert_int_equal(count(0, 0), 0);
	vpit_write(&pit, 0x43, 0x35, at(START)); /* no digits */
	vpit_write(&pit, 0x40, 0xff, at(START));
	vpit_write(&pit, 0x40, 0xff, at(START));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 10000));
}

static void test_byte_access(void **state)
{
	vpit_write(&pit, 0x43, 0x14, at(START)); /* low byte only, mode 2 */
	vpit_write(&pit, 0x40, 0x80, at(START));
	assert_int_equal(pit.channel[0].count, 0x80);
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 1)), 0x7f);
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 2)), 0x7e);
	vpit_write(&pit, 0x43, 0x24, at(START)); /* high byte only */
	vpit_write(&pit, 0x40, 0x80, at(START));
	assert_int_equal(pit.channel[0].count, 0x8000);
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 1)), 0x7f);
	vpit_write(&pit, 0x43, 0x00, at(START + 0x200));
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 0x4000)), 0x7e);
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 0x1001)), 0x6f);
}

static void test_latch(void **state)
{
	program(0, 2, 0x1234);
	assert_false(vpit_write(&pit, 0x43, 0x00, at(START + 4)));
	vpit_write(&pit, 0x43, 0x00, at(START + 100)); /* the first latch stands */
	assert_int_equal(count(0, 200), 0x1230);
	assert_int_equal(count(0, 4), 0x1230); /* live again */
	/* one byte of a latch read, then latched no second time */
	vpit_write(&pit, 0x43, 0x00, at(START + 4));
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 50)), 0x30);
	vpit_write(&pit, 0x43, 0x00, at(START + 60));
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 70)), 0x12);
	assert_int_equal(count(0, 8), 0x122c);
}

static void test_read_back(void **state)
{
	program(0, 2, 1000);
	program(1, 0, 300);
	vpit_write(&pit, 0x43, 0xc6, at(START + 400)); /* status and count of 0 and 1 */
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 500)), 0xb4);
	assert_int_equal(count(0, 500), 600);
	assert_int_equal(vpit_read(&pit, 0x41, at(START + 500)), 0xb0);
	assert_int_equal(count(1, 500), 0xff9c);
	/* null count: waiting for a count, and for a reload */
	vpit_write(&pit, 0x43, 0xb0, at(START)); /* channel 2 */
	vpit_write(&pit, 0x43, 0xe8, at(START));
	assert_int_equal(vpit_read(&pit, 0x42, at(START)), 0x70);
	vpit_write(&pit, 0x40, 0x01, at(START + 500));
	vpit_write(&pit, 0x40, 0x01, at(START + 500));
	vpit_write(&pit, 0x43, 0xe2, at(START + 600));
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 600)), 0xf4);
	vpit_write(&pit, 0x43, 0xe2, at(START + 1000));
	assert_int_equal(vpit_read(&pit, 0x40, at(START + 1000)), 0xb4);
	/* count only; no channel */
	vpit_write(&pit, 0x43, 0xd2, at(START + 1001));
	assert_int_equal(count(0, 5000), 0x100);
	vpit_write(&pit, 0x43, 0xc0, at(START + 1001));
	assert_int_equal(count(0, 1002), 0xff);
}

static void test_port61(void **state)
{
	u8 value;
	u64 toggles = 0;

	assert_int_equal(vpit_read(&pit, 0x61, 0) & 0x0f, 0);
	vpit_write(&pit, 0x61, 0xff, at(START));
	assert_int_equal(vpit_read(&pit, 0x61, at(START)) & 0xcf, 0x0f);
	assert_true(pit.channel[2].gate);
	program(2, 0, 1000);
	assert_false(vpit_read(&pit, 0x61, at(START + 999)) & 0x20);
	assert_true(vpit_read(&pit, 0x61, at(START + 1000)) & 0x20);
	vpit_write(&pit, 0x61, 0, at(START + 1001));
	assert_false(pit.channel[2].gate);

	/* the refresh bit toggles every 15 microseconds */
	value = vpit_read(&pit, 0x61, 0);
	for (u64 ns = 0; ns < MS; ns += 1000) {
		if ((vpit_read(&pit, 0x61, ns) ^ value) & 0x10)
			toggles++;
		value = vpit_read(&pit, 0x61, ns);
	}
	assert_int_equal(toggles, 66);
}

static void test_storm_is_slowed_down(void **state)
{
	u64 next;

	vpit_write(&pit, 0x43, 0x14, at(START));
	vpit_write(&pit, 0x40, 1, at(START)); /* 838 ns */
	next = vpit_next_irq_ns(&pit);
	assert_int_equal(next, at(START) + 200000);
	assert_int_equal(vpit_expire(&pit, next), 1);
	assert_true(vpit_next_irq_ns(&pit) >= next + 199000);
	/* and does not run up a debt */
	assert_int_equal(vpit_expire(&pit, next + 1000 * MS), 1);
}

static void test_lost_ticks(void **state)
{
	program(0, 2, 1193);
	assert_int_equal(vpit_expire(&pit, at(START + 1193 * 5)), 5);
	vpit_ticked(&pit, 5, 1);
	for (int i = 4; i > 0; i--) {
		assert_true(vpit_owes_tick(&pit));
		assert_int_equal(pit.lost, i);
		vpit_repaid(&pit, 0); /* still pending: stays owed */
		assert_int_equal(pit.lost, i);
		vpit_repaid(&pit, 1);
	}
	assert_false(vpit_owes_tick(&pit));
	vpit_repaid(&pit, 1);
	assert_int_equal(pit.lost, 0);

	vpit_ticked(&pit, 1, 0); /* coalesced */
	assert_int_equal(pit.lost, 1);
	vpit_ticked(&pit, 3, IRQ_MASKED);
	assert_int_equal(pit.lost, 4);
	vpit_repaid(&pit, IRQ_MASKED);
	assert_int_equal(pit.lost, 4);
	/* a line that stays masked runs up a small debt only, and lowers no larger one */
	vpit_ticked(&pit, 900, IRQ_MASKED);
	assert_int_equal(pit.lost, VPIT_MAX_LOST_MASKED);
	vpit_ticked(&pit, 100, IRQ_COALESCED);
	vpit_ticked(&pit, 1, IRQ_MASKED);
	assert_int_equal(pit.lost, VPIT_MAX_LOST_MASKED + 100);
	pit.lost = 0;

	/* masked while the guest handles the one before: noted, so not owed */
	vpit_ticked(&pit, 2, IRQ_LATCHED);
	assert_int_equal(pit.lost, 1);
	vpit_repaid(&pit, IRQ_LATCHED);
	assert_int_equal(pit.lost, 0);

	/* bounded */
	for (int i = 0; i < 5; i++)
		vpit_ticked(&pit, 600, 0);
	assert_int_equal(pit.lost, VPIT_MAX_LOST);
	vpit_ticked(&pit, ~0u, 0);
	assert_int_equal(pit.lost, VPIT_MAX_LOST);
	assert_int_equal(vpit_expire(&pit, at(START + 1193ULL * 100000000)), VPIT_MAX_LOST);

	/* a new programme starts without debts */
	program(0, 2, 1193);
	assert_false(vpit_owes_tick(&pit));

	pit.reinject = false;
	vpit_ticked(&pit, 5, 0);
	assert_false(vpit_owes_tick(&pit));
}

static void test_legacy_off(void **state)
{
	program(0, 2, 1193);
	pit.legacy_off = true;
	assert_int_equal(vpit_next_irq_ns(&pit), VPIT_NEVER);
	assert_int_equal(vpit_expire(&pit, at(START + 10000)), 0);
}

static void test_state(void **state)
{
	struct myhv_pit_state s, again, bad;

	program(0, 2, 1000);
	vpit_write(&pit, 0x40, 0xd0, at(START + 500)); /* reload waits */
	vpit_write(&pit, 0x40, 0x07, at(START + 500));
	vpit_write(&pit, 0x61, 3, at(START));
	program(2, 0, 5000);
	vpit_write(&pit, 0x61, 2, at(START + 600)); /* held */
	vpit_write(&pit, 0x43, 0x80, at(START + 600));
	vpit_write(&pit, 0x43, 0x71, at(START + 600)); /* channel 1: mode 0, BCD */
	vpit_write(&pit, 0x41, 0x42, at(START + 600));
	vpit_write(&pit, 0x43, 0xe4, at(START + 600));
	vpit_get_state(&pit, at(START + 700), &s);
	assert_int_equal(s.channel[0].count, 2000);
	assert_int_equal(s.channel[0].cycle_count, 1000);
	assert_int_equal(s.channel[2].held_ticks, 600);
	assert_int_equal(s.flags, MYHV_PIT_SPEAKER_DATA_ON);
	assert_int_equal(s.channel[2].count_latched, VPIT_RW_WORD_LOW);
	assert_int_equal(s.channel[2].rw_mode, 3);
	assert_int_equal(s.channel[2].written, 1);
	assert_int_equal(s.channel[1].bcd, 1);
	assert_int_equal(s.channel[1].stopped, 1);
	assert_int_equal(s.channel[1].written, 0);
	assert_int_equal(s.channel[1].write_latch, 0x42);
	assert_int_equal(s.channel[1].write_state, VPIT_RW_WORD_HIGH);
	assert_int_equal(s.channel[1].status_latched, 1);
	assert_int_equal(s.channel[1].status, 0x71);
	pit.legacy_off = true;
	pit.port61 = 0;
	vpit_get_state(&pit, at(START + 700), &again);
	assert_int_equal(again.flags, MYHV_PIT_HPET_LEGACY);
	pit.legacy_off = false;
	pit.port61 = 2;

	vpit_reset(&pit, at(START + 700));
	assert_int_equal(vpit_set_state(&pit, at(START + 700), &s), 0);
	vpit_get_state(&pit, at(START + 700), &again);
	assert_memory_equal(&s, &again, sizeof(s));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1000));
	assert_int_equal(count(0, 999), 1);
	assert_int_equal(count(0, 1000), 2000);
	assert_int_equal(count(2, 2000), 4400); /* the latch */
	assert_int_equal(count(2, 2000), 4400); /* held */
	assert_int_equal(vpit_read(&pit, 0x61, at(START)) & 0x0f, 2);

	/* plain state of an older monitor: counting from the load time */
	memset(&again, 0, sizeof(again));
	for (int i = 0; i < 3; i++) {
		again.channel[i].mode = 2;
		again.channel[i].gate = i != 2;
		again.channel[i].rw_mode = 3;
		again.channel[i].count_load_time_ns = (s64)at(START);
	}
	assert_int_equal(vpit_set_state(&pit, at(START + 5), &again), 0);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 0x10000));
	assert_int_equal(vpit_expire(&pit, at(START + 6)), 0);

#define REFUSED(change)                                                           \
	do {                                                                      \
		bad = s;                                                          \
		change;                                                           \
		assert_int_equal(vpit_set_state(&pit, at(START), &bad), -EINVAL); \
	} while (0)
	REFUSED(bad.flags = 4);
	REFUSED(bad.pad = 1);
	REFUSED(bad.channel[0].count = 0x10001);
	REFUSED(bad.channel[1].cycle_count = 0x10001);
	REFUSED(bad.channel[1].mode = 6);
	REFUSED(bad.channel[1].rw_mode = 4);
	REFUSED(bad.channel[1].read_state = 5);
	REFUSED(bad.channel[1].write_state = 5);
	REFUSED(bad.channel[1].count_latched = 5);
	REFUSED(bad.channel[1].bcd = 2);
	REFUSED(bad.channel[2].gate = 2);
	REFUSED(bad.channel[2].stopped = 2);
	REFUSED(bad.channel[2].held_ticks = 0xffffffff);
	REFUSED(bad.channel[2].pad[5] = 1);
	REFUSED(bad.channel[0].gate = 0);
	REFUSED(bad.channel[0].count_load_time_ns = -1);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 0x10000));
	/* a load time in the future is now */
	s.channel[0].count_load_time_ns = 0x7fffffffffffffff;
	assert_int_equal(vpit_set_state(&pit, at(START), &s), 0);
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 1000));
}

static void test_random(void **state)
{
	struct myhv_pit_state s;
	u64 now = at(START), next;

	srandom(4);
	for (int i = 0; i < 500000; i++) {
		u16 port = random() % 5 ? (u16)(0x40 + random() % 4) : 0x61;

		now += (u64)random() >> (random() % 40);
		switch (random() % 4) {
		case 0:
			vpit_read(&pit, port, now);
			break;
		case 1:
			vpit_ticked(&pit, vpit_expire(&pit, now),
				    (enum irq_result)((int)(random() % 4) - 2));
			break;
		default:
			vpit_write(&pit, port, (u8)random(), now);
		}
		next = vpit_next_irq_ns(&pit);
		assert_true(next > at(pit.accounted) - 839);
		if (i % 64 == 0) {
			vpit_get_state(&pit, now, &s);
			assert_int_equal(vpit_set_state(&pit, now, &s), 0);
		}
	}
}

static void test_reprogramming(void **state)
{
	/* a control word drops latches and what a gate has held */
	program(2, 0, 100);
	vpit_write(&pit, 0x43, 0x80, at(START));
	vpit_write(&pit, 0x43, 0xe8, at(START));
	vpit_write(&pit, 0x43, 0xb0, at(START));
	assert_int_equal(pit.channel[2].count_latched, VPIT_RW_NONE);
	assert_false(pit.channel[2].status_latched);
	gate2(true, START);
	program(2, 0, 100);
	gate2(false, START + 60);
	vpit_write(&pit, 0x43, 0xb0, at(START + 100));
	assert_int_equal(pit.channel[2].held, 0);
	program(2, 0, 100);
	assert_int_equal(count(2, 1000), 100);

	/* ticks before a new programme are not its own */
	program(0, 2, 1193);
	vpit_write(&pit, 0x43, 0x34, at(START + 50000));
	vpit_write(&pit, 0x40, (u8)1193, at(START + 50000));
	vpit_write(&pit, 0x40, 1193 >> 8, at(START + 50000));
	assert_int_equal(vpit_expire(&pit, at(START + 51193)), 1);

	/* a reload that nobody looked at for many cycles */
	vpit_write(&pit, 0x40, (u8)2386, at(START + 51200));
	vpit_write(&pit, 0x40, 2386 >> 8, at(START + 51200));
	assert_int_equal(count(0, 62386), 2386 - (62386 - 52386) % 2386);
	assert_int_equal(vpit_expire(&pit, at(START + 62386)), 5);
	/* the highest count in BCD */
	vpit_write(&pit, 0x43, 0x35, at(START));
	vpit_write(&pit, 0x40, 0x99, at(START));
	vpit_write(&pit, 0x40, 0x99, at(START));
	assert_int_equal(vpit_next_irq_ns(&pit), at(START + 9999));

	/* reset forgets it all */
	pit.lost = 5;
	pit.legacy_off = true;
	vpit_reset(&pit, at(START));
	assert_int_equal(pit.lost, 0);
	assert_false(pit.legacy_off);
	assert_int_equal(pit.min_period_ns, 200000);
	assert_true(pit.reinject);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reset),	       T(test_mode0),	    T(test_mode0_gate),
		T(test_mode1),	       T(test_mode2),	    T(test_mode2_gate),
		T(test_mode3),	       T(test_mode4),	    T(test_mode5),
		T(test_bcd),	       T(test_byte_access), T(test_latch),
		T(test_read_back),     T(test_port61),	    T(test_storm_is_slowed_down),
		T(test_lost_ticks),    T(test_legacy_off),  T(test_state),
		T(test_reprogramming), T(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
