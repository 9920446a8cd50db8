/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little that a guest test needs from a hypervisor: a VM with a vCPU or more. hv_myhv.c
 * is the one that is tested; hv_kvm.c lets the same tests run on KVM, to settle who is
 * right. Everything returns 0 or a negative errno.
 */
#ifndef TESTS_HV_H
#define TESTS_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "myhv_x86.h"

#define HV_IRQCHIP_NONE 0
#define HV_IRQCHIP_SPLIT 1
#define HV_IRQCHIP_FULL 2 /* with a PIT */

enum hv_reason {
	HV_IO,
	HV_MMIO,
	HV_HLT,
	HV_SHUTDOWN,
	HV_IRQ_WINDOW,
	HV_INTR,
	HV_DEBUG,
	HV_MEMORY_FAULT,
	HV_EOI, /* @address is the vector */
	HV_FAILED, /* @detail tells more */
};

/**
 * struct hv_exit - why the guest stopped
 * @irq_ready: an external interrupt would be taken now
 * @if_flag: RFLAGS.IF
 * @data: what is written, or where the answer goes: size * count bytes
 * @address: port or guest-physical address; linear address of a debug exit
 * @dr6: of a debug exit
 * @detail: the hypervisor's own reason
 */
struct hv_exit {
	enum hv_reason reason;
	bool irq_ready;
	bool if_flag;
	bool is_write;
	uint32_t size;
	uint32_t count;
	uint64_t address;
	uint64_t dr6;
	void *data;
	char detail[96];
};

struct hv;

/* -ENOENT: there is no hypervisor */
int hv_open(struct hv **hv, int irqchip);
/* A further vCPU of @first's VM, without chips of its own; to be closed before @first. */
int hv_open_another(struct hv **hv, struct hv *first, uint32_t id);
void hv_close(struct hv *hv);
/* Descriptors, for calls of the hypervisor's own. */
int hv_vm_fd(struct hv *hv);
int hv_vcpu_fd(struct hv *hv);

int hv_map(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes, bool readonly);
int hv_unmap(struct hv *hv, uint64_t gpa);

/* GENERAL, SEGMENTS, CONTROL and DEBUG groups */
int hv_state_get(struct hv *hv, uint32_t groups, struct myhv_vcpu_state *state);
int hv_state_set(struct hv *hv, uint32_t groups, const struct myhv_vcpu_state *state);

/* 0 with @exit filled, also for HV_INTR and HV_FAILED */
int hv_run(struct hv *hv, struct hv_exit *exit);
/* From any thread or signal handler: stop a run, now or the next. */
void hv_kick(struct hv *hv);

int hv_request_window(struct hv *hv, bool on);
int hv_interrupt(struct hv *hv, uint8_t vector);
int hv_nmi(struct hv *hv);
int hv_irq_line(struct hv *hv, uint32_t gsi, bool level);
int hv_msi(struct hv *hv, uint64_t address, uint32_t data);
/* Debug the guest from outside: step, breakpoints; dr[0..3] and dr7 as on the CPU */
int hv_debug(struct hv *hv, bool step, bool sw_bp, const uint64_t *dr, uint64_t dr7);

/* The ioctl that runs the guest, for a test that makes the system call itself. */
extern const unsigned long hv_run_request;
extern const char hv_name[];

#endif /* TESTS_HV_H */
