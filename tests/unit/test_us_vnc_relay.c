// SPDX-License-Identifier: GPL-2.0-or-later
/* Slow, deaf and vanishing VNC viewers, and a library that must never wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "display/vnc_relay.h"

#define MUCH (8U << 20)
#define LONG_MS 60000
/* a hang ends the test */
#define ALARM_SECONDS 120

static int viewer, library;

static void start(int patience_ms)
{
	int pair[2];

	alarm(ALARM_SECONDS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	viewer = pair[0];
	library = vnc_relay_start(pair[1], patience_ms);
	assert_true(library >= 0);
}

static void end(void)
{
	close(viewer);
	close(library);
}

static uint8_t pattern(size_t at)
{
	return at * 7 + (at >> 8) * 13 + (at >> 16);
}

/* False: the other end went away meanwhile. */
static bool write_much(int fd)
{
	uint8_t *data = malloc(MUCH);
	bool all = true;

	for (size_t i = 0; i < MUCH; i++)
		data[i] = pattern(i);
	for (size_t done = 0; done < MUCH && all;) {
		ssize_t n = write(fd, data + done, MUCH - done);

		assert_true(n > 0 || (n < 0 && errno == EPIPE));
		if (n > 0)
			done += n;
		else
			all = false;
	}
	free(data);
	return all;
}

static void read_much(int fd)
{
	static uint8_t data[100000];
	size_t seen = 0;

	while (seen < MUCH) {
		ssize_t n = read(fd, data, sizeof(data));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, seen++)
			if (data[i] != pattern(seen))
				fail_msg("byte %zu is wrong", seen);
	}
}

/* The library's writes block, and nobody reads at the other end. */
static void test_library_never_waits(void **state)
{
	start(LONG_MS);
	for (int i = 0; i < 2; i++) {
		assert_true(write_much(library));
		read_much(viewer);
	}
	end();
}

static void test_both_ways(void **state)
{
	char text[8] = "";

	start(LONG_MS);
	assert_int_equal(write(viewer, "hello", 5), 5);
	assert_int_equal(recv(library, text, 5, MSG_WAITALL), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(write(library, "viewer", 6), 6);
	assert_int_equal(recv(viewer, text, 6, MSG_WAITALL), 6);
	assert_string_equal(text, "viewer");
	end();
}

static void test_deaf_viewer_is_sent_away(void **state)
{
	uint8_t byte;

	start(100);
	/* the library hears of it, on a slow machine while it still writes */
	write_much(library);
	assert_true(read(library, &byte, 1) <= 0);
	end();
}

static void test_library_closes(void **state)
{
	uint8_t byte;

	start(LONG_MS);
	assert_true(write_much(library));
	close(library);
	read_much(viewer);
	assert_int_equal(read(viewer, &byte, 1), 0);
	close(viewer);
}

static void test_viewer_hangs_up(void **state)
{
	char text[4];

	start(LONG_MS);
	assert_int_equal(write(viewer, "bye", 3), 3);
	close(viewer);
	assert_int_equal(recv(library, text, 3, MSG_WAITALL), 3);
	assert_int_equal(read(library, text, 1), 0);
	close(library);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_library_never_waits),
		cmocka_unit_test(test_deaf_viewer_is_sent_away),
		cmocka_unit_test(test_library_closes),
		cmocka_unit_test(test_viewer_hangs_up),
	};

	/* as hvrun does */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
