/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PC's set-up program leaves in the CMOS memory for firmware and old systems. */
#ifndef HVRUN_CMOS_H
#define HVRUN_CMOS_H

#include "dev/rtc.h"
#include "guest_ram.h"
#include "options.h"

void cmos_fill(struct rtc *rtc, const struct options *options, const struct guest_ram *ram);

/** cmos_set_boot_order() - -boot's letters, for the next start */
void cmos_set_boot_order(struct rtc *rtc, const char *order);

#endif /* HVRUN_CMOS_H */
