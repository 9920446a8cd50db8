// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines over sockets: callers come, go, wait for each other, and do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/chardev.h"
#include "backend/socket.h"

static struct event_loop loop;
static struct error err;
static char folder[] = "/tmp/test-us-socket-XXXXXX";
static char path[64];
static char spec[128];

/* The device at our end. */
static char got[64];
static size_t got_bytes;
static size_t room;
static unsigned int openings, closings, writables;

static size_t front_room(void *dev)
{
	return room;
}

static void front_receive(void *dev, const uint8_t *data, size_t bytes)
{
	assert_true(bytes <= room);
	assert_true(got_bytes + bytes <= sizeof(got));
	memcpy(got + got_bytes, data, bytes);
	got_bytes += bytes;
	room -= bytes;
}

static void front_writable(void *dev)
{
	writables++;
}

static void front_opened(void *dev, bool is_open)
{
	if (is_open)
		openings++;
	else
		closings++;
}

static const struct chardev_front front = {
	.room = front_room,
	.receive = front_receive,
	.writable = front_writable,
	.opened = front_opened,
};

static void turn(unsigned int times)
{
	while (times--) {
		event_loop_wake(&loop);
		event_loop_wait(&loop);
	}
}

static int call(void)
{
	struct socket_name name;

	assert_int_equal(socket_name_unix(&name, path, &err), 0);
	return socket_connect(&name, &err);
}

static int setup(void **state)
{
	assert_int_equal(event_loop_init(&loop, &err), 0);
	got_bytes = openings = closings = writables = 0;
	room = sizeof(got);
	return 0;
}

static int teardown(void **state)
{
	event_loop_destroy(&loop);
	return 0;
}

static void test_callers(void **state)
{
	struct chardev *line = chardev_open("serial", spec, &loop, NULL, &err);
	struct stat st;
	int first, second;
	char buffer[8];

	assert_non_null(line);
	chardev_connect(line, &front, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(line->waits);

	/* nobody is there: what is written is lost */
	assert_int_equal(line->write(line, (const uint8_t *)"lost", 4), 4);

	first = call();
	assert_true(first >= 0);
	turn(1);
	assert_int_equal(openings, 1);
	assert_true(line->is_open);
	assert_int_equal(line->write(line, (const uint8_t *)"hello", 5), 5);
	assert_int_equal(read(first, buffer, sizeof(buffer)), 5);
	assert_memory_equal(buffer, "hello", 5);

	/* a second caller waits */
	second = call();
	assert_true(second >= 0);
	assert_int_equal(write(second, "two", 3), 3);
	assert_int_equal(write(first, "one", 3), 3);
	turn(3);
	assert_int_equal(openings, 1);
	assert_int_equal(got_bytes, 3);
	assert_memory_equal(got, "one", 3);
	close(first);
	turn(3);
	assert_int_equal(closings, 1);
	assert_int_equal(openings, 2);
	turn(1);
	assert_memory_equal(got, "onetwo", 6);

	/* sent away */
	line->hang_up(line);
	assert_int_equal(closings, 2);
	assert_int_equal(read(second, buffer, sizeof(buffer)), 0);
	close(second);
	line->destroy(line);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_no_room(void **state)
{
	struct chardev *line = chardev_open("serial", spec, &loop, NULL, &err);
	static const uint8_t block[4096];
	int caller = call();
	size_t sent = 0, taken;

	chardev_connect(line, &front, NULL);
	turn(1);

	/* we do not listen: nothing is lost, and nothing spins */
	room = 0;
	assert_int_equal(write(caller, "later", 5), 5);
	turn(3);
	assert_int_equal(got_bytes, 0);
	room = 2;
	line->input_wanted(line);
	turn(2);
	assert_int_equal(got_bytes, 2);
	room = 10;
	line->input_wanted(line);
	turn(2);
	assert_memory_equal(got, "later", 5);

	/* the caller does not read: write() takes less, and says when it takes more */
	do {
		taken = line->write(line, block, sizeof(block));
		sent += taken;
		assert_true(sent < 64 << 20);
	} while (taken == sizeof(block));
	turn(2);
	assert_int_equal(writables, 0);
	while (sent) {
		char sink[4096];
		ssize_t n = read(caller, sink, sizeof(sink));

		assert_true(n > 0);
		sent -= n;
	}
	turn(2);
	assert_int_equal(writables, 1);

	/* and one that goes away in the middle */
	while (line->write(line, block, sizeof(block)) == sizeof(block))
		;
	close(caller);
	turn(3);
	assert_int_equal(closings, 1);
	assert_int_equal(writables >= 2, 1);
	assert_int_equal(line->write(line, block, 10), 10);
	line->destroy(line);
}

static void test_names(void **state)
{
	struct chardev *line, *tcp;
	char stale[128];
	int fd;

	/* a path that a dead process left is taken over, a used one is not */
	snprintf(stale, sizeof(stale), "unix:%s,server=on", path);
	line = chardev_open("qmp", stale, &loop, NULL, &err);
	assert_non_null(line);
	assert_true(line->waits);
	chardev_connect(line, &front, NULL);
	assert_null(chardev_open("qmp", spec, &loop, NULL, &err));
	assert_non_null(strstr(err.text, "in use"));
	fd = call();
	turn(1);
	assert_false(line->waits);
	close(fd);
	line->destroy(line);
	{
		struct socket_name name;

		assert_int_equal(socket_name_unix(&name, path, &err), 0);
		fd = socket_listen(&name, 1, &err);
		assert_true(fd >= 0);
		close(fd); /* the path stays */
	}
	line = chardev_open("qmp", spec, &loop, NULL, &err);
	assert_non_null(line);
	line->destroy(line);

	tcp = chardev_open("qmp", "tcp::0,server,wait=off", &loop, NULL, &err);
	assert_non_null(tcp);
	tcp->destroy(tcp);
	assert_null(chardev_open("qmp", "tcp:localhost", &loop, NULL, &err));
	assert_null(chardev_open("qmp", "tcp:localhost:77777,server", &loop, NULL, &err));
	assert_null(chardev_open("qmp", "unix:", &loop, NULL, &err));
	assert_null(chardev_open("qmp", "unix:/x,colour=red", &loop, NULL, &err));
	assert_non_null(strstr(err.text, "colour"));
	/* a client: nobody answers */
	snprintf(stale, sizeof(stale), "unix:%s", path);
	assert_null(chardev_open("qmp", stale, &loop, NULL, &err));
	assert_non_null(strstr(err.text, "nobody answers"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_callers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/line", folder);
	snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", path);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
