// SPDX-License-Identifier: GPL-2.0-only
/* See mce.h. */
#include "mce.h"

#define MCG_STATUS_MCIP BIT_ULL(2)

#define STATUS_VAL BIT_ULL(63)
#define STATUS_OVER BIT_ULL(62)
#define STATUS_UC BIT_ULL(61)

enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };

static void log_error(u64 *bank, const struct myhv_mce *mce, u64 status)
{
	bank[BANK_STATUS] = status;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
}

/* SDM "MCA Error Overwrite": an uncorrected error goes before a corrected one. */
static enum mce_result report_corrected(u64 *bank, const struct myhv_mce *mce)
{
	u64 old = bank[BANK_STATUS];

	if (!(old & STATUS_VAL))
		log_error(bank, mce, mce->status);
	else if (!(old & STATUS_UC))
		log_error(bank, mce, mce->status | STATUS_OVER);
	else
		bank[BANK_STATUS] |= STATUS_OVER;
	return MCE_LOGGED;
}

enum mce_result mce_report(struct vcpu_msrs *msrs, const struct myhv_mce *mce, bool enabled)
{
	u64 *bank, over;

	if (mce->bank >= (msrs->mcg_cap & MCG_CAP_COUNT) || !(mce->status & STATUS_VAL))
		return MCE_INVALID;
	bank = &msrs->mce_banks[mce->bank * 4];
	if (!(mce->status & STATUS_UC))
		return report_corrected(bank, mce);

	/* what the guest has switched off */
	if ((msrs->mcg_cap & MCG_CAP_CTL_P) && msrs->mcg_ctl != ~0ULL)
		return MCE_LOGGED;
	if (!bank[BANK_CTL])
		return MCE_LOGGED;
	if (!enabled || (msrs->mcg_status & MCG_STATUS_MCIP))
		return MCE_SHUTDOWN;
	over = bank[BANK_STATUS] & STATUS_VAL ? STATUS_OVER : 0;
	log_error(bank, mce, mce->status | over);
	msrs->mcg_status = mce->mcg_status;
	return MCE_RAISE;
}
