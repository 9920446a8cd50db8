/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Suspend and resume callbacks that take a context pointer, on kernels whose own take
 * none. One registration at a time is all that is needed.
 */
#ifndef MYHV_COMPAT_SYSCORE_H
#define MYHV_COMPAT_SYSCORE_H

#include <linux/syscore_ops.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)

#define syscore_ops myhv_syscore_ops
#define syscore myhv_syscore
#define register_syscore myhv_register_syscore
#define unregister_syscore myhv_unregister_syscore

struct syscore_ops {
	int (*suspend)(void *data);
	void (*resume)(void *data);
};

struct syscore {
	const struct syscore_ops *ops;
	void *data;
};

void register_syscore(struct syscore *syscore);
void unregister_syscore(struct syscore *syscore);

#endif

#endif /* MYHV_COMPAT_SYSCORE_H */
