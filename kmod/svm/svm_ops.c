// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-V as a whole: can this CPU be used, what all VMs share, switching SVM on and
 * off on a CPU, and the operations table. APM "Enabling SVM".
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mem_encrypt.h>
#include <linux/module.h>
#include <linux/topology.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "compat/compat.h"
#include "exit/exit.h"
#include "host/host_cpu.h"
#include "svm/svm.h"

struct svm_global svm_global;
DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

/* ---- probe ---- */

static int missing(const char *what, const char *cure)
{
	pr_err("myhv: cannot use this CPU: %s; %s\n", what, cure);
	return -ENODEV;
}

/* Which there are; the rest of MYHV_CPU_FEATURE_* is Intel's, or not used here. */
#define POSSIBLE_FEATURES                                                                     \
	(MYHV_CPU_FEATURE_NEXT_RIP | MYHV_CPU_FEATURE_DECODE_ASSIST |                         \
	 MYHV_CPU_FEATURE_FLUSH_BY_ASID | MYHV_CPU_FEATURE_CLEAN_BITS |                       \
	 MYHV_CPU_FEATURE_TSC_SCALING | MYHV_CPU_FEATURE_PAUSE_FILTER |                       \
	 MYHV_CPU_FEATURE_1G_PAGES | MYHV_CPU_FEATURE_SLAT_AD)

static u64 known_features(u32 edx)
{
	static const struct {
		u32 cpuid;
		u64 feature;
	} table[] = {
		{ SVM_CPUID_NRIPS, MYHV_CPU_FEATURE_NEXT_RIP },
		{ SVM_CPUID_DECODE_ASSISTS, MYHV_CPU_FEATURE_DECODE_ASSIST },
		{ SVM_CPUID_FLUSH_BY_ASID, MYHV_CPU_FEATURE_FLUSH_BY_ASID },
		{ SVM_CPUID_VMCB_CLEAN, MYHV_CPU_FEATURE_CLEAN_BITS },
		{ SVM_CPUID_TSC_RATE_MSR, MYHV_CPU_FEATURE_TSC_SCALING },
		{ SVM_CPUID_PAUSE_FILTER, MYHV_CPU_FEATURE_PAUSE_FILTER },
	};
	u64 features = MYHV_CPU_FEATURE_SLAT_AD;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (edx & table[i].cpuid)
			features |= table[i].feature;
	if (boot_cpu_has(X86_FEATURE_GBPAGES))
		features |= MYHV_CPU_FEATURE_1G_PAGES;
	return features;
}

/*
 * Nested tables have the format of the host's own page tables and, with CR4.LA57,
 * their depth (APM "Nested Paging"). Every guest access counts as a user access. The
 * leaves have PAT index 0, write-back: the guest's own PAT decides.
 */
static struct slat_format nested_format(void)
{
	return (struct slat_format) {
		.levels = native_read_cr4() & X86_CR4_LA57 ? 5 : 4,
		.max_page_level = boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2,
		.ad_bits = true,
		.table_bits = __sme_set(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED),
		.leaf_bits = __sme_set(_PAGE_PRESENT | _PAGE_USER),
		.large_bit = _PAGE_PSE,
		.write_bit = _PAGE_RW,
		.exec_bit = 0,
		.nx_bit = _PAGE_NX,
		.accessed_bit = _PAGE_ACCESSED,
		.dirty_bit = _PAGE_DIRTY,
		.present_mask = _PAGE_PRESENT,
		.address_mask = __sme_clr(GENMASK_ULL(51, 12)),
	};
}

static int svm_probe(struct backend_caps *caps)
{
	u64 vm_cr;
	u32 edx;

	if (!boot_cpu_has(X86_FEATURE_SVM))
		return missing("it has no AMD-V (SVM)",
			       "under another hypervisor, let it pass nested virtualization on");
	if (!rdmsrq_safe(MSR_VM_CR, &vm_cr) && (vm_cr & SVM_VM_CR_SVMDIS))
		return missing(vm_cr & SVM_VM_CR_LOCK ?
				       "AMD-V is disabled and locked by the firmware" :
				       "AMD-V is disabled (VM_CR.SVMDIS)",
			       "enable SVM in the firmware's setup");
	edx = cpuid_edx(0x8000000a);
	if (!(edx & SVM_CPUID_NP))
		return missing("AMD-V is there but nested paging (NPT) is not",
			       "a CPU or virtual CPU model with NPT is needed");
	if (!boot_cpu_has(X86_FEATURE_NX))
		return missing("no-execute pages (NX) are switched off",
			       "enable them in the firmware's setup or drop noexec=off");

	svm_global.cpuid = edx;
	svm_global.features = known_features(edx);
	svm_global.max_asid = cpuid_ebx(0x8000000a) - 1;
	if (!svm_global.max_asid || svm_global.max_asid == U32_MAX)
		return missing("AMD-V reports no address space ids", "the CPU model is broken");

	caps->features = svm_global.features;
	caps->possible = POSSIBLE_FEATURES;
	caps->slat_format = nested_format();
	caps->gpa_bits = min_t(u8, boot_cpu_data.x86_phys_bits,
			       caps->slat_format.levels == 5 ? 52 : 48);
	caps->nr_asids = svm_global.max_asid + 1;
	caps->tsc_ratio_frac_bits = svm_has(MYHV_CPU_FEATURE_TSC_SCALING) ?
					    SVM_TSC_RATIO_FRAC_BITS : 0;
	return 0;
}

/* ---- what all VMs share ---- */

static struct page *cpu_page(int cpu)
{
	return alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
}

static void svm_teardown(void)
{
	struct svm_cpu *c;
	int cpu;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&svm_cpu, cpu);
		if (c->hsave)
			__free_page(c->hsave);
		if (c->host_vmcb)
			__free_page(c->host_vmcb);
		c->hsave = NULL;
		c->host_vmcb = NULL;
	}
	free_pages((unsigned long)svm_global.msrpm, SVM_MSRPM_ORDER);
	free_pages((unsigned long)svm_global.iopm, SVM_IOPM_ORDER);
	svm_global.msrpm = NULL;
	svm_global.iopm = NULL;
}

/* MSRs that live in the VMCB and mean the same to the guest as to us. */
static void fill_msrpm(void *msrpm)
{
	static const u32 direct[] = {
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	};
	unsigned int i;

	memset(msrpm, 0xff, SVM_MSRPM_BYTES);
	for (i = 0; i < ARRAY_SIZE(direct); i++)
		svm_msrpm_set(msrpm, direct[i], false, false);
}

static int svm_setup(void)
{
	struct svm_cpu *c;
	int cpu;

	svm_global.iopm = (void *)__get_free_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	svm_global.msrpm = (void *)__get_free_pages(GFP_KERNEL, SVM_MSRPM_ORDER);
	if (!svm_global.iopm || !svm_global.msrpm)
		goto fail;
	memset(svm_global.iopm, 0xff, SVM_IOPM_BYTES);
	fill_msrpm(svm_global.msrpm);
	svm_global.iopm_pa = __sme_set(__pa(svm_global.iopm));
	svm_global.msrpm_pa = __sme_set(__pa(svm_global.msrpm));

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&svm_cpu, cpu);
		c->hsave = cpu_page(cpu);
		c->host_vmcb = cpu_page(cpu);
		if (!c->hsave || !c->host_vmcb)
			goto fail;
		c->host_vmcb_pa = __sme_set(page_to_phys(c->host_vmcb));
	}
	return 0;
fail:
	svm_teardown();
	return -ENOMEM;
}

/* ---- one CPU ---- */

static int svm_cpu_enable(void)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpu);
	u64 efer;

	lockdep_assert_irqs_disabled();
	rdmsrq(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY; /* by KVM, say: we never leave it set */
	wrmsrq(MSR_EFER, efer | EFER_SVME);
	wrmsrq(MSR_VM_HSAVE_PA, __sme_set(page_to_phys(c->hsave)));
	host_tsc_aux_read();
	if (svm_has(MYHV_CPU_FEATURE_TSC_SCALING))
		wrmsrq(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_ONE);
	/* A generation that no vCPU has: whoever was here before left entries behind. */
	c->asid_generation++;
	c->next_asid = 1; /* 0 is the host */
	c->flush_all = true;
	c->enabled = true;
	return 0;
}

static void svm_cpu_disable(void)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpu);
	u64 efer;

	lockdep_assert_irqs_disabled();
	if (!c->enabled)
		return;
	c->enabled = false;
	/* GIF is set outside svm_vmrun(); with it clear, INIT and NMI would be lost for good. */
	asm volatile("stgi" : : : "memory");
	wrmsrq(MSR_VM_HSAVE_PA, 0);
	rdmsrq(MSR_EFER, efer);
	wrmsrq(MSR_EFER, efer & ~EFER_SVME);
}

/* ---- a VM has nothing in the hardware beyond its nested tables ---- */

static int svm_vm_init(struct myhv_vm *vm)
{
	return 0;
}

static void svm_vm_destroy(struct myhv_vm *vm)
{
}

const struct myhv_backend svm_backend = {
	.name = "svm",
	.id = MYHV_BACKEND_SVM,
	.probe = svm_probe,
	.setup = svm_setup,
	.teardown = svm_teardown,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.vm_init = svm_vm_init,
	.vm_destroy = svm_vm_destroy,
	.vcpu_alloc = svm_vcpu_alloc,
	.vcpu_free = svm_vcpu_free,
	.vcpu_reset = svm_vcpu_reset,
	.cpuid_changed = svm_cpuid_changed,
	.burst_begin = svm_burst_begin,
	.burst_end = svm_burst_end,
	.enter = svm_enter,
	.handle_exit = svm_handle_exit,
	.regs_fetch = svm_regs_fetch,
	.insn_context = svm_insn_context,
	.regs_commit = svm_regs_commit,
	.msr_get = svm_msr_get,
	.msr_set = svm_msr_set,
	.msr_filter_changed = svm_msr_filter_changed,
	.shadow_get = svm_shadow_get,
	.shadow_set = svm_shadow_set,
	.nmi_blocked_get = svm_nmi_blocked_get,
	.nmi_blocked_set = svm_nmi_blocked_set,
	.irq_window = svm_irq_window,
	.tpr_threshold = svm_tpr_threshold,
	.tpr_changed = svm_tpr_changed,
	.nmi_window = svm_nmi_window,
	.tsc_update = svm_tsc_update,
	.debug_update = svm_debug_update,
	.debug_live = svm_debug_live,
	.exit_info = svm_exit_info,
	.exit_name = svm_exit_name,
};
