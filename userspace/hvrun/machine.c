// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of a machine: made, run, reset, ended. The devices are in board.c. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boot/cmos.h"
#include "boot/direct.h"
#include "log.h"
#include "machine.h"

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

/* Firmware starts where a reset puts the boot processor, and finds everything else itself. */
static int load_guest(struct machine *machine, struct error *err)
{
	return machine->options->kernel ? direct_boot(machine, err) : 0;
}

static int open_images(struct machine *machine, struct error *err)
{
	const struct options *options = machine->options;

	if (drives_open(&machine->drives, &options->drives, &machine->run, err) < 0)
		return -1;
	if (options->kernel)
		return linux_open(&machine->image, options->kernel, options->initrd, err);
	return firmware_open(&machine->firmware, options->bios, &options->drives, err);
}

static int map_memory(struct machine *machine, struct error *err)
{
	if (guest_ram_create(&machine->ram, machine->options->ram_bytes, err) < 0 ||
	    guest_ram_map(&machine->ram, machine->vm, err) < 0)
		return -1;
	return firmware_map(&machine->firmware, &machine->mmio, machine->vm, err);
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

	if (event_loop_init(&machine->loop, err) < 0 || open_images(machine, err) < 0 ||
	    create_vm(machine, err) < 0 || map_memory(machine, err) < 0 ||
	    vcpus_create(&machine->vcpus, machine->sys, machine->vm, options->cpus, &options->cpu,
			 err) < 0 ||
	    power_on_save(&machine->power_on, machine->sys, machine->vm, &machine->vcpus, err) <
		    0 ||
	    board_create(machine, err) < 0 || front_end_create(machine, err) < 0 ||
	    load_guest(machine, err) < 0 || vcpus_start(&machine->vcpus, err) < 0)
		return -1;
	return 0;
}

static int machine_reset(struct machine *machine, struct error *err)
{
	vcpus_pause(&machine->vcpus);
	board_reset(machine);
	cmos_set_boot_order(machine->rtc, machine->options->boot_order);
	if (power_on_restore(&machine->power_on, machine->vm, &machine->vcpus, err) < 0 ||
	    load_guest(machine, err) < 0)
		return -1;
	/* requests that came while the vCPUs stopped belong to the time before */
	power_take(&machine->power);
	if (run_is_on(&machine->run))
		vcpus_resume(&machine->vcpus);
	return 0;
}

/* -no-shutdown: the guest has switched off, and whoever controls us may want to look. */
static void stay_off(struct machine *machine)
{
	control_tell_end(&machine->front.control, POWER_OFF);
	run_state_stop(&machine->run, RUN_SHUTDOWN);
	run_state_act(&machine->run, &machine->vcpus);
	power_take(&machine->power);
}

static int run(struct machine *machine, struct error *err)
{
	const bool no_reboot = machine->options->no_reboot;

	front_end_wait(machine);
	if (machine->options->stopped)
		run_state_stop(&machine->run, RUN_PRELAUNCH);
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
			if (!machine->options->no_shutdown)
				return MACHINE_OFF;
			stay_off(machine);
			continue;
		case POWER_QUIT:
			return MACHINE_OFF;
		case POWER_BROKEN:
			return MACHINE_CRASHED;
		}
		control_tell_reset(&machine->front.control, power_pending(&machine->power));
		run_state_reset(&machine->run);
		if (machine_reset(machine, err) < 0)
			return -1;
	}
}

int machine_run(struct machine *machine, struct error *err)
{
	int end = run(machine, err);

	control_tell_end(&machine->front.control, power_pending(&machine->power));
	return end;
}

void machine_destroy(struct machine *machine)
{
	front_end_close_displays(machine);
	/* a thread that is stuck would use what is freed here; the process ends anyway */
	if (vcpus_stop(&machine->vcpus) < 0)
		return;

	vcpus_destroy(&machine->vcpus);
	power_on_free(&machine->power_on);
	if (machine->vm >= 0)
		close(machine->vm);
	if (machine->sys >= 0)
		close(machine->sys);
	front_end_destroy(machine);
	board_destroy(machine);
	drives_close(&machine->drives);
	guest_ram_destroy(&machine->ram);
	linux_close(&machine->image);
	firmware_close(&machine->firmware);
	bus_destroy(&machine->pio);
	bus_destroy(&machine->mmio);
	run_control_destroy(&machine->run);
	if (machine->loop.wake_fd >= 0)
		event_loop_destroy(&machine->loop);
}
