// SPDX-License-Identifier: GPL-2.0-or-later
/* libmyhv: the VM descriptor: memory, interrupts, chips. */
#include <string.h>

#include "call.h"
#include "libmyhv.h"

int myhv_vm_create(int sys, uint32_t irqchip, uint32_t flags, const char *name)
{
	struct myhv_vm_create arg = { .flags = flags, .irqchip = irqchip };
	size_t length = name ? strlen(name) : 0;

	if (length >= sizeof(arg.name))
		return -EINVAL;
	if (length)
		memcpy(arg.name, name, length);
	return call(sys, MYHV_VM_CREATE, &arg);
}

int myhv_mem_update(int vm, const struct myhv_mem_op *ops, uint32_t count)
{
	struct myhv_mem_update arg = { .count = count, .ops = pointer_arg(ops) };

	return call(vm, MYHV_MEM_UPDATE, &arg);
}

int myhv_mem_map(int vm, uint64_t gpa, void *hva, uint64_t bytes, uint32_t flags)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_MAP,
		.flags = flags,
		.gpa = gpa,
		.bytes = bytes,
		.hva = pointer_arg(hva),
	};

	return myhv_mem_update(vm, &op, 1);
}

int myhv_mem_unmap(int vm, uint64_t gpa, uint64_t bytes)
{
	struct myhv_mem_op op = { .op = MYHV_MEM_UNMAP, .gpa = gpa, .bytes = bytes };

	return myhv_mem_update(vm, &op, 1);
}

int myhv_mem_dirty(int vm, uint32_t op, uint64_t gpa, uint64_t bytes, void *bitmap)
{
	struct myhv_mem_dirty arg = {
		.op = op,
		.gpa = gpa,
		.bytes = bytes,
		.bitmap = pointer_arg(bitmap),
	};

	return call(vm, MYHV_MEM_DIRTY, &arg);
}

int myhv_irq_line(int vm, uint32_t gsi, int level)
{
	struct myhv_irq_line arg = { .gsi = gsi, .level = !!level };
	int r = call(vm, MYHV_IRQ_LINE, &arg);

	return r < 0 ? r : arg.status > 0;
}

int myhv_irq_msi(int vm, uint64_t address, uint32_t data)
{
	struct myhv_msi msi = { .address = address, .data = data };

	return call(vm, MYHV_IRQ_MSI, &msi);
}

int myhv_irq_routing(int vm, const struct myhv_irq_route *routes, uint32_t count)
{
	struct myhv_irq_routing arg = { .count = count, .routes = pointer_arg(routes) };

	return call(vm, MYHV_IRQ_ROUTING, &arg);
}

int myhv_irqfd(int vm, const struct myhv_irqfd *irqfd)
{
	return call(vm, MYHV_IRQFD, irqfd);
}

int myhv_ioeventfd(int vm, const struct myhv_ioeventfd *ioeventfd)
{
	return call(vm, MYHV_IOEVENTFD, ioeventfd);
}

int myhv_coalesce(int vm, const struct myhv_coalesce *zone)
{
	return call(vm, MYHV_COALESCE, zone);
}

int myhv_chip_get(int vm, uint32_t which, struct myhv_chip *chip)
{
	memset(chip, 0, sizeof(*chip));
	chip->chip = which;
	return call(vm, MYHV_CHIP_GET, chip);
}

int myhv_chip_set(int vm, const struct myhv_chip *chip)
{
	return call(vm, MYHV_CHIP_SET, chip);
}
