// SPDX-License-Identifier: GPL-2.0-or-later
/* Cutting a stream of JSON values: see json_frame.h. */
#include <stdlib.h>
#include <string.h>

#include "control/json_frame.h"

#define FIRST_ROOM 512
#define TELNET_FLUSH '\xff' /* clients send it to begin afresh */

void json_frame_clear(struct json_frame *frame)
{
	free(frame->data);
	memset(frame, 0, sizeof(*frame));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum json_frame_result finish(struct json_frame *frame)
{
	frame->is_finished = true;
	return frame->is_bad ? JSON_FRAME_BAD : JSON_FRAME_DONE;
}

static void keep(struct json_frame *frame, char c)
{
	if (frame->is_bad)
		return;
	if (frame->bytes == JSON_FRAME_MAX || frame->depth > JSON_FRAME_DEPTH) {
		frame->is_bad = true;
		return;
	}
	if (frame->bytes == frame->room) {
		size_t room = frame->room ? 2 * frame->room : FIRST_ROOM;
		char *data = realloc(frame->data, room);

		if (!data) {
			frame->is_bad = true;
			return;
		}
		frame->data = data;
		frame->room = room;
	}
	frame->data[frame->bytes++] = c;
}

/* Nothing has begun yet. */
static enum json_frame_result begin(struct json_frame *frame, char c)
{
	if (is_space(c) || c == TELNET_FLUSH)
		return JSON_FRAME_MORE;
	if (c == '{' || c == '[') {
		frame->depth = 1;
		keep(frame, c);
	} else {
		frame->in_garbage = true;
	}
	return JSON_FRAME_MORE;
}

static enum json_frame_result in_string(struct json_frame *frame, char c)
{
	keep(frame, c);
	/* no string has a line's end in it: somebody forgot a quote */
	if (c == '\n') {
		frame->is_bad = true;
		return finish(frame);
	}
	if (frame->escaped)
		frame->escaped = false;
	else if (c == '\\')
		frame->escaped = true;
	else if (c == '"')
		frame->in_string = false;
	return JSON_FRAME_MORE;
}

enum json_frame_result json_frame_feed(struct json_frame *frame, char c)
{
	if (frame->is_finished)
		json_frame_clear(frame);
	if (frame->in_garbage) {
		if (c != '\n')
			return JSON_FRAME_MORE;
		frame->is_bad = true;
		return finish(frame);
	}
	if (!frame->depth)
		return begin(frame, c);
	if (frame->in_string)
		return in_string(frame, c);

	if (c == '"')
		frame->in_string = true;
	else if (c == '{' || c == '[')
		frame->depth++;
	else if (c == '}' || c == ']')
		frame->depth--;
	keep(frame, c);
	return frame->depth ? JSON_FRAME_MORE : finish(frame);
}
