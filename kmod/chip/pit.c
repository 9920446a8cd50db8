// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 and port 0x61: model, lock, and a timer that pulses GSI 0. A tick that the
 * guest could not take yet is delivered when it ends the one before (if so configured).
 */
#include <linux/slab.h>
#include "chip/chip_priv.h"
#include "compat/compat.h"

#define PIT_GSI 0

/**
 * struct chip_pit - the timer chip
 * @vm: its VM
 * @ports: 0x40..0x43 and 0x61
 * @lock: guards @model and the arming of @timer; the chips' locks nest inside
 * @model: the chip
 * @timer: due at the next rising edge of channel 0
 */
struct chip_pit {
	struct myhv_vm *vm;
	struct pit_ports {
		struct iodev dev;
		struct chip_pit *pit;
		u16 base;
	} ports[2];
	raw_spinlock_t lock;
	struct vpit model;
	struct hrtimer timer;
};

static enum irq_result pulse(struct chip_pit *pit)
{
	enum irq_result ret = irq_set(pit->vm, PIT_GSI, IRQ_SOURCE_PIT, true);

	irq_set(pit->vm, PIT_GSI, IRQ_SOURCE_PIT, false);
	return ret;
}

/* A handler that runs meanwhile waits for the lock and then does the same. */
static void arm(struct chip_pit *pit)
{
	u64 next_ns = vpit_next_irq_ns(&pit->model);

	lockdep_assert_held(&pit->lock);
	if (next_ns == VPIT_NEVER)
		hrtimer_try_to_cancel(&pit->timer);
	else
		hrtimer_start(&pit->timer, ns_to_ktime(next_ns), HRTIMER_MODE_ABS_HARD);
}

/* Hard interrupt. */
static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct chip_pit *pit = container_of(timer, struct chip_pit, timer);
	unsigned long flags;
	u32 ticks;

	raw_spin_lock_irqsave(&pit->lock, flags);
	ticks = vpit_expire(&pit->model, ktime_get_ns());
	if (ticks)
		vpit_ticked(&pit->model, ticks, pulse(pit));
	arm(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return HRTIMER_NORESTART;
}

/** pit_acked() - the guest has ended IRQ 0: the time for a late tick */
void pit_acked(struct myhv_vm *vm)
{
	struct chip_pit *pit = vm->pit;
	unsigned long flags;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (vpit_owes_tick(&pit->model))
		vpit_repaid(&pit->model, pulse(pit));
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

bool pit_reinject_get(struct myhv_vm *vm)
{
	return vm->pit && READ_ONCE(vm->pit->model.reinject);
}

void pit_reinject_set(struct myhv_vm *vm, bool on)
{
	unsigned long flags;

	if (!vm->pit)
		return;
	raw_spin_lock_irqsave(&vm->pit->lock, flags);
	WRITE_ONCE(vm->pit->model.reinject, on);
	raw_spin_unlock_irqrestore(&vm->pit->lock, flags);
}

static int ports_read(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len, void *data)
{
	struct pit_ports *ports = container_of(dev, struct pit_ports, dev);
	struct chip_pit *pit = ports->pit;
	u64 now_ns = ktime_get_ns();
	unsigned long flags;
	u8 *bytes = data;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++)
		bytes[i] = vpit_read(&pit->model, ports->base + offset + i, now_ns);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int ports_write(struct iodev *dev, struct myhv_vcpu *vcpu, u64 offset, int len,
		       const void *data)
{
	struct pit_ports *ports = container_of(dev, struct pit_ports, dev);
	struct chip_pit *pit = ports->pit;
	const u8 *bytes = data;
	bool changed = false;
	unsigned long flags;
	u64 now_ns;
	int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	now_ns = ktime_get_ns();
	for (i = 0; i < len; i++)
		changed |= vpit_write(&pit->model, ports->base + offset + i, bytes[i], now_ns);
	if (changed)
		arm(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct iodev_ops ports_ops = {
	.read = ports_read,
	.write = ports_write,
};

int pit_create(struct myhv_vm *vm)
{
	struct chip_pit *pit;
	int ret;

	lockdep_assert_held(&vm->lock);
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	pit->model.reinject = true;
	pit->model.min_period_ns = CHIP_MIN_PERIOD_NS;
	raw_spin_lock_init(&pit->lock);
	vpit_reset(&pit->model, ktime_get_ns());
	hrtimer_setup(&pit->timer, timer_expired, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->ports[0] = (struct pit_ports){ { &ports_ops }, pit, VPIT_CHANNEL0_PORT };
	pit->ports[1] = (struct pit_ports){ { &ports_ops }, pit, VPIT_SPEAKER_PORT };

	ret = iobus_add(vm, &vm->pio_bus, VPIT_CHANNEL0_PORT, 4, &pit->ports[0].dev);
	if (ret)
		goto err_free;
	ret = iobus_add(vm, &vm->pio_bus, VPIT_SPEAKER_PORT, 1, &pit->ports[1].dev);
	if (ret)
		goto err_remove;
	/* vCPUs may run already: irq_acked() finds it whole */
	smp_store_release(&vm->pit, pit);
	return 0;

err_remove:
	iobus_remove(vm, &vm->pio_bus, VPIT_CHANNEL0_PORT, &pit->ports[0].dev);
err_free:
	kfree(pit);
	return ret;
}

/* No vCPU runs any more; before the other chips, since the timer drives them. */
void pit_destroy(struct myhv_vm *vm)
{
	struct chip_pit *pit = vm->pit;

	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	vm->pit = NULL;
	kfree(pit);
}

/* What to add to host time for the VM's clock, which state is told in. */
static s64 clock_shift_ns(struct chip_pit *pit)
{
	return vm_clock_ns(pit->vm) - ktime_get_ns();
}

/** pit_state_get() - all channels and port 0x61 */
void pit_state_get(struct chip_pit *pit, struct myhv_pit_state *state)
{
	s64 shift_ns = clock_shift_ns(pit);
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&pit->lock, flags);
	vpit_get_state(&pit->model, ktime_get_ns(), state);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	for (i = 0; i < ARRAY_SIZE(state->channel); i++)
		state->channel[i].count_load_time_ns += shift_ns;
}

/** pit_state_set() - replace them */
int pit_state_set(struct chip_pit *pit, const struct myhv_pit_state *state)
{
	struct myhv_pit_state host = *state;
	s64 shift_ns = clock_shift_ns(pit);
	unsigned long flags;
	unsigned int i;
	int ret;

	/* a load time from before this host's boot is as good as its boot */
	for (i = 0; i < ARRAY_SIZE(host.channel); i++)
		if (check_sub_overflow(host.channel[i].count_load_time_ns, shift_ns,
				       &host.channel[i].count_load_time_ns) ||
		    host.channel[i].count_load_time_ns < 0)
			host.channel[i].count_load_time_ns = 0;
	raw_spin_lock_irqsave(&pit->lock, flags);
	ret = vpit_set_state(&pit->model, ktime_get_ns(), &host);
	if (!ret)
		arm(pit);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return ret;
}
