// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What else happens to a host with VMs: KVM wants the CPU's virtualization too, in both
 * orders, CPUs go away under running guests, and NMIs hit them.
 * hvlab-timeout: 600
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "api.h"
#include "klog.h"

#define CPU1_ONLINE "/sys/devices/system/cpu/cpu1/online"
#define COUNTER 0x2000
#define PATIENCE_MS 60000

static bool run_quietly(const char *command)
{
	char line[128];

	snprintf(line, sizeof(line), "%s >/dev/null 2>&1", command);
	return system(line) == 0;
}

/* ---- KVM ---- */

static const char *kvm_module;

static bool kvm_load(void)
{
	char command[64];

	snprintf(command, sizeof(command), "modprobe %s", kvm_module);
	return run_quietly(command);
}

static bool kvm_unload(void)
{
	char command[64];

	snprintf(command, sizeof(command), "modprobe -r %s", kvm_module);
	return run_quietly(command);
}

/* On some kernels VT-x is ours only for as long as a guest runs. */
static bool we_hold_the_cpus(void)
{
	FILE *f = fopen("/sys/module/myhv/parameters/vmx_window", "r");
	int window = f ? fgetc(f) : 'N';
	uint64_t backend = 0;
	int sys = sys_open();

	if (f)
		fclose(f);
	myhv_prop_get(sys, MYHV_PROP_BACKEND, &backend);
	close(sys);
	return backend != MYHV_BACKEND_VMX || window != 'Y';
}

static int kvm_vm(void)
{
	int sys = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	if (sys < 0)
		return -errno;
	vm = ioc(sys, KVM_CREATE_VM, NULL);
	close(sys);
	return vm;
}

static int myhv_vm(void)
{
	int sys = sys_open();
	int vm = myhv_vm_create(sys, MYHV_IRQCHIP_NONE, 0, "beside");

	close(sys);
	return vm;
}

/* The end of a VM may come a little after the close. */
static int until_free(int (*create)(void))
{
	int vm = -EBUSY;

	for (int ms = 0; vm == -EBUSY && ms < PATIENCE_MS; ms += 50) {
		vm = create();
		if (vm == -EBUSY)
			usleep(50000);
	}
	return vm;
}

/* Kernels since 6.12 take the CPUs when KVM is loaded, the older ones with the first VM. */
static void kvm_first(void)
{
	int kvm = kvm_vm(), vm;
	char who[32];

	ok(kvm >= 0, "KVM makes a VM (%d)", kvm);
	is(myhv_vm(), -EBUSY, "beside KVM's VM there is none of ours");
	snprintf(who, sizeof(who), "myhv: KVM (%s)", kvm_module);
	ok(logged(who, "holds the virtualization of CPU", "unload it"), "and the log says who it is");
	close(kvm);
	ok(kvm_unload(), "KVM goes");
	vm = until_free(myhv_vm);
	ok(vm >= 0, "after KVM we make a VM (%d)", vm);
	close(vm);
}

static void myhv_first(void)
{
	int vm = until_free(myhv_vm), second, kvm;

	ok(vm >= 0, "we make a VM (%d)", vm);
	kvm = kvm_load() ? kvm_vm() : -EBUSY;
	ok(kvm == -EBUSY || kvm == -ENODEV || kvm == -ENOENT, "KVM has to stay away (%d)", kvm);
	second = myhv_vm();
	ok(second >= 0, "which does not keep us from a second VM (%d)", second);
	close(vm);
	kvm = kvm_load() ? kvm_vm() : -EBUSY;
	ok(kvm < 0, "one VM is enough to keep KVM away (%d)", kvm);
	close(second);
	kvm_unload();
	for (int ms = 0; ms < PATIENCE_MS && !kvm_load(); ms += 50)
		usleep(50000);
	kvm = until_free(kvm_vm);
	ok(kvm >= 0, "without a VM of ours KVM makes one (%d)", kvm);
	close(kvm);
	ok(kvm_unload(), "KVM goes");
}

/* Nobody is kept away: whoever comes while the other is at it is refused, and that is all. */
static void kvm_second(void)
{
	static const uint8_t hlt = 0xf4;
	int kvm, r;
	struct mini m;

	mini_open(&m, MYHV_IRQCHIP_NONE, &hlt, 1);
	kvm = kvm_load() ? kvm_vm() : -EBUSY;
	ok(kvm >= 0, "KVM makes a VM beside ours (%d)", kvm);
	r = mini_run(&m);
	is(r, 0, "our vCPU comes back");
	is(m.vcpu.exit->reason, MYHV_EXIT_FAIL_ENTRY, "and cannot be entered");
	close(kvm);
	ok(kvm_unload(), "KVM goes");
	is(mini_run(&m), 0, "our vCPU runs");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	mini_close(&m);
}

/* ---- CPU hotplug ---- */

static bool cpu1_set(bool online)
{
	int fd = open(CPU1_ONLINE, O_WRONLY);
	bool done = fd >= 0 && write(fd, online ? "1" : "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

struct spinner {
	struct mini mini;
	volatile bool stop;
	int result;
};

static void *spin(void *arg)
{
	struct spinner *s = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	do
		s->result = myhv_vcpu_run(&s->mini.vcpu);
	while (s->result == -EINTR && !s->stop);
	return NULL;
}

static bool guest_advances(const struct spinner *s)
{
	const volatile uint32_t *counter = (const void *)(s->mini.ram + COUNTER);
	uint32_t before = *counter;

	for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
		if (*counter != before)
			return true;
		usleep(5000);
	}
	return false;
}

static void spinning_guest(void)
{
	struct spinner s = { 0 };
	pthread_t thread;

	/* 1: incw COUNTER; jmp 1b */
	MINI_OPEN(&s.mini, MYHV_IRQCHIP_FULL, 0xff, 0x06, 0x00, 0x20, 0xeb, 0xfa);
	pthread_create(&thread, NULL, spin, &s);
	ok(guest_advances(&s), "a guest spins on CPU 1");
	for (int i = 0; i < 5; i++) {
		ok(cpu1_set(false), "CPU 1 goes offline");
		ok(guest_advances(&s), "the guest goes on elsewhere");
		ok(cpu1_set(true), "CPU 1 comes back");
		ok(guest_advances(&s), "the guest still goes on");
	}
	s.stop = true;
	myhv_vcpu_kick(&s.mini.vcpu);
	pthread_join(thread, NULL);
	is(s.result, -EINTR, "it ran until the kick");
	mini_close(&s.mini);
}

/* ---- NMIs ---- */

static unsigned long nmis_of_cpu1(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	unsigned long n = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " NMI: %*u %lu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static unsigned long nmi_exits(const struct mini *m)
{
	unsigned long n = 0;
	char path[128], line[128];
	uint64_t id = 0;
	FILE *f;

	myhv_prop_get(m->vm, MYHV_PROP_VM_ID, &id);
	snprintf(path, sizeof(path), "/sys/class/misc/myhv/vms/%u/vcpus/0/exits_by_reason",
		 (unsigned int)id);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nmi %lu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/* SysRq-l asks every CPU for a backtrace, by NMI. */
static void nmis_in_guest(void)
{
	int trigger = open("/proc/sysrq-trigger", O_WRONLY);
	struct spinner s = { 0 };
	unsigned long before;
	pthread_t thread;

	if (trigger < 0) {
		note("no SysRq");
		return;
	}
	MINI_OPEN(&s.mini, MYHV_IRQCHIP_FULL, 0xff, 0x06, 0x00, 0x20, 0xeb, 0xfa);
	pthread_create(&thread, NULL, spin, &s);
	ok(guest_advances(&s), "a guest spins on CPU 1");
	before = nmis_of_cpu1();
	/* the guest's process may be away when one comes */
	for (int i = 0; i < 20 || (i < 500 && !nmi_exits(&s.mini)); i++) {
		if (write(trigger, "l", 1) != 1)
			break;
		usleep(20000);
	}
	ok(nmis_of_cpu1() > before, "the host took %lu NMIs there", nmis_of_cpu1() - before);
	ok(nmi_exits(&s.mini) > 0, "%lu of them ended guest mode", nmi_exits(&s.mini));
	ok(guest_advances(&s), "the guest goes on");
	s.stop = true;
	myhv_vcpu_kick(&s.mini.vcpu);
	pthread_join(thread, NULL);
	is(s.result, -EINTR, "it ran until the kick");
	mini_close(&s.mini);
	close(trigger);
}

static void run_on_cpu1(const char *what)
{
	struct mini m;
	cpu_set_t cpus, all;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	is(sched_setaffinity(0, sizeof(cpus), &cpus), 0, "this thread is on CPU 1");
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xe6, 0x80); /* out %al, $0x80 */
	is(mini_run(&m), 0, "%s", what);
	is(m.vcpu.exit->reason, MYHV_EXIT_IO, "and exits as it should");
	mini_close(&m);
	sched_setaffinity(0, sizeof(all), &all);
}

static void vm_over_hotplug(void)
{
	int vm;

	ok(cpu1_set(false), "CPU 1 goes offline without a VM");
	vm = until_free(myhv_vm);
	ok(vm >= 0, "a VM is made meanwhile");
	ok(cpu1_set(true), "CPU 1 comes back");
	run_on_cpu1("a vCPU runs on the CPU that was away when the first VM was made");
	close(vm);
	ok(cpu1_set(false) && cpu1_set(true), "CPU 1 goes and comes without a VM");
	run_on_cpu1("and runs the vCPU of a new VM");
}

int main(void)
{
	close(sys_open());
	if (!getenv("MYHV_LAB"))
		skip_all("this takes KVM and CPUs away from whoever uses them");
	kvm_module = "kvm_amd";
	if (!kvm_load() || access("/dev/kvm", R_OK))
		kvm_module = "kvm_intel";
	if (kvm_load() && !access("/dev/kvm", R_OK)) {
		kvm_first();
		if (we_hold_the_cpus())
			myhv_first();
		else
			kvm_second();
	} else {
		note("no KVM here");
	}
	if (access(CPU1_ONLINE, W_OK)) {
		note("no CPU to take away");
	} else {
		spinning_guest();
		nmis_in_guest();
		vm_over_hotplug();
	}
	return done_testing();
}
