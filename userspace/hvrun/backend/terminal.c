// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Terminal settings. The saved ones are the program's only global state beside the
 * log, because a handler of SIGSEGV has nothing else to find them by.
 */
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "backend/terminal.h"

static struct termios saved;
static struct termios raw;
static volatile sig_atomic_t is_raw;
static bool wanted;

static void apply(void)
{
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static void crashed(int signal_number)
{
	terminal_restore();
	/* SA_RESETHAND: the second one kills */
	raise(signal_number);
}

static void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

void terminal_raw(bool keep_signals)
{
	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return;

	raw = saved;
	raw.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	/* output stays cooked, so that messages of our own still look right */
	raw.c_oflag |= OPOST;
	raw.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	if (keep_signals)
		raw.c_lflag |= ISIG;
	raw.c_cflag &= ~(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;

	wanted = true;
	catch_crashes();
	apply();
}

void terminal_restore(void)
{
	if (!is_raw)
		return;
	is_raw = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

void terminal_resume(void)
{
	if (wanted)
		apply();
}
