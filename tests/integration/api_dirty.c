// SPDX-License-Identifier: GPL-2.0-or-later
/* Dirty page tracking: every write of the guest is seen, once, in its page. */
#include "api.h"

#define PAGE 4096UL
#define AREA 0x400000UL /* tracked memory: 128 pages at 4 MiB */
#define PAGES 128

static uint64_t bits[PAGES / 64];

static int dirty(struct mini *m, uint32_t op, uint64_t gpa, uint64_t bytes, void *bitmap)
{
	return myhv_mem_dirty(m->vm, op, gpa, bytes, bitmap);
}

/* In big real mode by its state: FS reaches 4 GiB. EBX is where to write. */
static void write_to(struct mini *m, uint64_t gpa)
{
	static const uint8_t code[] = {
		0x67, 0x64, 0xc6, 0x03, 0x55, /* addr32 movb $0x55, %fs:(%ebx) */
		0xf4,			      /* hlt */
	};
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));

	mini_restart(m, code, sizeof(code));
	myhv_vcpu_state_get(&m->vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, s);
	s->general.gpr[MYHV_RBX] = gpa;
	s->segments.seg[MYHV_SEG_FS].base = 0;
	s->segments.seg[MYHV_SEG_FS].limit = 0xffffffff;
	s->segments.seg[MYHV_SEG_FS].attrib = 0x893;
	is(myhv_vcpu_state_set(&m->vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, s), 0,
	   "registers for a write");
	is(mini_run(m), 0, "run");
	is(m->vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	free(s);
}

static bool only(unsigned int page)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		if ((bits[i / 64] >> (i % 64) & 1) != (i == page))
			return false;
	}
	return true;
}

static bool none(void)
{
	return !bits[0] && !bits[1];
}

static void errors(struct mini *m)
{
	struct myhv_mem_dirty arg = { .op = MYHV_DIRTY_READ,
				      .gpa = AREA,
				      .bytes = PAGES * PAGE,
				      .bitmap = (uintptr_t)bits };

	is(dirty(m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, bits), -ENOENT, "not tracked yet");
	is(dirty(m, MYHV_DIRTY_START, AREA + PAGES * PAGE, PAGE, NULL), -ENOENT, "no region");
	is(dirty(m, MYHV_DIRTY_START, AREA + 1, PAGE, NULL), -EINVAL, "not on a page");
	is(dirty(m, MYHV_DIRTY_START, AREA, 0, NULL), -EINVAL, "no bytes");
	is(dirty(m, 5, AREA, PAGE, bits), -EINVAL, "unknown operation");
	arg.flags = 1;
	is(ioc(m->vm, MYHV_MEM_DIRTY, &arg), -EINVAL, "flags must be 0");
	arg.flags = 0;
	check_sizes("MEM_DIRTY", m->vm, MYHV_MEM_DIRTY, &arg, sizeof(arg), -ENOENT, true);
}

int main(void)
{
	uint8_t *area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	is(myhv_mem_map(m.vm, AREA, area, PAGES * PAGE, 0), 0, "map");
	errors(&m);
	write_to(&m, AREA + 3 * PAGE); /* mapped writable before tracking starts */
	is(dirty(&m, MYHV_DIRTY_START, AREA, PAGES * PAGE, NULL), 0, "start");
	memset(bits, 0xff, sizeof(bits));
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, bits), 0, "harvest");
	ok(none(), "nothing is dirty");
	write_to(&m, AREA + 3 * PAGE + 7);
	is(dirty(&m, MYHV_DIRTY_READ, AREA, PAGES * PAGE, bits), 0, "read");
	ok(only(3), "page 3 is dirty");
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, bits), 0, "harvest");
	ok(only(3), "still, for READ clears nothing");
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, bits), 0, "harvest");
	ok(none(), "HARVEST cleared it");
	write_to(&m, AREA + 3 * PAGE + 9);
	write_to(&m, AREA + 100 * PAGE);
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA + 64 * PAGE, 64 * PAGE, &bits[1]), 0, "a part");
	is(bits[1], 1ULL << 36, "page 100 is dirty");
	bits[0] = 0;
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA + PAGE, PAGE, bits), -EINVAL, "not from page 64 n");
	is(dirty(&m, MYHV_DIRTY_READ, AREA, PAGES * PAGE, bits), 0, "read");
	ok(only(3), "page 3 is dirty again: it was watched again");
	bits[0] = 1 << 3;
	bits[1] = 0;
	is(dirty(&m, MYHV_DIRTY_CLEAR, AREA, PAGES * PAGE, bits), 0, "clear");
	is(dirty(&m, MYHV_DIRTY_READ, AREA, PAGES * PAGE, bits), 0, "read");
	ok(none(), "cleared");
	write_to(&m, AREA + 3 * PAGE);
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, BAD_POINTER), -EFAULT, "bad bitmap");
	is(dirty(&m, MYHV_DIRTY_HARVEST, AREA, PAGES * PAGE, bits), 0, "harvest");
	ok(only(3), "what could not be told is still marked");
	is(dirty(&m, MYHV_DIRTY_STOP, AREA, PAGES * PAGE, NULL), 0, "stop");
	is(dirty(&m, MYHV_DIRTY_READ, AREA, PAGES * PAGE, bits), -ENOENT, "no longer tracked");
	write_to(&m, AREA + 5 * PAGE);
	is(area[5 * PAGE], 0x55, "the guest writes on");
	mini_close(&m);
	return done_testing();
}
