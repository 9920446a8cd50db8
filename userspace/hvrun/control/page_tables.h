/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a processor's page tables map, in ranges: the monitor's "info mem". */
#ifndef HVRUN_PAGE_TABLES_H
#define HVRUN_PAGE_TABLES_H

#include <stdio.h>

#include "guest_ram.h"
#include "myhv_x86.h"

/**
 * page_tables_print() - ranges with equal rights, one a line: start-end size urw
 *
 * The tables are the guest's, so they may lead anywhere and in circles: what is beyond some
 * millions of entries is left out, with a line that says so.
 */
void page_tables_print(const struct guest_ram *ram, const struct myhv_state_control *control,
		       FILE *to);

#endif /* HVRUN_PAGE_TABLES_H */
