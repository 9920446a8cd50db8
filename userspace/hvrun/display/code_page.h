/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code page 437: the characters that a VGA's font has, as Unicode. */
#ifndef HVRUN_CODE_PAGE_H
#define HVRUN_CODE_PAGE_H

#include <stdint.h>

extern const uint16_t code_page_437[256];

#endif /* HVRUN_CODE_PAGE_H */
