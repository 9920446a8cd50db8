// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NBD (the protocol document of the NetworkBlockDevice project): the fixed newstyle handshake,
 * and simple replies. One thread sends, one receives, so that no vCPU ever waits for the socket.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend/nbd.h"

#define MAGIC_SERVER 0x4e42444d41474943ULL /* "NBDMAGIC" */
#define MAGIC_OPTION 0x49484156454f5054ULL /* "IHAVEOPT" */
#define MAGIC_OPTION_REPLY 0x0003e889045565a9ULL
#define MAGIC_REQUEST 0x25609513U
#define MAGIC_REPLY 0x67446698U

#define FLAG_FIXED_NEWSTYLE 1
#define FLAG_NO_ZEROES 2
#define OPTION_GO 7
#define REPLY_ACK 1
#define REPLY_INFO 3
#define REPLY_IS_ERROR 0x80000000U
#define INFO_EXPORT 0

#define COMMAND_READ 0
#define COMMAND_WRITE 1
#define COMMAND_DISCONNECT 2
#define COMMAND_FLUSH 3
#define COMMAND_TRIM 4
#define COMMAND_FLAG_FUA 1

#define STACK_BYTES (128 << 10)
#define MOST_REPLY_BYTES 4096

struct nbd_request {
	uint32_t magic;
	uint16_t flags;
	uint16_t type;
	uint64_t handle;
	uint64_t offset;
	uint32_t bytes;
} __attribute__((packed));

struct nbd_reply {
	uint32_t magic;
	uint32_t error;
	uint64_t handle;
} __attribute__((packed));

struct nbd_option {
	uint64_t magic;
	uint32_t option;
	uint32_t bytes;
} __attribute__((packed));

struct nbd_option_reply {
	uint64_t magic;
	uint32_t option;
	uint32_t type;
	uint32_t bytes;
} __attribute__((packed));

/* ---- whole messages ---- */

static bool receive_all(int fd, void *to, size_t bytes)
{
	uint8_t *at = to;

	while (bytes) {
		ssize_t n = recv(fd, at, bytes, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		bytes -= n;
	}
	return true;
}

/* Consumes @iov. */
static bool move_vector(int fd, struct iovec *iov, unsigned int count, bool out)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };

	while (message.msg_iovlen) {
		ssize_t n = out ? sendmsg(fd, &message, MSG_NOSIGNAL) : recvmsg(fd, &message, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		while (message.msg_iovlen && (size_t)n >= message.msg_iov->iov_len) {
			n -= message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen) {
			message.msg_iov->iov_base = (uint8_t *)message.msg_iov->iov_base + n;
			message.msg_iov->iov_len -= n;
		}
	}
	return true;
}

static bool send_all(int fd, const void *from, size_t bytes)
{
	struct iovec iov = { .iov_base = (void *)from, .iov_len = bytes };

	return move_vector(fd, &iov, 1, true);
}

/* ---- handshake ---- */

static bool greet(int fd)
{
	struct {
		uint64_t server;
		uint64_t option;
		uint16_t flags;
	} __attribute__((packed)) hello;
	uint32_t flags = htobe32(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES);

	return receive_all(fd, &hello, sizeof(hello)) && be64toh(hello.server) == MAGIC_SERVER &&
	       be64toh(hello.option) == MAGIC_OPTION &&
	       (be16toh(hello.flags) & FLAG_FIXED_NEWSTYLE) && send_all(fd, &flags, sizeof(flags));
}

static bool send_go(int fd, const char *name)
{
	uint32_t length = strlen(name);
	struct nbd_option option = {
		.magic = htobe64(MAGIC_OPTION),
		.option = htobe32(OPTION_GO),
		.bytes = htobe32(4 + length + 2),
	};
	uint32_t name_bytes = htobe32(length);
	uint16_t infos = 0;

	return send_all(fd, &option, sizeof(option)) &&
	       send_all(fd, &name_bytes, sizeof(name_bytes)) && send_all(fd, name, length) &&
	       send_all(fd, &infos, sizeof(infos));
}

int nbd_negotiate(int fd, const char *name, uint64_t *bytes, const char **reason)
{
	uint8_t data[MOST_REPLY_BYTES];
	bool has_size = false;

	*reason = "it ended at once";
	if (!greet(fd) || !send_go(fd, name))
		return -1;
	for (;;) {
		struct nbd_option_reply reply;
		uint16_t info;

		*reason = "it does not speak NBD as it should";
		if (!receive_all(fd, &reply, sizeof(reply)) ||
		    be64toh(reply.magic) != MAGIC_OPTION_REPLY ||
		    be32toh(reply.bytes) > sizeof(data) ||
		    !receive_all(fd, data, be32toh(reply.bytes)))
			return -1;
		if (be32toh(reply.type) & REPLY_IS_ERROR)
			return -1;
		if (be32toh(reply.type) == REPLY_ACK)
			return has_size ? 0 : -1;
		if (be32toh(reply.type) != REPLY_INFO || be32toh(reply.bytes) < 2)
			continue;
		memcpy(&info, data, sizeof(info));
		if (be16toh(info) == INFO_EXPORT && be32toh(reply.bytes) >= 12) {
			memcpy(bytes, data + 2, sizeof(*bytes));
			*bytes = be64toh(*bytes);
			has_size = true;
		}
	}
}

/* ---- the end ---- */

static struct block_request *concat(struct block_request *first, struct block_request *second)
{
	struct block_request **end = &first;

	while (*end)
		end = &(*end)->next;
	*end = second;
	return first;
}

/* The server is gone: nobody answers any more. */
static void die(struct nbd *nbd)
{
	struct block_request *list;
	bool tell;

	pthread_mutex_lock(&nbd->lock);
	tell = !nbd->is_dead && !nbd->quit;
	nbd->is_dead = true;
	list = concat(nbd->sent, nbd->unsent);
	nbd->sent = NULL;
	nbd->unsent = NULL;
	nbd->unsent_end = &nbd->unsent;
	pthread_cond_broadcast(&nbd->changed);
	pthread_mutex_unlock(&nbd->lock);

	if (tell)
		nbd->lost(nbd->context);
	while (list) {
		struct block_request *request = list;

		list = request->next;
		request->next = NULL;
		block_finish(request, -EIO);
	}
}

/* ---- sending ---- */

static uint16_t command_of(const struct block_request *request)
{
	switch (request->op) {
	case BLOCK_READ:
		return COMMAND_READ;
	case BLOCK_WRITE:
		return COMMAND_WRITE;
	case BLOCK_FLUSH:
		return COMMAND_FLUSH;
	case BLOCK_DISCARD:
		break;
	}
	return COMMAND_TRIM;
}

/*
 * The next request, which is then among the sent ones: its reply may come before its last byte
 * has left, and the request may be gone. So its message is copied here.
 */
static bool take_unsent(struct nbd *nbd, struct nbd_request *message, struct iovec *iov,
			unsigned int *count)
{
	struct block_request *request;

	pthread_mutex_lock(&nbd->lock);
	while (!nbd->unsent && !nbd->quit && !nbd->is_dead)
		pthread_cond_wait(&nbd->changed, &nbd->lock);
	request = nbd->is_dead ? NULL : nbd->unsent;
	if (request) {
		nbd->unsent = request->next;
		if (!nbd->unsent)
			nbd->unsent_end = &nbd->unsent;
		request->next = nbd->sent;
		nbd->sent = request;
		request->handle = nbd->next_handle++;
		*message = (struct nbd_request){
			.magic = htobe32(MAGIC_REQUEST),
			.flags = htobe16(request->durable ? COMMAND_FLAG_FUA : 0),
			.type = htobe16(command_of(request)),
			.handle = htobe64(request->handle),
			.offset = htobe64(request->op == BLOCK_FLUSH ? 0 : request->offset),
			.bytes = htobe32(request->op == BLOCK_FLUSH ? 0 : request->bytes),
		};
		*count = 1;
		iov[0] = (struct iovec){ .iov_base = message, .iov_len = sizeof(*message) };
		if (request->op == BLOCK_WRITE) {
			memcpy(iov + 1, request->iov, request->iov_count * sizeof(*iov));
			*count += request->iov_count;
		}
	}
	pthread_mutex_unlock(&nbd->lock);
	return request;
}

static void *sender(void *arg)
{
	struct nbd *nbd = arg;
	struct iovec iov[1 + BLOCK_IOV_MAX];
	struct nbd_request message;
	unsigned int count;

	while (take_unsent(nbd, &message, iov, &count)) {
		if (!move_vector(nbd->fd, iov, count, true)) {
			/* the receiver sees the end of the connection as well, and tells */
			shutdown(nbd->fd, SHUT_RDWR);
			break;
		}
	}
	return NULL;
}

void nbd_submit(struct nbd *nbd, struct block_request *request)
{
	bool dead;

	request->next = NULL;
	pthread_mutex_lock(&nbd->lock);
	dead = nbd->is_dead;
	if (!dead) {
		*nbd->unsent_end = request;
		nbd->unsent_end = &request->next;
		pthread_cond_signal(&nbd->changed);
	}
	pthread_mutex_unlock(&nbd->lock);
	if (dead)
		block_finish(request, -EIO);
}

/* ---- receiving ---- */

/* Which request does the server answer? NULL: none that we sent. */
static struct block_request *take_sent(struct nbd *nbd, uint64_t handle)
{
	struct block_request *found = NULL;

	pthread_mutex_lock(&nbd->lock);
	for (struct block_request **at = &nbd->sent; *at; at = &(*at)->next) {
		if ((*at)->handle != handle)
			continue;
		found = *at;
		*at = found->next;
		found->next = NULL;
		break;
	}
	pthread_mutex_unlock(&nbd->lock);
	return found;
}

/* NBD's error numbers are Linux's. An unknown one is EIO, as the protocol wants it. */
static int error_of(uint32_t error)
{
	switch (error) {
	case 0:
	case EPERM:
	case ENOMEM:
	case EINVAL:
	case ENOSPC:
	case EOVERFLOW:
	case EOPNOTSUPP:
		return -(int)error;
	}
	return -EIO;
}

static bool receive_data(struct nbd *nbd, const struct block_request *request)
{
	struct iovec iov[BLOCK_IOV_MAX];

	memcpy(iov, request->iov, request->iov_count * sizeof(*iov));
	return move_vector(nbd->fd, iov, request->iov_count, false);
}

static bool receive_reply(struct nbd *nbd)
{
	struct block_request *request;
	struct nbd_reply reply;
	int error;

	if (!receive_all(nbd->fd, &reply, sizeof(reply)) || be32toh(reply.magic) != MAGIC_REPLY)
		return false;
	request = take_sent(nbd, be64toh(reply.handle));
	if (!request)
		return false;
	error = error_of(be32toh(reply.error));
	if (!error && request->op == BLOCK_READ && !receive_data(nbd, request)) {
		die(nbd);
		block_finish(request, -EIO);
		return false;
	}
	block_finish(request, error);
	return true;
}

static void *receiver(void *arg)
{
	struct nbd *nbd = arg;

	while (receive_reply(nbd))
		;
	shutdown(nbd->fd, SHUT_RDWR);
	die(nbd);
	return NULL;
}

/* ---- life ---- */

int nbd_start(struct nbd *nbd, int fd, void (*lost)(void *context), void *context,
	      struct error *err)
{
	pthread_attr_t attr;
	int r;

	memset(nbd, 0, sizeof(*nbd));
	nbd->fd = fd;
	nbd->lost = lost;
	nbd->context = context;
	nbd->unsent_end = &nbd->unsent;
	pthread_mutex_init(&nbd->lock, NULL);
	pthread_cond_init(&nbd->changed, NULL);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(&nbd->sender, &attr, sender, nbd);
	if (r == 0) {
		r = pthread_create(&nbd->receiver, &attr, receiver, nbd);
		if (r) {
			nbd->is_dead = true;
			pthread_cond_signal(&nbd->changed);
			pthread_join(nbd->sender, NULL);
		}
	}
	pthread_attr_destroy(&attr);
	if (r)
		return error_set(err, "cannot start a thread: %s", strerror(r));
	pthread_setname_np(nbd->sender, "disk-send");
	pthread_setname_np(nbd->receiver, "disk");
	nbd->started = true;
	return 0;
}

void nbd_stop(struct nbd *nbd)
{
	const struct nbd_request goodbye = {
		.magic = htobe32(MAGIC_REQUEST),
		.type = htobe16(COMMAND_DISCONNECT),
	};

	if (!nbd->started)
		return;
	pthread_mutex_lock(&nbd->lock);
	nbd->quit = true;
	pthread_cond_broadcast(&nbd->changed);
	pthread_mutex_unlock(&nbd->lock);
	pthread_join(nbd->sender, NULL);
	send_all(nbd->fd, &goodbye, sizeof(goodbye));
	shutdown(nbd->fd, SHUT_RDWR);
	pthread_join(nbd->receiver, NULL);
	pthread_cond_destroy(&nbd->changed);
	pthread_mutex_destroy(&nbd->lock);
	nbd->started = false;
}
