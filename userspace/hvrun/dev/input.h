/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and mouse movements on their way from a display (or the monitor's sendkey) to the
 * device that the guest reads them from. Keys are named by Linux's KEY_* codes
 * (<linux/input-event-codes.h>), whatever keyboard they came from.
 */
#ifndef HVRUN_INPUT_H
#define HVRUN_INPUT_H

#include <stdbool.h>

#define INPUT_BUTTON_LEFT 0x1
#define INPUT_BUTTON_RIGHT 0x2
#define INPUT_BUTTON_MIDDLE 0x4

#define INPUT_LED_SCROLL 0x1
#define INPUT_LED_NUM 0x2
#define INPUT_LED_CAPS 0x4

/**
 * struct input_sink - the device that takes the events; any thread may call
 * @key: key @code goes down or up. A key that is down may be reported down again (the
 *	display's own auto-repeat). Events that the guest does not fetch are lost in the end, as
 *	on a real keyboard.
 * @mouse: moved by @dx (right) and @dy (down), wheel by @dz (towards the user), INPUT_BUTTON_*
 *	held now
 * @leds: INPUT_LED_* that the guest has switched on
 * @room: how many more key events would be kept now; who types faster waits (sendkey, paste)
 * @dev: passed to all of them
 */
struct input_sink {
	void (*key)(void *dev, unsigned int code, bool down);
	void (*mouse)(void *dev, int dx, int dy, int dz, unsigned int buttons);
	unsigned int (*leds)(void *dev);
	unsigned int (*room)(void *dev);
	void *dev;
};

#endif /* HVRUN_INPUT_H */
