// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Image locks: see image_lock.h.
 *
 * There is a byte for each thing that a user of the image does (read, write, resize) and a byte
 * for each thing that it wants nobody else to do. Who comes locks its bytes, shared, and then
 * looks whether anybody has a byte that contradicts: two that come at once may both
 * fail, but never both succeed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "backend/image_lock.h"

#define BYTE_DOES 100	/* + what it does */
#define BYTE_REFUSES 200 /* + what nobody else may do */

/* linux/magic.h has not all of them */
#define MAGIC_NFS 0x6969
#define MAGIC_SMB2 0xfe534d42
#define MAGIC_CIFS 0xff534d42
#define MAGIC_CEPH 0x00c36400
#define MAGIC_9P 0x01021997
#define MAGIC_FUSE 0x65735546
#define MAGIC_GFS2 0x01161970
#define MAGIC_OCFS2 0x7461636f

#define USE_READ 0
#define USE_WRITE 1
#define USE_RESIZE 3
#define USES 4

static bool does(bool is_writer, unsigned int use)
{
	return use == USE_READ || (is_writer && (use == USE_WRITE || use == USE_RESIZE));
}

static bool refuses(unsigned int use)
{
	return use == USE_WRITE || use == USE_RESIZE;
}

static int lock_byte(int fd, off_t at)
{
	struct flock lock = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1
	};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* Would an exclusive lock be refused, that is, has anybody else a lock there? */
static bool is_locked(int fd, off_t at)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1
	};

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* ---- who is it? ---- */

/* Has this descriptor a lock? "lock: 1: OFDLCK ADVISORY READ ..." */
static bool descriptor_locks(const char *pid, const char *fd)
{
	char path[64], line[160];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.12s/fdinfo/%.12s", pid, fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "lock:", 5) && strstr(line, "OFDLCK");
	fclose(file);
	return found;
}

/* @except: a descriptor of ours that does not count; -1: none. */
static bool process_locks(const char *pid, const struct stat *image, int except)
{
	char path[64], target[128];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.12s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		snprintf(target, sizeof(target), "%s/%.12s", path, entry->d_name);
		found = entry->d_name[0] != '.' && atoi(entry->d_name) != except &&
			stat(target, &st) == 0 && st.st_dev == image->st_dev &&
			st.st_ino == image->st_ino && descriptor_locks(pid, entry->d_name);
	}
	closedir(dir);
	return found;
}

static void command_of(const char *pid, char *name, size_t bytes)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.12s/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, bytes, file))
		snprintf(name, bytes, "?");
	name[strcspn(name, "\n")] = 0;
	if (file)
		fclose(file);
}

static bool is_shared(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	switch ((uint32_t)fs.f_type) {
	case MAGIC_NFS:
	case MAGIC_SMB2:
	case MAGIC_CIFS:
	case MAGIC_CEPH:
	case MAGIC_9P:
	case MAGIC_FUSE:
	case MAGIC_GFS2:
	case MAGIC_OCFS2:
		return true;
	default:
		return false;
	}
}

/* The kernel does not say whose an OFD lock is; processes that we may look at do. */
static void find_holder(int fd, char *holder, size_t bytes)
{
	struct dirent *entry;
	char command[32];
	struct stat st;
	DIR *proc;

	snprintf(holder, bytes, "another process%s",
		 is_shared(fd) ? ", perhaps on another machine" : "");
	proc = opendir("/proc");
	if (!proc || fstat(fd, &st) < 0) {
		if (proc)
			closedir(proc);
		return;
	}
	while ((entry = readdir(proc))) {
		bool is_us = atoi(entry->d_name) == getpid();

		if (atoi(entry->d_name) <= 0 || !process_locks(entry->d_name, &st, is_us ? fd : -1))
			continue;
		command_of(entry->d_name, command, sizeof(command));
		if (is_us)
			snprintf(holder, bytes, "another drive of this machine");
		else
			snprintf(holder, bytes, "process %.12s (%s)", entry->d_name, command);
		break;
	}
	closedir(proc);
}

/* ---- locks ---- */

int image_lock_test(int fd, const char *path, bool is_writer, struct error *err)
{
	char holder[80];
	bool used = false;

	for (unsigned int use = 0; use < USES; use++)
		used |= (does(is_writer, use) && is_locked(fd, BYTE_REFUSES + use)) ||
			(refuses(use) && is_locked(fd, BYTE_DOES + use));
	if (!used)
		return 0;
	find_holder(fd, holder, sizeof(holder));
	return error_set(err, "%s is in use by %s: end that first, or give %s", path, holder,
			 is_writer ? "another image" : "the image's copy");
}

int image_open(const char *path, int flags)
{
	const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };
	int fd;

	for (int tries = 0; tries < 600; tries++) {
		fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 || errno != EAGAIN)
			return fd;
		nanosleep(&moment, NULL);
	}
	return -1;
}

int image_lock(int fd, const char *path, bool is_writer, struct error *err)
{
	for (unsigned int use = 0; use < USES; use++) {
		if ((does(is_writer, use) && lock_byte(fd, BYTE_DOES + use) < 0) ||
		    (refuses(use) && lock_byte(fd, BYTE_REFUSES + use) < 0)) {
			/* the kernel or the file system has none: as if nobody else were there */
			if (errno == EINVAL || errno == ENOLCK || errno == ENOSYS ||
			    errno == EOPNOTSUPP)
				return 0;
			return error_set(err, "cannot lock %s: %s", path, strerror(errno));
		}
	}
	return image_lock_test(fd, path, is_writer, err);
}
