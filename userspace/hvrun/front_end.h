/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user sees of a machine and does to it: monitors, QMP, displays. Main thread; displays
 * have threads of their own, because whoever looks at them may be slow.
 */
#ifndef HVRUN_FRONT_END_H
#define HVRUN_FRONT_END_H

#include <pthread.h>

#include "backend/block.h"
#include "backend/chardev.h"
#include "control/control.h"
#include "options.h"

struct machine;

#define FRONT_END_FAILURES 16

/** struct io_failure - a disk's, on its way from any thread to the main thread */
struct io_failure {
	char device[32];
	bool is_read;
	bool no_space;
	int error;
	enum block_on_error action;
};

/**
 * struct front_end - of a machine
 * @media: the drives, as @control sees them
 * @uuid: as text
 * @vnc, @curses: displays, or NULL
 * @lines: of QMP and monitors
 * @failure_ready: eventfd: there is something in @failure
 * @lock: @failures and @failure; when they come too fast, the last ones are dropped
 */
struct front_end {
	struct control control;
	struct control_media media;
	char uuid[37];
	struct vnc *vnc;
	struct curses *curses;
	struct chardev *lines[OPTIONS_QMPS + 1];
	unsigned int line_count;

	struct event_source failure_ready;
	pthread_mutex_t lock;
	unsigned int failures;
	struct io_failure failure[FRONT_END_FAILURES];
	bool is_made;
};

/** front_end_create() - the board's devices exist */
int front_end_create(struct machine *machine, struct error *err);

/** front_end_wait() - until those have called for whom the machine shall wait (wait=on) */
void front_end_wait(struct machine *machine);

/** front_end_close_displays() - give the terminal back; vCPUs may still run */
void front_end_close_displays(struct machine *machine);

/** front_end_destroy() - of one that was created, or in part; no vCPU runs any more */
void front_end_destroy(struct machine *machine);

#endif /* HVRUN_FRONT_END_H */
