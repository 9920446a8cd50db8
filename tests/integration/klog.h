/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log of the host's kernel, as far as tests look at it. */
#ifndef TESTS_KLOG_H
#define TESTS_KLOG_H

#include <stdbool.h>

/* Has it a line with all these words? */
bool logged(const char *who, const char *what, const char *more);

/**
 * struct klog_news - what came since klog_open(), or the last look
 * @ours: lines of the module's
 * @warnings: lines of others, of level warning or above, but those that any late host has
 * @lost: some were gone before they were read
 */
struct klog_news {
	unsigned int ours;
	unsigned int warnings;
	bool lost;
};

/* A descriptor that reads what comes from now on; negative: there is none. */
int klog_open(void);
/* Read it; the lines that count are told as notes. */
struct klog_news klog_news(int fd);

#endif /* TESTS_KLOG_H */
