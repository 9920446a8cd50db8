// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware virtualization on all CPUs: on with the first VM, off with the last, and
 * off on each CPU before it goes away (hotplug, suspend, reboot, kexec).
 *
 * Lock order: cpus_read_lock(), then power.lock; the hotplug callbacks come with the former
 * held for writing.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include "backend.h"
#include "compat/compat.h"
#include "compat/syscore.h"
#include "host/host.h"
#include "host/host_cpu.h"

DEFINE_PER_CPU(u64, host_tsc_aux);

static struct {
	struct mutex lock;
	unsigned int users;
	bool going_down; /* reboot has begun: nothing is switched on any more */
	enum cpuhp_state hotplug;
} power = {
	.lock = __MUTEX_INITIALIZER(power.lock),
};

/* ---- one CPU, IRQs off ---- */

struct enable_result {
	atomic_t error;
	atomic_t cpu;
};

static void enable_here(void *arg)
{
	struct enable_result *result = arg;
	int ret = backend->cpu_enable();

	if (ret) {
		atomic_set(&result->cpu, raw_smp_processor_id());
		atomic_set(&result->error, ret);
	}
}

static void disable_here(void *unused)
{
	backend->cpu_disable();
}

/* ---- who else? ---- */

/*
 * The modules that switch virtualization on, found by their sysfs directories: a
 * hypervisor that is built in has one too.
 */
static const char *other_hypervisor(void)
{
	static const char *const known[][2] = {
		{ "/sys/module/kvm_amd", "KVM (kvm_amd)" },
		{ "/sys/module/kvm_intel", "KVM (kvm_intel)" },
		{ "/sys/module/vboxdrv", "VirtualBox (vboxdrv)" },
		{ "/sys/module/vmmon", "VMware (vmmon)" },
	};
	struct path path;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (kern_path(known[i][0], 0, &path))
			continue;
		path_put(&path);
		return known[i][1];
	}
	return "another hypervisor";
}

static void report_failure(const struct enable_result *result)
{
	int error = atomic_read(&result->error);

	if (error == -EBUSY)
		pr_err_ratelimited("myhv: %s holds the virtualization of CPU %d: stop its VMs, or unload it\n",
				   other_hypervisor(), atomic_read(&result->cpu));
	else
		pr_err_ratelimited("myhv: virtualization cannot be switched on on CPU %d: error %d\n",
				   atomic_read(&result->cpu), error);
}

/* ---- first VM, last VM ---- */

static int enable_all(void)
{
	struct enable_result result = { .error = ATOMIC_INIT(0) };

	lockdep_assert_held(&power.lock);
	on_each_cpu(enable_here, &result, 1);
	if (!atomic_read(&result.error))
		return 0;
	on_each_cpu(disable_here, NULL, 1);
	report_failure(&result);
	return atomic_read(&result.error);
}

int host_power_get(void)
{
	int ret = 0;

	cpus_read_lock();
	mutex_lock(&power.lock);
	if (power.going_down)
		ret = -EBUSY;
	else if (!power.users)
		ret = enable_all();
	if (!ret)
		power.users++;
	mutex_unlock(&power.lock);
	cpus_read_unlock();
	return ret;
}

void host_power_put(void)
{
	cpus_read_lock();
	mutex_lock(&power.lock);
	if (!--power.users)
		on_each_cpu(disable_here, NULL, 1);
	mutex_unlock(&power.lock);
	cpus_read_unlock();
}

/* ---- CPUs that come and go ---- */

static int power_cpu_online(unsigned int cpu)
{
	struct enable_result result = { .error = ATOMIC_INIT(0) };

	mutex_lock(&power.lock);
	if (power.users && !power.going_down) {
		local_irq_disable();
		enable_here(&result);
		local_irq_enable();
	}
	mutex_unlock(&power.lock);
	if (atomic_read(&result.error))
		report_failure(&result);
	return atomic_read(&result.error);
}

/* No vCPU thread runs here any more: the scheduler has pushed them off the CPU before. */
static int power_cpu_offline(unsigned int cpu)
{
	mutex_lock(&power.lock);
	local_irq_disable();
	disable_here(NULL);
	local_irq_enable();
	mutex_unlock(&power.lock);
	return 0;
}

/* ---- suspend: the last CPU, IRQs off, everybody else frozen ---- */

static int power_suspend(void *unused)
{
	disable_here(NULL);
	return 0;
}

static void power_resume(void *unused)
{
	struct enable_result result = { .error = ATOMIC_INIT(0) };

	if (!power.users || power.going_down)
		return;
	enable_here(&result); /* a vCPU that finds it off fails its run */
	if (atomic_read(&result.error))
		pr_err("myhv: virtualization cannot be switched on again after resume\n");
}

static const struct syscore_ops power_syscore_ops = {
	.suspend = power_suspend,
	.resume = power_resume,
};

static struct syscore power_syscore = {
	.ops = &power_syscore_ops,
};

/* ---- reboot and kexec: vCPU threads may still run, and find it switched off ---- */

static int power_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	cpus_read_lock();
	mutex_lock(&power.lock);
	power.going_down = true;
	on_each_cpu(disable_here, NULL, 1);
	mutex_unlock(&power.lock);
	cpus_read_unlock();
	return NOTIFY_OK;
}

static struct notifier_block power_reboot_nb = {
	.notifier_call = power_reboot,
};

/* ---- module ---- */

int __init host_power_init(void)
{
	int ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "myhv:online", power_cpu_online,
					    power_cpu_offline);

	if (ret < 0)
		return ret;
	power.hotplug = ret;
	register_syscore(&power_syscore);
	register_reboot_notifier(&power_reboot_nb);
	return 0;
}

void host_power_exit(void)
{
	unregister_reboot_notifier(&power_reboot_nb);
	unregister_syscore(&power_syscore);
	cpuhp_remove_state_nocalls(power.hotplug);
}
