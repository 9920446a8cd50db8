// SPDX-License-Identifier: GPL-2.0-or-later
/* The keyboard: see ps2.h. IBM's "Keyboard (101-Key)" technical reference gives the commands. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "dev/ps2.h"

#define CMD_LEDS 0xed
#define CMD_ECHO 0xee
#define CMD_SET 0xf0
#define CMD_IDENTIFY 0xf2
#define CMD_RATE 0xf3
#define CMD_ENABLE 0xf4
#define CMD_DISABLE 0xf5
#define CMD_DEFAULTS 0xf6
#define CMD_RESET 0xff

#define PREFIX_EXTENDED 0xe0
#define PREFIX_PAUSE 0xe1
#define PREFIX_UP 0xf0
#define SET1_UP 0x80

#define RATE_DEFAULT 0x2b
#define EXTENDED 0x100 /* of a set 1 code here: it has the prefix */

/* Set 2 by set 1, for all codes that the controller's translation knows. */
static const uint8_t set2_of[128] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66,
	0x0d, 0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14,
	0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a,
	0x22, 0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05,
	0x06, 0x04, 0x0c, 0x03, 0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b,
	0x6b, 0x73, 0x74, 0x79, 0x69, 0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07, 0x0f,
	0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28,
	0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f, 0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62,
	0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

/* Keys whose KEY_* code is not their set 1 code already. */
static const struct {
	uint16_t key;
	uint16_t set1;
} others[] = {
	{ KEY_RO, 0x73 },
	{ KEY_KATAKANAHIRAGANA, 0x70 },
	{ KEY_HENKAN, 0x79 },
	{ KEY_MUHENKAN, 0x7b },
	{ KEY_YEN, 0x7d },
	{ KEY_KPCOMMA, 0x7e },
	{ KEY_KPENTER, EXTENDED | 0x1c },
	{ KEY_RIGHTCTRL, EXTENDED | 0x1d },
	{ KEY_MUTE, EXTENDED | 0x20 },
	{ KEY_VOLUMEDOWN, EXTENDED | 0x2e },
	{ KEY_VOLUMEUP, EXTENDED | 0x30 },
	{ KEY_KPSLASH, EXTENDED | 0x35 },
	{ KEY_SYSRQ, EXTENDED | 0x37 },
	{ KEY_RIGHTALT, EXTENDED | 0x38 },
	{ KEY_HOME, EXTENDED | 0x47 },
	{ KEY_UP, EXTENDED | 0x48 },
	{ KEY_PAGEUP, EXTENDED | 0x49 },
	{ KEY_LEFT, EXTENDED | 0x4b },
	{ KEY_RIGHT, EXTENDED | 0x4d },
	{ KEY_END, EXTENDED | 0x4f },
	{ KEY_DOWN, EXTENDED | 0x50 },
	{ KEY_PAGEDOWN, EXTENDED | 0x51 },
	{ KEY_INSERT, EXTENDED | 0x52 },
	{ KEY_DELETE, EXTENDED | 0x53 },
	{ KEY_LEFTMETA, EXTENDED | 0x5b },
	{ KEY_RIGHTMETA, EXTENDED | 0x5c },
	{ KEY_COMPOSE, EXTENDED | 0x5d },
	{ KEY_POWER, EXTENDED | 0x5e },
	{ KEY_SLEEP, EXTENDED | 0x5f },
	{ KEY_WAKEUP, EXTENDED | 0x63 },
};

/* 0: no key of this keyboard. Linux took its numbers from set 1, up to F12. */
static unsigned int set1_of(unsigned int key)
{
	if (key <= KEY_KPDOT || key == KEY_102ND || key == KEY_F11 || key == KEY_F12)
		return key;
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].key == key)
			return others[i].set1;
	return 0;
}

uint8_t ps2_translate(uint8_t byte)
{
	for (unsigned int i = 0; i < sizeof(set2_of); i++)
		if (set2_of[i] == byte)
			return i;
	/* F7 and SysRq once more, by the codes that only the translation has */
	if (byte == 0x02)
		return 0x41;
	return byte == 0x7f ? 0x54 : byte;
}

/* ---- queue ---- */

void ps2_queue_clear(struct ps2_queue *queue)
{
	queue->head = 0;
	queue->count = 0;
}

void ps2_queue_put(struct ps2_queue *queue, uint8_t byte)
{
	if (queue->count == PS2_QUEUE_BYTES)
		return;
	queue->data[(queue->head + queue->count++) % PS2_QUEUE_BYTES] = byte;
}

uint8_t ps2_queue_take(struct ps2_queue *queue)
{
	uint8_t byte = queue->data[queue->head];

	queue->head = (queue->head + 1) % PS2_QUEUE_BYTES;
	queue->count--;
	return byte;
}

/* ---- keys ---- */

static unsigned int encode(const struct ps2_keyboard *keyboard, unsigned int set1, bool down,
			   uint8_t *bytes)
{
	unsigned int count = 0;

	if (set1 & EXTENDED)
		bytes[count++] = PREFIX_EXTENDED;
	if (keyboard->set == 1) {
		bytes[count++] = (set1 & 0x7f) | (down ? 0 : SET1_UP);
		return count;
	}
	if (!down)
		bytes[count++] = PREFIX_UP;
	bytes[count++] = set2_of[set1 & 0x7f];
	return count;
}

/* Down and up at once: this key has no way to say that it comes up. */
static unsigned int encode_pause(const struct ps2_keyboard *keyboard, uint8_t *bytes)
{
	static const uint8_t set1[] = { PREFIX_PAUSE, 0x1d, 0x45, PREFIX_PAUSE, 0x9d, 0xc5 };
	static const uint8_t set2[] = { PREFIX_PAUSE, 0x14, 0x77,      PREFIX_PAUSE,
					PREFIX_UP,    0x14, PREFIX_UP, 0x77 };

	if (keyboard->set == 1) {
		memcpy(bytes, set1, sizeof(set1));
		return sizeof(set1);
	}
	memcpy(bytes, set2, sizeof(set2));
	return sizeof(set2);
}

void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned int code, bool down)
{
	unsigned int set1 = set1_of(code), count = 0;
	uint8_t bytes[8];

	if (!keyboard->scanning)
		return;
	if (code == KEY_PAUSE && down)
		count = encode_pause(keyboard, bytes);
	else if (set1)
		count = encode(keyboard, set1, down, bytes);
	/* whole keys only */
	if (count > ps2_queue_room(&keyboard->queue))
		return;
	for (unsigned int i = 0; i < count; i++)
		ps2_queue_put(&keyboard->queue, bytes[i]);
}

/* ---- commands ---- */

static void set_defaults(struct ps2_keyboard *keyboard)
{
	keyboard->set = 2;
	keyboard->rate = RATE_DEFAULT;
	keyboard->command = 0;
	ps2_queue_clear(&keyboard->queue);
}

static void take_argument(struct ps2_keyboard *keyboard, uint8_t command, uint8_t byte)
{
	struct ps2_queue *queue = &keyboard->queue;

	switch (command) {
	case CMD_LEDS:
		keyboard->leds = byte & 7;
		break;
	case CMD_RATE:
		keyboard->rate = byte;
		break;
	case CMD_SET:
		if (byte > 2) {
			ps2_queue_put(queue, PS2_RESEND);
			return;
		}
		ps2_queue_put(queue, PS2_ACK);
		if (byte)
			keyboard->set = byte;
		else
			ps2_queue_put(queue, keyboard->set);
		return;
	}
	ps2_queue_put(queue, PS2_ACK);
}

static void take_command(struct ps2_keyboard *keyboard, uint8_t byte)
{
	struct ps2_queue *queue = &keyboard->queue;

	switch (byte) {
	case CMD_ECHO:
		ps2_queue_put(queue, CMD_ECHO);
		return;
	case CMD_LEDS:
	case CMD_SET:
	case CMD_RATE:
		keyboard->command = byte;
		break;
	case CMD_IDENTIFY:
		ps2_queue_put(queue, PS2_ACK);
		ps2_queue_put(queue, 0xab);
		ps2_queue_put(queue, 0x83);
		return;
	case CMD_ENABLE:
		ps2_queue_clear(queue);
		keyboard->scanning = true;
		break;
	case CMD_DISABLE:
	case CMD_DEFAULTS:
		set_defaults(keyboard);
		keyboard->scanning = byte == CMD_DEFAULTS;
		break;
	case CMD_RESET:
		ps2_keyboard_reset(keyboard);
		ps2_queue_put(queue, PS2_ACK);
		ps2_queue_put(queue, PS2_SELF_TEST_OK);
		return;
	default:
		ps2_queue_put(queue, PS2_RESEND);
		return;
	}
	ps2_queue_put(queue, PS2_ACK);
}

void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte)
{
	uint8_t command = keyboard->command;

	keyboard->command = 0;
	/* a command byte in place of an argument ends what was begun */
	if (command && byte < CMD_LEDS)
		take_argument(keyboard, command, byte);
	else
		take_command(keyboard, byte);
}

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
	set_defaults(keyboard);
	keyboard->scanning = true;
	keyboard->leds = 0;
}
