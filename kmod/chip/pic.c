// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair: model, lock, ports. Its output is the INTR line of every vCPU whose LAPIC lets
 * it through (LINT0 in ExtINT mode, or switched off).
 */
#include <linux/slab.h>
#include "chip/chip_priv.h"

/* The INTR line has risen: whom does it concern? Any context. */
static void output_rose(struct myhv_vm *vm)
{
	struct myhv_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu) {
		if (!vcpu->lapic)
			continue;
		if (vlapic_accepts_pic(&vcpu->lapic->model)) {
			vcpu_kick(vcpu);
			continue;
		}
		/* LINT0 as an ordinary interrupt, or as the NMI watchdog's source */
		switch (vlapic_lvt_fire(&vcpu->lapic->model, VLAPIC_LVT0)) {
		case VLAPIC_IRQ:
			vcpu_kick(vcpu);
			break;
		case VLAPIC_POSTED:
			vcpu_kick_posted(vcpu);
			break;
		case VLAPIC_NMI:
			vcpu_request(vcpu, VCPU_REQ_NMI);
			break;
		default:
			break;
		}
	}
	rcu_read_unlock();
}

/* The model was changed under the lock: true when the output has risen. */
static bool update_output(struct chip_pic *pic)
{
	bool output = vpic_output(&pic->model);
	bool rose = output && !pic->output;

	lockdep_assert_held(&pic->lock);
	WRITE_ONCE(pic->output, output);
	return rose;
}

static void tell_ended(struct myhv_vm *vm, u32 lines)
{
	unsigned long ended = lines;
	unsigned int line;

	for_each_set_bit(line, &ended, VPIC_NR_LINES)
		irq_acked(vm, line < 8 ? MYHV_CHIP_PIC_MASTER : MYHV_CHIP_PIC_SLAVE, line & 7);
}

/**
 * pic_set_pin() - drive an input
 * @vm: the VM
 * @pin: 0..15
 * @source: who drives it
 * @level: its level
 */
enum irq_result pic_set_pin(struct myhv_vm *vm, u32 pin, enum irq_source source, bool level)
{
	struct chip_pic *pic = vm->pic;
	unsigned long flags;
	enum irq_result ret;
	bool rose;

	if (!pic)
		return IRQ_MASKED;
	raw_spin_lock_irqsave(&pic->lock, flags);
	level = pin_drive(&pic->sources[pin], source, level);
	ret = vpic_set_line(&pic->model, pin, level);
	rose = update_output(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	if (rose)
		output_rose(vm);
	return ret;
}

/** pic_ack() - interrupt acknowledge; the vector, or -1: no request any more */
int pic_ack(struct myhv_vm *vm)
{
	struct chip_pic *pic = vm->pic;
	unsigned long flags;
	int vector = -1;
	u32 ended = 0;

	raw_spin_lock_irqsave(&pic->lock, flags);
	if (vpic_output(&pic->model)) {
		vector = vpic_ack(&pic->model);
		ended = vpic_take_ended(&pic->model);
		update_output(pic);
	}
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	tell_ended(vm, ended);
	return vector;
}

static int ports_read(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data)
{
	struct pic_ports *ports = container_of(dev, struct pic_ports, dev);
	struct chip_pic *pic = ports->pic;
	unsigned long flags;
	u32 ended;
	u8 *bytes = data;
	bool rose;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		bytes[i] = vpic_read(&pic->model, ports->base + offset + i);
	/* the poll command makes a read an acknowledge cycle */
	ended = vpic_take_ended(&pic->model);
	rose = update_output(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	if (rose)
		output_rose(pic->vm);
	tell_ended(pic->vm, ended);
	return 0;
}

static int ports_write(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
		       const void *data)
{
	struct pic_ports *ports = container_of(dev, struct pic_ports, dev);
	struct chip_pic *pic = ports->pic;
	const u8 *bytes = data;
	unsigned long flags;
	u32 ended;
	bool rose;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	for (i = 0; i < len; i++)
		vpic_write(&pic->model, ports->base + offset + i, bytes[i]);
	ended = vpic_take_ended(&pic->model);
	rose = update_output(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	if (rose)
		output_rose(pic->vm);
	tell_ended(pic->vm, ended);
	return 0;
}

static const struct iodev_ops ports_ops = {
	.read = ports_read,
	.write = ports_write,
};

static const u16 port_bases[] = { VPIC_MASTER_PORT, VPIC_SLAVE_PORT, VPIC_ELCR_PORT };

int pic_create(struct myhv_vm *vm)
{
	struct chip_pic *pic;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&vm->lock);
	pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	if (!pic)
		return -ENOMEM;
	pic->vm = vm;
	raw_spin_lock_init(&pic->lock);
	vpic_reset(&pic->model);
	for (i = 0; i < ARRAY_SIZE(port_bases) && !ret; i++) {
		pic->ports[i] = (struct pic_ports){
			.dev.ops = &ports_ops,
			.pic = pic,
			.base = port_bases[i],
		};
		ret = iobus_add(vm, &vm->pio_bus, port_bases[i], 2, &pic->ports[i].dev);
	}
	if (ret) {
		/* the one that failed is not there */
		for (i--; i--;)
			iobus_remove(vm, &vm->pio_bus, port_bases[i], &pic->ports[i].dev);
		kfree(pic);
		return ret;
	}
	vm->pic = pic;
	return 0;
}

/* No vCPU runs any more; the I/O bus goes with the VM. */
void pic_destroy(struct myhv_vm *vm)
{
	kfree(vm->pic);
	vm->pic = NULL;
}

/** pic_state_get() - one chip of the pair */
void pic_state_get(struct chip_pic *pic, unsigned int chip, struct myhv_pic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	vpic_get_state(&pic->model, chip, state);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
}

/** pic_state_set() - replace it; lines become the user's */
int pic_state_set(struct chip_pic *pic, unsigned int chip, const struct myhv_pic_state *state)
{
	unsigned long flags;
	unsigned int line;
	bool rose;
	int ret;

	raw_spin_lock_irqsave(&pic->lock, flags);
	ret = vpic_set_state(&pic->model, chip, state);
	for (line = 0; line < 8 && !ret; line++)
		pic->sources[chip * 8 + line] = state->last_irr & BIT(line) ? BIT(IRQ_SOURCE_USER) :
									      0;
	rose = update_output(pic);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	if (rose)
		output_rose(pic->vm);
	return ret;
}
