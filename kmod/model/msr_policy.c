// SPDX-License-Identifier: GPL-2.0-only
/* The table of MSRs and the checks of their values. */
#include "msr_policy.h"

#define ONE(i) .first = (i), .last = (i)
#define RUN(from, to) .first = (from), .last = (to)
#define KEPT(field) .kind = MSR_STORED, .offset = offsetof(struct vcpu_msrs, field)
#define HYPERV .kind = MSR_HYPERV, .need = MSR_NEEDS_HYPERV

#define MISC_ENABLE_FAST_STRING BIT_ULL(0)
#define MISC_ENABLE_NO_BTS BIT_ULL(11)
#define MISC_ENABLE_NO_PEBS BIT_ULL(12)

#define MTRR_VARIABLE 8
#define MTRR_CAP (MTRR_VARIABLE | BIT_ULL(8) /* fixed */ | BIT_ULL(10) /* WC */)

#define HWCR_TLB_CACHE_DIS BIT_ULL(3)
#define HWCR_FF_DIS BIT_ULL(6)
#define HWCR_IGNNE_EM BIT_ULL(8)
#define HWCR_MC_STATUS_WR_EN BIT_ULL(18)
#define HWCR_TSC_FREQ_SEL BIT_ULL(24)

/* VM_CR: SVM is disabled and locked. */
#define VM_CR_LOCK BIT_ULL(3)
#define VM_CR_SVMDIS BIT_ULL(4)

/* DE_CFG: LFENCE serializes, which Linux would like to switch on. */
#define DE_CFG_LFENCE BIT_ULL(1)

/* SPEC_CTRL: IBRS, STIBP, SSBD. */
#define SPEC_CTRL_BITS 7ULL

/* clang-format off */
/* Sorted by number. */
static const struct msr_rule rules[] = {
	{ RUN(0x0, 0x1), .kind = MSR_IGNORED },				/* P5_MC_* */
	{ ONE(MSR_IA32_TSC), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ RUN(MSR_PV_WALL_CLOCK_OLD, MSR_PV_SYSTEM_TIME_OLD), .kind = MSR_SPECIAL },
	{ ONE(MSR_IA32_PLATFORM_ID), .kind = MSR_CONST },
	{ ONE(MSR_IA32_APICBASE), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(0x2a), .kind = MSR_IGNORED },				/* EBL_CR_POWERON */
	{ ONE(0x34), .kind = MSR_CONST },				/* SMI_COUNT */
	{ ONE(MSR_IA32_FEAT_CTL), .kind = MSR_CONST, .valid = 1 },	/* locked, no VMX */
	{ ONE(MSR_IA32_TSC_ADJUST), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(MSR_IA32_SPEC_CTRL), .kind = MSR_SPECIAL, .check = MSR_MASK,
	  .valid = SPEC_CTRL_BITS, .need = MSR_NEEDS_SPEC_CTRL, .flags = MSR_SAVE },
	{ ONE(MSR_IA32_PRED_CMD), .kind = MSR_SPECIAL, .check = MSR_MASK, .valid = 1,
	  .need = MSR_NEEDS_PRED_CMD, .flags = MSR_WRITE_ONLY },
	{ ONE(0x79), .kind = MSR_IGNORED },				/* microcode update */
	{ ONE(MSR_IA32_UCODE_REV), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ RUN(0xc1, 0xc2), .kind = MSR_IGNORED },			/* P6 counters */
	{ ONE(0xcd), .kind = MSR_IGNORED, .valid = 3 },			/* FSB_FREQ: 100 MHz */
	{ ONE(0xce), KEPT(platform_info), .flags = MSR_READ_ONLY },
	{ ONE(MSR_MTRRcap), .kind = MSR_CONST, .valid = MTRR_CAP },
	{ ONE(MSR_IA32_ARCH_CAPABILITIES), KEPT(arch_capabilities),
	  .need = MSR_NEEDS_ARCH_CAPS, .flags = MSR_READ_ONLY | MSR_SAVE },
	{ ONE(0x119), .kind = MSR_IGNORED },				/* BBL_CR_CTL */
	{ ONE(0x11e), .kind = MSR_IGNORED, .valid = 0xbe702111 },	/* BBL_CR_CTL3 */
	/* MISC_FEATURES_ENABLES: Linux on Intel clears it, whether it has bits or not. */
	{ ONE(0x140), .kind = MSR_IGNORED, .check = MSR_MASK },
	{ ONE(MSR_IA32_SYSENTER_CS), .kind = MSR_BACKEND, .flags = MSR_SAVE },
	{ RUN(MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP), .kind = MSR_BACKEND,
	  .check = MSR_CANONICAL, .flags = MSR_SAVE },
	{ ONE(MSR_IA32_MCG_CAP), KEPT(mcg_cap), .check = MSR_MCE_CAP,
	  .flags = MSR_READ_ONLY | MSR_SAVE },
	{ ONE(MSR_IA32_MCG_STATUS), KEPT(mcg_status), .flags = MSR_SAVE },
	{ ONE(MSR_IA32_MCG_CTL), KEPT(mcg_ctl), .check = MSR_ALL_OR_NONE, .flags = MSR_SAVE },
	{ RUN(0x186, 0x187), .kind = MSR_IGNORED },			/* P6 event selects */
	{ RUN(0x198, 0x199), .kind = MSR_IGNORED },			/* PERF_STATUS, PERF_CTL */
	{ RUN(0x19a, 0x19c), .kind = MSR_IGNORED },			/* thermal */
	{ ONE(MSR_IA32_MISC_ENABLE), KEPT(misc_enable), .flags = MSR_SAVE },
	{ ONE(MSR_IA32_DEBUGCTLMSR), .kind = MSR_BACKEND, .check = MSR_MASK, .valid = 3,
	  .flags = MSR_SAVE },
	{ RUN(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP), .kind = MSR_BACKEND,
	  .flags = MSR_READ_ONLY },
	{ ONE(0x1fc), .kind = MSR_IGNORED },				/* POWER_CTL */
	{ RUN(0x200, 0x20f), KEPT(mtrr_var), .check = MSR_MTRR_BASE, .flags = MSR_SAVE },
	{ ONE(MSR_MTRRfix64K_00000), KEPT(mtrr_fixed[0]), .check = MSR_MTRR_FIXED,
	  .flags = MSR_SAVE },
	{ RUN(MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000), KEPT(mtrr_fixed[1]),
	  .check = MSR_MTRR_FIXED, .flags = MSR_SAVE },
	{ RUN(MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000), KEPT(mtrr_fixed[3]),
	  .check = MSR_MTRR_FIXED, .flags = MSR_SAVE },
	{ ONE(MSR_IA32_CR_PAT), .kind = MSR_BACKEND, .check = MSR_PAT, .flags = MSR_SAVE },
	{ ONE(MSR_MTRRdefType), KEPT(mtrr_def_type), .check = MSR_MTRR_DEFTYPE,
	  .flags = MSR_SAVE },
	{ ONE(0x345), .kind = MSR_CONST },				/* PERF_CAPABILITIES */
	{ RUN(0x400, 0x427), KEPT(mce_banks), .check = MSR_MCE_BANK, .flags = MSR_SAVE },
	{ RUN(0x428, 0x47f), KEPT(mce_banks[40]), .check = MSR_MCE_BANK },
	{ ONE(MSR_IA32_TSC_DEADLINE), .kind = MSR_LAPIC, .need = MSR_NEEDS_TSC_DEADLINE,
	  .flags = MSR_SAVE },
	{ RUN(0x800, 0x8ff), .kind = MSR_LAPIC, .need = MSR_NEEDS_X2APIC },
	{ ONE(MSR_IA32_XSS), KEPT(xss), .check = MSR_MASK, .flags = MSR_SAVE },
	{ RUN(0x40000000, 0x40000002), HYPERV, .flags = MSR_SAVE },	/* OS, hypercalls, index */
	{ RUN(0x40000020, 0x40000021), HYPERV, .flags = MSR_SAVE },	/* time */
	{ RUN(0x40000022, 0x40000023), HYPERV },			/* frequencies */
	{ ONE(0x40000070), HYPERV, .flags = MSR_WRITE_ONLY },		/* EOI */
	{ RUN(0x40000071, 0x40000072), HYPERV },			/* ICR, TPR */
	{ ONE(0x40000073), HYPERV, .flags = MSR_SAVE },			/* VP assist page */
	{ RUN(0x40000080, 0x40000083), HYPERV, .flags = MSR_SAVE },	/* SynIC */
	{ ONE(0x40000084), HYPERV },					/* EOM */
	{ RUN(0x40000090, 0x4000009f), HYPERV, .flags = MSR_SAVE },	/* its interrupts */
	{ RUN(0x400000b0, 0x400000b7), HYPERV, .flags = MSR_SAVE },	/* timers */
	{ ONE(MSR_PV_WALL_CLOCK), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(MSR_PV_SYSTEM_TIME), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(MSR_PV_EOI), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(MSR_EFER), .kind = MSR_SPECIAL, .flags = MSR_SAVE },
	{ ONE(MSR_STAR), .kind = MSR_BACKEND, .flags = MSR_SAVE },
	{ RUN(MSR_LSTAR, MSR_CSTAR), .kind = MSR_BACKEND, .check = MSR_CANONICAL,
	  .flags = MSR_SAVE },
	{ ONE(MSR_SYSCALL_MASK), .kind = MSR_BACKEND, .flags = MSR_SAVE },
	{ RUN(MSR_FS_BASE, MSR_GS_BASE), .kind = MSR_SPECIAL, .check = MSR_CANONICAL,
	  .flags = MSR_SAVE },
	{ ONE(MSR_KERNEL_GS_BASE), .kind = MSR_BACKEND, .check = MSR_CANONICAL,
	  .flags = MSR_SAVE },
	{ ONE(MSR_TSC_AUX), .kind = MSR_SPECIAL, .check = MSR_MASK, .valid = 0xffffffff,
	  .need = MSR_NEEDS_RDTSCP, .flags = MSR_SAVE },
	{ RUN(MSR_K7_EVNTSEL0, MSR_K7_EVNTSEL0 + 7), .kind = MSR_IGNORED }, /* and counters */
	{ ONE(MSR_AMD64_SYSCFG), .kind = MSR_IGNORED },
	{ ONE(MSR_K7_HWCR), KEPT(hwcr), .check = MSR_MASK,
	  .valid = HWCR_TLB_CACHE_DIS | HWCR_FF_DIS | HWCR_IGNNE_EM | HWCR_MC_STATUS_WR_EN |
		   HWCR_TSC_FREQ_SEL, .flags = MSR_SAVE },
	{ ONE(0xc001001a), .kind = MSR_CONST },				/* TOP_MEM */
	{ ONE(0xc001001d), .kind = MSR_CONST },				/* TOP_MEM2 */
	{ ONE(MSR_AMD64_NB_CFG), .kind = MSR_IGNORED },
	{ ONE(0xc0010020), .kind = MSR_IGNORED },			/* microcode update */
	{ ONE(0xc0010055), .kind = MSR_IGNORED },			/* INT_PENDING_MSG */
	{ ONE(0xc0010058), .kind = MSR_IGNORED },			/* MMIO_CONF_BASE */
	{ ONE(MSR_VM_CR), .kind = MSR_CONST, .valid = VM_CR_LOCK | VM_CR_SVMDIS },
	{ RUN(0xc0010140, 0xc0010141), .kind = MSR_CONST },		/* OSVW */
	{ RUN(0xc0011022, 0xc0011023), .kind = MSR_IGNORED },		/* DC_CFG, TW_CFG */
	{ ONE(MSR_AMD64_DE_CFG), .kind = MSR_IGNORED, .valid = DE_CFG_LFENCE },
	{ ONE(0xc001102a), .kind = MSR_IGNORED },			/* BU_CFG2 */
};
/* clang-format on */

const struct msr_rule *msr_rule_find(u32 index)
{
	size_t low = 0, high = ARRAY_SIZE(rules), mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (index > rules[mid].last)
			low = mid + 1;
		else if (index < rules[mid].first)
			high = mid;
		else
			return &rules[mid];
	}
	return NULL;
}

/* UC, WC, WT, WP, WB; the PAT also knows UC- (SDM "Memory Type Range Registers"). */
static bool memory_type_ok(u8 type, bool pat)
{
	return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

static bool memory_types_ok(u64 value, bool pat)
{
	for (unsigned int i = 0; i < 8; i++) {
		if (!memory_type_ok((value >> (8 * i)) & 0xff, pat))
			return false;
	}
	return true;
}

static bool mtrr_variable_ok(u32 index, u64 value, u8 maxphyaddr)
{
	if (value >> maxphyaddr)
		return false;
	if (index & 1) /* PHYSMASK: V is bit 11 */
		return !(value & 0x7ff);
	return !(value & 0xf00) && memory_type_ok(value & 0xff, false);
}

/*
 * CTL takes all or nothing; Linux leaves out the GART table walk error of K8 (bit 10).
 * STATUS is cleared by writing 0 (SDM "IA32_MCi_STATUS MSRS").
 */
static bool mce_bank_ok(u32 index, u64 value, const struct msr_guest *g)
{
	if ((index - 0x400) / 4 >= g->mce_banks)
		return false;
	switch (index & 3) {
	case 0:
		return value == 0 || (value | BIT_ULL(10)) == ~0ULL;
	case 1:
		return value == 0 || g->mce_status_writable;
	default:
		return true;
	}
}

bool msr_value_ok(const struct msr_rule *rule, u32 index, u64 value, const struct msr_guest *g)
{
	switch (rule->check) {
	case MSR_MASK:
		return !(value & ~rule->valid);
	case MSR_CANONICAL:
		return linear_is_canonical(value, g->linear_bits);
	case MSR_PAT:
		return memory_types_ok(value, true);
	case MSR_MTRR_FIXED:
		return memory_types_ok(value, false);
	case MSR_MTRR_BASE:
		return mtrr_variable_ok(index, value, g->maxphyaddr);
	case MSR_MTRR_DEFTYPE:
		return !(value & ~0xcffULL) && memory_type_ok(value & 0xff, false);
	case MSR_ALL_OR_NONE:
		return value == 0 || value == ~0ULL;
	case MSR_MCE_BANK:
		return mce_bank_ok(index, value, g);
	case MSR_MCE_CAP:
		return !(value & ~(MCG_CAP_MOST | MCG_CAP_COUNT)) &&
		       (value & MCG_CAP_COUNT) <= MSR_MCE_BANKS_MAX;
	default:
		return true;
	}
}

unsigned int msr_save_list(u32 *indices, unsigned int max)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!(rules[i].flags & MSR_SAVE))
			continue;
		for (u32 index = rules[i].first; index <= rules[i].last; index++) {
			if (count < max)
				indices[count] = index;
			count++;
		}
	}
	return count;
}

void msr_policy_reset(struct vcpu_msrs *msrs, bool init)
{
	u64 ucode_rev = msrs->ucode_rev, arch_capabilities = msrs->arch_capabilities;

	msrs->spec_ctrl = 0;
	if (init)
		return; /* SDM "Processor State After Reset": INIT leaves the others alone */
	*msrs = (struct vcpu_msrs){
		.misc_enable = MISC_ENABLE_FAST_STRING | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS,
		.mcg_cap = MCG_CAP_CTL_P | MSR_MCE_BANKS,
		.mcg_ctl = ~0ULL,
		.hwcr = HWCR_TSC_FREQ_SEL,
		.ucode_rev = ucode_rev,
		.arch_capabilities = arch_capabilities,
	};
	/* as firmware would leave it: all errors are reported */
	for (unsigned int bank = 0; bank < MSR_MCE_BANKS_MAX; bank++)
		msrs->mce_banks[bank * 4] = ~0ULL;
}

int msr_efer_check(u64 *value, u64 old, u64 cr0, u64 efer_valid)
{
	if (*value & ~efer_valid)
		return -EINVAL;
	if ((cr0 & X86_CR0_PG) && ((*value ^ old) & EFER_LME))
		return -EINVAL;
	/* LMA is the CPU's: a written one is dropped */
	*value = (*value & ~EFER_LMA) | (old & EFER_LMA);
	return 0;
}
