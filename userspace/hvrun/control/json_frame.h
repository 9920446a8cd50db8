/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where does a JSON value end? QMP is a stream of objects with nothing between them that
 * one could rely on. This cuts the stream; what is in a piece is the JSON library's matter.
 */
#ifndef HVRUN_JSON_FRAME_H
#define HVRUN_JSON_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_FRAME_MAX (256U << 10)
#define JSON_FRAME_DEPTH 64

enum json_frame_result {
	JSON_FRAME_MORE,
	JSON_FRAME_DONE, /* @data holds a piece */
	JSON_FRAME_BAD,	 /* what came was none, or too large; skipped */
};

/**
 * struct json_frame - a piece in the making; zeroed is empty
 * @data: of a finished piece, until the next json_frame_feed()
 * @bytes: of it
 * @depth: brackets that are open
 * @in_string, @escaped: inside of "", after a backslash
 * @in_garbage: this line began with what begins no value
 * @is_bad: too large, too deep: count brackets, but keep nothing
 * @is_finished: the last answer was not JSON_FRAME_MORE
 */
struct json_frame {
	char *data;
	size_t bytes;
	size_t room;
	unsigned int depth;
	bool in_string;
	bool escaped;
	bool in_garbage;
	bool is_bad;
	bool is_finished;
};

enum json_frame_result json_frame_feed(struct json_frame *frame, char c);

/** json_frame_clear() - forget what has come so far; frees its memory */
void json_frame_clear(struct json_frame *frame);

#endif /* HVRUN_JSON_FRAME_H */
