// SPDX-License-Identifier: GPL-2.0-only
/* Calls on a VM descriptor: arguments are proven here, the core gets proven values. */
#include <linux/anon_inodes.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "chip/chip.h"
#include "core/ioctl.h"
#include "core/vcpu.h"
#include "exit/exit.h"

/* ---- properties ---- */

static int vm_prop_value(struct myhv_vm *vm, u32 id, u64 *value)
{
	switch (id) {
	case MYHV_PROP_VM_ID:
		*value = vm->id;
		return 0;
	case MYHV_PROP_VM_CLOCK_NS:
		*value = vm_clock_ns(vm);
		return 0;
	case MYHV_PROP_VM_PIT_REINJECT:
		*value = vm->pit && pit_reinject_get(vm);
		return 0;
	case MYHV_PROP_VM_BSP_ID:
		*value = vm->bsp_id;
		return 0;
	case MYHV_PROP_VM_EXITS:
		*value = vm->exits_to_user;
		return 0;
	case MYHV_PROP_VM_PV:
		*value = vm->pv_features;
		return 0;
	case MYHV_PROP_VM_IRQCHIP:
		*value = vm->irqchip;
		return 0;
	case MYHV_PROP_VM_PIT:
		*value = !!vm->pit;
		return 0;
	case MYHV_PROP_VM_HIDDEN:
		*value = vm->hidden;
		return 0;
	case MYHV_PROP_VM_QUIRKS:
		*value = vm->quirks;
		return 0;
	case MYHV_PROP_VM_VCPUS:
		*value = READ_ONCE(vm->nr_vcpus);
		return 0;
	}
	return -ENOENT;
}

static long vm_prop_get(void *object, void *args)
{
	struct myhv_prop *prop = args;

	return prop->flags ? -EINVAL : vm_prop_value(object, prop->id, &prop->value);
}

static void clock_set(struct myhv_vm *vm, u64 ns)
{
	WRITE_ONCE(vm->clock_offset_ns, ns - ktime_get_boottime_ns());
	pvclock_restart(vm);
}

static int flags_set(u64 *flags, u64 value, u64 known)
{
	if (value & ~known)
		return -EINVAL;
	WRITE_ONCE(*flags, value);
	return 0;
}

static int quirks_set(struct myhv_vm *vm, u64 value)
{
	int ret;

	/* what a vCPU intercepts is settled when it is made */
	if ((value & MYHV_QUIRK_HYPERCALL) && vm->nr_vcpus && !vm->sees_ud)
		return -EBUSY;
	ret = flags_set(&vm->quirks, value,
			MYHV_QUIRK_MWAIT | MYHV_QUIRK_HYPERCALL | MYHV_QUIRK_MWAIT_BY_MSR);
	if (!ret && (value & MYHV_QUIRK_HYPERCALL))
		vm->sees_ud = true;
	return ret;
}

/* vm->lock held */
static int vm_prop_change(struct myhv_vm *vm, u32 id, u64 value)
{
	switch (id) {
	case MYHV_PROP_VM_CLOCK_NS:
		clock_set(vm, value);
		return 0;
	case MYHV_PROP_VM_PIT_REINJECT:
		if (value > 1 || !vm->pit)
			return -EINVAL;
		pit_reinject_set(vm, value);
		return 0;
	case MYHV_PROP_VM_BSP_ID:
		if (value >= MYHV_MAX_VCPU_ID)
			return -EINVAL;
		if (vm->nr_vcpus)
			return -EBUSY;
		vm->bsp_id = value;
		return 0;
	case MYHV_PROP_VM_EXITS:
		return flags_set(&vm->exits_to_user, value,
				 MYHV_VM_EXIT_HLT | MYHV_VM_EXIT_MSR | MYHV_VM_EXIT_HYPERCALL |
				 MYHV_VM_EXIT_MSR_INVALID | MYHV_VM_EXIT_MSR_FILTERED);
	case MYHV_PROP_VM_HIDDEN:
		return flags_set(&vm->hidden, value, MYHV_HIDE_PLATFORM_INFO);
	case MYHV_PROP_VM_QUIRKS:
		return quirks_set(vm, value);
	case MYHV_PROP_VM_PV:
		return flags_set(&vm->pv_features, value,
				 MYHV_PV_CLOCK | MYHV_PV_EOI | MYHV_PV_UNHALT);
	case MYHV_PROP_VM_IRQCHIP:
		if (value != MYHV_IRQCHIP_SPLIT && value != MYHV_IRQCHIP_FULL)
			return -EINVAL;
		return vm_irqchip_set(vm, value);
	case MYHV_PROP_VM_PIT:
		return value == 1 ? vm_pit_add(vm) : -EINVAL;
	}
	return vm_prop_value(vm, id, &value) ? -ENOENT : -EPERM;
}

static long vm_prop_set(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_prop *prop = args;
	long ret;

	if (prop->flags)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = vm_prop_change(vm, prop->id, prop->value);
	mutex_unlock(&vm->lock);
	return ret;
}

/* ---- vCPUs ---- */

static long vm_vcpu_create(void *object, void *args)
{
	struct myhv_vcpu_create *create = args;

	if (create->flags || create->pad || create->id >= MYHV_MAX_VCPU_ID)
		return -EINVAL;
	create->run_bytes = VCPU_RUN_PAGES * PAGE_SIZE;
	create->exit_offset = PAGE_SIZE;
	create->state_offset = 2 * PAGE_SIZE;
	create->data_offset = 3 * PAGE_SIZE;
	create->coalesced_offset = 4 * PAGE_SIZE;
	return 0;
}

/*
 * A descriptor cannot be taken back once it is installed, so the layout goes to
 * user space first.
 */
static long vcpu_create_fd(struct myhv_vm *vm, const struct ioctl_call *call, unsigned int cmd,
			   unsigned long arg)
{
	u32 id;
	long ret;

	ret = ioctl_invoke(call, vm, cmd, arg);
	if (ret)
		return ret;
	/* user space may have changed it meanwhile: vcpu_create() takes any id in range */
	if (get_user(id, &((struct myhv_vcpu_create __user *)arg)->id))
		return -EFAULT;
	return id < MYHV_MAX_VCPU_ID ? vcpu_create(vm, id) : -EINVAL;
}

/* ---- memory ---- */

static bool range_is_valid(u64 gpa, u64 bytes)
{
	u64 limit = 1ULL << backend_caps.gpa_bits;

	return !((gpa | bytes) & (PAGE_SIZE - 1)) && bytes && gpa < limit && bytes <= limit - gpa;
}

static bool mem_op_is_valid(const struct myhv_mem_op *op)
{
	u32 flags = op->op == MYHV_MEM_MAP || op->op == MYHV_MEM_PROTECT ?
			    MYHV_MEM_READONLY | MYHV_MEM_LOG_DIRTY :
			    0;

	/* the limit of pages is that of an allocation's size for the dirty log */
	if (!range_is_valid(op->gpa, op->bytes) || op->bytes >> PAGE_SHIFT > INT_MAX ||
	    op->flags & ~flags)
		return false;
	switch (op->op) {
	case MYHV_MEM_MAP:
		return !op->new_gpa && !(op->hva & (PAGE_SIZE - 1)) &&
		       access_ok(u64_to_user_ptr(op->hva), op->bytes);
	case MYHV_MEM_UNMAP:
	case MYHV_MEM_PROTECT:
		return !op->new_gpa && !op->hva;
	case MYHV_MEM_MOVE:
		return !op->hva && range_is_valid(op->new_gpa, op->bytes);
	}
	return false;
}

static long vm_mem_update(void *object, void *args)
{
	struct myhv_mem_update *update = args;
	struct myhv_mem_op *ops;
	long ret = -EINVAL;
	u32 i;

	if (update->flags || !update->count || update->count > MYHV_MAX_MEM_OPS)
		return -EINVAL;
	ops = ioctl_array(update->ops, update->count, sizeof(*ops));
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	for (i = 0; i < update->count; i++)
		if (!mem_op_is_valid(&ops[i]))
			goto free;
	ret = memslots_update(object, ops, update->count);
free:
	kvfree(ops);
	return ret;
}

static long vm_mem_dirty(void *object, void *args)
{
	struct myhv_mem_dirty *dirty = args;
	bool moves = dirty->op >= MYHV_DIRTY_HARVEST;

	if (dirty->flags || dirty->op > MYHV_DIRTY_CLEAR ||
	    !range_is_valid(dirty->gpa, dirty->bytes) || (!moves && dirty->bitmap))
		return -EINVAL;
	return memslots_dirty(object, dirty);
}

/* ---- interrupts ---- */

static long vm_irq_line(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_irq_line *line = args;

	if (line->gsi >= MYHV_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (!vm->irq)
		return -ENXIO;
	line->status = irq_line_set(vm, line->gsi, line->level);
	return 0;
}

static long vm_irq_msi(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_msi *msi = args;

	if (msi->flags)
		return -EINVAL;
	return vm->irq ? irq_msi_send(vm, msi) : -ENXIO;
}

static long vm_irq_routing(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_irq_routing *routing = args;
	struct myhv_irq_route *routes;
	long ret;

	if (routing->flags)
		return -EINVAL;
	if (routing->count > MYHV_MAX_IRQ_ROUTES)
		return -E2BIG;
	if (!vm->irq)
		return -ENXIO;
	routes = ioctl_array(routing->routes, routing->count, sizeof(*routes));
	if (IS_ERR(routes))
		return PTR_ERR(routes);
	ret = irq_routes_set(vm, routes, routing->count);
	kvfree(routes);
	return ret;
}

static long vm_irqfd(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_irqfd *irqfd = args;

	if (irqfd->flags & ~(MYHV_IRQFD_DEASSIGN | MYHV_IRQFD_RESAMPLE) ||
	    irqfd->gsi >= MYHV_MAX_IRQ_ROUTES)
		return -EINVAL;
	return vm->irq ? irqfd_assign(vm, irqfd) : -ENXIO;
}

static long vm_ioeventfd(void *object, void *args)
{
	struct myhv_ioeventfd *io = args;
	u32 known = MYHV_IOEVENTFD_DEASSIGN | MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH;

	if (io->flags & ~known || io->pad)
		return -EINVAL;
	if (io->len > 8 || hweight32(io->len) > 1 || io->addr + io->len < io->addr)
		return -EINVAL;
	if (!io->len && (io->flags & MYHV_IOEVENTFD_DATAMATCH))
		return -EINVAL;
	if ((io->flags & MYHV_IOEVENTFD_PIO) && (io->addr > 0xffff || io->len > 4))
		return -EINVAL;
	return ioeventfd_assign(object, io);
}

static long vm_coalesce(void *object, void *args)
{
	struct myhv_coalesce *zone = args;
	u64 end = zone->addr + zone->len;

	if ((zone->flags & ~(MYHV_COALESCE_PIO | MYHV_COALESCE_REMOVE)) || zone->pad)
		return -EINVAL;
	if (end <= zone->addr || ((zone->flags & MYHV_COALESCE_PIO) && end > 0x10000))
		return -EINVAL;
	return coalesced_set(object, zone);
}

static long vm_chip_get(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_chip *chip = args;
	u32 nr = chip->chip;
	long ret;

	if (chip->flags || nr > MYHV_CHIP_PIT)
		return -EINVAL;
	memset(chip, 0, sizeof(*chip));
	chip->chip = nr;
	mutex_lock(&vm->lock);
	ret = chip_state_get(vm, chip);
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_chip_set(void *object, void *args)
{
	struct myhv_vm *vm = object;
	struct myhv_chip *chip = args;
	long ret;

	if (chip->flags || chip->chip > MYHV_CHIP_PIT)
		return -EINVAL;
	mutex_lock(&vm->lock);
	ret = chip_state_set(vm, chip);
	mutex_unlock(&vm->lock);
	return ret;
}

/* ---- MSRs ---- */

static long vm_msr_filter(void *object, void *args)
{
	const struct myhv_msr_filter *filter = args;

	if (filter->flags & ~MYHV_MSR_FILTER_DENY || filter->count > MSR_FILTER_RANGES)
		return -EINVAL;
	return msr_filter_set(object, filter);
}

/* ---- the descriptor ---- */

#define VM_FIRST 0x10
static const struct ioctl_call vm_calls[] = {
	IOCTL_CALL(VM_FIRST, MYHV_VCPU_CREATE, struct myhv_vcpu_create, vm_vcpu_create),
	IOCTL_CALL(VM_FIRST, MYHV_MEM_UPDATE, struct myhv_mem_update, vm_mem_update),
	IOCTL_CALL(VM_FIRST, MYHV_MEM_DIRTY, struct myhv_mem_dirty, vm_mem_dirty),
	IOCTL_CALL(VM_FIRST, MYHV_IRQ_LINE, struct myhv_irq_line, vm_irq_line),
	IOCTL_CALL(VM_FIRST, MYHV_IRQ_MSI, struct myhv_msi, vm_irq_msi),
	IOCTL_CALL(VM_FIRST, MYHV_IRQ_ROUTING, struct myhv_irq_routing, vm_irq_routing),
	IOCTL_CALL(VM_FIRST, MYHV_IRQFD, struct myhv_irqfd, vm_irqfd),
	IOCTL_CALL(VM_FIRST, MYHV_IOEVENTFD, struct myhv_ioeventfd, vm_ioeventfd),
	IOCTL_CALL(VM_FIRST, MYHV_CHIP_GET, struct myhv_chip, vm_chip_get),
	IOCTL_CALL(VM_FIRST, MYHV_CHIP_SET, struct myhv_chip, vm_chip_set),
	IOCTL_CALL(VM_FIRST, MYHV_MSR_FILTER, struct myhv_msr_filter, vm_msr_filter),
	IOCTL_CALL(VM_FIRST, MYHV_COALESCE, struct myhv_coalesce, vm_coalesce),
};
static const struct ioctl_call vm_prop_calls[] = {
	IOCTL_CALL(0, MYHV_PROP_GET, struct myhv_prop, vm_prop_get),
	IOCTL_CALL(0, MYHV_PROP_SET, struct myhv_prop, vm_prop_set),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct myhv_vm *vm = file->private_data;
	const struct ioctl_call *call;

	/* memory and notifiers are bound to one process */
	if (current->mm != vm->mm)
		return -EIO;
	call = ioctl_find(vm_calls, ARRAY_SIZE(vm_calls), VM_FIRST, cmd);
	if (!call)
		call = ioctl_find(vm_prop_calls, ARRAY_SIZE(vm_prop_calls), 0, cmd);
	if (!call)
		return -ENOTTY;
	if (call->cmd == MYHV_VCPU_CREATE)
		return vcpu_create_fd(vm, call, cmd, arg);
	return ioctl_invoke(call, vm, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

int vm_open_fd(struct myhv_vm *vm)
{
	return anon_inode_getfd("myhv-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
}
