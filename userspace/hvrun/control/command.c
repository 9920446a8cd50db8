// SPDX-License-Identifier: GPL-2.0-or-later
/* What all commands share: checking arguments, taking them, failing. */
#include <stdarg.h>
#include <string.h>

#include "control/command.h"

json_t *command_fail(struct command_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text.text, sizeof(err->text.text), format, args);
	va_end(args);
	return NULL;
}

static const struct command_arg *find_arg(const struct command *command, const char *name)
{
	for (const struct command_arg *arg = command->args; arg->type != ARG_END; arg++)
		if (!strcmp(arg->name, name))
			return arg;
	return NULL;
}

static const char *wanted_type(const struct command_arg *arg, const json_t *value)
{
	switch (arg->type) {
	case ARG_INT:
		return json_is_integer(value) ? NULL : "integer";
	case ARG_BOOL:
	case ARG_FLAG:
		return json_is_boolean(value) ? NULL : "boolean";
	case ARG_ARRAY:
		return json_is_array(value) ? NULL : "array";
	default:
		return json_is_string(value) ? NULL : "string";
	}
}

static bool args_are_right(const struct command *command, json_t *args, struct command_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(args, key, value)
	{
		const struct command_arg *arg = find_arg(command, key);
		const char *type = arg ? wanted_type(arg, value) : NULL;

		if (!arg) {
			command_fail(err, "Parameter '%.80s' is unexpected", key);
			return false;
		}
		if (type) {
			command_fail(err, "Invalid parameter type for '%s', expected: %s", key,
				     type);
			return false;
		}
	}
	for (const struct command_arg *arg = command->args; arg->type != ARG_END; arg++) {
		if (!arg->optional && !json_object_get(args, arg->name)) {
			command_fail(err, "Parameter '%s' is missing", arg->name);
			return false;
		}
	}
	return true;
}

json_t *command_run(struct control *control, const struct command *command, json_t *args,
		    struct command_error *err)
{
	json_t *mine = args ? json_incref(args) : json_object();
	json_t *result = NULL;

	if (args_are_right(command, mine, err))
		result = command->run(control, mine, err);
	json_decref(mine);
	return result;
}

const char *arg_string(json_t *args, const char *name, const char *otherwise)
{
	const char *value = json_string_value(json_object_get(args, name));

	return value ? value : otherwise;
}

json_int_t arg_int(json_t *args, const char *name, json_int_t otherwise)
{
	json_t *value = json_object_get(args, name);

	return value ? json_integer_value(value) : otherwise;
}

bool arg_bool(json_t *args, const char *name, bool otherwise)
{
	json_t *value = json_object_get(args, name);

	return value ? json_is_true(value) : otherwise;
}

void print_text(const json_t *result, FILE *to)
{
	const char *text = json_string_value(json_object_get(result, "text"));

	if (text)
		fputs(text, to);
}
