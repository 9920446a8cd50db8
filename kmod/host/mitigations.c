// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be done against speculative leaks around guest entries, decided once from the
 * boot CPU's bug bits. What has to come before the first RET after an exit is in the
 * backends' assembly, patched by the same bits.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include "compat/compat.h"
#include "compat/compat_asm.h"
#include "host/host.h"

struct host_mitigations host_mitigations __ro_after_init;

#define L1D_LINE_BYTES 64
#define L1D_FILL_ORDER 4
#define L1D_FILL_BYTES (PAGE_SIZE << L1D_FILL_ORDER)
static u8 *l1d_fill;

/* Identity of the vCPU that ran last on this CPU; VM numbers are not used twice. */
static DEFINE_PER_CPU(u64, last_vcpu);

/* CPUs that leak what their buffers hold to whoever runs next (MDS and its relatives). */
static bool buffers_leak(void)
{
	static const u16 bugs[] = {
		X86_BUG_MDS, X86_BUG_TAA, X86_BUG_MMIO_STALE_DATA, X86_BUG_RFDS,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (boot_cpu_has_bug(bugs[i]))
			return true;
	return false;
}

/* L1TF: a guest reads what is in the L1 data cache by page-table entries of its own making. */
static bool l1d_leaks(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrq_safe(MSR_IA32_ARCH_CAPABILITIES, &caps);
	return !(caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

int __init host_mitigations_init(void)
{
	const bool on = !cpu_mitigations_off();

	host_mitigations = (struct host_mitigations) {
		.ibpb_on_switch = on && boot_cpu_has(X86_FEATURE_IBPB) &&
				  boot_cpu_has_bug(X86_BUG_SPECTRE_V2),
		.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL),
		.rsb_fill = boot_cpu_has(X86_FEATURE_RSB_VMEXIT),
		.verw = on && buffers_leak(),
		.l1d_flush = on && l1d_leaks(),
		.ibpb_to_user = boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER),
		.clear_bhb = boot_cpu_has(MYHV_FEATURE_CLEAR_BHB),
	};
	if (!host_mitigations.l1d_flush || boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return 0;
	l1d_fill = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_FILL_ORDER);
	return l1d_fill ? 0 : -ENOMEM;
}

void host_mitigations_exit(void)
{
	free_pages((unsigned long)l1d_fill, L1D_FILL_ORDER);
	l1d_fill = NULL;
}

/*
 * Where microcode has no command for it, reading twice the size of the cache drives out the
 * rest; first a line of every page, so that no table walk comes between.
 */
static void l1d_flush_by_reading(void)
{
	unsigned int i;

	for (i = 0; i < L1D_FILL_BYTES; i += PAGE_SIZE)
		READ_ONCE(l1d_fill[i]);
	rmb();
	for (i = 0; i < L1D_FILL_BYTES; i += L1D_LINE_BYTES)
		READ_ONCE(l1d_fill[i]);
	rmb();
}

/* Has an interrupt been handled on this CPU since the last time? The kernel notes it for KVM. */
static bool interrupted(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	bool seen = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();
	return seen;
#else
	return true;
#endif
}

/*
 * Not before every entry: most exits are handled by reading what is the vCPU's own. What reads
 * more, a burst's begin, a second-level fault or the emulator, sets vcpu->l1d_stale.
 */
void host_l1d_flush(struct myhv_vcpu *vcpu)
{
	if (likely(!(interrupted() | vcpu->l1d_stale)))
		return;
	vcpu->l1d_stale = false;
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrq(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		l1d_flush_by_reading();
}

void host_mitigations_switch(struct myhv_vcpu *vcpu)
{
	u64 self = (u64)(vcpu->vm->id + 1) << 32 | vcpu->id;

	/* the kernel does it on its way there, once, and forgets it */
	if (host_mitigations.ibpb_to_user)
		__this_cpu_write(x86_ibpb_exit_to_user, true);
	if (__this_cpu_read(last_vcpu) == self)
		return;
	__this_cpu_write(last_vcpu, self);
	if (host_mitigations.ibpb_on_switch)
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

void host_spec_ctrl_enter(u64 guest)
{
	if (guest != this_cpu_read(x86_spec_ctrl_current))
		wrmsrq(MSR_IA32_SPEC_CTRL, guest);
}

void host_spec_ctrl_leave(u64 guest)
{
	u64 host = this_cpu_read(x86_spec_ctrl_current);

	if (guest != host)
		wrmsrq(MSR_IA32_SPEC_CTRL, host);
}

/*
 * With the kernel's own IBRS the bit must be written after every exit, even if it has the same
 * value: the write is the barrier.
 */
u64 host_spec_ctrl_after(u64 guest)
{
	u64 host = this_cpu_read(x86_spec_ctrl_current);

	if (guest == host && !boot_cpu_has(X86_FEATURE_KERNEL_IBRS))
		return ~0ULL;
	return host;
}
