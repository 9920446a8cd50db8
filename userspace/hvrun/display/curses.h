/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -display curses: the text screen in the terminal, by ncurses. It runs in a thread. */
#ifndef HVRUN_CURSES_H
#define HVRUN_CURSES_H

#include "dev/input.h"
#include "display/screen.h"
#include "error.h"
#include "power.h"

struct curses;

/**
 * curses_open() - take the terminal
 * @screen: what is shown; NULL: nothing
 * @input: where keys go; NULL: nowhere
 * @power: where Ctrl-A x goes
 */
struct curses *curses_open(const struct screen *screen, const struct input_sink *input,
			   struct power *power, struct error *err);

/** curses_close() - give the terminal back */
void curses_close(struct curses *curses);

#endif /* HVRUN_CURSES_H */
