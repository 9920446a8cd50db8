/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers and timers in the kernel, as the core sees them. Behind each
 * stands a pure model of model/; chip/ adds the lock, the hrtimer and the kick.
 */
#ifndef MYHV_CHIP_H
#define MYHV_CHIP_H

#include "core/vcpu.h"

/* ---- chip/lapic.c ---- */

/* Length of a tick of the LAPIC timer at divider 1. */
#define LAPIC_TICK_NS 1

int lapic_create(struct myhv_vcpu *vcpu); /* [sleep] vcpu->lapic; fails with -ENOMEM */
void lapic_destroy(struct myhv_vcpu *vcpu); /* cancels the timer */
void lapic_reset(struct myhv_vcpu *vcpu, bool init);

/*
 * An external interrupt for this vCPU, from its LAPIC or (LINT0 in ExtINT mode, boot
 * processor) the PICs? Called at every entry: cheap. [entry]
 */
bool lapic_irq_pending(struct myhv_vcpu *vcpu);
/*
 * Does the INTR line of a PIC reach this vCPU? With MYHV_IRQCHIP_SPLIT the PIC is user space's,
 * and what it injects comes this way.
 */
bool lapic_accepts_pic(struct myhv_vcpu *vcpu);
/* Acknowledge: IRR -> ISR (or the PIC's INTA). The vector, or -1: gone. [entry] */
int lapic_irq_ack(struct myhv_vcpu *vcpu);

/*
 * With MYHV_CPU_FEATURE_APICV the CPU delivers from the register page. The vCPU's thread, which is
 * not in guest mode:
 */
u64 lapic_page_pa(struct myhv_vcpu *vcpu); /* of the register page */
/* Requests that were posted go to the page. The highest vector requested, or -1 */
int lapic_collect(struct myhv_vcpu *vcpu);
int lapic_in_service(struct myhv_vcpu *vcpu); /* vector, or -1 */
bool lapic_hw_delivery(struct myhv_vcpu *vcpu); /* the CPU delivers from the page */
/* The CPU shall not: what it delivers cannot end itself. Before the first run. */
void lapic_leave_hw(struct myhv_vcpu *vcpu);
const u32 *lapic_watched(struct myhv_vcpu *vcpu); /* eight words: vectors whose end exits */
void lapic_eoi_seen(struct myhv_vcpu *vcpu, u8 vector); /* the exit at such an end */
void lapic_reg_written(struct myhv_vcpu *vcpu, u32 offset); /* the exit after a write */

/* With MYHV_CPU_FEATURE_PREEMPTION_TIMER: vcpu->deadline_tsc has come, perhaps; and: HLT begins. */
void lapic_deadline(struct myhv_vcpu *vcpu);
void lapic_deadline_to_host(struct myhv_vcpu *vcpu);

/* End of the interrupt in service, and: would nothing but its ISR bit change, now and later? */
void lapic_eoi(struct myhv_vcpu *vcpu);
bool lapic_eoi_is_silent(struct myhv_vcpu *vcpu);

/* Is there anything that ends HLT? Any context. */
bool lapic_has_wake_event(struct myhv_vcpu *vcpu);

u64 lapic_cr8_get(struct myhv_vcpu *vcpu);
void lapic_cr8_set(struct myhv_vcpu *vcpu, u64 cr8);
u64 lapic_base_get(struct myhv_vcpu *vcpu);
int lapic_base_set(struct myhv_vcpu *vcpu, u64 value, bool host); /* -EINVAL: #GP */
/* MSR 0x800..0x8ff, and MSR_IA32_TSC_DEADLINE. -EINVAL: #GP. vCPU thread or vcpu->mutex */
int lapic_msr_read(struct myhv_vcpu *vcpu, u32 index, u64 *value);
int lapic_msr_write(struct myhv_vcpu *vcpu, u32 index, u64 value);
/* Is the LAPIC's page there? */
bool lapic_is_at(struct myhv_vcpu *vcpu, u64 gpa);
/* MMIO at the APIC base: -EOPNOTSUPP when @gpa is not ours or the APIC is not in xAPIC mode. */
int lapic_mmio_read(struct myhv_vcpu *vcpu, u64 gpa, int len, void *data);
int lapic_mmio_write(struct myhv_vcpu *vcpu, u64 gpa, int len, const void *data);
int lapic_state_get(struct myhv_vcpu *vcpu, struct myhv_state_lapic *state);
int lapic_state_set(struct myhv_vcpu *vcpu, const struct myhv_state_lapic *state);
/* The guest's TSC was set or its frequency changed: rearm a TSC-deadline timer. */
void lapic_tsc_changed(struct myhv_vcpu *vcpu);
/* Vector of the SIPI that VCPU_REQ_SIPI announces. */
u8 lapic_sipi_vector(struct myhv_vcpu *vcpu);

/* ---- chip/ioapic.c, chip/pic.c, chip/pit.c: per VM, vm->lock held at create ---- */
int ioapic_create(struct myhv_vm *vm);
void ioapic_destroy(struct myhv_vm *vm);
int pic_create(struct myhv_vm *vm);
void pic_destroy(struct myhv_vm *vm);
int pit_create(struct myhv_vm *vm);
void pit_destroy(struct myhv_vm *vm);
bool pit_reinject_get(struct myhv_vm *vm);
void pit_reinject_set(struct myhv_vm *vm, bool on);
int chip_state_get(struct myhv_vm *vm, struct myhv_chip *chip);
int chip_state_set(struct myhv_vm *vm, const struct myhv_chip *chip);

/* ---- core/irq_route.c ---- */
int irq_routes_create(struct myhv_vm *vm); /* with the default table */
void irq_routes_destroy(struct myhv_vm *vm);
int irq_routes_set(struct myhv_vm *vm, const struct myhv_irq_route *routes, u32 count);
/* 1 delivered, 0 coalesced, -1 masked; any context that may take a spinlock */
int irq_line_set(struct myhv_vm *vm, u32 gsi, bool level);
/* number of vCPUs that took it, or -errno */
int irq_msi_send(struct myhv_vm *vm, const struct myhv_msi *msi);

/* ---- core/eventfd.c ---- */
int eventfds_create(struct myhv_vm *vm);
void eventfds_destroy(struct myhv_vm *vm); /* sleeps until nobody uses them */
/* Arguments are checked; vm->lock not held: ioeventfd_assign() takes it. May sleep. */
int irqfd_assign(struct myhv_vm *vm, const struct myhv_irqfd *args);
int ioeventfd_assign(struct myhv_vm *vm, const struct myhv_ioeventfd *args);

#endif /* MYHV_CHIP_H */
