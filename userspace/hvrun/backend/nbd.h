/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the NBD protocol, for a server of our own on the other end of a socket. What
 * the server says is checked all the same: it works on images that may be hostile.
 */
#ifndef HVRUN_NBD_H
#define HVRUN_NBD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/block.h"

/**
 * struct nbd - a connection
 * @fd: the socket
 * @lost: called once, when the server goes away before nbd_stop(); any thread
 * @lock: all below
 * @changed: there is something to send, or @quit
 * @unsent, @unsent_end: requests to be sent
 * @sent: requests whose replies have not come
 * @is_dead: requests end with an error
 */
struct nbd {
	int fd;
	void (*lost)(void *context);
	void *context;
	pthread_t sender;
	pthread_t receiver;
	bool started;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct block_request *unsent;
	struct block_request **unsent_end;
	struct block_request *sent;
	uint64_t next_handle;
	bool is_dead;
	bool quit;
};

/** nbd_negotiate() - greet the server on @fd, enter export @name; its size, or -1 with @reason */
int nbd_negotiate(int fd, const char *name, uint64_t *bytes, const char **reason);

/** nbd_start() - requests may come */
int nbd_start(struct nbd *nbd, int fd, void (*lost)(void *context), void *context,
	      struct error *err);
void nbd_submit(struct nbd *nbd, struct block_request *request);

/** nbd_stop() - say goodbye, end the threads; no request is under way */
void nbd_stop(struct nbd *nbd);

#endif /* HVRUN_NBD_H */
