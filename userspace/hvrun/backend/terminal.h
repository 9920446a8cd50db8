/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's terminal in raw mode, given back on every way out: return from main(),
 * a signal, a crash. Only SIGKILL cannot be helped (then: "stty sane").
 */
#ifndef HVRUN_TERMINAL_H
#define HVRUN_TERMINAL_H

#include <stdbool.h>

/**
 * terminal_raw() - raw mode on standard input
 * @keep_signals: Ctrl-C and Ctrl-Z keep their meaning for hvrun
 *
 * Does nothing when standard input is no terminal, or when hvrun is a background job
 * (which would be stopped by SIGTTOU).
 */
void terminal_raw(bool keep_signals);

/** terminal_restore() - as it was before; may be called from a signal handler */
void terminal_restore(void);

/** terminal_resume() - raw again, after SIGCONT, if it had been */
void terminal_resume(void);

#endif /* HVRUN_TERMINAL_H */
