/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs whose guests mean harm: what api_hostile and api_storm have in common. */
#ifndef TESTS_VICTIM_H
#define TESTS_VICTIM_H

#include "api.h"
#include "harness.h"

#define VICTIM_CODE 0x200000 /* in real mode GUEST_REAL_LOAD */

/* Code of a guest of 16, 32 or 64 bits, from @name to @name_end. */
#define GUEST_CODE(name, bits, text)                                       \
	asm("	.pushsection .rodata\n	.code" #bits "\n" #name ":\n" text \
	    "\n" #name "_end:\n	.code64\n	.popsection\n");               \
	extern const uint8_t name[], name##_end[]

struct victim {
	int vm;
	struct myhv_vcpu vcpu;
	uint8_t *ram; /* GUEST_RAM_BYTES at 0 */
	struct myhv_vcpu_state state;
	uint32_t groups;
};

/* A VM with one vCPU in a GUEST_ mode at the start of @code. Bails out if there is none. */
void victim_open(struct victim *v, uint32_t mode, const void *code, size_t bytes, int irqchip);
void victim_close(struct victim *v);
/* One more vCPU of the VM; closed by its owner, before the VM. */
void victim_vcpu_open(struct victim *v, struct myhv_vcpu *vcpu, uint32_t id);

/* Seconds on a clock that only goes forward. */
double now(void);

#endif /* TESTS_VICTIM_H */
