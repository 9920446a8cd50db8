/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h for assembly: return-predictor mitigations after an exit, with the symbols
 * and feature bits that every kernel has for modules.
 */
#ifndef MYHV_COMPAT_ASM_H
#define MYHV_COMPAT_ASM_H

/* Older kernels have one bit for "IBPB on every kernel entry", newer two. */
#ifdef X86_FEATURE_IBPB_ON_VMEXIT
#define MYHV_FEATURE_IBPB_ON_EXIT X86_FEATURE_IBPB_ON_VMEXIT
#else
#define MYHV_FEATURE_IBPB_ON_EXIT X86_FEATURE_ENTRY_IBPB
#endif

/* Branch history injection; the bit had another name before 6.15, the number is the same. */
#ifdef X86_FEATURE_CLEAR_BHB_VMEXIT
#define MYHV_FEATURE_CLEAR_BHB X86_FEATURE_CLEAR_BHB_VMEXIT
#else
#define MYHV_FEATURE_CLEAR_BHB X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#endif

#ifdef __ASSEMBLY__
/*
 * Retbleed, SRSO: make the kernel's return thunks safe again. Clobbers RAX, RCX and RDX.
 *
 * The kernel's own entry_ibpb() is not for modules everywhere; the MSR write is the
 * same (and on parts where the IBPB leaves the RSB alone it was filled just before).
 */
.macro MYHV_UNTRAIN_RET
	CALL_UNTRAIN_RET
	ALTERNATIVE_2 "jmp .Lskip_ibpb_\@", "", X86_FEATURE_ENTRY_IBPB, \
		      "", MYHV_FEATURE_IBPB_ON_EXIT
	mov	$MSR_IA32_PRED_CMD, %ecx
	mov	$PRED_CMD_IBPB, %eax
	xor	%edx, %edx
	wrmsr
.Lskip_ibpb_\@:
.endm
#endif

#endif /* MYHV_COMPAT_ASM_H */
