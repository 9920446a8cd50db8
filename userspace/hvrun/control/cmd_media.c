// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about drives, the screen and the keyboard. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "display/keys.h"
#include "display/picture_file.h"

#define KEYS_MAX 16

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

/* ---- keys ---- */

static json_t *press(struct control *control, const uint16_t *codes, unsigned int count,
		     json_int_t hold_ms, struct command_error *err)
{
	if (!control->parts.input)
		return command_fail(err, "there is no keyboard");
	if (hold_ms < 0 || hold_ms > 60000)
		return command_fail(err, "a key can be held up to 60000 milliseconds");
	if (!key_queue_press(&control->keys, codes, count, hold_ms))
		return command_fail(err, "too many keys wait for the guest to fetch them");
	return command_done();
}

/* {"type": "qcode", "data": "ret"} or {"type": "number", "data": 28} */
static uint16_t key_of(const json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "type"));
	json_t *data = json_object_get(value, "data");
	json_int_t number = json_integer_value(data);

	if (type && !strcmp(type, "qcode") && json_is_string(data))
		return key_by_name(json_string_value(data));
	if (type && !strcmp(type, "number") && number > 0 && number < 0x80)
		return number;
	return 0;
}

COMMAND(cmd_send_key)
{
	json_t *keys = json_object_get(args, "keys"), *value;
	uint16_t codes[KEYS_MAX];
	size_t i;

	if (json_array_size(keys) > KEYS_MAX)
		return command_fail(err, "%d keys at once are the most", KEYS_MAX);
	json_array_foreach(keys, i, value)
	{
		codes[i] = key_of(value);
		if (!codes[i])
			return command_fail(err, "key %zu is unknown", i);
	}
	return press(control, codes, json_array_size(keys), arg_int(args, "hold-time", 0), err);
}

COMMAND(cmd_sendkey)
{
	char words[256], *rest = words, *word;
	uint16_t codes[KEYS_MAX];
	unsigned int count = 0;

	snprintf(words, sizeof(words), "%s", arg_string(args, "keys", ""));
	while ((word = strsep(&rest, "-"))) {
		if (count == KEYS_MAX)
			return command_fail(err, "%d keys at once are the most", KEYS_MAX);
		codes[count] = key_by_name(word);
		if (!codes[count++])
			return command_fail(err, "there is no key '%s'", word);
	}
	return press(control, codes, count, arg_int(args, "hold-time", 0), err);
}
