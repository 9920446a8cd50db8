/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that a program types. A keyboard has a small buffer, so they wait here until the
 * guest has fetched those before them. Main thread.
 */
#ifndef HVRUN_KEY_QUEUE_H
#define HVRUN_KEY_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/input.h"
#include "event_loop.h"

#define KEY_QUEUE_MAX 512

struct key_event {
	uint16_t code;
	bool down;
	uint32_t hold_ms; /* wait so long after it */
};

/**
 * struct key_queue - events that wait
 * @sink: the keyboard
 * @timer: when to try again
 */
struct key_queue {
	const struct input_sink *sink;
	struct loop_timer timer;
	unsigned int first;
	unsigned int count;
	struct key_event event[KEY_QUEUE_MAX];
};

int key_queue_init(struct key_queue *queue, struct event_loop *loop, const struct input_sink *sink,
		   struct error *err);
void key_queue_destroy(struct key_queue *queue);

/** key_queue_press() - all of @codes down, after @hold_ms up again; false: no room, none is */
bool key_queue_press(struct key_queue *queue, const uint16_t *codes, unsigned int count,
		     uint32_t hold_ms);

#endif /* HVRUN_KEY_QUEUE_H */
