// SPDX-License-Identifier: GPL-2.0-or-later
/* Making vCPUs, and showing one when something has gone wrong. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "vcpu.h"

static int create_one(struct vcpu *vcpu, int vm, uint32_t id, unsigned int cpus,
		      const struct myhv_cpuid_entry *supported, uint32_t count, struct error *err)
{
	struct myhv_cpuid_entry table[CPUID_MAX_ENTRIES];
	int r;

	r = myhv_vcpu_open(&vcpu->hv, vm, id);
	if (r < 0)
		return error_set(err, "cannot create vCPU %u: %s", id, strerror(-r));

	memcpy(table, supported, count * sizeof(*table));
	count = cpuid_for_vcpu(table, count, id, cpus);
	r = myhv_vcpu_cpuid_set(&vcpu->hv, table, count);
	if (r < 0)
		return error_set(err, "cannot set the CPUID of vCPU %u: %s", id, strerror(-r));
	return 0;
}

int vcpus_create(struct vcpus *vcpus, int sys, int vm, unsigned int count,
		 const struct cpu_model *model, struct error *err)
{
	struct myhv_cpuid_entry supported[CPUID_MAX_ENTRIES];
	uint32_t entries = CPUID_MAX_ENTRIES;
	uint64_t most = 0;
	int r;

	r = myhv_prop_get(sys, MYHV_PROP_MAX_VCPUS, &most);
	if (r < 0)
		return error_set(err, "cannot ask for the number of vCPUs: %s", strerror(-r));
	if (count > most)
		return error_set(err, "-smp %u: this module allows up to %" PRIu64 " processors",
				 count, most);
	r = myhv_cpuid_supported(sys, supported, &entries);
	if (r < 0)
		return error_set(err, "cannot ask for the CPUID table: %s", strerror(-r));
	if (cpu_model_apply(model, supported, &entries, err) < 0)
		return -1;

	pthread_mutex_init(&vcpus->lock, NULL);
	pthread_cond_init(&vcpus->changed, NULL);
	for (unsigned int i = 0; i < count; i++) {
		vcpus->vcpu[i].group = vcpus;
		vcpus->count = i + 1;
		if (create_one(&vcpus->vcpu[i], vm, i, count, supported, entries, err) < 0)
			return -1;
	}
	return 0;
}

void vcpus_destroy(struct vcpus *vcpus)
{
	if (!vcpus->count)
		return;
	for (unsigned int i = 0; i < vcpus->count; i++)
		myhv_vcpu_close(&vcpus->vcpu[i].hv);
	pthread_cond_destroy(&vcpus->changed);
	pthread_mutex_destroy(&vcpus->lock);
	vcpus->count = 0;
}

/* ---- the dump: as QEMU prints it, so that it reads familiar ---- */

static void dump_general(const struct myhv_state_general *regs, FILE *to)
{
	static const char names[16][4] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
					   "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15" };

	for (int i = 0; i < 16; i++)
		fprintf(to, "%s=%016" PRIx64 "%c", names[i], (uint64_t)regs->gpr[i],
			i % 4 == 3 ? '\n' : ' ');
	fprintf(to, "RIP=%016" PRIx64 " RFL=%08" PRIx64 "\n", (uint64_t)regs->rip,
		(uint64_t)regs->rflags);
}

static void dump_segments(const struct myhv_state_segments *segments, FILE *to)
{
	static const char names[8][5] = { "ES ", "CS ", "SS ", "DS ", "FS ", "GS ", "LDT", "TR " };

	for (int i = 0; i < 8; i++) {
		const struct myhv_segment *seg = &segments->seg[i];

		fprintf(to, "%s=%04x %016" PRIx64 " %08x %04x\n", names[i], seg->selector,
			(uint64_t)seg->base, seg->limit, seg->attrib);
	}
	fprintf(to, "GDT=     %016" PRIx64 " %04x\nIDT=     %016" PRIx64 " %04x\n",
		(uint64_t)segments->gdt.base, segments->gdt.limit, (uint64_t)segments->idt.base,
		segments->idt.limit);
}

static void dump_code(struct vcpu *vcpu, const struct myhv_vcpu_state *state, FILE *to)
{
	struct myhv_translate at = {
		.gva = state->segments.seg[MYHV_SEG_CS].base + state->general.rip,
		.access = MYHV_ACCESS_FETCH,
	};
	const uint8_t *code;
	uint64_t bytes;

	if (myhv_vcpu_translate(&vcpu->hv, &at) < 0 || !at.valid) {
		fprintf(to, "Code=not mapped\n");
		return;
	}
	bytes = 4096 - at.gpa % 4096;
	if (bytes > 16)
		bytes = 16;
	code = guest_ram_ptr(vcpu->group->ram, at.gpa, bytes);
	if (!code) {
		fprintf(to, "Code=at %#" PRIx64 ", which is no memory\n", (uint64_t)at.gpa);
		return;
	}
	fprintf(to, "Code=");
	for (uint64_t i = 0; i < bytes; i++)
		fprintf(to, "%02x ", code[i]);
	fputc('\n', to);
}

void vcpu_dump(struct vcpu *vcpu, FILE *to)
{
	struct myhv_vcpu_state *state = malloc(sizeof(*state));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;
	int r = state ? myhv_vcpu_state_get(&vcpu->hv, groups, state) : -ENOMEM;

	if (r < 0) {
		fprintf(to, "hvrun: cannot read the registers of vCPU %u: %s\n", vcpu->hv.id,
			strerror(-r));
		free(state);
		return;
	}
	dump_general(&state->general, to);
	dump_segments(&state->segments, to);
	fprintf(to,
		"CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64
		" EFER=%08" PRIx64 "\n",
		(uint64_t)state->control.cr0, (uint64_t)state->control.cr2,
		(uint64_t)state->control.cr3, (uint64_t)state->control.cr4,
		(uint64_t)state->control.efer);
	dump_code(vcpu, state, to);
	free(state);
}
