/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Typing a line on a terminal in raw mode: echo, backspace, the lines before. */
#ifndef HVRUN_LINE_EDITOR_H
#define HVRUN_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_EDITOR_MAX 1024
#define LINE_EDITOR_HISTORY 16

/**
 * struct line_editor - a line in the making
 * @say: echo
 * @done: a line; called after its echo
 * @context: passed to both
 * @line: what has been typed
 * @escape: 1 after ESC, 2 in a sequence "ESC [" or "ESC O"
 * @history: lines before, the newest first
 * @back: which of them @line is a copy of; 0: none
 */
struct line_editor {
	void (*say)(void *context, const char *text, size_t bytes);
	void (*done)(void *context, const char *line);
	void *context;
	size_t bytes;
	unsigned int escape;
	unsigned int back;
	bool after_return;
	char line[LINE_EDITOR_MAX];
	char *history[LINE_EDITOR_HISTORY];
};

void line_editor_init(struct line_editor *editor,
		      void (*say)(void *context, const char *text, size_t bytes),
		      void (*done)(void *context, const char *line), void *context);

/** line_editor_clear() - forget line and history */
void line_editor_clear(struct line_editor *editor);

void line_editor_feed(struct line_editor *editor, uint8_t c);

#endif /* HVRUN_LINE_EDITOR_H */
