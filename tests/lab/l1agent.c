// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the job inside L1 and speaks with hvlab over one channel. Everything goes in
 * frames, so that output is exact to the byte and the exit status cannot overtake it.
 * A word of its own comes before the first frame, because the emulator may have written
 * to the channel before.
 *
 * Under QEMU the channel is a virtio port, both ways. Under Bochs it is I/O port 0xe9,
 * whose bytes Bochs writes to its own stdout at once: no line speed, no interrupts.
 *
 *	frame: type (1 byte), length (4 bytes, little-endian), payload
 *	to hvlab:   'H' agent is up, 'O' stdout, 'E' stderr, 'X' exit status (1 byte, last),
 *		    'B' a heartbeat: each CPU of L1 in turn still runs programs
 *	from hvlab: 'I' stdin, 'C' end of stdin, 'W' window size (rows, columns: 2 x 16 bit),
 *		    'A' the exit status has arrived: only now may L1 power off, because the
 *		    emulator drops what its reader has not fetched by then
 *
 * Built statically: it starts in the initramfs and changes root by itself.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 32768
#define HEADER 5
#define ACK_TIMEOUT_MS 60000
#define BOCHS_PORT 0xe9
#define BEAT_SECONDS 5

static const char preamble[] = "\0hvlab";

/* -1: there is none, and so no input */
static int port = -1;

/* The job's ends of stdin, stdout and stderr; -1 when closed. A tty has in == out. */
struct job {
	pid_t pid;
	int in, out, err;
	bool tty;
};

/* Bytes from hvlab that wait for the job to read them, and the frame being received. */
struct input {
	uint8_t frame[HEADER + FRAME_MAX];
	size_t have;
	size_t written;
};

static struct input in;

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			err(1, "write to hvlab");
		if (n > 0) {
			p += n;
			len -= n;
		}
	}
}

static void send_bytes(const void *data, size_t len)
{
	if (port < 0)
		outsb(BOCHS_PORT, data, len);
	else
		write_all(port, data, len);
}

static void send_frame(char type, const void *data, uint32_t len)
{
	uint8_t frame[HEADER + FRAME_MAX];

	frame[0] = type;
	memcpy(frame + 1, &len, sizeof(len));
	if (len)
		memcpy(frame + HEADER, data, len);
	send_bytes(frame, HEADER + len);
}

static void open_channel(const char *name)
{
	struct termios raw;

	if (!strcmp(name, "e9")) {
		if (ioperm(BOCHS_PORT, 1, 1))
			err(1, "ioperm");
		return;
	}
	port = open(name, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (port < 0)
		err(1, "%s", name);
	if (!tcgetattr(port, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(port, TCSANOW, &raw);
	}
}

/* The NUL-terminated strings of a file, as an argv. */
static char **read_strings(const char *path)
{
	size_t len = 0, cap = 1 << 20, count = 0;
	char *data = malloc(cap);
	char **list = calloc(cap / 8, sizeof(*list));
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0 || !data || !list)
		err(1, "%s", path);
	while (len < cap && (n = read(fd, data + len, cap - len)) > 0)
		len += n;
	close(fd);
	for (char *p = data; p < data + len; p += strlen(p) + 1)
		list[count++] = p;
	return list;
}

static void __attribute__((noreturn)) exec_job(char **argv, char **env)
{
	signal(SIGPIPE, SIG_DFL);
	if (port < 0)
		ioperm(BOCHS_PORT, 1, 0);
	environ = env;
	execvp(argv[0], argv);
	fprintf(stderr, "hvlab: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void start_on_tty(struct job *job, char **argv, char **env)
{
	int master;

	job->pid = forkpty(&master, NULL, NULL, NULL);
	if (job->pid < 0)
		err(1, "forkpty");
	if (!job->pid)
		exec_job(argv, env);
	job->in = job->out = master;
	job->err = -1;
	job->tty = true;
}

static void start_on_pipes(struct job *job, char **argv, char **env, bool with_stdin)
{
	int in[2], out[2], errs[2];

	if (pipe2(out, O_CLOEXEC) || pipe2(errs, O_CLOEXEC) || pipe2(in, O_CLOEXEC))
		err(1, "pipe");
	job->pid = fork();
	if (job->pid < 0)
		err(1, "fork");
	if (!job->pid) {
		if (!with_stdin)
			in[0] = open("/dev/null", O_RDONLY);
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(errs[1], 2);
		exec_job(argv, env);
	}
	close(in[0]);
	close(out[1]);
	close(errs[1]);
	job->in = in[1];
	job->out = out[0];
	job->err = errs[0];
	job->tty = false;
}

/* Moves what is there to hvlab. False at the end of the stream. */
static bool forward(int fd, char type)
{
	char buf[FRAME_MAX];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		send_frame(type, buf, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void drain(int fd, char type)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && poll(&p, 1, 0) > 0 && forward(fd, type))
		;
}

static uint32_t input_length(void)
{
	uint32_t len;

	memcpy(&len, in.frame + 1, sizeof(len));
	return len;
}

static bool input_complete(void)
{
	return in.have >= HEADER && in.have == HEADER + input_length();
}

/* Reads no further than the end of one frame: the rest waits in the channel. */
static void receive(void)
{
	size_t want = in.have < HEADER ? HEADER : HEADER + input_length();
	ssize_t n;

	if (want > sizeof(in.frame))
		errx(1, "hvlab sent a bad frame");
	n = read(port, in.frame + in.have, want - in.have);
	if (n > 0)
		in.have += n;
}

/* Acts on a complete frame; stdin data may take several rounds. */
static void deliver(struct job *job)
{
	uint32_t len = input_length();
	ssize_t n;

	switch (in.frame[0]) {
	case 'I':
		if (job->in >= 0 && in.written < len) {
			n = write(job->in, in.frame + HEADER + in.written, len - in.written);
			if (n < 0 && (errno == EAGAIN || errno == EINTR))
				return;
			in.written += n < 0 ? len : (size_t)n;
			if (in.written < len)
				return;
		}
		break;
	case 'C':
		if (!job->tty && job->in >= 0) {
			close(job->in);
			job->in = -1;
		}
		break;
	case 'W':
		if (job->tty && len == 4) {
			struct winsize size = { 0 };

			memcpy(&size.ws_row, in.frame + HEADER, 2);
			memcpy(&size.ws_col, in.frame + HEADER + 2, 2);
			ioctl(job->in, TIOCSWINSZ, &size);
		}
		break;
	}
	in.have = in.written = 0;
}

/*
 * Tells now and then that L1 lives. A CPU that hangs with interrupts off would not be missed by
 * the others: the agent moves from one to the next, and falls silent where it gets stuck.
 */
static void beat(void)
{
	static time_t last;
	static long next;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct timespec now;
	cpu_set_t one;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - last < BEAT_SECONDS)
		return;
	last = now.tv_sec;
	CPU_ZERO(&one);
	CPU_SET(next, &one);
	next = (next + 1) % cpus;
	/* That one may be offline: the others are there. */
	sched_setaffinity(0, sizeof(one), &one);
	send_frame('B', NULL, 0);
}

/* Relays until the job's first process has ended; returns its wait status. */
static int relay(struct job *job)
{
	int status, ended = 0;

	while (!ended) {
		bool pending = input_complete();
		struct pollfd p[4] = {
			{ .fd = job->out, .events = POLLIN },
			{ .fd = job->err, .events = POLLIN },
			{ .fd = pending ? -1 : port, .events = POLLIN },
			{ .fd = pending ? job->in : -1, .events = POLLOUT },
		};
		pid_t pid;

		/* SIGCHLD ends the poll; the bound covers one that came just before. */
		poll(p, 4, 100);
		beat();
		if (p[0].revents && !forward(job->out, 'O') && !job->tty)
			job->out = -1;
		if (p[1].revents && !forward(job->err, 'E'))
			job->err = -1;
		if (p[2].revents & POLLIN)
			receive();
		if (input_complete())
			deliver(job);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == job->pid) {
				ended = 1;
				break;
			}
	}
	drain(job->out, 'O');
	drain(job->err, 'E');
	return status;
}

/* Whatever input is still on its way does not matter any more. */
static void await_acknowledgement(void)
{
	struct pollfd p = { .fd = port, .events = POLLIN };

	if (port < 0)
		return;
	if (input_complete())
		in.have = 0;

	while (poll(&p, 1, ACK_TIMEOUT_MS) > 0) {
		receive();
		if (!input_complete())
			continue;
		if (in.frame[0] == 'A')
			return;
		in.have = 0;
	}
}

static void on_child(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	struct sigaction child = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	struct job job;
	char **job_argv, **job_env;
	uint8_t code;
	int status;

	if (argc != 6)
		errx(2, "usage: l1agent PORT ROOT ARGV-FILE ENV-FILE none|pipe|tty");
	open_channel(argv[1]);
	job_argv = read_strings(argv[3]);
	job_env = read_strings(argv[4]);
	if (chroot(argv[2]) || chdir("/tmp"))
		err(1, "chroot");
	umask(022);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigaction(SIGCHLD, &child, NULL);
	signal(SIGPIPE, SIG_IGN);

	send_bytes(preamble, sizeof(preamble));
	send_frame('H', NULL, 0);
	if (!strcmp(argv[5], "tty"))
		start_on_tty(&job, job_argv, job_env);
	else
		start_on_pipes(&job, job_argv, job_env, !strcmp(argv[5], "pipe"));
	if (job.in >= 0)
		fcntl(job.in, F_SETFL, fcntl(job.in, F_GETFL) | O_NONBLOCK);
	status = relay(&job);

	/* What the job wrote to /out must be in L0 before L0 hears of the end. */
	sync();
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	send_frame('X', &code, 1);
	await_acknowledgement();
	return 0;
}
