// SPDX-License-Identifier: GPL-2.0-or-later
/* No IDT: the first exception shuts the processor down. */
#include "guest.h"

void guest_main(void)
{
	static const struct __attribute__((packed)) {
		u16 limit;
		ulong base;
	} none = { 0, 0 };

	check(true, "before the triple fault");
	asm volatile("lidt %0; ud2" : : "m"(none));
	check(false, "behind the triple fault");
}
