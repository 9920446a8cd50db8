// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images in other formats than raw, and temporary overlays (snapshot=on), by a
 * qemu-storage-daemon of our own. It listens on a socket that has no name any more when it
 * starts; nothing of it is left when hvrun ends, however that happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/block.h"
#include "backend/child.h"
#include "backend/image_lock.h"
#include "backend/nbd.h"

#define DAEMON "qemu-storage-daemon"
#define IMAGE_TOOL "qemu-img"
#define EXPORT "disk"
/* Opening may repair or replay a log. */
#define START_SECONDS 60
#define IMAGE_TOOL_MS 30000
/* Written as JSON: every byte of a path may become six. */
#define JSON_BYTES (6 * PATH_MAX + 1024)

/*
 * @overlay_fd: the temporary overlay, a file without a name; -1: none
 */
struct block_daemon {
	struct block block;
	struct child child;
	struct nbd nbd;
	int socket;
	int overlay_fd;
};

static struct block_daemon *to_daemon(struct block *block)
{
	return (struct block_daemon *)block;
}

/* ---- requests ---- */

static void daemon_submit(struct block *block, struct block_request *request)
{
	nbd_submit(&to_daemon(block)->nbd, request);
}

static void daemon_lost(void *context)
{
	const struct block_daemon *daemon = context;

	fprintf(stderr,
		"hvrun: %s: the " DAEMON " of %s is gone: all requests fail from now on\n",
		daemon->block.name, daemon->block.file);
}

/* ---- starting ---- */

static int missing(const char *program, const char *path, struct error *err)
{
	return error_set(err, "%s is missing, which is needed for %s: install Debian's qemu-utils",
			 program, path);
}

static int program_failed(const struct child *child, const char *program, int status,
			  const char *path, const char *format, struct error *err)
{
	char reason[160];

	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_MISSING)
		return missing(program, path, err);
	child_last_words(child, reason, sizeof(reason));
	return error_set(err, "cannot open %s as %s: %s", path, format,
			 *reason ? reason : program);
}

/* A file that vanishes with its last descriptor. */
static int open_nameless(struct error *err)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || !*folder)
		folder = "/var/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/hvrun-XXXXXX", folder);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		error_set(err, "cannot make a temporary file in %s: %s; TMPDIR names another folder",
			  folder, strerror(errno));
	return fd;
}

static int make_overlay(struct block_daemon *daemon, const char *path, const char *format,
			struct error *err)
{
	char overlay[32];
	char *const argv[] = {
		IMAGE_TOOL, "create", "-q", "-f",	 "qcow2", "-b",
		(char *)path, "-F", (char *)format, overlay, NULL,
	};
	struct child child;
	int status, r = 0;

	daemon->overlay_fd = open_nameless(err);
	if (daemon->overlay_fd < 0)
		return -1;
	snprintf(overlay, sizeof(overlay), "/proc/self/fd/%d", daemon->overlay_fd);
	if (child_start(&child, argv, (int[]){ daemon->overlay_fd, -1 }, err) < 0)
		return -1;
	status = child_wait(&child, IMAGE_TOOL_MS);
	if (status)
		r = program_failed(&child, IMAGE_TOOL, status, path, format, err);
	child_forget(&child);
	return r;
}

/* A JSON string; the rest of a path is bytes, which QEMU takes as they are. */
static char *put_string(char *to, const char *text)
{
	*to++ = '"';
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = c;
		} else if (c < 0x20) {
			to += sprintf(to, "\\u%04x", c);
		} else {
			*to++ = c;
		}
	}
	*to++ = '"';
	*to = 0;
	return to;
}

static char *put_node(char *to, const char *format, const char *path, bool read_only, bool direct,
		      bool discard)
{
	const char *common = direct ? "\"cache\":{\"direct\":true}," : "";
	const char *unmap = discard ? "unmap" : "ignore";
	const char *ro = read_only ? "true" : "false";

	to += sprintf(to, "\"driver\":");
	to = put_string(to, format);
	to += sprintf(to,
		      ",\"read-only\":%s,\"discard\":\"%s\",%s\"file\":{\"driver\":\"file\","
		      "\"read-only\":%s,\"discard\":\"%s\",%s\"filename\":",
		      ro, unmap, common, ro, unmap, common);
	to = put_string(to, path);
	to += sprintf(to, "}");
	return to;
}

static void put_blockdev(char *to, const struct block_daemon *daemon,
			 const struct block_spec *spec, const char *path, const char *format)
{
	bool direct = spec->cache == BLOCK_NONE || spec->cache == BLOCK_DIRECTSYNC;

	to += sprintf(to, "{\"node-name\":\"" EXPORT "\",");
	if (daemon->overlay_fd >= 0) {
		char overlay[32];

		snprintf(overlay, sizeof(overlay), "/proc/self/fd/%d", daemon->overlay_fd);
		to = put_node(to, "qcow2", overlay, false, false, true);
		to += sprintf(to, ",\"backing\":{");
		to = put_node(to, format, path, true, direct, false);
		to += sprintf(to, "}");
	} else {
		to = put_node(to, format, path, spec->read_only, direct, spec->discard);
	}
	sprintf(to, "}");
}

/* Two ends: a listening one for the daemon, and ours, which waits there already. */
static int make_sockets(int *listening, int *ours, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/hvrun-XXXXXX";
	bool bound;

	*ours = -1;
	*listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listening < 0 || !mkdtemp(folder))
		return error_set(err, "cannot make a socket: %s", strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/nbd", folder);
	bound = bind(*listening, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(*listening, 1) == 0;
	if (bound)
		*ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*ours >= 0 && connect(*ours, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(*ours);
		*ours = -1;
	}
	if (*ours < 0)
		error_set(err, "cannot make a socket: %s", strerror(errno));
	unlink(address.sun_path);
	rmdir(folder);
	return *ours < 0 ? -1 : 0;
}

static void set_timeout(int fd, unsigned int seconds)
{
	struct timeval time = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

/* The daemon serves our socket, or has said why not. */
static int enter(struct block_daemon *daemon, const char *path, const char *format,
		 struct error *err)
{
	const char *reason;
	int status;

	set_timeout(daemon->socket, START_SECONDS);
	if (nbd_negotiate(daemon->socket, EXPORT, &daemon->block.bytes, &reason) == 0) {
		set_timeout(daemon->socket, 0);
		daemon->block.bytes -= daemon->block.bytes % BLOCK_SECTOR;
		return nbd_start(&daemon->nbd, daemon->socket, daemon_lost, daemon, err);
	}
	status = child_wait(&daemon->child, 1000);
	program_failed(&daemon->child, DAEMON, status, path, format, err);
	child_forget(&daemon->child);
	return -1;
}

static int start_daemon(struct block_daemon *daemon, const struct block_spec *spec,
			const char *path, const char *format, struct error *err)
{
	char blockdev[JSON_BYTES], server[64], export[80];
	char *const argv[] = { DAEMON, "--blockdev", blockdev, "--nbd-server",
			       server, "--export",   export,   NULL };
	int listening, r;

	if (make_sockets(&listening, &daemon->socket, err) < 0) {
		if (listening >= 0)
			close(listening);
		return -1;
	}
	put_blockdev(blockdev, daemon, spec, path, format);
	snprintf(server, sizeof(server), "addr.type=fd,addr.str=%d,max-connections=1", listening);
	snprintf(export, sizeof(export), "nbd,id=" EXPORT ",node-name=" EXPORT ",writable=%s",
		 spec->read_only ? "off" : "on");
	r = child_start(&daemon->child, argv, (int[]){ listening, daemon->overlay_fd, -1 }, err);
	close(listening);
	if (r < 0)
		return -1;
	return enter(daemon, path, format, err);
}

/*
 * The daemon locks the image itself, by the same bytes, but its message names no holder. And
 * it must not be started for what is no file at all.
 */
static int check_image(const struct block_spec *spec, const char *path, struct error *err)
{
	bool is_writer = !spec->read_only && !spec->snapshot;
	int fd = image_open(path, is_writer ? O_RDWR : O_RDONLY), r;
	struct stat st;

	if (fd < 0)
		return error_set(err, "cannot open %s%s: %s%s", path,
				 is_writer ? " for writing" : "", strerror(errno),
				 is_writer && errno != ENOENT ? "; snapshot=on leaves it as it is" :
								"");
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		r = error_set(err, "%s is neither a file nor a block device", path);
	else
		r = image_lock_test(fd, path, is_writer, err);
	close(fd);
	return r;
}

/* ---- life ---- */

static void daemon_close(struct block *block)
{
	struct block_daemon *daemon = to_daemon(block);

	nbd_stop(&daemon->nbd);
	if (daemon->socket >= 0)
		close(daemon->socket);
	if (daemon->child.pid) {
		/* it writes back what it has in its caches */
		child_wait(&daemon->child, 0);
		child_forget(&daemon->child);
	}
	if (daemon->overlay_fd >= 0)
		close(daemon->overlay_fd);
	block_deinit(block);
	free(daemon);
}

static const struct block_driver daemon_driver = {
	.name = DAEMON,
	.submit = daemon_submit,
	.close = daemon_close,
};

static int open_by_daemon(struct block_daemon *daemon, const struct block_spec *spec,
			  const char *format, struct error *err)
{
	char path[PATH_MAX];

	/* names like "json:..." or "nbd:..." mean other things to QEMU: it gets a path */
	if (!realpath(spec->file, path))
		return error_set(err, "cannot open %s: %s", spec->file, strerror(errno));
	if (check_image(spec, path, err) < 0)
		return -1;
	if (spec->snapshot && make_overlay(daemon, path, format, err) < 0)
		return -1;
	return start_daemon(daemon, spec, path, format, err);
}

struct block *block_daemon_open(struct block_layer *layer, const struct block_spec *spec,
				const char *format, struct error *err)
{
	struct block_daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon) {
		error_set(err, "out of memory");
		return NULL;
	}
	daemon->socket = -1;
	daemon->overlay_fd = -1;
	block_init(&daemon->block, &daemon_driver);
	daemon->block.layer = layer;
	daemon->block.name = spec->name;
	daemon->block.read_only = spec->read_only;
	snprintf(daemon->block.format, sizeof(daemon->block.format), "%s",
		 spec->snapshot ? "qcow2" : format);
	daemon->block.file = strdup(spec->file);
	if (!daemon->block.file ||
	    open_by_daemon(daemon, spec, format, err) < 0) {
		daemon_close(&daemon->block);
		return NULL;
	}
	return &daemon->block;
}
