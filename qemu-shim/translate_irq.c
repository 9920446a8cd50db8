// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls on a VM that are about interrupts: chips, lines, routes, event descriptors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "convert.h"
#include "shim.h"

#define NS_PER_S 1000000000ll
#define IOAPIC_PINS 24
#define PIC_PINS 16
#define MSI_BASE 0xfee00000u
#define MSI_OFFSET 0x000fffffu

static struct vm *vm_of(struct object *o)
{
	return (struct vm *)o;
}

/* The module says ENXIO where there is no chip; KVM has its own ideas. */
static long without_chip(long r, int error)
{
	return r == -ENXIO ? error : r;
}

/* ---- creating chips ---- */

/* KVM starts with GSI n at IOAPIC pin n, the PIT's 0 too, which the module puts at 2. */
static long default_routes_set(int fd)
{
	struct myhv_irq_route routes[IOAPIC_PINS + PIC_PINS] = { 0 };
	struct myhv_irq_routing routing = { .routes = pointer_arg(routes) };

	for (uint32_t gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		routes[routing.count++] = (struct myhv_irq_route){
			.gsi = gsi,
			.type = MYHV_ROUTE_IRQCHIP,
			.chip = MYHV_CHIP_IOAPIC,
			.pin = gsi,
		};
		if (gsi < PIC_PINS)
			routes[routing.count++] = (struct myhv_irq_route){
				.gsi = gsi,
				.type = MYHV_ROUTE_IRQCHIP,
				.chip = gsi < 8 ? MYHV_CHIP_PIC_MASTER : MYHV_CHIP_PIC_SLAVE,
				.pin = gsi % 8,
			};
	}
	return sys_ioctl(fd, MYHV_IRQ_ROUTING, &routing);
}

long irqchip_create(struct vm *vm, int fd, uint32_t kind)
{
	long r;

	shim_lock();
	r = vm->irqchip != MYHV_IRQCHIP_NONE ? -EEXIST :
					       sys_prop_set(fd, MYHV_PROP_VM_IRQCHIP, kind);
	if (r == 0 && kind == MYHV_IRQCHIP_FULL)
		r = default_routes_set(fd);
	if (r == 0)
		vm->irqchip = kind;
	shim_unlock();
	return r == -EBUSY ? -EINVAL : r; /* there are vCPUs already */
}

static long irq_create_irqchip(struct object *o, int fd, uint64_t arg)
{
	return irqchip_create(vm_of(o), fd, MYHV_IRQCHIP_FULL);
}

static long pit_create(struct vm *vm, int fd)
{
	long r;

	if (vm->irqchip != MYHV_IRQCHIP_FULL)
		return -ENOENT;
	r = sys_prop_set(fd, MYHV_PROP_VM_PIT, 1);
	return r == -EBUSY ? -EEXIST : r;
}

static long irq_create_pit2(struct object *o, int fd, uint64_t arg)
{
	struct kvm_pit_config config;

	if (copy_in(&config, arg, sizeof(config)))
		return -EFAULT;
	return pit_create(vm_of(o), fd);
}

static long irq_create_pit(struct object *o, int fd, uint64_t arg)
{
	return pit_create(vm_of(o), fd);
}

/* ---- their state ---- */

static long chip_get(int fd, uint32_t nr, struct myhv_chip *chip)
{
	memset(chip, 0, sizeof(*chip));
	chip->chip = nr;
	return without_chip(sys_ioctl(fd, MYHV_CHIP_GET, chip), -ENXIO);
}

static long irq_get_irqchip(struct object *o, int fd, uint64_t arg)
{
	struct kvm_irqchip irqchip;
	struct myhv_chip chip;
	uint32_t nr;
	long r;

	if (copy_in(&irqchip, arg, sizeof(irqchip)))
		return -EFAULT;
	nr = irqchip.chip_id;
	if (vm_of(o)->irqchip != MYHV_IRQCHIP_FULL)
		return -ENXIO;
	if (nr > MYHV_CHIP_IOAPIC)
		return -EINVAL;
	r = chip_get(fd, nr, &chip);
	if (r)
		return r;
	if (nr == MYHV_CHIP_IOAPIC)
		ioapic_to_kvm(&chip.ioapic, &irqchip.chip.ioapic);
	else
		pic_to_kvm(&chip.pic, &irqchip.chip.pic);
	return copy_out(arg, &irqchip, sizeof(irqchip));
}

static long irq_set_irqchip(struct object *o, int fd, uint64_t arg)
{
	struct kvm_irqchip irqchip;
	struct myhv_chip chip = { 0 };

	if (copy_in(&irqchip, arg, sizeof(irqchip)))
		return -EFAULT;
	chip.chip = irqchip.chip_id;
	if (vm_of(o)->irqchip != MYHV_IRQCHIP_FULL)
		return -ENXIO;
	if (chip.chip > MYHV_CHIP_IOAPIC)
		return -EINVAL;
	if (chip.chip == MYHV_CHIP_IOAPIC)
		ioapic_from_kvm(&irqchip.chip.ioapic, &chip.ioapic);
	else
		pic_from_kvm(&irqchip.chip.pic, chip.chip, &chip.pic);
	return sys_ioctl(fd, MYHV_CHIP_SET, &chip);
}

/* KVM tells when a counter was loaded by CLOCK_MONOTONIC, the module by the VM's clock. */
static long clock_shift_ns(int fd, int64_t *shift)
{
	struct timespec t;
	uint64_t vm_ns;
	long r = sys_prop_get(fd, MYHV_PROP_VM_CLOCK_NS, &vm_ns);

	clock_gettime(CLOCK_MONOTONIC, &t);
	*shift = (int64_t)vm_ns - (t.tv_sec * NS_PER_S + t.tv_nsec);
	return r;
}

static long pit_get(int fd, struct kvm_pit_state2 *state)
{
	struct myhv_chip chip;
	int64_t shift;
	long r = clock_shift_ns(fd, &shift);

	if (!r)
		r = chip_get(fd, MYHV_CHIP_PIT, &chip);
	if (!r)
		pit_to_kvm(&chip.pit, shift, state);
	return r;
}

static long pit_set(int fd, const struct kvm_pit_state2 *state)
{
	struct myhv_chip chip = { .chip = MYHV_CHIP_PIT };
	int64_t shift;
	long r = clock_shift_ns(fd, &shift);

	if (!r)
		r = pit_from_kvm(state, shift, &chip.pit);
	return r ? r : sys_ioctl(fd, MYHV_CHIP_SET, &chip);
}

static long irq_get_pit2(struct object *o, int fd, uint64_t arg)
{
	struct kvm_pit_state2 state;
	long r = pit_get(fd, &state);

	return r ? r : copy_out(arg, &state, sizeof(state));
}

static long irq_set_pit2(struct object *o, int fd, uint64_t arg)
{
	struct kvm_pit_state2 state;

	return copy_in(&state, arg, sizeof(state)) ? -EFAULT : pit_set(fd, &state);
}

/* The older pair, without the flags. */
static long irq_get_pit(struct object *o, int fd, uint64_t arg)
{
	struct kvm_pit_state2 state;
	long r = pit_get(fd, &state);

	return r ? r : copy_out(arg, &state, sizeof(struct kvm_pit_state));
}

static long irq_set_pit(struct object *o, int fd, uint64_t arg)
{
	struct kvm_pit_state2 state;
	long r = pit_get(fd, &state);

	if (!r)
		r = copy_in(&state, arg, sizeof(struct kvm_pit_state));
	return r ? r : pit_set(fd, &state);
}

static long irq_reinject_control(struct object *o, int fd, uint64_t arg)
{
	struct kvm_reinject_control control;
	long r;

	if (copy_in(&control, arg, sizeof(control)))
		return -EFAULT;
	r = sys_prop_set(fd, MYHV_PROP_VM_PIT_REINJECT, !!control.pit_reinject);
	return r == -EINVAL ? -ENXIO : r;
}

/* ---- lines and messages ---- */

/* The call without an answer leaves the struct alone. */
static long irq_line(struct object *o, int fd, uint64_t arg)
{
	struct kvm_irq_level level;

	if (copy_in(&level, arg, sizeof(level)))
		return -EFAULT;
	return sys_ioctl(fd, MYHV_IRQ_LINE, &level);
}

_Static_assert(sizeof(struct kvm_irq_level) == sizeof(struct myhv_irq_line), "one is the other");
_Static_assert(offsetof(struct kvm_irq_level, status) == offsetof(struct myhv_irq_line, status) &&
	       offsetof(struct kvm_irq_level, level) == offsetof(struct myhv_irq_line, level),
	       "one is the other");

/* QEMU's interrupts come this way: no copies. */
static long irq_line_status(struct object *o, int fd, uint64_t arg)
{
	return sys_ioctl(fd, MYHV_IRQ_LINE, (void *)(uintptr_t)arg);
}

/*
 * Bits 63:40 are of the destination only for those who have asked for them. KVM does not look at
 * bits 31:20, and QEMU leaves them out of what its devices write.
 */
static int msi_address(const struct vm *vm, uint32_t hi, uint32_t lo, __u64 *address)
{
	bool wide = vm->x2apic_api & KVM_X2APIC_API_USE_32BIT_IDS;

	*address = MSI_BASE | (lo & MSI_OFFSET) | (wide ? (uint64_t)hi << 32 : 0);
	return wide && (hi & 0xff) ? -EINVAL : 0;
}

static long irq_signal_msi(struct object *o, int fd, uint64_t arg)
{
	struct kvm_msi from;
	struct myhv_msi msi = { 0 };

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	msi.data = from.data;
	if (from.flags || msi_address(vm_of(o), from.address_hi, from.address_lo, &msi.address))
		return -EINVAL;
	return without_chip(sys_ioctl(fd, MYHV_IRQ_MSI, &msi), -EINVAL);
}

/* ---- routes ---- */

static int route_of(const struct vm *vm, const struct kvm_irq_routing_entry *from,
		    struct myhv_irq_route *to)
{
	int r = route_from_kvm(from, to);

	if (r || to->type != MYHV_ROUTE_MSI)
		return r;
	return msi_address(vm, from->u.msi.address_hi, from->u.msi.address_lo, &to->msi.address);
}

static long routes_set(struct vm *vm, int fd, uint64_t entries, uint32_t count)
{
	struct kvm_irq_routing_entry *from = calloc(count + 1, sizeof(*from));
	struct myhv_irq_route *routes = calloc(count + 1, sizeof(*routes));
	struct myhv_irq_routing routing = { .count = count, .routes = pointer_arg(routes) };
	long r = from && routes ? 0 : -ENOMEM;

	if (!r)
		r = copy_in(from, entries, count * sizeof(*from));
	for (uint32_t i = 0; i < count && !r; i++)
		r = route_of(vm, &from[i], &routes[i]);
	if (!r)
		r = without_chip(sys_ioctl(fd, MYHV_IRQ_ROUTING, &routing), -EINVAL);
	free(routes);
	free(from);
	return r;
}

static long irq_set_gsi_routing(struct object *o, int fd, uint64_t arg)
{
	struct kvm_irq_routing routing;

	if (copy_in(&routing, arg, sizeof(routing)))
		return -EFAULT;
	if (routing.flags || routing.nr > vm_of(o)->limits[MYHV_PROP_IRQ_ROUTES])
		return -EINVAL;
	return routes_set(vm_of(o), fd, arg + offsetof(struct kvm_irq_routing, entries),
			  routing.nr);
}

/* ---- event descriptors ---- */

static long irq_irqfd(struct object *o, int fd, uint64_t arg)
{
	struct kvm_irqfd from;
	struct myhv_irqfd irqfd;
	long r;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	if (irqfd_from_kvm(&from, &irqfd))
		return -EINVAL;
	r = without_chip(sys_ioctl(fd, MYHV_IRQFD, &irqfd), -EINVAL);
	/* KVM takes away what is there, and is content if nothing is */
	return r == -ENOENT && (from.flags & KVM_IRQFD_FLAG_DEASSIGN) ? 0 : r;
}

static long irq_ioeventfd(struct object *o, int fd, uint64_t arg)
{
	struct kvm_ioeventfd from;
	struct myhv_ioeventfd io;

	if (copy_in(&from, arg, sizeof(from)))
		return -EFAULT;
	return ioeventfd_from_kvm(&from, &io) ? -EINVAL : sys_ioctl(fd, MYHV_IOEVENTFD, &io);
}

const struct call irq_calls[] = {
	CALL(KVM_IRQ_LINE, irq_line),
	CALL(KVM_IRQ_LINE_STATUS, irq_line_status),
	CALL(KVM_SIGNAL_MSI, irq_signal_msi),
	CALL(KVM_CREATE_IRQCHIP, irq_create_irqchip),
	CALL(KVM_GET_IRQCHIP, irq_get_irqchip),
	CALL(KVM_SET_IRQCHIP, irq_set_irqchip),
	CALL(KVM_CREATE_PIT2, irq_create_pit2),
	CALL(KVM_CREATE_PIT, irq_create_pit),
	CALL(KVM_GET_PIT2, irq_get_pit2),
	CALL(KVM_SET_PIT2, irq_set_pit2),
	CALL(KVM_GET_PIT, irq_get_pit),
	CALL(KVM_SET_PIT, irq_set_pit),
	CALL(KVM_REINJECT_CONTROL, irq_reinject_control),
	CALL(KVM_SET_GSI_ROUTING, irq_set_gsi_routing),
	CALL(KVM_IRQFD, irq_irqfd),
	CALL(KVM_IOEVENTFD, irq_ioeventfd),
};
const unsigned int nr_irq_calls = sizeof(irq_calls) / sizeof(irq_calls[0]);
