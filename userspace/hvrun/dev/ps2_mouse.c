// SPDX-License-Identifier: GPL-2.0-or-later
/* The mouse: see ps2.h. IBM's "Mouse" technical reference; the wheel as Microsoft did it. */
#include <string.h>

#include "dev/input.h"
#include "dev/ps2.h"

#define CMD_SCALING_1 0xe6
#define CMD_SCALING_2 0xe7
#define CMD_RESOLUTION 0xe8
#define CMD_STATUS 0xe9
#define CMD_STREAM 0xea
#define CMD_POLL 0xeb
#define CMD_WRAP_OFF 0xec
#define CMD_WRAP_ON 0xee
#define CMD_REMOTE 0xf0
#define CMD_IDENTIFY 0xf2
#define CMD_RATE 0xf3
#define CMD_ENABLE 0xf4
#define CMD_DISABLE 0xf5
#define CMD_DEFAULTS 0xf6
#define CMD_RESET 0xff

#define ID_WHEEL 3
#define ID_FIVE_BUTTONS 4

#define PACKET_ALWAYS 0x08
#define PACKET_X_SIGN 0x10
#define PACKET_Y_SIGN 0x20
#define PACKET_MOST 127

static int clamp(int value, int most)
{
	return value > most ? most : value < -most ? -most : value;
}

/* What has been clamped off is told by the next packet. */
static void put_packet(struct ps2_mouse *mouse)
{
	int dx = clamp(mouse->dx, PACKET_MOST);
	int dy = clamp(-mouse->dy, PACKET_MOST); /* up is positive */
	int dz = clamp(mouse->dz, 7);

	ps2_queue_put(&mouse->queue, PACKET_ALWAYS | mouse->buttons | (dx < 0 ? PACKET_X_SIGN : 0) |
					     (dy < 0 ? PACKET_Y_SIGN : 0));
	ps2_queue_put(&mouse->queue, dx);
	ps2_queue_put(&mouse->queue, dy);
	if (mouse->id == ID_WHEEL)
		ps2_queue_put(&mouse->queue, dz);
	else if (mouse->id == ID_FIVE_BUTTONS)
		ps2_queue_put(&mouse->queue, dz & 0x0f);
	mouse->dx -= dx;
	mouse->dy += dy;
	mouse->dz = mouse->id ? mouse->dz - dz : 0;
	mouse->told_buttons = mouse->buttons;
}

void ps2_mouse_report(struct ps2_mouse *mouse)
{
	if (!mouse->reporting || mouse->remote || mouse->wrap || mouse->queue.count)
		return;
	if (mouse->dx || mouse->dy || (mouse->dz && mouse->id) ||
	    mouse->buttons != mouse->told_buttons)
		put_packet(mouse);
}

void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned int buttons)
{
	/* a guest that does not look must not make the sums overflow */
	mouse->dx = clamp(mouse->dx + clamp(dx, 4096), 4096);
	mouse->dy = clamp(mouse->dy + clamp(dy, 4096), 4096);
	mouse->dz = clamp(mouse->dz + clamp(dz, 64), 64);
	mouse->buttons = buttons & (INPUT_BUTTON_LEFT | INPUT_BUTTON_RIGHT | INPUT_BUTTON_MIDDLE);
	ps2_mouse_report(mouse);
}

static void set_defaults(struct ps2_mouse *mouse)
{
	mouse->reporting = false;
	mouse->remote = false;
	mouse->scaling = false;
	mouse->resolution = 2;
	mouse->rate = 100;
	mouse->dx = 0;
	mouse->dy = 0;
	mouse->dz = 0;
}

static void put_status(struct ps2_mouse *mouse)
{
	uint8_t status = mouse->remote << 6 | mouse->reporting << 5 | mouse->scaling << 4;

	if (mouse->buttons & INPUT_BUTTON_LEFT)
		status |= 0x04;
	if (mouse->buttons & INPUT_BUTTON_MIDDLE)
		status |= 0x02;
	if (mouse->buttons & INPUT_BUTTON_RIGHT)
		status |= 0x01;
	ps2_queue_put(&mouse->queue, status);
	ps2_queue_put(&mouse->queue, mouse->resolution);
	ps2_queue_put(&mouse->queue, mouse->rate);
}

/* Three rates in a row are the knock: 200, 100, 80 for the wheel, 200, 200, 80 for more. */
static void take_rate(struct ps2_mouse *mouse, uint8_t rate)
{
	static const uint8_t wheel[] = { 200, 100, 80 }, five[] = { 200, 200, 80 };

	mouse->rate = rate;
	memmove(mouse->knock, mouse->knock + 1, 2);
	mouse->knock[2] = rate;
	if (!memcmp(mouse->knock, wheel, 3))
		mouse->id = ID_WHEEL;
	else if (!memcmp(mouse->knock, five, 3) && mouse->id == ID_WHEEL)
		mouse->id = ID_FIVE_BUTTONS;
}

static void take_argument(struct ps2_mouse *mouse, uint8_t command, uint8_t byte)
{
	if (command == CMD_RATE)
		take_rate(mouse, byte);
	else
		mouse->resolution = byte;
	ps2_queue_put(&mouse->queue, PS2_ACK);
}

/* What follows the acknowledgement. */
static void take_command(struct ps2_mouse *mouse, uint8_t byte)
{
	switch (byte) {
	case CMD_SCALING_1:
	case CMD_SCALING_2:
		mouse->scaling = byte == CMD_SCALING_2;
		break;
	case CMD_RESOLUTION:
	case CMD_RATE:
		mouse->command = byte;
		break;
	case CMD_STATUS:
		put_status(mouse);
		break;
	case CMD_STREAM:
	case CMD_REMOTE:
		mouse->remote = byte == CMD_REMOTE;
		break;
	case CMD_POLL:
		put_packet(mouse);
		break;
	case CMD_WRAP_OFF:
	case CMD_WRAP_ON:
		mouse->wrap = byte == CMD_WRAP_ON;
		break;
	case CMD_IDENTIFY:
		ps2_queue_put(&mouse->queue, mouse->id);
		break;
	case CMD_ENABLE:
	case CMD_DISABLE:
		mouse->reporting = byte == CMD_ENABLE;
		break;
	case CMD_DEFAULTS:
		set_defaults(mouse);
		break;
	case CMD_RESET:
		ps2_queue_put(&mouse->queue, PS2_SELF_TEST_OK);
		ps2_queue_put(&mouse->queue, mouse->id);
		break;
	}
}

static bool is_command(uint8_t byte)
{
	return (byte >= CMD_SCALING_1 && byte <= CMD_WRAP_OFF) || byte == CMD_WRAP_ON ||
	       byte == CMD_REMOTE || (byte >= CMD_IDENTIFY && byte <= CMD_DEFAULTS) ||
	       byte == CMD_RESET;
}

void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte)
{
	uint8_t command = mouse->command;

	if (mouse->wrap && byte != CMD_WRAP_OFF && byte != CMD_RESET) {
		ps2_queue_put(&mouse->queue, byte);
		return;
	}
	mouse->command = 0;
	if (command) {
		take_argument(mouse, command, byte);
		return;
	}
	/* a command drops what was on its way */
	ps2_queue_clear(&mouse->queue);
	if (byte == CMD_RESET)
		ps2_mouse_reset(mouse);
	ps2_queue_put(&mouse->queue, is_command(byte) ? PS2_ACK : PS2_RESEND);
	take_command(mouse, byte);
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
	unsigned int buttons = mouse->buttons;

	memset(mouse, 0, sizeof(*mouse));
	set_defaults(mouse);
	mouse->buttons = buttons;
	mouse->told_buttons = buttons;
}
