// SPDX-License-Identifier: GPL-2.0-or-later
/* hv.h on myhv. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hv.h"
#include "libmyhv.h"

#define MAX_MAPS 32

struct hv {
	int sys;
	int vm;
	struct myhv_vcpu vcpu;
	struct {
		uint64_t gpa, bytes;
	} map[MAX_MAPS];
};

const char hv_name[] = "myhv";
const unsigned long hv_run_request = MYHV_VCPU_RUN;

static int set_cpuid(struct hv *hv, int sys)
{
	struct myhv_cpuid_entry entries[256];
	uint32_t count = 256;
	int r = myhv_cpuid_supported(sys, entries, &count);

	return r ? r : myhv_vcpu_cpuid_set(&hv->vcpu, entries, count);
}

static int open_vcpu(struct hv *hv, int sys, int vm, uint32_t id)
{
	int r = myhv_vcpu_open(&hv->vcpu, vm, id);

	return r < 0 ? r : set_cpuid(hv, sys);
}

int hv_open(struct hv **result, int irqchip)
{
	struct hv *hv = calloc(1, sizeof(*hv));
	int r;

	if (!hv)
		return -ENOMEM;
	hv->sys = hv->vm = -1;
	r = hv->sys = myhv_open(NULL);
	if (r < 0)
		goto fail;
	r = hv->vm = myhv_vm_create(hv->sys, irqchip,
				    irqchip == HV_IRQCHIP_FULL ? MYHV_VM_PIT : 0, "test");
	if (r < 0)
		goto fail;
	r = open_vcpu(hv, hv->sys, hv->vm, 0);
	if (r < 0)
		goto fail;
	*result = hv;
	return 0;
fail:
	hv_close(hv);
	return r;
}

int hv_open_another(struct hv **result, struct hv *first, uint32_t id)
{
	struct hv *hv = calloc(1, sizeof(*hv));
	int r;

	if (!hv)
		return -ENOMEM;
	hv->sys = hv->vm = -1;
	r = open_vcpu(hv, first->sys, first->vm, id);
	if (r < 0)
		hv_close(hv);
	else
		*result = hv;
	return r < 0 ? r : 0;
}

void hv_close(struct hv *hv)
{
	if (!hv)
		return;
	myhv_vcpu_close(&hv->vcpu);
	if (hv->vm >= 0)
		close(hv->vm);
	if (hv->sys >= 0)
		close(hv->sys);
	free(hv);
}

int hv_vm_fd(struct hv *hv)
{
	return hv->vm;
}

int hv_vcpu_fd(struct hv *hv)
{
	return hv->vcpu.fd;
}

int hv_map(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes, bool readonly)
{
	int r = myhv_mem_map(hv->vm, gpa, hva, bytes, readonly ? MYHV_MEM_READONLY : 0);

	for (int i = 0; r == 0 && i < MAX_MAPS; i++) {
		if (!hv->map[i].bytes) {
			hv->map[i].gpa = gpa;
			hv->map[i].bytes = bytes;
			break;
		}
	}
	return r;
}

int hv_unmap(struct hv *hv, uint64_t gpa)
{
	for (int i = 0; i < MAX_MAPS; i++) {
		if (hv->map[i].bytes && hv->map[i].gpa == gpa) {
			int r = myhv_mem_unmap(hv->vm, gpa, hv->map[i].bytes);

			if (r == 0)
				hv->map[i].bytes = 0;
			return r;
		}
	}
	return -ENOENT;
}

int hv_state_get(struct hv *hv, uint32_t groups, struct myhv_vcpu_state *state)
{
	return myhv_vcpu_state_get(&hv->vcpu, groups, state);
}

int hv_state_set(struct hv *hv, uint32_t groups, const struct myhv_vcpu_state *state)
{
	return myhv_vcpu_state_set(&hv->vcpu, groups, state);
}

static void describe(const struct myhv_exit *e, struct hv_exit *out)
{
	int n = snprintf(out->detail, sizeof(out->detail), "%s at rip %#llx",
			 myhv_exit_name(e->reason), (unsigned long long)e->rip);
	size_t left = sizeof(out->detail) - n;

	if (e->reason == MYHV_EXIT_FAIL_ENTRY)
		snprintf(out->detail + n, left, " hw %#llx",
			 (unsigned long long)e->fail_entry.hw_reason);
	if (e->reason == MYHV_EXIT_EMULATION)
		snprintf(out->detail + n, left, " insn %02x %02x %02x %02x %02x %02x",
			 e->emulation.insn[0], e->emulation.insn[1], e->emulation.insn[2],
			 e->emulation.insn[3], e->emulation.insn[4], e->emulation.insn[5]);
}

int hv_run(struct hv *hv, struct hv_exit *out)
{
	struct myhv_exit *e = hv->vcpu.exit;
	int r = myhv_vcpu_run(&hv->vcpu);

	memset(out, 0, sizeof(*out));
	hv->vcpu.page->immediate_exit = 0;
	if (r == -EINTR || r == -EAGAIN) {
		out->reason = HV_INTR;
		return 0;
	}
	if (r < 0 && r != -EFAULT)
		return r;
	out->irq_ready = e->flags & MYHV_EXIT_IRQ_READY;
	out->if_flag = e->flags & MYHV_EXIT_IF;
	out->count = 1;
	describe(e, out);
	switch (e->reason) {
	case MYHV_EXIT_IO:
		out->reason = HV_IO;
		out->address = e->io.port;
		out->size = e->io.size;
		out->count = e->io.count;
		out->is_write = e->io.is_write;
		out->data = hv->vcpu.data;
		break;
	case MYHV_EXIT_MMIO:
		out->reason = HV_MMIO;
		out->address = e->mmio.gpa;
		out->size = e->mmio.size;
		out->is_write = e->mmio.is_write;
		out->data = e->mmio.data;
		break;
	case MYHV_EXIT_HLT: out->reason = HV_HLT; break;
	case MYHV_EXIT_SHUTDOWN: out->reason = HV_SHUTDOWN; break;
	case MYHV_EXIT_IRQ_WINDOW: out->reason = HV_IRQ_WINDOW; break;
	case MYHV_EXIT_DEBUG:
		out->reason = HV_DEBUG;
		out->address = e->debug.rip;
		out->dr6 = e->debug.dr6;
		break;
	case MYHV_EXIT_MEMORY_FAULT:
		out->reason = HV_MEMORY_FAULT;
		out->address = e->memory_fault.gpa;
		break;
	case MYHV_EXIT_EOI:
		out->reason = HV_EOI;
		out->address = e->eoi.vector;
		break;
	default: out->reason = HV_FAILED; break;
	}
	return 0;
}

void hv_kick(struct hv *hv)
{
	int saved = errno;

	myhv_vcpu_kick(&hv->vcpu);
	errno = saved;
}

int hv_request_window(struct hv *hv, bool on)
{
	hv->vcpu.page->request_irq_window = on;
	return 0;
}

int hv_interrupt(struct hv *hv, uint8_t vector)
{
	return myhv_vcpu_interrupt(&hv->vcpu, MYHV_INTERRUPT_EXTERNAL, vector);
}

int hv_nmi(struct hv *hv)
{
	return myhv_vcpu_interrupt(&hv->vcpu, MYHV_INTERRUPT_NMI, 0);
}

int hv_irq_line(struct hv *hv, uint32_t gsi, bool level)
{
	int r = myhv_irq_line(hv->vm, gsi, level);

	return r < 0 ? r : 0;
}

int hv_msi(struct hv *hv, uint64_t address, uint32_t data)
{
	int r = myhv_irq_msi(hv->vm, address, data);

	return r < 0 ? r : 0;
}

int hv_debug(struct hv *hv, bool step, bool sw_bp, const uint64_t *dr, uint64_t dr7)
{
	struct myhv_debug d = { 0 };

	if (step || sw_bp || dr)
		d.flags = MYHV_DEBUG_ENABLE;
	if (step)
		d.flags |= MYHV_DEBUG_STEP;
	if (sw_bp)
		d.flags |= MYHV_DEBUG_SW_BP;
	if (dr) {
		d.flags |= MYHV_DEBUG_HW_BP;
		memcpy(d.dr, dr, 4 * sizeof(*dr));
		d.dr[7] = dr7;
	}
	return myhv_vcpu_debug(&hv->vcpu, &d);
}
