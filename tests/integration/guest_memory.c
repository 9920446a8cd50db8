// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest memory that is read-only, comes, goes and changes while the guest runs. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define READONLY 0x2000000
#define MOVING 0x3000000
#define AREA_BYTES 0x200000

static uint8_t *readonly, *first, *second;
static uint32_t written;

static void setup(struct guest *g)
{
	static const uint8_t code[] = { 0xb8, 0x34, 0x12, 0, 0, 0xc3 };
	const uint32_t word = 0x600dda7a;

	readonly = map_anonymous(AREA_BYTES);
	first = map_anonymous(AREA_BYTES);
	second = map_anonymous(AREA_BYTES);
	memcpy(readonly + 0x10, &word, 4);
	memcpy(readonly + 0x100, code, sizeof(code));
	is(hv_map(g->hv, READONLY, readonly, AREA_BYTES, true), 0, "mapping read-only memory");
	*(uint32_t *)first = 0x11111111;
	*(uint32_t *)second = 0x33333333;
	written = 0;
}

/* Another page at the same address of the process, by mremap over it. */
static void replace_page(void)
{
	uint8_t *page = map_anonymous(4096);

	*(uint32_t *)page = 0x44444444;
	if (mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, second) != second)
		bail_out("mremap failed");
}

static void fork_and_write(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		usleep(1000);
		_exit(0);
	}
	*(volatile uint32_t *)second = 0x66666666;
	waitpid(pid, &status, 0);
}

static uint32_t call(struct guest *g, uint32_t number, uint32_t arg)
{
	switch (number) {
	case CALL_TEST + 1: return written;
	case CALL_TEST + 2: is(hv_map(g->hv, MOVING, first, AREA_BYTES, false), 0, "map"); break;
	case CALL_TEST + 3:
		is(hv_unmap(g->hv, MOVING), 0, "unmap");
		is(hv_map(g->hv, MOVING, second, AREA_BYTES, false), 0, "map other memory");
		break;
	case CALL_TEST + 4: replace_page(); break;
	case CALL_TEST + 5: madvise(second, AREA_BYTES, MADV_DONTNEED); break;
	case CALL_TEST + 6: return *(volatile uint32_t *)second;
	case CALL_TEST + 7: fork_and_write(); break;
	case CALL_TEST + 8: is(hv_unmap(g->hv, MOVING), 0, "unmap"); break;
	}
	return 0;
}

static bool handle(struct guest *g, struct hv_exit *e)
{
	if (e->reason == HV_MMIO && e->is_write && e->address == READONLY + 0x10) {
		memcpy(&written, e->data, 4);
		return true;
	}
	return false;
}

static void finish(struct guest *g)
{
	ok(*(uint32_t *)(readonly + 0x10) == 0x600dda7a, "read-only memory was not written");
	munmap(readonly, AREA_BYTES);
	munmap(first, AREA_BYTES);
	munmap(second, AREA_BYTES);
}

static const struct guest_test tests[] = {
	{ .image = "memory-long", .setup = setup, .call = call, .exit = handle, .finish = finish },
};

int main(void)
{
	GUEST_TESTS(tests);
	return done_testing();
}
