// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC: model, lock, registers in memory; and the state calls of the VM's chips. */
#include <linux/slab.h>
#include "chip/chip_priv.h"

/* The pin that the PIT's GSI leads to; its ends are watched though it is edge triggered. */
#define PIT_PIN 2

/* Called by the model with the lock held. */
static enum irq_result send(struct vioapic *model, const struct apic_msg *msg)
{
	struct chip_ioapic *ioapic = container_of(model, struct chip_ioapic, model);
	struct apic_msg watched = *msg;

	watched.watched = msg->vector == vioapic_pin_vector(model, PIT_PIN);
	return apic_bus_send(ioapic->vm, &watched, NULL);
}

static const struct vioapic_ops model_ops = {
	.send = send,
};

/**
 * ioapic_set_pin() - drive an input
 * @vm: the VM
 * @pin: 0..23
 * @source: who drives it
 * @level: its level
 */
enum irq_result ioapic_set_pin(struct myhv_vm *vm, u32 pin, enum irq_source source, bool level)
{
	struct chip_ioapic *ioapic = vm->ioapic;
	unsigned long flags;
	enum irq_result ret;

	if (!ioapic)
		return IRQ_MASKED;
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	level = pin_drive(&ioapic->sources[pin], source, level);
	ret = vioapic_set_line(&ioapic->model, pin, level);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return ret;
}

/* Owners may lower their lines before the ones still high are sent again. */
static void tell_ended(struct chip_ioapic *ioapic, u32 pins)
{
	unsigned long ended = pins, flags;
	unsigned int pin;

	if (!pins)
		return;
	for_each_set_bit(pin, &ended, VIOAPIC_NR_PINS)
		irq_acked(ioapic->vm, MYHV_CHIP_IOAPIC, pin);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	vioapic_resend(&ioapic->model, pins);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/** ioapic_end() - a LAPIC has ended @vector; see ioapic_eoi() */
void ioapic_end(struct chip_ioapic *ioapic, u8 vector, bool broadcast)
{
	unsigned long flags;
	u32 pins;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = vioapic_eoi(&ioapic->model, vector, broadcast);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	tell_ended(ioapic, pins);
}

static int mmio_read(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data)
{
	struct chip_ioapic *ioapic = container_of(dev, struct chip_ioapic, dev);
	unsigned long flags;
	u64 value;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	value = vioapic_read(&ioapic->model, offset, len);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	memcpy(data, &value, len);
	return 0;
}

static int mmio_write(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
		      const void *data)
{
	struct chip_ioapic *ioapic = container_of(dev, struct chip_ioapic, dev);
	unsigned long flags;
	u64 value = 0;
	u32 pins;

	memcpy(&value, data, len);
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = vioapic_write(&ioapic->model, offset, len, value);
	WRITE_ONCE(ioapic->pit_vector, vioapic_pin_vector(&ioapic->model, PIT_PIN));
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	tell_ended(ioapic, pins);
	return 0;
}

static const struct iodev_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

int ioapic_create(struct myhv_vm *vm)
{
	struct chip_ioapic *ioapic;
	int ret;

	lockdep_assert_held(&vm->lock);
	ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	if (!ioapic)
		return -ENOMEM;
	ioapic->vm = vm;
	ioapic->dev.ops = &mmio_ops;
	ioapic->model.ops = &model_ops;
	ioapic->model.version = VIOAPIC_VERSION_82093AA;
	ioapic->pit_vector = -1;
	raw_spin_lock_init(&ioapic->lock);
	vioapic_reset(&ioapic->model);
	ret = iobus_add(vm, &vm->mmio_bus, VIOAPIC_DEFAULT_BASE, VIOAPIC_WINDOW_BYTES,
			&ioapic->dev);
	if (ret) {
		kfree(ioapic);
		return ret;
	}
	vm->ioapic = ioapic;
	return 0;
}

/* No vCPU runs any more; the I/O bus goes with the VM. */
void ioapic_destroy(struct myhv_vm *vm)
{
	kfree(vm->ioapic);
	vm->ioapic = NULL;
}

/** ioapic_state_get() - registers and lines */
void ioapic_state_get(struct chip_ioapic *ioapic, struct myhv_ioapic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	vioapic_get_state(&ioapic->model, state);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/** ioapic_state_set() - replace them; lines become the user's */
int ioapic_state_set(struct chip_ioapic *ioapic, const struct myhv_ioapic_state *state)
{
	unsigned long flags;
	unsigned int pin;
	int ret;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	ret = vioapic_set_state(&ioapic->model, state);
	for (pin = 0; pin < VIOAPIC_NR_PINS && !ret; pin++)
		ioapic->sources[pin] = state->irr & BIT(pin) ? BIT(IRQ_SOURCE_USER) : 0;
	WRITE_ONCE(ioapic->pit_vector, vioapic_pin_vector(&ioapic->model, PIT_PIN));
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return ret;
}

/* ---- MYHV_CHIP_GET, MYHV_CHIP_SET ---- */

static bool chip_exists(struct myhv_vm *vm, u32 chip)
{
	switch (chip) {
	case MYHV_CHIP_PIC_MASTER:
	case MYHV_CHIP_PIC_SLAVE:
		return vm->pic;
	case MYHV_CHIP_IOAPIC:
		return vm->ioapic;
	case MYHV_CHIP_PIT:
		return vm->pit;
	default:
		return false;
	}
}

int chip_state_get(struct myhv_vm *vm, struct myhv_chip *chip)
{
	if (!chip_exists(vm, chip->chip))
		return -ENXIO;
	switch (chip->chip) {
	case MYHV_CHIP_IOAPIC:
		ioapic_state_get(vm->ioapic, &chip->ioapic);
		return 0;
	case MYHV_CHIP_PIT:
		pit_state_get(vm->pit, &chip->pit);
		return 0;
	default:
		pic_state_get(vm->pic, chip->chip, &chip->pic);
		return 0;
	}
}

int chip_state_set(struct myhv_vm *vm, const struct myhv_chip *chip)
{
	if (!chip_exists(vm, chip->chip))
		return -ENXIO;
	switch (chip->chip) {
	case MYHV_CHIP_IOAPIC:
		return ioapic_state_set(vm->ioapic, &chip->ioapic);
	case MYHV_CHIP_PIT:
		return pit_state_set(vm->pit, &chip->pit);
	default:
		return pic_state_set(vm->pic, chip->chip, &chip->pic);
	}
}
