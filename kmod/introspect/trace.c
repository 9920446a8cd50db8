// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of trace.h are defined here. */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "introspect/trace.h"
