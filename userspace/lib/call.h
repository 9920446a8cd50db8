/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How libmyhv makes its system calls: -1 and errno become a negative errno. */
#ifndef LIBMYHV_CALL_H
#define LIBMYHV_CALL_H

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

static inline int call(int fd, unsigned long request, const void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

static inline uint64_t pointer_arg(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif /* LIBMYHV_CALL_H */
