// SPDX-License-Identifier: GPL-2.0-only
/* See vmx_caps.h. */
#include "vmx_caps.h"

#define EPTP_TYPE_WB 6ULL
#define EPTP_LEVELS_SHIFT 3
#define EPTP_AD BIT_ULL(6)

struct vmx_ctl vmx_ctl_adjust(u64 cap, u32 required, u32 optional)
{
	u32 must = cap, may = cap >> 32;

	return (struct vmx_ctl){
		.value = ((required | optional) & may) | must,
		.missing = required & ~may,
		.settable = may,
		.clearable = ~must,
	};
}

const char *vmx_ept_missing(u64 cap)
{
	if (!(cap & (VMX_CAP_EPT_4_LEVELS | VMX_CAP_EPT_5_LEVELS)))
		return "EPT of four or five levels";
	if (!(cap & VMX_CAP_EPT_WB))
		return "write-back EPT tables";
	if (!(cap & VMX_CAP_INVEPT) || !(cap & (VMX_CAP_INVEPT_SINGLE | VMX_CAP_INVEPT_ALL)))
		return "INVEPT";
	return NULL;
}

static u8 ept_levels(u64 cap, u8 phys_bits)
{
	if (!(cap & VMX_CAP_EPT_4_LEVELS))
		return 5;
	return phys_bits > 48 && (cap & VMX_CAP_EPT_5_LEVELS) ? 5 : 4;
}

static u8 ept_max_page_level(u64 cap)
{
	if (!(cap & VMX_CAP_EPT_2M))
		return 1;
	return cap & VMX_CAP_EPT_1G ? 3 : 2;
}

/*
 * No device of the host writes to guest memory behind the caches, so all of it is write-back
 * whatever the guest's PAT says: what the guest maps uncached is RAM after all, and
 * the host has it mapped write-back.
 */
struct slat_format vmx_ept_format(u64 cap, u8 phys_bits)
{
	return (struct slat_format){
		.levels = ept_levels(cap, phys_bits),
		.max_page_level = ept_max_page_level(cap),
		.ad_bits = cap & VMX_CAP_EPT_AD,
		.table_bits = EPT_READ | EPT_WRITE | EPT_EXEC,
		.leaf_bits = EPT_READ | EPT_TYPE_WB | EPT_IGNORE_PAT,
		.large_bit = EPT_LARGE,
		.write_bit = EPT_WRITE,
		.exec_bit = EPT_EXEC,
		.nx_bit = 0,
		.accessed_bit = EPT_ACCESSED,
		.dirty_bit = EPT_DIRTY,
		.present_mask = EPT_READ | EPT_WRITE | EPT_EXEC,
		.address_mask = GENMASK_ULL(51, 12),
	};
}

u64 vmx_eptp(const struct slat_format *format, u64 root)
{
	u64 levels = format->levels - 1;

	return root | EPTP_TYPE_WB | levels << EPTP_LEVELS_SHIFT |
	       (format->ad_bits ? EPTP_AD : 0);
}
