/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitor says about itself. */
#ifndef HVRUN_EDID_H
#define HVRUN_EDID_H

#include <stdint.h>

#define EDID_BYTES 128

/** edid_make() - a block for a monitor that likes @width * @height at 60 Hz best */
void edid_make(uint8_t block[EDID_BYTES], unsigned int width, unsigned int height);

#endif /* HVRUN_EDID_H */
