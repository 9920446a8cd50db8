// SPDX-License-Identifier: GPL-2.0-or-later
/* Typing a line: see line_editor.h. */
#include <stdlib.h>
#include <string.h>

#include "control/line_editor.h"

#define CTRL_C 0x03
#define CTRL_U 0x15
#define BACKSPACE 0x08
#define DELETE 0x7f
#define ESCAPE 0x1b

void line_editor_init(struct line_editor *editor,
		      void (*say)(void *context, const char *text, size_t bytes),
		      void (*done)(void *context, const char *line), void *context)
{
	memset(editor, 0, sizeof(*editor));
	editor->say = say;
	editor->done = done;
	editor->context = context;
}

void line_editor_clear(struct line_editor *editor)
{
	editor->bytes = 0;
	editor->escape = 0;
	editor->back = 0;
	for (unsigned int i = 0; i < LINE_EDITOR_HISTORY; i++) {
		free(editor->history[i]);
		editor->history[i] = NULL;
	}
}

static void say(struct line_editor *editor, const char *text)
{
	editor->say(editor->context, text, strlen(text));
}

static void erase(struct line_editor *editor)
{
	if (!editor->bytes)
		return;
	editor->bytes--;
	say(editor, "\b \b");
}

static void remember(struct line_editor *editor, const char *line)
{
	char **history = editor->history;

	if (!*line || (history[0] && !strcmp(history[0], line)))
		return;
	free(history[LINE_EDITOR_HISTORY - 1]);
	memmove(&history[1], &history[0], (LINE_EDITOR_HISTORY - 1) * sizeof(*history));
	history[0] = strdup(line);
}

static void finish(struct line_editor *editor)
{
	char line[LINE_EDITOR_MAX];

	memcpy(line, editor->line, editor->bytes);
	line[editor->bytes] = 0;
	editor->bytes = 0;
	editor->back = 0;
	say(editor, "\r\n");
	remember(editor, line);
	editor->done(editor->context, line);
}

/* Show the line of @back in place of the one that is there. */
static void recall(struct line_editor *editor, unsigned int back)
{
	const char *line = back ? editor->history[back - 1] : "";

	if (!line)
		return;
	while (editor->bytes)
		erase(editor);
	editor->back = back;
	editor->bytes = strlen(line);
	memcpy(editor->line, line, editor->bytes);
	say(editor, line);
}

static void end_of_sequence(struct line_editor *editor, uint8_t c)
{
	if (c == 'A' && editor->back < LINE_EDITOR_HISTORY)
		recall(editor, editor->back + 1);
	else if (c == 'B' && editor->back)
		recall(editor, editor->back - 1);
}

static void feed_escape(struct line_editor *editor, uint8_t c)
{
	if (editor->escape == 1) {
		editor->escape = c == '[' || c == 'O' ? 2 : 0;
	} else if (c >= '@' && c <= '~') {
		editor->escape = 0;
		end_of_sequence(editor, c);
	}
}

static void insert(struct line_editor *editor, uint8_t c)
{
	char echo[2] = { c, 0 };

	if (c < ' ' || editor->bytes == LINE_EDITOR_MAX - 1)
		return;
	editor->line[editor->bytes++] = c;
	say(editor, echo);
}

void line_editor_feed(struct line_editor *editor, uint8_t c)
{
	bool after_return = editor->after_return;

	editor->after_return = c == '\r';
	if (editor->escape) {
		feed_escape(editor, c);
		return;
	}
	switch (c) {
	case '\n':
		if (after_return) /* one end of a line in two characters */
			break;
		finish(editor);
		break;
	case '\r':
		finish(editor);
		break;
	case BACKSPACE:
	case DELETE:
		erase(editor);
		break;
	case CTRL_C:
	case CTRL_U:
		while (editor->bytes)
			erase(editor);
		break;
	case ESCAPE:
		editor->escape = 1;
		break;
	default:
		insert(editor, c);
		break;
	}
}
