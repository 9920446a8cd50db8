// SPDX-License-Identifier: GPL-2.0-or-later
/* Exceptions of every kind in every protected mode. */
#include "harness.h"

static const struct guest_test tests[] = {
	{ .image = "exceptions-prot32" },
	{ .image = "exceptions-pae" },
	{ .image = "exceptions-long" },
	{ .image = "pagefault-pae" },
	{ .image = "pagefault-long" },
	{ .image = "debug-prot32" },
	{ .image = "debug-pae" },
	{ .image = "debug-long" },
	{ .image = "doublefault-long" },
	{ .image = "triplefault-prot32", .expect_shutdown = true },
	{ .image = "triplefault-pae", .expect_shutdown = true },
	{ .image = "triplefault-long", .expect_shutdown = true },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
