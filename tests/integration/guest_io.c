// SPDX-License-Identifier: GPL-2.0-or-later
/* Device memory and ports, by every form of instruction. */
#include "harness.h"

static const struct guest_test tests[] = {
	{ .image = "pio-prot32" },
	{ .image = "pio-pae" },
	{ .image = "pio-long" },
	{ .image = "mmio-prot32" },
	{ .image = "mmio-long" },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
