/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID features by name. SDM "CPUID—CPU Identification", APM "CPUID Instruction". */
#ifndef HVRUN_CPU_FEATURES_TABLE_H
#define HVRUN_CPU_FEATURES_TABLE_H

#include "cpu_model.h"

enum cpu_feature_word {
	WORD_1_EDX,
	WORD_1_ECX,
	WORD_7_EBX,
	WORD_7_ECX,
	WORD_7_EDX,
	WORD_7_1_EAX,
	WORD_D_1_EAX,
	WORD_80000001_EDX,
	WORD_80000001_ECX,
};

/* A register's 32 features, from bit 0 on, apart by blanks; "-" has no name. */
static const char *const feature_names[CPU_FEATURE_WORDS] = {
	[WORD_1_EDX] = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov "
		       "pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe",
	[WORD_1_ECX] = "sse3 pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma "
		       "cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt "
		       "tsc_deadline_timer aes xsave osxsave avx f16c rdrand hypervisor",
	[WORD_7_EBX] = "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - "
		       "mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb "
		       "intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl",
	[WORD_7_ECX] = "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq "
		       "avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - "
		       "bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks",
	[WORD_7_EDX] = "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear "
		       "- - - serialize - tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 "
		       "amx_tile amx_int8 spec_ctrl intel_stibp flush_l1d arch_capabilities "
		       "core_capabilities ssbd",
	[WORD_7_1_EAX] = "- - - - avx_vnni avx512_bf16 - - - - fzrm fsrs fsrc - - - - - - - - "
			 "amx_fp16 - avx_ifma - - lam - - - - -",
	[WORD_D_1_EAX] = "xsaveopt xsavec xgetbv1 xsaves xfd - - - - - - - - - - - - - - - - - - "
			 "- - - - - - - - -",
	[WORD_80000001_EDX] = "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - "
			      "fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow",
	[WORD_80000001_ECX] = "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse "
			      "3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - "
			      "tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx "
			      "- -",
};

/* What every 64-bit processor has and no guest does without. */
#define FEATURES_BASE                                                                          \
	"fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx " \
	"fxsr sse sse2 ht syscall nx lm x2apic hypervisor arch_capabilities tsc_adjust "       \
	"tsc_deadline_timer rdtscp cmp_legacy topoext osxsave cr8_legacy"
#define FEATURES_V2 FEATURES_BASE " cx16 lahf_lm popcnt sse3 sse4_1 sse4_2 ssse3"
#define FEATURES_V3                                                                   \
	FEATURES_V2 " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave xsaveopt xsavec " \
		    "xgetbv1 aes pclmulqdq rdrand fsgsbase smep erms pcid invpcid"
#define FEATURES_V4 FEATURES_V3 " avx512f avx512bw avx512cd avx512dq avx512vl"

/*
 * @must: the model is nothing without these. The levels of the x86-64 psABI, and QEMU's least
 * model.
 */
static const struct {
	const char *name;
	const char *features;
	const char *must;
} models[] = {
	{ "qemu64", FEATURES_BASE " sse3 cx16 lahf_lm", "sse3 cx16 lahf_lm" },
	{ "x86-64-v2", FEATURES_V2, "cx16 lahf_lm popcnt sse3 sse4_1 sse4_2 ssse3" },
	{ "x86-64-v3", FEATURES_V3, "sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave" },
	{ "x86-64-v4", FEATURES_V4, "avx2 avx512f avx512bw avx512cd avx512dq avx512vl" },
};

#endif /* HVRUN_CPU_FEATURES_TABLE_H */
