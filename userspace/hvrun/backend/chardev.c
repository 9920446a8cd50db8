// SPDX-License-Identifier: GPL-2.0-or-later
/* The back ends that need no input: null and file:PATH; and the choice. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chardev.h"
#include "log.h"

struct char_file {
	struct chardev chardev;
	int fd; /* -1: null */
};

static size_t char_file_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	struct char_file *file = (struct char_file *)chardev;

	if (file->fd >= 0 && write(file->fd, data, bytes) < 0)
		log_line(LOG_GUEST_ERRORS, "serial output is lost: %s", strerror(errno));
	return bytes;
}

static void char_file_input_wanted(struct chardev *chardev)
{
}

static void char_file_destroy(struct chardev *chardev)
{
	struct char_file *file = (struct char_file *)chardev;

	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

static struct chardev *char_file_open(const char *option, const char *path, struct error *err)
{
	struct char_file *file;
	int fd = -1;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0) {
			error_set(err, "-%s: cannot write '%s': %s", option, path, strerror(errno));
			return NULL;
		}
	}
	file = calloc(1, sizeof(*file));
	if (!file) {
		error_set(err, "out of memory");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	file->fd = fd;
	file->chardev.write = char_file_write;
	file->chardev.input_wanted = char_file_input_wanted;
	file->chardev.destroy = char_file_destroy;
	file->chardev.is_open = true;
	return &file->chardev;
}

struct chardev *chardev_open(const char *option, const char *spec, struct event_loop *loop,
			     struct power *power, struct error *err)
{
	if (!strcmp(spec, "none") || !strcmp(spec, "null"))
		return char_file_open(option, NULL, err);
	if (!strcmp(spec, "stdio"))
		return char_stdio_open(loop, power, 0, err);
	if (!strcmp(spec, "mon:stdio"))
		return char_stdio_open(loop, power, 1, err);
	if (!strncmp(spec, "file:", 5) && spec[5])
		return char_file_open(option, spec + 5, err);
	if (char_socket_is_named(spec))
		return char_socket_open(option, spec, loop, err);

	error_set(err,
		  "-%s '%s': there are none, null, stdio, mon:stdio, file:PATH, unix:PATH and "
		  "tcp:HOST:PORT",
		  option, spec);
	return NULL;
}
