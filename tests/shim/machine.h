/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with one vCPU in real mode by KVM's API, for tests that run on KVM and through the
 * shim.
 */
#ifndef TESTS_SHIM_MACHINE_H
#define TESTS_SHIM_MACHINE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define BAD ((void *)0x10)
#ifndef RAM_PAGES
#define RAM_SLOT 3
#define RAM_PAGES 256
#endif
#define RAM_BYTES (RAM_PAGES * 4096)
#define CODE 0x1000

static inline int call(int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

static inline int value_call(int fd, unsigned long request, unsigned long value)
{
	return call(fd, request, (void *)value);
}

static inline int enable(int fd, uint32_t cap, uint64_t value)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { value } };

	return call(fd, KVM_ENABLE_CAP, &c);
}

struct machine {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_bytes;
	uint8_t *ram;
};

static inline int set_region(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t bytes,
			     void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)hva,
	};

	return call(vm, KVM_SET_USER_MEMORY_REGION, &r);
}

static inline int watch(struct machine *m, uint32_t flags)
{
	return set_region(m->vm, RAM_SLOT, flags, 0, RAM_BYTES, m->ram);
}

static inline void machine_open(struct machine *m, uint32_t ring_bytes, bool chips)
{
	m->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm < 0)
		skip_all("no /dev/kvm: %s", strerror(errno));
	m->vm = value_call(m->kvm, KVM_CREATE_VM, 0);
	m->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->vm < 0 || m->ram == MAP_FAILED || watch(m, 0))
		bail_out("no VM: %d", m->vm);
	if (ring_bytes)
		is(enable(m->vm, KVM_CAP_DIRTY_LOG_RING, ring_bytes), 0, "a dirty ring");
	if (chips)
		value_call(m->vm, KVM_CREATE_IRQCHIP, 0);
	m->vcpu = value_call(m->vm, KVM_CREATE_VCPU, 0);
	m->run_bytes = value_call(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m->run = mmap(NULL, m->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	if (m->vcpu < 0 || m->run == MAP_FAILED)
		bail_out("no vCPU: %d", m->vcpu);
}

static inline void machine_close(struct machine *m)
{
	munmap(m->run, m->run_bytes);
	munmap(m->ram, RAM_BYTES);
	close(m->vcpu);
	close(m->vm);
	close(m->kvm);
}

static inline void supported_cpuid(struct machine *m, struct kvm_cpuid2 **cpuid)
{
	*cpuid = calloc(1, sizeof(**cpuid) + 256 * sizeof((*cpuid)->entries[0]));
	(*cpuid)->nent = 256;
	is(call(m->kvm, KVM_GET_SUPPORTED_CPUID, *cpuid), 0, "CPUID");
}

/* Real mode at @code; a fault goes to HLT at 0x500. */
static inline void restart(struct machine *m, const void *code, size_t bytes)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rsp = 0x8000 };

	/* let the instruction of the last exit end */
	m->run->immediate_exit = 1;
	value_call(m->vcpu, KVM_RUN, 0);
	m->run->immediate_exit = 0;
	memcpy(m->ram + CODE, code, bytes);
	for (int i = 0; i < 32; i++)
		((uint32_t *)m->ram)[i] = 0x500;
	m->ram[0x500] = 0xe6; /* out %al, $0xdd: a fault */
	m->ram[0x501] = 0xdd;
	call(m->vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.base = sregs.ds.base = sregs.es.base = sregs.ss.base = 0;
	sregs.cs.selector = sregs.ds.selector = sregs.es.selector = sregs.ss.selector = 0;
	sregs.idt.base = 0;
	sregs.idt.limit = 0x3ff;
	call(m->vcpu, KVM_SET_SREGS, &sregs);
	call(m->vcpu, KVM_SET_REGS, &regs);
}

#define RESTART(m, ...)                                           \
	do {                                                      \
		static const uint8_t code_[] = { __VA_ARGS__ };   \
		restart(m, code_, sizeof(code_));                 \
	} while (0)

/* mov $index, %ecx; rdmsr or wrmsr of %edx:%eax; out %al, $port */
#define U32(n) (uint8_t)(n), (uint8_t)((n) >> 8), (uint8_t)((n) >> 16), (uint8_t)((n) >> 24)
#define SET_ECX(n) 0x66, 0xb9, U32(n)
#define SET_EAX(n) 0x66, 0xb8, U32(n)
#define SET_EDX(n) 0x66, 0xba, U32(n)
#define RDMSR 0x0f, 0x32
#define WRMSR 0x0f, 0x30
#define OUT(port) 0xe6, (port)

/* To the next exit that means something: signals may come at any time. */
static inline int run(struct machine *m)
{
	int r;

	do
		r = value_call(m->vcpu, KVM_RUN, 0);
	while (r == -EINTR && !m->run->immediate_exit);
	return r;
}

/*
 * Run to the next port; which, or a negative exit reason. KVM tells user space what the guest does
 * to its SynIC, since there may be users of its messages; here are none.
 */
static inline int to_port(struct machine *m)
{
	do {
		if (run(m))
			return -1000;
	} while (m->run->exit_reason == KVM_EXIT_HYPERV);
	return m->run->exit_reason == KVM_EXIT_IO ? m->run->io.port : -(int)m->run->exit_reason;
}

#define FAULT 0xdd

#endif /* TESTS_SHIM_MACHINE_H */
