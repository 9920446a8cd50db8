// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_RUN. The page that the client knows as struct kvm_run is page 0 of the run area: the
 * module itself looks at request_interrupt_window and immediate_exit there, so no kick is lost
 * between a look of ours and the system call. The rest of the page is ours to fill.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "convert.h"
#include "shim.h"
#include "vcpu_state.h"

_Static_assert(offsetof(struct kvm_run, request_interrupt_window) ==
	       offsetof(struct myhv_run_page, request_irq_window), "the kernel reads it");
_Static_assert(offsetof(struct kvm_run, immediate_exit) ==
	       offsetof(struct myhv_run_page, immediate_exit), "the kernel reads it");
_Static_assert(sizeof(struct kvm_run) <= SHIM_PAGE, "a page is what there is");
_Static_assert(offsetof(struct kvm_coalesced_mmio_ring, coalesced_mmio) ==
	       offsetof(struct myhv_coalesced_ring, write), "the kernel fills it");
_Static_assert(sizeof(struct kvm_coalesced_mmio) == sizeof(struct myhv_coalesced_write),
	       "the kernel fills it");
_Static_assert(offsetof(struct kvm_coalesced_mmio, pio) ==
	       offsetof(struct myhv_coalesced_write, is_port), "the kernel fills it");

/* ---- the map ---- */

static long map(void *addr, size_t bytes, int prot, int flags, int fd, long offset)
{
	long r = syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);

	return r == -1 ? -errno : r;
}

static long map_page(char *at, unsigned int page, int prot, int fd, uint32_t offset)
{
	return map(at + page * SHIM_PAGE, SHIM_PAGE, prot, MAP_SHARED | MAP_FIXED, fd, offset);
}

long run_map(struct vcpu *vcpu, int fd, void *addr, size_t bytes, int prot, int flags)
{
	int placement = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT);
	unsigned int pages = (bytes + SHIM_PAGE - 1) / SHIM_PAGE;
	long r, at;

	if (!bytes || pages > RUN_MAP_PAGES || !(flags & MAP_SHARED))
		return -EINVAL;
	/* one piece of address space, then a page after the other into it */
	at = map(addr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | placement, -1, 0);
	if (at < 0)
		return at;
	r = map_page((char *)at, 0, prot, fd, 0);
	if (r >= 0 && pages > RUN_DATA_PAGE)
		r = map_page((char *)at, RUN_DATA_PAGE, prot, fd, vcpu->data_offset);
	if (r >= 0 && pages > RUN_RING_PAGE)
		r = map_page((char *)at, RUN_RING_PAGE, prot, fd, vcpu->ring_offset);
	if (r < 0) {
		munmap((void *)at, bytes);
		return r;
	}
	return at;
}

long dirty_ring_map(struct vcpu *vcpu, void *addr, size_t bytes, int prot, int flags)
{
	int placement = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT);
	void *p;
	long at;

	if (!vcpu->dirty || !bytes || bytes > vcpu->vm->dirty_ring_bytes || !(flags & MAP_SHARED) ||
	    (prot & PROT_EXEC))
		return -EINVAL;
	at = map(addr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | placement, -1, 0);
	if (at < 0)
		return at;
	p = mremap(vcpu->dirty, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)at);
	if (p != MAP_FAILED && !mprotect(p, bytes, prot))
		return at;
	munmap((void *)at, bytes);
	return -ENOMEM;
}

/* ---- exits ---- */

static uint32_t io_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;

	run->io.direction = exit->io.is_write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = exit->io.size;
	run->io.port = exit->io.port;
	run->io.count = exit->io.count;
	run->io.data_offset = RUN_DATA_PAGE * SHIM_PAGE;
	return KVM_EXIT_IO;
}

static uint32_t mmio_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;

	run->mmio.phys_addr = exit->mmio.gpa;
	run->mmio.len = exit->mmio.size;
	run->mmio.is_write = exit->mmio.is_write;
	memcpy(run->mmio.data, exit->mmio.data, sizeof(run->mmio.data));
	vcpu->answer = exit->mmio.is_write ? MYHV_EXIT_NONE : MYHV_EXIT_MMIO;
	return KVM_EXIT_MMIO;
}

static uint32_t debug_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;

	run->debug.arch = (struct kvm_debug_exit_arch){
		.exception = exit->debug.vector,
		.pc = exit->debug.rip,
		.dr6 = exit->debug.dr6,
		.dr7 = exit->debug.dr7,
	};
	return KVM_EXIT_DEBUG;
}

static uint32_t msr_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;

	static const uint32_t reasons[] = {
		[MYHV_MSR_UNKNOWN] = KVM_MSR_EXIT_REASON_UNKNOWN,
		[MYHV_MSR_INVALID] = KVM_MSR_EXIT_REASON_INVAL,
		[MYHV_MSR_FILTERED] = KVM_MSR_EXIT_REASON_FILTER,
	};

	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reasons[exit->msr.cause & 3];
	run->msr.index = exit->msr.index;
	run->msr.data = exit->msr.value;
	vcpu->answer = exit->reason;
	return exit->reason == MYHV_EXIT_MSR_READ ? KVM_EXIT_X86_RDMSR : KVM_EXIT_X86_WRMSR;
}

static uint32_t hypercall_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;

	run->hypercall.nr = exit->hypercall.nr;
	memcpy(run->hypercall.args, exit->hypercall.args, sizeof(exit->hypercall.args));
	run->hypercall.ret = 0;
	run->hypercall.longmode = exit->hypercall.is_64bit;
	vcpu->answer = exit->reason;
	return KVM_EXIT_HYPERCALL;
}

static uint32_t eoi_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	run->eoi.vector = vcpu->exit->eoi.vector;
	return KVM_EXIT_IOAPIC_EOI;
}

static uint32_t emulation_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	const struct myhv_exit *exit = vcpu->exit;
	uint32_t length = exit->emulation.length;

	if (length > sizeof(run->emulation_failure.insn_bytes))
		length = sizeof(run->emulation_failure.insn_bytes);
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = length;
	memset(run->emulation_failure.insn_bytes, 0, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, exit->emulation.insn, length);
	return KVM_EXIT_INTERNAL_ERROR;
}

static uint32_t fail_entry_to_kvm(struct vcpu *vcpu, struct kvm_run *run)
{
	run->fail_entry.hardware_entry_failure_reason = vcpu->exit->fail_entry.hw_reason;
	run->fail_entry.cpu = vcpu->exit->fail_entry.host_cpu;
	return KVM_EXIT_FAIL_ENTRY;
}

/* Either what fills @run and says the reason, or a reason that has nothing to fill. */
static const struct exit_row {
	uint32_t reason;
	uint32_t (*fill)(struct vcpu *vcpu, struct kvm_run *run);
} exit_rows[] = {
	[MYHV_EXIT_NONE] = { .reason = KVM_EXIT_UNKNOWN },
	[MYHV_EXIT_IO] = { .fill = io_to_kvm },
	[MYHV_EXIT_MMIO] = { .fill = mmio_to_kvm },
	[MYHV_EXIT_HLT] = { .reason = KVM_EXIT_HLT },
	[MYHV_EXIT_SHUTDOWN] = { .reason = KVM_EXIT_SHUTDOWN },
	[MYHV_EXIT_IRQ_WINDOW] = { .reason = KVM_EXIT_IRQ_WINDOW_OPEN },
	[MYHV_EXIT_INTR] = { .reason = KVM_EXIT_INTR },
	[MYHV_EXIT_DEBUG] = { .fill = debug_to_kvm },
	[MYHV_EXIT_MSR_READ] = { .fill = msr_to_kvm },
	[MYHV_EXIT_MSR_WRITE] = { .fill = msr_to_kvm },
	[MYHV_EXIT_HYPERCALL] = { .fill = hypercall_to_kvm },
	[MYHV_EXIT_EOI] = { .fill = eoi_to_kvm },
	[MYHV_EXIT_TPR] = { .reason = KVM_EXIT_SET_TPR },
	[MYHV_EXIT_MEMORY_FAULT] = { .reason = KVM_EXIT_UNKNOWN },
	[MYHV_EXIT_EMULATION] = { .fill = emulation_to_kvm },
	[MYHV_EXIT_FAIL_ENTRY] = { .fill = fail_entry_to_kvm },
	[MYHV_EXIT_SHUTDOWN_VM] = { .reason = KVM_EXIT_UNKNOWN },
	[MYHV_EXIT_DIRTY] = { .reason = KVM_EXIT_DIRTY_RING_FULL },
};

/*
 * @no_run: immediate_exit was set before: that leaves the last exit for the client to read, as KVM
 * does. (A signal's handler may have set it since.)
 */
static void publish(struct vcpu *vcpu, bool no_run)
{
	const struct myhv_exit *exit = vcpu->exit;
	uint32_t reason = exit->reason;
	struct kvm_run *run = vcpu->run;

	vcpu->answer = MYHV_EXIT_NONE;
	if (reason == MYHV_EXIT_INTR && no_run)
		;
	else if (reason >= sizeof(exit_rows) / sizeof(exit_rows[0]))
		run->exit_reason = KVM_EXIT_UNKNOWN;
	else if (exit_rows[reason].fill)
		run->exit_reason = exit_rows[reason].fill(vcpu, run);
	else
		run->exit_reason = exit_rows[reason].reason;
	run->if_flag = !!(exit->flags & MYHV_EXIT_IF);
	/* with the PIC in the kernel the client has nothing to wait for */
	run->ready_for_interrupt_injection = vcpu->vm->irqchip == MYHV_IRQCHIP_FULL ||
					     (exit->flags & MYHV_EXIT_IRQ_READY);
	run->flags = 0;
	run->cr8 = exit->cr8;
	run->apic_base = exit->apic_base;
}

/* ---- before the run: what the client has left in its page ---- */

static void take_answer(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct myhv_exit *exit = vcpu->exit;

	switch (vcpu->answer) {
	case MYHV_EXIT_MMIO:
		memcpy(exit->mmio.data, run->mmio.data, sizeof(exit->mmio.data));
		break;
	case MYHV_EXIT_MSR_READ:
	case MYHV_EXIT_MSR_WRITE:
		exit->msr.error = run->msr.error;
		exit->msr.value = run->msr.data;
		break;
	case MYHV_EXIT_HYPERCALL:
		exit->hypercall.result = run->hypercall.ret;
		break;
	}
	vcpu->answer = MYHV_EXIT_NONE;
}

/*
 * Must the client hear of it? The host's own work on the way to user space is none of its
 * business: some wait for the signal that EINTR means to them. And the module's limit of a list
 * may be an old one.
 */
static bool runs_on(const struct vcpu *vcpu, long result)
{
	if (result == -EINTR)
		return vcpu->exit->flags & MYHV_EXIT_AGAIN;
	return result == 0 && vcpu->exit->reason == MYHV_EXIT_DIRTY && !dirty_ring_is_full(vcpu);
}

/* Until there is something for the client to do. */
static long run_guest(struct vcpu *vcpu, int fd)
{
	long r;

	do {
		r = sys_ioctl(fd, MYHV_VCPU_RUN, NULL);
		if (vcpu->dirty)
			dirty_ring_fill(vcpu, fd);
	} while (runs_on(vcpu, r));
	return r;
}

long vcpu_run(struct vcpu *vcpu, int fd)
{
	struct kvm_run *run = vcpu->run;
	bool no_run;
	long r;

	if (vcpu->vm->irqchip == MYHV_IRQCHIP_NONE && run->cr8 != vcpu->exit->cr8) {
		r = vcpu_cr8_set(fd, run->cr8);
		if (r)
			return r;
	}
	if (run->kvm_valid_regs | run->kvm_dirty_regs) {
		r = vcpu_sync_in(vcpu, fd);
		if (r)
			return r;
	}
	if (vcpu->dirty && dirty_ring_is_full(vcpu)) {
		run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return 0;
	}
	if (vcpu->answer)
		take_answer(vcpu);
	no_run = run->immediate_exit;
	r = run_guest(vcpu, fd);
	publish(vcpu, no_run);
	if (run->kvm_valid_regs)
		vcpu_sync_out(vcpu, fd);
	return r;
}
