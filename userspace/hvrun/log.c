// SPDX-License-Identifier: GPL-2.0-or-later
/* The debug log. One line is one write, so that lines of several vCPUs do not mix. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const struct {
	const char *name;
	unsigned int item;
} items[] = {
	{ "unimp", LOG_UNIMP },
	{ "guest_errors", LOG_GUEST_ERRORS },
	{ "reset", LOG_RESET },
	{ "firmware", LOG_FIRMWARE },
};

/* Set once before the first thread starts, read only from then on. */
static unsigned int log_mask;
static int log_fd = STDERR_FILENO;

static unsigned int item_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (strlen(items[i].name) == length && !memcmp(items[i].name, name, length))
			return items[i].item;
	return 0;
}

int log_parse_items(const char *text, unsigned int *mask, struct error *err)
{
	*mask = 0;
	for (;;) {
		size_t length = strcspn(text, ",");
		unsigned int item = item_by_name(text, length);

		if (!item)
			return error_set(err,
					 "-d: unknown item '%.*s' (there are unimp, guest_errors, "
					 "reset, firmware)",
					 (int)length, text);
		*mask |= item;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

int log_open(unsigned int mask, const char *path, struct error *err)
{
	if (path) {
		log_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
		if (log_fd < 0)
			return error_set(err, "-D: cannot write '%s': %s", path, strerror(errno));
	}
	log_mask = mask;
	return 0;
}

bool log_is_on(unsigned int item)
{
	return log_mask & item;
}

void log_line(unsigned int item, const char *format, ...)
{
	char line[256];
	va_list args;
	int length;

	if (!(log_mask & item))
		return;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	/* nobody to tell when the log itself cannot be written */
	if (write(log_fd, line, length) < 0)
		return;
}
