// SPDX-License-Identifier: GPL-2.0-or-later
/* hv.h on KVM, as a second opinion about the guests. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv.h"

#define MAX_MAPS 32
#define CPUID_ENTRIES 128

struct hv {
	int sys;
	int vm;
	int vcpu;
	size_t run_bytes;
	struct kvm_run *run;
	struct kvm_userspace_memory_region map[MAX_MAPS];
};

const char hv_name[] = "kvm";
const unsigned long hv_run_request = KVM_RUN;

static int call(int fd, unsigned long request, const void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

static int set_cpuid(struct hv *hv, int sys)
{
	struct kvm_cpuid2 *list;
	int r;

	list = calloc(1, sizeof(*list) + CPUID_ENTRIES * sizeof(list->entries[0]));
	if (!list)
		return -ENOMEM;
	list->nent = CPUID_ENTRIES;
	r = call(sys, KVM_GET_SUPPORTED_CPUID, list);
	if (r == 0)
		r = call(hv->vcpu, KVM_SET_CPUID2, list);
	free(list);
	return r;
}

static int open_vcpu(struct hv *hv, int sys, int vm, unsigned long id)
{
	int r = hv->vcpu = ioctl(vm, KVM_CREATE_VCPU, id);

	if (r < 0)
		return -errno;
	hv->run_bytes = call(sys, KVM_GET_VCPU_MMAP_SIZE, NULL);
	hv->run = mmap(NULL, hv->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, hv->vcpu, 0);
	return hv->run == MAP_FAILED ? -errno : set_cpuid(hv, sys);
}

int hv_open(struct hv **result, int irqchip)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct hv *hv = calloc(1, sizeof(*hv));
	int r;

	if (!hv)
		return -ENOMEM;
	hv->vm = hv->vcpu = -1;
	hv->sys = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	r = hv->sys < 0 ? -errno : 0;
	if (r < 0)
		goto fail;
	r = hv->vm = call(hv->sys, KVM_CREATE_VM, NULL);
	if (r < 0)
		goto fail;
	if (irqchip == HV_IRQCHIP_FULL) {
		r = call(hv->vm, KVM_CREATE_IRQCHIP, NULL);
		if (r == 0)
			r = call(hv->vm, KVM_CREATE_PIT2, &pit);
	} else if (irqchip == HV_IRQCHIP_SPLIT) {
		struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

		r = call(hv->vm, KVM_ENABLE_CAP, &cap);
	}
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
	hv->vm = hv->sys = hv->vcpu = -1;
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
	if (hv->run && hv->run != MAP_FAILED)
		munmap(hv->run, hv->run_bytes);
	if (hv->vcpu >= 0)
		close(hv->vcpu);
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
	return hv->vcpu;
}

int hv_map(struct hv *hv, uint64_t gpa, void *hva, uint64_t bytes, bool readonly)
{
	for (uint32_t i = 0; i < MAX_MAPS; i++) {
		struct kvm_userspace_memory_region *m = &hv->map[i];

		if (m->memory_size)
			continue;
		m->slot = i;
		m->flags = readonly ? KVM_MEM_READONLY : 0;
		m->guest_phys_addr = gpa;
		m->memory_size = bytes;
		m->userspace_addr = (uintptr_t)hva;
		return call(hv->vm, KVM_SET_USER_MEMORY_REGION, m);
	}
	return -ENOSPC;
}

int hv_unmap(struct hv *hv, uint64_t gpa)
{
	for (uint32_t i = 0; i < MAX_MAPS; i++) {
		struct kvm_userspace_memory_region *m = &hv->map[i];

		if (!m->memory_size || m->guest_phys_addr != gpa)
			continue;
		m->memory_size = 0;
		return call(hv->vm, KVM_SET_USER_MEMORY_REGION, m);
	}
	return -ENOENT;
}

/* Order of the general registers in struct kvm_regs, by ours. */
static __u64 *kvm_gpr(struct kvm_regs *r, unsigned int i)
{
	__u64 *const order[16] = { &r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
				   &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
				   &r->r12, &r->r13, &r->r14, &r->r15 };

	return order[i];
}

static struct kvm_segment *kvm_seg(struct kvm_sregs *s, unsigned int i)
{
	struct kvm_segment *const order[8] = { &s->es, &s->cs, &s->ss,	&s->ds,
					       &s->fs, &s->gs, &s->ldt, &s->tr };

	return order[i];
}

static void seg_to_kvm(const struct myhv_segment *s, struct kvm_segment *k)
{
	memset(k, 0, sizeof(*k));
	k->base = s->base;
	k->limit = s->limit;
	k->selector = s->selector;
	k->type = s->attrib & MYHV_SEG_TYPE_MASK;
	k->s = !!(s->attrib & MYHV_SEG_S);
	k->dpl = (s->attrib & MYHV_SEG_DPL_MASK) >> MYHV_SEG_DPL_SHIFT;
	k->present = !!(s->attrib & MYHV_SEG_P);
	k->unusable = !k->present;
	k->avl = !!(s->attrib & MYHV_SEG_AVL);
	k->l = !!(s->attrib & MYHV_SEG_L);
	k->db = !!(s->attrib & MYHV_SEG_DB);
	k->g = !!(s->attrib & MYHV_SEG_G);
}

static void seg_from_kvm(const struct kvm_segment *k, struct myhv_segment *s)
{
	s->base = k->base;
	s->limit = k->limit;
	s->selector = k->selector;
	s->attrib = k->type | k->s << 4 | k->dpl << 5 | k->present << 7 | k->avl << 8 |
		    k->l << 9 | k->db << 10 | k->g << 11;
}

int hv_state_get(struct hv *hv, uint32_t groups, struct myhv_vcpu_state *state)
{
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int r;

	r = call(hv->vcpu, KVM_GET_REGS, &regs);
	if (r == 0)
		r = call(hv->vcpu, KVM_GET_SREGS, &sregs);
	if (r == 0)
		r = call(hv->vcpu, KVM_GET_DEBUGREGS, &debug);
	if (r < 0)
		return r;
	if (groups & MYHV_STATE_GENERAL) {
		for (unsigned int i = 0; i < 16; i++)
			state->general.gpr[i] = *kvm_gpr(&regs, i);
		state->general.rip = regs.rip;
		state->general.rflags = regs.rflags;
	}
	if (groups & MYHV_STATE_SEGMENTS) {
		for (unsigned int i = 0; i < 8; i++)
			seg_from_kvm(kvm_seg(&sregs, i), &state->segments.seg[i]);
		state->segments.gdt.base = sregs.gdt.base;
		state->segments.gdt.limit = sregs.gdt.limit;
		state->segments.idt.base = sregs.idt.base;
		state->segments.idt.limit = sregs.idt.limit;
	}
	if (groups & MYHV_STATE_CONTROL) {
		state->control.cr0 = sregs.cr0;
		state->control.cr2 = sregs.cr2;
		state->control.cr3 = sregs.cr3;
		state->control.cr4 = sregs.cr4;
		state->control.cr8 = sregs.cr8;
		state->control.efer = sregs.efer;
		state->control.apic_base = sregs.apic_base;
	}
	if (groups & MYHV_STATE_DEBUG) {
		memcpy(state->debug.dr, debug.db, sizeof(debug.db));
		state->debug.dr6 = debug.dr6;
		state->debug.dr7 = debug.dr7;
	}
	return 0;
}

int hv_state_set(struct hv *hv, uint32_t groups, const struct myhv_vcpu_state *state)
{
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int r;

	r = call(hv->vcpu, KVM_GET_REGS, &regs);
	if (r == 0)
		r = call(hv->vcpu, KVM_GET_SREGS, &sregs);
	if (r == 0)
		r = call(hv->vcpu, KVM_GET_DEBUGREGS, &debug);
	if (r < 0)
		return r;
	if (groups & MYHV_STATE_GENERAL) {
		for (unsigned int i = 0; i < 16; i++)
			*kvm_gpr(&regs, i) = state->general.gpr[i];
		regs.rip = state->general.rip;
		regs.rflags = state->general.rflags;
	}
	if (groups & MYHV_STATE_SEGMENTS) {
		for (unsigned int i = 0; i < 8; i++)
			seg_to_kvm(&state->segments.seg[i], kvm_seg(&sregs, i));
		sregs.gdt.base = state->segments.gdt.base;
		sregs.gdt.limit = state->segments.gdt.limit;
		sregs.idt.base = state->segments.idt.base;
		sregs.idt.limit = state->segments.idt.limit;
	}
	if (groups & MYHV_STATE_CONTROL) {
		sregs.cr0 = state->control.cr0;
		sregs.cr2 = state->control.cr2;
		sregs.cr3 = state->control.cr3;
		sregs.cr4 = state->control.cr4;
		sregs.efer = state->control.efer;
	}
	if (groups & MYHV_STATE_DEBUG) {
		memcpy(debug.db, state->debug.dr, sizeof(debug.db));
		debug.dr6 = state->debug.dr6;
		debug.dr7 = state->debug.dr7;
	}
	r = call(hv->vcpu, KVM_SET_SREGS, &sregs);
	if (r == 0)
		r = call(hv->vcpu, KVM_SET_REGS, &regs);
	if (r == 0)
		r = call(hv->vcpu, KVM_SET_DEBUGREGS, &debug);
	return r;
}

int hv_run(struct hv *hv, struct hv_exit *out)
{
	struct kvm_run *run = hv->run;
	int r = call(hv->vcpu, KVM_RUN, NULL);

	memset(out, 0, sizeof(*out));
	run->immediate_exit = 0;
	if (r == -EINTR || r == -EAGAIN) {
		out->reason = HV_INTR;
		return 0;
	}
	if (r == -EFAULT) {
		out->reason = HV_MEMORY_FAULT;
		return 0;
	}
	if (r < 0)
		return r;
	out->irq_ready = run->ready_for_interrupt_injection;
	out->if_flag = run->if_flag;
	out->count = 1;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		out->reason = HV_IO;
		out->address = run->io.port;
		out->size = run->io.size;
		out->count = run->io.count;
		out->is_write = run->io.direction == KVM_EXIT_IO_OUT;
		out->data = (char *)run + run->io.data_offset;
		break;
	case KVM_EXIT_MMIO:
		out->reason = HV_MMIO;
		out->address = run->mmio.phys_addr;
		out->size = run->mmio.len;
		out->is_write = run->mmio.is_write;
		out->data = run->mmio.data;
		break;
	case KVM_EXIT_HLT: out->reason = HV_HLT; break;
	case KVM_EXIT_SHUTDOWN: out->reason = HV_SHUTDOWN; break;
	case KVM_EXIT_IRQ_WINDOW_OPEN: out->reason = HV_IRQ_WINDOW; break;
	case KVM_EXIT_DEBUG:
		out->reason = HV_DEBUG;
		out->address = run->debug.arch.pc;
		out->dr6 = run->debug.arch.dr6;
		break;
	case KVM_EXIT_IOAPIC_EOI:
		out->reason = HV_EOI;
		out->address = run->eoi.vector;
		break;
	default:
		out->reason = HV_FAILED;
		snprintf(out->detail, sizeof(out->detail), "exit reason %u, %u",
			 run->exit_reason, run->internal.suberror);
		break;
	}
	return 0;
}

void hv_kick(struct hv *hv)
{
	hv->run->immediate_exit = 1;
}

int hv_request_window(struct hv *hv, bool on)
{
	hv->run->request_interrupt_window = on;
	return 0;
}

int hv_interrupt(struct hv *hv, uint8_t vector)
{
	struct kvm_interrupt arg = { .irq = vector };

	return call(hv->vcpu, KVM_INTERRUPT, &arg);
}

int hv_nmi(struct hv *hv)
{
	return call(hv->vcpu, KVM_NMI, NULL);
}

int hv_irq_line(struct hv *hv, uint32_t gsi, bool level)
{
	struct kvm_irq_level arg = { .irq = gsi, .level = level };

	return call(hv->vm, KVM_IRQ_LINE, &arg);
}

int hv_msi(struct hv *hv, uint64_t address, uint32_t data)
{
	struct kvm_msi arg = { .address_lo = address, .address_hi = address >> 32, .data = data };
	int r = call(hv->vm, KVM_SIGNAL_MSI, &arg);

	return r < 0 ? r : 0;
}

int hv_debug(struct hv *hv, bool step, bool sw_bp, const uint64_t *dr, uint64_t dr7)
{
	struct kvm_guest_debug d = { 0 };

	if (step || sw_bp || dr)
		d.control = KVM_GUESTDBG_ENABLE;
	if (step)
		d.control |= KVM_GUESTDBG_SINGLESTEP;
	if (sw_bp)
		d.control |= KVM_GUESTDBG_USE_SW_BP;
	if (dr) {
		d.control |= KVM_GUESTDBG_USE_HW_BP;
		memcpy(d.arch.debugreg, dr, 4 * sizeof(*dr));
		d.arch.debugreg[7] = dr7;
	}
	return call(hv->vcpu, KVM_SET_GUEST_DEBUG, &d);
}
