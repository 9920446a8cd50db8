/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From symbols to keys: a display says which character was typed, the guest's keyboard
 * wants to know which keys went down and up. Keyboard layouts of guest and user are taken
 * for US ones; a symbol that needs another state of Shift than there is gets it for a moment.
 */
#ifndef HVRUN_TYPIST_H
#define HVRUN_TYPIST_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/input.h"

#define TYPIST_KEYS 256

/** struct typist - one user; @down: keys that are */
struct typist {
	const struct input_sink *sink; /* NULL: there is no keyboard */
	bool down[TYPIST_KEYS];
};

/** typist_keysym() - X's symbol @keysym goes down or up */
void typist_keysym(struct typist *typist, uint32_t keysym, bool down);

/** typist_press() - down and up again, with Shift, Ctrl and Alt as told; nothing else is down */
void typist_press(struct typist *typist, uint16_t code, bool shift, bool ctrl, bool alt);

/** typist_let_go() - the user is gone: all keys go up */
void typist_let_go(struct typist *typist);

#endif /* HVRUN_TYPIST_H */
