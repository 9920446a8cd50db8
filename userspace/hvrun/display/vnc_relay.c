// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes between viewers and the VNC library: see vnc_relay.h. Each thread has its own relay. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "display/vnc_relay.h"

#define CHUNK (64U << 10)
#define STACK_BYTES (128U << 10)

/** struct queue - bytes on their way: from @at to @end of @data, which has @room */
struct queue {
	uint8_t *data;
	size_t at;
	size_t end;
	size_t room;
};

/**
 * struct relay - a viewer
 * @to_viewer: up to VNC_RELAY_BYTES
 * @to_library: the next is read when this has gone
 * @library_is_gone: it has closed its end: send what waits
 * @moved_ms: when the viewer has last taken something, or nothing waited
 */
struct relay {
	int viewer;
	int library;
	int patience_ms;
	struct queue to_viewer;
	struct queue to_library;
	bool library_is_gone;
	int64_t moved_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool is_empty(const struct queue *queue)
{
	return queue->at == queue->end;
}

/* Room for a chunk at the end; false: there is too much already. */
static bool make_room(struct queue *queue)
{
	size_t bytes = queue->end - queue->at, room = queue->room;
	uint8_t *data;

	if (queue->at) {
		memmove(queue->data, queue->data + queue->at, bytes);
		queue->at = 0;
		queue->end = bytes;
	}
	if (room - bytes >= CHUNK)
		return true;
	room = room ? 2 * room : CHUNK;
	if (room > VNC_RELAY_BYTES)
		return false;
	data = realloc(queue->data, room);
	if (!data)
		return false;
	queue->data = data;
	queue->room = room;
	return true;
}

/* A queue that was long once need not stay so. */
static void give_back(struct queue *queue)
{
	if (!is_empty(queue) || queue->room <= CHUNK)
		return;
	free(queue->data);
	memset(queue, 0, sizeof(*queue));
}

/* false: the other side has closed, or the queue is full. */
static bool take_in(int from, struct queue *queue)
{
	ssize_t got;

	if (queue->room - queue->end < CHUNK && !make_room(queue))
		return false;
	got = recv(from, queue->data + queue->end, CHUNK, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	queue->end += got;
	return got > 0;
}

static bool send_on(int to, struct queue *queue)
{
	ssize_t done = send(to, queue->data + queue->at, queue->end - queue->at,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0)
		return errno == EAGAIN || errno == EINTR;
	queue->at += done;
	return true;
}

static short wanted(bool in, bool out)
{
	return (in ? POLLIN : 0) | (out ? POLLOUT : 0);
}

static bool move_viewer(struct relay *relay, short events)
{
	struct queue *out = &relay->to_viewer;
	size_t before = out->at;

	if ((events & POLLOUT) && !send_on(relay->viewer, out))
		return false;
	if (out->at != before || is_empty(out))
		relay->moved_ms = now_ms();
	give_back(out);
	if (events & (POLLIN | POLLHUP | POLLERR) && is_empty(&relay->to_library))
		return take_in(relay->viewer, &relay->to_library);
	return true;
}

static bool move_library(struct relay *relay, short events)
{
	if ((events & POLLOUT) && !send_on(relay->library, &relay->to_library))
		return false;
	if (!(events & (POLLIN | POLLHUP | POLLERR)) || take_in(relay->library, &relay->to_viewer))
		return true;
	/* the queue is full, or the library has closed */
	relay->library_is_gone = true;
	return relay->to_viewer.room < VNC_RELAY_BYTES;
}

/* Until something moves; false: it is over. */
static bool step(struct relay *relay)
{
	struct queue *out = &relay->to_viewer;
	bool waits = !is_empty(out), listens = is_empty(&relay->to_library);
	struct pollfd fds[2] = {
		/* one that has hung up would be ready for ever */
		{ waits || listens ? relay->viewer : -1, wanted(listens, waits), 0 },
		{ relay->library_is_gone ? -1 : relay->library,
		  wanted(true, !is_empty(&relay->to_library)), 0 },
	};

	if (!waits && relay->library_is_gone)
		return false;
	if (!waits)
		relay->moved_ms = now_ms();
	if (poll(fds, 2, waits ? relay->patience_ms : -1) < 0)
		return errno == EINTR;
	/* the library first: it gets what a viewer has sent before it hung up */
	if (fds[1].revents && !move_library(relay, fds[1].revents))
		return false;
	if (fds[0].revents && !move_viewer(relay, fds[0].revents))
		return false;
	return !waits || now_ms() - relay->moved_ms < relay->patience_ms;
}

static void destroy(struct relay *relay)
{
	if (relay->library >= 0)
		close(relay->library);
	close(relay->viewer);
	free(relay->to_viewer.data);
	free(relay->to_library.data);
	free(relay);
}

static void *relay_thread(void *arg)
{
	struct relay *relay = arg;

	relay->moved_ms = now_ms();
	while (step(relay))
		;
	destroy(relay);
	return NULL;
}

static bool start_thread(struct relay *relay)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool good;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	good = pthread_create(&thread, &attr, relay_thread, relay) == 0;
	pthread_attr_destroy(&attr);
	return good;
}

int vnc_relay_start(int viewer, int patience_ms)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int pair[2], one = 1;

	if (!relay) {
		close(viewer);
		return -1;
	}
	relay->viewer = viewer;
	relay->library = -1;
	relay->patience_ms = patience_ms;
	/* fails on a UNIX socket, which needs none */
	setsockopt(viewer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		destroy(relay);
		return -1;
	}
	relay->library = pair[0];
	if (!start_thread(relay)) {
		destroy(relay);
		close(pair[1]);
		return -1;
	}
	return pair[1];
}
