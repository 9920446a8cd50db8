// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes that wait in a ring instead of exiting; string OUTs that a device cuts short. */
#include <sys/eventfd.h>

#include "api.h"

/* behind the memory of struct mini: FFFF:8010 */
#define DEVICE 0x108000

static int coalesce(int vm, uint64_t addr, uint64_t len, uint32_t flags)
{
	struct myhv_coalesce arg = { .addr = addr, .len = len, .flags = flags };

	return myhv_coalesce(vm, &arg);
}

static void arguments(void)
{
	struct myhv_coalesce arg = { .addr = 0xa0000, .len = 4096 };
	int vm = vm_open(MYHV_IRQCHIP_NONE), r = 0;

	is(coalesce(vm, 0xa0000, 0, 0), -EINVAL, "no bytes");
	is(coalesce(vm, ~0ULL - 4, 8, 0), -EINVAL, "beyond the last address");
	is(coalesce(vm, 0xffff, 2, MYHV_COALESCE_PIO), -EINVAL, "beyond the last port");
	is(coalesce(vm, 0xa0000, 1, 1U << 5), -EINVAL, "unknown flag");
	arg.pad = 1;
	is(myhv_coalesce(vm, &arg), -EINVAL, "padding");
	arg.pad = 0;
	check_sizes("COALESCE", vm, MYHV_COALESCE, &arg, sizeof(arg), 0, true);
	is(coalesce(vm, 0x5000, 16, MYHV_COALESCE_REMOVE), 0, "nothing to remove");
	for (unsigned int i = 0; !r && i < 5000; i++)
		r = coalesce(vm, 0x100000 + i * 16, 16, 0);
	is(r, -ENOSPC, "more ranges than there may be");
	is(coalesce(vm, 0, 1ULL << 40, MYHV_COALESCE_REMOVE), 0, "all of them removed");
	is(coalesce(vm, 0x100000, 16, 0), 0, "room for one again");
	close(vm); /* with a range */
}

static void ring(void)
{
	struct myhv_coalesced_ring *ring;
	struct mini m;

	/* mov $0xffff, %ax; mov %ax, %ds; mov %ax, 0x8010; mov %al, 0x8020; out %ax, $0x40;
	 * mov 0x8010, %al; hlt */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x10, 0x80, 0xa2, 0x20,
		  0x80, 0xe7, 0x40, 0xa0, 0x10, 0x80, 0xf4);
	ring = m.vcpu.coalesced;
	is(coalesce(m.vm, DEVICE, 0x11, 0), 0, "memory");
	is(coalesce(m.vm, 0x40, 2, MYHV_COALESCE_PIO), 0, "ports");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_MMIO, "a read is an exit");
	ok(!m.vcpu.exit->mmio.is_write, "it is that one");
	is(ring->first, 0, "the ring's begin");
	is(ring->last, 3, "three writes");
	is(ring->write[0].addr, DEVICE, "the first: address");
	is(ring->write[0].len, 2, "length");
	is(ring->write[0].is_port, 0, "kind");
	is(*(uint16_t *)ring->write[0].data, 0xffff, "data");
	is(ring->write[1].addr, DEVICE + 0x10, "the last byte of the range");
	is(ring->write[2].addr, 0x40, "a port");
	is(ring->write[2].is_port, 1, "kind");
	m.vcpu.exit->mmio.data[0] = 0;
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");

	/* mov %ax, 0x8020, across the range's end */
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x20, 0x80, 0xf4);
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_MMIO, "a write across its end is an exit");

	is(coalesce(m.vm, DEVICE, 0x10, MYHV_COALESCE_REMOVE), 0,
	   "remove what it is not inside of");
	is(coalesce(m.vm, 0x40, 2, MYHV_COALESCE_REMOVE), 0, "the other kind");
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x10, 0x80, 0xf4);
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "it is there still");
	is(ring->last, 4, "the write waits");
	is(coalesce(m.vm, 0, 1 << 30, MYHV_COALESCE_REMOVE), 0, "remove it");
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x10, 0x80, 0xf4);
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_MMIO, "and a write is an exit");
	mini_close(&m);
}

/* Exits until HLT. */
static unsigned int exits_of(struct mini *m, unsigned int *elements)
{
	unsigned int exits = 0;

	*elements = 0;
	while (!mini_run(m) && m->vcpu.exit->reason != MYHV_EXIT_HLT && ++exits < 1000)
		*elements += m->vcpu.exit->reason == MYHV_EXIT_IO ? m->vcpu.exit->io.count : 1;
	return exits;
}

static void full_and_broken(void)
{
	struct myhv_coalesced_ring *ring;
	unsigned int elements;
	struct mini m;

	/* mov $0xffff, %ax; mov %ax, %es; mov $0x8010, %di; mov $200, %cx; rep stosb; hlt */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb8, 0xff, 0xff, 0x8e, 0xc0, 0xbf, 0x10, 0x80, 0xb9, 200,
		  0, 0xf3, 0xaa, 0xf4);
	ring = m.vcpu.coalesced;
	is(coalesce(m.vm, DEVICE, 0x1000, 0), 0, "memory");
	is(exits_of(&m, &elements), 200 - (MYHV_COALESCED_ENTRIES - 1), "exits when it is full");
	is(ring->last, MYHV_COALESCED_ENTRIES - 1, "one place stays empty");
	ring->first = 100;
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x10, 0x80, 0xa3, 0x12, 0x80, 0xf4);
	is(exits_of(&m, &elements), 0, "there is room again");
	is(ring->last, 1, "it goes around");
	ring->last = 0x7fffffff;
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa3, 0x10, 0x80, 0xf4);
	is(exits_of(&m, &elements), 1, "rubbish in the ring: exits");
	is(ring->last, 0x7fffffff, "nobody touched it");
	mini_close(&m);
}

/* OUTS in batches, of which the kernel takes the beginning. */
static void string_out(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct myhv_ioeventfd io = { .addr = 0x40,
				     .datamatch = 0,
				     .len = 1,
				     .fd = fd,
				     .flags = MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH };
	struct myhv_coalesced_ring *ring;
	unsigned int elements;
	uint64_t signals = 0;
	struct mini m;

	/* mov $0x40, %dx; mov $0x2000, %si; mov $200, %cx; rep outsb; hlt */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xba, 0x40, 0, 0xbe, 0, 0x20, 0xb9, 200, 0, 0xf3, 0x6e,
		  0xf4);
	ring = m.vcpu.coalesced;
	for (unsigned int i = 0; i < 200; i++)
		m.ram[0x2000 + i] = i;
	is(coalesce(m.vm, 0x40, 1, MYHV_COALESCE_PIO), 0, "a port");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_IO, "the ring is full in the middle of a batch");
	is(m.vcpu.exit->io.count, 200 - (MYHV_COALESCED_ENTRIES - 1), "the rest comes out");
	is(*(uint8_t *)m.vcpu.data, MYHV_COALESCED_ENTRIES - 1, "from the first that has no room");
	is(ring->write[MYHV_COALESCED_ENTRIES - 2].data[0], MYHV_COALESCED_ENTRIES - 2,
	   "behind the last that had");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	is(coalesce(m.vm, 0x40, 1, MYHV_COALESCE_PIO | MYHV_COALESCE_REMOVE), 0, "no port");

	is(myhv_ioeventfd(m.vm, &io), 0, "an eventfd for one value");
	MINI_RESTART(&m, 0xba, 0x40, 0, 0xbe, 0, 0x20, 0xb9, 10, 0, 0xf3, 0x6e, 0xf4);
	exits_of(&m, &elements);
	is(elements, 9, "the values that nobody waits for come out");
	is(read(fd, &signals, sizeof(signals)), sizeof(signals), "a signal");
	is(signals, 1, "for the one");
	close(fd);
	mini_close(&m);
}

int main(void)
{
	arguments();
	ring();
	full_and_broken();
	string_out();
	return done_testing();
}
