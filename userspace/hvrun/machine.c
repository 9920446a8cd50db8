// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's parts list, in the order in which they are put together. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/long_mode.h"
#include "log.h"
#include "machine.h"

#define GSI_COM1 4
#define GSI_RTC 8
#define GSI_SCI 9

#define PORT_COM1 0x3f8
#define PORT_KBC 0x60 /* data; 0x64 status; 0x61 between them is the PIT's, in the kernel */
#define PORT_RTC 0x70
#define PORT_PM 0x600

#define IOAPIC_GPA 0xfec00000U

#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ON_WRITE_BACK 0x806

/* ---- the kernel's part ---- */

static int open_device(int *sys, struct error *err)
{
	*sys = myhv_open(NULL);
	switch (*sys) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return error_set(err, "there is no " MYHV_DEVICE ": the module is not loaded; try "
				      "'modprobe myhv' or 'insmod myhv.ko' as root");
	case -EACCES:
	case -EPERM:
		return error_set(err, "no permission for " MYHV_DEVICE ": run as root, or join "
				      "the group that owns it (see 'ls -l " MYHV_DEVICE "')");
	case -ENOSYS:
		return error_set(err, "the loaded module speaks another version of the API than "
				      "this hvrun: reload it");
	}
	if (*sys < 0)
		return error_set(err, "cannot open " MYHV_DEVICE ": %s", strerror(-*sys));
	return 0;
}

static int create_vm(struct machine *machine, struct error *err)
{
	if (open_device(&machine->sys, err) < 0)
		return -1;

	machine->vm = myhv_vm_create(machine->sys, MYHV_IRQCHIP_FULL, MYHV_VM_PIT,
				     machine->options->name);
	if (machine->vm == -EBUSY)
		return error_set(
			err, "another hypervisor (KVM?) holds the CPU's virtualization: end "
			     "its VMs, or unload kvm_amd or kvm_intel; the kernel log says more");
	if (machine->vm < 0)
		return error_set(err, "cannot create a VM: %s", strerror(-machine->vm));
	return 0;
}

/* ---- devices ---- */

static int attach(struct machine *machine, uint64_t base, uint64_t ports, struct region *region,
		  struct error *err)
{
	int r = bus_attach(&machine->pio, base, ports, region);

	if (r < 0)
		return error_set(err, "cannot attach %s at port %#x: %s", region->name,
				 (unsigned int)base, strerror(-r));
	return 0;
}

static int create_devices(struct machine *machine, struct error *err)
{
	irq_line_init(&machine->com1_irq, machine->vm, GSI_COM1);
	irq_line_init(&machine->rtc_irq, machine->vm, GSI_RTC);
	irq_line_init(&machine->sci, machine->vm, GSI_SCI);

	machine->com1_chardev =
		chardev_open(machine->options->serial, &machine->loop, &machine->power, err);
	if (!machine->com1_chardev ||
	    loop_timer_init(&machine->rtc_timer, &machine->loop, CLOCK_REALTIME, err) < 0 ||
	    loop_timer_init(&machine->pm_timer, &machine->loop, CLOCK_MONOTONIC, err) < 0)
		return -1;

	machine->com1 = uart_create(&machine->com1_irq, machine->com1_chardev);
	machine->rtc = rtc_create(&machine->rtc_irq, &machine->rtc_timer.timer);
	machine->kbc = i8042_create(&machine->power);
	machine->pm = acpi_pm_create(&machine->sci, &machine->pm_timer.timer, &machine->power);
	reset_ports_init(&machine->reset_ports, &machine->power);
	pci_bus_init(&machine->pci, &machine->pio, &machine->mmio, machine->vm);
	pci_host_init(&machine->pci_host, &machine->pci, &machine->reset_ports.reset_control);
	if (!machine->com1 || !machine->rtc || !machine->kbc || !machine->pm)
		return error_set(err, "out of memory");
	return i440fx_init(&machine->host_bridge, &machine->pci, err);
}

static int attach_devices(struct machine *machine, struct error *err)
{
	struct reset_ports *ports = &machine->reset_ports;

	if (attach(machine, PORT_COM1, 8, uart_region(machine->com1), err) < 0 ||
	    attach(machine, PORT_RTC, 2, rtc_region(machine->rtc), err) < 0 ||
	    attach(machine, PORT_KBC, 5, i8042_region(machine->kbc), err) < 0 ||
	    attach(machine, PORT_PM, ACPI_PM_PORTS, acpi_pm_region(machine->pm), err) < 0 ||
	    attach(machine, RESET_PORT_A, 1, &ports->port_a, err) < 0 ||
	    attach(machine, PCI_HOST_PORT, PCI_HOST_PORTS, &machine->pci_host.region, err) < 0 ||
	    attach(machine, RESET_PORT_POST, 1, &ports->post, err) < 0)
		return -1;
	return 0;
}

static void reset_devices(struct machine *machine)
{
	uart_reset(machine->com1);
	rtc_reset(machine->rtc);
	i8042_reset(machine->kbc);
	acpi_pm_reset(machine->pm);
	reset_ports_reset(&machine->reset_ports);
	pci_host_reset(&machine->pci_host);
	pci_bus_reset(&machine->pci);
}

/* ---- what a guest is entered with ---- */

/*
 * What firmware leaves on every processor: MTRRs on, all memory write-back. Without them
 * Linux makes no use of the PAT (SDM "MTRR Initialization").
 */
static int set_memory_types(struct machine *machine, struct error *err)
{
	const struct myhv_msr def_type = {
		.index = MSR_MTRR_DEF_TYPE,
		.value = MTRR_ON_WRITE_BACK,
	};

	for (unsigned int i = 0; i < machine->vcpus.count; i++)
		if (myhv_vcpu_msrs_set(&machine->vcpus.vcpu[i].hv, &def_type, 1) != 1)
			return error_set(err, "cannot set the memory types of processor %u", i);
	return 0;
}

/* The kernel into memory, the boot processor to its entry. */
static int load_guest(struct machine *machine, struct error *err)
{
	const struct acpi_config acpi = {
		.cpus = machine->options->cpus,
		.ioapic_gpa = IOAPIC_GPA,
		.pm_port = PORT_PM,
		.sci_gsi = GSI_SCI,
	};
	struct myhv_vcpu_state state;
	struct linux_entry entry;
	uint64_t rsdp_gpa = 0;
	int r;

	if (acpi_build(&machine->ram, &acpi, &rsdp_gpa, err) < 0 ||
	    linux_load(&machine->image, &machine->ram, machine->options->append, rsdp_gpa, &entry,
		       err) < 0 ||
	    set_memory_types(machine, err) < 0)
		return -1;

	long_mode_prepare(&machine->ram);
	state.control = machine->power_on.cpu[0].control;
	long_mode_enter(&state, &entry);
	r = myhv_vcpu_state_set(&machine->vcpus.vcpu[0].hv, LONG_MODE_GROUPS, &state);
	if (r < 0)
		return error_set(err, "cannot set the registers for the kernel's entry: %s",
				 strerror(-r));
	return 0;
}

static void power_wake(void *context)
{
	event_loop_wake(context);
}

int machine_create(struct machine *machine, const struct options *options, struct error *err)
{
	memset(machine, 0, sizeof(*machine));
	machine->options = options;
	machine->sys = -1;
	machine->vm = -1;
	machine->image.kernel_fd = -1;
	machine->image.initrd_fd = -1;
	machine->loop.wake_fd = -1;
	machine->power.wake = power_wake;
	machine->power.context = &machine->loop;
	run_control_init(&machine->run, power_wake, &machine->loop);
	bus_init(&machine->pio, "port");
	bus_init(&machine->mmio, "mmio");
	machine->vcpus.pio = &machine->pio;
	machine->vcpus.mmio = &machine->mmio;
	machine->vcpus.power = &machine->power;
	machine->vcpus.ram = &machine->ram;

	if (event_loop_init(&machine->loop, err) < 0 ||
	    linux_open(&machine->image, options->kernel, options->initrd, err) < 0 ||
	    create_vm(machine, err) < 0 ||
	    guest_ram_create(&machine->ram, options->ram_bytes, err) < 0 ||
	    guest_ram_map(&machine->ram, machine->vm, err) < 0 ||
	    vcpus_create(&machine->vcpus, machine->sys, machine->vm, options->cpus, err) < 0 ||
	    power_on_save(&machine->power_on, machine->sys, machine->vm, &machine->vcpus, err) <
		    0 ||
	    load_guest(machine, err) < 0 || create_devices(machine, err) < 0 ||
	    attach_devices(machine, err) < 0 || vcpus_start(&machine->vcpus, err) < 0)
		return -1;
	return 0;
}

static int machine_reset(struct machine *machine, struct error *err)
{
	vcpus_pause(&machine->vcpus);
	reset_devices(machine);
	if (power_on_restore(&machine->power_on, machine->vm, &machine->vcpus, err) < 0 ||
	    load_guest(machine, err) < 0)
		return -1;
	/* requests that came while the vCPUs stopped belong to the time before */
	power_take(&machine->power);
	if (run_is_on(&machine->run))
		vcpus_resume(&machine->vcpus);
	return 0;
}

int machine_run(struct machine *machine, struct error *err)
{
	const bool no_reboot = machine->options->no_reboot;

	run_state_act(&machine->run, &machine->vcpus);
	if (run_is_on(&machine->run))
		vcpus_resume(&machine->vcpus);
	for (;;) {
		run_state_act(&machine->run, &machine->vcpus);
		switch (power_pending(&machine->power)) {
		case POWER_NONE:
			event_loop_wait(&machine->loop);
			continue;
		case POWER_RESET:
			if (no_reboot)
				return MACHINE_RESET;
			break;
		case POWER_RESET_CRASH:
			if (no_reboot)
				return MACHINE_CRASHED;
			break;
		case POWER_OFF:
		case POWER_QUIT:
			return MACHINE_OFF;
		case POWER_BROKEN:
			return MACHINE_CRASHED;
		}
		if (machine_reset(machine, err) < 0)
			return -1;
	}
}

void machine_destroy(struct machine *machine)
{
	/* a thread that is stuck would use what is freed here; the process ends anyway */
	if (vcpus_stop(&machine->vcpus) < 0)
		return;

	vcpus_destroy(&machine->vcpus);
	power_on_free(&machine->power_on);
	if (machine->vm >= 0)
		close(machine->vm);
	if (machine->sys >= 0)
		close(machine->sys);
	acpi_pm_destroy(machine->pm);
	i8042_destroy(machine->kbc);
	rtc_destroy(machine->rtc);
	uart_destroy(machine->com1);
	if (machine->com1_chardev)
		machine->com1_chardev->destroy(machine->com1_chardev);
	if (machine->rtc_timer.source.loop)
		loop_timer_destroy(&machine->rtc_timer);
	if (machine->pm_timer.source.loop)
		loop_timer_destroy(&machine->pm_timer);
	guest_ram_destroy(&machine->ram);
	linux_close(&machine->image);
	bus_destroy(&machine->pio);
	bus_destroy(&machine->mmio);
	run_control_destroy(&machine->run);
	if (machine->loop.wake_fd >= 0)
		event_loop_destroy(&machine->loop);
}
