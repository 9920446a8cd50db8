/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl layer: tables of calls, and one way to move their arguments. All argument
 * checks that do not depend on the objects' state are made in core/ioctl_*.c.
 */
#ifndef MYHV_CORE_IOCTL_H
#define MYHV_CORE_IOCTL_H

#include <linux/fs.h>
#include <linux/types.h>
#include "myhv.h"

struct myhv_vm;

/**
 * struct ioctl_call - one row, at index _IOC_NR() less the table's first number
 * @cmd: as in the uapi; 0: no such call
 * @min_bytes: size of the argument's first version: a shorter one is EINVAL
 * @fn: @args is kernel memory of _IOC_SIZE(@cmd) bytes; what it leaves there is
 *	copied back when @cmd says so and the call succeeded (or was refused with E2BIG)
 */
struct ioctl_call {
	unsigned int cmd;
	unsigned int min_bytes;
	long (*fn)(void *object, void *args);
};

#define IOCTL_CALL(first, command, type, func)                     \
	[_IOC_NR(command) - (first)] = { .cmd = (command),          \
					 .min_bytes = sizeof(type), \
					 .fn = (func) }

/* The row of @cmd, or NULL: unknown (ENOTTY). */
const struct ioctl_call *ioctl_find(const struct ioctl_call *table, unsigned int count,
				    unsigned int first, unsigned int cmd);
long ioctl_invoke(const struct ioctl_call *call, void *object, unsigned int cmd,
		  unsigned long arg);

/* An array that user space hands over; kvfree() it. ERR_PTR. */
void *ioctl_array(u64 user, u32 count, size_t size);

long sys_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int vm_open_fd(struct myhv_vm *vm); /* takes over the caller's reference when it succeeds */

#endif /* MYHV_CORE_IOCTL_H */
