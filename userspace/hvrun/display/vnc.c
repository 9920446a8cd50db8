// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Viewers by VNC: see vnc.h. libvncserver speaks the protocol. We listen and accept
 * ourselves, so that nobody outside is let in unasked and UNIX sockets work. The screen is
 * watched while somebody looks, and only then.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <rfb/rfb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/socket.h"
#include "display/library.h"
#include "display/typist.h"
#include "display/vnc.h"
#include "display/vnc_relay.h"
#include "keyval.h"

#define FIRST_PORT 5900
#define DISPLAYS_MAX (65535 - FIRST_PORT)
#define VIEWERS_MAX 16
#define FRAME_MS 33
/* Of the time, painting gets at most one part in so many. */
#define PAINT_SHARE 4
/*
 * A viewer that takes nothing for so long is dropped: it may be on a slow host, or stopped for a
 * while. The library has to do with its relay only, which always takes.
 */
#define PATIENCE_MS 60000
#define RELAY_PATIENCE_MS 5000
#define BACKLOG 4
#define PASSWORD_BYTES 8

#define WHEEL_UP 0x08
#define WHEEL_DOWN 0x10

/* The library's functions that are used here. */
#define VNC_FUNCTIONS(F)            \
	F(rfbGetScreen)             \
	F(rfbInitServer)            \
	F(rfbShutdownServer)        \
	F(rfbScreenCleanup)         \
	F(rfbNewClient)             \
	F(rfbNewFramebuffer)        \
	F(rfbMarkRectAsModified)    \
	F(rfbProcessEvents)         \
	F(rfbGetClientIterator)     \
	F(rfbClientIteratorNext)    \
	F(rfbReleaseClientIterator) \
	F(rfbCheckPasswordByList)   \
	F(rfbLogEnable)

struct functions {
#define POINTER(name) __typeof__(name) *name;
	VNC_FUNCTIONS(POINTER)
#undef POINTER
};

/* Two steps, so that macros like rfbInitServer are replaced by the symbol's true name. */
#define TEXT_OF(name) #name
#define SYMBOL(name) { TEXT_OF(name), offsetof(struct functions, name) },
static const struct library_symbol symbols[] = { VNC_FUNCTIONS(SYMBOL) };

/**
 * struct vnc - the display
 * @wake: eventfd: @quit was set
 * @viewers: how many; the thread's, as all that follows
 * @frame_ms: how long to wait for the next frame
 * @typist: all viewers share a keyboard and a mouse
 * @mouse_x, @mouse_y: where it was
 * @lock: @password
 */
struct vnc {
	struct functions lib;
	void *library;
	struct socket_name name;
	int listener;
	int wake;
	pthread_t thread;
	bool has_thread;
	_Atomic bool quit;
	bool wants_password;

	const struct screen *screen;
	const struct input_sink *input;
	rfbScreenInfoPtr rfb;
	struct surface surface;
	unsigned int viewers;
	int frame_ms;
	struct typist typist;
	int mouse_x;
	int mouse_y;

	pthread_mutex_t lock;
	char password[PASSWORD_BYTES + 1];
};

/* ---- from viewers ---- */

static struct vnc *vnc_of(rfbClientPtr client)
{
	return client->screen->screenData;
}

static void key_event(rfbBool down, rfbKeySym keysym, rfbClientPtr client)
{
	typist_keysym(&vnc_of(client)->typist, keysym, down);
}

static void pointer_event(int mask, int x, int y, rfbClientPtr client)
{
	struct vnc *vnc = vnc_of(client);
	unsigned int buttons = 0;
	int wheel = 0;

	if (mask & rfbButton1Mask)
		buttons |= INPUT_BUTTON_LEFT;
	if (mask & rfbButton2Mask)
		buttons |= INPUT_BUTTON_MIDDLE;
	if (mask & rfbButton3Mask)
		buttons |= INPUT_BUTTON_RIGHT;
	if (mask & WHEEL_UP)
		wheel = -1;
	else if (mask & WHEEL_DOWN)
		wheel = 1;
	if (vnc->input)
		vnc->input->mouse(vnc->input->dev, x - vnc->mouse_x, y - vnc->mouse_y, wheel,
				  buttons);
	vnc->mouse_x = x;
	vnc->mouse_y = y;
}

static void viewer_gone(rfbClientPtr client)
{
	struct vnc *vnc = vnc_of(client);

	if (--vnc->viewers)
		return;
	typist_let_go(&vnc->typist);
	if (vnc->screen)
		vnc->screen->watch(vnc->screen->dev, false);
}

static enum rfbNewClientAction viewer_comes(rfbClientPtr client)
{
	struct vnc *vnc = vnc_of(client);

	client->clientGoneHook = viewer_gone;
	if (!vnc->viewers++ && vnc->screen)
		vnc->screen->watch(vnc->screen->dev, true);
	return RFB_CLIENT_ACCEPT;
}

static rfbBool check_password(rfbClientPtr client, const char *answer, int bytes)
{
	struct vnc *vnc = vnc_of(client);
	char password[PASSWORD_BYTES + 1];
	char *list[] = { password, NULL };
	rfbBool good;

	pthread_mutex_lock(&vnc->lock);
	memcpy(password, vnc->password, sizeof(password));
	pthread_mutex_unlock(&vnc->lock);
	if (!*password)
		return FALSE;
	client->screen->authPasswdData = list;
	good = vnc->lib.rfbCheckPasswordByList(client, answer, bytes);
	client->screen->authPasswdData = vnc->password;
	return good;
}

/* ---- to viewers ---- */

/* The library forgets the order of colours with every new frame buffer. */
static void set_pixel_format(struct vnc *vnc)
{
	rfbClientIteratorPtr iterator;
	rfbClientPtr client;

	vnc->rfb->serverFormat.redShift = 16;
	vnc->rfb->serverFormat.greenShift = 8;
	vnc->rfb->serverFormat.blueShift = 0;
	iterator = vnc->lib.rfbGetClientIterator(vnc->rfb);
	while ((client = vnc->lib.rfbClientIteratorNext(iterator)))
		vnc->rfb->setTranslateFunction(client);
	vnc->lib.rfbReleaseClientIterator(iterator);
}

static void show_changes(struct vnc *vnc)
{
	struct damage damage;

	if (!vnc->screen)
		return;
	vnc->screen->update(vnc->screen->dev, &vnc->surface, &damage);
	if ((char *)vnc->surface.pixels != vnc->rfb->frameBuffer) {
		vnc->lib.rfbNewFramebuffer(vnc->rfb, (char *)vnc->surface.pixels,
					   vnc->surface.width, vnc->surface.height, 8, 3, 4);
		set_pixel_format(vnc);
	}
	if (damage.x0 < damage.x1)
		vnc->lib.rfbMarkRectAsModified(vnc->rfb, damage.x0, damage.y0, damage.x1,
					       damage.y1);
}

static void accept_viewer(struct vnc *vnc)
{
	int fd = socket_accept(vnc->listener);

	if (fd < 0)
		return;
	fd = vnc_relay_start(fd, PATIENCE_MS);
	if (fd < 0)
		return;
	/* the library waits by select(2) */
	if (fd >= FD_SETSIZE || vnc->viewers >= VIEWERS_MAX) {
		close(fd);
		return;
	}
	vnc->lib.rfbNewClient(vnc->rfb, fd);
}

/* Until a viewer has sent something, somebody calls, or it is time for a frame. */
static void wait_for_something(struct vnc *vnc)
{
	struct pollfd fds[2 + VIEWERS_MAX] = {
		{ .fd = vnc->wake, .events = POLLIN },
		{ .fd = vnc->listener, .events = POLLIN },
	};
	rfbClientIteratorPtr iterator = vnc->lib.rfbGetClientIterator(vnc->rfb);
	rfbClientPtr client;
	nfds_t count = 2;

	while ((client = vnc->lib.rfbClientIteratorNext(iterator)) && count < 2 + VIEWERS_MAX)
		fds[count++] = (struct pollfd){ .fd = client->sock, .events = POLLIN };
	vnc->lib.rfbReleaseClientIterator(iterator);

	if (poll(fds, count, vnc->viewers ? vnc->frame_ms : -1) < 0)
		return;
	if (fds[1].revents)
		accept_viewer(vnc);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A large picture on a slow host takes long to paint: then there are fewer of them. */
static void paint(struct vnc *vnc)
{
	int64_t start = now_ms(), wait;

	show_changes(vnc);
	wait = (now_ms() - start) * (PAINT_SHARE - 1);
	vnc->frame_ms = wait > FRAME_MS ? wait : FRAME_MS;
}

static void *vnc_thread(void *context)
{
	struct vnc *vnc = context;

	while (!atomic_load(&vnc->quit)) {
		wait_for_something(vnc);
		if (vnc->viewers)
			paint(vnc);
		vnc->lib.rfbProcessEvents(vnc->rfb, 0);
	}
	return NULL;
}

/* ---- making it ---- */

/* "HOST:N" is cut at its colon. */
static int parse_display(struct vnc *vnc, const char *place, struct error *err)
{
	const char *colon = strrchr(place, ':');
	char host[128], *end;
	unsigned long number;

	if (!strncmp(place, "unix:", 5))
		return socket_name_unix(&vnc->name, place + 5, err);
	if (!colon || (size_t)(colon - place) >= sizeof(host))
		return error_set(err, "-vnc '%.80s': write :N, HOST:N or unix:PATH", place);
	memcpy(host, place, colon - place);
	host[colon - place] = 0;
	number = strtoul(colon + 1, &end, 10);
	if (!colon[1] || *end || number > DISPLAYS_MAX)
		return error_set(err, "-vnc '%.80s': '%s' is no display from 0 to %d", place,
				 colon + 1, DISPLAYS_MAX);
	return socket_name_tcp(&vnc->name, host, FIRST_PORT + number, err);
}

static int parse(struct vnc *vnc, const char *spec, struct error *err)
{
	struct keyval keyval;
	const char *place;

	if (keyval_parse(&keyval, "vnc", "display", spec, err) < 0)
		return -1;
	place = keyval_get(&keyval, "display");
	if (keyval_get_bool(&keyval, "password", &vnc->wants_password, err) < 0 ||
	    keyval_finish(&keyval, err) < 0)
		return -1;
	return parse_display(vnc, place ? place : "", err);
}

static int make_server(struct vnc *vnc, const char *name, struct error *err)
{
	int argc = 0;

	if (vnc->screen)
		vnc->screen->snapshot(vnc->screen->dev, &vnc->surface);
	if (!vnc->surface.pixels && !surface_resize(&vnc->surface, 640, 480))
		return error_set(err, "out of memory");
	vnc->lib.rfbLogEnable(FALSE);
	vnc->rfb = vnc->lib.rfbGetScreen(&argc, NULL, vnc->surface.width, vnc->surface.height, 8, 3,
					 4);
	if (!vnc->rfb)
		return error_set(err, "libvncserver cannot make a screen");
	vnc->rfb->screenData = vnc;
	vnc->rfb->desktopName = name;
	vnc->rfb->frameBuffer = (char *)vnc->surface.pixels;
	vnc->rfb->port = 0;
	vnc->rfb->ipv6port = 0;
	vnc->rfb->cursor = NULL; /* the guest's is in the picture */
	vnc->rfb->alwaysShared = TRUE;
	vnc->rfb->maxClientWait = RELAY_PATIENCE_MS;
	vnc->rfb->deferUpdateTime = 0;
	vnc->rfb->kbdAddEvent = key_event;
	vnc->rfb->ptrAddEvent = pointer_event;
	vnc->rfb->newClientHook = viewer_comes;
	if (vnc->wants_password) {
		/* that it is there makes the library ask */
		vnc->rfb->authPasswdData = vnc->password;
		vnc->rfb->authPasswdFirstViewOnly = 1;
		vnc->rfb->passwordCheck = check_password;
	}
	vnc->lib.rfbInitServer(vnc->rfb);
	set_pixel_format(vnc);
	return 0;
}

static int start(struct vnc *vnc, const char *spec, const char *name, struct error *err)
{
	int r;

	if (parse(vnc, spec, err) < 0)
		return -1;
	vnc->library = library_load("libvncserver.so.1", "libvncserver1", symbols,
				    sizeof(symbols) / sizeof(symbols[0]), &vnc->lib, err);
	if (!vnc->library || make_server(vnc, name, err) < 0)
		return -1;
	vnc->listener = socket_listen(&vnc->name, BACKLOG, err);
	if (vnc->listener < 0)
		return -1;
	vnc->wake = eventfd(0, EFD_CLOEXEC);
	if (vnc->wake < 0)
		return error_set(err, "cannot make an eventfd: %s", strerror(errno));
	r = pthread_create(&vnc->thread, NULL, vnc_thread, vnc);
	if (r)
		return error_set(err, "cannot start a thread: %s", strerror(r));
	vnc->has_thread = true;
	pthread_setname_np(vnc->thread, "vnc");
	return 0;
}

struct vnc *vnc_open(const char *spec, const char *name, const struct screen *screen,
		     const struct input_sink *input, struct error *err)
{
	struct vnc *vnc = calloc(1, sizeof(*vnc));

	if (!vnc) {
		error_set(err, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&vnc->lock, NULL);
	vnc->listener = -1;
	vnc->wake = -1;
	vnc->screen = screen;
	vnc->input = input;
	vnc->typist.sink = input;
	if (start(vnc, spec, name, err) < 0) {
		vnc_close(vnc);
		return NULL;
	}
	return vnc;
}

static void stop_thread(struct vnc *vnc)
{
	uint64_t one = 1;

	if (!vnc->has_thread)
		return;
	atomic_store(&vnc->quit, true);
	if (write(vnc->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(vnc->thread, NULL);
}

void vnc_close(struct vnc *vnc)
{
	if (!vnc)
		return;
	stop_thread(vnc);
	if (vnc->listener >= 0) {
		close(vnc->listener);
		socket_forget(&vnc->name);
	}
	if (vnc->wake >= 0)
		close(vnc->wake);
	if (vnc->rfb) {
		vnc->lib.rfbShutdownServer(vnc->rfb, TRUE);
		vnc->rfb->frameBuffer = NULL;
		vnc->lib.rfbScreenCleanup(vnc->rfb);
	}
	surface_free(&vnc->surface);
	if (vnc->library)
		dlclose(vnc->library);
	pthread_mutex_destroy(&vnc->lock);
	free(vnc);
}

int vnc_set_password(struct vnc *vnc, const char *password, struct error *err)
{
	if (!vnc->wants_password)
		return error_set(err, "VNC was started without password=on");
	if (!*password)
		return error_set(err, "an empty password would let everybody in");
	pthread_mutex_lock(&vnc->lock);
	memset(vnc->password, 0, sizeof(vnc->password));
	strncpy(vnc->password, password, PASSWORD_BYTES);
	pthread_mutex_unlock(&vnc->lock);
	return 0;
}
