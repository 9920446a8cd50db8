// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's numbered memory slots on our regions, which are named by their address. shim_lock()
 * is held. The errors and their order are those of api.rst, KVM_SET_USER_MEMORY_REGION.
 */
#include <errno.h>

#include "shim.h"

#define REGION_FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)
#define MAX_SLOT_PAGES 0x7fffffffu

static long mem_op(int fd, const struct myhv_mem_op *op)
{
	struct myhv_mem_update update = { .count = 1, .ops = pointer_arg(op) };
	long r = sys_ioctl(fd, MYHV_MEM_UPDATE, &update);

	return r == -ENOENT ? -EINVAL : r;
}

static uint32_t our_flags(uint32_t kvm_flags)
{
	return (kvm_flags & KVM_MEM_READONLY ? MYHV_MEM_READONLY : 0) |
	       (kvm_flags & KVM_MEM_LOG_DIRTY_PAGES ? MYHV_MEM_LOG_DIRTY : 0);
}

static struct slot *slot_find(struct vm *vm, uint32_t nr)
{
	/* bits 31:16 are the address space, of which there is one */
	return nr < MAX_SLOTS ? &vm->slots[nr] : NULL;
}

static bool is_page_aligned(uint64_t value)
{
	return !(value & (SHIM_PAGE - 1));
}

static bool region_ok(const struct kvm_userspace_memory_region *r)
{
	return !(r->flags & ~REGION_FLAGS) && is_page_aligned(r->memory_size) &&
	       is_page_aligned(r->guest_phys_addr) && is_page_aligned(r->userspace_addr) &&
	       r->guest_phys_addr + r->memory_size >= r->guest_phys_addr &&
	       r->memory_size / SHIM_PAGE <= MAX_SLOT_PAGES;
}

static long slot_create(struct slot *slot, int fd, const struct kvm_userspace_memory_region *r)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_MAP,
		.flags = our_flags(r->flags),
		.gpa = r->guest_phys_addr,
		.bytes = r->memory_size,
		.hva = r->userspace_addr,
	};
	long ret = mem_op(fd, &op);

	if (ret == 0)
		*slot = (struct slot){
			.gpa = r->guest_phys_addr,
			.bytes = r->memory_size,
			.hva = r->userspace_addr,
			.flags = r->flags,
		};
	return ret;
}

static long slot_delete(struct slot *slot, int fd)
{
	struct myhv_mem_op op = { .op = MYHV_MEM_UNMAP, .gpa = slot->gpa, .bytes = slot->bytes };
	long ret = mem_op(fd, &op);

	if (ret == 0)
		slot->bytes = 0;
	return ret;
}

static long slot_move(struct slot *slot, int fd, uint64_t new_gpa)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_MOVE,
		.gpa = slot->gpa,
		.bytes = slot->bytes,
		.new_gpa = new_gpa,
	};
	long ret = mem_op(fd, &op);

	if (ret == 0)
		slot->gpa = new_gpa;
	return ret;
}

static long slot_reflag(struct slot *slot, int fd, uint32_t flags)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_PROTECT,
		.flags = our_flags(flags),
		.gpa = slot->gpa,
		.bytes = slot->bytes,
	};
	long ret = mem_op(fd, &op);

	if (ret == 0)
		slot->flags = flags;
	return ret;
}

static long slot_change(struct slot *slot, int fd, const struct kvm_userspace_memory_region *r)
{
	long ret = 0;

	if (r->memory_size != slot->bytes || r->userspace_addr != slot->hva ||
	    ((r->flags ^ slot->flags) & KVM_MEM_READONLY))
		return -EINVAL;
	if (r->guest_phys_addr != slot->gpa)
		ret = slot_move(slot, fd, r->guest_phys_addr);
	if (ret == 0 && r->flags != slot->flags)
		ret = slot_reflag(slot, fd, r->flags);
	return ret;
}

long slot_set(struct vm *vm, int fd, const struct kvm_userspace_memory_region *region)
{
	struct slot *slot = slot_find(vm, region->slot);

	if (!slot || !region_ok(region))
		return -EINVAL;
	if (!region->memory_size)
		return slot->bytes ? slot_delete(slot, fd) : -EINVAL;
	if (region->slot >= vm->slots_end)
		vm->slots_end = region->slot + 1;
	return slot->bytes ? slot_change(slot, fd, region) : slot_create(slot, fd, region);
}

/* ---- the dirty log ---- */

static struct slot *logged_slot(struct vm *vm, uint32_t nr)
{
	struct slot *slot = slot_find(vm, nr);

	return slot && slot->bytes && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES) ? slot : NULL;
}

long slot_dirty_get(struct vm *vm, int fd, const struct kvm_dirty_log *log)
{
	struct slot *slot = logged_slot(vm, log->slot);
	struct myhv_mem_dirty dirty;

	if (vm->dirty_ring_bytes)
		return -ENXIO;
	if (log->slot >= MAX_SLOTS)
		return -EINVAL;
	if (!slot)
		return -ENOENT;
	dirty = (struct myhv_mem_dirty){
		.op = vm->dirty_log_manual ? MYHV_DIRTY_READ : MYHV_DIRTY_HARVEST,
		.gpa = slot->gpa,
		.bytes = slot->bytes,
		.bitmap = pointer_arg(log->dirty_bitmap),
	};
	return sys_ioctl(fd, MYHV_MEM_DIRTY, &dirty);
}

long slot_dirty_clear(struct vm *vm, int fd, const struct kvm_clear_dirty_log *log)
{
	struct slot *slot = logged_slot(vm, log->slot);
	uint64_t pages, first = log->first_page, count = log->num_pages;
	struct myhv_mem_dirty dirty;

	if (vm->dirty_ring_bytes)
		return -ENXIO;
	if (log->slot >= MAX_SLOTS || first % 64)
		return -EINVAL;
	if (!slot)
		return -ENOENT;
	pages = slot->bytes / SHIM_PAGE;
	if (first > pages || count > pages - first || (count < pages - first && count % 64))
		return -EINVAL;
	if (!count)
		return 0;
	dirty = (struct myhv_mem_dirty){
		.op = MYHV_DIRTY_CLEAR,
		.gpa = slot->gpa + first * SHIM_PAGE,
		.bytes = count * SHIM_PAGE,
		.bitmap = pointer_arg(log->dirty_bitmap),
	};
	return sys_ioctl(fd, MYHV_MEM_DIRTY, &dirty);
}
