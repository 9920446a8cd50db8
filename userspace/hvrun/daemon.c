// SPDX-License-Identifier: GPL-2.0-or-later
/* Life in the background: see daemon.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"

/* Until the child is ready or has ended. */
static void wait_for(pid_t child, int fd)
{
	ssize_t got;
	char byte;
	int status;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
	_exit(1);
}

int daemon_start(struct daemon *daemon, struct error *err)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, "-daemonize: cannot make a pipe: %s", strerror(errno));
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return error_set(err, "-daemonize: cannot fork: %s", strerror(errno));
	}
	if (child > 0) {
		close(ends[1]);
		wait_for(child, ends[0]);
	}
	close(ends[0]);
	setsid();
	daemon->fd = ends[1];
	return 0;
}

void daemon_ready(struct daemon *daemon)
{
	int null;

	if (daemon->fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
		close(null);
	}
	/* if the parent is gone already, nobody waits */
	if (write(daemon->fd, "", 1) < 0)
		errno = 0;
	close(daemon->fd);
	daemon->fd = -1;
}

/* The lock goes with the process, so a file that was left behind does no harm. */
int pidfile_write(struct pidfile *pidfile, const char *path, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char number[16];
	int bytes = snprintf(number, sizeof(number), "%d\n", (int)getpid());
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_set(err, "-pidfile: cannot write '%s': %s", path, strerror(errno));
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		close(fd);
		return error_set(err, "-pidfile: '%s' belongs to a machine that runs", path);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, number, bytes, 0) != bytes) {
		error_set(err, "-pidfile: cannot write '%s': %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	pidfile->fd = fd;
	pidfile->path = path;
	return 0;
}

void pidfile_remove(struct pidfile *pidfile)
{
	if (pidfile->fd < 0)
		return;
	unlink(pidfile->path);
	close(pidfile->fd);
	pidfile->fd = -1;
}
