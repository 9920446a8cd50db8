/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of keys: QEMU's ("ret", "f1"), X's keysyms (which VNC sends) and the characters
 * on a US keyboard, all to Linux's KEY_* codes.
 */
#ifndef HVRUN_KEYS_H
#define HVRUN_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/** key_by_name() - 0: there is no such key. "0x1c" is a scan code of set 1. */
uint16_t key_by_name(const char *name);

/** key_by_char() - with *@shift set to what it needs; 0: no key has it */
uint16_t key_by_char(unsigned char c, bool *shift);

/**
 * key_by_keysym() - 0: no key has it
 * @shift: what the symbol needs: 0 without, 1 with; -1: it does not matter
 */
uint16_t key_by_keysym(uint32_t keysym, int *shift);

#endif /* HVRUN_KEYS_H */
