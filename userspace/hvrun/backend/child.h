/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helper programs: started with the descriptors that they need and no others, away from the
 * terminal's signals, and ended with hvrun whatever happens to it.
 */
#ifndef HVRUN_CHILD_H
#define HVRUN_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

#define CHILD_MISSING 127 /* exit status: there is no such program */

/**
 * struct child - a started program
 * @pid: its process
 * @stderr_fd: a file in memory with what it said
 */
struct child {
	pid_t pid;
	int stderr_fd;
};

/**
 * child_start() - start @argv[0], looked for in PATH
 * @fds: descriptors that it inherits, by the same numbers; ends with -1
 *
 * Main thread only: the child dies with the thread that started it.
 */
int child_start(struct child *child, char *const *argv, const int *fds, struct error *err);

/** child_wait() - its wait status; SIGTERM after @term_ms, SIGKILL 5 s later; -1: does not end */
int child_wait(struct child *child, unsigned int term_ms);

/** child_last_words() - the last line that it wrote to standard error, without its name */
void child_last_words(const struct child *child, char *text, size_t bytes);

/** child_forget() - after child_wait() */
void child_forget(struct child *child);

#endif /* HVRUN_CHILD_H */
