// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QMP: a program at the other end of a line, who may send anything, in any pieces, and who
 * may not read what it gets. What it sends is cut into JSON values of bounded size; while
 * much waits to be read by it, nothing more is taken from it; and one that never reads is
 * sent away. "QEMU Machine Protocol Specification".
 */
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "control/json_frame.h"
#include "control/outbox.h"

#define READ_AHEAD 1024
#define PATIENCE_BYTES (64U << 10)

/**
 * struct qmp - a session
 * @is_open: somebody is there
 * @is_ready: capabilities have been negotiated
 */
struct qmp {
	struct control *control;
	struct outbox outbox;
	struct json_frame frame;
	bool is_open;
	bool is_ready;
};

static void send_away(struct qmp *qmp)
{
	struct chardev *chardev = qmp->outbox.chardev;

	outbox_clear(&qmp->outbox);
	if (chardev->hang_up)
		chardev->hang_up(chardev);
}

static void send_line(struct qmp *qmp, const char *line, size_t bytes)
{
	if (!outbox_add(&qmp->outbox, line, bytes) || !outbox_add(&qmp->outbox, "\r\n", 2))
		send_away(qmp);
}

/* Takes over @message. */
static void send_json(struct qmp *qmp, json_t *message)
{
	char *line = json_dumps(message, JSON_COMPACT);

	json_decref(message);
	if (line)
		send_line(qmp, line, strlen(line));
	free(line);
}

void qmp_event(struct qmp *qmp, const char *line, size_t bytes)
{
	if (qmp->is_open && qmp->is_ready)
		send_line(qmp, line, bytes);
}

static json_t *error_reply(const struct command_error *err)
{
	const char *class = err->class ? err->class : COMMAND_GENERIC;
	json_t *desc = json_string(err->text.text);

	/* a file's name need not be UTF-8 */
	if (!desc)
		desc = json_string("the reason cannot be shown");
	return json_pack("{s:{s:s, s:o}}", "error", "class", class, "desc", desc);
}

/* ---- requests ---- */

static const struct command *find(const char *name)
{
	for (unsigned int i = 0; i < command_count; i++)
		if (command_table[i].qmp && !strcmp(command_table[i].qmp, name))
			return &command_table[i];
	return NULL;
}

/* Is it the shape of a request? */
static bool check(const json_t *request, struct command_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)request, key, value)
	{
		if (!strcmp(key, "execute")) {
			if (!json_is_string(value))
				goto wrong_type;
		} else if (!strcmp(key, "arguments")) {
			if (!json_is_object(value)) {
				command_fail(err, "QMP input member 'arguments' must be an object");
				return false;
			}
		} else if (strcmp(key, "id") != 0) {
			command_fail(err, "QMP input member '%.80s' is unexpected", key);
			return false;
		}
	}
	if (json_object_get(request, "execute"))
		return true;
	command_fail(err, "QMP input lacks member 'execute'");
	return false;

wrong_type:
	command_fail(err, "QMP input member 'execute' must be a string");
	return false;
}

static json_t *not_found(struct command_error *err, const char *format, const char *name)
{
	err->class = COMMAND_NOT_FOUND;
	error_set(&err->text, "%s%.80s%s", format, name, *name ? " has not been found" : "");
	return NULL;
}

static json_t *execute(struct qmp *qmp, const json_t *request, struct command_error *err)
{
	const char *name = json_string_value(json_object_get(request, "execute"));
	bool negotiates = !strcmp(name, "qmp_capabilities");
	const struct command *command = find(name);
	json_t *result;

	if (!qmp->is_ready && !negotiates)
		return not_found(err, "Expecting capabilities negotiation with 'qmp_capabilities'",
				 "");
	if (qmp->is_ready && negotiates)
		return not_found(
			err, "Capabilities negotiation is already complete, command ignored", "");
	if (!command)
		return not_found(err, "The command ", name);
	result = command_run(qmp->control, command, json_object_get(request, "arguments"), err);
	if (result && negotiates)
		qmp->is_ready = true;
	return result;
}

static json_t *answer(struct qmp *qmp, const json_t *request)
{
	struct command_error err = { .class = NULL };
	json_t *id = NULL, *result = NULL, *reply;

	if (!json_is_object(request)) {
		command_fail(&err, "QMP input must be a JSON object");
	} else {
		id = json_object_get(request, "id");
		if (check(request, &err))
			result = execute(qmp, request, &err);
	}
	reply = result ? json_pack("{s:o}", "return", result) : error_reply(&err);
	if (reply && id)
		json_object_set(reply, "id", id);
	return reply;
}

static json_t *answer_piece(struct qmp *qmp)
{
	struct command_error err = { .class = NULL };
	json_error_t where;
	json_t *request, *reply;

	request = json_loadb(qmp->frame.data, qmp->frame.bytes, JSON_REJECT_DUPLICATES, &where);
	if (!request) {
		command_fail(&err, "JSON parse error, %s", where.text);
		return error_reply(&err);
	}
	reply = answer(qmp, request);
	json_decref(request);
	return reply;
}

/* ---- the line ---- */

static size_t qmp_room(void *dev)
{
	struct qmp *qmp = dev;

	return qmp->outbox.bytes > PATIENCE_BYTES ? 0 : READ_AHEAD;
}

static void qmp_receive(void *dev, const uint8_t *data, size_t bytes)
{
	struct command_error err = { .class = NULL };
	struct qmp *qmp = dev;

	for (size_t i = 0; i < bytes && qmp->is_open; i++) {
		switch (json_frame_feed(&qmp->frame, data[i])) {
		case JSON_FRAME_MORE:
			break;
		case JSON_FRAME_DONE:
			send_json(qmp, answer_piece(qmp));
			break;
		case JSON_FRAME_BAD:
			command_fail(&err, "JSON parse error, this is no JSON object, or one that "
					   "is too large");
			send_json(qmp, error_reply(&err));
			break;
		}
	}
}

static void qmp_receive_break(void *dev)
{
}

static void qmp_writable(void *dev)
{
	struct qmp *qmp = dev;
	bool was_full = !qmp_room(qmp);

	outbox_flush(&qmp->outbox);
	if (was_full && qmp_room(qmp))
		qmp->outbox.chardev->input_wanted(qmp->outbox.chardev);
}

static void qmp_opened(void *dev, bool is_open)
{
	struct qmp *qmp = dev;

	outbox_clear(&qmp->outbox);
	json_frame_clear(&qmp->frame);
	qmp->is_open = is_open;
	qmp->is_ready = false;
	if (is_open)
		send_json(qmp, json_pack("{s:{s:o, s:[]}}", "QMP", "version", control_version(),
					 "capabilities"));
}

static const struct chardev_front qmp_front = {
	.room = qmp_room,
	.receive = qmp_receive,
	.receive_break = qmp_receive_break,
	.writable = qmp_writable,
	.opened = qmp_opened,
};

struct qmp *qmp_create(struct control *control, struct chardev *chardev)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (!qmp)
		return NULL;
	qmp->control = control;
	outbox_init(&qmp->outbox, chardev);
	chardev_connect(chardev, &qmp_front, qmp);
	if (chardev->is_open)
		qmp_opened(qmp, true);
	return qmp;
}

void qmp_destroy(struct qmp *qmp)
{
	outbox_flush(&qmp->outbox);
	outbox_clear(&qmp->outbox);
	json_frame_clear(&qmp->frame);
	free(qmp);
}
