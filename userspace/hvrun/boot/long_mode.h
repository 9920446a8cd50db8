/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor state that a 64-bit kernel expects at its entry: long mode, flat, 4 GiB mapped. */
#ifndef HVRUN_LONG_MODE_H
#define HVRUN_LONG_MODE_H

#include "boot/linux.h"
#include "myhv.h"

/* The groups of struct myhv_vcpu_state that long_mode_enter() fills. */
#define LONG_MODE_GROUPS (MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL)

/** long_mode_prepare() - write GDT and page tables into guest memory */
void long_mode_prepare(const struct guest_ram *ram);

/**
 * long_mode_enter() - registers for the entry
 * @state: in: the state after RESET (APIC base, XCR0 stay); out: LONG_MODE_GROUPS
 * @entry: from linux_load()
 */
void long_mode_enter(struct myhv_vcpu_state *state, const struct linux_entry *entry);

#endif /* HVRUN_LONG_MODE_H */
