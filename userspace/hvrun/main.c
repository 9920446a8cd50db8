// SPDX-License-Identifier: GPL-2.0-or-later
/* hvrun: command line and signals around a machine. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/terminal.h"
#include "daemon.h"
#include "log.h"
#include "machine.h"
#include "version.h"

static int fail(const struct error *err)
{
	fprintf(stderr, "hvrun: %s\n", err->text);
	return MACHINE_FAILED;
}

/* ---- signals: they arrive in the event loop, as one more source ---- */

#define ECHO_SECONDS 1

struct signals {
	struct event_source source;
	struct machine *machine;
	time_t asked;  /* when the guest was told to switch off; 0: not yet */
	int killed_by; /* 0: none yet */
};

static void stop_job(void)
{
	terminal_restore();
	raise(SIGSTOP);
	terminal_resume();
}

/* Never 0. */
static time_t uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + 1;
}

/*
 * Somebody wants the machine to end. A guest that listens to its power button is asked, once;
 * any other, and everybody at the second signal, is switched off.
 */
static void asked_to_end(struct signals *signals, int signal_number)
{
	struct machine *machine = signals->machine;
	bool is_polite = signal_number == SIGINT || signal_number == SIGTERM;
	time_t now = uptime();

	/* timeout(1), for one, sends its signal to the process and to its group: that is one */
	if (is_polite && signals->asked && now - signals->asked <= ECHO_SECONDS)
		return;
	if (is_polite && !signals->asked && run_state_get(&machine->run) == RUN_RUNNING &&
	    acpi_pm_power_button(machine->pm)) {
		signals->asked = now;
		fprintf(stderr, "hvrun: the guest is asked to switch off; the next signal ends it "
				"at once\n");
		return;
	}
	signals->killed_by = signal_number;
	power_request(&machine->power, POWER_QUIT, strsignal(signal_number));
}

static void signal_ready(struct event_source *source, short revents)
{
	struct signals *signals = source->context;
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		stop_job();
		break;
	case SIGCONT:
		terminal_resume();
		/* the way to go on after a disk error without a monitor */
		if (run_state_get(&signals->machine->run) == RUN_IO_ERROR)
			run_state_cont(&signals->machine->run);
		break;
	default:
		asked_to_end(signals, info.ssi_signo);
	}
}

static const int handled_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };

/* Before the first thread starts, so that all of them have these blocked. */
static int block_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]); i++)
		sigaddset(set, handled_signals[i]);
	/* a reader that goes away is an error of write(), not our death */
	signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, set, NULL);
}

static int signals_attach(struct signals *signals, const sigset_t *set, struct machine *machine,
			  struct error *err)
{
	signals->source.fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->source.fd < 0)
		return error_set(err, "cannot wait for signals: %s", strerror(errno));
	signals->source.events = POLLIN;
	signals->source.ready = signal_ready;
	signals->source.context = signals;
	signals->machine = machine;
	if (event_loop_add(&machine->loop, &signals->source) < 0)
		return error_set(err, "too many event sources");
	return 0;
}

/* Die of the signal, so that whoever started us sees it. */
static void die_of(int signal_number, const sigset_t *blocked)
{
	signal(signal_number, SIG_DFL);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, blocked, NULL);
}

/*
 * Started with a standard descriptor closed, the next one opened would take its number, and
 * the guest's console would go there.
 */
static int claim_standard_descriptors(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return error_set(err, "cannot open /dev/null: %s", strerror(errno));
	return 0;
}

static int run(const struct options *options, struct daemon *daemon)
{
	struct pidfile pidfile = { .fd = -1 };
	struct machine machine;
	struct signals signals = { .killed_by = 0 };
	struct error err = { "" };
	sigset_t set;
	int end = -1;

	if (log_open(options->log_items, options->log_file, &err) < 0)
		return fail(&err);
	block_signals(&set);
	if (machine_create(&machine, options, &err) == 0 &&
	    signals_attach(&signals, &set, &machine, &err) == 0 &&
	    pidfile_write(&pidfile, options->pidfile, &err) == 0) {
		daemon_ready(daemon);
		end = machine_run(&machine, &err);
	}
	pidfile_remove(&pidfile);
	/* the terminal first: what follows may print */
	terminal_restore();
	machine_destroy(&machine);

	if (signals.killed_by)
		die_of(signals.killed_by, &set);
	return end < 0 ? fail(&err) : end;
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .fd = -1 };
	struct options options;
	struct error err;

	/* one heap: arenas per thread would only cost memory */
	mallopt(M_ARENA_MAX, 1);

	if (claim_standard_descriptors(&err) < 0 || options_parse(&options, argc, argv, &err) < 0)
		return fail(&err);
	if (options.help) {
		options_print_help(stdout);
		return 0;
	}
	if (options.version) {
		printf("hvrun %s (myhv API %d)\n", HVRUN_VERSION, MYHV_API_VERSION);
		return 0;
	}
	if (options.daemonize && daemon_start(&daemon, &err) < 0)
		return fail(&err);
	return run(&options, &daemon);
}
