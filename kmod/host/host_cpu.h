/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's own state around a guest entry, as far as both backends keep it by hand. */
#ifndef MYHV_HOST_CPU_H
#define MYHV_HOST_CPU_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

/* DR0 to DR3; [entry] */
static inline void host_drs_read(u64 dr[4])
{
	get_debugreg(dr[0], 0);
	get_debugreg(dr[1], 1);
	get_debugreg(dr[2], 2);
	get_debugreg(dr[3], 3);
}

static inline void host_drs_write(const u64 dr[4])
{
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/*
 * [entry] A machine check ended guest mode: as if it had hit the vCPU's thread in user mode,
 * which is what it can kill.
 */
static inline void host_machine_check(void)
{
	struct pt_regs regs = {
		.cs = __USER_CS,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
}

#endif /* MYHV_HOST_CPU_H */
