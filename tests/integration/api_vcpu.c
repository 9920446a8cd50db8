// SPDX-License-Identifier: GPL-2.0-or-later
/* Making vCPUs, the run area, CPUID and MSRs, and the order in which things are closed. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "api.h"

static void creation(void)
{
	struct myhv_vcpu_create c = { .id = 0 };
	uint64_t max_id = 0, max = 0, area = 0;
	int sys = sys_open(), vm = vm_open(MYHV_IRQCHIP_FULL), fd, made = 0;
	int fds[256];

	myhv_prop_get(sys, MYHV_PROP_MAX_VCPU_ID, &max_id);
	myhv_prop_get(sys, MYHV_PROP_MAX_VCPUS, &max);
	myhv_prop_get(sys, MYHV_PROP_RUN_AREA_BYTES, &area);
	c.flags = 1;
	is(ioc(vm, MYHV_VCPU_CREATE, &c), -EINVAL, "flags must be 0");
	c.flags = 0;
	c.id = max_id;
	is(ioc(vm, MYHV_VCPU_CREATE, &c), -EINVAL, "id too large");
	c.id = 0;
	check_sizes("VCPU_CREATE", vm, MYHV_VCPU_CREATE, &c, sizeof(c), 0, false);
	fd = ioc(vm, MYHV_VCPU_CREATE, &c);
	ok(fd >= 0, "vCPU 0");
	is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "its descriptor is closed on exec");
	is(c.run_bytes, area, "run area as the property says");
	ok(c.exit_offset >= 4096 && c.exit_offset < c.run_bytes, "the exit record is behind page 0");
	ok(c.state_offset >= 4096 && c.data_offset >= 4096, "so are state and data");
	is(ioc(vm, MYHV_VCPU_CREATE, &c), -EEXIST, "the same id again");
	is(ioc(fd, MYHV_VCPU_CREATE, &c), -ENOTTY, "a vCPU makes no vCPUs");
	is(ioc(fd, MYHV_MEM_UPDATE, NULL), -ENOTTY, "and has no memory");
	is(ioc(vm, MYHV_VCPU_RUN, NULL), -ENOTTY, "a VM does not run");
	fds[made++] = fd;
	for (c.id = 1; c.id < max; c.id++) {
		fd = ioc(vm, MYHV_VCPU_CREATE, &c);
		if (fd < 0)
			break;
		fds[made++] = fd;
	}
	is(made, max, "as many vCPUs as the property says");
	c.id = max;
	if (max < max_id)
		is(ioc(vm, MYHV_VCPU_CREATE, &c), -E2BIG, "one more");
	/* half of them before the VM, half after it */
	for (int i = 0; i < made / 2; i++)
		close(fds[i]);
	close(vm);
	for (int i = made / 2; i < made; i++)
		close(fds[i]);
	close(sys);
}

static void mapping(void)
{
	struct mini m;
	size_t bytes;
	void *p;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	bytes = m.vcpu.run_bytes;
	p = mmap(NULL, bytes + 4096, PROT_READ, MAP_SHARED, m.vcpu.fd, 0);
	ok(p == MAP_FAILED, "no more than the area can be mapped");
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vcpu.fd, bytes);
	ok(p == MAP_FAILED, "nor what is behind it");
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, m.vcpu.fd, 0);
	ok(p == MAP_FAILED, "nor privately");
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu.fd, 0);
	ok(p != MAP_FAILED, "a second mapping");
	((volatile struct myhv_run_page *)p)->immediate_exit = 1;
	is(myhv_vcpu_run(&m.vcpu), -EINTR, "is the same memory");
	m.vcpu.page->immediate_exit = 0;
	munmap(p, bytes);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.vm, 0);
	ok(p == MAP_FAILED, "a VM has nothing to map");
	is(mini_run(&m), 0, "and it runs");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	mini_close(&m);
}

/* Everything is closed but one mapping; the vCPU outlives the VM's descriptor. */
static void lifetimes(void)
{
	volatile uint8_t *area;
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	close(m.vm);
	is(mini_run(&m), 0, "the VM's descriptor is closed, the vCPU runs");
	area = (volatile uint8_t *)m.vcpu.page;
	close(m.vcpu.fd);
	area[0] = 1;
	is(area[0], 1, "the area lives as long as its mapping");
	munmap((void *)area, m.vcpu.run_bytes);
	munmap(m.ram, MINI_BYTES);

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, 0xf4);
	munmap((void *)m.vcpu.page, m.vcpu.run_bytes);
	is(ioc(m.vcpu.fd, MYHV_VCPU_KICK, NULL), 0, "kick");
	is(ioc(m.vcpu.fd, MYHV_VCPU_RUN, NULL), -EINTR, "it runs without its area being mapped");
	close(m.vcpu.fd);
	close(m.vm);
	munmap(m.ram, MINI_BYTES);
}

static void cpuid(void)
{
	struct myhv_cpuid_entry entries[257] = { 0 }, back[256];
	uint32_t count = 256, few;
	struct mini m;
	int sys = sys_open();

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0x66, 0x31, 0xc0, 0x0f, 0xa2, 0xf4); /* cpuid 0; hlt */
	myhv_cpuid_supported(sys, entries, &count);
	close(sys);
	is(myhv_vcpu_cpuid_set(&m.vcpu, entries, count), 0, "set what is supported");
	few = 256;
	is(myhv_vcpu_cpuid_get(&m.vcpu, back, &few), 0, "get it back");
	is(few, count, "as many entries");
	ok(!memcmp(entries, back, 8 * sizeof(entries[0])), "the same ones");
	few = 1;
	is(myhv_vcpu_cpuid_get(&m.vcpu, back, &few), -E2BIG, "too small an array");
	is(few, count, "and the count is told");
	entries[count] = entries[0];
	is(myhv_vcpu_cpuid_set(&m.vcpu, entries, count + 1), -EINVAL, "an entry twice");
	is(myhv_vcpu_cpuid_set(&m.vcpu, entries, 257), -E2BIG, "too many");
	is(myhv_vcpu_cpuid_set(&m.vcpu, BAD_POINTER, 3), -EFAULT, "bad pointer");
	for (uint32_t i = 0; i < count; i++) {
		if (entries[i].function == 0)
			entries[i].ebx = 0x74736574;
	}
	is(myhv_vcpu_cpuid_set(&m.vcpu, entries, count), 0, "another vendor");
	is(mini_run(&m), 0, "run");
	is(myhv_vcpu_state_get(&m.vcpu, MYHV_STATE_GENERAL, m.vcpu.state), 0, "registers");
	is(m.vcpu.state->general.gpr[MYHV_RBX], 0x74736574, "the guest sees it");
	is(myhv_vcpu_cpuid_set(&m.vcpu, entries, count), -EBUSY, "too late after the first run");
	mini_close(&m);
}

static void msrs(void)
{
	struct myhv_msr set[3] = { { .index = 0xc0000082, .value = 0x1000 },
				   { .index = 0x12345678 },
				   { .index = 0xc0000083, .value = 0x2000 } };
	struct myhv_msr get[2] = { { .index = 0xc0000082 }, { .index = 0xc0000083 } };
	struct myhv_msrs arg = { .count = 1, .msrs = (uintptr_t)get };
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	is(myhv_vcpu_msrs_set(&m.vcpu, set, 3), 1, "the second is unknown: one done");
	is(myhv_vcpu_msrs_get(&m.vcpu, get, 2), 2, "read two");
	is(get[0].value, 0x1000, "the first was set");
	is(get[1].value, 0, "the third was not");
	set[0].value = 0x8000000000000000;
	is(myhv_vcpu_msrs_set(&m.vcpu, set, 1), 0, "a bad value is refused");
	arg.count = 1025;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MSRS_GET, &arg), -E2BIG, "too many");
	arg.count = 1;
	arg.flags = 1;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MSRS_GET, &arg), -EINVAL, "flags must be 0");
	arg.flags = 0;
	get[0].pad = 1;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MSRS_SET, &arg), -EINVAL, "padding must be 0");
	get[0].pad = 0;
	arg.msrs = (uintptr_t)BAD_POINTER;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MSRS_GET, &arg), -EFAULT, "bad pointer");
	mini_close(&m);
}

#define MSR_MCG_CAP 0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MC3_STATUS 0x40d
#define MCE_VAL (1ULL << 63)
#define MCE_UC (1ULL << 61)
#define MCG_MCIP 4

static uint64_t msr_of(struct mini *m, uint32_t index)
{
	struct myhv_msr msr = { .index = index };

	is(myhv_vcpu_msrs_get(&m->vcpu, &msr, 1), 1, "MSR %#x", index);
	return msr.value;
}

/* Errors for the guest: corrected, as #MC, and one too many. */
static void machine_checks(void)
{
	struct myhv_mce mce = { .status = MCE_VAL | 1, .addr = 0x1234, .bank = 3 };
	struct myhv_msr msr = { .index = MSR_MCG_CAP };
	struct mini m;
	uint64_t most = 0;

	/* mov eax, cr4; or al, MCE; mov cr4, eax; out 0xf4, al; out 0xf4, al */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0x0f, 0x20, 0xe0, 0x0c, 0x40, 0x0f, 0x22, 0xe0, 0xe6, 0xf4,
		  0xe6, 0xf4);
	/* vector 18 at 0:1100: out 0xf5, al */
	memcpy(m.ram + 4 * 18, (uint8_t[]){ 0x00, 0x11, 0, 0 }, 4);
	memcpy(m.ram + 0x1100, (uint8_t[]){ 0xe6, 0xf5 }, 2);
	check_sizes("VCPU_MCE", m.vcpu.fd, MYHV_VCPU_MCE, &mce, sizeof(mce), 0, true);
	is(msr_of(&m, MSR_MC3_STATUS) & 0xffff, 1, "a corrected error is in its bank");
	is(msr_of(&m, MSR_MC3_STATUS + 1), 0x1234, "with its address");
	mce.bank = 200;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MCE, &mce), -EINVAL, "no such bank");
	mce.bank = 3;
	mce.status = 0;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MCE, &mce), -EINVAL, "no valid error");
	mce.status = MCE_VAL;
	mce.pad[6] = 1;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MCE, &mce), -EINVAL, "padding must be 0");
	mce.pad[6] = 0;

	is(mini_run(&m), 0, "the guest switches machine checks on");
	is(m.vcpu.exit->io.port, 0xf4, "its first port");
	mce.status = MCE_VAL | MCE_UC | 2;
	mce.mcg_status = MCG_MCIP | 1;
	is(ioc(m.vcpu.fd, MYHV_VCPU_MCE, &mce), 0, "an uncorrected error");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->io.port, 0xf5, "#MC is taken");
	is(msr_of(&m, MSR_MCG_STATUS), MCG_MCIP | 1, "MCG_STATUS");
	is(msr_of(&m, MSR_MC3_STATUS), mce.status | 1ULL << 62, "the bank, with the overflow bit");
	is(ioc(m.vcpu.fd, MYHV_VCPU_MCE, &mce), 0, "another one before the end of the first");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_SHUTDOWN, "is too much");

	is(myhv_prop_get(m.vm, MYHV_PROP_MCG_CAP, &most), -ENOENT, "not a property of a VM");
	close(m.vm);
	m.vm = sys_open();
	is(myhv_prop_get(m.vm, MYHV_PROP_MCG_CAP, &most), 0, "the most for MCG_CAP");
	msr.value = most;
	is(myhv_vcpu_msrs_set(&m.vcpu, &msr, 1), 1, "can be set");
	msr.value = most + 1;
	is(myhv_vcpu_msrs_set(&m.vcpu, &msr, 1), 0, "and no more");
	mini_close(&m);
}

/* Every MSR that the list names can be read, and written back. */
static void msr_list(void)
{
	uint32_t indices[512], count = 512, good = 0;
	int sys = sys_open();
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, 0xf4);
	is(myhv_msr_indices(sys, indices, &count), 0, "the list");
	for (uint32_t i = 0; i < count; i++) {
		struct myhv_msr msr = { .index = indices[i] };

		if (myhv_vcpu_msrs_get(&m.vcpu, &msr, 1) == 1 &&
		    myhv_vcpu_msrs_set(&m.vcpu, &msr, 1) == 1)
			good++;
		else
			note("MSR %#x", indices[i]);
	}
	is(good, count, "each can be read and written back");
	close(sys);
	mini_close(&m);
}

/* The TSC as the guest reads it, and the host's before and after. */
struct tsc_reading {
	uint64_t before, guest, after;
};

static struct tsc_reading read_tsc(struct mini *m, struct myhv_vcpu_state *s)
{
	struct tsc_reading r = { .before = __builtin_ia32_rdtsc() };

	is(mini_run(m), 0, "the guest reads its TSC");
	r.after = __builtin_ia32_rdtsc();
	is(myhv_vcpu_state_get(&m->vcpu, MYHV_STATE_GENERAL, s), 0, "registers");
	r.guest = (uint32_t)s->general.gpr[MYHV_RAX] | s->general.gpr[MYHV_RDX] << 32;
	return r;
}

/* A guest's TSC of another frequency: as fast as asked for, and it never goes back. */
static void scaled_tsc(void)
{
	static const struct {
		unsigned int up, down;
	} ratios[] = { { 2, 1 }, { 1, 2 }, { 7, 5 }, { 1, 1 } };
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));
	struct tsc_reading last, a, b;
	uint64_t khz = 0, features = 0;
	int sys = sys_open();
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0x0f, 0x31, 0xf4, 0xeb, 0xfb); /* 1: rdtsc; hlt; jmp 1b */
	is(myhv_prop_get(sys, MYHV_PROP_CPU_FEATURES, &features), 0, "CPU features");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ, &khz), 0, "TSC frequency");
	if (!(features & MYHV_CPU_FEATURE_TSC_SCALING))
		is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ, 2 * khz), -EINVAL,
		   "this CPU cannot scale");
	last = read_tsc(&m, s);
	for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
		const double ratio = (double)ratios[i].up / ratios[i].down;
		double passed;

		if (ratio != 1 && !(features & MYHV_CPU_FEATURE_TSC_SCALING))
			continue;
		is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ,
				 khz * ratios[i].up / ratios[i].down),
		   0, "a TSC %.1f times as fast", ratio);
		a = read_tsc(&m, s);
		usleep(20000);
		b = read_tsc(&m, s);
		ok(a.guest >= last.guest, "goes on from where it was");
		/* the guest reads it somewhere between the host's readings */
		passed = b.guest - a.guest;
		ok(passed >= ratio * (b.before - a.after) * 0.999 &&
			   passed <= ratio * (b.after - a.before) * 1.001,
		   "%.0f ticks of the guest's in %llu to %llu of the host's", passed,
		   (unsigned long long)(b.before - a.after),
		   (unsigned long long)(b.after - a.before));
		last = b;
	}
	mini_close(&m);
	close(sys);
	free(s);
}

static void properties(void)
{
	struct mini m;
	uint64_t v;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_ID, &v), 0, "id");
	is(v, 0, "is 0");
	is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_ID, 1), -EPERM, "is read only");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ, &v), 0, "TSC frequency");
	is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ, v), 0, "its own value can be set");
	is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_TSC_KHZ, 0), -EINVAL, "0 cannot");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_TSC_OFFSET, &v), 0, "TSC offset");
	is(myhv_prop_set(m.vcpu.fd, MYHV_PROP_VCPU_TSC_OFFSET, v), 0, "can be set");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VM_ID, &v), -ENOENT, "a VM's property");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_EXITS, &v), 0, "exits");
	is(v, 0, "none yet");
	is(mini_run(&m), 0, "run");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_EXITS, &v), 0, "exits");
	ok(v >= 1, "counted");

	is(myhv_prop_get(m.vm, MYHV_PROP_VM_ID, &v), 0, "VM id");
	is(myhv_prop_get(m.vm, MYHV_PROP_VM_IRQCHIP, &v), 0, "VM chips");
	is(v, MYHV_IRQCHIP_NONE, "none");
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_IRQCHIP, 2), -EBUSY, "chips: too late");
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_BSP_ID, 0), -EBUSY, "boot processor: too late");
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_EXITS, 1ULL << 40), -EINVAL, "unknown kind of exits");
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_PV, 1ULL << 40), -EINVAL, "unknown PV feature");
	is(myhv_prop_get(m.vm, MYHV_PROP_VM_CLOCK_NS, &v), 0, "VM clock");
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_CLOCK_NS, v + 1000000000000), 0, "can be set");
	{
		uint64_t later;

		is(myhv_prop_get(m.vm, MYHV_PROP_VM_CLOCK_NS, &later), 0, "read again");
		ok(later >= v + 1000000000000 && later < v + 1100000000000, "runs from there");
	}
	mini_close(&m);
}

static void *run_until_kicked(void *arg)
{
	struct mini *m = arg;

	return (void *)(long)myhv_vcpu_run(&m->vcpu);
}

static void no_signal(int signal)
{
}

/* Who looks at counters does not wait for the vCPU, and a signal does not disturb other calls. */
static void counters_of_a_sleeper(void)
{
	struct sigaction act = { .sa_handler = no_signal };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t halts = 0, id = 1;
	unsigned int failed = 0, i;
	pthread_t thread;
	struct mini m;
	void *ret;

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, 0xf4);
	alarm(120); /* for who waits nevertheless */
	pthread_create(&thread, NULL, run_until_kicked, &m);
	while (!halts && !failed)
		failed = !!myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_HALTS, &halts);
	is(failed, 0, "a counter is read while the vCPU runs");
	is(myhv_prop_get(m.vcpu.fd, MYHV_PROP_VCPU_ID, &id), 0, "its id, while it sleeps");
	is(id, 0, "is 0");
	is(myhv_vcpu_kick(&m.vcpu), 0, "a kick");
	pthread_join(thread, &ret);
	is((long)ret, -EINTR, "ends the sleep");
	alarm(0);

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < 20000; i++)
		failed += myhv_prop_set(m.vm, MYHV_PROP_VM_CLOCK_NS, 1000) != 0;
	setitimer(ITIMER_REAL, &never, NULL);
	is(failed, 0, "no call is cut short by signals");
	mini_close(&m);
}

int main(void)
{
	creation();
	mapping();
	lifetimes();
	cpuid();
	msrs();
	machine_checks();
	msr_list();
	properties();
	counters_of_a_sleeper();
	scaled_tsc();
	return done_testing();
}
