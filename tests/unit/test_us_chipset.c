// SPDX-License-Identifier: GPL-2.0-or-later
/* i440FX with its attribute map, PIIX3, PIIX4 power management, legacy DMA, debug port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dev/debug_port.h"
#include "dev/i440fx.h"
#include "dev/isa_dma.h"
#include "dev/piix3.h"
#include "dev/piix4_pm.h"

static struct bus pio, mmio;
static struct pci_bus pci;
static struct guest_ram ram;
static struct power power;
static struct i440fx bridge;
static struct piix3 isa;
static struct piix4_pm pm;
static struct acpi_pm *acpi;
static struct irq_line sci;
static struct error err;
static uint8_t rom[0x20000];

static int64_t fake_now(struct timer *timer)
{
	return 1000;
}

static void fake_arm(struct timer *timer, int64_t at_ns)
{
}

static struct timer timer = { .now = fake_now, .arm = fake_arm };

static int set_up(void **state)
{
	bus_init(&pio, "port");
	bus_init(&mmio, "mmio");
	pci_bus_init(&pci, &pio, &mmio, -1);
	power = (struct power){ .request = POWER_NONE };
	memset(rom, 0xaa, sizeof(rom));
	irq_line_init(&sci, -1, 9);
	acpi = acpi_pm_create(&sci, &timer, &power);
	assert_int_equal(guest_ram_create(&ram, 2 << 20, &err), 0);
	assert_int_equal(i440fx_init(&bridge, &pci, &ram, &power, rom, sizeof(rom), &err), 0);
	assert_int_equal(piix3_init(&isa, &pci, &err), 0);
	assert_int_equal(piix4_pm_init(&pm, &pci, acpi, &err), 0);
	pci_bus_reset(&pci);
	piix4_pm_reset(&pm);
	return 0;
}

static int tear_down(void **state)
{
	acpi_pm_destroy(acpi);
	guest_ram_destroy(&ram);
	pci_bus_destroy(&pci);
	bus_destroy(&pio);
	bus_destroy(&mmio);
	return 0;
}

static void put(unsigned int device, unsigned int function, unsigned int offset, unsigned int size,
		uint32_t value)
{
	pci_config_write(&pci, device, function, offset, size, value);
}

static uint32_t get(unsigned int device, unsigned int function, unsigned int offset,
		    unsigned int size)
{
	return pci_config_read(&pci, device, function, offset, size);
}

static uint8_t *at(uint64_t gpa)
{
	return guest_ram_ptr(&ram, gpa, 1);
}

/* ---- the attribute map ---- */

static void test_segments_cover_the_range(void **state)
{
	uint64_t next = PAM_GPA;

	for (unsigned int i = 0; i < PAM_SEGMENTS; i++) {
		assert_true(pam_segment(i).gpa == next);
		next += pam_segment(i).bytes;
	}
	assert_true(next == PAM_GPA + PAM_BYTES);
}

/*
 * With -1 for the VM nothing is mapped, so every access comes to the region: it must show
 * what the mapping would show.
 */
static void test_four_states(void **state)
{
	*at(0xf1234) = 0x11;
	/* after reset: ROM, and writes go nowhere */
	assert_int_equal(bus_read(&mmio, 0xf1234, 1), 0xaa);
	bus_write(&mmio, 0xf1234, 1, 0x22);
	assert_int_equal(*at(0xf1234), 0x11);
	assert_int_equal(rom[0x11234], 0xaa);
	/* read ROM, write RAM */
	put(0, 0, 0x59, 1, 0x20);
	assert_int_equal(bridge.pam.state[12], PAM_WRITE_RAM);
	bus_write(&mmio, 0xf1234, 4, 0x44332233);
	assert_int_equal(*at(0xf1234), 0x33);
	assert_int_equal(*at(0xf1237), 0x44);
	assert_int_equal(bus_read(&mmio, 0xf1234, 1), 0xaa);
	/* read RAM, write nowhere */
	put(0, 0, 0x59, 1, 0x10);
	assert_int_equal(bus_read(&mmio, 0xf1234, 1), 0x33);
	bus_write(&mmio, 0xf1234, 1, 0x44);
	assert_int_equal(*at(0xf1234), 0x33);
	/* RAM */
	put(0, 0, 0x59, 1, 0x30);
	assert_int_equal(bus_read(&mmio, 0xf1234, 1), 0x33);
	/* and a reset shows ROM again */
	pci_bus_reset(&pci);
	assert_int_equal(bus_read(&mmio, 0xf1234, 1), 0xaa);
	assert_int_equal(get(0, 0, 0x59, 1), 0);
	assert_int_equal(power_pending(&power), POWER_NONE);
}

static void test_registers_to_segments(void **state)
{
	static const struct {
		unsigned int offset;
		uint8_t value;
		unsigned int segment;
	} cases[] = {
		{ 0x5a, 0x01, 0 }, { 0x5a, 0x10, 1 }, { 0x5b, 0x01, 2 },  { 0x5c, 0x10, 5 },
		{ 0x5d, 0x01, 6 }, { 0x5e, 0x01, 8 }, { 0x5f, 0x10, 11 }, { 0x59, 0x10, 12 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(0, 0, cases[i].offset, 1, cases[i].value);
		for (unsigned int s = 0; s < PAM_SEGMENTS; s++)
			assert_int_equal(bridge.pam.state[s], s == cases[i].segment);
		put(0, 0, cases[i].offset, 1, 0);
	}
	/* a write of a dword that only ends in PAM0 */
	put(0, 0, 0x58, 4, 0x33333000);
	assert_int_equal(bridge.pam.state[12], 3);
	assert_int_equal(bridge.pam.state[3], 3);
	assert_int_equal(bridge.pam.state[4], 0);
}

/* Below the ROM's 128 KiB there is nothing to read until RAM is switched on. */
static void test_without_rom(void **state)
{
	*at(0xc8000) = 0x55;
	assert_int_equal(bus_read(&mmio, 0xc8000, 2), 0xffff);
	assert_int_equal(bus_read(&mmio, 0xdffff, 1), 0xff);
	assert_int_equal(bus_read(&mmio, 0xe0000, 1), 0xaa);
	put(0, 0, 0x5c, 1, 0x02); /* 0xc8000..0xcbfff: write RAM */
	put(0, 0, 0x5c, 1, 0x22);
	i440fx_open_ram(&bridge);
	assert_int_equal(bus_read(&mmio, 0xc8000, 1), 0x55);
	for (unsigned int s = 0; s < PAM_SEGMENTS; s++)
		assert_int_equal(bridge.pam.state[s], 3);
}

/* ---- interrupt routing ---- */

static void test_pirq_routing(void **state)
{
	assert_int_equal(get(1, 0, 0x60, 4), 0x80808080);
	assert_int_equal(piix3_route(&isa, 0), -1);
	put(1, 0, 0x60, 4, 0x0b0b0a0a);
	assert_int_equal(piix3_route(&isa, 0), 10);
	assert_int_equal(piix3_route(&isa, 3), 11);

	pci.router.set(pci.router.context, 0, true);
	assert_true(isa.irq[10].asserted);
	pci.router.set(pci.router.context, 1, true);
	pci.router.set(pci.router.context, 0, false);
	assert_true(isa.irq[10].asserted);
	assert_false(isa.irq[11].asserted);
	/* a wire that is asserted moves with its route */
	put(1, 0, 0x61, 1, 0x05);
	assert_false(isa.irq[10].asserted);
	assert_true(isa.irq[5].asserted);
	put(1, 0, 0x61, 1, 0x85);
	assert_false(isa.irq[5].asserted);
	/* what belongs to the board cannot be taken */
	put(1, 0, 0x61, 1, 0x00);
	put(1, 0, 0x61, 1, 0x08);
	put(1, 0, 0x61, 1, 0x0d);
	for (unsigned int i = 0; i < PIIX3_ISA_IRQS; i++)
		assert_false(isa.irq[i].asserted);
	/* reserved bits */
	put(1, 0, 0x62, 1, 0xff);
	assert_int_equal(get(1, 0, 0x62, 1), 0x8f);
}

/* ---- power management ---- */

static void test_pm_base(void **state)
{
	assert_int_equal(get(1, 3, 0x5b, 1), 0x02);
	assert_int_equal(get(1, 3, 0x40, 4), 1);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0xffff);
	put(1, 3, 0x40, 4, 0x601);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0xffff);
	put(1, 3, 0x80, 1, 1);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0);
	assert_int_equal(pm.pm_base, 0x600);
	put(1, 3, 0x40, 4, 0xb001);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0xffff);
	assert_int_equal(bus_read(&pio, 0xb004, 2), 0);
	assert_int_equal(get(1, 3, 0x40, 4), 0xb001);
	put(1, 3, 0x5b, 1, 0);
	assert_int_equal(get(1, 3, 0x5b, 1), 0x02);

	pci_bus_reset(&pci);
	assert_int_equal(pm.pm_base, 0);
	assert_int_equal(bus_read(&pio, 0xb004, 2), 0xffff);

	piix4_pm_set_up(&pm);
	assert_int_equal(bus_read(&pio, 0x604, 2), 1);
}

static void test_acpi_mode(void **state)
{
	piix4_pm_set_up(&pm);
	bus_write(&pio, 0xb2, 1, 0xf0);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0);
	bus_write(&pio, 0xb2, 1, 0x12);
	bus_write(&pio, 0xb3, 1, 0x34);
	assert_int_equal(bus_read(&pio, 0xb2, 2), 0x3412);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0);
	bus_write(&pio, 0xb2, 1, 0xf1);
	assert_int_equal(bus_read(&pio, 0x604, 2), 1);
	piix4_pm_reset(&pm);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0);
}

static void test_gpe_and_smbus(void **state)
{
	bus_write(&pio, PIIX4_GPE_PORT + 2, 2, 0x1234);
	assert_int_equal(bus_read(&pio, PIIX4_GPE_PORT, 4), 0x12340000);
	bus_write(&pio, PIIX4_GPE_PORT, 2, 0xffff);
	assert_int_equal(bus_read(&pio, PIIX4_GPE_PORT, 4), 0x12340000);

	put(1, 3, 0x90, 4, 0x701);
	put(1, 3, 0xd2, 1, 9);
	assert_int_equal(bus_read(&pio, 0x700, 1), 0);
	bus_write(&pio, 0x702, 1, 0x48); /* start: nobody answers */
	assert_int_equal(bus_read(&pio, 0x700, 1), 0x04);
	assert_int_equal(bus_read(&pio, 0x702, 1), 0x08);
	bus_write(&pio, 0x700, 1, 0x04);
	assert_int_equal(bus_read(&pio, 0x700, 1), 0);
	put(1, 3, 0xd2, 1, 8);
	assert_int_equal(bus_read(&pio, 0x700, 1), 0xff);
}

/* Firmware may put the ports where others are: nothing breaks. */
static void test_pm_base_on_a_taken_place(void **state)
{
	put(1, 3, 0x80, 1, 1);
	put(1, 3, 0x40, 4, PIIX4_GPE_PORT & 0xffc0);
	put(1, 3, 0x40, 4, 0x601);
	assert_int_equal(bus_read(&pio, 0x604, 2), 0);
	bus_write(&pio, PIIX4_GPE_PORT + 2, 1, 0x55);
	assert_int_equal(bus_read(&pio, PIIX4_GPE_PORT + 2, 1), 0x55);
}

/* ---- the rest ---- */

static void test_isa_dma(void **state)
{
	struct isa_dma dma;

	isa_dma_init(&dma);
	assert_int_equal(bus_attach(&pio, ISA_DMA_PORT_LOW, 16, &dma.chip[0].region), 0);
	assert_int_equal(bus_attach(&pio, ISA_DMA_PORT_HIGH, 32, &dma.chip[1].region), 0);
	assert_int_equal(bus_attach(&pio, ISA_DMA_PORT_PAGES, ISA_DMA_PAGES, &dma.pages), 0);
	assert_int_equal(bus_read(&pio, 0x0f, 1), 0x0f);
	bus_write(&pio, 0x0a, 1, 2);
	assert_int_equal(bus_read(&pio, 0x0f, 1), 0x0b);
	bus_write(&pio, 0x04, 1, 0x34);
	bus_write(&pio, 0x04, 1, 0x12);
	bus_write(&pio, 0x0c, 1, 0);
	assert_int_equal(bus_read(&pio, 0x04, 1), 0x34);
	assert_int_equal(bus_read(&pio, 0x04, 1), 0x12);
	bus_write(&pio, 0xd4, 1, 0);
	assert_int_equal(bus_read(&pio, 0xde, 1), 0x0e);
	bus_write(&pio, 0xda, 1, 0);
	assert_int_equal(bus_read(&pio, 0xde, 1), 0x0f);
	assert_int_equal(bus_read(&pio, 0x08, 1), 0);
	bus_write(&pio, 0x8f, 1, 0x77);
	assert_int_equal(bus_read(&pio, 0x8f, 1), 0x77);
}

static char said[64];

static size_t hear(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	strncat(said, (const char *)data, bytes);
	return bytes;
}

static void test_debug_port(void **state)
{
	struct chardev out = { .write = hear };
	struct debug_port port;

	debug_port_init(&port, &out);
	assert_int_equal(bus_attach(&pio, DEBUG_PORT_FIRMWARE, 1, &port.firmware), 0);
	assert_int_equal(bus_read(&pio, 0x402, 1), 0xe9);
	said[0] = 0;
	bus_write(&pio, 0x402, 1, 'h');
	bus_write(&pio, 0x402, 1, 'i');
	assert_string_equal(said, "hi");
	/* into the log: lines of any length and any bytes */
	bus_detach(&pio, &port.firmware);
	debug_port_init(&port, NULL);
	assert_int_equal(bus_attach(&pio, DEBUG_PORT_FIRMWARE, 1, &port.firmware), 0);
	for (int i = 0; i < 1000; i++)
		bus_write(&pio, 0x402, 1, i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_segments_cover_the_range),
		TEST(test_four_states),
		TEST(test_registers_to_segments),
		TEST(test_without_rom),
		TEST(test_pirq_routing),
		TEST(test_pm_base),
		TEST(test_acpi_mode),
		TEST(test_gpe_and_smbus),
		TEST(test_pm_base_on_a_taken_place),
		TEST(test_isa_dma),
		TEST(test_debug_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
