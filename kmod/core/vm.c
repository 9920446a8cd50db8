// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life and death of a VM. Its descriptor, those of its vCPUs and whoever else needs it
 * longer than a call hold a reference; vCPUs live as long as the VM, so that an interrupt on
 * its way never finds one gone. Closing descriptors in any order is fine.
 */
#include <linux/idr.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "chip/chip.h"
#include "core/mem_notifier.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "host/host.h"
#include "introspect/introspect.h"

/* all VMs, for introspection and the host's power events */
static DEFINE_MUTEX(vm_list_lock);
static LIST_HEAD(vm_list);
static DEFINE_IDA(vm_ids);

void vm_get(struct myhv_vm *vm)
{
	refcount_inc(&vm->users);
}

int vm_for_each(int (*fn)(struct myhv_vm *vm, void *arg), void *arg)
{
	struct myhv_vm *vm;
	int ret = 0;

	mutex_lock(&vm_list_lock);
	list_for_each_entry(vm, &vm_list, link) {
		ret = fn(vm, arg);
		if (ret)
			break;
	}
	mutex_unlock(&vm_list_lock);
	return ret;
}

void vm_mark_broken(struct myhv_vm *vm)
{
	struct myhv_vcpu *vcpu;
	unsigned long id;

	WRITE_ONCE(vm->broken, true);
	xa_for_each(&vm->vcpus, id, vcpu)
		vcpu_request(vcpu, VCPU_REQ_DEAD);
}

u64 vm_clock_ns(struct myhv_vm *vm)
{
	return ktime_get_boottime_ns() + READ_ONCE(vm->clock_offset_ns);
}

/* ---- interrupt chips, in one piece ---- */

static void chips_destroy(struct myhv_vm *vm)
{
	if (vm->pit)
		pit_destroy(vm);
	if (vm->pic)
		pic_destroy(vm);
	if (vm->ioapic)
		ioapic_destroy(vm);
	if (vm->irq)
		irq_routes_destroy(vm);
}

/* The routes last: whoever sees vm->irq may use all of them. */
static int chips_create(struct myhv_vm *vm)
{
	int ret = 0;

	lockdep_assert_held(&vm->lock);
	if (vm->irqchip == MYHV_IRQCHIP_FULL)
		ret = pic_create(vm);
	if (!ret && vm->irqchip == MYHV_IRQCHIP_FULL)
		ret = ioapic_create(vm);
	if (!ret && (vm->flags & MYHV_VM_PIT))
		ret = pit_create(vm);
	if (!ret && vm->irqchip != MYHV_IRQCHIP_NONE)
		ret = irq_routes_create(vm);
	return ret;
}

/**
 * vm_irqchip_set() - give a VM without chips some
 * @vm: vm->lock is held
 * @irqchip: MYHV_IRQCHIP_*
 *
 * Return: 0; -EBUSY it has chips or vCPUs; -ENOMEM, and the VM is broken, since its
 * buses may know a part of them.
 */
int vm_irqchip_set(struct myhv_vm *vm, u32 irqchip)
{
	int ret;

	lockdep_assert_held(&vm->lock);
	if (vm->irqchip != MYHV_IRQCHIP_NONE || vm->nr_vcpus)
		return -EBUSY;
	vm->irqchip = irqchip;
	ret = chips_create(vm);
	if (ret)
		vm_mark_broken(vm);
	return ret;
}

/**
 * vm_pit_add() - give a VM with all chips the timer as well; vCPUs may run
 * @vm: vm->lock is held
 *
 * Return: 0; -EINVAL it has no PIC; -EBUSY it has a timer; -ENOMEM.
 */
int vm_pit_add(struct myhv_vm *vm)
{
	lockdep_assert_held(&vm->lock);
	if (vm->irqchip != MYHV_IRQCHIP_FULL)
		return -EINVAL;
	return vm->pit ? -EBUSY : pit_create(vm);
}

/* ---- creation ---- */

static int vm_publish(struct myhv_vm *vm)
{
	int ret;

	ret = ida_alloc_min(&vm_ids, 1, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret;
	vm->id = ret;
	ret = introspect_vm_add(vm);
	if (ret) {
		ida_free(&vm_ids, vm->id);
		return ret;
	}
	mutex_lock(&vm_list_lock);
	list_add_tail(&vm->link, &vm_list);
	mutex_unlock(&vm_list_lock);
	return 0;
}

static void vm_unpublish(struct myhv_vm *vm)
{
	mutex_lock(&vm_list_lock);
	list_del(&vm->link);
	mutex_unlock(&vm_list_lock);
	introspect_vm_remove(vm);
	ida_free(&vm_ids, vm->id);
}

static struct myhv_vm *vm_alloc(const struct myhv_vm_create *args)
{
	struct myhv_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	vm->irqchip = args->irqchip;
	vm->flags = args->flags;
	memcpy(vm->name, args->name, sizeof(vm->name));
	vm->pid = current->tgid;
	vm->created = ktime_get_boottime();
	vm->clock_offset_ns = -ktime_to_ns(vm->created);
	vm->pv_features = MYHV_PV_CLOCK;
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->clock.lock);
	vm->pio_bus.granule_shift = IOBUS_PIO_GRANULE;
	vm->mmio_bus.granule_shift = IOBUS_MMIO_GRANULE;
	xa_init(&vm->vcpus);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	return vm;
}

static void vm_free(struct myhv_vm *vm)
{
	mmdrop(vm->mm);
	xa_destroy(&vm->vcpus);
	kfree(vm);
}

/**
 * vm_create() - MYHV_VM_CREATE
 * @args: checked
 *
 * Return: the VM with one reference, or an ERR_PTR.
 */
struct myhv_vm *vm_create(const struct myhv_vm_create *args)
{
	struct myhv_vm *vm;
	int ret;

	vm = vm_alloc(args);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	ret = host_power_get();
	if (ret)
		goto free_vm;
	ret = init_srcu_struct(&vm->srcu);
	if (ret)
		goto power_put;
	ret = memslots_init(vm);
	if (ret)
		goto free_srcu;
	ret = slat_mmu_init(vm);
	if (ret)
		goto free_memslots;
	ret = mem_notifier_attach(vm);
	if (ret)
		goto free_slat;
	ret = backend->vm_init(vm);
	if (ret)
		goto detach;
	mutex_lock(&vm->lock);
	ret = chips_create(vm);
	mutex_unlock(&vm->lock);
	if (ret)
		goto free_chips;
	ret = eventfds_create(vm);
	if (ret)
		goto free_chips;
	ret = coalesced_init(vm);
	if (ret)
		goto free_eventfds;
	ret = vm_publish(vm);
	if (ret)
		goto free_coalesced;
	return vm;

free_coalesced:
	coalesced_destroy(vm);
free_eventfds:
	eventfds_destroy(vm);
free_chips:
	mutex_lock(&vm->lock);
	chips_destroy(vm);
	mutex_unlock(&vm->lock);
	iobus_free(&vm->pio_bus);
	iobus_free(&vm->mmio_bus);
	backend->vm_destroy(vm);
detach:
	mem_notifier_detach(vm);
free_slat:
	slat_mmu_destroy(vm);
free_memslots:
	memslots_destroy(vm);
free_srcu:
	cleanup_srcu_struct(&vm->srcu);
power_put:
	host_power_put();
free_vm:
	vm_free(vm);
	return ERR_PTR(ret);
}

/*
 * No descriptor is left. What may still raise interrupts goes first (eventfds, timers),
 * then what takes them.
 */
static void vm_destroy(struct myhv_vm *vm)
{
	struct myhv_vcpu *vcpu;
	unsigned long id;

	vm_unpublish(vm);
	eventfds_destroy(vm);
	mutex_lock(&vm->lock);
	if (vm->pit)
		pit_destroy(vm);
	vm->pit = NULL;
	xa_for_each(&vm->vcpus, id, vcpu) {
		if (vcpu->lapic)
			lapic_destroy(vcpu);
		vcpu->lapic = NULL;
	}
	chips_destroy(vm);
	mutex_unlock(&vm->lock);
	iobus_free(&vm->pio_bus);
	iobus_free(&vm->mmio_bus);
	coalesced_destroy(vm);
	mem_notifier_detach(vm);
	xa_for_each(&vm->vcpus, id, vcpu)
		vcpu_destroy(vcpu);
	backend->vm_destroy(vm);
	slat_mmu_destroy(vm);
	memslots_destroy(vm);
	msr_filter_destroy(vm);
	cleanup_srcu_struct(&vm->srcu);
	host_power_put();
	vm_free(vm);
}

void vm_put(struct myhv_vm *vm)
{
	might_sleep();
	if (refcount_dec_and_test(&vm->users))
		vm_destroy(vm);
}
