// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI bus of hvrun: configuration ports, BARs, capabilities, interrupt wires, reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dev/i440fx.h"
#include "dev/pci_assign.h"
#include "dev/pci_host.h"
#include "myhv.h"

static struct bus pio, mmio;
static struct pci_bus pci;
static struct pci_host host;
static struct i440fx bridge;
static struct guest_ram guest;
static struct power power;
static struct region cf9;
static uint8_t cf9_byte;
static struct error err;
static bool wire[PCI_PIRQS];
static unsigned int wire_changes;

static uint64_t cf9_read(void *dev, uint64_t offset, unsigned int size)
{
	return cf9_byte;
}

static void cf9_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	cf9_byte = value;
}

static void wire_set(void *context, unsigned int pirq, bool asserted)
{
	assert_true(pirq < PCI_PIRQS);
	assert_true(wire[pirq] != asserted);
	wire[pirq] = asserted;
	wire_changes++;
}

static uint64_t tag_read(void *dev, uint64_t offset, unsigned int size)
{
	return *(uint8_t *)dev + offset;
}

static void tag_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	*(uint8_t *)dev = value - offset;
}

/* A function with one BAR of each kind. */
struct toy {
	struct pci_function pci;
	struct region io, mem;
	uint8_t io_tag, mem_tag;
	unsigned int written;
	unsigned int last_offset, last_size;
};

static uint8_t ram[3 * 4096] __attribute__((aligned(4096)));

static void toy_written(struct pci_function *f, unsigned int offset, unsigned int size)
{
	struct toy *toy = (struct toy *)f;

	toy->written++;
	toy->last_offset = offset;
	toy->last_size = size;
}

static struct region toy_region(const char *name, uint8_t *tag, unsigned int max_access)
{
	return (struct region){
		.name = name,
		.read = tag_read,
		.write = tag_write,
		.dev = tag,
		.max_access = max_access,
	};
}

static void toy_init(struct toy *toy, uint8_t pin)
{
	memset(toy, 0, sizeof(*toy));
	toy->io = toy_region("toy-io", &toy->io_tag, 4);
	toy->mem = toy_region("toy-mem", &toy->mem_tag, 8);
	toy->io_tag = 0x10;
	toy->mem_tag = 0x20;
	toy->pci.name = "toy";
	pci_identify(&toy->pci, 0x1234, 0x5678, 0x010203);
	toy->pci.config[PCI_INTERRUPT_PIN] = pin;
	toy->pci.bar[0] = (struct pci_bar){ .type = PCI_BAR_IO, .bytes = 32, .region = &toy->io };
	toy->pci.bar[1] =
		(struct pci_bar){ .type = PCI_BAR_MEM, .bytes = 4096, .region = &toy->mem };
	toy->pci.bar[2] = (struct pci_bar){ .type = PCI_BAR_RAM,
					    .bytes = 8192,
					    .host = ram,
					    .prefetchable = true,
					    .is_64bit = true };
	toy->pci.rom = (struct pci_bar){
		.type = PCI_BAR_RAM, .bytes = 4096, .host = ram, .mem_flags = MYHV_MEM_READONLY
	};
	toy->pci.written = toy_written;
}

static struct toy toy;

static int set_up(void **state)
{
	cf9 = (struct region){
		.name = "cf9", .read = cf9_read, .write = cf9_write, .max_access = 1
	};
	bus_init(&pio, "port");
	bus_init(&mmio, "mmio");
	pci_bus_init(&pci, &pio, &mmio, -1);
	pci.router.set = wire_set;
	memset(wire, 0, sizeof(wire));
	wire_changes = 0;
	pci_host_init(&host, &pci, &cf9);
	assert_int_equal(bus_attach(&pio, PCI_HOST_PORT, PCI_HOST_PORTS, &host.region), 0);
	assert_int_equal(guest_ram_create(&guest, 2 << 20, &err), 0);
	assert_int_equal(i440fx_init(&bridge, &pci, &guest, &power, NULL, 0, &err), 0);
	toy_init(&toy, 1);
	assert_int_equal(pci_bus_add(&pci, 3, 0, &toy.pci, &err), 0);
	return 0;
}

static int tear_down(void **state)
{
	guest_ram_destroy(&guest);
	pci_bus_destroy(&pci);
	bus_destroy(&pio);
	bus_destroy(&mmio);
	return 0;
}

static void select_function(unsigned int device, unsigned int function, unsigned int offset)
{
	bus_write(&pio, 0xcf8, 4, 0x80000000U | device << 11 | function << 8 | (offset & 0xfc));
}

static uint32_t get(unsigned int device, unsigned int offset, unsigned int size)
{
	select_function(device, 0, offset);
	return bus_read(&pio, 0xcfc + offset % 4, size);
}

static void put(unsigned int device, unsigned int offset, unsigned int size, uint32_t value)
{
	select_function(device, 0, offset);
	bus_write(&pio, 0xcfc + offset % 4, size, value);
}

static void test_ports(void **state)
{
	assert_int_equal(get(0, 0, 4), 0x12378086);
	assert_int_equal(get(0, 0x2c, 4), 0x11001af4);
	assert_int_equal(get(0, 0x0a, 2), 0x0600);
	assert_int_equal(get(3, 2, 2), 0x5678);
	assert_int_equal(get(3, 8, 4), 0x01020300);
	/* nobody there: other devices, functions and buses, and without the enable bit */
	assert_int_equal(get(4, 0, 4), 0xffffffff);
	assert_int_equal(get(4, 3, 1), 0xff);
	bus_write(&pio, 0xcf8, 4, 0x80000000U | 1 << 16);
	assert_int_equal(bus_read(&pio, 0xcfc, 4), 0xffffffff);
	bus_write(&pio, 0xcf8, 4, 0x80000100U);
	assert_int_equal(bus_read(&pio, 0xcfc, 4), 0xffffffff);
	bus_write(&pio, 0xcf8, 4, 0);
	assert_int_equal(bus_read(&pio, 0xcfc, 4), 0xffffffff);
	bus_write(&pio, 0xcfc, 4, 0);

	/* the address: whole double words only, low bits and reserved ones read as 0 */
	bus_write(&pio, 0xcf8, 4, 0xffffffff);
	assert_int_equal(bus_read(&pio, 0xcf8, 4), 0x80fffffc);
	bus_write(&pio, 0xcf8, 1, 0x12);
	bus_write(&pio, 0xcf8, 2, 0x1234);
	assert_int_equal(bus_read(&pio, 0xcf8, 4), 0x80fffffc);

	/* a byte in between is the reset control register */
	bus_write(&pio, 0xcf9, 1, 0x0e);
	assert_int_equal(cf9_byte, 0x0e);
	assert_int_equal(bus_read(&pio, 0xcf9, 1), 0x0e);
	assert_int_equal(bus_read(&pio, 0xcf8, 4), 0x80fffffc);

	pci_host_reset(&host);
	assert_int_equal(bus_read(&pio, 0xcf8, 4), 0);
}

static void test_masks(void **state)
{
	toy.pci.config[0x50] = 0xff;
	toy.pci.writable[0x51] = 0x0f;
	toy.pci.write_clear[0x50] = 0x81;

	put(3, 0, 4, 0);
	assert_int_equal(get(3, 0, 4), 0x56781234);
	put(3, 0x50, 4, 0xffffffff);
	assert_int_equal(get(3, 0x50, 4), 0x00000f7e);
	assert_int_equal(toy.last_offset, 0x50);
	assert_int_equal(toy.last_size, 4);
	put(3, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(get(3, PCI_COMMAND, 2), 0x0547);
	put(3, PCI_INTERRUPT_LINE, 2, 0x0a0b);
	assert_int_equal(get(3, PCI_INTERRUPT_LINE, 2), 0x010b);
	/* status: fast back-to-back and medium timing cannot be cleared */
	put(3, PCI_STATUS, 2, 0xffff);
	assert_int_equal(get(3, PCI_STATUS, 2), 0x0280);
	/* a write into the upper half of a register goes there alone */
	put(3, PCI_BAR0 + 2, 2, 0xabcd);
	assert_int_equal(get(3, PCI_BAR0, 4), 0xabcd0001);
}

static void test_bar_sizes(void **state)
{
	for (unsigned int i = 0; i < 6; i++)
		put(3, PCI_BAR0 + 4 * i, 4, 0xffffffff);
	put(3, PCI_ROM_BAR, 4, 0xfffff800);
	assert_int_equal(get(3, 0x10, 4), 0xffffffe1);
	assert_int_equal(get(3, 0x14, 4), 0xfffff000);
	assert_int_equal(get(3, 0x18, 4), 0xffffe00c);
	assert_int_equal(get(3, 0x1c, 4), 0xffffffff);
	assert_int_equal(get(3, 0x20, 4), 0);
	assert_int_equal(get(3, 0x24, 4), 0);
	assert_int_equal(get(3, 0x30, 4), 0xfffff000);
}

static void test_bars_follow_the_registers(void **state)
{
	uint64_t gpa;

	put(3, 0x10, 4, 0xc000);
	put(3, 0x14, 4, 0xfebf0000);
	assert_int_equal(bus_read(&pio, 0xc000, 1), 0xff);
	put(3, PCI_COMMAND, 2, PCI_COMMAND_IO);
	assert_int_equal(bus_read(&pio, 0xc003, 1), 0x13);
	assert_int_equal(bus_read(&pio, 0xc01f, 1), 0x2f);
	assert_int_equal(bus_read(&pio, 0xc020, 1), 0xff);
	assert_int_equal(bus_read(&mmio, 0xfebf0000, 1), 0xff);
	put(3, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	assert_int_equal(bus_read(&mmio, 0xfebf0004, 1), 0x24);
	assert_int_equal(bus_read(&mmio, 0xfebf0ffc, 4), 0xffc + 0x20);

	/* moving: the old place is free at once */
	put(3, 0x10, 4, 0xd000);
	assert_int_equal(bus_read(&pio, 0xc000, 1), 0xff);
	assert_int_equal(bus_read(&pio, 0xd000, 1), 0x10);
	put(3, 0x12, 1, 0x01); /* above 64 KiB there are no ports */
	assert_int_equal(bus_read(&pio, 0xd000, 1), 0xff);
	put(3, 0x12, 1, 0x00);
	assert_int_equal(bus_read(&pio, 0xd000, 1), 0x10);

	/* no place: 0, and the value that asks for the size */
	put(3, 0x14, 4, 0xffffffff);
	assert_false(pci_bar_gpa(&toy.pci, 1, &gpa));
	put(3, 0x14, 4, 0);
	assert_false(pci_bar_gpa(&toy.pci, 1, &gpa));
	put(3, 0x14, 4, 0xe0000000);
	assert_true(pci_bar_gpa(&toy.pci, 1, &gpa));
	assert_true(gpa == 0xe0000000);

	/* 64 bits wide */
	put(3, 0x18, 4, 0xf0000000);
	assert_true(pci_bar_gpa(&toy.pci, 2, &gpa));
	assert_true(gpa == 0xf0000000);
	put(3, 0x1c, 4, 0x12);
	assert_true(pci_bar_gpa(&toy.pci, 2, &gpa));
	assert_true(gpa == 0x12f0000000);
	put(3, 0x1c, 4, 0xffffffff);
	put(3, 0x18, 4, 0xffffffff);
	assert_false(pci_bar_gpa(&toy.pci, 2, &gpa));

	/* the ROM has a switch of its own */
	put(3, PCI_ROM_BAR, 4, 0xfe000000);
	assert_false(toy.pci.rom.mapped);
	put(3, PCI_ROM_BAR, 4, 0xfe000001);
	assert_true(toy.pci.rom.mapped);
	put(3, PCI_COMMAND, 2, 0);
	assert_false(toy.pci.rom.mapped);
	assert_false(toy.pci.bar[0].mapped);
	assert_int_equal(bus_read(&mmio, 0xe0000000, 1), 0xff);
}

/* Two BARs on one place: the first keeps it, the second gets it when it is free. */
static void test_overlap(void **state)
{
	static struct toy other;

	toy_init(&other, 0);
	other.io_tag = 0x70;
	assert_int_equal(pci_bus_add(&pci, 4, 0, &other.pci, &err), 0);
	put(3, 0x10, 4, 0xc000);
	put(3, PCI_COMMAND, 2, PCI_COMMAND_IO);
	put(4, 0x10, 4, 0xc000);
	put(4, PCI_COMMAND, 2, PCI_COMMAND_IO);
	assert_int_equal(bus_read(&pio, 0xc000, 1), 0x10);
	put(3, 0x10, 4, 0xc100);
	assert_int_equal(bus_read(&pio, 0xc000, 1), 0x70);
	assert_int_equal(bus_read(&pio, 0xc100, 1), 0x10);
}

static void test_interrupt_wires(void **state)
{
	static struct toy other;

	/* device 3, INTA: PIRQC; device 5, INTC: the same wire */
	toy_init(&other, 3);
	assert_int_equal(pci_bus_add(&pci, 5, 0, &other.pci, &err), 0);
	assert_int_equal(pci_slot_pirq(1, 1), 0);
	assert_int_equal(pci_slot_pirq(3, 1), 2);
	assert_int_equal(pci_slot_pirq(5, 3), 2);
	assert_int_equal(pci_slot_pirq(31, 4), 1);

	pci_function_irq(&toy.pci, true);
	assert_true(wire[2]);
	assert_int_equal(get(3, PCI_STATUS, 2) & PCI_STATUS_INTX, PCI_STATUS_INTX);
	pci_function_irq(&toy.pci, true);
	pci_function_irq(&other.pci, true);
	assert_int_equal(wire_changes, 1);
	pci_function_irq(&toy.pci, false);
	assert_true(wire[2]);
	pci_function_irq(&other.pci, false);
	assert_false(wire[2]);
	assert_int_equal(wire_changes, 2);
	assert_int_equal(get(3, PCI_STATUS, 2) & PCI_STATUS_INTX, 0);

	/* switched off by the command register, the status still tells */
	pci_function_irq(&toy.pci, true);
	put(3, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
	assert_false(wire[2]);
	assert_int_equal(get(3, PCI_STATUS, 2) & PCI_STATUS_INTX, PCI_STATUS_INTX);
	put(3, PCI_COMMAND, 2, 0);
	assert_true(wire[2]);
	pci_bus_reset(&pci);
	assert_false(wire[2]);
	assert_int_equal(pci.pirq_users[2], 0);
}

static void test_bus_master(void **state)
{
	assert_false(pci_function_is_bus_master(&toy.pci));
	put(3, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_true(pci_function_is_bus_master(&toy.pci));
}

static void test_reset(void **state)
{
	put(3, 0x10, 4, 0xc000);
	put(3, PCI_COMMAND, 2, PCI_COMMAND_IO);
	put(3, PCI_INTERRUPT_LINE, 1, 9);
	pci_bus_reset(&pci);
	assert_int_equal(toy.last_size, PCI_CONFIG_BYTES);
	assert_int_equal(get(3, 0x10, 4), 1);
	assert_int_equal(get(3, PCI_COMMAND, 2), 0);
	assert_int_equal(get(3, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(bus_read(&pio, 0xc000, 1), 0xff);
	assert_int_equal(get(0, PCI_COMMAND, 2), 0x0006);
}

static void test_capabilities(void **state)
{
	struct toy with;

	toy_init(&with, 0);
	assert_int_equal(pci_add_capability(&with.pci, 0x05, 14), 0x40);
	assert_int_equal(pci_add_capability(&with.pci, 0x11, 12), 0x50);
	assert_int_equal(with.pci.config[PCI_CAPABILITIES], 0x50);
	assert_int_equal(with.pci.config[0x50], 0x11);
	assert_int_equal(with.pci.config[0x51], 0x40);
	assert_int_equal(with.pci.config[0x41], 0);
	assert_true(with.pci.config[PCI_STATUS] & PCI_STATUS_CAPABILITIES);
	assert_int_equal(pci_add_capability(&with.pci, 0x09, 0xa5), -1);
	assert_int_equal(pci_add_capability(&with.pci, 0x09, 0xa4), 0x5c);
	assert_int_equal(pci_add_capability(&with.pci, 0x09, 2), -1);
}

static void test_functions_of_a_device(void **state)
{
	static struct toy second;

	toy_init(&second, 0);
	assert_int_equal(get(3, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(pci_bus_add(&pci, 3, 1, &second.pci, &err), 0);
	assert_int_equal(get(3, PCI_HEADER_TYPE, 1), PCI_HEADER_MULTIFUNCTION);
	pci_bus_reset(&pci);
	assert_int_equal(get(3, PCI_HEADER_TYPE, 1), PCI_HEADER_MULTIFUNCTION);
	select_function(3, 1, 0);
	assert_int_equal(bus_read(&pio, 0xcfc, 4), 0x56781234);
	assert_int_equal(pci_bus_free_device(&pci, 0), 1);
	assert_int_equal(pci_bus_free_device(&pci, 3), 4);
	assert_int_equal(pci_bus_free_device(&pci, 32), -1);
}

/* What firmware would do. */
static void test_assign(void **state)
{
	static struct toy second;
	struct pci_window window = {
		.port = 0xc000,
		.gpa = 0x80000000,
		.end_gpa = 0xfec00000,
		.pirq = { 10, 10, 11, 11 },
	};
	uint64_t gpa;

	toy_init(&second, 0);
	assert_int_equal(pci_bus_add(&pci, 4, 0, &second.pci, &err), 0);
	assert_int_equal(pci_assign(&pci, &window, &err), 0);
	/* the large ones first, each on its boundary */
	assert_true(pci_bar_gpa(&toy.pci, 2, &gpa) && gpa == 0x80000000);
	assert_true(pci_bar_gpa(&second.pci, 2, &gpa) && gpa == 0x80002000);
	assert_true(pci_bar_gpa(&toy.pci, 1, &gpa) && gpa == 0x80004000);
	assert_true(pci_bar_gpa(&second.pci, 1, &gpa) && gpa == 0x80005000);
	assert_true(pci_bar_gpa(&toy.pci, 0, &gpa) && gpa == 0xc000);
	assert_true(pci_bar_gpa(&second.pci, 0, &gpa) && gpa == 0xc020);
	assert_false(toy.pci.rom.mapped);
	assert_int_equal(bus_read(&pio, 0xc021, 1), 0x11);
	/* device 3, INTA: PIRQC */
	assert_int_equal(get(3, PCI_INTERRUPT_LINE, 1), 11);
	assert_int_equal(get(4, PCI_INTERRUPT_LINE, 1), 0);
	assert_int_equal(get(3, PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	/* again after a reset: the same */
	pci_bus_reset(&pci);
	assert_int_equal(pci_assign(&pci, &window, &err), 0);
	assert_true(pci_bar_gpa(&second.pci, 1, &gpa) && gpa == 0x80005000);

	pci_bus_reset(&pci);
	window.end_gpa = 0x80005000;
	assert_int_equal(pci_assign(&pci, &window, &err), -1);
	assert_non_null(strstr(err.text, "below 4 GiB"));
	pci_bus_reset(&pci);
	window.end_gpa = 0xfec00000;
	window.port = 0xffe0;
	assert_int_equal(pci_assign(&pci, &window, &err), -1);
	assert_non_null(strstr(err.text, "ports"));
}

static void refuse(struct toy *bad, const char *why)
{
	assert_int_equal(pci_bus_add(&pci, 9, 0, &bad->pci, &err), -1);
	assert_non_null(strstr(err.text, why));
	assert_null(pci.functions[9][0]);
	toy_init(bad, 0);
}

static void test_refusals(void **state)
{
	struct toy bad;

	toy_init(&bad, 0);
	assert_int_equal(pci_bus_add(&pci, 3, 0, &bad.pci, &err), -1);
	assert_non_null(strstr(err.text, "taken"));
	assert_int_equal(pci_bus_add(&pci, 32, 0, &bad.pci, &err), -1);
	assert_int_equal(pci_bus_add(&pci, 0, 8, &bad.pci, &err), -1);
	bad.pci.bar[0].bytes = 24;
	refuse(&bad, "BAR 0");
	bad.pci.bar[0].bytes = 512; /* an I/O BAR has 256 ports at most */
	refuse(&bad, "BAR 0");
	bad.pci.bar[1].region = NULL;
	refuse(&bad, "BAR 1");
	bad.pci.bar[2].host = ram + 1;
	refuse(&bad, "BAR 2");
	bad.pci.bar[2].bytes = 2048;
	refuse(&bad, "BAR 2");
	bad.pci.bar[3] = bad.pci.bar[1]; /* the upper half of BAR 2 is there */
	refuse(&bad, "BAR 2");
	bad.pci.rom.type = PCI_BAR_MEM;
	refuse(&bad, "ROM");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ports),	 TEST(test_masks),
		TEST(test_bar_sizes),	 TEST(test_bars_follow_the_registers),
		TEST(test_overlap),	 TEST(test_interrupt_wires),
		TEST(test_bus_master),	 TEST(test_reset),
		TEST(test_capabilities), TEST(test_functions_of_a_device),
		TEST(test_assign),	 TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
