/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's hands on a running machine: QMP for programs, the monitor for people. Main thread,
 * which is also the one that stops, starts and resets the machine.
 */
#ifndef HVRUN_CONTROL_H
#define HVRUN_CONTROL_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/chardev.h"
#include "control/key_queue.h"
#include "dev/input.h"
#include "display/screen.h"
#include "error.h"
#include "event_loop.h"
#include "guest_ram.h"
#include "power.h"
#include "run_state.h"
#include "vcpu.h"

struct pci_bus;

/**
 * struct control_media - the machine's drives, as far as the user changes them
 * @query: QMP's query-block; a new reference
 * @eject: open the tray; @force even if the guest has locked it
 * @change: another disc; @format NULL: look at the contents; @read_only -1: as it was
 * @resize: another size
 * @context: passed to all of them
 *
 * A device that does not exist is -ENODEV, everything else -1; with @err both times.
 */
struct control_media {
	json_t *(*query)(void *context);
	int (*eject)(void *context, const char *device, bool force, struct error *err);
	int (*change)(void *context, const char *device, const char *file, const char *format,
		      bool force, struct error *err);
	int (*resize)(void *context, const char *device, uint64_t bytes, struct error *err);
	void *context;
};

/**
 * struct control_parts - what there is to control; pointers may be NULL: there is none
 * @name: of the VM, never NULL
 * @uuid: of the VM, or NULL: none
 * @set_vnc_password: for viewers that come from now on; 0, or -1 with @err
 * @power_button: press it; false: the guest does not listen
 * @power_button_dev: passed to it
 */
struct control_parts {
	const char *name;
	const char *uuid;
	struct event_loop *loop;
	struct run_control *run;
	struct power *power;
	struct vcpus *vcpus;
	const struct guest_ram *ram;
	struct pci_bus *pci;
	const struct screen *screen;
	const struct input_sink *input;
	const struct control_media *media;
	int (*set_vnc_password)(void *context, const char *password, struct error *err);
	void *set_vnc_password_context;
	bool (*power_button)(void *dev);
	void *power_button_dev;
};

#define CONTROL_SESSIONS 8

struct qmp;
struct hmp;

/**
 * struct control - all of it
 * @parts: what it works on
 * @listener: of stops
 * @keys: on their way to the guest
 * @mouse_buttons: INPUT_BUTTON_* that are held by mouse_button
 * @cpu: whose registers and addresses the monitor means
 * @reset_by_user: the reset that is pending was asked for here
 * @quit_by_user: so was the end
 * @is_off: the end has been told
 */
struct control {
	struct control_parts parts;
	struct run_listener listener;
	struct key_queue keys;
	unsigned int mouse_buttons;
	unsigned int cpu;
	bool reset_by_user;
	bool quit_by_user;
	bool is_off;
	struct qmp *qmp[CONTROL_SESSIONS];
	struct hmp *hmp[CONTROL_SESSIONS];
	unsigned int qmps;
	unsigned int hmps;
};

int control_init(struct control *control, const struct control_parts *parts, struct error *err);
void control_destroy(struct control *control);

/** control_add_qmp() - a program speaks QMP over @chardev; the line stays the caller's */
int control_add_qmp(struct control *control, struct chardev *chardev, struct error *err);

/** control_add_monitor() - a person types over @chardev, alone or sharing it by Ctrl-A c */
int control_add_monitor(struct control *control, struct chardev *chardev, struct error *err);

/** control_event() - tell all QMP clients; takes over @data, which may be NULL */
void control_event(struct control *control, const char *name, json_t *data);

/** control_tell_reset() - the machine was reset */
void control_tell_reset(struct control *control, enum power_request why);

/** control_tell_end() - the machine has come to its end, told once */
void control_tell_end(struct control *control, enum power_request why);

/* ---- the parts of it ---- */

struct qmp *qmp_create(struct control *control, struct chardev *chardev);
void qmp_destroy(struct qmp *qmp);
void qmp_event(struct qmp *qmp, const char *line, size_t bytes);

struct hmp *hmp_create(struct control *control, struct chardev *chardev);
void hmp_destroy(struct hmp *hmp);

/** hmp_execute() - one line of the monitor; what it says goes to @to */
void hmp_execute(struct control *control, const char *line, FILE *to);

/** control_version() - as the greeting and query-version show it; a new reference */
json_t *control_version(void);

#endif /* HVRUN_CONTROL_H */
