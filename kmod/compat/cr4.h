/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CR4.VMXE in the kernel's copy of CR4. From 6.19 on that is for KVM alone.
 */
#ifndef MYHV_COMPAT_CR4_H
#define MYHV_COMPAT_CR4_H

#include <linux/version.h>
#include <asm/tlbflush.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)

#define HOST_CR4_SHADOW 1

/* IRQs off. CR4 itself may have the bit already. */
static inline void host_cr4_vmxe(bool on)
{
	if (on)
		cr4_set_bits_irqsoff(X86_CR4_VMXE);
	else
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

#else

#define HOST_CR4_SHADOW 0

static inline void host_cr4_vmxe(bool on)
{
}

#endif

#endif /* MYHV_COMPAT_CR4_H */
