// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: an eventfd that raises a GSI, straight from the signalling thread. ioeventfd: a guest
 * write that signals an eventfd, straight from the vCPU.
 *
 * Locks: @mutex (assign, deassign, the reaper) is the outer one; the wait queue's own lock, which
 * irqfd_wakeup() runs under, is outside @lock. eventfd_signal() is called with
 * neither @lock nor any chip's lock held.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include "chip/chip.h"
#include "compat/compat.h"
#include "core/eventfd.h"
#include "core/irq_route.h"

/**
 * struct eventfd_state - all eventfds of a VM
 * @vm: the VM
 * @mutex: serializes assign, deassign and the reaper
 * @lock: guards @active and @closed
 * @active: irqfds in use
 * @closed: irqfds whose eventfd was closed; @reaper frees them
 * @resamplers: the irqfds with resample; written under @mutex, read by RCU
 * @ioeventfds: under vm->lock
 * @reaper: frees @closed
 */
struct eventfd_state {
	struct myhv_vm *vm;
	struct mutex mutex;
	spinlock_t lock;
	struct list_head active;
	struct list_head closed;
	struct hlist_head resamplers;
	struct list_head ioeventfds;
	struct work_struct reaper;
};

struct irqfd {
	struct eventfd_state *state;
	struct list_head link;
	struct hlist_node resample_link;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample; /* NULL: none */
	u32 gsi;
	bool gone; /* under state->lock: whoever sets it unlinks and frees */
	wait_queue_entry_t wait;
	poll_table poll;
};

struct ioeventfd {
	struct iodev dev;
	struct list_head link;
	struct iobus *bus;
	struct eventfd_ctx *ctx;
	u64 addr;
	u64 datamatch;
	u32 len;
	bool any_data;
};

/* ---- irqfd: signals ---- */

static void irqfd_inject(struct irqfd *irqfd)
{
	struct myhv_vm *vm = irqfd->state->vm;

	if (irqfd->resample) {
		irq_set(vm, irqfd->gsi, IRQ_SOURCE_RESAMPLE, true);
		return;
	}
	irq_set(vm, irqfd->gsi, IRQ_SOURCE_USER, true);
	irq_set(vm, irqfd->gsi, IRQ_SOURCE_USER, false);
}

/* The eventfd was signalled or closed. Its wait queue is locked, interrupts are off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	struct eventfd_state *state = irqfd->state;
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		irqfd_inject(irqfd);
	}
	if (events & EPOLLHUP) {
		spin_lock(&state->lock);
		if (!irqfd->gone) {
			irqfd->gone = true;
			list_move_tail(&irqfd->link, &state->closed);
			schedule_work(&state->reaper);
		}
		spin_unlock(&state->lock);
	}
	return 0;
}

static void irqfd_poll_add(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	add_wait_queue(queue, &container_of(poll, struct irqfd, poll)->wait);
}

/* vCPU thread, no lock held, perhaps inside a burst. */
void irqfd_resample(struct myhv_vm *vm, u32 gsi)
{
	struct eventfd_state *state = vm->eventfds;
	struct irqfd *irqfd;
	bool lowered = false;

	if (!state || hlist_empty(&state->resamplers))
		return;
	rcu_read_lock();
	hlist_for_each_entry_rcu(irqfd, &state->resamplers, resample_link) {
		if (irqfd->gsi != gsi)
			continue;
		if (!lowered)
			irq_set(vm, gsi, IRQ_SOURCE_RESAMPLE, false);
		lowered = true;
		eventfd_signal(irqfd->resample);
	}
	rcu_read_unlock();
}

/* ---- irqfd: life ---- */

static bool gsi_is_resampled(struct eventfd_state *state, u32 gsi)
{
	struct irqfd *irqfd;

	hlist_for_each_entry(irqfd, &state->resamplers, resample_link)
		if (irqfd->gsi == gsi)
			return true;
	return false;
}

/* @list was unlinked from the state; after the first step nobody wakes them any more. */
static void irqfds_free(struct eventfd_state *state, struct list_head *list)
{
	struct irqfd *irqfd, *next;
	bool resampled = false;
	u64 count;

	lockdep_assert_held(&state->mutex);
	list_for_each_entry(irqfd, list, link) {
		eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
		if (!irqfd->resample)
			continue;
		resampled = true;
		hlist_del_rcu(&irqfd->resample_link);
		if (!gsi_is_resampled(state, irqfd->gsi))
			irq_set(state->vm, irqfd->gsi, IRQ_SOURCE_RESAMPLE, false);
	}
	if (resampled)
		synchronize_rcu();
	list_for_each_entry_safe(irqfd, next, list, link) {
		eventfd_ctx_put(irqfd->ctx);
		if (irqfd->resample)
			eventfd_ctx_put(irqfd->resample);
		kfree(irqfd);
	}
}

static void reap(struct work_struct *work)
{
	struct eventfd_state *state = container_of(work, struct eventfd_state, reaper);
	LIST_HEAD(closed);

	mutex_lock(&state->mutex);
	spin_lock_irq(&state->lock);
	list_splice_init(&state->closed, &closed);
	spin_unlock_irq(&state->lock);
	irqfds_free(state, &closed);
	mutex_unlock(&state->mutex);
}

static struct irqfd *irqfd_find(struct eventfd_state *state, struct eventfd_ctx *ctx, u32 gsi)
{
	struct irqfd *irqfd;

	lockdep_assert_held(&state->lock);
	list_for_each_entry(irqfd, &state->active, link)
		if (irqfd->ctx == ctx && irqfd->gsi == gsi)
			return irqfd;
	return NULL;
}

static int irqfd_deassign(struct eventfd_state *state, const struct myhv_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct irqfd *irqfd;
	LIST_HEAD(gone);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&state->mutex);
	spin_lock_irq(&state->lock);
	irqfd = irqfd_find(state, ctx, args->gsi);
	if (irqfd) {
		irqfd->gone = true;
		list_move(&irqfd->link, &gone);
	}
	spin_unlock_irq(&state->lock);
	irqfds_free(state, &gone);
	mutex_unlock(&state->mutex);
	eventfd_ctx_put(ctx);
	return irqfd ? 0 : -ENOENT;
}

/* @irqfd is complete and @file keeps its eventfd open: from now on it can fire. */
static int irqfd_activate(struct irqfd *irqfd, struct file *file)
{
	struct eventfd_state *state = irqfd->state;
	bool taken;

	mutex_lock(&state->mutex);
	spin_lock_irq(&state->lock);
	taken = irqfd_find(state, irqfd->ctx, irqfd->gsi);
	if (!taken)
		list_add_tail(&irqfd->link, &state->active);
	spin_unlock_irq(&state->lock);
	if (taken) {
		mutex_unlock(&state->mutex);
		return -EBUSY;
	}
	if (irqfd->resample)
		hlist_add_head_rcu(&irqfd->resample_link, &state->resamplers);
	/* what was signalled before we listened is an interrupt as well */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		irqfd_inject(irqfd);
	mutex_unlock(&state->mutex);
	return 0;
}

static int irqfd_create(struct eventfd_state *state, const struct myhv_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int ret;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->state = state;
	irqfd->gsi = args->gsi;
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->poll, irqfd_poll_add);

	file = eventfd_fget(args->fd);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_free;
	}
	irqfd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->ctx)) {
		ret = PTR_ERR(irqfd->ctx);
		goto err_file;
	}
	if (args->flags & MYHV_IRQFD_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resample_fd);
		if (IS_ERR(irqfd->resample)) {
			ret = PTR_ERR(irqfd->resample);
			goto err_ctx;
		}
	}
	ret = irqfd_activate(irqfd, file);
	if (ret)
		goto err_resample;
	fput(file);
	return 0;

err_resample:
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
err_ctx:
	eventfd_ctx_put(irqfd->ctx);
err_file:
	fput(file);
err_free:
	kfree(irqfd);
	return ret;
}

int irqfd_assign(struct myhv_vm *vm, const struct myhv_irqfd *args)
{
	if (args->flags & MYHV_IRQFD_DEASSIGN)
		return irqfd_deassign(vm->eventfds, args);
	/* a line that nobody sees the end of cannot be resampled */
	if ((args->flags & MYHV_IRQFD_RESAMPLE) && vm->irqchip != MYHV_IRQCHIP_FULL)
		return -EINVAL;
	return irqfd_create(vm->eventfds, args);
}

/* ---- ioeventfd ---- */

static int ioeventfd_write(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
			   const void *data)
{
	struct ioeventfd *io = container_of(dev, struct ioeventfd, dev);
	u64 value = 0;

	if (offset || (io->len && io->len != len))
		return -EOPNOTSUPP;
	if (!io->any_data) {
		memcpy(&value, data, len);
		if (value != io->datamatch)
			return -EOPNOTSUPP;
	}
	eventfd_signal(io->ctx);
	return 0;
}

static const struct iodev_ops ioeventfd_ops = {
	.read = iodev_no_read,
	.write = ioeventfd_write,
};

/* Would one write signal both? */
static bool ioeventfds_clash(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr && (!a->len || !b->len || a->len == b->len) &&
	       (a->any_data || b->any_data || a->datamatch == b->datamatch);
}

static bool ioeventfds_equal(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr && a->len == b->len && a->ctx == b->ctx &&
	       a->any_data == b->any_data && (a->any_data || a->datamatch == b->datamatch);
}

static int ioeventfd_add(struct myhv_vm *vm, const struct ioeventfd *want)
{
	struct ioeventfd *io;
	int ret;

	list_for_each_entry(io, &vm->eventfds->ioeventfds, link)
		if (ioeventfds_clash(io, want))
			return -EEXIST;
	io = kmemdup(want, sizeof(*want), GFP_KERNEL_ACCOUNT);
	if (!io)
		return -ENOMEM;
	ret = iobus_add(vm, io->bus, io->addr, io->len, &io->dev);
	if (ret) {
		kfree(io);
		return ret;
	}
	list_add_tail(&io->link, &vm->eventfds->ioeventfds);
	return 0;
}

static int ioeventfd_remove(struct myhv_vm *vm, const struct ioeventfd *want)
{
	struct ioeventfd *io;

	list_for_each_entry(io, &vm->eventfds->ioeventfds, link) {
		if (!ioeventfds_equal(io, want))
			continue;
		iobus_remove(vm, io->bus, io->addr, &io->dev);
		list_del(&io->link);
		eventfd_ctx_put(io->ctx);
		kfree(io);
		return 0;
	}
	return -ENOENT;
}

int ioeventfd_assign(struct myhv_vm *vm, const struct myhv_ioeventfd *args)
{
	struct ioeventfd want = {
		.dev.ops = &ioeventfd_ops,
		.bus = args->flags & MYHV_IOEVENTFD_PIO ? &vm->pio_bus : &vm->mmio_bus,
		.addr = args->addr,
		.len = args->len,
		.datamatch = args->datamatch,
		.any_data = !(args->flags & MYHV_IOEVENTFD_DATAMATCH),
	};
	int ret;

	want.ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(want.ctx))
		return PTR_ERR(want.ctx);
	mutex_lock(&vm->lock);
	if (args->flags & MYHV_IOEVENTFD_DEASSIGN)
		ret = ioeventfd_remove(vm, &want);
	else
		ret = ioeventfd_add(vm, &want);
	mutex_unlock(&vm->lock);
	/* an ioeventfd that was added keeps our reference */
	if (ret || (args->flags & MYHV_IOEVENTFD_DEASSIGN))
		eventfd_ctx_put(want.ctx);
	return ret;
}

/* ---- with the VM ---- */

int eventfds_create(struct myhv_vm *vm)
{
	struct eventfd_state *state;

	state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	state->vm = vm;
	mutex_init(&state->mutex);
	spin_lock_init(&state->lock);
	INIT_LIST_HEAD(&state->active);
	INIT_LIST_HEAD(&state->closed);
	INIT_LIST_HEAD(&state->ioeventfds);
	INIT_WORK(&state->reaper, reap);
	vm->eventfds = state;
	return 0;
}

/* No vCPU runs any more, no ioctl is under way. */
void eventfds_destroy(struct myhv_vm *vm)
{
	struct eventfd_state *state = vm->eventfds;
	struct ioeventfd *io, *next;
	struct irqfd *irqfd;
	LIST_HEAD(all);

	if (!state)
		return;
	mutex_lock(&state->mutex);
	spin_lock_irq(&state->lock);
	list_for_each_entry(irqfd, &state->active, link)
		irqfd->gone = true;
	list_splice_init(&state->active, &all);
	list_splice_init(&state->closed, &all);
	spin_unlock_irq(&state->lock);
	irqfds_free(state, &all);
	mutex_unlock(&state->mutex);
	/* it may still wait for the mutex; there is nothing left for it */
	cancel_work_sync(&state->reaper);

	list_for_each_entry_safe(io, next, &state->ioeventfds, link) {
		eventfd_ctx_put(io->ctx);
		kfree(io);
	}
	vm->eventfds = NULL;
	kfree(state);
}
