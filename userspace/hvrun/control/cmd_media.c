// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about drives and the screen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "display/picture_file.h"

/* ---- drives ---- */

COMMAND(cmd_query_block)
{
	const struct control_media *media = control->parts.media;

	return media ? media->query(media->context) : json_array();
}

PRINT(print_block)
{
	size_t i;
	json_t *drive;

	json_array_foreach((json_t *)result, i, drive)
	{
		const char *device = NULL, *file = NULL, *driver = NULL;
		int removable = 0, locked = 0, read_only = 0, tray_open = 0;

		json_unpack(drive, "{s:s, s:b, s:b, s?b, s?{s:s, s:s, s:b}}", "device", &device,
			    "removable", &removable, "locked", &locked, "tray_open", &tray_open,
			    "inserted", "file", &file, "drv", &driver, "ro", &read_only);
		fprintf(to, "%s: %s", device ? device : "?", file ? file : "[not inserted]");
		if (file)
			fprintf(to, " (%s%s)", driver, read_only ? ", read-only" : "");
		fputc('\n', to);
		if (removable)
			fprintf(to, "    Removable device: %slocked, tray %s\n",
				locked ? "" : "not ", tray_open ? "open" : "closed");
	}
}

static json_t *media_result(int r, struct command_error *err)
{
	if (r == -ENODEV)
		err->class = COMMAND_DEVICE_NOT_FOUND;
	return r < 0 ? NULL : command_done();
}

static json_t *no_device(const char *device, struct command_error *err)
{
	err->class = COMMAND_DEVICE_NOT_FOUND;
	return command_fail(err, "Device '%.80s' not found", device);
}

/* QMP names a drive by either of two members. */
static const char *device_of(json_t *args, struct command_error *err)
{
	const char *device = arg_string(args, "device", arg_string(args, "id", NULL));

	if (!device)
		command_fail(err, "Parameter 'device' is missing");
	return device;
}

COMMAND(cmd_eject)
{
	const struct control_media *media = control->parts.media;
	const char *device = device_of(args, err);

	if (!device)
		return NULL;
	if (!media)
		return no_device(device, err);
	return media_result(media->eject(media->context, device, arg_bool(args, "force", false),
					 &err->text),
			    err);
}

/* "change" calls the file "target" and the format "arg". */
COMMAND(cmd_change)
{
	const struct control_media *media = control->parts.media;
	const char *file = arg_string(args, "filename", arg_string(args, "target", ""));
	const char *format = arg_string(args, "format", arg_string(args, "arg", NULL));
	const char *device = device_of(args, err);

	if (!device)
		return NULL;
	if (!media)
		return no_device(device, err);
	return media_result(media->change(media->context, device, file, format,
					  arg_bool(args, "force", false), &err->text),
			    err);
}

COMMAND(cmd_block_resize)
{
	const struct control_media *media = control->parts.media;
	const char *device = arg_string(args, "device", "");
	json_int_t bytes = arg_int(args, "size", 0);

	if (bytes <= 0)
		return command_fail(err, "Parameter 'size' expects a number of bytes");
	if (!media)
		return no_device(device, err);
	return media_result(media->resize(media->context, device, bytes, &err->text), err);
}

/* ---- the screen ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && !strcmp(text + length - end_length, end);
}

COMMAND(cmd_screendump)
{
	const struct screen *screen = control->parts.screen;
	const char *path = arg_string(args, "filename", "");
	const char *format = arg_string(args, "format", ends_with(path, ".ppm") ? "ppm" : "png");
	struct surface surface = { .pixels = NULL };
	int r;

	if (!screen)
		return command_fail(err, "there is no screen: the machine has no graphics card");
	if (strcmp(format, "png") != 0 && strcmp(format, "ppm") != 0)
		return command_fail(err, "there are the formats png and ppm");
	if (!screen->snapshot(screen->dev, &surface))
		return command_fail(err, "out of memory");
	if (!strcmp(format, "png"))
		r = picture_write_png(&surface, path, &err->text);
	else
		r = picture_write_ppm(&surface, path, &err->text);
	surface_free(&surface);
	return r < 0 ? NULL : command_done();
}

COMMAND(cmd_set_password)
{
	const struct control_parts *parts = &control->parts;

	if (strcmp(arg_string(args, "protocol", ""), "vnc") != 0)
		return command_fail(err, "Parameter 'protocol' expects vnc");
	if (strcmp(arg_string(args, "connected", "keep"), "keep") != 0)
		return command_fail(err, "Parameter 'connected' expects keep");
	if (!parts->set_vnc_password)
		return command_fail(err, "there is no VNC display");
	if (parts->set_vnc_password(parts->set_vnc_password_context,
				    arg_string(args, "password", ""), &err->text) < 0)
		return NULL;
	return command_done();
}
