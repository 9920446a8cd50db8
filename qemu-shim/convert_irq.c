// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupt chips and routes between KVM's structs and ours. KVM takes nearly every bit
 * pattern for a chip's state; the module checks it. What no chip can be is bent to what it can.
 */
#include <errno.h>
#include <string.h>

#include "convert.h"

#define IOAPIC_BASE 0xfec00000u
/* ours is the register, KVM's the number in it */
#define IOAPIC_ID_SHIFT 24
/* redirection entry: vector to mask, and the destination */
#define RTE_BITS 0xff0000000001ffffull

/* ---- 8259 ---- */

/* not timer, keyboard and cascade; clock and FPU error */
static const uint8_t can_be_level[2] = { 0xf8, 0xde };

void pic_to_kvm(const struct myhv_pic_state *from, struct kvm_pic_state *to)
{
	*to = (struct kvm_pic_state){
		.last_irr = from->last_irr,
		.irr = from->irr,
		.imr = from->imr,
		.isr = from->isr,
		.priority_add = from->priority_add,
		.irq_base = from->irq_base,
		.read_reg_select = from->read_reg_select,
		.poll = from->poll,
		.special_mask = from->special_mask,
		.init_state = from->init_state,
		.auto_eoi = from->auto_eoi,
		.rotate_on_auto_eoi = from->rotate_on_auto_eoi,
		.special_fully_nested_mode = from->special_fully_nested_mode,
		.init4 = from->init4,
		.elcr = from->elcr,
		.elcr_mask = from->elcr_mask,
	};
}

void pic_from_kvm(const struct kvm_pic_state *from, unsigned int chip, struct myhv_pic_state *to)
{
	*to = (struct myhv_pic_state){
		.last_irr = from->last_irr,
		.irr = from->irr,
		.imr = from->imr,
		.isr = from->isr,
		.priority_add = from->priority_add & 7,
		.irq_base = from->irq_base,
		.read_reg_select = !!from->read_reg_select,
		.poll = !!from->poll,
		.special_mask = !!from->special_mask,
		.init_state = from->init_state & 3,
		.auto_eoi = !!from->auto_eoi,
		.rotate_on_auto_eoi = !!from->rotate_on_auto_eoi,
		.special_fully_nested_mode = !!from->special_fully_nested_mode,
		.init4 = from->init4 & 3,
		.elcr = from->elcr & can_be_level[chip],
		.elcr_mask = from->elcr_mask,
	};
}

/* ---- IOAPIC ---- */

void ioapic_to_kvm(const struct myhv_ioapic_state *from, struct kvm_ioapic_state *to)
{
	memset(to, 0, sizeof(*to));
	to->base_address = from->base_address;
	to->ioregsel = from->ioregsel;
	to->id = from->id >> IOAPIC_ID_SHIFT;
	to->irr = from->irr;
	memcpy(to->redirtbl, from->redirtbl, sizeof(from->redirtbl));
}

void ioapic_from_kvm(const struct kvm_ioapic_state *from, struct myhv_ioapic_state *to)
{
	memset(to, 0, sizeof(*to));
	to->base_address = IOAPIC_BASE;
	to->ioregsel = from->ioregsel & 0xff;
	to->id = (from->id & 0xf) << IOAPIC_ID_SHIFT;
	to->irr = from->irr & 0xffffff;
	for (unsigned int i = 0; i < 24; i++)
		to->redirtbl[i] = from->redirtbl[i].bits & RTE_BITS;
}

/* ---- 8254 ---- */

static void channel_to_kvm(const struct myhv_pit_channel_state *from, int64_t shift_ns,
			   struct kvm_pit_channel_state *to)
{
	*to = (struct kvm_pit_channel_state){
		.count = from->count,
		.latched_count = from->latched_count,
		.count_latched = from->count_latched,
		.status_latched = from->status_latched,
		.status = from->status,
		.read_state = from->read_state,
		.write_state = from->write_state,
		.write_latch = from->write_latch,
		.rw_mode = from->rw_mode,
		.mode = from->mode,
		.bcd = from->bcd,
		.gate = from->gate,
		.count_load_time = from->count_load_time_ns - shift_ns,
	};
}

static void channel_from_kvm(const struct kvm_pit_channel_state *from, int64_t shift_ns,
			     struct myhv_pit_channel_state *to)
{
	/* KVM's own reset leaves a mode that no 8254 has: nothing was programmed */
	bool idle = from->mode > 5;

	*to = (struct myhv_pit_channel_state){
		.count = from->count ? from->count : 0x10000,
		.latched_count = from->latched_count,
		.count_latched = from->count_latched,
		.status_latched = !!from->status_latched,
		.status = from->status,
		.read_state = from->read_state,
		.write_state = from->write_state,
		.write_latch = from->write_latch,
		.rw_mode = from->rw_mode & 3,
		.mode = idle ? 0 : from->mode,
		.bcd = !!from->bcd,
		.gate = !!from->gate,
		.count_load_time_ns = from->count_load_time + shift_ns,
		.stopped = idle,
		.written = !idle,
	};
}

void pit_to_kvm(const struct myhv_pit_state *from, int64_t shift_ns, struct kvm_pit_state2 *to)
{
	memset(to, 0, sizeof(*to));
	for (unsigned int i = 0; i < 3; i++)
		channel_to_kvm(&from->channel[i], shift_ns, &to->channels[i]);
	to->flags = (from->flags & MYHV_PIT_SPEAKER_DATA_ON ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0) |
		    (from->flags & MYHV_PIT_HPET_LEGACY ? KVM_PIT_FLAGS_HPET_LEGACY : 0);
}

int pit_from_kvm(const struct kvm_pit_state2 *from, int64_t shift_ns, struct myhv_pit_state *to)
{
	if (from->flags & ~(uint32_t)(KVM_PIT_FLAGS_SPEAKER_DATA_ON | KVM_PIT_FLAGS_HPET_LEGACY))
		return -EINVAL;
	memset(to, 0, sizeof(*to));
	for (unsigned int i = 0; i < 3; i++)
		channel_from_kvm(&from->channels[i], shift_ns, &to->channel[i]);
	/* only channel 2 has a gate that can be closed */
	to->channel[0].gate = to->channel[1].gate = 1;
	to->flags = (from->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON ? MYHV_PIT_SPEAKER_DATA_ON : 0) |
		    (from->flags & KVM_PIT_FLAGS_HPET_LEGACY ? MYHV_PIT_HPET_LEGACY : 0);
	return 0;
}

/* ---- routes and event descriptors ---- */

int route_from_kvm(const struct kvm_irq_routing_entry *from, struct myhv_irq_route *to)
{
	memset(to, 0, sizeof(*to));
	to->gsi = from->gsi;
	switch (from->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (from->flags)
			return -EINVAL;
		to->type = MYHV_ROUTE_IRQCHIP;
		to->chip = from->u.irqchip.irqchip;
		to->pin = from->u.irqchip.pin;
		return to->chip > MYHV_CHIP_IOAPIC ? -EINVAL : 0;
	case KVM_IRQ_ROUTING_MSI:
		if (from->flags)
			return -EINVAL;
		to->type = MYHV_ROUTE_MSI;
		to->msi.address = (uint64_t)from->u.msi.address_hi << 32 | from->u.msi.address_lo;
		to->msi.data = from->u.msi.data;
		return 0;
	default:
		return -EINVAL;
	}
}

int irqfd_from_kvm(const struct kvm_irqfd *from, struct myhv_irqfd *to)
{
	if (from->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	*to = (struct myhv_irqfd){
		.fd = from->fd,
		.gsi = from->gsi,
		.flags = (from->flags & KVM_IRQFD_FLAG_DEASSIGN ? MYHV_IRQFD_DEASSIGN : 0) |
			 (from->flags & KVM_IRQFD_FLAG_RESAMPLE ? MYHV_IRQFD_RESAMPLE : 0),
		.resample_fd = from->flags & KVM_IRQFD_FLAG_RESAMPLE ? (int)from->resamplefd : 0,
	};
	return 0;
}

int ioeventfd_from_kvm(const struct kvm_ioeventfd *from, struct myhv_ioeventfd *to)
{
	const uint32_t known = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |
			       KVM_IOEVENTFD_FLAG_DEASSIGN;

	if (from->flags & ~known)
		return -EINVAL;
	*to = (struct myhv_ioeventfd){
		.addr = from->addr,
		.datamatch = from->datamatch,
		.len = from->len,
		.fd = from->fd,
	};
	if (from->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
		to->flags |= MYHV_IOEVENTFD_DATAMATCH;
	if (from->flags & KVM_IOEVENTFD_FLAG_PIO)
		to->flags |= MYHV_IOEVENTFD_PIO;
	if (from->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		to->flags |= MYHV_IOEVENTFD_DEASSIGN;
	return 0;
}
