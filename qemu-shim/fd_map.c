// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table of two levels, descriptor to object. Readers take a reference without a lock:
 * the memory of an object is never given back, only used again for one of the same kind,
 * so that its count may be looked at at any time. A count that is 0 never rises again but in
 * object_new(); a reader that has raised it looks into the table once more.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fd_map.h"

#define CHUNK_FDS 1024u
#define MAX_CHUNKS 1024u

typedef _Atomic(struct object *) fd_entry;

static _Atomic(fd_entry *) chunks[MAX_CHUNKS];
static struct object *free_objects[NR_KINDS]; /* under shim_lock() */

static const size_t object_bytes[NR_KINDS] = {
	[KIND_SYS] = sizeof(struct object),
	[KIND_VM] = sizeof(struct vm),
	[KIND_VCPU] = sizeof(struct vcpu),
	[KIND_STATS] = sizeof(struct stats),
};

/* ---- objects ---- */

struct object *object_new(enum shim_kind kind)
{
	struct object *o;

	shim_lock();
	o = free_objects[kind];
	if (o)
		free_objects[kind] = o->next_free;
	shim_unlock();
	if (!o)
		o = calloc(1, object_bytes[kind]);
	if (!o)
		return NULL;
	o->kind = kind;
	atomic_store(&o->refs, 1);
	return o;
}

void object_get(struct object *o)
{
	atomic_fetch_add(&o->refs, 1);
}

static void vm_free(struct vm *vm)
{
	free(vm->slots);
	vm->slots = NULL;
	vm->irqchip = MYHV_IRQCHIP_NONE;
	vm->exception_payload = false;
	vm->triple_fault_event = false;
	vm->dirty_log_manual = false;
	vm->x2apic_api = 0;
	vm->slots_end = 0;
	vm->nr_vcpus = 0;
	vm->max_vcpu_ids = 0;
	vm->dirty_ring_bytes = 0;
}

void vcpu_link(struct vcpu *vcpu)
{
	shim_lock();
	vcpu->next = vcpu->vm->vcpus;
	vcpu->vm->vcpus = vcpu;
	shim_unlock();
}

static void vcpu_unlink(struct vcpu *vcpu)
{
	struct vcpu **link;

	shim_lock();
	for (link = &vcpu->vm->vcpus; *link; link = &(*link)->next)
		if (*link == vcpu) {
			*link = vcpu->next;
			break;
		}
	dirty_ring_destroy(vcpu);
	shim_unlock();
}

static void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_bytes);
	vcpu->run = NULL;
	vcpu->answer = MYHV_EXIT_NONE;
	if (vcpu->vm) {
		vcpu_unlink(vcpu);
		object_put(&vcpu->vm->base);
	}
	vcpu->vm = NULL;
}

void object_put(struct object *o)
{
	if (atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	if (o->kind == KIND_VM)
		vm_free((struct vm *)o);
	if (o->kind == KIND_VCPU)
		vcpu_free((struct vcpu *)o);
	if (o->kind == KIND_STATS)
		stats_free((struct stats *)o);
	shim_lock();
	o->next_free = free_objects[o->kind];
	free_objects[o->kind] = o;
	shim_unlock();
}

/* ---- descriptors ---- */

static fd_entry *entry_of(unsigned int fd)
{
	fd_entry *chunk;

	if (fd / CHUNK_FDS >= MAX_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&chunks[fd / CHUNK_FDS], memory_order_acquire);
	return chunk ? &chunk[fd % CHUNK_FDS] : NULL;
}

static bool ref_unless_free(struct object *o)
{
	unsigned int refs = atomic_load_explicit(&o->refs, memory_order_relaxed);

	while (refs)
		if (atomic_compare_exchange_weak(&o->refs, &refs, refs + 1))
			return true;
	return false;
}

struct object *fd_get(int fd)
{
	fd_entry *entry = entry_of(fd);
	struct object *o;

	if (!entry)
		return NULL;
	for (;;) {
		o = atomic_load(entry);
		if (!o)
			return NULL;
		if (!ref_unless_free(o))
			continue; /* being closed: the entry was emptied before */
		if (atomic_load(entry) == o)
			return o;
		object_put(o);
	}
}

static int chunk_make(unsigned int nr)
{
	fd_entry *chunk = calloc(CHUNK_FDS, sizeof(*chunk)), *none = NULL;

	if (!chunk)
		return -ENOMEM;
	if (!atomic_compare_exchange_strong(&chunks[nr], &none, chunk))
		free(chunk); /* another thread was first */
	return 0;
}

/*
 * A child of vfork() has the parent's memory, and descriptors of its own: what it closes stays open
 * in the parent. (It may do little else; a child of fork() has a table of its own.)
 */
static pid_t owner; /* 0: none yet, other libraries begin */

static bool table_is_ours(void)
{
	return !owner || getpid() == owner;
}

static void take_table(void)
{
	owner = getpid();
}

__attribute__((constructor)) static void begin(void)
{
	take_table();
	pthread_atfork(NULL, NULL, take_table);
}

int fd_assign(int fd, struct object *o)
{
	unsigned int nr = (unsigned int)fd / CHUNK_FDS;
	struct object *old;
	int r;

	if (!table_is_ours())
		return 0;
	if (nr >= MAX_CHUNKS)
		return -EMFILE;
	if (!entry_of(fd)) {
		r = chunk_make(nr);
		if (r)
			return r;
	}
	object_get(o);
	old = atomic_exchange(entry_of(fd), o);
	if (old)
		object_put(old); /* its descriptor was closed behind our back */
	return 0;
}

void fd_clear(int fd)
{
	fd_entry *entry = entry_of(fd);
	struct object *old;

	if (!entry || !atomic_load_explicit(entry, memory_order_relaxed) || !table_is_ours())
		return;
	old = atomic_exchange(entry, NULL);
	if (old)
		object_put(old);
}

void fd_clear_range(unsigned int first, unsigned int last)
{
	for (unsigned int nr = first / CHUNK_FDS; nr < MAX_CHUNKS && nr <= last / CHUNK_FDS; nr++) {
		if (!atomic_load(&chunks[nr]))
			continue;
		for (unsigned int fd = nr * CHUNK_FDS; fd < (nr + 1) * CHUNK_FDS; fd++)
			if (fd >= first && fd <= last)
				fd_clear(fd);
	}
}
