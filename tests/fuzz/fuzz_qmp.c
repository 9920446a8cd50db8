// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any bytes on a QMP line and at the monitor's prompt. What is kept of them is
 * bounded, and every piece that is cut out is one that the JSON library can judge.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "control/json_frame.h"
#include "control/line_editor.h"

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static struct json_frame frame;
static struct line_editor editor;
static size_t said;

static void say(void *context, const char *text, size_t bytes)
{
	said += bytes;
}

static void done(void *context, const char *line)
{
	require(strlen(line) < LINE_EDITOR_MAX);
}

/* What would be parsed: the library must take or refuse it, and it is bounded. */
static void look_at_piece(void)
{
	json_t *value;

	require(frame.bytes && frame.bytes <= JSON_FRAME_MAX);
	value = json_loadb(frame.data, frame.bytes, JSON_REJECT_DUPLICATES, NULL);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	line_editor_init(&editor, say, done, NULL);
	for (size_t i = 0; i < size; i++) {
		if (json_frame_feed(&frame, data[i]) == JSON_FRAME_DONE)
			look_at_piece();
		line_editor_feed(&editor, data[i]);
		require(editor.bytes < LINE_EDITOR_MAX);
	}
	json_frame_clear(&frame);
	line_editor_clear(&editor);
	return 0;
}
