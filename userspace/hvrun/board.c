// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's parts list: see board.h. */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "boot/cmos.h"
#include "boot/fw_files.h"
#include "log.h"

#define PCI_DEVICE_VGA 2

#define GSI_KEYBOARD 1
#define GSI_COM2 3
#define GSI_COM1 4
#define GSI_RTC 8
#define GSI_MOUSE 12

#define PORT_COM1 0x3f8
#define PORT_COM2 0x2f8
#define PORT_KBC 0x60 /* data; 0x64 status; 0x61 between them is the PIT's, in the kernel */
#define PORT_RTC 0x70

static int attach(struct machine *machine, uint64_t base, uint64_t ports, struct region *region,
		  struct error *err)
{
	int r = bus_attach(&machine->pio, base, ports, region);

	if (r < 0)
		return error_set(err, "cannot attach %s at port %#x: %s", region->name,
				 (unsigned int)base, strerror(-r));
	return 0;
}

/* ---- what is on ISA ---- */

static int create_serial(struct machine *machine, struct error *err)
{
	static const struct {
		uint16_t port;
		unsigned int gsi;
	} place[OPTIONS_SERIALS] = { { PORT_COM1, GSI_COM1 }, { PORT_COM2, GSI_COM2 } };

	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++) {
		struct serial_port *port = &machine->serial[i];

		if (!machine->options->serial[i])
			continue;
		irq_line_init(&port->irq, machine->vm, place[i].gsi);
		port->chardev = chardev_open("serial", machine->options->serial[i], &machine->loop,
					     &machine->power, err);
		if (!port->chardev)
			return -1;
		port->uart = uart_create(&port->irq, port->chardev);
		if (!port->uart)
			return error_set(err, "out of memory");
		if (attach(machine, place[i].port, 8, uart_region(port->uart), err) < 0)
			return -1;
	}
	return 0;
}

static int create_clock_and_keyboard(struct machine *machine, struct error *err)
{
	irq_line_init(&machine->rtc_irq, machine->vm, GSI_RTC);
	irq_line_init(&machine->keyboard_irq, machine->vm, GSI_KEYBOARD);
	irq_line_init(&machine->mouse_irq, machine->vm, GSI_MOUSE);
	if (loop_timer_init(&machine->rtc_timer, &machine->loop, CLOCK_REALTIME, err) < 0)
		return -1;
	machine->rtc = rtc_create(&machine->rtc_irq, &machine->rtc_timer.timer);
	machine->kbc = i8042_create(&machine->keyboard_irq, &machine->mouse_irq, &machine->power);
	if (!machine->rtc || !machine->kbc)
		return error_set(err, "out of memory");
	rtc_set_base(machine->rtc, machine->options->rtc.is_fixed, machine->options->rtc.seconds);
	cmos_fill(machine->rtc, machine->options, &machine->ram);
	if (attach(machine, PORT_RTC, 2, rtc_region(machine->rtc), err) < 0 ||
	    attach(machine, PORT_KBC, 5, i8042_region(machine->kbc), err) < 0)
		return -1;
	return 0;
}

static int create_small_ports(struct machine *machine, struct error *err)
{
	struct reset_ports *ports = &machine->reset_ports;
	struct isa_dma *dma = &machine->isa_dma;

	reset_ports_init(ports, &machine->power);
	isa_dma_init(dma);
	if (attach(machine, RESET_PORT_A, 1, &ports->port_a, err) < 0 ||
	    attach(machine, RESET_PORT_POST, 1, &ports->post, err) < 0 ||
	    attach(machine, ISA_DMA_PORT_LOW, 16, &dma->chip[0].region, err) < 0 ||
	    attach(machine, ISA_DMA_PORT_HIGH, 32, &dma->chip[1].region, err) < 0 ||
	    attach(machine, ISA_DMA_PORT_PAGES, ISA_DMA_PAGES, &dma->pages, err) < 0)
		return -1;
	return 0;
}

/* Only where somebody reads it: firmware that finds the port is slower. */
static int create_debug_port(struct machine *machine, struct error *err)
{
	const char *spec = machine->options->debugcon;
	struct debug_port *port = &machine->debug_port;

	if (!spec && !log_is_on(LOG_FIRMWARE))
		return 0;
	if (spec) {
		machine->debug_chardev =
			chardev_open("debugcon", spec, &machine->loop, &machine->power, err);
		if (!machine->debug_chardev)
			return -1;
	}
	debug_port_init(port, machine->debug_chardev);
	if (attach(machine, DEBUG_PORT_FIRMWARE, 1, &port->firmware, err) < 0)
		return -1;
	return attach(machine, DEBUG_PORT_BOCHS, 1, &port->bochs, err);
}

static int create_fw_cfg(struct machine *machine, struct error *err)
{
	machine->fw_cfg = fw_cfg_create(&machine->ram);
	machine->acpi = calloc(1, sizeof(*machine->acpi));
	if (!machine->fw_cfg || !machine->acpi)
		return error_set(err, "out of memory");
	if (fw_files_add(machine, err) < 0)
		return -1;
	return attach(machine, FW_CFG_PORT, FW_CFG_PORTS, fw_cfg_region(machine->fw_cfg), err);
}

/* ---- PCI ---- */

static int create_chipset(struct machine *machine, struct error *err)
{
	uint64_t rom_bytes;
	uint8_t *rom = firmware_low(&machine->firmware, &rom_bytes);

	pci_bus_init(&machine->pci, &machine->pio, &machine->mmio, machine->vm);
	pci_host_init(&machine->pci_host, &machine->pci, &machine->reset_ports.reset_control);
	irq_line_init(&machine->sci, machine->vm, MACHINE_SCI_GSI);
	if (attach(machine, PCI_HOST_PORT, PCI_HOST_PORTS, &machine->pci_host.region, err) < 0 ||
	    loop_timer_init(&machine->pm_timer, &machine->loop, CLOCK_MONOTONIC, err) < 0)
		return -1;
	machine->pm = acpi_pm_create(&machine->sci, &machine->pm_timer.timer, &machine->power);
	if (!machine->pm)
		return error_set(err, "out of memory");
	if (i440fx_init(&machine->host_bridge, &machine->pci, &machine->ram, &machine->power, rom,
			rom_bytes, err) < 0 ||
	    piix3_init(&machine->isa_bridge, &machine->pci, err) < 0 ||
	    piix_ide_init(&machine->ide, &machine->pci, 1, &machine->ram, &machine->drives, err) <
		    0 ||
	    piix4_pm_init(&machine->power_management, &machine->pci, machine->pm, err) < 0)
		return -1;
	return 0;
}

static int create_graphics(struct machine *machine, struct error *err)
{
	if (!machine->options->vga)
		return 0;
	/* a kernel that is booted directly has no firmware that would run the card's BIOS */
	machine->vga = vga_create(machine->options->kernel ? NULL : VGA_ROM_FILE, err);
	return machine->vga ? vga_plug(machine->vga, &machine->pci, PCI_DEVICE_VGA, err) : -1;
}

int board_create(struct machine *machine, struct error *err)
{
	if (create_serial(machine, err) < 0 || create_clock_and_keyboard(machine, err) < 0 ||
	    create_small_ports(machine, err) < 0 || create_debug_port(machine, err) < 0 ||
	    create_chipset(machine, err) < 0 || create_graphics(machine, err) < 0 ||
	    create_fw_cfg(machine, err) < 0)
		return -1;
	board_reset(machine);
	return 0;
}

void board_reset(struct machine *machine)
{
	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++)
		if (machine->serial[i].uart)
			uart_reset(machine->serial[i].uart);
	rtc_reset(machine->rtc);
	i8042_reset(machine->kbc);
	reset_ports_reset(&machine->reset_ports);
	isa_dma_reset(&machine->isa_dma);
	pci_host_reset(&machine->pci_host);
	pci_bus_reset(&machine->pci);
	if (machine->vga)
		vga_reset(machine->vga);
	piix_ide_reset(&machine->ide);
	piix4_pm_reset(&machine->power_management);
	fw_cfg_reset(machine->fw_cfg);
	firmware_reset(&machine->firmware);
}

void board_destroy(struct machine *machine)
{
	fw_cfg_destroy(machine->fw_cfg);
	free(machine->acpi);
	vga_destroy(machine->vga);
	piix_ide_destroy(&machine->ide);
	acpi_pm_destroy(machine->pm);
	i8042_destroy(machine->kbc);
	rtc_destroy(machine->rtc);
	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++) {
		uart_destroy(machine->serial[i].uart);
		if (machine->serial[i].chardev)
			machine->serial[i].chardev->destroy(machine->serial[i].chardev);
	}
	if (machine->debug_chardev)
		machine->debug_chardev->destroy(machine->debug_chardev);
	if (machine->rtc_timer.source.loop)
		loop_timer_destroy(&machine->rtc_timer);
	if (machine->pm_timer.source.loop)
		loop_timer_destroy(&machine->pm_timer);
}
