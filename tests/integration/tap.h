/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of a test program in TAP, one line a check. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>

/* Note a check; @fmt names it. Returns @good. Any thread. */
bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Note that two numbers must be equal; a difference is printed. */
bool is(long long got, long long want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A remark for whoever reads the output. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Leave with status 77: the test cannot run here. */
void skip_all(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Leave at once with a failure: going on makes no sense. */
void bail_out(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Print the plan; the program's exit status. */
int done_testing(void);

#endif /* TESTS_TAP_H */
