// SPDX-License-Identifier: GPL-2.0-only
/* See syscore.h; empty on kernels that have it. */
#include <linux/syscore_ops.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)

static int call_suspend(void);
static void call_resume(void);

static struct syscore_ops old_style = {
	.suspend = call_suspend,
	.resume = call_resume,
};

#include "compat/syscore.h"

static struct syscore *registered;

static int call_suspend(void)
{
	return registered->ops->suspend(registered->data);
}

static void call_resume(void)
{
	registered->ops->resume(registered->data);
}

#undef syscore_ops

void register_syscore(struct syscore *syscore)
{
	registered = syscore;
	register_syscore_ops(&old_style);
}

void unregister_syscore(struct syscore *syscore)
{
	unregister_syscore_ops(&old_style);
}

#endif
