// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_CAP_DIRTY_LOG_RING: a ring for each vCPU, which the client maps, of the pages that the vCPU
 * has made dirty. The module keeps the list; it goes into the ring whenever KVM_RUN returns, and
 * KVM_RESET_DIRTY_RINGS has the pages that the client is done with watched again.
 *
 * The module's limit leaves room for what one exit may add: no page waits outside of the
 * ring for a vCPU that has stopped. shim_lock() guards the rings' ends and the slots.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "shim.h"

#define RESERVED 64u /* entries for what comes after the limit, as MYHV_VCPU_DIRTY_LIST has it */
#define WORD_PAGES 64u

static uint32_t nr_entries(const struct vm *vm)
{
	return vm->dirty_ring_bytes / sizeof(struct kvm_dirty_gfn);
}

static uint32_t soft_limit(const struct vm *vm)
{
	return nr_entries(vm) - RESERVED;
}

long dirty_ring_enable(struct vm *vm, uint64_t bytes)
{
	if (!bytes || (bytes & (bytes - 1)) || bytes < SHIM_PAGE)
		return -EINVAL;
	if (bytes > DIRTY_RING_MAX_BYTES)
		return -E2BIG;
	if (vm->dirty_ring_bytes || vm->nr_vcpus)
		return -EINVAL;
	vm->dirty_ring_bytes = bytes;
	return 0;
}

/* The module's list: up to @count of it; from now on it ends a run when it has @limit pages. */
static long list_take(int fd, uint64_t *pages, uint32_t *count, uint32_t limit)
{
	struct myhv_dirty_list list = {
		.count = *count,
		.limit = limit,
		.pages = pointer_arg(pages),
	};
	long r = sys_ioctl(fd, MYHV_VCPU_DIRTY_LIST, &list);

	*count = list.count;
	return r;
}

long dirty_ring_create(struct vcpu *vcpu, int fd)
{
	uint32_t none = 0;
	void *p;

	if (!vcpu->vm->dirty_ring_bytes)
		return 0;
	p = pages_alloc_shared(vcpu->vm->dirty_ring_bytes);
	if (!p)
		return -ENOMEM;
	vcpu->dirty = p;
	vcpu->dirty_next = vcpu->dirty_reset = 0;
	return list_take(fd, NULL, &none, soft_limit(vcpu->vm));
}

void dirty_ring_destroy(struct vcpu *vcpu)
{
	if (vcpu->dirty)
		munmap(vcpu->dirty, vcpu->vm->dirty_ring_bytes);
	vcpu->dirty = NULL;
}

/* ---- filling ---- */

static bool entry_of(const struct vm *vm, uint64_t gpa, struct kvm_dirty_gfn *entry)
{
	const struct slot *slot;

	for (uint32_t i = 0; i < vm->slots_end; i++) {
		slot = &vm->slots[i];
		if (slot->bytes && gpa - slot->gpa < slot->bytes) {
			entry->slot = i;
			entry->offset = (gpa - slot->gpa) / SHIM_PAGE;
			return slot->flags & KVM_MEM_LOG_DIRTY_PAGES;
		}
	}
	return false;
}

static void push(struct vcpu *vcpu, uint64_t gpa)
{
	struct kvm_dirty_gfn found, *entry;

	/* the slot may be gone, or not watched any more */
	if (!entry_of(vcpu->vm, gpa, &found))
		return;
	entry = &vcpu->dirty[vcpu->dirty_next++ % nr_entries(vcpu->vm)];
	entry->slot = found.slot;
	entry->offset = found.offset;
	/* the client looks at the flag first */
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_DIRTY, __ATOMIC_RELEASE);
}

bool dirty_ring_is_full(const struct vcpu *vcpu)
{
	return vcpu->dirty_next - vcpu->dirty_reset >= soft_limit(vcpu->vm);
}

/* How many more pages it may get before it must stop. */
static uint32_t room_left(const struct vcpu *vcpu)
{
	uint32_t used = vcpu->dirty_next - vcpu->dirty_reset, limit = soft_limit(vcpu->vm);

	return used < limit ? limit - used : 1;
}

void dirty_ring_fill(struct vcpu *vcpu, int fd)
{
	uint64_t pages[WORD_PAGES * 8];
	uint32_t count;

	shim_lock();
	do {
		/* the limit is right when there is nothing to take, else the next round's is */
		count = sizeof(pages) / sizeof(pages[0]);
		if (list_take(fd, pages, &count, room_left(vcpu)))
			break;
		for (uint32_t i = 0; i < count; i++)
			push(vcpu, pages[i]);
	} while (count);
	shim_unlock();
}

/* ---- emptying ---- */

/* Pages of one word of a slot's log that are to be watched again. */
struct batch {
	uint32_t slot;
	uint64_t word;
	uint64_t bits;
};

static void batch_flush(struct vm *vm, int fd, struct batch *batch)
{
	const struct slot *slot = &vm->slots[batch->slot % MAX_SLOTS];
	uint64_t first = batch->word * WORD_PAGES * SHIM_PAGE;
	struct myhv_mem_dirty dirty = {
		.op = MYHV_DIRTY_CLEAR,
		.gpa = slot->gpa + first,
		.bytes = WORD_PAGES * SHIM_PAGE,
		.bitmap = pointer_arg(&batch->bits),
	};

	if (batch->bits && first < slot->bytes) {
		if (dirty.bytes > slot->bytes - first)
			dirty.bytes = slot->bytes - first;
		/* fails when it is not watched any more, which is as good */
		sys_ioctl(fd, MYHV_MEM_DIRTY, &dirty);
	}
	batch->bits = 0;
}

static long ring_reset(struct vm *vm, int fd, struct vcpu *vcpu, struct batch *batch)
{
	struct kvm_dirty_gfn *entry;
	uint64_t word;
	long count = 0;

	for (; vcpu->dirty_reset != vcpu->dirty_next; vcpu->dirty_reset++, count++) {
		entry = &vcpu->dirty[vcpu->dirty_reset % nr_entries(vm)];
		if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_RESET))
			break;
		/* the client may have written anything there: batch_flush() looks at it */
		word = entry->offset / WORD_PAGES;
		if (batch->slot != entry->slot || batch->word != word)
			batch_flush(vm, fd, batch);
		batch->slot = entry->slot;
		batch->word = word;
		batch->bits |= 1ull << (entry->offset % WORD_PAGES);
		__atomic_store_n(&entry->flags, 0, __ATOMIC_RELAXED);
	}
	return count;
}

long dirty_rings_reset(struct vm *vm, int fd)
{
	struct batch batch = { 0 };
	long count = 0;

	if (!vm->dirty_ring_bytes)
		return -EINVAL;
	shim_lock();
	for (struct vcpu *vcpu = vm->vcpus; vcpu; vcpu = vcpu->next)
		count += ring_reset(vm, fd, vcpu, &batch);
	batch_flush(vm, fd, &batch);
	shim_unlock();
	return count;
}
