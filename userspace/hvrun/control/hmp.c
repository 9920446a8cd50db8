// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor: words typed at a prompt. Words become the JSON arguments of a row of the
 * command table, and its result becomes text.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "control/line_editor.h"
#include "control/outbox.h"
#include "version.h"

#define PROMPT "(hvrun) "
#define WORD_MAX 1024
#define PATIENCE_BYTES (64U << 10)

/* ---- from words to arguments ---- */

/* The next word: up to a blank, or a whole "..." with \ before what is meant literally. */
static const char *take_word(const char *from, char *word)
{
	bool quoted;
	size_t n = 0;

	while (isspace((unsigned char)*from))
		from++;
	quoted = *from == '"';
	if (quoted)
		from++;
	while (*from && (quoted ? *from != '"' : !isspace((unsigned char)*from))) {
		if (quoted && *from == '\\' && from[1])
			from++;
		if (n < WORD_MAX - 1)
			word[n++] = *from;
		from++;
	}
	word[n] = 0;
	return quoted && *from ? from + 1 : from;
}

static const char *skip_blanks(const char *from)
{
	while (isspace((unsigned char)*from))
		from++;
	return from;
}

static bool set_int(json_t *args, const struct command_arg *arg, const char *word)
{
	char *end;
	unsigned long long value = strtoull(word, &end, 0);

	if (*end || end == word)
		return false;
	json_object_set_new(args, arg->name, json_integer(value));
	return true;
}

static bool set_bool(json_t *args, const struct command_arg *arg, const char *word)
{
	if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
		return false;
	json_object_set_new(args, arg->name, json_boolean(!strcmp(word, "on")));
	return true;
}

static bool set_string(json_t *args, const struct command_arg *arg, const char *word)
{
	return json_object_set_new(args, arg->name, json_string(word)) == 0;
}

/* @rest stays where it is if it does not begin with the flag. */
static const char *take_flag(json_t *args, const struct command_arg *arg, const char *rest)
{
	char word[WORD_MAX];
	const char *after = take_word(rest, word);

	if (word[0] != '-' || word[1] != arg->name[0] || word[2])
		return rest;
	json_object_set_new(args, arg->name, json_true());
	return after;
}

static const char *take_arg(json_t *args, const struct command_arg *arg, const char *rest, FILE *to)
{
	char word[WORD_MAX];
	bool good;

	if (arg->type == ARG_FLAG)
		return take_flag(args, arg, rest);
	rest = skip_blanks(rest);
	if (arg->type == ARG_ARRAY || arg->type == ARG_FORMAT || !*rest)
		return rest;
	if (arg->type == ARG_LINE) {
		set_string(args, arg, rest);
		return rest + strlen(rest);
	}
	rest = take_word(rest, word);
	if (arg->type == ARG_INT)
		good = set_int(args, arg, word);
	else if (arg->type == ARG_BOOL)
		good = set_bool(args, arg, word);
	else
		good = set_string(args, arg, word);
	if (good)
		return rest;
	fprintf(to, "'%s' cannot be %s\n", word, arg->name);
	return NULL;
}

/* ---- finding the row ---- */

/* What follows the row's words in @line; NULL: another command. */
static const char *match(const struct command *command, const char *line, const char **format,
			 size_t *format_bytes)
{
	size_t length = strlen(command->words);
	const char *after;

	*format_bytes = 0;
	if (strncmp(line, command->words, length) != 0)
		return NULL;
	line += length;
	after = skip_blanks(line);
	if (*after == '/' && command->args[0].type == ARG_FORMAT) {
		line = after;
		*format = line + 1;
		while (*line && !isspace((unsigned char)*line))
			line++;
		*format_bytes = line - *format;
	}
	return !*line || isspace((unsigned char)*line) ? line : NULL;
}

/* "info   status" becomes "info status": the table has single blanks. */
static char *make_tidy(const char *line)
{
	char *tidy;

	line = skip_blanks(line);
	if (strncmp(line, "info", 4) || !isspace((unsigned char)line[4]))
		return strdup(line);
	return asprintf(&tidy, "info %s", skip_blanks(line + 4)) < 0 ? NULL : tidy;
}

static void print_help(FILE *to, const char *about)
{
	about = skip_blanks(about);
	for (unsigned int i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];
		char usage[64];

		if (!command->words || strncmp(command->words, about, strlen(about)) != 0)
			continue;
		snprintf(usage, sizeof(usage), "%s%s%s", command->words,
			 *command->usage && *command->usage != '/' ? " " : "", command->usage);
		fprintf(to, "%-34s %s\n", usage, command->help);
	}
}

static void run_command(struct control *control, const struct command *command, json_t *args,
			FILE *to)
{
	struct command_error err = { .class = NULL };
	json_t *result = command_run(control, command, args, &err);

	if (!result)
		fprintf(to, "Error: %s\n", err.text.text);
	else if (command->print)
		command->print(result, to);
	json_decref(result);
}

static void run_row(struct control *control, const struct command *command, const char *rest,
		    const char *format, size_t format_bytes, FILE *to)
{
	json_t *args = json_object();

	if (format_bytes)
		json_object_set_new(args, command->args[0].name,
				    json_stringn(format, format_bytes));
	for (const struct command_arg *arg = command->args; rest && arg->type != ARG_END; arg++)
		rest = take_arg(args, arg, rest, to);
	if (rest && *skip_blanks(rest))
		fprintf(to, "too many words: '%s'\n", skip_blanks(rest));
	else if (rest)
		run_command(control, command, args, to);
	json_decref(args);
}

static bool is_help(const char *line)
{
	return !strncmp(line, "help", 4) && (!line[4] || isspace((unsigned char)line[4]));
}

void hmp_execute(struct control *control, const char *line, FILE *to)
{
	const char *format = NULL, *rest;
	size_t format_bytes;
	char *tidy = make_tidy(line);

	if (!tidy)
		return;
	if (is_help(tidy) || !strcmp(tidy, "?") || !strcmp(tidy, "info")) {
		print_help(to, is_help(tidy) ? tidy + 4 : *tidy == 'i' ? tidy : "");
		free(tidy);
		return;
	}
	for (unsigned int i = 0; i < command_count && *tidy; i++) {
		const struct command *command = &command_table[i];

		if (!command->words)
			continue;
		rest = match(command, tidy, &format, &format_bytes);
		if (!rest)
			continue;
		run_row(control, command, rest, format, format_bytes, to);
		free(tidy);
		return;
	}
	if (*tidy)
		fprintf(to, "unknown command: '%s' ('help' lists them)\n", tidy);
	free(tidy);
}

/* ---- the line ---- */

/** struct hmp - a person at a prompt */
struct hmp {
	struct control *control;
	struct outbox outbox;
	struct line_editor editor;
};

static void say(void *context, const char *text, size_t bytes)
{
	struct hmp *hmp = context;

	/* more than anybody reads: the rest of the line is left out */
	outbox_add(&hmp->outbox, text, bytes);
}

/* Lines end as terminals in raw mode want it. */
static void say_lines(struct hmp *hmp, const char *text)
{
	while (*text) {
		size_t bytes = strcspn(text, "\n");

		say(hmp, text, bytes);
		text += bytes;
		if (*text) {
			say(hmp, "\r\n", 2);
			text++;
		}
	}
}

static void prompt(struct hmp *hmp)
{
	say(hmp, PROMPT, strlen(PROMPT));
}

static void line_is_done(void *context, const char *line)
{
	struct hmp *hmp = context;
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (to) {
		hmp_execute(hmp->control, line, to);
		if (fclose(to) == 0)
			say_lines(hmp, text);
		free(text);
	}
	prompt(hmp);
}

static size_t hmp_room(void *dev)
{
	struct hmp *hmp = dev;

	return hmp->outbox.bytes > PATIENCE_BYTES ? 0 : 64;
}

static void hmp_receive(void *dev, const uint8_t *data, size_t bytes)
{
	struct hmp *hmp = dev;

	for (size_t i = 0; i < bytes; i++)
		line_editor_feed(&hmp->editor, data[i]);
}

static void hmp_receive_break(void *dev)
{
}

static void hmp_writable(void *dev)
{
	struct hmp *hmp = dev;
	bool was_full = !hmp_room(hmp);

	outbox_flush(&hmp->outbox);
	if (was_full && hmp_room(hmp))
		hmp->outbox.chardev->input_wanted(hmp->outbox.chardev);
}

static void hmp_opened(void *dev, bool is_open)
{
	struct hmp *hmp = dev;

	line_editor_clear(&hmp->editor);
	if (!is_open) {
		say(hmp, "\r\n", 2);
		outbox_flush(&hmp->outbox);
		return;
	}
	say_lines(hmp, "hvrun " HVRUN_VERSION " monitor - type 'help' for the commands\n");
	prompt(hmp);
}

static const struct chardev_front hmp_front = {
	.room = hmp_room,
	.receive = hmp_receive,
	.receive_break = hmp_receive_break,
	.writable = hmp_writable,
	.opened = hmp_opened,
};

struct hmp *hmp_create(struct control *control, struct chardev *chardev)
{
	struct hmp *hmp = calloc(1, sizeof(*hmp));

	if (!hmp)
		return NULL;
	hmp->control = control;
	outbox_init(&hmp->outbox, chardev);
	line_editor_init(&hmp->editor, say, line_is_done, hmp);
	if (chardev->front) {
		chardev->attach_monitor(chardev, &hmp_front, hmp);
		return hmp;
	}
	chardev_connect(chardev, &hmp_front, hmp);
	if (chardev->is_open)
		hmp_opened(hmp, true);
	return hmp;
}

void hmp_destroy(struct hmp *hmp)
{
	outbox_flush(&hmp->outbox);
	outbox_clear(&hmp->outbox);
	line_editor_clear(&hmp->editor);
	free(hmp);
}
