/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MYHV_SHIM_LOG=FILE: a line for each call that the shim answers. */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H

#include "shim.h"

extern bool log_on;

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a call came to; @vcpu is of KVM_RUN, else NULL. */
void log_call(const struct object *o, int fd, const char *name, uint64_t arg, long result);

#endif /* SHIM_LOG_H */
