/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two devices on a keyboard controller's wires: each takes command bytes and has a queue of
 * bytes for the controller. No lock of their own: the controller's holds for them.
 */
#ifndef HVRUN_PS2_H
#define HVRUN_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE_BYTES 64

#define PS2_ACK 0xfa
#define PS2_RESEND 0xfe
#define PS2_SELF_TEST_OK 0xaa

/** struct ps2_queue - bytes on their way to the controller; what does not fit is lost */
struct ps2_queue {
	uint8_t data[PS2_QUEUE_BYTES];
	unsigned int head;
	unsigned int count;
};

void ps2_queue_clear(struct ps2_queue *queue);
void ps2_queue_put(struct ps2_queue *queue, uint8_t byte);

/** ps2_queue_take() - the first byte; the queue is not empty */
uint8_t ps2_queue_take(struct ps2_queue *queue);

static inline unsigned int ps2_queue_room(const struct ps2_queue *queue)
{
	return PS2_QUEUE_BYTES - queue->count;
}

/**
 * struct ps2_keyboard - an MF2 keyboard
 * @queue: scan codes and replies
 * @set: scan code set 1 or 2
 * @scanning: keys are reported
 * @command: waits for its second byte; 0: none
 * @leds: INPUT_LED_*
 * @rate: typematic rate; kept, keys do not repeat by themselves
 */
struct ps2_keyboard {
	struct ps2_queue queue;
	uint8_t set;
	bool scanning;
	uint8_t command;
	uint8_t leds;
	uint8_t rate;
};

void ps2_keyboard_reset(struct ps2_keyboard *keyboard);
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);

/** ps2_keyboard_key() - a KEY_* code goes down or up; unknown ones are ignored */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned int code, bool down);

/** ps2_translate() - a byte of set 2 as the controller shows it in set 1 (no prefix byte 0xf0) */
uint8_t ps2_translate(uint8_t byte);

/**
 * struct ps2_mouse - a mouse with a wheel, which is told only to those who know the knock
 * @queue: packets and replies
 * @reporting: by itself, in stream mode
 * @remote: remote mode: packets only when asked
 * @wrap: echo mode
 * @id: 0 plain, 3 wheel, 4 wheel and five buttons
 * @command: waits for its second byte; 0: none
 * @resolution: as set
 * @rate: as set
 * @scaling: 2:1; kept
 * @knock: the last three rates
 * @dx: movement not yet reported, and all below
 */
struct ps2_mouse {
	struct ps2_queue queue;
	bool reporting;
	bool remote;
	bool wrap;
	uint8_t id;
	uint8_t command;
	uint8_t resolution;
	uint8_t rate;
	bool scaling;
	uint8_t knock[3];
	int dx, dy, dz;
	unsigned int buttons;
	unsigned int told_buttons;
};

void ps2_mouse_reset(struct ps2_mouse *mouse);
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte);

/** ps2_mouse_move() - as struct input_sink's @mouse */
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned int buttons);

/** ps2_mouse_report() - put a packet into an empty queue, if there is anything to tell */
void ps2_mouse_report(struct ps2_mouse *mouse);

#endif /* HVRUN_PS2_H */
