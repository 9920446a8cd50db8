// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions and events: see control.h. */
#include <string.h>
#include <sys/time.h>

#include "control/control.h"
#include "version.h"

static void run_changed(void *context, enum run_state state)
{
	struct control *control = context;

	control_event(control, state == RUN_RUNNING ? "RESUME" : "STOP", NULL);
}

int control_init(struct control *control, const struct control_parts *parts, struct error *err)
{
	memset(control, 0, sizeof(*control));
	control->parts = *parts;
	if (key_queue_init(&control->keys, parts->loop, parts->input, err) < 0)
		return -1;
	if (parts->run) {
		control->listener.changed = run_changed;
		control->listener.context = control;
		run_state_listen(parts->run, &control->listener);
	}
	return 0;
}

void control_destroy(struct control *control)
{
	for (unsigned int i = 0; i < control->qmps; i++)
		qmp_destroy(control->qmp[i]);
	for (unsigned int i = 0; i < control->hmps; i++)
		hmp_destroy(control->hmp[i]);
	key_queue_destroy(&control->keys);
}

int control_add_qmp(struct control *control, struct chardev *chardev, struct error *err)
{
	if (control->qmps == CONTROL_SESSIONS)
		return error_set(err, "too many -qmp; %d are the most", CONTROL_SESSIONS);
	control->qmp[control->qmps] = qmp_create(control, chardev);
	if (!control->qmp[control->qmps])
		return error_set(err, "out of memory");
	control->qmps++;
	return 0;
}

int control_add_monitor(struct control *control, struct chardev *chardev, struct error *err)
{
	if (control->hmps == CONTROL_SESSIONS)
		return error_set(err, "too many monitors; %d are the most", CONTROL_SESSIONS);
	control->hmp[control->hmps] = hmp_create(control, chardev);
	if (!control->hmp[control->hmps])
		return error_set(err, "out of memory");
	control->hmps++;
	return 0;
}

void control_event(struct control *control, const char *name, json_t *data)
{
	struct timeval now;
	json_t *event;
	char *line;

	gettimeofday(&now, NULL);
	event = json_pack("{s:s, s:{s:I, s:I}}", "event", name, "timestamp", "seconds",
			  (json_int_t)now.tv_sec, "microseconds", (json_int_t)now.tv_usec);
	if (event && data)
		json_object_set(event, "data", data);
	json_decref(data);
	line = json_dumps(event, JSON_COMPACT);
	for (unsigned int i = 0; line && i < control->qmps; i++)
		qmp_event(control->qmp[i], line, strlen(line));
	free(line);
	json_decref(event);
}

static json_t *cause(bool by_guest, const char *reason)
{
	return json_pack("{s:b, s:s}", "guest", by_guest, "reason", reason);
}

void control_tell_reset(struct control *control, enum power_request why)
{
	bool by_user = control->reset_by_user;

	control->reset_by_user = false;
	control->is_off = false;
	if (why == POWER_RESET_CRASH)
		control_event(control, "RESET", cause(true, "guest-panic"));
	else
		control_event(control, "RESET",
			      cause(!by_user, by_user ? "host-qmp-system-reset" : "guest-reset"));
}

static json_t *end_cause(struct control *control, enum power_request why)
{
	switch (why) {
	case POWER_OFF:
		return cause(true, "guest-shutdown");
	case POWER_RESET:
		return control->reset_by_user ? cause(false, "host-qmp-system-reset") :
						cause(true, "guest-reset");
	case POWER_RESET_CRASH:
		return cause(true, "guest-panic");
	case POWER_QUIT:
		return cause(false, control->quit_by_user ? "host-qmp-quit" : "host-signal");
	default:
		return cause(false, "host-error");
	}
}

void control_tell_end(struct control *control, enum power_request why)
{
	if (control->is_off)
		return;
	control->is_off = true;
	control_event(control, "SHUTDOWN", end_cause(control, why));
}

json_t *control_version(void)
{
	int major = 0, minor = 0;

	sscanf(HVRUN_VERSION, "%d.%d", &major, &minor);
	/* the name of the key is the protocol's */
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", major, "minor", minor,
			 "micro", 0, "package", "hvrun " HVRUN_VERSION);
}
