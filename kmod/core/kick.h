/* SPDX-License-Identifier: GPL-2.0-only */
/* Module load and unload of core/kick.c; the rest is declared in core/vcpu.h. */
#ifndef MYHV_CORE_KICK_H
#define MYHV_CORE_KICK_H

int kick_init(void);
void kick_exit(void);

#endif /* MYHV_CORE_KICK_H */
