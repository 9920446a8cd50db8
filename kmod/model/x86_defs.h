/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural constants that the pure models need on both sides. The control
 * register and EFLAGS bits come from the kernel's uapi header, which user space
 * has too; MSR numbers have no uapi header, so user space gets the same names here.
 */
#ifndef MYHV_X86_DEFS_H
#define MYHV_X86_DEFS_H

#include <asm/processor-flags.h>
#include "model.h"

#ifdef __KERNEL__
#include <asm/msr-index.h>
#include <asm/trapnr.h>
#else

#define X86_TRAP_DE 0
#define X86_TRAP_DB 1
#define X86_TRAP_NMI 2
#define X86_TRAP_BP 3
#define X86_TRAP_OF 4
#define X86_TRAP_BR 5
#define X86_TRAP_UD 6
#define X86_TRAP_NM 7
#define X86_TRAP_DF 8
#define X86_TRAP_OLD_MF 9
#define X86_TRAP_TS 10
#define X86_TRAP_NP 11
#define X86_TRAP_SS 12
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14
#define X86_TRAP_SPURIOUS 15
#define X86_TRAP_MF 16
#define X86_TRAP_AC 17
#define X86_TRAP_MC 18
#define X86_TRAP_XF 19
#define X86_TRAP_CP 21

#define MSR_IA32_P5_MC_ADDR 0x00000000
#define MSR_IA32_P5_MC_TYPE 0x00000001
#define MSR_IA32_TSC 0x00000010
#define MSR_IA32_PLATFORM_ID 0x00000017
#define MSR_IA32_APICBASE 0x0000001b
#define MSR_IA32_FEAT_CTL 0x0000003a
#define MSR_IA32_TSC_ADJUST 0x0000003b
#define MSR_IA32_SPEC_CTRL 0x00000048
#define MSR_IA32_PRED_CMD 0x00000049
#define MSR_IA32_UCODE_REV 0x0000008b
#define MSR_MTRRcap 0x000000fe
#define MSR_IA32_ARCH_CAPABILITIES 0x0000010a
#define MSR_IA32_FLUSH_CMD 0x0000010b
#define MSR_IA32_SYSENTER_CS 0x00000174
#define MSR_IA32_SYSENTER_ESP 0x00000175
#define MSR_IA32_SYSENTER_EIP 0x00000176
#define MSR_IA32_MCG_CAP 0x00000179
#define MSR_IA32_MCG_STATUS 0x0000017a
#define MSR_IA32_MCG_CTL 0x0000017b
#define MSR_IA32_MISC_ENABLE 0x000001a0
#define MSR_IA32_DEBUGCTLMSR 0x000001d9
#define MSR_IA32_LASTBRANCHFROMIP 0x000001db
#define MSR_IA32_LASTBRANCHTOIP 0x000001dc
#define MSR_IA32_LASTINTFROMIP 0x000001dd
#define MSR_IA32_LASTINTTOIP 0x000001de
#define MSR_MTRRfix64K_00000 0x00000250
#define MSR_MTRRfix16K_80000 0x00000258
#define MSR_MTRRfix16K_A0000 0x00000259
#define MSR_MTRRfix4K_C0000 0x00000268
#define MSR_MTRRfix4K_F8000 0x0000026f
#define MSR_IA32_CR_PAT 0x00000277
#define MSR_MTRRdefType 0x000002ff
#define MSR_IA32_MC0_CTL 0x00000400
#define MSR_IA32_TSC_DEADLINE 0x000006e0
#define MSR_IA32_XSS 0x00000da0
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SYSCALL_MASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103
#define MSR_AMD64_PATCH_LEVEL 0x0000008b
#define MSR_AMD64_TSC_RATIO 0xc0000104
#define MSR_AMD64_VIRT_SPEC_CTRL 0xc001011f
#define MSR_K7_EVNTSEL0 0xc0010000
#define MSR_K7_PERFCTR0 0xc0010004
#define MSR_AMD64_SYSCFG 0xc0010010
#define MSR_K7_HWCR 0xc0010015
#define MSR_AMD64_NB_CFG 0xc001001f
#define MSR_VM_CR 0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#define MSR_AMD64_DE_CFG 0xc0011029

#define EFER_SCE BIT_ULL(0)
#define EFER_LME BIT_ULL(8)
#define EFER_LMA BIT_ULL(10)
#define EFER_NX BIT_ULL(11)
#define EFER_SVME BIT_ULL(12)
#define EFER_LMSLE BIT_ULL(13)
#define EFER_FFXSR BIT_ULL(14)

#endif /* __KERNEL__ */

/* Page-fault error code bits (SDM "Interrupt 14 - Page-Fault Exception"). */
#define PFERR_PRESENT BIT(0)
#define PFERR_WRITE BIT(1)
#define PFERR_USER BIT(2)
#define PFERR_RSVD BIT(3)
#define PFERR_FETCH BIT(4)
#define PFERR_PK BIT(5)

/* Kinds of memory access, for the emulator's ops and the page walk. No bit: a read. */
#define X86_ACCESS_WRITE BIT(0)
#define X86_ACCESS_USER BIT(1)
#define X86_ACCESS_FETCH BIT(2)
#define X86_ACCESS_IMPLICIT BIT(3) /* by the CPU itself: TSS, GDT. Supervisor, AC does not help */

/* Register numbers as ModRM, SIB and REX encode them. */
enum x86_gpr {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_NR_GPRS,
};

/* Segment registers as ModRM.reg encodes them, then the system ones. */
enum x86_seg {
	X86_SEG_ES, X86_SEG_CS, X86_SEG_SS, X86_SEG_DS, X86_SEG_FS, X86_SEG_GS,
	X86_SEG_LDTR, X86_SEG_TR,
	X86_SEG_GDTR, /* base and limit only */
	X86_NR_SEGS,
};

#endif /* MYHV_X86_DEFS_H */
