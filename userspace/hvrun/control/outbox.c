// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes on their way out: see outbox.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/outbox.h"

void outbox_init(struct outbox *outbox, struct chardev *chardev)
{
	*outbox = (struct outbox){ .chardev = chardev };
}

static bool make_room(struct outbox *outbox, size_t bytes)
{
	size_t room = outbox->room ? outbox->room : 4096;
	char *data;

	if (bytes > OUTBOX_MAX || outbox->bytes > OUTBOX_MAX - bytes)
		return false;
	while (room < outbox->bytes + bytes)
		room *= 2;
	if (room == outbox->room)
		return true;
	data = realloc(outbox->data, room);
	if (!data)
		return false;
	outbox->data = data;
	outbox->room = room;
	return true;
}

bool outbox_add(struct outbox *outbox, const char *data, size_t bytes)
{
	if (!make_room(outbox, bytes))
		return false;
	memcpy(outbox->data + outbox->bytes, data, bytes);
	outbox->bytes += bytes;
	outbox_flush(outbox);
	return true;
}

void outbox_flush(struct outbox *outbox)
{
	struct chardev *chardev = outbox->chardev;
	size_t done = 0;

	while (done < outbox->bytes) {
		size_t taken = chardev->write(chardev, (const uint8_t *)outbox->data + done,
					      outbox->bytes - done);

		if (!taken)
			break;
		done += taken;
	}
	outbox->bytes -= done;
	if (!outbox->bytes)
		outbox_clear(outbox);
	else
		memmove(outbox->data, outbox->data + done, outbox->bytes);
}

void outbox_clear(struct outbox *outbox)
{
	free(outbox->data);
	outbox_init(outbox, outbox->chardev);
}
