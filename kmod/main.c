// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: choose the backend, prepare what all VMs share, show
 * /dev/myhv. Virtualization itself is switched on with the first VM (host/power.c).
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include "backend.h"
#include "core/ioctl.h"
#include "core/kick.h"
#include "core/mem_notifier.h"
#include "core/vm.h"
#include "host/host.h"
#include "introspect/introspect.h"

const struct myhv_backend *backend;
struct backend_caps backend_caps;

static const struct file_operations myhv_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = sys_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice myhv_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "myhv",
	.mode = 0660,
	.fops = &myhv_fops,
	.groups = introspect_device_groups,
};

/*
 * The vendor decides, not the feature bit: an AMD CPU on which the firmware has
 * switched SVM off wants to be told that, not that it lacks VMX.
 */
static int choose_backend(void)
{
	switch (boot_cpu_data.x86_vendor) {
	case X86_VENDOR_AMD:
	case X86_VENDOR_HYGON:
		backend = &svm_backend;
		break;
	case X86_VENDOR_INTEL:
	case X86_VENDOR_CENTAUR:
	case X86_VENDOR_ZHAOXIN:
		backend = &vmx_backend;
		break;
	default:
		pr_err("myhv: this CPU is not supported: VT-x or AMD-V is needed\n");
		return -ENODEV;
	}
	return backend->probe(&backend_caps);
}

static int __init myhv_init(void)
{
	int ret;

	ret = choose_backend();
	if (ret)
		return ret;
	ret = host_mitigations_init();
	if (ret)
		return ret;
	ret = host_fpu_init();
	if (ret)
		goto exit_mitigations;
	ret = kick_init();
	if (ret)
		goto exit_mitigations;
	ret = backend->setup();
	if (ret)
		goto exit_kick;
	ret = host_power_init();
	if (ret)
		goto teardown;
	ret = misc_register(&myhv_device);
	if (ret)
		goto exit_power;
	ret = introspect_init(myhv_device.this_device);
	if (ret)
		goto deregister;
	pr_info("myhv: ready, using %s\n", backend->name);
	return 0;

deregister:
	misc_deregister(&myhv_device);
exit_power:
	host_power_exit();
teardown:
	backend->teardown();
exit_kick:
	kick_exit();
exit_mitigations:
	host_mitigations_exit();
	return ret;
}

/* No descriptor is open: each holds the module. */
static void __exit myhv_exit(void)
{
	introspect_exit();
	misc_deregister(&myhv_device);
	host_power_exit();
	mem_notifier_exit();
	backend->teardown();
	kick_exit();
	host_mitigations_exit();
}

module_init(myhv_init);
module_exit(myhv_exit);

MODULE_DESCRIPTION("myhv, a hypervisor for x86");
MODULE_LICENSE("GPL");
