/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands: one table for QMP, where they have arguments and results in JSON, and for
 * the monitor, where they are words and lines of text. A command works on JSON alone; the
 * monitor makes its arguments out of words and prints its result.
 */
#ifndef HVRUN_COMMAND_H
#define HVRUN_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "error.h"

struct control;

/* Classes of errors, as QMP knows them. */
#define COMMAND_GENERIC "GenericError"
#define COMMAND_NOT_FOUND "CommandNotFound"
#define COMMAND_DEVICE_NOT_FOUND "DeviceNotFound"

/** struct command_error - why a command failed */
struct command_error {
	const char *class; /* NULL: COMMAND_GENERIC */
	struct error text;
};

/** command_fail() - fill in the text; always returns NULL */
json_t *command_fail(struct command_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum command_arg_type {
	ARG_END,
	ARG_STRING,
	ARG_INT,
	ARG_BOOL,   /* in the monitor: "on" or "off" */
	ARG_FLAG,   /* a boolean that is "-X" in the monitor, X the name's first letter */
	ARG_LINE,   /* a string: the rest of the line in the monitor */
	ARG_FORMAT, /* a string: "/FMT" behind the command's name in the monitor */
	ARG_ARRAY,  /* not in the monitor */
};

/** struct command_arg - an argument; in the monitor they come in this order */
struct command_arg {
	const char *name;
	enum command_arg_type type;
	bool optional;
};

#define COMMAND_ARGS 8

/**
 * struct command - one row
 * @qmp: name in QMP; NULL: none
 * @words: in the monitor, "info status"; NULL: none
 * @usage: arguments in the monitor, for help
 * @help: what it does
 * @args: up to ARG_END
 * @run: do it. @args are of the right types. Returns a new reference, an empty object when there
 *	is nothing to tell; NULL with @err.
 * @print: the result for the monitor; NULL: nothing is printed
 */
struct command {
	const char *qmp;
	const char *words;
	const char *usage;
	const char *help;
	struct command_arg args[COMMAND_ARGS];
	json_t *(*run)(struct control *control, json_t *args, struct command_error *err);
	void (*print)(const json_t *result, FILE *to);
};

extern const struct command command_table[];
extern const unsigned int command_count;

/** command_run() - check the arguments (NULL: none) against the row, and do it */
json_t *command_run(struct control *control, const struct command *command, json_t *args,
		    struct command_error *err);

/* ---- for the commands themselves ---- */

static inline json_t *command_done(void)
{
	return json_object();
}

/** arg_string() - of an optional or given argument, or @otherwise */
const char *arg_string(json_t *args, const char *name, const char *otherwise);
json_int_t arg_int(json_t *args, const char *name, json_int_t otherwise);
bool arg_bool(json_t *args, const char *name, bool otherwise);

/** print_text() - for commands whose result is {"text": "..."} */
void print_text(const json_t *result, FILE *to);

#define COMMAND(name) json_t *name(struct control *control, json_t *args, struct command_error *err)
#define PRINT(name) void name(const json_t *result, FILE *to)

/* control/cmd_machine.c */
COMMAND(cmd_capabilities);
COMMAND(cmd_query_commands);
COMMAND(cmd_query_status);
COMMAND(cmd_query_version);
COMMAND(cmd_query_name);
COMMAND(cmd_query_uuid);
COMMAND(cmd_query_kvm);
COMMAND(cmd_query_cpus_fast);
COMMAND(cmd_stop);
COMMAND(cmd_cont);
COMMAND(cmd_system_reset);
COMMAND(cmd_system_powerdown);
COMMAND(cmd_quit);
COMMAND(cmd_human_monitor_command);
COMMAND(cmd_inject_nmi);
PRINT(print_status);
PRINT(print_version);
PRINT(print_name);
PRINT(print_uuid);
PRINT(print_kvm);
PRINT(print_cpus);

/* control/cmd_guest.c */
COMMAND(cmd_registers);
COMMAND(cmd_cpu);
COMMAND(cmd_examine);
COMMAND(cmd_examine_physical);
COMMAND(cmd_memsave);
COMMAND(cmd_pmemsave);
COMMAND(cmd_info_mem);
COMMAND(cmd_info_pci);

/* control/cmd_media.c */
COMMAND(cmd_query_block);
COMMAND(cmd_eject);
COMMAND(cmd_change);
COMMAND(cmd_block_resize);
COMMAND(cmd_screendump);
COMMAND(cmd_set_password);
PRINT(print_block);

/* control/cmd_input.c */
COMMAND(cmd_send_key);
COMMAND(cmd_sendkey);
COMMAND(cmd_mouse_move);
COMMAND(cmd_mouse_button);

#endif /* HVRUN_COMMAND_H */
