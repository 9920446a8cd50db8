// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard input and output as a serial line.
 *
 * Output must not block a vCPU (a stopped terminal, a full pipe), and O_NONBLOCK on
 * descriptor 1 would be seen by every process that shares it, the user's shell among
 * them. So a terminal or pipe is opened a second time through /proc; where that is not
 * allowed, poll(2) is asked before each write.
 *
 * A guest's console writes character by character. They are collected until the end of
 * the line, or for a few milliseconds, whichever comes first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/chardev.h"
#include "backend/escape.h"
#include "backend/terminal.h"
#include "log.h"

#define OUTPUT_BUFFER 1024
#define OUTPUT_DELAY_NS 5000000
#define OUTPUT_PATIENCE_MS 1000
#define INPUT_QUEUE 16384U /* a power of two: the indices run free */

struct char_stdio {
	struct chardev chardev;
	struct event_loop *loop;
	struct power *power;
	struct event_source in;
	struct event_source out;
	struct event_source room; /* eventfd: the front end has room again */
	struct loop_timer out_timer;
	bool out_is_private; /* opened by us */
	bool out_may_block;
	bool escapes;
	struct escape escape;
	const struct chardev_front *monitor; /* shares the line; NULL: none does */
	void *monitor_dev;
	bool to_monitor; /* what is typed goes there */

	pthread_mutex_t out_lock;
	bool out_blocked; /* waits for POLLOUT */
	size_t out_bytes;
	uint8_t out_data[OUTPUT_BUFFER];

	/* main thread; the indices are also peeked at by the front end's thread */
	bool in_is_terminal;
	bool in_ended;
	_Atomic unsigned int queue_start;
	_Atomic unsigned int queue_end;
	uint8_t queue[INPUT_QUEUE];
};

static bool out_is_ready(int fd, int timeout_ms)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };

	return poll(&out, 1, timeout_ms) == 1;
}

/* Returns how many the system took; 0: none now. What cannot be written at all is lost. */
static size_t write_some(struct char_stdio *stdio, const uint8_t *data, size_t bytes)
{
	ssize_t written;

	if (stdio->out_may_block) {
		if (!out_is_ready(stdio->out.fd, 0))
			return 0;
		/* room for one character is all that POLLOUT promises on a terminal */
		bytes = 1;
	}
	do {
		written = write(stdio->out.fd, data, bytes);
	} while (written < 0 && errno == EINTR);
	if (written >= 0)
		return written;
	if (errno == EAGAIN)
		return 0;
	log_line(LOG_GUEST_ERRORS, "console output is lost: %s", strerror(errno));
	return bytes;
}

/* out_lock is held. What is left waits for POLLOUT. */
static void flush_locked(struct char_stdio *stdio)
{
	size_t done = 0;

	while (done < stdio->out_bytes) {
		size_t taken = write_some(stdio, stdio->out_data + done, stdio->out_bytes - done);

		if (!taken)
			break;
		done += taken;
	}
	stdio->out_bytes -= done;
	memmove(stdio->out_data, stdio->out_data + done, stdio->out_bytes);
	stdio->out_blocked = stdio->out_bytes;
	if (stdio->out_blocked)
		event_source_want(&stdio->out, POLLOUT);
}

static size_t char_stdio_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	struct char_stdio *stdio = (struct char_stdio *)chardev;
	struct timer *timer = &stdio->out_timer.timer;
	size_t room;

	pthread_mutex_lock(&stdio->out_lock);
	room = OUTPUT_BUFFER - stdio->out_bytes;
	if (bytes > room)
		bytes = room;
	if (bytes && !stdio->out_bytes)
		timer->arm(timer, timer->now(timer) + OUTPUT_DELAY_NS);
	memcpy(stdio->out_data + stdio->out_bytes, data, bytes);
	stdio->out_bytes += bytes;
	if (!stdio->out_blocked && (stdio->out_bytes == OUTPUT_BUFFER || memchr(data, '\n', bytes)))
		flush_locked(stdio);
	pthread_mutex_unlock(&stdio->out_lock);
	return bytes;
}

static void out_timer_expired(void *dev)
{
	struct char_stdio *stdio = dev;

	pthread_mutex_lock(&stdio->out_lock);
	if (!stdio->out_blocked)
		flush_locked(stdio);
	pthread_mutex_unlock(&stdio->out_lock);
}

static void out_ready(struct event_source *source, short revents)
{
	struct char_stdio *stdio = source->context;

	event_source_want(source, 0);
	pthread_mutex_lock(&stdio->out_lock);
	flush_locked(stdio);
	pthread_mutex_unlock(&stdio->out_lock);
	/* without the lock: the front end has its own, and calls us with it held */
	if (stdio->chardev.front)
		stdio->chardev.front->writable(stdio->chardev.front_dev);
	if (stdio->monitor)
		stdio->monitor->writable(stdio->monitor_dev);
}

/* At the end: what the guest said last is often what matters. */
static void flush_at_end(struct char_stdio *stdio)
{
	while (stdio->out_bytes && out_is_ready(stdio->out.fd, OUTPUT_PATIENCE_MS))
		flush_locked(stdio);
}

static bool queue_is_full(const struct char_stdio *stdio)
{
	return stdio->queue_end - stdio->queue_start == INPUT_QUEUE;
}

static void queue_add(struct char_stdio *stdio, uint8_t c)
{
	/* full: a guest that hangs, and somebody who types all the same */
	if (!queue_is_full(stdio))
		stdio->queue[stdio->queue_end++ % INPUT_QUEUE] = c;
}

/* Give the front end what it has room for. */
static void queue_flush(struct char_stdio *stdio)
{
	const struct chardev_front *front = stdio->chardev.front;
	void *dev = stdio->chardev.front_dev;

	while (stdio->queue_start != stdio->queue_end && front->room(dev))
		front->receive(dev, &stdio->queue[stdio->queue_start++ % INPUT_QUEUE], 1);
}

static void print_help(struct char_stdio *stdio)
{
	char_stdio_write(&stdio->chardev, (const uint8_t *)escape_help, strlen(escape_help));
}

static void send_on(struct char_stdio *stdio, uint8_t c)
{
	if (stdio->to_monitor)
		stdio->monitor->receive(stdio->monitor_dev, &c, 1);
	else
		queue_add(stdio, c);
}

static void turn_to_monitor(struct char_stdio *stdio)
{
	if (!stdio->monitor)
		return;
	stdio->to_monitor = !stdio->to_monitor;
	stdio->monitor->opened(stdio->monitor_dev, stdio->to_monitor);
}

static void feed(struct char_stdio *stdio, uint8_t c)
{
	enum escape_action action = ESCAPE_SEND;

	if (stdio->escapes)
		action = escape_feed(&stdio->escape, c);

	switch (action) {
	case ESCAPE_NOTHING:
		break;
	case ESCAPE_SEND:
		send_on(stdio, c);
		break;
	case ESCAPE_MONITOR:
		turn_to_monitor(stdio);
		break;
	case ESCAPE_QUIT:
		power_request(stdio->power, POWER_QUIT, "Ctrl-A x");
		break;
	case ESCAPE_HELP:
		print_help(stdio);
		break;
	case ESCAPE_BREAK:
		stdio->chardev.front->receive_break(stdio->chardev.front_dev);
		break;
	}
}

/*
 * A terminal is read even when the queue is full, so that Ctrl-A x ends a guest that
 * has stopped listening; from a file or pipe nothing may be lost, so it has to wait.
 */
static void in_ready(struct event_source *source, short revents)
{
	struct char_stdio *stdio = source->context;
	size_t room = INPUT_QUEUE - (stdio->queue_end - stdio->queue_start);
	uint8_t data[256];
	ssize_t got;

	if (stdio->in_is_terminal || room > sizeof(data))
		room = sizeof(data);
	got = read(source->fd, data, room);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		/* the end of the input is not the end of the machine */
		event_source_want(source, 0);
		stdio->in_ended = true;
	}
	for (ssize_t i = 0; i < got; i++)
		feed(stdio, data[i]);

	queue_flush(stdio);
	if (queue_is_full(stdio) && !stdio->in_is_terminal)
		event_source_want(source, 0);
}

/* In the main thread: the front end has read something. */
static void room_ready(struct event_source *source, short revents)
{
	struct char_stdio *stdio = source->context;
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	queue_flush(stdio);
	if (!queue_is_full(stdio) && !stdio->in_ended)
		event_source_want(&stdio->in, POLLIN);
}

static void char_stdio_input_wanted(struct chardev *chardev)
{
	struct char_stdio *stdio = (struct char_stdio *)chardev;
	uint64_t one = 1;

	/* a stale answer costs one character's delay: the next read asks again */
	if (atomic_load(&stdio->queue_start) == atomic_load(&stdio->queue_end))
		return;
	if (write(stdio->room.fd, &one, sizeof(one)) < 0)
		return;
}

static void char_stdio_attach_monitor(struct chardev *chardev, const struct chardev_front *front,
				      void *front_dev)
{
	struct char_stdio *stdio = (struct char_stdio *)chardev;

	stdio->monitor = front;
	stdio->monitor_dev = front_dev;
}

static void char_stdio_destroy(struct chardev *chardev)
{
	struct char_stdio *stdio = (struct char_stdio *)chardev;
	struct event_loop *loop = stdio->loop;

	flush_at_end(stdio);
	event_loop_remove(loop, &stdio->in);
	event_loop_remove(loop, &stdio->out);
	event_loop_remove(loop, &stdio->room);
	close(stdio->room.fd);
	loop_timer_destroy(&stdio->out_timer);
	pthread_mutex_destroy(&stdio->out_lock);
	if (stdio->out_is_private)
		close(stdio->out.fd);
	terminal_restore();
	free(stdio);
}

static void source_init(struct event_source *source, struct char_stdio *stdio, int fd,
			void (*ready)(struct event_source *source, short revents), short events)
{
	source->fd = fd;
	source->ready = ready;
	source->context = stdio;
	source->events = events;
}

static void open_output(struct char_stdio *stdio)
{
	struct stat st;
	int fd;

	source_init(&stdio->out, stdio, STDOUT_FILENO, out_ready, 0);
	if (fstat(STDOUT_FILENO, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return;

	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		stdio->out_may_block = true;
		return;
	}
	stdio->out.fd = fd;
	stdio->out_is_private = true;
}

struct chardev *char_stdio_open(struct event_loop *loop, struct power *power, int escapes,
				struct error *err)
{
	struct char_stdio *stdio = calloc(1, sizeof(*stdio));
	int room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (!stdio || room_fd < 0) {
		error_set(err, "cannot open the console: %s", strerror(errno));
		goto free;
	}
	if (loop_timer_init(&stdio->out_timer, loop, CLOCK_MONOTONIC, err) < 0)
		goto free;
	stdio->out_timer.timer.expired = out_timer_expired;
	stdio->out_timer.timer.dev = stdio;
	pthread_mutex_init(&stdio->out_lock, NULL);
	stdio->chardev.write = char_stdio_write;
	stdio->chardev.input_wanted = char_stdio_input_wanted;
	stdio->chardev.destroy = char_stdio_destroy;
	stdio->chardev.is_open = true;
	if (escapes)
		stdio->chardev.attach_monitor = char_stdio_attach_monitor;
	stdio->loop = loop;
	stdio->power = power;
	stdio->escapes = escapes;
	stdio->in_is_terminal = isatty(STDIN_FILENO);

	open_output(stdio);
	source_init(&stdio->in, stdio, STDIN_FILENO, in_ready, POLLIN);
	source_init(&stdio->room, stdio, room_fd, room_ready, POLLIN);
	if (event_loop_add(loop, &stdio->in) < 0 || event_loop_add(loop, &stdio->room) < 0 ||
	    event_loop_add(loop, &stdio->out) < 0) {
		error_set(err, "too many event sources");
		char_stdio_destroy(&stdio->chardev);
		return NULL;
	}
	terminal_raw(!escapes);
	return &stdio->chardev;

free:
	if (room_fd >= 0)
		close(room_fd);
	free(stdio);
	return NULL;
}
