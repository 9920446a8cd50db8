// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All of hvrun's devices on one bus, under random accesses by a guest and random
 * events from outside: nothing may be read out of bounds, overflow, or hang.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dev/acpi_pm.h"
#include "dev/i440fx.h"
#include "dev/i8042.h"
#include "dev/pci_host.h"
#include "dev/reset_ports.h"
#include "dev/rtc.h"
#include "dev/uart.h"

#define ROUNDS 100000

static int64_t now_ns = 1700000000LL * NS_PER_SECOND;

static int64_t fake_now(struct timer *timer)
{
	return now_ns;
}

static void fake_arm(struct timer *timer, int64_t at_ns)
{
	assert_true(at_ns >= 0);
}

static size_t fickle_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	return random() % 4 ? bytes : 0;
}

static void no_input_wanted(struct chardev *chardev)
{
}

static void feed(struct chardev *chardev)
{
	const uint8_t data[16] = "0123456789abcdef";
	size_t room = chardev->front->room(chardev->front_dev);

	assert_true(room <= sizeof(data));
	if (room)
		chardev->front->receive(chardev->front_dev, data, 1 + random() % room);
	if (random() % 8 == 0)
		chardev->front->receive_break(chardev->front_dev);
	chardev->front->writable(chardev->front_dev);
}

static void test_random_accesses(void **state)
{
	static const uint16_t ports[] = { 0x3f8, 0x70, 0x60, 0x600, 0x92, 0xcf8, 0x80 };
	struct chardev chardev = { .write = fickle_write, .input_wanted = no_input_wanted };
	struct timer rtc_timer = { .now = fake_now, .arm = fake_arm };
	struct timer pm_timer = { .now = fake_now, .arm = fake_arm };
	struct power power = { .request = POWER_NONE };
	struct reset_ports reset_ports;
	struct pci_host pci_host;
	struct pci_bus pci;
	struct i440fx bridge;
	struct guest_ram ram;
	static uint8_t rom[0x20000];
	struct error err;
	struct irq_line irq[5];
	struct bus bus;

	for (int i = 0; i < 5; i++)
		irq_line_init(&irq[i], -1, i);
	bus_init(&bus, "test");
	struct uart *uart = uart_create(&irq[0], &chardev);
	struct rtc *rtc = rtc_create(&irq[1], &rtc_timer);
	struct acpi_pm *pm = acpi_pm_create(&irq[2], &pm_timer, &power);
	struct i8042 *kbc = i8042_create(&irq[3], &irq[4], &power);

	reset_ports_init(&reset_ports, &power);
	pci_bus_init(&pci, &bus, &bus, -1);
	pci_host_init(&pci_host, &pci, &reset_ports.reset_control);
	assert_int_equal(guest_ram_create(&ram, 2 << 20, &err), 0);
	assert_int_equal(i440fx_init(&bridge, &pci, &ram, &power, rom, sizeof(rom), &err), 0);
	assert_int_equal(bus_attach(&bus, 0x3f8, 8, uart_region(uart)), 0);
	assert_int_equal(bus_attach(&bus, 0x70, 2, rtc_region(rtc)), 0);
	assert_int_equal(bus_attach(&bus, 0x600, ACPI_PM_PORTS, acpi_pm_region(pm)), 0);
	assert_int_equal(bus_attach(&bus, 0x60, 5, i8042_region(kbc)), 0);
	assert_int_equal(bus_attach(&bus, 0x92, 1, &reset_ports.port_a), 0);
	assert_int_equal(bus_attach(&bus, PCI_HOST_PORT, PCI_HOST_PORTS, &pci_host.region), 0);
	assert_int_equal(bus_attach(&bus, 0x80, 1, &reset_ports.post), 0);

	srandom(20240229);
	for (int i = 0; i < ROUNDS; i++) {
		uint16_t port = ports[random() % 7] + random() % 13;
		unsigned int size = 1 << random() % 3;

		if (random() % 2)
			bus_write(&bus, port, size, random());
		else
			assert_true(bus_read(&bus, port, size) <= (~0ULL >> (64 - 8 * size)));
		switch (random() % 16) {
		case 0:
			feed(&chardev);
			break;
		case 1:
			now_ns += random() % 3000000000LL;
			rtc_timer.expired(rtc_timer.dev);
			pm_timer.expired(pm_timer.dev);
			break;
		case 2:
			now_ns -= random() % 1000000;
			break;
		case 3:
			uart_reset(uart);
			rtc_reset(rtc);
			acpi_pm_reset(pm);
			i8042_reset(kbc);
			reset_ports_reset(&reset_ports);
			break;
		}
		power_take(&power);
	}
	uart_destroy(uart);
	rtc_destroy(rtc);
	acpi_pm_destroy(pm);
	i8042_destroy(kbc);
	guest_ram_destroy(&ram);
	bus_destroy(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
