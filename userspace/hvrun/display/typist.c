// SPDX-License-Identifier: GPL-2.0-or-later
/* From symbols to keys: see typist.h. */
#include <linux/input-event-codes.h>

#include "display/keys.h"
#include "display/typist.h"

static void key(struct typist *typist, uint16_t code, bool down)
{
	typist->sink->key(typist->sink->dev, code, down);
}

static bool is_letter(uint32_t keysym)
{
	return (keysym | 0x20) >= 'a' && (keysym | 0x20) <= 'z';
}

static bool guest_has_caps(const struct typist *typist)
{
	return typist->sink->leds && (typist->sink->leds(typist->sink->dev) & INPUT_LED_CAPS);
}

/* The other state of Shift, then back: @on is what the guest shall see. */
static void shift_around(struct typist *typist, uint16_t code, bool on)
{
	static const uint16_t shifts[] = { KEY_LEFTSHIFT, KEY_RIGHTSHIFT };

	if (on)
		key(typist, KEY_LEFTSHIFT, true);
	for (unsigned int i = 0; i < 2 && !on; i++)
		if (typist->down[shifts[i]])
			key(typist, shifts[i], false);
	key(typist, code, true);
	if (on)
		key(typist, KEY_LEFTSHIFT, false);
	for (unsigned int i = 0; i < 2 && !on; i++)
		if (typist->down[shifts[i]])
			key(typist, shifts[i], true);
}

void typist_keysym(struct typist *typist, uint32_t keysym, bool down)
{
	bool shifted = typist->down[KEY_LEFTSHIFT] || typist->down[KEY_RIGHTSHIFT];
	int wanted;
	uint16_t code = key_by_keysym(keysym, &wanted);

	if (!typist->sink || !code || code >= TYPIST_KEYS)
		return;
	if (wanted >= 0 && is_letter(keysym) && guest_has_caps(typist))
		wanted = !wanted;
	/* with Ctrl or Alt it is a command, not a character */
	if (typist->down[KEY_LEFTCTRL] || typist->down[KEY_RIGHTCTRL] || typist->down[KEY_LEFTALT])
		wanted = -1;
	typist->down[code] = down;
	if (down && wanted >= 0 && wanted != shifted)
		shift_around(typist, code, wanted);
	else
		key(typist, code, down);
}

void typist_press(struct typist *typist, uint16_t code, bool shift, bool ctrl, bool alt)
{
	const struct {
		bool wanted;
		uint16_t code;
	} with[] = { { ctrl, KEY_LEFTCTRL }, { alt, KEY_LEFTALT }, { shift, KEY_LEFTSHIFT } };

	if (!typist->sink)
		return;
	for (unsigned int i = 0; i < 3; i++)
		if (with[i].wanted)
			key(typist, with[i].code, true);
	key(typist, code, true);
	key(typist, code, false);
	for (unsigned int i = 3; i-- > 0;)
		if (with[i].wanted)
			key(typist, with[i].code, false);
}

void typist_let_go(struct typist *typist)
{
	for (unsigned int code = 0; code < TYPIST_KEYS; code++) {
		if (typist->down[code])
			key(typist, code, false);
		typist->down[code] = false;
	}
}
