/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets by name: UNIX paths, and TCP hosts and ports. */
#ifndef HVRUN_SOCKET_H
#define HVRUN_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "error.h"

/**
 * struct socket_name - where to listen, or whom to call
 * @address: for bind() and connect()
 * @length: of it
 * @text: as the user wrote it, for messages
 */
struct socket_name {
	struct sockaddr_storage address;
	socklen_t length;
	char text[160];
};

/** socket_name_unix() - a path */
int socket_name_unix(struct socket_name *name, const char *path, struct error *err);

/** socket_name_tcp() - @host NULL or empty: this machine alone (127.0.0.1) */
int socket_name_tcp(struct socket_name *name, const char *host, unsigned int port,
		    struct error *err);

/**
 * socket_listen() - a listening socket, non-blocking
 *
 * A UNIX socket is for its owner alone; one that nobody listens to any more is replaced.
 * Return: a descriptor, or -1 with @err.
 */
int socket_listen(const struct socket_name *name, int backlog, struct error *err);

/** socket_accept() - the next caller, non-blocking; -1: none (any more) */
int socket_accept(int listener);

/** socket_connect() - a connected socket, non-blocking; -1 with @err */
int socket_connect(const struct socket_name *name, struct error *err);

/** socket_forget() - a listener is closed: its path goes away */
void socket_forget(const struct socket_name *name);

#endif /* HVRUN_SOCKET_H */
