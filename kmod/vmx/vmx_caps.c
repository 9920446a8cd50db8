// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can this CPU be used, and with what: the capability MSRs, turned into control words and
 * features. SDM "Basic VMX Information" and what follows it.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "compat/compat.h"
#include "vmx/vmx.h"

#define BASIC_TRUE_CONTROLS BIT_ULL(55)
#define BASIC_TYPE_SHIFT 50
#define BASIC_TYPE_MASK 0xf
#define BASIC_TYPE_WB 6
#define CPUID_1_ECX_VMX BIT(5)
#define HOST_CR4_FRED BIT_ULL(32)
#define MISC_TIMER_SHIFT 0x1f /* of IA32_VMX_MISC */

#define FEATURE_PARAM(name, what)             \
	static bool name = true;              \
	module_param(name, bool, 0444);       \
	MODULE_PARM_DESC(name, "VT-x: " what)

FEATURE_PARAM(tpr_shadow, "let the guest use CR8 without exits");
FEATURE_PARAM(enable_apicv, "let the CPU serve the LAPIC's registers and deliver interrupts");
FEATURE_PARAM(posted_intr, "... also those that come while the guest runs; needs enable_apicv");
FEATURE_PARAM(pml, "let the CPU log which pages are written");
FEATURE_PARAM(preemption_timer, "let the CPU time the TSC deadline of a running guest");

static int missing(const char *what, const char *cure)
{
	pr_err("myhv: cannot use this CPU: %s; %s\n", what, cure);
	return -ENODEV;
}

static const char other_cpu[] = "a newer CPU, or another virtual CPU model, is needed";

/* ---- control words ---- */

static u64 capability(u32 index)
{
	u64 value = 0; /* nothing is allowed */

	rdmsrq_safe(index, &value);
	return value;
}

/* A word of controls: what must be there, by name, and what is welcome. */
struct ctl_word {
	u32 msr;
	u32 true_msr; /* 0: none */
	u32 optional;
	struct {
		u32 bit;
		const char *name;
	} required[16];
};

static const struct ctl_word pin_word = {
	.msr = MSR_IA32_VMX_PINBASED_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_PINBASED_CTLS,
	.optional = PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR,
	.required = {
		{ PIN_BASED_EXT_INTR_MASK, "external-interrupt exiting" },
		{ PIN_BASED_NMI_EXITING, "NMI exiting" },
		{ PIN_BASED_VIRTUAL_NMIS, "virtual NMIs" },
	},
};

static const struct ctl_word proc_word = {
	.msr = MSR_IA32_VMX_PROCBASED_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	.optional = CPU_BASED_TPR_SHADOW,
	.required = {
		{ CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, "secondary controls (EPT)" },
		{ CPU_BASED_USE_MSR_BITMAPS, "MSR bitmaps" },
		{ CPU_BASED_USE_TSC_OFFSETTING, "TSC offsetting" },
		{ CPU_BASED_UNCOND_IO_EXITING, "I/O exiting" },
		{ CPU_BASED_HLT_EXITING, "HLT exiting" },
		{ CPU_BASED_MWAIT_EXITING, "MWAIT exiting" },
		{ CPU_BASED_MONITOR_EXITING, "MONITOR exiting" },
		{ CPU_BASED_RDPMC_EXITING, "RDPMC exiting" },
		{ CPU_BASED_CR8_LOAD_EXITING, "CR8-load exiting" },
		{ CPU_BASED_CR8_STORE_EXITING, "CR8-store exiting" },
		{ CPU_BASED_MOV_DR_EXITING, "MOV-DR exiting" },
		{ CPU_BASED_INTR_WINDOW_EXITING, "interrupt-window exiting" },
		{ CPU_BASED_NMI_WINDOW_EXITING, "NMI-window exiting" },
		{ CPU_BASED_MONITOR_TRAP_FLAG, "the monitor trap flag" },
	},
};

/* Of these, what must exist and is switched on only when it is wanted. */
#define PROC_ON_DEMAND \
	(CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING | CPU_BASED_MONITOR_TRAP_FLAG)

static const struct ctl_word proc2_word = {
	.msr = MSR_IA32_VMX_PROCBASED_CTLS2,
	.optional = SECONDARY_EXEC_ENABLE_VPID | SECONDARY_EXEC_ENABLE_RDTSCP |
		    SECONDARY_EXEC_ENABLE_INVPCID | SECONDARY_EXEC_PAUSE_LOOP_EXITING |
		    SECONDARY_EXEC_WBINVD_EXITING | SECONDARY_EXEC_TSC_SCALING |
		    SECONDARY_EXEC_ENABLE_PML | VMX_APICV_CONTROLS,
	.required = {
		{ SECONDARY_EXEC_ENABLE_EPT, "extended page tables (EPT)" },
		{ SECONDARY_EXEC_UNRESTRICTED_GUEST, "unrestricted guest" },
	},
};

static const struct ctl_word exit_word = {
	.msr = MSR_IA32_VMX_EXIT_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_EXIT_CTLS,
	.optional = VM_EXIT_ACK_INTR_ON_EXIT,
	.required = {
		{ VM_EXIT_HOST_ADDR_SPACE_SIZE, "a 64-bit host" },
		{ VM_EXIT_SAVE_DEBUG_CONTROLS, "saving of debug controls" },
		{ VM_EXIT_LOAD_IA32_EFER, "loading of EFER" },
	},
};

static const struct ctl_word entry_word = {
	.msr = MSR_IA32_VMX_ENTRY_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_ENTRY_CTLS,
	.required = {
		{ VM_ENTRY_LOAD_DEBUG_CONTROLS, "loading of debug controls" },
		{ VM_ENTRY_LOAD_IA32_EFER, "loading of the guest's EFER" },
		{ VM_ENTRY_IA32E_MODE, "64-bit guests" },
	},
};

/* NULL, or the name of what is missing. */
static const char *choose_word(const struct ctl_word *word, bool true_msrs, struct vmx_ctl *ctl)
{
	u32 required = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(word->required); i++)
		required |= word->required[i].bit;
	*ctl = vmx_ctl_adjust(capability(true_msrs && word->true_msr ? word->true_msr : word->msr),
			      required, word->optional);
	for (i = 0; i < ARRAY_SIZE(word->required); i++)
		if (ctl->missing & word->required[i].bit)
			return word->required[i].name;
	return NULL;
}

static const char *choose_controls(bool true_msrs)
{
	struct vmx_ctl pin, proc, proc2, exit, entry;
	const char *name;

	/* what most CPUs that cannot be used lack comes first */
	name = choose_word(&proc2_word, true_msrs, &proc2);
	if (!name)
		name = choose_word(&pin_word, true_msrs, &pin);
	if (!name)
		name = choose_word(&proc_word, true_msrs, &proc);
	if (!name)
		name = choose_word(&exit_word, true_msrs, &exit);
	if (!name)
		name = choose_word(&entry_word, true_msrs, &entry);
	if (name)
		return name;
	vmx_global.pin = pin.value;
	vmx_global.proc = proc.value & ~(PROC_ON_DEMAND & proc.clearable);
	vmx_global.proc2 = proc2.value;
	vmx_global.exit = exit.value;
	vmx_global.entry = entry.value & ~(u32)VM_ENTRY_IA32E_MODE;
	return NULL;
}

/* ---- features that can be switched off, and those that only come together ---- */

/*
 * CPUs on which the preemption timer does not count as it should, by CPUID 1 EAX: the
 * specification updates of Nehalem, Westmere and a Xeon of the Ivy Bridge family.
 */
static bool timer_is_broken(void)
{
	static const u32 signatures[] = {
		0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5, 0x20652, 0x20655, 0x206e6, 0x306a8,
	};
	u32 signature = cpuid_eax(1) & 0x0fff3fff;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signatures); i++)
		if (signatures[i] == signature)
			return true;
	return false;
}

static void choose_apicv(void)
{
	struct vmx_global *g = &vmx_global;

	if (!tpr_shadow)
		g->proc &= ~(u32)CPU_BASED_TPR_SHADOW;
	if (!enable_apicv || !(g->proc & CPU_BASED_TPR_SHADOW) ||
	    (g->proc2 & VMX_APICV_CONTROLS) != VMX_APICV_CONTROLS)
		g->proc2 &= ~VMX_APICV_CONTROLS;
	/* the CPU does the one only with the other; without need, we want neither */
	if (!posted_intr || !(g->proc2 & VMX_APICV_CONTROLS) || !HOST_POSTED_VECTOR ||
	    !(g->pin & PIN_BASED_POSTED_INTR) || !(g->exit & VM_EXIT_ACK_INTR_ON_EXIT)) {
		g->pin &= ~(u32)PIN_BASED_POSTED_INTR;
		g->exit &= ~(u32)VM_EXIT_ACK_INTR_ON_EXIT;
	}
}

static void choose_features(const struct slat_format *format, u64 misc)
{
	struct vmx_global *g = &vmx_global;

	choose_apicv();
	if (!pml || !format->ad_bits)
		g->proc2 &= ~(u32)SECONDARY_EXEC_ENABLE_PML;
	if (!preemption_timer || timer_is_broken())
		g->pin &= ~(u32)PIN_BASED_VMX_PREEMPTION_TIMER;
	g->timer_shift = misc & MISC_TIMER_SHIFT;
}

/* ---- features ---- */

/* Which there are; the rest of MYHV_CPU_FEATURE_* is AMD's. */
#define POSSIBLE_FEATURES                                                                    \
	(MYHV_CPU_FEATURE_NEXT_RIP | MYHV_CPU_FEATURE_FLUSH_BY_ASID | MYHV_CPU_FEATURE_VNMI | \
	 MYHV_CPU_FEATURE_TSC_SCALING | MYHV_CPU_FEATURE_PAUSE_FILTER |                      \
	 MYHV_CPU_FEATURE_1G_PAGES | MYHV_CPU_FEATURE_SLAT_AD | MYHV_CPU_FEATURE_TPR_SHADOW | \
	 MYHV_CPU_FEATURE_APICV | MYHV_CPU_FEATURE_POSTED_INTR | MYHV_CPU_FEATURE_PML |      \
	 MYHV_CPU_FEATURE_PREEMPTION_TIMER)

static u64 known_features(void)
{
	u64 features = MYHV_CPU_FEATURE_NEXT_RIP | MYHV_CPU_FEATURE_VNMI;

	if (vmx_global.vpid)
		features |= MYHV_CPU_FEATURE_FLUSH_BY_ASID;
	if (vmx_global.proc2 & SECONDARY_EXEC_TSC_SCALING)
		features |= MYHV_CPU_FEATURE_TSC_SCALING;
	if (vmx_global.proc2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING)
		features |= MYHV_CPU_FEATURE_PAUSE_FILTER;
	if (vmx_global.proc & CPU_BASED_TPR_SHADOW)
		features |= MYHV_CPU_FEATURE_TPR_SHADOW;
	if (vmx_global.proc2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
		features |= MYHV_CPU_FEATURE_APICV;
	if (vmx_global.pin & PIN_BASED_POSTED_INTR)
		features |= MYHV_CPU_FEATURE_POSTED_INTR;
	if (vmx_global.proc2 & SECONDARY_EXEC_ENABLE_PML)
		features |= MYHV_CPU_FEATURE_PML;
	if (vmx_global.pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		features |= MYHV_CPU_FEATURE_PREEMPTION_TIMER;
	return features;
}

static u64 slat_features(const struct slat_format *format)
{
	return (format->ad_bits ? MYHV_CPU_FEATURE_SLAT_AD : 0) |
	       (format->max_page_level >= 3 ? MYHV_CPU_FEATURE_1G_PAGES : 0);
}

/* ---- probe ---- */

static int check_firmware(void)
{
	u64 feat_ctl;

	if (!(cpuid_ecx(1) & CPUID_1_ECX_VMX))
		return missing("it has no VT-x (VMX)",
			       "under another hypervisor, let it pass nested virtualization on");
	if (rdmsrq_safe(MSR_IA32_FEAT_CTL, &feat_ctl))
		return 0; /* no such MSR: nobody can forbid it */
	if (feat_ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)
		return 0;
	return missing(feat_ctl & FEAT_CTL_LOCKED ? "VT-x is disabled and locked by the firmware" :
						    "VT-x is disabled (IA32_FEATURE_CONTROL)",
		       "enable VT-x in the firmware's setup");
}

int vmx_caps_probe(struct backend_caps *caps)
{
	const char *what;
	u64 basic, misc;
	int ret;

	ret = check_firmware();
	if (ret)
		return ret;
	/* An NMI that ends guest mode cannot be handed to such a kernel by a module. */
	if (native_read_cr4() & HOST_CR4_FRED)
		return missing("the kernel uses FRED", "boot it with fred=off");
	basic = capability(MSR_IA32_VMX_BASIC);
	misc = capability(MSR_IA32_VMX_MISC);
	if (((basic >> BASIC_TYPE_SHIFT) & BASIC_TYPE_MASK) != BASIC_TYPE_WB ||
	    vmx_basic_vmcs_size(basic) > PAGE_SIZE)
		return missing("its VMCS is not of write-back memory or over 4 KiB", other_cpu);
	what = choose_controls(basic & BASIC_TRUE_CONTROLS);
	if (!what) {
		vmx_global.ept_vpid = capability(MSR_IA32_VMX_EPT_VPID_CAP);
		what = vmx_ept_missing(vmx_global.ept_vpid);
	}
	if (what) {
		pr_err("myhv: cannot use this CPU: VT-x is there but %s is not; %s\n", what,
		       other_cpu);
		return -ENODEV;
	}

	if (!vmx_has_vpid_flush(vmx_global.ept_vpid))
		vmx_global.proc2 &= ~(u32)SECONDARY_EXEC_ENABLE_VPID;
	vmx_global.vpid = vmx_global.proc2 & SECONDARY_EXEC_ENABLE_VPID;
	vmx_global.revision = vmx_basic_vmcs_revision_id(basic);
	vmx_global.pebs = vmx_host_has_pebs();
	vmx_global.zero_length = misc & VMX_MISC_ZERO_LEN_INS;
	vmx_global.cr4_fixed0 = capability(MSR_IA32_VMX_CR4_FIXED0);
	vmx_global.cr4_fixed1 = capability(MSR_IA32_VMX_CR4_FIXED1);
	caps->slat_format = vmx_ept_format(vmx_global.ept_vpid, boot_cpu_data.x86_phys_bits);
	choose_features(&caps->slat_format, misc);
	vmx_global.features = known_features() | slat_features(&caps->slat_format);
	caps->features = vmx_global.features;
	caps->possible = POSSIBLE_FEATURES;
	caps->keeps_pdptes = true;
	caps->gpa_bits = min_t(u8, boot_cpu_data.x86_phys_bits,
			       caps->slat_format.levels == 5 ? 52 : 48);
	caps->nr_asids = vmx_global.vpid ? 65536 : 1;
	caps->tsc_ratio_frac_bits = vmx_has(MYHV_CPU_FEATURE_TSC_SCALING) ?
					    VMX_TSC_RATIO_FRAC_BITS : 0;
	return 0;
}
