// SPDX-License-Identifier: GPL-2.0-or-later
/* See klog.h. A record of /dev/kmsg is "PRIORITY,NUMBER,TIME,FLAGS;TEXT\n", continued by others. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "klog.h"
#include "tap.h"

#define MOST_TOLD 20

/* What a kernel says because the one below it was busy elsewhere, as in lib.sh. */
static const char *const late[] = {
	"interrupt took", "took too long", "clocksource:", "RT throttling",
	"calibration", "hogged CPU",
};

bool logged(const char *who, const char *what, const char *more)
{
	static char log[1 << 20];
	int length = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);
	char *rest, *line;

	log[length < 0 ? 0 : length] = '\0';
	for (line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strstr(line, who) && strstr(line, what) && strstr(line, more))
			return true;
	}
	return false;
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static bool is_late(const char *text)
{
	for (unsigned int i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		if (strstr(text, late[i]))
			return true;
	return false;
}

static void count(struct klog_news *news, const char *record)
{
	unsigned long priority = strtoul(record, NULL, 10);
	const char *text = strchr(record, ';');

	if (!text || priority >> 3) /* of a program, not of the kernel */
		return;
	if (strstr(text, "myhv"))
		news->ours++;
	else if ((priority & 7) <= 4 /* KERN_WARNING */ && !is_late(text))
		news->warnings++;
	else
		return;
	if (news->ours + news->warnings <= MOST_TOLD)
		note("the host's log: <%lu>%.200s", priority, text + 1);
}

struct klog_news klog_news(int fd)
{
	struct klog_news news = { 0 };
	char record[8192];
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			news.lost = true;
		} else if (n <= 0) {
			return news;
		} else {
			record[n] = '\0';
			record[strcspn(record, "\n")] = '\0';
			count(&news, record);
		}
	}
}
