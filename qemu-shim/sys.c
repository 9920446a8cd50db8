// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls of the shim's own, past libc, whose ioctl() and mmap() are ours; and the lock.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

long sys_ioctl(int fd, unsigned long request, const void *arg)
{
	long ret;

	/* no errno and no cancellation, so not by libc's syscall() */
	asm volatile("syscall"
		     : "=a"(ret)
		     : "0"(SYS_ioctl), "D"((long)fd), "S"(request), "d"(arg)
		     : "rcx", "r11", "memory");
	return ret;
}

void sys_close(int fd)
{
	syscall(SYS_close, fd);
}

int sys_prop_get(int fd, uint32_t id, uint64_t *value)
{
	struct myhv_prop prop = { .id = id };
	int r = sys_ioctl(fd, MYHV_PROP_GET, &prop);

	if (r == 0)
		*value = prop.value;
	return r;
}

int sys_prop_set(int fd, uint32_t id, uint64_t value)
{
	struct myhv_prop prop = { .id = id, .value = value };

	return sys_ioctl(fd, MYHV_PROP_SET, &prop);
}

/* ---- the client's memory ---- */

/*
 * The kernel answers a bad pointer with EFAULT where a load would end the program: let the
 * kernel copy. Where a sandbox forbids that, a bad pointer is the program's own funeral.
 */
static int copied(ssize_t n, size_t bytes, void *to, const void *from)
{
	if (n == (ssize_t)bytes)
		return 0;
	if (n >= 0 || errno == EFAULT)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

int copy_in(void *to, uint64_t from, size_t bytes)
{
	struct iovec local = { to, bytes };
	struct iovec remote = { (void *)(uintptr_t)from, bytes };
	int saved = errno, r;

	if (!bytes)
		return 0;
	r = copied(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), bytes, to,
		   remote.iov_base);
	errno = saved;
	return r;
}

int copy_out(uint64_t to, const void *from, size_t bytes)
{
	struct iovec local = { (void *)from, bytes };
	struct iovec remote = { (void *)(uintptr_t)to, bytes };
	int saved = errno, r;

	if (!bytes)
		return 0;
	r = copied(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), bytes, remote.iov_base,
		   from);
	errno = saved;
	return r;
}

void *pages_alloc_shared(size_t bytes)
{
	void *p = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* ---- the lock ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void shim_lock(void)
{
	pthread_mutex_lock(&lock);
}

void shim_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* A child of fork() must not find it held by a thread that it does not have. */
__attribute__((constructor)) static void lock_over_fork(void)
{
	pthread_atfork(shim_lock, shim_unlock, shim_unlock);
}
