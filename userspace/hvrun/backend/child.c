// SPDX-License-Identifier: GPL-2.0-or-later
/* Helper programs: see child.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/child.h"

#define KILL_AFTER_MS 5000
#define POLL_MS 5

/* In the child: only async-signal-safe calls, other threads may hold any lock. */
static void become(char *const *argv, const int *fds, int stderr_fd, pid_t parent)
{
	sigset_t none;
	int null;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);

	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(stderr_fd, STDERR_FILENO);
	for (; *fds >= 0; fds++)
		fcntl(*fds, F_SETFD, 0);
	execvp(argv[0], argv);
	_exit(CHILD_MISSING);
}

int child_start(struct child *child, char *const *argv, const int *fds, struct error *err)
{
	pid_t parent = getpid();

	child->pid = 0;
	child->stderr_fd = memfd_create("child", MFD_CLOEXEC);
	if (child->stderr_fd < 0)
		return error_set(err, "cannot start %s: %s", argv[0], strerror(errno));
	child->pid = fork();
	if (child->pid == 0)
		become(argv, fds, child->stderr_fd, parent);
	if (child->pid < 0) {
		child_forget(child);
		return error_set(err, "cannot start %s: %s", argv[0], strerror(errno));
	}
	return 0;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

int child_wait(struct child *child, unsigned int term_ms)
{
	int status;

	for (unsigned int ms = 0;; ms += POLL_MS) {
		pid_t ended = waitpid(child->pid, &status, WNOHANG);

		if (ended == child->pid)
			return status;
		if (ended < 0 && errno != EINTR)
			return -1;
		if (ms >= term_ms && ms < term_ms + POLL_MS)
			kill(child->pid, SIGTERM);
		if (ms >= term_ms + KILL_AFTER_MS && ms < term_ms + KILL_AFTER_MS + POLL_MS)
			kill(child->pid, SIGKILL);
		/* killed, and still in the kernel: it ends when its disk answers */
		if (ms >= term_ms + 2 * KILL_AFTER_MS)
			return -1;
		sleep_ms(POLL_MS);
	}
}

void child_last_words(const struct child *child, char *text, size_t bytes)
{
	char said[2048];
	ssize_t n = pread(child->stderr_fd, said, sizeof(said) - 1, 0);
	char *line, *colon;

	said[n > 0 ? n : 0] = 0;
	while (n > 0 && said[n - 1] == '\n')
		said[--n] = 0;
	line = strrchr(said, '\n');
	line = line ? line + 1 : said;
	/* "qemu-storage-daemon: --blockdev {...}: reason" */
	colon = strstr(line, "}: ");
	if (colon)
		line = colon + 3;
	else if (!strncmp(line, "qemu-", 5) && (colon = strstr(line, ": ")))
		line = colon + 2;
	strncpy(text, line, bytes - 1);
	text[bytes - 1] = 0;
}

void child_forget(struct child *child)
{
	close(child->stderr_fd);
	child->pid = 0;
}
