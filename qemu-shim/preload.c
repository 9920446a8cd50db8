// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The libc functions that a KVM client reaches the kernel by. Each lets everything pass that
 * is not ours, and costs it a comparison. Descriptors leave the table before they are
 * closed: afterwards the number may already be another thread's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fd_map.h"
#include "log.h"

#define EXPORT __attribute__((visibility("default")))
#define IS_KVM_CALL(request) (_IOC_TYPE(request) == KVMIO)
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/*
 * The next definition of @name: libc's, or another preloaded library's. Looked up at the first use,
 * which may be in another library's constructor.
 */
#define NEXT(name)                                                                       \
	({                                                                               \
		static __typeof__(name) *_Atomic next_;                                  \
		__typeof__(name) *fn_ = atomic_load_explicit(&next_, memory_order_relaxed); \
		if (!fn_) {                                                              \
			fn_ = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);               \
			atomic_store_explicit(&next_, fn_, memory_order_relaxed);        \
		}                                                                        \
		fn_;                                                                     \
	})

static long returned(long r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

/* ---- opening ---- */

static bool is_kvm_path(const char *path)
{
	return path && !strcmp(path, DEVICE_KVM);
}

/* /dev/kvm was asked for and @fd is /dev/myhv. */
static int opened(int fd)
{
	int saved = errno, r = -ENOMEM;
	struct object *sys;

	if (fd < 0) {
		log_line("open(" DEVICE_KVM ") as " DEVICE_MYHV ": %s", strerrordesc_np(saved));
		errno = saved;
		return fd;
	}
	sys = object_new(KIND_SYS);
	if (sys) {
		r = fd_assign(fd, sys);
		object_put(sys);
	}
	if (r) {
		NEXT(close)(fd);
		return returned(r);
	}
	log_line("open(" DEVICE_KVM ") = %d", fd);
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return __OPEN_NEEDS_MODE(flags) ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                     \
	EXPORT int name(const char *path, int flags, ...)                     \
	{                                                                     \
		va_list args;                                                 \
		mode_t mode;                                                  \
									      \
		va_start(args, flags);                                        \
		mode = mode_of(flags, args);                                  \
		va_end(args);                                                 \
		if (is_kvm_path(path))                                        \
			return opened(NEXT(name)(DEVICE_MYHV, flags, mode));  \
		return NEXT(name)(path, flags, mode);                         \
	}

#define DEFINE_OPENAT(name)                                                       \
	EXPORT int name(int dir, const char *path, int flags, ...)                \
	{                                                                         \
		va_list args;                                                     \
		mode_t mode;                                                      \
										  \
		va_start(args, flags);                                            \
		mode = mode_of(flags, args);                                      \
		va_end(args);                                                     \
		if (is_kvm_path(path))                                            \
			return opened(NEXT(name)(dir, DEVICE_MYHV, flags, mode)); \
		return NEXT(name)(dir, path, flags, mode);                        \
	}

/* What open() becomes with _FORTIFY_SOURCE and flags that the compiler does not know. */
#define DEFINE_OPEN_2(name)                                             \
	int name(const char *path, int flags);                          \
	EXPORT int name(const char *path, int flags)                    \
	{                                                               \
		if (is_kvm_path(path))                                  \
			return opened(NEXT(name)(DEVICE_MYHV, flags));  \
		return NEXT(name)(path, flags);                         \
	}

#define DEFINE_OPENAT_2(name)                                               \
	int name(int dir, const char *path, int flags);                     \
	EXPORT int name(int dir, const char *path, int flags)               \
	{                                                                   \
		if (is_kvm_path(path))                                      \
			return opened(NEXT(name)(dir, DEVICE_MYHV, flags)); \
		return NEXT(name)(dir, path, flags);                        \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPEN_2(__open_2)
DEFINE_OPEN_2(__open64_2)
DEFINE_OPENAT_2(__openat_2)
DEFINE_OPENAT_2(__openat64_2)

/* ---- closing and copying ---- */

EXPORT int close(int fd)
{
	fd_clear(fd);
	return NEXT(close)(fd);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC) && first <= last)
		fd_clear_range(first, last);
	return NEXT(close_range)(first, last, flags);
}

/* @copy is a new descriptor of what @fd is. */
static int copied(int fd, int copy)
{
	struct object *o;
	int r;

	if (copy < 0)
		return copy;
	o = fd_get(fd);
	if (!o)
		return copy;
	r = fd_assign(copy, o);
	object_put(o);
	if (r) {
		NEXT(close)(copy);
		return returned(r);
	}
	return copy;
}

EXPORT int dup(int fd)
{
	return copied(fd, NEXT(dup)(fd));
}

EXPORT int dup2(int fd, int to)
{
	/* to itself it closes nothing, and of a bad one neither */
	if (fd == to || fcntl(fd, F_GETFD) < 0)
		return NEXT(dup2)(fd, to);
	fd_clear(to);
	return copied(fd, NEXT(dup2)(fd, to));
}

EXPORT int dup3(int fd, int to, int flags)
{
	if (fd == to || fcntl(fd, F_GETFD) < 0)
		return NEXT(dup3)(fd, to, flags);
	fd_clear(to);
	return copied(fd, NEXT(dup3)(fd, to, flags));
}

#define DEFINE_FCNTL(name)                                                             \
	EXPORT int name(int fd, int command, ...)                                      \
	{                                                                              \
		va_list args;                                                          \
		void *arg;                                                             \
										       \
		va_start(args, command);                                               \
		arg = va_arg(args, void *);                                            \
		va_end(args);                                                          \
		if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)                  \
			return copied(fd, NEXT(name)(fd, command, arg));               \
		return NEXT(name)(fd, command, arg);                                   \
	}

DEFINE_FCNTL(fcntl)
DEFINE_FCNTL(fcntl64)

/* ---- mapping a vCPU ---- */

static struct vcpu *vcpu_behind(int fd)
{
	struct object *o = fd < 0 ? NULL : fd_get(fd);
	uint64_t id;

	if (!o)
		return NULL;
	/* the number may be another file's, closed where we did not see it */
	if (o->kind == KIND_VCPU && sys_prop_get(fd, MYHV_PROP_VCPU_ID, &id) != -ENOTTY)
		return (struct vcpu *)o;
	object_put(o);
	return NULL;
}

#define DEFINE_MMAP(name, offset_type)                                                         \
	EXPORT void *name(void *addr, size_t bytes, int prot, int flags, int fd,               \
			  offset_type offset)                                                  \
	{                                                                                      \
		struct vcpu *vcpu = vcpu_behind(fd);                                           \
		long r;                                                                        \
											       \
		if (!vcpu)                                                                     \
			return NEXT(name)(addr, bytes, prot, flags, fd, offset);               \
		if (offset == KVM_DIRTY_LOG_PAGE_OFFSET * SHIM_PAGE)                           \
			r = dirty_ring_map(vcpu, addr, bytes, prot, flags);                    \
		else                                                                           \
			r = offset ? -EINVAL : run_map(vcpu, fd, addr, bytes, prot, flags);    \
		log_line("vcpu(fd %d) mmap(%zu, %lld) = %#lx", fd, bytes, (long long)offset, r); \
		object_put(&vcpu->base);                                                       \
		return (void *)returned(r);                                                    \
	}

DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)

/* ---- reading counters ---- */

static void before_read(int fd)
{
	struct object *o = fd_get(fd);

	if (!o)
		return;
	if (o->kind == KIND_STATS)
		stats_refresh(o, fd);
	object_put(o);
}

EXPORT ssize_t read(int fd, void *to, size_t bytes)
{
	before_read(fd);
	return NEXT(read)(fd, to, bytes);
}

EXPORT ssize_t pread(int fd, void *to, size_t bytes, off_t offset)
{
	before_read(fd);
	return NEXT(pread)(fd, to, bytes, offset);
}

EXPORT ssize_t pread64(int fd, void *to, size_t bytes, off64_t offset)
{
	before_read(fd);
	return NEXT(pread64)(fd, to, bytes, offset);
}

/* ---- calls ---- */

static long call_object(struct object *o, int fd, uint32_t request, uint64_t arg)
{
	const struct call *call;
	long r;

	if (request == KVM_RUN && o->kind == KIND_VCPU && !log_on)
		return arg ? -EINVAL : vcpu_run((struct vcpu *)o, fd);
	call = call_find(o->kind, request);
	if (!call) {
		log_line("fd %d: unknown call %#x", fd, request);
		return o->kind == KIND_VM ? -ENOTTY : -EINVAL;
	}
	r = call->fn(o, fd, arg);
	if (log_on)
		log_call(o, fd, call->name, arg, r);
	return r;
}

/* A descriptor of /dev/myhv that came to us by exec() or from another process. */
static struct object *adopt(int fd)
{
	struct object *o;
	uint64_t version;

	if (sys_prop_get(fd, MYHV_PROP_API_VERSION, &version))
		return NULL;
	o = object_new(KIND_SYS);
	if (o && fd_assign(fd, o)) {
		object_put(o);
		o = NULL;
	}
	return o;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct object *o;
	va_list args;
	void *arg;
	long r;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);

	/* QEMU passes it as an int: sign-extended */
	request = (uint32_t)request;
	if (!IS_KVM_CALL(request))
		return NEXT(ioctl)(fd, request, arg);
	o = fd_get(fd);
	if (!o)
		o = adopt(fd);
	if (!o)
		return NEXT(ioctl)(fd, request, arg);
	r = call_object(o, fd, request, (uintptr_t)arg);
	object_put(o);
	return returned(r);
}
