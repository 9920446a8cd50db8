// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets by name: see socket.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/socket.h"

int socket_name_unix(struct socket_name *name, const char *path, struct error *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&name->address;

	memset(name, 0, sizeof(*name));
	if (!*path || strlen(path) >= sizeof(un->sun_path))
		return error_set(err, "'%s' is no path for a UNIX socket: 1 to %zu characters",
				 path, sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	name->length = sizeof(*un);
	snprintf(name->text, sizeof(name->text), "unix:%s", path);
	return 0;
}

int socket_name_tcp(struct socket_name *name, const char *host, unsigned int port,
		    struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char number[16];
	int r;

	memset(name, 0, sizeof(*name));
	if (port > 65535)
		return error_set(err, "there is no TCP port %u", port);
	if (!host || !*host)
		host = "127.0.0.1";
	snprintf(number, sizeof(number), "%u", port);
	r = getaddrinfo(host, number, &hints, &found);
	if (r)
		return error_set(err, "there is no host '%.80s': %s", host, gai_strerror(r));
	memcpy(&name->address, found->ai_addr, found->ai_addrlen);
	name->length = found->ai_addrlen;
	freeaddrinfo(found);
	snprintf(name->text, sizeof(name->text), "tcp:%.100s:%u", host, port);
	return 0;
}

static const char *unix_path(const struct socket_name *name)
{
	return name->address.ss_family == AF_UNIX ?
		       ((const struct sockaddr_un *)&name->address)->sun_path :
		       NULL;
}

static int make_socket(const struct socket_name *name, struct error *err)
{
	int fd = socket(name->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		error_set(err, "cannot make a socket for %s: %s", name->text, strerror(errno));
	return fd;
}

/* A path that is left from a process that died: there, and nobody listens. */
static bool is_stale(const struct socket_name *name)
{
	const char *path = unix_path(name);
	struct stat st;
	bool stale;
	int fd;

	if (!path || stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)&name->address, name->length) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_to(int fd, const struct socket_name *name)
{
	const struct sockaddr *address = (const struct sockaddr *)&name->address;

	if (bind(fd, address, name->length) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_stale(name)) {
		errno = EADDRINUSE;
		return -1;
	}
	unlink(unix_path(name));
	return bind(fd, address, name->length);
}

int socket_listen(const struct socket_name *name, int backlog, struct error *err)
{
	int fd = make_socket(name, err), on = 1;

	if (fd < 0)
		return -1;
	if (unix_path(name))
		fchmod(fd, 0600); /* before bind(): the path gets it */
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind_to(fd, name) < 0 || listen(fd, backlog) < 0) {
		error_set(err, "cannot listen at %s: %s", name->text, strerror(errno));
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int socket_accept(int listener)
{
	int fd;

	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd;
}

int socket_connect(const struct socket_name *name, struct error *err)
{
	int fd = make_socket(name, err);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&name->address, name->length) < 0) {
		error_set(err, "nobody answers at %s: %s", name->text, strerror(errno));
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void socket_forget(const struct socket_name *name)
{
	if (unix_path(name))
		unlink(unix_path(name));
}
