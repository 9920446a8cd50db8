// SPDX-License-Identifier: GPL-2.0-or-later
/* The real-time clock and the other devices that live by a clock or end the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/acpi_pm.h"
#include "dev/reset_ports.h"
#include "dev/rtc.h"

/* 2024-02-29 23:59:57 UTC, a Thursday */
#define LEAP_DAY 1709251197LL

static int64_t now_ns, armed_ns;
static struct irq_line irq;
static struct power power;

static int64_t fake_now(struct timer *timer)
{
	return now_ns;
}

static void fake_arm(struct timer *timer, int64_t at_ns)
{
	armed_ns = at_ns;
}

static struct timer timer = { .now = fake_now, .arm = fake_arm };
static struct rtc *rtc;

/* Let time pass, and the timer expire whenever it is due. */
static void pass(int64_t ns)
{
	int64_t end = now_ns + ns;

	while (armed_ns && armed_ns <= end) {
		now_ns = armed_ns;
		armed_ns = 0;
		timer.expired(timer.dev);
	}
	now_ns = end;
}

static uint8_t cmos(uint8_t index)
{
	rtc_region(rtc)->write(rtc, 0, 1, index);
	return rtc_region(rtc)->read(rtc, 1, 1);
}

static void cmos_set(uint8_t index, uint8_t value)
{
	rtc_region(rtc)->write(rtc, 0, 1, index);
	rtc_region(rtc)->write(rtc, 1, 1, value);
}

static int setup(void **state)
{
	now_ns = LEAP_DAY * NS_PER_SECOND;
	armed_ns = 0;
	power = (struct power){ .request = POWER_NONE };
	irq_line_init(&irq, -1, 8);
	rtc = rtc_create(&irq, &timer);
	return rtc ? 0 : -1;
}

static int teardown(void **state)
{
	rtc_destroy(rtc);
	return 0;
}

static void test_shows_the_time(void **state)
{
	assert_int_equal(cmos(0), 0x57);
	assert_int_equal(cmos(2), 0x59);
	assert_int_equal(cmos(4), 0x23);
	assert_int_equal(cmos(6), 5);
	assert_int_equal(cmos(7), 0x29);
	assert_int_equal(cmos(8), 0x02);
	assert_int_equal(cmos(9), 0x24);
	assert_int_equal(cmos(0x32), 0x20);
	assert_int_equal(cmos(0xd), 0x80);
	pass(3 * NS_PER_SECOND);
	assert_int_equal(cmos(0), 0x00);
	assert_int_equal(cmos(4), 0x00);
	assert_int_equal(cmos(6), 6);
	assert_int_equal(cmos(7), 0x01);
	assert_int_equal(cmos(8), 0x03);
	/* the index register ignores the NMI bit and cannot be read */
	assert_int_equal(cmos(0x80 | 8), 0x03);
	assert_int_equal(rtc_region(rtc)->read(rtc, 0, 1), 0xff);
}

static void test_formats(void **state)
{
	cmos_set(0xb, 0x06); /* binary, 24 hours */
	assert_int_equal(cmos(0), 57);
	assert_int_equal(cmos(4), 23);
	assert_int_equal(cmos(0x32), 20);
	cmos_set(0xb, 0x00); /* BCD, 12 hours */
	assert_int_equal(cmos(4), 0x91);
	pass(3 * NS_PER_SECOND);
	assert_int_equal(cmos(4), 0x12); /* midnight */
	pass(12 * 3600 * NS_PER_SECOND);
	assert_int_equal(cmos(4), 0x92); /* noon */
}

static void test_setting(void **state)
{
	cmos_set(0xb, 0x82); /* SET */
	cmos_set(0, 0x30);
	cmos_set(2, 0x15);
	cmos_set(4, 0x08);
	cmos_set(7, 0x31);
	cmos_set(8, 0x12);
	cmos_set(9, 0x99);
	cmos_set(0x32, 0x19);
	pass(100 * NS_PER_SECOND);
	assert_int_equal(cmos(0), 0x30); /* stands still */
	assert_int_equal(cmos(0xa) & 0x80, 0);
	cmos_set(0xb, 0x02);
	pass(NS_PER_SECOND + 1);
	assert_int_equal(cmos(0), 0x31);
	assert_int_equal(cmos(4), 0x08);
	assert_int_equal(cmos(9), 0x99);
	assert_int_equal(cmos(0x32), 0x19);
	assert_int_equal(cmos(6), 6); /* 1999-12-31 was a Friday */
	/* rubbish is survived */
	cmos_set(0xb, 0x82);
	for (int i = 0; i < 10; i++)
		cmos_set(i, 0xff);
	cmos_set(0x32, 0xff);
	cmos_set(0xb, 0x02);
	pass(NS_PER_SECOND);
	cmos(0);
}

static void test_update_in_progress(void **state)
{
	assert_int_equal(cmos(0xa) & 0x80, 0);
	pass(NS_PER_SECOND - 2000000);
	assert_int_equal(cmos(0xa) & 0x80, 0x80);
	pass(2000000);
	assert_int_equal(cmos(0xa) & 0x80, 0);
}

static void test_flags_without_interrupts(void **state)
{
	cmos(0xc);
	pass(NS_PER_SECOND / 2);
	assert_int_equal(cmos(0xc) & 0x10, 0);
	pass(NS_PER_SECOND);
	assert_int_equal(cmos(0xc) & 0x90, 0x10);
	assert_int_equal(cmos(0xc) & 0x10, 0);
	assert_int_equal(irq.raised, 0);
	assert_int_equal(armed_ns, 0);
}

static void test_uie(void **state)
{
	cmos_set(0xa, 0x20); /* no periodic rate */
	cmos_set(0xb, 0x12);
	pass(NS_PER_SECOND / 2);
	assert_false(irq.asserted);
	pass(NS_PER_SECOND / 2);
	assert_true(irq.asserted);
	/* until it is acknowledged, there is no second one */
	pass(5 * NS_PER_SECOND);
	assert_int_equal(irq.raised, 1);
	assert_int_equal(cmos(0xc) & 0xd0, 0x90);
	assert_false(irq.asserted);
	pass(NS_PER_SECOND);
	assert_int_equal(irq.raised, 2);
	rtc_reset(rtc);
	assert_false(irq.asserted);
	assert_int_equal(cmos(0xb), 0x02);
	assert_int_equal(armed_ns, 0);
}

static void test_periodic(void **state)
{
	unsigned int ticks = 0;

	cmos_set(0xa, 0x26); /* 1024 Hz */
	cmos_set(0xb, 0x42);
	for (int i = 0; i < 10000; i++) {
		pass(100000); /* 0.1 ms */
		if (irq.asserted) {
			assert_int_equal(cmos(0xc) & 0xc0, 0xc0);
			ticks++;
		}
	}
	assert_in_range(ticks, 1022, 1025);
	cmos_set(0xa, 0x20);
	cmos(0xc);
	pass(NS_PER_SECOND);
	assert_false(irq.asserted);
}

static void test_alarm(void **state)
{
	cmos_set(1, 0x05);
	cmos_set(3, 0x01);
	cmos_set(5, 0x00);
	cmos_set(0xb, 0x22);
	cmos(0xc);
	pass(60 * NS_PER_SECOND);
	assert_false(irq.asserted); /* 00:00:57 */
	pass(8 * NS_PER_SECOND);
	assert_true(irq.asserted); /* 00:01:05 */
	assert_int_equal(cmos(0xc) & 0xa0, 0xa0);
	pass(86399 * NS_PER_SECOND);
	assert_false(irq.asserted);
	pass(NS_PER_SECOND);
	assert_true(irq.asserted);
}

static void test_alarm_with_wildcards(void **state)
{
	cmos_set(1, 0x10);
	cmos_set(3, 0xff);
	cmos_set(5, 0xc0);
	cmos_set(0xb, 0x22);
	pass(14 * NS_PER_SECOND);
	assert_int_equal(irq.raised, 1);
	cmos(0xc);
	for (int i = 0; i < 60; i++) {
		pass(60 * NS_PER_SECOND);
		assert_true(irq.asserted);
		cmos(0xc);
	}
	assert_int_equal(irq.raised, 61);
	/* an alarm that never comes arms nothing */
	cmos_set(1, 0x77);
	assert_int_equal(armed_ns, 0);
}

static void test_memory(void **state)
{
	cmos_set(0x7f, 0x42);
	cmos_set(0x0f, 0x05);
	assert_int_equal(cmos(0x7f), 0x42);
	rtc_reset(rtc);
	assert_int_equal(cmos(0x0f), 0x05);
}

static void test_base(void **state)
{
	rtc_set_base(rtc, true, 86400 * 366LL); /* 1971-01-02 */
	assert_int_equal(cmos(7), 0x02);
	assert_int_equal(cmos(9), 0x71);
	assert_int_equal(cmos(0), 0x00);
	pass(5 * NS_PER_SECOND);
	assert_int_equal(cmos(0), 0x05);
	rtc_set_base(rtc, false, 3600);
	assert_int_equal(cmos(4), 0x01); /* one o'clock: the host has 00:00:02 of the next day */
}

static void test_host_clock_set_back(void **state)
{
	cmos_set(0xb, 0x12);
	now_ns -= 3600 * NS_PER_SECOND;
	timer.expired(timer.dev);
	assert_false(irq.asserted);
	assert_int_equal(cmos(4), 0x22);
	pass(2 * NS_PER_SECOND);
	assert_true(irq.asserted);
}

/* ---- ACPI ---- */

static struct acpi_pm *pm;

static int setup_pm(void **state)
{
	now_ns = 12345;
	armed_ns = 0;
	power = (struct power){ .request = POWER_NONE };
	irq_line_init(&irq, -1, 9);
	pm = acpi_pm_create(&irq, &timer, &power);
	if (!pm)
		return -1;
	acpi_pm_switch(pm, true);
	return 0;
}

static int teardown_pm(void **state)
{
	acpi_pm_destroy(pm);
	return 0;
}

static uint32_t pm_in(unsigned int offset, unsigned int size)
{
	uint64_t value = acpi_pm_region(pm)->read(pm, offset, size);

	return value & (~0ULL >> (64 - 8 * size));
}

static void pm_out(unsigned int offset, unsigned int size, uint32_t value)
{
	acpi_pm_region(pm)->write(pm, offset, size, value);
}

static void test_pm_timer(void **state)
{
	assert_int_equal(pm_in(8, 4), 0);
	pass(NS_PER_SECOND);
	assert_int_equal(pm_in(8, 4), 3579545);
	assert_int_equal(pm_in(8, 2), 3579545 & 0xffff);
	assert_int_equal(pm_in(10, 2), 3579545 >> 16);
	pass(1199 * NS_PER_SECOND);
	assert_int_equal(pm_in(8, 4), (uint32_t)(3579545ULL * 1200));
	/* a hundred years do not overflow */
	pass(100LL * 365 * 86400 * 1000000000 / 2);
	pm_in(8, 4);
}

static void test_pm_overflow_status(void **state)
{
	pass(599 * NS_PER_SECOND);
	assert_int_equal(pm_in(0, 2) & 1, 0);
	assert_int_equal(armed_ns, 0);
	pm_out(2, 2, 1); /* TMR_EN */
	assert_true(armed_ns > now_ns);
	pass(2 * NS_PER_SECOND); /* 2^31 ticks are 599.9 s */
	assert_true(irq.asserted);
	assert_int_equal(pm_in(0, 2) & 1, 1);
	pm_out(0, 2, 1);
	assert_false(irq.asserted);
	assert_int_equal(pm_in(0, 2) & 1, 0);
	assert_true(armed_ns > now_ns);
	/* the enable register takes only what exists */
	pm_out(2, 2, 0xffff);
	assert_int_equal(pm_in(2, 2), 0x0721);
	assert_int_equal(pm_in(0, 4), 0x07210000);
}

static void test_pm_control(void **state)
{
	assert_int_equal(pm_in(4, 2), 0x0001); /* SCI_EN is not the guest's */
	pm_out(4, 2, 0x0000);
	assert_int_equal(pm_in(4, 2), 0x0001);
	pm_out(4, 2, 5 << 10);
	assert_int_equal(pm_in(4, 2), 5 << 10 | 1);
	assert_int_equal(power_pending(&power), POWER_NONE);
	pm_out(4, 2, 3 << 10 | 1 << 13); /* a state that there is not */
	assert_int_equal(power_pending(&power), POWER_NONE);
	assert_int_equal(pm_in(4, 2), 3 << 10 | 1);
	acpi_pm_switch(pm, false);
	assert_int_equal(pm_in(4, 2), 3 << 10);
	pm_out(4, 2, 1);
	assert_int_equal(pm_in(4, 2), 0);
	pm_out(4, 2, ACPI_PM_S5_TYPE << 10 | 1 << 13);
	assert_int_equal(power_pending(&power), POWER_OFF);
}

static void test_pm_bytes(void **state)
{
	pm_out(4, 1, 0x02);
	pm_out(5, 1, 5 << 2);
	assert_int_equal(pm_in(4, 2), 5 << 10 | 3);
	assert_int_equal(pm_in(5, 1), 5 << 2);
	pm_out(5, 1, ACPI_PM_S5_TYPE << 2 | 1 << 5);
	assert_int_equal(power_pending(&power), POWER_OFF);
}

static void test_power_button(void **state)
{
	/* nobody listens: the press is seen, no interrupt */
	assert_false(acpi_pm_power_button(pm));
	assert_int_equal(pm_in(0, 2), 0x0100);
	assert_false(irq.asserted);
	pm_out(0, 2, 0x0100);
	pm_out(2, 2, 0x0100);
	assert_true(acpi_pm_power_button(pm));
	assert_true(irq.asserted);
	pm_out(0, 2, 0x0100);
	assert_false(irq.asserted);
	/* not in ACPI mode */
	acpi_pm_switch(pm, false);
	assert_false(acpi_pm_power_button(pm));
	assert_false(irq.asserted);
	acpi_pm_switch(pm, true);
	assert_true(irq.asserted);
	acpi_pm_reset(pm);
	assert_false(irq.asserted);
	assert_int_equal(pm_in(0, 4), 0);
}

/* ---- resets ---- */

static void test_reset_ports(void **state)
{
	struct power box = { .request = POWER_NONE };
	struct reset_ports ports;

	reset_ports_init(&ports, &box);
	/* arming is no reset, the rising edge is */
	ports.reset_control.write(&ports, 0, 1, 0x02);
	assert_int_equal(power_pending(&box), POWER_NONE);
	assert_int_equal(ports.reset_control.read(&ports, 0, 1), 0x02);
	ports.reset_control.write(&ports, 0, 1, 0x06);
	assert_int_equal(power_take(&box), POWER_RESET);

	assert_int_equal(ports.port_a.read(&ports, 0, 1), 0x02);
	ports.port_a.write(&ports, 0, 1, 0x00);
	assert_int_equal(power_pending(&box), POWER_NONE);
	ports.port_a.write(&ports, 0, 1, 0x01);
	assert_int_equal(power_take(&box), POWER_RESET);
	ports.port_a.write(&ports, 0, 1, 0x01);
	assert_int_equal(power_pending(&box), POWER_NONE);

	ports.post.write(&ports, 0, 1, 0xab);
	assert_int_equal(ports.post.read(&ports, 0, 1), 0xab);
}

static void test_requests_by_weight(void **state)
{
	struct power box = { .request = POWER_NONE };

	power_request(&box, POWER_OFF, "test");
	power_request(&box, POWER_RESET, "test");
	assert_int_equal(power_pending(&box), POWER_OFF);
	power_request(&box, POWER_BROKEN, "test");
	assert_int_equal(power_take(&box), POWER_BROKEN);
	assert_int_equal(power_pending(&box), POWER_NONE);
}

#define RTC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PM(name) cmocka_unit_test_setup_teardown(name, setup_pm, teardown_pm)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RTC(test_shows_the_time),
		RTC(test_formats),
		RTC(test_setting),
		RTC(test_update_in_progress),
		RTC(test_flags_without_interrupts),
		RTC(test_uie),
		RTC(test_periodic),
		RTC(test_alarm),
		RTC(test_alarm_with_wildcards),
		RTC(test_memory),
		RTC(test_base),
		RTC(test_host_clock_set_back),
		PM(test_pm_timer),
		PM(test_pm_overflow_status),
		PM(test_pm_control),
		PM(test_pm_bytes),
		PM(test_power_button),
		cmocka_unit_test(test_reset_ports),
		cmocka_unit_test(test_requests_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
