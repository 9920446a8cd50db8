// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's API as a client sees it: results, errors, descriptors, threads, fork. The program knows
 * nothing of myhv; it must pass on KVM, and through the shim on myhv.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define RAM_SLOT 0
#define RAM_PAGES 16
#include "machine.h"

/* ---- the system ---- */

static void extensions(int kvm)
{
	static const uint32_t needed[] = {
		KVM_CAP_IRQCHIP, KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID,
		KVM_CAP_NR_VCPUS, KVM_CAP_NR_MEMSLOTS, KVM_CAP_MP_STATE,
		KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
		KVM_CAP_IRQ_ROUTING, KVM_CAP_MCE, KVM_CAP_IRQFD, KVM_CAP_PIT2, KVM_CAP_PIT_STATE2,
		KVM_CAP_IOEVENTFD, KVM_CAP_SET_IDENTITY_MAP_ADDR, KVM_CAP_ADJUST_CLOCK,
		KVM_CAP_INTERNAL_ERROR_DATA, KVM_CAP_VCPU_EVENTS, KVM_CAP_DEBUGREGS,
		KVM_CAP_X86_ROBUST_SINGLESTEP, KVM_CAP_XSAVE, KVM_CAP_XCRS, KVM_CAP_SIGNAL_MSI,
		KVM_CAP_READONLY_MEM, KVM_CAP_IOEVENTFD_ANY_LENGTH, KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_COALESCED_MMIO, KVM_CAP_SYNC_REGS,
		KVM_CAP_MAX_VCPU_ID, KVM_CAP_EXCEPTION_PAYLOAD,
	};

	is(value_call(kvm, KVM_GET_API_VERSION, 0), 12, "API version");
	is(value_call(kvm, KVM_GET_API_VERSION, 1), -EINVAL, "with an argument");
	for (unsigned int i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		ok(value_call(kvm, KVM_CHECK_EXTENSION, needed[i]) > 0, "extension %u", needed[i]);
	is(value_call(kvm, KVM_CHECK_EXTENSION, 100000), 0, "an extension that nobody has");
	is(value_call(kvm, KVM_CREATE_VM, 77), -EINVAL, "a VM of an unknown type");
	is(value_call(kvm, _IO(KVMIO, 0xfe), 0), -EINVAL, "an unknown call");
	is(value_call(kvm, KVM_RUN, 0), -EINVAL, "a vCPU's call");
}

static void lists(int kvm)
{
	struct {
		struct kvm_msr_list list;
		uint32_t room[1024];
	} msrs = { .list.nmsrs = 0 };
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	is(call(kvm, KVM_GET_MSR_INDEX_LIST, &msrs), -E2BIG, "MSRs: no room");
	ok(msrs.list.nmsrs > 10, "and how much is needed");
	is(call(kvm, KVM_GET_MSR_INDEX_LIST, &msrs), 0, "MSRs");
	is(call(kvm, KVM_GET_MSR_INDEX_LIST, BAD), -EFAULT, "MSRs: a bad pointer");
	cpuid->nent = 1;
	is(call(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), -E2BIG, "CPUID: no room");
	is(cpuid->nent, 1, "the count stays");
	cpuid->nent = 256;
	is(call(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), 0, "CPUID");
	ok(cpuid->nent > 10 && cpuid->nent < 256, "entries");
	is(call(kvm, KVM_GET_SUPPORTED_CPUID, BAD), -EFAULT, "CPUID: a bad pointer");
	free(cpuid);
}

/* ---- memory ---- */

static void regions(struct machine *m)
{
	uint8_t *p = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	int vm = m->vm;

	is(set_region(vm, 1, 0, 0x8000, RAM_BYTES, p), -EEXIST, "overlap");
	is(set_region(vm, 1, 0, 0x100800, RAM_BYTES, p), -EINVAL, "address not of a page");
	is(set_region(vm, 1, 0, 0x100000, RAM_BYTES - 1, p), -EINVAL, "size not of pages");
	is(set_region(vm, 1, 0, 0x100000, RAM_BYTES, p + 1), -EINVAL, "memory not of a page");
	is(set_region(vm, 1, 0x80, 0x100000, RAM_BYTES, p), -EINVAL, "unknown flags");
	is(set_region(vm, 1, 0, 0x100000, 0, p), -EINVAL, "nothing to delete");
	is(set_region(vm, 1u << 15, 0, 0x100000, RAM_BYTES, p), -EINVAL, "slot beyond all");
	is(set_region(vm, 1u << 16, 0, 0x100000, RAM_BYTES, p) ? -EINVAL : 0,
	   value_call(vm, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE) > 1 ? 0 : -EINVAL,
	   "address space 1");
	is(set_region(vm, 1, 0, 0x100000, RAM_BYTES, p), 0, "a second slot");
	is(set_region(vm, 1, 0, 0x100000, RAM_BYTES / 2, p), -EINVAL, "another size");
	is(set_region(vm, 1, 0, 0x100000, RAM_BYTES, p + 4096), -EINVAL, "other memory");
	is(set_region(vm, 1, KVM_MEM_READONLY, 0x100000, RAM_BYTES, p), -EINVAL, "read only");
	is(set_region(vm, 1, 0, 0x200000, RAM_BYTES, p), 0, "moved");
	is(set_region(vm, 1, 0, 0x0, RAM_BYTES, p), -EEXIST, "moved onto another");
	is(set_region(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 0x200000, RAM_BYTES, p), 0, "watched");
	is(set_region(vm, 1, 0, 0x200000, RAM_BYTES, p), 0, "not watched");
	is(set_region(vm, 1, 0, 0, 0, NULL), 0, "deleted");
	is(set_region(vm, 1, 0, 0, 0, NULL), -EINVAL, "deleted twice");
	is(call(vm, KVM_SET_USER_MEMORY_REGION, BAD), -EFAULT, "a bad pointer");
	munmap(p, RAM_BYTES);
}

static void dirty_log(struct machine *m)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = &bits };

	is(call(m->vm, KVM_GET_DIRTY_LOG, &log), -ENOENT, "log of a slot without one");
	log.slot = 9;
	is(call(m->vm, KVM_GET_DIRTY_LOG, &log), -ENOENT, "log of no slot");
	log.slot = 0;
	is(set_region(m->vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, RAM_BYTES, m->ram), 0, "watch");
	/* mov $1, (0x3000); mov $1, (0x5000); out 1 */
	RESTART(m, 0xc6, 0x06, 0x00, 0x30, 1, 0xc6, 0x06, 0x00, 0x50, 1, 0xe6, 1);
	is(run(m), 0, "write two pages");
	is(call(m->vm, KVM_GET_DIRTY_LOG, &log), 0, "log");
	is(bits & 0x28, 0x28, "both are in it");
	bits = 0;
	is(call(m->vm, KVM_GET_DIRTY_LOG, &log), 0, "again");
	is(bits & 0x28, 0, "it was emptied");
	log.dirty_bitmap = BAD;
	is(call(m->vm, KVM_GET_DIRTY_LOG, &log), -EFAULT, "a bad bitmap");
	is(set_region(m->vm, 0, 0, 0, RAM_BYTES, m->ram), 0, "watch no more");
}

/* ---- chips ---- */

static void chips(int kvm)
{
	struct kvm_pit_config pit = { 0 };
	struct kvm_irq_level level = { .irq = 5, .level = 1 };
	struct kvm_irqchip chip = { .chip_id = 2 };
	struct kvm_pit_state2 pit_state;
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	int vm = value_call(kvm, KVM_CREATE_VM, 0);

	is(call(vm, KVM_IRQ_LINE, &level), -ENXIO, "no chips: a line");
	is(call(vm, KVM_GET_IRQCHIP, &chip), -ENXIO, "no chips: their state");
	is(call(vm, KVM_GET_PIT2, &pit_state), -ENXIO, "no PIT: its state");
	is(value_call(vm, KVM_CREATE_IRQCHIP, 0), 0, "chips");
	is(value_call(vm, KVM_CREATE_IRQCHIP, 0), -EEXIST, "twice");
	is(call(vm, KVM_ENABLE_CAP, &split), -EEXIST, "and split");
	is(value_call(vm, KVM_CREATE_VCPU, 0) >= 0, 1, "a vCPU");
	is(value_call(vm, KVM_CREATE_VCPU, 0), -EEXIST, "twice");
	is(value_call(vm, KVM_CREATE_VCPU, 1ul << 20), -EINVAL, "a vCPU with a large number");
	is(call(vm, KVM_CREATE_PIT2, &pit), 0, "a PIT");
	is(call(vm, KVM_CREATE_PIT2, &pit), -EEXIST, "twice");
	is(call(vm, KVM_IRQ_LINE, &level), 0, "a line");
	is(call(vm, KVM_GET_IRQCHIP, &chip), 0, "IOAPIC");
	is(chip.chip.ioapic.base_address, 0xfec00000, "where it is");
	is(call(vm, KVM_SET_IRQCHIP, &chip), 0, "and back");
	chip.chip_id = 3;
	is(call(vm, KVM_GET_IRQCHIP, &chip), -EINVAL, "chip 3");
	is(call(vm, KVM_GET_PIT2, &pit_state), 0, "PIT");
	is(call(vm, KVM_SET_PIT2, &pit_state), 0, "and back");
	ok(call(vm, KVM_SIGNAL_MSI, &msi) >= 0, "a message");
	msi.address_lo &= 0xfffff;
	ok(call(vm, KVM_SIGNAL_MSI, &msi) >= 0, "a message without the upper bits of its address");
	msi.flags = 0x80;
	is(call(vm, KVM_SIGNAL_MSI, &msi), -EINVAL, "with flags");
	is(call(vm, KVM_IRQ_LINE, BAD), -EFAULT, "a bad pointer");
	is(value_call(vm, _IO(KVMIO, 0xfe), 0), -ENOTTY, "an unknown call");
	close(vm);

	vm = value_call(kvm, KVM_CREATE_VM, 0);
	is(value_call(vm, KVM_CREATE_VCPU, 0) >= 0, 1, "a vCPU first");
	is(value_call(vm, KVM_CREATE_IRQCHIP, 0), -EINVAL, "chips are too late");
	close(vm);
}

/* ---- running ---- */

static void ports_and_memory(struct machine *m)
{
	uint8_t *data;

	/* mov $0x5a, %al; out %al, $0x10; in $0x11, %al; out %al, $0x12 */
	RESTART(m, 0xb0, 0x5a, 0xe6, 0x10, 0xe4, 0x11, 0xe6, 0x12,
		/* mov $0x2000, %bx; mov $0xf000, %ax; mov %ax, %ds; mov %bl, (0xf000) */
		0xbb, 0x21, 0x20, 0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0x88, 0x1e, 0x00, 0xf0,
		/* mov (0xf004), %al; out %al, $0x13; hlt */
		0xa0, 0x04, 0xf0, 0xe6, 0x13, 0xf4);
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_IO, "a port");
	is(m->run->io.port, 0x10, "its number");
	is(m->run->io.direction, KVM_EXIT_IO_OUT, "a write");
	data = (uint8_t *)m->run + m->run->io.data_offset;
	is(*data, 0x5a, "its data");
	is(run(m), 0, "run");
	is(m->run->io.direction, KVM_EXIT_IO_IN, "a read");
	*data = 0x77;
	is(run(m), 0, "run");
	is(*data, 0x77, "what was read");
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_MMIO, "memory that is none");
	is(m->run->mmio.phys_addr, 0xff000, "its address");
	is(m->run->mmio.is_write, 1, "a write");
	is(m->run->mmio.data[0], 0x21, "its data");
	is(run(m), 0, "run");
	is(m->run->mmio.is_write, 0, "a read");
	is(m->run->mmio.len, 1, "of a byte");
	m->run->mmio.data[0] = 0x99;
	is(run(m), 0, "run");
	is(*data, 0x99, "what was read");
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_HLT, "HLT");
}

static void interrupted(struct machine *m)
{
	RESTART(m, 0xeb, 0xfe); /* jmp . */
	m->run->immediate_exit = 1;
	m->run->exit_reason = KVM_EXIT_HLT;
	is(run(m), -EINTR, "immediate exit");
	is(m->run->exit_reason, KVM_EXIT_HLT, "leaves the last reason");
	m->run->immediate_exit = 0;
	is(value_call(m->vcpu, KVM_RUN, 1), -EINVAL, "KVM_RUN with an argument");
}

static void signal_mask(struct machine *m)
{
	struct {
		struct kvm_signal_mask mask;
		uint64_t set;
	} __attribute__((packed)) arg = { .mask.len = 8 };
	struct timespec now = { 0 };
	sigset_t blocked, old;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &old);
	RESTART(m, 0xeb, 0xfe); /* jmp . */
	is(call(m->vcpu, KVM_SET_SIGNAL_MASK, &arg), 0, "a mask for the run");
	pthread_kill(pthread_self(), SIGUSR1);
	is(value_call(m->vcpu, KVM_RUN, 0), -EINTR, "lets a blocked signal end it");
	is(sigtimedwait(&blocked, NULL, &now), SIGUSR1, "which stays pending");
	arg.mask.len = 4;
	is(call(m->vcpu, KVM_SET_SIGNAL_MASK, &arg), -EINVAL, "a mask of another size");
	is(call(m->vcpu, KVM_SET_SIGNAL_MASK, NULL), 0, "the thread's own mask again");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void coalesced(struct machine *m)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0xff000, .size = 0x100 };
	struct kvm_coalesced_mmio_zone port = { .addr = 0x20, .size = 1, .pio = 1 };
	int page = value_call(m->kvm, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	struct kvm_coalesced_mmio_ring *ring = (void *)((char *)m->run + page * 4096);

	is(call(m->vm, KVM_REGISTER_COALESCED_MMIO, &zone), 0, "a zone in memory");
	is(call(m->vm, KVM_REGISTER_COALESCED_MMIO, &port), 0, "a zone of ports");
	ring->first = ring->last = 0;
	/* mov $0xf000, %ax; mov %ax, %ds; mov %al, (0xf010); mov %al, (0xf0ff);
	 * out %al, $0x20; mov %ax, (0xf0ff); hlt */
	RESTART(m, 0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0xb0, 0x33, 0xa2, 0x10, 0xf0, 0xa2, 0xff, 0xf0,
		0xe6, 0x20, 0xa3, 0xff, 0xf0, 0xf4);
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_MMIO, "a write across the zone's end");
	is(ring->last, 3, "three writes wait in the ring");
	is(ring->coalesced_mmio[0].phys_addr, 0xff010, "the first");
	is(ring->coalesced_mmio[0].data[0], 0x33, "its data");
	is(ring->coalesced_mmio[2].phys_addr, 0x20, "the third");
	is(ring->coalesced_mmio[2].pio, 1, "is a port");
	is(call(m->vm, KVM_UNREGISTER_COALESCED_MMIO, &port), 0, "no ports any more");
	is(call(m->vm, KVM_UNREGISTER_COALESCED_MMIO, &zone), 0, "no memory");
	RESTART(m, 0xe6, 0x20);
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_IO, "the port exits again");
}

static void sync_regs(struct machine *m)
{
	/* not above bit 31: there some kernels' KVM, 6.12 for one, does not look */
	m->run->kvm_valid_regs = 1ull << 20;
	is(run(m), -EINVAL, "unknown registers");
	m->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	RESTART(m, 0xe6, 0x20, 0xe6, 0x21);
	is(run(m), 0, "run");
	is(m->run->s.regs.regs.rsp, 0x8000, "registers came along");
	m->run->s.regs.regs.rip = CODE + 2;
	m->run->s.regs.regs.rax = 0x44;
	m->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	is(run(m), 0, "run");
	is(m->run->exit_reason, KVM_EXIT_IO, "a port");
	is(m->run->io.port, 0x21, "and went back");
	is(*((uint8_t *)m->run + m->run->io.data_offset), 0x44, "all of them");
	m->run->kvm_valid_regs = 0;
}

static void bad_pointers(struct machine *m)
{
	static const unsigned long vcpu_calls[] = {
		KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS, KVM_GET_MSRS,
		KVM_SET_MSRS, KVM_SET_CPUID2, KVM_GET_FPU, KVM_SET_FPU, KVM_GET_MP_STATE,
		KVM_SET_MP_STATE, KVM_SET_GUEST_DEBUG, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
		KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, KVM_GET_XSAVE, KVM_SET_XSAVE, KVM_GET_XCRS,
		KVM_SET_XCRS, KVM_INTERRUPT, KVM_TRANSLATE, KVM_X86_SETUP_MCE, KVM_X86_SET_MCE,
	};

	for (unsigned int i = 0; i < sizeof(vcpu_calls) / sizeof(vcpu_calls[0]); i++)
		is(call(m->vcpu, vcpu_calls[i], BAD), -EFAULT, "bad pointer, call %#lx",
		   vcpu_calls[i] & 0xff);
	is(value_call(m->vcpu, _IO(KVMIO, 0xfe), 0), -EINVAL, "an unknown call");
}

/* ---- descriptors ---- */

static void copies(void)
{
	struct kvm_regs regs;
	struct machine m;
	int copy, copy2, file;

	machine_open(&m, 0, false);
	RESTART(&m, 0xe6, 0x10, 0xe6, 0x11, 0xe6, 0x12, 0xe6, 0x13);
	copy = dup(m.vcpu);
	close(m.vcpu);
	is(call(m.vcpu, KVM_GET_REGS, &regs), -EBADF, "closed");
	file = open("/dev/null", O_RDWR);
	is(file, m.vcpu, "the number is used again");
	is(call(file, KVM_GET_REGS, &regs), -ENOTTY, "by a file that is no vCPU");
	close(file);
	m.vcpu = copy;
	is(run(&m), 0, "a copy runs");
	is(m.run->io.port, 0x10, "the same guest");
	copy2 = fcntl(copy, F_DUPFD_CLOEXEC, 200);
	is(dup2(copy2, 300), 300, "dup2");
	is(dup3(copy2, 301, O_CLOEXEC), 301, "dup3");
	close(copy);
	close(copy2);
	m.vcpu = 300;
	is(run(&m), 0, "what dup2 made runs");
	close_range(250, 300, 0);
	is(call(300, KVM_GET_REGS, &regs), -EBADF, "close_range");
	m.vcpu = 301;
	is(run(&m), 0, "what dup3 made runs");
	is(m.run->io.port, 0x12, "further on");
	/* the VM's descriptor may go before its vCPU's */
	close(m.vm);
	close(m.kvm);
	is(run(&m), 0, "without the VM's descriptor");
	machine_close(&m);
}

static void over_fork(struct machine *m)
{
	struct kvm_regs regs;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (call(m->vcpu, KVM_GET_REGS, &regs) != -EIO ||
		    value_call(m->vcpu, KVM_RUN, 0) != -EIO ||
		    set_region(m->vm, 0, 0, 0, 0, NULL) != -EIO ||
		    value_call(m->kvm, KVM_GET_API_VERSION, 0) != 12)
			_exit(1);
		close(m->vcpu);
		close(m->vm);
		_exit(0);
	}
	waitpid(child, &status, 0);
	is(status, 0, "a child gets EIO from its parent's VM, and may open a system of its own");
	RESTART(m, 0xe6, 0x10);
	is(run(m), 0, "the parent goes on");
}

static void late_and_nothing(void)
{
	struct kvm_irqfd irqfd = { .flags = KVM_IRQFD_FLAG_DEASSIGN, .gsi = 5 };
	uint64_t address = 0xfffbc000;
	struct machine m;

	machine_open(&m, 0, true);
	is(call(m.vm, KVM_SET_IDENTITY_MAP_ADDR, &address), -EINVAL,
	   "the identity map's address, after a vCPU");
	irqfd.fd = eventfd(0, EFD_CLOEXEC);
	is(call(m.vm, KVM_IRQFD, &irqfd), 0, "an irqfd is taken away that is not there");
	close(irqfd.fd);
	machine_close(&m);
}

/* What a child of vfork() closes before it executes something is the child's alone. */
static void over_vfork(struct machine *m)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		dup2(m->vm, 400);
		close(m->vcpu);
		close_range(3, ~0U, 0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	is(status, 0, "a child by vfork() closes all that it has");
	is(call(400, KVM_CHECK_EXTENSION, NULL), -EBADF, "what it has copied is not here");
	RESTART(m, 0xe6, 0x10);
	is(run(m), 0, "the parent has all of its own");
}

static void *thread_main(void *arg)
{
	int *failures = arg;

	for (int i = 0; i < 25; i++) {
		struct machine m;
		int copy;

		machine_open(&m, 0, false);
		RESTART(&m, 0xe6, 0x10);
		copy = dup(m.vcpu);
		if (run(&m) || m.run->io.port != 0x10)
			__atomic_fetch_add(failures, 1, __ATOMIC_RELAXED);
		close(copy);
		machine_close(&m);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[4];
	int failures = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, thread_main, &failures);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	is(failures, 0, "four threads, each with VMs of its own");
}

int main(void)
{
	struct machine m;

	machine_open(&m, 0, false);
	extensions(m.kvm);
	lists(m.kvm);
	regions(&m);
	chips(m.kvm);
	ports_and_memory(&m);
	interrupted(&m);
	signal_mask(&m);
	dirty_log(&m);
	coalesced(&m);
	sync_regs(&m);
	bad_pointers(&m);
	over_fork(&m);
	over_vfork(&m);
	late_and_nothing();
	copies();
	threads();
	machine_close(&m);
	return done_testing();
}
