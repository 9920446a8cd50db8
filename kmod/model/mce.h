/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine checks reported to a guest: the banks' rules for what may be overwritten, and when
 * #MC is due. SDM "Machine-Check Architecture".
 */
#ifndef MYHV_MCE_H
#define MYHV_MCE_H

#include "myhv.h"
#include "msr_policy.h"

enum mce_result {
	MCE_LOGGED,	/* in its bank, or dropped as the bank's rules say */
	MCE_RAISE,	/* as well, and #MC is to be delivered */
	MCE_SHUTDOWN,	/* no #MC can be taken now */
	MCE_INVALID,	/* no such bank, or no valid error */
};

/**
 * mce_report() - an error is found
 * @msrs: where the banks are kept
 * @mce: it
 * @enabled: CR4.MCE
 */
enum mce_result mce_report(struct vcpu_msrs *msrs, const struct myhv_mce *mce, bool enabled);

#endif /* MYHV_MCE_H */
