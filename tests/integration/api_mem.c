// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest-physical address space: changes are all or nothing, every refusal is right. */
#include <stdio.h>

#include "api.h"

#define PAGE 4096UL
#define MIB 0x100000UL

static uint8_t *memory;
static int vm;

static struct myhv_mem_op map_op(uint64_t gpa, uint64_t bytes, void *hva)
{
	return (struct myhv_mem_op){ .op = MYHV_MEM_MAP,
				     .gpa = gpa,
				     .bytes = bytes,
				     .hva = (uintptr_t)hva };
}

static int one(struct myhv_mem_op op)
{
	return myhv_mem_update(vm, &op, 1);
}

/* With page tables of five levels a process may have 2^56 bytes, else 2^47. */
static uint64_t last_user_page(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	bool la57 = false;
	char line[4096];

	while (f && !la57 && fgets(line, sizeof(line), f))
		la57 = !strncmp(line, "flags", 5) && strstr(line, " la57");
	if (f)
		fclose(f);
	return (1ULL << (la57 ? 56 : 47)) - PAGE;
}

static void refusals(void)
{
	struct myhv_mem_op op = map_op(0, PAGE, memory);
	struct myhv_mem_update u = { .count = 1, .ops = (uintptr_t)&op };
	uint64_t bits;
	int sys = sys_open();

	myhv_prop_get(sys, MYHV_PROP_GPA_BITS, &bits);
	close(sys);

	is(one(map_op(0, 0, memory)), -EINVAL, "no bytes");
	is(one(map_op(1, PAGE, memory)), -EINVAL, "gpa not on a page");
	is(one(map_op(0, 100, memory)), -EINVAL, "size not in pages");
	is(one(map_op(0, PAGE, memory + 1)), -EINVAL, "hva not on a page");
	is(one(map_op(1ULL << bits, PAGE, memory)), -EINVAL, "gpa beyond the width");
	is(one(map_op((1ULL << bits) - PAGE, 2 * PAGE, memory)), -EINVAL, "end beyond the width");
	is(one(map_op(-PAGE, 2 * PAGE, memory)), -EINVAL, "gpa wraps");
	is(one(map_op(0, PAGE, (void *)0xffff800000000000)), -EINVAL, "hva in the kernel");
	is(one(map_op(0, 1UL << 40, (void *)last_user_page())), -EINVAL, "hva's end in the kernel");
	op.op = 4;
	is(one(op), -EINVAL, "unknown operation");
	op = map_op(0, PAGE, memory);
	op.flags = 4;
	is(one(op), -EINVAL, "unknown flag");
	op = map_op(0, PAGE, memory);
	op.new_gpa = PAGE;
	is(one(op), -EINVAL, "new_gpa without MOVE");
	op = (struct myhv_mem_op){ .op = MYHV_MEM_UNMAP, .bytes = PAGE };
	is(one(op), -ENOENT, "unmap of nothing");
	op.op = MYHV_MEM_PROTECT;
	is(one(op), -ENOENT, "protect of nothing");
	op.op = MYHV_MEM_MOVE;
	op.new_gpa = MIB;
	is(one(op), -ENOENT, "move of nothing");

	op = map_op(0, PAGE, memory);
	u.count = 0;
	is(ioc(vm, MYHV_MEM_UPDATE, &u), -EINVAL, "no operations");
	u.count = 4097;
	is(ioc(vm, MYHV_MEM_UPDATE, &u), -EINVAL, "too many operations");
	u.count = 1;
	u.flags = 1;
	is(ioc(vm, MYHV_MEM_UPDATE, &u), -EINVAL, "flags must be 0");
	u.flags = 0;
	u.ops = (uintptr_t)BAD_POINTER;
	is(ioc(vm, MYHV_MEM_UPDATE, &u), -EFAULT, "bad pointer to the operations");
	u.ops = (uintptr_t)&op;
	check_sizes("MEM_UPDATE", vm, MYHV_MEM_UPDATE, &u, sizeof(u), 0, false);
}

static void overlaps(void)
{
	is(one(map_op(4 * MIB, MIB, memory)), 0, "map 4..5 MiB");
	is(one(map_op(4 * MIB, MIB, memory)), -EEXIST, "the same again");
	is(one(map_op(5 * MIB - PAGE, PAGE, memory)), -EEXIST, "its last page");
	is(one(map_op(4 * MIB - PAGE, 2 * PAGE, memory)), -EEXIST, "over its start");
	is(one(map_op(3 * MIB, 3 * MIB, memory)), -EEXIST, "around it");
	is(one(map_op(5 * MIB, PAGE, memory)), 0, "behind it");
	is(one(map_op(4 * MIB - PAGE, PAGE, memory)), 0, "before it");
	is(myhv_mem_unmap(vm, 4 * MIB, MIB - PAGE), -ENOENT, "unmap of a part");
	is(myhv_mem_unmap(vm, 4 * MIB + PAGE, MIB - PAGE), -ENOENT, "unmap of another part");
	is(myhv_mem_unmap(vm, 4 * MIB, MIB), 0, "unmap of all");
	is(myhv_mem_unmap(vm, 4 * MIB, MIB), -ENOENT, "unmap twice");
	is(myhv_mem_unmap(vm, 5 * MIB, PAGE), 0, "unmap behind");
	is(myhv_mem_unmap(vm, 4 * MIB - PAGE, PAGE), 0, "unmap before");
	is(one(map_op(MIB, MIB, memory)), 0, "the same memory once");
	is(one(map_op(2 * MIB, MIB, memory)), 0, "and twice: an alias");
	is(myhv_mem_unmap(vm, MIB, MIB), 0, "unmap");
	is(myhv_mem_unmap(vm, 2 * MIB, MIB), 0, "unmap the alias");
}

static void all_or_nothing(void)
{
	struct myhv_mem_op ops[3];
	struct myhv_mem_op move = {
		.op = MYHV_MEM_MOVE, .gpa = MIB, .bytes = MIB, .new_gpa = 8 * MIB,
	};

	ops[0] = map_op(MIB, MIB, memory);
	ops[1] = map_op(2 * MIB, MIB, memory);
	ops[2] = map_op(2 * MIB, MIB, memory);
	is(myhv_mem_update(vm, ops, 3), -EEXIST, "the third of three overlaps");
	is(one(map_op(MIB, MIB, memory)), 0, "the first was not done");
	is(one(map_op(2 * MIB, MIB, memory)), 0, "nor the second");

	ops[0] = (struct myhv_mem_op){ .op = MYHV_MEM_UNMAP, .gpa = MIB, .bytes = MIB };
	ops[1] = map_op(MIB, 2 * PAGE, memory);
	is(myhv_mem_update(vm, ops, 2), 0, "in order: unmap, then map in its place");
	is(myhv_mem_unmap(vm, MIB, 2 * PAGE), 0, "it is the new one");
	ops[0] = (struct myhv_mem_op){ .op = MYHV_MEM_UNMAP, .gpa = 2 * MIB, .bytes = MIB };
	ops[1] = (struct myhv_mem_op){ .op = MYHV_MEM_UNMAP, .gpa = 3 * MIB, .bytes = MIB };
	is(myhv_mem_update(vm, ops, 2), -ENOENT, "unmap of something and nothing");
	is(myhv_mem_unmap(vm, 2 * MIB, MIB), 0, "the first was not done");

	one(map_op(MIB, MIB, memory));
	one(map_op(9 * MIB - PAGE, PAGE, memory));
	is(one(move), -EEXIST, "move onto another region");
	myhv_mem_unmap(vm, 9 * MIB - PAGE, PAGE);
	is(one(move), 0, "move");
	is(myhv_mem_unmap(vm, MIB, MIB), -ENOENT, "nothing at the old place");
	move.gpa = 8 * MIB;
	move.new_gpa = 8 * MIB + PAGE;
	is(one(move), 0, "move over its own old place");
	is(myhv_mem_unmap(vm, 8 * MIB + PAGE, MIB), 0, "it is there");
}

static void many(void)
{
	const uint64_t most = 4096; /* of one call */
	struct myhv_mem_op *ops = calloc(most, sizeof(*ops));
	uint64_t max = 0, n;
	int sys = sys_open(), ret = 0;

	myhv_prop_get(sys, MYHV_PROP_MAX_MEM_REGIONS, &max);
	close(sys);
	/* the first ones from the highest to the lowest */
	for (uint64_t first = 0; first < max && !ret; first += n) {
		n = max - first < most ? max - first : most;
		for (uint64_t i = 0; i < n; i++)
			ops[i] = map_op((first + (first ? i : n - 1 - i)) * 2 * PAGE, PAGE, memory);
		ret = myhv_mem_update(vm, ops, n);
	}
	is(ret, 0, "as many regions as the property says: %llu", (unsigned long long)max);
	is(one(map_op(1UL << 34, PAGE, memory)), -ENOSPC, "one more");
	for (uint64_t end = max; end && !ret; end -= n) {
		n = end < most ? end : most;
		for (uint64_t i = 0; i < n; i++)
			ops[i] = (struct myhv_mem_op){ .op = MYHV_MEM_UNMAP,
						       .gpa = (end - 1 - i) * 2 * PAGE,
						       .bytes = PAGE };
		ret = myhv_mem_update(vm, ops, n);
	}
	is(ret, 0, "and all away again");
	free(ops);
}

int main(void)
{
	memory = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm = vm_open(MYHV_IRQCHIP_NONE);
	refusals();
	overlaps();
	all_or_nothing();
	many();
	close(vm);
	return done_testing();
}
