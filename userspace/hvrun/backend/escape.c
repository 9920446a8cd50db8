// SPDX-License-Identifier: GPL-2.0-or-later
/* Ctrl-A commands: see escape.h. */
#include "backend/escape.h"

const char escape_help[] = "\r\n"
			   "Ctrl-A h       this help\r\n"
			   "Ctrl-A x       quit: the machine is switched off at once\r\n"
			   "Ctrl-A b       send a break (magic SysRq on a Linux console)\r\n"
			   "Ctrl-A c       to the monitor and back\r\n"
			   "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

enum escape_action escape_feed(struct escape *escape, uint8_t c)
{
	if (!escape->armed) {
		escape->armed = c == ESCAPE_KEY;
		return escape->armed ? ESCAPE_NOTHING : ESCAPE_SEND;
	}

	escape->armed = false;
	switch (c) {
	case ESCAPE_KEY:
		return ESCAPE_SEND;
	case 'x':
		return ESCAPE_QUIT;
	case 'h':
	case '?':
		return ESCAPE_HELP;
	case 'b':
		return ESCAPE_BREAK;
	case 'c':
		return ESCAPE_MONITOR;
	default:
		return ESCAPE_NOTHING;
	}
}
