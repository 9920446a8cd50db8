// SPDX-License-Identifier: GPL-2.0-or-later
/* Monitors, QMP and displays of a machine: see front_end.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dev/atapi.h"
#include "display/curses.h"
#include "display/vnc.h"
#include "front_end.h"
#include "machine.h"

/* ---- drives ---- */

static json_t *describe_image(const struct block *block)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:{s:s, s:s, s:I}}", "file", block->file, "drv",
			 block->format, "ro", block->read_only, "encrypted", 0, "image", "filename",
			 block->file, "format", block->format, "virtual-size",
			 (json_int_t)block->bytes);
}

static json_t *describe_drive(const struct drive *drive)
{
	json_t *json = json_pack("{s:s, s:s, s:b, s:b}", "device", drive->name, "type", "unknown",
				 "removable", drive->is_cdrom, "locked",
				 drive->is_cdrom && atapi_is_locked(drive->ide));

	if (drive->is_cdrom)
		json_object_set_new(json, "tray_open",
				    json_boolean(atapi_tray_is_open(drive->ide)));
	if (drive->block) {
		json_object_set_new(json, "io-status",
				    json_string(drive->block->stopped ? "failed" : "ok"));
		json_object_set_new(json, "inserted", describe_image(drive->block));
	}
	return json;
}

static json_t *media_query(void *context)
{
	const struct drives *drives = context;
	json_t *list = json_array();

	for (unsigned int i = 0; i < drives->count; i++)
		json_array_append_new(list, describe_drive(&drives->drive[i]));
	return list;
}

static struct drive *find_drive(struct drives *drives, const char *name, struct error *err)
{
	struct drive *drive = drives_find(drives, name);

	if (!drive)
		error_set(err, "Device '%.80s' not found", name);
	return drive;
}

static int media_eject(void *context, const char *device, bool force, struct error *err)
{
	struct drive *drive = find_drive(context, device, err);

	return drive ? drive_eject(context, drive, force, err) : -ENODEV;
}

static int media_change(void *context, const char *device, const char *file, const char *format,
			bool force, struct error *err)
{
	struct drive *drive = find_drive(context, device, err);

	return drive ? drive_change(context, drive, file, format, force, err) : -ENODEV;
}

static int media_resize(void *context, const char *device, uint64_t bytes, struct error *err)
{
	struct drive *drive = find_drive(context, device, err);

	return drive ? drive_resize(context, drive, bytes, err) : -ENODEV;
}

/* ---- failed requests: told by the main thread ---- */

static void drive_failed(void *context, const struct block_failure *failure)
{
	struct front_end *front = context;
	uint64_t one = 1;

	pthread_mutex_lock(&front->lock);
	if (front->failures < FRONT_END_FAILURES) {
		struct io_failure *mine = &front->failure[front->failures++];

		snprintf(mine->device, sizeof(mine->device), "%s", failure->block->name);
		mine->is_read = failure->is_read;
		mine->no_space = failure->no_space;
		mine->error = failure->error;
		mine->action = failure->action;
	}
	pthread_mutex_unlock(&front->lock);
	if (write(front->failure_ready.fd, &one, sizeof(one)) < 0)
		return;
}

static const char *action_name(enum block_on_error action)
{
	switch (action) {
	case BLOCK_IGNORE:
		return "ignore";
	case BLOCK_STOP:
	case BLOCK_STOP_FULL:
		return "stop";
	case BLOCK_REPORT:
		break;
	}
	return "report";
}

static void tell_failure(struct control *control, const struct io_failure *failure)
{
	control_event(control, "BLOCK_IO_ERROR",
		      json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "device", failure->device,
				"node-name", failure->device, "operation",
				failure->is_read ? "read" : "write", "action",
				action_name(failure->action), "nospace", failure->no_space,
				"reason", strerror(failure->error)));
}

static void failures_ready(struct event_source *source, short revents)
{
	struct io_failure failure[FRONT_END_FAILURES];
	struct front_end *front = source->context;
	unsigned int count;
	uint64_t value;

	if (read(source->fd, &value, sizeof(value)) < 0)
		return;
	pthread_mutex_lock(&front->lock);
	count = front->failures;
	memcpy(failure, front->failure, sizeof(failure));
	front->failures = 0;
	pthread_mutex_unlock(&front->lock);
	for (unsigned int i = 0; i < count; i++)
		tell_failure(&front->control, &failure[i]);
}

static int listen_to_failures(struct machine *machine, struct error *err)
{
	struct front_end *front = &machine->front;

	pthread_mutex_init(&front->lock, NULL);
	front->failure_ready.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	front->failure_ready.events = POLLIN;
	front->failure_ready.ready = failures_ready;
	front->failure_ready.context = front;
	if (front->failure_ready.fd < 0)
		return error_set(err, "cannot make an eventfd: %s", strerror(errno));
	if (event_loop_add(&machine->loop, &front->failure_ready) < 0)
		return error_set(err, "too many event sources");
	machine->drives.failed_context = front;
	machine->drives.failed = drive_failed;
	return 0;
}

/* ---- lines ---- */

static struct chardev *open_line(struct machine *machine, const char *option, const char *spec,
				 struct error *err)
{
	struct front_end *front = &machine->front;
	struct chardev *line = chardev_open(option, spec, &machine->loop, &machine->power, err);

	if (line)
		front->lines[front->line_count++] = line;
	return line;
}

static int open_qmps(struct machine *machine, struct error *err)
{
	for (unsigned int i = 0; i < machine->options->qmps; i++) {
		struct chardev *line = open_line(machine, "qmp", machine->options->qmp[i], err);

		if (!line || control_add_qmp(&machine->front.control, line, err) < 0)
			return -1;
	}
	return 0;
}

static int open_monitor(struct machine *machine, struct error *err)
{
	const char *spec = machine->options->monitor;
	struct chardev *line;

	if (spec && !strcmp(spec, "none"))
		return 0;
	if (spec) {
		line = open_line(machine, "monitor", spec, err);
		if (!line || control_add_monitor(&machine->front.control, line, err) < 0)
			return -1;
	}
	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++) {
		line = machine->serial[i].chardev;
		if (line && line->attach_monitor &&
		    control_add_monitor(&machine->front.control, line, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- displays ---- */

static int set_vnc_password(void *context, const char *password, struct error *err)
{
	struct front_end *front = context;

	if (!front->vnc)
		return error_set(err, "there is no VNC display: see -vnc");
	return vnc_set_password(front->vnc, password, err);
}

static int open_displays(struct machine *machine, struct error *err)
{
	const struct options *options = machine->options;
	const struct screen *screen = machine->vga ? vga_screen(machine->vga) : NULL;
	const struct input_sink *input = i8042_input(machine->kbc);
	struct front_end *front = &machine->front;

	if (options->vnc) {
		front->vnc = vnc_open(options->vnc, options->name, screen, input, err);
		if (!front->vnc)
			return -1;
	}
	if (options->curses) {
		front->curses = curses_open(screen, input, &machine->power, err);
		if (!front->curses)
			return -1;
	}
	return 0;
}

void front_end_close_displays(struct machine *machine)
{
	vnc_close(machine->front.vnc);
	curses_close(machine->front.curses);
	machine->front.vnc = NULL;
	machine->front.curses = NULL;
}

static bool press_power_button(void *dev)
{
	return acpi_pm_power_button(dev);
}

static const char *uuid_text(struct machine *machine)
{
	const uint8_t *u = machine->options->uuid;
	char *text = machine->front.uuid;

	if (!machine->options->uuid_is_set)
		return NULL;
	snprintf(text, sizeof(machine->front.uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
	return text;
}

int front_end_create(struct machine *machine, struct error *err)
{
	struct front_end *front = &machine->front;
	struct control_parts parts = {
		.name = machine->options->name,
		.uuid = uuid_text(machine),
		.loop = &machine->loop,
		.run = &machine->run,
		.power = &machine->power,
		.vcpus = &machine->vcpus,
		.ram = &machine->ram,
		.pci = &machine->pci,
		.screen = machine->vga ? vga_screen(machine->vga) : NULL,
		.media = &front->media,
		.input = i8042_input(machine->kbc),
		.set_vnc_password = set_vnc_password,
		.set_vnc_password_context = front,
		.power_button = press_power_button,
		.power_button_dev = machine->pm,
	};

	front->is_made = true;
	front->failure_ready.fd = -1;
	front->media = (struct control_media){
		.query = media_query,
		.eject = media_eject,
		.change = media_change,
		.resize = media_resize,
		.context = &machine->drives,
	};
	if (control_init(&front->control, &parts, err) < 0 ||
	    listen_to_failures(machine, err) < 0 || open_qmps(machine, err) < 0 ||
	    open_monitor(machine, err) < 0 || open_displays(machine, err) < 0)
		return -1;
	return 0;
}

static bool somebody_is_missing(const struct machine *machine)
{
	for (unsigned int i = 0; i < machine->front.line_count; i++)
		if (machine->front.lines[i]->waits)
			return true;
	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++)
		if (machine->serial[i].chardev && machine->serial[i].chardev->waits)
			return true;
	return false;
}

void front_end_wait(struct machine *machine)
{
	while (somebody_is_missing(machine) && power_pending(&machine->power) == POWER_NONE)
		event_loop_wait(&machine->loop);
}

void front_end_destroy(struct machine *machine)
{
	struct front_end *front = &machine->front;

	if (!front->is_made)
		return;
	control_destroy(&front->control);
	for (unsigned int i = 0; i < front->line_count; i++)
		front->lines[i]->destroy(front->lines[i]);
	if (front->failure_ready.fd >= 0) {
		event_loop_remove(&machine->loop, &front->failure_ready);
		close(front->failure_ready.fd);
	}
	pthread_mutex_destroy(&front->lock);
}
