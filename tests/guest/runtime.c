// SPDX-License-Identifier: GPL-2.0-or-later
/* Console, checks and the mem functions that the compiler calls; for all modes. */
#include "guest.h"

static u32 failures;

void print(const char *s)
{
	while (*s)
		outb(PORT_CONSOLE, *s++);
}

void print_hex(u64 value)
{
	int shift = 60;

	print("0x");
	while (shift > 0 && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		outb(PORT_CONSOLE, "0123456789abcdef"[(value >> shift) & 15]);
}

void check(bool good, const char *name)
{
	if (!good)
		failures++;
	print(good ? "ok " : "not ok ");
	print(name);
	print("\n");
}

void check_eq(const char *name, u64 got, u64 want)
{
	if (got == want) {
		check(true, name);
		return;
	}
	failures++;
	print("not ok ");
	print(name);
	print(": got ");
	print_hex(got);
	print(", want ");
	print_hex(want);
	print("\n");
}

void guest_exit(u32 status)
{
	for (;;) {
		outl(PORT_EXIT, status ? status : failures);
		asm volatile("hlt");
	}
}

u32 host_call(u32 number, u32 arg)
{
	outl(PORT_ARG, arg);
	outl(PORT_CALL, number);
	return inl(PORT_ARG);
}

ulong fresh_stack(void)
{
	static unsigned int n;

	return GUEST_FRESH + ++n * 0x2000 - 16;
}

bool is_tcg(void)
{
	return host_call(CALL_IS_TCG, 0);
}

void *memset(void *to, int value, ulong n)
{
	u8 *p = to;

	while (n--)
		*p++ = value;
	return to;
}

void *memcpy(void *to, const void *from, ulong n)
{
	const u8 *s = from;
	u8 *p = to;

	while (n--)
		*p++ = *s++;
	return to;
}

int memcmp(const void *a, const void *b, ulong n)
{
	const u8 *p = a, *q = b;

	for (; n--; p++, q++) {
		if (*p != *q)
			return *p < *q ? -1 : 1;
	}
	return 0;
}
