// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The capabilities that a client switches on, as it sees them: MSR exits and filter, the dirty
 * ring, counters, attributes, paravirtual features by CPUID. The program knows nothing of myhv; it
 * must pass on KVM, and through the shim on myhv.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define CLOCK_PAGE 0x6000
#define RING_BYTES 4096u
#define RING_ENTRIES (RING_BYTES / sizeof(struct kvm_dirty_gfn))

#define MSR_PLATFORM_INFO 0xce
#define MSR_NOBODY_HAS 0x12345678
#define MSR_KVM_CLOCK 0x4b564d01
#define MSR_STAR 0xc0000081

/* ---- the system ---- */

static void features(struct machine *m)
{
	struct {
		struct kvm_msr_list list;
		uint32_t room[512];
	} list = { .list.nmsrs = 0 };
	struct {
		struct kvm_msrs msrs;
		struct kvm_msr_entry entry[2];
	} get = { .msrs.nmsrs = 2 };
	uint32_t count;

	is(call(m->kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &list), -E2BIG, "features: no room");
	count = list.list.nmsrs;
	ok(count >= 1, "features: how many there are");
	is(call(m->kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &list), 0, "features");
	is(call(m->kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, BAD), -EFAULT, "features: bad pointer");
	for (uint32_t i = 0; i < count; i++) {
		get.msrs.nmsrs = 1;
		get.entry[0].index = list.list.indices[i];
		is(call(m->kvm, KVM_GET_MSRS, &get), 1, "feature %#x", get.entry[0].index);
	}
	get.msrs.nmsrs = 2;
	get.entry[0].index = list.list.indices[0];
	get.entry[1].index = MSR_NOBODY_HAS;
	is(call(m->kvm, KVM_GET_MSRS, &get), 1, "what is no feature ends the list");
	get.msrs.nmsrs = 256;
	is(call(m->kvm, KVM_GET_MSRS, &get), -E2BIG, "too many");
	is(call(m->kvm, KVM_GET_MSRS, BAD), -EFAULT, "bad pointer");
}

/* ---- MSRs that exit ---- */

static void msr_exits(struct machine *m)
{
	is(enable(m->vm, KVM_CAP_X86_USER_SPACE_MSR, 0x80), -EINVAL, "MSR exits: unknown reasons");
	RESTART(m, SET_ECX(MSR_NOBODY_HAS), RDMSR, OUT(1));
	is(to_port(m), FAULT, "an unknown MSR faults");
	is(enable(m->vm, KVM_CAP_X86_USER_SPACE_MSR,
		  KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL), 0, "MSR exits");
	RESTART(m, SET_ECX(MSR_NOBODY_HAS), RDMSR, OUT(1), SET_EAX(0x11223344), SET_EDX(0x55667788),
		WRMSR, OUT(2), SET_ECX(0x277), SET_EAX(0x02020202), WRMSR, OUT(3));
	is(to_port(m), -KVM_EXIT_X86_RDMSR, "an unknown MSR exits");
	is(m->run->msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN, "as unknown");
	is(m->run->msr.index, MSR_NOBODY_HAS, "its number");
	is(m->run->msr.error, 0, "no error yet");
	m->run->msr.data = 0x42;
	is(to_port(m), 1, "answered: the guest goes on");
	is(*((uint8_t *)m->run + m->run->io.data_offset), 0x42, "with the answer");
	is(to_port(m), -KVM_EXIT_X86_WRMSR, "a write exits too");
	is(m->run->msr.data == 0x5566778811223344, true, "with the value");
	m->run->msr.error = 1;
	is(to_port(m), FAULT, "refused: it faults");
	RESTART(m, SET_ECX(0x277), SET_EAX(0x02020202), SET_EDX(0), WRMSR, OUT(3));
	is(to_port(m), -KVM_EXIT_X86_WRMSR, "a bad value for the PAT exits");
	is(m->run->msr.reason, KVM_MSR_EXIT_REASON_INVAL, "as invalid");
	m->run->msr.error = 0;
	is(to_port(m), 3, "answered: the guest goes on");
	is(enable(m->vm, KVM_CAP_X86_USER_SPACE_MSR, 0), 0, "no MSR exits");
	RESTART(m, SET_ECX(MSR_NOBODY_HAS), RDMSR, OUT(1));
	is(to_port(m), FAULT, "an unknown MSR faults again");
}

static int set_filter(struct machine *m, uint32_t flags, uint32_t range_flags, uint32_t base,
		      uint32_t count, void *bits)
{
	struct kvm_msr_filter f = {
		.flags = flags,
		.ranges[0] = { .flags = range_flags, .nmsrs = count, .base = base, .bitmap = bits },
	};

	return call(m->vm, KVM_X86_SET_MSR_FILTER, &f);
}

#define BOTH (KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

static void msr_filter(struct machine *m)
{
	uint64_t none = 0, all = ~0ull;

	is(call(m->vm, KVM_X86_SET_MSR_FILTER, BAD), -EFAULT, "filter: a bad pointer");
	is(set_filter(m, 0x80, BOTH, 0, 64, &all), -EINVAL, "filter: unknown flags");
	is(set_filter(m, 0, 0x80, 0, 64, &all), -EINVAL, "filter: unknown flags of a range");
	is(set_filter(m, 0, 0, 0, 64, &all), -EINVAL, "filter: a range for nothing");
	is(set_filter(m, 0, BOTH, 0, 0x3001, &all), -EINVAL, "filter: too many MSRs");
	is(set_filter(m, 0, BOTH, 0, 64, BAD), -EFAULT, "filter: a bad bitmap");
	is(set_filter(m, KVM_MSR_FILTER_DEFAULT_DENY, BOTH, 0, 0, NULL), -EINVAL,
	   "filter: everything");
	/* STAR is one that the hardware would let through */
	is(set_filter(m, 0, KVM_MSR_FILTER_WRITE, MSR_STAR, 1, &none), 0, "no writes of STAR");
	RESTART(m, SET_ECX(MSR_STAR), RDMSR, OUT(1), WRMSR, OUT(2));
	is(to_port(m), 1, "it can be read");
	is(to_port(m), FAULT, "a write faults");
	is(enable(m->vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER), 0,
	   "or exits");
	RESTART(m, SET_ECX(MSR_STAR), SET_EAX(7), SET_EDX(9), WRMSR, OUT(2));
	is(to_port(m), -KVM_EXIT_X86_WRMSR, "which it does");
	is(m->run->msr.reason, KVM_MSR_EXIT_REASON_FILTER, "for that reason");
	is(m->run->msr.data == 0x900000007, true, "with the value");
	is(to_port(m), 2, "and goes on");
	is(set_filter(m, KVM_MSR_FILTER_DEFAULT_DENY, BOTH, MSR_STAR, 1, &all), 0,
	   "nothing but STAR");
	RESTART(m, SET_ECX(MSR_STAR), SET_EAX(7), SET_EDX(0), WRMSR, OUT(1), RDMSR, OUT(2),
		SET_ECX(0x277), RDMSR, OUT(3));
	is(to_port(m), 1, "STAR can be written");
	is(to_port(m), 2, "and read");
	is(to_port(m), -KVM_EXIT_X86_RDMSR, "the PAT cannot");
	is(set_filter(m, 0, BOTH, 0, 0, NULL), 0, "no filter");
	RESTART(m, SET_ECX(0x277), RDMSR, OUT(3));
	is(to_port(m), 3, "the PAT can be read");
	is(enable(m->vm, KVM_CAP_X86_USER_SPACE_MSR, 0), 0, "no MSR exits");
}

static void platform_info(struct machine *m)
{
	RESTART(m, SET_ECX(MSR_PLATFORM_INFO), RDMSR, OUT(1));
	is(to_port(m), 1, "MSR_PLATFORM_INFO can be read");
	is(enable(m->vm, KVM_CAP_MSR_PLATFORM_INFO, 0), 0, "not any more");
	RESTART(m, SET_ECX(MSR_PLATFORM_INFO), RDMSR, OUT(1));
	is(to_port(m), FAULT, "it faults");
	is(enable(m->vm, KVM_CAP_MSR_PLATFORM_INFO, 1), 0, "again");
	RESTART(m, SET_ECX(MSR_PLATFORM_INFO), RDMSR, OUT(1));
	is(to_port(m), 1, "it can be read again");
}

/* ---- paravirtual features ---- */

static void pv_features(struct machine *m)
{
	struct kvm_cpuid2 *cpuid;
	const uint8_t *flags = m->ram + CLOCK_PAGE + 29;

	is(value_call(m->vcpu, KVM_KVMCLOCK_CTRL, 0), -EINVAL, "a clock that was not asked for");
	is(enable(m->vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1), 0, "features as CPUID has them");
	is(enable(m->vcpu, 99999, 1), -EINVAL, "a capability that vCPUs do not have");
	supported_cpuid(m, &cpuid);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x40000001)
			cpuid->entries[i].eax = 0;
	is(call(m->vcpu, KVM_SET_CPUID2, cpuid), 0, "which has none");
	RESTART(m, SET_ECX(MSR_KVM_CLOCK), SET_EAX(CLOCK_PAGE | 1), SET_EDX(0), WRMSR, OUT(1));
	is(to_port(m), FAULT, "the clock's MSR faults");
	is(enable(m->vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 0), 0, "features for all");
	RESTART(m, SET_ECX(MSR_KVM_CLOCK), SET_EAX(CLOCK_PAGE | 1), SET_EDX(0), WRMSR, OUT(1),
		OUT(2), OUT(3));
	is(to_port(m), 1, "it does not");
	is(to_port(m), 2, "the clock's page is written");
	ok(m->ram[CLOCK_PAGE] && !(m->ram[CLOCK_PAGE] & 1), "it is valid");
	is(*flags & 2, 0, "it was never stopped");
	is(value_call(m->vcpu, KVM_KVMCLOCK_CTRL, 0), 0, "tell that it was");
	is(to_port(m), 3, "at the next run");
	is(*flags & 2, 2, "the guest can see it");
	free(cpuid);
}

/* ---- attributes, clock, quirks ---- */

static int attr(int fd, unsigned long request, uint32_t group, uint64_t number, void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = number, .addr = (uintptr_t)value };

	return call(fd, request, &a);
}

static void attributes(struct machine *m)
{
	uint64_t value = 0, again = 0;

	is(attr(m->vcpu, KVM_HAS_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, NULL), 0,
	   "the TSC's offset");
	is(attr(m->vcpu, KVM_HAS_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, 99, NULL), -ENXIO, "no other");
	is(attr(m->vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, BAD), -EFAULT,
	   "a bad pointer");
	is(attr(m->vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &value), 0,
	   "get it");
	value -= 1000000;
	is(attr(m->vcpu, KVM_SET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &value), 0,
	   "set it");
	is(attr(m->vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &again), 0,
	   "get it again");
	ok(value == again, "it is what was set");
	is(attr(m->kvm, KVM_HAS_DEVICE_ATTR, 0, KVM_X86_XCOMP_GUEST_SUPP, NULL), 0,
	   "the system: XSAVE components");
	is(attr(m->kvm, KVM_GET_DEVICE_ATTR, 0, KVM_X86_XCOMP_GUEST_SUPP, &value), 0, "get them");
	is(value & 3, 3, "x87 and SSE");
	is(attr(m->kvm, KVM_HAS_DEVICE_ATTR, 9, 0, NULL), -ENXIO, "no other");
}

static void the_clock(struct machine *m)
{
	struct kvm_clock_data now = { 0 };
	struct timespec t;
	int64_t real;

	is(call(m->vm, KVM_GET_CLOCK, &now), 0, "clock");
	if (!(now.flags & KVM_CLOCK_REALTIME)) {
		ok(true, "it has no more to tell");
		return;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	real = t.tv_sec * 1000000000ll + t.tv_nsec - (int64_t)now.realtime;
	ok(real >= 0 && real < 10000000000ll, "the real time beside it: %lld ns ago",
	   (long long)real);
	ok(now.host_tsc && now.host_tsc <= __builtin_ia32_rdtsc(), "the TSC beside it");
	now.flags = KVM_CLOCK_REALTIME;
	is(call(m->vm, KVM_SET_CLOCK, &now), 0, "set");
	now.flags = 0x80000000;
	is(call(m->vm, KVM_SET_CLOCK, &now), -EINVAL, "set, with unknown flags");
}

static void slots(struct machine *m)
{
	const uint64_t gpa = 1ull << 32;

	is(value_call(m->kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS), 32764, "memory slots");
	is(set_region(m->vm, 32763, 0, gpa, 4096, m->ram), 0, "the last one");
	is(set_region(m->vm, 32764, 0, gpa + 4096, 4096, m->ram), -EINVAL, "one more");
	is(set_region(m->vm, 32763, 0, gpa, 0, m->ram), 0, "the last one is gone");
}

static void quirks(struct machine *m)
{
	struct kvm_regs regs;
	int all = value_call(m->kvm, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS2);

	ok(all & KVM_X86_QUIRK_CD_NW_CLEARED, "quirks: %#x", all);
	is(enable(m->vm, KVM_CAP_DISABLE_QUIRKS2, 1u << 31), -EINVAL, "a quirk that nobody has");
	RESTART(m, 0xb0, 0x5a, OUT(0x7e), OUT(1));
	is(to_port(m), 0x7e, "port 0x7e");
	is(*((uint8_t *)m->run + m->run->io.data_offset), 0x5a, "its data");
	is(call(m->vcpu, KVM_GET_REGS, &regs), 0, "registers");
	is(regs.rip, CODE + 4, "the instruction is over");
	is(to_port(m), 1, "the next one follows");
	is(enable(m->vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_CD_NW_CLEARED), 0, "one is off");
	RESTART(m, 0x0f, 0x01, 0xc8, 0x0f, 0x01, 0xc9, OUT(1));
	is(to_port(m), 1, "MONITOR and MWAIT do nothing");
	is(enable(m->vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS), 0,
	   "that is off");
	RESTART(m, 0x0f, 0x01, 0xc8, 0x0f, 0x01, 0xc9, OUT(1));
	is(to_port(m), FAULT, "then they are unknown");
	/*
	 * mov $999, %eax; vmcall; mov $999, %eax; vmmcall. On Intel KVM's emulator has no VMMCALL
	 * in real mode.
	 */
	RESTART(m, SET_EAX(999), 0x0f, 0x01, 0xc1, SET_EAX(999), 0x0f, 0x01, 0xd9, OUT(1));
	if (!__builtin_cpu_is("intel")) {
		is(to_port(m), 1, "VMCALL and VMMCALL");
		ok(!memcmp(m->ram + CODE + 6, m->ram + CODE + 15, 3), "one of them was replaced");
		is(call(m->vcpu, KVM_GET_REGS, &regs), 0, "registers");
		is((uint32_t)regs.rax, (uint32_t)-1000, "there is no such call");
	}
	is(enable(m->vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_FIX_HYPERCALL_INSN), 0,
	   "that is off");
	RESTART(m, SET_EAX(999), 0x0f, 0x01, 0xc1, SET_EAX(999), 0x0f, 0x01, 0xd9, OUT(1));
	is(to_port(m), FAULT, "then one of them is unknown");
	is(enable(m->vm, KVM_CAP_DISABLE_QUIRKS2, 0), 0, "all are on");
}

static void apic_ids(void)
{
	struct kvm_lapic_state lapic;
	struct kvm_msi msi = { .address_lo = 0xfee00000, .address_hi = 1, .data = 0x41 };
	struct kvm_sregs sregs;
	uint32_t *id = (uint32_t *)(lapic.regs + 0x20);
	struct kvm_cpuid2 *cpuid;
	struct machine m;
	int vcpu;

	machine_open(&m, 0, true);
	is(enable(m.vm, KVM_CAP_X2APIC_API, 0x80), -EINVAL, "x2APIC: unknown flags");
	ok(call(m.vm, KVM_SIGNAL_MSI, &msi) >= 0, "an MSI's high bits do not count");
	vcpu = value_call(m.vm, KVM_CREATE_VCPU, 2);
	supported_cpuid(&m, &cpuid);
	is(call(vcpu, KVM_SET_CPUID2, cpuid), 0, "set");
	call(vcpu, KVM_GET_SREGS, &sregs);
	sregs.apic_base |= 1 << 10 | 1 << 11;
	is(call(vcpu, KVM_SET_SREGS, &sregs), 0, "vCPU 2 has an x2APIC");
	is(call(vcpu, KVM_GET_LAPIC, &lapic), 0, "its registers");
	is(*id, 2 << 24, "its ID, in the old format");
	is(call(vcpu, KVM_SET_LAPIC, &lapic), 0, "and back");
	*id = 2;
	is(enable(m.vm, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS), 0, "32-bit IDs");
	is(call(vcpu, KVM_SET_LAPIC, &lapic), 0, "the new format goes in");
	*id = 2 << 24;
	is(call(vcpu, KVM_SET_LAPIC, &lapic), -EINVAL, "the old one does not");
	is(call(vcpu, KVM_GET_LAPIC, &lapic), 0, "get");
	is(*id, 2, "its ID");
	is(call(m.vm, KVM_SIGNAL_MSI, &msi), -EINVAL, "an MSI's low byte of them must be 0");
	free(cpuid);
	close(vcpu);
	machine_close(&m);
}

static void vcpu_ids(int kvm)
{
	int vm = value_call(kvm, KVM_CREATE_VM, 0);

	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 1u << 30), -EINVAL, "more vCPU ids than there are");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 4), 0, "four of them");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 4), 0, "again");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 5), -EINVAL, "another number");
	is(value_call(vm, KVM_CREATE_VCPU, 4), -EINVAL, "the fifth");
	ok(value_call(vm, KVM_CREATE_VCPU, 3) >= 0, "the fourth");
	close(vm);
}

/* ---- counters ---- */

static uint64_t stat_value(int fd, const char *name)
{
	struct kvm_stats_header h;
	struct kvm_stats_desc *desc;
	uint64_t value = ~0ull;
	size_t bytes;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h))
		return value;
	bytes = sizeof(*desc) + h.name_size;
	desc = malloc(bytes);
	for (uint32_t i = 0; i < h.num_desc; i++)
		if (pread(fd, desc, bytes, h.desc_offset + i * bytes) == (ssize_t)bytes &&
		    !strcmp((char *)(desc + 1), name))
			if (pread(fd, &value, 8, h.data_offset + desc->offset) != 8)
				value = ~0ull;
	free(desc);
	return value;
}

static void counters(struct machine *m)
{
	int fd = value_call(m->vcpu, KVM_GET_STATS_FD, 0);
	int vm_fd = value_call(m->vm, KVM_GET_STATS_FD, 0);
	struct kvm_stats_header h;
	uint64_t before, after;
	char id[64] = "";

	ok(fd >= 0 && vm_fd >= 0, "files of counters");
	is(read(vm_fd, &h, sizeof(h)), sizeof(h), "the VM's header");
	ok(h.num_desc >= 1 && h.name_size >= 8 && h.id_offset >= sizeof(h) &&
	   h.desc_offset > h.id_offset && h.data_offset > h.desc_offset, "it makes sense");
	ok(pread(vm_fd, id, h.name_size < 64 ? h.name_size : 63, h.id_offset) > 0 &&
	   !strncmp(id, "kvm-", 4), "whose it is: %s", id);
	before = stat_value(fd, "exits");
	RESTART(m, OUT(1), OUT(2), OUT(3));
	to_port(m);
	to_port(m);
	after = stat_value(fd, "exits");
	ok(before != ~0ull && after >= before + 2, "exits: %llu, then %llu",
	   (unsigned long long)before, (unsigned long long)after);
	close(vm_fd);
	close(fd);
}

/* ---- the dirty ring ---- */

static uint32_t ring_collect(struct kvm_dirty_gfn *ring, uint32_t *next, uint8_t *seen)
{
	uint32_t count = 0;

	for (;; count++, ++*next) {
		struct kvm_dirty_gfn *e = &ring[*next % RING_ENTRIES];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			return count;
		if (e->slot == 3 && e->offset < RAM_PAGES)
			seen[e->offset]++;
		else
			ok(false, "an entry of slot %u, page %llu", e->slot, e->offset);
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
}

/* As to_port(), by single steps at first: the ring then has less room than at first. */
static int interrupted(struct machine *m)
{
	struct kvm_guest_debug step = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};

	call(m->vcpu, KVM_SET_GUEST_DEBUG, &step);
	for (int i = 0; i < 600; i++)
		if (run(m) || m->run->exit_reason != KVM_EXIT_DEBUG)
			break;
	step.control = 0;
	call(m->vcpu, KVM_SET_GUEST_DEBUG, &step);
	return to_port(m);
}

static void ring_errors(int kvm)
{
	int vm = value_call(kvm, KVM_CREATE_VM, 0);
	int most = value_call(vm, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING);

	ok(most >= 4096, "rings of up to %d bytes", most);
	is(value_call(vm, KVM_RESET_DIRTY_RINGS, 0), -EINVAL, "reset of no rings");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 0), -EINVAL, "a ring without bytes");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 5000), -EINVAL, "a ring of no power of 2");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 512), -EINVAL, "a small ring");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 2ull * most), -E2BIG, "a large ring");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 4096), 0, "a ring");
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 4096), -EINVAL, "twice");
	close(vm);
	vm = value_call(kvm, KVM_CREATE_VM, 0);
	value_call(vm, KVM_CREATE_VCPU, 0);
	is(enable(vm, KVM_CAP_DIRTY_LOG_RING, 4096), -EINVAL, "too late");
	close(vm);
}

static void dirty_ring(void)
{
	struct kvm_dirty_gfn *ring;
	struct kvm_dirty_log log = { .slot = 3 };
	uint8_t seen[RAM_PAGES] = { 0 };
	uint32_t next = 0, full = 0, total;
	struct machine m;

	machine_open(&m, RING_BYTES, false);
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu,
		    KVM_DIRTY_LOG_PAGE_OFFSET * 4096);
	ok(ring != MAP_FAILED, "the ring");
	is(mmap(NULL, RING_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, m.vcpu,
		KVM_DIRTY_LOG_PAGE_OFFSET * 4096) == MAP_FAILED, true, "not to be executed");
	is(call(m.vm, KVM_GET_DIRTY_LOG, &log), -ENXIO, "no bitmap");
	is(watch(&m, KVM_MEM_LOG_DIRTY_PAGES), 0, "watch");
	RESTART(&m, 0xc6, 0x06, 0x00, 0x30, 1, 0xc6, 0x06, 0x00, 0x50, 1, OUT(1),
		0xc6, 0x06, 0x00, 0x30, 2, OUT(2), 0xc6, 0x06, 0x00, 0x30, 3, OUT(3));
	is(to_port(&m), 1, "write two pages");
	ring_collect(ring, &next, seen);
	ok(seen[3] == 1 && seen[5] == 1, "both are in the ring: %u, %u", seen[3], seen[5]);
	is(to_port(&m), 2, "write one again");
	ring_collect(ring, &next, seen);
	is(seen[3], 1, "not in the ring: it was not reset");
	ok(value_call(m.vm, KVM_RESET_DIRTY_RINGS, 0) >= 2, "reset");
	is(value_call(m.vm, KVM_RESET_DIRTY_RINGS, 0), 0, "nothing is left");
	is(to_port(&m), 3, "write it again");
	ring_collect(ring, &next, seen);
	is(seen[3], 2, "in the ring again");
	value_call(m.vm, KVM_RESET_DIRTY_RINGS, 0);

	/* more pages than the ring has room for: mov $0x10, %bx; l: mov %bx, %ax; shl $8, %ax;
	 * mov %ax, %ds; movb $1, (0); inc %bx; cmp $0xf0, %bx; jne l; out %al, $4 */
	memset(seen, 0, sizeof(seen));
	RESTART(&m, 0xbb, 0x10, 0x00, 0x89, 0xd8, 0xc1, 0xe0, 0x08, 0x8e, 0xd8, 0xc6, 0x06, 0x00,
		0x00, 0x01, 0x43, 0x81, 0xfb, 0xf0, 0x00, 0x75, 0xed, OUT(4));
	for (int i = 0; i < 1000; i++) {
		int r = i ? to_port(&m) : interrupted(&m);

		if (r != -KVM_EXIT_DIRTY_RING_FULL) {
			is(r, 4, "all pages are written");
			break;
		}
		full++;
		ring_collect(ring, &next, seen);
		value_call(m.vm, KVM_RESET_DIRTY_RINGS, 0);
	}
	ring_collect(ring, &next, seen);
	ok(full >= 1, "the ring was full %u times", full);
	total = 0;
	for (int i = 0x10; i < 0xf0; i++)
		total += seen[i] >= 1;
	is(total, 0xe0, "and no page was lost");
	munmap(ring, RING_BYTES);
	machine_close(&m);
}

int main(void)
{
	struct machine m;

	machine_open(&m, 0, false);
	features(&m);
	msr_exits(&m);
	msr_filter(&m);
	platform_info(&m);
	attributes(&m);
	the_clock(&m);
	quirks(&m);
	slots(&m);
	counters(&m);
	ring_errors(m.kvm);
	vcpu_ids(m.kvm);
	machine_close(&m);
	machine_open(&m, 0, true);
	pv_features(&m);
	machine_close(&m);
	apic_ids();
	dirty_ring();
	return done_testing();
}
