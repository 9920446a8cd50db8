// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * random [SEED [ROUNDS]]: rubbish for KVM's API: every call, in any order, from two threads, with
 * arguments that are nearly right, random, or no memory at all. What comes back does not matter:
 * the program must live, and the host must have nothing to say. No memory of the program is
 * given to the guest but pages for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "tap.h"

#define RAM_BYTES 0x40000
#define ARG_BYTES 32768
#define CALLS 200

static const unsigned long requests[] = {
	KVM_GET_API_VERSION, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE, KVM_GET_SUPPORTED_CPUID,
	KVM_GET_EMULATED_CPUID, KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST,
	KVM_X86_GET_MCE_CAP_SUPPORTED, KVM_ENABLE_CAP, KVM_CREATE_VCPU, KVM_SET_BOOT_CPU_ID,
	KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG, KVM_SET_TSS_ADDR,
	KVM_SET_IDENTITY_MAP_ADDR, KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO,
	KVM_GET_CLOCK, KVM_SET_CLOCK, KVM_GET_TSC_KHZ, KVM_X86_SET_MSR_FILTER,
	KVM_RESET_DIRTY_RINGS, KVM_GET_STATS_FD, KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS, KVM_SIGNAL_MSI,
	KVM_CREATE_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, KVM_CREATE_PIT2, KVM_GET_PIT2,
	KVM_SET_PIT2, KVM_REINJECT_CONTROL, KVM_SET_GSI_ROUTING, KVM_IRQFD, KVM_IOEVENTFD,
	KVM_RUN, KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS, KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, KVM_GET_MP_STATE,
	KVM_SET_MP_STATE, KVM_GET_LAPIC, KVM_SET_LAPIC, KVM_GET_XSAVE, KVM_SET_XSAVE, KVM_GET_FPU,
	KVM_SET_FPU, KVM_GET_XCRS, KVM_SET_XCRS, KVM_GET_MSRS, KVM_SET_MSRS, KVM_X86_SETUP_MCE,
	KVM_X86_SET_MCE, KVM_SET_CPUID2, KVM_GET_CPUID2, KVM_INTERRUPT, KVM_NMI,
	KVM_SET_SIGNAL_MASK, KVM_TRANSLATE, KVM_SET_GUEST_DEBUG, KVM_SET_TSC_KHZ,
	KVM_SET_VAPIC_ADDR, KVM_TPR_ACCESS_REPORTING, KVM_KVMCLOCK_CTRL, KVM_HAS_DEVICE_ATTR,
	KVM_GET_DEVICE_ATTR, KVM_SET_DEVICE_ATTR,
};
#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))

static uint64_t state;
static int fds[8];
static struct kvm_run *run;
static size_t run_bytes;
static uint8_t *ram, *arg;
static pthread_t second;
static volatile sig_atomic_t second_lives;

static uint64_t any(void)
{
	/* threads share it: all the more random */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Whichever thread is in KVM_RUN, also one that has just looked at immediate_exit. */
static void on_signal(int number)
{
	struct kvm_run *r = run;

	if (r)
		r->immediate_exit = 1;
	/* the kernel gives an alarm to the first thread alone, which may only be waiting */
	if (number == SIGALRM && second_lives)
		pthread_kill(second, SIGUSR1);
}

/* Words that mean something to somebody. */
static uint64_t word(void)
{
	static const uint64_t words[] = {
		0, 1, 2, 3, 4, 5, 0x10, 24, 0x1000, 0x2000, RAM_BYTES, 0xfee00000, 0xfec00000,
		0xffff, 0x80000000, 0xffffffff, 0x100000000, ~0ull, 0xc0000080, 0x174, 0x4b564d01,
	};

	switch (any() % 6) {
	case 0:
		return any();
	case 1:
		return (uintptr_t)ram;
	case 2:
		return fds[3 + any() % 2];
	case 3:
		return any() % 256;
	default:
		return words[any() % (sizeof(words) / sizeof(words[0]))];
	}
}

static void fill(void)
{
	static const uint32_t caps[] = {
		KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_MSR_PLATFORM_INFO,
		KVM_CAP_X2APIC_API, KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_EXCEPTION_PAYLOAD,
		KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_DIRTY_LOG_RING, KVM_CAP_MAX_VCPU_ID,
	};
	size_t bytes = 8 << any() % 10;

	/* what the last call has left is the best start of all */
	for (size_t i = 0; i < bytes / 4; i++)
		if (any() % 3 == 0)
			((uint32_t *)arg)[i] = word();
	if (any() % 4 == 0)
		*(uint32_t *)arg = caps[any() % (sizeof(caps) / sizeof(caps[0]))];
}

static void one_call(void)
{
	unsigned long request = requests[any() % NR_REQUESTS];
	int r, fd = fds[any() % 3];
	void *with = arg;

	/* what reads or writes memory of ours may have ours alone */
	if (any() % 8 == 0)
		with = (void *)(uintptr_t)word();
	if (request == KVM_RUN || any() % 4 == 0)
		request = KVM_RUN, fd = fds[2], with = NULL;
	if (request == KVM_SET_USER_MEMORY_REGION) {
		struct kvm_userspace_memory_region region = {
			.slot = any() % 4,
			.flags = any() % 4,
			.guest_phys_addr = (any() % 3) * 0x10000,
			.memory_size = (any() % 4) * 0x10000,
			.userspace_addr = (uintptr_t)ram,
		};

		memcpy(arg, &region, sizeof(region));
		with = arg;
	} else if (request == KVM_IRQFD) {
		struct kvm_irqfd irqfd = { .fd = fds[3], .gsi = any() % 32, .flags = any() % 4,
					   .resamplefd = fds[4] };

		memcpy(arg, &irqfd, sizeof(irqfd));
		with = arg;
	} else if (request != KVM_RUN) {
		fill();
	}
	if (request == KVM_SET_SIGNAL_MASK) /* the alarm must get through */
		with = NULL;
	/* results go where they can do no harm */
	if (with != arg && with > (void *)0x10000 && (uintptr_t)with < 1ull << 47)
		with = ram;
	r = ioctl(fd, request, with);
	if (r > 2 && (request == KVM_GET_STATS_FD || request == KVM_CREATE_VCPU)) {
		char text[256];

		if (request == KVM_GET_STATS_FD && read(r, text, sizeof(text)) < 0)
			perror("counters");
		close(r);
	}
	if (run)
		run->immediate_exit = 0;
}

static void calls(void)
{
	for (int i = 0; i < CALLS; i++)
		one_call();
}

static void *second_main(void *nothing)
{
	calls();
	second_lives = 0;
	return nothing;
}

static void one_round(void)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM_BYTES,
		.userspace_addr = (uintptr_t)ram,
	};
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { 0 };
	void *map;

	fds[0] = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fds[0] < 0)
		skip_all("no /dev/kvm: %s", strerror(errno));
	fds[1] = ioctl(fds[0], KVM_CREATE_VM, 0);
	ioctl(fds[1], KVM_SET_USER_MEMORY_REGION, &region);
	if (any() % 2)
		ioctl(fds[1], KVM_CREATE_IRQCHIP, 0);
	fds[2] = ioctl(fds[1], KVM_CREATE_VCPU, any() % 2);
	fds[3] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fds[4] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fds[1] < 0 || fds[2] < 0)
		bail_out("no VM: %s", strerror(errno));
	run_bytes = ioctl(fds[0], KVM_GET_VCPU_MMAP_SIZE, 0);
	map = mmap(NULL, run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fds[2], 0);
	run = map == MAP_FAILED ? NULL : map;
	for (size_t i = 0; i < RAM_BYTES / 8; i++)
		((uint64_t *)ram)[i] = any();
	second_lives = 1;
	if (pthread_create(&second, NULL, second_main, NULL))
		bail_out("no thread");
	/* a guest may never end by itself; what makes VMs must not be interrupted */
	setitimer(ITIMER_REAL, &often, NULL);
	calls();
	while (second_lives)
		usleep(1000);
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_join(second, NULL);
	map = run;
	run = NULL;
	if (map)
		munmap(map, run_bytes);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int rounds = argc > 2 ? atoi(argv[2]) : 20;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	state = (state + 1) * 0x9e3779b97f4a7c15ull;
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	arg = mmap(NULL, ARG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (unsigned int i = 0; i < rounds; i++)
		one_round();
	ok(true, "%u rounds of %d calls from each of two threads", rounds, CALLS);
	return done_testing();
}
