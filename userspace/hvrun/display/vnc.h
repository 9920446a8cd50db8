/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -vnc: the screen for VNC viewers, by libvncserver. It runs in a thread of its own. */
#ifndef HVRUN_VNC_H
#define HVRUN_VNC_H

#include "dev/input.h"
#include "display/screen.h"
#include "error.h"

struct vnc;

/**
 * vnc_open() - begin to listen
 * @spec: ":N" or "HOST:N" (TCP port 5900 + N; without a host of this machine alone) or
 *	"unix:PATH", with ",password=on": nobody gets in before vnc_set_password()
 * @name: what viewers show in their title
 * @screen: what they see; NULL: nothing
 * @input: where keys and the mouse go; NULL: nowhere
 */
struct vnc *vnc_open(const char *spec, const char *name, const struct screen *screen,
		     const struct input_sink *input, struct error *err);

/** vnc_close() - all viewers lose their connection */
void vnc_close(struct vnc *vnc);

/** vnc_set_password() - for those who come from now on; 8 characters count. Any thread. */
int vnc_set_password(struct vnc *vnc, const char *password, struct error *err);

#endif /* HVRUN_VNC_H */
