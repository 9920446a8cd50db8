// SPDX-License-Identifier: GPL-2.0-or-later
/* QMP: the greeting, requests and their errors, events, and clients that mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/command.h"
#include "control/control.h"
#include "control/json_frame.h"
#include "control/outbox.h"

static struct error err;
static struct event_loop loop;
static struct power power;
static struct run_control run;
static struct vcpus vcpus;
static struct control control;

/* ---- a line that keeps what is written ---- */

static char written[1 << 21];
static size_t written_bytes, line_room;
static unsigned int hang_ups, wants;

static size_t line_write(struct chardev *chardev, const uint8_t *data, size_t bytes)
{
	if (bytes > line_room)
		bytes = line_room;
	assert_true(written_bytes + bytes < sizeof(written));
	memcpy(written + written_bytes, data, bytes);
	written_bytes += bytes;
	line_room -= bytes;
	return bytes;
}

static void line_input_wanted(struct chardev *chardev)
{
	wants++;
}

static void line_hang_up(struct chardev *chardev)
{
	hang_ups++;
	chardev->front->opened(chardev->front_dev, false);
}

static struct chardev line = {
	.write = line_write,
	.input_wanted = line_input_wanted,
	.hang_up = line_hang_up,
};

static void feed(const char *text)
{
	line.front->receive(line.front_dev, (const uint8_t *)text, strlen(text));
}

/* The next line that was written, as JSON; NULL: none. */
static json_t *next(void)
{
	char *end = memmem(written, written_bytes, "\r\n", 2);
	json_t *value;

	if (!end)
		return NULL;
	value = json_loadb(written, end - written, 0, NULL);
	assert_non_null(value);
	written_bytes -= end + 2 - written;
	memmove(written, end + 2, written_bytes);
	return value;
}

static void no_more(void)
{
	assert_int_equal(written_bytes, 0);
}

/* Asks, and returns the answer's "return". */
static json_t *ask(const char *text)
{
	json_t *reply, *result;

	feed(text);
	reply = next();
	assert_non_null(reply);
	result = json_incref(json_object_get(reply, "return"));
	if (!result)
		fail_msg("%s: %s", text, json_dumps(reply, 0));
	json_decref(reply);
	return result;
}

static void obey(const char *text)
{
	json_t *result = ask(text);

	assert_int_equal(json_object_size(result), 0);
	json_decref(result);
}

static void refuse(const char *text, const char *class, const char *desc)
{
	json_t *reply, *error;

	feed(text);
	reply = next();
	assert_non_null(reply);
	error = json_object_get(reply, "error");
	assert_non_null(error);
	assert_string_equal(json_string_value(json_object_get(error, "class")), class);
	if (!strstr(json_string_value(json_object_get(error, "desc")), desc))
		fail_msg("'%s' is not in '%s'", desc,
			 json_string_value(json_object_get(error, "desc")));
	json_decref(reply);
	no_more();
}

static void expect_event(const char *name, const char *data)
{
	json_t *event = next(), *wanted = json_loads(data, JSON_DECODE_ANY, NULL), *got;

	assert_non_null(event);
	assert_string_equal(json_string_value(json_object_get(event, "event")), name);
	assert_true(json_is_integer(
		json_object_get(json_object_get(event, "timestamp"), "microseconds")));
	got = json_object_get(event, "data");
	if (got)
		assert_true(json_equal(got, wanted));
	else
		assert_true(json_is_null(wanted));
	json_decref(wanted);
	json_decref(event);
}

/* ---- a keyboard, drives, a screen ---- */

static struct {
	unsigned int code;
	bool down;
} keys[64];
static unsigned int key_count, key_room;

static void key(void *dev, unsigned int code, bool down)
{
	assert_true(key_room > 0);
	key_room--;
	keys[key_count].code = code;
	keys[key_count++].down = down;
}

static unsigned int keyboard_room(void *dev)
{
	return key_room;
}

static int moved[4];

static void mouse(void *dev, int dx, int dy, int dz, unsigned int buttons)
{
	moved[0] = dx;
	moved[1] = dy;
	moved[2] = dz;
	moved[3] = buttons;
}

static const struct input_sink keyboard = { .key = key, .mouse = mouse, .room = keyboard_room };

static char last_order[128];

static json_t *media_query(void *context)
{
	return json_pack("[{s:s, s:b, s:b, s:b, s:{s:s, s:s, s:b}}, {s:s, s:b, s:b}]", "device",
			 "ide0-hd0", "removable", 0, "locked", 0, "tray_open", 0, "inserted", "file",
			 "/disk.img", "drv", "raw", "ro", 0, "device", "ide1-cd0", "removable", 1,
			 "locked", 1);
}

static int media_eject(void *context, const char *device, bool force, struct error *e)
{
	snprintf(last_order, sizeof(last_order), "eject %s %d", device, force);
	if (!strcmp(device, "ide1-cd0"))
		return 0;
	error_set(e, "Device '%s' not found", device);
	return -ENODEV;
}

static int media_change(void *context, const char *device, const char *file, const char *format,
			bool force, struct error *e)
{
	snprintf(last_order, sizeof(last_order), "change %s %s %s", device, file,
		 format ? format : "-");
	return !strcmp(file, "bad") ? error_set(e, "no such file") : 0;
}

static int media_resize(void *context, const char *device, uint64_t bytes, struct error *e)
{
	snprintf(last_order, sizeof(last_order), "resize %s %llu", device,
		 (unsigned long long)bytes);
	return 0;
}

static const struct control_media media = {
	.query = media_query,
	.eject = media_eject,
	.change = media_change,
	.resize = media_resize,
};

static bool snapshot(void *dev, struct surface *surface)
{
	if (!surface_resize(surface, 2, 1))
		return false;
	surface->pixels[1] = 0x123456;
	return true;
}

static const struct screen screen = { .snapshot = snapshot };
static unsigned int button;

static bool press_button(void *dev)
{
	button++;
	return true;
}

static int setup(void **state)
{
	const struct control_parts parts = {
		.name = "test",
		.loop = &loop,
		.run = &run,
		.power = &power,
		.vcpus = &vcpus,
		.media = &media,
		.input = &keyboard,
		.screen = &screen,
		.power_button = press_button,
	};

	memset(&vcpus, 0, sizeof(vcpus));
	pthread_mutex_init(&vcpus.lock, NULL);
	pthread_cond_init(&vcpus.changed, NULL);
	memset(&power, 0, sizeof(power));
	assert_int_equal(event_loop_init(&loop, &err), 0);
	run_control_init(&run, NULL, NULL);
	assert_int_equal(control_init(&control, &parts, &err), 0);
	written_bytes = hang_ups = wants = key_count = button = 0;
	line_room = sizeof(written);
	key_room = 64;
	line.is_open = false;
	line.front = NULL;
	assert_int_equal(control_add_qmp(&control, &line, &err), 0);
	no_more();
	line.front->opened(line.front_dev, true);
	json_decref(next());
	obey("{\"execute\": \"qmp_capabilities\"}");
	return 0;
}

static int teardown(void **state)
{
	control_destroy(&control);
	run_control_destroy(&run);
	event_loop_destroy(&loop);
	return 0;
}

/* ---- tests ---- */

static void test_negotiation(void **state)
{
	json_t *greeting, *version;

	line.front->opened(line.front_dev, false);
	line.front->opened(line.front_dev, true);
	greeting = next();
	version = json_object_get(json_object_get(greeting, "QMP"), "version");
	assert_true(json_is_integer(json_object_get(json_object_get(version, "qemu"), "major")));
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(greeting, "QMP"), "capabilities")),
		0);
	json_decref(greeting);

	/* nothing else is done before, and no event comes */
	control_event(&control, "STOP", NULL);
	no_more();
	refuse("{\"execute\": \"query-status\"}", "CommandNotFound", "Expecting capabilities");
	refuse("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}",
	       "GenericError", "capability");
	obey("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}}");
	refuse("{\"execute\": \"qmp_capabilities\"}", "CommandNotFound", "already complete");
}

static void test_requests(void **state)
{
	json_t *reply, *result;

	feed("{\"execute\": \"query-name\", \"id\": {\"a\": [1, null]}}");
	reply = next();
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(reply, "return"), "name")),
		"test");
	assert_int_equal(json_array_size(json_object_get(json_object_get(reply, "id"), "a")), 2);
	json_decref(reply);

	/* an id comes back with an error as well */
	feed("{\"execute\": \"nonsense\", \"id\": 7}");
	reply = next();
	assert_int_equal(json_integer_value(json_object_get(reply, "id")), 7);
	assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "error"),
							      "desc")),
			    "The command nonsense has not been found");
	json_decref(reply);

	/* in pieces, and several in one */
	feed("{\"execute\":");
	no_more();
	feed("\"query-name\"}{\"execute\": \"query-uuid\"}\n\n[");
	json_decref(next());
	json_decref(next());
	no_more();
	feed("]");
	json_decref(next());

	refuse("{}", "GenericError", "lacks member 'execute'");
	refuse("[1]", "GenericError", "must be a JSON object");
	refuse("{\"execute\": 1}", "GenericError", "must be a string");
	refuse("{\"execute\": \"stop\", \"arguments\": []}", "GenericError", "must be an object");
	refuse("{\"execute\": \"stop\", \"x\": 1}", "GenericError", "'x' is unexpected");
	refuse("{\"execute\": \"stop\", \"arguments\": {\"x\": 1}}", "GenericError",
	       "Parameter 'x' is unexpected");
	refuse("{\"execute\": \"screendump\"}", "GenericError", "Parameter 'filename' is missing");
	refuse("{\"execute\": \"screendump\", \"arguments\": {\"filename\": 3}}", "GenericError",
	       "Invalid parameter type for 'filename', expected: string");

	result = ask("{\"execute\": \"query-commands\"}");
	assert_true(json_array_size(result) > 20);
	json_decref(result);
}

static void test_run_states(void **state)
{
	json_t *result;

	obey("{\"execute\": \"stop\"}");
	run_state_act(&run, &vcpus);
	expect_event("STOP", "null");
	result = ask("{\"execute\": \"query-status\"}");
	assert_true(json_is_false(json_object_get(result, "running")));
	assert_string_equal(json_string_value(json_object_get(result, "status")), "paused");
	json_decref(result);
	obey("{\"execute\": \"cont\"}");
	run_state_act(&run, &vcpus);
	expect_event("RESUME", "null");

	obey("{\"execute\": \"system_reset\"}");
	assert_int_equal(power_take(&power), POWER_RESET);
	control_tell_reset(&control, POWER_RESET);
	expect_event("RESET", "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}");
	control_tell_reset(&control, POWER_RESET);
	expect_event("RESET", "{\"guest\": true, \"reason\": \"guest-reset\"}");

	run_state_stop(&run, RUN_SHUTDOWN);
	refuse("{\"execute\": \"cont\"}", "GenericError", "Resetting");
	run_state_reset(&run);
	obey("{\"execute\": \"cont\"}");

	feed("{\"execute\": \"system_powerdown\"}");
	expect_event("POWERDOWN", "null");
	json_decref(next());
	assert_int_equal(button, 1);

	obey("{\"execute\": \"quit\"}");
	assert_int_equal(power_pending(&power), POWER_QUIT);
	control_tell_end(&control, POWER_QUIT);
	control_tell_end(&control, POWER_QUIT);
	expect_event("SHUTDOWN", "{\"guest\": false, \"reason\": \"host-qmp-quit\"}");
	no_more();
}

static void test_media(void **state)
{
	json_t *result = ask("{\"execute\": \"query-block\"}");

	assert_int_equal(json_array_size(result), 2);
	json_decref(result);
	obey("{\"execute\": \"eject\", \"arguments\": {\"device\": \"ide1-cd0\", \"force\": true}}");
	assert_string_equal(last_order, "eject ide1-cd0 1");
	refuse("{\"execute\": \"eject\", \"arguments\": {\"device\": \"x\"}}", "DeviceNotFound",
	       "'x'");
	refuse("{\"execute\": \"eject\"}", "GenericError", "Parameter 'device' is missing");
	obey("{\"execute\": \"blockdev-change-medium\", \"arguments\": "
	     "{\"id\": \"ide1-cd0\", \"filename\": \"/a.iso\", \"format\": \"raw\"}}");
	assert_string_equal(last_order, "change ide1-cd0 /a.iso raw");
	refuse("{\"execute\": \"change\", \"arguments\": "
	       "{\"device\": \"ide1-cd0\", \"target\": \"bad\"}}",
	       "GenericError", "no such file");
	obey("{\"execute\": \"block_resize\", \"arguments\": "
	     "{\"device\": \"ide0-hd0\", \"size\": 1048576}}");
	assert_string_equal(last_order, "resize ide0-hd0 1048576");
	refuse("{\"execute\": \"block_resize\", \"arguments\": "
	       "{\"device\": \"ide0-hd0\", \"size\": -1}}",
	       "GenericError", "bytes");
}

static void test_keys(void **state)
{
	obey("{\"execute\": \"send-key\", \"arguments\": {\"keys\": ["
	     "{\"type\": \"qcode\", \"data\": \"ctrl\"}, {\"type\": \"number\", \"data\": 30}]}}");
	assert_int_equal(key_count, 4);
	assert_int_equal(keys[0].code, KEY_LEFTCTRL);
	assert_true(keys[0].down);
	assert_int_equal(keys[1].code, KEY_A);
	assert_int_equal(keys[2].code, KEY_A);
	assert_false(keys[2].down);
	assert_int_equal(keys[3].code, KEY_LEFTCTRL);
	refuse("{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", "
	       "\"data\": \"nokey\"}]}}",
	       "GenericError", "unknown");

	/* the guest does not fetch them: they wait, and are not lost */
	key_room = 1;
	key_count = 0;
	for (unsigned int i = 0; i < 2; i++)
		obey("{\"execute\": \"send-key\", \"arguments\": {\"keys\": "
		     "[{\"type\": \"qcode\", \"data\": \"b\"}]}}");
	assert_int_equal(key_count, 1);
	key_room = 10;
	event_loop_wait(&loop);
	assert_int_equal(key_count, 4);
}

static void test_screendump(void **state)
{
	char path[] = "/tmp/test-us-qmp-XXXXXX", text[160];
	uint8_t data[64];
	FILE *file;
	size_t bytes;

	close(mkstemp(path));
	snprintf(text, sizeof(text), "{\"execute\": \"screendump\", \"arguments\": "
				     "{\"filename\": \"%s\", \"format\": \"ppm\"}}", path);
	obey(text);
	file = fopen(path, "r");
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_int_equal(bytes, 11 + 6);
	assert_memory_equal(data, "P6\n2 1\n255\n\0\0\0\x12\x34\x56", 17);
	snprintf(text, sizeof(text), "{\"execute\": \"screendump\", \"arguments\": "
				     "{\"filename\": \"%s\"}}", path);
	obey(text);
	file = fopen(path, "r");
	bytes = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_memory_equal(data, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x08\x02", 26);
	unlink(path);
	refuse("{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"/nowhere/x\"}}",
	       "GenericError", "/nowhere/x");
}

static char *monitor(const char *words)
{
	json_t *request = json_pack("{s:s, s:{s:s}}", "execute", "human-monitor-command",
				    "arguments", "command-line", words);
	char *text = json_dumps(request, 0), *copy;
	json_t *result = ask(text);

	copy = strdup(json_string_value(result));
	free(text);
	json_decref(request);
	json_decref(result);
	return copy;
}

static void says(const char *words, const char *wanted)
{
	char *got = monitor(words);

	if (!strstr(got, wanted))
		fail_msg("%s: '%s' is not in '%s'", words, wanted, got);
	free(got);
}

static void test_monitor(void **state)
{
	char *text;

	says("info status", "VM status: running");
	says("  info   name ", "test\n");
	says("info block", "ide0-hd0: /disk.img (raw)\n");
	says("info block", "ide1-cd0: [not inserted]\n    Removable device: locked");
	says("info", "info registers");
	says("help", "screendump FILE");
	says("help eject", "eject [-f] DEVICE");
	says("nonsense", "unknown command: 'nonsense'");
	says("info nonsense", "unknown command");
	says("stopp", "unknown command");
	says("stop now", "too many words: 'now'");
	says("xp/7zz 0", "'/7zz' is no format");
	says("xp /7zz 0", "'/7zz' is no format");
	says("xpp /7zz 0", "unknown command");
	says("eject -f ide1-cd0", "");
	assert_string_equal(last_order, "eject ide1-cd0 1");
	says("eject ide1-cd0", "");
	assert_string_equal(last_order, "eject ide1-cd0 0");
	says("eject", "Error: Parameter 'device' is missing");
	says("change ide1-cd0 \"/with blank\\\".iso\" raw", "");
	assert_string_equal(last_order, "change ide1-cd0 /with blank\".iso raw");
	says("block_resize ide0-hd0 0x200", "");
	assert_string_equal(last_order, "resize ide0-hd0 512");
	says("block_resize ide0-hd0 12x", "'12x' cannot be size");
	says("sendkey ctrl-alt-delete", "");
	assert_int_equal(key_count, 6);
	assert_int_equal(keys[2].code, KEY_DELETE);
	says("sendkey ctrl-nokey", "there is no key 'nokey'");
	says("mouse_button 4", "");
	says("mouse_move 7 -5 1", "");
	assert_int_equal(moved[0], 7);
	assert_int_equal(moved[1], -5);
	assert_int_equal(moved[2], 1);
	assert_int_equal(moved[3], INPUT_BUTTON_RIGHT);
	says("mouse_button 0", "");
	assert_int_equal(moved[0] | moved[1] | moved[2] | moved[3], 0);
	says("mouse_move 40000 0", "32767");
	says("mouse_button 8", "buttons are");
	text = monitor("");
	assert_string_equal(text, "");
	free(text);
	says("stop", "");
	assert_int_equal(run_state_get(&run), RUN_PAUSED);
	says("cont", "");
	assert_int_equal(run_state_get(&run), RUN_RUNNING);
}

/* ---- clients that mean no good ---- */

static void test_garbage(void **state)
{
	char deep[400];

	refuse("hello\n", "GenericError", "JSON parse error");
	refuse("{\"a\": }", "GenericError", "JSON parse error");
	refuse("{\"execute\": \"stop\", \"execute\": \"stop\"}", "GenericError", "JSON parse error");
	refuse("{\"unfinished\n", "GenericError", "JSON parse error");
	refuse("{\"execute\": \"\x01\xff\xfe\"}", "GenericError", "JSON parse error");
	memset(deep, '[', sizeof(deep));
	memset(deep + 200, ']', 199);
	deep[399] = 0;
	line.front->receive(line.front_dev, (const uint8_t *)deep, 399);
	no_more();
	refuse("]", "GenericError", "too large");
	/* and it goes on */
	obey("\xff{\"execute\": \"stop\"}");
}

static void test_huge(void **state)
{
	static char block[4096];
	json_t *reply;

	feed("{\"execute\": \"");
	memset(block, 'a', sizeof(block) - 1);
	for (unsigned int i = 0; i < 1000; i++)
		feed(block);
	assert_int_equal(hang_ups, 0);
	feed("\"}");
	reply = next();
	assert_non_null(json_object_get(reply, "error"));
	json_decref(reply);
	no_more();
	obey("{\"execute\": \"stop\"}");
}

static void test_never_reads(void **state)
{
	line_room = 0;
	/* nothing more is taken while much waits */
	for (unsigned int i = 0; i < 2000 && line.front->room(line.front_dev); i++)
		feed("{\"execute\": \"query-commands\"}");
	assert_int_equal(line.front->room(line.front_dev), 0);
	assert_int_equal(hang_ups, 0);
	line_room = sizeof(written);
	line.front->writable(line.front_dev);
	assert_int_equal(wants, 1);
	assert_true(line.front->room(line.front_dev) > 0);
	written_bytes = 0;

	/* events come without asking: in the end it is sent away */
	line_room = 0;
	for (unsigned int i = 0; i < 50000 && !hang_ups; i++)
		control_event(&control, "STOP", NULL);
	assert_int_equal(hang_ups, 1);
	control_event(&control, "STOP", NULL);
	assert_int_equal(hang_ups, 1);
	assert_int_equal(written_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_negotiation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_media, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_screendump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_huge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_reads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
