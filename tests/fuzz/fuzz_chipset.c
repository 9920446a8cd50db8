// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any sequence of accesses to the board's devices by a guest that writes what
 * it likes into its memory: PCI configuration with a function that has BARs of every kind, PAM,
 * power management, fw_cfg with DMA, the keyboard controller, legacy DMA, the clock, a flash chip.
 * Nothing outside the guest's memory is touched, no BAR appears where it may not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev/fw_cfg.h"
#include "dev/i440fx.h"
#include "dev/i8042.h"
#include "dev/isa_dma.h"
#include "dev/pci_host.h"
#include "dev/pflash.h"
#include "dev/piix3.h"
#include "dev/piix4_pm.h"
#include "dev/reset_ports.h"
#include "dev/rtc.h"

#define RAM_BYTES (2U << 20)
#define FLASH_GPA 0xffff0000U
#define FLASH_BYTES 0x4000U

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* What the input is made of. */
struct step {
	uint8_t kind;
	uint8_t size;
	uint16_t where;
	uint32_t value;
} __attribute__((packed));

static struct bus pio, mmio;
static struct guest_ram ram;
static struct pci_bus pci;
static struct pci_host host;
static struct i440fx bridge;
static struct piix3 isa;
static struct piix4_pm pm;
static struct acpi_pm *acpi;
static struct reset_ports reset_ports;
static struct isa_dma dma;
static struct i8042 *kbc;
static struct rtc *rtc;
static struct fw_cfg *cfg;
static struct pflash flash;
static struct pci_function toy;
static struct region toy_io, toy_mem;
static struct irq_line line[4];
static struct power power;
static uint8_t rom[0x20000] __attribute__((aligned(4096)));

static int64_t now_ns = 1700000000LL * NS_PER_SECOND;

static int64_t fake_now(struct timer *timer)
{
	return now_ns;
}

static void fake_arm(struct timer *timer, int64_t at_ns)
{
	require(at_ns >= 0);
}

static struct timer rtc_timer = { .now = fake_now, .arm = fake_arm };
static struct timer pm_timer = { .now = fake_now, .arm = fake_arm };

static uint64_t toy_read(void *dev, uint64_t offset, unsigned int size)
{
	const struct region *region = dev;

	require(offset + size <= region->bytes);
	return 0;
}

static void toy_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	toy_read(dev, offset, size);
}

static void plug_toy(struct error *err)
{
	toy_io = (struct region){
		.name = "io", .read = toy_read, .write = toy_write, .dev = &toy_io, .max_access = 4
	};
	toy_mem = toy_io;
	toy_mem.dev = &toy_mem;
	toy.name = "toy";
	pci_identify(&toy, 0x1234, 0x5678, 0x010000);
	toy.config[PCI_INTERRUPT_PIN] = 1;
	toy.bar[0] = (struct pci_bar){ .type = PCI_BAR_IO, .bytes = 32, .region = &toy_io };
	toy.bar[1] = (struct pci_bar){ .type = PCI_BAR_MEM, .bytes = 4096, .region = &toy_mem };
	toy.bar[2] = (struct pci_bar){
		.type = PCI_BAR_RAM, .bytes = 4096, .host = rom, .is_64bit = true
	};
	toy.rom = (struct pci_bar){ .type = PCI_BAR_RAM, .bytes = 4096, .host = rom };
	require(pci_bus_add(&pci, 3, 0, &toy, err) == 0);
}

static void plug_flash(struct error *err)
{
	int fd = memfd_create("flash", 0);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(ftruncate(fd, FLASH_BYTES) == 0);
	require(pflash_open(&flash, path, false, err) == 0);
	require(pflash_plug(&flash, &mmio, -1, FLASH_GPA, err) == 0);
}

static void make_board(void)
{
	struct error err;

	bus_init(&pio, "port");
	bus_init(&mmio, "mmio");
	for (int i = 0; i < 4; i++)
		irq_line_init(&line[i], -1, i);
	require(guest_ram_create(&ram, RAM_BYTES, &err) == 0);
	pci_bus_init(&pci, &pio, &mmio, -1);
	reset_ports_init(&reset_ports, &power);
	pci_host_init(&host, &pci, &reset_ports.reset_control);
	isa_dma_init(&dma);
	acpi = acpi_pm_create(&line[0], &pm_timer, &power);
	rtc = rtc_create(&line[1], &rtc_timer);
	kbc = i8042_create(&line[2], &line[3], &power);
	cfg = fw_cfg_create(&ram);
	require(fw_cfg_add_file(cfg, "etc/file", "contents", 8) == 0);
	require(i440fx_init(&bridge, &pci, &ram, &power, rom, sizeof(rom), &err) == 0);
	require(piix3_init(&isa, &pci, &err) == 0);
	require(piix4_pm_init(&pm, &pci, acpi, &err) == 0);
	plug_toy(&err);
	require(bus_attach(&pio, PCI_HOST_PORT, PCI_HOST_PORTS, &host.region) == 0);
	require(bus_attach(&pio, 0x70, 2, rtc_region(rtc)) == 0);
	require(bus_attach(&pio, 0x60, 5, i8042_region(kbc)) == 0);
	require(bus_attach(&pio, FW_CFG_PORT, FW_CFG_PORTS, fw_cfg_region(cfg)) == 0);
	require(bus_attach(&pio, 0x00, 16, &dma.chip[0].region) == 0);
	require(bus_attach(&pio, 0xc0, 32, &dma.chip[1].region) == 0);
	plug_flash(&err);
}

static void reset_board(void)
{
	pci_host_reset(&host);
	pci_bus_reset(&pci);
	piix4_pm_reset(&pm);
	isa_dma_reset(&dma);
	i8042_reset(kbc);
	rtc_reset(rtc);
	fw_cfg_reset(cfg);
	pflash_reset(&flash);
	reset_ports_reset(&reset_ports);
}

static uint16_t port_of(uint16_t where)
{
	static const uint16_t bases[] = { 0xcf8, 0xcf8, 0x510, 0x60,   0x70,  0x00,
					  0xc0,	 0xb2,	0x600, 0xafe0, 0x700, 0xc000 };

	return bases[where % 12] + (where >> 8 & 0x1f);
}

static uint64_t gpa_of(uint16_t where)
{
	static const uint32_t bases[] = { PAM_GPA, FLASH_GPA, 0xfebf0000, 0x80000000 };

	return bases[where % 4] + (uint64_t)(where >> 2) * 17 % PAM_BYTES;
}

static void check_board(void)
{
	uint64_t end = toy.bar[0].base + toy.bar[0].bytes;

	require(!toy.bar[0].mapped || (toy.bar[0].base && end <= 0x10000));
	require(!toy.bar[1].mapped || toy.bar[1].base + 4096 <= UINT32_MAX + 1ULL);
	for (int i = 0; i < PCI_PIRQS; i++)
		require(pci.pirq_users[i] <= 2);
}

static void run_step(const struct step *step)
{
	unsigned int size = 1U << step->size % 3;
	const struct input_sink *input = i8042_input(kbc);

	switch (step->kind % 10) {
	case 0:
		bus_read(&pio, port_of(step->where), size);
		break;
	case 1:
	case 2:
		bus_write(&pio, port_of(step->where), size, step->value);
		break;
	case 3:
		bus_read(&mmio, gpa_of(step->where), 1U << step->size % 4);
		break;
	case 4:
		bus_write(&mmio, gpa_of(step->where), 1U << step->size % 4,
			  step->value * 0x100000001ULL);
		break;
	case 5:
		pci_config_write(&pci, step->where >> 11 & 3, step->where >> 8 & 3,
				 step->where & 0xff & ~(size - 1), size, step->value);
		break;
	case 6:
		memcpy(ram.host + (step->where & 0xfff0), &step->value, sizeof(step->value));
		break;
	case 7:
		input->key(input->dev, step->where, step->value & 1);
		input->mouse(input->dev, step->value, step->where, step->size, step->value);
		break;
	case 8:
		pci_function_irq(&toy, step->value & 1);
		now_ns += step->value;
		rtc_timer.expired(rtc_timer.dev);
		pm_timer.expired(pm_timer.dev);
		break;
	case 9:
		if (step->where == 0)
			reset_board();
		break;
	}
	power_take(&power);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static bool is_made;
	struct step step;

	if (!is_made)
		make_board();
	is_made = true;
	reset_board();
	for (; bytes >= sizeof(step); data += sizeof(step), bytes -= sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		run_step(&step);
	}
	check_board();
	return 0;
}
