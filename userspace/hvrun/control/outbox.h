/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on its way to somebody at the other end of a line, who may read slowly or not
 * at all. Main thread.
 */
#ifndef HVRUN_OUTBOX_H
#define HVRUN_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/chardev.h"

#define OUTBOX_MAX (1U << 20)

/**
 * struct outbox - bytes that the line has not taken yet
 * @chardev: the line
 * @data: what waits
 * @bytes: how much
 * @room: size of @data
 */
struct outbox {
	struct chardev *chardev;
	char *data;
	size_t bytes;
	size_t room;
};

void outbox_init(struct outbox *outbox, struct chardev *chardev);

/** outbox_add() - send @data; false: too much is waiting already, nothing was added */
bool outbox_add(struct outbox *outbox, const char *data, size_t bytes);

/** outbox_flush() - the line takes more */
void outbox_flush(struct outbox *outbox);

/** outbox_clear() - nobody is there any more; frees what it holds */
void outbox_clear(struct outbox *outbox);

#endif /* HVRUN_OUTBOX_H */
