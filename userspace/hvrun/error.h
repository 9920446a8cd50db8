/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How set-up code says what went wrong: the function that knows fills in one line
 * for the user, its callers pass the failure up, main() prints it.
 */
#ifndef HVRUN_ERROR_H
#define HVRUN_ERROR_H

struct error {
	char text[320];
};

/** error_set() - write the line (no prefix, no newline); always returns -1 */
int error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* HVRUN_ERROR_H */
