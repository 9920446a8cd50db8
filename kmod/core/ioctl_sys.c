// SPDX-License-Identifier: GPL-2.0-only
/* Calls on /dev/myhv, and what all three kinds of descriptors share. */
#include <linux/ctype.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>
#include "core/ioctl.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "host/host.h"

/* ---- shared ---- */

/* Large enough for every argument; on the stack. */
union ioctl_args {
	u64 align;
	u8 bytes[sizeof(struct myhv_chip)];
};

const struct ioctl_call *ioctl_find(const struct ioctl_call *table, unsigned int count,
				    unsigned int first, unsigned int cmd)
{
	const struct ioctl_call *call;
	unsigned int i = _IOC_NR(cmd) - first;

	if (_IOC_TYPE(cmd) != MYHV_IOC_MAGIC || i >= count)
		return NULL;
	call = &table[array_index_nospec(i, count)];
	/* the size may differ: structs grow */
	if (!call->cmd || _IOC_DIR(call->cmd) != _IOC_DIR(cmd))
		return NULL;
	return call;
}

long ioctl_invoke(const struct ioctl_call *call, void *object, unsigned int cmd, unsigned long arg)
{
	unsigned int size = _IOC_SIZE(cmd), known = _IOC_SIZE(call->cmd);
	void __user *user = (void __user *)arg;
	union ioctl_args args;
	long ret, err;

	if (size < call->min_bytes)
		return -EINVAL;
	if (WARN_ON_ONCE(known > sizeof(args)))
		return -EINVAL;
	if (known) {
		err = copy_struct_from_user(&args, known, user, size);
		if (err)
			return err;
	}
	ret = call->fn(object, &args);
	if ((ret >= 0 || ret == -E2BIG) && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(user, &args, min(size, known)))
		return -EFAULT;
	return ret;
}

void *ioctl_array(u64 user, u32 count, size_t size)
{
	void *array = kvmalloc_array(max(count, 1U), size, GFP_KERNEL_ACCOUNT);

	if (!array)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(array, u64_to_user_ptr(user), count * size)) {
		kvfree(array);
		return ERR_PTR(-EFAULT);
	}
	return array;
}

/* ---- properties ---- */

static int sys_prop_value(u32 id, u64 *value)
{
	switch (id) {
	case MYHV_PROP_API_VERSION:
		*value = MYHV_API_VERSION;
		return 0;
	case MYHV_PROP_BACKEND:
		*value = backend->id;
		return 0;
	case MYHV_PROP_MAX_VCPUS:
		*value = MYHV_MAX_VCPUS;
		return 0;
	case MYHV_PROP_MAX_VCPU_ID:
		*value = MYHV_MAX_VCPU_ID;
		return 0;
	case MYHV_PROP_MAX_MEM_REGIONS:
		*value = MYHV_MAX_MEM_REGIONS;
		return 0;
	case MYHV_PROP_GPA_BITS:
		*value = backend_caps.gpa_bits;
		return 0;
	case MYHV_PROP_SLAT_LEVELS:
		*value = backend_caps.slat_format.levels;
		return 0;
	case MYHV_PROP_RUN_AREA_BYTES:
		*value = VCPU_RUN_PAGES * PAGE_SIZE;
		return 0;
	case MYHV_PROP_XSAVE_BYTES:
		*value = host_fpu_bytes();
		return 0;
	case MYHV_PROP_XCR0:
		*value = host_fpu_xcr0();
		return 0;
	case MYHV_PROP_TSC_KHZ:
		*value = tsc_khz;
		return 0;
	case MYHV_PROP_UCODE_REV:
		*value = msr_ucode_rev();
		return 0;
	case MYHV_PROP_ARCH_CAPABILITIES:
		*value = msr_arch_capabilities();
		return 0;
	case MYHV_PROP_IRQ_ROUTES:
		*value = MYHV_MAX_IRQ_ROUTES;
		return 0;
	case MYHV_PROP_CPU_FEATURES:
		*value = backend_caps.features;
		return 0;
	case MYHV_PROP_MCG_CAP:
		*value = MCG_CAP_MOST;
		return 0;
	}
	return -ENOENT;
}

static long sys_prop_get(void *object, void *args)
{
	struct myhv_prop *prop = args;

	if (prop->flags)
		return -EINVAL;
	return sys_prop_value(prop->id, &prop->value);
}

static long sys_prop_set(void *object, void *args)
{
	struct myhv_prop *prop = args;
	int ret;

	if (prop->flags)
		return -EINVAL;
	ret = sys_prop_value(prop->id, &prop->value);
	return ret ? ret : -EPERM;
}

/* ---- VM creation ---- */

/* Shown in sysfs and logs: printable, terminated, and nothing behind the end. */
static bool name_is_valid(const char name[32])
{
	size_t len = strnlen(name, 32), i;

	if (len == 32)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isprint(name[i]) || name[i] == '/')
			return false;
	return !memchr_inv(name + len, 0, 32 - len);
}

static long sys_vm_create(void *object, void *args)
{
	struct myhv_vm_create *create = args;
	struct myhv_vm *vm;
	int fd;

	if (create->flags & ~MYHV_VM_PIT || create->irqchip > MYHV_IRQCHIP_FULL ||
	    !name_is_valid(create->name))
		return -EINVAL;
	if ((create->flags & MYHV_VM_PIT) && create->irqchip != MYHV_IRQCHIP_FULL)
		return -EINVAL;
	vm = vm_create(create);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = vm_open_fd(vm);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

/* ---- lists ---- */

static long sys_cpuid_supported(void *object, void *args)
{
	struct myhv_cpuid_list *list = args;
	struct myhv_cpuid_entry *entries;
	u32 room = list->count, count;
	long ret = 0;

	if (list->flags)
		return -EINVAL;
	count = cpuid_supported(NULL, 0);
	list->count = count;
	if (count > room)
		return -E2BIG;
	entries = kvcalloc(count, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	cpuid_supported(entries, count);
	if (copy_to_user(u64_to_user_ptr(list->entries), entries, count * sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	return ret;
}

static long sys_msr_indices(void *object, void *args)
{
	struct myhv_msr_list *list = args;
	u32 room = list->count, count, *indices;
	long ret = 0;

	if (list->flags)
		return -EINVAL;
	count = msr_indices(NULL, 0);
	list->count = count;
	if (count > room)
		return -E2BIG;
	indices = kvcalloc(count, sizeof(*indices), GFP_KERNEL);
	if (!indices)
		return -ENOMEM;
	msr_indices(indices, count);
	if (copy_to_user(u64_to_user_ptr(list->indices), indices, count * sizeof(*indices)))
		ret = -EFAULT;
	kvfree(indices);
	return ret;
}

#define SYS_FIRST 0x00
static const struct ioctl_call sys_calls[] = {
	IOCTL_CALL(SYS_FIRST, MYHV_PROP_GET, struct myhv_prop, sys_prop_get),
	IOCTL_CALL(SYS_FIRST, MYHV_PROP_SET, struct myhv_prop, sys_prop_set),
	IOCTL_CALL(SYS_FIRST, MYHV_VM_CREATE, struct myhv_vm_create, sys_vm_create),
	IOCTL_CALL(SYS_FIRST, MYHV_CPUID_SUPPORTED, struct myhv_cpuid_list, sys_cpuid_supported),
	IOCTL_CALL(SYS_FIRST, MYHV_MSR_INDICES, struct myhv_msr_list, sys_msr_indices),
};

long sys_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_call *call =
		ioctl_find(sys_calls, ARRAY_SIZE(sys_calls), SYS_FIRST, cmd);

	return call ? ioctl_invoke(call, NULL, cmd, arg) : -ENOTTY;
}
