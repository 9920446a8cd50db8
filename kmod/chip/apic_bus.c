// SPDX-License-Identifier: GPL-2.0-only
/*
 * From an interrupt message to the vCPUs that take it. No lock: the vCPUs are found by
 * RCU, and a LAPIC accepts by atomics. Any context.
 */
#include <linux/rcupdate.h>
#include "chip/chip_priv.h"

/* Higher is better: the result of a message for several targets is the best of them. */
static enum irq_result deliver(struct chip_lapic *lapic, const struct apic_msg *msg)
{
	struct myhv_vcpu *vcpu = lapic->vcpu;

	switch (vlapic_accept(&lapic->model, msg)) {
	case VLAPIC_IRQ:
		vcpu_kick(vcpu);
		return IRQ_DELIVERED;
	case VLAPIC_POSTED:
		vcpu_kick_posted(vcpu);
		return IRQ_DELIVERED;
	case VLAPIC_COALESCED:
		return IRQ_COALESCED;
	case VLAPIC_NMI:
		vcpu_request(vcpu, VCPU_REQ_NMI);
		return IRQ_DELIVERED;
	case VLAPIC_INIT:
		/* a SIPI from before the INIT is void */
		clear_bit(VCPU_REQ_SIPI, &vcpu->requests);
		vcpu_request(vcpu, VCPU_REQ_INIT);
		return IRQ_DELIVERED;
	case VLAPIC_SIPI:
		WRITE_ONCE(lapic->sipi_vector, msg->vector);
		vcpu_request(vcpu, VCPU_REQ_SIPI);
		return IRQ_DELIVERED;
	case VLAPIC_EXTINT:
		WRITE_ONCE(lapic->extint, true);
		vcpu_kick(vcpu);
		return IRQ_DELIVERED;
	case VLAPIC_SMI: /* there is no SMM: dropped */
	case VLAPIC_IGNORED:
	default:
		return IRQ_MASKED;
	}
}

static bool matches(struct chip_lapic *lapic, const struct apic_msg *msg, struct chip_lapic *source)
{
	switch (msg->shorthand) {
	case VAPIC_SH_SELF:
		return lapic == source;
	case VAPIC_SH_ALL:
		return vlapic_hw_enabled(&lapic->model);
	case VAPIC_SH_OTHERS:
		return lapic != source && vlapic_hw_enabled(&lapic->model);
	default:
		return vlapic_match_dest(&lapic->model, msg->dest, msg->logical);
	}
}

/* Lowest priority first; among equals who has won least often. */
static bool wins(struct chip_lapic *a, struct chip_lapic *b)
{
	u8 prio_a = vlapic_priority(&a->model) >> 4;
	u8 prio_b = vlapic_priority(&b->model) >> 4;

	if (prio_a != prio_b)
		return prio_a < prio_b;
	return (s32)(READ_ONCE(a->arbitrations) - READ_ONCE(b->arbitrations)) < 0;
}

static enum irq_result send_to_one(struct myhv_vm *vm, const struct apic_msg *msg,
				   struct chip_lapic *source)
{
	struct chip_lapic *best = NULL;
	struct myhv_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, vcpu) {
		if (!vcpu->lapic || !matches(vcpu->lapic, msg, source) ||
		    !vlapic_sw_enabled(&vcpu->lapic->model))
			continue;
		if (!best || wins(vcpu->lapic, best))
			best = vcpu->lapic;
	}
	if (!best)
		return IRQ_MASKED;
	/* concurrent senders may count as one: it is fairness, not bookkeeping */
	WRITE_ONCE(best->arbitrations, READ_ONCE(best->arbitrations) + 1);
	return deliver(best, msg);
}

static enum irq_result send_to_all(struct myhv_vm *vm, const struct apic_msg *msg,
				   struct chip_lapic *source)
{
	enum irq_result result = IRQ_MASKED;
	struct myhv_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, vcpu)
		if (vcpu->lapic && matches(vcpu->lapic, msg, source))
			result = max(result, deliver(vcpu->lapic, msg));
	return result;
}

/* The vCPU whose initial ID is @id, if it is addressed by @msg. */
static struct chip_lapic *direct_target(struct myhv_vm *vm, u32 id, const struct apic_msg *msg)
{
	struct myhv_vcpu *vcpu = vm_vcpu(vm, id);

	if (!vcpu || !vcpu->lapic ||
	    !vlapic_match_dest(&vcpu->lapic->model, msg->dest, msg->logical))
		return NULL;
	return vcpu->lapic;
}

/*
 * In x2APIC mode a logical address names up to 16 initial IDs. IRQ_MASKED: none is
 * there, it may be a logical xAPIC address.
 */
static enum irq_result send_to_cluster(struct myhv_vm *vm, const struct apic_msg *msg)
{
	unsigned long members = msg->dest & 0xffff;
	u32 first = msg->dest >> 16 << 4;
	enum irq_result result = IRQ_MASKED;
	struct chip_lapic *lapic;
	unsigned int member;

	for_each_set_bit(member, &members, 16) {
		lapic = direct_target(vm, first + member, msg);
		if (lapic && vlapic_x2apic_mode(&lapic->model))
			result = max(result, deliver(lapic, msg));
	}
	return result;
}

/**
 * apic_bus_send() - deliver @msg to the LAPICs that it addresses
 * @vm: the VM
 * @msg: the message
 * @source: the LAPIC that sends an IPI; NULL for devices
 */
enum irq_result apic_bus_send(struct myhv_vm *vm, const struct apic_msg *msg,
			      struct chip_lapic *source)
{
	struct chip_lapic *lapic;
	enum irq_result result = IRQ_MASKED;

	rcu_read_lock();
	if (apic_msg_one_target(msg)) {
		result = send_to_one(vm, msg, source);
		goto out;
	}
	if (msg->shorthand == VAPIC_SH_NONE && msg->dest != VAPIC_DEST_BROADCAST) {
		if (msg->logical) {
			result = send_to_cluster(vm, msg);
			if (result != IRQ_MASKED)
				goto out;
		} else {
			lapic = direct_target(vm, msg->dest, msg);
			if (lapic) {
				result = deliver(lapic, msg);
				goto out;
			}
		}
	}
	result = send_to_all(vm, msg, source);
out:
	rcu_read_unlock();
	return result;
}
