/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ctrl-A commands in terminal input, as in QEMU. No side effects: tell, do not act. */
#ifndef HVRUN_ESCAPE_H
#define HVRUN_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#define ESCAPE_KEY 0x01 /* Ctrl-A */

enum escape_action {
	ESCAPE_NOTHING, /* swallowed */
	ESCAPE_SEND,	/* the character goes to the guest */
	ESCAPE_QUIT,
	ESCAPE_HELP,
	ESCAPE_BREAK,
	ESCAPE_MONITOR,
};

/** struct escape - was the last character Ctrl-A? */
struct escape {
	bool armed;
};

/** escape_feed() - what to do with the next character of input */
enum escape_action escape_feed(struct escape *escape, uint8_t c);

extern const char escape_help[];

#endif /* HVRUN_ESCAPE_H */
