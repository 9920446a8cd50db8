/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board: memory, vCPUs, devices, and what happens at reset and at the end. */
#ifndef HVRUN_MACHINE_H
#define HVRUN_MACHINE_H

#include "backend/chardev.h"
#include "boot/acpi.h"
#include "boot/firmware.h"
#include "boot/linux.h"
#include "bus.h"
#include "dev/acpi_pm.h"
#include "dev/debug_port.h"
#include "dev/fw_cfg.h"
#include "dev/i440fx.h"
#include "dev/i8042.h"
#include "dev/isa_dma.h"
#include "dev/pci_host.h"
#include "dev/piix3.h"
#include "dev/piix_ide.h"
#include "dev/piix4_pm.h"
#include "dev/reset_ports.h"
#include "dev/rtc.h"
#include "dev/uart.h"
#include "dev/vga.h"
#include "drives.h"
#include "event_loop.h"
#include "front_end.h"
#include "guest_ram.h"
#include "irq_line.h"
#include "options.h"
#include "power.h"
#include "power_on_state.h"
#include "run_state.h"
#include "vcpu.h"

/* hvrun's exit status */
enum machine_end {
	MACHINE_OFF = 0,     /* by the guest, or by the user's Ctrl-A x */
	MACHINE_FAILED = 1,  /* hvrun or the kernel */
	MACHINE_RESET = 2,   /* with -no-reboot */
	MACHINE_CRASHED = 3, /* triple fault with -no-reboot; an instruction we cannot run */
};

#define MACHINE_SCI_GSI 9
#define MACHINE_IOAPIC_GPA 0xfec00000U

/** struct serial_port - COM1, COM2 */
struct serial_port {
	struct irq_line irq;
	struct chardev *chardev;
	struct uart *uart;
};

/** struct machine - one VM; main thread's, but for what its parts say themselves */
struct machine {
	const struct options *options;
	struct event_loop loop;
	struct power power;
	struct run_control run;
	struct guest_ram ram;
	struct linux_image image; /* -kernel */
	struct firmware firmware; /* without -kernel */

	int sys;
	int vm;
	struct bus pio;
	struct bus mmio;
	struct vcpus vcpus;
	struct power_on_state power_on;

	struct irq_line rtc_irq;
	struct irq_line keyboard_irq;
	struct irq_line mouse_irq;
	struct irq_line sci;
	struct loop_timer rtc_timer;
	struct loop_timer pm_timer;
	struct chardev *debug_chardev;
	struct serial_port serial[OPTIONS_SERIALS];
	struct rtc *rtc;
	struct i8042 *kbc;
	struct acpi_pm *pm;
	struct reset_ports reset_ports;
	struct pci_bus pci;
	struct pci_host pci_host;
	struct i440fx host_bridge;
	struct piix3 isa_bridge;
	struct piix_ide ide;
	struct drives drives;
	struct piix4_pm power_management;
	struct isa_dma isa_dma;
	struct debug_port debug_port;
	struct fw_cfg *fw_cfg;
	struct acpi *acpi;
	struct vga *vga; /* NULL: -vga none */
	struct front_end front;
};

/** machine_create() - everything up to the guest's first instruction */
int machine_create(struct machine *machine, const struct options *options, struct error *err);

/** machine_run() - run until the end; enum machine_end, or -1 with @err */
int machine_run(struct machine *machine, struct error *err);

/** machine_destroy() - of a machine that was created, or in part */
void machine_destroy(struct machine *machine);

#endif /* HVRUN_MACHINE_H */
