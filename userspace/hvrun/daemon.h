/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life in the background: -daemonize and -pidfile. */
#ifndef HVRUN_DAEMON_H
#define HVRUN_DAEMON_H

#include "error.h"

/** struct daemon - the way back to the process that the user waits for; @fd -1: none */
struct daemon {
	int fd;
};

/**
 * daemon_start() - go on in a child; before the first thread
 *
 * The parent stays until daemon_ready() and then ends with status 0; if the child ends before
 * that, it ends with the child's status, and what the child has said is on standard error.
 */
int daemon_start(struct daemon *daemon, struct error *err);

/** daemon_ready() - let the parent go, and the terminal; does nothing without daemon_start() */
void daemon_ready(struct daemon *daemon);

/** struct pidfile - a file with our number in it; @fd -1: none */
struct pidfile {
	int fd;
	const char *path;
};

/** pidfile_write() - @path NULL: nothing to do. -1 with @err when another process holds it. */
int pidfile_write(struct pidfile *pidfile, const char *path, struct error *err);
void pidfile_remove(struct pidfile *pidfile);

#endif /* HVRUN_DAEMON_H */
