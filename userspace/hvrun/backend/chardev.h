/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire between a serial port (the front end) and where its characters go (the
 * back end). Nothing in it ever blocks: a back end that cannot take more says so and
 * calls @writable later; a front end that cannot take more gives @room 0 and calls
 * input_wanted() later. So no character is lost in either direction.
 */
#ifndef HVRUN_CHARDEV_H
#define HVRUN_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "event_loop.h"
#include "power.h"

/**
 * struct chardev_front - the front end's functions; called by the main thread
 * @room: characters that receive() would take now
 * @receive: characters from outside, at most @room
 * @receive_break: a break condition on the line
 * @writable: write() may take characters again
 * @opened: somebody is at the other end now, or (false) not any more. May be NULL. A monitor that
 *	shares the line is told when the user turns to it and away.
 */
struct chardev_front {
	size_t (*room)(void *dev);
	void (*receive)(void *dev, const uint8_t *data, size_t bytes);
	void (*receive_break)(void *dev);
	void (*writable)(void *dev);
	void (*opened)(void *dev, bool is_open);
};

/**
 * struct chardev - a back end
 * @write: take characters; returns how many. Fewer than @bytes: writable() follows.
 *	Called by any thread, one at a time.
 * @input_wanted: room() may have grown; any thread
 * @hang_up: part with who is at the other end, if the line can; main thread, may be NULL
 * @attach_monitor: let a monitor share the line, by Ctrl-A c; NULL: it cannot be shared
 * @destroy: end; main thread, no vCPU runs any more
 * @is_open: somebody is at the other end
 * @waits: the machine shall not start before somebody is
 * @front: set by chardev_connect()
 * @front_dev: for the functions of @front
 */
struct chardev {
	size_t (*write)(struct chardev *chardev, const uint8_t *data, size_t bytes);
	void (*input_wanted)(struct chardev *chardev);
	void (*hang_up)(struct chardev *chardev);
	void (*attach_monitor)(struct chardev *chardev, const struct chardev_front *front,
			       void *front_dev);
	void (*destroy)(struct chardev *chardev);
	bool is_open;
	bool waits;
	const struct chardev_front *front;
	void *front_dev;
};

static inline void chardev_connect(struct chardev *chardev, const struct chardev_front *front,
				   void *front_dev)
{
	chardev->front = front;
	chardev->front_dev = front_dev;
}

/**
 * chardev_open() - make the back end that an option names
 * @option: its name, for messages: "serial"
 * @spec: "none", "null", "stdio", "mon:stdio", "file:PATH", "unix:PATH" or "tcp:HOST:PORT", the
 *	last two with ",server=on,wait=off"
 * @loop: the event loop
 * @power: where Ctrl-A x goes
 *
 * Return: a back end, or NULL with @err.
 */
struct chardev *chardev_open(const char *option, const char *spec, struct event_loop *loop,
			     struct power *power, struct error *err);

/** char_stdio_open() - standard input and output; @escapes: Ctrl-A commands */
struct chardev *char_stdio_open(struct event_loop *loop, struct power *power, int escapes,
				struct error *err);

/** char_socket_is_named() - is @spec a socket? */
bool char_socket_is_named(const char *spec);
struct chardev *char_socket_open(const char *option, const char *spec, struct event_loop *loop,
				 struct error *err);

#endif /* HVRUN_CHARDEV_H */
