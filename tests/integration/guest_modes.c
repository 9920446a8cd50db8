// SPDX-License-Identifier: GPL-2.0-or-later
/* The processor's modes, each alone and one after the other. */
#include "harness.h"

static const struct guest_test tests[] = {
	{ .image = "hello-real" },
	{ .image = "hello-prot32" },
	{ .image = "hello-pae" },
	{ .image = "hello-long" },
	{ .image = "reset" },
	{ .image = "modes" },
	{ .image = "realio-real" },
	{ .image = "taskswitch-prot32" },
	{ .image = "taskswitch-pae" },
	{ .image = "pdptes-pae" },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
