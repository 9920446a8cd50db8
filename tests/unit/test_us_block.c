// SPDX-License-Identifier: GPL-2.0-or-later
/* The block layer on real files: raw by both engines, and what qemu-storage-daemon serves. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/image_lock.h"
#include "backend/image_probe.h"

#define MIB (1 << 20)

static char folder[] = "/tmp/hvrun-test-XXXXXX";
static char path[64];
static struct block_layer layer;
static struct error err;

/* ---- one request, and its end ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

static void complete(struct block_request *request, int error)
{
	pthread_mutex_lock(&lock);
	*(int *)request->context = error;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
}

static int do_request(struct block *block, enum block_op op, uint64_t offset, void *data,
		      uint64_t bytes)
{
	int error = 1;
	/* in two pieces, the first an odd one */
	struct iovec iov[2] = {
		{ .iov_base = data, .iov_len = bytes / 3 },
		{ .iov_base = (char *)data + bytes / 3, .iov_len = bytes - bytes / 3 },
	};
	struct block_request request = {
		.op = op,
		.offset = offset,
		.bytes = bytes,
		.iov = iov,
		.iov_count = 2,
		.complete = complete,
		.context = &error,
	};

	block_submit(block, &request);
	pthread_mutex_lock(&lock);
	while (error == 1)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
	/* the block layer may still be at its end */
	block_drain(block);
	return error;
}

/* ---- files ---- */

static void make_file(const char *content, size_t content_bytes, off_t bytes)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, content_bytes), content_bytes);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static void make_qcow2(const char *size)
{
	char command[160];

	snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s %s", path, size);
	assert_int_equal(system(command), 0);
}

static struct block *open_with(const struct block_spec *spec)
{
	struct block_spec full = *spec;

	full.file = path;
	full.name = "test";
	return block_open(&layer, &full, &err);
}

static volatile sig_atomic_t recalled;

static void on_recall(int sig)
{
	recalled = 1;
}

/* Holds a lease of the image until somebody wants it, and a little longer; 0: it was wanted. */
static int hold_lease(int ready)
{
	int fd = open(path, O_RDWR);

	signal(SIGIO, on_recall);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0 || write(ready, "", 1) != 1)
		return 1;
	for (int i = 0; i < 100 && !recalled; i++)
		usleep(100000);
	usleep(250000);
	return recalled ? 0 : 2;
}

static void test_leased(void **state)
{
	const struct block_spec spec = { .format = "raw", .read_only = true };
	struct block *block;
	int ready[2], status;
	pid_t child;
	char c;

	make_file("abc", 3, MIB);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(hold_lease(ready[1]));
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	block_layer_init(&layer);
	block = open_with(&spec);
	assert_non_null(block);
	block_close(block);
	block_layer_destroy(&layer);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_engine(bool threads)
{
	const struct block_spec spec = { .format = "raw", .threads = threads };
	uint8_t *in = malloc(MIB), *out = malloc(MIB);
	struct block *block;
	char seen[3];
	int fd;

	block_layer_init(&layer);
	make_file("abc", 3, 4 * MIB);
	block = open_with(&spec);
	assert_non_null(block);
	assert_int_equal(block->bytes, 4 * MIB);
	for (int i = 0; i < MIB; i++)
		out[i] = i * 7 + i / 4096;
	assert_int_equal(do_request(block, BLOCK_WRITE, 512, out, MIB), 0);
	assert_int_equal(do_request(block, BLOCK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(do_request(block, BLOCK_READ, 512, in, MIB), 0);
	assert_memory_equal(in, out, MIB);
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, seen, 3, 0), 3);
	assert_memory_equal(seen, "abc", 3);
	assert_int_equal(pread(fd, in, MIB, 512), MIB);
	assert_memory_equal(in, out, MIB);

	/* punched out: zeros; a file that was cut under us: zeros as well */
	assert_int_equal(do_request(block, BLOCK_DISCARD, 0, NULL, MIB), 0);
	assert_int_equal(do_request(block, BLOCK_READ, 4096, in, 4096), 0);
	assert_int_equal(in[17], 0);
	assert_int_equal(truncate(path, MIB + 512), 0);
	memset(in, 0xff, 2048);
	assert_int_equal(do_request(block, BLOCK_READ, MIB, in, 2048), 0);
	assert_int_equal(in[0], out[MIB - 512]);
	assert_int_equal(in[512], 0);
	assert_int_equal(in[2047], 0);
	close(fd);

	/* it can grow */
	assert_int_equal(block_resize(block, 8 * MIB, &err), 0);
	assert_int_equal(do_request(block, BLOCK_WRITE, 8 * MIB - 512, out, 512), 0);
	assert_int_equal(block_resize(block, MIB, &err), -1);
	assert_int_equal(block_resize(block, 8 * MIB + 1, &err), -1);
	block_close(block);
	block_layer_destroy(&layer);
	free(in);
	free(out);
}

static void test_raw(void **state)
{
	test_engine(false);
	test_engine(true);
}

static void test_refusals(void **state)
{
	const struct block_spec raw = { .format = "raw" }, guess = { .format = NULL };
	const struct block_spec reader = { .format = "raw", .read_only = true };
	struct block *block, *second;

	block_layer_init(&layer);
	unlink(path);
	assert_null(open_with(&guess));
	assert_non_null(strstr(err.text, "no such file"));
	make_file("", 0, 0);
	assert_null(open_with(&raw));
	assert_non_null(strstr(err.text, "is empty"));
	make_file("", 0, 1000);
	assert_null(open_with(&raw));
	assert_non_null(strstr(err.text, "cut off"));
	block = open_with(&reader);
	assert_non_null(block);
	assert_int_equal(block->bytes, 1024);
	/* readers share; a writer and a reader do not */
	second = open_with(&reader);
	assert_non_null(second);
	block_close(second);
	assert_int_equal(truncate(path, 1024), 0);
	assert_null(open_with(&raw));
	assert_non_null(strstr(err.text, "another drive of this machine"));
	block_close(block);
	block = open_with(&raw);
	assert_non_null(block);
	assert_null(open_with(&raw));
	assert_null(open_with(&reader));
	block_close(block);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(open_with(&guess));
	assert_non_null(strstr(err.text, "directory"));
	rmdir(path);
	block_layer_destroy(&layer);
}

static void test_probe(void **state)
{
	uint8_t head[512] = "QFI\xfb";

	assert_string_equal(image_probe(head, 512), "qcow2");
	assert_string_equal(image_probe(head, 3), "raw");
	memcpy(head, "vhdxfile", 8);
	assert_string_equal(image_probe(head, 512), "vhdx");
	memset(head, 0, sizeof(head));
	memcpy(head + 64, "\x7f\x10\xda\xbe", 4);
	assert_string_equal(image_probe(head, 512), "vdi");
	assert_string_equal(image_probe(head, 66), "raw");
}

/* A guest must not turn its raw disk into a qcow2 image that names files of the host. */
static void test_forged_header(void **state)
{
	const struct block_spec guess = { .format = NULL }, raw = { .format = "raw" };
	uint8_t header[1024] = "QFI\xfb";
	struct block *block;

	block_layer_init(&layer);
	make_file("", 0, MIB);
	block = open_with(&guess);
	assert_int_equal(do_request(block, BLOCK_WRITE, 0, header, 1024), -EPERM);
	assert_int_equal(do_request(block, BLOCK_WRITE, 512, header, 512), 0);
	header[0] = 0;
	assert_int_equal(do_request(block, BLOCK_WRITE, 0, header, 1024), 0);
	block_close(block);
	block = open_with(&raw);
	header[0] = 'Q';
	assert_int_equal(do_request(block, BLOCK_WRITE, 0, header, 1024), 0);
	block_close(block);
	block_layer_destroy(&layer);
}

static void test_qcow2(void **state)
{
	const struct block_spec guess = { .format = NULL };
	const struct block_spec wrong = { .format = "vdi" };
	uint8_t *in = malloc(MIB), *out = malloc(MIB);
	struct block *block;
	struct stat st;

	if (system("command -v qemu-storage-daemon >/dev/null"))
		skip();
	block_layer_init(&layer);
	make_qcow2("64M");
	block = open_with(&guess);
	assert_non_null(block);
	assert_string_equal(block->format, "qcow2");
	assert_int_equal(block->bytes, 64 * MIB);
	for (int i = 0; i < MIB; i++)
		out[i] = i * 13 + i / 512;
	assert_int_equal(do_request(block, BLOCK_WRITE, 32 * MIB, out, MIB), 0);
	assert_int_equal(do_request(block, BLOCK_FLUSH, 0, NULL, 0), 0);
	/* the daemon has it, and nobody else gets it */
	assert_null(open_with(&guess));
	assert_non_null(strstr(err.text, "in use by process"));
	assert_non_null(strstr(err.text, "qemu-storage"));
	block_close(block);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 4 * MIB);

	block = open_with(&guess);
	assert_non_null(block);
	assert_int_equal(do_request(block, BLOCK_READ, 32 * MIB, in, MIB), 0);
	assert_memory_equal(in, out, MIB);
	assert_int_equal(do_request(block, BLOCK_READ, 0, in, 4096), 0);
	assert_int_equal(in[100], 0);
	block_close(block);

	assert_null(open_with(&wrong));
	assert_non_null(strstr(err.text, "as vdi"));
	make_file("QFI\xfb rubbish", 12, MIB);
	assert_null(open_with(&guess));
	assert_non_null(strstr(err.text, "as qcow2"));
	block_layer_destroy(&layer);
	free(in);
	free(out);
}

static void test_snapshot(void **state)
{
	const struct block_spec raw = { .format = "raw", .snapshot = true };
	uint8_t in[4096], out[4096];
	struct block *block, *second;
	char seen[3];
	int fd;

	if (system("command -v qemu-storage-daemon >/dev/null"))
		skip();
	block_layer_init(&layer);
	setenv("TMPDIR", folder, 1);
	make_file("abc", 3, MIB);
	block = open_with(&raw);
	assert_non_null(block);
	/* two may do so at once */
	second = open_with(&raw);
	assert_non_null(second);
	assert_int_equal(do_request(block, BLOCK_READ, 0, in, 4096), 0);
	assert_memory_equal(in, "abc", 3);
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(do_request(block, BLOCK_WRITE, 0, out, 4096), 0);
	assert_int_equal(do_request(block, BLOCK_READ, 0, in, 4096), 0);
	assert_memory_equal(in, out, 4096);
	assert_int_equal(do_request(second, BLOCK_READ, 0, in, 4096), 0);
	assert_memory_equal(in, "abc", 3);
	block_close(block);
	block_close(second);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, seen, 3), 3);
	assert_memory_equal(seen, "abc", 3);
	close(fd);
	/* nothing but the image is left */
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	block_layer_destroy(&layer);
}

/* The server dies: requests end with an error, none hangs. */
static void test_daemon_dies(void **state)
{
	const struct block_spec guess = { .format = NULL };
	struct block *block;
	uint8_t in[4096];
	char command[96];

	if (system("command -v qemu-storage-daemon >/dev/null"))
		skip();
	block_layer_init(&layer);
	make_qcow2("8M");
	block = open_with(&guess);
	assert_non_null(block);
	snprintf(command, sizeof(command), "pkill -9 -P %d qemu-storage-d", getpid());
	assert_int_equal(system(command), 0);
	assert_int_equal(do_request(block, BLOCK_READ, 0, in, 4096), -EIO);
	assert_int_equal(do_request(block, BLOCK_FLUSH, 0, NULL, 0), -EIO);
	block_close(block);
	block_layer_destroy(&layer);
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/image", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),	      cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_leased),
		cmocka_unit_test(test_probe),	      cmocka_unit_test(test_forged_header),
		cmocka_unit_test(test_qcow2),	      cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_daemon_dies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
