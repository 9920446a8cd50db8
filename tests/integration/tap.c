// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int count, failed;

static void line(bool good, const char *fmt, va_list args)
{
	printf("%sok %u - ", good ? "" : "not ", ++count);
	vprintf(fmt, args);
	putchar('\n');
	if (!good)
		failed++;
}

bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	pthread_mutex_lock(&lock);
	line(good, fmt, args);
	fflush(stdout);
	pthread_mutex_unlock(&lock);
	va_end(args);
	return good;
}

static void print_value(long long v)
{
	if (v < 0 && v > -4096)
		printf("%lld (%s)", v, strerror(-v));
	else
		printf("%#llx", v);
}

bool is(long long got, long long want, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	pthread_mutex_lock(&lock);
	line(got == want, fmt, args);
	if (got != want) {
		printf("# got ");
		print_value(got);
		printf(", want ");
		print_value(want);
		putchar('\n');
	}
	fflush(stdout);
	pthread_mutex_unlock(&lock);
	va_end(args);
	return got == want;
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
}

void skip_all(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("1..0 # SKIP ");
	vprintf(fmt, args);
	putchar('\n');
	exit(77);
}

void bail_out(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("Bail out! ");
	vprintf(fmt, args);
	putchar('\n');
	exit(1);
}

int done_testing(void)
{
	printf("1..%u\n", count);
	if (failed)
		printf("# %u of %u failed\n", failed, count);
	return failed || !count;
}
