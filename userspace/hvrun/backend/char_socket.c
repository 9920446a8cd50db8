// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A socket as a serial line: one caller at a time, others wait in the kernel's queue until
 * that one hangs up. What is written while nobody is there is lost, as on a line without a
 * modem.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chardev.h"
#include "backend/socket.h"
#include "keyval.h"

/**
 * struct char_socket - a line
 * @listener: fd -1: we call
 * @peer: fd -1: nobody is there
 * @lock: @peer's descriptor against writers in other threads
 */
struct char_socket {
	struct chardev chardev;
	struct event_loop *loop;
	struct socket_name name;
	struct event_source listener;
	struct event_source peer;
	pthread_mutex_t lock;
};

static struct char_socket *to_socket(struct chardev *chardev)
{
	return (struct char_socket *)chardev;
}

static size_t char_socket_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	struct char_socket *line = to_socket(chardev);
	ssize_t sent;

	pthread_mutex_lock(&line->lock);
	if (line->peer.fd < 0) {
		pthread_mutex_unlock(&line->lock);
		return bytes;
	}
	do {
		sent = send(line->peer.fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		sent = bytes; /* it is gone; the main thread will see that as well */
	else if (sent < 0)
		sent = 0;
	if ((size_t)sent < bytes)
		event_source_want(&line->peer, line->peer.events | POLLOUT);
	pthread_mutex_unlock(&line->lock);
	return sent;
}

static void char_socket_input_wanted(struct chardev *chardev)
{
	struct char_socket *line = to_socket(chardev);

	pthread_mutex_lock(&line->lock);
	event_source_want(&line->peer, line->peer.events | POLLIN);
	pthread_mutex_unlock(&line->lock);
}

static void rest(struct char_socket *line, short events)
{
	pthread_mutex_lock(&line->lock);
	event_source_want(&line->peer, line->peer.events & ~events);
	pthread_mutex_unlock(&line->lock);
}

/* Main thread. */
static void set_peer(struct char_socket *line, int fd)
{
	const struct chardev_front *front = line->chardev.front;
	int old;

	pthread_mutex_lock(&line->lock);
	old = line->peer.fd;
	line->peer.fd = fd;
	event_source_want(&line->peer, fd < 0 ? 0 : POLLIN);
	pthread_mutex_unlock(&line->lock);

	if (old >= 0)
		close(old);
	line->chardev.is_open = fd >= 0;
	if (fd >= 0)
		line->chardev.waits = false;
	event_source_want(&line->listener, fd < 0 ? POLLIN : 0);
	if (front && front->opened)
		front->opened(line->chardev.front_dev, fd >= 0);
	/* a guest that had filled the line may go on: it is lost from now on */
	if (front && fd < 0)
		front->writable(line->chardev.front_dev);
}

static void char_socket_hang_up(struct chardev *chardev)
{
	struct char_socket *line = to_socket(chardev);

	if (line->peer.fd >= 0)
		set_peer(line, -1);
}

static void listener_ready(struct event_source *source, short revents)
{
	struct char_socket *line = source->context;
	int fd;

	/* out of descriptors: somebody may hang up */
	if (line->peer.fd < 0) {
		fd = socket_accept(source->fd);
		if (fd >= 0)
			set_peer(line, fd);
	}
}

static void receive(struct char_socket *line)
{
	const struct chardev_front *front = line->chardev.front;
	void *dev = line->chardev.front_dev;
	uint8_t data[1024];
	size_t room = front->room(dev);
	ssize_t got;

	if (!room) {
		rest(line, POLLIN);
		/* it may have come between the two: then nobody would call us again */
		room = front->room(dev);
		if (!room)
			return;
		char_socket_input_wanted(&line->chardev);
	}
	got = recv(line->peer.fd, data, room < sizeof(data) ? room : sizeof(data), MSG_DONTWAIT);
	if (got > 0)
		front->receive(dev, data, got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		set_peer(line, -1);
}

static void peer_ready(struct event_source *source, short revents)
{
	struct char_socket *line = source->context;

	if (revents & POLLOUT) {
		rest(line, POLLOUT);
		line->chardev.front->writable(line->chardev.front_dev);
	}
	/* a caller that is gone shows as the end of its data */
	if (source->fd >= 0 && (revents & (POLLIN | POLLHUP | POLLERR)))
		receive(line);
}

static void char_socket_destroy(struct chardev *chardev)
{
	struct char_socket *line = to_socket(chardev);

	event_loop_remove(line->loop, &line->listener);
	event_loop_remove(line->loop, &line->peer);
	if (line->peer.fd >= 0)
		close(line->peer.fd);
	if (line->listener.fd >= 0) {
		close(line->listener.fd);
		socket_forget(&line->name);
	}
	pthread_mutex_destroy(&line->lock);
	free(line);
}

/* ---- making it ---- */

struct request {
	struct socket_name name;
	bool server;
	bool wait;
};

static int parse_tcp(struct request *request, char *place, struct error *err)
{
	char *colon = strrchr(place, ':'), *end;
	unsigned long port;

	if (!colon || !colon[1])
		return error_set(err, "tcp:%s has no port; write tcp:HOST:PORT", place);
	port = strtoul(colon + 1, &end, 10);
	if (*end)
		return error_set(err, "'%s' is no TCP port", colon + 1);
	*colon = 0;
	return socket_name_tcp(&request->name, place, port > 65535 ? 65536 : port, err);
}

static int parse(struct request *request, const char *option, const char *spec, struct error *err)
{
	struct keyval keyval;
	char place[512];
	const char *value;

	request->server = false;
	request->wait = true;
	if (keyval_parse(&keyval, option, "path", spec, err) < 0)
		return -1;
	value = keyval_get(&keyval, "path");
	if (!value || strlen(value) >= sizeof(place))
		return error_set(err, "-%s: there is no such place as '%.100s'", option, spec);
	memcpy(place, value, strlen(value) + 1);
	if (keyval_get_bool(&keyval, "server", &request->server, err) < 0 ||
	    keyval_get_bool(&keyval, "wait", &request->wait, err) < 0 ||
	    keyval_finish(&keyval, err) < 0)
		return -1;
	if (!strncmp(place, "unix:", 5))
		return socket_name_unix(&request->name, place + 5, err);
	return parse_tcp(request, place + 4, err);
}

static int open_sockets(struct char_socket *line, const struct request *request, struct error *err)
{
	line->listener.fd = -1;
	line->peer.fd = -1;
	if (request->server) {
		line->listener.fd = socket_listen(&request->name, 1, err);
		return line->listener.fd < 0 ? -1 : 0;
	}
	line->peer.fd = socket_connect(&request->name, err);
	return line->peer.fd < 0 ? -1 : 0;
}

bool char_socket_is_named(const char *spec)
{
	return !strncmp(spec, "unix:", 5) || !strncmp(spec, "tcp:", 4);
}

struct chardev *char_socket_open(const char *option, const char *spec, struct event_loop *loop,
				 struct error *err)
{
	struct char_socket *line;
	struct request request;

	if (parse(&request, option, spec, err) < 0)
		return NULL;
	line = calloc(1, sizeof(*line));
	if (!line) {
		error_set(err, "out of memory");
		return NULL;
	}
	if (open_sockets(line, &request, err) < 0) {
		free(line);
		return NULL;
	}
	pthread_mutex_init(&line->lock, NULL);
	line->loop = loop;
	line->name = request.name;
	line->listener.ready = listener_ready;
	line->listener.context = line;
	line->listener.events = line->listener.fd < 0 ? 0 : POLLIN;
	line->peer.ready = peer_ready;
	line->peer.context = line;
	line->peer.events = line->peer.fd < 0 ? 0 : POLLIN;
	line->chardev.write = char_socket_write;
	line->chardev.input_wanted = char_socket_input_wanted;
	line->chardev.hang_up = char_socket_hang_up;
	line->chardev.destroy = char_socket_destroy;
	line->chardev.is_open = line->peer.fd >= 0;
	line->chardev.waits = request.server && request.wait;
	if (event_loop_add(loop, &line->listener) < 0 || event_loop_add(loop, &line->peer) < 0) {
		error_set(err, "too many event sources");
		char_socket_destroy(&line->chardev);
		return NULL;
	}
	return &line->chardev;
}
