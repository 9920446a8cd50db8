// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys on their way to the guest: see key_queue.h. */
#include "control/key_queue.h"

#define RETRY_NS (10 * 1000000LL)
#define NS_PER_MS 1000000LL

static void wait_ns(struct key_queue *queue, int64_t ns)
{
	struct timer *timer = &queue->timer.timer;

	timer->arm(timer, timer->now(timer) + ns);
}

static void pump(void *dev)
{
	struct key_queue *queue = dev;

	while (queue->count) {
		const struct key_event *event = &queue->event[queue->first];

		if (!queue->sink->room(queue->sink->dev)) {
			wait_ns(queue, RETRY_NS);
			return;
		}
		queue->sink->key(queue->sink->dev, event->code, event->down);
		queue->first = (queue->first + 1) % KEY_QUEUE_MAX;
		queue->count--;
		if (event->hold_ms) {
			wait_ns(queue, event->hold_ms * NS_PER_MS);
			return;
		}
	}
}

int key_queue_init(struct key_queue *queue, struct event_loop *loop, const struct input_sink *sink,
		   struct error *err)
{
	queue->sink = sink;
	queue->first = 0;
	queue->count = 0;
	if (!sink)
		return 0;
	if (loop_timer_init(&queue->timer, loop, CLOCK_MONOTONIC, err) < 0)
		return -1;
	queue->timer.timer.expired = pump;
	queue->timer.timer.dev = queue;
	return 0;
}

void key_queue_destroy(struct key_queue *queue)
{
	if (queue->timer.source.loop)
		loop_timer_destroy(&queue->timer);
}

static void add(struct key_queue *queue, uint16_t code, bool down, uint32_t hold_ms)
{
	queue->event[(queue->first + queue->count++) % KEY_QUEUE_MAX] =
		(struct key_event){ code, down, hold_ms };
}

bool key_queue_press(struct key_queue *queue, const uint16_t *codes, unsigned int count,
		     uint32_t hold_ms)
{
	bool was_empty = !queue->count;

	if (!queue->sink || 2 * count > KEY_QUEUE_MAX - queue->count)
		return false;
	for (unsigned int i = 0; i < count; i++)
		add(queue, codes[i], true, i == count - 1 ? hold_ms : 0);
	for (unsigned int i = count; i > 0; i--)
		add(queue, codes[i - 1], false, 0);
	if (was_empty)
		pump(queue);
	return true;
}
