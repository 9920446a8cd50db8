// SPDX-License-Identifier: GPL-2.0-or-later
/* The processor's modes, each alone and one after the other. */
#include <string.h>

#include "harness.h"

/* A hypervisor may refuse task switches, but clearly. */
static bool task_switch_exit(struct guest *g, struct hv_exit *e)
{
	if (e->reason != HV_FAILED || strncmp(e->detail, "EMULATION", 9))
		return false;
	ok(true, "task switches are refused: %s", e->detail);
	g->ended = true;
	return true;
}

static const struct guest_test tests[] = {
	{ .image = "hello-real" },
	{ .image = "hello-prot32" },
	{ .image = "hello-pae" },
	{ .image = "hello-long" },
	{ .image = "reset" },
	{ .image = "modes" },
	{ .image = "realio-real" },
	{ .image = "taskswitch-prot32", .exit = task_switch_exit },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
