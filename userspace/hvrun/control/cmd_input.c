// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that press keys and move the mouse. */
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "display/keys.h"

#define KEYS_MAX 16
#define MOVE_MAX 32767

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

/* ---- the mouse ---- */

static json_t *move(struct control *control, json_int_t dx, json_int_t dy, json_int_t dz,
		    struct command_error *err)
{
	const struct input_sink *input = control->parts.input;

	if (!input)
		return command_fail(err, "there is no mouse");
	if (llabs(dx) > MOVE_MAX || llabs(dy) > MOVE_MAX || llabs(dz) > MOVE_MAX)
		return command_fail(err, "a mouse moves by %d at most", MOVE_MAX);
	input->mouse(input->dev, dx, dy, dz, control->mouse_buttons);
	return command_done();
}

COMMAND(cmd_mouse_move)
{
	return move(control, arg_int(args, "dx", 0), arg_int(args, "dy", 0), arg_int(args, "dz", 0),
		    err);
}

/* Bits: 1 left, 2 middle, 4 right. */
COMMAND(cmd_mouse_button)
{
	json_int_t bits = arg_int(args, "buttons", 0);

	if (bits < 0 || bits > 7)
		return command_fail(err, "buttons are 1 left, 2 middle, 4 right, added up");
	control->mouse_buttons = (bits & 1 ? INPUT_BUTTON_LEFT : 0) |
				 (bits & 2 ? INPUT_BUTTON_MIDDLE : 0) |
				 (bits & 4 ? INPUT_BUTTON_RIGHT : 0);
	return move(control, 0, 0, 0, err);
}
