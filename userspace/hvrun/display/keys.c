// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of keys: see keys.h. */
#include <ctype.h>
#include <linux/input-event-codes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "display/keys.h"

/* QEMU's name, or ""; X's keysym, or 0: the characters below have their own. */
static const struct {
	const char *name;
	uint16_t code;
	uint16_t keysym;
} named[] = {
	{ "esc", KEY_ESC, 0xff1b },
	{ "backspace", KEY_BACKSPACE, 0xff08 },
	{ "tab", KEY_TAB, 0xff09 },
	{ "ret", KEY_ENTER, 0xff0d },
	{ "spc", KEY_SPACE, 0 },
	{ "minus", KEY_MINUS, 0 },
	{ "equal", KEY_EQUAL, 0 },
	{ "bracket_left", KEY_LEFTBRACE, 0 },
	{ "bracket_right", KEY_RIGHTBRACE, 0 },
	{ "semicolon", KEY_SEMICOLON, 0 },
	{ "apostrophe", KEY_APOSTROPHE, 0 },
	{ "grave_accent", KEY_GRAVE, 0 },
	{ "backslash", KEY_BACKSLASH, 0 },
	{ "comma", KEY_COMMA, 0 },
	{ "dot", KEY_DOT, 0 },
	{ "slash", KEY_SLASH, 0 },
	{ "less", KEY_102ND, 0 },
	{ "shift", KEY_LEFTSHIFT, 0xffe1 },
	{ "shift_r", KEY_RIGHTSHIFT, 0xffe2 },
	{ "ctrl", KEY_LEFTCTRL, 0xffe3 },
	{ "ctrl_r", KEY_RIGHTCTRL, 0xffe4 },
	{ "caps_lock", KEY_CAPSLOCK, 0xffe5 },
	{ "alt", KEY_LEFTALT, 0xffe9 },
	{ "alt_r", KEY_RIGHTALT, 0xffea },
	{ "altgr", KEY_RIGHTALT, 0xfe03 },
	{ "meta_l", KEY_LEFTMETA, 0xffeb },
	{ "meta_r", KEY_RIGHTMETA, 0xffec },
	{ "compose", KEY_COMPOSE, 0xff67 },
	{ "menu", KEY_COMPOSE, 0 },
	{ "f1", KEY_F1, 0xffbe },
	{ "f2", KEY_F2, 0xffbf },
	{ "f3", KEY_F3, 0xffc0 },
	{ "f4", KEY_F4, 0xffc1 },
	{ "f5", KEY_F5, 0xffc2 },
	{ "f6", KEY_F6, 0xffc3 },
	{ "f7", KEY_F7, 0xffc4 },
	{ "f8", KEY_F8, 0xffc5 },
	{ "f9", KEY_F9, 0xffc6 },
	{ "f10", KEY_F10, 0xffc7 },
	{ "f11", KEY_F11, 0xffc8 },
	{ "f12", KEY_F12, 0xffc9 },
	{ "num_lock", KEY_NUMLOCK, 0xff7f },
	{ "scroll_lock", KEY_SCROLLLOCK, 0xff14 },
	{ "print", KEY_SYSRQ, 0xff61 },
	{ "sysrq", KEY_SYSRQ, 0xff15 },
	{ "pause", KEY_PAUSE, 0xff13 },
	{ "insert", KEY_INSERT, 0xff63 },
	{ "delete", KEY_DELETE, 0xffff },
	{ "home", KEY_HOME, 0xff50 },
	{ "end", KEY_END, 0xff57 },
	{ "pgup", KEY_PAGEUP, 0xff55 },
	{ "pgdn", KEY_PAGEDOWN, 0xff56 },
	{ "left", KEY_LEFT, 0xff51 },
	{ "up", KEY_UP, 0xff52 },
	{ "right", KEY_RIGHT, 0xff53 },
	{ "down", KEY_DOWN, 0xff54 },
	{ "kp_divide", KEY_KPSLASH, 0xffaf },
	{ "kp_multiply", KEY_KPASTERISK, 0xffaa },
	{ "asterisk", KEY_KPASTERISK, 0 },
	{ "kp_subtract", KEY_KPMINUS, 0xffad },
	{ "kp_add", KEY_KPPLUS, 0xffab },
	{ "kp_enter", KEY_KPENTER, 0xff8d },
	{ "kp_decimal", KEY_KPDOT, 0xffae },
	{ "kp_0", KEY_KP0, 0xffb0 },
	{ "kp_1", KEY_KP1, 0xffb1 },
	{ "kp_2", KEY_KP2, 0xffb2 },
	{ "kp_3", KEY_KP3, 0xffb3 },
	{ "kp_4", KEY_KP4, 0xffb4 },
	{ "kp_5", KEY_KP5, 0xffb5 },
	{ "kp_6", KEY_KP6, 0xffb6 },
	{ "kp_7", KEY_KP7, 0xffb7 },
	{ "kp_8", KEY_KP8, 0xffb8 },
	{ "kp_9", KEY_KP9, 0xffb9 },
	{ "", KEY_KP7, 0xff95 },
	{ "", KEY_KP4, 0xff96 },
	{ "", KEY_KP8, 0xff97 },
	{ "", KEY_KP6, 0xff98 },
	{ "", KEY_KP2, 0xff99 },
	{ "", KEY_KP9, 0xff9a },
	{ "", KEY_KP3, 0xff9b },
	{ "", KEY_KP1, 0xff9c },
	{ "", KEY_KP5, 0xff9d },
	{ "", KEY_KP0, 0xff9e },
	{ "", KEY_KPDOT, 0xff9f },
	{ "", KEY_TAB, 0xfe20 },
	{ "", KEY_LEFTMETA, 0xffe7 },
	{ "", KEY_RIGHTMETA, 0xffe8 },
};

/* The character keys of a US keyboard. */
static const struct {
	char plain;
	char shifted;
	uint16_t code;
} printed[] = {
	{ '1', '!', KEY_1 },
	{ '2', '@', KEY_2 },
	{ '3', '#', KEY_3 },
	{ '4', '$', KEY_4 },
	{ '5', '%', KEY_5 },
	{ '6', '^', KEY_6 },
	{ '7', '&', KEY_7 },
	{ '8', '*', KEY_8 },
	{ '9', '(', KEY_9 },
	{ '0', ')', KEY_0 },
	{ '-', '_', KEY_MINUS },
	{ '=', '+', KEY_EQUAL },
	{ 'q', 'Q', KEY_Q },
	{ 'w', 'W', KEY_W },
	{ 'e', 'E', KEY_E },
	{ 'r', 'R', KEY_R },
	{ 't', 'T', KEY_T },
	{ 'y', 'Y', KEY_Y },
	{ 'u', 'U', KEY_U },
	{ 'i', 'I', KEY_I },
	{ 'o', 'O', KEY_O },
	{ 'p', 'P', KEY_P },
	{ '[', '{', KEY_LEFTBRACE },
	{ ']', '}', KEY_RIGHTBRACE },
	{ 'a', 'A', KEY_A },
	{ 's', 'S', KEY_S },
	{ 'd', 'D', KEY_D },
	{ 'f', 'F', KEY_F },
	{ 'g', 'G', KEY_G },
	{ 'h', 'H', KEY_H },
	{ 'j', 'J', KEY_J },
	{ 'k', 'K', KEY_K },
	{ 'l', 'L', KEY_L },
	{ ';', ':', KEY_SEMICOLON },
	{ '\'', '"', KEY_APOSTROPHE },
	{ '`', '~', KEY_GRAVE },
	{ '\\', '|', KEY_BACKSLASH },
	{ 'z', 'Z', KEY_Z },
	{ 'x', 'X', KEY_X },
	{ 'c', 'C', KEY_C },
	{ 'v', 'V', KEY_V },
	{ 'b', 'B', KEY_B },
	{ 'n', 'N', KEY_N },
	{ 'm', 'M', KEY_M },
	{ ',', '<', KEY_COMMA },
	{ '.', '>', KEY_DOT },
	{ '/', '?', KEY_SLASH },
	{ ' ', ' ', KEY_SPACE },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint16_t key_by_char(unsigned char c, bool *shift)
{
	*shift = false;
	switch (c) {
	case '\r':
	case '\n':
		return KEY_ENTER;
	case '\t':
		return KEY_TAB;
	}
	for (size_t i = 0; i < COUNT(printed); i++) {
		bool is_plain = (unsigned char)printed[i].plain == c;

		if (!is_plain && (unsigned char)printed[i].shifted != c)
			continue;
		*shift = !is_plain;
		return printed[i].code;
	}
	return 0;
}

/* Set 1 and Linux's codes are the same for the keys of the first PC; 0xe0 ones are not. */
static uint16_t by_scan_code(const char *name)
{
	char *end;
	unsigned long code = strtoul(name, &end, 16);

	return *end || !code || code > KEY_F12 ? 0 : code;
}

uint16_t key_by_name(const char *name)
{
	bool shift;
	uint16_t code;

	if (!name[0])
		return 0;
	if (!strncmp(name, "0x", 2))
		return by_scan_code(name);
	if (!name[1]) {
		code = isalnum((unsigned char)*name) ? key_by_char(*name, &shift) : 0;
		return code && !shift ? code : 0;
	}
	for (size_t i = 0; i < COUNT(named); i++)
		if (!strcmp(named[i].name, name))
			return named[i].code;
	return 0;
}

uint16_t key_by_keysym(uint32_t keysym, int *shift)
{
	bool needs_shift;
	uint16_t code;

	*shift = -1;
	if (keysym >= 0x20 && keysym < 0x7f) {
		code = key_by_char(keysym, &needs_shift);
		if (keysym != ' ')
			*shift = needs_shift;
		return code;
	}
	for (size_t i = 0; i < COUNT(named) && keysym; i++)
		if (named[i].keysym == keysym)
			return named[i].code;
	return 0;
}
