/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a viewer and the VNC library, which waits for whoever does not read, and the other
 * viewers with it. What a slow viewer has not taken yet is kept here; one that takes nothing, or
 * lets too much come together, is sent away.
 */
#ifndef HVRUN_VNC_RELAY_H
#define HVRUN_VNC_RELAY_H

/* What waits for a viewer: some whole pictures. */
#define VNC_RELAY_BYTES (64U << 20)

/**
 * vnc_relay_start() - a thread of its own carries bytes for @viewer, a connected socket
 * @patience_ms: how long a viewer may take nothing while something waits for it
 *
 * Returns a socket in the viewer's place for the library; when it is closed, what waits is still
 * sent, and all ends by itself. -1: out of memory, descriptors or threads. @viewer is taken over
 * in both cases.
 */
int vnc_relay_start(int viewer, int patience_ms);

#endif /* HVRUN_VNC_RELAY_H */
