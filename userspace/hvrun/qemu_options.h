/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that people bring along from QEMU and that hvrun does not have. */
#ifndef HVRUN_QEMU_OPTIONS_H
#define HVRUN_QEMU_OPTIONS_H

/** qemu_option_advice() - what to do instead of QEMU's -@name; NULL: QEMU has none such either */
const char *qemu_option_advice(const char *name);

#endif /* HVRUN_QEMU_OPTIONS_H */
