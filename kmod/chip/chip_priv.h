/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the chips: how an interrupt gets from a pin to a vCPU and its end back.
 *
 * Locks: pit->lock, then pic->lock or ioapic->lock, all raw and taken with interrupts
 * off; LAPICs have none. Ends of interrupts are reported with none of them held.
 */
#ifndef MYHV_CHIP_PRIV_H
#define MYHV_CHIP_PRIV_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include "chip/chip.h"
#include "core/irq_route.h"
#include "vioapic.h"
#include "vlapic.h"
#include "vpic.h"
#include "vpit.h"

/* Periodic guest timers are not faster than this. */
#define CHIP_MIN_PERIOD_NS 200000

/**
 * struct chip_lapic - a LAPIC with its timer
 * @model: the vCPU's thread, but for what vlapic.h allows any CPU
 * @vcpu: its vCPU
 * @timer: armed and cancelled by the vCPU's thread
 * @armed: what @timer was armed for; constant while it is
 * @extint: an ExtINT message has come from the IOAPIC: ask the PIC
 * @arbitrations: lowest-priority interrupts won, to take turns
 * @sipi_vector: start-up page of the last SIPI
 */
struct chip_lapic {
	struct vlapic model;
	struct myhv_vcpu *vcpu;
	struct hrtimer timer;
	struct vlapic_deadline armed;
	bool extint;
	u32 arbitrations;
	u8 sipi_vector;
};

/**
 * struct chip_pic - the 8259A pair
 * @vm: its VM
 * @ports: its three port ranges
 * @lock: guards @model and @sources
 * @model: the chips
 * @sources: who asserts each line, bits of enum irq_source
 * @output: the INTR line; written under @lock, read by vCPUs before every entry
 */
struct chip_pic {
	struct myhv_vm *vm;
	struct pic_ports {
		struct iodev dev;
		struct chip_pic *pic;
		u16 base;
	} ports[3];
	raw_spinlock_t lock;
	struct vpic model;
	u8 sources[VPIC_NR_LINES];
	bool output;
};

/**
 * struct chip_ioapic - the IOAPIC
 * @vm: its VM
 * @dev: its registers in memory
 * @lock: guards @model and @sources
 * @model: the chip
 * @sources: who asserts each pin, bits of enum irq_source
 * @pit_vector: vector that the PIT's pin sends, or -1: its edge-triggered end is of
 *	interest. Written under @lock, read at every EOI
 */
struct chip_ioapic {
	struct myhv_vm *vm;
	struct iodev dev;
	raw_spinlock_t lock;
	struct vioapic model;
	u8 sources[VIOAPIC_NR_PINS];
	int pit_vector;
};

/* chip/apic_bus.c: the best result of all targets. Any context */
enum irq_result apic_bus_send(struct myhv_vm *vm, const struct apic_msg *msg,
			      struct chip_lapic *source);

/* chip/pic.c */
enum irq_result pic_set_pin(struct myhv_vm *vm, u32 pin, enum irq_source source, bool level);
int pic_ack(struct myhv_vm *vm);
void pic_state_get(struct chip_pic *pic, unsigned int chip, struct myhv_pic_state *state);
int pic_state_set(struct chip_pic *pic, unsigned int chip, const struct myhv_pic_state *state);

static inline bool pic_output(struct myhv_vm *vm)
{
	return vm->pic && READ_ONCE(vm->pic->output);
}

/* chip/ioapic.c */
enum irq_result ioapic_set_pin(struct myhv_vm *vm, u32 pin, enum irq_source source, bool level);
void ioapic_end(struct chip_ioapic *ioapic, u8 vector, bool broadcast);
void ioapic_state_get(struct chip_ioapic *ioapic, struct myhv_ioapic_state *state);
int ioapic_state_set(struct chip_ioapic *ioapic, const struct myhv_ioapic_state *state);

/* A LAPIC ended @vector: cheap for the edge-triggered rest. */
static inline void ioapic_eoi(struct chip_ioapic *ioapic, u8 vector, bool broadcast)
{
	if (broadcast || READ_ONCE(ioapic->pit_vector) == vector)
		ioapic_end(ioapic, vector, broadcast);
}

/* chip/pit.c */
void pit_acked(struct myhv_vm *vm);
void pit_state_get(struct chip_pit *pit, struct myhv_pit_state *state);
int pit_state_set(struct chip_pit *pit, const struct myhv_pit_state *state);

/* Who drives a pin: the new level of the line. */
static inline bool pin_drive(u8 *sources, enum irq_source source, bool level)
{
	if (level)
		*sources |= BIT(source);
	else
		*sources &= ~BIT(source);
	return *sources;
}

#endif /* MYHV_CHIP_PRIV_H */
